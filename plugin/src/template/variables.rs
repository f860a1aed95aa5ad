//! What a template leaves open until it is sent: the variables of its texts, and what its header and buttons take.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::{fmt, iter};

use unicode_segmentation::UnicodeSegmentation as _;

use crate::bindings::messaging::channel::outbound::{
    ButtonParameter, CardParameters, HeaderParameter, ParameterValue, TemplateMessage,
    TemplateParameter,
};
use crate::bindings::messaging::channel::templates::{
    Definition, ParameterFormat, TemplateBody, TemplateButton, TemplateContent, TemplateHeader,
};

/// The body where the vendor writes it. (Cloud API, authentication templates.)
const CODE_BODY: &str = "*{{1}}* is your verification code.";

/// A template or one of its cards, as it was approved.
#[derive(Clone, Copy)]
pub(crate) struct Defined<'a> {
    pub(crate) header: Option<&'a TemplateHeader>,
    pub(crate) body: Option<&'a TemplateBody>,
    pub(crate) buttons: &'a [TemplateButton],
    /// Variables have names.
    pub(crate) named: bool,
}

impl<'a> Defined<'a> {
    /// The text of the body; empty where there is none.
    pub(crate) fn text(&self) -> &'a str {
        match self.body.map(|body| &body.text) {
            Some(Some(text)) => &text.text,
            Some(None) => CODE_BODY,
            None => "",
        }
    }
}

impl<'a> From<&'a Definition> for Defined<'a> {
    fn from(Definition { content, .. }: &'a Definition) -> Self {
        Self {
            header: content.header.as_ref(),
            body: content.body.as_ref(),
            buttons: &content.buttons,
            named: is_named(content, content.body.as_ref()),
        }
    }
}

/// Whether variables have names. The text that the vendor writes has a number whatever the rest has.
fn is_named(content: &TemplateContent, body: Option<&TemplateBody>) -> bool {
    content.parameter_format == Some(ParameterFormat::Named)
        && body.is_none_or(|body| body.text.is_some())
}

/// The cards as they were approved, for a message that has so many: those of products are approved as two, and may be more when
/// they are sent. (Cloud API, product card carousel templates.)
pub(crate) fn cards(content: &TemplateContent, given: usize) -> Vec<Defined<'_>> {
    let approved = &content.carousel;
    let of_products = matches!(
        approved.first().and_then(|card| card.header.as_ref()),
        Some(TemplateHeader::Product)
    );
    let count = if of_products && given >= 2 {
        given
    } else {
        approved.len()
    };
    (0..count)
        .filter_map(|i| approved.get(i).or(approved.last()))
        .map(|card| Defined {
            header: card.header.as_ref(),
            body: card.body.as_ref(),
            buttons: &card.buttons,
            named: is_named(content, card.body.as_ref()),
        })
        .collect()
}

/// What a template or one of its cards is given when it is sent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Given<'a> {
    pub(crate) header: Option<&'a HeaderParameter>,
    pub(crate) body: &'a [TemplateParameter],
    pub(crate) buttons: &'a [ButtonParameter],
}

impl<'a> From<&'a TemplateMessage> for Given<'a> {
    fn from(template: &'a TemplateMessage) -> Self {
        Self {
            header: template.header.as_ref(),
            body: &template.body,
            buttons: &template.buttons,
        }
    }
}

impl<'a> From<&'a CardParameters> for Given<'a> {
    fn from(card: &'a CardParameters) -> Self {
        Self {
            header: card.header.as_ref(),
            body: &card.body,
            buttons: &card.buttons,
        }
    }
}

/// What stands between double braces, and where.
pub(crate) struct Mark<'a> {
    /// As it is written.
    pub(crate) name: &'a str,
    /// With its braces.
    pub(crate) range: Range<usize>,
}

/// What stands between double braces in a text, as often as it does. Of braces that were opened twice the last count.
pub(crate) fn braced(text: &str) -> impl Iterator<Item = Mark<'_>> {
    let mut from = 0;
    iter::from_fn(move || {
        loop {
            let close = from + text[from..].find("}}")?;
            let before = std::mem::replace(&mut from, close + 2);
            if let Some(open) = text[before..close].rfind("{{") {
                let start = before + open;
                return Some(Mark {
                    name: &text[start + 2..close],
                    range: start..close + 2,
                });
            }
        }
    })
}

/// The variables of a text, as often as they stand there.
fn marks(text: &str) -> impl Iterator<Item = Mark<'_>> {
    braced(text).filter_map(|Mark { name, range }| {
        let name = name.trim();
        let is_name = !name.is_empty() && !name.contains(['{', '}']);
        is_name.then_some(Mark { name, range })
    })
}

/// A variable of a text.
#[derive(Clone, Copy)]
pub(crate) struct Variable<'a> {
    pub(crate) name: &'a str,
    pub(crate) is_number: bool,
    text: &'a str,
    at: usize,
}

impl<'a> Variable<'a> {
    /// The sentence, or the line, in which it stands first. (Unicode, UAX #29.)
    pub(crate) fn sentence(&self) -> &'a str {
        self.text
            .split_sentence_bound_indices()
            .find(|(start, sentence)| self.at < start + sentence.len())
            .map_or(self.text, |(_, sentence)| sentence)
            .trim()
    }
}

impl fmt::Display for Variable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{{{{}}}}} in the sentence ‘{}’",
            self.name,
            self.sentence()
        )
    }
}

/// The variables of a text, each once: the numbers in their order, and then the names as they come.
pub(crate) fn variables(text: &str, named: bool) -> Vec<Variable<'_>> {
    let mut variables: Vec<Variable<'_>> = Vec::new();
    let mut known = HashSet::new();
    for mark in marks(text) {
        if known.insert(mark.name) {
            variables.push(Variable {
                name: mark.name,
                is_number: !named && mark.name.bytes().all(|b| b.is_ascii_digit()),
                text,
                at: mark.range.start,
            });
        }
    }
    variables.sort_by_key(|variable| {
        let number = variable.name.parse::<u32>().unwrap_or(u32::MAX);
        (!variable.is_number, variable.is_number.then_some(number))
    });
    variables
}

/// The variable that each of the values is for; none where it is for none, or for one that another value was given for.
pub(crate) fn targets<'a>(
    variables: &[Variable<'a>],
    given: &[TemplateParameter],
) -> Vec<Option<Variable<'a>>> {
    let (numbers, names): (Vec<Variable<'a>>, Vec<_>) =
        variables.iter().partition(|variable| variable.is_number);
    let mut numbers = numbers.into_iter();
    let mut names: HashMap<_, _> = names
        .into_iter()
        .map(|variable| (variable.name, variable))
        .collect();
    given
        .iter()
        .map(|value| match &value.name {
            None => numbers.next(),
            Some(name) => names.remove(name.as_str()),
        })
        .collect()
}

/// A text with its values, each put in once. A variable without one stays as it stands, and is added to those that are `missing`.
pub(crate) fn fill(
    text: &str,
    named: bool,
    given: &[TemplateParameter],
    missing: &mut Vec<String>,
) -> String {
    let targets = targets(&variables(text, named), given);
    let values: HashMap<_, _> = given
        .iter()
        .zip(&targets)
        .filter_map(|(parameter, target)| Some((target.as_ref()?.name, &parameter.value)))
        .collect();
    // What is missing has its braces, but may have other spaces in them.
    let name_of = |mark: &String| mark.trim_matches(['{', '}']).trim().to_owned();
    let mut known: HashSet<String> = missing.iter().map(name_of).collect();
    let mut filled = String::with_capacity(text.len());
    let mut end = 0;
    for Mark { name, range } in marks(text) {
        filled.push_str(&text[end..range.start]);
        end = range.end;
        if let Some(value) = values.get(name) {
            filled.push_str(reading(value));
        } else {
            let mark = &text[range];
            filled.push_str(mark);
            if known.insert(name.to_owned()) {
                missing.push(mark.to_owned());
            }
        }
    }
    filled.push_str(&text[end..]);
    filled
}

/// How a value reads: the Cloud API always prints the fallback. (Cloud API, template messages.)
pub(crate) fn reading(value: &ParameterValue) -> &str {
    match value {
        ParameterValue::Text(text) | ParameterValue::DateTime(text) => text,
        ParameterValue::Currency(currency) => &currency.fallback,
    }
}

/// What a header or a button takes, in the word that the public JSON of a message has for it.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    Nothing,
    Optional(&'static str),
    Required(&'static str),
    /// What is not known here may take anything.
    Anything,
}

/// What a header takes: one of media is never sent without them. (Cloud API, template messages.)
pub(crate) fn header(header: &TemplateHeader) -> Takes {
    match header {
        TemplateHeader::Text(text) if marks(&text.text).next().is_none() => Takes::Nothing,
        TemplateHeader::Text(_) => Takes::Required("text"),
        TemplateHeader::Image(_) => Takes::Required("image"),
        TemplateHeader::Video(_) => Takes::Required("video"),
        TemplateHeader::Gif(_) => Takes::Required("gif"),
        TemplateHeader::Document(_) => Takes::Required("document"),
        TemplateHeader::Location => Takes::Required("location"),
        TemplateHeader::Product => Takes::Required("product"),
        TemplateHeader::Other(_) => Takes::Anything,
    }
}

/// What a button takes. (Cloud API, template messages.)
pub(crate) fn button(button: &TemplateButton) -> Takes {
    match button {
        TemplateButton::QuickReply(_) => Takes::Optional("payload"),
        TemplateButton::Url(button) if marks(&button.url).next().is_some() => {
            Takes::Required("url_suffix")
        }
        // The code stands in the body and, once more, in the button, which is sent as one of a web address.
        TemplateButton::OneTimeCode(_) => Takes::Required("url_suffix"),
        TemplateButton::CopyCode(_) => Takes::Required("code"),
        TemplateButton::Flow(_) => Takes::Optional("flow"),
        TemplateButton::Catalog(_) => Takes::Optional("catalog"),
        TemplateButton::Products(_) => Takes::Required("products"),
        TemplateButton::OrderDetails(_) => Takes::Required("order_details"),
        TemplateButton::Call(_) => Takes::Optional("call"),
        TemplateButton::Url(_)
        | TemplateButton::PhoneNumber(_)
        | TemplateButton::Product(_)
        | TemplateButton::ContactRequest(_) => Takes::Nothing,
        TemplateButton::App(_) | TemplateButton::Other(_) => Takes::Anything,
    }
}
