use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query};
use axum::http::Method;
use axum::routing::{get, post};
use axum::{Json, Router, body};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::contract::outbound::Message;

async fn read(response: Response) -> (StatusCode, HeaderMap, Value) {
    let (parts, body) = response.into_parts();
    let body = body::to_bytes(body, 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (parts.status, parts.headers, body)
}

pub(crate) async fn ask(router: &Router, request: Request) -> (StatusCode, HeaderMap, Value) {
    let service = TowerToHyperService::new(router.clone());
    read(service.call(request).await.unwrap()).await
}

pub(crate) fn request(method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.to_owned().into()).unwrap()
}

#[derive(Deserialize)]
struct Wanted {
    name: String,
    #[serde(default)]
    count: u32,
    #[serde(default)]
    kind: Option<Kind>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Small,
}

#[derive(Deserialize)]
struct Page {
    limit: u32,
}

fn router() -> Router {
    let json = |Checked(Json(wanted)): Checked<Json<Wanted>>| async move {
        let small = matches!(wanted.kind, Some(Kind::Small));
        Json(json!([wanted.name, wanted.count, small]))
    };
    let bytes = |Checked(bytes): Checked<Bytes>| async move { Json(json!(bytes.len())) };
    let path = |Checked(Path(id)): Checked<Path<u64>>| async move { Json(json!(id)) };
    let page =
        |Checked(Query(Page { limit })): Checked<Query<Page>>| async move { Json(json!(limit)) };
    let message = |Checked(Json(message)): Checked<Json<Message>>| async move { Json(message) };
    Router::new()
        .route("/json", post(json))
        .route("/bytes", post(bytes))
        .route("/path/{id}", get(path))
        .route("/page", get(page))
        .route("/message", post(message))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(DefaultBodyLimit::max(300))
}

#[tokio::test]
async fn a_problem_is_json_of_its_kind() {
    let problem = Problem::conflict(
        "window-closed",
        "The window is closed",
        "it closed; send a template",
    )
    .with("since", "2026-11-22T07:15:39Z");
    let (status, headers, body) = read(problem.into_response()).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
    assert_eq!(
        body,
        json!({
            "type": "/problems/window-closed",
            "title": "The window is closed",
            "status": 409,
            "detail": "it closed; send a template",
            "since": "2026-11-22T07:15:39Z",
        })
    );
}

#[tokio::test]
async fn broken_rules_are_all_told() {
    let broken = |pointer: &str| types::Problem {
        pointer: pointer.to_owned(),
        code: "required".to_owned(),
        message: "the member is missing; give it a value".to_owned(),
        source: None,
    };
    for (problems, detail) in [
        (&[broken("")][..], "the member is missing; give it a value"),
        (
            &[broken("/to")],
            "/to: the member is missing; give it a value",
        ),
        (
            &[broken("/to"), broken("/content")],
            "2 rules are broken; see problems",
        ),
    ] {
        let (status, _, body) = read(Problem::unprocessable(problems).into_response()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let expected = json!({
            "type": "/problems/invalid",
            "title": "What was sent breaks a rule",
            "status": 422,
            "detail": detail,
            "problems": problems,
        });
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn what_is_not_available_says_when_to_come_back() {
    for (retry, seconds) in [(0, "0"), (1, "1"), (1000, "1"), (1001, "2")] {
        let retry = Duration::from_millis(retry);
        let problem = Problem::unavailable("the inbox is full; wait", retry);
        let (status, headers, body) = read(problem.into_response()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(headers[RETRY_AFTER], seconds);
        assert_eq!(body["detail"], "the inbox is full; wait");
    }
}

#[tokio::test]
async fn a_failure_of_the_host_shows_only_its_reference() {
    let cause = std::io::Error::other("/var/lib/host.db is broken");
    let (status, _, body) = read(Problem::internal(&cause).into_response()).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let instance = body["instance"].as_str().unwrap();
    let reference: Uuid = instance.parse().unwrap();
    assert_eq!(
        body["detail"],
        format!("look for {reference} in the host's log")
    );
    assert!(instance.starts_with("urn:uuid:"), "{instance}");
    assert!(!body.to_string().contains("host.db"), "{body}");
}

#[tokio::test]
async fn what_extractors_refuse_is_a_problem() {
    let json = &[("content-type", "application/json")][..];
    let long = format!(r#"{{"name": "{}"}}"#, "x".repeat(400));
    for (path, headers, body, status, kind, detail) in [
        (
            "/json",
            &[][..],
            "{}",
            415,
            "unsupported-media-type",
            "send JSON",
        ),
        ("/json", json, "", 400, "bad-request", "EOF"),
        ("/json", json, r#"{"name":"#, 400, "bad-request", "line 1"),
        ("/json", json, "{}", 422, "invalid", "missing field `name`"),
        (
            "/json",
            json,
            "[]",
            422,
            "invalid",
            "invalid length 0, expected struct Wanted",
        ),
        ("/json", json, &long, 413, "too-large", "send less"),
        ("/bytes", &[], &long, 413, "too-large", "send less"),
    ] {
        let request = request(Method::POST, path, headers, body);
        let (got, answered, body) = ask(&router(), request).await;
        assert_eq!(got.as_u16(), status, "{path} {body}");
        assert_eq!(answered[CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["type"], format!("/problems/{kind}"));
        assert_eq!(body["status"], status);
        assert!(body["detail"].as_str().unwrap().contains(detail), "{body}");
    }
    for (path, detail) in [
        ("/path/x", "Cannot parse `x` to a `u64`"),
        ("/page?limit=x", "invalid digit found in string"),
        ("/page", "missing field `limit`"),
    ] {
        let (got, _, body) = ask(&router(), request(Method::GET, path, &[], "")).await;
        assert_eq!(got, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(body["type"], "/problems/bad-request");
        assert!(body["detail"].as_str().unwrap().contains(detail), "{body}");
    }
}

#[tokio::test]
async fn what_extractors_take_is_handed_on() {
    let json = [("content-type", "application/json; charset=utf-8")];
    let body = r#"{"name": "a", "count": 2, "kind": "small"}"#;
    for (request, expected) in [
        (
            request(Method::POST, "/json", &json, body),
            json!(["a", 2, true]),
        ),
        (request(Method::POST, "/bytes", &[], "four"), json!(4)),
        (request(Method::GET, "/path/7", &[], ""), json!(7)),
        (request(Method::GET, "/page?limit=9", &[], ""), json!(9)),
    ] {
        let (status, _, body) = ask(&router(), request).await;
        assert_eq!((status, body), (StatusCode::OK, expected));
    }
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_not_shown() {
    let json = [("content-type", "application/json")];
    for (body, detail) in [
        (
            r#"{"name": "a", "count": "SECRET"}"#,
            "count: expected u32 at line 1 column 31",
        ),
        (
            r#"{"name": "a", "count": "SECRET, expected SECRET"}"#,
            "count: expected u32 at line 1 column 48",
        ),
        (
            r#"{"name": "a", "kind": "SECRET"}"#,
            "kind: expected `small` at line 1 column 30",
        ),
        (r#""SECRET""#, "expected struct Wanted at line 1 column 8"),
    ] {
        let request = request(Method::POST, "/json", &json, body);
        let (status, _, body) = ask(&router(), request).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let told = body["detail"].as_str().unwrap();
        assert!(told.ends_with(detail), "{told}");
        assert!(!told.contains("SECRET"), "{told}");
    }
}

#[tokio::test]
async fn a_message_that_is_read_strictly_keeps_its_sentence() {
    let json = [("content-type", "application/json")];
    let body =
        r#"{"to": {"phone": "491701234567"}, "content": {"type": "text", "text": "Hi"}, "x": 1}"#;
    let request = request(Method::POST, "/message", &json, body);
    let (status, _, body) = ask(&router(), request).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let told = body["detail"].as_str().unwrap();
    assert!(
        told.contains("\"/x\": there is no member `x` here"),
        "{told}"
    );
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let (status, headers, body) = ask(&router(), request(Method::GET, "/nothing", &[], "")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
    assert_eq!(body["type"], "/problems/not-found");

    let (status, headers, body) = ask(&router(), request(Method::PUT, "/json", &[], "")).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(headers["allow"], "POST");
    assert_eq!(body["type"], "/problems/method-not-allowed");
}
