use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
use serde_json::Value;

use super::*;
use crate::contract::templates::TemplateKey;
use crate::contract::types;

async fn told(problem: impl Into<Problem>) -> (u16, String, Value, HeaderMap) {
    let (parts, body) = problem.into().into_response().into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let kind = body["type"].as_str().unwrap();
    let kind = kind.strip_prefix("/problems/").unwrap().to_owned();
    (parts.status.as_u16(), kind, body, parts.headers)
}

fn error(class: ErrorClass) -> Box<Error> {
    let error = json!({"code": "401", "title": "No", "remedy": "look at the bill"});
    let mut error: Error = serde_json::from_value(error).unwrap();
    error.class = class;
    Box::new(error)
}

fn problem() -> types::Problem {
    types::Problem {
        pointer: "/to".to_owned(),
        code: "window_closed".to_owned(),
        message: "the window is closed; send a template".to_owned(),
        source: None,
    }
}

#[tokio::test]
async fn each_error_of_a_channel_has_its_status_and_kind() {
    let store = || StoreError::Panicked;
    let registration = Registration {
        scope: None,
        url: None,
        headers: Vec::new(),
    };
    let setting = OriginError::Setting {
        pointer: "/base_url".to_owned(),
        rule: "is not an absolute URL",
    };
    for (error, status, kind) in [
        (ChannelError::Invalid(vec![problem()]), 422, "invalid"),
        (ChannelError::Load(LoadError::NotWasm), 422, "component"),
        (ChannelError::Load(LoadError::NotBundled), 422, "component"),
        (ChannelError::Incomplete(vec!["inbox"]), 422, "component"),
        (ChannelError::Occupied(registration), 409, "occupied"),
        (
            ChannelError::Refused(error(ErrorClass::Invalid)),
            422,
            "vendor",
        ),
        (
            ChannelError::Refused(error(ErrorClass::Temporary)),
            502,
            "vendor",
        ),
        (
            ChannelError::Refused(error(ErrorClass::Unauthorised)),
            422,
            "credentials",
        ),
        (ChannelError::Origin(setting), 422, "invalid"),
        (ChannelError::Call(CallError::Poisoned), 502, "plugin"),
        (
            ChannelError::Call(CallError::Absent("contacts")),
            422,
            "unsupported",
        ),
        (ChannelError::Store(store()), 500, "internal"),
        (ChannelError::Damaged("c1".to_owned()), 500, "internal"),
    ] {
        let shown = error.to_string();
        let (got, got_kind, ..) = told(error).await;
        assert_eq!((got, &*got_kind), (status, kind), "{shown}");
    }
}

#[tokio::test]
async fn members_say_more() {
    let taken = ChannelError::Taken {
        member: "number".to_owned(),
        by: "Front desk".to_owned(),
    };
    let (status, kind, body, _) = told(taken).await;
    assert_eq!((status, &*kind), (409, "taken"));
    assert_eq!(
        (&body["member"], &body["by"]),
        (&json!("number"), &json!("Front desk"))
    );

    let (.., body, _) = told(ChannelError::Refused(error(ErrorClass::Temporary))).await;
    assert_eq!(body["error"]["code"], 401);
    assert_eq!(body["error"]["class"], "temporary");
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .contains("look at the bill"),
        "{body}"
    );

    let busy = CallError::Busy {
        after: std::time::Duration::from_secs(5),
        limit: "sandboxes",
    };
    let (status, .., headers) = told(busy).await;
    assert_eq!(
        (status, &headers["retry-after"]),
        (503, &"5".parse().unwrap())
    );

    let (.., body, _) = told(CallError::Poisoned).await;
    assert_eq!(body["reason"], "poisoned");
}

#[tokio::test]
async fn only_the_origin_of_another_webhook_is_told() {
    let registration = Registration {
        scope: None,
        url: Some("https://user:MARKED@other.example:444/MARKED?MARKED".to_owned()),
        headers: Vec::new(),
    };
    let (status, _, body, _) = told(ChannelError::Occupied(registration)).await;
    assert_eq!(status, 409);
    assert_eq!(body["origin"], "https://other.example:444");
    assert!(!body.to_string().contains("MARKED"), "{body}");
}

#[tokio::test]
async fn each_error_of_a_message_has_its_status_and_kind() {
    let closed = |since| SendError::WindowClosed {
        since,
        problems: vec![problem()],
        templates: vec![TemplateKey {
            name: "order".to_owned(),
            language: "de".to_owned(),
        }],
    };
    for (since, shown) in [
        (Some(1_795_331_739_000), json!("2026-11-22T07:15:39Z")),
        (None, Value::Null),
    ] {
        let (status, kind, body, _) = told(closed(since)).await;
        assert_eq!((status, &*kind), (409, "window-closed"));
        assert_eq!(body["since"], shown);
        assert_eq!(body["problems"], json!([problem()]));
        assert_eq!(
            body["templates"],
            json!([{"name": "order", "language": "de"}])
        );
        assert_eq!(body["detail"], "the window is closed; send a template");
    }
    for (error, status, kind) in [
        (SendError::Invalid(vec![problem()]), 422, "invalid"),
        (SendError::KeyReused, 422, "key-reused"),
        (SendError::Key, 422, "key"),
        (SendError::Call(CallError::Poisoned), 502, "plugin"),
        (
            Failure::Limit("full".to_owned()).into(),
            422,
            "storage-limit",
        ),
        (Failure::Denied.into(), 500, "internal"),
        (SendError::Store(StoreError::Closed), 500, "internal"),
    ] {
        let shown = error.to_string();
        let (got, got_kind, ..) = told(error).await;
        assert_eq!((got, &*got_kind), (status, kind), "{shown}");
    }
}
