use serde_json::{Value, json};

use super::*;
use crate::settings::SCHEMA;

/// Good settings with some members set otherwise; `null` takes one away.
fn with(changes: &Value) -> String {
    let mut settings = json!({
        "name": "Shop",
        "phone_number": "+4930123456",
        "api_key": "{{secret:api_key}}",
    });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings.to_string()
}

/// Pointer and code of every problem.
fn found(settings: &str) -> Vec<(String, String)> {
    validate(settings)
        .into_iter()
        .map(|problem| (problem.pointer, problem.code))
        .collect()
}

fn the_message(settings: &str) -> String {
    let [problem] = validate(settings).try_into().unwrap();
    problem.message
}

#[test]
fn good_settings_have_no_problem() {
    for changes in [
        json!({}),
        json!({"api": "cloud", "greeting": null, "base_url": null, "nonsense": null}),
        json!({"name": "x".repeat(100), "greeting": "é".repeat(4096)}),
        json!({"phone_number": "+1234567"}),
        json!({"phone_number": "+123456789012345"}),
        json!({"api": "sandbox", "base_url": "https://waba-sandbox.360dialog.io"}),
        json!({"api": "on_premise", "base_url": "https://waba.example.com/stack/1"}),
        json!({"api": "on-premise", "base_url": "https://waba.example.com"}),
        json!({"base_url": "http://localhost:8090"}),
        json!({"base_url": "http://127.0.0.1"}),
        json!({"base_url": "http://[::1]:8090"}),
        json!({"base_url": "HTTPS://Example.com:8443/waba"}),
        json!({"webhook_scope": "number", "api": "sandbox"}),
        json!({"webhook_scope": "number_and_account"}),
        json!({"template_api": "graph"}),
        json!({"template_api": "configs"}),
        json!({"template_api": "configs", "api": "on_premise", "base_url": "https://waba.example.com"}),
        json!({"webhook_authentication": "header"}),
        json!({"webhook_authentication": "hmac", "webhook_hmac_secret": "{{secret:webhook_hmac_secret}}"}),
        json!({"webhook_authentication": "header_and_hmac", "webhook_hmac_secret": "{{secret:webhook_hmac_secret}}"}),
    ] {
        assert_eq!(found(&with(&changes)), [], "{changes}");
    }
}

/// Asserts that each of these changes to good settings is one problem, with this pointer and code.
#[track_caller]
fn assert_each_found(table: &[(Value, &str, &str)]) {
    for (changes, pointer, code) in table {
        assert_eq!(
            found(&with(changes)),
            [((*pointer).to_owned(), (*code).to_owned())],
            "{changes}"
        );
    }
}

#[test]
fn the_name_the_number_and_the_greeting_have_rules() {
    assert_each_found(&[
        (json!({"name": null}), "/name", "required"),
        (json!({"name": " \t"}), "/name", "blank"),
        (json!({"name": "é".repeat(101)}), "/name", "too_long"),
        (json!({"name": 7}), "/name", "wrong_type"),
        (json!({"phone_number": null}), "/phone_number", "required"),
        (
            json!({"phone_number": 4_930_123_456_u64}),
            "/phone_number",
            "wrong_type",
        ),
        (json!({"phone_number": ""}), "/phone_number", "bad_number"),
        (
            json!({"phone_number": "+123456"}),
            "/phone_number",
            "bad_number",
        ),
        (
            json!({"phone_number": "+1234567890123456"}),
            "/phone_number",
            "bad_number",
        ),
        (
            json!({"phone_number": "+0301234567"}),
            "/phone_number",
            "bad_number",
        ),
        (
            json!({"phone_number": "4930123456"}),
            "/phone_number",
            "bad_number",
        ),
        (
            json!({"phone_number": "+49 30 123456"}),
            "/phone_number",
            "bad_number",
        ),
        (
            json!({"phone_number": "+٤٩٣٠١٢٣٤٥"}),
            "/phone_number",
            "bad_number",
        ),
        (json!({"greeting": "\n"}), "/greeting", "blank"),
        (
            json!({"greeting": "é".repeat(4097)}),
            "/greeting",
            "too_long",
        ),
        (json!({"greeting": false}), "/greeting", "wrong_type"),
    ]);
}

#[test]
fn the_api_and_its_address_have_rules() {
    assert_each_found(&[
        (json!({"api": "graph"}), "/api", "bad_choice"),
        (json!({"api": ["cloud"]}), "/api", "wrong_type"),
        (json!({"api": "on_premise"}), "/base_url", "required"),
        (
            json!({"api": "on-premise", "base_url": null}),
            "/base_url",
            "required",
        ),
        (
            json!({"api": "on_premise", "base_url": "https://waba.360dialog.io"}),
            "/base_url",
            "dead_host",
        ),
        (
            json!({"api": "on_premise", "base_url": "https://WABA.messagepipe.io./v2"}),
            "/base_url",
            "dead_host",
        ),
        (
            json!({"base_url": "https://waba.360dialog.io"}),
            "/base_url",
            "dead_host",
        ),
        (
            json!({"api": "sandbox", "base_url": "https://waba.messagepipe.io:443"}),
            "/base_url",
            "dead_host",
        ),
        (json!({"base_url": ""}), "/base_url", "bad_url"),
        (
            json!({"base_url": "waba-v2.360dialog.io"}),
            "/base_url",
            "bad_url",
        ),
        (json!({"base_url": "/relative"}), "/base_url", "bad_url"),
        (
            json!({"base_url": "ftp://example.com"}),
            "/base_url",
            "bad_url",
        ),
        (json!({"base_url": "https://"}), "/base_url", "bad_url"),
        (
            json!({"base_url": "http://example.com"}),
            "/base_url",
            "bad_url",
        ),
        (
            json!({"base_url": "http://127.0.0.1.example.com"}),
            "/base_url",
            "bad_url",
        ),
        (
            json!({"base_url": "https://me:pass@example.com"}),
            "/base_url",
            "bad_url",
        ),
        (
            json!({"base_url": "https://example.com?x=1"}),
            "/base_url",
            "bad_url",
        ),
        (
            json!({"base_url": "https://example.com#x"}),
            "/base_url",
            "bad_url",
        ),
        (
            json!({"base_url": "https://example.com/"}),
            "/base_url",
            "bad_url",
        ),
        (
            json!({"base_url": "https://example.com//a"}),
            "/base_url",
            "bad_url",
        ),
        (
            json!({"base_url": "https://example.com/a/../b"}),
            "/base_url",
            "bad_url",
        ),
        (
            json!({"base_url": "https://exämple.com"}),
            "/base_url",
            "bad_url",
        ),
        (
            json!({"base_url": " https://example.com"}),
            "/base_url",
            "bad_url",
        ),
        (json!({"base_url": true}), "/base_url", "wrong_type"),
    ]);
}

#[test]
fn secrets_webhooks_and_strangers_have_rules() {
    assert_each_found(&[
        (json!({"api_key": null}), "/api_key", "required"),
        (json!({"api_key": " "}), "/api_key", "blank"),
        (
            json!({"api_key": "abc123AK"}),
            "/api_key",
            "secret_in_sandbox",
        ),
        (
            json!({"api_key": "{{secret:api_key}} "}),
            "/api_key",
            "secret_in_sandbox",
        ),
        (
            json!({"api_key": "{{secret:webhook}}"}),
            "/api_key",
            "secret_in_sandbox",
        ),
        (json!({"api_key": {"set": true}}), "/api_key", "wrong_type"),
        (
            json!({"webhook_scope": "account"}),
            "/webhook_scope",
            "bad_choice",
        ),
        (
            json!({"webhook_scope": "number_and_account", "api": "sandbox"}),
            "/webhook_scope",
            "no_account_webhook",
        ),
        (
            json!({"webhook_authentication": "none"}),
            "/webhook_authentication",
            "bad_choice",
        ),
        (
            json!({"webhook_authentication": "hmac"}),
            "/webhook_hmac_secret",
            "required",
        ),
        (
            json!({"webhook_authentication": "header_and_hmac"}),
            "/webhook_hmac_secret",
            "required",
        ),
        (
            json!({"webhook_hmac_secret": "{{secret:webhook_hmac_secret}}"}),
            "/webhook_hmac_secret",
            "unused",
        ),
        (
            json!({"webhook_authentication": "hmac", "webhook_hmac_secret": "shh"}),
            "/webhook_hmac_secret",
            "secret_in_sandbox",
        ),
        (
            json!({"template_api": "hub"}),
            "/template_api",
            "bad_choice",
        ),
        (
            json!({"template_api": "graph", "api": "on_premise", "base_url": "https://waba.example.com"}),
            "/template_api",
            "no_graph",
        ),
        (json!({"colour": "red"}), "/colour", "unknown_member"),
        (json!({"a/b~c": 1}), "/a~1b~0c", "unknown_member"),
    ]);
}

#[test]
fn what_is_no_object_is_one_problem() {
    for (settings, code) in [
        ("", "bad_json"),
        ("{", "bad_json"),
        ("[]", "wrong_type"),
        ("null", "wrong_type"),
        ("\"{{secret:api_key}}\"", "wrong_type"),
    ] {
        assert_eq!(
            found(settings),
            [(String::new(), code.to_owned())],
            "{settings}"
        );
    }
}

#[test]
fn all_problems_come_at_once() {
    let settings = json!({
        "phone_number": "030 123456",
        "api": "on_premise",
        "api_key": "abc",
        "greeting": "",
        "webhook_authentication": "hmac",
        "nam": "Shop",
    });
    let mut pointers: Vec<_> = found(&settings.to_string())
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect();
    pointers.sort();
    assert_eq!(
        pointers,
        [
            "/api_key",
            "/base_url",
            "/greeting",
            "/nam",
            "/name",
            "/phone_number",
            "/webhook_hmac_secret"
        ]
    );
}

#[test]
fn every_problem_names_a_source() {
    let problems =
        validate(r#"{"phone_number": "1", "base_url": "x", "webhook_hmac_secret": "y"}"#);
    assert!(problems.len() > 4);
    assert!(problems.iter().all(|problem| problem.source.is_some()));
}

#[test]
fn an_unknown_member_names_the_nearest_known_one() {
    for (unknown, known) in [
        ("apikey", "api_key"),
        ("apiKey", "api_key"),
        ("phone", "phone_number"),
        ("phoneNumber", "phone_number"),
        ("baseUrl", "base_url"),
        ("greetings", "greeting"),
        ("hmac_webhook_secret", "webhook_hmac_secret"),
        ("webhook_auth", "webhook_authentication"),
    ] {
        let message = the_message(&with(&json!({ unknown: "x" })));
        assert!(
            message.contains(&format!("\"{known}\"")),
            "{unknown}: {message}"
        );
    }
    assert!(!the_message(&with(&json!({"colour": "red"}))).contains("did you mean"));
}

#[test]
fn a_number_is_spelled_out_only_where_nothing_is_guessed() {
    for (number, remedy) in [
        ("+49 30 123456", Some("+4930123456")),
        ("+49 (30) 123-456", Some("+4930123456")),
        ("0049 30 123456", Some("+4930123456")),
        ("+1.631.555.1234", Some("+16315551234")),
        ("4930123456", None),
        ("030 123456", None),
        ("+49 (0) 30 123456", None),
        ("+49 30 CALL-ME", None),
        ("++4930123456", None),
    ] {
        let message = the_message(&with(&json!({"phone_number": number})));
        match remedy {
            Some(remedy) => assert!(message.ends_with(&format!("write {remedy}")), "{message}"),
            None => assert!(message.contains("country code"), "{message}"),
        }
    }
}

#[test]
fn a_dead_host_names_its_end_and_what_replaces_it() {
    let message = the_message(&with(&json!({"base_url": "https://waba.360dialog.io"})));
    for part in ["2025-10-23", "\"cloud\"", "https://waba-v2.360dialog.io"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn what_the_channel_adds_itself_is_not_part_of_the_address() {
    for (base_url, remedy) in [
        (
            "https://waba-v2.360dialog.io/messages",
            "https://waba-v2.360dialog.io",
        ),
        (
            "https://waba-sandbox.360dialog.io/v1",
            "https://waba-sandbox.360dialog.io",
        ),
        ("https://e.com/a/v1/messages", "https://e.com/a"),
        ("https://e.com/a/", "https://e.com/a"),
    ] {
        let message = the_message(&with(&json!({"base_url": base_url})));
        assert!(message.ends_with(&format!("write {remedy}")), "{message}");
    }
}

#[test]
fn a_secret_is_never_repeated() {
    let problems = validate(&with(&json!({
        "api_key": "hunter2hunter2",
        "webhook_hmac_secret": "hunter2hunter2",
    })));
    assert!(!format!("{problems:?}").contains("hunter2"));
}

#[test]
fn the_schema_knows_what_validate_knows() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    let properties = schema["properties"].as_object().unwrap();
    let mut named: Vec<_> = properties.keys().map(String::as_str).collect();
    let mut known = MEMBERS;
    named.sort_unstable();
    known.sort_unstable();
    assert_eq!(named, known);

    let required = |settings: &str| {
        let mut members: Vec<_> = found(settings)
            .into_iter()
            .filter(|(_, code)| code == "required")
            .map(|(pointer, _)| pointer[1..].to_owned())
            .collect();
        members.sort();
        members
    };
    let mut of_schema: Vec<String> = serde_json::from_value(schema["required"].clone()).unwrap();
    of_schema.sort();
    assert_eq!(required("{}"), of_schema);

    for (name, property) in properties {
        for text in ["title", "description"] {
            assert!(property[text].is_string(), "{name} has no {text}");
        }
        // Every choice of the schema is one of validate's, and the default is the same as leaving the member out.
        for choice in property["oneOf"].as_array().into_iter().flatten() {
            let settings = with(&json!({ name: choice["const"] }));
            assert!(
                !found(&settings)
                    .iter()
                    .any(|(_, code)| code == "bad_choice"),
                "{choice}"
            );
        }
        if let Some(default) = property.get("default") {
            assert_eq!(found(&with(&json!({ name: default }))), [], "{name}");
        }
        // The longest that the schema allows is the longest that validate allows.
        if let Some(longest) = property["maxLength"].as_u64() {
            let longest = usize::try_from(longest).unwrap();
            assert_eq!(
                found(&with(&json!({ name: "é".repeat(longest) }))),
                [],
                "{name}"
            );
            assert_eq!(
                found(&with(&json!({ name: "é".repeat(longest + 1) }))).len(),
                1,
                "{name}"
            );
        }
    }
}
