//! `inbox`: taking a delivery in.

use crate::boundary::{ComponentType, Lift, Lower};

use super::events::{Event, Rejection};
use super::outbound::Message;
use super::storage;
use super::types::MimeType;

/// What a delivery comes to.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Reception {
    /// The events that `webhook.normalize` returns, and further ones that knowing the contacts adds. An item that was seen
    /// before is returned again: telling is the host's part.
    pub events: Vec<Event>,
    /// Messages to send because of it, such as a greeting. Each at most once for a contact, however
    /// often the delivery comes.
    pub replies: Vec<Message>,
    /// What to answer, where the vendor wants more than 200.
    pub answer: Option<Answer>,
}

/// An answer to a delivery.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body's type.
    #[component(name = "content-type")]
    pub content_type: Option<MimeType>,
    /// The body, at most 4 KiB.
    pub body: Vec<u8>,
}

/// Why a delivery was not taken in.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum ReceiveError {
    /// It is no list of events.
    #[component(name = "rejected")]
    Rejected(Rejection),
    /// The store failed; the delivery can be tried again.
    #[component(name = "storage")]
    Storage(storage::Failure),
}
