use serde_json::{Value, json};

use super::reading::definition;
use super::space::Store;
use crate::bindings::messaging::channel::events::{
    Delivery, TemplateChange, TemplateChangeKind, TemplateStatusChange, Transition,
};
use crate::bindings::messaging::channel::templates::{Definition, TemplateKey, TemplateStatus};
use crate::storage::Storage as _;
use crate::template::{self, add, get, space, write};
use crate::{contacts, inbox};

const SETTINGS: &str =
    r#"{"name": "Shop", "phone_number": "+4930123456", "api_key": "{{secret:api_key}}"}"#;

fn stored() -> Value {
    json!({
        "id": "GVs", "external_id": "7", "name": "order", "language": "en_US", "category": "UTILITY", "status": "PENDING",
        "quality_score": {"score": "GREEN"}, "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Old {{1}}", "example": {"header_text": ["a"]}},
            {"type": "BODY", "text": "Old {{1}}", "example": {"body_text": [["b"]]}},
            {"type": "FOOTER", "text": "Old"},
            {"type": "BUTTONS", "buttons": [
                {"type": "URL", "text": "Old", "url": "https://old.example/{{1}}", "example": ["https://old.example/1"]},
                {"type": "QUICK_REPLY", "text": "Old"}
            ]}
        ]
    })
}

fn receive(store: &Store, field: &str, value: &Value) {
    let delivery = Delivery {
        method: "POST".into(),
        path: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
            {"field": field, "value": value}
        ]}]})
        .to_string()
        .into_bytes(),
    };
    inbox::receive(store, SETTINGS, &delivery, 1_750_000_000_000).unwrap();
}

/// The template after webhooks.
fn after(changes: &[(&str, Value)]) -> Definition {
    let store = Store::default();
    add(&store, &definition(&stored())).unwrap();
    for (field, value) in changes {
        let mut value = value.clone();
        value["message_template_id"] = 7.into();
        value["message_template_name"] = "order".into();
        value["message_template_language"] = "en-US".into();
        receive(&store, field, &value);
    }
    kept(&store)
}

fn kept(store: &Store) -> Definition {
    let key = TemplateKey {
        name: "order".into(),
        language: "en_US".into(),
    };
    get(store, &key).unwrap().unwrap()
}

/// The template that is stored, with some members set otherwise.
fn expected(changes: &Value) -> Definition {
    let mut item = stored();
    for (name, value) in changes.as_object().unwrap() {
        item[name] = value.clone();
    }
    definition(&item)
}

#[test]
fn status_quality_and_category_follow_the_webhooks() {
    const STATUS: &str = "message_template_status_update";
    let rejected = json!({"event": "REJECTED", "reason": "INVALID_FORMAT"});
    for (changes, members) in [
        (
            vec![(STATUS, json!({"event": "APPROVED", "reason": "NONE"}))],
            json!({"status": "APPROVED"}),
        ),
        (
            vec![(STATUS, rejected.clone())],
            json!({"status": "REJECTED", "rejected_reason": "INVALID_FORMAT"}),
        ),
        (
            vec![(STATUS, rejected), (STATUS, json!({"event": "REINSTATED"}))],
            json!({"status": "APPROVED"}),
        ),
        (vec![(STATUS, json!({"event": "FLAGGED"}))], json!({})),
        (
            vec![(
                STATUS,
                json!({"event": "PAUSED", "message_template_category": "MARKETING"}),
            )],
            json!({"status": "PAUSED", "category": "MARKETING"}),
        ),
        (
            vec![(
                "message_template_quality_update",
                json!({"previous_quality_score": "GREEN", "new_quality_score": "RED"}),
            )],
            json!({"quality_score": "RED"}),
        ),
        (
            vec![(
                "template_category_update",
                json!({"new_category": "UTILITY", "correct_category": "MARKETING"}),
            )],
            json!({"correct_category": "MARKETING"}),
        ),
        (
            vec![
                (
                    "template_category_update",
                    json!({"new_category": "UTILITY", "correct_category": "MARKETING"}),
                ),
                (
                    "template_category_update",
                    json!({"previous_category": "UTILITY", "new_category": "MARKETING"}),
                ),
            ],
            json!({"category": "MARKETING", "previous_category": "UTILITY"}),
        ),
        (
            vec![("message_template_new_thing", json!({"x": 1}))],
            json!({}),
        ),
    ] {
        assert_eq!(after(&changes), expected(&members), "{changes:?}");
    }
}

#[test]
fn texts_and_buttons_follow_the_webhook_and_examples_stay() {
    const CONTENT: &str = "message_template_components_update";
    let changed = after(&[(
        CONTENT,
        json!({
            "message_template_title": "New {{1}}", "message_template_element": "New", "message_template_footer": "Bye",
            "message_template_buttons": [
                {"message_template_button_type": "URL", "message_template_button_text": "Open",
                    "message_template_button_url": "https://new.example/{{1}}"},
                {"message_template_button_type": "PHONE_NUMBER", "message_template_button_text": "Call",
                    "message_template_button_phone_number": "15550051310"}
            ]
        }),
    )]);
    assert_eq!(
        changed,
        expected(&json!({"components": [
            {"type": "HEADER", "format": "TEXT", "text": "New {{1}}", "example": {"header_text": ["a"]}},
            {"type": "BODY", "text": "New", "example": {"body_text": [["b"]]}},
            {"type": "FOOTER", "text": "Bye"},
            {"type": "BUTTONS", "buttons": [
                {"type": "URL", "text": "Open", "url": "https://new.example/{{1}}", "example": ["https://old.example/1"]},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "15550051310"}
            ]}
        ]}))
    );
    let bare = after(&[(CONTENT, json!({"message_template_element": "New"}))]);
    assert_eq!(
        bare,
        expected(&json!({"components": [
            {"type": "BODY", "text": "New", "example": {"body_text": [["b"]]}}
        ]}))
    );
}

#[test]
fn another_template_is_not_touched() {
    let store = Store::default();
    add(&store, &definition(&stored())).unwrap();
    let paused = |id: u64, name: &str, language: &str| json!({"event": "PAUSED", "message_template_id": id, "message_template_name": name, "message_template_language": language});
    // The last has the name of one that was deleted.
    for value in [
        paused(9, "other", "en_US"),
        paused(9, "order", "de"),
        paused(8, "order", "en_US"),
    ] {
        receive(&store, "message_template_status_update", &value);
        assert_eq!(kept(&store), definition(&stored()), "{value}");
    }
    assert_eq!(
        store.list("", None).unwrap().keys.len(),
        1,
        "nothing was added"
    );
}

#[test]
fn a_change_that_somebody_else_was_faster_than_begins_anew() {
    let change = TemplateChange {
        id: Some("7".into()),
        name: Some("order".into()),
        language: Some("en_US".into()),
        category: None,
        change: TemplateChangeKind::Quality(Transition {
            previous: None,
            current: Some("RED".into()),
        }),
    };
    let bytes = write::definition(&definition(&stored())).into_bytes();
    for (lost, succeeds) in [(1, true), (15, true), (16, false)] {
        let store = contacts::tests::Store::default();
        let key = space::key("order", "en_US");
        store.values.borrow_mut().insert(key, bytes.clone());
        *store.lost.borrow_mut() = vec![true; lost];
        assert_eq!(
            template::changed(&store, &change, None).is_ok(),
            succeeds,
            "{lost}"
        );
    }
}

#[test]
fn what_happened_before_what_is_known_of_its_kind_changes_nothing() {
    let store = Store::default();
    add(&store, &definition(&stored())).unwrap();
    let change = |change| TemplateChange {
        id: None,
        name: Some("order".into()),
        language: Some("en_US".into()),
        category: None,
        change,
    };
    let status = |word: &str| {
        TemplateChangeKind::Status(TemplateStatusChange {
            status: word.into(),
            reason: None,
            title: None,
            description: None,
            recommendation: None,
            disabled: None,
        })
    };
    let quality = TemplateChangeKind::Quality(Transition {
        previous: None,
        current: Some("RED".into()),
    });
    for (kind, time) in [
        (status("PAUSED"), Some(20)),
        (status("APPROVED"), Some(10)),
        // Another kind has times of its own.
        (quality, Some(5)),
    ] {
        template::changed(&store, &change(kind), time).unwrap();
    }
    let known = expected(&json!({"status": "PAUSED", "quality_score": {"score": "RED"}}));
    assert_eq!(kept(&store), known);
    // Nor does it when the template was added again as it is listed.
    add(&store, &known).unwrap();
    template::changed(&store, &change(status("APPROVED")), Some(10)).unwrap();
    assert_eq!(kept(&store), known);
    for (word, time, now) in [
        ("APPROVED", Some(20), TemplateStatus::Approved),
        ("DISABLED", None, TemplateStatus::Disabled),
    ] {
        template::changed(&store, &change(status(word)), time).unwrap();
        assert_eq!(kept(&store).status, now);
    }
}

#[test]
fn one_that_is_named_by_its_id_alone_is_found() {
    let store = Store::default();
    for name in ["a", "b", "c"] {
        add(
            &store,
            &definition(&json!({"name": name, "external_id": name})),
        )
        .unwrap();
    }
    add(&store, &definition(&stored())).unwrap();
    receive(
        &store,
        "message_template_status_update",
        &json!({"event": "PAUSED", "message_template_id": "7"}),
    );
    assert_eq!(kept(&store), expected(&json!({"status": "PAUSED"})));
}

#[test]
fn a_template_without_ids_is_found_by_its_key() {
    let store = Store::default();
    add(
        &store,
        &definition(&json!({"name": "order", "language": "en_US", "status": "submitted"})),
    )
    .unwrap();
    let value = json!({"event": "APPROVED", "message_template_id": 7, "message_template_name": "order",
        "message_template_language": "en-US"});
    receive(&store, "message_template_status_update", &value);
    assert_eq!(
        kept(&store),
        definition(&json!({"name": "order", "language": "en_US", "status": "APPROVED"}))
    );
}
