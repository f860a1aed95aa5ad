//! Deliveries: committed as they come, then taken in by the channel, one after the other.

pub(crate) mod ledger;
mod route;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::{Connection, OptionalExtension, Row, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::contract::events::Delivery;
use crate::contract::json;
use crate::contract::types::{Header, Timestamp};
use crate::store::{Store, StoreError};

pub use worker::Receive;
pub(crate) use worker::work;

/// A delivery as the store has it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Delivery")]
pub struct Stored {
    /// Its number.
    pub id: i64,
    /// The channel that it came to.
    pub channel: String,
    /// When it came.
    #[serde(with = "json::timestamp")]
    pub received: Timestamp,
    /// `pending`, `done` or `parked`.
    pub state: String,
    /// Why it is parked, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it is parked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How many events it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u32>,
    /// The delivery that it is a copy of: that came to another channel's address, and has items of this channel's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<i64>,
    /// Method, path, query and headers.
    #[serde(flatten)]
    pub request: Request,
}

/// What came beside the body.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// The method.
    pub method: String,
    /// What follows the channel's address in the path.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The query's parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// The headers, without those that hold a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
}

/// Which deliveries to list.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<String>,
    /// Those before this number.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// The most deliveries of one page.
const PAGE: u32 = 200;

/// Bytes of bodies that may wait to be taken in.
const WAITING_BYTES: usize = 4 << 30;

/// Bytes of bodies that are taken in before what came of them is committed; one delivery may have more.
const BATCH_BYTES: usize = 8 << 20;

/// The deliveries of a host.
pub(crate) struct Inbox {
    store: Store,
    waiting: Arc<Waiting>,
    /// How many may wait.
    limit: usize,
}

/// What waits to be taken in.
#[derive(Default)]
struct Waiting {
    deliveries: AtomicUsize,
    /// Of their bodies.
    bytes: AtomicUsize,
}

impl Waiting {
    fn add(&self, deliveries: usize, bytes: usize) {
        self.deliveries.fetch_add(deliveries, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn remove(&self, deliveries: usize, bytes: usize) {
        for (counter, less) in [(&self.deliveries, deliveries), (&self.bytes, bytes)] {
            // Saturating: removing a channel takes its deliveries along.
            let less = |waiting: usize| Some(waiting.saturating_sub(less));
            let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// What the store says.
    async fn counted(store: &Store) -> Result<(usize, usize), StoreError> {
        let count =
            "SELECT count(*), coalesce(sum(length(body)), 0) FROM delivery WHERE state = 'pending'";
        let counted: (i64, i64) = store
            .read(|connection| {
                let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
                Ok::<_, StoreError>(connection.query_row(count, [], row)?)
            })
            .await?;
        let [deliveries, bytes] =
            [counted.0, counted.1].map(|count| usize::try_from(count).unwrap_or_default());
        Ok((deliveries, bytes))
    }
}

impl Inbox {
    pub(crate) async fn open(store: Store, limit: usize) -> Result<Self, StoreError> {
        let waiting = Arc::<Waiting>::default();
        let (deliveries, bytes) = Waiting::counted(&store).await?;
        waiting.add(deliveries, bytes);
        Ok(Self {
            store,
            waiting,
            limit,
        })
    }

    /// Deliveries that wait to be taken in.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.deliveries.load(Ordering::Relaxed)
    }

    /// Whether another one finds room.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting() < self.limit && self.waiting.bytes.load(Ordering::Relaxed) < WAITING_BYTES
    }

    /// Commits a delivery. Returns its number. Once begun it is done, though the vendor hang up.
    pub(crate) async fn accept(
        &self,
        channel: &Arc<Channel>,
        at: Timestamp,
        delivery: Delivery,
    ) -> Result<i64, StoreError> {
        let id = channel.id.clone();
        let request = Request {
            method: delivery.method,
            path: delivery.path,
            query: delivery.query,
            headers: delivery.headers,
        };
        let (store, waiting) = (self.store.clone(), Arc::clone(&self.waiting));
        let channel = Arc::clone(channel);
        let bytes = delivery.body.len();
        waiting.add(1, bytes);
        let accepting = tokio::spawn(async move {
            let accepted = store
                .write(move |connection| {
                    let request = serde_json::to_string(&request).unwrap_or_default();
                    connection
                        .prepare_cached(
                            "INSERT INTO delivery (channel, received, state, request, body)
                             VALUES (?1, ?2, 'pending', ?3, ?4)",
                        )?
                        .execute(params![id, at, request, delivery.body])?;
                    Ok::<_, StoreError>(connection.last_insert_rowid())
                })
                .await;
            match accepted {
                Ok(_) => channel.arrived.notify_one(),
                Err(_) => waiting.remove(1, bytes),
            }
            accepted
        });
        // It ends in no other way than by itself, or with the runtime.
        accepting.await.unwrap_or(Err(StoreError::Closed))
    }

    /// So many more wait soon, with so many bytes.
    fn expect(&self, deliveries: usize, bytes: usize) {
        self.waiting.add(deliveries, bytes);
    }

    /// So many wait no longer, with so many bytes.
    fn settled(&self, deliveries: usize, bytes: usize) {
        self.waiting.remove(deliveries, bytes);
    }

    /// Counts anew what waits.
    pub(crate) async fn recount(&self) -> Result<(), StoreError> {
        let (deliveries, bytes) = Waiting::counted(&self.store).await?;
        self.waiting.deliveries.store(deliveries, Ordering::Relaxed);
        self.waiting.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// A channel's deliveries, the latest first.
    pub(crate) async fn list(
        &self,
        channel: &str,
        filter: Filter,
    ) -> Result<Vec<Stored>, StoreError> {
        let channel = channel.to_owned();
        self.store
            .read(move |connection| {
                let mut select = connection.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM delivery
                     WHERE channel = ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR id < ?3)
                     ORDER BY id DESC LIMIT ?4"
                ))?;
                let limit = filter.limit.unwrap_or(PAGE).min(PAGE);
                let given = params![channel, filter.state, filter.before, limit];
                let rows = select.query_map(given, stored)?;
                Ok::<_, StoreError>(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// One delivery and its raw body.
    pub(crate) async fn get(&self, id: i64) -> Result<Option<(Stored, Vec<u8>)>, StoreError> {
        self.store
            .read(move |connection| {
                let select = format!("SELECT {COLUMNS}, body FROM delivery WHERE id = ?1");
                let row = |row: &Row<'_>| Ok((stored(row)?, row.get("body")?));
                Ok::<_, StoreError>(
                    connection
                        .prepare_cached(&select)?
                        .query_row([id], row)
                        .optional()?,
                )
            })
            .await
    }

    /// Lets the channel take in again what is parked: one delivery, or all. Returns how many.
    pub(crate) async fn replay(
        &self,
        channel: &Arc<Channel>,
        one: Option<i64>,
    ) -> Result<usize, StoreError> {
        let (store, waiting) = (self.store.clone(), Arc::clone(&self.waiting));
        let channel = Arc::clone(channel);
        let replaying = tokio::spawn(async move {
            let id = channel.id.clone();
            let replayed = store
                .write(move |connection| {
                    let mut update = connection.prepare_cached(
                        "UPDATE delivery SET state = 'pending', reason = NULL, detail = NULL, settled = NULL
                         WHERE channel = ?1 AND state = 'parked' AND (?2 IS NULL OR id = ?2)
                         RETURNING length(body)",
                    )?;
                    let sizes = update.query_map(params![id, one], |row| row.get(0))?;
                    let sizes = sizes.collect::<rusqlite::Result<Vec<usize>>>()?;
                    // Before the commit: no sooner can any of them be settled.
                    waiting.add(sizes.len(), sizes.iter().sum());
                    Ok::<_, StoreError>(sizes.len())
                })
                .await;
            channel.arrived.notify_one();
            replayed
        });
        let replayed = replaying.await.unwrap_or(Err(StoreError::Closed));
        if replayed.is_err() {
            // They may have been counted, and not committed.
            self.recount().await?;
        }
        replayed
    }
}

const COLUMNS: &str = "id, channel, received, state, reason, detail, events, source, request";

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let request: String = row.get("request")?;
    Ok(Stored {
        id: row.get("id")?,
        channel: row.get("channel")?,
        received: row.get("received")?,
        state: row.get("state")?,
        reason: row.get("reason")?,
        detail: row.get("detail")?,
        events: row.get("events")?,
        source: row.get("source")?,
        request: read_request(&request)?,
    })
}

fn read_request(request: &str) -> rusqlite::Result<Request> {
    serde_json::from_str(request).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })
}

/// A delivery that waits.
struct Pending {
    id: i64,
    received: Timestamp,
    /// It came to another channel's address.
    is_copy: bool,
    delivery: Delivery,
}

/// The oldest deliveries of a channel that wait: at most so many, and one at least, whatever its size.
fn pending(
    connection: &Connection,
    channel: &str,
    limit: usize,
) -> Result<Vec<Pending>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT id, request, body, received, source IS NOT NULL FROM delivery WHERE channel = ?1 AND state = 'pending' ORDER BY id LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = select.query_map(params![channel, limit], |row| {
        let request = read_request(&row.get::<_, String>(1)?)?;
        let delivery = Delivery {
            method: request.method,
            path: request.path,
            query: request.query,
            headers: request.headers,
            body: row.get(2)?,
        };
        Ok(Pending {
            id: row.get(0)?,
            received: row.get(3)?,
            is_copy: row.get(4)?,
            delivery,
        })
    })?;
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let next = row?;
        bytes += next.delivery.body.len();
        if bytes > BATCH_BYTES && !waiting.is_empty() {
            break;
        }
        waiting.push(next);
    }
    Ok(waiting)
}

/// Forgets the deliveries that were done before.
pub(crate) fn forget(connection: &Connection, before: Timestamp) -> Result<usize, StoreError> {
    let delete = "DELETE FROM delivery WHERE state = 'done' AND settled < ?1";
    Ok(connection.prepare_cached(delete)?.execute([before])?)
}
