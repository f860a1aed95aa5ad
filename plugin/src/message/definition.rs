//! Whether a template message fits the template as it was approved.
//!
//! Meta says so only after it has taken the message (errors 132000, 132001, 132012, 132015).

use super::template::{Parts, words};
use crate::bindings::messaging::channel::outbound::{
    HeaderParameter, ParameterValue, TemplateMessage,
};
use crate::bindings::messaging::channel::templates::{
    Definition, ParameterFormat, TemplateBody, TemplateButton, TemplateCategory, TemplateHeader,
    TemplateStatus,
};
use crate::bindings::messaging::channel::types::Recipient;
use crate::problem::Problems;

const SOURCE: &str = "Cloud API, template messages";
const SOURCE_AUTHENTICATION: &str = "Cloud API, authentication templates";
const SOURCE_CAROUSEL: &str = "Cloud API, media card carousel templates";

/// The longest one-time code.
const CODE_LIMIT: usize = 15;

/// The parts of a definition, or of one of its cards.
struct Defined<'a> {
    header: Option<&'a TemplateHeader>,
    body: Option<&'a TemplateBody>,
    buttons: &'a [TemplateButton],
    named: bool,
}

/// Adds what does not fit. `at` is where the template stands in the message.
pub(super) fn check(
    at: &str,
    template: &TemplateMessage,
    to: &Recipient,
    definition: &Definition,
    problems: &mut Problems,
) {
    for (member, given, defined) in [
        ("name", &template.name, &definition.name),
        ("language", &template.language, &definition.language),
    ] {
        if given != defined {
            problems.add(
                format_args!("{at}/{member}"),
                "other_template",
                format_args!("The definition is of another template, with {member} {defined}: give the right one, or none"),
                SOURCE,
            );
            return;
        }
    }
    if let Some(reason) = not_sendable(&definition.status) {
        problems.add(
            format_args!("{at}/name"),
            "not_approved",
            format_args!("The template {reason}"),
            SOURCE,
        );
    }
    if definition.category == TemplateCategory::Authentication {
        authentication(at, template, to, problems);
    }
    let content = &definition.content;
    let named = content.parameter_format == Some(ParameterFormat::Named);
    let defined = Defined {
        header: content.header.as_ref(),
        body: content.body.as_ref(),
        buttons: &content.buttons,
        named,
    };
    parts(at, template.into(), &defined, problems);
    cards(at, template, definition, named, problems);
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

/// Why a template with this status can't be sent, and what to do.
fn not_sendable(status: &TemplateStatus) -> Option<String> {
    Some(match status {
        TemplateStatus::Approved => return None,
        TemplateStatus::Draft => {
            "was not submitted: submit it, and wait until it is approved".into()
        }
        TemplateStatus::Pending | TemplateStatus::InAppeal => {
            "is in review: wait until it is approved".into()
        }
        TemplateStatus::Rejected => "was rejected: correct it and submit it again".into(),
        TemplateStatus::Paused => "is paused for its quality: wait, or use another".into(),
        TemplateStatus::Archived => {
            "is archived: take it out of the archive, or use another".into()
        }
        TemplateStatus::Disabled
        | TemplateStatus::PendingDeletion
        | TemplateStatus::Deleted
        | TemplateStatus::LimitExceeded => "can't be sent any more: use another".into(),
        TemplateStatus::Other(status) => {
            format!("is not approved but {status}: wait until it is, or use another")
        }
    })
}

fn authentication(at: &str, template: &TemplateMessage, to: &Recipient, problems: &mut Problems) {
    const SOURCE: &str = SOURCE_AUTHENTICATION;
    if super::is_to_user_id(to) {
        problems.add(
            "/to/user_id",
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
}

/// Header, body and buttons.
fn parts(at: &str, given: Parts<'_>, defined: &Defined<'_>, problems: &mut Problems) {
    header(at, given.header, defined.header, problems);
    let text = defined.body.map(|body| body.text.as_ref());
    match text {
        Some(Some(text)) => variables(at, given, &text.text, defined.named, problems),
        // The vendor writes the text, and leaves a place for the code in it.
        Some(None) => variables(at, given, "{{1}}", false, problems),
        None => variables(at, given, "", false, problems),
    }
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
    defined: Option<&TemplateHeader>,
    problems: &mut Problems,
) {
    let wanted = match defined {
        None => None,
        Some(TemplateHeader::Text(text)) => placeholders(&text.text).next().map(|_| "text"),
        Some(TemplateHeader::Image(_)) => Some("image"),
        Some(TemplateHeader::Video(_)) => Some("video"),
        Some(TemplateHeader::Gif(_)) => Some("gif"),
        Some(TemplateHeader::Document(_)) => Some("document"),
        Some(TemplateHeader::Location) => Some("location"),
        Some(TemplateHeader::Product) => Some("product"),
        Some(TemplateHeader::Other(_)) => return,
    };
    match (given.map(header_kind), wanted) {
        (None, Some(wanted)) => problems.add(
            format_args!("{at}/header"),
            "required",
            format_args!("The template's header takes {wanted}: give it"),
            SOURCE,
        ),
        (Some(given), Some(wanted)) if given != wanted => problems.add(
            format_args!("{at}/header"),
            "wrong_kind",
            format_args!("The template's header takes {wanted}, not {given}: give that"),
            SOURCE,
        ),
        (Some(_), None) => problems.add(
            format_args!("{at}/header"),
            "not_in_template",
            "The template's header takes nothing: leave header out",
            SOURCE,
        ),
        _ => {}
    }
}

/// What stands between double braces, as often as it stands there.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(name, _)| name.trim())
}

/// The values of the body's variables: as many without a name as are numbered, and one for each name.
fn variables(at: &str, given: Parts<'_>, text: &str, named: bool, problems: &mut Problems) {
    let mut open: Vec<&str> = Vec::new();
    let mut numbers: Vec<&str> = Vec::new();
    for name in placeholders(text) {
        let is_number = !named && name.bytes().all(|b| b.is_ascii_digit());
        let list = if is_number { &mut numbers } else { &mut open };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    let unnamed = given.body.iter().filter(|p| p.name.is_none()).count();
    if unnamed != numbers.len() {
        problems.add(
            format_args!("{at}/body"),
            "wrong_count",
            format_args!(
                "The body has {} numbered variables, and {unnamed} values without a name are given: give one for each",
                numbers.len()
            ),
            SOURCE,
        );
    }
    for (i, parameter) in given.body.iter().enumerate() {
        let Some(name) = parameter.name.as_deref() else {
            continue;
        };
        // A name that is taken off the list is no longer there for a second value.
        match open.iter().position(|wanted| *wanted == name) {
            Some(found) => {
                open.swap_remove(found);
            }
            None => problems.add(
                format_args!("{at}/body/{i}/name"),
                "not_in_template",
                format_args!("The body has no variable {name} that is still open: correct the name, or leave the value out"),
                SOURCE,
            ),
        }
    }
    for name in open {
        problems.add(
            format_args!("{at}/body"),
            "required",
            format_args!("The variable {name} has no value: give one with that name"),
            SOURCE,
        );
    }
}

/// What a button of a template takes.
enum Takes {
    Nothing,
    Optional(&'static str),
    Required(&'static str),
    /// A button that is not known here may take anything.
    Anything,
}

fn takes(button: &TemplateButton) -> Takes {
    match button {
        TemplateButton::QuickReply(_) => Takes::Optional("payload"),
        TemplateButton::Url(button) if placeholders(&button.url).next().is_some() => {
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

fn buttons(at: &str, given: Parts<'_>, defined: &[TemplateButton], problems: &mut Problems) {
    for (i, parameter) in given.buttons.iter().enumerate() {
        let pointer = format!("{at}/buttons/{i}");
        let button = usize::try_from(parameter.index)
            .ok()
            .and_then(|index| defined.get(index));
        let (kind, _) = words(&parameter.value);
        match button.map(takes) {
            None => problems.add(
                format_args!("{pointer}/index"),
                "not_in_template",
                format_args!(
                    "The template has {} buttons, counted from 0: correct the index",
                    defined.len()
                ),
                SOURCE,
            ),
            Some(Takes::Nothing) => problems.add(
                pointer,
                "not_in_template",
                "This button takes nothing: leave its value out",
                SOURCE,
            ),
            Some(Takes::Optional(wanted) | Takes::Required(wanted)) if wanted != kind => {
                problems.add(
                    pointer,
                    "wrong_kind",
                    format_args!(
                        "This button takes a value of kind {wanted}, not {kind}: give that"
                    ),
                    SOURCE,
                );
            }
            Some(_) => {}
        }
    }
    for (i, button) in defined.iter().enumerate() {
        let is_given = || {
            given
                .buttons
                .iter()
                .any(|b| usize::try_from(b.index) == Ok(i))
        };
        if let Takes::Required(wanted) = takes(button)
            && !is_given()
        {
            problems.add(
                format_args!("{at}/buttons"),
                "required",
                format_args!("The button with index {i} needs a value of kind {wanted}: give it"),
                SOURCE,
            );
        }
    }
}

fn cards(
    at: &str,
    template: &TemplateMessage,
    definition: &Definition,
    named: bool,
    problems: &mut Problems,
) {
    let defined = &definition.content.carousel;
    // Cards of products are approved as two and may be more when they are sent.
    let products = matches!(
        defined.first().and_then(|card| card.header.as_ref()),
        Some(TemplateHeader::Product)
    );
    let given = template.cards.len();
    let fits = match (given, defined.len()) {
        (given, wanted) if given == wanted => true,
        (given, _) => products && given >= 2,
    };
    if !fits {
        problems.add(
            format_args!("{at}/cards"),
            "wrong_count",
            format_args!(
                "The template has {} cards, and {given} are given: give one entry for each",
                defined.len()
            ),
            SOURCE_CAROUSEL,
        );
        return;
    }
    for (i, card) in template.cards.iter().enumerate() {
        let Some(defined) = defined.get(i).or(defined.last()) else {
            return;
        };
        let defined = Defined {
            header: defined.header.as_ref(),
            body: defined.body.as_ref(),
            buttons: &defined.buttons,
            named,
        };
        parts(&format!("{at}/cards/{i}"), card.into(), &defined, problems);
    }
}
