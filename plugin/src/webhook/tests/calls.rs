//! Calls and their statuses.

use super::*;
use crate::bindings::messaging::channel::events::{Call, CallDirection, CallState};
use crate::bindings::messaging::channel::types::Contact;

fn value(value: &Value) -> Vec<Event> {
    events(
        &json!({"object": "whatsapp_business_account", "entry": [{"id": "1022", "time": 1_762_216_999, "changes": [
        {"field": "calls", "value": value}]}]}),
    )
}

fn call(item: &Value) -> (Event, Call) {
    let mut events = value(
        &json!({"metadata": {"display_phone_number": "15550783881", "phone_number_id": "1065"},
        "contacts": [{"profile": {"name": "Pablo"}, "wa_id": "16505551234", "user_id": "US.134"}], "calls": [item]}),
    );
    assert_eq!(events.len(), 1);
    let event = events.remove(0);
    let EventBody::Call(call) = event.body.clone() else {
        panic!("{:?}", event.body);
    };
    (event, call)
}

fn attributes<'a>(event: &'a Event) -> Vec<(&'a str, &'a Scalar)> {
    let pair = |attribute: &'a Attribute| (attribute.path.as_str(), &attribute.value);
    event.attributes.iter().map(pair).collect()
}

fn ids(contact: Option<&Contact>) -> [Option<&str>; 3] {
    contact.map_or([None; 3], |contact| {
        [
            contact.phone.as_deref(),
            contact.user_id.as_deref(),
            contact.parent_user_id.as_deref(),
        ]
    })
}

#[test]
fn a_call_that_is_over_says_how_it_went() {
    let item = json!({"id": "wacid.HBgL", "from": "16505551234", "from_user_id": "US.134", "to": "15550783881",
        "event": "terminate", "timestamp": "1762216151", "direction": "USER_INITIATED", "status": "COMPLETED",
        "start_time": "1762216100", "end_time": "1762216151", "duration": 51, "cta_payload": "button-7",
        "deeplink_payload": "link-7"});
    let (event, over) = call(&item);
    assert_eq!(over.id.as_deref(), Some("wacid.HBgL"));
    assert_eq!(over.direction, Some(CallDirection::Inbound));
    assert_eq!(over.state, CallState::Terminated);
    assert_eq!(over.outcome.as_deref(), Some("COMPLETED"));
    assert_eq!(
        (over.started, over.ended, over.duration),
        (Some(1_762_216_100_000), Some(1_762_216_151_000), Some(51))
    );
    assert_eq!(over.payload.as_deref(), Some("button-7"));
    assert_eq!(event.time, Some(1_762_216_151_000));
    assert_eq!(
        ids(event.contact.as_ref()),
        [Some("16505551234"), Some("US.134"), None]
    );
    assert_eq!(
        event.contact.as_ref().unwrap().name.as_deref(),
        Some("Pablo")
    );
    let text = |text: &str| Scalar::Text(text.to_owned());
    assert_eq!(
        attributes(&event),
        [
            ("/deeplink_payload", &text("link-7")),
            ("/direction", &text("USER_INITIATED")),
            ("/event", &text("terminate")),
            ("/to", &text("15550783881"))
        ]
    );
    assert_eq!(event.raw, item.to_string());
    assert_eq!(event.origin.field.as_deref(), Some("calls"));
}

#[test]
fn a_call_that_comes_in_brings_a_session() {
    let item = |session: &Value| {
        json!({"id": "wacid.1", "from_user_id": "US.134", "from_parent_user_id": "US.ENT.1", "to": "15550783881",
            "event": "connect", "timestamp": 1_762_216_151_123_u64, "direction": "USER_INITIATED", "session": session})
    };
    let (event, whole) = call(&item(&json!({"sdp_type": "offer", "sdp": "v=0"})));
    assert_eq!(whole.state, CallState::Connect);
    let session = whole.session.unwrap();
    assert_eq!(
        (session.kind.as_str(), session.sdp.as_str()),
        ("offer", "v=0")
    );
    assert_eq!(event.time, Some(1_762_216_151_123));
    assert_eq!(
        ids(event.contact.as_ref()),
        [Some("16505551234"), Some("US.134"), Some("US.ENT.1")]
    );
    let (event, half) = call(&item(&json!({"sdp_type": "offer"})));
    assert_eq!(half.session, None);
    let offer = Scalar::Text("offer".to_owned());
    assert!(attributes(&event).contains(&("/session/sdp_type", &offer)));
}

#[test]
fn a_call_of_the_business_concerns_whom_it_calls() {
    let (event, call) = call(
        &json!({"id": "wacid.2", "from": "15550783881", "to": "447700900123", "to_user_id": "GB.7",
        "to_parent_user_id": "GB.ENT.7", "event": "connect", "timestamp": 1_762_216_151, "direction": "BUSINESS_INITIATED",
        "session": {"sdp_type": "answer", "sdp": "v=0"}, "biz_opaque_callback_data": "job-17",
        "errors": [{"code": 138_004, "message": "Connection error"}]}),
    );
    assert_eq!(call.direction, Some(CallDirection::Outbound));
    assert_eq!(call.reference.as_deref(), Some("job-17"));
    assert_eq!(call.errors[0].code.as_deref(), Some("138004"));
    assert_eq!(
        ids(event.contact.as_ref()),
        [Some("447700900123"), Some("GB.7"), Some("GB.ENT.7")]
    );
    let text = |text: &str| Scalar::Text(text.to_owned());
    assert_eq!(
        attributes(&event),
        [
            ("/direction", &text("BUSINESS_INITIATED")),
            ("/from", &text("15550783881"))
        ]
    );
}

#[test]
fn other_words_are_kept_and_nobody_is_guessed() {
    let (event, odd) = call(
        &json!({"id": "wacid.3", "from": "15550783881", "to": "447700900123",
        "event": "call_recording_available", "timestamp": "soon", "direction": "SIDEWAYS", "duration": -1, "start_time": {}}),
    );
    assert_eq!(
        odd.state,
        CallState::Other("call_recording_available".to_owned())
    );
    assert_eq!(
        (odd.direction, odd.duration, odd.started),
        (None, None, None)
    );
    assert_eq!(event.time, None);
    assert_eq!(
        ids(event.contact.as_ref()),
        [Some("447700900123"), None, None]
    );
    let sideways = Scalar::Text("SIDEWAYS".to_owned());
    assert!(attributes(&event).contains(&("/direction", &sideways)));
    let (event, _) =
        call(&json!({"from": "16505551234", "to": "15550783881", "event": "call_created"}));
    assert_eq!(ids(event.contact.as_ref())[0], Some("16505551234"));

    let nameless =
        value(&json!({"calls": [{"id": "wacid.4", "timestamp": "1762216151"}]})).remove(0);
    let EventBody::Unknown(unknown) = &nameless.body else {
        panic!("{nameless:?}");
    };
    assert_eq!(unknown.field.as_deref(), Some("calls"));
    assert_eq!(unknown.reason.as_deref(), Some("event is missing"));
    assert_eq!(nameless.time, Some(1_762_216_151_000));
}

#[test]
fn statuses_of_calls_are_steps_of_them() {
    let item = |word: &str| {
        json!({"id": "wacid.1", "type": "call", "status": word, "timestamp": "1762216151", "recipient_id": "16505551234",
            "recipient_user_id": "US.134", "biz_opaque_callback_data": "job-17"})
    };
    for (word, state) in [
        ("RINGING", CallState::Ringing),
        ("ACCEPTED", CallState::Accepted),
        ("REJECTED", CallState::Rejected),
        ("HELD", CallState::Other("HELD".to_owned())),
    ] {
        let events = [
            value(&json!({"metadata": {}, "statuses": [item(word)]})).remove(0),
            // Without its envelope, its type tells what it is.
            events(&json!({"metadata": {}, "statuses": [item(word)]})).remove(0),
        ];
        for event in events {
            let EventBody::Call(call) = &event.body else {
                panic!("{event:?}");
            };
            assert_eq!(call.state, state);
            assert_eq!(call.direction, Some(CallDirection::Outbound));
            assert_eq!(call.id.as_deref(), Some("wacid.1"));
            assert_eq!(call.reference.as_deref(), Some("job-17"));
            assert_eq!(event.time, Some(1_762_216_151_000));
            assert_eq!(
                ids(event.contact.as_ref()),
                [Some("16505551234"), Some("US.134"), None]
            );
            let kind = Scalar::Text("call".to_owned());
            assert!(attributes(&event).contains(&("/type", &kind)));
        }
    }
    let bare = value(&json!({"statuses": [{"id": "wacid.1", "status": "RINGING"}]})).remove(0);
    assert!(matches!(bare.body, EventBody::Call(_)), "{bare:?}");
}

#[test]
fn the_id_of_a_call_s_event_is_that_of_its_item() {
    let first = json!({"id": "wacid.1", "event": "connect", "timestamp": "1762216100", "direction": "USER_INITIATED"});
    let second = json!({"id": "wacid.1", "event": "terminate", "timestamp": "1762216151", "direction": "USER_INITIATED"});
    let alone = value(&json!({"calls": [second]}));
    let both = value(&json!({"calls": [first, second], "errors": [{"code": 1}]}));
    assert_eq!(both.len(), 3);
    assert!(matches!(both[2].body, EventBody::Error(_)));
    assert_eq!(alone[0].id, both[1].id);
    assert_ne!(both[0].id, both[1].id);
}
