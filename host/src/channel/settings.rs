//! A channel's settings when they change: what is kept, what must be proved, what nobody else may have.
//!
//! Two annotations of the settings' schema speak to the host: `x-local` marks a member that the vendor need not be asked
//! about, `x-unique` one whose value no other channel of the host may have.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::ChannelError;
use crate::Plugin;
use crate::contract::channel::Description;
use crate::contract::types::Problem;
use crate::settings::{Secret, Settings, placeholder, take_secrets};

/// Takes the secrets out of settings that nothing is wrong with.
pub(super) async fn examine(
    plugin: &Plugin,
    description: &Description,
    settings: &str,
) -> Result<Settings, ChannelError> {
    let malformed = |error: serde_json::Error| {
        ChannelError::Invalid(vec![Problem {
            pointer: String::new(),
            code: "malformed".to_owned(),
            message: format!("the settings are not JSON: {error}"),
            source: None,
        }])
    };
    let settings = take_secrets(settings, description).map_err(malformed)?;
    let mut problems = settings.problems.clone();
    let theirs = plugin.validate(&settings.visible).await?;
    // What the host has said of a secret need not be said again.
    problems.extend(theirs.into_iter().filter(|theirs| {
        let said = &settings.problems;
        !said.iter().any(|ours| ours.pointer == theirs.pointer)
    }));
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(ChannelError::Invalid(problems))
    }
}

/// Settings with some members changed: `null` takes one away, and a secret that is sent back as its placeholder stays
/// what it is. The result holds secrets.
pub(super) fn change(
    description: &Description,
    visible: &str,
    secrets: &BTreeMap<String, Secret>,
    changes: &Map<String, Value>,
) -> String {
    let mut settings = object(visible);
    for (name, value) in changes {
        if value.is_null() {
            settings.remove(name);
        } else {
            settings.insert(name.clone(), value.clone());
        }
    }
    let mut settings = Value::Object(settings);
    for secret in &description.secrets {
        let kept = secrets.get(&secret.name);
        if let Some(member) = settings.pointer_mut(&secret.pointer)
            && *member == Value::String(placeholder(&secret.name))
        {
            *member = kept.map_or(Value::Null, |kept| kept.expose().into());
        }
    }
    settings.to_string()
}

/// Whether a change must be proved at the vendor before it counts.
pub(super) fn must_be_proved(
    description: &Description,
    (old, old_secrets): (&str, &BTreeMap<String, Secret>),
    new: &Settings,
) -> bool {
    let schema = schema(description);
    let (old, visible) = (object(old), object(&new.visible));
    let names = old.keys().chain(visible.keys());
    let shown = names
        .filter(|name| old.get(*name) != visible.get(*name))
        .any(|name| schema["properties"][name]["x-local"] != true);
    let secret = |name: &str| old_secrets.get(name) != new.secrets.get(name);
    shown || description.secrets.iter().any(|known| secret(&known.name))
}

/// The members that no other channel may share: their names and values, without what only separates or leads.
pub(super) fn unique(description: &Description, visible: &str) -> Vec<(String, String)> {
    let schema = schema(description);
    object(visible)
        .into_iter()
        .filter(|(name, _)| schema["properties"][name]["x-unique"] == true)
        .filter_map(|(name, value)| Some((name, essence(value.as_str()?))))
        .collect()
}

/// A number or name without what people write between its characters.
pub(super) fn essence(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// What the settings call the channel.
pub(super) fn name(visible: &str) -> Option<String> {
    let name = object(visible).remove("name")?;
    name.as_str()
        .filter(|name| !name.trim().is_empty())
        .map(str::to_owned)
}

fn object(settings: &str) -> Map<String, Value> {
    serde_json::from_str(settings).unwrap_or_default()
}

fn schema(description: &Description) -> Value {
    serde_json::from_str(&description.settings_schema).unwrap_or_default()
}
