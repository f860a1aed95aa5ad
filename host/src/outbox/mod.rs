//! Messages: checked and committed when they are handed in, then sent in each contact's order.

mod dispatch;
mod history;
mod original;
mod pace;
mod settle;
mod window;

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::CallError;
use crate::channel::Channel;
use crate::contract::outbound::{Content, Message, Payload, Posted, Window};
use crate::contract::templates::TemplateKey;
use crate::contract::types::{Contact, Error, Problem, Recipient, Timestamp};
use crate::contract::{json, storage};
use crate::events::Step;
use crate::host::Shared;
use crate::store::{Store, StoreError};
use crate::templates::{self, TemplatesError};

pub(crate) use dispatch::dispatch;
pub use history::MessageStep;
pub(crate) use original::answered;
pub(crate) use settle::{Place, Settled, find, recover, settle};
pub use window::Seen;
pub(crate) use window::seen;

/// How long a caller's idempotency key is kept, in milliseconds.
const KEY_KEPT: u64 = 7 * 24 * 60 * 60 * 1000;

/// The longest idempotency key, in bytes.
const KEY_BYTES: usize = 255;

/// The most messages of one page.
const PAGE: u32 = 200;

/// The problem by which `message.build` says that only an open window would allow the message.
const WINDOW_CLOSED: &str = "window_closed";

/// Why a message was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It breaks rules.
    #[error("the message breaks {} of the channel's rules", .0.len())]
    Invalid(Vec<Problem>),
    /// Free-form messages are not allowed to this contact now.
    #[error("the window of this contact is closed")]
    WindowClosed {
        /// Since when; absent where it was never open.
        since: Option<Timestamp>,
        /// What the channel says of it.
        problems: Vec<Problem>,
        /// Templates that could be sent all the same.
        templates: Vec<TemplateKey>,
    },
    /// The key was used for another message.
    #[error("this idempotency key was used for another message: take a new one for each message")]
    KeyReused,
    /// The key is empty or too long.
    #[error("an idempotency key has 1 to 255 bytes")]
    Key,
    /// The plugin failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The channel's storage failed.
    #[error(transparent)]
    Storage(#[from] storage::Failure),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TemplatesError> for SendError {
    fn from(error: TemplatesError) -> Self {
        match error {
            TemplatesError::Call(error) => Self::Call(error),
            TemplatesError::Storage(failure) => Self::Storage(failure),
            TemplatesError::Store(error) => Self::Store(error),
            // Reading the space, a plugin has no other reason.
            error => Self::Storage(storage::Failure::Unavailable(error.to_string())),
        }
    }
}

/// A message as it stands.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "SentMessage")]
pub struct Standing {
    /// Our id of it.
    pub id: String,
    /// The channel that sends it.
    pub channel: String,
    /// Where it stands: `queued`, `sending`, `uncertain`, `accepted`, `sent`, `delivered`, `read`, `played`, `failed`,
    /// `held` or `cancelled`.
    pub state: String,
    /// Whom it goes to.
    #[schemars(with = "Recipient")]
    pub to: Box<RawValue>,
    /// The vendor's ids of its parts, as far as they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message_ids: Vec<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was handed in.
    #[serde(with = "json::timestamp")]
    pub accepted: Timestamp,
    /// When it is tried next, while it is queued.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub due: Option<Timestamp>,
    /// It does not leave after that.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires: Option<Timestamp>,
    /// The message that says what its fallback stood in for, and leaves once the contact has answered: our id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// The message whose fallback went out in place of this one: our id of it. Without `due` it waits for the contact's
    /// answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_of: Option<String>,
    /// Why it failed, or was tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Error>")]
    pub error: Option<Box<RawValue>>,
    /// What to know about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Problem>>")]
    pub warnings: Option<Box<RawValue>>,
    /// What the vendor told of it, in the order in which it came: the latest hundred statuses. Not read for a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<MessageStep>,
}

impl Standing {
    /// Whether the vendor has said what it makes of it, or nobody will.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        !matches!(&*self.state, "queued" | "sending" | "uncertain")
    }
}

/// Which messages to list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// A message that can be sent.
pub(crate) struct Prepared {
    id: String,
    contact: String,
    recipient: String,
    message: String,
    payloads: Vec<Payload>,
    warnings: Vec<Problem>,
    expires: Option<Timestamp>,
    /// It consists of its fallback.
    fallback: bool,
}

/// Accepts a message: from then on it is sent, or it is said why not.
pub(crate) async fn accept(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    message: &[u8],
    key: Option<&str>,
) -> Result<Standing, SendError> {
    if key.is_some_and(|key| key.is_empty() || key.len() > KEY_BYTES) {
        return Err(SendError::Key);
    }
    let posted = Posted::read(message).map_err(SendError::Invalid)?;
    let key = key.map(|key| (key.to_owned(), fingerprint(message)));
    if let Some((key, hash)) = &key {
        let known = host
            .store
            .read_now(|connection| known(connection, &channel.id, key, host.clock.now()))?;
        if let Some(known) = known {
            return same(known, hash, &host.store);
        }
    }
    let now = host.clock.now();
    // A message that was taken in time is the same one later, so this is no matter of the key.
    if posted.expires.is_some_and(|expires| expires <= now) {
        return Err(SendError::Invalid(vec![Problem {
            pointer: "/expires".to_owned(),
            code: "already_past".to_owned(),
            message: "this time is over: name one that is to come, or leave it out".to_owned(),
            source: None,
        }]));
    }
    let message = &posted.message;
    let current = channel.current();
    let seen = window::seen(host, channel, &message.to).await?;
    let mut prepared = prepare(host, channel, &current.settings, message, &seen.window).await?;
    prepared.expires = posted.expires;
    if !matches!(message.content, Content::Template(_)) {
        prepared.warnings.extend(seen.warning);
    }
    let id = prepared.id.clone();
    let of = channel.id.clone();
    let (known, queued) = host
        .store
        .write(move |connection| {
            if let Some((key, hash)) = &key {
                if let Some(known) = known(connection, &of, key, now)? {
                    return Ok((Some((known, hash.clone())), Settled::default()));
                }
                connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO idempotency (channel, key, hash, message, at)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![of, key, hash, prepared.id, now])?;
            }
            let queued = insert(connection, &of, now, &prepared)?;
            Ok::<_, StoreError>((None, queued))
        })
        .await?;
    if let Some((known, hash)) = known {
        return same(known, &hash, &host.store);
    }
    tell(host, channel, &queued);
    get(&host.store, &id)?.ok_or(SendError::Store(StoreError::Closed))
}

/// Tells of what was committed: those that follow the events, the metrics, and whoever sends.
pub(crate) fn tell(host: &Shared, channel: &Channel, settled: &Settled) {
    host.events.committed(settled.latest);
    for state in &settled.became {
        host.metrics.message_became(&channel.id, state);
    }
    if settled.due {
        channel.due.notify_one();
    }
}

/// What a message says, whatever its members' order and spacing.
fn fingerprint(message: &[u8]) -> Vec<u8> {
    let canonical = serde_json::from_slice::<Value>(message).unwrap_or_default();
    Sha256::digest(canonical.to_string()).to_vec()
}

/// The message that a key was used for, and what it said.
fn known(
    connection: &Connection,
    channel: &str,
    key: &str,
    now: Timestamp,
) -> Result<Option<(String, Vec<u8>)>, StoreError> {
    let select =
        "SELECT message, hash FROM idempotency WHERE channel = ?1 AND key = ?2 AND at > ?3";
    Ok(connection
        .prepare_cached(select)?
        .query_row(params![channel, key, now.saturating_sub(KEY_KEPT)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?)
}

/// The message that a key was used for, if it says the same.
fn same(known: (String, Vec<u8>), hash: &[u8], store: &Store) -> Result<Standing, SendError> {
    let (id, earlier) = known;
    if earlier != hash {
        return Err(SendError::KeyReused);
    }
    // A key goes with its message.
    get(store, &id)?.ok_or(SendError::KeyReused)
}

/// Builds the requests of a message.
async fn prepare(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    settings: &str,
    message: &Message,
    window: &Window,
) -> Result<Prepared, SendError> {
    let payloads = build(host, channel, settings, message, window).await?;
    let payloads = match payloads {
        Ok(payloads) => payloads,
        Err(problems) => return Err(refused(host, channel, problems, window).await),
    };
    Ok(Prepared {
        id: Uuid::now_v7().to_string(),
        contact: queue(&message.to),
        recipient: serde_json::to_string(&message.to).unwrap_or_default(),
        message: serde_json::to_string(message).unwrap_or_default(),
        payloads,
        warnings: Vec::new(),
        expires: None,
        fallback: stands_in(message, window),
    })
}

/// Whether a message is built of its fallback.
fn stands_in(message: &Message, window: &Window) -> bool {
    message.fallback.is_some()
        && matches!(window, Window::Closed(_))
        && !matches!(message.content, Content::Template(_))
}

/// Asks the plugin for the requests of a message. What names a template is held against the one that was added.
async fn build(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    settings: &str,
    message: &Message,
    window: &Window,
) -> Result<Result<Vec<Payload>, Vec<Problem>>, SendError> {
    let definition = match templates::definition(host, channel, message).await? {
        Ok(definition) => definition,
        Err(problem) => return Ok(Err(vec![problem])),
    };
    let began = std::time::Instant::now();
    let built = channel
        .plugin
        .build(settings, message, window, definition.as_ref())
        .await;
    host.metrics
        .called(&channel.id, "message.build", &built, began.elapsed());
    if let Ok(Ok(payloads)) = &built
        && payloads.is_empty()
    {
        return Ok(Err(vec![Problem {
            pointer: String::new(),
            code: "nothing_to_send".to_owned(),
            message: "the channel makes no request of this message: say something in it".to_owned(),
            source: None,
        }]));
    }
    Ok(built?)
}

async fn refused(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    problems: Vec<Problem>,
    window: &Window,
) -> SendError {
    let only_the_window = problems.iter().all(|problem| problem.code == WINDOW_CLOSED);
    match window {
        Window::Closed(closed) if only_the_window => SendError::WindowClosed {
            since: closed.since,
            problems,
            templates: templates::sendable(host, channel).await,
        },
        _ => SendError::Invalid(problems),
    }
}

/// A message that the channel itself wants to send because of a delivery. It goes to whom has just written.
pub(crate) async fn prepare_reply(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    settings: &str,
    message: &Message,
) -> Result<Prepared, SendError> {
    // The channel has just decided that it may be sent; it is looked at again when it is.
    prepare(host, channel, settings, message, &Window::Unknown).await
}

/// The queue that a message stands in: that of its recipient.
fn queue(to: &Recipient) -> String {
    match to {
        Recipient::Phone(phone) => by_phone(phone),
        Recipient::UserId(id) => by_user_id(id),
        Recipient::Group(id) => format!("group:{id}"),
        Recipient::Contact(contact) => {
            let mut names = names(contact).into_iter();
            names.next().unwrap_or_else(|| "nobody".to_owned())
        }
    }
}

/// A contact's names, as queues are called: by the phone number first, however it is written.
fn names(contact: &Contact) -> Vec<String> {
    let ids = [&contact.user_id, &contact.parent_user_id].into_iter();
    let ids = ids.flatten().map(|id| by_user_id(id));
    let phone = contact.phone.as_deref().map(by_phone);
    phone.into_iter().chain(ids).collect()
}

fn by_phone(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    format!("phone:{digits}")
}

fn by_user_id(id: &str) -> String {
    format!("user_id:{id}")
}

/// Writes a message down, to be sent.
pub(crate) fn insert(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    prepared: &Prepared,
) -> Result<Settled, StoreError> {
    let warnings = (!prepared.warnings.is_empty())
        .then(|| serde_json::to_string(&prepared.warnings).unwrap_or_default());
    connection
        .prepare_cached(
            "INSERT INTO message
                 (id, channel, contact, recipient, message, state, open, part, parts, due, warnings, accepted, expires, fallback)
             VALUES (?1, ?2, ?3, ?4, ?5, 'queued', 1, 0, ?6, ?7, ?8, ?7, ?9, ?10)",
        )?
        .execute(params![
            prepared.id,
            channel,
            prepared.contact,
            prepared.recipient,
            prepared.message,
            prepared.payloads.len(),
            now,
            warnings,
            prepared.expires,
            prepared.fallback,
        ])?;
    put_parts(
        connection,
        connection.last_insert_rowid(),
        &prepared.payloads,
    )?;
    let delivery = Step {
        message: &prepared.id,
        state: "queued",
        ..Step::default()
    };
    let mut settled = settle::tell(connection, channel, now, delivery)?;
    settled.due = true;
    Ok(settled)
}

/// Writes down the requests that a message consists of.
fn put_parts(
    connection: &Connection,
    sequence: i64,
    payloads: &[Payload],
) -> Result<(), StoreError> {
    for (number, payload) in payloads.iter().enumerate() {
        connection
            .prepare_cached(
                "INSERT INTO part (message, number, method, path, content_type, body, reference, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'queued')",
            )?
            .execute(params![
                sequence,
                number,
                payload.method,
                payload.path,
                payload.content_type,
                payload.body,
                Uuid::now_v7().to_string(),
            ])?;
    }
    Ok(())
}

const COLUMNS: &str =
    "id, channel, state, open, recipient, attempts, accepted, due, expires, original_of, error, warnings,
    (SELECT max(o.id) FROM message o WHERE o.original_of = message.id) AS original,
    (SELECT json_group_array(vendor_id) FROM part
     WHERE part.message = message.sequence AND vendor_id IS NOT NULL) AS vendor_ids";

/// A message as it stands.
pub(crate) fn get(store: &Store, id: &str) -> Result<Option<Standing>, StoreError> {
    store.read_now(|connection| {
        let select = format!("SELECT {COLUMNS} FROM message WHERE id = ?1");
        let found = connection
            .prepare_cached(&select)?
            .query_row([id], standing)
            .optional()?;
        let Some(mut standing) = found else {
            return Ok(None);
        };
        standing.history = history::of(connection, id)?;
        Ok(Some(standing))
    })
}

/// A channel's messages, the latest first.
pub(crate) async fn list(
    store: &Store,
    channel: &str,
    filter: Filter,
) -> Result<Vec<Standing>, StoreError> {
    let channel = channel.to_owned();
    store
        .read(move |connection| {
            let mut select = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM message WHERE channel = ?1 AND (?2 IS NULL OR state = ?2)
                 ORDER BY sequence DESC LIMIT ?3"
            ))?;
            let limit = filter.limit.unwrap_or(PAGE).min(PAGE);
            let rows = select.query_map(params![channel, filter.state, limit], standing)?;
            Ok::<_, StoreError>(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
}

fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    let raw = |json: Option<String>| json.and_then(|json| RawValue::from_string(json).ok());
    let state: String = row.get("state")?;
    let to: String = row.get("recipient")?;
    let ids: String = row.get("vendor_ids")?;
    let is_due = state == "queued" && row.get("open")?;
    let due = is_due.then(|| row.get("due")).transpose()?;
    Ok(Standing {
        id: row.get("id")?,
        channel: row.get("channel")?,
        to: raw(Some(to)).unwrap_or_default(),
        message_ids: serde_json::from_str(&ids).unwrap_or_default(),
        attempts: row.get("attempts")?,
        accepted: row.get("accepted")?,
        due,
        expires: row.get("expires")?,
        original: row.get("original")?,
        original_of: row.get("original_of")?,
        error: raw(row.get("error")?),
        warnings: raw(row.get("warnings")?),
        history: Vec::new(),
        state,
    })
}

/// What stands in a channel's queues: how many messages, since when the oldest, how many uncertain.
pub(crate) fn backlog(
    connection: &Connection,
    channel: &str,
) -> Result<(u32, Option<Timestamp>, u32), StoreError> {
    let select = "SELECT count(*), min(accepted), coalesce(sum(state = 'uncertain'), 0)
        FROM message WHERE channel = ?1 AND open = 1";
    Ok(connection
        .prepare_cached(select)?
        .query_row([channel], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?)
}

/// Sends a message again that was held or has failed. Returns whether it was one.
pub(crate) async fn resend(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    id: &str,
) -> Result<bool, StoreError> {
    change(host, channel, id, settle::resend).await
}

/// Cancels a message that waits to be sent, or is held, or the original that its fallback stood in for. Returns whether
/// it was one.
pub(crate) async fn cancel(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    id: &str,
) -> Result<bool, StoreError> {
    change(host, channel, id, settle::cancel).await
}

/// What an operator does with a message. Returns whether it was one with which that can be done.
async fn change(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    id: &str,
    change: fn(&Connection, &str, Timestamp, &str) -> Result<Settled, StoreError>,
) -> Result<bool, StoreError> {
    let (of, id, now) = (channel.id.clone(), id.to_owned(), host.clock.now());
    let settled = host
        .store
        .write(move |connection| change(connection, &of, now, &id))
        .await?;
    tell(host, channel, &settled);
    Ok(settled.latest.is_some())
}

/// Forgets idempotency keys that are too old to count.
pub(crate) fn forget_keys(connection: &Connection, now: Timestamp) -> Result<usize, StoreError> {
    Ok(connection
        .prepare_cached("DELETE FROM idempotency WHERE at <= ?1")?
        .execute([now.saturating_sub(KEY_KEPT)])?)
}
