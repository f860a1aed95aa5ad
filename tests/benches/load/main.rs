//! Durable webhooks a second: from the socket to the events on disk, with the channel in its sandbox and, in the same
//! run, with the same channel linked natively.
//!
//! Everything is real: HTTP over loopback, the secret checked, each delivery synced to disk before its 200, and taken in
//! with windows, contacts and events in one commit. The generator runs on the same cores. The two take turns, so that
//! the machine's pace is theirs alike; the ratio is the median of the turns'.

#[path = "../generator.rs"]
mod generator;
mod native;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::routing::any;
use channel_host::store::Store;
use channel_host::vault::Vault;
use channel_host::{
    Addition, Cache, ChannelHandle, Clock, Component, Engine, Host, Limits, Options, api,
};
use channel_tests::CHANNEL_360DIALOG;
use generator::{median, post};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

/// Turns of each, deliveries of one turn, and connections that post them.
const TURNS: usize = 3;
const DELIVERIES: usize = 6_000;
const CONNECTIONS: usize = 64;

/// How long a turn may take.
const PATIENCE: Duration = Duration::from_mins(2);

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    let engine = Engine::new(Limits::recommended(), &Cache::Off)?;
    let component = std::fs::read(CHANNEL_360DIALOG)?;
    let mut turns = Vec::new();
    for turn in 0..=TURNS {
        let sandboxed = measure(&engine, &component, false).await?;
        let native = measure(&engine, &component, true).await?;
        // The first one warms the disk and the caches.
        if turn > 0 {
            turns.push((sandboxed, native));
        }
    }
    println!("{DELIVERIES} webhooks of one message over {CONNECTIONS} connections, {TURNS} turns:");
    for (name, pick) in [
        (
            "sandboxed",
            (|(it, _): &(Turn, Turn)| it.clone()) as fn(&(Turn, Turn)) -> Turn,
        ),
        ("native", |(_, it)| it.clone()),
    ] {
        let each: Vec<Turn> = turns.iter().map(pick).collect();
        println!(
            "  {name}: {:.0} a second taken in, answered in p50 {:.1} ms, p99 {:.1} ms",
            median(each.iter().map(|it| it.per_second)),
            median(each.iter().map(|it| it.p50.as_secs_f64() * 1000.0)),
            median(each.iter().map(|it| it.p99.as_secs_f64() * 1000.0)),
        );
    }
    let ratio = median(
        turns
            .iter()
            .map(|(ours, native)| ours.per_second / native.per_second),
    );
    println!(
        "  sandboxed to native: {:.0} % of the webhooks a second",
        ratio * 100.0
    );
    Ok(())
}

/// What one turn showed.
#[derive(Clone)]
struct Turn {
    /// Deliveries that were taken in, by the time until the last of them was.
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

async fn measure(engine: &Engine, component: &[u8], native: bool) -> Result<Turn> {
    let directory = tempfile::tempdir()?;
    let store = Store::open(directory.path())?;
    let vault = Vault::from_file(&directory.path().join("key"), &store).await?;
    let vendor = vendor().await?;
    let options = Options {
        private_origins: vec![vendor.clone()],
        ..Options::recommended()
    };
    let clock = Clock::default();
    let parts = (store, vault);
    let host = Host::start(engine, parts, directory.path(), None, options, clock).await?;
    let settings = json!({"name": "Load", "phone_number": "+15550001111", "api_key": "key", "base_url": vendor});
    let channel = host
        .add(Addition {
            component: Component::Bytes(component.to_vec()),
            settings: settings.to_string(),
            name: None,
            replace_foreign: false,
        })
        .await?;
    if native {
        host.receive_with(&channel, Arc::new(native::Native));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = api::webhooks(host.clone());
    let server = tokio::spawn(api::serve(listener, router, std::future::pending()));

    let head = head(&channel)?;
    let began = Instant::now();
    let mut connections = tokio::task::JoinSet::new();
    for connection in 0..CONNECTIONS {
        let head = head.clone();
        connections.spawn(async move {
            let stream = TcpStream::connect(address).await?;
            post(stream, &head, (connection..DELIVERIES).step_by(CONNECTIONS)).await
        });
    }
    let mut latencies = Vec::with_capacity(DELIVERIES);
    while let Some(posted) = connections.join_next().await {
        latencies.extend(posted??);
    }
    while taken_in(&host)? < DELIVERIES {
        ensure!(began.elapsed() < PATIENCE, "deliveries are not taken in");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = began.elapsed();
    server.abort();
    host.stop().await;
    latencies.sort_unstable();
    Ok(Turn {
        per_second: f64::from(u32::try_from(DELIVERIES)?) / took.as_secs_f64(),
        p50: latencies[latencies.len() / 2],
        p99: latencies[latencies.len() * 99 / 100],
    })
}

/// Deliveries that are done, by the host's own count.
fn taken_in(host: &Host) -> Result<usize> {
    let metrics = host.metrics()?;
    let done = metrics
        .lines()
        .filter(|line| line.starts_with("channel_host_deliveries_done_total"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
    Ok(done.sum())
}

/// Stands for the vendor: whatever is asked, the account is well.
async fn vendor() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().fallback(any(|| async { axum::Json(json!({})) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

/// The head of a request, up to the length of its body.
fn head(channel: &ChannelHandle) -> Result<String> {
    let registration = channel.registration();
    let url = registration.url.context("a webhook has an address")?;
    let path = url.find("/webhooks/").context("a webhook has a path")?;
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n",
        &url[path..]
    );
    for header in registration.headers {
        for text in [&header.name, ": ", &header.value, "\r\n"] {
            head += text;
        }
    }
    Ok(head + "content-length: ")
}
