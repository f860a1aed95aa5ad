//! A template as the person will read it.

use serde_json::Value;

use super::draft::settled_definition;
use super::variables::{Defined, Given, cards, fill};
use crate::bindings::messaging::channel::outbound::{
    DocumentHeader, HeaderParameter, TemplateMessage,
};
use crate::bindings::messaging::channel::templates::{
    Definition, OneTimeCodeKind, Rendered, RenderedCard, TemplateButton, TemplateFooter,
    TemplateHeader,
};
use crate::bindings::messaging::channel::types::Location;

/// What follows the body of a sign-in code where the template asks for it.
const SECURITY: &str = " For your security, do not share this code.";

/// The message as the person will read it. Variables that are not given stand as they are, and are listed once each.
///
/// What WhatsApp itself writes is in English here: its words in other languages are not documented. An offer's text has no place in
/// this. (Cloud API, template messages and authentication templates.)
#[must_use]
pub fn render(definition: &Definition, message: &TemplateMessage) -> Rendered {
    let definition = &*settled_definition(definition);
    let content = &definition.content;
    let mut missing = Vec::new();
    let whole = part(&definition.into(), message.into(), &mut missing);
    let cards = cards(content, message.cards.len());
    let cards = cards.iter().enumerate().map(|(i, defined)| {
        let given = message.cards.get(i).map(Given::from);
        part(defined, given.unwrap_or_default(), &mut missing)
    });
    Rendered {
        cards: cards.collect(),
        header: whole.header,
        body: whole.body.unwrap_or_default(),
        footer: content.footer.as_ref().and_then(footer),
        buttons: whole.buttons,
        missing,
    }
}

/// What a template and a card have in common.
fn part(defined: &Defined<'_>, given: Given<'_>, missing: &mut Vec<String>) -> RenderedCard {
    RenderedCard {
        header: defined
            .header
            .map(|approved| header(approved, given.header, defined.named, missing)),
        body: defined.body.map(|body| {
            let mut text = fill(defined.text(), defined.named, given.body, missing);
            if body.text.is_none() && body.security_recommendation == Some(true) {
                text.push_str(SECURITY);
            }
            text
        }),
        buttons: defined.buttons.iter().map(label).collect(),
    }
}

/// The header's text, or what stands there: a file's or a place's name where it has one.
fn header(
    approved: &TemplateHeader,
    given: Option<&HeaderParameter>,
    named: bool,
    missing: &mut Vec<String>,
) -> String {
    let stands = match (approved, given) {
        (TemplateHeader::Text(text), given) => {
            let values = match given {
                Some(HeaderParameter::Text(value)) => std::slice::from_ref(value),
                _ => &[],
            };
            return fill(&text.text, named, values, missing);
        }
        (
            TemplateHeader::Document(_),
            Some(HeaderParameter::Document(DocumentHeader {
                filename: Some(name),
                ..
            })),
        )
        | (
            TemplateHeader::Location,
            Some(HeaderParameter::Location(Location {
                name: Some(name), ..
            })),
        ) => return name.clone(),
        (TemplateHeader::Image(_), _) => "image",
        (TemplateHeader::Video(_), _) => "video",
        (TemplateHeader::Gif(_), _) => "gif",
        (TemplateHeader::Document(_), _) => "document",
        (TemplateHeader::Location, _) => "location",
        (TemplateHeader::Product, _) => "product",
        (TemplateHeader::Other(foreign), _) => &foreign.kind,
    };
    format!("[{stands}]")
}

fn footer(footer: &TemplateFooter) -> Option<String> {
    footer.text.clone().or_else(|| {
        footer
            .code_expiration_minutes
            .map(|minutes| format!("This code expires in {minutes} minutes."))
    })
}

/// What is written on a button. (Cloud API, template components and authentication templates.)
pub(crate) fn label(button: &TemplateButton) -> String {
    let (text, by_whatsapp) = match button {
        TemplateButton::QuickReply(button) => (&button.text, ""),
        TemplateButton::Catalog(button) => (&button.text, "View catalog"),
        TemplateButton::Products(button) => (&button.text, "View items"),
        TemplateButton::Product(button) => (&button.text, "View"),
        TemplateButton::OrderDetails(button) => (&button.text, "Review and pay"),
        TemplateButton::ContactRequest(button) => (&button.text, "Share Contact Info"),
        TemplateButton::CopyCode(button) => (&button.text, "Copy offer code"),
        TemplateButton::OneTimeCode(button) if button.kind == OneTimeCodeKind::OneTap => {
            (&button.autofill_text, "Autofill")
        }
        TemplateButton::OneTimeCode(button) => (&button.text, "Copy code"),
        TemplateButton::Url(button) => return button.text.clone(),
        TemplateButton::PhoneNumber(button) => return button.text.clone(),
        TemplateButton::Flow(button) => return button.text.clone(),
        TemplateButton::Call(button) => return button.text.clone(),
        TemplateButton::App(button) => return button.text.clone(),
        TemplateButton::Other(foreign) => {
            let json = foreign.json.as_deref().unwrap_or_default();
            let json: Value = serde_json::from_str(json).unwrap_or_default();
            return json["text"].as_str().unwrap_or(&foreign.kind).to_owned();
        }
    };
    text.clone().unwrap_or_else(|| by_whatsapp.to_owned())
}
