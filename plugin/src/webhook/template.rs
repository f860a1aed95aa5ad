//! Templates that change. Cloud API, `message_template_status_update`, `message_template_quality_update`,
//! `message_template_components_update`, `template_category_update`, `template_correct_category_detection`.

use super::Item;
use super::node::Node;
use crate::bindings::messaging::channel::events::{
    EventBody, TemplateButtonChange, TemplateCategoryChange, TemplateChange, TemplateChangeKind,
    TemplateContentChange, TemplateStatusChange, Transition,
};

/// Whether the `value` of this field is a change of a template.
pub(super) fn is_field(field: &str) -> bool {
    field.starts_with("message_template_")
        || [
            "template_category_update",
            "template_correct_category_detection",
        ]
        .contains(&field)
}

/// The change of a template in this field; `None` for another field.
pub(super) fn change(field: &str, value: &Node<'_>) -> Option<Item> {
    let change = match field {
        // Meta's example of a change of quality names the status field.
        "message_template_status_update" if value.word("new_quality_score").is_none() => {
            status(value).map(TemplateChangeKind::Status)
        }
        "message_template_status_update" | "message_template_quality_update" => {
            Some(TemplateChangeKind::Quality(Transition {
                previous: value.text("previous_quality_score"),
                current: value.text("new_quality_score"),
            }))
        }
        "message_template_components_update" => Some(TemplateChangeKind::Content(content(value))),
        "template_category_update" => Some(TemplateChangeKind::Category(TemplateCategoryChange {
            previous: value.text("previous_category"),
            current: value.text("new_category"),
            coming: value.text("correct_category"),
            effective: value.instant("category_update_timestamp"),
        })),
        "template_correct_category_detection" => {
            Some(TemplateChangeKind::Category(TemplateCategoryChange {
                previous: None,
                current: value
                    .text("current_category")
                    .or_else(|| value.text("category")),
                coming: value
                    .text("suggested_category")
                    .or_else(|| value.text("correct_category")),
                effective: None,
            }))
        }
        _ => return None,
    };
    Some(Item {
        time: None,
        contact: None,
        body: EventBody::Template(TemplateChange {
            id: value.text("message_template_id"),
            name: value.text("message_template_name"),
            language: value.text("message_template_language"),
            category: value.text("message_template_category"),
            change: change.unwrap_or_else(|| TemplateChangeKind::Other(field.to_owned())),
        }),
    })
}

fn status(value: &Node<'_>) -> Option<TemplateStatusChange> {
    Some(TemplateStatusChange {
        status: value.text("event")?,
        reason: value.text("reason"),
        title: value.text("other_info/title"),
        description: value
            .text("other_info/description")
            .or_else(|| value.text("rejection_info/reason")),
        recommendation: value.text("rejection_info/recommendation"),
        disabled: value.instant("disable_info/disable_date"),
    })
}

fn content(value: &Node<'_>) -> TemplateContentChange {
    TemplateContentChange {
        header: value.text("message_template_title"),
        body: value.text("message_template_element"),
        footer: value.text("message_template_footer"),
        buttons: value
            .objects("message_template_buttons")
            .map(|button| TemplateButtonChange {
                kind: button.text("message_template_button_type"),
                text: button.text("message_template_button_text"),
                url: button.text("message_template_button_url"),
                phone_number: button.text("message_template_button_phone_number"),
            })
            .collect(),
    }
}
