//! Kinds that the contract has no type for: orders, pins, and what Meta adds. Their JSON is passed on as it is.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::json::object;
use super::wire::{Body, Content, Part, Tagged};
use crate::bindings::messaging::channel::outbound::{HeaderParameter, TemplateMessage};
use crate::bindings::messaging::channel::types::{Foreign, Recipient};
use crate::problem::Problems;

const SOURCE: &str = "Cloud API, messages";
const SOURCE_PIN: &str = "Cloud API, groups, pinning messages";
const SOURCE_TEMPLATE: &str = "Cloud API, template messages";
const SOURCE_TAP_TARGET: &str = "Cloud API, tap target configuration of templates";
const SOURCE_ORDER: &str = "Cloud API, orders and payments";

/// Members of a request that say whom it goes to and what it is; a kind is none of them.
const ENVELOPE: [&str; 17] = [
    "biz_opaque_callback_data",
    "category",
    "context",
    "direct_send_config",
    "message_activity_sharing",
    "message_id",
    "messaging_account_id",
    "messaging_product",
    "paid_messaging_account_id",
    "product_policy",
    "recipient",
    "recipient_identity_key_hash",
    "recipient_type",
    "status",
    "to",
    "type",
    "typing_indicator",
];

/// Cloud API types that the contract has a type for, with its name. Sent in any other way they would miss its checks, and a
/// template would miss that it is one.
const TYPED: [(&str, &str); 10] = [
    ("audio", "audio"),
    ("contacts", "contacts"),
    ("document", "document"),
    ("image", "image"),
    ("location", "location"),
    ("reaction", "reaction"),
    ("sticker", "sticker"),
    ("template", "template"),
    ("text", "text"),
    ("video", "video"),
];

/// The same of `interactive.type`.
const TYPED_INTERACTIVE: [(&str, &str); 13] = [
    ("address_message", "address_request"),
    ("button", "buttons"),
    ("call_permission_request", "call_permission_request"),
    ("carousel", "carousel"),
    ("catalog_message", "catalog"),
    ("cta_url", "link_button"),
    ("flow", "flow"),
    ("list", "list"),
    ("location_request_message", "location_request"),
    ("product", "product"),
    ("product_list", "products"),
    ("request_contact_info", "contact_request"),
    ("voice_call", "call_button"),
];

/// The same of a template's components.
const TYPED_COMPONENTS: [(&str, &str); 5] = [
    ("body", "body"),
    ("button", "buttons"),
    ("carousel", "cards"),
    ("header", "header"),
    ("limited_time_offer", "offer_expires"),
];

pub(super) fn other<'a>(
    foreign: &'a Foreign,
    to: &Recipient,
    problems: &mut Problems,
) -> Option<Content<'a>> {
    let kind = foreign.kind.as_str();
    // Nothing but a word gets beside `to` and `type`; the JSON is one object under it.
    if !is_word(kind) || ENVELOPE.contains(&kind) {
        problems.add(
            "/content/kind",
            "bad_kind",
            "This is no type of message: give the Cloud API's word for it, such as interactive or pin",
            SOURCE,
        );
    }
    typed("/content/kind", kind, &TYPED, problems);
    let Some(json) = foreign.json.as_deref() else {
        problems.add(
            "/content/json",
            "required",
            format_args!("There is nothing to send: give the JSON object of the member {kind}"),
            SOURCE,
        );
        return None;
    };
    let object = object("/content/json", json, SOURCE, problems)?;
    // What is nested too deep to be read has no type, and is refused for that where there are rules for it.
    let value: Value = serde_json::from_str(object.get()).unwrap_or_default();
    match kind {
        "interactive" => interactive(&value, problems),
        "pin" => pin(&value, to, problems),
        _ => {}
    }
    Some(Tagged(kind, Body::Other(object)))
}

fn is_word(kind: &str) -> bool {
    kind.starts_with(|c: char| c.is_ascii_lowercase())
        && kind
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Components of a template that the contract has no type for: their members, as they are, beside the type.
pub(super) fn components<'a>(
    at: &str,
    template: &'a TemplateMessage,
    problems: &mut Problems,
) -> Vec<Part<'a>> {
    const SOURCE: &str = SOURCE_TEMPLATE;
    let mut parts = Vec::with_capacity(template.other.len());
    for (i, foreign) in template.other.iter().enumerate() {
        let at = format!("{at}/other/{i}");
        let kind = foreign.kind.as_str();
        if !is_word(kind) {
            problems.add(
                format_args!("{at}/kind"),
                "bad_kind",
                "This is no type of component: give the Cloud API's word for it, such as tap_target_configuration",
                SOURCE,
            );
        }
        typed(&format!("{at}/kind"), kind, &TYPED_COMPONENTS, problems);
        let json = foreign.json.as_deref().unwrap_or_default();
        let Some(object) = object(format_args!("{at}/json"), json, SOURCE, problems) else {
            continue;
        };
        // It was read as an object, so its members can be.
        let mut members: BTreeMap<String, &RawValue> =
            serde_json::from_str(object.get()).unwrap_or_default();
        if let Some(word) = members.remove("type")
            && serde_json::from_str(word.get()).ok() != Some(kind)
        {
            problems.add(
                format_args!("{at}/json/type"),
                "wrong_kind",
                format_args!(
                    "The component is of another type than {kind}: correct it, or leave it out"
                ),
                SOURCE,
            );
        }
        if kind == "tap_target_configuration" {
            let value = serde_json::from_str(object.get()).unwrap_or_default();
            tap_target(&at, &value, template, problems);
        }
        parts.push(Part::Other { kind, members });
    }
    parts
}

/// A page that opens when the message is tapped: its address and its title.
fn tap_target(at: &str, value: &Value, template: &TemplateMessage, problems: &mut Problems) {
    const SOURCE: &str = SOURCE_TAP_TARGET;
    let target = "/parameters/0/tap_target_configuration/0";
    for member in ["url", "title"] {
        let pointer = format!("{target}/{member}");
        let text = value.pointer(&pointer).and_then(Value::as_str);
        let text = text.unwrap_or_default();
        problems.text(format_args!("{at}/json{pointer}"), text, usize::MAX, SOURCE);
    }
    if !matches!(
        template.header,
        None | Some(HeaderParameter::Text(_) | HeaderParameter::Image(_))
    ) {
        problems.add(
            format_args!("{at}/kind"),
            "not_allowed",
            "Only a template with a picture, with text or without a header opens a page by a tap: leave it out",
            SOURCE,
        );
    }
}

fn typed(pointer: &str, word: &str, typed: &[(&str, &str)], problems: &mut Problems) {
    if let Some((_, name)) = typed.iter().find(|(theirs, _)| *theirs == word) {
        problems.add(
            pointer,
            "not_allowed",
            format_args!("This goes by a type of its own, which is checked: send it as {name}"),
            SOURCE,
        );
    }
}

/// An interactive message: what all of them have in common, and an order's limits.
fn interactive(value: &Value, problems: &mut Problems) {
    let kind = value["type"].as_str().unwrap_or_default();
    problems.text("/content/json/type", kind, usize::MAX, SOURCE);
    typed("/content/json/type", kind, &TYPED_INTERACTIVE, problems);
    let mut limit = |pointer: &str, max, source| {
        let text = value.pointer(pointer).and_then(Value::as_str);
        problems.optional_text(format_args!("/content/json{pointer}"), text, max, source);
    };
    limit("/footer/text", 60, SOURCE);
    if matches!(kind, "order_details" | "order_status") {
        limit("/body/text", 1024, SOURCE_ORDER);
        limit("/action/parameters/reference_id", 60, SOURCE_ORDER);
        limit("/action/parameters/order/description", 120, SOURCE_ORDER);
        let id = &value["action"]["parameters"]["reference_id"];
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if !id.as_str().is_some_and(|id| id.chars().all(good)) {
            problems.add(
                "/content/json/action/parameters/reference_id",
                "bad_id",
                "An order is known by letters, digits, _, . and -: give it such an id",
                SOURCE_ORDER,
            );
        }
    }
}

/// A message that a group keeps at its top.
fn pin(value: &Value, to: &Recipient, problems: &mut Problems) {
    if !matches!(to, Recipient::Group(_)) {
        problems.add(
            "/to",
            "not_allowed",
            "Only groups have pinned messages: give a group",
            SOURCE_PIN,
        );
    }
    let kind = value["type"].as_str();
    if !matches!(kind, Some("pin" | "unpin")) {
        problems.add(
            "/content/json/type",
            "bad_choice",
            "A message is pinned or let go: give pin or unpin",
            SOURCE_PIN,
        );
    }
    let id = value["message_id"].as_str().unwrap_or_default();
    problems.text("/content/json/message_id", id, usize::MAX, SOURCE_PIN);
    let days = &value["expiration_days"];
    let good = days.as_u64().is_some_and(|days| (1..=30).contains(&days));
    match kind {
        Some("pin") if !good => problems.add(
            "/content/json/expiration_days",
            "out_of_range",
            "A pin stays for 1 to 30 days: say for how many",
            SOURCE_PIN,
        ),
        Some("unpin") if !days.is_null() => problems.add(
            "/content/json/expiration_days",
            "not_allowed",
            "What is let go has no days: leave them out",
            SOURCE_PIN,
        ),
        _ => {}
    }
}
