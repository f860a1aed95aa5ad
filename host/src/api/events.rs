//! Events: pulled by cursor, or streamed as they come.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use aide::axum::routing::get_with;
use aide::transform::TransformOperation;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, stream};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::sleep;

use super::openapi::{Routes, answers, header, op};
use super::problem::{Checked, Problem};
use super::{Stop, named};
use crate::Host;
use crate::events::{self, Events, PAGE, Told};
use crate::store::StoreError;

/// The events of one page, unless the caller says how many.
const DEFAULT_PAGE: usize = 100;

/// The events that a stream holds in memory.
const STREAM_PAGE: usize = 100;

/// The longest that a request waits for an event.
const WAIT: Duration = Duration::from_secs(30);

/// How often a stream shows that it still stands.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/events",
            get_with(pulled_or_streamed, |it| {
                let it = op(
                    it,
                    "get_events",
                    "Tell what happened after a place, in order",
                )
                .response::<200, Json<Page>>();
                streams(it)
            }),
        )
        .route(
            "/events/stream",
            get_with(streamed, |it| {
                streams(op(it, "stream_events", "Tell what happens, as it happens"))
            }),
        )
}

fn streams(it: TransformOperation<'_>) -> TransformOperation<'_> {
    let it = answers(it, "text/event-stream", "The events");
    header(
        it,
        "last-event-id",
        "Go on after this event; counts more than `after`",
    )
}

/// Some events.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is written by hand, and described by this")]
struct Page {
    events: Vec<events::Written>,
    /// Where to go on.
    next: i64,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
struct Asked {
    /// The place: the `sequence` of an event, or a page's `next`.
    after: Option<i64>,
    /// Only of this channel.
    channel: Option<String>,
    /// Only of these types, separated by commas.
    #[serde(rename = "type")]
    kinds: String,
    /// At most so many.
    limit: Option<usize>,
    /// How many seconds to wait for one, where there is none.
    wait: u64,
}

async fn pulled_or_streamed(
    State(host): State<Host>,
    Checked(Query(asked)): Checked<Query<Asked>>,
    stop: Stop,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut accepted = headers.get_all(ACCEPT).iter();
    let stream = accepted.any(|value| value.as_bytes().starts_with(b"text/event-stream"));
    if stream {
        streamed(State(host), Checked(Query(asked)), stop, headers).await
    } else {
        pulled(&host, asked, stop).await
    }
}

async fn pulled(host: &Host, asked: Asked, mut stop: Stop) -> Result<Response, Problem> {
    let wait = Duration::from_secs(asked.wait).min(WAIT);
    let limit = asked.limit.unwrap_or(DEFAULT_PAGE);
    let after = asked.after.unwrap_or_default();
    let mut reader = Reader::new(host, asked, after, limit)?;
    let end = async {
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.requested() => {}
        }
    };
    let events = reader.wait(end).await?;
    let events: Vec<&str> = events.iter().map(|told| &*told.json).collect();
    let page = format!(
        r#"{{"events":[{}],"next":{}}}"#,
        events.join(","),
        reader.query.after
    );
    Ok(([(CONTENT_TYPE, "application/json")], page).into_response())
}

async fn streamed(
    State(host): State<Host>,
    Checked(Query(asked)): Checked<Query<Asked>>,
    stop: Stop,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // Who comes back asks for the address of the first time, so the header counts more.
    let after = last_event_id(&headers)?.or(asked.after);
    let present = *host.events().follow().borrow();
    let reader = Reader::new(&host, asked, after.unwrap_or(present), STREAM_PAGE)?;
    // Who begins at the present end learns its place at once, and can come back to it before anything has happened.
    let begin = after
        .is_none()
        .then(|| sse::Event::default().id(present.to_string()));
    let events = stream::iter(begin).chain(told(reader, stop));
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let stream = Sse::new(events.map(Ok::<_, Infallible>));
    Ok(stream.keep_alive(keep_alive).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(id) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let sequence = id.to_str().ok().and_then(|id| id.trim().parse().ok());
    let detail = "the header last-event-id is no id of an event: send the last id of this stream";
    sequence
        .map(Some)
        .ok_or_else(|| Problem::bad_request(detail))
}

/// The events of a reader, until the server stops. Nothing is read before the client takes it.
fn told(reader: Reader, stop: Stop) -> impl Stream<Item = sse::Event> {
    let pages = stream::unfold((reader, stop), async |(mut reader, mut stop)| {
        if stop.is_requested() {
            return None;
        }
        match reader.wait(stop.requested()).await {
            Ok(page) if page.is_empty() => None,
            Ok(page) => Some((stream::iter(page), (reader, stop))),
            Err(error) => {
                tracing::error!(%error, "a stream of events ends: the store can't be read");
                None
            }
        }
    });
    pages.flatten().map(|told| {
        sse::Event::default()
            .id(told.sequence.to_string())
            .event(told.kind)
            .data(told.json)
    })
}

/// Reads events on from a place.
struct Reader {
    events: Events,
    query: events::Query,
    latest: watch::Receiver<i64>,
}

impl Reader {
    fn new(host: &Host, asked: Asked, after: i64, limit: usize) -> Result<Self, Problem> {
        let channel = asked.channel.map(|channel| named(host, &channel));
        let channel = channel.transpose()?;
        let kinds = asked.kinds.split(',').map(str::trim);
        Ok(Self {
            events: host.events().clone(),
            query: events::Query {
                after,
                channel: channel.map(|channel| channel.id().to_owned()),
                kinds: kinds
                    .filter(|kind| !kind.is_empty())
                    .map(str::to_owned)
                    .collect(),
                limit: limit.clamp(1, PAGE),
            },
            latest: host.events().follow(),
        })
    }

    /// The next events, as far as there are any.
    async fn next(&mut self) -> Result<Vec<Told>, StoreError> {
        let present = *self.latest.borrow_and_update();
        let page = self.events.page(self.query.clone()).await?;
        let mut after = page.last().map_or(self.query.after, |told| told.sequence);
        if page.len() < self.query.limit {
            // All that was there was looked at, and need not be again.
            after = after.max(present);
        }
        self.query.after = after;
        Ok(page)
    }

    /// The next events, once there are any; none where `end` comes first.
    async fn wait(&mut self, end: impl Future<Output = ()>) -> Result<Vec<Told>, StoreError> {
        let mut end = pin!(end);
        loop {
            let page = self.next().await?;
            if !page.is_empty() {
                return Ok(page);
            }
            tokio::select! {
                changed = self.latest.changed() => if changed.is_err() {
                    return Ok(page);
                },
                () = &mut end => return Ok(page),
            }
        }
    }
}
