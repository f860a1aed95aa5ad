//! Taking a delivery in: its events, what they say of windows, contacts and templates, and the greeting of who writes for
//! the first time.

use crate::bindings::exports::messaging::channel::inbox::{ReceiveError, Reception};
use crate::bindings::messaging::channel::events::{
    Call, CallDirection, CallState, ContactChange, Content, Conversation, Delivery, Event,
    EventBody, MessageState, Status,
};
use crate::bindings::messaging::channel::outbound::{self, Message, Window};
use crate::bindings::messaging::channel::storage::Failure;
use crate::bindings::messaging::channel::types::{Contact, ErrorClass, Recipient};
use crate::contacts::{self, Cause, Free, Opened, State};
use crate::settings::Settings;
use crate::storage::Storage;
use crate::{template, webhook, window};

/// Takes a delivery in at `now`: the events of [`webhook::normalize`], and the greetings that leave because of them.
///
/// Right on storage that promises no more than per-key compare-and-swap, when called again, and when deliveries come together or in
/// another order. Settings that can't be read greet nobody, and lose nothing.
///
/// # Errors
///
/// [`ReceiveError::Rejected`] as [`webhook::normalize`]; [`ReceiveError::Storage`] where the store failed: the delivery can be tried
/// again, and a greeting that was on its way then is lost rather than sent twice.
pub fn receive(
    storage: &impl Storage,
    settings: &str,
    delivery: &Delivery,
    now: u64,
) -> Result<Reception, ReceiveError> {
    let events = webhook::normalize(Some(settings), delivery).map_err(ReceiveError::Rejected)?;
    let greeting = Settings::parse(settings)
        .ok()
        .and_then(|settings| settings.greeting)
        .filter(|greeting| !greeting.trim().is_empty());
    // Before anybody is greeted: what fails here is tried again, and a greeting would be lost.
    templates(storage, &events).map_err(ReceiveError::Storage)?;
    let replies =
        remember(storage, greeting.as_deref(), &events, now).map_err(ReceiveError::Storage)?;
    Ok(Reception {
        events,
        replies,
        answer: None,
    })
}

/// Keeps the templates that were added to the space as the vendor says they are.
fn templates(storage: &impl Storage, events: &[Event]) -> Result<(), Failure> {
    for event in events.iter().filter(|event| event.origin.own) {
        if let EventBody::Template(change) = &event.body {
            template::changed(storage, change, event.time)?;
        }
    }
    Ok(())
}

/// Remembers what events say of contacts and groups. Returns the greetings to send.
fn remember(
    storage: &impl Storage,
    greeting: Option<&str>,
    events: &[Event],
    now: u64,
) -> Result<Vec<Message>, Failure> {
    let outcome = contacts::update(storage, |memory| {
        for event in events.iter().filter(|event| event.origin.own) {
            let mut news = news(event, now);
            if let Some(group) = group(&event.body) {
                // A participant was seen, no more: the window is the group's.
                let news = std::mem::take(&mut news);
                if let Some(name) = contacts::group_name(group).filter(|_| !news.is_empty()) {
                    memory.group(&name, news)?;
                }
            }
            let Some(contact) = &event.contact else {
                continue;
            };
            let (names, same) = names(contact, &event.body);
            if names.is_empty() || is_untouched_chat(&event.body) {
                continue;
            }
            let record = memory.contact(&names, same)?;
            let wrote = news
                .opened
                .as_ref()
                .is_some_and(|opened| opened.by == Cause::Message);
            if event.time.is_none_or(|time| time > now) && same_opening(&record.state, &news) {
                // It was dated by our clock, and is again: the first time counts.
                news.opened = None;
            }
            record.state.merge(news);
            // Somebody else answers what is only shown to us. (Cloud API, conversation routing: `standby`.)
            if record.greet && event.origin.field.as_deref() != Some("standby") {
                let window = window::evaluate(&record.state.clone().into(), now);
                let opens = wrote && matches!(window, Window::Open(_));
                if let Some(greeting) = greeting.filter(|_| opens) {
                    record.reply = Some(Box::new(greet(contact, greeting)));
                }
                // Who was never seen before is greeted now or never; an imported contact waits for its message.
                record.greet = !opens && !record.fresh;
            }
        }
        Ok(())
    })?;
    Ok(outcome.replies)
}

/// The names of whom an event concerns, and whether they are one contact's by the vendor's word.
fn names(contact: &Contact, body: &EventBody) -> (Vec<String>, bool) {
    let mut names = contacts::names(contact);
    let EventBody::Contact(ContactChange {
        previous: Some(previous),
        ..
    }) = body
    else {
        return (names, false);
    };
    names.extend(contacts::names(previous));
    (names, true)
}

/// The group that an item belongs to.
fn group(body: &EventBody) -> Option<&str> {
    match body {
        EventBody::Message(message) => message.group_id.as_deref(),
        EventBody::Status(status) => status.group_id.as_deref(),
        _ => None,
    }
}

/// What an event says of a window. What is dated in the future happened now: clocks differ.
///
/// The rule: Cloud API, "Customer service windows" and "Free entry points".
fn news(event: &Event, now: u64) -> State {
    let at = event.time.map_or(now, |time| time.min(now));
    let mut news = State::default();
    match &event.body {
        EventBody::Message(message) => {
            if is_written_by_a_person(&message.content) {
                news.opened = Some(Opened::new(at, Cause::Message, message.id.clone()));
            }
            news.came = message.referral.as_ref().map(|_| at);
        }
        EventBody::Call(call) => {
            news.opened = called(call, at).map(|at| Opened::new(at, Cause::Call, call.id.clone()));
        }
        EventBody::Status(status) => {
            let is_closed = status.state == MessageState::Failed
                && (status.errors.iter()).any(|error| error.class == ErrorClass::WindowClosed);
            news.refused = is_closed.then_some(at);
            news.free = free_until(status).map(|until| Free { until, said: at });
        }
        _ => {}
    }
    news
}

/// When the person called, by a step of the call that happened at `at`. The window runs from there, and not from the call's end or
/// from what comes of it later.
fn called(call: &Call, at: u64) -> Option<u64> {
    let is_at_the_call = match &call.state {
        CallState::Connect | CallState::Terminated => true,
        CallState::Other(word) => word == "call_created",
        _ => false,
    };
    let began = call.started.or(is_at_the_call.then_some(at))?;
    (call.direction == Some(CallDirection::Inbound)).then_some(began.min(at))
}

/// Whether a message opens the window. All do that somebody wrote, the ones that the vendor can't show among them. Whether a
/// reaction does is not established, so it does not.
fn is_written_by_a_person(content: &Content) -> bool {
    match content {
        Content::Reaction(_) | Content::WelcomeRequest => false,
        Content::CallPermissionReply(reply) => reply.automatic != Some(true),
        Content::Unsupported(unsupported) => !is_change(unsupported.kind.as_deref()),
        // One that names no message of whose it is.
        Content::Other(other) => !matches!(
            other.kind.as_str(),
            "reaction" | "system" | "edit" | "revoke"
        ),
        _ => true,
    }
}

/// Whether an unsupported message is one that changes another: edits come in this form for a while.
fn is_change(kind: Option<&str>) -> bool {
    matches!(kind, Some("edit" | "reaction"))
}

/// Whether somebody looked at the chat without writing: whoever writes afterwards writes for the first time.
fn is_untouched_chat(body: &EventBody) -> bool {
    matches!(body, EventBody::Message(message) if matches!(message.content, Content::WelcomeRequest))
}

/// Until when messages are free, where a status names the end of a free entry point.
fn free_until(status: &Status) -> Option<u64> {
    let conversation: &Conversation = status.conversation.as_ref()?;
    let pricing = status.pricing.as_ref();
    let is_free = conversation.origin.as_deref() == Some("referral_conversion")
        || pricing.is_some_and(|pricing| {
            pricing.kind.as_deref() == Some("free_entry_point")
                || pricing.category.as_deref() == Some("referral_conversion")
        });
    conversation.expires.filter(|_| is_free)
}

/// Whether an event is the one that opened the window.
fn same_opening(known: &State, news: &State) -> bool {
    let id = |state: &State| state.opened.as_ref().and_then(|opened| opened.id.clone());
    id(known).is_some() && id(known) == id(news)
}

fn greet(contact: &Contact, greeting: &str) -> Message {
    Message {
        to: Recipient::Contact(contact.clone()),
        content: outbound::Content::Text(outbound::Text {
            text: greeting.to_owned(),
            preview_url: None,
        }),
        reply_to: None,
        degrade: Vec::new(),
        fallback: None,
        attributes: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
