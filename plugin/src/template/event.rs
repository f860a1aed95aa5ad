//! What webhooks say of templates that were added to the space.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::components::button;
use super::space::{self, Kept};
use super::{content, read};
use crate::bindings::messaging::channel::events::{
    TemplateButtonChange, TemplateCategoryChange, TemplateChange, TemplateChangeKind,
    TemplateContentChange, TemplateStatusChange,
};
use crate::bindings::messaging::channel::storage::Failure;
use crate::bindings::messaging::channel::templates::{
    Definition, TemplateBody, TemplateContent, TemplateFooter, TemplateHeader, TemplateStatus,
    TemplateText,
};
use crate::storage::Storage;

/// How often a change begins anew when others write at the same time.
const ATTEMPTS: u32 = 16;

/// Changes the stored template that a webhook speaks of; one that was not added stays unknown.
///
/// Meta's webhooks name it by id, name and language. Only one that does not is looked for by its id among all. One that happened
/// before what is known of its kind changes nothing: webhooks may come in another order.
///
/// # Errors
///
/// The store's.
pub(crate) fn changed(
    storage: &impl Storage,
    change: &TemplateChange,
    time: Option<u64>,
) -> Result<(), Failure> {
    match (&change.name, &change.language, &change.id) {
        (Some(name), Some(language), _) => {
            update(storage, &space::key(name, language), change, time)
        }
        (_, _, Some(_)) => space::keys(storage)?
            .iter()
            .try_for_each(|key| update(storage, key, change, time)),
        _ => Ok(()),
    }
}

fn update(
    storage: &impl Storage,
    key: &str,
    change: &TemplateChange,
    time: Option<u64>,
) -> Result<(), Failure> {
    for _ in 0..ATTEMPTS {
        let Some(bytes) = storage.get(key)? else {
            return Ok(());
        };
        let kept = Kept::read(&bytes).filter(|kept| concerns(change, &kept.definition));
        let Some(mut kept) = kept else {
            return Ok(());
        };
        if !is_latest(change, time, &mut kept.told) {
            return Ok(());
        }
        apply(change, &mut kept.definition);
        let changed = kept.written();
        if changed == bytes || storage.compare_and_swap(key, Some(&bytes), &changed)? {
            return Ok(());
        }
    }
    Err(Failure::Unavailable(format!(
        "others wrote the same template in each of {ATTEMPTS} attempts"
    )))
}

/// By Meta's id where both have one: a name may be given to another template. Else by the key that led to it.
fn concerns(change: &TemplateChange, definition: &Definition) -> bool {
    let is_its = |id: &Option<String>| id.is_some() && *id == change.id;
    let by_key = change.name.is_some() && change.language.is_some();
    is_its(&definition.external_id)
        || is_its(&definition.id)
        || (by_key && (change.id.is_none() || definition.external_id.is_none()))
}

/// Whether nothing newer of its kind was known; notes when it happened. Without a time, it is taken for new.
fn is_latest(change: &TemplateChange, time: Option<u64>, told: &mut BTreeMap<String, u64>) -> bool {
    let kind = match change.change {
        TemplateChangeKind::Status(_) => "status",
        TemplateChangeKind::Quality(_) => "quality",
        TemplateChangeKind::Category(_) => "category",
        TemplateChangeKind::Content(_) => "content",
        TemplateChangeKind::Other(_) => return true,
    };
    let Some(time) = time else {
        return true;
    };
    if told.get(kind).is_some_and(|last| *last > time) {
        return false;
    }
    told.insert(kind.into(), time);
    true
}

fn apply(change: &TemplateChange, definition: &mut Definition) {
    if let Some(word) = &change.category {
        definition.category = read::category(word);
    }
    match &change.change {
        TemplateChangeKind::Status(change) => status(change, definition),
        TemplateChangeKind::Quality(quality) => {
            definition.quality = quality.current.as_deref().map(read::quality);
        }
        TemplateChangeKind::Category(change) => category(change, definition),
        TemplateChangeKind::Content(change) => text(change, &mut definition.content),
        TemplateChangeKind::Other(_) => {}
    }
}

fn status(change: &TemplateStatusChange, definition: &mut Definition) {
    // Words of webhooks alone, that say nothing of what a list would have as the status. (Cloud API, template statuses.)
    if ["FLAGGED", "LOCKED"].contains(&change.status.to_uppercase().as_str()) {
        return;
    }
    definition.status = read::status(&change.status);
    definition.rejected_reason = match definition.status {
        TemplateStatus::Approved => None,
        _ => change.reason.clone().and_then(read::reason),
    };
}

fn category(change: &TemplateCategoryChange, definition: &mut Definition) {
    if let Some(word) = &change.current {
        definition.category = read::category(word);
    }
    if let Some(word) = &change.previous {
        definition.previous_category = Some(read::category(word));
    }
    let coming = change.coming.as_deref().map(read::category);
    definition.coming_category = coming.filter(|coming| *coming != definition.category);
}

/// The whole of a template's texts and buttons; what is not named is not there. Examples stay, and so does what webhooks don't
/// tell of, such as pictures. (Cloud API, `message_template_components_update`.)
fn text(change: &TemplateContentChange, content: &mut TemplateContent) {
    let header = content.header.take();
    content.header = match (header, &change.header) {
        (Some(TemplateHeader::Text(old)), Some(text)) => Some(TemplateHeader::Text(TemplateText {
            text: text.clone(),
            ..old
        })),
        (None, Some(text)) => Some(TemplateHeader::Text(TemplateText {
            text: text.clone(),
            examples: Vec::new(),
        })),
        (Some(TemplateHeader::Text(_)) | None, None) => None,
        (header, _) => header,
    };
    if let Some(text) = &change.body {
        let body = content.body.get_or_insert(TemplateBody {
            text: None,
            security_recommendation: None,
        });
        let examples = body.text.take().map(|old| old.examples);
        body.text = Some(TemplateText {
            text: text.clone(),
            examples: examples.unwrap_or_default(),
        });
    }
    let expires = content
        .footer
        .as_ref()
        .and_then(|footer| footer.code_expiration_minutes);
    content.footer = (change.footer.is_some() || expires.is_some()).then(|| TemplateFooter {
        text: change.footer.clone(),
        code_expiration_minutes: expires,
    });
    let old = std::mem::take(&mut content.buttons);
    let changed = change.buttons.iter().enumerate().map(|(index, change)| {
        let old = old.get(index).map(|old| button(old).get().to_owned());
        let mut button = old
            .and_then(|old| serde_json::from_str::<Value>(&old).ok())
            .filter(|old| is_of_kind(old, change))
            .unwrap_or_else(|| json!({"type": change.kind}));
        for (member, value) in [
            ("text", &change.text),
            ("url", &change.url),
            ("phone_number", &change.phone_number),
        ] {
            if let Some(value) = value {
                button[member] = value.as_str().into();
            }
        }
        content::button(&button)
    });
    content.buttons = changed.collect();
}

fn is_of_kind(button: &Value, change: &TemplateButtonChange) -> bool {
    let kind = change.kind.as_deref().unwrap_or_default();
    button["type"]
        .as_str()
        .is_some_and(|its| its.eq_ignore_ascii_case(kind))
}
