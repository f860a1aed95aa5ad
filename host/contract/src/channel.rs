//! `channel`: what a channel is.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize};

use super::json;
use super::types::{Foreign, Json, MimeType};

/// What a channel is. A user interface can be built from it without knowing the vendor.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Description {
    /// A stable id (`channel-example`).
    pub id: String,
    /// The component's version (semantic versioning).
    pub version: String,
    /// The version of this contract that it was written against.
    #[component(name = "contract-version")]
    pub contract_version: String,
    /// The network (`sms`).
    pub family: String,
    /// The company whose API it speaks.
    pub provider: String,
    /// The name to show.
    #[component(name = "display-name")]
    pub display_name: String,
    /// A page about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation: Option<String>,
    /// The settings as JSON Schema (2020-12), with `title` and `description` per member, `default`
    /// where there is one, and `x-link` where a page helps.
    #[component(name = "settings-schema")]
    #[serde(with = "json::text")]
    pub settings_schema: Json,
    /// The members that are secret. A secret never enters the sandbox: where one is set, the
    /// settings hold its placeholder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// Where its requests may go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<OriginRule>,
    /// The ways in which its webhooks are authenticated.
    #[component(name = "webhook-authentication")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhook_authentication: Vec<AuthenticationRule>,
    /// The rule of free-form messages, where the vendor has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowRule>,
    /// How fast messages may leave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pacing: Vec<Pace>,
    /// The kinds of message that `message.build` accepts, as in `outbound.content` (`snake_case`).
    #[component(name = "message-kinds")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub message_kinds: Vec<String>,
    /// The longest text of a text message, in Unicode code points.
    #[component(name = "text-limit")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_limit: Option<u32>,
    /// What media may be sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaLimit>,
    /// Template categories; empty where there are no templates.
    #[component(name = "template-categories")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub template_categories: Vec<String>,
    /// Template languages that are known; others may exist.
    #[component(name = "template-languages")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub template_languages: Vec<String>,
}

/// A secret member of the settings.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Secret {
    /// The member: a JSON Pointer into the settings.
    pub pointer: String,
    /// Its name in a placeholder, `{{secret:name}}`: small letters, digits and `_`, a letter first.
    /// `webhook` and `webhook_path` are the host's own.
    pub name: String,
}

/// An origin (scheme, host, port) that requests may go to. Nothing else is reachable, not even by a
/// redirect.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum OriginRule {
    /// This origin (`https://api.example.com`).
    #[component(name = "fixed")]
    Fixed(String),
    /// The origin of the address in this member: a JSON Pointer into the settings.
    #[component(name = "setting")]
    Setting(String),
}

/// A way to know that a delivery is the vendor's. The host applies it before it calls the channel.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct AuthenticationRule {
    /// How.
    pub method: AuthenticationMethod,
    /// It applies where this member has one of these values, or its default is one; always where
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies: Option<SettingMatch>,
}

/// A member of the settings that has one of some values.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct SettingMatch {
    /// The member: a JSON Pointer into the settings.
    pub pointer: String,
    /// The values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a delivery shows that it is the vendor's.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// A header whose value the host invents and the channel registers with the webhook, as
    /// `{{secret:webhook}}`.
    #[component(name = "secret-header")]
    SecretHeader(String),
    /// A keyed hash of the delivery.
    #[component(name = "hmac")]
    Hmac(HmacRule),
    /// Any other way. A host that does not know it refuses every delivery.
    #[component(name = "other")]
    Other(Foreign),
}

/// A keyed hash of the delivery.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct HmacRule {
    /// What is hashed: these parts, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs: Vec<SignedPart>,
    /// The header that holds it.
    pub header: String,
    /// The hash.
    pub algorithm: HmacAlgorithm,
    /// How it is written.
    pub encoding: HmacEncoding,
    /// What may stand before it (`sha256=`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The key: the name of a secret.
    pub secret: String,
}

/// A part of what is hashed.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum SignedPart {
    /// The raw body.
    #[component(name = "body")]
    Body,
    /// This text.
    #[component(name = "text")]
    Text(String),
    /// The value of this header.
    #[component(name = "header")]
    Header(String),
    /// The address that the vendor posted to.
    #[component(name = "url")]
    Url,
}

/// Hashes.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    PartialEq,
    Serialize,
    Deserialize,
    JsonSchema,
    ComponentType,
    Lift,
    Lower,
)]
#[component(enum)]
#[repr(u8)]
#[serde(rename_all = "snake_case")]
pub enum HmacAlgorithm {
    /// SHA-1.
    #[component(name = "sha1")]
    Sha1,
    /// SHA-256.
    #[component(name = "sha256")]
    Sha256,
    /// SHA-512.
    #[component(name = "sha512")]
    Sha512,
}

crate::lifted! { HmacAlgorithm: Sha1 Sha256 Sha512; }

/// How a hash is written.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    PartialEq,
    Serialize,
    Deserialize,
    JsonSchema,
    ComponentType,
    Lift,
    Lower,
)]
#[component(enum)]
#[repr(u8)]
#[serde(rename_all = "snake_case")]
pub enum HmacEncoding {
    /// Hexadecimal, upper or lower case.
    #[component(name = "hex")]
    Hex,
    /// Base64 (RFC 4648 section 4).
    #[component(name = "base64")]
    Base64,
}

crate::lifted! { HmacEncoding: Hex Base64; }

/// The rule of free-form messages.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct WindowRule {
    /// For how many seconds after a person's message they are allowed.
    #[component(name = "length-seconds")]
    pub length_seconds: u32,
    /// How many seconds before its end the channel takes it for closed.
    #[component(name = "margin-seconds")]
    pub margin_seconds: u32,
}

/// How fast messages may leave.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Pace {
    /// What is counted together.
    pub scope: PaceScope,
    /// So many messages …
    pub messages: u32,
    /// … in so many milliseconds.
    #[component(name = "period-ms")]
    pub period_ms: u32,
    /// So many at once before the pace holds.
    pub burst: u32,
}

/// What is counted together.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    PartialEq,
    Serialize,
    Deserialize,
    JsonSchema,
    ComponentType,
    Lift,
    Lower,
)]
#[component(enum)]
#[repr(u8)]
#[serde(rename_all = "snake_case")]
pub enum PaceScope {
    /// All messages of the channel.
    #[component(name = "channel")]
    Channel,
    /// The messages to one contact.
    #[component(name = "contact")]
    Contact,
}

crate::lifted! { PaceScope: Channel Contact; }

/// What media may be sent in one kind of message.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct MediaLimit {
    /// The kind, as in `outbound.content`.
    pub kind: String,
    /// The types; others are refused.
    #[component(name = "mime-types")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mime_types: Vec<MimeType>,
    /// The most bytes.
    #[component(name = "max-bytes")]
    pub max_bytes: u64,
}
