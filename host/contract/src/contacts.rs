//! `contacts`: what a channel remembers of contacts.

use crate::boundary::{ComponentType, Lift, Lower};
use serde::Deserialize;

use super::outbound::WindowState;
use super::types::Contact;

/// A contact from elsewhere.
#[derive(Clone, Debug, PartialEq, Deserialize, ComponentType, Lift, Lower)]
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
