use serde_json::{Value, json};

use super::*;
use crate::bindings::messaging::channel::outbound::{
    DocumentHeader, OpenWindow, Opening, OpeningCause, Reaction, TemplateMessage, Text,
};
use crate::bindings::messaging::channel::types::{Location, MediaSource};

mod definitions;
mod templates;

fn message(content: Content) -> Message {
    Message {
        to: Recipient::Phone("+1 (650) 555-1234".into()),
        content,
        reply_to: None,
        degrade: Vec::new(),
        fallback: None,
        attributes: Vec::new(),
    }
}

fn text(text: &str) -> Content {
    Content::Text(Text {
        text: text.into(),
        preview_url: None,
    })
}

fn id(id: &str) -> MediaSource {
    MediaSource::Id(id.into())
}

fn link(link: &str) -> MediaSource {
    MediaSource::Link(link.into())
}

fn template(name: &str) -> TemplateMessage {
    TemplateMessage {
        name: name.into(),
        language: "en_US".into(),
        header: None,
        body: Vec::new(),
        buttons: Vec::new(),
        cards: Vec::new(),
        offer_expires: None,
        other: Vec::new(),
    }
}

fn place() -> Location {
    Location {
        latitude: 90.0,
        longitude: -180.0,
        name: None,
        address: None,
        url: None,
    }
}

fn window_closed(since: Option<u64>) -> Window {
    Window::Closed(ClosedWindow {
        since,
        because: None,
    })
}

/// The body of the one request that sends `message`.
fn sent(message: &Message, window: &Window) -> Value {
    let [payload] = build("{}", message, window, None)
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(
        (
            payload.method.as_str(),
            payload.path.as_str(),
            payload.content_type.as_str()
        ),
        ("POST", "/messages", "application/json")
    );
    serde_json::from_slice(&payload.body).unwrap()
}

/// Pointer and code of everything that stands in the way of `message`.
fn refused(message: &Message, window: &Window) -> Vec<(String, String)> {
    build("{}", message, window, None)
        .err()
        .unwrap_or_default()
        .into_iter()
        .map(|problem| {
            assert!(problem.source.is_some() && !problem.message.is_empty());
            (problem.pointer, problem.code)
        })
        .collect()
}

/// Asserts that `content` is refused for these pointers and codes, and nothing else.
#[track_caller]
fn assert_refused(content: Content, expected: &[(&str, &str)]) {
    let found = refused(&message(content), &Window::Unknown);
    let found: Vec<_> = found
        .iter()
        .map(|(p, c)| (p.as_str(), c.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn assert_accepted(content: Content) {
    assert_eq!(refused(&message(content), &Window::Unknown), []);
}

/// Asserts what is sent, apart from the members that every message to this phone has.
#[track_caller]
fn assert_sent(content: Content, mut expected: Value) {
    expected["messaging_product"] = "whatsapp".into();
    expected["recipient_type"] = "individual".into();
    expected["to"] = "+16505551234".into();
    assert_eq!(sent(&message(content), &Window::Unknown), expected);
}

#[test]
fn a_recipient_that_is_none_is_refused() {
    let phone = |number: &str| (Recipient::Phone(number.into()), "/to/phone", "bad_number");
    let user = |id: &str| (Recipient::UserId(id.into()), "/to/user_id", "bad_user_id");
    let group = |id: &str| (Recipient::Group(id.into()), "/to/group", "bad_group");
    for (to, pointer, code) in [
        phone(""),
        phone("+"),
        phone("123456"),
        phone("1234567890123456"),
        phone("004930123456"),
        phone("+49 (0) 30 123456"),
        phone("+49.30.123456"),
        phone("++4930123456"),
        phone("٤٩٣٠١٢٣٤٥"),
        phone("BR.13491208655302741918"),
        user(""),
        user("491701234567"),
        user("us.1349"),
        user("USA.1349"),
        user("US."),
        user("US.ENT."),
        user("US.13 49"),
        user(&format!("US.{}", "1".repeat(129))),
        group(""),
        group("a b"),
    ] {
        let message = Message {
            to,
            ..message(text("Hi"))
        };
        assert_eq!(
            refused(&message, &Window::Unknown),
            [(pointer.to_owned(), code.to_owned())],
            "{:?}",
            message.to
        );
    }
    for number in ["1234567", "123456789012345"] {
        let message = Message {
            to: Recipient::Phone(number.into()),
            ..message(text("Hi"))
        };
        assert_eq!(sent(&message, &Window::Unknown)["to"], format!("+{number}"));
    }
    let longest = Message {
        to: Recipient::UserId(format!("US.{}", "1".repeat(128))),
        ..message(text("Hi"))
    };
    assert_eq!(refused(&longest, &Window::Unknown), []);
}

#[test]
fn the_path_is_the_api_s() {
    let message = message(text("Hi"));
    let path = |settings| {
        build(settings, &message, &Window::Unknown, None).map(|payloads| payloads[0].path.clone())
    };
    assert_eq!(path(r#"{"api": "cloud"}"#).unwrap(), "/messages");
    assert_eq!(path(r#"{"api": "sandbox"}"#).unwrap(), "/v1/messages");
    for (settings, code) in [
        (r#"{"api": "on_premise"}"#, "unsupported"),
        (r#"{"api": "on-premise"}"#, "unsupported"),
        (r#"{"api": "graph"}"#, "bad_settings"),
        ("nonsense", "bad_settings"),
    ] {
        let [problem] = path(settings).unwrap_err().try_into().unwrap();
        assert_eq!(
            (problem.pointer.as_str(), problem.code.as_str()),
            ("", code)
        );
    }
}

#[test]
fn nothing_that_is_asked_for_is_dropped() {
    let plain = message(text("Hi"));
    for (message, pointer, code) in [
        (
            Message {
                attributes: vec![Attribute {
                    path: "/category".into(),
                    value: Scalar::Text("utility".into()),
                }],
                ..plain.clone()
            },
            "/attributes/~1category",
            "unsupported",
        ),
        (
            Message {
                attributes: vec![Attribute {
                    path: "/messaging_account_id".into(),
                    value: Scalar::Integer(1),
                }],
                ..plain.clone()
            },
            "/attributes/~1messaging_account_id",
            "bad_value",
        ),
        (
            Message {
                reply_to: Some("wamid.IN".into()),
                ..message(Content::Reaction(Reaction {
                    message_id: "wamid.IN".into(),
                    emoji: None,
                }))
            },
            "/reply_to",
            "not_allowed",
        ),
    ] {
        assert_eq!(
            refused(&message, &Window::Unknown),
            [(pointer.to_owned(), code.to_owned())]
        );
    }
}

#[test]
fn all_problems_come_at_once() {
    let message = Message {
        to: Recipient::Phone("1".into()),
        reply_to: Some(" ".into()),
        ..message(text(""))
    };
    let found = build(
        r#"{"api": "on_premise"}"#,
        &message,
        &window_closed(None),
        None,
    )
    .unwrap_err();
    let pointers: Vec<_> = found
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    assert_eq!(
        pointers,
        ["", "/to/phone", "/reply_to", "/content", "/content/text"]
    );
}

#[test]
fn a_closed_window_says_since_when_and_what_to_do() {
    let sentence = |window| {
        let problems = build("{}", &message(text("Hi")), &window, None).unwrap_err();
        let [problem] = problems.try_into().unwrap();
        problem.message
    };
    let closed = sentence(window_closed(Some(1_767_225_599_999)));
    assert!(closed.contains("since 2025-12-31T23:59:59Z"), "{closed}");
    assert!(closed.contains("approved template"), "{closed}");
    assert!(sentence(window_closed(None)).contains("was not open before"));
}

#[test]
fn a_fallback_stands_in_only_where_the_window_is_closed() {
    let message = Message {
        fallback: Some(template("reopen")),
        ..message(text("Hi"))
    };
    let open = Window::Open(OpenWindow {
        until: 2,
        because: Opening {
            at: 1,
            cause: OpeningCause::Call,
            id: None,
        },
    });
    for window in [&open, &Window::Unknown] {
        assert_eq!(sent(&message, window)["text"], json!({"body": "Hi"}));
    }
    let closed = sent(&message, &window_closed(None));
    assert_eq!(closed["type"], "template");
    assert_eq!(closed["template"]["name"], "reopen");
    assert_eq!(closed.get("text"), None);

    let bad = Message {
        fallback: Some(template("Reopen")),
        ..message
    };
    assert_eq!(
        refused(&bad, &window_closed(None)),
        [("/fallback/name".to_owned(), "bad_name".to_owned())]
    );
}

#[test]
fn no_place_is_nowhere() {
    for (latitude, longitude, pointer) in [
        (f64::NAN, 0.0, "/content/latitude"),
        (0.0, f64::NEG_INFINITY, "/content/longitude"),
    ] {
        let place = Location {
            latitude,
            longitude,
            ..place()
        };
        assert_refused(Content::Location(place), &[(pointer, "out_of_range")]);
    }
}
