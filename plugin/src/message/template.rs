//! Approved templates, with their parameters.
//!
//! The Cloud API wants a component only for what has parameters, and knows neither a namespace nor a language
//! policy that would say anything.

use std::fmt;

use super::basic::{degrees, source};
use super::definition;
use super::interactive::call_limits;
use super::json::object;
use super::other;
use super::wire::{self, Body, Component, Content, Parameter, Tagged, Value};
use crate::bindings::messaging::channel::outbound::{
    ButtonValue, CallParameter, CardParameters, HeaderParameter, ParameterValue, ProductsParameter,
    TemplateMessage, TemplateParameter,
};
use crate::bindings::messaging::channel::templates::{Definition, TemplateButton, TemplateHeader};
use crate::bindings::messaging::channel::types::Recipient;
use crate::problem::Problems;
use crate::template::variables::{Defined, Given, Variable, cards, targets, variables};

const SOURCE: &str = "Cloud API, template messages";
const SOURCE_PARAMETER: &str = "Cloud API, error 132018";
const SOURCE_CAROUSEL: &str = "Cloud API, media card carousel templates";
const SOURCE_PRODUCTS: &str = "Cloud API, multi-product templates";

/// A template message; `at` is where it stands in the message.
pub(super) fn template<'a>(
    at: &str,
    template: &'a TemplateMessage,
    to: &Recipient,
    definition: Option<&Definition>,
    problems: &mut Problems,
) -> Content<'a> {
    key(at, template, problems);
    let definition =
        definition.filter(|definition| definition::is_of(at, template, definition, problems));
    if let Some(definition) = definition {
        definition::check(at, template, to, definition, problems);
    } else {
        names(at, &template.body, problems);
    }
    let alone = template.header.is_none()
        && template.buttons.is_empty()
        && template.cards.is_empty()
        && template.offer_expires.is_none()
        && template.other.is_empty();
    let body_limit = if alone { 32_768 } else { 1024 };
    let defined = definition.map(Defined::from);
    let (head, buttons) = components(at, template.into(), defined, body_limit, problems);
    let offer = template.offer_expires.map(|expiration_time_ms| Component {
        kind: "limited_time_offer",
        button: None,
        parameters: vec![Parameter::new(
            "limited_time_offer",
            Value::Offer { expiration_time_ms },
        )],
        cards: Vec::new(),
    });
    let components = head
        .into_iter()
        .chain(offer)
        .chain(buttons)
        .chain(carousel(at, &template.cards, definition, problems))
        .map(wire::Part::Component)
        .chain(other::components(at, template, problems))
        .collect();
    Tagged(
        "template",
        Body::Template(wire::Template {
            name: &template.name,
            language: wire::Language {
                code: &template.language,
            },
            components,
        }),
    )
}

/// Name and language.
fn key(at: &str, template: &TemplateMessage, problems: &mut Problems) {
    let good_name = (1..=512).contains(&template.name.len())
        && template
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !good_name {
        problems.add(
            format_args!("{at}/name"),
            "bad_name",
            "This is no template's name: give 1 to 512 small letters, digits and underscores",
            SOURCE,
        );
    }
    let good_language = !template.language.is_empty()
        && template
            .language
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !good_language {
        problems.add(
            format_args!("{at}/language"),
            "bad_language",
            "This is no language's code: write it as the template was approved, such as en_US, with an underscore",
            SOURCE,
        );
    }
}

/// Without a definition it is only certain that no template has both kinds of variables, nor a name twice.
fn names(at: &str, parameters: &[TemplateParameter], problems: &mut Problems) {
    let named = parameters.iter().filter(|p| p.name.is_some()).count();
    if named != 0 && named != parameters.len() {
        problems.add(
            format_args!("{at}/body"),
            "mixed_parameters",
            "Some values have a name and some have not: name all of them, or none",
            SOURCE,
        );
    }
    for (i, parameter) in parameters.iter().enumerate() {
        if parameter.name.is_some() && parameters[..i].iter().any(|p| p.name == parameter.name) {
            problems.add(
                format_args!("{at}/body/{i}/name"),
                "not_unique",
                "Another value has the same name: give each variable one value",
                SOURCE,
            );
        }
    }
}

/// Header and body, and the buttons: an offer stands between them.
///
/// Where it is known what was approved, the limits are those of the whole text, and are looked at there.
fn components<'a>(
    at: &str,
    parts: Given<'a>,
    defined: Option<Defined<'_>>,
    body_limit: usize,
    problems: &mut Problems,
) -> (Vec<Component<'a>>, Vec<Component<'a>>) {
    let limit = |limit| if defined.is_some() { usize::MAX } else { limit };
    let of = |kind, parameters| Component {
        kind,
        button: None,
        parameters,
        cards: Vec::new(),
    };
    let mut head = Vec::new();
    if let Some(parameter) = parts
        .header
        .map(|header| self::header(at, header, defined, limit(60), problems))
    {
        head.push(of("header", vec![parameter]));
    }
    if !parts.body.is_empty() {
        let open = defined.map(|defined| variables(defined.text(), defined.named));
        let places = targets(&open.unwrap_or_default(), parts.body);
        let parameters = parts
            .body
            .iter()
            .zip(places)
            .enumerate()
            .map(|(i, (given, place))| {
                let place = Place::of(place);
                let at = format!("{at}/body/{i}");
                parameter(&at, given, &place, limit(body_limit), problems)
            })
            .collect();
        head.push(of("body", parameters));
    }
    let mut buttons = Vec::with_capacity(parts.buttons.len());
    for (i, button) in parts.buttons.iter().enumerate() {
        let at = format!("{at}/buttons/{i}");
        if button.index > 9 {
            problems.add(
                format_args!("{at}/index"),
                "out_of_range",
                "A template has at most 10 buttons: give an index from 0 to 9",
                SOURCE,
            );
        }
        if parts.buttons[..i].iter().any(|b| b.index == button.index) {
            problems.add(
                format_args!("{at}/index"),
                "not_unique",
                "Another value is for the same button: give each button one value",
                SOURCE,
            );
        }
        let (word, sub_type) = words(&button.value);
        let approved = usize::try_from(button.index)
            .ok()
            .and_then(|index| defined?.buttons.get(index));
        let place = match approved {
            Some(TemplateButton::Url(button)) => Place::Address(&button.url),
            _ => Place::Unknown,
        };
        let parameters = self::button(&format!("{at}/{word}"), &button.value, &place, problems);
        if !parameters.is_empty() {
            buttons.push(Component {
                button: Some(wire::Button {
                    sub_type,
                    index: button.index.to_string(),
                }),
                ..of("button", parameters)
            });
        }
    }
    (head, buttons)
}

fn header<'a>(
    at: &str,
    header: &'a HeaderParameter,
    defined: Option<Defined<'_>>,
    limit: usize,
    problems: &mut Problems,
) -> Parameter<'a> {
    let at = format!("{at}/header");
    match header {
        HeaderParameter::Text(given) => {
            let place = defined.and_then(|defined| match defined.header {
                Some(TemplateHeader::Text(text)) => {
                    variables(&text.text, defined.named).first().copied()
                }
                _ => None,
            });
            parameter(&at, given, &Place::of(place), limit, problems)
        }
        HeaderParameter::Image(media) => {
            Parameter::new("image", Value::Media(source(&at, media, problems)))
        }
        HeaderParameter::Video(media) => {
            Parameter::new("video", Value::Media(source(&at, media, problems)))
        }
        HeaderParameter::Document(document) => Parameter::new(
            "document",
            Value::Media(wire::Media {
                filename: document.filename.as_deref(),
                ..source(&at, &document.source, problems)
            }),
        ),
        HeaderParameter::Location(location) => {
            degrees(&at, location, problems);
            for (member, text) in [("name", &location.name), ("address", &location.address)] {
                if text.as_ref().is_none_or(|text| text.trim().is_empty()) {
                    problems.add(
                        format_args!("{at}/{member}"),
                        "required",
                        "A place in a template needs a name and an address: give both",
                        SOURCE,
                    );
                }
            }
            Parameter::new(
                "location",
                Value::Location {
                    latitude: location.latitude.to_string(),
                    longitude: location.longitude.to_string(),
                    name: location.name.as_deref().unwrap_or_default(),
                    address: location.address.as_deref().unwrap_or_default(),
                },
            )
        }
        HeaderParameter::Product(product) => {
            problems.text(
                format_args!("{at}/product_id"),
                &product.product_id,
                usize::MAX,
                SOURCE,
            );
            problems.text(
                format_args!("{at}/catalog_id"),
                &product.catalog_id,
                usize::MAX,
                SOURCE,
            );
            Parameter::new(
                "product",
                Value::Product {
                    product_retailer_id: &product.product_id,
                    catalog_id: &product.catalog_id,
                },
            )
        }
        // Only Meta's marketing API has these.
        HeaderParameter::Gif(media) => {
            Parameter::new("gif", Value::Media(source(&at, media, problems)))
        }
    }
}

/// Where a value goes, as a problem with it says.
enum Place<'a> {
    Unknown,
    Variable(Variable<'a>),
    Address(&'a str),
}

impl<'a> Place<'a> {
    fn of(variable: Option<Variable<'a>>) -> Self {
        variable.map_or(Self::Unknown, Self::Variable)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("A value in a template"),
            Self::Variable(variable) => write!(f, "The value of {variable}"),
            Self::Address(url) => write!(f, "The value in the address ‘{url}’"),
        }
    }
}

/// The value of a variable in a text.
fn parameter<'a>(
    at: &str,
    parameter: &'a TemplateParameter,
    place: &Place<'_>,
    max: usize,
    problems: &mut Problems,
) -> Parameter<'a> {
    let name = parameter.name.as_deref();
    problems.optional_text(format_args!("{at}/name"), name, usize::MAX, SOURCE);
    let (kind, value) = match &parameter.value {
        ParameterValue::Text(text) => {
            line(&format!("{at}/text"), text, place, max, problems);
            ("text", Value::Text(text))
        }
        ParameterValue::Currency(currency) => {
            line(
                &format!("{at}/currency/fallback"),
                &currency.fallback,
                place,
                max,
                problems,
            );
            if currency.code.len() != 3 || !currency.code.bytes().all(|b| b.is_ascii_uppercase()) {
                problems.add(
                    format_args!("{at}/currency/code"),
                    "bad_currency",
                    "This is no currency's code: write the three capitals of ISO 4217, such as EUR",
                    SOURCE,
                );
            }
            (
                "currency",
                Value::Currency {
                    fallback_value: &currency.fallback,
                    code: &currency.code,
                    amount_1000: currency.amount_1000,
                },
            )
        }
        ParameterValue::DateTime(text) => {
            line(&format!("{at}/date_time"), text, place, max, problems);
            (
                "date_time",
                Value::DateTime {
                    fallback_value: text,
                },
            )
        }
    };
    Parameter {
        value: Tagged(kind, value),
        parameter_name: name,
    }
}

/// A value that Meta puts into a template's text: one line, without wide gaps.
fn line(pointer: &str, text: &str, place: &Place<'_>, max: usize, problems: &mut Problems) {
    if text.trim().is_empty() {
        problems.add(
            pointer,
            "blank",
            format_args!("{place} can't be blank: give it"),
            SOURCE,
        );
    } else {
        problems.length(pointer, text, max, SOURCE);
    }
    if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
        problems.add(
            pointer,
            "bad_whitespace",
            format_args!(
                "{place} may have no line break, no tab and at most 4 spaces in a row: write it in one line"
            ),
            SOURCE_PARAMETER,
        );
    }
}

/// What a button is given, in the contract's word and in the Cloud API's.
pub(super) fn words(value: &ButtonValue) -> (&'static str, &'static str) {
    match value {
        ButtonValue::Payload(_) => ("payload", "quick_reply"),
        ButtonValue::UrlSuffix(_) => ("url_suffix", "url"),
        ButtonValue::Code(_) => ("code", "copy_code"),
        ButtonValue::Flow(_) => ("flow", "flow"),
        ButtonValue::Catalog(_) => ("catalog", "catalog"),
        ButtonValue::Products(_) => ("products", "mpm"),
        ButtonValue::OrderDetails(_) => ("order_details", "order_details"),
        ButtonValue::Call(_) => ("call", "voice_call"),
    }
}

/// A button's parameters; none where there is nothing to send.
fn button<'a>(
    pointer: &str,
    value: &'a ButtonValue,
    place: &Place<'_>,
    problems: &mut Problems,
) -> Vec<Parameter<'a>> {
    let parameter = match value {
        ButtonValue::Payload(payload) => {
            problems.text(pointer, payload, 256, SOURCE);
            Parameter::new("payload", Value::Text(payload))
        }
        ButtonValue::UrlSuffix(suffix) => {
            line(pointer, suffix, place, 2000, problems);
            Parameter::new("text", Value::Text(suffix))
        }
        ButtonValue::Code(code) => {
            problems.text(pointer, code, 15, SOURCE);
            Parameter::new("coupon_code", Value::Text(code))
        }
        ButtonValue::Flow(flow) => Parameter::new(
            "action",
            Value::Flow {
                flow_token: flow.token.as_deref(),
                flow_action_data: flow.screen_data.as_deref().and_then(|data| {
                    object(
                        format_args!("{pointer}/screen_data"),
                        data,
                        SOURCE,
                        problems,
                    )
                }),
            },
        ),
        // The catalogue's own picture is shown unless a product is named.
        ButtonValue::Catalog(None) => return Vec::new(),
        ButtonValue::Catalog(Some(product)) => {
            problems.text(pointer, product, usize::MAX, SOURCE);
            Parameter::new("action", products(product, Vec::new()))
        }
        ButtonValue::Products(given) => {
            products_limits(pointer, given, problems);
            let sections = given.sections.iter().map(Into::into).collect();
            Parameter::new("action", products(&given.thumbnail_product_id, sections))
        }
        ButtonValue::OrderDetails(order) => {
            let Some(order_details) = object(pointer, order, SOURCE, problems) else {
                return Vec::new();
            };
            Parameter::new("action", Value::OrderDetails { order_details })
        }
        ButtonValue::Call(given) => return call(pointer, given, problems),
    };
    vec![parameter]
}

/// A call button's limits, those of the same button in an interactive message.
fn call<'a>(
    pointer: &str,
    given: &'a CallParameter,
    problems: &mut Problems,
) -> Vec<Parameter<'a>> {
    call_limits(
        pointer,
        given.ttl_minutes,
        given.payload.as_deref(),
        problems,
    );
    let minutes = given
        .ttl_minutes
        .map(|minutes| Parameter::new("ttl_minutes", Value::Minutes(minutes)));
    let payload = given.payload.as_deref();
    minutes
        .into_iter()
        .chain(payload.map(|payload| Parameter::new("payload", Value::Text(payload))))
        .collect()
}

fn products<'a>(thumbnail: &'a str, sections: Vec<wire::ProductSection<'a>>) -> Value<'a> {
    Value::Products {
        thumbnail_product_retailer_id: thumbnail,
        sections,
    }
}

fn products_limits(pointer: &str, given: &ProductsParameter, problems: &mut Problems) {
    const SOURCE: &str = SOURCE_PRODUCTS;
    problems.text(
        format_args!("{pointer}/thumbnail_product_id"),
        &given.thumbnail_product_id,
        usize::MAX,
        SOURCE,
    );
    super::commerce::sections(pointer, &given.sections, SOURCE, problems);
}

/// Cards: 2 to 10, and the same kind of header above all of them.
fn carousel<'a>(
    at: &str,
    cards: &'a [CardParameters],
    definition: Option<&Definition>,
    problems: &mut Problems,
) -> Option<Component<'a>> {
    const SOURCE: &str = SOURCE_CAROUSEL;
    if cards.is_empty() {
        return None;
    }
    if !(2..=10).contains(&cards.len()) {
        problems.add(
            format_args!("{at}/cards"),
            "wrong_count",
            format_args!("The number of cards is {}: give 2 to 10", cards.len()),
            SOURCE,
        );
    }
    let approved = definition.map(|definition| self::cards(&definition.content, cards.len()));
    let kind = |card: &CardParameters| card.header.as_ref().map(definition::header_kind);
    let cards = cards
        .iter()
        .enumerate()
        .map(|(card_index, card)| {
            let at = format!("{at}/cards/{card_index}");
            let good = matches!(kind(card), Some("image" | "video" | "product"));
            if !good || kind(card) != kind(&cards[0]) {
                problems.add(
                    format_args!("{at}/header"),
                    "bad_header",
                    "Every card needs a header, all of one kind: give each a picture, each a film or each a product",
                    SOURCE,
                );
            }
            let defined = approved
                .as_ref()
                .and_then(|approved| approved.get(card_index).copied());
            let (mut components, buttons) = components(&at, card.into(), defined, 160, problems);
            components.extend(buttons);
            wire::Card {
                card_index,
                components,
            }
        })
        .collect();
    Some(Component {
        kind: "carousel",
        button: None,
        parameters: Vec::new(),
        cards,
    })
}
