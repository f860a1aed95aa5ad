//! From a message to the request that sends it, with every limit checked beforehand.
//!
//! The body is the Cloud API's; the sandbox takes the same under another path. One message is one request.

use std::borrow::Cow;

use crate::bindings::messaging::channel::outbound::{
    ClosedWindow, Content, Message, Payload, Window,
};
use crate::bindings::messaging::channel::templates::Definition;
use crate::bindings::messaging::channel::types::{Problem, Recipient};
use crate::problem::Problems;
use crate::settings::{Api, Settings};
use crate::window::rfc3339;

mod basic;
mod definition;
mod interactive;
mod template;
mod wire;

#[cfg(test)]
mod tests;

use wire::{Body, Context, Envelope, Tagged};

/// The kinds of message that [`build`] accepts.
pub const KINDS: [&str; 11] = [
    "text", "image", "video", "audio", "document", "sticker", "location", "reaction", "buttons",
    "list", "template",
];

/// The longest text of a text message, in code points. (Cloud API, text messages.)
pub const TEXT_LIMIT: u32 = 4096;

const SOURCE: &str = "channel-360dialog, messages";
const SOURCE_ENVELOPE: &str = "Cloud API, messages";
const SOURCE_NUMBER: &str = "Cloud API, phone numbers";
const SOURCE_ON_PREMISE: &str = "360dialog, hosting type change: On-Premise API to Cloud API";
const SOURCE_USER_ID: &str = "Cloud API, business-scoped user ids";
const SOURCE_WINDOW: &str = "Cloud API, customer service windows";

/// The requests that send a message, in order.
///
/// # Errors
///
/// Everything that stands in the way, all at once.
pub fn build(
    settings: &str,
    message: &Message,
    window: &Window,
    definition: Option<&Definition>,
) -> Result<Vec<Payload>, Vec<Problem>> {
    let mut problems = Problems::default();
    let path = path(settings, &mut problems);
    let (recipient_type, to, recipient) = address(&message.to, &mut problems);
    members(message, &mut problems);
    let content = content(message, window, definition, &mut problems);
    let (Some(path), Some(content)) = (path, content) else {
        return problems.or(Vec::new());
    };
    let envelope = Envelope {
        messaging_product: "whatsapp",
        recipient_type,
        to,
        recipient,
        context: message
            .reply_to
            .as_deref()
            .map(|message_id| Context { message_id }),
        content,
    };
    problems.or(vec![Payload {
        method: "POST".into(),
        path: path.into(),
        content_type: "application/json".into(),
        body: envelope.to_json(),
    }])
}

/// Where messages are posted, below the base address.
fn path(settings: &str, problems: &mut Problems) -> Option<&'static str> {
    match Settings::parse(settings).map(|settings| settings.api()) {
        Ok(Api::Cloud) => Some("/messages"),
        Ok(Api::Sandbox) => Some("/v1/messages"),
        Ok(Api::OnPremise) => {
            problems.add(
                "",
                "unsupported",
                "The on-premise API ended on 2025-10-23 and sends nothing: set api to \"cloud\" in the settings",
                SOURCE_ON_PREMISE,
            );
            None
        }
        // The error may quote a value of the settings, so it stays here.
        Err(_) => {
            problems.add(
                "",
                "bad_settings",
                "The channel's settings can't be read: correct what `validate` says of them",
                SOURCE,
            );
            None
        }
    }
}

pub(crate) type Address<'a> = (&'static str, Option<Cow<'a, str>>, Option<&'a str>);

/// The type of recipient, and `to` or `recipient`.
fn address<'a>(to: &'a Recipient, problems: &mut Problems) -> Address<'a> {
    match to {
        Recipient::Phone(number) => phone("/to/phone", number, problems),
        Recipient::UserId(id) => user_id("/to/user_id", id, problems),
        // By phone where it is known: that reaches every kind of message.
        Recipient::Contact(contact) => {
            match (&contact.phone, &contact.user_id, &contact.parent_user_id) {
                (Some(number), ..) => phone("/to/contact/phone", number, problems),
                (None, Some(id), _) => user_id("/to/contact/user_id", id, problems),
                (None, None, Some(id)) => user_id("/to/contact/parent_user_id", id, problems),
                (None, None, None) => {
                    problems.add(
                    "/to/contact",
                    "no_address",
                    "The contact has neither phone nor user_id, and nobody is reached by a name: give one of them",
                    SOURCE_ENVELOPE,
                );
                    ("individual", None, None)
                }
            }
        }
        Recipient::Group(id) => {
            if id.is_empty() || id.contains(char::is_whitespace) {
                problems.add(
                    "/to/group",
                    "bad_group",
                    "This is no group id: give the id as a webhook had it",
                    SOURCE_ENVELOPE,
                );
            }
            ("group", Some(Cow::Borrowed(id)), None)
        }
    }
}

pub(crate) fn phone<'a>(pointer: &str, number: &str, problems: &mut Problems) -> Address<'a> {
    let digits: String = number
        .strip_prefix('+')
        .unwrap_or(number)
        .chars()
        .filter(|c| !(c.is_whitespace() || matches!(c, '-' | '(' | ')')))
        .collect();
    // (0) is a digit that must not be dialled from abroad; no country code begins with 0.
    let good = (7..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
        && !number.contains("(0");
    if !good {
        problems.add(
            pointer,
            "bad_number",
            "This is no phone number: write country code and number in 7 to 15 digits, with or without +, without the \
             national 0; a user id belongs in user_id",
            SOURCE_NUMBER,
        );
    }
    // Without + Meta may put the business's own country code before it.
    ("individual", Some(Cow::Owned(format!("+{digits}"))), None)
}

pub(crate) fn user_id<'a>(pointer: &str, id: &'a str, problems: &mut Problems) -> Address<'a> {
    if !is_user_id(id) {
        problems.add(
            pointer,
            "bad_user_id",
            "This is no user id: give the whole id as a webhook had it, such as US.13491208655302741918; a phone number \
             belongs in phone",
            SOURCE_USER_ID,
        );
    }
    ("individual", None, Some(id))
}

/// Whether the message goes to a user id: to somebody whose phone number is not known.
fn is_to_user_id(to: &Recipient) -> bool {
    match to {
        Recipient::UserId(_) => true,
        Recipient::Contact(contact) => contact.phone.is_none(),
        Recipient::Phone(_) | Recipient::Group(_) => false,
    }
}

/// Country code, a dot, `ENT.` in the id for a group of businesses, and up to 128 letters and digits.
fn is_user_id(id: &str) -> bool {
    let Some((country, rest)) = id.split_once('.') else {
        return false;
    };
    let rest = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && (1..=128).contains(&rest.len())
        && rest.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// What stands beside the content.
fn members(message: &Message, problems: &mut Problems) {
    problems.optional_text(
        "/reply_to",
        message.reply_to.as_deref(),
        usize::MAX,
        SOURCE_ENVELOPE,
    );
    if !message.degrade.is_empty() {
        problems.add(
            "/degrade",
            "unsupported",
            "This channel changes no message to make it fit: leave degrade out and shorten the message where it is too long",
            SOURCE,
        );
    }
    if !message.attributes.is_empty() {
        problems.add(
            "/attributes",
            "unsupported",
            "This channel knows no members of its own: leave attributes out",
            SOURCE,
        );
    }
}

/// The content, or the template that stands in for it where the window is closed.
fn content<'a>(
    message: &'a Message,
    window: &Window,
    definition: Option<&Definition>,
    problems: &mut Problems,
) -> Option<Tagged<Body<'a>>> {
    let mut template = |at, template| {
        Some(template::template(
            at,
            template,
            &message.to,
            definition,
            problems,
        ))
    };
    match (&message.content, window, &message.fallback) {
        (Content::Template(content), ..) => template("/content", content),
        (_, Window::Closed(_), Some(fallback)) => template("/fallback", fallback),
        (content, window, _) => {
            if let Window::Closed(window) = window {
                problems.add(
                    "/content",
                    "window_closed",
                    format_args!(
                        "{}: send an approved template, give one as fallback, or wait until the person writes",
                        closed(window)
                    ),
                    SOURCE_WINDOW,
                );
            }
            free_form(content, message.reply_to.is_some(), problems)
        }
    }
}

fn closed(window: &ClosedWindow) -> String {
    match window.since {
        Some(since) => format!(
            "The window for free-form messages is closed since {}",
            rfc3339(since)
        ),
        None => "The window for free-form messages is closed, and was not open before".into(),
    }
}

/// Any content but a template.
fn free_form<'a>(
    content: &'a Content,
    replies: bool,
    problems: &mut Problems,
) -> Option<Tagged<Body<'a>>> {
    let unsupported = match content {
        Content::Text(text) => return Some(basic::text(text, problems)),
        Content::Image(media) => return Some(basic::captioned("image", media, problems)),
        Content::Video(media) => return Some(basic::captioned("video", media, problems)),
        Content::Audio(audio) => return Some(basic::audio(audio, problems)),
        Content::Document(document) => return Some(basic::document(document, problems)),
        Content::Sticker(source) => return Some(basic::sticker(source, problems)),
        Content::Location(location) => return Some(basic::location(location, problems)),
        Content::Reaction(reaction) => {
            if replies {
                problems.add(
                    "/reply_to",
                    "not_allowed",
                    "A reaction can't be a reply as well: leave reply_to out; message_id says what it is about",
                    SOURCE_ENVELOPE,
                );
            }
            return Some(basic::reaction(reaction, problems));
        }
        Content::Buttons(buttons) => return Some(interactive::buttons(buttons, problems)),
        Content::List(list) => return Some(interactive::list(list, problems)),
        Content::Template(_) => return None,
        Content::Contacts(_) => "contacts",
        Content::LinkButton(_) => "link_button",
        Content::Flow(_) => "flow",
        Content::Product(_) => "product",
        Content::Products(_) => "products",
        Content::Catalog(_) => "catalog",
        Content::LocationRequest(_) => "location_request",
        Content::AddressRequest(_) => "address_request",
        Content::CallPermissionRequest(_) => "call_permission_request",
        Content::ContactRequest(_) => "contact_request",
        Content::CallButton(_) => "call_button",
        Content::Carousel(_) => "carousel",
        Content::Other(foreign) => foreign.kind.as_str(),
    };
    problems.add(
        "/content/type",
        "unsupported",
        format_args!(
            "This version does not send {unsupported}: use one of {}",
            KINDS.join(", ")
        ),
        SOURCE,
    );
    None
}
