//! Old messages, delivered to fill a history. Coexistence, `history`: chunks with threads of messages; media follow as `messages[]`.

use super::contact::{Profiles, named};
use super::envelope::{all, parts};
use super::message::{RECEIVER, SENDER};
use super::node::{self, Node};
use super::{Item, Reader, Shared, is_container, message, status, wire};
use crate::bindings::messaging::channel::events::{EventBody, HistoryItem};
use crate::bindings::messaging::channel::types::Contact;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The chunk that an old message came in. Coexistence, `history[].metadata`.
#[derive(Clone, Copy, Default)]
pub(super) struct Chunk {
    phase: Option<u32>,
    number: Option<u32>,
    progress: Option<u32>,
}

impl Chunk {
    fn of(element: &Node<'_>) -> Self {
        Self {
            phase: element.whole("metadata/phase"),
            number: element.whole("metadata/chunk_order"),
            progress: element.whole("metadata/progress"),
        }
    }

    fn item(self) -> HistoryItem {
        HistoryItem {
            phase: self.phase,
            chunk: self.number,
            progress: self.progress,
            message: None,
            outbound: None,
            state: None,
            errors: Vec::new(),
        }
    }
}

impl Reader {
    /// An element of `history[]`: each message of its threads is an item; an element without threads is one itself.
    pub(super) fn history(&mut self, shared: &Shared<'_>, raw: &str) {
        let members = wire::members(raw).unwrap_or_default();
        let threads = all(&members, "threads");
        if threads.is_empty() {
            return self.item(shared, "history", raw);
        }
        let chunk = node::read(raw, Chunk::of);
        for thread in threads {
            let members = wire::members(thread).unwrap_or_default();
            let messages = all(&members, "messages");
            let shared = Shared {
                profiles: Profiles::of(node::read(thread, person)),
                // Whoever the thread is with, unless a message says otherwise.
                alone: true,
                metadata: shared.metadata.clone(),
                chunk,
                ..*shared
            };
            if messages.is_empty() {
                self.item(&shared, "threads", thread);
            }
            for message in &messages {
                self.item(&shared, "history", message);
            }
            if !messages.is_empty() {
                self.beside(&shared, &members, &["id", "context", "messages"]);
            }
        }
        self.beside(shared, &members, &["metadata", "threads"]);
    }

    /// What stands beside the messages of a thread, or the threads of an element.
    fn beside(
        &mut self,
        shared: &Shared<'_>,
        members: &[(Cow<'_, str>, &RawValue)],
        known: &[&str],
    ) {
        for (name, member) in members {
            if !known.contains(&name.as_ref()) && is_container(member) {
                for part in parts(name, member) {
                    self.item(shared, name, part);
                }
            }
        }
    }
}

/// Whom a thread is with: `id` is a phone number, or that of a group.
fn person(thread: &Node<'_>) -> Contact {
    let id = thread.word("id").filter(|id| {
        id.trim_start_matches('+')
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    });
    let context = named(
        thread,
        ["context/wa_id", "context/user_id", "context/parent_user_id"],
    );
    Contact {
        phone: context.phone.or(id.map(Cow::into_owned)),
        username: thread.text("context/username"),
        ..context
    }
}

/// A chunk or a thread without messages: how far it is, or why there is no history.
pub(super) fn step(shared: &Shared<'_>, item: &Node<'_>) -> Item {
    let chunk = if item.get("metadata").is_some() {
        Chunk::of(item)
    } else {
        shared.chunk
    };
    Item {
        time: None,
        contact: shared.profiles.complete(person(item), false),
        body: EventBody::History(HistoryItem {
            errors: status::errors(item),
            ..chunk.item()
        }),
    }
}

/// A message that was written long before.
pub(super) fn message(shared: &Shared<'_>, item: &Node<'_>, raw: &str) -> Item {
    let outbound = RECEIVER.iter().any(|name| item.word(name).is_some())
        || shared.is_business(item.word("from").as_deref());
    let contact = named(item, if outbound { RECEIVER } else { SENDER });
    Item {
        time: item.instant("timestamp"),
        contact: shared.profiles.complete(contact, shared.alone),
        body: EventBody::History(HistoryItem {
            message: Some(message::message(item, raw)),
            outbound: Some(outbound),
            state: status::take_state(item, "history_context/status"),
            ..shared.chunk.item()
        }),
    }
}
