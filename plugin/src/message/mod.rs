//! From a message to the request that sends it, with every limit checked beforehand.
//!
//! The body is the Cloud API's; the sandbox takes the same under another path. One message is one request.

use std::borrow::Cow;

use crate::bindings::messaging::channel::outbound::{
    ClosedWindow, Content, Degradation, Message, Payload, TemplateMessage, Window,
};
use crate::bindings::messaging::channel::templates::Definition;
use crate::bindings::messaging::channel::types::{Attribute, Problem, Recipient, Scalar};
use crate::problem::Problems;
use crate::settings::{Api, Settings};
use crate::window::rfc3339;

mod basic;
mod cards;
mod commerce;
mod definition;
mod interactive;
mod json;
mod other;
mod split;
mod template;
mod wire;

#[cfg(test)]
mod tests;

use wire::{Context, Envelope};

/// The kinds of message that [`build`] accepts.
pub const KINDS: [&str; 24] = [
    "text",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "buttons",
    "list",
    "link_button",
    "flow",
    "product",
    "products",
    "catalog",
    "location_request",
    "address_request",
    "call_permission_request",
    "contact_request",
    "call_button",
    "carousel",
    "template",
    "other",
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
    let attributes = attributes(&message.attributes, &mut problems);
    let contents = contents(message, window, definition, &mut problems);
    let (Some(path), Some(contents)) = (path, contents) else {
        return problems.or(Vec::new());
    };
    let payload = |(part, content)| {
        let envelope = Envelope {
            messaging_product: "whatsapp",
            recipient_type,
            to: to.as_deref(),
            recipient,
            // Only the first part answers: the others follow it.
            context: message
                .reply_to
                .as_deref()
                .filter(|_| part == 0)
                .map(|message_id| Context { message_id }),
            recipient_identity_key_hash: attributes.recipient_identity_key_hash,
            messaging_account_id: attributes.messaging_account_id,
            content,
        };
        Payload {
            method: "POST".into(),
            path: path.into(),
            content_type: "application/json".into(),
            body: envelope.to_json(),
        }
    };
    problems.or(contents.into_iter().enumerate().map(payload).collect())
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
}

/// The members of a request that only the Cloud API has.
#[derive(Default)]
struct Attributes<'a> {
    recipient_identity_key_hash: Option<&'a str>,
    messaging_account_id: Option<&'a str>,
}

fn attributes<'a>(attributes: &'a [Attribute], problems: &mut Problems) -> Attributes<'a> {
    let mut known = Attributes::default();
    for Attribute { path, value } in attributes {
        // The path is a member's name in the public JSON, and so a token of the pointer (RFC 6901).
        let token = path.replace('~', "~0").replace('/', "~1");
        let member = match path.as_str() {
            "/recipient_identity_key_hash" => &mut known.recipient_identity_key_hash,
            "/messaging_account_id" => &mut known.messaging_account_id,
            _ => {
                problems.add(
                    format_args!("/attributes/{token}"),
                    "unsupported",
                    format_args!(
                        "This channel puts nothing at {path}: leave it out; what there may be is \
                         /recipient_identity_key_hash and /messaging_account_id"
                    ),
                    SOURCE_ENVELOPE,
                );
                continue;
            }
        };
        match value {
            Scalar::Text(text) if !text.trim().is_empty() && member.is_none() => {
                *member = Some(text);
            }
            _ => problems.add(
                format_args!("/attributes/{token}"),
                "bad_value",
                "This takes one text that is not blank: give it once",
                SOURCE_ENVELOPE,
            ),
        }
    }
    known
}

/// The parts of the content, or the template that stands in for it where the window is closed.
///
/// Content and fallback are both looked at, whichever is sent now: the window may be another when it is sent, and what a
/// template stood in for may be sent once the person has answered.
fn contents<'a>(
    message: &'a Message,
    window: &Window,
    definition: Option<&Definition>,
    problems: &mut Problems,
) -> Option<Vec<wire::Content<'a>>> {
    let template = |at, template: &'a TemplateMessage, definition, problems: &mut Problems| {
        vec![template::template(
            at,
            template,
            &message.to,
            definition,
            problems,
        )]
    };
    // The definition is that of the content, or else of the fallback.
    let is_template = matches!(message.content, Content::Template(_));
    let fallback = message.fallback.as_ref().map(|fallback| {
        let definition = definition.filter(|_| !is_template);
        template("/fallback", fallback, definition, problems)
    });
    match (&message.content, window, fallback) {
        (Content::Template(content), ..) => {
            Some(template("/content", content, definition, problems))
        }
        (content, Window::Closed(_), Some(fallback)) => {
            free_form(content, message, problems);
            Some(fallback)
        }
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
            free_form(content, message, problems)
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

/// Any content but a template; several where a text is split.
fn free_form<'a>(
    content: &'a Content,
    message: &'a Message,
    problems: &mut Problems,
) -> Option<Vec<wire::Content<'a>>> {
    let may = |degradation| message.degrade.contains(&degradation);
    Some(vec![match content {
        Content::Text(text) if may(Degradation::SplitText) => {
            return Some(basic::long_text(text, problems));
        }
        Content::Text(text) => basic::text(text, problems),
        Content::Image(media) => basic::captioned("image", media, problems),
        Content::Video(media) => basic::captioned("video", media, problems),
        Content::Audio(audio) => basic::audio(audio, problems),
        Content::Document(document) => basic::document(document, problems),
        Content::Sticker(source) => basic::sticker(source, problems),
        Content::Location(location) => basic::location(location, problems),
        Content::Contacts(cards) => cards::contacts(cards, problems),
        Content::Reaction(reaction) => {
            if message.reply_to.is_some() {
                problems.add(
                    "/reply_to",
                    "not_allowed",
                    "A reaction can't be a reply as well: leave reply_to out; message_id says what it is about",
                    SOURCE_ENVELOPE,
                );
            }
            basic::reaction(reaction, problems)
        }
        Content::Buttons(buttons)
            if buttons.buttons.len() > 3
                && message.degrade.contains(&Degradation::ButtonsToList) =>
        {
            interactive::as_list(buttons, problems)
        }
        Content::Buttons(buttons) => interactive::buttons(buttons, problems),
        Content::List(list) => interactive::list(list, problems),
        Content::LinkButton(link) => interactive::link_button(link, problems),
        Content::Flow(flow) => interactive::flow(flow, problems),
        Content::Product(product) => commerce::product(product, problems),
        Content::Products(products) => commerce::products(products, problems),
        Content::Catalog(catalog) => commerce::catalog(catalog, problems),
        Content::LocationRequest(prompt) => interactive::location_request(prompt, problems),
        Content::AddressRequest(request) => interactive::address_request(request, problems),
        Content::CallPermissionRequest(prompt) => {
            interactive::call_permission_request(prompt, problems)
        }
        Content::ContactRequest(prompt) => interactive::contact_request(prompt, problems),
        Content::CallButton(call) => interactive::call_button(call, problems),
        Content::Carousel(carousel) => interactive::carousel(carousel, problems),
        Content::Other(foreign) => other::other(foreign, &message.to, problems)?,
        Content::Template(_) => return None,
    }])
}
