//! From 360dialog's webhooks to events.
//!
//! The shape of a body decides, not the settings: number webhooks, account webhooks, partner webhooks and recorded traffic of the
//! old on-premise API may all reach one address. Each item is read by itself; what can't be read becomes an event that says so.

mod account;
mod call;
mod contact;
mod content;
mod envelope;
mod group;
mod history;
mod identity;
mod message;
mod node;
mod person;
mod status;
mod template;
mod wire;

use crate::bindings::messaging::channel::events::{
    Delivery, Event, EventBody, Origin, Rejection, RejectionReason, UnknownItem,
};
use crate::bindings::messaging::channel::types::{Attribute, Contact};
use contact::Profiles;
use envelope::{Source, all, elements, scalar};
use history::Chunk;
use identity::Place;
use node::Node;
use serde_json::value::RawValue;
use std::borrow::Cow;
use wire::Text;

/// Lists in a change's `value` whose elements are items of their own. In every other change the whole `value` is the item.
const ITEM_LISTS: [&str; 13] = [
    "messages",
    "statuses",
    "errors",
    "message_echoes",
    "history",
    "state_sync",
    "calls",
    "groups",
    "user_preferences",
    "user_id_update",
    "user_actions",
    "automatic_events",
    "events",
];

/// Fields whose `value` has such lists, whatever has become of its other members. Cloud API, webhooks.
const SPLIT_FIELDS: [&str; 15] = [
    "messages",
    "standby",
    "message_echoes",
    "smb_message_echoes",
    "smb_app_state_sync",
    "history",
    "calls",
    "user_preferences",
    "user_id_update",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
    "automatic_events",
    "tracking_events",
];

/// Members of a change's `value` that belong to all of its items, or that say nothing.
const SHARED_MEMBERS: [&str; 3] = ["messaging_product", "metadata", "contacts"];

/// Bytes of an id or a name that the items of a container share. Each event repeats it, so a longer one counts as absent: no real
/// one comes near.
const MAX_SHARED: usize = 512;

/// The events of a delivery, in order: one for every item.
///
/// # Errors
///
/// [`RejectionReason::Malformed`] where the body is no JSON, [`RejectionReason::Foreign`] where it has none of the shapes of
/// 360dialog's webhooks (Webhooks, Cloud API and partner events; on-premise API, webhooks).
pub fn normalize(settings: Option<&str>, delivery: &Delivery) -> Result<Vec<Event>, Rejection> {
    let reject = |reason, detail: String| Rejection { reason, detail };
    let body = std::str::from_utf8(&delivery.body).map_err(|error| {
        reject(
            RejectionReason::Malformed,
            format!("the body is not UTF-8: {error}"),
        )
    })?;
    let body = body.strip_prefix('\u{feff}').unwrap_or(body).trim();
    let mut reader = Reader {
        number: settings.and_then(own_number),
        events: Vec::new(),
        canonical: Vec::new(),
    };
    if let Err(error) = serde_json::from_str::<&RawValue>(body) {
        return Err(reject(
            RejectionReason::Malformed,
            format!("the body is not JSON: {error}"),
        ));
    }
    reader
        .body(body)
        .map(|()| reader.events)
        .map_err(|detail| reject(RejectionReason::Foreign, detail))
}

/// The channel's number in digits. A sandbox delivers in the name of 360dialog's own number. Nothing else of the settings is
/// read: what is wrong elsewhere must not make another number's items our own.
fn own_number(settings: &str) -> Option<String> {
    let settings = wire::members(settings)?;
    let number = scalar(&settings, "phone_number")?;
    let sandbox = scalar(&settings, "api").is_some_and(|api| api.0 == "sandbox");
    (!sandbox).then(|| digits(&number.0).collect())
}

fn digits(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(char::is_ascii_digit)
}

/// Cloud API, webhooks: `value.metadata`.
#[derive(Clone, Default)]
struct Metadata<'a> {
    display_phone_number: Option<Text<'a>>,
    phone_number_id: Option<Text<'a>>,
}

impl<'a> Metadata<'a> {
    /// Account webhooks name the number in `value` itself, those of conversation routing in `recipient`.
    fn read(value: &[(Cow<'a, str>, &'a RawValue)]) -> Self {
        let metadata: Vec<_> = ["metadata", "recipient"]
            .into_iter()
            .flat_map(|name| all(value, name))
            .filter_map(wire::members)
            .flatten()
            .collect();
        Self {
            display_phone_number: scalar(&metadata, "display_phone_number")
                .or_else(|| scalar(value, "display_phone_number")),
            phone_number_id: scalar(&metadata, "phone_number_id"),
        }
    }
}

/// What the items of one change share.
struct Shared<'a> {
    source: Source<'a>,
    metadata: Metadata<'a>,
    profiles: Profiles,
    /// The change has one item only.
    alone: bool,
    own: bool,
    chunk: Chunk,
}

impl Shared<'_> {
    /// Whether this is the business's own number.
    fn is_business(&self, number: Option<&str>) -> bool {
        let business = wire::str(self.metadata.display_phone_number.as_ref());
        matches!((business, number), (Some(business), Some(number)) if digits(business).eq(digits(number)))
    }
}

/// An item that was read: everything of an event but what it shares with its neighbours.
struct Item {
    time: Option<u64>,
    contact: Option<Contact>,
    body: EventBody,
}

impl Item {
    fn unknown(field: &str) -> Self {
        Self {
            time: None,
            contact: None,
            body: EventBody::Unknown(UnknownItem {
                field: Some(field.to_owned()),
                reason: None,
            }),
        }
    }
}

/// What should have been an item of this field or list, and why it is none.
fn unknown(field: &str, reason: &str) -> EventBody {
    EventBody::Unknown(UnknownItem {
        field: Some(field.to_owned()),
        reason: Some(reason.to_owned()),
    })
}

struct Reader {
    /// The channel's own number in digits, where the settings name one that webhooks name too.
    number: Option<String>,
    events: Vec<Event>,
    canonical: Vec<u8>,
}

impl Reader {
    /// The items of a change.
    fn value(&mut self, source: Source<'_>, raw: &str) {
        let Some(members) = wire::members(raw) else {
            return self.unreadable(source, "value", raw, "value is not an object");
        };
        let mut shared = shared(source);
        shared.metadata = Metadata::read(&members);
        let profiles = Profiles::read(&all(&members, "contacts"), |number| {
            shared.is_business(number)
        });
        shared.profiles = profiles;
        shared.own = self.is_own(&shared.metadata);

        let is_list = |name: &str| ITEM_LISTS.contains(&name);
        let has_items = |name: &str| is_list(name) || name == "conversation_context";
        let is_split = match source.field {
            None => true,
            Some(field) if SPLIT_FIELDS.contains(&field) => true,
            Some(field) if template::is_field(field) || account::is_field(field) => false,
            // Whatever else has the form of messages.
            Some(_) => (members.iter()).any(|(name, _)| SHARED_MEMBERS.contains(&name.as_ref())),
        };
        if !is_split || !members.iter().any(|(name, _)| has_items(name)) {
            return self.item(&shared, "value", raw);
        }
        let mut items = Vec::new();
        for (name, member) in &members {
            if is_list(name) {
                let elements = elements(member);
                items.extend(elements.into_iter().map(|element| (name.as_ref(), element)));
            } else if !SHARED_MEMBERS.contains(&name.as_ref()) && is_container(member) {
                let parts = envelope::parts(name, member).into_iter();
                items.extend(parts.map(|part| (name.as_ref(), part)));
            }
        }
        let known = |name: &str| is_list(name) || SHARED_MEMBERS.contains(&name);
        if items.is_empty() && members.iter().any(|(name, _)| !known(name)) {
            items.push(("value", raw));
        }
        shared.alone = items.len() == 1;
        for (list, item) in items {
            if list == "history" {
                self.history(&shared, item);
            } else {
                self.item(&shared, list, item);
            }
        }
    }

    fn is_own(&self, metadata: &Metadata<'_>) -> bool {
        match (
            &self.number,
            wire::str(metadata.display_phone_number.as_ref()),
        ) {
            (Some(own), Some(display)) => digits(display).eq(own.chars()),
            _ => true,
        }
    }

    /// One item, whatever it is.
    fn item(&mut self, shared: &Shared<'_>, list: &str, raw: &str) {
        let (item, attributes) = node::read(raw, |node| {
            let item = item(shared, list, node, raw);
            (item, node.attributes(raw.len()))
        });
        self.push(shared, list, raw, item, attributes);
    }

    /// What should have held items, and has not the form that it must have.
    fn unreadable(&mut self, source: Source<'_>, list: &str, raw: &str, reason: &str) {
        let item = Item {
            time: None,
            contact: None,
            body: unknown(source.field.unwrap_or(list), reason),
        };
        let attributes = node::read(raw, |node| node.attributes(raw.len()));
        self.push(&shared(source), list, raw, item, attributes);
    }

    fn push(
        &mut self,
        shared: &Shared<'_>,
        list: &str,
        raw: &str,
        item: Item,
        attributes: Vec<Attribute>,
    ) {
        let Source {
            envelope,
            account,
            time,
            field,
        } = shared.source;
        let phone_number_id = wire::str(shared.metadata.phone_number_id.as_ref());
        let phone_number = wire::str(shared.metadata.display_phone_number.as_ref());
        // An item that has a time of its own, however unreadable, did not happen when its entry was written.
        let is_dated_by_entry =
            list == "value" || matches!(item.body, EventBody::Unknown(_) | EventBody::Error(_));
        let entry_time = time.filter(|_| is_dated_by_entry);
        let place = Place {
            account,
            number: phone_number_id.or(phone_number),
            field,
            time,
            list,
        };
        self.events.push(Event {
            id: identity::event_id(place, raw, &mut self.canonical),
            time: item.time.or(entry_time),
            contact: item.contact,
            origin: Origin {
                envelope: envelope.to_owned(),
                field: field.map(str::to_owned),
                account_id: account.map(str::to_owned),
                phone_number_id: phone_number_id.map(str::to_owned),
                phone_number: phone_number.map(str::to_owned),
                entry_time: time,
                own: shared.own,
            },
            body: item.body,
            attributes,
            raw: raw.to_owned(),
        });
    }
}

/// Reads an item by the list that it stands in; `value` is a change that is one item as a whole.
fn item(shared: &Shared<'_>, list: &str, item: &Node<'_>, raw: &str) -> Item {
    let field = shared.source.field;
    if !item.is_object() {
        return Item {
            time: None,
            contact: None,
            body: unknown(
                field.unwrap_or(list),
                &format!("an item of {list} is not an object"),
            ),
        };
    }
    match (list, field) {
        ("messages", Some("history")) => history::message(shared, item, raw),
        ("messages", _) => message::incoming(shared, item, raw),
        ("message_echoes", _) => message::echo(shared, item, raw),
        ("statuses", _) => status::status(shared, item),
        ("calls", _) => call::call(shared, item),
        ("errors", _) => status::item(item),
        // An element of the list, or a message of one.
        ("history", _) if item.get("type").is_some() => history::message(shared, item, raw),
        ("history" | "threads", _) => history::step(shared, item),
        ("state_sync", _) => person::address_book(item),
        ("user_preferences", _) => person::preference(shared, item),
        ("user_id_update", _) => person::user_id(item),
        ("groups", _) => group::change(item),
        ("user_actions" | "automatic_events", _) | ("events", Some("tracking_events")) => {
            account::tracked(shared, item)
        }
        ("conversation_context", _) => account::summary(shared, item),
        ("value", Some("flows")) => account::flow(item),
        ("value", Some(field)) => template::change(field, item)
            .or_else(|| account::change(field, item))
            .unwrap_or_else(|| Item::unknown(field)),
        _ => Item::unknown(field.unwrap_or(list)),
    }
}

fn is_container(raw: &RawValue) -> bool {
    raw.get().starts_with(['{', '['])
}

fn shared(source: Source<'_>) -> Shared<'_> {
    Shared {
        source,
        metadata: Metadata::default(),
        profiles: Profiles::default(),
        alone: true,
        own: true,
        chunk: Chunk::default(),
    }
}

#[cfg(test)]
mod tests;
