//! What a message consists of, and whether it may be sent as it is.

use serde_json::Value;
use url::Url;

use super::errors::refused;
use super::field::{invalid, list, required, short, text};
use super::interactive;
use crate::api::media::Media;
use crate::refusal::Refusal;
use crate::state::State;

/// The types of messages to one customer (360dialog, messages; Cloud API, messages).
pub(super) const TYPES: [&str; 11] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "interactive",
    "template",
];

/// Checks what a message of this type consists of; templates are looked at elsewhere. Returns the code with which it fails
/// later.
pub(super) fn check(state: &State, kind: &str, body: &Value) -> Result<Option<u32>, Refusal> {
    let content = required(body, &format!("/{kind}"))?;
    match kind {
        "text" => {
            text(content, "/body")?;
            short(content, "/body", 4096, 131_001)?;
        }
        "image" | "video" | "audio" | "document" | "sticker" => {
            let file = media(state, body, kind)?;
            return Ok(file
                .is_some_and(|file| !is_playable(file, kind, content))
                .then_some(131_053));
        }
        "location" => {
            coordinate(content, "/latitude", 90.0)?;
            coordinate(content, "/longitude", 180.0)?;
        }
        "contacts" => {
            // As the documentation has it; Meta's own description of its API says 5.
            for contact in list(body, "/contacts", 257)? {
                text(contact, "/name/formatted_name")?;
                // One more part of the name is an old rule: assumed to stand.
                if contact["name"]
                    .as_object()
                    .is_none_or(|name| name.len() < 2)
                {
                    let why = "must have another part beside formatted_name";
                    return Err(invalid("/contacts/name", why));
                }
            }
        }
        "reaction" => return reaction(state, body, content),
        "interactive" => interactive::check(state, content)?,
        _ => {}
    }
    Ok(None)
}

/// The file of a message or a header, which has exactly one of `id` and `link` (Cloud API, media messages). Absent where it is a
/// link: what is there is not fetched.
pub(super) fn media<'a>(
    state: &'a State,
    of: &Value,
    kind: &str,
) -> Result<Option<&'a Media>, Refusal> {
    let media = required(of, &format!("/{kind}"))?;
    either(media, "id", "link")?;
    match kind {
        // "No caption": that one is refused, not ignored, is assumed.
        "audio" | "sticker" if media.get("caption").is_some() => {
            return Err(refused(100, format!("{kind}.caption is not supported")));
        }
        _ => short(media, "/caption", 1024, 100)?,
    }
    if media.get("link").is_some() {
        // That a link that is none is refused at once is assumed.
        let link = text(media, "/link")?;
        if link.starts_with("https://") && is_web(link) {
            return Ok(None);
        }
        return Err(invalid("/link", "must be an https URL"));
    }
    let kept = state.media.get(text(media, "/id")?, state.now());
    // The code for an id that is unknown or no longer kept is assumed.
    kept.map(Some)
        .ok_or_else(|| invalid("/id", "names no file that is kept"))
}

/// Whether WhatsApp takes the file for this type of message, which turns out later: assumed (Cloud API, error 131053). "A voice
/// note must be OGG/OPUS".
fn is_playable(file: &Media, kind: &str, content: &Value) -> bool {
    let is_ogg = file.mime_type.to_ascii_lowercase().starts_with("audio/ogg");
    file.fits(kind) && (is_ogg || content["voice"] != true)
}

/// Exactly one of two fields: assumed 131008 for none and 131009 for both.
pub(super) fn either(of: &Value, one: &str, other: &str) -> Result<(), Refusal> {
    let names = format!("one of {one} and {other}");
    match (of.get(one), of.get(other)) {
        (None, None) => Err(refused(131_008, format!("{names} is required"))),
        (Some(_), Some(_)) => Err(refused(131_009, format!("only {names} is possible"))),
        _ => Ok(()),
    }
}

/// Whether it is an address of the web.
pub(super) fn is_web(link: &str) -> bool {
    Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// "Numbers or numeric strings" (Cloud API, location messages); that they are on Earth is assumed.
fn coordinate(of: &Value, pointer: &str, most: f64) -> Result<(), Refusal> {
    let value = required(of, pointer)?;
    let degrees = value.as_f64().or_else(|| value.as_str()?.parse().ok());
    if degrees.is_some_and(|degrees| degrees.abs() <= most) {
        return Ok(());
    }
    Err(invalid(
        pointer,
        &format!("must be a number from -{most} to {most}"),
    ))
}

/// A reaction; an empty emoji takes it away. One to a message that is itself a reaction or older than 30 days fails later (Cloud
/// API, reaction messages). A message that is not the business's own is known by its id alone, and `context` is refused with
/// 100: assumed.
fn reaction(state: &State, body: &Value, reaction: &Value) -> Result<Option<u32>, Refusal> {
    const DAYS_30_MS: u64 = 30 * 24 * 60 * 60 * 1000;
    if body.get("context").is_some() {
        return Err(refused(100, "context is not for reactions"));
    }
    let to = text(reaction, "/message_id")?;
    short(reaction, "/emoji", usize::MAX, 131_009)?;
    let possible = match state.messages.find(to) {
        Some(sent) => sent.kind() != "reaction" && state.now() <= sent.time + DAYS_30_MS,
        None => to.starts_with("wamid."),
    };
    Ok((!possible).then_some(131_009))
}
