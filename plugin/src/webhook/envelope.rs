//! The shapes of a body: which change came in which envelope.

use super::{ITEM_LISTS, Reader, shared};
use crate::webhook::wire::{self, Text};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;

const FOREIGN: &str = "the body has none of the members of a WhatsApp webhook";

/// The kinds of message that are known without an envelope. Cloud API, messages webhook.
const MESSAGE_KINDS: [&str; 14] = [
    "text",
    "image",
    "video",
    "audio",
    "voice",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "button",
    "reaction",
    "order",
    "system",
];

/// The members by which a body's shape is known.
#[derive(Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    object: Option<Text<'a>>,
    #[serde(borrow)]
    entry: Option<Vec<Entry<'a>>>,
    #[serde(borrow)]
    field: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    event: Option<Text<'a>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    timestamp: Option<IgnoredAny>,
    messages: Option<IgnoredAny>,
    statuses: Option<IgnoredAny>,
    errors: Option<IgnoredAny>,
    contacts: Option<IgnoredAny>,
    message_echoes: Option<IgnoredAny>,
    messaging_product: Option<IgnoredAny>,
    metadata: Option<IgnoredAny>,
}

/// Cloud API, webhooks: `entry[]`.
#[derive(Deserialize)]
#[serde(expecting = "an entry object")]
struct Entry<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    time: Option<Text<'a>>,
    #[serde(borrow)]
    changes: Vec<&'a RawValue>,
}

/// Cloud API, webhooks: `entry[].changes[]`.
#[derive(Deserialize)]
#[serde(expecting = "a change object")]
struct Change<'a> {
    #[serde(borrow)]
    field: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

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
    pub(super) fn body(&mut self, raw: &str, body: Body<'_>) -> Result<(), String> {
        let object = wire::str(body.object.as_ref());
        check_object(object)?;
        let bare = Source::of("bare");
        if let Some(entries) = body.entry {
            for entry in &entries {
                let source = Source {
                    envelope: "cloud",
                    account: wire::str(entry.id.as_ref()),
                    time: entry.time.as_ref().and_then(Text::instant),
                    field: None,
                };
                for change in &entry.changes {
                    self.change(source, change.get());
                }
            }
        } else if object.is_some() {
            self.unreadable(bare, "entry", raw, "entry is missing");
        } else if let (Some(field), Some(value)) = (wire::str(body.field.as_ref()), body.value) {
            let source = Source {
                field: Some(field),
                ..bare
            };
            self.value(source, value.get());
        } else if let (Some(event), Some(value), Some(_)) =
            (wire::str(body.event.as_ref()), body.data, &body.id)
        {
            self.partner(event, raw, value.get());
        } else if is_bare_message(raw, &body) {
            self.item(&shared(bare), "messages", raw);
        } else if body.status.is_some() && body.id.is_some() && body.timestamp.is_some() {
            self.item(&shared(bare), "statuses", raw);
        } else if body.messaging_product.is_some() || body.metadata.is_some() {
            self.value(bare, raw);
        } else if [
            body.messages,
            body.statuses,
            body.errors,
            body.contacts,
            body.message_echoes,
        ]
        .iter()
        .any(Option::is_some)
        {
            let source = Source {
                envelope: "on_premise",
                ..bare
            };
            self.value(source, raw);
        } else {
            return Err(FOREIGN.to_owned());
        }
        Ok(())
    }

    /// Valid JSON that has not the common form: no object, a member of a wrong type, or one that is there twice.
    pub(super) fn odd_body(&mut self, raw: &str) -> Result<(), String> {
        let members = wire::members(raw).ok_or(FOREIGN)?;
        let has = |name: &str| members.iter().any(|(member, _)| member == name);
        check_object(wire::str(scalar(&members, "object").as_ref()))?;
        let bare = Source::of("bare");
        if has("entry") {
            for entry in all(&members, "entry") {
                self.entry(Source::of("cloud"), entry);
            }
        } else if has("field") && has("value") {
            self.change(bare, raw);
        } else if let (Some(event), Some(value), true) = (
            scalar(&members, "event"),
            all(&members, "data").first(),
            has("id"),
        ) {
            self.partner(&event.0, raw, value);
        } else if ITEM_LISTS.iter().any(|list| has(list)) {
            self.value(bare, raw);
        } else {
            return Err(FOREIGN.to_owned());
        }
        Ok(())
    }

    fn entry(&mut self, source: Source<'_>, raw: &str) {
        let Some(members) = wire::members(raw) else {
            return self.unreadable(source, "entry", raw, "an entry is not an object");
        };
        let account = scalar(&members, "id");
        let source = Source {
            account: wire::str(account.as_ref()),
            time: scalar(&members, "time").and_then(|time| time.instant()),
            ..source
        };
        let changes = all(&members, "changes");
        if changes.is_empty() {
            self.unreadable(source, "entry", raw, "changes is missing");
        }
        for change in changes {
            self.change(source, change);
        }
    }

    fn change(&mut self, source: Source<'_>, raw: &str) {
        if let Ok(Change {
            field,
            value: Some(value),
        }) = serde_json::from_str::<Change<'_>>(raw)
        {
            let source = Source {
                field: wire::str(field.as_ref()),
                ..source
            };
            return self.value(source, value.get());
        }
        let Some(members) = wire::members(raw) else {
            return self.unreadable(source, "changes", raw, "a change is not an object");
        };
        let field = scalar(&members, "field");
        let source = Source {
            field: wire::str(field.as_ref()),
            ..source
        };
        let mut values = members
            .iter()
            .filter(|(name, _)| name == "value")
            .peekable();
        if values.peek().is_none() {
            self.unreadable(source, "changes", raw, "value is missing");
        }
        for (_, value) in values {
            self.value(source, value.get());
        }
    }

    /// 360dialog, partner webhooks: `{"id", "event", "data"}`. What coexistence sends there has the Cloud API's `value` as
    /// `data`, with the account's id in it.
    fn partner(&mut self, event: &str, raw: &str, value: &str) {
        let members = wire::members(value).unwrap_or_default();
        let account = scalar(&members, "id");
        let source = Source {
            account: wire::str(account.as_ref()),
            field: Some(event),
            ..Source::of("partner")
        };
        if members
            .iter()
            .any(|(name, _)| ITEM_LISTS.contains(&name.as_ref()))
        {
            self.value(source, value);
        } else {
            // The event's own id stands beside `data`, and tells it from the next of its kind.
            self.item(&shared(source), "value", raw);
        }
    }
}

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

/// The elements of every member of this name.
fn all<'a>(members: &[(Cow<'a, str>, &'a RawValue)], name: &str) -> Vec<&'a str> {
    members
        .iter()
        .filter(|(member, _)| member == name)
        .flat_map(|(_, value)| elements(value))
        .collect()
}

/// The first member of this name that is a scalar.
fn scalar<'a>(members: &[(Cow<'a, str>, &'a RawValue)], name: &str) -> Option<Text<'a>> {
    members
        .iter()
        .filter(|(member, _)| member == name)
        .find_map(|(_, value)| serde_json::from_str(value.get()).ok())
}

/// A message without any envelope: it has a type, and a time or the member that its type names.
fn is_bare_message(raw: &str, body: &Body<'_>) -> bool {
    wire::str(body.kind.as_ref()).is_some_and(|kind| {
        body.status.is_none()
            && (body.timestamp.is_some()
                || MESSAGE_KINDS.contains(&kind)
                    && wire::member(raw, kind)
                        .is_some_and(|content| content.get().starts_with(['{', '['])))
    })
}

/// Refuses webhooks of Meta's other products.
fn check_object(object: Option<&str>) -> Result<(), String> {
    match object {
        None | Some("whatsapp_business_account") => Ok(()),
        Some(object) => Err(format!(
            "the body is a webhook for {object:?}, not for whatsapp_business_account"
        )),
    }
}
