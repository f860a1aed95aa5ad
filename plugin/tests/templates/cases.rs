//! What other projects build of a template, where it lies beside this project: our components for the same are the same.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::pairs::{components, definition};

/// A case by the end of its name; the definition in the public JSON, where the case has one; and the message that says the same.
const USED: [(&str, Option<&str>, &str); 5] = [
    (
        "order-update-components",
        Some(
            r#"{"header": {"type": "image"}, "body": {"text": {"text": "Hi {{1}}, order {{order_id}} ships {{2}}."}},
            "footer": {"text": "bye"}, "buttons": [{"type": "quick_reply", "text": "Stop"},
                {"type": "url", "text": "Track", "url": "https://x.com/{{1}}"}, {"type": "copy_code", "text": "Copy code"}]}"#,
        ),
        r#"{"name": "order_update", "language": "en_US", "header": {"type": "image", "link": "https://cdn.example.com/a.jpg"},
            "body": [{"text": "Jane"}, {"name": "order_id", "text": "A-1"}, {"text": "Friday"}],
            "buttons": [{"index": 1, "url_suffix": "code%2025%7Cx"}, {"index": 2, "code": "25OFF"}]}"#,
    ),
    (
        "static-template-has-no-components",
        Some(r#"{"body": {"text": {"text": "Static."}}, "footer": {"text": "bye"}}"#),
        r#"{"name": "t", "language": "en"}"#,
    ),
    (
        "send-on-whatsapp-perform-when-a-valid-message",
        Some(
            r#"{"body": {"text": {"text": "Your package has been shipped. It will be delivered in {{1}} business days."}},
            "footer": {"text": "This message is from an unverified business."}}"#,
        ),
        r#"{"name": "sample_shipping_confirmation", "language": "en_US", "body": [{"text": "3"}]}"#,
    ),
    (
        "send-on-whatsapp-perform-when-a-valid-message-2",
        Some(
            r#"{"parameter_format": "named", "body": {"text": {"text": "Hello {{last_name}},  Your support ticket with ID: #{{ticket_id}} has been updated by the support agent."}}}"#,
        ),
        r#"{"name": "ticket_status_updated", "language": "en_US",
            "body": [{"name": "last_name", "text": "Dale"}, {"name": "ticket_id", "text": "2332"}]}"#,
    ),
    (
        "handles-empty-processed-params-gracefully-2",
        None,
        r#"{"name": "sample_shipping_confirmation", "language": "en_US"}"#,
    ),
];

/// Cases that are not compared, and why, by a part of their name.
const UNUSED: [(&str, &str); 9] = [
    (
        "perform-when-a-valid-message-3",
        "a pattern, with names in the place of values",
    ),
    (
        "perform-when-a-valid-message-4",
        "a pattern, with names in the place of values",
    ),
    (
        "perform-when-a-valid-message-5",
        "no components were recorded",
    ),
    ("marks-message-as-failed", "values without the components"),
    (
        "calls-channel-send-template",
        "values without the components",
    ),
    ("gracefully", "values without the components"),
    ("edge-case-with-missing", "values without the components"),
    (
        "send-on-whatsapp-service-spec-rb",
        "values without the components",
    ),
    (
        "template-parameter-converter-",
        "values or a definition, without the components",
    ),
];

#[test]
fn other_projects_build_the_same() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/cases");
    let beside = std::env::var_os("CHANNEL_CASES").map_or_else(|| beside.into(), PathBuf::from);
    let Ok(index) = std::fs::read(beside.join("index.json")) else {
        eprintln!("skipped: no recorded cases beside the project");
        return;
    };
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    let mut used = 0;
    for entry in index["entries"].as_array().expect("entries") {
        if entry["kind"] != "template-build" {
            continue;
        }
        let name = entry["id"].as_str().expect("id");
        let Some((_, content, message)) = USED.iter().find(|(end, ..)| name.ends_with(end)) else {
            let why = UNUSED.iter().find(|(part, _)| name.contains(part));
            let (_, why) = why.unwrap_or_else(|| panic!("{name} is neither used nor not"));
            println!("not used: {name}: {why}");
            continue;
        };
        used += 1;
        let file = std::fs::read(beside.join(entry["file"].as_str().expect("file")));
        let case: Value = serde_json::from_slice(&file.expect("a case")).expect("JSON");
        let message: Value = serde_json::from_str(message).expect("JSON");
        let definition = content.map(|content| {
            let content: Value = serde_json::from_str(content).expect("JSON");
            definition(
                &json!({"name": message["name"], "language": message["language"], "category": "utility",
                "status": "approved", "content": content}),
            )
        });
        let found = components(definition.as_ref(), &message, None);
        assert_eq!(found, Ok(case["components"].clone()), "{name}");
    }
    assert_eq!(used, USED.len());
}
