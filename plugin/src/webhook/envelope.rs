//! The shapes of a body: which change came in which envelope.
//!
//! Containers are taken apart member by member, so that an odd or doubled one hides nothing that lies beside or in it. What a
//! container holds and no shape knows is an item of its own.

use super::wire::{self, Text};
use super::{ITEM_LISTS, MAX_SHARED, Reader, content, is_container, shared, status};
use crate::bindings::messaging::channel::events::MessageState;
use serde_json::value::RawValue;
use std::borrow::Cow;

const FOREIGN: &str = "the body has none of the members of a WhatsApp webhook";

/// Events of 360dialog's partner webhook that carry the Cloud API's `value` as their `data`. 360dialog, coexistence webhooks.
const COEXISTENCE: [&str; 3] = ["history", "smb_app_state_sync", "smb_message_echoes"];

/// Where a change came from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) envelope: &'static str,
    pub(super) account: Option<&'a str>,
    pub(super) time: Option<u64>,
    pub(super) field: Option<&'a str>,
}

impl Source<'_> {
    fn of(envelope: &'static str) -> Self {
        Self {
            envelope,
            account: None,
            time: None,
            field: None,
        }
    }
}

impl Reader {
    /// A body by its shape; the error says why it is no webhook of ours.
    pub(super) fn body(&mut self, raw: &str) -> Result<(), String> {
        let members = wire::members(raw).ok_or(FOREIGN)?;
        let has = |name: &str| members.iter().any(|(member, _)| member == name);
        let has_any = |names: &[&str]| names.iter().any(|name| has(name));
        for object in all(&members, "object") {
            if serde_json::from_str::<Text<'_>>(object).is_ok_and(|object| object.0 != ACCOUNT) {
                return Err(format!(
                    "the body is a webhook for {object}, not for {ACCOUNT}"
                ));
            }
        }
        let bare = Source::of("bare");
        if has("entry") {
            let cloud = Source::of("cloud");
            for entry in all(&members, "entry") {
                self.entry(cloud, entry);
            }
            self.rest(cloud, &members, &["object", "entry"]);
        } else if has("object") {
            self.unreadable(bare, "entry", raw, "entry is missing");
        } else if has("field") && has("value") {
            self.change(bare, raw);
        } else if let (Some(event), true, true) =
            (scalar(&members, "event"), has("id"), has("data"))
        {
            self.partner(&event.0, raw, &members);
        } else if is_bare_message(&members) {
            self.item(&shared(bare), "messages", raw);
        } else if is_bare_status(&members) {
            self.item(&shared(bare), "statuses", raw);
        } else if has_any(&["messaging_product", "metadata"]) {
            self.value(bare, raw);
        } else if has("contacts") || has_any(&ITEM_LISTS) {
            self.value(Source::of("on_premise"), raw);
        } else {
            return Err(FOREIGN.to_owned());
        }
        Ok(())
    }

    /// Cloud API, webhooks: `entry[]`.
    fn entry(&mut self, source: Source<'_>, raw: &str) {
        let Some(members) = wire::members(raw) else {
            return self.unreadable(source, "entry", raw, "an entry is not an object");
        };
        if !members.iter().any(|(name, _)| name == "changes") {
            return self.unreadable(source, "entry", raw, "changes is missing");
        }
        let account = scalar(&members, "id");
        let source = Source {
            account: wire::str(account.as_ref()),
            time: scalar(&members, "time").and_then(|time| wire::instant(&time.0)),
            ..source
        };
        for change in all(&members, "changes") {
            self.change(source, change);
        }
        self.rest(source, &members, &["id", "time", "changes"]);
    }

    /// Cloud API, webhooks: `entry[].changes[]`.
    fn change(&mut self, source: Source<'_>, raw: &str) {
        let Some(members) = wire::members(raw) else {
            return self.unreadable(source, "changes", raw, "a change is not an object");
        };
        let field = scalar(&members, "field");
        let source = Source {
            field: wire::str(field.as_ref()),
            ..source
        };
        let mut values = values(&members, "value").peekable();
        if values.peek().is_none() {
            return self.unreadable(source, "changes", raw, "value is missing");
        }
        for value in values {
            self.value(source, value);
        }
        self.rest(source, &members, &["id", "field", "value"]);
    }

    /// 360dialog, partner webhooks: `{"id", "event", "data"}`. What coexistence sends there has the Cloud API's `value` as
    /// `data`, with the account's id in it. Any other event is an item as a whole: its own id tells it from the next of its kind,
    /// and what the id in its `data` is of (a client, a channel) is not documented.
    fn partner(&mut self, event: &str, raw: &str, members: &[(Cow<'_, str>, &RawValue)]) {
        let is_value = |value: &str| {
            COEXISTENCE.contains(&event)
                || ["messaging_product", "metadata"]
                    .iter()
                    .any(|name| wire::member(value, name).is_some())
        };
        let source = Source {
            field: Some(event),
            ..Source::of("partner")
        };
        let data: Vec<&str> = values(members, "data").collect();
        if !data.iter().any(|value| is_value(value)) {
            return self.item(&shared(source), "value", raw);
        }
        let account = data
            .iter()
            .find_map(|value| scalar(&wire::members(value)?, "id").map(|id| id.0.into_owned()));
        let source = Source {
            account: account.as_deref(),
            ..source
        };
        for value in data {
            self.value(source, value);
        }
    }

    /// The members of a container that its shape has no place for; each object or list is an item.
    fn rest(&mut self, source: Source<'_>, members: &[(Cow<'_, str>, &RawValue)], known: &[&str]) {
        for (name, member) in members {
            if !known.contains(&name.as_ref()) && is_container(member) {
                for item in parts(name, member) {
                    self.item(&shared(source), name, item);
                }
            }
        }
    }
}

/// What `object` says of webhooks that are WhatsApp's.
const ACCOUNT: &str = "whatsapp_business_account";

/// The elements of a list; what is none is its own only element, unless it is `null`.
pub(super) fn elements(raw: &RawValue) -> Vec<&str> {
    let text = raw.get();
    if text == "null" {
        return Vec::new();
    }
    serde_json::from_str::<Vec<&RawValue>>(text).map_or_else(
        |_| vec![text],
        |elements| elements.into_iter().map(RawValue::get).collect(),
    )
}

/// The items in a member that its container's shape has no place for: its elements, each of which repeats the name.
pub(super) fn parts<'a>(name: &str, member: &'a RawValue) -> Vec<&'a str> {
    if name.len() > MAX_SHARED {
        vec![member.get()]
    } else {
        elements(member)
    }
}

/// The members of this name that are not `null`.
fn values<'m, 'a>(
    members: &'m [(Cow<'a, str>, &'a RawValue)],
    name: &'m str,
) -> impl Iterator<Item = &'a str> + 'm {
    members
        .iter()
        .filter(move |(member, value)| member == name && value.get() != "null")
        .map(|(_, value)| value.get())
}

/// The elements of every member of this name.
pub(super) fn all<'a>(members: &[(Cow<'a, str>, &'a RawValue)], name: &str) -> Vec<&'a str> {
    members
        .iter()
        .filter(|(member, _)| member == name)
        .flat_map(|(_, value)| elements(value))
        .collect()
}

/// The first member of this name that is a scalar, and short enough to be shared by all items.
pub(super) fn scalar<'a>(members: &[(Cow<'a, str>, &'a RawValue)], name: &str) -> Option<Text<'a>> {
    values(members, name)
        .find_map(|value| serde_json::from_str(value).ok())
        .filter(|text: &Text<'_>| text.0.len() <= MAX_SHARED)
}

/// A message without any envelope: it has a type, and either a sender and a time or the member that its type names.
fn is_bare_message(members: &[(Cow<'_, str>, &RawValue)]) -> bool {
    let has = |name: &str| values(members, name).next().is_some();
    scalar(members, "type").is_some_and(|kind| {
        let named = content::KINDS.contains(&kind.0.as_ref())
            && members
                .iter()
                .any(|(name, member)| *name == kind.0 && is_container(member));
        !has("status") && (named || has("timestamp") && (has("from") || has("from_user_id")))
    })
}

/// A status without any envelope: a message's id, and a step that messages take.
fn is_bare_status(members: &[(Cow<'_, str>, &RawValue)]) -> bool {
    values(members, "id").next().is_some()
        && scalar(members, "status")
            .is_some_and(|word| !matches!(status::state(&word.0), MessageState::Other(_)))
}
