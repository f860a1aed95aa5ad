use serde_json::json;

use super::*;
fn description() -> Description {
    let secret = |pointer: &str, name: &str| channel::Secret {
        pointer: pointer.to_owned(),
        name: name.to_owned(),
    };
    Description {
        id: "test".to_owned(),
        version: "1.0.0".to_owned(),
        contract_version: "0.1.0".to_owned(),
        family: "test".to_owned(),
        provider: "test".to_owned(),
        display_name: "Test".to_owned(),
        documentation: None,
        settings_schema: r#"{"properties": {"name": {}, "key": {}, "hook": {}}}"#.to_owned(),
        secrets: vec![secret("/key", "key"), secret("/hook/token", "token")],
        origins: Vec::new(),
        webhook_authentication: Vec::new(),
        window: None,
        pacing: Vec::new(),
        message_kinds: Vec::new(),
        text_limit: None,
        media: Vec::new(),
        template_categories: Vec::new(),
        template_languages: Vec::new(),
    }
}

fn take(settings: &Value) -> Settings {
    take_secrets(&settings.to_string(), &description()).unwrap()
}

#[test]
fn secrets_are_replaced_by_their_placeholders_and_nothing_else_is_touched() {
    let taken = take(&json!({"name": "A", "key": "k-1", "hook": {"token": "t-2", "url": "u"}}));
    assert_eq!(
        serde_json::from_str::<Value>(&taken.visible).unwrap(),
        json!({"name": "A", "key": "{{secret:key}}", "hook": {"token": "{{secret:token}}", "url": "u"}})
    );
    assert_eq!(taken.secrets["key"].expose(), "k-1");
    assert_eq!(taken.secrets["token"].expose(), "t-2");
    assert_eq!(taken.problems, []);
}

#[test]
fn a_secret_is_never_shown() {
    let taken = take(&json!({"key": "k-1"}));
    assert!(!format!("{taken:?}").contains("k-1"));
}

#[test]
fn absent_secrets_are_left_to_the_channel() {
    for settings in [
        json!({}),
        json!({"key": null}),
        json!({"hook": 1}),
        json!([]),
    ] {
        let taken = take(&settings);
        assert_eq!(taken.problems, []);
        assert!(taken.secrets.is_empty());
        assert_eq!(taken.visible, settings.to_string());
    }
}

#[test]
fn what_can_not_be_a_secret_is_a_problem_and_stays_outside() {
    for (value, code) in [
        (json!(""), "empty"),
        (json!(12345), "wrong_type"),
        (json!({"a": "hidden"}), "wrong_type"),
        (json!("two words"), "forbidden_character"),
        (json!("line\n"), "forbidden_character"),
        (json!("nul\u{0}"), "forbidden_character"),
        (json!("x".repeat(SECRET_BYTES + 1)), "too_long"),
    ] {
        let taken = take(&json!({"key": value}));
        let [problem] = taken.problems.as_slice() else {
            panic!("{value}: {:?}", taken.problems);
        };
        assert_eq!(
            (problem.pointer.as_str(), problem.code.as_str()),
            ("/key", code)
        );
        let shown: Value = serde_json::from_str(&taken.visible).unwrap();
        let expected = if code == "empty" {
            ""
        } else {
            "{{secret:key}}"
        };
        assert_eq!(shown["key"], expected);
    }
    assert_eq!(take(&json!({"key": "x".repeat(SECRET_BYTES)})).problems, []);
}

#[test]
fn settings_that_are_not_json_are_refused() {
    assert!(take_secrets("{", &description()).is_err());
}

#[test]
fn what_stands_in_members_that_the_schema_does_not_declare_stays_outside() {
    let taken = take(&json!({
        "name": "A", "apikey": "RAW", "a/b": 12345, "KEY": {"key": "RAW"}
    }));
    assert_eq!(
        serde_json::from_str::<Value>(&taken.visible).unwrap(),
        json!({"name": "A", "apikey": "", "a/b": "", "KEY": ""})
    );
    assert!(taken.secrets.is_empty());
    let schemaless = Description {
        settings_schema: "not JSON".to_owned(),
        ..description()
    };
    let taken = take_secrets(r#"{"name": "A", "key": "k-1"}"#, &schemaless).unwrap();
    assert_eq!(taken.visible, r#"{"key":"{{secret:key}}","name":""}"#);
}
