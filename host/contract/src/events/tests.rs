//! Events as they are printed.

use serde_json::json;

use super::*;
use crate::tests::{is_described, round_trip};
use crate::types::{ContactCard, Foreign, Scalar};

fn event(body: EventBody) -> Event {
    Event {
        id: "e1".into(),
        time: None,
        contact: None,
        origin: Origin {
            envelope: "cloud".into(),
            field: None,
            account_id: None,
            phone_number_id: None,
            phone_number: None,
            entry_time: None,
            own: false,
        },
        body,
        attributes: Vec::new(),
        raw: "{}".into(),
    }
}

fn text(text: &str) -> Message {
    Message {
        id: Some("message-1".into()),
        content: Content::Text(Text { text: text.into() }),
        reply_to: None,
        context: None,
        referral: None,
        group_id: None,
        errors: Vec::new(),
    }
}

#[test]
fn a_message_event_prints_as_documented_with_its_raw_bytes() {
    let mut event = event(EventBody::Message(text("Hi")));
    event.time = Some(1_795_331_739_000);
    event.contact = Some(Contact {
        phone: Some("16315551234".into()),
        user_id: Some("US.1234".into()),
        parent_user_id: None,
        username: Some("kerry".into()),
        name: Some("Kerry".into()),
        identity_hash: None,
    });
    event.origin = Origin {
        field: Some("messages".into()),
        account_id: Some("1".into()),
        phone_number_id: Some("2".into()),
        phone_number: Some("3".into()),
        entry_time: Some(1_500),
        own: true,
        ..event.origin
    };
    event.attributes = vec![Attribute {
        path: "/a/b".into(),
        value: Scalar::Number(2.0),
    }];
    event.raw = "{\"z\" : 1.0,\n \"a\":12345678901234567890123, \"a\":\"\\u00e9\"}".into();
    let printed = serde_json::to_string(&event).unwrap();
    assert_eq!(
        printed,
        concat!(
            r#"{"id":"e1","type":"message","time":"2026-11-22T07:15:39Z","#,
            r#""contact":{"phone":"16315551234","user_id":"US.1234","username":"kerry","name":"Kerry"},"#,
            r#""origin":{"envelope":"cloud","field":"messages","account_id":"1","phone_number_id":"2","#,
            r#""phone_number":"3","entry_time":"1970-01-01T00:00:01.5Z","own":true},"#,
            r#""message":{"id":"message-1","content":{"type":"text","text":"Hi"}},"#,
            r#""attributes":{"/a/b":2.0},"#,
            "\"raw\":{\"z\" : 1.0,\n \"a\":12345678901234567890123, \"a\":\"\\u00e9\"}}",
        )
    );
    assert_eq!(
        super::json::one_line(&event).unwrap(),
        printed.replace('\n', "")
    );
}

#[test]
fn an_event_without_a_time_is_told_with_that_of_its_receipt() {
    let told = |event: &Event| -> serde_json::Value {
        serde_json::to_value(Received::new(event, 1_795_331_739_000)).unwrap()
    };
    let mut event = event(EventBody::Message(text("Hi")));
    event.raw = r#"{"timestamp": "yesterday"}"#.into();
    let mut expected = serde_json::to_value(&event).unwrap();
    assert_eq!(expected.get("time"), None);
    expected["time"] = json!("2026-11-22T07:15:39Z");
    expected["time_is_receipt"] = json!(true);
    assert_eq!(told(&event), expected);

    event.time = Some(0);
    assert_eq!(told(&event), serde_json::to_value(&event).unwrap());
    let line = super::json::one_line(&Received::new(&event, 1)).unwrap();
    assert_eq!(line.matches("\"time\"").count(), 1, "{line}");
    let of_ours = serde_json::to_value(Received::new(&event, 1).of(Some("m"))).unwrap();
    assert_eq!(of_ours["our_message"], "m");
}

#[test]
fn a_status_event_prints_as_documented() {
    let error = Error {
        code: Some("131047".into()),
        ..round_trip(&json!({"class": "window_closed"}))
    };
    let event = event(EventBody::Status(Status {
        message_id: Some("message-1".into()),
        state: MessageState::Failed,
        reference: Some("r".into()),
        group_id: None,
        errors: vec![error],
        pricing: None,
        conversation: Some(Conversation {
            id: None,
            origin: None,
            expires: Some(0),
        }),
        payment: None,
    }));
    assert_eq!(
        serde_json::to_string(&event).unwrap(),
        concat!(
            r#"{"id":"e1","type":"status","origin":{"envelope":"cloud","own":false},"#,
            r#""status":{"message_id":"message-1","state":"failed","reference":"r","#,
            r#""errors":[{"class":"window_closed","code":131047}],"#,
            r#""conversation":{"expires":"1970-01-01T00:00:00Z"}},"raw":{}}"#,
        )
    );
}

#[test]
fn an_unknown_event_prints_even_with_raw_text_that_is_no_json() {
    let mut event = event(EventBody::Unknown(UnknownItem {
        field: Some("f".into()),
        reason: None,
    }));
    event.raw = "{\"cut".into();
    assert_eq!(
        serde_json::to_string(&event).unwrap(),
        concat!(
            r#"{"id":"e1","type":"unknown","origin":{"envelope":"cloud","own":false},"#,
            r#""unknown":{"field":"f"},"raw":"{\"cut"}"#,
        )
    );
}

#[test]
fn every_event_carries_its_body_under_its_type() {
    let revoke = Revoke {
        id: None,
        message_id: "m".into(),
        echo: true,
    };
    let change = ContactChange {
        kind: ContactChangeKind::Number,
        id: None,
        previous: None,
        text: None,
    };
    let template = |change| TemplateChange {
        id: None,
        name: None,
        language: None,
        category: None,
        change,
    };
    let transition = Transition {
        previous: None,
        current: Some("GREEN".into()),
    };
    let history = HistoryItem {
        phase: Some(1),
        chunk: None,
        progress: None,
        message: Some(text("old")),
        outbound: None,
        state: None,
        errors: Vec::new(),
    };
    for (body, kind, key, expected) in [
        (
            EventBody::Echo(text("a")),
            "echo",
            "echo",
            json!({"id": "message-1", "content": {"type": "text", "text": "a"}}),
        ),
        (
            EventBody::Revoke(revoke),
            "revoke",
            "revoke",
            json!({"message_id": "m", "echo": true}),
        ),
        (
            EventBody::Contact(change),
            "contact",
            "contact_change",
            json!({"kind": "number"}),
        ),
        (
            EventBody::Template(template(TemplateChangeKind::Quality(transition))),
            "template",
            "template",
            json!({"change": {"type": "quality", "current": "GREEN"}}),
        ),
        (
            EventBody::Template(template(TemplateChangeKind::Other("x".into()))),
            "template",
            "template",
            json!({"change": {"type": "other", "kind": "x"}}),
        ),
        (
            EventBody::History(history),
            "history",
            "history",
            json!({"phase": 1, "message": {"id": "message-1", "content": {"type": "text", "text": "old"}}}),
        ),
        (
            EventBody::Error(round_trip(&json!({"code": 1}))),
            "error",
            "error",
            json!({"code": 1}),
        ),
    ] {
        let printed = serde_json::to_value(event(body)).unwrap();
        is_described::<Event>(&printed);
        assert_eq!((&printed["type"], &printed[key]), (&json!(kind), &expected));
    }
}

#[test]
fn content_that_came_in_prints_by_kind() {
    let foreign = Foreign {
        kind: "poll".into(),
        json: Some("{\"b\":1, \"a\":2}".into()),
    };
    let form = FormReply {
        name: None,
        body: None,
        response: Some("[1]".into()),
        response_text: None,
    };
    for (content, expected) in [
        (Content::WelcomeRequest, r#"{"type":"welcome_request"}"#),
        (Content::MediaPlaceholder, r#"{"type":"media_placeholder"}"#),
        (
            Content::FormReply(form),
            r#"{"type":"form_reply","response":[1]}"#,
        ),
        (
            Content::Other(foreign),
            r#"{"type":"other","kind":"poll","json":{"b":1, "a":2}}"#,
        ),
        (
            Content::Contacts(Cards {
                contacts: vec![round_trip::<ContactCard>(&json!({}))],
            }),
            r#"{"type":"contacts","contacts":[{}]}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&content).unwrap(), expected);
        is_described::<Content>(&serde_json::from_str(expected).unwrap());
    }
}

#[test]
fn a_rejection_and_a_delivery_print_plainly() {
    let rejection = Rejection {
        reason: RejectionReason::Malformed,
        detail: "cut".into(),
    };
    assert_eq!(
        serde_json::to_string(&rejection).unwrap(),
        r#"{"reason":"malformed","detail":"cut"}"#
    );
    let mut given = json!({"method": "POST", "path": "/x", "query": [["a", "b"]],
                           "headers": [{"name": "N", "value": "v"}], "body": "{}"});
    assert_eq!(round_trip::<Delivery>(&given).body, b"{}");
    given["body"] = json!([255, 0]);
    assert_eq!(round_trip::<Delivery>(&given).body, [255, 0]);
}
