//! `account`: the business's account at the vendor.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize};

use super::types::{Attribute, Contact, Error, Problem};
use super::{json, strict};

/// What people see of the business. A member that is absent is not known, or is left as it is.
#[derive(
    Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct BusinessProfile {
    /// A line about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its web pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub websites: Option<Vec<String>>,
    /// Its line of business, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
    /// Address of its picture; can't be changed here.
    #[component(name = "picture-url")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_url: Option<String>,
    /// A handle of an uploaded picture, to change it.
    #[component(name = "picture-handle")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_handle: Option<String>,
}

strict::strict_serde!(BusinessProfile);

/// The business's number.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct BusinessNumber {
    /// The vendor's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The number, as the vendor writes it.
    #[component(name = "phone-number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The display name.
    #[component(name = "verified-name")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_name: Option<String>,
    /// Where the display name stands in its review, in the vendor's word.
    #[component(name = "name-status")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_status: Option<String>,
    /// The quality, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// How many people may be written to first, in the vendor's word.
    #[component(name = "messaging-limit")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messaging_limit: Option<String>,
    /// What else the vendor says.
    #[serde(
        default,
        with = "json::attributes",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<Attribute>,
}

/// Some blocked people.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct BlockedPage {
    /// Who.
    pub contacts: Vec<Contact>,
    /// Where to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Why something with the account did not work.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum AccountError {
    /// It breaks rules.
    #[component(name = "invalid")]
    Invalid(Vec<Problem>),
    /// The vendor, or the way to it, refused.
    #[component(name = "failed")]
    Failed(Error),
}
