//! Messages in their public JSON, and what leaves for each.

use channel_360dialog::bindings::messaging::channel::outbound::{ClosedWindow, Window};
use channel_360dialog::bindings::messaging::channel::types::Problem;
use channel_360dialog::message::{KINDS, build};
use channel_contract::outbound::Message;
use serde_json::{Value, json};

mod bindings;
mod cases;
mod fixtures;
mod generate;
mod limits;
mod properties;

use bindings::Bound as _;

/// The requests that send a message, or pointer and code of all that stands in the way.
fn sent(message: &Value) -> Result<Vec<Value>, Vec<(String, String)>> {
    sent_with("{}", message, &Window::Unknown)
}

fn sent_with(
    settings: &str,
    message: &Value,
    window: &Window,
) -> Result<Vec<Value>, Vec<(String, String)>> {
    let read = Message::read(message.to_string().as_bytes())
        .unwrap_or_else(|problems| panic!("{message} is no message: {problems:?}"));
    let payloads = build(settings, &read.bound(), window, None).map_err(|problems| {
        problems
            .into_iter()
            .map(
                |Problem {
                     pointer,
                     code,
                     message,
                     source,
                 }| {
                    assert!(source.is_some_and(|source| !source.is_empty()), "{code}");
                    assert!(message.contains(':'), "no remedy: {message}");
                    (pointer, code)
                },
            )
            .collect::<Vec<_>>()
    })?;
    Ok(payloads
        .into_iter()
        .map(|payload| {
            assert_eq!(payload.content_type, "application/json");
            let body: Value = serde_json::from_slice(&payload.body).expect("JSON");
            json!({"method": payload.method, "path": payload.path, "body": body})
        })
        .collect())
}

fn closed() -> Window {
    Window::Closed(ClosedWindow {
        since: Some(1_767_225_599_000),
        because: None,
    })
}
