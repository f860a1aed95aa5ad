//! Whom an item concerns.

use super::wire::{self, Text};
use crate::bindings::messaging::channel::types::Contact;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Cloud API, messages webhook: `contacts[]`.
#[derive(Default, Deserialize)]
pub(super) struct Profile<'a> {
    #[serde(borrow)]
    profile: Option<Name<'a>>,
    #[serde(borrow)]
    wa_id: Option<Text<'a>>,
    #[serde(borrow)]
    user_id: Option<Text<'a>>,
    #[serde(borrow)]
    parent_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    identity_key_hash: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
struct Name<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    username: Option<Text<'a>>,
}

/// The profiles of a change, found by each of their ids.
#[derive(Default)]
pub(super) struct Profiles {
    profiles: Vec<Contact>,
    /// `None` where two profiles share the id and contradict each other: it is nobody's.
    by_id: BTreeMap<String, Option<usize>>,
}

impl Profiles {
    /// Reads the elements of `contacts[]`. What can't be read of one is left out.
    pub(super) fn read(elements: &[&str]) -> Self {
        let mut profiles = Self::default();
        for element in elements {
            let is_sound = |text: &str| serde_json::from_str::<Profile<'_>>(text).is_ok();
            let contact = match serde_json::from_str::<Profile<'_>>(element) {
                Ok(profile) => Some(profile.contact()),
                Err(_) => wire::mend(element, is_sound).and_then(|mended| {
                    Some(serde_json::from_str::<Profile<'_>>(&mended).ok()?.contact())
                }),
            };
            if let Some(contact) = contact {
                profiles.add(contact);
            }
        }
        profiles
    }

    fn add(&mut self, contact: Contact) {
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
    fn of(&self, contact: &Contact) -> Option<&Contact> {
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

impl Profile<'_> {
    fn contact(&self) -> Contact {
        let name = self.profile.as_ref();
        let mut contact = Contact {
            phone: wire::owned(self.wa_id.as_ref()),
            user_id: wire::owned(self.user_id.as_ref()),
            parent_user_id: wire::owned(self.parent_user_id.as_ref()),
            username: name.and_then(|name| wire::owned(name.username.as_ref())),
            name: name.and_then(|name| wire::owned(name.name.as_ref())),
            identity_hash: wire::owned(self.identity_key_hash.as_ref()),
        };
        put_user_id_in_its_place(&mut contact);
        contact
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

/// How an item names a contact.
#[derive(Clone, Copy, Default)]
pub(super) struct Named<'a> {
    /// A phone number; some intermediaries put the user id here.
    pub(super) phone: Option<&'a str>,
    pub(super) user_id: Option<&'a str>,
    pub(super) parent_user_id: Option<&'a str>,
}

impl Named<'_> {
    /// The contact, with what its profile adds. A profile that shares no id with the item is taken for its person's only where the
    /// change has nothing but this item and this profile.
    pub(super) fn contact(self, profiles: &Profiles, alone: bool) -> Option<Contact> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let mut contact = Contact {
            phone: own(self.phone),
            user_id: own(self.user_id),
            parent_user_id: own(self.parent_user_id),
            username: None,
            name: None,
            identity_hash: None,
        };
        put_user_id_in_its_place(&mut contact);
        let profile = profiles.of(&contact).or_else(|| {
            profiles
                .single()
                .filter(|profile| alone && may_be(profile, &contact))
        });
        if let Some(profile) = profile.cloned() {
            contact = Contact {
                phone: contact.phone.or(profile.phone),
                user_id: contact.user_id.or(profile.user_id),
                parent_user_id: contact.parent_user_id.or(profile.parent_user_id),
                ..profile
            };
        }
        [
            &contact.phone,
            &contact.user_id,
            &contact.parent_user_id,
            &contact.username,
            &contact.name,
            &contact.identity_hash,
        ]
        .iter()
        .any(|member| member.is_some())
        .then_some(contact)
    }
}

/// Business-scoped user IDs: two capital letters of a country, a point, and what no phone number has.
fn is_user_id(text: &str) -> bool {
    matches!(text.as_bytes(), [a, b, b'.', _, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase())
}
