//! The host over HTTP: a REST API for the platform, and the webhooks for the vendors.
//!
//! Both are routers, so that an embedder may serve them as it likes. [`serve`] does it with a bound on what clients may
//! cost.

mod account;
mod channels;
mod contacts;
mod deliveries;
mod events;
mod media;
mod messages;
mod openapi;
mod problem;
mod refusal;
mod templates;
#[cfg(test)]
mod tests;
mod token;
mod webhooks;

use std::convert::Infallible;
use std::future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aide::axum::routing::{get_with, post_with};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json, Router, middleware};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::contract::types;
use crate::server::{self, ServerLimits};
use crate::{ChannelHandle, Host, metrics};

pub use openapi::openapi;
use openapi::{Routes, answers, op, without_token};
use problem::{Checked, Problem, no_method, no_route};
pub use token::Token;

/// How long to wait before asking a host again that can't write.
const RETRY: Duration = Duration::from_secs(5);

/// The REST API of a host, for those who bear the token.
///
/// Streams of events, and requests that wait, end with the host's server where that is [`serve`]; with another one, when
/// their connection does.
pub fn router(host: Host, token: Token) -> Router {
    let open = open().into_router().method_not_allowed_fallback(no_method);
    guarded()
        .into_router()
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(
            Arc::new(token),
            token::authorise,
        ))
        .merge(open)
        .layer(middleware::map_response(not_stored))
        .with_state(host)
}

/// The routes for those who bear the token.
fn guarded() -> Routes {
    Routes::new()
        .route(
            "/metrics",
            get_with(measured, |it| {
                let it = op(it, "get_metrics", "Show counters for Prometheus");
                answers(it, "application/openmetrics-text", "The counters")
            }),
        )
        .route(
            "/host",
            get_with(about, |it| op(it, "get_host", "Show the host")),
        )
        .route(
            "/outbox",
            get_with(outbox, |it| {
                op(it, "get_outbox", "Tell whether messages are held")
            }),
        )
        .route(
            "/outbox/release",
            post_with(release, |it| {
                op(it, "release_outbox", "Let a copy send its messages")
            }),
        )
        .route(
            "/backup",
            post_with(backup, |it| {
                op(it, "back_up", "Copy the store to a file").response::<201, Json<Backup>>()
            }),
        )
        .merge(openapi::routes())
        .merge(channels::routes())
        .merge(account::routes())
        .merge(contacts::routes())
        .merge(messages::routes())
        .merge(media::routes())
        .merge(templates::routes())
        .merge(events::routes())
        .merge(deliveries::routes())
}

/// The routes for everybody.
fn open() -> Routes {
    Routes::new()
        .route(
            "/healthz",
            get_with(
                async || "ok",
                |it| without_token(op(it, "get_health", "Tell that the host answers")),
            ),
        )
        .route(
            "/readyz",
            get_with(ready, |it| {
                without_token(op(it, "get_readiness", "Tell whether the host can write"))
            }),
        )
}

/// The addresses that vendors post to: `/webhooks/…`, and nothing else.
///
/// A body may have 4 MiB, and 30 seconds. What is answered with 200 is on disk.
pub fn webhooks(host: Host) -> Router {
    webhooks::router(host)
}

/// Serves a router over HTTP/1.1 until `stop` ends. Then what waits is answered, what streams ends, and other requests
/// have ten seconds left.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let (running, stopped) = watch::channel(());
    let router = router.layer(Extension(Stop(Some(stopped))));
    let stop = async move {
        stop.await;
        drop(running);
    };
    server::serve(listener, router, ServerLimits::recommended(), stop).await;
}

/// Tells what lasts long that the server stops.
#[derive(Clone, Default)]
struct Stop(Option<watch::Receiver<()>>);

impl Stop {
    fn is_requested(&self) -> bool {
        let running = self.0.as_ref().map(watch::Receiver::has_changed);
        running.is_some_and(|running| running.is_err())
    }

    async fn requested(&mut self) {
        match &mut self.0 {
            Some(running) => while running.changed().await.is_ok() {},
            None => future::pending().await,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Stop {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// The channel that an address names by its id or name.
struct Named(ChannelHandle);

impl FromRequestParts<Host> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, host: &Host) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Address {
            channel: String,
        }

        let Path(Address { channel }) = Path::from_request_parts(parts, host).await?;
        named(host, &channel).map(Self)
    }
}

fn named(host: &Host, channel: &str) -> Result<ChannelHandle, Problem> {
    host.channel(channel).ok_or_else(|| {
        Problem::not_found(format!(
            "this host has no channel `{channel}`; see the list at /channels"
        ))
    })
}

/// Refuses a state that nothing can be in: a list that is empty for a slip of the pen looks like good news.
fn known_state(state: Option<&str>, states: &[&str]) -> Result<(), Problem> {
    match state {
        Some(state) if !states.contains(&state) => Err(Problem::bad_request(format!(
            "nothing is ever in the state `{state}`; take one of {}",
            states.join(", ")
        ))),
        _ => Ok(()),
    }
}

/// A member that breaks a rule which only the API has.
fn broken(pointer: &str, code: &str, message: impl Into<String>) -> Problem {
    Problem::unprocessable(&[types::Problem {
        pointer: pointer.to_owned(),
        code: code.to_owned(),
        message: message.into(),
        source: None,
    }])
}

/// No cache keeps what an operator or a platform reads: it holds conversations and, here and there, a secret.
async fn not_stored(mut response: Response) -> Response {
    let value = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}

async fn ready(State(host): State<Host>) -> Result<&'static str, Problem> {
    match host.ready().await {
        Ok(()) => Ok("ok"),
        Err(error) => {
            tracing::error!(%error, "the store can't be written to");
            let detail = "the store can't be written to; the host's log says why";
            Err(Problem::unavailable(detail, RETRY))
        }
    }
}

async fn measured(State(host): State<Host>) -> Result<Response, Problem> {
    let content_type = [(CONTENT_TYPE, metrics::CONTENT_TYPE)];
    Ok((content_type, host.metrics()?).into_response())
}

/// The host.
#[derive(Serialize, JsonSchema)]
struct About {
    /// Its version.
    version: &'static str,
    /// Whether messages are held, because the store is a copy.
    outbox_held: bool,
    /// Where vendors deliver.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
}

async fn about(State(host): State<Host>) -> Json<About> {
    Json(About {
        version: env!("CARGO_PKG_VERSION"),
        outbox_held: host.holds_outbox(),
        public_url: host.public_url().map(str::to_owned),
    })
}

/// The messages that are to leave.
#[derive(Serialize, JsonSchema)]
struct Outbox {
    /// Whether they are held, because the store is a copy.
    held: bool,
}

async fn outbox(State(host): State<Host>) -> Json<Outbox> {
    Json(Outbox {
        held: host.holds_outbox(),
    })
}

async fn release(State(host): State<Host>) -> Result<Json<Outbox>, Problem> {
    host.release_outbox().await?;
    tracing::info!("the outbox was released");
    Ok(outbox(State(host)).await)
}

/// A copy of the store.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Backup {
    /// Its absolute path on the host's machine.
    file: PathBuf,
}

async fn backup(
    State(host): State<Host>,
    Checked(Json(backup)): Checked<Json<Backup>>,
) -> Result<(StatusCode, Json<Backup>), Problem> {
    if !backup.file.is_absolute() {
        // What is relative for the caller would be so for the host, which stands elsewhere.
        return Err(broken("/file", "relative", "write an absolute path"));
    }
    host.backup(&backup.file)
        .await
        .map_err(refusal::of_backup)?;
    tracing::info!(file = %backup.file.display(), "backup written");
    Ok((StatusCode::CREATED, Json(backup)))
}
