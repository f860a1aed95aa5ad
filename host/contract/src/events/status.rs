//! Steps of the messages that the business sent.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::Serialize;

use crate::json;
use crate::types::{Error, Timestamp};

/// A step of a message that the business sent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Status {
    /// The message.
    #[component(name = "message-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The step.
    pub state: MessageState,
    /// What was given to `sender.send` as its `reference`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The group that it went to.
    #[component(name = "group-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// Why it failed, or a warning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Error>,
    /// What it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
    /// The conversation that the vendor bills, where it has such a thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Conversation>,
    /// A payment that the message asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<Payment>,
}

/// The steps of a message. `sent`, `delivered`, `read`, `played` are ranks: a message never moves
/// back.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum MessageState {
    /// The vendor has passed it on.
    #[component(name = "sent")]
    Sent,
    /// It is on the person's device.
    #[component(name = "delivered")]
    Delivered,
    /// It was read.
    #[component(name = "read")]
    Read,
    /// It was played.
    #[component(name = "played")]
    Played,
    /// It will not arrive.
    #[component(name = "failed")]
    Failed,
    /// The person deleted it.
    #[component(name = "deleted")]
    Deleted,
    /// The vendor warns of something in it.
    #[component(name = "warning")]
    Warning,
    /// Not passed on yet.
    #[component(name = "pending")]
    Pending,
    /// The vendor's word for another step.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// What a message costs, in the vendor's words.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Pricing {
    /// It costs something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billable: Option<bool>,
    /// The model of billing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The kind of price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The part of the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subkind: Option<String>,
    /// The category that is billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// A conversation that is billed. Says nothing about whether one may write.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Conversation {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// When it ends.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires: Option<Timestamp>,
}

/// A payment that a message asked for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Payment {
    /// The seller's reference.
    #[component(name = "reference-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_id: Option<String>,
    /// The amount, times `offset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// What to divide `amount` by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
    /// ISO 4217 currency code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The transaction's id.
    #[component(name = "transaction-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// The provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The transaction's state, in the vendor's word.
    #[component(name = "transaction-status")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_status: Option<String>,
}
