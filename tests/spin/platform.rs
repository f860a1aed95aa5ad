//! The platform: takes CloudEvents, and checks every signature with the library that its authors publish.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const SECRET: &str = "whsec_c2lnbmVkIGJ5IHRoZSBydWxlcw==";

/// How the platform is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    Well,
    /// It refuses everything.
    Down,
    /// It does not answer.
    Silent,
    /// It refuses after so many.
    WellFor(usize),
}

pub(crate) struct Platform {
    pub(crate) origin: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    mood: Mutex<Mood>,
    /// What was accepted.
    taken: Mutex<Vec<Value>>,
    /// What is wrong with what came.
    wrong: Mutex<Vec<String>>,
    /// How often it was asked.
    asked: Mutex<usize>,
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Platform {
    pub(crate) async fn start() -> Result<Self> {
        let shared = Arc::new(Shared {
            mood: Mutex::new(Mood::Well),
            taken: Mutex::default(),
            wrong: Mutex::default(),
            asked: Mutex::default(),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let origin = spin_tests::origin(listener.local_addr()?);
        let router = Router::new().fallback(take).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            origin,
            shared,
            server,
        })
    }

    pub(crate) fn is(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// The events' data, in the order in which they were accepted. Fails where anything was wrong with one.
    pub(crate) fn taken(&self) -> Result<Vec<Value>> {
        let wrong = self.shared.wrong.lock().unwrap();
        ensure!(wrong.is_empty(), "{wrong:?}");
        Ok(self.shared.taken.lock().unwrap().clone())
    }

    pub(crate) fn asked(&self) -> usize {
        *self.shared.asked.lock().unwrap()
    }

    /// Waits until so many different events were accepted.
    pub(crate) async fn took(&self, events: usize) -> Result<Vec<Value>> {
        for _ in 0..1000 {
            let taken = self.taken()?;
            let ids: HashSet<_> = taken.iter().map(|event| event["id"].to_string()).collect();
            if ids.len() >= events {
                return Ok(taken);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("{events} events did not come: {:?}", self.taken()?)
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    *shared.asked.lock().unwrap() += 1;
    let mood = *shared.mood.lock().unwrap();
    match mood {
        Mood::Well => {}
        Mood::Down => return StatusCode::INTERNAL_SERVER_ERROR,
        Mood::Silent => std::future::pending().await,
        Mood::WellFor(left) => {
            let next = left.checked_sub(1);
            *shared.mood.lock().unwrap() = next.map_or(Mood::Down, Mood::WellFor);
            if next.is_none() {
                return StatusCode::BAD_GATEWAY;
            }
        }
    }
    match data(&headers, &body) {
        Ok(data) => {
            shared.taken.lock().unwrap().push(data);
            StatusCode::NO_CONTENT
        }
        Err(error) => {
            shared.wrong.lock().unwrap().push(format!("{error:#}"));
            StatusCode::BAD_REQUEST
        }
    }
}

/// The data of a CloudEvent that is signed as it should be.
fn data(headers: &HeaderMap, body: &[u8]) -> Result<Value> {
    Webhook::new(SECRET)?.verify(body, headers)?;
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    ensure!(
        header("content-type").starts_with("application/cloudevents+json"),
        "no CloudEvent"
    );
    let mut event: Value = serde_json::from_slice(body)?;
    ensure!(event["specversion"] == "1.0", "{event}");
    ensure!(event["id"] == header("webhook-id"), "{event}");
    ensure!(event["source"] == "/channels/The%20Shop", "{event}");
    ensure!(event["datacontenttype"] == "application/json", "{event}");
    let data = event["data"].take();
    ensure!(data["id"] == event["id"], "{event}");
    let kind = data["type"].as_str().context("a type")?;
    ensure!(
        event["type"] == format!("messaging.channel.{kind}"),
        "{event}"
    );
    ensure!(
        event.get("time").is_none() || kind == "rejected" || event["time"] == data["time"],
        "{event}"
    );
    Ok(data)
}
