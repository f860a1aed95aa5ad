//! Messages: handing them in, and looking what became of them; and telling contacts that theirs were read.

use std::time::Duration;

use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::NoContent;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::openapi::{Raw, Routes, header, op};
use super::problem::{Checked, Problem};
use super::{Named, Stop, broken, known_state};
use crate::contract::outbound::Posted;
use crate::{ChannelHandle, Host, MessageFilter, SendError, Standing};

/// How long a request waits for the vendor's answer.
const WAIT: Duration = Duration::from_secs(30);

/// The states of messages.
const STATES: [&str; 11] = [
    "queued",
    "sending",
    "uncertain",
    "accepted",
    "sent",
    "delivered",
    "read",
    "played",
    "failed",
    "held",
    "cancelled",
];

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/channels/{channel}/messages",
            get_with(list, |it| {
                op(
                    it,
                    "list_messages",
                    "List a channel's messages, the latest first",
                )
            })
            .post_with(send, |it| {
                let it = op(it, "send_message", "Hand a message in")
                    .response::<200, Json<Standing>>()
                    .response::<202, Json<Standing>>();
                let key = "The same key with the same message is the same message";
                header(it, "idempotency-key", key)
            }),
        )
        .route(
            "/channels/{channel}/messages/{message}",
            get_with(show, |it| {
                op(it, "get_message", "Show where a message stands")
            }),
        )
        .route(
            "/channels/{channel}/messages/{message}/resend",
            post_with(resend, |it| {
                op(
                    it,
                    "resend_message",
                    "Send again what was held or has failed",
                )
                .response::<202, Json<Standing>>()
            }),
        )
        .route(
            "/channels/{channel}/read",
            post_with(read, |it| {
                op(
                    it,
                    "mark_read",
                    "Tell a contact that their message was read",
                )
            }),
        )
        .route(
            "/channels/{channel}/typing",
            post_with(typing, |it| {
                op(
                    it,
                    "show_typing",
                    "Show a contact that an answer is being written",
                )
            }),
        )
        .route(
            "/channels/{channel}/messages/{message}/cancel",
            post_with(cancel, |it| {
                op(it, "cancel_message", "Cancel what has not left")
            }),
        )
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
struct Sending {
    /// Wait up to 30 seconds for the vendor's answer.
    wait: bool,
}

async fn send(
    State(host): State<Host>,
    Named(channel): Named,
    Checked(Query(sending)): Checked<Query<Sending>>,
    mut stop: Stop,
    headers: HeaderMap,
    Checked(Json(message)): Checked<Json<Raw<Posted>>>,
) -> Result<(StatusCode, Json<Standing>), Problem> {
    let key = key(&headers)?;
    let mut standing = channel.send(message.bytes(), key).await?;
    if !sending.wait {
        return Ok((StatusCode::ACCEPTED, Json(standing)));
    }
    let settled = tokio::select! {
        settled = host.settled(&standing.id, WAIT) => settled?,
        () = stop.requested() => host.message(&standing.id)?,
    };
    // Absent where the channel was removed meanwhile.
    standing = settled.unwrap_or(standing);
    let status = if standing.is_settled() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(standing)))
}

/// The caller's key, without the quotes that the draft of its header asks for.
fn key(headers: &HeaderMap) -> Result<Option<&str>, SendError> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let (key, None) = (keys.next(), keys.next()) else {
        return Err(SendError::Key);
    };
    let key = key.map(|key| key.to_str()).transpose();
    let key = key.map_err(|_| SendError::Key)?;
    let unquoted =
        |key: &'_ str| -> Option<usize> { key.strip_prefix('"')?.strip_suffix('"').map(str::len) };
    Ok(key.map(|key| unquoted(key).map_or(key, |length| &key[1..=length])))
}

/// Some messages.
#[derive(Serialize, JsonSchema)]
struct Messages {
    messages: Vec<Standing>,
}

async fn list(
    Named(channel): Named,
    Checked(Query(filter)): Checked<Query<MessageFilter>>,
) -> Result<Json<Messages>, Problem> {
    known_state(filter.state.as_deref(), &STATES)?;
    let messages = channel.messages(filter).await?;
    Ok(Json(Messages { messages }))
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Address {
    /// The host's id of the message.
    message: String,
}

async fn show(
    State(host): State<Host>,
    Named(channel): Named,
    Checked(Path(address)): Checked<Path<Address>>,
) -> Result<Json<Standing>, Problem> {
    of_channel(&host, &channel, &address.message).map(Json)
}

async fn resend(
    State(host): State<Host>,
    Named(channel): Named,
    Checked(Path(address)): Checked<Path<Address>>,
) -> Result<(StatusCode, Json<Standing>), Problem> {
    let id = &address.message;
    let standing = of_channel(&host, &channel, id)?;
    if !channel.resend(id).await? {
        let detail = format!(
            "the message is {}: only one that is held or has failed can be sent again, before it expires",
            standing.state
        );
        let title = "The message can't be sent again";
        return Err(Problem::conflict("not-resendable", title, detail));
    }
    let standing = of_channel(&host, &channel, id)?;
    Ok((StatusCode::ACCEPTED, Json(standing)))
}

async fn cancel(
    State(host): State<Host>,
    Named(channel): Named,
    Checked(Path(address)): Checked<Path<Address>>,
) -> Result<Json<Standing>, Problem> {
    let id = &address.message;
    let standing = of_channel(&host, &channel, id)?;
    // Cancelling twice is cancelling once.
    if standing.state != "cancelled" && !channel.cancel(id).await? {
        let detail = format!(
            "the message is {}: only one that is queued or held can be cancelled",
            standing.state
        );
        let title = "The message can't be cancelled";
        return Err(Problem::conflict("not-cancellable", title, detail));
    }
    of_channel(&host, &channel, id).map(Json)
}

/// A message of a contact's.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Theirs {
    /// The vendor's id of it: an event's `message.id`.
    message_id: String,
}

impl Theirs {
    fn id(&self) -> Result<&str, Problem> {
        if self.message_id.trim().is_empty() {
            let message = "name the contact's message: an event has it as message.id";
            return Err(broken("/message_id", "required", message));
        }
        Ok(&self.message_id)
    }
}

async fn read(
    Named(channel): Named,
    Checked(Json(theirs)): Checked<Json<Theirs>>,
) -> Result<NoContent, Problem> {
    channel.mark_read(theirs.id()?).await?;
    Ok(NoContent)
}

async fn typing(
    Named(channel): Named,
    Checked(Json(theirs)): Checked<Json<Theirs>>,
) -> Result<NoContent, Problem> {
    channel.typing(theirs.id()?).await?;
    Ok(NoContent)
}

fn of_channel(host: &Host, channel: &ChannelHandle, id: &str) -> Result<Standing, Problem> {
    let standing = host.message(id)?;
    let standing = standing.filter(|standing| standing.channel == channel.id());
    standing.ok_or_else(|| Problem::not_found(format!("this channel has no message `{id}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_with_and_without_quotes() {
        for (values, expected) in [
            (&[][..], Some(None)),
            (&["a-1"], Some(Some("a-1"))),
            (&["\"a-1\""], Some(Some("a-1"))),
            (&["\"a-1"], Some(Some("\"a-1"))),
            (&["\""], Some(Some("\""))),
            (&["\"\""], Some(Some(""))),
            (&["schlüssel"], None),
            (&["a", "a"], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append("idempotency-key", value);
            }
            assert_eq!(key(&headers).ok(), expected, "{values:?}");
        }
    }
}
