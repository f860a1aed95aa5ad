//! Sending, marking as read, typing.
#![allow(clippy::result_large_err, reason = "the errors are the contract's own")]

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{self, Call, Client, Http, JSON, percent_encoded};
use crate::bindings::exports::messaging::channel::sender::Sent;
use crate::bindings::messaging::channel::outbound::Payload;
use crate::bindings::messaging::channel::types::Error;
use crate::contacts;

use crate::settings::Api;
use crate::storage::Storage;

/// The longest reference, in code points. (Cloud API, messages, `biz_opaque_callback_data`.)
const MAX_REFERENCE: usize = 512;

/// Sends one part, once. `reference` comes back with the statuses of the message. (Cloud API, `biz_opaque_callback_data`.)
///
/// An answer that accepts, but names no message, is a message without id: the sandbox answers so. What it says of the person is
/// remembered; where the store does not take it, the message was sent nevertheless, and the next answer says it again.
///
/// # Errors
///
/// What 360dialog, or the way to it, said; of class `uncertain` where the message may have been accepted.
pub fn send(
    http: &impl Http,
    storage: &impl Storage,
    settings: &str,
    payload: &Payload,
    reference: Option<&str>,
) -> Result<Sent, Error> {
    let client = Client::new(http, settings)?;
    if reference.is_some_and(|reference| reference.chars().count() > MAX_REFERENCE) {
        return Err(api::invalid(
            "The reference is longer than 512 characters",
            "Give a shorter one: it comes back with the statuses of the message",
        ));
    }
    let body = match reference {
        Some(reference) => with_reference(&payload.body, reference),
        None => Some(payload.body.clone()),
    };
    let (Some(body), true) = (body, payload.path.starts_with('/')) else {
        return Err(api::invalid(
            "This is no payload of this channel",
            "Give a payload as `build` made it",
        ));
    };
    let result = client.send(&payload.method, &payload.path, &payload.content_type, body);
    let answer = api::answer(result, Call::Message)?;
    let sent = sent(&serde_json::from_slice(&answer.body).unwrap_or_default());
    if let (Some(dialled), Some(contact)) = (dialled(&payload.body), &sent.contact) {
        let _ = contacts::reached(storage, &dialled, contact);
    }
    Ok(sent)
}

/// The phone number that a payload goes to.
fn dialled(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Envelope {
        recipient_type: Option<String>,
        to: String,
    }

    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    let is_person = envelope
        .recipient_type
        .is_none_or(|kind| kind == "individual");
    is_person.then_some(envelope.to)
}

/// Tells the person that a message, and those before it, were read.
///
/// # Errors
///
/// What 360dialog, or the way to it, said.
pub fn mark_read(http: &impl Http, settings: &str, message_id: &str) -> Result<(), Error> {
    let client = Client::new(http, settings)?;
    named(message_id)?;
    if client.api() == Api::OnPremise {
        let path = format!("/v1/messages/{}", percent_encoded(message_id));
        let result = client.send("PUT", &path, JSON, br#"{"status":"read"}"#.to_vec());
        return api::answer(result, Call::Repeatable).map(drop);
    }
    read(&client, message_id, None)
}

/// Shows the person that an answer is being written, which marks the message as read as well.
///
/// # Errors
///
/// What 360dialog, or the way to it, said.
pub fn typing(http: &impl Http, settings: &str, message_id: &str) -> Result<(), Error> {
    let client = Client::new(http, settings)?;
    named(message_id)?;
    if client.api() == Api::OnPremise {
        return Err(api::invalid(
            "The on-premise API can't show that somebody is typing",
            "Set api to \"cloud\" in the settings",
        ));
    }
    read(&client, message_id, Some(Typing { kind: "text" }))
}

#[derive(Serialize)]
struct Read<'a> {
    messaging_product: &'static str,
    status: &'static str,
    message_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typing_indicator: Option<Typing>,
}

#[derive(Serialize)]
struct Typing {
    #[serde(rename = "type")]
    kind: &'static str,
}

/// Nothing is read, and nobody answered, without a message.
fn named(message_id: &str) -> Result<(), Error> {
    if message_id.trim().is_empty() {
        return Err(api::invalid(
            "The message's id is blank",
            "Give the id of a message that came in, as its event had it",
        ));
    }
    Ok(())
}

fn read(
    client: &Client<'_, impl Http>,
    message_id: &str,
    typing_indicator: Option<Typing>,
) -> Result<(), Error> {
    let path = match client.api() {
        Api::Sandbox => "/v1/messages",
        Api::Cloud | Api::OnPremise => "/messages",
    };
    let body = serde_json::to_vec(&Read {
        messaging_product: "whatsapp",
        status: "read",
        message_id,
        typing_indicator,
    })
    // Only a failing writer or a key that is no string could fail, and there is neither.
    .expect("memory takes every byte, and every key is a string");
    let result = client.send("POST", path, JSON, body);
    // The answer is `{"success": true}`, `null` or nothing.
    api::answer(result, Call::Repeatable).map(drop)
}

/// The body with one member more. The rest is what was built and checked, so it stays byte for byte. `None` where it is no object.
fn with_reference(body: &[u8], reference: &str) -> Option<Vec<u8>> {
    let object = body.trim_ascii();
    let members = object.strip_prefix(b"{")?.strip_suffix(b"}")?.trim_ascii();
    let comma: &[u8] = if members.is_empty() { b"" } else { b"," };
    let member = format!(r#""biz_opaque_callback_data":{}}}"#, Value::from(reference));
    Some([&b"{"[..], members, comma, member.as_bytes()].concat())
}

fn sent(answer: &Value) -> Sent {
    let mut taken = vec!["/messaging_product".to_owned()];
    let mut take = |pointer: &str| {
        let found = api::text(answer.pointer(pointer))?;
        taken.push(pointer.to_owned());
        Some(found)
    };
    let message_id = take("/messages/0/id");
    let status = take("/messages/0/message_status");
    let (phone, user_id) = (take("/contacts/0/wa_id"), take("/contacts/0/user_id"));
    Sent {
        message_id,
        status,
        contact: api::contact(phone, user_id),
        attributes: api::scalars(answer, &taken),
    }
}

#[cfg(test)]
mod tests;
