//! Calls and their steps. Cloud API, calls webhook: `calls[]`.

use super::contact::named;
use super::message::{RECEIVER, SENDER};
use super::node::Node;
use super::{Item, Shared, status, unknown};
use crate::bindings::messaging::channel::events::{
    Call, CallDirection, CallSession, CallState, EventBody,
};

/// A step of a call, in the vendor's word: an `event` of a call, or a `status` of one that the business makes.
pub(super) fn state(word: &str) -> CallState {
    match word.to_ascii_lowercase().as_str() {
        "connect" => CallState::Connect,
        "ringing" => CallState::Ringing,
        "accepted" => CallState::Accepted,
        "rejected" => CallState::Rejected,
        "terminate" => CallState::Terminated,
        _ => CallState::Other(word.to_owned()),
    }
}

/// Takes the step in this member, where the event says it in the vendor's letters.
pub(super) fn take_state(item: &Node<'_>, path: &str) -> Option<CallState> {
    let word = item.word(path)?;
    let state = state(&word);
    let is_said = match &state {
        CallState::Terminated => false,
        CallState::Other(_) => true,
        _ => *word == word.to_ascii_lowercase(),
    };
    if is_said {
        item.take(path);
    }
    Some(state)
}

/// A call, or a step of one.
pub(super) fn call(shared: &Shared<'_>, item: &Node<'_>) -> Item {
    let time = item.instant("timestamp");
    let Some(state) = take_state(item, "event") else {
        return Item {
            time,
            contact: None,
            body: unknown("calls", "event is missing"),
        };
    };
    let direction = match item.word("direction").as_deref() {
        Some("USER_INITIATED") => Some(CallDirection::Inbound),
        Some("BUSINESS_INITIATED") => Some(CallDirection::Outbound),
        _ => None,
    };
    let outbound = match direction {
        Some(direction) => direction == CallDirection::Outbound,
        None => shared.is_business(item.word("from").as_deref()),
    };
    // The one who is not the business.
    let contact = named(item, if outbound { RECEIVER } else { SENDER });
    // Half a session is none.
    let session = item.get("session").and_then(|session| {
        session.word("sdp_type").and(session.word("sdp"))?;
        Some(CallSession {
            kind: session.text("sdp_type")?,
            sdp: session.text("sdp")?,
        })
    });
    Item {
        time,
        contact: shared.profiles.complete(contact, shared.alone),
        body: EventBody::Call(Call {
            id: item.text("id"),
            direction,
            state,
            outcome: item.text("status"),
            started: item.instant("start_time"),
            ended: item.instant("end_time"),
            duration: item.whole("duration"),
            session,
            reference: item.text("biz_opaque_callback_data"),
            payload: item.text("cta_payload"),
            errors: status::errors(item),
        }),
    }
}
