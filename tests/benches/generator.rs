//! Webhooks for benchmarks: they are posted over connections that are kept, and each is timed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// People who write; each writes again and again.
const CONTACTS: usize = 500;

/// Posts messages, one after the other. Returns how long each took to be answered.
pub(crate) async fn post(
    mut stream: TcpStream,
    head: &str,
    numbers: impl Iterator<Item = usize>,
) -> Result<Vec<Duration>> {
    stream.set_nodelay(true)?;
    let mut latencies = Vec::new();
    let mut answer = [0; 1024];
    for number in numbers {
        let body = message(number).to_string();
        let request = format!("{head}{}\r\n\r\n{body}", body.len());
        let began = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        let mut read = 0;
        while !answer[..read].ends_with(b"\r\n\r\n") {
            let more = stream.read(&mut answer[read..]).await?;
            ensure!(more > 0, "the host closed the connection");
            read += more;
        }
        latencies.push(began.elapsed());
        ensure!(
            answer.starts_with(b"HTTP/1.1 200"),
            "a delivery was refused"
        );
    }
    Ok(latencies)
}

/// A webhook with one message.
fn message(number: usize) -> Value {
    let from = format!("4930{:06}", number % CONTACTS);
    let now = seconds();
    json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550001111", "phone_number_id": "1234567890"},
        "contacts": [{"profile": {"name": "Kerry Fisher"}, "wa_id": from}],
        "messages": [{"from": from, "id": format!("wamid.HBgM{number:08}"), "timestamp": now.to_string(),
                      "type": "text", "text": {"body": format!("Is my order number {number} on its way?")}}],
    }}]}]})
}

fn seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// The value in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
