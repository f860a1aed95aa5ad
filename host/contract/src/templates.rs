//! `templates`: what is written, submitted, approved and kept.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize};

use super::types::{Attribute, Foreign, Problem, Timestamp};
use super::{json, strict};

mod content;
#[deny(unsafe_code)]
mod draft;
#[deny(unsafe_code)]
pub mod space;

pub use content::*;

/// A template's key: no two of one account share both.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct TemplateKey {
    /// The name.
    pub name: String,
    /// The language, in the vendor's code (`en_US`).
    pub language: String,
}

/// A template to submit.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(remote = "Self")]
pub struct Draft {
    /// The name.
    pub name: String,
    /// The language, in the vendor's code (`en_US`).
    pub language: String,
    /// The category.
    pub category: TemplateCategory,
    /// What it says.
    pub content: TemplateContent,
    /// How long the vendor tries to deliver it, in seconds; -1 for the vendor's longest.
    #[component(name = "ttl-seconds")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<i32>,
    /// The vendor's own members of the request that this contract has no type for: name and JSON.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<Foreign>,
}

/// A template as the vendor, or the store, has it.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Definition {
    /// The name.
    pub name: String,
    /// The language, as the vendor writes it.
    pub language: String,
    /// The category, as it stands now.
    pub category: TemplateCategory,
    /// The status.
    pub status: TemplateStatus,
    /// What it says.
    pub content: TemplateContent,
    /// The id under which this API lists it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The id that the network behind this API gave it.
    #[component(name = "external-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The namespace of old APIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The quality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<TemplateQuality>,
    /// Why it was rejected, in the vendor's word.
    #[component(name = "rejected-reason")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected_reason: Option<String>,
    /// The category that it had before.
    #[component(name = "previous-category")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_category: Option<TemplateCategory>,
    /// The category that the vendor will give it.
    #[component(name = "coming-category")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coming_category: Option<TemplateCategory>,
    /// How long the vendor tries to deliver it, in seconds.
    #[component(name = "ttl-seconds")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<i32>,
    /// When it was made.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub created: Option<Timestamp>,
    /// When it was last changed.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub modified: Option<Timestamp>,
    /// The vendor's own scalars.
    #[serde(
        default,
        with = "json::attributes",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<Attribute>,
}

/// What a template is for.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum TemplateCategory {
    /// Advertising.
    #[component(name = "marketing")]
    Marketing,
    /// About something that the person did or ordered.
    #[component(name = "utility")]
    Utility,
    /// Codes to sign in with.
    #[component(name = "authentication")]
    Authentication,
    /// The vendor's word for another category.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// Where a template stands. Only `approved` can be sent.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum TemplateStatus {
    /// Not submitted.
    #[component(name = "draft")]
    Draft,
    /// In review.
    #[component(name = "pending")]
    Pending,
    /// Can be sent.
    #[component(name = "approved")]
    Approved,
    /// Refused.
    #[component(name = "rejected")]
    Rejected,
    /// Stopped for a while.
    #[component(name = "paused")]
    Paused,
    /// Stopped for good.
    #[component(name = "disabled")]
    Disabled,
    /// The refusal is being looked at again.
    #[component(name = "in-appeal")]
    InAppeal,
    /// Will be deleted when nothing of it is on the way any more.
    #[component(name = "pending-deletion")]
    PendingDeletion,
    /// Deleted.
    #[component(name = "deleted")]
    Deleted,
    /// Too many templates.
    #[component(name = "limit-exceeded")]
    LimitExceeded,
    /// Put away for want of use.
    #[component(name = "archived")]
    Archived,
    /// The vendor's word for another status.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// How a template is received.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum TemplateQuality {
    /// Well.
    #[component(name = "green")]
    Green,
    /// So so.
    #[component(name = "yellow")]
    Yellow,
    /// Badly.
    #[component(name = "red")]
    Red,
    /// Not known yet.
    #[component(name = "unrated")]
    Unrated,
    /// The vendor's word for another quality.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// What a reading of a draft found.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub problem: Problem,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The request will be refused.
    #[component(name = "refused")]
    Refused,
    /// The review will probably reject it.
    #[component(name = "likely-rejected")]
    LikelyRejected,
    /// It would be better otherwise.
    #[component(name = "advice")]
    Advice,
}

crate::lifted! { Severity: Refused LikelyRejected Advice; }

/// A variable or another thing that must be given when a template is sent.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct ParameterSpec {
    /// Where it stands in `outbound.template-message`: a JSON Pointer (`/body/0`, `/buttons/1`).
    pub pointer: String,
    /// The variable's name, where variables have names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it takes.
    pub kind: ParameterKind,
    /// The template can't be sent without it.
    pub required: bool,
    /// The sentence that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentence: Option<String>,
    /// An example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// What a parameter takes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum ParameterKind {
    /// Text.
    #[component(name = "text")]
    Text,
    /// A picture.
    #[component(name = "image")]
    Image,
    /// A film.
    #[component(name = "video")]
    Video,
    /// An animation.
    #[component(name = "gif")]
    Gif,
    /// A file.
    #[component(name = "document")]
    Document,
    /// A place.
    #[component(name = "location")]
    Location,
    /// A product.
    #[component(name = "product")]
    Product,
    /// Several products.
    #[component(name = "products")]
    Products,
    /// The rest of a web address.
    #[component(name = "url-suffix")]
    UrlSuffix,
    /// A code.
    #[component(name = "code")]
    Code,
    /// A quick reply's payload.
    #[component(name = "payload")]
    Payload,
    /// A flow's token and data.
    #[component(name = "flow")]
    Flow,
    /// An order.
    #[component(name = "order-details")]
    OrderDetails,
    /// A call button's limits.
    #[component(name = "call")]
    Call,
    /// An instant.
    #[component(name = "timestamp")]
    Timestamp,
    /// The vendor's word for something else.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// A message as the person will read it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Rendered {
    /// The header's text, or what stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The body.
    pub body: String,
    /// The footer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// What is written on the buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<String>,
    /// The cards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<RenderedCard>,
    /// The variables that were not given, as they stand in the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// A card as the person will read it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct RenderedCard {
    /// The header's text, or what stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What is written on the buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<String>,
}

strict::strict_serde!(Draft);
