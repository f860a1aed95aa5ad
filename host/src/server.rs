//! Serves a router over HTTP/1.1, with a bound on what clients may cost before a handler sees them.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long to wait where the process has no more room for connections.
const PAUSE: Duration = Duration::from_millis(500);

/// The limits of one server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerLimits {
    /// Connections at one time. Further ones wait in the listener's backlog.
    pub(crate) connections: usize,
    /// How long a client may take for the head of a request, and be idle before it.
    pub(crate) header_read: Duration,
    /// The bytes of a request's head. hyper takes at most 100 headers.
    pub(crate) header_bytes: usize,
    /// The bytes that are buffered of a connection, each way; at least 8192.
    pub(crate) buffer_bytes: usize,
    /// How long requests may still take once the server stops.
    pub(crate) stop: Duration,
}

impl ServerLimits {
    /// Limits for an address that anybody may reach.
    pub(crate) fn recommended() -> Self {
        Self {
            connections: 512,
            header_read: Duration::from_secs(30),
            header_bytes: 16 << 10,
            buffer_bytes: 64 << 10,
            stop: Duration::from_secs(10),
        }
    }
}

/// Serves until `stop` ends; then takes no new connections, closes the idle ones, and lets the requests that run end.
/// Those that do not in time are cut off.
///
/// How long a body and an answer may take is the router's to say.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ServerLimits,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_header_size(limits.header_bytes)
        .max_buf_size(limits.buffer_bytes);
    let graceful = GracefulShutdown::new();
    // Dropped, it ends those that are left.
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
            stream = accept(&listener), if connections.len() < limits.connections => stream,
        };
        // Answers are small and written at once: to wait for more of them only delays.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection can't be set to send at once");
        }
        let service = TowerToHyperService::new(router.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        connections.spawn(async {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    if timeout(limits.stop, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
    }
}

/// The next connection.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_one_connection(&error) => {}
            // The process or the machine has no more files or memory: others must end first.
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Whether only the connection that was to be accepted failed.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

#[cfg(test)]
mod tests;
