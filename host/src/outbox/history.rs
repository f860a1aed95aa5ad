//! What the vendor told of a message, status by status.

use rusqlite::Connection;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::contract::events::Pricing;
use crate::contract::types::{Contact, Error};
use crate::store::StoreError;

/// The most steps that are shown: the latest.
const SHOWN: u32 = 100;

/// One status of a message.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MessageStep {
    /// The step, in the contract's word or the vendor's.
    pub state: String,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The vendor gave no usable time: it was received then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub time_is_receipt: bool,
    /// Which of the message's parts, from 1, where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
    /// Of whom: in a group each participant has steps of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Contact>")]
    pub contact: Option<Box<RawValue>>,
    /// Why it failed, or a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Error>>")]
    pub errors: Option<Box<RawValue>>,
    /// What it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Pricing>")]
    pub pricing: Option<Box<RawValue>>,
    /// The sequence of the event that told of it.
    pub sequence: i64,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Event {
    time: Option<String>,
    #[serde(default)]
    time_is_receipt: bool,
    contact: Option<Box<RawValue>>,
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    state: String,
    errors: Option<Box<RawValue>>,
    pricing: Option<Box<RawValue>>,
}

/// The latest steps of a message, in the order in which they came.
pub(super) fn of(connection: &Connection, id: &str) -> Result<Vec<MessageStep>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT e.sequence, e.json, s.part, m.parts
         FROM message m JOIN step s ON s.message = m.sequence JOIN event e ON e.sequence = s.event
         WHERE m.id = ?1 ORDER BY s.event DESC LIMIT ?2",
    )?;
    let rows = select.query_map((id, SHOWN), |row| {
        let json: String = row.get(1)?;
        let event: Event = serde_json::from_str(&json).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.into())
        })?;
        let (part, parts): (u32, u32) = (row.get(2)?, row.get(3)?);
        Ok(MessageStep {
            state: event.status.state,
            time: event.time,
            time_is_receipt: event.time_is_receipt,
            part: (parts > 1).then_some(part + 1),
            contact: event.contact,
            errors: event.status.errors,
            pricing: event.status.pricing,
            sequence: row.get(0)?,
        })
    })?;
    let mut steps: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    steps.reverse();
    Ok(steps)
}
