//! `sender`: sending one part of a message.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::Serialize;

use super::json;
use super::types::{Attribute, Contact};

/// What the vendor said of a message that it accepted. Accepted is not delivered.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Sent {
    /// The vendor's id of the message; absent where it gives none.
    #[component(name = "message-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Whether the vendor holds it back, in its word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whom the vendor took the recipient for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// What else the vendor says.
    #[serde(
        default,
        with = "json::attributes",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<Attribute>,
}
