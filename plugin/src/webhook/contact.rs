//! Whom an item concerns.

use super::MAX_SHARED;
use super::node::{self, Node};
use crate::bindings::messaging::channel::types::Contact;
use std::collections::BTreeMap;

/// The profiles of a change, found by each of their ids.
#[derive(Default)]
pub(super) struct Profiles {
    profiles: Vec<Contact>,
    /// `None` where two profiles share the id and contradict each other: it is nobody's.
    by_id: BTreeMap<String, Option<usize>>,
}

impl Profiles {
    /// Reads the elements of `contacts[]` (Cloud API, messages webhook). What can't be read of one is left out, and so is the
    /// business itself.
    pub(super) fn read(elements: &[&str], is_business: impl Fn(Option<&str>) -> bool) -> Self {
        let mut profiles = Self::default();
        for element in elements {
            let profile = node::read(element, |node| Contact {
                username: node.text("profile/username"),
                name: node.text("profile/name"),
                identity_hash: node.text("identity_key_hash"),
                ..named(node, ["wa_id", "user_id", "parent_user_id"])
            });
            if !is_business(profile.phone.as_deref()) {
                profiles.add(profile);
            }
        }
        profiles
    }

    /// One profile alone; none where nothing is known.
    pub(super) fn of(contact: Contact) -> Self {
        let mut profiles = Self::default();
        if contact != nobody() {
            profiles.add(contact);
        }
        profiles
    }

    fn add(&mut self, mut contact: Contact) {
        for member in [
            &mut contact.phone,
            &mut contact.user_id,
            &mut contact.parent_user_id,
            &mut contact.username,
            &mut contact.name,
            &mut contact.identity_hash,
        ] {
            member.take_if(|text| text.len() > MAX_SHARED);
        }
        let at = self.profiles.len();
        for id in [&contact.phone, &contact.user_id].into_iter().flatten() {
            let profiles = &self.profiles;
            self.by_id
                .entry(id.clone())
                .and_modify(|known| {
                    *known = known.filter(|known| may_be(&profiles[*known], &contact));
                })
                .or_insert(Some(at));
        }
        self.profiles.push(contact);
    }

    /// The profile of a contact: one that has an id of it, the user id before the phone number, and contradicts none.
    fn find(&self, contact: &Contact) -> Option<&Contact> {
        [&contact.user_id, &contact.phone]
            .into_iter()
            .flatten()
            .filter_map(|id| self.profiles.get((*self.by_id.get(id)?)?))
            .find(|profile| may_be(profile, contact))
    }

    /// The only profile there is.
    fn single(&self) -> Option<&Contact> {
        match &self.profiles[..] {
            [profile] => Some(profile),
            _ => None,
        }
    }
}

/// Whether two may be one person: no id of theirs differs.
fn may_be(a: &Contact, b: &Contact) -> bool {
    [
        (&a.phone, &b.phone),
        (&a.user_id, &b.user_id),
        (&a.parent_user_id, &b.parent_user_id),
    ]
    .into_iter()
    .all(|(a, b)| a.is_none() || b.is_none() || a == b)
}

/// Some intermediaries write the user id where the phone number belongs.
fn put_user_id_in_its_place(contact: &mut Contact) {
    if contact.user_id.is_none() && contact.phone.as_deref().is_some_and(is_user_id)
        || contact.phone.is_some() && contact.phone == contact.user_id
    {
        contact.user_id = contact.phone.take();
    }
}

/// Takes the members of an item that name a contact: its phone number, its user id and its parent user id. Some intermediaries put
/// the user id where the phone number belongs.
pub(super) fn named(node: &Node<'_>, [phone, user_id, parent_user_id]: [&str; 3]) -> Contact {
    let mut contact = Contact {
        phone: node.text(phone),
        user_id: node.text(user_id),
        parent_user_id: node.text(parent_user_id),
        ..nobody()
    };
    put_user_id_in_its_place(&mut contact);
    contact
}

/// A contact of whom nothing is known.
pub(super) fn nobody() -> Contact {
    Contact {
        phone: None,
        user_id: None,
        parent_user_id: None,
        username: None,
        name: None,
        identity_hash: None,
    }
}

/// The contact, where anything is known.
pub(super) fn somebody(contact: Contact) -> Option<Contact> {
    (contact != nobody()).then_some(contact)
}

impl Profiles {
    /// A contact with what its profile adds. A profile that shares no id with the item is taken for its person's only where the
    /// change has nothing but this item and this profile.
    pub(super) fn complete(&self, contact: Contact, alone: bool) -> Option<Contact> {
        let profile = self.find(&contact).or_else(|| {
            self.single()
                .filter(|profile| alone && may_be(profile, &contact))
        });
        let Some(profile) = profile.cloned() else {
            return somebody(contact);
        };
        somebody(Contact {
            phone: contact.phone.or(profile.phone),
            user_id: contact.user_id.or(profile.user_id),
            parent_user_id: contact.parent_user_id.or(profile.parent_user_id),
            username: contact.username.or(profile.username),
            name: contact.name.or(profile.name),
            identity_hash: contact.identity_hash.or(profile.identity_hash),
        })
    }
}

/// Business-scoped user IDs: two capital letters of a country, a point, and what no phone number has.
fn is_user_id(text: &str) -> bool {
    matches!(text.as_bytes(), [a, b, b'.', _, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase())
}
