//! What a message to send says.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize};

use super::TemplateMessage;
use crate::json;
use crate::types::{ContactCard, Foreign, Json, Location, MediaSource};

/// What a message to send says.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Text.
    #[component(name = "text")]
    Text(Text),
    /// A picture.
    #[component(name = "image")]
    Image(CaptionedMedia),
    /// A film.
    #[component(name = "video")]
    Video(CaptionedMedia),
    /// Sound.
    #[component(name = "audio")]
    Audio(Audio),
    /// A file.
    #[component(name = "document")]
    Document(Document),
    /// A sticker.
    #[component(name = "sticker")]
    Sticker(MediaSource),
    /// A place.
    #[component(name = "location")]
    Location(Location),
    /// Address-book cards.
    #[component(name = "contacts")]
    Contacts(Cards),
    /// A reaction to a message, or its removal.
    #[component(name = "reaction")]
    Reaction(Reaction),
    /// Text with reply buttons.
    #[component(name = "buttons")]
    Buttons(Buttons),
    /// Text with a list to choose from.
    #[component(name = "list")]
    List(ChoiceList),
    /// Text with a button that opens a web page.
    #[component(name = "link-button")]
    LinkButton(LinkButton),
    /// Text with a button that opens a form or flow.
    #[component(name = "flow")]
    Flow(Flow),
    /// One product.
    #[component(name = "product")]
    Product(ProductMessage),
    /// Several products.
    #[component(name = "products")]
    Products(ProductsMessage),
    /// The whole catalogue.
    #[component(name = "catalog")]
    Catalog(CatalogMessage),
    /// A question for the person's place.
    #[component(name = "location-request")]
    LocationRequest(Prompt),
    /// A question for an address.
    #[component(name = "address-request")]
    AddressRequest(AddressRequest),
    /// A question whether we may call.
    #[component(name = "call-permission-request")]
    CallPermissionRequest(Prompt),
    /// A question for the person's phone number.
    #[component(name = "contact-request")]
    ContactRequest(Prompt),
    /// Text with a button that calls the business.
    #[component(name = "call-button")]
    CallButton(CallButton),
    /// Several cards side by side.
    #[component(name = "carousel")]
    Carousel(Carousel),
    /// An approved template, with its parameters.
    #[component(name = "template")]
    Template(TemplateMessage),
    /// Any other kind: the vendor's word, and the JSON of the member that carries it, passed on as
    /// it is.
    #[component(name = "other")]
    Other(Foreign),
}

/// Text.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Show a preview of the first web address in it; the vendor's default where absent.
    #[component(name = "preview-url")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<bool>,
}

/// A picture or a film.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CaptionedMedia {
    /// Which.
    #[serde(flatten)]
    pub source: MediaSource,
    /// The text under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}

/// Sound.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Audio {
    /// Which.
    #[serde(flatten)]
    pub source: MediaSource,
    /// Show it as a voice message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice: Option<bool>,
}

/// A file.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Document {
    /// Which.
    #[serde(flatten)]
    pub source: MediaSource,
    /// The text under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The name that the person sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Address-book cards.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Cards {
    /// The cards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<ContactCard>,
}

/// A reaction.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Reaction {
    /// The message that it is about.
    #[component(name = "message-id")]
    pub message_id: String,
    /// The emoji; absent takes the reaction back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

/// What stands above the text.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "MessageHeader")]
pub enum Header {
    /// A line of text.
    #[component(name = "text")]
    #[serde(with = "json::text_member")]
    Text(String),
    /// A picture.
    #[component(name = "image")]
    Image(MediaSource),
    /// A film.
    #[component(name = "video")]
    Video(MediaSource),
    /// A file.
    #[component(name = "document")]
    Document(DocumentHeader),
    /// Any other kind: the vendor's word and JSON.
    #[component(name = "other")]
    Other(Foreign),
}

/// A file above the text.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct DocumentHeader {
    /// Which.
    #[serde(flatten)]
    pub source: MediaSource,
    /// The name that the person sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// Text with reply buttons.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Buttons {
    /// Above the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The text.
    pub body: String,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// The buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
}

/// A reply button.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Button {
    /// Comes back in `events.choice.id`.
    pub id: String,
    /// What is written on it.
    pub title: String,
}

/// Text with a list to choose from.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct ChoiceList {
    /// Above the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The text.
    pub body: String,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// What is written on the button that opens the list.
    pub button: String,
    /// The parts of the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
}

/// A part of a list.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Section {
    /// Its title; needed where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Row>,
}

/// A row of a list.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Row {
    /// Comes back in `events.choice.id`.
    pub id: String,
    /// What is written on it.
    pub title: String,
    /// The line under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Text with a button that opens a web page.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct LinkButton {
    /// Above the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The text.
    pub body: String,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// What is written on the button.
    pub title: String,
    /// The page.
    pub url: String,
}

/// Text with a button that opens a form or flow.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Flow {
    /// Above the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The text.
    pub body: String,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// What is written on the button.
    pub title: String,
    /// Which flow.
    pub flow: FlowReference,
    /// Comes back with the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Where it begins: the vendor's word (`navigate`, `data_exchange`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The first screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// What the first screen is given.
    #[component(name = "screen-data")]
    #[serde(
        default,
        with = "json::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub screen_data: Option<Json>,
    /// Use the unpublished version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
}

/// Which flow.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum FlowReference {
    /// By the vendor's id.
    #[component(name = "id")]
    Id(String),
    /// By its name.
    #[component(name = "name")]
    Name(String),
}

/// One product.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct ProductMessage {
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// The catalogue.
    #[component(name = "catalog-id")]
    pub catalog_id: String,
    /// The product's id in it.
    #[component(name = "product-id")]
    pub product_id: String,
}

/// Several products.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct ProductsMessage {
    /// A line of text above the text.
    pub header: String,
    /// The text.
    pub body: String,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// The catalogue.
    #[component(name = "catalog-id")]
    pub catalog_id: String,
    /// The parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<ProductSection>,
}

/// A part of a list of products.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct ProductSection {
    /// Its title; needed where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The products' ids in the catalogue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
}

/// The whole catalogue.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CatalogMessage {
    /// The text.
    pub body: String,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// The product whose picture is shown.
    #[component(name = "thumbnail-product-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_product_id: Option<String>,
}

/// Text with a question that the vendor's own button asks.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Prompt {
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
}

/// A question for an address.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct AddressRequest {
    /// The text.
    pub body: String,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// ISO 3166 country code.
    pub country: String,
    /// What the form holds already, as an object of strings.
    #[serde(
        default,
        with = "json::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub values: Option<Json>,
    /// Addresses to choose from.
    #[component(name = "saved-addresses")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saved_addresses: Vec<SavedAddress>,
    /// What was wrong with an earlier answer, as an object of strings.
    #[component(name = "validation-errors")]
    #[serde(
        default,
        with = "json::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub validation_errors: Option<Json>,
}

/// An address to choose from.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct SavedAddress {
    /// Comes back when it is chosen.
    pub id: String,
    /// The address, as an object of strings.
    #[serde(with = "json::text")]
    pub value: Json,
}

/// Text with a button that calls the business.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CallButton {
    /// The text.
    pub body: String,
    /// Below the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// What is written on the button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// For how many minutes it works.
    #[component(name = "ttl-minutes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_minutes: Option<u32>,
    /// Comes back with the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

/// Several cards side by side.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Carousel {
    /// The text above them.
    pub body: String,
    /// The cards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<Card>,
}

/// A card of a carousel.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Card {
    /// Picture or film, text and a button that opens a web page.
    #[component(name = "link")]
    Link(LinkCard),
    /// Picture or film, text and reply buttons.
    #[component(name = "replies")]
    Replies(ReplyCard),
    /// A product.
    #[component(name = "product")]
    Product(ProductCard),
    /// Any other kind: the vendor's word, and the card's JSON.
    #[component(name = "other")]
    Other(Foreign),
}

/// A card with a button that opens a web page.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct LinkCard {
    /// Above the text: a picture or a film.
    pub header: Header,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What is written on the button.
    pub title: String,
    /// The page.
    pub url: String,
}

/// A card with reply buttons.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct ReplyCard {
    /// Above the text: a picture or a film.
    pub header: Header,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The buttons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<Button>,
}

/// A product as a card.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct ProductCard {
    /// The catalogue.
    #[component(name = "catalog-id")]
    pub catalog_id: String,
    /// The product's id in it.
    #[component(name = "product-id")]
    pub product_id: String,
}
