//! Calls and their steps. Cloud API, calls webhook: `calls[]`.

use super::contact::Named;
use super::status::Fault;
use super::wire::{self, Text};
use super::{Item, Shared, attribute, text_attribute};
use crate::bindings::messaging::channel::events::{
    Call, CallDirection, CallSession, CallState, EventBody, UnknownItem,
};
use crate::bindings::messaging::channel::types::Attribute;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(expecting = "a call object")]
struct Members<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    from: Option<Text<'a>>,
    #[serde(borrow)]
    from_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    from_parent_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    to: Option<Text<'a>>,
    #[serde(borrow)]
    to_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    to_parent_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    event: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    direction: Option<Text<'a>>,
    #[serde(borrow)]
    session: Option<Session<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    start_time: Option<Text<'a>>,
    #[serde(borrow)]
    end_time: Option<Text<'a>>,
    #[serde(borrow)]
    duration: Option<Text<'a>>,
    #[serde(borrow)]
    biz_opaque_callback_data: Option<Text<'a>>,
    #[serde(borrow)]
    cta_payload: Option<Text<'a>>,
    #[serde(borrow)]
    deeplink_payload: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<Vec<Fault<'a>>>,
}

#[derive(Deserialize)]
struct Session<'a> {
    #[serde(borrow)]
    sdp_type: Option<Text<'a>>,
    #[serde(borrow)]
    sdp: Option<Text<'a>>,
}

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

/// Whether an item can be read as a call.
pub(super) fn is_sound(text: &str) -> bool {
    serde_json::from_str::<Members<'_>>(text).is_ok()
}

/// A call, or a step of one.
pub(super) fn call(shared: &Shared<'_>, raw: &str) -> serde_json::Result<Item> {
    let members: Members<'_> = serde_json::from_str(raw)?;
    let time = members.timestamp.as_ref().and_then(Text::instant);
    let Some(word) = wire::str(members.event.as_ref()) else {
        return Ok(Item {
            time,
            contact: None,
            body: EventBody::Unknown(UnknownItem {
                field: Some("calls".to_owned()),
                reason: Some("event is missing".to_owned()),
            }),
            attributes: Vec::new(),
        });
    };
    let mut attributes = Vec::new();
    let direction = members.direction(&mut attributes);
    let outbound = match direction {
        Some(direction) => direction == CallDirection::Outbound,
        None => members.is_from_the_business(shared),
    };
    let business = if outbound {
        [
            ("/from", &members.from),
            ("/from_user_id", &members.from_user_id),
            ("/from_parent_user_id", &members.from_parent_user_id),
        ]
    } else {
        [
            ("/to", &members.to),
            ("/to_user_id", &members.to_user_id),
            ("/to_parent_user_id", &members.to_parent_user_id),
        ]
    };
    for (path, value) in business {
        text_attribute(&mut attributes, path, value.as_ref());
    }
    attribute(
        &mut attributes,
        "/deeplink_payload",
        members.deeplink_payload,
    );
    let session = members.session(&mut attributes);
    Ok(Item {
        time,
        contact: members
            .person(outbound)
            .contact(&shared.profiles, shared.alone),
        body: EventBody::Call(Call {
            id: wire::owned(members.id.as_ref()),
            direction,
            state: state(word),
            outcome: wire::owned(members.status.as_ref()),
            started: members.start_time.as_ref().and_then(Text::instant),
            ended: members.end_time.as_ref().and_then(Text::instant),
            duration: members.duration.as_ref().and_then(Text::whole),
            session,
            reference: wire::owned(members.biz_opaque_callback_data.as_ref()),
            payload: wire::owned(members.cta_payload.as_ref()),
            errors: members.errors.iter().flatten().map(Fault::error).collect(),
        }),
        attributes,
    })
}

impl Members<'_> {
    /// Who called; a word that is not known is an attribute.
    fn direction(&self, attributes: &mut Vec<Attribute>) -> Option<CallDirection> {
        match wire::str(self.direction.as_ref())? {
            "USER_INITIATED" => Some(CallDirection::Inbound),
            "BUSINESS_INITIATED" => Some(CallDirection::Outbound),
            _ => {
                text_attribute(attributes, "/direction", self.direction.as_ref());
                None
            }
        }
    }

    fn is_from_the_business(&self, shared: &Shared<'_>) -> bool {
        let business = wire::str(shared.metadata.display_phone_number.as_ref());
        business.is_some() && wire::str(self.from.as_ref()) == business
    }

    /// The one who is not the business.
    fn person(&self, outbound: bool) -> Named<'_> {
        let (phone, user_id, parent_user_id) = if outbound {
            (&self.to, &self.to_user_id, &self.to_parent_user_id)
        } else {
            (&self.from, &self.from_user_id, &self.from_parent_user_id)
        };
        Named {
            phone: wire::str(phone.as_ref()),
            user_id: wire::str(user_id.as_ref()),
            parent_user_id: wire::str(parent_user_id.as_ref()),
        }
    }

    /// How sound is to be exchanged. Half a session is none: what there is of it are attributes.
    fn session(&self, attributes: &mut Vec<Attribute>) -> Option<CallSession> {
        let session = self.session.as_ref()?;
        let (kind, sdp) = (session.sdp_type.as_ref(), session.sdp.as_ref());
        if let (Some(kind), Some(sdp)) = (wire::owned(kind), wire::owned(sdp)) {
            return Some(CallSession { kind, sdp });
        }
        text_attribute(attributes, "/session/sdp_type", kind);
        text_attribute(attributes, "/session/sdp", sdp);
        None
    }
}
