//! Whom an item concerns.

use super::wire::{self, Text};
use crate::bindings::messaging::channel::types::Contact;
use serde::Deserialize;
use serde_json::value::RawValue;

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
}

#[derive(Default, Deserialize)]
struct Name<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    username: Option<Text<'a>>,
}

/// The profiles of a change; one that can't be read describes nobody.
pub(super) fn profiles(raw: &str) -> Vec<Profile<'_>> {
    serde_json::from_str(raw).unwrap_or_else(|_| {
        serde_json::from_str::<Vec<&RawValue>>(raw)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|profile| serde_json::from_str(profile.get()).ok())
            .collect()
    })
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
    /// The contact, with what the change's profiles add. A profile belongs to it where an id is the same; a single profile also
    /// where no id contradicts.
    pub(super) fn contact(self, profiles: &[Profile<'_>]) -> Option<Contact> {
        let (phone, user_id) = match (self.phone, self.user_id) {
            (Some(phone), None) if is_user_id(phone) => (None, Some(phone)),
            named => named,
        };
        let same = |a: Option<&str>, b: Option<&Text<'_>>| match (a, wire::str(b)) {
            (Some(a), Some(b)) => Some(a == b),
            _ => None,
        };
        let profile = profiles
            .iter()
            .find(|profile| {
                same(phone, profile.wa_id.as_ref()) == Some(true)
                    || same(user_id, profile.user_id.as_ref()) == Some(true)
            })
            .or_else(|| match profiles {
                [profile]
                    if same(phone, profile.wa_id.as_ref()).is_none()
                        && same(user_id, profile.user_id.as_ref()).is_none() =>
                {
                    Some(profile)
                }
                _ => None,
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
        };
        let Contact {
            phone,
            user_id,
            parent_user_id,
            username,
            name,
        } = &contact;
        [phone, user_id, parent_user_id, username, name]
            .iter()
            .any(|member| member.is_some())
            .then_some(contact)
    }
}

/// Business-scoped user IDs: two capital letters of a country, a point, and what no phone number has.
fn is_user_id(text: &str) -> bool {
    matches!(text.as_bytes(), [a, b, b'.', _, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase())
}
