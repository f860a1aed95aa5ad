//! The form that sends a template.

use super::draft::settled_definition;
use super::variables::{self, Defined, Takes, Variable, cards, variables};
use crate::bindings::messaging::channel::templates::{
    Definition, ParameterKind, ParameterSpec, TemplateButton, TemplateExample, TemplateHeader,
};

/// What must be given to send a template, and what may be. (Cloud API, template messages and authentication templates.)
///
/// Each stands where a message has it that gives everything: `/buttons/1` is the second button that takes something. A carousel of
/// products may have more cards than are named here. A catalogue button's kind is `catalog`, as its value is called in a message.
#[must_use]
pub fn parameters(definition: &Definition) -> Vec<ParameterSpec> {
    let definition = &*settled_definition(definition);
    let content = &definition.content;
    let mut specs = Vec::new();
    part("", &definition.into(), &mut specs);
    if let Some(offer) = &content.offer
        && offer.has_expiration == Some(true)
    {
        specs.push(ParameterSpec {
            pointer: "/offer_expires".into(),
            name: None,
            kind: ParameterKind::Timestamp,
            required: true,
            sentence: Some(offer.text.clone()),
            example: None,
        });
    }
    for (i, card) in cards(content, 0).iter().enumerate() {
        part(&format!("/cards/{i}"), card, &mut specs);
    }
    specs
}

/// Header, body and buttons.
fn part(at: &str, defined: &Defined<'_>, specs: &mut Vec<ParameterSpec>) {
    specs.extend(defined.header.and_then(|header| {
        let pointer = format!("{at}/header");
        let (word, required) = taken(variables::header(header))?;
        Some(match header {
            TemplateHeader::Text(text) => {
                let first = *variables(&text.text, defined.named).first()?;
                variable(pointer, first, example(&text.examples, 0, first.name))
            }
            TemplateHeader::Image(example)
            | TemplateHeader::Video(example)
            | TemplateHeader::Gif(example)
            | TemplateHeader::Document(example) => ParameterSpec {
                example: example.clone(),
                ..spec(pointer, word, required)
            },
            _ => spec(pointer, word, required),
        })
    }));
    let examples = defined.body.and_then(|body| body.text.as_ref());
    let examples = examples.map_or(&[][..], |text| &text.examples);
    for (i, found) in variables(defined.text(), defined.named)
        .into_iter()
        .enumerate()
    {
        let example = example(examples, i, found.name);
        specs.push(variable(format!("{at}/body/{i}"), found, example));
    }
    let takers = defined
        .buttons
        .iter()
        .filter_map(|button| Some((button, taken(variables::button(button))?)));
    for (i, (button, (word, required))) in takers.enumerate() {
        let (sentence, example) = match button {
            TemplateButton::Url(button) => (button.url.clone(), button.example.clone()),
            TemplateButton::CopyCode(code) => (super::label(button), code.example.clone()),
            _ => (super::label(button), None),
        };
        specs.push(ParameterSpec {
            sentence: Some(sentence),
            example,
            ..spec(format!("{at}/buttons/{i}"), word, required)
        });
    }
}

/// The word for what is taken, and whether it must be given.
fn taken(takes: Takes) -> Option<(&'static str, bool)> {
    match takes {
        Takes::Required(word) => Some((word, true)),
        Takes::Optional(word) => Some((word, false)),
        Takes::Nothing | Takes::Anything => None,
    }
}

fn spec(pointer: String, word: &str, required: bool) -> ParameterSpec {
    ParameterSpec {
        pointer,
        name: None,
        kind: kind(word),
        required,
        sentence: None,
        example: None,
    }
}

fn variable(pointer: String, variable: Variable<'_>, example: Option<String>) -> ParameterSpec {
    ParameterSpec {
        name: (!variable.is_number).then(|| variable.name.to_owned()),
        sentence: Some(variable.sentence().to_owned()),
        example,
        ..spec(pointer, "text", true)
    }
}

/// The example by name, or else the one that comes at this place among those without a name.
fn example(examples: &[TemplateExample], place: usize, name: &str) -> Option<String> {
    let by_name = examples
        .iter()
        .find(|example| example.name.as_deref() == Some(name));
    let mut unnamed = examples.iter().filter(|example| example.name.is_none());
    by_name
        .or_else(|| unnamed.nth(place))
        .map(|example| example.value.clone())
}

fn kind(word: &str) -> ParameterKind {
    match word {
        "text" => ParameterKind::Text,
        "image" => ParameterKind::Image,
        "video" => ParameterKind::Video,
        "gif" => ParameterKind::Gif,
        "document" => ParameterKind::Document,
        "location" => ParameterKind::Location,
        "product" => ParameterKind::Product,
        "products" => ParameterKind::Products,
        "url_suffix" => ParameterKind::UrlSuffix,
        "code" => ParameterKind::Code,
        "payload" => ParameterKind::Payload,
        "flow" => ParameterKind::Flow,
        "order_details" => ParameterKind::OrderDetails,
        "call" => ParameterKind::Call,
        other => ParameterKind::Other(other.to_owned()),
    }
}
