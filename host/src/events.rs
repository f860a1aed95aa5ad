//! What is told to the platform: events with a sequence, pulled by cursor or followed as they come.

use rusqlite::{Connection, OptionalExtension, params};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;
use uuid::Uuid;

use crate::channel::AccountNotice;
use crate::contract::connection::Ability;
use crate::contract::events::{Event, Received};
use crate::contract::json;
use crate::contract::types::{self, Timestamp};
use crate::store::{Store, StoreError};
use crate::templates::StoredChange;

/// The most events of one page.
pub const PAGE: usize = 1000;

/// An event as it leaves the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its place among all events of this host; grows, with gaps.
    pub sequence: i64,
    /// What it is (`message`, `status`, `delivery`, `channel`).
    pub kind: String,
    /// Its JSON on one line, with `channel` and `sequence`.
    pub json: String,
}

/// Which events to tell.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Those after this sequence.
    pub after: i64,
    /// Only this channel's.
    pub channel: Option<String>,
    /// Only these kinds; all where empty.
    pub kinds: Vec<String>,
    /// At most so many, and never more than [`PAGE`].
    pub limit: usize,
}

/// The events of a host.
#[derive(Clone)]
pub struct Events {
    store: Store,
    latest: watch::Sender<i64>,
}

impl Events {
    pub(crate) async fn open(store: Store) -> Result<Self, StoreError> {
        let latest = store
            .read(|connection| {
                let latest = "SELECT coalesce(max(sequence), 0) FROM event";
                Ok::<_, StoreError>(connection.query_row(latest, [], |row| row.get(0))?)
            })
            .await?;
        Ok(Self {
            store,
            latest: watch::Sender::new(latest),
        })
    }

    /// Events in order.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub async fn page(&self, query: Query) -> Result<Vec<Told>, StoreError> {
        self.store
            .read(move |connection| {
                let kinds = serde_json::to_string(&query.kinds).unwrap_or_default();
                let limit = i64::try_from(query.limit.min(PAGE)).unwrap_or(i64::MAX);
                let mut select = connection.prepare_cached(
                    "SELECT sequence, type, channel, json FROM event
                     WHERE sequence > ?1 AND (?2 IS NULL OR channel = ?2)
                       AND (?3 = '[]' OR type IN (SELECT value FROM json_each(?3)))
                     ORDER BY sequence LIMIT ?4",
                )?;
                let rows =
                    select.query_map(params![query.after, query.channel, kinds, limit], |row| {
                        let (sequence, channel): (i64, String) = (row.get(0)?, row.get(2)?);
                        let json: String = row.get(3)?;
                        Ok(Told {
                            sequence,
                            kind: row.get(1)?,
                            json: addressed(&json, &channel, sequence),
                        })
                    })?;
                Ok::<_, StoreError>(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// Tells, as it changes, the sequence of the latest event.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<i64> {
        self.latest.subscribe()
    }

    /// Wakes those that follow, once events are committed.
    pub(crate) fn committed(&self, latest: Option<i64>) {
        if let Some(latest) = latest {
            self.latest.send_if_modified(|known| {
                *known < latest && {
                    *known = latest;
                    true
                }
            });
        }
    }
}

/// Puts the channel and the sequence in front of an event's members.
fn addressed(json: &str, channel: &str, sequence: i64) -> String {
    let channel = serde_json::Value::from(channel);
    let members = json.strip_prefix('{').unwrap_or(json);
    format!(r#"{{"channel":{channel},"sequence":{sequence},{members}"#)
}

/// An event as it is told. It is put together as text, and described by this.
#[derive(JsonSchema)]
#[schemars(rename = "ToldEvent")]
#[expect(dead_code, reason = "only its schema is asked for")]
pub(crate) struct Written {
    /// The channel's id.
    channel: String,
    /// Its place among all events.
    sequence: i64,
    #[schemars(flatten)]
    event: Happened,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is asked for")]
enum Happened {
    /// An item of a webhook.
    Item(Received<'static>),
    /// What the host itself has to tell.
    Notice(Noticed<'static>),
}

/// Stores an item of a webhook that was received at a time, and the id of the message of ours that it tells of; `None` where it
/// was stored before.
pub(crate) fn store_item(
    connection: &Connection,
    channel: &str,
    (delivery, received): (i64, Timestamp),
    at: Timestamp,
    (event, our_message): (&Event, Option<&str>),
) -> Result<Option<i64>, StoreError> {
    let told = Received::new(event, received).of(our_message);
    let json = json::one_line(&told).map_err(unwritable)?;
    let row = (event.id.as_str(), event.body.kind(), json);
    insert(connection, channel, Some(delivery), at, row)
}

/// What the host itself has to tell.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Notice<'a> {
    /// A step of a message that was handed in.
    Delivery { delivery: Step<'a> },
    /// How a channel stands.
    Channel { channel_state: Standing<'a> },
    /// A template of a channel's space was added, has changed, or was removed.
    StoredTemplate { stored_template: &'a StoredChange },
}

/// A step of a message that was handed in.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Step<'a> {
    /// Our id of the message.
    pub(crate) message: &'a str,
    /// Where it stands.
    pub(crate) state: &'static str,
    /// The vendor's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message_id: Option<&'a str>,
    /// Which of its parts, from 1, where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) part: Option<u32>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<&'a types::Error>,
    /// The message is what the fallback of this one, named by our id, has stood in for: it waits for the contact's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) original_of: Option<&'a str>,
}

/// How a channel stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChannelState")]
pub(crate) struct Standing<'a> {
    pub(crate) state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<&'a str>,
    /// Whether messages can be sent, by the vendor's last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sending: Option<Ability>,
    /// What the vendor has just told of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<&'a AccountNotice>,
}

/// A notice with what every event has.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct Noticed<'a> {
    id: &'a str,
    #[serde(with = "json::timestamp")]
    time: Timestamp,
    #[serde(flatten)]
    notice: &'a Notice<'a>,
}

/// Stores a notice.
pub(crate) fn store_notice(
    connection: &Connection,
    channel: &str,
    at: Timestamp,
    notice: &Notice<'_>,
) -> Result<Option<i64>, StoreError> {
    let id = Uuid::now_v7().to_string();
    let kind = match notice {
        Notice::Delivery { .. } => "delivery",
        Notice::Channel { .. } => "channel",
        Notice::StoredTemplate { .. } => "stored_template",
    };
    let written = Noticed {
        id: &id,
        time: at,
        notice,
    };
    let json = serde_json::to_string(&written).map_err(unwritable)?;
    insert(connection, channel, None, at, (&id, kind, json))
}

fn insert(
    connection: &Connection,
    channel: &str,
    delivery: Option<i64>,
    at: Timestamp,
    (id, kind, json): (&str, &str, String),
) -> Result<Option<i64>, StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO event (channel, id, type, at, delivery, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (channel, id) DO NOTHING RETURNING sequence",
    )?;
    let row = params![channel, id, kind, at, delivery, json];
    Ok(insert.query_row(row, |row| row.get(0)).optional()?)
}

/// JSON that can't be made is a value that can't be stored.
fn unwritable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(error.into())
}
