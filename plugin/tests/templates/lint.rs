//! `fixtures/drafts.json`: drafts without a flaw, and every rule as the last value that is good and the first that is bad.
//!
//! A rule names the draft that it is tried `in`, and what is put there by pointer: `good`, with which nothing is found by the
//! finding's code, and `bad`, with which just the `finding` is found, and what there is `also`. `null` takes a member out, and
//! `{"times", "of"}` is a text, behind `text`, or an item so many times; `#` in an item is its number.

use channel_360dialog::bindings::messaging::channel::templates::{Finding, Severity};
use channel_360dialog::template::lint;
use channel_contract::templates::Draft;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::bindings::Bound as _;

#[derive(Deserialize)]
pub(crate) struct Fixtures {
    pub(crate) drafts: Map<String, Value>,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    rule: String,
    r#in: String,
    good: Map<String, Value>,
    bad: Map<String, Value>,
    finding: Expected,
    #[serde(default)]
    also: Vec<String>,
}

#[derive(Deserialize)]
struct Expected {
    severity: String,
    pointer: String,
    code: String,
}

pub(crate) fn fixtures() -> Fixtures {
    serde_json::from_str(include_str!("../../fixtures/drafts.json")).expect("drafts")
}

/// Severity, code and pointer of what is found.
pub(crate) fn found(draft: &Value) -> Vec<String> {
    told(draft, lint(None, &bound(draft)))
}

fn bound(draft: &Value) -> channel_360dialog::bindings::messaging::channel::templates::Draft {
    Draft::read(draft.to_string().as_bytes())
        .unwrap_or_else(|problems| panic!("{draft} is no draft: {problems:?}"))
        .bound()
}

fn told(draft: &Value, findings: Vec<Finding>) -> Vec<String> {
    let line = |Finding { severity, problem }: Finding| {
        let source = problem.source.as_deref();
        assert!(
            source.is_some_and(|source| !source.is_empty()),
            "{problem:?}"
        );
        assert!(problem.message.contains(':'), "no remedy: {problem:?}");
        let (parent, _) = problem.pointer.rsplit_once('/').expect("a pointer");
        assert!(
            draft.pointer(parent).is_some(),
            "{problem:?} is not in {draft}"
        );
        let severity = match severity {
            Severity::Refused => "refused",
            Severity::LikelyRejected => "likely_rejected",
            Severity::Advice => "advice",
        };
        format!("{severity} {} {}", problem.code, problem.pointer)
    };
    findings.into_iter().map(line).collect()
}

fn expanded(value: &Value) -> Value {
    match (value["times"].as_u64(), &value["of"]) {
        (None, _) => match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, value)| (name.clone(), expanded(value)))
                .collect(),
            Value::Array(items) => items.iter().map(expanded).collect(),
            value => value.clone(),
        },
        (Some(times), Value::String(of)) => {
            let before = value["text"].as_str().unwrap_or_default();
            let times = usize::try_from(times).expect("a count");
            format!("{before}{}", of.repeat(times)).into()
        }
        (Some(times), of) => (0..times)
            .map(|i| -> Value {
                let item = of.to_string().replace('#', &i.to_string());
                serde_json::from_str(&item).expect("an item")
            })
            .collect(),
    }
}

fn changed(draft: &Value, changes: &Map<String, Value>) -> Value {
    let mut draft = draft.clone();
    for (pointer, value) in changes {
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer");
        match draft.pointer_mut(parent).expect(pointer) {
            Value::Array(items) => {
                items[member.parse::<usize>().expect("an index")] = expanded(value);
            }
            parent if value.is_null() => {
                parent.as_object_mut().expect("an object").remove(member);
            }
            parent => parent[member] = expanded(value),
        }
    }
    draft
}

#[test]
fn nothing_is_found_in_good_drafts() {
    for (name, draft) in fixtures().drafts {
        assert_eq!(found(&draft), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_last_good_value_is_let_pass_and_the_first_bad_one_found() {
    let Fixtures { drafts, rules } = fixtures();
    let mut wrong = Vec::new();
    for rule in rules {
        let Expected {
            severity,
            pointer,
            code,
        } = rule.finding;
        let draft = &drafts[&rule.r#in];
        let good = found(&changed(draft, &rule.good));
        if good
            .iter()
            .any(|found| found.contains(&format!(" {code} ")))
        {
            wrong.push(format!("{}: good gives {good:?}", rule.rule));
        }
        let mut bad = found(&changed(draft, &rule.bad));
        let mut expected = rule.also;
        expected.push(format!("{severity} {code} {pointer}"));
        bad.sort();
        expected.sort();
        if bad != expected {
            wrong.push(format!(
                "{}: bad gives {bad:?}, not {expected:?}",
                rule.rule
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Both are from 360dialog's documentation of the on-premise API, where they were taken.
#[test]
fn the_on_premise_api_takes_what_its_documentation_shows() {
    let body = "Hello {{1}}! This is a test message, setup with API version {{2}}";
    for text in [body, "template_text"] {
        let draft = json!({
            "name": "template_name", "category": "ACCOUNT_UPDATE", "language": "en", "content": {"body": {"text": {"text": text}}},
        });
        assert_eq!(
            told(
                &draft,
                lint(Some(r#"{"api": "on_premise"}"#), &bound(&draft))
            ),
            Vec::<String>::new()
        );
        assert!(found(&draft).contains(&"refused old_category /category".to_owned()));
    }
}

#[test]
fn who_has_too_few_words_is_told_how_many_are_missing() {
    let draft = json!({
        "name": "n", "category": "utility", "language": "en",
        "content": {"body": {"text": {"text": "Hi {{1}}, {{2}}.", "examples": [{"value": "a"}, {"value": "b"}]}}},
    });
    let findings = lint(None, &bound(&draft));
    let message = |code: &str| {
        let of = |finding: &&Finding| finding.problem.code == code;
        findings
            .iter()
            .find(of)
            .map(|finding| finding.problem.message.as_str())
    };
    let missing = message("too_few_words").expect("too few words");
    assert!(missing.contains("add 4 words"), "{missing}");
}
