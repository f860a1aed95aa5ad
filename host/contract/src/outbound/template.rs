//! An approved template, with its parameters.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize};

use super::{DocumentHeader, ProductCard, ProductSection};
use crate::types::{Foreign, Json, Location, MediaSource, Problem, Timestamp};
use crate::{json, strict};

/// An approved template, with its parameters.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct TemplateMessage {
    /// The template's name.
    pub name: String,
    /// Its language, exactly as it was approved.
    pub language: String,
    /// The header's parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderParameter>,
    /// The body's parameters: in order, or each with its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<TemplateParameter>,
    /// The buttons' parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<ButtonParameter>,
    /// The cards' parameters, one entry a card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<CardParameters>,
    /// When a limited-time offer ends.
    #[component(name = "offer-expires")]
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub offer_expires: Option<Timestamp>,
    /// Components that this contract has no type for: kind and JSON as the vendor wants them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<Foreign>,
}

impl TemplateMessage {
    /// Reads JSON (UTF-8), and refuses every member that there is no place for.
    ///
    /// # Errors
    ///
    /// As [`Message::read`](super::Message::read).
    pub fn read(json: &[u8]) -> Result<Self, Vec<Problem>> {
        strict::read(json, serde_json::from_value, |it| serde_json::to_value(it))
    }
}

/// The header's parameter.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HeaderParameter {
    /// The variable in its text.
    #[component(name = "text")]
    Text(TemplateParameter),
    /// The picture.
    #[component(name = "image")]
    Image(MediaSource),
    /// The film.
    #[component(name = "video")]
    Video(MediaSource),
    /// The animation.
    #[component(name = "gif")]
    Gif(MediaSource),
    /// The file.
    #[component(name = "document")]
    Document(DocumentHeader),
    /// The place.
    #[component(name = "location")]
    Location(Location),
    /// The product.
    #[component(name = "product")]
    Product(ProductCard),
}

/// The value of a variable.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct TemplateParameter {
    /// The variable's name, where the template names its variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The value; sent as given.
    #[serde(flatten)]
    pub value: ParameterValue,
}

/// A value to put into a template.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ParameterValue {
    /// Text.
    #[component(name = "text")]
    Text(String),
    /// An amount of money.
    #[component(name = "currency")]
    Currency(Currency),
    /// A date or time, as it shall read.
    #[component(name = "date-time")]
    DateTime(String),
}

/// An amount of money.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Currency {
    /// How it reads where the vendor can't format it.
    pub fallback: String,
    /// ISO 4217 currency code.
    pub code: String,
    /// The amount, times 1000.
    #[component(name = "amount-1000")]
    pub amount_1000: i64,
}

/// The parameter of one button.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct ButtonParameter {
    /// The button's place in the template, from 0.
    pub index: u32,
    /// The value.
    #[serde(flatten)]
    pub value: ButtonValue,
}

/// What a button can be given.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ButtonValue {
    /// A quick reply's payload.
    #[component(name = "payload")]
    Payload(String),
    /// What is appended to a web address.
    #[component(name = "url-suffix")]
    UrlSuffix(String),
    /// A code to copy.
    #[component(name = "code")]
    Code(String),
    /// A flow's token and data.
    #[component(name = "flow")]
    Flow(FlowParameter),
    /// The product whose picture a catalogue button shows.
    #[component(name = "catalog")]
    Catalog(Option<String>),
    /// The products that a list of products shows.
    #[component(name = "products")]
    Products(ProductsParameter),
    /// An order, as the vendor's JSON.
    #[component(name = "order-details")]
    #[serde(with = "json::text")]
    OrderDetails(Json),
    /// A call button's limits.
    #[component(name = "call")]
    Call(CallParameter),
}

/// A flow's token and data.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct FlowParameter {
    /// Comes back with the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What the first screen is given.
    #[component(name = "screen-data")]
    #[serde(
        default,
        with = "json::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub screen_data: Option<Json>,
}

/// The products that a list of products shows.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct ProductsParameter {
    /// The product whose picture is shown.
    #[component(name = "thumbnail-product-id")]
    pub thumbnail_product_id: String,
    /// The parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<ProductSection>,
}

/// A call button's limits.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CallParameter {
    /// For how many minutes it works.
    #[component(name = "ttl-minutes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_minutes: Option<u32>,
    /// Comes back with the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
}

/// The parameters of one card.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CardParameters {
    /// The header's parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderParameter>,
    /// The body's parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<TemplateParameter>,
    /// The buttons' parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<ButtonParameter>,
}
