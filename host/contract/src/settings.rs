//! Settings and their secrets: what a plugin may see of them.
//!
//! A secret never enters the sandbox. Before settings do, each member that the channel's description marks as secret
//! is replaced by its placeholder, which the plugin may put where the value is needed.
//!
//! A plugin that called another member secret at each call would see them all in the end: a host asks for a
//! description once, when the channel is added, keeps it, and uses that one from then on.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::channel::{self, Description};
use crate::types::Problem;

/// The longest secret, in bytes. Keys and tokens have at most some hundreds; more is a wrong file.
pub const SECRET_BYTES: usize = 4096;

/// A secret's value. It is shown to nobody, `Debug` included.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret of this value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Settings, parted into what a plugin may see and what it may not.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The settings as JSON, with a placeholder for each secret.
    pub visible: String,
    /// The secrets by their names.
    pub secrets: BTreeMap<String, Secret>,
    /// What is wrong with the secrets. Their place in `visible` holds a placeholder all the same, where they hold text.
    pub problems: Vec<Problem>,
}

/// Takes the secrets out of settings.
///
/// The description is the one that the host has kept of this channel, never one that was asked for just now. What
/// stands in a member that its schema does not declare may be a secret under a mistyped name: it stays outside too, and
/// the plugin sees an empty string there.
///
/// # Errors
///
/// The settings are not JSON.
pub fn take_secrets(
    settings: &str,
    description: &Description,
) -> Result<Settings, serde_json::Error> {
    let mut settings: Value = serde_json::from_str(settings)?;
    let mut secrets = BTreeMap::new();
    let mut problems = Vec::new();
    for secret in &description.secrets {
        let Some(member) = settings.pointer_mut(&secret.pointer) else {
            continue;
        };
        let broken = match &*member {
            // Absent, in other words. Whether it may be is the channel's to say.
            Value::Null => continue,
            Value::String(value) => broken(value),
            _ => Some((
                "wrong_type",
                "a secret is a string; write it in quotes".to_owned(),
            )),
        };
        if let Some((code, message)) = broken {
            problems.push(Problem {
                pointer: secret.pointer.clone(),
                code: code.to_owned(),
                message,
                source: None,
            });
        }
        // What is no text holds no key that could be used, but perhaps one that was mistyped: it stays outside too.
        if *member != Value::String(String::new()) {
            let value = std::mem::replace(member, Value::String(placeholder(&secret.name)));
            if let Value::String(value) = value {
                secrets.insert(secret.name.clone(), Secret::new(value));
            }
        }
    }
    let schema: Value = serde_json::from_str(&description.settings_schema).unwrap_or_default();
    for (name, value) in settings.as_object_mut().into_iter().flatten() {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        let is_secret = |secret: &channel::Secret| {
            secret.pointer == pointer || secret.pointer.starts_with(&format!("{pointer}/"))
        };
        if schema["properties"].get(name).is_none() && !description.secrets.iter().any(is_secret) {
            *value = Value::String(String::new());
        }
    }
    Ok(Settings {
        visible: settings.to_string(),
        secrets,
        problems,
    })
}

/// What stands for a secret in settings and requests.
#[must_use]
pub fn placeholder(name: &str) -> String {
    format!("{{{{secret:{name}}}}}")
}

/// What is wrong with a secret's value: code and sentence.
fn broken(value: &str) -> Option<(&'static str, String)> {
    if value.is_empty() {
        let message = "the secret is empty; give its value, or leave the member out";
        Some(("empty", message.to_owned()))
    } else if value.len() > SECRET_BYTES {
        let message = format!(
            "the secret has {} bytes and may have {SECRET_BYTES}; give only the key",
            value.len()
        );
        Some(("too_long", message))
    } else if value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        let message =
            "the secret holds white space or a control character; copy it again without them";
        Some(("forbidden_character", message.to_owned()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
