//! Sends a channel's messages: each contact's in order, at the channel's pace, each attempt committed before it is made.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBuilder};
use rusqlite::{Connection, params};
use tokio::task::{self, JoinSet};

use super::original::Waiting;
use super::pace::{Hold, Paces};
use super::settle::{self, Outcome, Settled};
use super::{SendError, WINDOW_CLOSED, original};
use crate::capability::{Http, Lent};
use crate::channel::{Channel, State};
use crate::contract::http::{Failure, Request, Response};
use crate::contract::outbound::{Content, Message, Payload, Window};
use crate::contract::storage;
use crate::contract::types::{Error, ErrorClass, Problem, Retry, Timestamp};
use crate::host::{OnUncertain, Shared};
use crate::inbox::ledger::Piecemeal;
use crate::store::StoreError;
use crate::{CallError, Instance};

/// Messages of one channel that are on their way at one time.
const AT_ONCE: usize = 8;

/// Messages that are looked at in one turn.
const LOOK: i64 = 256;

/// How often the clock is looked at while nothing happens.
const TURN: Duration = Duration::from_millis(500);

/// For how long a message is tried, in milliseconds.
const GIVE_UP: u64 = 24 * 60 * 60 * 1000;

/// For how long it is tried where the channel says when to try again, in milliseconds.
const GIVE_UP_ASKED: u64 = 7 * GIVE_UP;

/// When a message that waits for an answer is looked at again after that failed, in milliseconds.
const LOOK_AGAIN: u64 = 60 * 1000;

/// The wait before the second attempt, and the longest one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// The message at the head of a contact's queue.
struct Head {
    sequence: i64,
    id: String,
    contact: String,
    message: String,
    part: u32,
    attempts: u32,
    accepted: Timestamp,
    /// It consists of its fallback.
    fallback: bool,
    /// What its fallback stood in for is a message of its own by now.
    has_original: bool,
}

/// What a message looks like when its turn has come.
enum Look {
    AsBuilt,
    /// It was built for another window: it consists of this, which is its fallback or no longer is.
    Anew(Vec<Payload>, bool),
    /// It is not to be sent now.
    Not(Outcome),
}

/// Sends the channel's messages until it is removed or the host stops.
pub(crate) async fn dispatch(host: Arc<Shared>, channel: Arc<Channel>) {
    let mut paces = Paces::new(&channel.description.pacing);
    if let Err(error) = remember(&host, &channel, &paces) {
        tracing::error!(channel = channel.id, %error, "what left before the host was started is not counted");
    }
    let mut on_their_way = JoinSet::new();
    let mut busy = HashMap::new();
    let mut stopping = pin!(host.stopping());
    loop {
        let turn = turn(&host, &channel, &mut paces, &mut busy, &mut on_their_way).await;
        let wait = turn.unwrap_or_else(|error| {
            tracing::error!(channel = channel.id, %error, "messages wait: the host could not read its store");
            TURN
        });
        tokio::select! {
            () = &mut stopping => {
                while on_their_way.join_next().await.is_some() {}
                return;
            }
            () = channel.due.notified() => {}
            () = tokio::time::sleep(wait) => {}
            Some(ended) = on_their_way.join_next_with_id() => {
                let task = match ended {
                    Ok((task, throttled)) => {
                        if let Some(contact) = throttled {
                            paces.throttled(&contact);
                        }
                        task
                    }
                    Err(error) => {
                        tracing::error!(channel = channel.id, %error, "an attempt panicked");
                        error.id()
                    }
                };
                busy.remove(&task);
            }
        }
    }
}

/// Counts what left before the host was started.
fn remember(host: &Shared, channel: &Channel, paces: &Paces) -> Result<(), StoreError> {
    let now = host.clock.now();
    let memory = u64::try_from(paces.memory().as_millis()).unwrap_or(u64::MAX);
    let since = now.saturating_sub(memory);
    let left = host
        .store
        .read_now(|connection| settle::left(connection, &channel.id, since))?;
    let ago = |at| Duration::from_millis(now.saturating_sub(at));
    let left: Vec<_> = left.into_iter().map(|(to, at)| (to, ago(at))).collect();
    paces.remember(&left);
    Ok(())
}

/// Begins what can be sent now. Returns how long there is nothing more to begin.
async fn turn(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    paces: &mut Paces,
    busy: &mut HashMap<task::Id, i64>,
    on_their_way: &mut JoinSet<Option<String>>,
) -> Result<Duration, StoreError> {
    let now = host.clock.now();
    give_up_lost(host, channel, now, busy).await?;
    decide(host, channel, now).await?;
    expire(host, channel, now).await?;
    if host.holds_outbox() || channel.current().state == State::Disconnected {
        return Ok(TURN);
    }
    release(host, channel, now).await?;
    let heads = host
        .store
        .read_now(|connection| heads(connection, &channel.id, now))?;
    let mut wait = TURN;
    for head in heads {
        if on_their_way.len() >= AT_ONCE {
            break;
        }
        if busy.values().any(|sequence| *sequence == head.sequence) {
            continue;
        }
        match paces.admit(&head.contact) {
            Err(Hold::Channel(hold)) => {
                wait = wait.min(hold);
                break;
            }
            Err(Hold::Contact(hold)) => {
                wait = wait.min(hold);
                continue;
            }
            Ok(()) => {}
        }
        let sequence = head.sequence;
        let (host, channel) = (Arc::clone(host), Arc::clone(channel));
        let task = on_their_way.spawn(async move {
            let contact = head.contact.clone();
            match attempt(&host, &channel, head).await {
                Ok(throttled) => throttled.then_some(contact),
                Err(error) => {
                    tracing::error!(channel = channel.id, %error, "an attempt could not be written down");
                    // The store is in trouble: not at full speed.
                    tokio::time::sleep(FIRST_WAIT).await;
                    None
                }
            }
        });
        busy.insert(task.id(), sequence);
    }
    Ok(wait)
}

/// Messages that stand as being sent while nobody sends them, since a panic or the store cut their attempts off.
async fn give_up_lost(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    now: Timestamp,
    busy: &HashMap<task::Id, i64>,
) -> Result<(), StoreError> {
    let sending = host
        .store
        .read_now(|connection| settle::sending(connection, &channel.id))?;
    for sequence in sending {
        if busy.values().any(|busy| *busy == sequence) {
            continue;
        }
        tracing::warn!(
            channel = channel.id,
            sequence,
            "it is not known whether this message arrived"
        );
        let id = channel.id.clone();
        let settled = host
            .store
            .write(move |connection| settle::lost(connection, &id, sequence, now))
            .await?;
        super::tell(host, channel, &settled);
    }
    Ok(())
}

/// Decides about messages that have been uncertain for too long.
async fn decide(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let wait = u64::try_from(host.options.uncertain_wait.as_millis()).unwrap_or(u64::MAX);
    let since = now.saturating_sub(wait);
    let any = host
        .store
        .read_now(|connection| settle::is_any_overdue(connection, &channel.id, now, since))?;
    if any {
        let id = channel.id.clone();
        let resend = host.options.on_uncertain == OnUncertain::Resend;
        let decided = host
            .store
            .write(move |connection| settle::decide(connection, &id, now, since, resend))
            .await?;
        tracing::warn!(
            channel = channel.id,
            resend,
            "messages whose fate nobody told"
        );
        super::tell(host, channel, &decided);
    }
    Ok(())
}

/// Ends what waits though its time is over.
async fn expire(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let any = host
        .store
        .read_now(|connection| settle::is_any_expired(connection, &channel.id, now))?;
    if any {
        let id = channel.id.clone();
        let expired = host
            .store
            .write(move |connection| settle::expire(connection, &id, now))
            .await?;
        tracing::warn!(channel = channel.id, "messages whose time was over");
        super::tell(host, channel, &expired);
    }
    Ok(())
}

/// The heads of the contacts' queues that are due, those first that have waited longest. Begins with what is due, so that
/// a long queue costs no more than a short one.
const HEADS: &str = "SELECT sequence, id, contact, message, part, attempts, accepted, fallback,
        EXISTS (SELECT 1 FROM message o WHERE o.original_of = m.id AND o.state <> 'cancelled')
    FROM message m
    WHERE channel = ?1 AND open = 1 AND state = 'queued' AND due <= ?2
      AND NOT EXISTS (SELECT 1 FROM message earlier
                      WHERE earlier.channel = ?1 AND earlier.contact = m.contact AND earlier.open = 1
                        AND earlier.sequence < m.sequence)
    ORDER BY due, sequence LIMIT ?3";

fn heads(connection: &Connection, channel: &str, now: Timestamp) -> Result<Vec<Head>, StoreError> {
    let mut select = connection.prepare_cached(HEADS)?;
    let rows = select.query_map(params![channel, now, LOOK], |row| {
        Ok(Head {
            sequence: row.get(0)?,
            id: row.get(1)?,
            contact: row.get(2)?,
            message: row.get(3)?,
            part: row.get(4)?,
            attempts: row.get(5)?,
            accepted: row.get(6)?,
            fallback: row.get(7)?,
            has_original: row.get(8)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Tries to send one part, and writes down what came of it. Returns whether the vendor throttled it.
async fn attempt(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    head: Head,
) -> Result<bool, StoreError> {
    let (anew, not) = match look(host, channel, &head).await {
        Look::AsBuilt => (None, None),
        Look::Anew(payloads, fallback) => (Some((payloads, fallback)), None),
        Look::Not(outcome) => (None, Some(outcome)),
    };
    let (sequence, part, now) = (head.sequence, head.part, host.clock.now());
    let begun = host
        .store
        .write(move |connection| {
            if let Some((payloads, fallback)) = anew {
                settle::rebuild(connection, sequence, &payloads, fallback)?;
            }
            if !settle::begin(connection, sequence, part, now)? {
                return Ok(None);
            }
            let select = "SELECT method, path, content_type, body, reference FROM part
                 WHERE message = ?1 AND number = ?2";
            let row =
                connection
                    .prepare_cached(select)?
                    .query_row(params![sequence, part], |row| {
                        let payload = Payload {
                            method: row.get(0)?,
                            path: row.get(1)?,
                            content_type: row.get(2)?,
                            body: row.get(3)?,
                        };
                        Ok((payload, row.get::<_, String>(4)?))
                    })?;
            Ok::<_, StoreError>(Some(row))
        })
        .await?;
    let Some((payload, reference)) = begun else {
        return Ok(false);
    };
    let outcome = match not {
        Some(outcome) => outcome,
        None => send(host, channel, &head, &payload, &reference).await,
    };
    let word = match &outcome {
        Outcome::Accepted(_) => "accepted",
        Outcome::Uncertain(_) => "uncertain",
        Outcome::Again(..) => "queued",
        Outcome::Failed(_) => "failed",
    };
    match &outcome {
        Outcome::Accepted(_) => {
            tracing::info!(channel = channel.id, message = head.id, "message accepted");
        }
        Outcome::Uncertain(error) | Outcome::Again(error, _) | Outcome::Failed(error) => {
            let code = error.code.as_deref();
            let (channel, message, class) = (&channel.id, &head.id, error.class);
            tracing::warn!(
                channel,
                message,
                ?class,
                code,
                outcome = word,
                "message not accepted"
            );
        }
    }
    let throttled = match &outcome {
        Outcome::Again(error, _) | Outcome::Failed(error) => error.class == ErrorClass::RateLimited,
        Outcome::Accepted(_) | Outcome::Uncertain(_) => false,
    };
    let settled = finish(host, channel, (sequence, part), outcome).await?;
    super::tell(host, channel, &settled);
    Ok(throttled)
}

/// Writes down what came of an attempt. Whoever else may learn it only knows less, so it is tried until the host stops.
async fn finish(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    part: (i64, u32),
    outcome: Outcome,
) -> Result<Settled, StoreError> {
    let now = host.clock.now();
    let outcome = Arc::new(outcome);
    let mut failures = 0;
    loop {
        let (id, outcome) = (channel.id.clone(), Arc::clone(&outcome));
        let finished = host
            .store
            .write(move |connection| settle::finish(connection, &id, part, now, &outcome))
            .await;
        match finished {
            // Neither passes.
            Err(StoreError::Closed | StoreError::Panicked) | Ok(_) => return finished,
            Err(error) => {
                tracing::error!(channel = channel.id, %error, "what came of an attempt could not be written down yet");
                tokio::select! {
                    () = tokio::time::sleep(backoff(failures)) => {}
                    () = host.stopping() => return Err(error),
                }
                failures += 1;
            }
        }
    }
}

/// Looks again at what was checked when the message was handed in.
async fn look(host: &Arc<Shared>, channel: &Arc<Channel>, head: &Head) -> Look {
    let looked = look_now(host, channel, head).await;
    looked.unwrap_or_else(|error| Look::Not(unseen(&error, head, host.clock.now())))
}

/// What to do with a message whose window could not be looked at: nothing leaves unseen.
fn unseen(because: &SendError, head: &Head, now: Timestamp) -> Outcome {
    let passes = matches!(
        because,
        SendError::Call(CallError::Busy { .. })
            | SendError::Storage(storage::Failure::Unavailable(_))
            | SendError::Store(_)
    );
    let error = if passes {
        error(ErrorClass::Temporary, Retry::Backoff)
    } else {
        error(ErrorClass::Unknown, Retry::Never)
    };
    let message = Some(because.to_string());
    classify(Error { message, ..error }, head, now)
}

async fn look_now(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    head: &Head,
) -> Result<Look, SendError> {
    let Ok(mut message) = Message::read(head.message.as_bytes()) else {
        return Ok(Look::AsBuilt);
    };
    if head.part > 0 && !head.fallback {
        // Some of it has left: nothing can stand in for the rest.
        message.fallback = None;
    }
    let window = super::seen(host, channel, &message.to).await?.window;
    // A fallback that was built makes way for nothing but an open window.
    let is_open = matches!(window, Window::Open(_));
    let fallback = super::stands_in(&message, &window) || head.fallback && !is_open;
    // What its fallback has stood in for leaves by itself.
    let anew = fallback != head.fallback && head.part == 0 && !head.has_original;
    // A template may have been paused meanwhile.
    let may_have_changed = matches!(message.content, Content::Template(_));
    if !anew && !may_have_changed && !matches!(window, Window::Closed(_)) {
        return Ok(Look::AsBuilt);
    }
    let settings = &channel.current().settings;
    let problems = match super::build(host, channel, settings, &message, &window).await? {
        Ok(payloads) if anew => return Ok(Look::Anew(payloads, fallback)),
        Ok(_) => return Ok(Look::AsBuilt),
        Err(problems) => problems,
    };
    let is_closed = |problem: &&Problem| problem.code == WINDOW_CLOSED;
    let (class, problem) = match problems.iter().find(is_closed) {
        Some(closed) => (ErrorClass::WindowClosed, Some(closed)),
        // As built it was right, and its window is not the matter.
        None if may_have_changed => (ErrorClass::Template, problems.first()),
        None if !anew => return Ok(Look::AsBuilt),
        None => (ErrorClass::Invalid, problems.first()),
    };
    Ok(Look::Not(Outcome::Failed(Error {
        message: problem.map(|problem| problem.message.clone()),
        ..error(class, Retry::Never)
    })))
}

/// Sends what fallbacks have stood in for, where the contact has answered.
async fn release(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let waiting = host
        .store
        .read_now(|connection| original::waiting(connection, &channel.id, now, LOOK))?;
    for waiting in waiting {
        let built = build_answered(host, channel, &waiting).await;
        let of = channel.id.clone();
        let job = move |connection: &Connection| match built {
            Ok(Some(Ok(payloads))) => original::release(connection, now, &waiting.id, &payloads),
            Ok(Some(Err(problems))) => {
                let refused = Error {
                    message: problems.into_iter().next().map(|problem| problem.message),
                    ..error(ErrorClass::Invalid, Retry::Never)
                };
                settle::give_up(connection, &of, now, &waiting.id, &refused)
            }
            Ok(None) => original::wait(connection, &waiting, None),
            Err(error) => {
                tracing::warn!(channel = of, message = waiting.id, %error, "a message that waits for an answer could not be looked at");
                original::wait(connection, &waiting, Some(now.saturating_add(LOOK_AGAIN)))
            }
        };
        let settled = host.store.write(job).await?;
        super::tell(host, channel, &settled);
    }
    Ok(())
}

/// The requests of a message that waits for an answer, or what is wrong with it; `None` where the window is not open.
async fn build_answered(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    waiting: &Waiting,
) -> Result<Option<Result<Vec<Payload>, Vec<Problem>>>, SendError> {
    let message = Message::read(waiting.message.as_bytes()).map_err(SendError::Invalid)?;
    let window = super::seen(host, channel, &message.to).await?.window;
    if !matches!(window, Window::Open(_)) {
        return Ok(None);
    }
    let settings = &channel.current().settings;
    let built = super::build(host, channel, settings, &message, &window).await?;
    Ok(Some(built))
}

/// Sends one part, once.
async fn send(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    head: &Head,
    payload: &Payload,
    reference: &str,
) -> Outcome {
    let current = channel.current();
    let watched = Arc::new(Watched {
        http: Arc::clone(&current.http) as _,
        left: AtomicUsize::new(0),
    });
    let keys = host.options.storage_keys;
    let storage = Piecemeal::new(host.store.clone(), Arc::clone(channel), keys);
    let lent = Lent {
        http: Some(Arc::clone(&watched) as _),
        storage: Some(Arc::new(storage)),
    };
    let send = async |sandbox: &mut Instance| {
        sandbox
            .send(&current.settings, payload, Some(reference))
            .await
    };
    let sent = channel.call(host, "sender.send", lent, send).await;
    let now = host.clock.now();
    match sent {
        Ok(Ok(sent)) => Outcome::Accepted(sent),
        Ok(Err(error)) => classify(error, head, now),
        Err(CallError::Busy { .. }) => {
            let busy = error(ErrorClass::Temporary, Retry::Backoff);
            classify(busy, head, now)
        }
        Err(call) => {
            let class = if watched.has_left() {
                ErrorClass::Uncertain
            } else {
                ErrorClass::Unknown
            };
            let failed = Error {
                message: Some(call.to_string()),
                ..error(class, Retry::Never)
            };
            classify(failed, head, now)
        }
    }
}

/// What to do about an error.
fn classify(error: Error, head: &Head, now: Timestamp) -> Outcome {
    if error.class == ErrorClass::Uncertain {
        return Outcome::Uncertain(error);
    }
    let wait = match (&error.retry, error.class) {
        (Retry::After(seconds), _) => {
            Some(backoff(head.attempts).max(Duration::from_secs((*seconds).into())))
        }
        (Retry::Backoff, _) | (Retry::Unknown, ErrorClass::Temporary | ErrorClass::RateLimited) => {
            Some(backoff(head.attempts))
        }
        (Retry::Never | Retry::AfterChange | Retry::Unknown, _) => None,
    };
    let due =
        wait.map(|wait| now.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
    let give_up = match error.retry {
        Retry::After(_) => GIVE_UP_ASKED,
        _ => GIVE_UP,
    };
    match due {
        Some(due) if due < head.accepted.saturating_add(give_up) => Outcome::Again(error, due),
        _ => Outcome::Failed(error),
    }
}

/// How long to wait after so many attempts: twice as long each time, with jitter.
fn backoff(attempts: u32) -> Duration {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .with_jitter()
        .without_max_times()
        .build()
        .nth(usize::try_from(attempts.min(32)).unwrap_or_default())
        .unwrap_or(LONGEST_WAIT)
}

pub(super) fn error(class: ErrorClass, retry: Retry) -> Error {
    Error {
        class,
        retry,
        code: None,
        title: None,
        message: None,
        details: None,
        link: None,
        remedy: None,
        attributes: Vec::new(),
    }
}

/// Remembers whether a request may have left, for calls that end without saying.
struct Watched {
    http: Arc<dyn Http>,
    /// Requests that have left, or are on their way.
    left: AtomicUsize,
}

impl Watched {
    fn has_left(&self) -> bool {
        self.left.load(Ordering::Relaxed) > 0
    }
}

#[async_trait]
impl Http for Watched {
    async fn send(
        &self,
        request: Request,
        deadline: tokio::time::Instant,
    ) -> Result<Response, Failure> {
        // Counted first, and taken back where nothing left: the call may be cut off in between.
        self.left.fetch_add(1, Ordering::Relaxed);
        let answer = self.http.send(request, deadline).await;
        if let Err(Failure::Denied(_) | Failure::SealingDeclined | Failure::Unreachable(_)) = answer
        {
            self.left.fetch_sub(1, Ordering::Relaxed);
        }
        answer
    }
}

#[cfg(test)]
mod tests;
