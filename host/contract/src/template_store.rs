//! `template-store`: templates at the vendor, and those that were added to the space.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize};

use super::storage;
use super::templates::{Definition, Finding, TemplateCategory, TemplateKey, TemplateStatus};
use super::types::{Error, Problem};

/// Why something with templates did not work.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum TemplateError {
    /// The draft or the change breaks rules.
    #[component(name = "invalid")]
    Invalid(Vec<Finding>),
    /// There is no such template.
    #[component(name = "missing")]
    Missing,
    /// It can't be done while the template stands so; the problem says what can.
    #[component(name = "conflict")]
    Conflict(Problem),
    /// The vendor, or the way to it, refused.
    #[component(name = "failed")]
    Failed(Error),
    /// The store failed.
    #[component(name = "storage")]
    Storage(storage::Failure),
}

/// A template that was submitted.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Submitted {
    /// The id under which this API lists it, where the answer has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The id that the network behind this API gave it, where the answer has one.
    #[component(name = "external-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Its status.
    pub status: TemplateStatus,
    /// The category that the vendor gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<TemplateCategory>,
    /// The namespace of old APIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// An existing template was changed.
    pub edited: bool,
}

/// Which templates to list.
#[derive(
    Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
pub struct Listing {
    /// How many at the most; the vendor's default where absent.
    pub limit: Option<u32>,
    /// Where to go on, as the last page said.
    pub cursor: Option<String>,
    /// How many to pass over, where the vendor counts.
    pub offset: Option<u32>,
    /// The order, in the vendor's word.
    pub sort: Option<String>,
    /// Only this name.
    pub name: Option<String>,
    /// Only this language.
    pub language: Option<String>,
    /// Only this category.
    pub category: Option<TemplateCategory>,
    /// Only this status.
    pub status: Option<TemplateStatus>,
}

/// Some templates of a list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
#[schemars(rename = "TemplatePage")]
pub struct Page {
    /// The templates.
    pub templates: Vec<Definition>,
    /// Where to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many there are in all, where the vendor says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

/// Which template.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct TemplateId {
    /// Its name and language.
    pub key: TemplateKey,
    /// The vendor's id of it, where it is known.
    pub id: Option<String>,
}

/// What to delete.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Deletion {
    /// One template.
    #[component(name = "one")]
    One(TemplateId),
    /// All languages of a name.
    #[component(name = "all-languages")]
    AllLanguages(String),
}
