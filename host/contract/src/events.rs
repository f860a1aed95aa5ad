//! `events`: what happened, as the items of webhooks say it.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize, Serializer};

use super::json;
use super::types::{Attribute, Contact, Error, Header, Json, Timestamp};

mod changes;
mod message;
mod status;
#[cfg(test)]
mod tests;

pub use changes::*;
pub use message::*;
pub use status::*;

/// One request to the channel's webhook address, authenticated by the host.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Delivery {
    /// The method, in capitals.
    pub method: String,
    /// What follows the channel's own address in the path; empty, or beginning with `/`.
    pub path: String,
    /// The query's parameters, decoded, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// The headers, without those that hold a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
    /// The body.
    #[serde(with = "json::bytes")]
    pub body: Vec<u8>,
}

/// Why a whole delivery is no list of events. A single wrong item is an event of its own, never a
/// rejection.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Rejection {
    /// The reason.
    pub reason: RejectionReason,
    /// A sentence for the operator.
    pub detail: String,
}

/// Reasons to reject a delivery.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum RejectionReason {
    /// The body can't be read at all.
    #[component(name = "malformed")]
    Malformed,
    /// The body is sound, but no webhook of this vendor.
    #[component(name = "foreign")]
    Foreign,
    /// The channel's word for another reason.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// One item of a webhook. Nothing in a batch can hide another item.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Event {
    /// A hash of account, number, field, entry time where there is one, the list that the item
    /// stood in, and the item's canonical JSON: the same item has the same id however often and in
    /// whatever company it is delivered; two different items never share one.
    pub id: String,
    /// When it happened, by the vendor's clock. Absent where the vendor gave no usable time.
    pub time: Option<Timestamp>,
    /// The person it concerns: who wrote, or to whom a message of ours went.
    pub contact: Option<Contact>,
    /// How it came.
    pub origin: Origin,
    /// What it is.
    pub body: EventBody,
    /// The vendor's own scalars, which have no member in `body`.
    pub attributes: Vec<Attribute>,
    /// The item exactly as it came.
    pub raw: Json,
}

/// An event as a host tells it. One without a time of its own has that at which its delivery was received, and says so.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Item")]
pub struct Received<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    time: Option<Timestamp>,
    /// The vendor gave no usable time: it was received then.
    #[serde(default, skip_serializing_if = "json::is_default")]
    time_is_receipt: bool,
    /// The host's id of the message of ours that it tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    our_message: Option<&'a str>,
}

impl<'a> Received<'a> {
    /// An event of a delivery that was received at this time.
    #[must_use]
    pub fn new(event: &'a Event, received: Timestamp) -> Self {
        Self {
            event,
            // The event's own stands in the event.
            time: event.time.is_none().then_some(received),
            time_is_receipt: event.time.is_none(),
            our_message: None,
        }
    }

    /// The same, which tells of a message that was handed in to the host: the host's id of it.
    #[must_use]
    pub fn of(self, our_message: Option<&'a str>) -> Self {
        Self {
            our_message,
            ..self
        }
    }
}

/// How an event came: which envelope, which field, which account and number.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Origin {
    /// The shape of the delivery, in the channel's word.
    pub envelope: String,
    /// The vendor's name of the field or topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The business account.
    #[component(name = "account-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The vendor's id of the business's number.
    #[component(name = "phone-number-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    /// The business's number in digits, as the vendor wrote it.
    #[component(name = "phone-number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The time of the batch's entry.
    #[component(name = "entry-time")]
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub entry_time: Option<Timestamp>,
    /// False where the item names another number than the settings do: it opens no window and is
    /// greeted by nobody.
    pub own: bool,
}

/// The kinds of event.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum EventBody {
    /// Somebody wrote to the business.
    #[component(name = "message")]
    Message(Message),
    /// The business wrote from another tool (an app, another integration). Opens nothing, and is no
    /// customer's message.
    #[component(name = "echo")]
    Echo(Message),
    /// A message was changed by its author.
    #[component(name = "edit")]
    Edit(Edit),
    /// A message was taken back by its author.
    #[component(name = "revoke")]
    Revoke(Revoke),
    /// A step of a message that the business sent.
    #[component(name = "status")]
    Status(Status),
    /// A contact changed: number, id, identity, address-book entry.
    #[component(name = "contact")]
    #[serde(rename = "contact_change")]
    Contact(ContactChange),
    /// A template changed: status, quality, category, content.
    #[component(name = "template")]
    Template(TemplateChange),
    /// The account, a number or a right changed.
    #[component(name = "account")]
    Account(AccountChange),
    /// A call, or a step of one.
    #[component(name = "call")]
    Call(Call),
    /// A group changed.
    #[component(name = "group")]
    Group(GroupChange),
    /// A person's choice about being written to.
    #[component(name = "preference")]
    Preference(Preference),
    /// A form or flow of the vendor's changed or misbehaved.
    #[component(name = "flow")]
    Flow(FlowChange),
    /// An old message, delivered to fill a history. Opens nothing.
    #[component(name = "history")]
    History(HistoryItem),
    /// The vendor reports an error that belongs to no message.
    #[component(name = "error")]
    Error(Error),
    /// What this contract or this channel has no type for.
    #[component(name = "unknown")]
    Unknown(UnknownItem),
}

impl EventBody {
    /// The event's `type` in JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Echo(_) => "echo",
            Self::Edit(_) => "edit",
            Self::Revoke(_) => "revoke",
            Self::Status(_) => "status",
            Self::Contact(_) => "contact",
            Self::Template(_) => "template",
            Self::Account(_) => "account",
            Self::Call(_) => "call",
            Self::Group(_) => "group",
            Self::Preference(_) => "preference",
            Self::Flow(_) => "flow",
            Self::History(_) => "history",
            Self::Error(_) => "error",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// An event as it is written.
#[derive(Serialize, JsonSchema)]
pub(super) struct Face<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'a Contact>,
    origin: &'a Origin,
    #[serde(flatten)]
    body: &'a EventBody,
    #[serde(with = "json::attributes", skip_serializing_if = "<[_]>::is_empty")]
    attributes: &'a [Attribute],
    #[serde(with = "json::text")]
    raw: &'a str,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Face {
            id: &self.id,
            kind: self.body.kind(),
            time: self.time,
            contact: self.contact.as_ref(),
            origin: &self.origin,
            body: &self.body,
            attributes: &self.attributes,
            raw: &self.raw,
        }
        .serialize(serializer)
    }
}
