//! Recorded webhooks from other projects' tests, where they lie beside this project: every item must come out.

use anyhow::{Context, Result};
use boon::{Compiler, SchemaIndex, Schemas};
use channel_host::contract::events::{Event, EventBody, Received};
use channel_host::{Cache, Engine, Limits, Plugin};
use channel_tests::{CHANNEL_360DIALOG, delivery};
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;

/// `../shared/cases` from the project's root, or where `CHANNEL_CASES` says.
fn cases() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/cases");
    let folder = std::env::var_os("CHANNEL_CASES").map_or_else(|| beside.into(), PathBuf::from);
    folder.join("index.json").exists().then_some(folder)
}

#[tokio::test]
async fn every_item_of_every_recorded_webhook_comes_out() -> Result<()> {
    let Some(folder) = cases() else {
        eprintln!("skipped: no recorded webhooks beside the project");
        return Ok(());
    };
    let index: Value = serde_json::from_slice(&std::fs::read(folder.join("index.json"))?)?;
    let engine = Engine::new(Limits::recommended(), &Cache::Off)?;
    let channel = engine.load_file(CHANNEL_360DIALOG.as_ref())?;

    let mut wrong = Vec::new();
    let mut items = 0;
    let mut leaves = Leaves::default();
    let described = described();
    for entry in index["entries"].as_array().context("entries")? {
        let file = entry["file"].as_str().context("file")?;
        let recorded: Value = serde_json::from_slice(&std::fs::read(folder.join(file))?)?;
        let bodies = match entry["kind"].as_str() {
            Some("webhook") => vec![(recorded, &entry["neutral"])],
            // Several bodies in a row, each with its own list of what it holds.
            Some("webhook-seq") => {
                let Value::Array(bodies) = recorded else {
                    wrong.push(format!("{file}: not a list of bodies"));
                    continue;
                };
                let neutral = entry["neutral"].as_array().context("neutral")?;
                bodies.into_iter().zip(neutral).collect()
            }
            _ => continue,
        };
        for (body, neutral) in bodies {
            items += compare(
                &channel,
                file,
                &body,
                neutral,
                &mut wrong,
                &mut leaves,
                &described,
            )
            .await?;
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        items > 100,
        "only {items} items: the recorded webhooks are not what they were"
    );
    println!("{leaves}");
    assert!(leaves.made_up.is_empty(), "{leaves}");
    assert!(leaves.missing.len() * 200 <= leaves.all, "{leaves}");
    Ok(())
}

/// What the description of the API says of events.
fn described() -> (Schemas, SchemaIndex) {
    let schema = serde_json::json!({
        "$ref": "#/components/schemas/Item",
        "components": channel_host::api::openapi()["components"],
    });
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    let added = compiler.add_resource("event.json", schema);
    added.expect("a name that is an address");
    let event = compiler.compile("event.json", &mut schemas);
    (schemas, event.expect("a schema"))
}

/// Compares the events of a body with what it is known to hold; returns how many items that are.
async fn compare(
    channel: &Plugin,
    file: &str,
    body: &Value,
    neutral: &Value,
    wrong: &mut Vec<String>,
    leaves: &mut Leaves,
    (schemas, described): &(Schemas, SchemaIndex),
) -> Result<usize> {
    let outcome = channel.normalize(None, &delivery(body.to_string())).await?;
    let known: Vec<(&str, &Value)> = ["messages", "statuses", "echoes"]
        .into_iter()
        .flat_map(|list| {
            neutral[list]
                .as_array()
                .into_iter()
                .flatten()
                .map(move |item| (list, item))
        })
        .collect();
    let events = match outcome {
        Ok(events) => events,
        Err(rejection) if known.is_empty() => {
            assert!(!rejection.detail.is_empty());
            return Ok(0);
        }
        Err(rejection) => {
            wrong.push(format!("{file}: rejected: {}", rejection.detail));
            return Ok(0);
        }
    };
    for event in &events {
        leaves.compare(file, body, event)?;
        let event = serde_json::to_value(Received::new(event, 0))?;
        if let Err(error) = schemas.validate(&event, *described) {
            wrong.push(format!("{file}: {error:#}: {event}"));
        }
    }
    for (list, item) in &known {
        if !events.iter().any(|event| is(event, list, item)) {
            wrong.push(format!("{file}: no event for {item} of {list}"));
        }
    }
    let others = neutral["other_fields"].as_array().map_or(0, Vec::len);
    let errors = neutral["value_errors"].as_u64().unwrap_or(0);
    let least = known.len() as u64 + others as u64 + errors;
    if (events.len() as u64) < least {
        wrong.push(format!("{file}: {} events for {least} items", events.len()));
    }
    Ok(known.len())
}

/// Whether an event is the item: the same id, person, time and, of a status, state and error codes.
fn is(event: &Event, list: &str, item: &Value) -> bool {
    let text = |name: &str| item[name].as_str();
    let id = match (&event.body, list) {
        (EventBody::Message(message), "messages") | (EventBody::Echo(message), "echoes") => {
            message.id.as_deref()
        }
        (EventBody::Contact(change), "messages") => change.id.as_deref(),
        (EventBody::Edit(edit), "messages" | "echoes") => edit.id.as_deref(),
        (EventBody::Revoke(revoke), "messages" | "echoes") => revoke.id.as_deref(),
        (EventBody::Status(status), "statuses") => {
            let state = serde_json::to_value(&status.state).ok();
            let codes: Vec<i64> = item["error_codes"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_i64)
                .collect();
            let ours: Vec<i64> = status
                .errors
                .iter()
                .filter_map(|error| error.code.as_deref()?.parse().ok())
                .collect();
            if state.as_ref() != Some(&item["status"]) || codes != ours {
                return false;
            }
            status.message_id.as_deref()
        }
        _ => return false,
    };
    // A change of a contact names in its item who the contact was.
    let contact = match &event.body {
        EventBody::Contact(change) => change.previous.as_ref().or(event.contact.as_ref()),
        _ => event.contact.as_ref(),
    };
    let phone = contact.and_then(|contact| contact.phone.as_deref());
    let user_id = contact.and_then(|contact| contact.user_id.as_deref());
    let (by_phone, by_user_id) = match list {
        "messages" => ("from", "from_user_id"),
        "echoes" => ("to", "to_user_id"),
        _ => ("recipient_id", "recipient_user_id"),
    };
    let named = |name: &str, member: Option<&str>| {
        text(name).is_none_or(|expected| {
            member == Some(expected) || (name == by_phone && user_id == Some(expected))
        })
    };
    let time = item["timestamp"]
        .as_str()
        .and_then(|seconds| seconds.parse::<u64>().ok())
        .map(|number| {
            if number < 100_000_000_000 {
                number * 1000
            } else {
                number
            }
        });
    id == text("id")
        && named(by_phone, phone)
        && named(by_user_id, user_id)
        && (time.is_none() || time == event.time)
}

/// How the scalars of items stand in their events outside `raw`, by value.
#[derive(Default)]
struct Leaves {
    all: usize,
    missing: Vec<String>,
    made_up: Vec<String>,
}

/// Members that hold words of our own form, at any depth.
const OWN_WORDS: [&str; 12] = [
    "type",
    "class",
    "retry",
    "remedy",
    "path",
    "kind",
    "subject",
    "state",
    "direction",
    "choice",
    "accepted",
    "automatic",
];

/// Whether a member says in our own words what the item says in its shape: why it can't be read, which setting it is, and that
/// the on-premise type `voice` is recorded audio.
fn is_our_word(path: &str) -> bool {
    path.split('/').any(|name| OWN_WORDS.contains(&name))
        || path.starts_with("/unknown/")
        || path.starts_with("/group/settings/") && path.ends_with("/name")
        || path == "/message/content/voice"
}

impl Leaves {
    /// Every scalar of the item stands in the event, as often as in the item; no other stands there that is not in the body.
    fn compare(&mut self, file: &str, body: &Value, event: &Event) -> Result<()> {
        let mut typed = serde_json::to_value(event)?;
        let members = typed.as_object_mut().context("an event is an object")?;
        let item = members.remove("raw").context("raw")?;
        for name in ["id", "type", "origin"] {
            members.remove(name);
        }
        let mut said = Vec::new();
        scalars("", &typed, &mut said);
        let mut found = vec![false; said.len()];

        let mut expected = Vec::new();
        scalars("", &item, &mut expected);
        self.all += expected.len();
        for (path, value) in expected {
            let same = |(_, said): &(String, Value)| same(&value, said);
            let parsed = value
                .as_str()
                .and_then(|text| serde_json::from_str::<Value>(text).ok());
            if let Some(at) = (0..said.len()).find(|at| !found[*at] && same(&said[*at])) {
                found[at] = true;
            } else if !(path.ends_with("/response_json")
                && parsed == typed.pointer(RESPONSE).cloned())
            {
                self.missing
                    .push(format!("{file}: {path}: {value} of {item}"));
            }
        }
        let mut whole = Vec::new();
        scalars("", body, &mut whole);
        for ((path, value), _) in said.iter().zip(found).filter(|(_, found)| !found) {
            let is_answer = path.starts_with(RESPONSE);
            let is_there = whole.iter().any(|(_, there)| same(there, value));
            if !is_our_word(path) && !is_answer && !is_there {
                self.made_up
                    .push(format!("{file}: {path}: {value} is not in {body}"));
            }
        }
        Ok(())
    }
}

/// The answers of a form, which stand in its item as JSON in a string.
const RESPONSE: &str = "/message/content/response";

impl fmt::Display for Leaves {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            all,
            missing,
            made_up,
        } = self;
        writeln!(
            formatter,
            "{all} scalars, {} missing, {} made up",
            missing.len(),
            made_up.len()
        )?;
        for line in missing.iter().chain(made_up) {
            writeln!(formatter, "{line}")?;
        }
        Ok(())
    }
}

/// The scalars of a value with their paths.
fn scalars(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Null => {}
        Value::Array(elements) => {
            for (at, element) in elements.iter().enumerate() {
                scalars(&format!("{path}/{at}"), element, found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                scalars(&format!("{path}/{name}"), member, found);
            }
        }
        scalar => found.push((path.to_owned(), scalar.clone())),
    }
}

/// Whether a scalar of an item and one of an event are one value: numbers and times in whatever form.
fn same(item: &Value, event: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (item, event) = (text(item), text(event));
    let number = |text: &str| text.trim().parse::<f64>().ok();
    item == event
        || number(&item).is_some_and(|item| number(&event) == Some(item))
        || event.parse::<jiff::Timestamp>().is_ok_and(|time| {
            [time.as_second(), time.as_millisecond()]
                .map(|number| number.to_string())
                .contains(&item)
        })
}
