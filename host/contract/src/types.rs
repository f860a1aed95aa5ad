//! `types`: contacts, instants, problems, errors, foreign items.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize};

use super::json;

/// JSON text (RFC 8259), whole and valid.
pub type Json = String;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Timestamp = u64;

/// The media type of bytes, with its parameters (`audio/ogg; codecs=opus`).
pub type MimeType = String;

/// One header of a request or answer. Names compare without regard to case.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Header {
    /// The name.
    pub name: String,
    /// The value; what is not UTF-8 has been replaced by U+FFFD.
    pub value: String,
}

/// A person or business on the other side. Each member may be absent, but not all of them.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Contact {
    /// The phone number in digits, without `+`, as the vendor wrote it; never "corrected".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The vendor's id of the person for this business; opaque, case-sensitive, survives a change
    /// of phone number or not as the vendor says.
    #[component(name = "user-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The vendor's id of the person for a group of businesses.
    #[component(name = "parent-user-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_user_id: Option<String>,
    /// The public name that the person chose; changeable, never an identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A hash of the person's identity on the network; another one means another device, or another
    /// person.
    #[component(name = "identity-hash")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_hash: Option<String>,
}

/// Whom a message goes to.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// A phone number, digits with or without `+`.
    #[component(name = "phone")]
    Phone(String),
    /// A vendor's user id (`contact.user-id` or `contact.parent-user-id`).
    #[component(name = "user-id")]
    UserId(String),
    /// A group.
    #[component(name = "group")]
    Group(String),
    /// Whoever this is: the channel chooses the address that the vendor takes.
    #[component(name = "contact")]
    Contact(Contact),
}

/// A single value that only one vendor has.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Attribute {
    /// Where it stands in the item: a JSON Pointer (RFC 6901) into the event's `raw`.
    pub path: String,
    /// The value.
    pub value: Scalar,
}

/// The value of an attribute, in the type that the vendor wrote it in.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(untagged)]
pub enum Scalar {
    /// A string.
    #[component(name = "text")]
    Text(String),
    /// A whole number.
    #[component(name = "integer")]
    Integer(i64),
    /// A number with a fraction, or one beyond 64 bits.
    #[component(name = "number")]
    Number(f64),
    /// true or false.
    #[component(name = "boolean")]
    Boolean(bool),
}

/// The escape case of the open variants: what this contract has no type for yet.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Foreign {
    /// The vendor's word for it.
    pub kind: String,
    /// Its JSON, where it has any.
    #[serde(
        default,
        with = "json::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub json: Option<Json>,
}

/// A rule that settings, a message or a template breaks, found before anything is sent.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Problem {
    /// The member: a JSON Pointer (RFC 6901) into what was checked, in the members' public
    /// (`snake_case`) names; empty for the whole.
    pub pointer: String,
    /// A stable word for the rule, such as `too_long`.
    pub code: String,
    /// A sentence: what is wrong, and what to do.
    pub message: String,
    /// Where the rule stands: a document and its section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What the vendor, or the way to it, said of a request, a message or a number.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Error {
    /// What to do about it.
    #[serde(default, skip_serializing_if = "json::is_default")]
    pub class: ErrorClass,
    /// Whether trying again can help.
    #[serde(default, skip_serializing_if = "json::is_default")]
    pub retry: Retry,
    /// The vendor's code.
    #[serde(default, with = "json::code", skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The vendor's title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The vendor's sentence, where it says more than the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The vendor's details.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// The vendor's page about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What the operator should do, where the channel knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The vendor's own scalars; their paths lead into the error as the vendor wrote it.
    #[serde(
        default,
        with = "json::attributes",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub attributes: Vec<Attribute>,
}

/// The closed set of errors to act on. What a channel has no better word for is `unknown`.
#[derive(
    Clone,
    Copy,
    Default,
    Debug,
    Eq,
    PartialEq,
    Serialize,
    Deserialize,
    JsonSchema,
    ComponentType,
    Lift,
    Lower,
)]
#[component(enum)]
#[repr(u8)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The request is wrong and stays wrong.
    #[component(name = "invalid")]
    Invalid,
    /// The credentials are wrong, expired or lack a right; or the account is blocked or unpaid.
    #[component(name = "unauthorised")]
    Unauthorised,
    /// Free-form messages are not allowed now; an approved template is.
    #[component(name = "window-closed")]
    WindowClosed,
    /// Too many requests or messages.
    #[component(name = "rate-limited")]
    RateLimited,
    /// The template is missing, paused, disabled, or its parameters do not fit.
    #[component(name = "template")]
    Template,
    /// This recipient cannot or will not receive it.
    #[component(name = "recipient")]
    Recipient,
    /// The vendor failed; nothing was accepted.
    #[component(name = "temporary")]
    Temporary,
    /// It may have been accepted: the connection broke after the request had left, or the vendor's
    /// answer says neither.
    #[component(name = "uncertain")]
    Uncertain,
    /// None of these.
    #[component(name = "unknown")]
    #[default]
    Unknown,
}

impl Error {
    /// What the vendor said, and what to do, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let said = [&self.title, &self.message, &self.details];
        let mut said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
        said.dedup();
        let mut sentence = if said.is_empty() {
            "the vendor refused".to_owned()
        } else {
            said.join(": ")
        };
        if let Some(code) = &self.code {
            sentence = format!("{sentence} (code {code})");
        }
        if let Some(remedy) = &self.remedy {
            sentence = format!("{sentence}; {remedy}");
        }
        crate::plain(&sentence)
    }
}

crate::lifted! { ErrorClass: Invalid Unauthorised WindowClosed RateLimited Template Recipient Temporary Uncertain Unknown; }

/// Whether, and when, the same request may succeed.
#[derive(
    Clone, Default, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Not established.
    #[component(name = "unknown")]
    #[default]
    Unknown,
    /// Never as it is.
    #[component(name = "never")]
    Never,
    /// After somebody has changed something (a key, a bill, a template).
    #[component(name = "after-change")]
    AfterChange,
    /// Soon, waiting longer each time.
    #[component(name = "backoff")]
    Backoff,
    /// Not before so many seconds have passed.
    #[component(name = "after")]
    After(u32),
}

/// A way to name media that the vendor can reach.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// The vendor's id of media that was uploaded before.
    #[component(name = "id")]
    Id(String),
    /// An https address that the vendor fetches.
    #[component(name = "link")]
    Link(String),
}

/// A point on the map.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Location {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// The place's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The place's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// A page about the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A product of a catalogue.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Product {
    /// The catalogue.
    #[component(name = "catalog-id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<String>,
    /// The product's id in it, as the seller named it.
    #[component(name = "product-id")]
    pub product_id: String,
}

/// An address-book card.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct ContactCard {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<CardName>,
    /// Phone numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<CardPhone>,
    /// E-mail addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<CardEmail>,
    /// Postal addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<CardAddress>,
    /// The employer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<CardOrganisation>,
    /// Web addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<CardUrl>,
    /// The birthday, `YYYY-MM-DD` as a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday: Option<String>,
    /// Why the card was sent, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The card as vCard text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcard: Option<String>,
}

/// The name on a card.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CardName {
    /// The whole name as shown.
    #[component(name = "formatted-name")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted_name: Option<String>,
    /// Given name.
    #[component(name = "first-name")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Family name.
    #[component(name = "last-name")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Middle name.
    #[component(name = "middle-name")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// After the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Before the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

/// A phone number on a card.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CardPhone {
    /// The number as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The number's contact on this network, where it has one.
    #[component(name = "contact-phone")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_phone: Option<String>,
    /// HOME, WORK, CELL and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// An e-mail address on a card.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CardEmail {
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// HOME, WORK and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A postal address on a card.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CardAddress {
    /// Street and number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// State or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// ISO 3166 country code.
    #[component(name = "country-code")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    /// HOME, WORK and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// The employer on a card.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CardOrganisation {
    /// Company.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A web address on a card.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CardUrl {
    /// The address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// HOME, WORK and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}
