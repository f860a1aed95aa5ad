//! Recorded webhooks from other projects' tests, where they lie beside this project: every item must come out.

use anyhow::{Context, Result};
use channel_host::contract::events::{Event, EventBody};
use channel_host::{Cache, Engine, Limits, Plugin};
use channel_tests::{CHANNEL_360DIALOG, delivery};
use serde_json::Value;
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
            items += compare(&channel, file, &body, neutral, &mut wrong).await?;
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
    Ok(())
}

/// Compares the events of a body with what it is known to hold; returns how many items that are.
async fn compare(
    channel: &Plugin,
    file: &str,
    body: &Value,
    neutral: &Value,
    wrong: &mut Vec<String>,
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
    let contact = event.contact.as_ref();
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
