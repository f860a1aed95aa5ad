//! Meta's shape.

use std::time::Duration;

use serde_json::json;

use super::{GRAPH, add, body, cloud, delete, done, get, post, refused, sentence, template};
use crate::api::templates::TemplateStatus;
use crate::reviewer::Decision;

const DAY: Duration = Duration::from_hours(24);

#[test]
fn a_list_goes_on_by_cursor() {
    let mut state = cloud();
    add(&mut state, &[("a", "en"), ("b", "en"), ("c", "de")]);
    let (a, b, c) = ("594000000000001", "594000000000002", "594000000000003");
    let address = "https://graph.facebook.com/v24.0/215550783881/message_templates?limit=2";
    let expected = json!({
        "data": [
            {"id": a, "name": "a", "rejected_reason": "NONE"},
            {"id": b, "name": "b", "rejected_reason": "NONE"},
        ],
        "paging": {"cursors": {"before": a, "after": b}, "next": format!("{address}&after={b}")},
    });
    let page = get(
        &mut state,
        &format!("{GRAPH}?limit=2&fields=name,rejected_reason"),
    );
    assert_eq!(page, (200, expected));

    let expected = json!({
        "data": [{
            "id": c,
            "name": "c",
            "parameter_format": "POSITIONAL",
            "components": [],
            "language": "de",
            "status": "APPROVED",
            "category": "UTILITY",
        }],
        "paging": {"cursors": {"before": c, "after": c}, "previous": format!("{address}&before={c}")},
    });
    let page = get(&mut state, &format!("{GRAPH}?limit=2&after={b}"));
    assert_eq!(page, (200, expected));

    let (_, page) = get(&mut state, &format!("{GRAPH}?fields=id&limit=1&before={c}"));
    assert_eq!(page["data"], json!([{"id": b}]));
    assert_eq!(get(&mut cloud(), GRAPH), (200, json!({"data": []})));
}

#[test]
fn one_template_is_read_by_its_id() {
    let mut state = cloud();
    add(&mut state, &[("a", "en")]);
    let id = "594000000000001";
    let one = get(&mut state, &format!("{GRAPH}/{id}?fields=name,status"));
    assert_eq!(
        one,
        (200, json!({"id": id, "name": "a", "status": "APPROVED"}))
    );
    let unknown = get(&mut state, &format!("{GRAPH}/7"));
    assert_eq!(
        (unknown.0, sentence(&unknown)),
        (400, "There is no template 7.")
    );
}

#[test]
fn a_template_has_one_content_in_each_language() {
    let mut state = cloud();
    let created = json!({"id": "594000000000001", "status": "PENDING", "category": "UTILITY"});
    let answer = post(&mut state, GRAPH, &template("order", "en"));
    assert_eq!(answer, (200, created));
    assert_eq!(post(&mut state, GRAPH, &template("order", "de")).0, 200);
    let again = post(&mut state, GRAPH, &template("order", "en"));
    let sentence = "There is already en content for the template order.";
    assert_eq!(again, refused(2_388_024, sentence));
}

#[test]
fn the_name_of_a_deleted_approved_template_is_blocked_for_30_days() {
    let mut state = cloud();
    add(&mut state, &[("order", "en")]);
    let by_name = format!("{GRAPH}?name=order");
    assert_eq!(delete(&mut state, &by_name), done());
    for language in ["en", "de"] {
        let (status, answer) = post(&mut state, GRAPH, &template("order", language));
        assert_eq!(
            (status, &answer["error"]["error_subcode"]),
            (400, &json!(2_388_023))
        );
    }
    state.clock.advance(DAY * 30);
    // It waits for the reviewer, and the name of one that was never approved is free at once.
    for _ in 0..2 {
        assert_eq!(post(&mut state, GRAPH, &template("order", "en")).0, 200);
        assert_eq!(delete(&mut state, &by_name), done());
    }
    assert!(state.templates.blocked.is_empty());
}

#[test]
fn single_templates_are_deleted_by_id_but_not_disabled_ones() {
    let mut state = cloud();
    add(
        &mut state,
        &[
            ("order", "en"),
            ("order", "de"),
            ("order", "fr"),
            ("order", "es"),
        ],
    );
    state
        .decide("order", Some("es"), Decision::Disable)
        .unwrap();
    let ids: Vec<_> = state
        .templates
        .all()
        .iter()
        .map(|it| it.id.clone())
        .collect();
    for (query, status, left) in [
        ("hsm_id=7".to_owned(), 400, 4),
        (format!("hsm_id={}&name=other", ids[0]), 400, 4),
        (format!("hsm_id={}&name=order", ids[0]), 200, 3),
        (format!("hsm_ids=[%22{}%22,%227%22]", ids[1]), 400, 3),
        (
            format!("hsm_ids=[%22{}%22,%22{}%22]", ids[1], ids[2]),
            200,
            1,
        ),
        ("hsm_ids=1,2".to_owned(), 400, 1),
        ("hsm_ids=[]".to_owned(), 400, 1),
        ("name=order".to_owned(), 400, 1),
        (String::new(), 400, 1),
    ] {
        let (answer, _) = delete(&mut state, &format!("{GRAPH}?{query}"));
        assert_eq!(
            (answer, state.templates.all().len()),
            (status, left),
            "{query}"
        );
    }
    // Another language still has the name, so new ones are taken.
    assert_eq!(post(&mut state, GRAPH, &template("order", "it")).0, 200);
    assert_eq!(post(&mut state, GRAPH, &template("order", "en")).0, 400);
}

#[test]
fn an_approved_template_is_edited_once_a_day_and_ten_times_a_month() {
    let mut state = cloud();
    add(&mut state, &[("order", "en")]);
    let address = format!("{GRAPH}/594000000000001");
    let edit = json!({"components": body("Your order has left.")});
    let mut edits = 0;
    for _ in 0..12 {
        if post(&mut state, &address, &edit) == done() {
            edits += 1;
            state.decide("order", None, Decision::Approve).unwrap();
        }
        let twice = post(&mut state, &address, &edit);
        let often = "An approved template can be edited once in 24 hours and 10 times in 30 days.";
        assert_eq!((twice.0, sentence(&twice)), (400, often));
        state.clock.advance(DAY);
    }
    assert_eq!(edits, 10);
    state.clock.advance(DAY * 18);
    assert_eq!(post(&mut state, &address, &edit), done());
    let edited = &state.templates.all()[0];
    assert_eq!(edited.status, TemplateStatus::Pending);
    assert_eq!(json!(edited.components), body("Your order has left."));
    let sentence = "The template order is PENDING: only one that is APPROVED, REJECTED or PAUSED can be edited.";
    assert_eq!(
        post(&mut state, &address, &edit),
        refused(2_388_039, sentence)
    );
}

#[test]
fn an_edit_changes_neither_name_nor_language_nor_an_approved_category() {
    let mut state = cloud();
    post(&mut state, GRAPH, &template("order", "en"));
    let address = format!("{GRAPH}/594000000000001");
    let reason = "INVALID_FORMAT".to_owned();
    state
        .decide("order", None, Decision::Reject { reason })
        .unwrap();
    for (edit, expected) in [
        (json!({"name": "other"}), "name can't be changed"),
        (json!({"language": "de"}), "language can't be changed"),
        (
            json!({"components": []}),
            "components must be a list, and not empty",
        ),
    ] {
        let answer = post(&mut state, &address, &edit);
        assert_eq!((answer.0, sentence(&answer)), (400, expected));
    }
    let edit = json!({"category": "marketing", "components": body("Buy!")});
    assert_eq!(post(&mut state, &address, &edit), done());
    let edited = &state.templates.all()[0];
    assert_eq!(
        (edited.category.as_str(), &edited.rejected_reason),
        ("MARKETING", &None)
    );
    state.decide("order", None, Decision::Approve).unwrap();
    let answer = post(&mut state, &address, &json!({"category": "UTILITY"}));
    let expected = "The category of the template order can't change: it is approved.";
    assert_eq!((answer.0, sentence(&answer)), (400, expected));
}

#[test]
fn a_hundred_templates_are_created_in_an_hour_and_250_in_all() {
    let mut state = cloud();
    let name = |number: usize| format!("t{number}");
    for number in 0..100 {
        let answer = post(&mut state, GRAPH, &template(&name(number), "en"));
        assert_eq!(answer.0, 200);
    }
    let more = template("more", "en");
    let often = "100 templates were created within an hour.";
    assert_eq!(post(&mut state, GRAPH, &more), refused(2_388_019, often));
    state.clock.advance(Duration::from_hours(1));
    for number in 100..250 {
        add(&mut state, &[(&name(number), "en")]);
    }
    let full = "The account has 250 templates, which is as many as it can have.";
    assert_eq!(post(&mut state, GRAPH, &more), refused(2_388_019, full));
    delete(&mut state, &format!("{GRAPH}?name=t0"));
    assert_eq!(post(&mut state, GRAPH, &more).0, 200);
}

#[test]
fn an_authentication_template_is_kept_with_metas_text_and_a_url_button() {
    let mut state = cloud();
    let template = json!({"name": "code", "language": "en", "category": "authentication", "components": [
        {"type": "BODY", "add_security_recommendation": true},
        {"type": "FOOTER", "code_expiration_minutes": 5},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]},
    ]});
    assert_eq!(post(&mut state, GRAPH, &template).0, 200);
    let kept = state.templates.all()[0].clone();
    assert_eq!(kept.category, "AUTHENTICATION");
    let text = "*{{1}}* is your verification code. For your security, do not share this code.";
    assert_eq!(kept.components[0]["text"], text);
    let button = &kept.components[2]["buttons"][0];
    assert_eq!(
        (&button["type"], &button["otp_type"]),
        (&json!("URL"), &json!("COPY_CODE"))
    );
    // What is kept can be submitted again.
    state.decide("code", None, Decision::Approve).unwrap();
    let edit = json!({"components": kept.components});
    assert_eq!(
        post(&mut state, &format!("{GRAPH}/{}", kept.id), &edit),
        done()
    );
}

#[test]
fn an_added_template_is_approved_and_takes_the_place_of_the_one_before() {
    let mut state = cloud();
    for text in ["Hi {{1}}!", "Hi {{first_name}}!"] {
        let components = vec![json!({"type": "BODY", "text": text})];
        state.add_template("hi", "en", "UTILITY", components);
    }
    assert_eq!(state.templates.all().len(), 1);
    let added = state.templates.find("hi", "en").unwrap();
    assert_eq!(added.status, TemplateStatus::Approved);
    assert_eq!(added.parameter_format, "NAMED");
    assert!(state.deliveries.is_empty());
}
