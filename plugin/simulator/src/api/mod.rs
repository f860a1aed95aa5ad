//! 360dialog's API: what is asked is written down, perhaps goes wrong on purpose, and is answered as 360dialog does.

pub(crate) mod block;
pub(crate) mod health;
pub(crate) mod media;
pub(crate) mod messages;
pub(crate) mod profile;
pub(crate) mod templates;
pub(crate) mod webhooks;

use std::panic::resume_unwind;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State as Lent};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::api::messages::errors::refused;
use crate::fault::Fault;
use crate::refusal::Refusal;
use crate::request::{KEY, Reply, Seen};
use crate::simulator::{Flavour, Shared};
use crate::state::State;

/// The largest request, in bytes: 100 MB of media (360dialog, media: "max size 100 MB overall") and what is around them. That
/// a larger one is answered with 413 is assumed; it is not written down.
const LARGEST: usize = 101 << 20;

/// Answers a request to the API.
pub(crate) async fn answer(Lent(shared): Lent<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    // Apart from the connection: what was asked is done, whether somebody still waits for the answer or not.
    match tokio::spawn(answered(shared, head, body)).await {
        Ok(Some(reply)) => reply.into_response(),
        // It ends the task that serves the connection, and with it the connection. Unlike a panic it says nothing.
        _ => resume_unwind(Box::new("cut")),
    }
}

/// The answer to a request; none where the connection is to be cut.
async fn answered(shared: Arc<Shared>, head: Parts, body: Bytes) -> Option<Reply> {
    let (seen, plan) = shared.change(|state| {
        let address = (head.uri.path(), head.uri.query().unwrap_or_default());
        let seen = state.saw(head.method, address, head.headers, body);
        let plan = state.faults.plan(&seen.path);
        (seen, plan)
    });
    tokio::time::sleep(plan.latency).await;
    let reply = match plan.instead {
        None => reply(&shared, &seen).await,
        Some(fault) => {
            if let Fault::Status { done: true, .. } | Fault::Cut { done: true } = fault {
                reply(&shared, &seen).await;
            }
            match fault {
                Fault::Status { status, body, .. } => Reply::json(status.0, &body),
                Fault::GatewayLimit {} => gateway_limit().into(),
                Fault::Refused { code } => refused(code, "A fault was asked for").into(),
                _ => return None,
            }
        }
    };
    shared.change(|state| state.answered(seen.sequence, reply.status.as_u16()));
    Some(reply)
}

/// 360dialog's limit of requests, which answers with 400 (360dialog, API error message list).
pub(crate) fn gateway_limit() -> Refusal {
    let sentence = "You have exceeded the endpoint rate limit.";
    Refusal::gateway(StatusCode::BAD_REQUEST, sentence)
}

async fn reply(shared: &Shared, seen: &Seen) -> Reply {
    let uploaded = match seen.line().as_str() {
        "POST /media" => Some(media::read(seen).await),
        _ => None,
    };
    let answered = shared.change(|state| {
        authorise(state, seen)?;
        match uploaded {
            Some(uploaded) if state.options.flavour == Flavour::Cloud => {
                media::upload(state, uploaded?)
            }
            _ => route(state, seen),
        }
    });
    answered.unwrap_or_else(Reply::from)
}

/// 401 on a bad key (360dialog, API error message list). That it is looked at before the path is assumed.
fn authorise(state: &State, seen: &Seen) -> Result<(), Refusal> {
    if seen.header(KEY) == Some(state.options.api_key.as_str()) {
        return Ok(());
    }
    Err(Refusal::gateway(
        StatusCode::UNAUTHORIZED,
        "Invalid api_key",
    ))
}

fn route(state: &mut State, seen: &Seen) -> Result<Reply, Refusal> {
    let segments: Vec<_> = seen.path.trim_matches('/').split('/').collect();
    let method = seen.method.as_str();
    let (cloud, sandbox) = match state.options.flavour {
        Flavour::Cloud => (true, false),
        Flavour::Sandbox => (false, true),
        Flavour::OnPremise => (false, false),
    };
    match (method, segments.as_slice()) {
        (_, ["v1", "configs", "webhook"]) => webhooks::number(state, seen),
        ("POST", ["v1", "messages"]) if sandbox => {
            messages::accept_in_sandbox(state, &object(seen)?)
        }
        _ if sandbox => Err(not_found()),
        (_, ["v1", "configs", "templates", rest @ ..]) => templates::configs(state, seen, rest),
        ("GET", ["v1", "health"]) if !cloud => Ok(health::on_premise()),
        (_, ["waba_webhook"]) if cloud => webhooks::account(state, seen),
        ("GET", ["health_status"]) if cloud => Ok(health::status(state, seen)),
        ("POST", ["messages"]) if cloud => messages::accept(state, &object(seen)?),
        (_, ["message_templates", rest @ ..]) if cloud => templates::graph(state, seen, rest),
        (_, ["whatsapp_business_profile"]) if cloud => profile::profile(state, seen),
        (_, ["block_users"]) if cloud => block::users(state, seen),
        ("GET", ["whatsapp_business", "attachments"]) if cloud => media::download(state, seen),
        ("GET" | "DELETE", [id]) if cloud && is_media_id(id) => media::one(state, method, id),
        _ => Err(not_found()),
    }
}

/// Meta's ids are digits (Cloud API, media); the other addresses of one segment are words.
fn is_media_id(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|it| it.is_ascii_digit())
}

/// Assumed: what 360dialog says to an address that it does not have.
pub(crate) fn not_found() -> Refusal {
    Refusal::Own {
        status: StatusCode::NOT_FOUND,
        error: "Not found".to_owned(),
    }
}

/// The body, which must be a JSON object (Cloud API, error codes: 100).
pub(crate) fn object(seen: &Seen) -> Result<Value, Refusal> {
    let body = seen.json();
    if body.is_object() {
        return Ok(body);
    }
    let details = "The request's body is no JSON object";
    Err(Refusal::graph(
        StatusCode::BAD_REQUEST,
        100,
        "Invalid parameter",
        details,
    ))
}
