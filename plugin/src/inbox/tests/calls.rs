//! Calls, as 360dialog delivers them.

use super::*;

fn calls(value: &serde_json::Value) -> Delivery {
    Delivery {
        body: json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
            {"field": "calls", "value": value}
        ]}]})
        .to_string()
        .into_bytes(),
        ..delivery(&json!({}))
    }
}

/// A step of a call between the person `DE.1/49` and the business, `at` an instant in milliseconds.
fn step(direction: &str, event: &str, at: u64, more: &serde_json::Value) -> Delivery {
    let (person, business) = (json!("49"), json!("4930123456"));
    let mut call = json!({"id": "wacid.1", "event": event, "timestamp": (at / 1000).to_string(), "direction": direction});
    if direction == "USER_INITIATED" {
        call["from"] = person;
        call["from_user_id"] = json!("DE.1");
        call["to"] = business;
    } else {
        call["from"] = business;
        call["to"] = person;
        call["to_user_id"] = json!("DE.1");
    }
    for (name, member) in more.as_object().unwrap() {
        call[name] = member.clone();
    }
    calls(&json!({"metadata": {"display_phone_number": "4930123456"}, "calls": [call]}))
}

/// Takes deliveries in, in this order; returns when, and by which call, the window was opened.
fn opening_of(deliveries: &[Delivery]) -> Option<(u64, Option<String>)> {
    let store = Store::default();
    for delivery in deliveries {
        assert_eq!(greeted(&store, delivery, NOW), [], "a call is not greeted");
    }
    let by_phone = state(&store, &Recipient::Phone("+49".into())).unwrap();
    let by_user_id = state(&store, &Recipient::UserId("DE.1".into())).unwrap();
    assert_eq!(by_phone, by_user_id);
    by_phone.opened.map(|opening| {
        assert_eq!(opening.cause, outbound::OpeningCause::Call);
        (opening.at, opening.id)
    })
}

#[test]
fn a_call_of_the_person_opens_the_window_from_when_they_called() {
    let at = NOW - 2 * HOUR;
    let start = json!({"start_time": ((at + 5000) / 1000).to_string(), "end_time": ((at + HOUR) / 1000).to_string(),
        "status": "COMPLETED", "duration": 3595});
    let connect = || step("USER_INITIATED", "connect", at, &json!({}));
    let over = || step("USER_INITIATED", "terminate", at + HOUR, &start);
    let missed = || {
        step(
            "USER_INITIATED",
            "terminate",
            at + 30_000,
            &json!({"status": "FAILED"}),
        )
    };
    let recorded = || {
        step(
            "USER_INITIATED",
            "call_recording_available",
            NOW,
            &json!({}),
        )
    };
    for (deliveries, opened) in [
        (vec![connect()], Some(at)),
        // The end of a call opens nothing anew: the person called when it began.
        (vec![connect(), over()], Some(at + 5000)),
        (vec![over(), connect()], Some(at + 5000)),
        (vec![over()], Some(at + 5000)),
        (vec![missed()], Some(at + 30_000)),
        (
            vec![step("USER_INITIATED", "call_created", at, &json!({}))],
            Some(at),
        ),
        (vec![connect(), recorded()], Some(at)),
        (vec![recorded()], None),
    ] {
        let expected = opened.map(|at| (at, Some("wacid.1".to_owned())));
        assert_eq!(opening_of(&deliveries), expected, "{deliveries:?}");
    }
}

#[test]
fn a_call_of_the_business_opens_nothing_but_makes_the_person_known() {
    let at = NOW - HOUR;
    let status = |word: &str| {
        calls(
            &json!({"metadata": {"display_phone_number": "4930123456"}, "statuses": [{
            "id": "wacid.1", "type": "call", "status": word, "timestamp": (at / 1000).to_string(),
            "recipient_id": "49", "recipient_user_id": "DE.1"}]}),
        )
    };
    let start = json!({"start_time": (at / 1000).to_string(), "status": "COMPLETED"});
    for deliveries in [
        vec![step("BUSINESS_INITIATED", "connect", at, &json!({}))],
        vec![step("BUSINESS_INITIATED", "terminate", at, &start)],
        vec![status("RINGING"), status("ACCEPTED")],
        vec![step(
            "SIDEWAYS",
            "connect",
            at,
            &json!({"from": "49", "from_user_id": "DE.1", "to": "4930123456"}),
        )],
    ] {
        assert_eq!(opening_of(&deliveries), None, "{deliveries:?}");
        let store = Store::default();
        greeted(&store, &deliveries[0], NOW);
        assert_eq!(greeted(&store, &text("DE.1/49", NOW), NOW), []);
    }
}

#[test]
fn a_call_to_another_number_changes_nothing() {
    let mut delivery = step("USER_INITIATED", "connect", NOW, &json!({}));
    let body = String::from_utf8(delivery.body).unwrap();
    delivery.body = body.replace("4930123456", "4930999999").into_bytes();
    let store = Store::default();
    assert_eq!(greeted(&store, &delivery, NOW), []);
    assert_eq!(store.operations(), (0, 0));
}
