//! What a message consists of, and whether it may be sent as it is.

use serde_json::Value;
use url::Url;

use super::errors::refused;
use super::interactive;
use super::rule::Field::{May, Must};
use super::rule::Rule::{Any, Limited, List, Object, OneOf, Such};
use super::rule::{FLAG, Field, HTTPS, Rule, TEXT, invalid, missing};
use super::template;
use crate::api::media::Media;
use crate::delivery::is_loopback;
use crate::refusal::Refusal;
use crate::state::State;

const ID: Field = May("id", TEXT);
const LINK: Field = May("link", HTTPS);
const CAPTION: Field = May("caption", Limited(1024, 100));
const PICTURE: Rule = Object(&[ID, LINK, CAPTION]);

/// The id of a message, ours or a customer's. Messages of customers are not kept, so that one which looks like an id is taken
/// for one: assumed.
pub(super) const WAMID: Rule = Such(
    |value| value.as_str().is_some_and(|id| id.starts_with("wamid.")),
    "must be the id of a message",
);

/// The types of messages (360dialog, messages; Cloud API, messages), and what the member of that name must be. Where a message
/// is an interactive one or a template, there is more to it.
const KINDS: [(&str, Rule); 12] = [
    (
        "text",
        Object(&[
            Must("body", Limited(4096, 131_001)),
            May("preview_url", FLAG),
        ]),
    ),
    ("image", PICTURE),
    ("video", PICTURE),
    // "No caption": that one is refused, not ignored, is assumed.
    ("audio", Object(&[ID, LINK, May("voice", FLAG)])),
    (
        "document",
        Object(&[ID, LINK, CAPTION, May("filename", TEXT)]),
    ),
    ("sticker", Object(&[ID, LINK])),
    (
        "location",
        Object(&[
            Must("latitude", LATITUDE),
            Must("longitude", LONGITUDE),
            May("name", TEXT),
            May("address", TEXT),
        ]),
    ),
    // 257 as the documentation has it; Meta's own description of its API says 5.
    ("contacts", List(1, 257, &Object(CARD))),
    // A message to react to that is none fails later.
    (
        "reaction",
        Object(&[Must("message_id", TEXT), May("emoji", EMOJI)]),
    ),
    (
        "pin",
        Object(&[
            Must("type", OneOf(&["pin", "unpin"])),
            Must("message_id", WAMID),
            May(
                "expiration_days",
                Such(|days| is_within(days, 1, 30), "must be 1 to 30"),
            ),
        ]),
    ),
    ("interactive", Any),
    ("template", template::TEMPLATE),
];

/// "Numbers or numeric strings" (Cloud API, location messages); that they are on Earth is assumed.
pub(super) const LATITUDE: Rule = Such(
    |value| degrees(value).is_some_and(|it| it.abs() <= 90.0),
    "must be a number from -90 to 90",
);
pub(super) const LONGITUDE: Rule = Such(
    |value| degrees(value).is_some_and(|it| it.abs() <= 180.0),
    "must be a number from -180 to 180",
);

/// No emoji consists of ASCII alone; an empty one takes the reaction away (Cloud API, reaction messages).
const EMOJI: Rule = Such(
    |value| {
        value
            .as_str()
            .is_some_and(|it| it.is_empty() || !it.is_ascii())
    },
    "must be an emoji, or empty",
);

/// A card of the address book (Cloud API, contacts messages).
const CARD: &[Field] = &[
    Must("name", NAME),
    May(
        "phones",
        some(&Object(&[
            May("phone", TEXT),
            May("wa_id", TEXT),
            May("type", TEXT),
        ])),
    ),
    May(
        "emails",
        some(&Object(&[May("email", TEXT), May("type", TEXT)])),
    ),
    May("addresses", some(&ADDRESS)),
    May(
        "org",
        Object(&[
            May("company", TEXT),
            May("department", TEXT),
            May("title", TEXT),
        ]),
    ),
    May(
        "urls",
        some(&Object(&[May("url", TEXT), May("type", TEXT)])),
    ),
    May("birthday", Such(is_date, "must be a date, as 1990-12-31")),
];

/// One more part than `formatted_name` is an old rule: assumed to stand.
const NAME: Rule = Rule::All(&[
    Object(&[
        Must("formatted_name", TEXT),
        May("first_name", TEXT),
        May("last_name", TEXT),
        May("middle_name", TEXT),
        May("suffix", TEXT),
        May("prefix", TEXT),
    ]),
    Such(
        |name| name.as_object().is_some_and(|name| name.len() > 1),
        "must have another part beside formatted_name",
    ),
]);

const ADDRESS: Rule = Object(&[
    May("street", TEXT),
    May("city", TEXT),
    May("state", TEXT),
    May("zip", TEXT),
    May("country", TEXT),
    May("country_code", TEXT),
    May("type", TEXT),
]);

const fn some(of: &'static Rule) -> Rule {
    List(0, usize::MAX, of)
}

/// A type of messages, and what the member of that name must be.
pub(super) fn kind(name: &str) -> Option<(&'static str, Rule)> {
    KINDS.iter().find(|(known, _)| *known == name).copied()
}

/// Checks what a message of this type consists of, beyond what its member must be; templates are looked at elsewhere. Returns
/// the code with which it fails later.
pub(super) fn check(state: &State, kind: &str, body: &Value) -> Result<Option<u32>, Refusal> {
    let content = &body[kind];
    match kind {
        "image" | "video" | "audio" | "document" | "sticker" => file(state, kind, content, kind),
        "reaction" => reaction(state, body, content),
        "pin" if body["recipient_type"] != "group" => {
            // The code is assumed.
            Err(refused(131_002, "Messages are pinned in groups only"))
        }
        "interactive" => interactive::check(state, content),
        _ => Ok(None),
    }
}

/// Looks at the file of a message or a header, which has exactly one of `id` and `link` (Cloud API, media messages). What is at
/// a link is not fetched, but a link to this machine is none that is "reachable by Meta". Returns the code with which it fails
/// later.
pub(super) fn file(
    state: &State,
    kind: &str,
    media: &Value,
    at: &str,
) -> Result<Option<u32>, Refusal> {
    either(media, "id", "link", at)?;
    let Some(id) = media["id"].as_str() else {
        let link = media["link"].as_str().and_then(|it| Url::parse(it).ok());
        return Ok(link
            .is_some_and(|link| is_loopback(&link))
            .then_some(131_053));
    };
    let file = state.media.get(id, state.now());
    // The code for an id that is unknown or no longer kept is assumed.
    let file = file.ok_or_else(|| invalid(&format!("{at}.id"), "names no file that is kept"))?;
    Ok((!is_playable(file, kind, media)).then_some(131_053))
}

/// Whether WhatsApp takes the file for this type of message, which turns out later: assumed (Cloud API, error 131053). "A voice
/// note must be OGG/OPUS".
fn is_playable(file: &Media, kind: &str, content: &Value) -> bool {
    let is_ogg = file.mime_type.to_ascii_lowercase().starts_with("audio/ogg");
    file.fits(kind) && (is_ogg || content["voice"] != true)
}

/// Exactly one of two members: assumed 131008 for none and 131009 for both.
pub(super) fn either(of: &Value, one: &str, other: &str, at: &str) -> Result<(), Refusal> {
    match (of[one].is_null(), of[other].is_null()) {
        (true, true) => Err(missing(&format!("{at}.{one} or {at}.{other}"))),
        (false, false) => Err(invalid(at, &format!("has both {one} and {other}"))),
        _ => Ok(()),
    }
}

/// Whether it is a whole number from one to another.
pub(super) fn is_within(value: &Value, least: u64, most: u64) -> bool {
    value
        .as_u64()
        .is_some_and(|number| (least..=most).contains(&number))
}

fn degrees(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn is_date(value: &Value) -> bool {
    let date = value
        .as_str()
        .map(|date| (date.len(), date.parse::<jiff::civil::Date>()));
    matches!(date, Some((10, Ok(_))))
}

/// A reaction. One to a message that is itself a reaction or older than 30 days fails later (Cloud API, reaction messages).
/// `context` is refused with 100, and none without an emoji: assumed.
fn reaction(state: &State, body: &Value, reaction: &Value) -> Result<Option<u32>, Refusal> {
    const DAYS_30_MS: u64 = 30 * 24 * 60 * 60 * 1000;
    if !body["context"].is_null() {
        return Err(refused(100, "context is not for reactions"));
    }
    if reaction["emoji"].is_null() {
        return Err(missing("reaction.emoji"));
    }
    let to = reaction["message_id"].as_str().unwrap_or_default();
    let possible = match state.messages.find(to) {
        Some(sent) => sent.kind() != "reaction" && state.now() <= sent.time + DAYS_30_MS,
        None => to.starts_with("wamid."),
    };
    Ok((!possible).then_some(131_009))
}
