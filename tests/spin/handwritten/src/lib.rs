//! A webhook for Spin as one would write it by hand for text messages: no channel, no contract. It does what the application
//! does with them: the secret, a key a contact, a list of what the platform has taken, a signed CloudEvent. The benchmark
//! runs both.
#![cfg(target_family = "wasm")]

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spin_interfaces::store::open;
use spin_interfaces::variables::{Variables, read};
use spin_sdk::http::{IntoResponse, Request, send};
use spin_sdk::http_service;
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};

/// How many events of one contact are remembered, as in the application.
const EVENTS: usize = 512;

/// The bytes that one of them is remembered by, as in the application.
const MARK: usize = 8;

#[derive(Deserialize)]
struct Body {
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    value: Messages,
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Message>,
}

#[derive(Deserialize, Serialize)]
struct Message {
    from: String,
    id: String,
    timestamp: String,
    text: Text,
}

#[derive(Deserialize, Serialize)]
struct Text {
    body: String,
}

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let (head, body) = request.into_parts();
    let taken = async {
        let variables = read()?;
        let secret = |header: &HeaderMap| {
            let given = header.get("x-channel-secret")?.as_bytes();
            Some(given == variables.get("secret_webhook")?.as_bytes())
        };
        if !head
            .uri
            .path()
            .ends_with(variables["webhook_path"].as_str())
            || secret(&head.headers) != Some(true)
        {
            return Ok(StatusCode::UNAUTHORIZED);
        }
        let body = body.collect().await?.to_bytes();
        take(&variables, &body).await.map(|()| StatusCode::OK)
    };
    let taken: Result<StatusCode, Box<dyn Error>> = taken.await;
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = taken.unwrap_or_else(|error| {
        eprintln!("{error}");
        StatusCode::SERVICE_UNAVAILABLE
    });
    response.headers_mut().insert(CONTENT_LENGTH, 0.into());
    response
}

async fn take(variables: &Variables, body: &[u8]) -> Result<(), Box<dyn Error>> {
    let body: Body = serde_json::from_slice(body)?;
    let messages = (body.entry.into_iter())
        .flat_map(|entry| entry.changes)
        .flat_map(|change| change.value.messages);
    for message in messages {
        remember(variables, &message)?;
        let (store, key) = (
            open(variables, "service")?,
            format!("seen:{}", message.from),
        );
        let seen = store.get(&key)?;
        let marks = seen.as_deref().unwrap_or_default();
        // The end of a wamid is what differs.
        let mark = &message.id.as_bytes()[message.id.len() - MARK..];
        if marks.chunks(MARK).any(|known| known == mark) {
            continue;
        }
        tell(variables, &message).await?;
        let mut next = [mark, marks].concat();
        next.truncate(EVENTS * MARK);
        if !store.compare_and_swap(&key, seen.as_deref(), &next)? {
            return Err("somebody else wrote it".into());
        }
    }
    Ok(())
}

/// Keeps when somebody wrote last.
fn remember(variables: &Variables, message: &Message) -> Result<(), Box<dyn Error>> {
    let store = open(variables, "channel")?;
    let key = format!("contact:{}", message.from);
    let before = store.get(&key)?;
    let known: Option<Value> = before.as_deref().map(serde_json::from_slice).transpose()?;
    let at = known.and_then(|known| known["at"].as_u64()).unwrap_or(0);
    let at = at.max(message.timestamp.parse()?);
    let value = json!({"at": at, "by": message.id, "names": [message.from], "greet": false});
    let value = value.to_string();
    if !store.compare_and_swap(&key, before.as_deref(), value.as_bytes())? {
        return Err("somebody else wrote it".into());
    }
    Ok(())
}

/// Tells the platform of a message.
async fn tell(variables: &Variables, message: &Message) -> Result<(), Box<dyn Error>> {
    let body = json!({
        "specversion": "1.0",
        "id": message.id,
        "source": "/channels/by-hand",
        "type": "messaging.channel.message",
        "datacontenttype": "application/json",
        "data": message,
    });
    let body = body.to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let now = i64::try_from(now)?;
    let signer = Webhook::new(&variables["platform_secret"])?;
    let request = http::Request::post(variables["platform_url"].as_str())
        .header("content-type", "application/cloudevents+json")
        .header(CONTENT_LENGTH, body.len())
        .header(HEADER_WEBHOOK_ID, &message.id)
        .header(HEADER_WEBHOOK_TIMESTAMP, now)
        .header(
            HEADER_WEBHOOK_SIGNATURE,
            signer.sign(&message.id, now, body.as_bytes())?,
        )
        .body(Full::new(Bytes::from(body)))?;
    let response = send(request).await.map_err(|code| format!("{code:?}"))?;
    if response.status().is_success() {
        Ok(())
    } else {
        Err(response.status().to_string().into())
    }
}
