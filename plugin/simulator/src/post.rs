//! Requests of the simulator's own: webhooks, and what the command asks of a running simulator.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::HOST;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

/// How long a webhook may take to be answered (360dialog, receiving messages via webhook: "hard limit rule of 5 seconds").
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PostError {
    #[error("there was no answer within {} seconds", PATIENCE.as_secs())]
    Late,
    #[error(
        "the simulator encrypts nothing: give it the address behind {0} on this machine (--tunnel)"
    )]
    Https(Url),
    #[error("{0} is no address to deliver to")]
    Address(Url),
    #[error("the connection failed: {0}")]
    Connection(#[from] io::Error),
    #[error("the connection failed: {0}")]
    Http(#[from] hyper::Error),
    #[error("a header can't be sent: {0}")]
    Header(#[from] axum::http::Error),
}

/// Posts a webhook. Returns the status of the answer.
pub(crate) async fn post(
    url: &Url,
    headers: &[(String, String)],
    body: Bytes,
) -> Result<u16, PostError> {
    if url.scheme() != "http" {
        return Err(PostError::Https(url.clone()));
    }
    let exchange = exchange(Method::POST, url, headers, body);
    let answered = tokio::time::timeout(PATIENCE, exchange).await;
    let answer = answered.map_err(|_| PostError::Late)??;
    Ok(answer.status().as_u16())
}

/// Sends a request over a connection of its own, unencrypted. Returns the whole of the answer.
pub(crate) async fn exchange(
    method: Method,
    url: &Url,
    headers: &[(String, String)],
    body: Bytes,
) -> Result<Response<Bytes>, PostError> {
    let target: Uri = url[url::Position::BeforePath..url::Position::AfterQuery]
        .parse()
        .map_err(|_| PostError::Address(url.clone()))?;
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header(HOST, host)
        .body(Body::from(body))?;
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(axum::http::Error::from)?;
        let value = HeaderValue::try_from(value).map_err(axum::http::Error::from)?;
        request.headers_mut().insert(name, value);
    }
    let addresses = url.socket_addrs(|| None)?;
    let stream = TcpStream::connect(addresses.as_slice()).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender; what goes wrong, the sender says too.
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Response::from_parts(head, body))
}
