//! Messages: handing them in, and looking what became of them; and telling contacts that theirs were read.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::problem::{Checked, Problem};
use super::{Named, Stop, broken, known_state};
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

pub(super) fn routes() -> Router<Host> {
    Router::new()
        .route("/channels/{channel}/messages", get(list).post(send))
        .route("/channels/{channel}/messages/{message}", get(show))
        .route(
            "/channels/{channel}/messages/{message}/resend",
            post(resend),
        )
        .route(
            "/channels/{channel}/messages/{message}/cancel",
            post(cancel),
        )
        .route("/channels/{channel}/read", post(read))
        .route("/channels/{channel}/typing", post(typing))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sending {
    wait: bool,
}

async fn send(
    State(host): State<Host>,
    Named(channel): Named,
    Checked(Query(sending)): Checked<Query<Sending>>,
    mut stop: Stop,
    headers: HeaderMap,
    Checked(Json(message)): Checked<Json<Box<RawValue>>>,
) -> Result<(StatusCode, Json<Standing>), Problem> {
    let key = key(&headers)?;
    let mut standing = channel.send(message.get().as_bytes(), key).await?;
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

async fn list(
    Named(channel): Named,
    Checked(Query(filter)): Checked<Query<MessageFilter>>,
) -> Result<Json<Value>, Problem> {
    known_state(filter.state.as_deref(), &STATES)?;
    let messages = channel.messages(filter).await?;
    Ok(Json(json!({"messages": messages})))
}

#[derive(Deserialize)]
struct Address {
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
            "the message is {}: only one that is held or has failed can be sent again",
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
#[derive(Deserialize)]
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
) -> Result<StatusCode, Problem> {
    channel.mark_read(theirs.id()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn typing(
    Named(channel): Named,
    Checked(Json(theirs)): Checked<Json<Theirs>>,
) -> Result<StatusCode, Problem> {
    channel.typing(theirs.id()?).await?;
    Ok(StatusCode::NO_CONTENT)
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
