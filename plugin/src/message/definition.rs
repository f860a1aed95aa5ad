//! Whether a template message fits the template as it was approved.
//!
//! Meta says so only after it has taken the message (errors 131062, 132000, 132001, 132005, 132012, 132015, 132016). Neither its
//! category nor what would be said of it as a draft stands in the way of a template that is approved.

use std::collections::HashSet;

use super::template::words;
use crate::bindings::messaging::channel::outbound::{
    ButtonValue, HeaderParameter, ParameterValue, TemplateMessage, TemplateParameter,
};
use crate::bindings::messaging::channel::templates::{
    Definition, TemplateButton, TemplateCategory, TemplateContent, TemplateHeader, TemplateStatus,
};
use crate::bindings::messaging::channel::types::Recipient;
use crate::problem::Problems;
use crate::template::variables::{
    self, Defined, Given, Takes, Variable, cards, fill, reading, targets, variables,
};
use crate::template::{label, remedy};

const SOURCE: &str = "Cloud API, template messages";
const SOURCE_AUTHENTICATION: &str = "Cloud API, authentication templates";
const SOURCE_CAROUSEL: &str = "Cloud API, media card carousel templates";
const SOURCE_LENGTH: &str = "Cloud API, error 132005";

/// The longest one-time code.
const CODE_LIMIT: usize = 15;

/// The longest header of text.
const HEADER_LIMIT: usize = 60;

/// The longest body of a card.
const CARD_LIMIT: usize = 160;

/// Whether the definition is of this template; adds what is another.
pub(super) fn is_of(
    at: &str,
    template: &TemplateMessage,
    definition: &Definition,
    problems: &mut Problems,
) -> bool {
    if template.name != definition.name {
        problems.add(
            format_args!("{at}/name"),
            "other_template",
            format_args!(
                "The definition is of another template, {}: give the right one, or none",
                definition.name
            ),
            SOURCE,
        );
        return false;
    }
    if template.language != definition.language {
        problems.add(
            format_args!("{at}/language"),
            "other_template",
            format_args!(
                "The template that was given is approved in {0}, and WhatsApp takes no other language for that: send it \
                 in {0}, or give the definition in the other language",
                definition.language
            ),
            SOURCE,
        );
        return false;
    }
    true
}

/// Adds what does not fit. `at` is where the template stands in the message.
pub(super) fn check(
    at: &str,
    template: &TemplateMessage,
    to: &Recipient,
    definition: &Definition,
    problems: &mut Problems,
) {
    if let Some(reason) = not_sendable(definition) {
        problems.add(
            format_args!("{at}/name"),
            "not_approved",
            format_args!("The template {reason}"),
            SOURCE,
        );
    }
    let content = &definition.content;
    if definition.category == TemplateCategory::Authentication {
        authentication(at, template, &content.buttons, to, problems);
    }
    let defined = Defined::from(definition);
    part(at, template.into(), &defined, body_limit(content), problems);
    let cards = cards(content, template.cards.len());
    if cards.len() == template.cards.len() {
        for (i, (card, defined)) in template.cards.iter().zip(&cards).enumerate() {
            let at = format!("{at}/cards/{i}");
            part(&at, card.into(), defined, CARD_LIMIT, problems);
        }
    } else {
        problems.add(
            format_args!("{at}/cards"),
            "wrong_count",
            format_args!(
                "The template has {} cards, and {} are given: give one entry for each",
                cards.len(),
                template.cards.len()
            ),
            SOURCE_CAROUSEL,
        );
    }
    let expires = content
        .offer
        .as_ref()
        .and_then(|offer| offer.has_expiration)
        .unwrap_or_default();
    if expires != template.offer_expires.is_some() {
        problems.add(
            format_args!("{at}/offer_expires"),
            if expires {
                "required"
            } else {
                "not_in_template"
            },
            if expires {
                "The template shows when its offer ends: give offer_expires"
            } else {
                "The template has no offer that ends: leave offer_expires out"
            },
            SOURCE,
        );
    }
}

/// The longest body, with its values. (Cloud API, template components and limited-time offer templates.)
fn body_limit(content: &TemplateContent) -> usize {
    match content {
        TemplateContent { offer: Some(_), .. } => 600,
        TemplateContent {
            header: None,
            footer: None,
            buttons,
            carousel,
            call_permission_request: false,
            other,
            ..
        } if buttons.is_empty() && carousel.is_empty() && other.is_empty() => 32_768,
        _ => 1024,
    }
}

/// Why a template can't be sent as it stands, and what to do.
fn not_sendable(definition: &Definition) -> Option<String> {
    Some(match &definition.status {
        TemplateStatus::Approved => return None,
        TemplateStatus::Draft => {
            "was not submitted: submit it, and wait until it is approved".into()
        }
        TemplateStatus::Pending | TemplateStatus::InAppeal => {
            "is in review: wait until it is approved".into()
        }
        TemplateStatus::Rejected => {
            let reason = definition.rejected_reason.as_deref();
            let remedy = reason.and_then(remedy);
            format!(
                "was rejected{}: {}",
                reason.map(|reason| format!(" for {reason}")).unwrap_or_default(),
                remedy.unwrap_or("correct it and submit it again")
            )
        }
        TemplateStatus::Paused => {
            "is paused for its quality: wait, 3 hours the first time and 6 the second, or use another".into()
        }
        TemplateStatus::Archived => {
            "is archived: take it out of the archive, or use another".into()
        }
        TemplateStatus::Disabled => {
            "is disabled for its quality: submit a better one under another name, or use another".into()
        }
        TemplateStatus::PendingDeletion
        | TemplateStatus::Deleted
        | TemplateStatus::LimitExceeded => "can't be sent any more: use another".into(),
        TemplateStatus::Other(status) => {
            format!("is not approved but {status}: wait until it is, or use another")
        }
    })
}

/// A code is short, goes to a phone number, and stands in the body and once more in the button.
fn authentication(
    at: &str,
    template: &TemplateMessage,
    buttons: &[TemplateButton],
    to: &Recipient,
    problems: &mut Problems,
) {
    const SOURCE: &str = SOURCE_AUTHENTICATION;
    if super::is_to_user_id(to) {
        let pointer = match to {
            Recipient::Contact(_) => "/to/contact/phone",
            _ => "/to/user_id",
        };
        problems.add(
            pointer,
            "not_allowed",
            "WhatsApp sends no sign-in codes to a user id: give the phone number",
            SOURCE,
        );
    }
    for (i, parameter) in template.body.iter().enumerate() {
        if let ParameterValue::Text(code) = &parameter.value
            && code.chars().count() > CODE_LIMIT
        {
            problems.add(
                format_args!("{at}/body/{i}/text"),
                "too_long",
                format_args!("A sign-in code has at most {CODE_LIMIT} characters: shorten it"),
                SOURCE,
            );
        }
    }
    for (i, given) in template.buttons.iter().enumerate() {
        if let ButtonValue::UrlSuffix(suffix) = &given.value
            && let Some(button) = button(buttons, given.index)
            && matches!(
                button,
                TemplateButton::OneTimeCode(_) | TemplateButton::Url(_)
            )
            && let [TemplateParameter { value, .. }] = &template.body[..]
            && reading(value) != suffix
        {
            problems.add(
                format_args!("{at}/buttons/{i}/url_suffix"),
                "mismatch",
                format_args!(
                    "The button ‘{}’ hands over another code than the body shows: give the same in both",
                    label(button)
                ),
                SOURCE,
            );
        }
    }
}

/// Header, body and buttons.
fn part(
    at: &str,
    given: Given<'_>,
    defined: &Defined<'_>,
    body_limit: usize,
    problems: &mut Problems,
) {
    header(at, given.header, defined, problems);
    let body = Text {
        what: "body",
        text: defined.text(),
        named: defined.named,
        limit: body_limit,
    };
    let at_value = |i| format!("{at}/body/{i}");
    body.check(&format!("{at}/body"), at_value, given.body, problems);
    buttons(at, given, defined.buttons, problems);
}

/// The word for what a header takes.
pub(super) fn header_kind(header: &HeaderParameter) -> &'static str {
    match header {
        HeaderParameter::Text(_) => "text",
        HeaderParameter::Image(_) => "image",
        HeaderParameter::Video(_) => "video",
        HeaderParameter::Gif(_) => "gif",
        HeaderParameter::Document(_) => "document",
        HeaderParameter::Location(_) => "location",
        HeaderParameter::Product(_) => "product",
    }
}

fn header(
    at: &str,
    given: Option<&HeaderParameter>,
    defined: &Defined<'_>,
    problems: &mut Problems,
) {
    let at = format!("{at}/header");
    if let (Some(HeaderParameter::Text(value)), Some(TemplateHeader::Text(text))) =
        (given, defined.header)
        && !variables(&text.text, defined.named).is_empty()
    {
        let text = Text {
            what: "header",
            text: &text.text,
            named: defined.named,
            limit: HEADER_LIMIT,
        };
        text.check(&at, |_| at.clone(), std::slice::from_ref(value), problems);
        return;
    }
    let takes = defined.header.map_or(Takes::Nothing, variables::header);
    match (given.map(header_kind), takes) {
        (None, Takes::Required(wanted)) => {
            let variable = match defined.header {
                Some(TemplateHeader::Text(text)) => {
                    variables(&text.text, defined.named).first().copied()
                }
                _ => None,
            };
            let place = variable.map(|variable| format!(" for {variable}"));
            problems.add(
                at,
                "required",
                format_args!(
                    "The template's header takes {wanted}{}: give it",
                    place.unwrap_or_default()
                ),
                SOURCE,
            );
        }
        (Some(given), Takes::Required(wanted)) if given != wanted => problems.add(
            at,
            "wrong_kind",
            format_args!("The template's header takes {wanted}, not {given}: give that"),
            SOURCE,
        ),
        (Some(_), Takes::Nothing) => problems.add(
            at,
            "not_in_template",
            "The template's header takes nothing: leave header out",
            SOURCE,
        ),
        _ => {}
    }
}

/// A text of the template with its variables.
struct Text<'a> {
    what: &'static str,
    text: &'a str,
    named: bool,
    limit: usize,
}

impl Text<'_> {
    /// As many values without a name as variables are numbered, one for each name, and all of it not too long.
    fn check(
        &self,
        at: &str,
        at_value: impl Fn(usize) -> String,
        given: &[TemplateParameter],
        problems: &mut Problems,
    ) {
        let what = self.what;
        let open = variables(self.text, self.named);
        let targets = targets(&open, given);
        let filled: HashSet<_> = targets.iter().flatten().map(|target| target.name).collect();
        let mut missing = open.iter().filter(|open| !filled.contains(open.name));
        let numbers = open.iter().filter(|variable| variable.is_number).count();
        let unnamed = given.iter().filter(|value| value.name.is_none()).count();
        if unnamed != numbers {
            let remedy = match missing.clone().find(|variable| variable.is_number) {
                Some(variable) => format!("give one for each, the next for {variable}"),
                None => "leave out what is too many".to_owned(),
            };
            problems.add(
                at,
                "wrong_count",
                format_args!(
                    "The {what} has {numbers} numbered variables, and {unnamed} values without a name are given: {remedy}"
                ),
                SOURCE,
            );
        }
        let names: Vec<&str> = missing
            .clone()
            .filter(|variable| !variable.is_number)
            .map(|variable| variable.name)
            .collect();
        for (i, value) in given.iter().enumerate() {
            let Some(name) = value.name.as_deref().filter(|_| targets[i].is_none()) else {
                continue;
            };
            let remedy = if names.is_empty() {
                "leave the value out".to_owned()
            } else {
                format!("name it as one that is open, {}", names.join(" or "))
            };
            problems.add(
                format_args!("{}/name", at_value(i)),
                "not_in_template",
                format_args!("The {what} has no variable {name} that is still open: {remedy}"),
                SOURCE,
            );
        }
        for variable in missing.by_ref().filter(|variable| !variable.is_number) {
            problems.add(
                at,
                "required",
                format_args!("There is no value for {variable}: give one with that name"),
                SOURCE,
            );
        }
        self.length(at_value, given, &targets, problems);
    }

    /// The length of the text with its values. Where they make it too long, the longest is to be shortened.
    fn length(
        &self,
        at_value: impl Fn(usize) -> String,
        given: &[TemplateParameter],
        targets: &[Option<Variable<'_>>],
        problems: &mut Problems,
    ) {
        let longest = given
            .iter()
            .zip(targets)
            .enumerate()
            .filter_map(|(i, (value, target))| {
                Some((reading(&value.value).chars().count(), i, target.as_ref()?))
            })
            .max_by_key(|(length, ..)| *length);
        let Some((_, i, variable)) = longest else {
            return;
        };
        let filled = fill(self.text, self.named, given, &mut Vec::new());
        let length = filled.chars().count();
        if length > self.limit {
            problems.add(
                at_value(i),
                "too_long",
                format_args!(
                    "With its values the {} has {length} characters, and {} fit: shorten the value of {variable}",
                    self.what, self.limit
                ),
                SOURCE_LENGTH,
            );
        }
    }
}

/// Whether it is a whole address, and not the end of one.
fn is_whole(suffix: &str) -> bool {
    suffix
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn button(buttons: &[TemplateButton], index: u32) -> Option<&TemplateButton> {
    usize::try_from(index)
        .ok()
        .and_then(|index| buttons.get(index))
}

fn buttons(at: &str, given: Given<'_>, defined: &[TemplateButton], problems: &mut Problems) {
    for (i, parameter) in given.buttons.iter().enumerate() {
        let pointer = format!("{at}/buttons/{i}");
        let Some(button) = button(defined, parameter.index) else {
            problems.add(
                format_args!("{pointer}/index"),
                "not_in_template",
                format_args!(
                    "The template has {} buttons, counted from 0: correct the index",
                    defined.len()
                ),
                SOURCE,
            );
            continue;
        };
        let (kind, _) = words(&parameter.value);
        match variables::button(button) {
            Takes::Nothing => problems.add(
                &pointer,
                "not_in_template",
                format_args!(
                    "The button ‘{}’ takes nothing: leave its value out",
                    label(button)
                ),
                SOURCE,
            ),
            Takes::Optional(wanted) | Takes::Required(wanted) if wanted != kind => {
                problems.add(
                    &pointer,
                    "wrong_kind",
                    format_args!(
                        "The button ‘{}’ takes {wanted}, not {kind}: give that",
                        label(button)
                    ),
                    SOURCE,
                );
            }
            _ => {}
        }
        if let (ButtonValue::UrlSuffix(suffix), TemplateButton::Url(button)) =
            (&parameter.value, button)
            && is_whole(suffix)
            // Behind a question mark it may be a value.
            && !button.url.contains('?')
        {
            problems.add(
                format_args!("{pointer}/url_suffix"),
                "whole_url",
                format_args!(
                    "The address ‘{}’ is the template's, and this is a whole one: give only the end, what stands for its variable",
                    button.url
                ),
                SOURCE,
            );
        }
    }
    for (i, button) in defined.iter().enumerate() {
        let is_given = || {
            given
                .buttons
                .iter()
                .any(|b| usize::try_from(b.index) == Ok(i))
        };
        if let Takes::Required(wanted) = variables::button(button)
            && !is_given()
        {
            let what = match button {
                TemplateButton::OneTimeCode(_) => ", the code that the body shows".to_owned(),
                TemplateButton::Url(button) => format!(" for its address ‘{}’", button.url),
                _ => String::new(),
            };
            problems.add(
                format_args!("{at}/buttons"),
                "required",
                format_args!(
                    "The button ‘{}’, with index {i}, needs {wanted}{what}: give it",
                    label(button)
                ),
                SOURCE,
            );
        }
    }
}
