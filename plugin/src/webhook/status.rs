//! Statuses of messages and calls, and errors. Cloud API, status messages and calls webhooks: `statuses[]`; messages webhook:
//! `errors[]`.

use super::contact::Named;
use super::wire::{self, Text};
use super::{Item, Shared, attribute, call, text_attribute};
use crate::bindings::messaging::channel::events::{
    self, Call, CallDirection, EventBody, MessageState, UnknownItem,
};
use crate::bindings::messaging::channel::types::Error;
use crate::errors;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
#[serde(expecting = "a status object")]
struct Members<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_id: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_parent_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_type: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_participant_id: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_participant_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_participant_parent_user_id: Option<Text<'a>>,
    /// On-premise API.
    #[serde(borrow)]
    message: Option<OldMessage<'a>>,
    #[serde(borrow)]
    biz_opaque_callback_data: Option<Text<'a>>,
    #[serde(borrow)]
    conversation: Option<Conversation<'a>>,
    #[serde(borrow)]
    pricing: Option<Pricing<'a>>,
    #[serde(borrow)]
    payment: Option<Payment<'a>>,
    #[serde(borrow)]
    errors: Option<Vec<Fault<'a>>>,
    #[serde(borrow)]
    recipient_identity_key_hash: Option<&'a RawValue>,
    #[serde(borrow)]
    template_id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct OldMessage<'a> {
    #[serde(borrow)]
    recipient_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Conversation<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    expiration_timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    origin: Option<ConversationOrigin<'a>>,
}

#[derive(Deserialize)]
struct ConversationOrigin<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Pricing<'a> {
    #[serde(borrow)]
    billable: Option<Text<'a>>,
    #[serde(borrow)]
    pricing_model: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    subtype: Option<Text<'a>>,
    #[serde(borrow)]
    category: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Payment<'a> {
    #[serde(borrow)]
    reference_id: Option<Text<'a>>,
    #[serde(borrow)]
    amount: Option<Amount<'a>>,
    #[serde(borrow)]
    currency: Option<Text<'a>>,
    #[serde(borrow)]
    receipt: Option<&'a RawValue>,
    #[serde(borrow)]
    transaction: Option<Transaction<'a>>,
}

#[derive(Deserialize)]
struct Amount<'a> {
    #[serde(borrow)]
    value: Option<Text<'a>>,
    #[serde(borrow)]
    offset: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Transaction<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    created_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    updated_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    currency: Option<&'a RawValue>,
}

/// An error as webhooks carry it, in the Cloud API's form and in that of the on-premise API.
#[derive(Deserialize)]
#[serde(expecting = "an error object")]
pub(super) struct Fault<'a> {
    #[serde(borrow)]
    code: Option<Text<'a>>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(borrow)]
    details: Option<Text<'a>>,
    #[serde(borrow)]
    error_data: Option<ErrorData<'a>>,
    #[serde(borrow)]
    href: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorData<'a> {
    Object { details: Option<String> },
    Sentence(Cow<'a, str>),
}

impl Fault<'_> {
    pub(super) fn error(&self) -> Error {
        let code = wire::owned(self.code.as_ref());
        let title = wire::owned(self.title.as_ref());
        let (class, retry) = errors::classify(code.as_deref());
        Error {
            class,
            retry,
            // Meta repeats the title there.
            message: wire::owned(self.message.as_ref())
                .filter(|message| title.as_ref() != Some(message)),
            details: self
                .error_data
                .as_ref()
                .and_then(|details| match details {
                    ErrorData::Object { details } => details.clone(),
                    ErrorData::Sentence(sentence) => Some(sentence.to_string()),
                })
                .or_else(|| wire::owned(self.details.as_ref()))
                .filter(|details| !details.is_empty()),
            link: wire::owned(self.href.as_ref()),
            remedy: None,
            attributes: Vec::new(),
            code,
            title,
        }
    }
}

/// A step of a message, in the vendor's word.
pub(super) fn state(word: &str) -> MessageState {
    match word.to_ascii_lowercase().as_str() {
        "sent" => MessageState::Sent,
        "delivered" => MessageState::Delivered,
        "read" => MessageState::Read,
        "played" => MessageState::Played,
        "failed" => MessageState::Failed,
        "deleted" => MessageState::Deleted,
        "warning" => MessageState::Warning,
        "pending" => MessageState::Pending,
        _ => MessageState::Other(word.to_owned()),
    }
}

/// Whether an item can be read as a status.
pub(super) fn is_sound(text: &str) -> bool {
    serde_json::from_str::<Members<'_>>(text).is_ok()
}

/// A step of a message that the business sent, or of a call that it makes.
pub(super) fn status(shared: &Shared<'_>, raw: &str) -> serde_json::Result<Item> {
    let members: Members<'_> = serde_json::from_str(raw)?;
    let time = members.timestamp.as_ref().and_then(Text::instant);
    let Some(word) = wire::str(members.status.as_ref()) else {
        return Ok(Item {
            time,
            contact: None,
            body: EventBody::Unknown(UnknownItem {
                field: Some("statuses".to_owned()),
                reason: Some("status is missing".to_owned()),
            }),
            attributes: Vec::new(),
        });
    };
    let group = wire::str(members.recipient_type.as_ref()) == Some("group");
    let recipient = wire::str(members.recipient_id.as_ref()).or_else(|| {
        let message = members.message.as_ref()?;
        wire::str(message.recipient_id.as_ref())
    });
    let named = if group {
        Named {
            phone: wire::str(members.recipient_participant_id.as_ref()),
            user_id: wire::str(members.recipient_participant_user_id.as_ref()),
            parent_user_id: wire::str(members.recipient_participant_parent_user_id.as_ref()),
        }
    } else {
        Named {
            phone: recipient,
            user_id: wire::str(members.recipient_user_id.as_ref()),
            parent_user_id: wire::str(members.recipient_parent_user_id.as_ref()),
        }
    };
    let mut attributes = Vec::new();
    attribute(
        &mut attributes,
        "/recipient_identity_key_hash",
        members.recipient_identity_key_hash,
    );
    attribute(&mut attributes, "/template_id", members.template_id);
    for (path, value) in [
        ("/type", &members.kind),
        ("/recipient_type", &members.recipient_type),
    ] {
        text_attribute(&mut attributes, path, value.as_ref());
    }
    if group {
        text_attribute(
            &mut attributes,
            "/recipient_user_id",
            members.recipient_user_id.as_ref(),
        );
    }
    if let Some(payment) = &members.payment {
        attribute(&mut attributes, "/payment/receipt", payment.receipt);
        if let Some(transaction) = &payment.transaction {
            for (path, value) in [
                (
                    "/payment/transaction/created_timestamp",
                    transaction.created_timestamp,
                ),
                (
                    "/payment/transaction/updated_timestamp",
                    transaction.updated_timestamp,
                ),
                ("/payment/transaction/currency", transaction.currency),
            ] {
                attribute(&mut attributes, path, value);
            }
        }
    }
    let is_call =
        shared.source.field == Some("calls") || wire::str(members.kind.as_ref()) == Some("call");
    let body = if is_call {
        EventBody::Call(members.call(word))
    } else {
        EventBody::Status(events::Status {
            message_id: wire::owned(members.id.as_ref()),
            state: state(word),
            reference: wire::owned(members.biz_opaque_callback_data.as_ref()),
            group_id: group.then_some(recipient).flatten().map(str::to_owned),
            errors: members.errors.iter().flatten().map(Fault::error).collect(),
            pricing: members.pricing.as_ref().map(Pricing::pricing),
            conversation: members
                .conversation
                .as_ref()
                .map(Conversation::conversation),
            payment: members.payment.as_ref().map(Payment::payment),
        })
    };
    Ok(Item {
        time,
        contact: named.contact(&shared.profiles, shared.alone),
        body,
        attributes,
    })
}

impl Members<'_> {
    /// A step of a call. Only calls of the business have statuses: the recipient is whom it calls.
    fn call(&self, word: &str) -> Call {
        Call {
            id: wire::owned(self.id.as_ref()),
            direction: Some(CallDirection::Outbound),
            state: call::state(word),
            outcome: None,
            started: None,
            ended: None,
            duration: None,
            session: None,
            reference: wire::owned(self.biz_opaque_callback_data.as_ref()),
            payload: None,
            errors: self.errors.iter().flatten().map(Fault::error).collect(),
        }
    }
}

/// An error that belongs to no message.
pub(super) fn error(raw: &str) -> serde_json::Result<Item> {
    let fault: Fault<'_> = serde_json::from_str(raw)?;
    Ok(Item {
        time: None,
        contact: None,
        body: EventBody::Error(fault.error()),
        attributes: Vec::new(),
    })
}

impl Pricing<'_> {
    fn pricing(&self) -> events::Pricing {
        events::Pricing {
            billable: self.billable.as_ref().and_then(Text::boolean),
            model: wire::owned(self.pricing_model.as_ref()),
            kind: wire::owned(self.kind.as_ref()),
            subkind: wire::owned(self.subtype.as_ref()),
            category: wire::owned(self.category.as_ref()),
        }
    }
}

impl Conversation<'_> {
    fn conversation(&self) -> events::Conversation {
        events::Conversation {
            id: wire::owned(self.id.as_ref()),
            origin: self
                .origin
                .as_ref()
                .and_then(|origin| wire::owned(origin.kind.as_ref())),
            expires: self.expiration_timestamp.as_ref().and_then(Text::instant),
        }
    }
}

impl Payment<'_> {
    fn payment(&self) -> events::Payment {
        let amount = self.amount.as_ref();
        let transaction = self.transaction.as_ref();
        events::Payment {
            reference_id: wire::owned(self.reference_id.as_ref()),
            amount: amount.and_then(|amount| amount.value.as_ref()?.whole()),
            offset: amount.and_then(|amount| amount.offset.as_ref()?.whole()),
            currency: wire::owned(self.currency.as_ref()),
            transaction_id: transaction
                .and_then(|transaction| wire::owned(transaction.id.as_ref())),
            provider: transaction.and_then(|transaction| wire::owned(transaction.kind.as_ref())),
            transaction_status: transaction
                .and_then(|transaction| wire::owned(transaction.status.as_ref())),
        }
    }
}
