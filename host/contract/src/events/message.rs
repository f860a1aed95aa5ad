//! A message: where it comes from, what it says, how it is changed and taken back.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::Serialize;

use crate::json;
use crate::types::{ContactCard, Error, Foreign, Json, Location, MimeType, Product, Timestamp};

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
#[schemars(rename = "IncomingMessage")]
pub struct Message {
    /// The vendor's id of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it says.
    pub content: Content,
    /// The message that it answers.
    #[component(name = "reply-to")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// What else the vendor says of where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<MessageContext>,
    /// The advertisement or post that brought the person here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<Referral>,
    /// The group that it was written in.
    #[component(name = "group-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// What the vendor could not deliver of it, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Error>,
}

/// Where a message comes from.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct MessageContext {
    /// Who wrote the message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// It was forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<bool>,
    /// It was forwarded many times.
    #[component(name = "frequently-forwarded")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequently_forwarded: Option<bool>,
    /// The product that it asks about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Product>,
    /// Who is mentioned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
}

/// The advertisement or post that brought a person here.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Referral {
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `ad`, `post` and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its headline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The click's id, for measuring.
    #[component(name = "click-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub click_id: Option<String>,
    /// The kind of its picture or film.
    #[component(name = "media-kind")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_kind: Option<String>,
    /// Address of the picture.
    #[component(name = "image-url")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    /// Address of the film.
    #[component(name = "video-url")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_url: Option<String>,
    /// Address of the film's preview.
    #[component(name = "thumbnail-url")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// The greeting that the advertisement showed.
    #[component(name = "welcome-text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub welcome_text: Option<String>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "IncomingContent")]
pub enum Content {
    /// Text.
    #[component(name = "text")]
    Text(Text),
    /// A picture.
    #[component(name = "image")]
    Image(Media),
    /// A film.
    #[component(name = "video")]
    Video(Media),
    /// Sound; `voice` says whether it was recorded here.
    #[component(name = "audio")]
    Audio(Media),
    /// A file.
    #[component(name = "document")]
    Document(Media),
    /// A sticker.
    #[component(name = "sticker")]
    Sticker(Media),
    /// Media that will follow in another delivery, or never.
    #[component(name = "media-placeholder")]
    MediaPlaceholder,
    /// A place.
    #[component(name = "location")]
    Location(Location),
    /// Address-book cards.
    #[component(name = "contacts")]
    Contacts(Cards),
    /// A tap on a reply button of ours.
    #[component(name = "button-reply")]
    ButtonReply(Choice),
    /// A row chosen from a list of ours.
    #[component(name = "list-reply")]
    ListReply(Choice),
    /// A tap on a quick-reply button of a template of ours.
    #[component(name = "template-reply")]
    TemplateReply(Choice),
    /// A form, flow or address that was filled in.
    #[component(name = "form-reply")]
    FormReply(FormReply),
    /// An answer to our question whether we may call.
    #[component(name = "call-permission-reply")]
    CallPermissionReply(CallPermissionReply),
    /// A reaction to a message, or its removal.
    #[component(name = "reaction")]
    Reaction(Reaction),
    /// A basket sent as an order.
    #[component(name = "order")]
    Order(Order),
    /// The chat was opened for the first time; nothing was written.
    #[component(name = "welcome-request")]
    WelcomeRequest,
    /// A message that disappears; the vendor gives no content.
    #[component(name = "ephemeral")]
    Ephemeral,
    /// The vendor says that it can't show this message; the reasons stand in `message.errors`.
    #[component(name = "unsupported")]
    Unsupported(Unsupported),
    /// Any other kind: the vendor's word, and the JSON of the member that carries it.
    #[component(name = "other")]
    Other(Foreign),
}

/// Text.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
#[schemars(rename = "IncomingText")]
pub struct Text {
    /// The text.
    pub text: String,
}

/// Media in a message that came in.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Media {
    /// The vendor's id, for fetching it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it can be fetched, for a short time and with the channel's credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its type.
    #[component(name = "mime-type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<MimeType>,
    /// The SHA-256 of its bytes as the vendor writes it: hexadecimal or base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The text under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The file's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Recorded as a voice message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<bool>,
    /// An animated sticker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub animated: Option<bool>,
}

/// Address-book cards in a message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
#[schemars(rename = "IncomingCards")]
pub struct Cards {
    /// The cards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<ContactCard>,
}

/// One of several offered answers.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Choice {
    /// The id or payload that was sent with the offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What was written on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The line under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A form that was filled in.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct FormReply {
    /// The vendor's name of the kind of form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the chat shows for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The answers as JSON, where the vendor's text parses.
    #[serde(
        default,
        with = "json::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub response: Option<Json>,
    /// The vendor's text, where it does not parse.
    #[component(name = "response-text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_text: Option<String>,
}

/// Whether we may call.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct CallPermissionReply {
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
    /// Given by the vendor's own rule instead of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automatic: Option<bool>,
    /// It holds for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permanent: Option<bool>,
    /// It holds until then.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires: Option<Timestamp>,
}

/// A reaction.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
#[schemars(rename = "IncomingReaction")]
pub struct Reaction {
    /// The message that it is about.
    #[component(name = "message-id")]
    pub message_id: String,
    /// The emoji; absent where the reaction was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Order {
    /// The catalogue.
    #[component(name = "catalog-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<String>,
    /// What the person wrote with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The goods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<OrderItem>,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct OrderItem {
    /// The product's id in the catalogue.
    #[component(name = "product-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<f64>,
    /// The price of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
    /// ISO 4217 currency code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// A message that the vendor can't show.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Unsupported {
    /// The vendor's word for what it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A change to a message.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Edit {
    /// The id of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The message that was changed.
    #[component(name = "message-id")]
    pub message_id: String,
    /// What it says now.
    pub content: Content,
    /// The message that it answers.
    #[component(name = "reply-to")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Changed by the business, in another tool.
    pub echo: bool,
}

/// A message taken back.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Revoke {
    /// The id of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The message that was taken back.
    #[component(name = "message-id")]
    pub message_id: String,
    /// Taken back by the business, in another tool.
    pub echo: bool,
}
