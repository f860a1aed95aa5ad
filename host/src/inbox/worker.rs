//! One channel's deliveries, taken in by its plugin.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::ledger::{Ledger, Writes};
use super::{Pending, ledger, pending, route};
use crate::capability::Lent;
use crate::channel::{self, AccountNotice, Channel};
use crate::contract::events::{Delivery, Event, EventBody, RejectionReason};
use crate::contract::inbox::{ReceiveError, Reception};
use crate::contract::storage::Failure;
use crate::contract::types::Timestamp;
use crate::events;
use crate::host::Shared;
use crate::media;
use crate::outbox::{self, Place, Prepared, SendError, Settled};
use crate::store::StoreError;
use crate::{CallError, Plugin};

/// Deliveries that are taken in before what came of them is committed, in one go, and events that end such a batch.
const BATCH: usize = 64;
const BATCH_EVENTS: usize = 5000;

/// How long to wait after a fault of the host before trying again.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes deliveries in: a plugin in its sandbox. An embedder may link a channel that it trusts, and hand it in.
#[async_trait]
pub trait Receive: Send + Sync {
    /// Takes a delivery in at `now`, with what is lent.
    async fn receive(
        &self,
        lent: Lent,
        settings: &str,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Result<Reception, ReceiveError>, CallError>;
}

#[async_trait]
impl Receive for Plugin {
    async fn receive(
        &self,
        lent: Lent,
        settings: &str,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Result<Reception, ReceiveError>, CallError> {
        let mut sandbox = self.instantiate_with(lent).await?;
        sandbox.receive(settings, delivery, now).await
    }
}

/// What came of a delivery.
struct Taken {
    delivery: i64,
    received: Timestamp,
    /// Of its body.
    bytes: usize,
    outcome: Outcome,
}

enum Outcome {
    /// Events, messages to send, what the channel has written, and the channels that other events belong to.
    Done {
        events: Vec<Event>,
        elsewhere: Vec<Arc<Channel>>,
        replies: Vec<Prepared>,
        writes: Writes,
    },
    /// It is kept until somebody replays it.
    Parked {
        reason: &'static str,
        detail: String,
    },
}

/// What a batch came to, once it is committed.
#[derive(Clone, Default)]
struct Committed {
    deliveries: usize,
    bytes: usize,
    told: Settled,
    /// The channels that got copies, how many those are, and of how many bytes.
    elsewhere: Vec<Arc<Channel>>,
    copied: (usize, usize),
    /// What the vendor has told of the account, where that is news.
    account: Option<Vec<AccountNotice>>,
    parked: Vec<&'static str>,
    /// Of each that is done: events that were new, and that were not.
    done: Vec<(u64, u64)>,
    /// There are files that can be fetched.
    files: bool,
}

/// Takes the channel's deliveries in until it is removed or the host stops.
pub(crate) async fn work(host: Arc<Shared>, channel: Arc<Channel>) {
    let mut stopping = pin!(host.stopping());
    loop {
        match batch(&host, &channel).await {
            Ok(0) => tokio::select! {
                () = channel.arrived.notified() => {}
                () = &mut stopping => return,
            },
            Ok(_) => {
                if host.is_stopping() {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(channel = channel.id, %error, "deliveries wait: the host could not take them in");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Takes in what waits, up to a batch. Returns how many were settled.
async fn batch(host: &Arc<Shared>, channel: &Arc<Channel>) -> Result<usize, StoreError> {
    let waiting = host
        .store
        .read_now(|connection| pending(connection, &channel.id, BATCH))?;
    if waiting.is_empty() {
        return Ok(0);
    }
    // Whoever else writes to the channel's storage waits until this batch is committed.
    let _alone = channel.storage.lock().await;
    let ledger = Arc::new(Ledger::new(
        host.store.clone(),
        &channel.id,
        host.options.storage_keys,
    ));
    let mut batch = Vec::with_capacity(waiting.len());
    let mut events = 0;
    let (mut copies, mut copied) = (0, 0);
    for next in waiting {
        let Some(outcome) = take(host, channel, &ledger, &next).await else {
            break;
        };
        let Pending {
            id,
            received,
            delivery,
            ..
        } = next;
        if let Outcome::Done {
            events: given,
            elsewhere,
            ..
        } = &outcome
        {
            events += given.len();
            copies += elsewhere.len();
            copied += elsewhere.len() * delivery.body.len();
        }
        batch.push(Taken {
            delivery: id,
            received,
            bytes: delivery.body.len(),
            outcome,
        });
        if events >= BATCH_EVENTS || ledger.is_full() {
            break;
        }
    }
    if batch.is_empty() {
        // The first one could not be taken in now.
        tokio::time::sleep(PAUSE).await;
        return Ok(1);
    }
    let now = host.clock.now();
    let id = channel.id.clone();
    // Before the commit: no sooner can any of them be settled.
    host.inbox.expect(copies, copied);
    let committed = host
        .store
        .write(move |connection| {
            let mut committed = Committed::default();
            for taken in &batch {
                if !commit_alone(connection, &id, now, taken, &mut committed)? {
                    // Those behind it have seen what it wrote: they are taken in anew.
                    break;
                }
            }
            Ok::<_, StoreError>(committed)
        })
        .await;
    let (made, of_bytes) = committed.as_ref().map_or((0, 0), |it| it.copied);
    host.inbox.settled(copies - made, copied - of_bytes);
    let committed = committed?;
    for other in &committed.elsewhere {
        other.arrived.notify_one();
    }
    host.inbox.settled(committed.deliveries, committed.bytes);
    outbox::tell(host, channel, &committed.told);
    if let Some(account) = committed.account {
        channel.noted(account);
        channel::check_soon(host, channel);
    }
    for reason in &committed.parked {
        host.metrics.delivery_parked(&channel.id, reason);
    }
    if committed.files {
        channel.transfers.wanted.notify_one();
    }
    for (stored, known) in &committed.done {
        host.metrics.delivery_done(&channel.id, *stored, *known);
    }
    Ok(committed.deliveries)
}

/// Lets the plugin take one delivery in. `None` where the host could not let it: it stays where it is.
async fn take(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    ledger: &Arc<Ledger>,
    Pending {
        id,
        is_copy,
        delivery,
        ..
    }: &Pending,
) -> Option<Outcome> {
    let id = *id;
    let now = host.clock.now();
    let current = channel.current();
    let lent = Lent {
        http: None,
        storage: Some(Arc::clone(ledger) as _),
    };
    let began = Instant::now();
    let receiver = host.receiver(channel);
    let received = receiver
        .receive(lent, &current.settings, delivery, now)
        .await;
    host.metrics
        .called(&channel.id, "inbox.receive", &received, began.elapsed());
    let park = |reason, detail: String| {
        tracing::warn!(channel = channel.id, delivery = id, reason, %detail, "delivery parked");
        Some(Outcome::Parked { reason, detail })
    };
    let reception = match received {
        Ok(Ok(reception)) => reception,
        Err(CallError::Busy { .. }) => {
            ledger.undo();
            return None;
        }
        Err(error) => {
            ledger.undo();
            return park(error.reason(), error.to_string());
        }
        Ok(Err(ReceiveError::Rejected(rejection))) => {
            ledger.undo();
            let reason = match rejection.reason {
                RejectionReason::Malformed => "malformed",
                RejectionReason::Foreign => "foreign",
                RejectionReason::Other(_) => "rejected",
            };
            return park(reason, crate::plain(&rejection.detail));
        }
        Ok(Err(ReceiveError::Storage(failure))) => {
            ledger.undo();
            return match failure {
                Failure::Unavailable(detail) => {
                    tracing::error!(channel = channel.id, delivery = id, %detail, "storage failed");
                    None
                }
                failure => park("storage", failure.to_string()),
            };
        }
    };
    let mut replies = Vec::new();
    for reply in reception.replies {
        match outbox::prepare_reply(host, channel, &current.settings, &reply).await {
            Ok(prepared) => replies.push(prepared),
            // The host's trouble, not the reply's.
            Err(
                error @ (SendError::Call(CallError::Busy { .. })
                | SendError::Store(_)
                | SendError::Storage(Failure::Unavailable(_))),
            ) => {
                ledger.undo();
                tracing::warn!(channel = channel.id, delivery = id, %error, "a delivery with a reply waits");
                return None;
            }
            Err(SendError::Call(error)) => {
                ledger.undo();
                return park(error.reason(), error.to_string());
            }
            Err(detail) => {
                tracing::warn!(channel = channel.id, delivery = id, %detail, "a reply of the channel can't be sent");
            }
        }
    }
    let mut events = reception.events;
    let mut elsewhere = Vec::new();
    if *is_copy {
        // The rest was told where it came.
        events.retain(|event| route::is_of_copy(channel, event));
    } else {
        elsewhere = route::take_elsewhere(host, channel, &mut events);
    }
    tracing::debug!(
        channel = channel.id,
        delivery = id,
        events = events.len(),
        elsewhere = elsewhere.len(),
        "delivery taken in"
    );
    Some(Outcome::Done {
        events,
        elsewhere,
        replies,
        writes: ledger.keep(),
    })
}

/// Writes down what came of one delivery; parks it where that fails. Returns whether it did not.
fn commit_alone(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    taken: &Taken,
    committed: &mut Committed,
) -> Result<bool, StoreError> {
    connection.execute_batch("SAVEPOINT delivery")?;
    // What is undone must not have been counted.
    let mut with_it = committed.clone();
    let Err(error) = commit(connection, channel, now, taken, &mut with_it) else {
        connection.execute_batch("RELEASE delivery")?;
        *committed = with_it;
        return Ok(true);
    };
    connection.execute_batch("ROLLBACK TO delivery; RELEASE delivery")?;
    let parked = Taken {
        delivery: taken.delivery,
        received: taken.received,
        bytes: taken.bytes,
        outcome: Outcome::Parked {
            reason: "store",
            detail: error.to_string(),
        },
    };
    commit(connection, channel, now, &parked, committed)?;
    Ok(false)
}

/// Queues a delivery for another channel as well, unless that is removed.
fn copy(connection: &Connection, delivery: i64, channel: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO delivery (channel, received, state, request, body, source)
             SELECT c.id, d.received, 'pending', d.request, d.body, d.id
             FROM delivery d JOIN channel c ON c.id = ?2 WHERE d.id = ?1",
        )?
        .execute(params![delivery, channel])?;
    Ok(())
}

/// The message of ours that an event tells of.
fn ours(
    connection: &Connection,
    channel: &str,
    event: &Event,
) -> Result<Option<Place>, StoreError> {
    if !event.origin.own {
        return Ok(None);
    }
    let (reference, id) = match &event.body {
        EventBody::Status(status) => (status.reference.as_deref(), status.message_id.as_deref()),
        EventBody::Echo(echo) => (None, echo.id.as_deref()),
        EventBody::Edit(edit) if edit.echo => (None, Some(&*edit.message_id)),
        EventBody::Revoke(revoke) if revoke.echo => (None, Some(&*revoke.message_id)),
        _ => return Ok(None),
    };
    outbox::find(connection, channel, reference, id)
}

/// Writes down what came of one delivery.
fn commit(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    taken: &Taken,
    committed: &mut Committed,
) -> Result<(), StoreError> {
    let (state, reason, detail, events) = match &taken.outcome {
        Outcome::Done {
            events,
            elsewhere,
            replies,
            writes,
        } => {
            ledger::commit(connection, channel, writes)?;
            for other in elsewhere {
                copy(connection, taken.delivery, &other.id)?;
                committed.copied.0 += 1;
                committed.copied.1 += taken.bytes;
                committed.elsewhere.push(Arc::clone(other));
            }
            let (mut stored, mut known) = (0, 0);
            for event in events {
                let ours = ours(connection, channel, event)?;
                let of = (taken.delivery, taken.received);
                let told = (event, ours.as_ref().map(|ours| &*ours.id));
                match events::store_item(connection, channel, of, now, told)? {
                    None => known += 1,
                    Some(sequence) => {
                        stored += 1;
                        committed.told.latest = Some(sequence);
                        let answered = outbox::answered(connection, channel, now, event)?;
                        committed.told.then(answered);
                        committed.files |= media::remember(connection, channel, now, event)?;
                        if let EventBody::Status(status) = &event.body
                            && let Some(place) = &ours
                        {
                            let status = (sequence, status);
                            let settled = outbox::settle(connection, channel, now, status, place)?;
                            committed.told.then(settled);
                        }
                        if let EventBody::Account(change) = &event.body
                            && event.origin.own
                        {
                            let notice = AccountNotice {
                                time: event.time.unwrap_or(taken.received),
                                change: change.clone(),
                            };
                            if let Some(noted) = channel::take(connection, channel, now, &notice)? {
                                committed.account = Some(noted.account);
                                committed.told.latest = noted.told.or(committed.told.latest);
                            }
                        }
                    }
                }
            }
            for reply in replies {
                let queued = outbox::insert(connection, channel, now, reply)?;
                committed.told.then(queued);
            }
            committed.done.push((stored, known));
            ("done", None, None, Some(events.len()))
        }
        Outcome::Parked { reason, detail } => {
            committed.parked.push(reason);
            ("parked", Some(*reason), Some(detail.as_str()), None)
        }
    };
    let update = "UPDATE delivery SET state = ?2, reason = ?3, detail = ?4, events = ?5, settled = ?6 WHERE id = ?1";
    let events = events.and_then(|events| i64::try_from(events).ok());
    connection.prepare_cached(update)?.execute(params![
        taken.delivery,
        state,
        reason,
        detail,
        events,
        now
    ])?;
    committed.deliveries += 1;
    committed.bytes += taken.bytes;
    Ok(())
}

#[cfg(test)]
mod tests;
