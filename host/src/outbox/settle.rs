//! How attempts and the vendor's statuses move a message on.
//!
//! A message is sent part by part; `message.part` is the one to send next. A part's state only ever moves forward:
//! queued, accepted, sent, delivered, read, played; or to failed. Each status of the vendor is kept beside that, also one
//! that comes late or moves nothing.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::dispatch::error;
use super::original;
use crate::contract::events::{MessageState, Status};
use crate::contract::outbound::Payload;
use crate::contract::sender::Sent;
use crate::contract::types::{Error, ErrorClass, Retry, Timestamp};
use crate::events::{self, Notice, Step};
use crate::store::StoreError;

/// What a change led to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settled {
    /// The sequence of the latest event that tells of it.
    pub(crate) latest: Option<i64>,
    /// Something may be sent that had to wait.
    pub(crate) due: bool,
    /// What messages have become, each of which an event tells.
    pub(crate) became: Vec<&'static str>,
}

impl Settled {
    /// Adds what came of a later change.
    pub(crate) fn then(&mut self, later: Self) {
        self.latest = later.latest.or(self.latest);
        self.due |= later.due;
        self.became.extend(later.became);
    }
}

/// The steps of a part, in order.
const STEPS: [&str; 6] = ["queued", "accepted", "sent", "delivered", "read", "played"];

fn rank(state: &str) -> usize {
    STEPS
        .iter()
        .position(|step| *step == state)
        .unwrap_or_default()
}

/// A part and its message, as the store has them.
pub(crate) struct Place {
    sequence: i64,
    /// Our id of the message.
    pub(crate) id: String,
    state: String,
    next: u32,
    parts: u32,
    number: u32,
    part_state: String,
    expires: Option<Timestamp>,
}

const PLACE: &str =
    "SELECT m.sequence, m.id, m.state, m.part, m.parts, p.number, p.state, m.expires
    FROM part p JOIN message m ON m.sequence = p.message";

/// The same of a message that waits to be sent, whether or not it has its parts yet.
const WITHOUT_PART: &str =
    "SELECT m.sequence, m.id, m.state, m.part, m.parts, m.part, 'queued', m.expires FROM message m";

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place {
        sequence: row.get(0)?,
        id: row.get(1)?,
        state: row.get(2)?,
        next: row.get(3)?,
        parts: row.get(4)?,
        number: row.get(5)?,
        part_state: row.get(6)?,
        expires: row.get(7)?,
    })
}

/// The part of a message of ours that has this reference, or else this vendor's id.
pub(crate) fn find(
    connection: &Connection,
    channel: &str,
    reference: Option<&str>,
    vendor_id: Option<&str>,
) -> Result<Option<Place>, StoreError> {
    for (column, value) in [("reference", reference), ("vendor_id", vendor_id)] {
        let Some(value) = value else { continue };
        let select = format!("{PLACE} WHERE m.channel = ?1 AND p.{column} = ?2");
        let found = connection
            .prepare_cached(&select)?
            .query_row(params![channel, value], place)
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Reads a status of the vendor, which this event told, of this part.
pub(crate) fn settle(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    (event, status): (i64, &Status),
    place: &Place,
) -> Result<Settled, StoreError> {
    connection
        .prepare_cached("INSERT INTO step (message, event, part) VALUES (?1, ?2, ?3)")?
        .execute(params![place.sequence, event, place.number])?;
    let reached = match &status.state {
        MessageState::Sent => "sent",
        MessageState::Delivered => "delivered",
        MessageState::Read => "read",
        MessageState::Played => "played",
        MessageState::Failed => "failed",
        _ => return Ok(Settled::default()),
    };
    if let Some(id) = &status.message_id {
        connection
            .prepare_cached(
                "UPDATE part SET vendor_id = coalesce(vendor_id, ?3) WHERE message = ?1 AND number = ?2",
            )?
            .execute(params![place.sequence, place.number, id])?;
    }
    if reached == "failed" {
        // Whatever arrived has arrived; and what was passed on to a group has not failed with one of its participants.
        let outlives = match status.group_id {
            Some(_) => "sent",
            None => "delivered",
        };
        let is_over = ["failed", "cancelled"].contains(&&*place.state);
        if rank(&place.part_state) >= rank(outlives) || is_over {
            return Ok(Settled::default());
        }
        set_part(connection, place, "failed")?;
        return fail(connection, channel, now, place, status.errors.first());
    }
    // A part that has failed was sent before that; only what is later than both shows that it has not. In a group it was sent to
    // others.
    let stands = match &*place.part_state {
        "failed" if status.group_id.is_none() => rank("sent"),
        state => rank(state),
    };
    if rank(reached) <= stands {
        return Ok(Settled::default());
    }
    set_part(connection, place, reached)?;
    if place.state == "sending" {
        // The answer is on its way, or lost: whoever waits for it reads the part.
        return Ok(Settled::default());
    }
    // What is left of a cancelled message stays where it is.
    if place.number == place.next && place.state != "cancelled" {
        return arrived(connection, channel, now, place);
    }
    progress(connection, channel, now, place)
}

fn set_part(connection: &Connection, place: &Place, state: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE part SET state = ?3 WHERE message = ?1 AND number = ?2")?
        .execute(params![place.sequence, place.number, state])?;
    Ok(())
}

/// The part that was next has arrived at the vendor: on with the next one that has not, if there is one.
fn arrived(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    place: &Place,
) -> Result<Settled, StoreError> {
    let select =
        "SELECT min(number) FILTER (WHERE state = 'queued'), total(state = 'failed') > 0 FROM part
         WHERE message = ?1";
    let (next, failed): (Option<u32>, bool) = connection
        .prepare_cached(select)?
        .query_row([place.sequence], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if failed {
        // Another part has ended the message.
        return Ok(Settled::default());
    }
    let more = next.is_some();
    connection
        .prepare_cached(
            "UPDATE message SET part = ?2, open = ?3, state = CASE WHEN ?3 THEN 'queued' ELSE 'accepted' END,
                 due = ?4, attempts = CASE WHEN ?3 THEN 0 ELSE attempts END, uncertain_since = NULL, error = NULL, settled = CASE WHEN ?3 THEN NULL ELSE ?4 END
             WHERE sequence = ?1",
        )?
        .execute(params![place.sequence, next.unwrap_or(place.parts), more, now])?;
    if more {
        return Ok(Settled {
            due: true,
            ..Settled::default()
        });
    }
    let mut settled = progress(connection, channel, now, place)?;
    settled.then(original::keep(connection, channel, now, &place.id)?);
    settled.due = true;
    Ok(settled)
}

/// A message whose parts have all been accepted stands where the last of them does.
fn progress(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    place: &Place,
) -> Result<Settled, StoreError> {
    let select = "SELECT state, vendor_id FROM part WHERE message = ?1 ORDER BY number";
    let mut select = connection.prepare_cached(select)?;
    let parts: Vec<(String, Option<String>)> = select
        .query_map([place.sequence], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    if parts
        .iter()
        .any(|(state, _)| state == "queued" || state == "failed")
    {
        return Ok(Settled::default());
    }
    let reached = parts.iter().map(|(state, _)| rank(state)).min();
    let reached = STEPS[reached.unwrap_or_default()];
    if reached == place.state {
        return Ok(Settled::default());
    }
    connection
        .prepare_cached("UPDATE message SET state = ?2, error = NULL WHERE sequence = ?1")?
        .execute(params![place.sequence, reached])?;
    let delivery = Step {
        message: &place.id,
        state: reached,
        message_id: parts.first().and_then(|(_, id)| id.as_deref()),
        ..Step::default()
    };
    tell(connection, channel, now, delivery)
}

/// A message will not arrive; its contact's queue goes on.
fn fail(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    place: &Place,
    error: Option<&Error>,
) -> Result<Settled, StoreError> {
    let mut settled = close(connection, channel, now, place, "failed", error)?;
    settled.then(original::drop_with(connection, channel, now, &place.id)?);
    Ok(settled)
}

/// Takes a message out of its contact's queue.
fn close(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    place: &Place,
    state: &'static str,
    error: Option<&Error>,
) -> Result<Settled, StoreError> {
    let json = error.and_then(|error| serde_json::to_string(error).ok());
    connection
        .prepare_cached(
            "UPDATE message SET state = ?2, open = 0, settled = ?3, error = coalesce(?4, error)
             WHERE sequence = ?1",
        )?
        .execute(params![place.sequence, state, now, json])?;
    let delivery = Step {
        message: &place.id,
        state,
        part: (place.parts > 1).then_some(place.number + 1),
        error,
        ..Step::default()
    };
    let mut settled = tell(connection, channel, now, delivery)?;
    settled.due = true;
    Ok(settled)
}

/// Writes an event of a step of a message.
pub(super) fn tell(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    delivery: Step<'_>,
) -> Result<Settled, StoreError> {
    let became = delivery.state;
    let latest = events::store_notice(connection, channel, now, &Notice::Delivery { delivery })?;
    Ok(Settled {
        latest,
        due: false,
        became: latest.map(|_| became).into_iter().collect(),
    })
}

/// What came of an attempt.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The vendor accepted it.
    Accepted(Sent),
    /// It may have.
    Uncertain(Error),
    /// It did not; another attempt follows then.
    Again(Error, Timestamp),
    /// It did not, and never will.
    Failed(Error),
}

/// Builds a message anew that has not begun to leave, of its fallback or no longer of it.
pub(super) fn rebuild(
    connection: &Connection,
    sequence: i64,
    payloads: &[Payload],
    fallback: bool,
) -> Result<(), StoreError> {
    let changed = connection
        .prepare_cached(
            "UPDATE message SET parts = ?2, fallback = ?3
             WHERE sequence = ?1 AND part = 0 AND state = 'queued' AND open = 1",
        )?
        .execute(params![sequence, payloads.len(), fallback])?;
    if changed == 1 {
        connection
            .prepare_cached("DELETE FROM part WHERE message = ?1")?
            .execute([sequence])?;
        super::put_parts(connection, sequence, payloads)?;
    }
    Ok(())
}

/// Writes down an attempt before it is made. False where the message is no longer to be sent: once its time is over,
/// nothing of it begins.
pub(super) fn begin(
    connection: &Connection,
    sequence: i64,
    part: u32,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = connection
        .prepare_cached(
            "UPDATE message SET state = 'sending', attempts = attempts + 1
             WHERE sequence = ?1 AND part = ?2 AND state = 'queued' AND open = 1
               AND (expires IS NULL OR expires > ?3)",
        )?
        .execute(params![sequence, part, now])?;
    if changed == 1 {
        connection
            .prepare_cached("INSERT INTO attempt (message, part, started) VALUES (?1, ?2, ?3)")?
            .execute(params![sequence, part, now])?;
    }
    Ok(changed == 1)
}

/// Writes down what came of an attempt to send a part.
pub(super) fn finish(
    connection: &Connection,
    channel: &str,
    (sequence, part): (i64, u32),
    now: Timestamp,
    outcome: &Outcome,
) -> Result<Settled, StoreError> {
    let select = format!("{PLACE} WHERE m.sequence = ?1 AND p.number = ?2");
    let found = connection
        .prepare_cached(&select)?
        .query_row([sequence, part.into()], place)
        .optional()?;
    // Not so where the channel has been removed.
    let Some(place) = found else {
        return Ok(Settled::default());
    };
    end_attempt(connection, &place, now, outcome)?;
    let sending = place.state == "sending" && place.number == place.next;
    if !sending && place.state != "failed" {
        // It failed, and is to be sent anew: this answer is of the attempt before.
        return Ok(Settled::default());
    }
    if let Outcome::Accepted(Sent {
        message_id: Some(id),
        ..
    }) = outcome
    {
        connection
            .prepare_cached("UPDATE part SET vendor_id = ?3 WHERE message = ?1 AND number = ?2")?
            .execute(params![sequence, place.number, id])?;
    }
    if !sending {
        // A status has said that the message failed, perhaps for another part: this one need not be sent again.
        if place.part_state == "queued" && matches!(outcome, Outcome::Accepted(_)) {
            set_part(connection, &place, "accepted")?;
        }
        return Ok(Settled::default());
    }
    // A status may have been faster than the answer, and says more than an answer that was lost.
    if rank(&place.part_state) > 0 {
        return arrived(connection, channel, now, &place);
    }
    match outcome {
        Outcome::Accepted(_) => {
            set_part(connection, &place, "accepted")?;
            arrived(connection, channel, now, &place)
        }
        Outcome::Uncertain(error) => {
            set_uncertain(connection, &place, now, Some(error))?;
            let delivery = Step {
                message: &place.id,
                state: "uncertain",
                error: Some(error),
                ..Step::default()
            };
            tell(connection, channel, now, delivery)
        }
        Outcome::Again(error, due) => {
            let json = serde_json::to_string(error).ok();
            connection
                .prepare_cached(
                    "UPDATE message SET state = 'queued', due = ?2, error = ?3 WHERE sequence = ?1",
                )?
                .execute(params![sequence, due, json])?;
            Ok(Settled::default())
        }
        Outcome::Failed(error) => {
            set_part(connection, &place, "failed")?;
            fail(connection, channel, now, &place, Some(error))
        }
    }
}

fn end_attempt(
    connection: &Connection,
    place: &Place,
    now: Timestamp,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let json = match outcome {
        Outcome::Accepted(sent) => serde_json::to_string(sent),
        Outcome::Uncertain(error) | Outcome::Again(error, _) | Outcome::Failed(error) => {
            serde_json::to_string(error)
        }
    };
    connection
        .prepare_cached(
            "UPDATE attempt SET ended = ?3, outcome = ?4 WHERE message = ?1 AND part = ?2 AND ended IS NULL",
        )?
        .execute(params![place.sequence, place.number, now, json.ok()])?;
    Ok(())
}

fn set_uncertain(
    connection: &Connection,
    place: &Place,
    now: Timestamp,
    error: Option<&Error>,
) -> Result<(), StoreError> {
    let json = error.and_then(|error| serde_json::to_string(error).ok());
    connection
        .prepare_cached(
            "UPDATE message SET state = 'uncertain', uncertain_since = ?2, error = coalesce(?3, error)
             WHERE sequence = ?1",
        )?
        .execute(params![place.sequence, now, json])?;
    Ok(())
}

/// Messages whose attempts a crash has cut off: they may have arrived.
pub(crate) fn recover(connection: &Connection, now: Timestamp) -> Result<usize, StoreError> {
    let mut select =
        connection.prepare("SELECT sequence, channel FROM message WHERE state = 'sending'")?;
    let cut_off: Vec<(i64, String)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (sequence, channel) in &cut_off {
        lost(connection, channel, *sequence, now)?;
    }
    Ok(cut_off.len())
}

/// Attempts of a channel's since then, at most the last hundred thousand: to whom, and when.
pub(super) fn left(
    connection: &Connection,
    channel: &str,
    since: Timestamp,
) -> Result<Vec<(String, Timestamp)>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT m.contact, a.started FROM attempt a JOIN message m ON m.sequence = a.message
         WHERE a.id > (SELECT max(id) FROM attempt) - 100000 AND m.channel = ?1 AND a.started > ?2 ORDER BY a.id",
    )?;
    let rows = select.query_map(params![channel, since], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The messages of a channel that are being sent.
pub(super) fn sending(connection: &Connection, channel: &str) -> Result<Vec<i64>, StoreError> {
    let select =
        "SELECT sequence FROM message WHERE channel = ?1 AND open = 1 AND state = 'sending'";
    let mut select = connection.prepare_cached(select)?;
    let rows = select.query_map([channel], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Nobody will tell what came of the attempt to send a message: it may have arrived.
pub(super) fn lost(
    connection: &Connection,
    channel: &str,
    sequence: i64,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let select =
        format!("{PLACE} WHERE m.sequence = ?1 AND m.state = 'sending' AND p.number = m.part");
    let found = connection
        .prepare_cached(&select)?
        .query_row([sequence], place)
        .optional()?;
    let Some(place) = found else {
        return Ok(Settled::default());
    };
    if rank(&place.part_state) > 0 {
        return arrived(connection, channel, now, &place);
    }
    set_uncertain(connection, &place, now, None)?;
    Ok(Settled::default())
}

/// Puts a message that was held or has failed back into its queue, from the first part on that has not arrived. Nothing
/// tells of it where it is no such message, or its time is over.
pub(super) fn resend(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    id: &str,
) -> Result<Settled, StoreError> {
    let select = format!(
        "{PLACE} WHERE m.channel = ?1 AND m.id = ?2 AND m.state IN ('held', 'failed')
         AND (m.expires IS NULL OR m.expires > ?3) AND p.state IN ('queued', 'failed') ORDER BY p.number"
    );
    let left: Vec<Place> = connection
        .prepare_cached(&select)?
        .query_map(params![channel, id, now], place)?
        .collect::<rusqlite::Result<_>>()?;
    let Some(first) = left.first() else {
        return Ok(Settled::default());
    };
    // A late status of the attempt that failed is not one of the next. One that is held has not failed: whatever is
    // told of it counts.
    for failed in left.iter().filter(|place| place.part_state == "failed") {
        connection
            .prepare_cached("UPDATE part SET state = 'queued', vendor_id = NULL, reference = ?3 WHERE message = ?1 AND number = ?2")?
            .execute(params![failed.sequence, failed.number, Uuid::now_v7().to_string()])?;
    }
    connection
        .prepare_cached(
            "UPDATE message SET state = 'queued', open = 1, part = ?2, due = ?3, accepted = ?3, attempts = 0, error = NULL,
                 uncertain_since = NULL, settled = NULL
             WHERE sequence = ?1",
        )?
        .execute(params![first.sequence, first.number, now])?;
    let delivery = Step {
        message: id,
        state: "queued",
        ..Step::default()
    };
    let mut settled = tell(connection, channel, now, delivery)?;
    settled.due = true;
    Ok(settled)
}

/// Takes a message that waits to be sent, or is held, out of its queue: nothing more of it is sent. The same of what waits
/// because the message's fallback has stood in for it. Nothing tells of it where it is no such message.
pub(super) fn cancel(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    id: &str,
) -> Result<Settled, StoreError> {
    let cancelled: Option<String> = connection
        .prepare_cached(
            "UPDATE message SET state = 'cancelled', open = 0, settled = ?3
             WHERE channel = ?1 AND (id = ?2 OR original_of = ?2) AND state IN ('queued', 'held') RETURNING id",
        )?
        .query_row(params![channel, id, now], |row| row.get(0))
        .optional()?;
    let Some(id) = cancelled else {
        return Ok(Settled::default());
    };
    let delivery = Step {
        message: &id,
        state: "cancelled",
        ..Step::default()
    };
    let mut settled = tell(connection, channel, now, delivery)?;
    settled.due = true;
    Ok(settled)
}

/// Messages that have been uncertain for long enough. A delivery that came before their time was over may hold the
/// status that tells, so they wait until it has been taken in or parked; what came later does not count, so this ends.
/// `?1` is the channel, `?2` now, `?3` since when.
const OVERDUE: &str =
    "m.channel = ?1 AND m.open = 1 AND m.state = 'uncertain' AND m.uncertain_since <= ?3
    AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.channel = ?1 AND d.state = 'pending'
                    AND d.received <= m.uncertain_since + (?2 - ?3))";

/// Whether there are messages to [`decide`] about.
pub(super) fn is_any_overdue(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let select = format!("SELECT EXISTS (SELECT 1 FROM message m WHERE {OVERDUE})");
    Ok(connection
        .prepare_cached(&select)?
        .query_row(params![channel, now, since], |row| row.get(0))?)
}

/// Messages that have been uncertain for long enough: held, or sent again unless their time is over.
pub(super) fn decide(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    since: Timestamp,
    resend: bool,
) -> Result<Settled, StoreError> {
    let select = format!("{PLACE} WHERE {OVERDUE} AND p.number = m.part");
    let uncertain: Vec<Place> = connection
        .prepare_cached(&select)?
        .query_map(params![channel, now, since], place)?
        .collect::<rusqlite::Result<_>>()?;
    let mut all = Settled::default();
    for place in &uncertain {
        let settled = if !resend {
            close(connection, channel, now, place, "held", None)?
        } else if place.expires.is_some_and(|expires| expires <= now) {
            expire_one(connection, channel, now, place)?
        } else {
            connection
                .prepare_cached(
                    "UPDATE message SET state = 'queued', due = ?2, uncertain_since = NULL WHERE sequence = ?1",
                )?
                .execute(params![place.sequence, now])?;
            Settled {
                due: true,
                ..Settled::default()
            }
        };
        all.then(settled);
    }
    Ok(all)
}

/// Messages that wait to be sent, and whose time is over. `?1` is the channel, `?2` now.
const EXPIRED: &str = "m.channel = ?1 AND m.state = 'queued' AND m.expires <= ?2";

/// Whether there are messages to [`expire`].
pub(super) fn is_any_expired(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let select = format!("SELECT EXISTS (SELECT 1 FROM message m WHERE {EXPIRED})");
    Ok(connection
        .prepare_cached(&select)?
        .query_row(params![channel, now], |row| row.get(0))?)
}

/// Messages that wait to be sent, and whose time is over, have failed.
pub(super) fn expire(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let select = format!("{WITHOUT_PART} WHERE {EXPIRED}");
    let expired: Vec<Place> = connection
        .prepare_cached(&select)?
        .query_map(params![channel, now], place)?
        .collect::<rusqlite::Result<_>>()?;
    let mut all = Settled::default();
    for place in &expired {
        all.then(expire_one(connection, channel, now, place)?);
    }
    Ok(all)
}

/// A message that waits for an answer can't be sent.
pub(super) fn give_up(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    id: &str,
    error: &Error,
) -> Result<Settled, StoreError> {
    let select = format!("{WITHOUT_PART} WHERE m.id = ?1 AND m.state = 'queued'");
    let found = connection
        .prepare_cached(&select)?
        .query_row([id], place)
        .optional()?;
    match found {
        Some(place) => fail(connection, channel, now, &place, Some(error)),
        None => Ok(Settled::default()),
    }
}

/// A message's time is over. A status may still tell that the part which was tried has arrived; those after it never leave.
fn expire_one(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    place: &Place,
) -> Result<Settled, StoreError> {
    connection
        .prepare_cached("UPDATE part SET state = 'failed' WHERE message = ?1 AND number > ?2 AND state = 'queued'")?
        .execute(params![place.sequence, place.number])?;
    let error = Error {
        code: Some("expired".to_owned()),
        title: Some("Expired".to_owned()),
        message: Some("its time was over before it could be sent".to_owned()),
        details: (place.state == "uncertain")
            .then(|| "an attempt before that may have arrived".to_owned()),
        ..error(ErrorClass::Unknown, Retry::Never)
    };
    fail(connection, channel, now, place, Some(&error))
}

#[cfg(test)]
mod tests;
