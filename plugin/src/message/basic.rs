//! Text, media, places and reactions.

use std::borrow::Cow;
use std::fmt::Display;

use super::TEXT_LIMIT;
use super::split;
use super::wire::{self, Body, Content, Tagged};
use crate::bindings::messaging::channel::outbound::{
    Audio, CaptionedMedia, Document, Reaction, Text,
};
use crate::bindings::messaging::channel::types::{Location, MediaSource};
use crate::problem::Problems;
use crate::url::Url;

const SOURCE_TEXT: &str = "Cloud API, text messages";
const SOURCE_PAIR: &str = "Cloud API, pair rate limits";
const SOURCE_MEDIA: &str = "Cloud API, media";
const SOURCE_LOCATION: &str = "Cloud API, location messages";
const SOURCE_REACTION: &str = "Cloud API, reaction messages";

/// The most messages that a text is split into: so many to one person are let through at once.
const MAX_PARTS: usize = 45;

/// The longest caption, in code points.
const CAPTION_LIMIT: usize = 1024;

pub(super) fn text<'a>(text: &'a Text, problems: &mut Problems) -> Content<'a> {
    problems.text(
        "/content/text",
        &text.text,
        TEXT_LIMIT as usize,
        SOURCE_TEXT,
    );
    part(text, Cow::Borrowed(&text.text))
}

/// A text that is split where it is too long.
pub(super) fn long_text<'a>(text: &'a Text, problems: &mut Problems) -> Vec<Content<'a>> {
    let limit = TEXT_LIMIT as usize;
    problems.text("/content/text", &text.text, MAX_PARTS * limit, SOURCE_PAIR);
    // What has this many bytes more than characters is too long as well.
    if text.text.len() > 4 * MAX_PARTS * limit {
        return Vec::new();
    }
    let parts = split::split(&text.text, limit);
    if parts.len() > MAX_PARTS {
        problems.add(
            "/content/text",
            "too_long",
            format_args!(
                "This text makes {} messages: shorten it to {MAX_PARTS}",
                parts.len()
            ),
            SOURCE_PAIR,
        );
    }
    parts.into_iter().map(|body| part(text, body)).collect()
}

fn part<'a>(text: &Text, body: Cow<'a, str>) -> Content<'a> {
    Tagged(
        "text",
        Body::Text(wire::Text {
            preview_url: text.preview_url,
            body,
        }),
    )
}

/// A picture or a film.
pub(super) fn captioned<'a>(
    kind: &'static str,
    media: &'a CaptionedMedia,
    problems: &mut Problems,
) -> Content<'a> {
    Tagged(
        kind,
        Body::Media(wire::Media {
            caption: caption(media.caption.as_deref(), problems),
            ..source("/content", &media.source, problems)
        }),
    )
}

pub(super) fn audio<'a>(audio: &'a Audio, problems: &mut Problems) -> Content<'a> {
    Tagged(
        "audio",
        Body::Media(wire::Media {
            voice: audio.voice,
            ..source("/content", &audio.source, problems)
        }),
    )
}

pub(super) fn document<'a>(document: &'a Document, problems: &mut Problems) -> Content<'a> {
    let filename = document.filename.as_deref();
    problems.optional_text("/content/filename", filename, usize::MAX, SOURCE_MEDIA);
    Tagged(
        "document",
        Body::Media(wire::Media {
            caption: caption(document.caption.as_deref(), problems),
            filename,
            ..source("/content", &document.source, problems)
        }),
    )
}

pub(super) fn sticker<'a>(sticker: &'a MediaSource, problems: &mut Problems) -> Content<'a> {
    Tagged(
        "sticker",
        Body::Media(source("/content", sticker, problems)),
    )
}

fn caption<'a>(caption: Option<&'a str>, problems: &mut Problems) -> Option<&'a str> {
    problems.optional_text("/content/caption", caption, CAPTION_LIMIT, SOURCE_MEDIA);
    caption
}

/// Media by id or by link; `at` is where either stands.
pub(super) fn source<'a>(
    at: impl Display,
    source: &'a MediaSource,
    problems: &mut Problems,
) -> wire::Media<'a> {
    match source {
        MediaSource::Id(id) => {
            if id.is_empty() || id.contains(char::is_whitespace) {
                problems.add(
                    format_args!("{at}/id"),
                    "bad_id",
                    "The media id is blank or holds a space: give the id that the upload answered",
                    SOURCE_MEDIA,
                );
            }
            wire::Media {
                id: Some(id),
                ..wire::Media::default()
            }
        }
        MediaSource::Link(link) => {
            let fault = match Url::parse(link) {
                Err(reason) => Some(reason),
                Ok(url) if !url.secure => Some("is not https"),
                Ok(url) if url.user_info.is_some() => Some("holds a user or password"),
                Ok(url) if url.is_loopback() => Some("leads to this machine"),
                Ok(_) => None,
            };
            if let Some(reason) = fault {
                problems.add(
                    format_args!("{at}/link"),
                    "bad_url",
                    format_args!(
                        "The link {reason}: give a whole https address that WhatsApp can fetch"
                    ),
                    SOURCE_MEDIA,
                );
            }
            wire::Media {
                link: Some(link),
                ..wire::Media::default()
            }
        }
    }
}

pub(super) fn location<'a>(location: &'a Location, problems: &mut Problems) -> Content<'a> {
    degrees("/content", location, problems);
    for (member, text) in [("name", &location.name), ("address", &location.address)] {
        problems.optional_text(
            format_args!("/content/{member}"),
            text.as_deref(),
            usize::MAX,
            SOURCE_LOCATION,
        );
    }
    Tagged(
        "location",
        Body::Location(wire::Location {
            latitude: location.latitude,
            longitude: location.longitude,
            name: location.name.as_deref(),
            address: location.address.as_deref(),
        }),
    )
}

/// A place on this earth, without a page: the Cloud API has none.
pub(super) fn degrees(at: &str, location: &Location, problems: &mut Problems) {
    for (member, degrees, most) in [
        ("latitude", location.latitude, 90.0),
        ("longitude", location.longitude, 180.0),
    ] {
        // NaN is in no range.
        if !(-most..=most).contains(&degrees) {
            problems.add(
                format_args!("{at}/{member}"),
                "out_of_range",
                format_args!("{degrees} is no {member}: give degrees from -{most} to {most}"),
                SOURCE_LOCATION,
            );
        }
    }
    if location.url.is_some() {
        problems.add(
            format_args!("{at}/url"),
            "unsupported",
            "WhatsApp sends no page with a place: leave url out, or send it as text",
            SOURCE_LOCATION,
        );
    }
}

pub(super) fn reaction<'a>(reaction: &'a Reaction, problems: &mut Problems) -> Content<'a> {
    problems.text(
        "/content/message_id",
        &reaction.message_id,
        usize::MAX,
        SOURCE_REACTION,
    );
    if let Some(emoji) = &reaction.emoji {
        if emoji.trim().is_empty() {
            problems.add(
                "/content/emoji",
                "blank",
                "The emoji is blank: leave emoji out to take the reaction back",
                SOURCE_REACTION,
            );
        } else if emoji.is_ascii() {
            problems.add(
                "/content/emoji",
                "bad_emoji",
                "This is no emoji: give the character itself, such as \u{1F44D}",
                SOURCE_REACTION,
            );
        }
    }
    Tagged(
        "reaction",
        Body::Reaction(wire::Reaction {
            message_id: &reaction.message_id,
            emoji: reaction.emoji.as_deref().unwrap_or_default(),
        }),
    )
}
