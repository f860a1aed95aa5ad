use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// A server of `/`, of `/slow`, which answers once it is told to, and of `/body`.
struct Server {
    address: SocketAddr,
    began: Arc<Notify>,
    go_on: Arc<Notify>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(change: impl FnOnce(&mut ServerLimits)) -> Self {
        let mut limits = ServerLimits::recommended();
        change(&mut limits);
        let (began, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (began.clone(), go_on.clone());
        let slow = get(move || async move {
            tell.notify_one();
            wait.notified().await;
            "at last"
        });
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/slow", slow)
            .route("/body", post(|body: String| async move { body }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(listener, router, limits, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            began,
            go_on,
            stop,
            task,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn send(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// What comes until `end` stands there; fails after some seconds, or where the connection ends first.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let read = async {
        while !text.ends_with(end) {
            let byte = stream.read_u8().await.unwrap();
            text.push(char::from(byte));
        }
    };
    timeout(Duration::from_secs(5), read).await.unwrap();
    text
}

/// What comes until the connection ends, however it does; fails after some seconds.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes))
        .await
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let server = Server::start(|_| {}).await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        send(&mut stream, GET).await;
        let answer = read_until(&mut stream, "here").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    send(
        &mut stream,
        "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nback",
    )
    .await;
    read_until(&mut stream, "\r\n\r\nback").await;
}

#[tokio::test]
async fn a_slow_head_and_an_idle_connection_are_cut_off() {
    let limit = Duration::from_millis(200);
    let server = Server::start(|limits| limits.header_read = limit).await;
    for begun in ["", "GET / HTT", "GET / HTTP/1.1\r\nhost: x\r\n", GET] {
        let started = Instant::now();
        let mut stream = server.connect().await;
        send(&mut stream, begun).await;
        let answer = read_to_end(&mut stream).await;
        assert_eq!(answer.contains("here"), begun == GET, "{begun:?}");
        assert!(started.elapsed() >= limit, "{begun:?}");
    }
    // A client that sends a little all the time gains nothing.
    let started = Instant::now();
    let mut stream = server.connect().await;
    send(&mut stream, "GET / HTTP/1.1\r\nx: ").await;
    while stream.write_all(b"x").await.is_ok() {
        sleep(Duration::from_millis(20)).await;
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn large_heads_are_refused() {
    let server = Server::start(|limits| limits.header_bytes = 1000).await;
    let long = "x".repeat(900);
    for (head, status) in [
        (format!("x: {long}"), "200"),
        (format!("x: {long}\r\ny: {long}"), "431"),
        (vec!["x: y"; 101].join("\r\n"), "431"),
    ] {
        let mut stream = server.connect().await;
        let request = format!("GET / HTTP/1.1\r\nconnection: close\r\n{head}\r\n\r\n");
        send(&mut stream, &request).await;
        let answer = read_to_end(&mut stream).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{answer}");
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let server = Server::start(|limits| limits.connections = 2).await;
    let mut first = server.connect().await;
    let mut second = server.connect().await;
    for stream in [&mut first, &mut second] {
        send(stream, GET).await;
        read_until(stream, "here").await;
    }
    let mut third = server.connect().await;
    send(&mut third, GET).await;
    let early = timeout(Duration::from_millis(200), third.read_u8()).await;
    assert!(early.is_err(), "it was answered beyond the limit");
    drop(first);
    read_until(&mut third, "here").await;
}

#[tokio::test]
async fn a_stop_lets_requests_end_and_takes_no_new_ones() {
    let server = Server::start(|_| {}).await;
    let (mut idle, mut fresh, mut busy) = (
        server.connect().await,
        server.connect().await,
        server.connect().await,
    );
    send(&mut idle, GET).await;
    read_until(&mut idle, "here").await;
    send(&mut busy, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.began.notified().await;

    server.stop.send(()).unwrap();
    assert_eq!(read_to_end(&mut idle).await, "");
    assert_eq!(read_to_end(&mut fresh).await, "");
    assert!(TcpStream::connect(server.address).await.is_err());
    assert!(!server.task.is_finished());

    server.go_on.notify_one();
    let answer = read_to_end(&mut busy).await;
    assert!(answer.ends_with("at last"), "{answer}");
    let ended = timeout(Duration::from_secs(5), server.task).await;
    ended.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_cuts_off_what_does_not_end() {
    let limit = Duration::from_millis(200);
    let server = Server::start(|limits| limits.stop = limit).await;
    let mut stream = server.connect().await;
    send(&mut stream, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.began.notified().await;
    let started = Instant::now();
    server.stop.send(()).unwrap();
    let ended = timeout(Duration::from_secs(5), server.task).await;
    ended.unwrap().unwrap();
    assert!(started.elapsed() >= limit);
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[test]
fn errors_of_one_connection_are_told_from_those_of_the_process() {
    // ECONNABORTED (Linux), EMFILE, ENFILE, ENOMEM.
    for (code, of_one) in [(103, true), (24, false), (23, false), (12, false)] {
        let error = io::Error::from_raw_os_error(code);
        assert_eq!(is_of_one_connection(&error), of_one, "{error}");
    }
}
