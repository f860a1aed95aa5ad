use serde_json::json;

use super::*;
use crate::api::tests::{Scripted, says, words};
use crate::bindings::messaging::channel::http::{Failure, Request};
use crate::bindings::messaging::channel::types::{Attribute, ErrorClass, Scalar};
use crate::contacts::tests::{Store, opened_at};

const CLOUD: &str = r#"{"api_key": "{{secret:api_key}}"}"#;
const SANDBOX: &str = r#"{"api": "sandbox"}"#;
const ON_PREMISE: &str = r#"{"api": "on_premise", "base_url": "http://localhost:1"}"#;

fn payload(body: &str) -> Payload {
    Payload {
        method: "POST".into(),
        path: "/messages".into(),
        content_type: "application/json".into(),
        body: body.into(),
    }
}

fn body(request: &Request) -> &str {
    std::str::from_utf8(request.body.as_deref().unwrap()).unwrap()
}

#[test]
fn a_message_goes_out_as_it_was_built_with_its_reference() {
    for (built, reference, expected) in [
        (
            r#"{"text":{"body":"{{secret:api_key}} é \u00e9 1.0"}}"#,
            Some("a\"1"),
            r#"{"text":{"body":"{{secret:api_key}} é \u00e9 1.0"},"biz_opaque_callback_data":"a\"1"}"#,
        ),
        (" { } \n", Some("1"), r#"{"biz_opaque_callback_data":"1"}"#),
        (r#"{"to": "1" }"#, None, r#"{"to": "1" }"#),
    ] {
        let http = Scripted::new([says(200, &json!({"messages": [{"id": "wamid.1"}]}))]);
        let sent = send(&http, &Store::default(), CLOUD, &payload(built), reference).unwrap();
        assert_eq!(sent.message_id.as_deref(), Some("wamid.1"));
        let [request] = http.requests().try_into().unwrap();
        assert_eq!(body(&request), expected);
        assert_eq!(request.url, "https://waba-v2.360dialog.io/messages");
        // What people write is no placeholder.
        assert!(!request.fill_body);
        assert!(
            request
                .headers
                .iter()
                .any(|header| header.name == "Content-Type" && header.value == "application/json")
        );
    }
}

#[test]
fn what_is_no_payload_is_not_sent() {
    for body in ["", "[]", "{", "}", "null"] {
        let http = Scripted::new([]);
        let error = send(&http, &Store::default(), CLOUD, &payload(body), Some("1")).unwrap_err();
        assert_eq!(error.class, ErrorClass::Invalid, "{body}");
        assert!(http.requests().is_empty());
    }
    let elsewhere = Payload {
        path: "@example.com/messages".into(),
        ..payload("{}")
    };
    assert!(
        send(
            &Scripted::new([]),
            &Store::default(),
            CLOUD,
            &elsewhere,
            None
        )
        .is_err()
    );
    assert!(
        send(
            &Scripted::new([]),
            &Store::default(),
            "7",
            &payload("{}"),
            None
        )
        .is_err()
    );
    assert!(
        send(
            &Scripted::new([]),
            &Store::default(),
            r#"{"api": "on_premise"}"#,
            &payload("{}"),
            None
        )
        .is_err()
    );
}

#[test]
fn everything_that_the_answer_says_is_passed_on() {
    let http = Scripted::new([says(
        201,
        &json!({
            "messaging_product": "whatsapp",
            "contacts": [{"input": "+1650", "wa_id": "1650", "user_id": "US.1"}],
            "messages": [{"id": "wamid.1", "message_status": "held_for_quality_assessment", "group_id": "g"}],
        }),
    )]);
    let sent = send(&http, &Store::default(), CLOUD, &payload("{}"), None).unwrap();
    assert_eq!(sent.status.as_deref(), Some("held_for_quality_assessment"));
    let contact = sent.contact.unwrap();
    assert_eq!(contact.phone.as_deref(), Some("1650"));
    assert_eq!(contact.user_id.as_deref(), Some("US.1"));
    assert_eq!(
        sent.attributes,
        [
            ("/contacts/0/input", "+1650"),
            ("/messages/0/group_id", "g")
        ]
        .map(|(path, text)| {
            Attribute {
                path: path.into(),
                value: Scalar::Text(text.into()),
            }
        })
    );
}

#[test]
fn a_message_without_an_id_was_accepted_all_the_same() {
    for body in [
        "",
        "null",
        "{}",
        "OK",
        r#"{"messages": []}"#,
        r#"{"contacts": [{}]}"#,
    ] {
        let http = Scripted::new([words(200, body)]);
        let sent = send(&http, &Store::default(), SANDBOX, &payload("{}"), None).unwrap();
        assert_eq!((sent.message_id, sent.contact), (None, None), "{body}");
    }
    let http = Scripted::new([Err(Failure::TooLarge(200))]);
    assert_eq!(
        send(&http, &Store::default(), CLOUD, &payload("{}"), None)
            .unwrap()
            .message_id,
        None
    );
}

#[test]
fn what_may_have_been_accepted_is_uncertain() {
    for answer in [
        Err(Failure::Interrupted("timeout".into())),
        words(500, ""),
        words(502, "Bad gateway"),
    ] {
        let error = send(
            &Scripted::new([answer]),
            &Store::default(),
            CLOUD,
            &payload("{}"),
            None,
        )
        .unwrap_err();
        assert_eq!(error.class, ErrorClass::Uncertain);
    }
    let errors = says(
        200,
        &json!({"errors": [{"code": 1013, "title": "User is not valid"}]}),
    );
    let error = send(
        &Scripted::new([errors]),
        &Store::default(),
        CLOUD,
        &payload("{}"),
        None,
    )
    .unwrap_err();
    assert_eq!(error.class, ErrorClass::Recipient);
}

#[test]
fn reading_and_typing_are_told_without_filling_placeholders() {
    let read = r#"{"messaging_product":"whatsapp","status":"read","message_id":"wamid.\"{{secret:api_key}}""#;
    let id = r#"wamid."{{secret:api_key}}"#;
    for (settings, url) in [
        (CLOUD, "https://waba-v2.360dialog.io/messages"),
        (SANDBOX, "https://waba-sandbox.360dialog.io/v1/messages"),
    ] {
        for answer in ["null", "", r#"{"success":true}"#] {
            let http = Scripted::new([words(200, answer), words(200, answer)]);
            mark_read(&http, settings, id).unwrap();
            typing(&http, settings, id).unwrap();
            let requests = http.requests();
            assert_eq!(body(&requests[0]), format!("{read}}}"));
            assert_eq!(
                body(&requests[1]),
                format!(r#"{read},"typing_indicator":{{"type":"text"}}}}"#)
            );
            for request in requests {
                assert_eq!(
                    (request.method.as_str(), request.url.as_str()),
                    ("POST", url)
                );
                assert!(!request.fill_body);
            }
        }
    }
    let http = Scripted::new([words(200, "null")]);
    mark_read(&http, ON_PREMISE, "gBE/ä").unwrap();
    assert_eq!(
        http.lines(),
        ["PUT http://localhost:1/v1/messages/gBE%2F%C3%A4"]
    );
    assert!(typing(&Scripted::new([]), ON_PREMISE, "gBE").is_err());

    let http = Scripted::new([Err(Failure::Interrupted("timeout".into()))]);
    assert_eq!(
        mark_read(&http, CLOUD, "1").unwrap_err().class,
        ErrorClass::Temporary
    );
    let http = Scripted::new([says(200, &json!({"success": false}))]);
    assert!(typing(&http, CLOUD, "1").is_err());
}

#[test]
fn what_names_nothing_or_too_much_is_not_sent() {
    for api in [CLOUD, SANDBOX, ON_PREMISE] {
        let http = Scripted::new([]);
        for result in [mark_read(&http, api, " "), typing(&http, api, "")] {
            assert_eq!(result.unwrap_err().class, ErrorClass::Invalid);
        }
        assert!(http.requests().is_empty());
    }
    for (length, sent) in [(512, true), (513, false)] {
        let http = Scripted::new(sent.then(|| says(200, &json!({}))));
        let result = send(
            &http,
            &Store::default(),
            CLOUD,
            &payload("{}"),
            Some(&"é".repeat(length)),
        );
        assert_eq!(result.is_ok(), sent);
        assert_eq!(http.requests().len(), usize::from(sent));
    }
}

/// Sends to `to` where the answer is of `contact`.
fn reach(
    store: &Store,
    to: &serde_json::Value,
    contact: &serde_json::Value,
) -> Result<Sent, Error> {
    let answer = json!({"contacts": [contact], "messages": [{"id": "wamid.1"}]});
    let http = Scripted::new([says(200, &answer)]);
    send(&http, store, CLOUD, &payload(&to.to_string()), None)
}

#[test]
fn who_was_dialled_is_who_the_answer_names() {
    let store = Store::default();
    // Mexico: the answer leaves a digit out.
    let dialled = json!({"to": "+5215512345678", "recipient_type": "individual"});
    reach(
        &store,
        &dialled,
        &json!({"input": "+5215512345678", "wa_id": "525512345678"}),
    )
    .unwrap();
    for names in ["/5215512345678", "/525512345678"] {
        assert_eq!(opened_at(&store, names), Some(0), "{names}");
    }
    let with_id = json!({"input": "+5215512345678", "user_id": "MX.1"});
    reach(&store, &dialled, &with_id).unwrap();
    for names in ["/5215512345678", "/525512345678", "MX.1"] {
        assert_eq!(opened_at(&store, names), Some(0), "{names}");
    }
    store.operations();
    reach(&store, &dialled, &with_id).unwrap();
    assert_eq!(
        store.operations(),
        (1, 0),
        "what is known is read once, and not written"
    );
}

#[test]
fn an_answer_that_says_nothing_new_is_not_remembered() {
    let store = Store::default();
    let ada = json!({"input": "+4930", "wa_id": "4930"});
    reach(&store, &json!({"to": "+4930"}), &ada).unwrap();
    reach(
        &store,
        &json!({"recipient": "DE.1"}),
        &json!({"input": "DE.1", "user_id": "DE.1"}),
    )
    .unwrap();
    let group = json!({"to": "group", "recipient_type": "group"});
    reach(
        &store,
        &group,
        &json!({"input": "group", "wa_id": "4931", "user_id": "DE.2"}),
    )
    .unwrap();
    assert_eq!(store.operations(), (0, 0));
}

#[test]
fn a_message_was_sent_though_the_store_fails() {
    let store = Store::default();
    store.fails_after.set(Some(0));
    let answer = json!({"input": "+4930", "wa_id": "4931"});
    let sent = reach(&store, &json!({"to": "+4930"}), &answer).unwrap();
    assert_eq!(sent.message_id.as_deref(), Some("wamid.1"));
}
