//! Messages with something to tap. (Cloud API, interactive messages.)
//!
//! All have a text; a header and a footer where the kind allows them; and an action. Where the Cloud API names no longest text
//! for a kind, 1024 holds: what it names for all others but the list.

use std::fmt::Display;

use super::basic::source;
use super::wire::{self, Action, Body, Content, Interactive, Line, Tagged};
use crate::bindings::messaging::channel::outbound::{Button, Header};
use crate::problem::Problems;
use crate::url::Url;

mod carousel;
mod choice;
mod link;
mod request;

pub(super) use carousel::carousel;
pub(super) use choice::{as_list, buttons, list};
pub(super) use link::{flow, link_button};
pub(super) use request::{
    address_request, call_button, call_limits, call_permission_request, contact_request,
    location_request,
};

/// The longest text, unless the kind has its own.
pub(super) const BODY_LIMIT: usize = 1024;

/// The longest header and the longest footer.
const LINE_LIMIT: usize = 60;

/// The longest title of a button.
const BUTTON_LIMIT: usize = 20;

/// What may stand above the text.
#[derive(Clone, Copy, PartialEq)]
enum Headers {
    Text,
    /// Text, a picture, a film or a file.
    TextOrMedia,
    /// A picture or a film.
    Picture,
}

/// The message, put together. The parts are checked by who gives them.
pub(super) fn interactive<'a>(
    kind: &'static str,
    header: Option<wire::Header<'a>>,
    body: Option<&'a str>,
    footer: Option<&'a str>,
    action: Action<'a>,
) -> Content<'a> {
    let line = |text| Line { text };
    Tagged(
        "interactive",
        Body::Interactive(Box::new(Interactive {
            kind,
            header,
            body: body.map(line),
            footer: footer.map(line),
            action,
        })),
    )
}

/// Body and footer.
pub(super) fn texts(
    body: &str,
    body_limit: usize,
    footer: Option<&str>,
    source: &str,
    problems: &mut Problems,
) {
    problems.text("/content/body", body, body_limit, source);
    problems.optional_text("/content/footer", footer, LINE_LIMIT, source);
}

/// A line of text above the text, which stands at `pointer`.
pub(super) fn header_text<'a>(
    pointer: &str,
    text: &'a str,
    source: &str,
    problems: &mut Problems,
) -> wire::Header<'a> {
    problems.text(pointer, text, LINE_LIMIT, source);
    Tagged("text", wire::Head::Text(text))
}

/// What stands above the text; `at` is where it stands in the message.
fn header<'a>(
    at: &str,
    header: &'a Header,
    allowed: Headers,
    rule: &str,
    problems: &mut Problems,
) -> Option<wire::Header<'a>> {
    let (kind, media) = match header {
        Header::Text(text) if allowed != Headers::Picture => {
            return Some(header_text(&format!("{at}/text"), text, rule, problems));
        }
        Header::Image(image) if allowed != Headers::Text => ("image", source(at, image, problems)),
        Header::Video(video) if allowed != Headers::Text => ("video", source(at, video, problems)),
        Header::Document(document) if allowed == Headers::TextOrMedia => {
            let filename = document.filename.as_deref();
            problems.optional_text(format_args!("{at}/filename"), filename, usize::MAX, rule);
            let source = source(at, &document.source, problems);
            ("document", wire::Media { filename, ..source })
        }
        _ => {
            problems.add(
                format_args!("{at}/type"),
                "not_allowed",
                match allowed {
                    Headers::Text => {
                        "Above this there is only text: give a header of text, or send the media on its own"
                    }
                    Headers::TextOrMedia => {
                        "Above this there is text, image, video or document: use one of them"
                    }
                    Headers::Picture => {
                        "Above a card there is a picture or a film: use image or video"
                    }
                },
                rule,
            );
            return None;
        }
    };
    Some(Tagged(kind, wire::Head::Media(media)))
}

/// A page that a button opens. That it is one of the web is what Meta says of addresses in texts; other schemes are refused.
fn page(pointer: impl Display, url: &str, source: &str, problems: &mut Problems) {
    if let Err(reason) = Url::parse(url) {
        problems.add(
            pointer,
            "bad_url",
            format_args!("The page's address {reason}: give a whole one, with https:// before it"),
            source,
        );
    }
}

/// Ids and titles of reply buttons, which are unique among those of one message or card.
fn replies(at: &str, buttons: &[Button], source: &str, problems: &mut Problems) {
    for (i, button) in buttons.iter().enumerate() {
        let before = &buttons[..i];
        let at = format!("{at}/{i}");
        let taken = before.iter().any(|other| other.id == button.id);
        choice_id(&at, &button.id, 256, taken, source, problems);
        // Neither is said of every page of Meta's; what keeps both rules is taken by all.
        let spaced = button.id.starts_with(char::is_whitespace);
        let wordless = !button
            .id
            .contains(|c: char| c.is_ascii() || c.is_alphanumeric());
        if (spaced || wordless) && !button.id.trim().is_empty() {
            problems.add(
                format_args!("{at}/id"),
                "bad_id",
                "The id begins with a space or is nothing but emoji: begin it with a letter or digit",
                source,
            );
        }
        problems.text(
            format_args!("{at}/title"),
            &button.title,
            BUTTON_LIMIT,
            source,
        );
        if before.iter().any(|other| other.title == button.title) {
            problems.add(
                format_args!("{at}/title"),
                "not_unique",
                "Another button has the same title: give each its own",
                source,
            );
        }
    }
}

/// The id of a button or row.
fn choice_id(at: &str, id: &str, max: usize, taken: bool, source: &str, problems: &mut Problems) {
    let pointer = format!("{at}/id");
    problems.text(&pointer, id, max, source);
    if taken {
        problems.add(
            &pointer,
            "not_unique",
            "Another one has the same id: give each its own",
            source,
        );
    }
}

/// The title of a section, which needs one among others.
pub(super) fn section_title(
    pointer: &str,
    title: Option<&str>,
    several: bool,
    source: &str,
    problems: &mut Problems,
) {
    if title.is_none() && several {
        problems.add(
            pointer,
            "required",
            "Where there are several sections, each needs a title: give it",
            source,
        );
    }
    problems.optional_text(pointer, title, 24, source);
}
