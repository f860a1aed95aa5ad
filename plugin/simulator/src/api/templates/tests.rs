mod checks;
mod configs;
mod graph;
mod review;

use axum::body::to_bytes;
use axum::http::{HeaderMap, Method};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::api::templates;
use crate::refusal::Refusal;
use crate::request::{Reply, Seen};
use crate::simulator::{Flavour, Options};
use crate::state::State;

const CONFIGS: &str = "/v1/configs/templates";
const GRAPH: &str = "/message_templates";

fn state(flavour: Flavour) -> State {
    let mut state = State::new(Options {
        flavour,
        ..Options::default()
    });
    state.clock.freeze();
    state
}

fn cloud() -> State {
    state(Flavour::Cloud)
}

type Room = fn(&mut State, &Seen, &[&str]) -> Result<Reply, Refusal>;

/// Asks as a client would. Returns status and body of the answer.
fn ask(state: &mut State, method: Method, address: &str, body: &Value) -> (u16, Value) {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let (room, rest): (Room, _) = match path.strip_prefix(CONFIGS) {
        Some(rest) => (templates::configs, rest),
        None => (templates::graph, path.strip_prefix(GRAPH).unwrap()),
    };
    let rest: Vec<_> = rest.split('/').filter(|it| !it.is_empty()).collect();
    let body = body.to_string().into();
    let seen = state.saw(method, (path, query), HeaderMap::new(), body);
    let reply = room(state, &seen, &rest).unwrap_or_else(Reply::from);
    let response = reply.into_response();
    let status = response.status().as_u16();
    let runtime = Builder::new_current_thread().build().unwrap();
    let body = runtime.block_on(to_bytes(response.into_body(), usize::MAX));
    (status, serde_json::from_slice(&body.unwrap()).unwrap())
}

fn get(state: &mut State, address: &str) -> (u16, Value) {
    ask(state, Method::GET, address, &Value::Null)
}

fn post(state: &mut State, address: &str, body: &Value) -> (u16, Value) {
    ask(state, Method::POST, address, body)
}

fn delete(state: &mut State, address: &str) -> (u16, Value) {
    ask(state, Method::DELETE, address, &Value::Null)
}

fn body(text: &str) -> Value {
    json!([{"type": "BODY", "text": text}])
}

fn template(name: &str, language: &str) -> Value {
    let components = body("Your order is on its way.");
    json!({"name": name, "language": language, "category": "UTILITY", "components": components})
}

/// Adds approved templates, without components.
fn add(state: &mut State, templates: &[(&str, &str)]) {
    for (name, language) in templates {
        state.add_template(name, language, "UTILITY", Vec::new());
    }
}

fn done() -> (u16, Value) {
    (200, json!({"success": true}))
}

/// How Meta refuses, with a subcode.
fn refused(subcode: u32, sentence: &str) -> (u16, Value) {
    let error = json!({
        "message": "(#100) Invalid parameter",
        "type": "OAuthException",
        "code": 100,
        "error_data": {"messaging_product": "whatsapp", "details": sentence},
        "fbtrace_id": "SimulatorTraceId",
        "error_subcode": subcode,
        "is_transient": false,
        "error_user_title": "Invalid parameter",
        "error_user_msg": sentence,
    });
    (400, json!({"error": error}))
}

/// How 360dialog refuses.
fn detailed(sentence: &str) -> (u16, Value) {
    let meta = json!({
        "success": false,
        "http_code": 400,
        "developer_message": "Invalid parameter",
        "details": [sentence],
    });
    (400, json!({"meta": meta}))
}

/// What Meta's refusal says.
fn sentence((_, answer): &(u16, Value)) -> &str {
    let details = &answer["error"]["error_data"]["details"];
    details.as_str().unwrap_or_default()
}
