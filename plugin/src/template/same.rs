//! Whether a template at the vendor says what a draft says.

use serde_json::Value;

use super::components::{Json, components};
use super::vendor::is_same_language;
use crate::bindings::messaging::channel::templates::{
    Definition, Draft, FlowButton, OneTimeCodeKind, ParameterFormat, TemplateButton,
    TemplateCategory, TemplateContent, TemplateHeader,
};

/// Whether nothing would change if the draft were submitted again.
pub(super) fn says_the_same(existing: &Definition, draft: &Draft) -> bool {
    let says = |content: &TemplateContent| -> Vec<Value> {
        let components = components(&as_written(content, &draft.category));
        let read = |component: &Json| serde_json::from_str(component.get()).unwrap_or_default();
        components.iter().map(read).collect()
    };
    let ttl = existing.ttl_seconds.or(draft.ttl_seconds);
    existing.category == draft.category
        && existing.name == draft.name
        && is_same_language(&existing.language, &draft.language)
        && draft.ttl_seconds.is_none_or(|wanted| ttl == Some(wanted))
        && is_named(&existing.content) == is_named(&draft.content)
        && says(&existing.content) == says(&draft.content)
}

fn is_named(content: &TemplateContent) -> bool {
    content.parameter_format == Some(ParameterFormat::Named)
}

/// The content without what the vendor writes into it: the addresses of examples that were uploaded, labels that can't be chosen, and
/// the texts of authentication templates. (Cloud API, template components; authentication templates.)
fn as_written(content: &TemplateContent, category: &TemplateCategory) -> TemplateContent {
    let mut content = content.clone();
    if *category == TemplateCategory::Authentication {
        if let Some(body) = &mut content.body {
            body.text = None;
        }
        if let Some(footer) = &mut content.footer {
            footer.text = None;
        }
    }
    let cards = content.carousel.iter_mut();
    let parts = cards.map(|card| (&mut card.header, &mut card.buttons));
    let own = (&mut content.header, &mut content.buttons);
    for (header, buttons) in parts.chain([own]) {
        if let Some(
            TemplateHeader::Image(example)
            | TemplateHeader::Video(example)
            | TemplateHeader::Gif(example)
            | TemplateHeader::Document(example),
        ) = header
        {
            *example = None;
        }
        for button in buttons {
            match button {
                TemplateButton::CopyCode(button) => button.text = None,
                TemplateButton::Flow(FlowButton {
                    action: Some(action),
                    ..
                }) => action.make_ascii_lowercase(),
                TemplateButton::Catalog(button)
                | TemplateButton::Products(button)
                | TemplateButton::Product(button)
                | TemplateButton::OrderDetails(button)
                | TemplateButton::ContactRequest(button) => button.text = None,
                TemplateButton::OneTimeCode(button) if button.kind == OneTimeCodeKind::CopyCode => {
                    button.text = None;
                    button.autofill_text = None;
                }
                _ => {}
            }
        }
    }
    content
}
