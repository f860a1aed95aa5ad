//! `outbound`: messages to send, and whether they may be sent.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::types::{Attribute, MimeType, Recipient, Timestamp};
use super::{json, strict};

mod content;
mod template;

pub use content::*;
pub use template::*;

/// One request that sends one part of a message.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Payload {
    /// The method, in capitals.
    pub method: String,
    /// The path below the base address in the settings, beginning with `/`.
    pub path: String,
    /// The type of `body`.
    #[component(name = "content-type")]
    pub content_type: MimeType,
    /// The body, sent as it stands: what people wrote may look like a placeholder of a secret, and
    /// is none.
    pub body: Vec<u8>,
}

/// Whether free-form messages are allowed to a contact.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Window {
    /// They are, until then.
    #[component(name = "open")]
    Open(OpenWindow),
    /// They are not; only templates are.
    #[component(name = "closed")]
    Closed(ClosedWindow),
    /// Nothing is known of this contact, or the vendor has no such rule.
    #[component(name = "unknown")]
    Unknown,
}

/// An open window.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct OpenWindow {
    /// The last instant at which a free-form message is safe; the channel's safety margin is taken
    /// off.
    #[serde(with = "json::timestamp")]
    pub until: Timestamp,
    /// What opened it.
    pub because: Opening,
}

/// A closed window.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct ClosedWindow {
    /// Since when; absent where it was never open.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub since: Option<Timestamp>,
    /// What had opened it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<Opening>,
}

/// What opens a window.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Opening {
    /// When, by the vendor's clock.
    #[serde(with = "json::timestamp")]
    pub at: Timestamp,
    /// What.
    pub cause: OpeningCause,
    /// The id of the message or call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// What can open a window.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum OpeningCause {
    /// The person wrote.
    #[component(name = "message")]
    Message,
    /// The person called.
    #[component(name = "call")]
    Call,
    /// The vendor's word for something else.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// What a channel remembers of a contact's window.
#[derive(
    Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct WindowState {
    /// The latest that opened it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<Opening>,
    /// The vendor said then that it is closed.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub refused: Option<Timestamp>,
    /// The person came by an advertisement or a page, which makes messages free for a while. Opens
    /// nothing.
    #[component(name = "free-entry-point")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_entry_point: Option<EntryPoint>,
}

/// A way in that makes messages free for a while.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct EntryPoint {
    /// When the person came by it.
    #[serde(with = "json::timestamp")]
    pub at: Timestamp,
    /// Until when messages are free, where the vendor says so.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub until: Option<Timestamp>,
}

/// A message to send.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(remote = "Self")]
pub struct Message {
    /// Whom it goes to.
    pub to: Recipient,
    /// What it says.
    pub content: Content,
    /// The message that it answers.
    #[component(name = "reply-to")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// What the channel may change to make it fit. Without them a message that does not fit is
    /// refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub degrade: Vec<Degradation>,
    /// The template to send in its place where free-form messages are not allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<TemplateMessage>,
    /// The vendor's own members, to be put into the payload at their path; refused where the
    /// channel does not know them.
    #[serde(
        default,
        with = "json::attributes",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<Attribute>,
}

/// A message as it is handed in to a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self")]
pub struct Posted {
    /// What is to be sent.
    #[serde(flatten, with = "Message")]
    pub message: Message,
    /// It does not leave after that; without, it is tried for as long as the host tries any. What is on its way by then
    /// is settled by its answer.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires: Option<Timestamp>,
}

/// What a channel may change to make a message fit.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    PartialEq,
    Serialize,
    Deserialize,
    JsonSchema,
    ComponentType,
    Lift,
    Lower,
)]
#[component(enum)]
#[repr(u8)]
#[serde(rename_all = "snake_case")]
pub enum Degradation {
    /// Split text that is too long, at the ends of sentences or lines.
    #[component(name = "split-text")]
    SplitText,
    /// Send more buttons than fit as a list.
    #[component(name = "buttons-to-list")]
    ButtonsToList,
}

crate::lifted! { Degradation: SplitText ButtonsToList; }

strict::strict_serde!(Message, Posted);

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let body = String::from_utf8_lossy(&self.body);
        let essence = self.content_type.split(';').next().unwrap_or_default();
        let json = essence
            .trim()
            .eq_ignore_ascii_case("application/json")
            .then(|| serde_json::from_str::<&RawValue>(&body).ok())
            .flatten();
        let mut payload = serializer.serialize_struct("Payload", 4)?;
        payload.serialize_field("method", &self.method)?;
        payload.serialize_field("path", &self.path)?;
        if self.content_type == "application/json" {
            payload.skip_field("content_type")?;
        } else {
            payload.serialize_field("content_type", &self.content_type)?;
        }
        match json {
            Some(json) => payload.serialize_field("body", json)?,
            None => payload.serialize_field("body", &body)?,
        }
        payload.end()
    }
}
