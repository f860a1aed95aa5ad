//! What has changed in a channel's space, and when.

use rusqlite::{Connection, params};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::contract::templates::{
    Definition, TemplateCategory, TemplateKey, TemplateQuality, TemplateStatus,
};
use crate::contract::types::Timestamp;
use crate::events::{self, Notice};
use crate::store::StoreError;

/// The most steps of a template's history.
const STEPS: usize = 100;

/// A template of the space that was added, has changed, or was removed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct StoredChange {
    /// Its name.
    pub(crate) name: String,
    /// Its language.
    pub(crate) language: String,
    /// How it stood; absent where it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<State>,
    /// How it stands; absent where it is no longer there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<State>,
    /// What it says is another than before.
    pub(crate) content_changed: bool,
}

/// How a template stands.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "TemplateState")]
pub(crate) struct State {
    status: TemplateStatus,
    category: TemplateCategory,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<TemplateQuality>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected_reason: Option<String>,
}

impl State {
    fn of(definition: &Definition) -> Self {
        Self {
            status: definition.status.clone(),
            category: definition.category.clone(),
            quality: definition.quality.clone(),
            rejected_reason: definition.rejected_reason.clone(),
        }
    }
}

impl StoredChange {
    /// What lies between two looks at a template; nothing where nobody would see it.
    pub(crate) fn between(before: Option<&Definition>, after: Option<&Definition>) -> Option<Self> {
        let TemplateKey { name, language } = after.or(before)?.key();
        let change = Self {
            name,
            language,
            before: before.map(State::of),
            after: after.map(State::of),
            content_changed: match (before, after) {
                (Some(before), Some(after)) => before.content != after.content,
                _ => false,
            },
        };
        (change.before != change.after || change.content_changed).then_some(change)
    }
}

/// Tells of changes. Returns the sequence of the last event.
pub(crate) fn record(
    connection: &Connection,
    channel: &str,
    at: Timestamp,
    changes: &[StoredChange],
) -> Result<Option<i64>, StoreError> {
    let mut latest = None;
    for change in changes {
        let notice = Notice::StoredTemplate {
            stored_template: change,
        };
        latest = events::store_notice(connection, channel, at, &notice)?.or(latest);
    }
    Ok(latest)
}

/// What has happened to a template, as it was told: what the vendor's webhooks said and what this host found, the latest last.
pub(crate) fn history(
    connection: &Connection,
    channel: &str,
    key: &TemplateKey,
) -> Result<Vec<Box<RawValue>>, StoreError> {
    // Webhooks may write a language with a hyphen.
    let mut select = connection.prepare_cached(
        "SELECT json FROM (
            SELECT sequence, json, json_extract(json, '$.' || type) AS told FROM event
            WHERE channel = ?1 AND type IN ('template', 'stored_template')
            AND json_extract(told, '$.name') = ?2
            AND replace(json_extract(told, '$.language'), '-', '_') = replace(?3, '-', '_')
            ORDER BY sequence DESC LIMIT ?4
         ) ORDER BY sequence",
    )?;
    let rows = select.query_map(params![channel, key.name, key.language, STEPS], |row| {
        row.get::<_, String>(0)
    })?;
    let mut history = Vec::new();
    for json in rows {
        history.extend(RawValue::from_string(json?).ok());
    }
    Ok(history)
}
