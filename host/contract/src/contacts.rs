//! `contacts`: what a channel remembers of contacts.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::Deserialize;

use super::outbound::WindowState;
use super::types::{Contact, Problem};

/// A contact from elsewhere.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct KnownContact {
    /// Who.
    pub contact: Contact,
    /// What is known of the window.
    #[serde(default)]
    pub window: WindowState,
    /// Was greeted, or needs no greeting.
    #[serde(default = "yes")]
    pub greeted: bool,
}

/// Who comes from elsewhere was known there: nobody greets them as a stranger unless told to.
fn yes() -> bool {
    true
}

/// What is wrong with contacts that have nothing to tell them from others by: neither of the other two names is an identity. The
/// pointers are into `{"contacts": […]}`.
#[must_use]
pub fn nobody(contacts: &[KnownContact]) -> Vec<Problem> {
    let is_nobody = |contact: &Contact| {
        [&contact.phone, &contact.user_id, &contact.parent_user_id]
            .into_iter()
            .flatten()
            .all(|name| name.trim().is_empty())
    };
    let nobody = contacts
        .iter()
        .enumerate()
        .filter(|(_, known)| is_nobody(&known.contact));
    let problem = |(index, _)| Problem {
        pointer: format!("/contacts/{index}/contact"),
        code: "required".to_owned(),
        message: "say who it is: give phone, user_id or parent_user_id".to_owned(),
        source: None,
    };
    nobody.map(problem).collect()
}
