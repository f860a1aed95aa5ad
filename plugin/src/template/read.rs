//! Templates as 360dialog, Meta and the on-premise API list them.
//!
//! The members: 360dialog, templates (`/v1/configs/templates`); Cloud API, message templates (`/message_templates`). Only a name is
//! needed; what has no place in a definition is among its attributes.

use serde_json::Value;

use super::content::content;
use crate::api;
use crate::bindings::messaging::channel::templates::{
    Definition, ParameterFormat, TemplateCategory, TemplateQuality, TemplateStatus,
};
use crate::bindings::messaging::channel::types::{Attribute, Scalar};
use crate::window::instant;

/// Where the attributes of a rejected template say what to do. It is found when the template is read, and not kept.
pub(super) const REMEDY: &str = "/remedy";

/// What to do about the reasons for which a template is rejected. (Cloud API, message templates, `rejected_reason`; template
/// review.)
const REMEDIES: [(&str, &str); 7] = [
    (
        "ABUSIVE_CONTENT",
        "take out what threatens, abuses or breaks WhatsApp's policies, and submit it again",
    ),
    (
        "CATEGORY_NOT_AVAILABLE",
        "choose another category, and submit it again",
    ),
    (
        "INCORRECT_CATEGORY",
        "choose the category that the content belongs to, and submit it again",
    ),
    (
        "INVALID_FORMAT",
        "correct variables, their examples and the links, and submit it again",
    ),
    (
        "PROMOTIONAL",
        "take out what advertises, or choose the category marketing, and submit it again",
    ),
    (
        "SCAM",
        "take out what looks like fraud, such as links that are not the business's own, and submit it again",
    ),
    (
        "TAG_CONTENT_MISMATCH",
        "make language and category those of the content, and submit it again",
    ),
];

/// What to do about a reason for which a template was rejected; `None` where the reason is not known.
pub(crate) fn remedy(reason: &str) -> Option<&'static str> {
    let (_, remedy) = REMEDIES
        .iter()
        .find(|(known, _)| reason.eq_ignore_ascii_case(known))?;
    Some(remedy)
}

/// The members of a listed template that have a place of their own in a definition.
const TAKEN: [&str; 17] = [
    "/name",
    "/language",
    "/language/code",
    "/category",
    "/status",
    "/id",
    "/external_id",
    "/namespace",
    "/quality_score",
    "/quality_score/score",
    "/rejected_reason",
    REMEDY,
    "/previous_category",
    "/message_send_ttl_seconds",
    "/parameter_format",
    "/created_at",
    "/modified_at",
];

/// One template of a list; `None` where it has no name.
///
/// A category or status that is absent, or that nobody has a word for, is `other`.
pub(crate) fn definition(item: &Value) -> Option<Definition> {
    let text = |pointer| api::text(item.pointer(pointer));
    let format = text("/parameter_format").and_then(|word| parameter_format(&word));
    let components = item.get("components").and_then(Value::as_array);
    let now = category(&text("/category").unwrap_or_default());
    let coming = text("/correct_category")
        .map(|word| category(&word))
        .filter(|coming| *coming != now);
    let rejected_reason = text("/rejected_reason").and_then(reason);
    let mut attributes = attributes(item);
    if let Some(remedy) = rejected_reason.as_deref().and_then(remedy) {
        attributes.push(Attribute {
            path: REMEDY.into(),
            value: Scalar::Text(remedy.into()),
        });
    }
    Some(Definition {
        name: text("/name")?,
        language: text("/language")
            .or_else(|| text("/language/code"))
            .unwrap_or_default(),
        category: now,
        status: status(&text("/status").unwrap_or_default()),
        content: content(components.map(Vec::as_slice).unwrap_or_default(), format),
        id: text("/id"),
        external_id: text("/external_id"),
        namespace: text("/namespace"),
        quality: text("/quality_score/score")
            .or_else(|| text("/quality_score"))
            .map(|word| quality(&word)),
        rejected_reason,
        previous_category: text("/previous_category").map(|word| category(&word)),
        coming_category: coming,
        ttl_seconds: text("/message_send_ttl_seconds").and_then(|ttl| ttl.parse().ok()),
        created: text("/created_at").and_then(|time| instant(&time)),
        modified: text("/modified_at").and_then(|time| instant(&time)),
        attributes,
    })
}

fn attributes(item: &Value) -> Vec<Attribute> {
    let mut rest = item.clone();
    if let Some(members) = rest.as_object_mut() {
        members.remove("components");
        members.remove("correct_category");
    }
    api::scalars(&rest, &TAKEN.map(str::to_owned))
}

/// A category in any case. The names before today's three stay as they are, but for the two that were renamed. (Meta, template
/// migration.)
pub(crate) fn category(word: &str) -> TemplateCategory {
    match word.to_uppercase().as_str() {
        "MARKETING" => TemplateCategory::Marketing,
        "UTILITY" | "TRANSACTIONAL" => TemplateCategory::Utility,
        "AUTHENTICATION" | "OTP" => TemplateCategory::Authentication,
        _ => TemplateCategory::Other(word.to_owned()),
    }
}

/// A status in any case: lists of 360dialog and of the on-premise API have small letters and `submitted`, Meta's have capitals.
/// `REINSTATED` and `UNARCHIVED` come in webhooks alone.
pub(crate) fn status(word: &str) -> TemplateStatus {
    match word.to_uppercase().as_str() {
        "DRAFT" | "CREATED" => TemplateStatus::Draft,
        "PENDING" | "SUBMITTED" => TemplateStatus::Pending,
        "APPROVED" | "REINSTATED" | "UNARCHIVED" => TemplateStatus::Approved,
        "REJECTED" => TemplateStatus::Rejected,
        "PAUSED" => TemplateStatus::Paused,
        "DISABLED" => TemplateStatus::Disabled,
        "IN_APPEAL" => TemplateStatus::InAppeal,
        "PENDING_DELETION" => TemplateStatus::PendingDeletion,
        "DELETED" => TemplateStatus::Deleted,
        "LIMIT_EXCEEDED" => TemplateStatus::LimitExceeded,
        "ARCHIVED" => TemplateStatus::Archived,
        _ => TemplateStatus::Other(word.to_owned()),
    }
}

/// A quality in any case.
pub(crate) fn quality(word: &str) -> TemplateQuality {
    match word.to_uppercase().as_str() {
        "GREEN" => TemplateQuality::Green,
        "YELLOW" => TemplateQuality::Yellow,
        "RED" => TemplateQuality::Red,
        "UNKNOWN" => TemplateQuality::Unrated,
        _ => TemplateQuality::Other(word.to_owned()),
    }
}

/// Why a template was rejected: `NONE` says that it was not.
pub(crate) fn reason(word: String) -> Option<String> {
    (!word.eq_ignore_ascii_case("none")).then_some(word)
}

/// How variables are written, in any case.
pub(crate) fn parameter_format(word: &str) -> Option<ParameterFormat> {
    match word.to_uppercase().as_str() {
        "POSITIONAL" => Some(ParameterFormat::Positional),
        "NAMED" => Some(ParameterFormat::Named),
        _ => None,
    }
}
