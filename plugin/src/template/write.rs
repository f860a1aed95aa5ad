//! A template in the vendor's JSON, as it lists one.
//!
//! The members: 360dialog, templates; Cloud API, message templates.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::components::{Json, components, json_of};
use super::read::REMEDY;
use crate::bindings::messaging::channel::templates::{
    Definition, ParameterFormat, TemplateCategory, TemplateQuality, TemplateStatus,
};
use crate::bindings::messaging::channel::types::{Attribute, Scalar};
use crate::window::rfc3339;

/// A template as the vendor lists it: [`super::read::definition`] reads the same of it.
pub(crate) fn definition(definition: &Definition) -> String {
    #[derive(Serialize)]
    struct Listed {
        #[serde(flatten)]
        members: Map<String, Value>,
        components: Vec<Json>,
    }

    let mut members = attributes(&definition.attributes);
    let quality = definition.quality.as_ref().map(quality);
    if let Some(score) = quality {
        // It may have a date beside it, which is among the attributes.
        set(&mut members, "/quality_score/score", score.into());
    }
    let text = |text: &Option<String>| text.clone().map(Value::from);
    let category_of = |category: &Option<TemplateCategory>| {
        category
            .as_ref()
            .map(|word| Value::from(self::category(word)))
    };
    let time = |time: Option<u64>| {
        let time = time?;
        // RFC 3339 has a place for fractions of a second before the Z.
        let seconds = rfc3339(time);
        Some(match time % 1000 {
            0 => seconds.into(),
            fraction => format!("{}.{fraction:03}Z", seconds.trim_end_matches('Z')).into(),
        })
    };
    let format = definition.content.parameter_format;
    for (name, value) in [
        ("name", Some(definition.name.clone().into())),
        ("language", Some(definition.language.clone().into())),
        ("category", Some(category(&definition.category).into())),
        ("status", Some(status(&definition.status).into())),
        ("id", text(&definition.id)),
        ("external_id", text(&definition.external_id)),
        ("namespace", text(&definition.namespace)),
        ("rejected_reason", text(&definition.rejected_reason)),
        (
            "previous_category",
            category_of(&definition.previous_category),
        ),
        ("correct_category", category_of(&definition.coming_category)),
        (
            "message_send_ttl_seconds",
            definition.ttl_seconds.map(Value::from),
        ),
        ("created_at", time(definition.created)),
        ("modified_at", time(definition.modified)),
        (
            "parameter_format",
            format.map(|format| match format {
                ParameterFormat::Positional => "POSITIONAL".into(),
                ParameterFormat::Named => "NAMED".into(),
            }),
        ),
    ] {
        if let Some(value) = value {
            members.insert(name.into(), value);
        }
    }
    let listed = Listed {
        members,
        components: components(&definition.content),
    };
    json_of(&listed).get().to_owned()
}

fn attributes(attributes: &[Attribute]) -> Map<String, Value> {
    let mut members = Map::new();
    for Attribute { path, value } in attributes.iter().filter(|its| its.path != REMEDY) {
        let value = match value {
            Scalar::Text(text) => text.clone().into(),
            Scalar::Integer(number) => (*number).into(),
            Scalar::Number(number) => (*number).into(),
            Scalar::Boolean(value) => (*value).into(),
        };
        set(&mut members, path, value);
    }
    members
}

/// Sets what is at a JSON Pointer. A number in it names a member, too: it reads as the same path.
fn set(members: &mut Map<String, Value>, pointer: &str, value: Value) {
    let mut at = members;
    let mut names = pointer
        .split('/')
        .skip(1)
        .map(|name| name.replace("~1", "/").replace("~0", "~"));
    let Some(mut name) = names.next() else {
        return;
    };
    for next in names {
        let inner = at
            .entry(std::mem::replace(&mut name, next))
            .or_insert_with(|| json!({}));
        let Value::Object(inner) = inner else {
            return;
        };
        at = inner;
    }
    at.insert(name, value);
}

/// The vendor's word for a category.
pub(crate) fn category(category: &TemplateCategory) -> &str {
    match category {
        TemplateCategory::Marketing => "MARKETING",
        TemplateCategory::Utility => "UTILITY",
        TemplateCategory::Authentication => "AUTHENTICATION",
        TemplateCategory::Other(word) => word,
    }
}

/// The vendor's word for a status.
pub(crate) fn status(status: &TemplateStatus) -> &str {
    match status {
        TemplateStatus::Draft => "DRAFT",
        TemplateStatus::Pending => "PENDING",
        TemplateStatus::Approved => "APPROVED",
        TemplateStatus::Rejected => "REJECTED",
        TemplateStatus::Paused => "PAUSED",
        TemplateStatus::Disabled => "DISABLED",
        TemplateStatus::InAppeal => "IN_APPEAL",
        TemplateStatus::PendingDeletion => "PENDING_DELETION",
        TemplateStatus::Deleted => "DELETED",
        TemplateStatus::LimitExceeded => "LIMIT_EXCEEDED",
        TemplateStatus::Archived => "ARCHIVED",
        TemplateStatus::Other(word) => word,
    }
}

fn quality(quality: &TemplateQuality) -> &str {
    match quality {
        TemplateQuality::Green => "GREEN",
        TemplateQuality::Yellow => "YELLOW",
        TemplateQuality::Red => "RED",
        TemplateQuality::Unrated => "UNKNOWN",
        TemplateQuality::Other(word) => word,
    }
}
