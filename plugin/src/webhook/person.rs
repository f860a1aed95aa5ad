//! What people choose, and what becomes of them in address books. Cloud API, `user_preferences`, `user_id_update`; coexistence,
//! `smb_app_state_sync`.

use super::contact::{named, nobody, somebody};
use super::node::Node;
use super::{Item, Shared, unknown};
use crate::bindings::messaging::channel::events::{
    ContactChange, ContactChangeKind, EventBody, Preference, PreferenceChoice,
};
use crate::bindings::messaging::channel::types::Contact;

/// A choice about being written to. Cloud API, `user_preferences[]`.
pub(super) fn preference(shared: &Shared<'_>, item: &Node<'_>) -> Item {
    let contact = named(item, ["wa_id", "user_id", "parent_user_id"]);
    let body = match item.text("value") {
        Some(word) => EventBody::Preference(Preference {
            category: item.text("category"),
            choice: match word.as_str() {
                "stop" => PreferenceChoice::Stop,
                "resume" => PreferenceChoice::Resume,
                _ => PreferenceChoice::Other(word),
            },
            detail: item.text("detail"),
        }),
        None => unknown("user_preferences", "value is missing"),
    };
    Item {
        time: item.instant("timestamp"),
        contact: shared.profiles.complete(contact, shared.alone),
        body,
    }
}

/// A new user id. Cloud API, business-scoped user ids, `user_id_update[]` (until August 2026; then a system message).
pub(super) fn user_id(item: &Node<'_>) -> Item {
    let previous = Contact {
        user_id: item.text("user_id/previous"),
        parent_user_id: item.text("parent_user_id/previous"),
        ..nobody()
    };
    let contact = Contact {
        phone: item.text("wa_id"),
        user_id: item.text("user_id/current"),
        parent_user_id: item.text("parent_user_id/current"),
        ..nobody()
    };
    Item {
        time: item.instant("timestamp"),
        contact: somebody(contact),
        body: EventBody::Contact(ContactChange {
            kind: ContactChangeKind::UserId,
            id: None,
            previous: somebody(previous),
            text: item.text("detail"),
        }),
    }
}

/// A contact in the business's address book. Coexistence, `state_sync[]`.
pub(super) fn address_book(item: &Node<'_>) -> Item {
    let action = item.word("action");
    let kind = match action.as_deref() {
        Some("add") => ContactChangeKind::Added,
        Some("remove") => ContactChangeKind::Removed,
        word => {
            item.take("action");
            ContactChangeKind::Other(word.unwrap_or("state_sync").to_owned())
        }
    };
    let contact = Contact {
        username: item.text("contact/username"),
        name: item.text("contact/full_name"),
        ..named(
            item,
            [
                "contact/phone_number",
                "contact/user_id",
                "contact/parent_user_id",
            ],
        )
    };
    Item {
        time: item.instant("metadata/timestamp"),
        contact: somebody(contact),
        body: EventBody::Contact(ContactChange {
            kind,
            id: None,
            previous: None,
            text: None,
        }),
    }
}
