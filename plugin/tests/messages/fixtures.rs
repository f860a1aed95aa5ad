//! `fixtures/messages`: a message of every kind, with the exact requests that send it.

use super::*;

/// Name and content of every fixture.
pub(crate) fn all() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/messages");
    let mut fixtures: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into();
            let text = std::fs::read(&path).expect("a file");
            let fixture = serde_json::from_slice(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (name, fixture)
        })
        .collect();
    fixtures.sort_by(|(a, _): &(String, Value), (b, _)| a.cmp(b));
    fixtures
}

/// The message of a fixture.
pub(crate) fn message(name: &str) -> Value {
    let path = format!(
        "{}/fixtures/messages/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut fixture: Value = serde_json::from_slice(&text).expect("JSON");
    fixture["message"].take()
}

#[test]
fn each_fixture_leaves_exactly_so() {
    for (name, fixture) in all() {
        let settings = match &fixture["settings"] {
            Value::Null => "{}".to_owned(),
            settings => settings.to_string(),
        };
        let window = match fixture["window"].as_str() {
            Some("closed") => closed(),
            None => Window::Unknown,
            Some(other) => panic!("{name}: {other} is no window"),
        };
        assert_eq!(
            sent_with(&settings, &fixture["message"], &window).map(Value::from),
            Ok(fixture["payloads"].clone()),
            "{name}"
        );
    }
}

#[test]
fn there_is_a_fixture_of_every_kind() {
    let fixtures = all();
    for kind in KINDS {
        assert!(
            fixtures
                .iter()
                .any(|(_, fixture)| fixture["message"]["content"]["type"] == kind),
            "{kind}"
        );
    }
    for (name, fixture) in fixtures {
        let kind = fixture["message"]["content"]["type"]
            .as_str()
            .expect("type");
        assert!(
            KINDS.contains(&kind),
            "{name} is of a kind that is not described"
        );
    }
}

#[test]
fn outside_the_window_only_a_template_goes() {
    for (name, fixture) in all() {
        let message = &fixture["message"];
        if message.get("fallback").is_some() || message["content"]["type"] == "template" {
            continue;
        }
        let problems = sent_with("{}", message, &closed()).expect_err(&name);
        assert_eq!(
            problems,
            [("/content".into(), "window_closed".into())],
            "{name}"
        );
    }
}

#[test]
fn content_and_fallback_are_checked_in_any_window() {
    let mut message = message("fallback_outside_the_window");
    message["content"]["text"] = " ".into();
    message["fallback"]["name"] = "Reopen".into();
    let expected = Err(vec![
        ("/fallback/name".into(), "bad_name".into()),
        ("/content/text".into(), "blank".into()),
    ]);
    for window in [closed(), Window::Unknown] {
        assert_eq!(sent_with("{}", &message, &window), expected);
    }
}
