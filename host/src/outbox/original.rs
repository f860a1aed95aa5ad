//! Messages whose fallback went out in their place. They are kept for the contact's answer, and then sent as they are.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use uuid::Uuid;

use super::settle::{self, Settled};
use crate::contract::events::{Event, EventBody};
use crate::contract::outbound::Payload;
use crate::contract::types::{Contact, Recipient, Timestamp};
use crate::events::Step;
use crate::store::StoreError;

/// How long an answer is waited for, in milliseconds.
const KEPT: u64 = 7 * 24 * 60 * 60 * 1000;

/// A message that waits for an answer which may have come.
pub(super) struct Waiting {
    pub(super) id: String,
    pub(super) message: String,
    /// Since when it may have come.
    pub(super) due: Timestamp,
}

/// What is read of the answer to the fallback.
#[derive(Default, Deserialize)]
struct Answer {
    contact: Option<Contact>,
}

/// Keeps what a message's fallback stood in for, now that the fallback has arrived: as a message of its own.
pub(super) fn keep(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    of: &str,
) -> Result<Settled, StoreError> {
    let id = Uuid::now_v7().to_string();
    // The contact may have answered already, so it is looked at once. Its parts are made when it is built.
    let kept = connection
        .prepare_cached(
            "INSERT INTO message
                 (id, channel, contact, recipient, message, state, open, part, parts, due, accepted, expires, original_of)
             SELECT ?2, channel, contact, recipient, json_remove(message, '$.fallback'), 'queued', 0, 0, 1, ?3, ?3,
                 min(coalesce(expires, ?4), ?4), id
             FROM message WHERE id = ?1 AND fallback = 1
               AND NOT EXISTS (SELECT 1 FROM message o WHERE o.original_of = ?1 AND o.state <> 'cancelled')
             RETURNING contact, recipient",
        )?
        .query_row(params![of, id, now, now.saturating_add(KEPT)], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let Some((contact, recipient)) = kept else {
        return Ok(Settled::default());
    };
    let mut names = vec![contact];
    if let Ok(Recipient::Contact(contact)) = serde_json::from_str(&recipient) {
        names.extend(super::names(&contact));
    }
    // The vendor may know them by another name than the one that was dialled.
    let answer: Option<String> = connection
        .prepare_cached(
            "SELECT a.outcome FROM attempt a JOIN message m ON m.sequence = a.message
             WHERE m.id = ?1 AND a.outcome IS NOT NULL ORDER BY a.id DESC LIMIT 1",
        )?
        .query_row([of], |row| row.get(0))
        .optional()?;
    let answer: Answer = answer
        .and_then(|answer| serde_json::from_str(&answer).ok())
        .unwrap_or_default();
    names.extend(answer.contact.iter().flat_map(super::names));
    for name in names {
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO awaited (channel, name, message) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![channel, name, id])?;
    }
    let delivery = Step {
        message: &id,
        state: "queued",
        original_of: Some(of),
        ..Step::default()
    };
    settle::tell(connection, channel, now, delivery)
}

/// Looks at what waits for an answer of a contact, of whom this event tells. Whether it opens the window is the channel's to say.
pub(crate) fn answered(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    event: &Event,
) -> Result<Settled, StoreError> {
    let (Some(contact), true) = (&event.contact, event.origin.own) else {
        return Ok(Settled::default());
    };
    if matches!(event.body, EventBody::Status(_) | EventBody::Echo(_)) {
        return Ok(Settled::default());
    }
    let mut settled = Settled::default();
    for name in super::names(contact) {
        // Another moment than that at which it may just be looked at.
        let found = connection
            .prepare_cached(
                "UPDATE message SET due = iif(due = ?3, due + 1, ?3) WHERE open = 0 AND state = 'queued'
                   AND id IN (SELECT message FROM awaited WHERE channel = ?1 AND name = ?2)",
            )?
            .execute(params![channel, name, now])?;
        settled.due |= found > 0;
    }
    Ok(settled)
}

/// What may have been answered, in the order in which it was handed in.
pub(super) fn waiting(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Waiting>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT id, message, due FROM message
         WHERE channel = ?1 AND open = 0 AND state = 'queued' AND due <= ?2 ORDER BY sequence LIMIT ?3",
    )?;
    let rows = select.query_map(params![channel, now, limit], |row| {
        Ok(Waiting {
            id: row.get(0)?,
            message: row.get(1)?,
            due: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Puts what was answered into its contact's queue, behind what stands there.
pub(super) fn release(
    connection: &Connection,
    now: Timestamp,
    id: &str,
    payloads: &[Payload],
) -> Result<Settled, StoreError> {
    let sequence = connection
        .prepare_cached(
            "UPDATE message SET sequence = (SELECT max(sequence) + 1 FROM message), open = 1, due = ?2, accepted = ?2,
                 parts = ?3
             WHERE id = ?1 AND open = 0 AND state = 'queued' RETURNING sequence",
        )?
        .query_row(params![id, now, payloads.len()], |row| row.get(0))
        .optional()?;
    // It may have been cancelled meanwhile.
    if let Some(sequence) = sequence {
        super::put_parts(connection, sequence, payloads)?;
    }
    Ok(Settled {
        due: sequence.is_some(),
        ..Settled::default()
    })
}

/// Waits on, until then without a further look, or else until an answer comes.
pub(super) fn wait(
    connection: &Connection,
    waiting: &Waiting,
    until: Option<Timestamp>,
) -> Result<Settled, StoreError> {
    // Not where an answer has come since it was looked at.
    connection
        .prepare_cached(
            "UPDATE message SET due = coalesce(?3, expires)
             WHERE id = ?1 AND open = 0 AND state = 'queued' AND due = ?2",
        )?
        .execute(params![waiting.id, waiting.due, until])?;
    Ok(Settled::default())
}

/// Cancels what a message's fallback stood in for while it waits, since the fallback has failed: whoever hands the message
/// in again hands in both.
pub(super) fn drop_with(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    of: &str,
) -> Result<Settled, StoreError> {
    let dropped: Option<String> = connection
        .prepare_cached(
            "UPDATE message SET state = 'cancelled', settled = ?2
             WHERE original_of = ?1 AND open = 0 AND state = 'queued' RETURNING id",
        )?
        .query_row(params![of, now], |row| row.get(0))
        .optional()?;
    let Some(id) = dropped else {
        return Ok(Settled::default());
    };
    let delivery = Step {
        message: &id,
        state: "cancelled",
        original_of: Some(of),
        ..Step::default()
    };
    settle::tell(connection, channel, now, delivery)
}
