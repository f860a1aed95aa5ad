//! Messages, echoes and old messages. Cloud API, messages webhook: `messages[]`; coexistence: `message_echoes[]`.

use super::contact::Named;
use super::content;
use super::status::Fault;
use super::wire::{self, Text};
use super::{Item, Shared, attribute, text_attribute};
use crate::bindings::messaging::channel::events::{
    Content, EventBody, HistoryItem, Message, MessageContext, Referral,
};
use crate::bindings::messaging::channel::types::{Attribute, Foreign, Product};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A message's members.
#[derive(Deserialize)]
#[serde(expecting = "a message object")]
pub(super) struct Members<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    from: Option<Text<'a>>,
    #[serde(borrow)]
    from_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    from_parent_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    to: Option<Text<'a>>,
    #[serde(borrow)]
    to_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    to_parent_user_id: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) text: Option<content::Text<'a>>,
    #[serde(borrow)]
    pub(super) image: Option<content::Media<'a>>,
    #[serde(borrow)]
    pub(super) video: Option<content::Media<'a>>,
    #[serde(borrow)]
    pub(super) audio: Option<content::Media<'a>>,
    /// On-premise API: a recorded message is a type of its own.
    #[serde(borrow)]
    pub(super) voice: Option<content::Media<'a>>,
    #[serde(borrow)]
    pub(super) document: Option<content::Media<'a>>,
    #[serde(borrow)]
    pub(super) sticker: Option<content::Media<'a>>,
    #[serde(borrow)]
    pub(super) location: Option<content::Location<'a>>,
    #[serde(borrow)]
    pub(super) contacts: Option<Vec<content::Card<'a>>>,
    #[serde(borrow)]
    pub(super) interactive: Option<content::Interactive<'a>>,
    #[serde(borrow)]
    pub(super) button: Option<content::Button<'a>>,
    #[serde(borrow)]
    pub(super) reaction: Option<content::Reaction<'a>>,
    #[serde(borrow)]
    group_id: Option<Text<'a>>,
    #[serde(borrow)]
    context: Option<Context<'a>>,
    #[serde(borrow)]
    referral: Option<ReferralMembers<'a>>,
    #[serde(borrow)]
    errors: Option<Vec<Fault<'a>>>,
    #[serde(borrow)]
    identity: Option<Identity<'a>>,
    #[serde(borrow)]
    from_logical_id: Option<&'a RawValue>,
    #[serde(borrow)]
    history_context: Option<HistoryContext<'a>>,
}

#[derive(Deserialize)]
struct Context<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    from: Option<Text<'a>>,
    #[serde(borrow)]
    forwarded: Option<Text<'a>>,
    #[serde(borrow)]
    frequently_forwarded: Option<Text<'a>>,
    #[serde(borrow)]
    referred_product: Option<ReferredProduct<'a>>,
    #[serde(borrow)]
    group_id: Option<&'a RawValue>,
    #[serde(borrow)]
    mentions: Option<Vec<Text<'a>>>,
}

#[derive(Deserialize)]
struct ReferredProduct<'a> {
    #[serde(borrow)]
    catalog_id: Option<Text<'a>>,
    #[serde(borrow)]
    product_retailer_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct ReferralMembers<'a> {
    #[serde(borrow)]
    source_url: Option<Text<'a>>,
    #[serde(borrow)]
    source_id: Option<Text<'a>>,
    #[serde(borrow)]
    source_type: Option<Text<'a>>,
    #[serde(borrow)]
    headline: Option<Text<'a>>,
    #[serde(borrow)]
    body: Option<Text<'a>>,
    #[serde(borrow)]
    ctwa_clid: Option<Text<'a>>,
    #[serde(borrow)]
    media_type: Option<Text<'a>>,
    #[serde(borrow)]
    image_url: Option<Text<'a>>,
    #[serde(borrow)]
    video_url: Option<Text<'a>>,
    #[serde(borrow)]
    thumbnail_url: Option<Text<'a>>,
    #[serde(borrow)]
    welcome_message: Option<WelcomeMessage<'a>>,
    #[serde(borrow)]
    image: Option<MediaId<'a>>,
    #[serde(borrow)]
    video: Option<MediaId<'a>>,
}

#[derive(Deserialize)]
struct WelcomeMessage<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct MediaId<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow)]
    acknowledged: Option<&'a RawValue>,
    #[serde(borrow)]
    created_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    hash: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct HistoryContext<'a> {
    #[serde(borrow)]
    status: Option<Text<'a>>,
}

/// A customer's message, read from `text`: the item `raw`, or what can be read of it.
pub(super) fn message(shared: &Shared<'_>, text: &str, raw: &str) -> serde_json::Result<Item> {
    let members: Members<'_> = serde_json::from_str(text)?;
    let (message, attributes) = members.message(raw);
    Ok(Item {
        time: members.time(),
        contact: members.sender().contact(&shared.profiles, shared.alone),
        body: EventBody::Message(message),
        attributes,
    })
}

/// A message that the business sent from its app.
pub(super) fn echo(shared: &Shared<'_>, text: &str, raw: &str) -> serde_json::Result<Item> {
    let members: Members<'_> = serde_json::from_str(text)?;
    let (message, mut attributes) = members.message(raw);
    for (path, value) in [
        ("/from", &members.from),
        ("/from_user_id", &members.from_user_id),
    ] {
        text_attribute(&mut attributes, path, value.as_ref());
    }
    Ok(Item {
        time: members.time(),
        contact: members.receiver().contact(&shared.profiles, shared.alone),
        body: EventBody::Echo(message),
        attributes,
    })
}

/// A message that was written long before: media that follow the history of a number which is also used with the app.
pub(super) fn history(shared: &Shared<'_>, text: &str, raw: &str) -> serde_json::Result<Item> {
    let members: Members<'_> = serde_json::from_str(text)?;
    let business = wire::str(shared.metadata.display_phone_number.as_ref());
    let outbound = members.to.is_some()
        || members.to_user_id.is_some()
        || business.is_some() && wire::str(members.from.as_ref()) == business;
    let named = if outbound {
        members.receiver()
    } else {
        members.sender()
    };
    let (message, attributes) = members.message(raw);
    let state = members
        .history_context
        .as_ref()
        .and_then(|history| wire::str(history.status.as_ref()))
        .map(super::status::state);
    Ok(Item {
        time: members.time(),
        contact: named.contact(&shared.profiles, shared.alone),
        body: EventBody::History(HistoryItem {
            phase: None,
            chunk: None,
            progress: None,
            message: Some(message),
            outbound: Some(outbound),
            state,
            errors: Vec::new(),
        }),
        attributes,
    })
}

/// Whether an item can be read as a message.
pub(super) fn is_sound(text: &str) -> bool {
    serde_json::from_str::<Members<'_>>(text).is_ok()
}

impl Members<'_> {
    fn time(&self) -> Option<u64> {
        self.timestamp.as_ref().and_then(Text::instant)
    }

    fn sender(&self) -> Named<'_> {
        Named {
            phone: wire::str(self.from.as_ref()),
            user_id: wire::str(self.from_user_id.as_ref()),
            parent_user_id: wire::str(self.from_parent_user_id.as_ref()),
        }
    }

    fn receiver(&self) -> Named<'_> {
        Named {
            phone: wire::str(self.to.as_ref()),
            user_id: wire::str(self.to_user_id.as_ref()),
            parent_user_id: wire::str(self.to_parent_user_id.as_ref()),
        }
    }

    /// The message, and the vendor's own scalars.
    fn message(&self, raw: &str) -> (Message, Vec<Attribute>) {
        let mut attributes = Vec::new();
        let kind = wire::str(self.kind.as_ref()).or_else(|| content::kind(self));
        let content = kind
            .and_then(|kind| content::content(kind, self, &mut attributes))
            .unwrap_or_else(|| {
                let kind = kind.unwrap_or("unknown");
                Content::Other(Foreign {
                    kind: kind.to_owned(),
                    json: wire::member(raw, kind).map(|member| member.get().to_owned()),
                })
            });
        let context = self.context.as_ref();
        let referral = self.referral.as_ref();
        let identity = self.identity.as_ref();
        for (path, value) in [
            (
                "/context/group_id",
                context.and_then(|context| context.group_id),
            ),
            (
                "/referral/image/id",
                referral.and_then(|referral| referral.image.as_ref()?.id),
            ),
            (
                "/referral/video/id",
                referral.and_then(|referral| referral.video.as_ref()?.id),
            ),
            (
                "/identity/acknowledged",
                identity.and_then(|identity| identity.acknowledged),
            ),
            (
                "/identity/created_timestamp",
                identity.and_then(|identity| identity.created_timestamp),
            ),
            (
                "/identity/hash",
                identity.and_then(|identity| identity.hash),
            ),
            ("/from_logical_id", self.from_logical_id),
        ] {
            attribute(&mut attributes, path, value);
        }
        let message = Message {
            id: wire::owned(self.id.as_ref()),
            content,
            reply_to: context.and_then(|context| wire::owned(context.id.as_ref())),
            context: context.and_then(Context::origin),
            referral: referral.and_then(ReferralMembers::referral),
            group_id: wire::owned(self.group_id.as_ref()),
            errors: self.errors.iter().flatten().map(Fault::error).collect(),
        };
        (message, attributes)
    }
}

impl Context<'_> {
    fn origin(&self) -> Option<MessageContext> {
        let flag = |text: &Option<Text<'_>>| text.as_ref().and_then(Text::boolean);
        let product = self.referred_product.as_ref().and_then(|product| {
            Some(Product {
                catalog_id: wire::owned(product.catalog_id.as_ref()),
                product_id: wire::owned(product.product_retailer_id.as_ref())?,
            })
        });
        let context = MessageContext {
            author: wire::owned(self.from.as_ref()),
            forwarded: flag(&self.forwarded),
            frequently_forwarded: flag(&self.frequently_forwarded),
            product,
            mentions: self
                .mentions
                .iter()
                .flatten()
                .filter_map(Text::owned)
                .collect(),
        };
        (context.author.is_some()
            || context.forwarded.is_some()
            || context.frequently_forwarded.is_some()
            || context.product.is_some()
            || !context.mentions.is_empty())
        .then_some(context)
    }
}

impl ReferralMembers<'_> {
    fn referral(&self) -> Option<Referral> {
        let referral = Referral {
            url: wire::owned(self.source_url.as_ref()),
            id: wire::owned(self.source_id.as_ref()),
            kind: wire::owned(self.source_type.as_ref()),
            headline: wire::owned(self.headline.as_ref()),
            body: wire::owned(self.body.as_ref()),
            click_id: wire::owned(self.ctwa_clid.as_ref()),
            media_kind: wire::owned(self.media_type.as_ref()),
            image_url: wire::owned(self.image_url.as_ref()),
            video_url: wire::owned(self.video_url.as_ref()),
            thumbnail_url: wire::owned(self.thumbnail_url.as_ref()),
            welcome_text: self
                .welcome_message
                .as_ref()
                .and_then(|welcome| wire::owned(welcome.text.as_ref())),
        };
        [
            &referral.url,
            &referral.id,
            &referral.kind,
            &referral.headline,
            &referral.body,
            &referral.click_id,
            &referral.media_kind,
            &referral.image_url,
            &referral.video_url,
            &referral.thumbnail_url,
            &referral.welcome_text,
        ]
        .iter()
        .any(|member| member.is_some())
        .then_some(referral)
    }
}
