use std::num::NonZeroU32;

use super::*;
use crate::fault::{Fault, Rule};

#[test]
fn to_a_number_that_never_wrote_a_message_without_template_fails_later() {
    let mut state = State::new(Options {
        status_step: None,
        ..Options::default()
    });
    state.clock.freeze();
    let body = with(
        text_message("Hi"),
        "/biz_opaque_callback_data",
        "job-17".into(),
    );
    assert_eq!(send(&mut state, &body), None);
    assert_eq!(state.messages.all()[0].statuses, Vec::<&str>::new());
    pass(&mut state, Duration::ZERO);
    let told = told(&state);
    let [value] = told.as_slice() else {
        panic!("{told:?} is not one status");
    };
    assert_eq!(value.get("contacts"), None);
    let status = &value["statuses"][0];
    assert_eq!(status["status"], "failed");
    assert_eq!(status["errors"][0]["code"], 131_047);
    assert_eq!(status["recipient_id"], PHONE);
    assert_eq!(status["biz_opaque_callback_data"], "job-17");
    assert_eq!(status["timestamp"], (state.now() / 1000).to_string());
    assert_eq!(status.get("pricing"), None);
    assert_eq!(state.messages.all()[0].statuses, ["failed"]);
}

#[test]
fn a_message_is_sent_delivered_and_read_a_step_apart() {
    let mut state = state();
    let body = with(
        text_message("Hi"),
        "/biz_opaque_callback_data",
        "job-17".into(),
    );
    sent(&mut state, body);
    pass(&mut state, Duration::from_millis(299));
    assert_eq!(told_statuses(&state), [] as [&str; 0]);
    pass(&mut state, Duration::from_millis(1));
    assert_eq!(told_statuses(&state), ["sent"]);
    pass(&mut state, Duration::from_millis(600));
    assert_eq!(told_statuses(&state), ["sent", "delivered", "read"]);
    assert_eq!(
        state.messages.all()[0].statuses,
        ["sent", "delivered", "read"]
    );
    let told = told(&state);
    let priced = told
        .iter()
        .map(|value| value["statuses"][0].get("pricing").is_some());
    assert_eq!(priced.collect::<Vec<_>>(), [true, true, false]);
    for value in told {
        // Nothing of a profile, since nobody with that number wrote.
        assert_eq!(value["contacts"], json!([{"wa_id": PHONE}]));
        assert_eq!(value["statuses"][0]["biz_opaque_callback_data"], "job-17");
    }
}

#[test]
fn beyond_ten_thousand_messages_the_oldest_goes_that_has_no_next_status() {
    let mut state = state();
    let first = sent(&mut state, text_message("Hi"));
    state.options.status_step = None;
    let second = sent(&mut state, text_message("Hi"));
    for _ in 0..9_998 {
        sent(&mut state, Value::Null);
    }
    state.clock.advance(Duration::from_secs(1));
    assert_eq!(send(&mut state, &text_message("Hi")), None);
    assert_eq!(state.messages.all().len(), 10_000);
    assert!(state.messages.find(&first).is_some());
    assert!(state.messages.find(&second).is_none());
}

#[test]
fn a_reaction_is_sent_and_no_more() {
    let mut state = state();
    sent(
        &mut state,
        message("reaction", json!({"message_id": "wamid.IN", "emoji": "👍"})),
    );
    pass(&mut state, Duration::from_mins(1));
    assert_eq!(told_statuses(&state), ["sent"]);
}

#[test]
fn without_a_step_there_are_no_statuses() {
    let mut state = state();
    state.options.status_step = None;
    sent(&mut state, text_message("Hi"));
    assert_eq!(state.timeline.next(), None);
}

#[test]
fn a_status_that_is_dropped_is_reached_all_the_same_and_the_next_ones_are_told() {
    let mut state = state();
    sent(&mut state, text_message("Hi"));
    state.faults.add(Rule {
        fault: Fault::StatusDropped {},
        path: None,
        times: NonZeroU32::new(1),
    });
    pass(&mut state, Duration::from_secs(1));
    assert_eq!(told_statuses(&state), ["delivered", "read"]);
    assert_eq!(
        state.messages.all()[0].statuses,
        ["sent", "delivered", "read"]
    );
}

#[test]
fn a_message_fails_as_it_is_asked_for() {
    let mut state = state_with_window();
    state.faults.add(Rule {
        fault: Fault::MessageFails { code: 131_026 },
        path: None,
        times: NonZeroU32::new(1),
    });
    for _ in 0..2 {
        assert_eq!(send(&mut state, &text_message("Hi")), None);
    }
    pass(&mut state, Duration::from_millis(300));
    assert_eq!(told_statuses(&state), ["failed", "sent"]);
    let error = &told(&state)[0]["statuses"][0]["errors"][0];
    assert_eq!(error["code"], 131_026);
    assert_eq!(error["title"], "Message undeliverable");
}

#[test]
fn a_late_status_is_told_late() {
    let mut state = state();
    state.faults.add(Rule {
        fault: Fault::StatusLate { seconds: 5 },
        path: None,
        times: NonZeroU32::new(1),
    });
    sent(&mut state, text_message("Hi"));
    pass(&mut state, Duration::from_millis(5299));
    assert_eq!(told_statuses(&state), [] as [&str; 0]);
    pass(&mut state, Duration::from_millis(601));
    assert_eq!(told_statuses(&state), ["sent", "delivered", "read"]);
}

#[test]
fn a_thousand_messages_without_template_are_free_each_month() {
    // 2026-11-30T23:59:59Z.
    let end_of_november = 1_796_083_199_000;
    let mut tier = FreeTier::default();
    for _ in 0..1000 {
        let pricing = tier.service("text", end_of_november);
        assert_eq!(pricing["type"], "free_customer_service");
    }
    let charged =
        json!({"billable": true, "pricing_model": "PMP", "type": "regular", "category": "service"});
    assert_eq!(tier.service("text", end_of_november), charged);
    assert_eq!(tier.service("reaction", end_of_november)["billable"], false);
    assert_eq!(
        tier.service("text", end_of_november + 1000)["billable"],
        false
    );
}

#[test]
fn inside_the_window_a_message_goes_its_way() {
    let mut state = state_with_window();
    assert_eq!(send(&mut state, &text_message("Hi")), None);
    pass(&mut state, Duration::from_secs(1));
    assert_eq!(told_statuses(&state), ["sent", "delivered", "read"]);
    let customer = state.customers.all()[0].user_id.clone();
    let value = &told(&state)[0];
    assert_eq!(value["contacts"][0]["user_id"], customer);
    let status = &value["statuses"][0];
    assert_eq!(status["recipient_id"], PHONE);
    assert_eq!(status["recipient_user_id"], customer);
    let free = json!({"billable": false, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"});
    assert_eq!(status["pricing"], free);
    let latest: Vec<_> = state.messages.latest_to(&customer).collect();
    assert_eq!(latest.len(), 1);
}

/// A customer comes from an ad.
fn state_with_click() -> State {
    let mut state = state();
    let came = state.act(&Who::phone(PHONE), Act::from_ad("Hi"));
    came.expect("a customer can come from an ad");
    state
}

/// Sends a text and lets it be read. Returns what was told of it.
fn told_of_answer(state: &mut State) -> Vec<Value> {
    state.deliveries.clear();
    assert_eq!(send(state, &text_message("Hi")), None);
    pass(state, Duration::from_secs(1));
    let statuses = told(state).into_iter();
    statuses
        .map(|mut value| value["statuses"][0].take())
        .collect()
}

#[test]
fn an_answer_to_who_came_from_an_ad_makes_messages_free_for_three_days() {
    let mut state = state_with_click();
    pass(
        &mut state,
        Duration::from_hours(24) - Duration::from_millis(1),
    );
    let until = state.now() + 72 * 60 * 60 * 1000;
    let until = (until / 1000).to_string();
    let first = told_of_answer(&mut state);
    let free = json!({"billable": false, "pricing_model": "PMP", "type": "free_entry_point",
        "category": "referral_conversion"});
    let origin = json!({"type": "referral_conversion"});
    let id = &first[0]["id"];
    let sent = json!({"id": id, "expiration_timestamp": until, "origin": origin});
    let delivered = json!({"id": id, "origin": origin});
    assert_eq!(
        (&first[0]["pricing"], &first[0]["conversation"]),
        (&free, &sent)
    );
    assert_eq!(
        (&first[1]["pricing"], &first[1]["conversation"]),
        (&free, &delivered)
    );
    assert_eq!(first[2].get("conversation"), None);

    // The window is another matter.
    pass(&mut state, Duration::from_hours(71));
    let failed = told_of_answer(&mut state);
    assert_eq!(failed[0]["status"], "failed");
    assert_eq!(failed[0].get("conversation"), None);
    let said = state.act(&Who::phone(PHONE), Act::say("Hi"));
    said.expect("a customer can write");
    let next = told_of_answer(&mut state);
    assert_eq!(next[0]["conversation"]["expiration_timestamp"], until);
    pass(&mut state, Duration::from_hours(1));
    let last = told_of_answer(&mut state);
    assert_eq!(last[0]["pricing"]["type"], "free_customer_service");
    assert_eq!(last[0].get("conversation"), None);
}

#[test]
fn a_click_that_is_not_answered_within_a_day_makes_nothing_free() {
    let mut state = state_with_click();
    pass(&mut state, Duration::from_hours(24));
    let said = state.act(&Who::phone(PHONE), Act::say("Hi"));
    said.expect("a customer can write");
    let late = told_of_answer(&mut state);
    assert_eq!(late[0]["pricing"]["type"], "free_customer_service");
}

#[test]
fn a_day_after_the_customer_wrote_the_window_is_closed() {
    let mut state = state_with_window();
    pass(&mut state, Duration::from_hours(24));
    assert_eq!(send(&mut state, &text_message("Hi")), None);
    pass(&mut state, Duration::from_secs(1));
    assert_eq!(told_statuses(&state), ["failed"]);
    // Known or not: it was sent to a number.
    assert_eq!(
        told(&state)[0]["statuses"][0].get("recipient_user_id"),
        None
    );
}

#[test]
fn a_message_to_a_user_id_names_no_number() {
    let mut state = state();
    let said = state.act(&Who::username("ada.l"), Act::say("Hi"));
    said.expect("a customer can write");
    state.deliveries.clear();
    let customer = state.customers.all()[0].user_id.clone();
    let mut body = text_message("Hi");
    body["to"] = Value::Null;
    body["recipient"] = customer.clone().into();
    assert_eq!(send(&mut state, &body), None);
    pass(&mut state, Duration::from_secs(1));
    let values = told(&state);
    let usernames = values
        .iter()
        .map(|value| value["contacts"][0]["profile"].get("username").is_some());
    assert_eq!(usernames.collect::<Vec<_>>(), [false, true, true]);
    for value in values {
        assert_eq!(value["statuses"][0].get("recipient_id"), None);
        assert_eq!(value["statuses"][0]["recipient_user_id"], customer);
    }
}
