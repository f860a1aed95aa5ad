//! Statuses of messages and calls, and errors. Cloud API, status messages and calls webhooks: `statuses[]`; messages webhook:
//! `errors[]`.

use super::contact::named;
use super::node::Node;
use super::{Item, Shared, call, unknown};
use crate::bindings::messaging::channel::events::{
    Call, CallDirection, Conversation, EventBody, MessageState, Payment, Pricing, Status,
};
use crate::bindings::messaging::channel::types::{Contact, Error};
use crate::errors;

/// The members that name whose step it is of a message to a group.
const PARTICIPANT: [&str; 3] = [
    "recipient_participant_id",
    "recipient_participant_user_id",
    "recipient_participant_parent_user_id",
];

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

/// Takes the step in this member, where the event says it in the vendor's letters.
pub(super) fn take_state(item: &Node<'_>, path: &str) -> Option<MessageState> {
    let word = item.word(path)?;
    let state = state(&word);
    if matches!(state, MessageState::Other(_)) || *word == word.to_ascii_lowercase() {
        item.take(path);
    }
    Some(state)
}

/// A step of a message that the business sent, or of a call that it makes.
pub(super) fn status(shared: &Shared<'_>, item: &Node<'_>) -> Item {
    let time = item.instant("timestamp");
    let Some(word) = item.word("status") else {
        return Item {
            time,
            contact: None,
            body: unknown("statuses", "status is missing"),
        };
    };
    let is_group = item.word("recipient_type").as_deref() == Some("group")
        || PARTICIPANT.iter().any(|name| item.word(name).is_some());
    let group = is_group.then(|| item.text("recipient_id")).flatten();
    let contact = if group.is_some() {
        named(item, PARTICIPANT)
    } else {
        // On-premise API: the recipient may stand with the message alone. Payments API: who pays may stand in `from`.
        let phone = ["recipient_id", "message/recipient_id", "from"]
            .into_iter()
            .find(|path| item.word(path).is_some())
            .unwrap_or("recipient_id");
        named(
            item,
            [phone, "recipient_user_id", "recipient_parent_user_id"],
        )
    };
    let contact = Contact {
        identity_hash: item.text("recipient_identity_key_hash"),
        ..contact
    };
    let is_call =
        shared.source.field == Some("calls") || item.word("type").as_deref() == Some("call");
    let body = if is_call {
        EventBody::Call(call_step(item, &word))
    } else {
        EventBody::Status(Status {
            message_id: item.text("id"),
            state: take_state(item, "status").unwrap_or_else(|| state(&word)),
            reference: item.text("biz_opaque_callback_data"),
            group_id: group,
            errors: failures(item),
            pricing: object(item, "pricing").map(pricing),
            conversation: object(item, "conversation").map(conversation),
            payment: object(item, "payment").map(payment),
        })
    };
    Item {
        time,
        contact: shared.profiles.complete(contact, shared.alone),
        body,
    }
}

fn object<'n, 'a>(item: &'n Node<'a>, name: &str) -> Option<&'n Node<'a>> {
    item.get(name).filter(|member| member.is_object())
}

/// A step of a call. Only calls of the business have statuses: the recipient is whom it calls.
fn call_step(item: &Node<'_>, word: &str) -> Call {
    Call {
        id: item.text("id"),
        direction: Some(CallDirection::Outbound),
        state: call::take_state(item, "status").unwrap_or_else(|| call::state(word)),
        outcome: None,
        started: None,
        ended: None,
        duration: None,
        session: None,
        reference: item.text("biz_opaque_callback_data"),
        payload: None,
        errors: errors(item),
    }
}

fn pricing(pricing: &Node<'_>) -> Pricing {
    Pricing {
        billable: pricing.boolean("billable"),
        model: pricing.text("pricing_model"),
        kind: pricing.text("type"),
        subkind: pricing.text("subtype"),
        category: pricing.text("category"),
    }
}

fn conversation(conversation: &Node<'_>) -> Conversation {
    Conversation {
        id: conversation.text("id"),
        origin: conversation.text("origin/type"),
        expires: conversation.instant("expiration_timestamp"),
    }
}

/// Payments API (India): `payment` of a status.
fn payment(payment: &Node<'_>) -> Payment {
    Payment {
        reference_id: payment.text("reference_id"),
        amount: payment.whole("amount/value"),
        offset: payment.whole("amount/offset"),
        currency: payment.text("currency"),
        transaction_id: payment.text("transaction/id"),
        provider: payment.text("transaction/type"),
        transaction_status: payment.text("transaction/status"),
    }
}

/// An error that belongs to no message.
pub(super) fn item(error: &Node<'_>) -> Item {
    Item {
        time: None,
        contact: None,
        body: EventBody::Error(self::error(error)),
    }
}

/// The errors of an item.
pub(super) fn errors(item: &Node<'_>) -> Vec<Error> {
    item.objects("errors").map(error).collect()
}

/// Why a message that was sent fails, and what to do: what the codes' remedies say is of such messages.
fn failures(item: &Node<'_>) -> Vec<Error> {
    let mut failures = errors(item);
    for failure in &mut failures {
        let remedy = failure.code.as_deref().and_then(errors::remedy);
        failure.remedy = remedy.map(str::to_owned);
    }
    failures
}

/// An error as webhooks carry it, in the Cloud API's form and in that of the on-premise API.
fn error(error: &Node<'_>) -> Error {
    let code = error.text("code");
    let (class, retry) = errors::classify(code.as_deref());
    let title = error.text("title");
    // Meta repeats the title there.
    let says_more = error.word("message").as_deref() != title.as_deref();
    Error {
        class,
        retry,
        code,
        title,
        message: says_more.then(|| error.text("message")).flatten(),
        // Cloud API: an object, or its sentence alone; on-premise API: a member of the error.
        details: ["error_data/details", "error_data", "details"]
            .into_iter()
            .find_map(|path| error.text(path)),
        link: error.text("href"),
        remedy: None,
        attributes: Vec::new(),
    }
}
