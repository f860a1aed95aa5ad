//! The addresses that vendors post to. Answers have no body: who posts here has nothing to learn.

use std::mem;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request, State};
use axum::http::header::{ALLOW, CONNECTION, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use crate::{DeliverError, Host, Incoming};

/// The bytes of a delivery.
const BODY_BYTES: usize = 4 << 20;

/// How long a delivery's body may take.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The seconds that a vendor is asked to wait while too much waits already.
const RETRY_SECONDS: &str = "10";

pub(super) fn router(host: Host) -> Router {
    router_with(host, BODY_TIME)
}

fn router_with(host: Host, body_time: Duration) -> Router {
    let receive =
        move |State(host): State<Host>, request: Request| receive(host, request, body_time);
    Router::new()
        .fallback(receive)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(host)
}

async fn receive(host: Host, mut request: Request, body_time: Duration) -> Response {
    let uri = request.uri().clone();
    let Some((token, path)) = address(uri.path()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let method = request.method().clone();
    if method != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")]).into_response();
    }
    if let Err(error) = host.expects(token, request.headers()) {
        return refusal(&error);
    }
    let headers = mem::take(request.headers_mut());
    let body = match timeout(body_time, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => return rejection.status().into_response(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, [(CONNECTION, "close")]).into_response(),
    };
    let delivered = host
        .deliver(Incoming {
            method: method.as_str().to_owned(),
            token: token.to_owned(),
            path: path.to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers,
            body: body.into(),
        })
        .await;
    match delivered {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &DeliverError) -> Response {
    match error {
        DeliverError::Refused => StatusCode::UNAUTHORIZED.into_response(),
        DeliverError::Full => {
            let retry = [(RETRY_AFTER, RETRY_SECONDS)];
            (StatusCode::SERVICE_UNAVAILABLE, retry).into_response()
        }
        DeliverError::Store(error) => {
            tracing::error!(%error, "a delivery could not be committed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The part of a path that names a channel, and what follows. As it stands: what is encoded is nobody's.
fn address(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix("/webhooks/")?;
    let (token, tail) = path.split_at(path.find('/').unwrap_or(path.len()));
    (!token.is_empty()).then_some((token, tail))
}

#[cfg(test)]
mod tests;
