use axum::body::Bytes;

use super::*;
use crate::api::messages::content;

fn long(length: usize) -> Value {
    "ä".repeat(length).into()
}

fn assert_refused(body: &Value, expected: u32) {
    assert_eq!(send(&mut state(), body), Some(expected), "{body}");
}

#[test]
fn what_is_around_a_message_is_as_documented() {
    let null = Value::Null;
    for (pointer, value, expected) in [
        ("/messaging_product", null.clone(), 131_008),
        ("/messaging_product", json!("sms"), 131_009),
        ("/type", null.clone(), 131_008),
        ("/type", json!("hologram"), 131_051),
        ("/type", json!("image"), 100),
        ("/text", null.clone(), 131_008),
        ("/image", json!({"link": "https://e.com/a.png"}), 100),
        ("/recipent_type", json!("individual"), 100),
        ("/category", json!("utility"), 100),
        ("/to", null, 131_008),
        ("/to", json!("bob"), 131_009),
        ("/to", json!("1234567890123456"), 131_009),
        ("/to", json!("+1 555 078-3881"), 131_021),
        ("/recipient_type", json!("group"), 131_041),
        ("/recipient_type", json!("crowd"), 131_002),
        ("/context", json!({}), 131_008),
        ("/context", json!({"message_id": "1"}), 131_009),
        (
            "/context",
            json!({"message_id": "wamid.IN", "id": "1"}),
            100,
        ),
        ("/recipient_identity_key_hash", json!(1), 131_009),
        ("/biz_opaque_callback_data", long(513), 100),
    ] {
        assert_refused(&with(text_message("Hi"), pointer, value), expected);
    }
    let longest = with(text_message("Hi"), "/biz_opaque_callback_data", long(512));
    assert_eq!(send(&mut state(), &longest), None);
    let context = json!({"message_id": "wamid.IN"});
    let mut reaction = message("reaction", json!({"message_id": "wamid.IN", "emoji": ""}));
    reaction["context"] = context;
    assert_refused(&reaction, 100);
    let mut to_nobody = with(text_message("Hi"), "/to", Value::Null);
    to_nobody["recipient"] = "US.1".into();
    assert_refused(&to_nobody, 131_009);
}

#[test]
fn a_file_may_be_sent_while_it_is_kept() {
    let mut state = state();
    let id = state.keep("image/png", Bytes::from_static(b"png"));
    let body = message("image", json!({"id": id}));
    assert_eq!(send(&mut state, &body), None);
    state.clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(send(&mut state, &body), Some(131_009));
}

#[test]
fn a_reaction_to_a_reaction_or_an_old_message_fails_later() {
    let mut state = state();
    let old = sent(&mut state, text_message("Hi"));
    let to = |id: &str| message("reaction", json!({"message_id": id, "emoji": "👍"}));
    let reaction = sent(&mut state, to(&old));
    let fails = |state: &State, id: &str| content::check(state, "reaction", &to(id));
    assert_eq!(fails(&state, &old), Ok(None));
    assert_eq!(fails(&state, "wamid.IN"), Ok(None));
    assert_eq!(fails(&state, &reaction), Ok(Some(131_009)));
    state.clock.advance(Duration::from_hours(31 * 24));
    assert_eq!(fails(&state, &old), Ok(Some(131_009)));
}

#[test]
fn a_file_of_another_type_fails_later() {
    let mut state = state();
    let id = state.keep("audio/mpeg", Bytes::from_static(b"mp3"));
    for (kind, content, expected) in [
        ("audio", json!({"id": id}), None),
        ("audio", json!({"id": id, "voice": true}), Some(131_053)),
        ("document", json!({"id": id}), None),
        ("image", json!({"id": id}), Some(131_053)),
    ] {
        let body = message(kind, content);
        assert_eq!(content::check(&state, kind, &body), Ok(expected), "{body}");
    }
}

#[test]
fn a_link_to_this_machine_fails_later() {
    for (link, expected) in [
        ("https://example.com/a.jpg", None),
        ("https://localhost/a.jpg", Some(131_053)),
        ("https://127.0.0.1:8443/a.jpg", Some(131_053)),
    ] {
        let body = message("image", json!({"link": link}));
        let checked = content::check(&state(), "image", &body);
        assert_eq!(checked, Ok(expected), "{link}");
    }
}

#[test]
fn a_header_of_another_type_fails_later() {
    let mut state = state_with_window();
    let id = state.keep("application/pdf", Bytes::from_static(b"%PDF"));
    let body = interactive("button", &json!({"buttons": [button("1", "A")]}));
    for (kind, expected) in [("document", "sent"), ("image", "failed")] {
        let mut header = json!({"type": kind});
        header[kind] = json!({"id": id});
        let body = with(body.clone(), "/interactive/header", header);
        assert_eq!(send(&mut state, &body), None, "{body}");
        state.deliveries.clear();
        pass(&mut state, Duration::from_secs(1));
        assert_eq!(told_statuses(&state)[0], expected);
    }
}

#[test]
fn a_customer_is_asked_to_be_called_once_a_day_and_twice_a_week() {
    let mut state = state();
    let action = json!({"name": "call_permission_request"});
    let ask = interactive("call_permission_request", &action);
    let other = with(ask.clone(), "/to", "16315550000".into());
    let hours = |hours: u64| Duration::from_hours(hours);
    for (later, body, expected) in [
        (hours(0), &ask, None),
        (hours(23), &ask, Some(138_009)),
        (hours(0), &other, None),
        (hours(1), &ask, None),
        (hours(6 * 24 - 1), &ask, Some(138_009)),
        (hours(1), &ask, None),
    ] {
        state.clock.advance(later);
        assert_eq!(send(&mut state, body), expected, "{later:?}");
    }
}
