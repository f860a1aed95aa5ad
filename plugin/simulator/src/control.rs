//! The control API: who plays the customers, the reviewer, the clock and the network.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{self, State as Lent};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use crate::customer::{Act, ActError, Who};
use crate::delivery::{Delivery, is_loopback, millis};
use crate::fault::Rule;
use crate::request::readable;
use crate::reviewer::{Decision, ReviewError};
use crate::simulator::Shared;
use crate::state::State;

/// The largest request, in bytes: as large a file as 360dialog takes, as text.
const LARGEST: usize = 140 << 20;

/// `POST /simulator/customers`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Acting {
    pub(crate) who: Who,
    #[serde(flatten)]
    pub(crate) act: Act,
}

/// `POST /simulator/templates/{name}/review`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Review {
    pub(crate) language: Option<String>,
    #[serde(flatten)]
    pub(crate) decision: Decision,
}

/// `POST /simulator/clock`.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockChange {
    /// In seconds.
    pub(crate) advance: Option<u64>,
    pub(crate) frozen: Option<bool>,
}

/// Why something is not done, as problem details (RFC 9457).
#[derive(Debug)]
struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, detail }
    }
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

impl From<ReviewError> for Problem {
    fn from(error: ReviewError) -> Self {
        let status = match error {
            ReviewError::Unknown(_) => StatusCode::NOT_FOUND,
            ReviewError::Ambiguous(_) | ReviewError::Impossible { .. } => StatusCode::CONFLICT,
            ReviewError::Reason(_) | ReviewError::Category { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let problem = json!({
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let content_type = [(CONTENT_TYPE, "application/problem+json")];
        (self.status, content_type, problem.to_string()).into_response()
    }
}

/// The control API, below `/simulator`.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new().fallback(answer)
}

async fn answer(
    Lent(shared): Lent<Arc<Shared>>,
    request: extract::Request,
) -> Result<Response, Problem> {
    if !is_of_this_machine(request.headers()) {
        let detail = "only programs on this machine play here, no web pages";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let (head, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await;
    let body = body.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let request = Request::from_parts(head, body);
    let answer = shared.change(|state| route(state, &request))?;
    Ok(axum::Json(answer).into_response())
}

/// A page's requests name its origin; and where a name of its own is led here, they name that as the host.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let url = host.and_then(|host| Url::parse(&format!("http://{host}")).ok());
    url.is_some_and(|url| is_loopback(&url)) && !headers.contains_key(ORIGIN)
}

fn route(state: &mut State, request: &Request<Bytes>) -> Result<Value, Problem> {
    let path = request.uri().path();
    let segments: Vec<_> = path.trim_matches('/').split('/').collect();
    let body = request.body();
    let answer = match (request.method().as_str(), segments.as_slice()) {
        ("GET", [""]) => overview(state),
        ("GET", ["customers"]) => json!(state.customers.all()),
        ("POST", ["customers"]) => {
            let Acting { who, act } = read(body)?;
            json!({"id": state.act(&who, act)?})
        }
        ("GET", ["templates"]) => json!(state.templates.all()),
        ("POST", ["templates", name, "review"]) => {
            let Review { language, decision } = read(body)?;
            state.decide(name, language.as_deref(), decision)?;
            let templates = state.templates.all().iter();
            json!(templates.filter(|it| it.name == *name).collect::<Vec<_>>())
        }
        ("GET", ["clock"]) => clock(state),
        ("POST", ["clock"]) => {
            change_clock(state, &read(body)?)?;
            clock(state)
        }
        ("GET", ["faults"]) => json!(state.faults.rules()),
        ("POST", ["faults"]) => {
            let rule: Rule = read(body)?;
            if rule.path.is_some() && !rule.fault.is_of_requests() {
                let detail = "only what goes wrong with requests has a path";
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
            }
            state.faults.add(rule);
            json!(state.faults.rules())
        }
        ("DELETE", ["faults"]) => {
            state.clear_faults();
            json!(state.faults.rules())
        }
        ("GET", ["requests"]) => requests(state, request.uri().query())?,
        ("GET", ["messages"]) => json!(state.messages.all()),
        ("GET", ["deliveries"]) => state.deliveries.iter().map(delivery).collect(),
        ("POST", ["deliveries"]) => {
            registered(state)?;
            json!({"id": state.deliver(body.clone(), false)})
        }
        ("POST", ["deliveries", id, "again"]) => {
            registered(state)?;
            let id = id.parse().ok().filter(|id| state.redeliver(*id));
            let unknown = || Problem::new(StatusCode::NOT_FOUND, "there is no such delivery");
            json!({"id": id.ok_or_else(unknown)?})
        }
        (method, _) => {
            let detail = format!("there is no {method} /simulator{path}");
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        }
    };
    Ok(answer)
}

/// Reads JSON: 400 where it is none, 422 where it is something else than what is asked for.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let status = match error.classify() {
            serde_json::error::Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        };
        Problem::new(status, error.to_string())
    })
}

/// What it stands for, and where webhooks go. Their headers are secrets.
fn overview(state: &State) -> Value {
    let (number, account) = (&state.webhook, &state.account_webhook);
    json!({
        "number": state.options.number,
        "flavour": state.options.flavour,
        "webhook": number.as_ref().map(|webhook| &webhook.url),
        "account_webhook": account.as_ref().map(|webhook| &webhook.url),
    })
}

fn clock(state: &State) -> Value {
    json!({"time": state.now(), "frozen": state.clock.is_frozen()})
}

fn change_clock(state: &mut State, change: &ClockChange) -> Result<(), Problem> {
    let advance = Duration::from_secs(change.advance.unwrap_or_default());
    let until = state.now().saturating_add(millis(advance));
    if i64::try_from(until).map_or(true, |until| until > Timestamp::MAX.as_millisecond()) {
        let detail = "the clock goes no further than to the end of the year 9999";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    match change.frozen {
        // One that stands goes on standing where it is.
        Some(true) => state.clock.freeze(),
        Some(false) => state.clock.thaw(),
        None => {}
    }
    state.clock.advance(advance);
    Ok(())
}

/// The requests after the one with the number `after`, or all.
fn requests(state: &State, query: Option<&str>) -> Result<Value, Problem> {
    let mut after = 0;
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let number = value.parse().ok().filter(|_| name == "after");
        let wrong = || Problem::new(StatusCode::BAD_REQUEST, "write ?after= and a number");
        after = number.ok_or_else(wrong)?;
    }
    let requests = state.requests.iter();
    let later: Vec<_> = requests.filter(|seen| seen.sequence > after).collect();
    Ok(json!(later))
}

fn delivery(delivery: &Delivery) -> Value {
    json!({
        "id": delivery.id,
        "attempts": delivery.attempts,
        "taken": delivery.is_taken(),
        "body": readable(&delivery.body),
    })
}

/// Whoever delivers something wants it to arrive.
fn registered(state: &State) -> Result<(), Problem> {
    if state.webhook.is_some() || state.account_webhook.is_some() {
        return Ok(());
    }
    let detail = "no webhook is registered: POST its url to /v1/configs/webhook first";
    Err(Problem::new(StatusCode::CONFLICT, detail))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::Options;

    fn ask(state: &mut State, method: &str, path: &str, body: &str) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Bytes::copy_from_slice(body.as_bytes()));
        let request = request.expect("the tests' requests are whole");
        match route(state, &request) {
            Ok(answer) => (200, answer),
            Err(problem) => (problem.status.as_u16(), problem.detail.into()),
        }
    }

    #[test]
    fn pages_do_not_play_here() {
        let of_this_machine = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            is_of_this_machine(&headers)
        };
        for host in [
            "127.0.0.1:8360",
            "localhost",
            "LOCALHOST:8360",
            "[::1]:8360",
        ] {
            assert!(of_this_machine(host, None), "{host}");
            assert!(
                !of_this_machine(host, Some("http://localhost:8360")),
                "{host}"
            );
        }
        for host in [
            "rebound.example.com:8360",
            "127.0.0.1.example.com",
            "192.168.0.1",
            "",
        ] {
            assert!(!of_this_machine(host, None), "{host}");
        }
        assert!(!is_of_this_machine(&HeaderMap::new()));
    }

    #[test]
    fn the_clock_is_moved_and_stopped() {
        let mut state = State::new(Options::default());
        let (_, stood) = ask(&mut state, "POST", "/clock", r#"{"frozen": true}"#);
        let (_, moved) = ask(&mut state, "POST", "/clock", r#"{"advance": 90000}"#);
        let time = |clock: &Value| clock["time"].as_u64();
        assert_eq!(time(&moved), time(&stood).map(|time| time + 90_000_000));
        assert_eq!(moved["frozen"], true);
        assert_eq!(ask(&mut state, "GET", "/clock", ""), (200, moved));
        let (_, goes_on) = ask(&mut state, "POST", "/clock", r#"{"frozen": false}"#);
        assert_eq!(goes_on["frozen"], false);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let mut state = State::new(Options::default());
        for (method, path, body, expected) in [
            ("GET", "/elsewhere", "", 404),
            ("DELETE", "/customers", "", 404),
            ("POST", "/clock", "{", 400),
            ("POST", "/clock", r#"{"advance": "25h"}"#, 422),
            ("POST", "/clock", r#"{"forward": 1}"#, 422),
            ("POST", "/clock", r#"{"advance": 252000000000}"#, 422),
            (
                "POST",
                "/clock",
                r#"{"advance": 18446744073709551615}"#,
                422,
            ),
            ("POST", "/faults", r#"{"fault": "weather"}"#, 422),
            ("POST", "/faults", r#"{"fault": "cut", "time": 1}"#, 422),
            ("POST", "/faults", r#"{"fault": "cut", "times": 0}"#, 422),
            (
                "POST",
                "/faults",
                r#"{"fault": "duplicate", "time": 1}"#,
                422,
            ),
            (
                "POST",
                "/faults",
                r#"{"fault": "status", "status": 100}"#,
                422,
            ),
            (
                "POST",
                "/faults",
                r#"{"fault": "status", "status": 600}"#,
                422,
            ),
            (
                "POST",
                "/faults",
                r#"{"fault": "duplicate", "path": "/messages"}"#,
                422,
            ),
            (
                "POST",
                "/customers",
                r#"{"who": {"phone": "1"}, "act": "sing"}"#,
                422,
            ),
            (
                "POST",
                "/customers",
                r#"{"who": {}, "act": "say", "text": "Hi"}"#,
                422,
            ),
            (
                "POST",
                "/customers",
                r#"{"who": {"phone": "1"}, "act": "location", "latitude": 1e9, "longitude": 0}"#,
                422,
            ),
            (
                "POST",
                "/templates/a/review",
                r#"{"decision": "approve"}"#,
                404,
            ),
            ("GET", "/requests?before=1", "", 400),
            ("GET", "/requests?after=x", "", 400),
            ("POST", "/deliveries", "{}", 409),
            ("POST", "/deliveries/1/again", "", 409),
        ] {
            let (status, detail) = ask(&mut state, method, path, body);
            assert_eq!(status, expected, "{method} {path} {body}: {detail}");
            assert!(detail.is_string(), "{detail}");
        }
    }

    #[test]
    fn a_clock_that_goes_too_far_is_not_stopped_either() {
        let mut state = State::new(Options::default());
        let change = r#"{"advance": 252000000000, "frozen": true}"#;
        assert_eq!(ask(&mut state, "POST", "/clock", change).0, 422);
        assert!(!state.clock.is_frozen());
        let (status, _) = ask(&mut state, "POST", "/clock", r#"{"advance": 251000000000}"#);
        assert_eq!(status, 200);
    }

    #[test]
    fn the_rules_that_stand_are_told_and_cleared() {
        let mut state = State::new(Options::default());
        let rule = r#"{"fault": "latency", "milliseconds": 3000, "path": "/messages"}"#;
        let (_, stand) = ask(&mut state, "POST", "/faults", rule);
        let expected = json!([{"fault": "latency", "milliseconds": 3000, "path": "/messages"}]);
        assert_eq!(stand, expected);
        assert_eq!(ask(&mut state, "DELETE", "/faults", ""), (200, json!([])));
    }
}
