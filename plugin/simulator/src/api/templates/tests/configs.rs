//! 360dialog's own shape, in both flavours.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CONFIGS, add, body, cloud, delete, detailed, get, post, state, template};
use crate::reviewer::Decision;
use crate::simulator::Flavour;

#[test]
fn a_template_has_an_id_of_metas_and_one_of_360dialogs() {
    let mut state = cloud();
    let id = "594000000000001";
    let created = json!({"id": id, "status": "PENDING", "category": "UTILITY"});
    let answer = post(&mut state, CONFIGS, &template("order", "en_US"));
    assert_eq!(answer, (201, created));

    let seconds = i64::try_from(state.now() / 1000).unwrap();
    let time = Timestamp::from_second(seconds).unwrap().to_string();
    let system = json!({"user_id": "system", "user_name": "system"});
    let (status, mut list) = get(&mut state, CONFIGS);
    let namespace = list["waba_templates"][0]["namespace"].take();
    let groups = namespace.as_str().unwrap().split('_').map(str::len);
    assert_eq!(groups.collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    let item = json!({
        "id": "sim0000594000000000001",
        "external_id": id,
        "name": "order",
        "language": "en_US",
        "category": "UTILITY",
        "status": "pending",
        "rejected_reason": "NONE",
        "namespace": null,
        "quality_score": {"score": "UNKNOWN"},
        "components": body("Your order is on its way."),
        "partner_id": "simulated",
        "waba_account_id": "sim215550783881",
        "created_at": time,
        "created_by": system,
        "modified_at": time,
        "modified_by": system,
        "updated_external": false,
    });
    let expected = json!({
        "count": 1,
        "filters": {},
        "limit": 1000,
        "offset": 0,
        "sort": ["id"],
        "total": 1,
        "waba_templates": [item],
    });
    assert_eq!((status, list), (200, expected));
}

#[test]
fn a_list_is_filtered_sorted_and_cut() {
    let mut state = cloud();
    add(&mut state, &[("b", "en"), ("c", "en"), ("a", "en")]);
    post(&mut state, CONFIGS, &template("d", "en"));
    for (query, expected, total) in [
        ("", "bcad", 4),
        ("sort=name", "abcd", 4),
        ("sort=-business_templates.name&limit=2", "dc", 4),
        ("sort=status,name", "abcd", 4),
        ("limit=2&offset=1&sort=id", "ca", 4),
        ("offset=4", "", 4),
        (
            "filters=%7B%22business_templates.name%22%3A%22c%22%7D",
            "c",
            1,
        ),
        ("filters=%7B%22status%22%3A%22pending%22%7D", "d", 1),
    ] {
        let (_, list) = get(&mut state, &format!("{CONFIGS}?{query}"));
        let items = list["waba_templates"].as_array().unwrap();
        let names: String = items.iter().filter_map(|it| it["name"].as_str()).collect();
        assert_eq!(names, expected, "{query}");
        assert_eq!(
            (&list["count"], &list["total"]),
            (&json!(expected.len()), &json!(total))
        );
    }
    for (query, sentence) in [
        ("limit=x", "limit must be a number"),
        (
            "filters=name",
            "filters must be a JSON object of members and their values",
        ),
        (
            "sort=colour",
            "sort must be one of id, external_id, name, language, category, status, created_at, modified_at",
        ),
    ] {
        let answer = get(&mut state, &format!("{CONFIGS}?{query}"));
        assert_eq!(answer, detailed(sentence));
    }
}

#[test]
fn deleting_a_name_deletes_its_languages() {
    let mut state = cloud();
    add(
        &mut state,
        &[("order_sent", "en"), ("order_sent", "de"), ("other", "en")],
    );
    let address = format!("{CONFIGS}/order%5Fsent");
    let meta = json!({
        "developer_message": "template name=order_sent template was deleted",
        "http_code": 200,
        "success": true,
    });
    assert_eq!(delete(&mut state, &address), (200, json!({"meta": meta})));
    assert_eq!(state.templates.all().len(), 1);
    let meta = json!({"developer_message": "Object not found", "http_code": 404, "success": false});
    assert_eq!(delete(&mut state, &address), (404, json!({"meta": meta})));
}

#[test]
fn the_on_premise_api_answers_as_it_is_documented() {
    let mut state = state(Flavour::OnPremise);
    let mut template = json!({
        "name": "template_name",
        "category": "ACCOUNT_UPDATE",
        "language": "en",
        "components": body("template_text"),
    });
    let (status, created) = post(&mut state, CONFIGS, &template);
    template["namespace"] = created["namespace"].clone();
    template["rejected_reason"] = Value::Null;
    template["status"] = "submitted".into();
    assert_eq!((status, created), (200, template.clone()));
    let (_, list) = get(&mut state, CONFIGS);
    assert_eq!(list["waba_templates"][0]["status"], "submitted");

    state
        .decide("template_name", None, Decision::Approve)
        .unwrap();
    assert!(
        state.deliveries.is_empty(),
        "no webhook is told of templates"
    );
    template["rejected_reason"] = "NONE".into();
    template["status"] = "APPROVED".into();
    let expected = json!({
        "count": 1,
        "filters": {},
        "limit": 1000,
        "offset": 0,
        "sort": ["id"],
        "total": 1,
        "waba_templates": [template],
    });
    assert_eq!(get(&mut state, CONFIGS), (200, expected));
    let answer = get(&mut state, &format!("{CONFIGS}?sort=category"));
    assert_eq!(answer, detailed("sort must be one of id, name, status"));
}

#[test]
fn the_on_premise_api_takes_a_text_that_ends_in_a_variable_and_has_no_example() {
    let text = "Hello {{1}}! This is a test message, setup with API version {{2}}";
    let mut quoted = template("version", "en");
    quoted["components"] = body(text);
    let (status, answer) = post(&mut cloud(), CONFIGS, &quoted);
    assert_eq!(status, 400, "{answer}");
    quoted["category"] = "TICKET_UPDATE".into();
    let mut on_premise = state(Flavour::OnPremise);
    let (status, answer) = post(&mut on_premise, CONFIGS, &quoted);
    assert_eq!(
        (status, &answer["status"]),
        (200, &json!("submitted")),
        "{answer}"
    );
    let decided = on_premise.decide("version", None, Decision::Approve);
    assert_eq!(decided, Ok(()));

    quoted["name"] = "picture".into();
    quoted["components"] = json!([
        {"type": "HEADER", "format": "IMAGE"},
        {"type": "BODY", "text": "{{1}} left"},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Track", "url": "https://e.com/{{1}}"}]},
    ]);
    let (status, answer) = post(&mut on_premise, CONFIGS, &quoted);
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn the_cloud_api_refuses_the_old_categories_and_names_todays() {
    let mut old = template("order", "en");
    old["category"] = "ACCOUNT_UPDATE".into();
    let answer = post(&mut cloud(), CONFIGS, &old);
    let sentence = "category must be one of AUTHENTICATION, MARKETING, UTILITY";
    assert_eq!(answer, detailed(sentence));
}

#[test]
fn a_body_that_is_no_object_is_refused_with_meta() {
    let answer = post(&mut cloud(), CONFIGS, &json!([]));
    assert_eq!(answer, detailed("The request's body is no JSON object"));
}
