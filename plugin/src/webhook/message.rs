//! Messages, their changes, and echoes of the business's own. Cloud API, messages webhook: `messages[]`; coexistence:
//! `message_echoes[]`.

use super::contact::{named, nobody, somebody};
use super::node::Node;
use super::{Item, Shared, content, status, wire};
use crate::bindings::messaging::channel::events::{
    ContactChange, ContactChangeKind, Content, Edit, EventBody, Message, MessageContext, Referral,
    Revoke,
};
use crate::bindings::messaging::channel::types::{Contact, Foreign, Product};

/// The members that name who wrote, and to whom a message of the business went.
pub(super) const SENDER: [&str; 3] = ["from", "from_user_id", "from_parent_user_id"];
pub(super) const RECEIVER: [&str; 3] = ["to", "to_user_id", "to_parent_user_id"];

/// A customer's message, or what one says of a contact or of another message.
pub(super) fn incoming(shared: &Shared<'_>, item: &Node<'_>, raw: &str) -> Item {
    if item.word("type").as_deref() == Some("system")
        && let Some(system) = item.get("system").filter(|system| system.is_object())
    {
        return contact_change(item, system);
    }
    let sender = Contact {
        identity_hash: item.text("identity/hash"),
        ..named(item, SENDER)
    };
    let contact = shared.profiles.complete(sender, shared.alone);
    Item {
        time: item.instant("timestamp"),
        contact,
        body: change(item, raw, false).unwrap_or_else(|| EventBody::Message(message(item, raw))),
    }
}

/// A message that the business sent from its app, or its change.
pub(super) fn echo(shared: &Shared<'_>, item: &Node<'_>, raw: &str) -> Item {
    Item {
        time: item.instant("timestamp"),
        contact: shared
            .profiles
            .complete(named(item, RECEIVER), shared.alone),
        body: change(item, raw, true).unwrap_or_else(|| EventBody::Echo(message(item, raw))),
    }
}

/// Cloud API, edit and revoke messages webhooks. A change that does not say of which message is a message of that kind.
fn change(item: &Node<'_>, raw: &str, echo: bool) -> Option<EventBody> {
    let kind = item.word("type")?;
    let member = item.get(&kind)?;
    let changed = member.word("original_message_id")?.into_owned();
    let body = match kind.as_ref() {
        "edit" => {
            let message = member
                .get("message")
                .filter(|message| message.is_object())?;
            let raw = wire::member(wire::member(raw, "edit")?.get(), "message")?;
            EventBody::Edit(Edit {
                id: item.text("id"),
                message_id: changed,
                content: content(message, raw.get()),
                reply_to: message.text("context/id"),
                echo,
            })
        }
        "revoke" => EventBody::Revoke(Revoke {
            id: item.text("id"),
            message_id: changed,
            echo,
        }),
        _ => return None,
    };
    item.take_word("type", &kind);
    member.take("original_message_id");
    Some(body)
}

/// The message `item`, as it stands in `raw`.
pub(super) fn message(item: &Node<'_>, raw: &str) -> Message {
    Message {
        id: item.text("id"),
        content: content(item, raw),
        reply_to: item.text("context/id"),
        context: context(item),
        referral: referral(item),
        group_id: item.text("group_id"),
        errors: status::errors(item),
    }
}

/// What a message says; where the contract has no type for it, or a member is missing, the JSON of the member that its type names.
fn content(message: &Node<'_>, raw: &str) -> Content {
    let word = message.word("type");
    let kind = word.as_deref().or_else(|| content::kind(message));
    let content = kind.and_then(|kind| content::content(kind, message));
    let content = content.unwrap_or_else(|| {
        let kind = kind.unwrap_or("unknown");
        message.take(kind);
        Content::Other(Foreign {
            kind: kind.to_owned(),
            json: wire::member(raw, kind).map(|member| member.get().to_owned()),
        })
    });
    message.take_word("type", said(&content));
    content
}

/// The word for a content in the event.
fn said(content: &Content) -> &str {
    match content {
        Content::Text(_) => "text",
        Content::Image(_) => "image",
        Content::Video(_) => "video",
        Content::Audio(_) => "audio",
        Content::Document(_) => "document",
        Content::Sticker(_) => "sticker",
        Content::MediaPlaceholder => "media_placeholder",
        Content::Location(_) => "location",
        Content::Contacts(_) => "contacts",
        Content::Reaction(_) => "reaction",
        Content::Order(_) => "order",
        Content::Ephemeral => "ephemeral",
        Content::Unsupported(_) => "unsupported",
        Content::Other(other) => &other.kind,
        Content::ButtonReply(_)
        | Content::ListReply(_)
        | Content::TemplateReply(_)
        | Content::FormReply(_)
        | Content::CallPermissionReply(_)
        | Content::WelcomeRequest => "",
    }
}

/// Cloud API, messages webhook: `context`.
fn context(item: &Node<'_>) -> Option<MessageContext> {
    let context = item.get("context")?;
    let product = context.get("referred_product").and_then(|product| {
        product.word("product_retailer_id")?;
        Some(Product {
            catalog_id: product.text("catalog_id"),
            product_id: product.text("product_retailer_id")?,
        })
    });
    let context = MessageContext {
        author: context.text("from"),
        forwarded: context.boolean("forwarded"),
        frequently_forwarded: context.boolean("frequently_forwarded"),
        product,
        mentions: context
            .list("mentions")
            .iter()
            .filter_map(Node::own_text)
            .collect(),
    };
    let nothing = MessageContext {
        author: None,
        forwarded: None,
        frequently_forwarded: None,
        product: None,
        mentions: Vec::new(),
    };
    (context != nothing).then_some(context)
}

/// Cloud API, messages webhook: `referral`, of those who came by an advertisement.
fn referral(item: &Node<'_>) -> Option<Referral> {
    let referral = item.get("referral")?;
    let referral = Referral {
        url: referral.text("source_url"),
        id: referral.text("source_id"),
        kind: referral.text("source_type"),
        headline: referral.text("headline"),
        body: referral.text("body"),
        click_id: referral.text("ctwa_clid"),
        media_kind: referral.text("media_type"),
        image_url: referral.text("image_url"),
        video_url: referral.text("video_url"),
        thumbnail_url: referral.text("thumbnail_url"),
        welcome_text: referral.text("welcome_message/text"),
    };
    let nothing = Referral {
        url: None,
        id: None,
        kind: None,
        headline: None,
        body: None,
        click_id: None,
        media_kind: None,
        image_url: None,
        video_url: None,
        thumbnail_url: None,
        welcome_text: None,
    };
    (referral != nothing).then_some(referral)
}

/// Cloud API, system messages webhook; on-premise API, system messages. `from` is who the contact was, `system` who it is now.
fn contact_change(item: &Node<'_>, system: &Node<'_>) -> Item {
    let word = system.word("type");
    let kind = match word.as_deref() {
        Some("user_changed_number" | "customer_changed_number") => ContactChangeKind::Number,
        Some("user_changed_user_id") => ContactChangeKind::UserId,
        Some("customer_identity_changed" | "user_identity_changed") => ContactChangeKind::Identity,
        word => {
            system.take("type");
            ContactChangeKind::Other(word.unwrap_or("system").to_owned())
        }
    };
    let before = named(item, SENDER);
    let now = named(system, ["wa_id", "user_id", "parent_user_id"]);
    let (previous, contact) =
        if matches!(kind, ContactChangeKind::Number | ContactChangeKind::UserId) {
            // Whether `from_user_id` is the old id or the new one is not established.
            let old = before.user_id.filter(|id| now.user_id.as_ref() != Some(id));
            let previous = Contact {
                user_id: system.text("previous_user_id").or(old),
                ..before
            };
            // Up to v11 of the Graph API the new number has another name.
            let phone = now.phone.or_else(|| system.text("new_wa_id"));
            (somebody(previous), Contact { phone, ..now })
        } else {
            let contact = Contact {
                phone: before
                    .phone
                    .or(now.phone)
                    .or_else(|| system.text("customer")),
                user_id: before.user_id.or(now.user_id),
                parent_user_id: before.parent_user_id.or(now.parent_user_id),
                identity_hash: item
                    .text("identity/hash")
                    .or_else(|| system.text("identity")),
                ..nobody()
            };
            (None, contact)
        };
    Item {
        time: item.instant("timestamp"),
        contact: somebody(contact),
        body: EventBody::Contact(ContactChange {
            kind,
            id: item.text("id"),
            previous,
            text: system.text("body"),
        }),
    }
}
