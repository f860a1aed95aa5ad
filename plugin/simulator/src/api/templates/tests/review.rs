//! The reviewer.

use std::time::Duration;

use serde_json::{Value, json};

use super::{GRAPH, add, cloud, get, post, template};
use crate::api::templates::TemplateStatus::{self, Approved, Pending, Rejected};
use crate::reviewer::{Decision, ReviewError};
use crate::state::State;

fn reject(reason: &str) -> Decision {
    let reason = reason.to_owned();
    Decision::Reject { reason }
}

fn recategorise(category: &str) -> Decision {
    let category = category.to_owned();
    Decision::Recategorise { category }
}

/// The change of the latest webhook.
fn told(state: &State) -> Value {
    let delivery = state.deliveries.back().unwrap();
    let body: Value = serde_json::from_slice(&delivery.body).unwrap();
    body["entry"][0]["changes"][0].clone()
}

#[test]
fn the_account_is_told_of_every_decision() {
    let mut state = cloud();
    post(&mut state, GRAPH, &template("order", "en_US"));
    let mut decided = |decision: Decision| {
        state.decide("order", None, decision).unwrap();
        assert!(state.deliveries.back().unwrap().of_account);
        told(&state)
    };
    let value = json!({
        "message_template_id": 594_000_000_000_001_u64,
        "message_template_name": "order",
        "message_template_language": "en-US",
        "message_template_category": "UTILITY",
        "event": "REJECTED",
        "reason": "INVALID_FORMAT",
        "rejection_info": {
            "reason": "The template was rejected: INVALID_FORMAT.",
            "recommendation": "Edit the template and submit it again.",
        },
    });
    let expected = json!({"field": "message_template_status_update", "value": value});
    assert_eq!(decided(reject("INVALID_FORMAT")), expected);

    let value = json!({
        "message_template_id": 594_000_000_000_001_u64,
        "message_template_name": "order",
        "message_template_language": "en-US",
        "message_template_category": "UTILITY",
        "event": "APPROVED",
        "reason": "NONE",
    });
    let expected = json!({"field": "message_template_status_update", "value": value});
    assert_eq!(decided(Decision::Approve), expected);

    let value = json!({
        "message_template_id": 594_000_000_000_001_u64,
        "message_template_name": "order",
        "message_template_language": "en-US",
        "previous_category": "UTILITY",
        "new_category": "MARKETING",
    });
    let expected = json!({"field": "template_category_update", "value": value});
    assert_eq!(decided(recategorise("marketing")), expected);
}

#[test]
fn a_list_shows_what_was_decided() {
    let mut state = cloud();
    add(&mut state, &[("moved", "en"), ("paused", "en")]);
    post(&mut state, GRAPH, &template("refused", "en"));
    state
        .decide("moved", None, recategorise("MARKETING"))
        .unwrap();
    state.decide("paused", None, Decision::Pause).unwrap();
    state.decide("refused", None, reject("SCAM")).unwrap();
    let fields = "category,previous_category,status,rejected_reason,quality_score";
    let (_, list) = get(&mut state, &format!("{GRAPH}?fields={fields}"));
    let time = state.now() / 1000;
    let item = |id: &str, status: &str, reason: &str, quality: &str| {
        json!({
            "id": id,
            "category": "UTILITY",
            "status": status,
            "rejected_reason": reason,
            "quality_score": {"score": quality, "date": time},
        })
    };
    let mut moved = item("594000000000001", "APPROVED", "NONE", "UNKNOWN");
    moved["category"] = "MARKETING".into();
    moved["previous_category"] = "UTILITY".into();
    let paused = item("594000000000002", "PAUSED", "NONE", "RED");
    let refused = item("594000000000003", "REJECTED", "SCAM", "UNKNOWN");
    assert_eq!(list["data"], json!([moved, paused, refused]));
}

#[test]
fn the_third_pause_disables() {
    let mut state = cloud();
    add(&mut state, &[("order", "en")]);
    let mut decided = |decision: Decision| {
        state.decide("order", None, decision).unwrap();
        told(&state)["value"].clone()
    };
    for title in ["FIRST_PAUSE", "SECOND_PAUSE"] {
        let paused = decided(Decision::Pause);
        assert_eq!(
            (&paused["event"], &paused["other_info"]["title"]),
            (&json!("PAUSED"), &json!(title))
        );
        let ended = decided(Decision::Reinstate);
        assert_eq!(ended["event"], "REINSTATED");
        assert_eq!(ended["other_info"]["title"], "UNPAUSE");
    }
    let disabled = decided(Decision::Pause);
    assert_eq!(disabled["event"], "DISABLED");
    assert_eq!(disabled["other_info"]["title"], "DISABLED");
    assert_eq!(disabled["disable_info"]["disable_date"], state.now() / 1000);
    assert_eq!(state.templates.all()[0].status, TemplateStatus::Disabled);
}

#[test]
fn what_cannot_be_decided_says_what_can() {
    let mut state = cloud();
    add(&mut state, &[("twice", "en"), ("twice", "de")]);
    post(&mut state, GRAPH, &template("order", "en"));
    for (name, language, decision, expected) in [
        (
            "twice",
            None,
            Decision::Pause,
            "template twice has several languages: name one",
        ),
        (
            "twice",
            Some("fr"),
            Decision::Pause,
            "there is no template twice in fr",
        ),
        ("other", None, Decision::Pause, "there is no template other"),
        (
            "order",
            None,
            reject("BORING"),
            "Meta has no reason BORING: choose one of ABUSIVE_CONTENT, CATEGORY_NOT_AVAILABLE, \
             INCORRECT_CATEGORY, INVALID_FORMAT, PROMOTIONAL, SCAM, TAG_CONTENT_MISMATCH",
        ),
        (
            "order",
            None,
            recategorise("UTILITY"),
            "template order can't be moved to UTILITY: choose one of AUTHENTICATION, MARKETING",
        ),
        (
            "order",
            None,
            Decision::Pause,
            "template order is PENDING: what can be decided is to approve, reject or recategorise it",
        ),
    ] {
        let error = state.decide(name, language, decision).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    state.decide("order", None, reject("SCAM")).unwrap();
    let told = state.deliveries.len();
    let error = state.decide("order", None, Decision::Pause).unwrap_err();
    assert!(matches!(
        error,
        ReviewError::Impossible {
            status: "REJECTED",
            ..
        }
    ));
    assert_eq!(state.deliveries.len(), told);
    assert_eq!(
        state.templates.find("order", "en").unwrap().status,
        Rejected
    );
}

#[test]
fn a_review_may_take_for_ever() {
    let mut state = cloud();
    state.options.review = Some(Duration::MAX);
    let (status, _) = post(&mut state, GRAPH, &template("waits", "en"));
    assert_eq!((status, state.timeline.next()), (200, Some(u64::MAX)));
}

#[test]
fn where_nobody_reviews_meta_approves_after_a_while() {
    let mut state = cloud();
    state.options.review = Some(Duration::from_mins(1));
    post(&mut state, GRAPH, &template("waits", "en"));
    post(&mut state, GRAPH, &template("rejected", "en"));
    state.decide("rejected", None, reject("SCAM")).unwrap();
    let mut pass = |seconds: u64| {
        state.clock.advance(Duration::from_secs(seconds));
        while let Some(task) = state.timeline.take(state.now()) {
            state.perform(task);
        }
        let templates = state.templates.all().iter();
        templates.map(|it| it.status).collect::<Vec<_>>()
    };
    assert_eq!(pass(59), [Pending, Rejected]);
    assert_eq!(pass(1), [Approved, Rejected]);
}
