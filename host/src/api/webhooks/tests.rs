use tokio::io::AsyncWriteExt;

use super::*;
use crate::Options;
use crate::api::tests::{Answer, Home, PATH, SECRET, Served};

const SECRET_HEADER: &str = "x-secret: beef";

async fn served(home: &Home) -> Served {
    Served::start(router(home.host.clone())).await
}

/// Whether it says its status and nothing else.
#[track_caller]
fn is_bare(answer: &Answer, status: u16) {
    assert_eq!((answer.status, &*answer.body), (status, ""), "{answer:?}");
    assert!(answer.head.contains("content-length: 0"), "{answer:?}");
    assert!(!answer.head.contains("content-type"), "{answer:?}");
}

fn address_of_channel() -> String {
    format!("/webhooks/{PATH}")
}

#[tokio::test]
async fn nothing_is_told_apart_for_strangers() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = served(&home).await;
    assert_eq!(SECRET_HEADER, format!("x-secret: {SECRET}"));
    let right = address_of_channel();
    let mut heads = Vec::new();
    for (path, headers) in [
        ("/webhooks/nobody", &[SECRET_HEADER][..]),
        ("/webhooks/nobody/", &[]),
        ("/webhooks/%66%30%30%64", &[SECRET_HEADER]),
        ("/webhooks/F00D", &[SECRET_HEADER]),
        (&right, &[]),
        (&right, &["x-secret: beed"]),
        (&right, &["x-secret: beef", "x-secret: beef"]),
    ] {
        let answer = served.ask_with("POST", path, headers, "{}").await;
        is_bare(&answer, 401);
        heads.push(answer.head);
    }
    // All but the date, which may tick over.
    let undated = |head: &String| {
        let lines = head.lines().filter(|line| !line.starts_with("date"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(
        heads.iter().all(|head| undated(head) == undated(&heads[0])),
        "{heads:?}"
    );
    let filter = crate::DeliveryFilter::default();
    let channel = home.host.channel("c1").unwrap();
    assert!(channel.deliveries(filter).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_delivery_is_kept_as_it_came() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = served(&home).await;
    let body = "{\"a\": 1}\r\n\u{e9}";
    let path = format!("{}/in/1?a=b%20c&d", address_of_channel());
    let headers = [SECRET_HEADER, "X-Kind: Test"];
    let answer = served.ask_with("POST", &path, &headers, body).await;
    is_bare(&answer, 200);
    let channel = home.host.channel("c1").unwrap();
    let listed = channel
        .deliveries(crate::DeliveryFilter::default())
        .await
        .unwrap();
    let (stored, kept) = home.host.delivery(listed[0].id).await.unwrap().unwrap();
    assert_eq!(kept, body.as_bytes());
    let request = stored.request;
    assert_eq!((&*request.method, &*request.path), ("POST", "/in/1"));
    let query = [("a", "b c"), ("d", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(request.query, query);
    let has = |name: &str| request.headers.iter().any(|header| header.name == name);
    assert!(has("x-kind") && !has("x-secret"), "{:?}", request.headers);
}

#[tokio::test]
async fn other_methods_and_addresses_are_not_taken() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = served(&home).await;
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        for path in [&*address_of_channel(), "/webhooks/nobody/x"] {
            let answer = served.ask_with(method, path, &[SECRET_HEADER], "").await;
            is_bare(&answer, 405);
            assert!(answer.head.contains("allow: post"), "{answer:?}");
        }
    }
    for path in [
        "/",
        "/webhooks",
        "/webhooks/",
        "/webhooks//x",
        "/channels",
        "/healthz",
        "/f00d",
    ] {
        let answer = served.ask_with("POST", path, &[SECRET_HEADER], "").await;
        is_bare(&answer, 404);
    }
}

#[tokio::test]
async fn a_body_has_its_limit() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = served(&home).await;
    let path = address_of_channel();
    let full = "x".repeat(BODY_BYTES);
    let answer = served
        .ask_with("POST", &path, &[SECRET_HEADER], &full)
        .await;
    is_bare(&answer, 200);
    let chunked = [
        "transfer-encoding: chunked",
        SECRET_HEADER,
        "connection: close",
    ];
    let mut stream = served.begin("POST", &path, &chunked).await;
    let body = format!("\r\n{:x}\r\n{full}\r\n1\r\nx", full.len());
    stream.write_all(body.as_bytes()).await.unwrap();
    is_bare(&Answer::read(&mut stream).await, 413);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let home = Home::with_channel(Options::recommended()).await;
    let limit = Duration::from_millis(200);
    let served = Served::start(router_with(home.host.clone(), limit)).await;
    let headers = [SECRET_HEADER, "content-length: 3"];
    let mut stream = served.begin("POST", &address_of_channel(), &headers).await;
    stream.write_all(b"\r\nab").await.unwrap();
    let answer = Answer::read(&mut stream).await;
    is_bare(&answer, 408);
    let channel = home.host.channel("c1").unwrap();
    let kept = channel
        .deliveries(crate::DeliveryFilter::default())
        .await
        .unwrap();
    assert!(kept.is_empty());
}

#[tokio::test]
async fn strangers_are_answered_before_their_body_is_there() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = served(&home).await;
    let length = "content-length: 1000000";
    for (path, secret) in [
        ("/webhooks/nobody", SECRET_HEADER),
        (&*address_of_channel(), "x-secret: beed"),
    ] {
        let mut stream = served.begin("POST", path, &[length, secret]).await;
        stream.write_all(b"\r\nab").await.unwrap();
        let answer = timeout(BODY_TIME / 3, Answer::read(&mut stream)).await;
        is_bare(&answer.unwrap(), 401);
    }
}

#[tokio::test]
async fn a_full_inbox_asks_to_come_back() {
    let options = Options {
        inbox: 0,
        ..Options::recommended()
    };
    let home = Home::with_channel(options).await;
    let served = served(&home).await;
    let path = address_of_channel();
    let answer = served.ask_with("POST", &path, &[SECRET_HEADER], "{}").await;
    is_bare(&answer, 503);
    assert!(answer.head.contains("retry-after: 10"), "{answer:?}");
    // Strangers do not learn of it.
    let answer = served.ask_with("POST", &path, &[], "{}").await;
    is_bare(&answer, 401);
}
