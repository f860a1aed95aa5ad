//! From 360dialog's webhooks to events.
//!
//! The shape of a body decides, not the settings: number webhooks, account webhooks, partner webhooks and recorded traffic of the
//! old on-premise API may all reach one address. Each item is read by itself; what can't be read becomes an event that says so.

mod contact;
mod content;
mod identity;
mod message;
mod status;
mod wire;

use crate::bindings::messaging::channel::events::{
    Delivery, Event, EventBody, Origin, Rejection, RejectionReason, UnknownItem,
};
use crate::bindings::messaging::channel::types::{Attribute, Contact};
use crate::settings::{Api, Settings};
use contact::Profile;
use identity::Place;
use serde::Deserialize;
use serde::de::IgnoredAny;
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

/// Members of a change's `value` that belong to all of its items, or that say nothing.
const SHARED_MEMBERS: [&str; 3] = ["messaging_product", "metadata", "contacts"];

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
    // One pass over the common form; what does not have it is taken apart member by member.
    let outcome = match serde_json::from_str::<Body<'_>>(body) {
        Ok(shape) => reader.body(body, shape),
        Err(error) if error.is_data() => reader.odd_body(body),
        Err(error) => {
            return Err(reject(
                RejectionReason::Malformed,
                format!("the body is not JSON: {error}"),
            ));
        }
    };
    match outcome {
        Ok(()) => Ok(reader.events),
        Err(detail) => Err(reject(RejectionReason::Foreign, detail)),
    }
}

/// The channel's number in digits. A sandbox delivers in the name of 360dialog's own number.
fn own_number(settings: &str) -> Option<String> {
    let settings = Settings::parse(settings).ok()?;
    let digits = settings.phone_digits()?;
    (settings.api() != Api::Sandbox).then(|| digits.to_owned())
}

/// The members by which a body's shape is known.
#[derive(Deserialize)]
struct Body<'a> {
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

/// Cloud API, webhooks: `value.metadata`.
#[derive(Default, Deserialize)]
struct Metadata<'a> {
    #[serde(borrow)]
    display_phone_number: Option<Text<'a>>,
    #[serde(borrow)]
    phone_number_id: Option<Text<'a>>,
}

/// Where a change came from.
#[derive(Clone, Copy)]
struct Source<'a> {
    envelope: &'static str,
    account: Option<&'a str>,
    time: Option<u64>,
    field: Option<&'a str>,
}

/// What the items of one change share.
struct Shared<'a> {
    source: Source<'a>,
    metadata: Metadata<'a>,
    profiles: Vec<Profile<'a>>,
    own: bool,
}

/// An item that was read: everything of an event but what it shares with its neighbours.
struct Item {
    time: Option<u64>,
    contact: Option<Contact>,
    body: EventBody,
    attributes: Vec<Attribute>,
}

impl Item {
    fn unknown(field: Option<&str>, reason: Option<String>) -> Self {
        Self {
            time: None,
            contact: None,
            body: EventBody::Unknown(UnknownItem {
                field: field.map(str::to_owned),
                reason,
            }),
            attributes: Vec::new(),
        }
    }
}

struct Reader {
    /// The channel's own number in digits, where the settings name one that webhooks name too.
    number: Option<String>,
    events: Vec<Event>,
    canonical: Vec<u8>,
}

impl Reader {
    /// A body by its shape; the error says why it is no webhook of ours.
    fn body(&mut self, raw: &str, body: Body<'_>) -> Result<(), String> {
        let object = wire::str(body.object.as_ref());
        if object.is_some_and(|object| object != "whatsapp_business_account") {
            return Err(format!(
                "the body is a webhook for {:?}, not for whatsapp_business_account",
                object.unwrap_or_default()
            ));
        }
        let bare = Source {
            envelope: "bare",
            account: None,
            time: None,
            field: None,
        };
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
            self.unreadable(bare, "entry", raw, "entry is missing".to_owned());
        } else if let (Some(field), Some(value)) = (wire::str(body.field.as_ref()), body.value) {
            let source = Source {
                field: Some(field),
                ..bare
            };
            self.value(source, value.get());
        } else if let (Some(event), Some(value)) = (wire::str(body.event.as_ref()), body.data) {
            self.partner(event, value.get());
        } else if is_bare_message(raw, body.kind.as_ref()) {
            self.item(&shared(bare), "messages", raw);
        } else if body.status.is_some() && body.id.is_some() && body.kind.is_none() {
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
            return Err("the body has none of the members of a WhatsApp webhook".to_owned());
        }
        Ok(())
    }

    /// Valid JSON that has not the common form: no object, or a member of a wrong type.
    fn odd_body(&mut self, raw: &str) -> Result<(), String> {
        let foreign = || "the body has none of the members of a WhatsApp webhook".to_owned();
        let members = wire::members(raw).ok_or_else(foreign)?;
        let source = Source {
            envelope: "cloud",
            account: None,
            time: None,
            field: None,
        };
        let Some(entries) = wire::member(raw, "entry").map(elements) else {
            let bare = Source {
                envelope: "bare",
                ..source
            };
            return members
                .iter()
                .any(|(name, _)| ITEM_LISTS.contains(&name.as_ref()))
                .then(|| self.value(bare, raw))
                .ok_or_else(foreign);
        };
        for raw in entries {
            match serde_json::from_str::<Entry<'_>>(raw) {
                Ok(entry) => {
                    let source = Source {
                        account: wire::str(entry.id.as_ref()),
                        time: entry.time.as_ref().and_then(Text::instant),
                        ..source
                    };
                    for change in &entry.changes {
                        self.change(source, change.get());
                    }
                }
                Err(error) => self.unreadable(source, "entry", raw, error.to_string()),
            }
        }
        Ok(())
    }

    fn change<'a>(&mut self, source: Source<'a>, raw: &'a str) {
        match serde_json::from_str::<Change<'a>>(raw) {
            Ok(Change {
                field,
                value: Some(value),
            }) => {
                let source = Source {
                    field: wire::str(field.as_ref()),
                    ..source
                };
                self.value(source, value.get());
            }
            Ok(_) => self.unreadable(source, "changes", raw, "value is missing".to_owned()),
            Err(error) => self.unreadable(source, "changes", raw, error.to_string()),
        }
    }

    /// 360dialog, partner webhooks: `{"id", "event", "data"}`. What coexistence sends there has the Cloud API's `value` as
    /// `data`, with the account's id in it.
    fn partner(&mut self, event: &str, data: &str) {
        #[derive(Deserialize)]
        struct Account<'a> {
            #[serde(borrow)]
            id: Option<Text<'a>>,
        }
        let account = serde_json::from_str::<Account<'_>>(data).ok();
        let source = Source {
            envelope: "partner",
            account: account
                .as_ref()
                .and_then(|account| wire::str(account.id.as_ref())),
            time: None,
            field: Some(event),
        };
        self.value(source, data);
    }

    /// The items of a change.
    fn value(&mut self, source: Source<'_>, raw: &str) {
        let Some(members) = wire::members(raw) else {
            return self.unreadable(source, "value", raw, "value is not an object".to_owned());
        };
        let mut shared = shared(source);
        for (name, member) in &members {
            match name.as_ref() {
                "metadata" => {
                    shared.metadata = serde_json::from_str(member.get()).unwrap_or_default();
                }
                "contacts" => shared.profiles = contact::profiles(member.get()),
                _ => {}
            }
        }
        shared.own = self.is_own(&shared.metadata);

        // `errors` is a list of items beside messages, but a part of the item elsewhere (flows).
        let errors_are_items = matches!(source.field, None | Some("messages" | "calls"));
        let is_list =
            |name: &str| ITEM_LISTS.contains(&name) && (name != "errors" || errors_are_items);
        if !members.iter().any(|(name, _)| is_list(name)) {
            return self.item(&shared, "value", raw);
        }
        for (name, member) in &members {
            if is_list(name) {
                for element in elements(member) {
                    self.item(&shared, name, element);
                }
            } else if !SHARED_MEMBERS.contains(&name.as_ref())
                && source.envelope != "partner"
                && member.get().starts_with(['{', '['])
            {
                self.item(&shared, name, member.get());
            }
        }
    }

    fn is_own(&self, metadata: &Metadata<'_>) -> bool {
        match (
            &self.number,
            wire::str(metadata.display_phone_number.as_ref()),
        ) {
            (Some(own), Some(display)) => {
                display.chars().filter(char::is_ascii_digit).eq(own.chars())
            }
            _ => true,
        }
    }

    /// One item, whatever it is.
    fn item(&mut self, shared: &Shared<'_>, list: &str, raw: &str) {
        let read = |text: &str| match (list, shared.source.field) {
            ("messages", Some("history")) => message::history(shared, text, raw),
            ("messages", _) => message::message(shared, text, raw),
            ("message_echoes", _) => message::echo(shared, text, raw),
            ("statuses", field) if field != Some("calls") => status::status(shared, text),
            ("errors", _) => status::error(text),
            _ => Ok(Item::unknown(shared.source.field.or(Some(list)), None)),
        };
        let item = read(raw)
            .or_else(|error| wire::mend(raw, read).ok_or(error))
            .unwrap_or_else(|error| Item::unknown(Some(list), Some(error.to_string())));
        self.push(shared, list, raw, item);
    }

    /// An item, or what should have held items, that has not the form that it must have.
    fn unreadable(&mut self, source: Source<'_>, list: &str, raw: &str, reason: String) {
        self.push(
            &shared(source),
            list,
            raw,
            Item::unknown(source.field.or(Some(list)), Some(reason)),
        );
    }

    fn push(&mut self, shared: &Shared<'_>, list: &str, raw: &str, item: Item) {
        let Source {
            envelope,
            account,
            time,
            field,
        } = shared.source;
        let phone_number_id = wire::str(shared.metadata.phone_number_id.as_ref());
        let phone_number = wire::str(shared.metadata.display_phone_number.as_ref());
        let place = Place {
            account,
            number: phone_number_id.or(phone_number),
            field,
            time,
            list,
        };
        self.events.push(Event {
            id: identity::event_id(place, raw, &mut self.canonical),
            time: item.time.or(time),
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
            attributes: item.attributes,
            raw: raw.to_owned(),
        });
    }
}

fn shared(source: Source<'_>) -> Shared<'_> {
    Shared {
        source,
        metadata: Metadata::default(),
        profiles: Vec::new(),
        own: true,
    }
}

/// The elements of a list; what is none is its own only element, unless it is `null`.
fn elements(raw: &RawValue) -> Vec<&str> {
    let text = raw.get();
    if text == "null" {
        return Vec::new();
    }
    serde_json::from_str::<Vec<&RawValue>>(text).map_or_else(
        |_| vec![text],
        |elements| elements.into_iter().map(RawValue::get).collect(),
    )
}

/// A message without any envelope: its type names the member that carries it.
fn is_bare_message(raw: &str, kind: Option<&Text<'_>>) -> bool {
    wire::str(kind).is_some_and(|kind| {
        wire::member(raw, kind).is_some_and(|content| content.get().starts_with(['{', '[']))
    })
}

/// An attribute, where there is a value for it.
fn attribute(
    attributes: &mut Vec<Attribute>,
    path: impl Into<Cow<'static, str>>,
    value: Option<&RawValue>,
) {
    use crate::bindings::messaging::channel::types::Scalar;
    let Some(text) = value.map(RawValue::get) else {
        return;
    };
    let value = match serde_json::from_str(text) {
        Ok(serde_json::Value::String(text)) if !text.is_empty() => Scalar::Text(text),
        Ok(serde_json::Value::Bool(value)) => Scalar::Boolean(value),
        Ok(serde_json::Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Scalar::Integer(number),
            (None, Some(number)) => Scalar::Number(number),
            (None, None) => return,
        },
        _ => return,
    };
    attributes.push(Attribute {
        path: path.into().into_owned(),
        value,
    });
}

#[cfg(test)]
mod tests;
