//! The Spin application beside a component that was written by hand for the same webhooks: the size of both, the time until
//! a new instance has answered, and webhooks a second.
//!
//! Both write the same keys of the same store and tell the same platform, which answers at once; only one of them has the
//! sandboxed channel in it. The generator and the platform run on the same cores. The two take turns, so that the machine's
//! pace is theirs alike; a ratio is the median of the turns'.

#[path = "../benches/generator.rs"]
mod generator;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::any;
use channel_tests::CHANNEL_360DIALOG;
use generator::{median, post};
use spin_tests::{Application, Keys, load};
use tokio::net::{TcpListener, TcpStream};
use wasmtime::component::Component;

/// What was written by hand.
const SPIN_HANDWRITTEN: &str = env!("SPIN_HANDWRITTEN");

/// Turns of each, webhooks of one turn, and connections that post them.
const TURNS: usize = 5;
const WEBHOOKS: usize = 2_000;
const CONNECTIONS: usize = 16;

const SECRET: &str = "secret-0123456789";
const PATH: &str = "path-that-nobody-guesses";

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run())
}

async fn run() -> Result<()> {
    for (name, file) in [
        ("the application", spin_application::APPLICATION),
        ("the channel in it", CHANNEL_360DIALOG),
        ("by hand", SPIN_HANDWRITTEN),
    ] {
        println!("{name}: {} KB", std::fs::metadata(file)?.len() / 1000);
    }
    let sources = [
        load(spin_application::APPLICATION)?,
        load(SPIN_HANDWRITTEN)?,
    ];
    let platform = platform().await?;
    for (store, on_disk) in [("SQLite file", true), ("store in memory", false)] {
        let mut turns = Vec::new();
        for turn in 0..=TURNS {
            let mut both = Vec::new();
            for source in &sources {
                both.push(measure(source, &platform, on_disk).await?);
            }
            // The first one warms the disk and the caches.
            if turn > 0 {
                turns.push(both);
            }
        }
        println!(
            "{WEBHOOKS} webhooks of one message over {CONNECTIONS} connections, {TURNS} turns, {store}:"
        );
        for (place, name) in ["the application", "by hand"].into_iter().enumerate() {
            let of_turns =
                |pick: fn(&Turn) -> f64| median(turns.iter().map(|turn| pick(&turn[place])));
            println!(
                "  {name}: {:.0} a second, p50 {:.1} ms, p99 {:.1} ms; a new instance has answered after {:.1} ms",
                of_turns(|it| it.per_second),
                of_turns(|it| it.p50.as_secs_f64() * 1000.0),
                of_turns(|it| it.p99.as_secs_f64() * 1000.0),
                of_turns(|it| it.cold.as_secs_f64() * 1000.0),
            );
        }
        let ratio = median(
            turns
                .iter()
                .map(|turn| turn[0].per_second / turn[1].per_second),
        );
        println!(
            "  the application to by hand: {:.0} % of the webhooks a second",
            ratio * 100.0
        );
    }
    Ok(())
}

/// What one turn showed.
struct Turn {
    per_second: f64,
    p50: Duration,
    p99: Duration,
    /// From the first request, of which an instance is made, to its answer.
    cold: Duration,
}

async fn measure(source: &Component, platform: &str, on_disk: bool) -> Result<Turn> {
    let folder = tempfile::tempdir()?;
    let file = if on_disk {
        folder.path().join("spin.db")
    } else {
        Path::new(":memory:").to_owned()
    };
    let variables = [
        ("phone_number", "+15550001111"),
        ("api_origin", platform),
        ("api_key", "key"),
        ("webhook_path", PATH),
        ("webhook_secret", SECRET),
        ("platform_origin", platform),
        ("platform_secret", "whsec_c2lnbmVkIGJ5IHRoZSBydWxlcw=="),
        ("api_token", "token-0123456789"),
    ];
    let application = Application::start_from(source, &Keys::open(&file)?, &variables).await?;
    let address = application
        .url
        .strip_prefix("http://")
        .context("an origin")?
        .to_owned();
    let head = format!(
        "POST /webhooks/{PATH} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nx-channel-secret: {SECRET}\r\n\
         content-length: "
    );
    let first = post(
        TcpStream::connect(&address).await?,
        &head,
        std::iter::once(WEBHOOKS),
    )
    .await?;
    let began = Instant::now();
    let mut connections = tokio::task::JoinSet::new();
    for connection in 0..CONNECTIONS {
        let (head, address) = (head.clone(), address.clone());
        connections.spawn(async move {
            let stream = TcpStream::connect(address).await?;
            post(stream, &head, (connection..WEBHOOKS).step_by(CONNECTIONS)).await
        });
    }
    let mut latencies = Vec::with_capacity(WEBHOOKS);
    while let Some(posted) = connections.join_next().await {
        latencies.extend(posted??);
    }
    let took = began.elapsed();
    latencies.sort_unstable();
    Ok(Turn {
        per_second: f64::from(u32::try_from(WEBHOOKS)?) / took.as_secs_f64(),
        p50: latencies[latencies.len() / 2],
        p99: latencies[latencies.len() * 99 / 100],
        cold: first[0],
    })
}

/// Stands for the platform and for the API: it takes everything.
async fn platform() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().fallback(any(|_: Bytes| async { StatusCode::NO_CONTENT }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}
