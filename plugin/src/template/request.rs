//! The requests that submit a template and that edit one. The members: Cloud API, message templates and template management.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::components::{Json, components, json_of};
use super::write::category;
use crate::bindings::messaging::channel::templates::{Draft, ParameterFormat};
use crate::bindings::messaging::channel::types::Foreign;

/// A template to submit.
#[derive(Serialize)]
struct Request<'a> {
    name: &'a str,
    language: &'a str,
    #[serde(flatten)]
    change: Change<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter_format: Option<&'static str>,
    #[serde(flatten)]
    other: BTreeMap<&'a str, Json>,
}

/// What can be changed of a template.
#[derive(Serialize)]
struct Change<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    /// A template from Meta's library has none. (Cloud API, template library.)
    #[serde(skip_serializing_if = "Vec::is_empty")]
    components: Vec<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_send_ttl_seconds: Option<i32>,
}

/// The request that submits a draft, which is in our form.
pub(crate) fn request(draft: &Draft) -> String {
    let request = Request {
        name: &draft.name,
        language: &draft.language,
        change: change(draft, true),
        parameter_format: draft.content.parameter_format.map(|format| match format {
            ParameterFormat::Positional => "positional",
            ParameterFormat::Named => "named",
        }),
        other: draft.other.iter().filter_map(member).collect(),
    };
    json_of(&request).get().to_owned()
}

/// The request that edits a template. Its category is left out where it can't change.
pub(crate) fn edit(draft: &Draft, with_category: bool) -> String {
    json_of(&change(draft, with_category)).get().to_owned()
}

fn change(draft: &Draft, with_category: bool) -> Change<'_> {
    Change {
        category: with_category.then(|| category(&draft.category)),
        components: components(&draft.content),
        message_send_ttl_seconds: draft.ttl_seconds,
    }
}

fn member(foreign: &Foreign) -> Option<(&str, Json)> {
    let json = RawValue::from_string(foreign.json.clone()?);
    Some((&foreign.kind, json.ok()?))
}
