//! What a template says.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::{Deserialize, Serialize};

use crate::json;
use crate::types::{Foreign, Json};

/// How variables are written.
#[derive(
    Clone,
    Copy,
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
pub enum ParameterFormat {
    /// By number: `{{1}}`.
    #[component(name = "positional")]
    Positional,
    /// By name: `{{first_name}}`.
    #[component(name = "named")]
    Named,
}

crate::lifted! { ParameterFormat: Positional Named; }

/// What a template says.
#[derive(
    Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct TemplateContent {
    /// How its variables are written; by number where absent.
    #[component(name = "parameter-format")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_format: Option<ParameterFormat>,
    /// Above the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<TemplateHeader>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<TemplateBody>,
    /// Below the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<TemplateFooter>,
    /// The buttons, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<TemplateButton>,
    /// Cards side by side.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carousel: Vec<TemplateCard>,
    /// An offer that ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<TemplateOffer>,
    /// Asks whether we may call.
    #[component(name = "call-permission-request")]
    #[serde(default)]
    pub call_permission_request: bool,
    /// Components that this contract has no type for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<Foreign>,
}

/// A text with variables.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct TemplateText {
    /// The text.
    pub text: String,
    /// An example for each variable, in order or by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<TemplateExample>,
}

/// What a variable might hold.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct TemplateExample {
    /// The variable's name, where variables have names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The example.
    pub value: String,
}

/// Above the body.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TemplateHeader {
    /// A line of text.
    #[component(name = "text")]
    Text(TemplateText),
    /// A picture; the example is a handle of uploaded media, or an address.
    #[component(name = "image")]
    #[serde(with = "json::example")]
    Image(Option<String>),
    /// A film; the example likewise.
    #[component(name = "video")]
    #[serde(with = "json::example")]
    Video(Option<String>),
    /// An animation; the example likewise.
    #[component(name = "gif")]
    #[serde(with = "json::example")]
    Gif(Option<String>),
    /// A file; the example likewise.
    #[component(name = "document")]
    #[serde(with = "json::example")]
    Document(Option<String>),
    /// A place.
    #[component(name = "location")]
    Location,
    /// A product.
    #[component(name = "product")]
    Product,
    /// Any other format: the vendor's word and JSON.
    #[component(name = "other")]
    Other(Foreign),
}

/// The body.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct TemplateBody {
    /// The text; absent where the vendor writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TemplateText>,
    /// Add the vendor's advice not to share the code.
    #[component(name = "security-recommendation")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_recommendation: Option<bool>,
}

/// Below the body.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct TemplateFooter {
    /// The text; absent where the vendor writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// After how many minutes the code is no longer good.
    #[component(name = "code-expiration-minutes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_expiration_minutes: Option<u32>,
}

/// A button.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TemplateButton {
    /// Answers with its text.
    #[component(name = "quick-reply")]
    QuickReply(LabelledButton),
    /// Opens a web page.
    #[component(name = "url")]
    Url(UrlButton),
    /// Calls a number.
    #[component(name = "phone-number")]
    PhoneNumber(PhoneButton),
    /// Copies a code.
    #[component(name = "copy-code")]
    CopyCode(CopyCodeButton),
    /// Opens a flow.
    #[component(name = "flow")]
    Flow(FlowButton),
    /// Calls the business over the network.
    #[component(name = "call")]
    Call(CallTemplateButton),
    /// Shows the catalogue.
    #[component(name = "catalog")]
    Catalog(LabelledButton),
    /// Shows several products.
    #[component(name = "products")]
    Products(LabelledButton),
    /// Shows the card's product.
    #[component(name = "product")]
    Product(LabelledButton),
    /// Hands over a one-time code.
    #[component(name = "one-time-code")]
    OneTimeCode(OneTimeCodeButton),
    /// Shows an order to pay.
    #[component(name = "order-details")]
    OrderDetails(LabelledButton),
    /// Asks for the person's phone number.
    #[component(name = "contact-request")]
    ContactRequest(LabelledButton),
    /// Opens an app.
    #[component(name = "app")]
    App(AppButton),
    /// Any other kind: the vendor's word and JSON.
    #[component(name = "other")]
    Other(Foreign),
}

/// A button that has only its label.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct LabelledButton {
    /// What is written on it; absent where the vendor writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A button that opens a web page.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct UrlButton {
    /// What is written on it.
    pub text: String,
    /// The page; one variable may stand at its end.
    pub url: String,
    /// An example of the whole address, or of the variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// A button that calls a number.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct PhoneButton {
    /// What is written on it.
    pub text: String,
    /// The number.
    #[component(name = "phone-number")]
    pub phone_number: String,
}

/// A button that copies a code.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CopyCodeButton {
    /// What is written on it; absent where the vendor writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// An example of the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
}

/// A button that opens a flow.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct FlowButton {
    /// What is written on it.
    pub text: String,
    /// Which flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<TemplateFlow>,
    /// Where it begins, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The first screen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<String>,
    /// The button's icon, in the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

/// Which flow a template opens.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum TemplateFlow {
    /// By the vendor's id.
    #[component(name = "id")]
    Id(String),
    /// By its name.
    #[component(name = "name")]
    Name(String),
    /// The flow itself.
    #[component(name = "definition")]
    #[serde(with = "json::text")]
    Definition(Json),
}

/// A button that calls the business over the network.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CallTemplateButton {
    /// What is written on it.
    pub text: String,
    /// For how many minutes it works.
    #[component(name = "ttl-minutes")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_minutes: Option<u32>,
}

/// A button that hands over a one-time code.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct OneTimeCodeButton {
    /// How.
    pub kind: OneTimeCodeKind,
    /// What is written on it; absent where the vendor writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What is written on it where the app takes the code by itself.
    #[component(name = "autofill-text")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autofill_text: Option<String>,
    /// The apps that may take the code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<CodeApp>,
    /// The terms of handing over without a tap were accepted.
    #[component(name = "zero-tap-terms-accepted")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_tap_terms_accepted: Option<bool>,
}

/// How a one-time code is handed over.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = crate::schema::open)]
pub enum OneTimeCodeKind {
    /// The person copies it.
    #[component(name = "copy-code")]
    CopyCode,
    /// One tap hands it to the app.
    #[component(name = "one-tap")]
    OneTap,
    /// The app gets it without a tap.
    #[component(name = "zero-tap")]
    ZeroTap,
    /// The vendor's word for another way.
    #[component(name = "other")]
    #[serde(untagged)]
    Other(String),
}

/// An app that may take a code.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct CodeApp {
    /// The app's package.
    #[component(name = "package-name")]
    pub package_name: String,
    /// The hash of its signature.
    #[component(name = "signature-hash")]
    pub signature_hash: String,
}

/// A button that opens an app.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct AppButton {
    /// What is written on it.
    pub text: String,
    /// What it opens, as the vendor's JSON.
    #[serde(with = "json::text")]
    pub link: Json,
}

/// A card.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct TemplateCard {
    /// Above the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<TemplateHeader>,
    /// The body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<TemplateBody>,
    /// The buttons, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<TemplateButton>,
}

/// An offer that ends.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct TemplateOffer {
    /// What is written on it.
    pub text: String,
    /// Show how long it still holds.
    #[component(name = "has-expiration")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_expiration: Option<bool>,
}
