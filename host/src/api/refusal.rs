//! What the host's errors are to callers of the API.

use axum::http::StatusCode;
use serde_json::{json, value};
use url::Url;

use super::problem::Problem;
use super::{RETRY, broken};
use crate::capability::OriginError;
use crate::contract::connection::Registration;
use crate::contract::json;
use crate::contract::storage::Failure;
use crate::contract::types::{Error, ErrorClass};
use crate::store::StoreError;
use crate::templates::TemplatesError;
use crate::{CallError, ChannelError, LoadError, MediaError, SendError};

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

/// A backup goes to a file of the caller's choice, and may fail for it.
pub(super) fn of_backup(error: StoreError) -> Problem {
    match error {
        StoreError::Exists { .. } => {
            Problem::conflict("exists", "The file exists", error.to_string())
        }
        StoreError::File { .. } => broken("/file", "file", error.to_string()),
        error => error.into(),
    }
}

impl From<ChannelError> for Problem {
    fn from(error: ChannelError) -> Self {
        let sentence = error.to_string();
        match error {
            ChannelError::Invalid(problems) => Self::unprocessable(&problems),
            ChannelError::Taken { member, by } => {
                Self::conflict("taken", "Another channel has it", sentence)
                    .with("member", member)
                    .with("by", by)
            }
            ChannelError::Load(error @ LoadError::Read { .. }) => Self::internal(&error),
            ChannelError::Load(_) | ChannelError::Incomplete(_) | ChannelError::Reserved(_) => {
                Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "component",
                    "The component can't be used",
                    sentence,
                )
            }
            ChannelError::Occupied(registration) => occupied(&registration),
            ChannelError::Refused(error) => refused(&error, sentence),
            ChannelError::Origin(error) => origin(&error, sentence),
            ChannelError::Call(error) => error.into(),
            ChannelError::Store(error) => error.into(),
            error @ (ChannelError::Vault(_)
            | ChannelError::Random(_)
            | ChannelError::Damaged(_)) => Self::internal(&error),
        }
    }
}

/// Only the origin of where the webhook leads is told: the rest of an address may be somebody's secret.
fn occupied(registration: &Registration) -> Problem {
    let url = registration.url.as_deref().map(Url::parse);
    let origin = url.and_then(Result::ok);
    let origin = origin.map(|url| url.origin().ascii_serialization());
    let problem = Problem::conflict(
        "occupied",
        "The webhook leads elsewhere",
        format!(
            "the vendor delivers this number's webhooks to {}; send replace_foreign to replace that, or leave it",
            origin.as_deref().unwrap_or("another address")
        ),
    );
    match origin {
        Some(origin) => problem.with("origin", origin),
        None => problem,
    }
}

fn refused(error: &Error, sentence: String) -> Problem {
    let (status, kind, title) = match error.class {
        ErrorClass::Unauthorised => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "credentials",
            "The vendor does not take the credentials",
        ),
        // What was asked for is wrong, and stays so.
        ErrorClass::Invalid | ErrorClass::Recipient => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "vendor",
            "The vendor refused",
        ),
        _ => (StatusCode::BAD_GATEWAY, "vendor", "The vendor refused"),
    };
    Problem::new(status, kind, title, sentence).with("error", json!(error))
}

fn origin(error: &OriginError, sentence: String) -> Problem {
    let pointer = match error {
        OriginError::Setting { pointer, .. } => pointer,
        _ => "",
    };
    broken(pointer, "origin", sentence)
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let sentence = error.to_string();
        match error {
            CallError::Absent(_) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unsupported",
                "The channel does not have this",
                sentence,
            ),
            CallError::Busy { .. } => Self::unavailable(sentence, RETRY),
            error => Self::new(
                StatusCode::BAD_GATEWAY,
                "plugin",
                "The plugin failed",
                sentence,
            )
            .with("reason", error.reason()),
        }
    }
}

impl From<SendError> for Problem {
    fn from(error: SendError) -> Self {
        let sentence = error.to_string();
        let refused =
            |kind, title| Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, title, &*sentence);
        match error {
            SendError::Invalid(problems) => Self::unprocessable(&problems),
            SendError::WindowClosed {
                since,
                problems,
                templates,
            } => {
                let detail = match &*problems {
                    [one] => one.message.clone(),
                    _ => sentence,
                };
                let problem = Self::conflict("window-closed", "The window is closed", detail)
                    .with("problems", json!(problems))
                    .with("templates", json!(templates));
                let since =
                    since.map(|since| json::timestamp::serialize(&since, value::Serializer));
                match since {
                    Some(Ok(since)) => problem.with("since", since),
                    _ => problem,
                }
            }
            SendError::KeyReused => refused("key-reused", "The key was used before"),
            SendError::Key => refused("key", "The key can't be taken"),
            SendError::Call(error) => error.into(),
            SendError::Storage(Failure::Limit(_)) => {
                refused("storage-limit", "The channel's storage is full")
            }
            SendError::Storage(error) => Self::internal(&error),
            SendError::Store(error) => error.into(),
        }
    }
}

impl From<TemplatesError> for Problem {
    fn from(error: TemplatesError) -> Self {
        let sentence = error.to_string();
        match error {
            TemplatesError::Invalid(findings) => {
                let problems: Vec<_> = findings.iter().map(|it| it.problem.clone()).collect();
                Self::unprocessable(&problems).with("findings", json!(findings))
            }
            TemplatesError::Incomplete(problems) => Self::unprocessable(&problems),
            TemplatesError::Missing => Self::not_found(sentence),
            TemplatesError::Conflict(problem) => {
                let title = "The template can't be changed as it stands";
                Self::conflict("template-conflict", title, sentence)
                    .with("problems", json!([problem]))
            }
            TemplatesError::Refused(error) => refused(&error, sentence),
            TemplatesError::Call(error) => error.into(),
            TemplatesError::Storage(failure) => SendError::Storage(failure).into(),
            TemplatesError::Store(error) => error.into(),
        }
    }
}

impl From<MediaError> for Problem {
    fn from(error: MediaError) -> Self {
        let sentence = error.to_string();
        match error {
            MediaError::Invalid(problems) => Self::unprocessable(&problems),
            MediaError::TooLarge(_) => Self::too_large(sentence),
            MediaError::Cut(_) => Self::bad_request(sentence),
            MediaError::Gone(_) => {
                Self::new(StatusCode::GONE, "media-gone", "The file is gone", sentence)
            }
            MediaError::NotNow { retry, .. } => Self::unavailable(sentence, retry),
            MediaError::Refused(error) => refused(&error, sentence),
            MediaError::Denied(_) => {
                let title = "The plugin failed";
                Self::new(StatusCode::BAD_GATEWAY, "plugin", title, sentence)
                    .with("reason", "denied")
            }
            MediaError::Call(error) => error.into(),
            MediaError::Store(error) => error.into(),
            error @ MediaError::File(_) => Self::internal(&error),
        }
    }
}

#[cfg(test)]
mod tests;
