//! What a message says. Cloud API, messages webhook: the member that a message's `type` names.

use super::node::Node;
use crate::bindings::messaging::channel::events::{
    CallPermissionReply, Cards, Choice, Content, FormReply, Media, Order, OrderItem, Reaction,
    Text, Unsupported,
};
use crate::bindings::messaging::channel::types::{
    CardAddress, CardEmail, CardName, CardOrganisation, CardPhone, CardUrl, ContactCard, Location,
};

/// Kinds that have a member of their name: it tells the kind of a message that does not name it, and a message without an envelope.
pub(super) const KINDS: [&str; 15] = [
    "text",
    "image",
    "video",
    "audio",
    "voice",
    "document",
    "sticker",
    "location",
    "contacts",
    "interactive",
    "button",
    "reaction",
    "order",
    "system",
    "unsupported",
];

/// The kind of a message that does not name it.
pub(super) fn kind(message: &Node<'_>) -> Option<&'static str> {
    KINDS.into_iter().find(|kind| message.get(kind).is_some())
}

/// The content of a message of this kind; `None` where the kind has no type here, or its member is missing or incomplete.
pub(super) fn content(kind: &str, message: &Node<'_>) -> Option<Content> {
    let member = message.get(kind);
    let object = member.filter(|member| member.is_object());
    Some(match kind {
        "text" => Content::Text(Text {
            text: object?.text_or_empty("body")?,
        }),
        "image" => Content::Image(media(object?)),
        "video" => Content::Video(media(object?)),
        "audio" => Content::Audio(media(object?)),
        // On-premise API: a recorded message is a type of its own.
        "voice" => Content::Audio(Media {
            voice: Some(true),
            ..media(object?)
        }),
        "document" => Content::Document(media(object?)),
        "sticker" => Content::Sticker(media(object?)),
        "location" => Content::Location(location(object?)?),
        "contacts" => {
            member?;
            Content::Contacts(Cards {
                contacts: message.objects(kind).map(card).collect(),
            })
        }
        "interactive" => interactive(object?)?,
        "button" => {
            let button = object?;
            Content::TemplateReply(Choice {
                id: button.text("payload"),
                title: button.text("text"),
                description: None,
            })
        }
        "reaction" => {
            let reaction = object?;
            Content::Reaction(Reaction {
                message_id: reaction.text("message_id")?,
                emoji: reaction.text("emoji"),
            })
        }
        "order" => {
            let order = object?;
            Content::Order(Order {
                catalog_id: order.text("catalog_id"),
                text: order.text("text"),
                items: order.objects("product_items").map(order_item).collect(),
            })
        }
        // Older traffic calls it unknown, and says why in `errors` alone.
        "unsupported" | "unknown" => Content::Unsupported(Unsupported {
            kind: message.text("unsupported/type"),
        }),
        "request_welcome" => Content::WelcomeRequest,
        "ephemeral" => Content::Ephemeral,
        "media_placeholder" => Content::MediaPlaceholder,
        _ => return None,
    })
}

/// Image, video, audio, voice, document, sticker.
fn media(media: &Node<'_>) -> Media {
    Media {
        id: media.text("id"),
        // On-premise API: `link`.
        url: media.text("url").or_else(|| media.text("link")),
        mime_type: media.text("mime_type"),
        sha256: media.text("sha256"),
        size: media.whole("file_size"),
        caption: media.text("caption"),
        filename: media.text("filename"),
        voice: media.boolean("voice"),
        animated: media.boolean("animated"),
    }
}

/// A place. One without both coordinates is none.
fn location(place: &Node<'_>) -> Option<Location> {
    Some(Location {
        latitude: place.number("latitude")?,
        longitude: place.number("longitude")?,
        name: place.text("name"),
        address: place.text("address"),
        url: place.text("url"),
    })
}

/// Cloud API, interactive messages webhook. The reply says what it is by its member, not always by `type`.
fn interactive(interactive: &Node<'_>) -> Option<Content> {
    let reply = |name: &str| interactive.get(name).filter(|reply| reply.is_object());
    let choice = |reply: &Node<'_>| Choice {
        id: reply.text("id"),
        title: reply.text("title"),
        description: reply.text("description"),
    };
    let (name, content) = if let Some(button) = reply("button_reply") {
        ("button_reply", Content::ButtonReply(choice(button)))
    } else if let Some(row) = reply("list_reply") {
        ("list_reply", Content::ListReply(choice(row)))
    } else if let Some(form) = reply("nfm_reply") {
        let mut answers = form_reply(form);
        // Cloud API, address messages.
        answers.name = answers.name.or_else(|| interactive.text("action"));
        ("form_reply", Content::FormReply(answers))
    } else if let Some(permission) = reply("call_permission_reply") {
        let permission = call_permission(permission);
        (
            "call_permission_reply",
            Content::CallPermissionReply(permission),
        )
    } else {
        return None;
    };
    interactive.take_word("type", name);
    Some(content)
}

/// Cloud API, flows and address messages: the answers are JSON in a string.
fn form_reply(form: &Node<'_>) -> FormReply {
    let (mut response, mut response_text) = (None, None);
    if let Some(text) = form.text("response_json") {
        if serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok() {
            response = Some(text);
        } else {
            response_text = Some(text);
        }
    }
    FormReply {
        name: form.text("name"),
        body: form.text("body"),
        response,
        response_text,
    }
}

/// Cloud API, calling: an answer to a call permission request.
fn call_permission(reply: &Node<'_>) -> CallPermissionReply {
    let word = |name, yes, no| {
        let word = reply.word(name)?;
        (word == yes || word == no).then_some(word == yes)
    };
    CallPermissionReply {
        accepted: word("response", "accept", "reject"),
        automatic: word("response_source", "automatic", "user_action"),
        permanent: reply.boolean("is_permanent"),
        expires: reply.instant("expiration_timestamp"),
    }
}

fn order_item(item: &Node<'_>) -> OrderItem {
    OrderItem {
        product_id: item.text("product_retailer_id"),
        quantity: item.number("quantity"),
        price: item.number("item_price"),
        currency: item.text("currency"),
    }
}

/// Cloud API, contacts messages.
fn card(card: &Node<'_>) -> ContactCard {
    ContactCard {
        name: card
            .get("name")
            .filter(|name| name.is_object())
            .map(|name| CardName {
                formatted_name: name.text("formatted_name"),
                first_name: name.text("first_name"),
                last_name: name.text("last_name"),
                middle_name: name.text("middle_name"),
                suffix: name.text("suffix"),
                prefix: name.text("prefix"),
            }),
        phones: card
            .objects("phones")
            .map(|phone| CardPhone {
                phone: phone.text("phone"),
                contact_phone: phone.text("wa_id"),
                label: phone.text("type"),
            })
            .collect(),
        emails: card
            .objects("emails")
            .map(|email| CardEmail {
                email: email.text("email"),
                label: email.text("type"),
            })
            .collect(),
        addresses: card
            .objects("addresses")
            .map(|address| CardAddress {
                street: address.text("street"),
                city: address.text("city"),
                state: address.text("state"),
                zip: address.text("zip"),
                country: address.text("country"),
                country_code: address.text("country_code"),
                label: address.text("type"),
            })
            .collect(),
        organisation: card
            .get("org")
            .filter(|organisation| {
                ["company", "department", "title"]
                    .iter()
                    .any(|name| organisation.word(name).is_some())
            })
            .map(|organisation| CardOrganisation {
                company: organisation.text("company"),
                department: organisation.text("department"),
                title: organisation.text("title"),
            }),
        urls: card
            .objects("urls")
            .map(|url| CardUrl {
                url: url.text("url"),
                label: url.text("type"),
            })
            .collect(),
        birthday: card.text("birthday"),
        origin: card.text("origin"),
        vcard: card.text("vcard"),
    }
}
