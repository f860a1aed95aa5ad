//! Whom an item concerns.

use super::wire::{self, Text};
use crate::bindings::messaging::channel::types::Contact;
use serde::Deserialize;
use serde_json::value::RawValue;
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
pub(super) struct Profiles<'a> {
    profiles: Vec<Profile<'a>>,
    by_id: BTreeMap<String, usize>,
}

impl<'a> Profiles<'a> {
    /// Reads `contacts[]`; one that can't be read describes nobody.
    pub(super) fn read(raw: &'a str) -> Self {
        let profiles: Vec<Profile<'a>> = serde_json::from_str(raw).unwrap_or_else(|_| {
            serde_json::from_str::<Vec<&RawValue>>(raw)
                .unwrap_or_default()
                .into_iter()
                .filter_map(|profile| serde_json::from_str(profile.get()).ok())
                .collect()
        });
        let mut by_id = BTreeMap::new();
        for (at, profile) in profiles.iter().enumerate() {
            for id in [&profile.wa_id, &profile.user_id] {
                if let Some(id) = wire::str(id.as_ref()) {
                    by_id.entry(id.to_owned()).or_insert(at);
                }
            }
        }
        Self { profiles, by_id }
    }

    /// Whose these ids are: a profile that has one of them, the user id before the phone number, and contradicts none.
    fn of(&self, phone: Option<&str>, user_id: Option<&str>) -> Option<&Profile<'a>> {
        [user_id, phone]
            .into_iter()
            .flatten()
            .filter_map(|id| self.profiles.get(*self.by_id.get(id)?))
            .find(|profile| profile.may_be(phone, user_id))
    }

    /// The only profile there is.
    fn single(&self) -> Option<&Profile<'a>> {
        match &self.profiles[..] {
            [profile] => Some(profile),
            _ => None,
        }
    }
}

impl Profile<'_> {
    /// Whether no id of it contradicts these.
    fn may_be(&self, phone: Option<&str>, user_id: Option<&str>) -> bool {
        let contradicts = |a: Option<&str>, b: Option<&Text<'_>>| {
            a.zip(wire::str(b)).is_some_and(|(a, b)| a != b)
        };
        !contradicts(phone, self.wa_id.as_ref()) && !contradicts(user_id, self.user_id.as_ref())
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
    pub(super) fn contact(self, profiles: &Profiles<'_>, alone: bool) -> Option<Contact> {
        let (phone, user_id) = match (self.phone, self.user_id) {
            (Some(phone), None) if is_user_id(phone) => (None, Some(phone)),
            named => named,
        };
        let profile = profiles.of(phone, user_id).or_else(|| {
            profiles
                .single()
                .filter(|profile| alone && profile.may_be(phone, user_id))
        });
        let own = |text: Option<&str>| text.map(str::to_owned);
        let joined = |field: fn(&Profile<'_>) -> Option<String>| profile.and_then(field);
        let contact = Contact {
            phone: own(phone).or_else(|| joined(|profile| wire::owned(profile.wa_id.as_ref()))),
            user_id: own(user_id)
                .or_else(|| joined(|profile| wire::owned(profile.user_id.as_ref()))),
            parent_user_id: own(self.parent_user_id)
                .or_else(|| joined(|profile| wire::owned(profile.parent_user_id.as_ref()))),
            username: joined(|profile| wire::owned(profile.profile.as_ref()?.username.as_ref())),
            name: joined(|profile| wire::owned(profile.profile.as_ref()?.name.as_ref())),
            identity_hash: joined(|profile| wire::owned(profile.identity_key_hash.as_ref())),
        };
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
