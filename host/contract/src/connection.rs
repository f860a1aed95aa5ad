//! `connection`: connecting the vendor's account to this host, and knowing how it is.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize};

use super::json;
use super::types::{Attribute, Error, Header, Problem};

/// Where the vendor shall deliver.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct WebhookTarget {
    /// The channel's address.
    pub url: String,
    /// Replace a registration that leads elsewhere.
    #[component(name = "replace-foreign")]
    pub replace_foreign: bool,
}

/// A registration of a webhook at the vendor.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Registration {
    /// What it is for, in the channel's word, where the vendor has several (the number, the account).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its headers; values that the host sealed are placeholders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Header>,
}

/// A connected channel.
#[derive(
    Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Connected {
    /// The account, as far as the vendor names it.
    #[component(name = "account-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The vendor's id of the number.
    #[component(name = "phone-number-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<String>,
    /// The number, as the vendor writes it, to be shown beside the one in the settings.
    #[component(name = "phone-number")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The registrations that were there before, to be given back to `disconnect`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previous: Vec<Registration>,
    /// The vendor takes up to so many seconds until it delivers.
    #[component(name = "settles-in-seconds")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settles_in_seconds: Option<u32>,
    /// Optional steps that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Problem>,
}

/// Why a channel is not connected.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ConnectError {
    /// The settings are wrong.
    #[component(name = "settings")]
    Settings(Vec<Problem>),
    /// The number's webhook leads elsewhere, and `replace-foreign` was not given.
    #[component(name = "occupied")]
    Occupied(Registration),
    /// The vendor, or the way to it, refused.
    #[component(name = "failed")]
    Failed(Error),
}

/// How an account is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct AccountHealth {
    /// Whether it can send.
    pub sending: Ability,
    /// Whether the vendor delivers to this channel; absent where it can't be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receiving: Option<bool>,
    /// The registrations as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub registrations: Vec<Registration>,
    /// What is wrong, in the vendor's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Error>,
    /// What else the vendor says.
    #[serde(
        default,
        with = "json::attributes",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<Attribute>,
}

/// Whether messages can be sent.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// Yes.
    #[component(name = "available")]
    Available,
    /// Some.
    #[component(name = "limited")]
    Limited,
    /// No.
    #[component(name = "blocked")]
    Blocked,
    /// The vendor's word for something else.
    #[component(name = "other")]
    Other(String),
}
