//! Every documented kind of webhook item beside the events that it becomes, and the table of them in the plugin's README.

use anyhow::{Context, Result};
use channel_host::{Cache, Engine, Limits};
use channel_tests::{CHANNEL_360DIALOG, delivery};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

const WIT: &str = include_str!("../wit/events.wit");
const README: &str = include_str!("../plugin/README.md");

/// The variants of the contract that a table of kinds has to show, and where their cases stand in an event's JSON.
const VARIANTS: [(&str, &[&str]); 9] = [
    ("event-body", &["/type"]),
    (
        "content",
        &[
            "/message/content/type",
            "/echo/content/type",
            "/edit/content/type",
            "/history/message/content/type",
        ],
    ),
    ("message-state", &["/status/state", "/history/state"]),
    ("contact-change-kind", &["/contact_change/kind"]),
    ("template-change-kind", &["/template/change/type"]),
    ("account-subject", &["/account/subject"]),
    ("call-state", &["/call/state"]),
    ("group-change-kind", &["/group/kind"]),
    ("preference-choice", &["/preference/choice"]),
];

/// Cases that nothing of 360dialog's becomes, and why.
const NEVER: [(&str, &str, &str); 1] = [(
    "account-subject",
    "other",
    "each field about accounts has a subject of its own; any other field is unknown",
)];

/// A file of `tests/webhooks`.
struct Fixture {
    name: String,
    /// The documentation that it follows.
    source: String,
    /// What the channel is set to; nothing as a rule.
    settings: Option<String>,
    /// The webhook's body, byte for byte.
    body: String,
    /// The events without their ids, and with a JSON Pointer into the body, `item`, in place of `raw`.
    events: Vec<Value>,
}

fn fixtures() -> Result<Vec<Fixture>> {
    let mut fixtures = Vec::new();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/webhooks"))? {
        let path = entry?.path();
        let name = path.file_stem().context("a name")?.to_string_lossy();
        let read = || -> Result<Fixture> {
            let file = fs::read_to_string(&path)?;
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(&file)?;
            let member = |name: &str| members.get(name).map(|json| json.get());
            Ok(Fixture {
                name: name.clone().into_owned(),
                source: serde_json::from_str(member("source").context("source")?)?,
                settings: member("settings").map(str::to_owned),
                body: member("body").context("body")?.to_owned(),
                events: serde_json::from_str(member("events").context("events")?)?,
            })
        };
        fixtures.push(read().with_context(|| name.clone().into_owned())?);
    }
    anyhow::ensure!(!fixtures.is_empty(), "there are no fixtures");
    fixtures.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(fixtures)
}

#[tokio::test]
async fn every_documented_item_becomes_its_event() -> Result<()> {
    let engine = Engine::new(Limits::recommended(), &Cache::Off)?;
    let channel = engine.load_file(CHANNEL_360DIALOG.as_ref())?;
    let mut ids = BTreeSet::new();
    let mut wrong = Vec::new();
    for fixture in fixtures()? {
        let delivery = delivery(fixture.body.as_str());
        let outcome = channel.normalize(fixture.settings.as_deref(), &delivery);
        let events = match outcome.await? {
            Ok(events) => events,
            Err(rejection) => {
                wrong.push(format!("{}: rejected: {}", fixture.name, rejection.detail));
                continue;
            }
        };
        let mut differences = Vec::new();
        let body: Value = serde_json::from_str(&fixture.body)?;
        let mut expected = fixture.events;
        for event in &mut expected {
            let item = event["item"].take();
            let item = body.pointer(item.as_str().context("item")?);
            event["item"] = item.context("no such item")?.clone();
        }
        let mut found = Vec::new();
        for event in &events {
            if !fixture.body.contains(&event.raw) {
                differences.push(format!("raw is not as it came: {}", event.raw));
            }
            if event.id.len() != 32 || !event.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                differences.push(format!("no id: {:?}", event.id));
            }
            if !ids.insert(event.id.clone()) {
                differences.push(format!("another item has the same id: {}", event.raw));
            }
            let mut event = serde_json::to_value(event)?;
            let members = event.as_object_mut().context("an event is an object")?;
            members.remove("id");
            let raw = members.remove("raw").context("raw")?;
            members.insert("item".to_owned(), raw);
            found.push(event);
        }
        let (expected, found) = (Value::Array(expected), Value::Array(found));
        differ("", Some(&expected), Some(&found), &mut differences);
        if !differences.is_empty() {
            wrong.push(format!("{}:\n  {}", fixture.name, differences.join("\n  ")));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} fixtures:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// Where two values differ, a line for each place.
fn differ(path: &str, expected: Option<&Value>, found: Option<&Value>, lines: &mut Vec<String>) {
    match (expected, found) {
        (Some(Value::Object(expected)), Some(Value::Object(found))) => {
            let names: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
            for name in names {
                let path = format!("{path}/{name}");
                differ(&path, expected.get(name), found.get(name), lines);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(found))) => {
            for at in 0..expected.len().max(found.len()) {
                let path = format!("{path}/{at}");
                differ(&path, expected.get(at), found.get(at), lines);
            }
        }
        (expected, found) if expected == found => {}
        (expected, found) => {
            let text = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
            lines.push(format!(
                "{path}: expected {}, found {}",
                text(expected),
                text(found)
            ));
        }
    }
}

/// A row of the table in the plugin's README.
struct Row<'a> {
    /// The types of events, and the cases that they have there.
    kinds: BTreeSet<(String, String)>,
    source: &'a str,
    fixtures: Vec<&'a str>,
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows: what 360dialog sends, `type` … `case`, `case`; `type` …, the source, the fixtures.
fn table() -> Result<Vec<Row<'static>>> {
    let (_, section) = README
        .split_once("## What webhooks become")
        .context("the section")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|line| line.starts_with("| "));
    lines
        .skip(1)
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [_, events, source, fixtures] = cells[..] else {
                anyhow::bail!("not four cells: {line}");
            };
            let kinds = events.split("; ").flat_map(|event| {
                let kind = quoted(event).next().unwrap_or_default();
                quoted(event).map(move |word| (kind.to_owned(), word.to_owned()))
            });
            Ok(Row {
                kinds: kinds.collect(),
                source,
                fixtures: quoted(fixtures).collect(),
            })
        })
        .collect()
}

/// The cases of a variant of the contract, as they stand in JSON.
fn cases(variant: &str) -> Result<Vec<String>> {
    let (_, body) = WIT
        .split_once(&format!("variant {variant} {{"))
        .with_context(|| format!("no variant {variant}"))?;
    let body = body.split('}').next().unwrap_or_default();
    let lines = body.lines().map(str::trim);
    Ok(lines
        .filter(|line| !line.is_empty() && !line.starts_with("///"))
        .filter_map(|line| line.split(['(', ',']).next())
        .map(|case| case.replace('-', "_"))
        .collect())
}

#[test]
fn the_table_names_every_fixture_and_every_kind() -> Result<()> {
    let mut wrong = Vec::new();
    let mut shown = BTreeSet::new();
    let mut kinds: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    let fixtures = fixtures()?;
    for (variant, pointers) in VARIANTS {
        let cases = cases(variant)?;
        for fixture in &fixtures {
            let kinds = kinds.entry(fixture.name.clone()).or_default();
            for event in &fixture.events {
                let kind = event["type"].as_str().context("type")?;
                for pointer in pointers {
                    // A word that is no case is the escape case's.
                    let Some(word) = event.pointer(pointer).and_then(Value::as_str) else {
                        continue;
                    };
                    let is_case = cases.iter().any(|case| case == word);
                    let case = if is_case { word } else { "other" };
                    kinds.insert((kind.to_owned(), case.to_owned()));
                    shown.insert((variant, case.to_owned()));
                }
            }
        }
        for case in cases {
            let never = NEVER
                .iter()
                .any(|never| (never.0, never.1) == (variant, &case));
            if shown.contains(&(variant, case.clone())) == never {
                let fault = if never {
                    "is shown after all"
                } else {
                    "is shown nowhere"
                };
                wrong.push(format!("{case} of {variant} {fault}"));
            }
        }
    }
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for row in table()? {
        let mut found = BTreeSet::new();
        for name in &row.fixtures {
            *rows.entry(name).or_default() += 1;
            let Some(fixture) = fixtures.iter().find(|fixture| fixture.name == *name) else {
                wrong.push(format!("the table names {name}, which there is not"));
                continue;
            };
            if fixture.source != row.source {
                wrong.push(format!("{name}: {} is not {}", row.source, fixture.source));
            }
            found.extend(kinds[*name].iter().cloned());
        }
        if found != row.kinds {
            let (row, names) = (row.kinds, row.fixtures);
            wrong.push(format!("{names:?} show {found:?}, the table says {row:?}"));
        }
    }
    for fixture in &fixtures {
        if rows.get(fixture.name.as_str()) != Some(&1) {
            wrong.push(format!("{} has not one row", fixture.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
