//! Components as the vendor lists them, in every form that was seen, and in the form in which they are submitted.
//!
//! The forms: Cloud API, template components; 360dialog, create and manage template messages. What there is no type for keeps its
//! JSON.

use std::str::FromStr;

use serde_json::Value;

use crate::api;
use crate::bindings::messaging::channel::templates::{
    AppButton, CallTemplateButton, CodeApp, CopyCodeButton, FlowButton, LabelledButton,
    OneTimeCodeButton, OneTimeCodeKind, ParameterFormat, PhoneButton, TemplateBody, TemplateButton,
    TemplateCard, TemplateContent, TemplateExample, TemplateFlow, TemplateFooter, TemplateHeader,
    TemplateOffer, TemplateText, UrlButton,
};
use crate::bindings::messaging::channel::types::Foreign;

/// What a template's components say.
pub(crate) fn content(
    components: &[Value],
    parameter_format: Option<ParameterFormat>,
) -> TemplateContent {
    let mut content = TemplateContent {
        parameter_format,
        header: None,
        body: None,
        footer: None,
        buttons: Vec::new(),
        carousel: Vec::new(),
        offer: None,
        call_permission_request: false,
        other: Vec::new(),
    };
    for component in components {
        let kind = kind(component);
        match kind.as_str() {
            "HEADER" if content.header.is_none() => content.header = Some(header(component)),
            "BODY" if content.body.is_none() => content.body = Some(body(component)),
            "FOOTER" if content.footer.is_none() => content.footer = Some(footer(component)),
            "BUTTONS" => content.buttons.extend(buttons(component).map(button)),
            "CAROUSEL" if content.carousel.is_empty() => match cards(component) {
                Some(cards) => content.carousel = cards,
                None => content.other.push(foreign(component)),
            },
            "LIMITED_TIME_OFFER" if content.offer.is_none() => {
                content.offer = offer(component);
                if content.offer.is_none() {
                    content.other.push(foreign(component));
                }
            }
            "CALL_PERMISSION_REQUEST" => content.call_permission_request = true,
            _ => content.other.push(foreign(component)),
        }
    }
    content
}

/// A component's type in capitals. `VALUE` is a misprint of 360dialog's for `BUTTONS`.
pub(super) fn kind(component: &Value) -> String {
    let word = word(component, "type");
    if word == "VALUE" && component.get("buttons").is_some() {
        return "BUTTONS".into();
    }
    word
}

/// What is in a component of buttons: a list, or an object in its place that is one button or holds some.
pub(super) fn buttons(component: &Value) -> impl Iterator<Item = &Value> {
    let buttons: Vec<_> = match component.get("buttons") {
        Some(Value::Array(buttons)) => buttons.iter().collect(),
        Some(button @ Value::Object(members)) if members.contains_key("type") => vec![button],
        Some(Value::Object(members)) => members.values().collect(),
        _ => Vec::new(),
    };
    buttons.into_iter()
}

fn foreign(component: &Value) -> Foreign {
    Foreign {
        kind: text(component, "type").unwrap_or_default(),
        json: Some(component.to_string()),
    }
}

fn header(component: &Value) -> TemplateHeader {
    let format = word(component, "format");
    let media = || first(component.get("example"));
    match (format.as_str(), text(component, "text")) {
        ("TEXT" | "", Some(text)) => TemplateHeader::Text(TemplateText {
            text,
            examples: examples(component.get("example")),
        }),
        ("IMAGE", _) => TemplateHeader::Image(media()),
        ("VIDEO", _) => TemplateHeader::Video(media()),
        ("GIF", _) => TemplateHeader::Gif(media()),
        ("DOCUMENT", _) => TemplateHeader::Document(media()),
        ("LOCATION", _) => TemplateHeader::Location,
        ("PRODUCT", _) => TemplateHeader::Product,
        _ => TemplateHeader::Other(Foreign {
            kind: text(component, "format").unwrap_or_default(),
            json: Some(component.to_string()),
        }),
    }
}

fn body(component: &Value) -> TemplateBody {
    TemplateBody {
        text: text(component, "text").map(|text| TemplateText {
            text,
            examples: examples(component.get("example")),
        }),
        security_recommendation: flag(component, "add_security_recommendation"),
    }
}

fn footer(component: &Value) -> TemplateFooter {
    TemplateFooter {
        text: text(component, "text"),
        code_expiration_minutes: number(component, "code_expiration_minutes"),
    }
}

/// Cards; `None` where there are none, or one has a part that a card has no place for.
fn cards(component: &Value) -> Option<Vec<TemplateCard>> {
    let cards = component.get("cards")?.as_array()?;
    let card = |card: &Value| {
        let content = content(card.get("components")?.as_array()?, None);
        let fits = content.footer.is_none()
            && content.carousel.is_empty()
            && content.offer.is_none()
            && !content.call_permission_request
            && content.other.is_empty();
        fits.then_some(TemplateCard {
            header: content.header,
            body: content.body,
            buttons: content.buttons,
        })
    };
    cards
        .iter()
        .map(card)
        .collect::<Option<Vec<_>>>()
        .filter(|cards| !cards.is_empty())
}

fn offer(component: &Value) -> Option<TemplateOffer> {
    let offer = component.get("limited_time_offer")?;
    Some(TemplateOffer {
        text: text(offer, "text")?,
        has_expiration: flag(offer, "has_expiration"),
    })
}

/// A button. A one-time code's is listed as one of a web address, with its kind in the address. (Cloud API, authentication
/// templates.)
pub(super) fn button(button: &Value) -> TemplateButton {
    let labelled = || LabelledButton {
        text: text(button, "text"),
    };
    let known = match word(button, "type").as_str() {
        "QUICK_REPLY" => Some(TemplateButton::QuickReply(labelled())),
        "OTP" => Some(one_time_code(button, word(button, "otp_type"))),
        "URL" => match code_kind(button) {
            Some(kind) => Some(one_time_code(button, kind)),
            None => url(button),
        },
        "PHONE_NUMBER" => phone_number(button),
        "COPY_CODE" => Some(TemplateButton::CopyCode(CopyCodeButton {
            text: text(button, "text"),
            example: first(button.get("example")),
        })),
        "FLOW" => flow(button),
        "VOICE_CALL" => text(button, "text").map(|text| {
            TemplateButton::Call(CallTemplateButton {
                text,
                ttl_minutes: number(button, "ttl_minutes"),
            })
        }),
        "CATALOG" => Some(TemplateButton::Catalog(labelled())),
        "MPM" => Some(TemplateButton::Products(labelled())),
        "SPM" => Some(TemplateButton::Product(labelled())),
        "ORDER_DETAILS" => Some(TemplateButton::OrderDetails(labelled())),
        "REQUEST_CONTACT_INFO" => Some(TemplateButton::ContactRequest(labelled())),
        "APP" => app(button),
        _ => None,
    };
    known.unwrap_or_else(|| TemplateButton::Other(foreign(button)))
}

fn url(button: &Value) -> Option<TemplateButton> {
    Some(TemplateButton::Url(UrlButton {
        text: text(button, "text")?,
        url: text(button, "url")?,
        example: first(button.get("example")),
    }))
}

fn phone_number(button: &Value) -> Option<TemplateButton> {
    Some(TemplateButton::PhoneNumber(PhoneButton {
        text: text(button, "text")?,
        phone_number: text(button, "phone_number")?,
    }))
}

fn flow(button: &Value) -> Option<TemplateButton> {
    let definition = || match button.get("flow_json")? {
        Value::String(json) => Some(json.clone()),
        Value::Null => None,
        json => Some(json.to_string()),
    };
    Some(TemplateButton::Flow(FlowButton {
        text: text(button, "text")?,
        flow: text(button, "flow_id")
            .map(TemplateFlow::Id)
            .or_else(|| text(button, "flow_name").map(TemplateFlow::Name))
            .or_else(|| definition().map(TemplateFlow::Definition)),
        // Meta lists it in capitals.
        action: text(button, "flow_action").map(|action| action.to_lowercase()),
        screen: text(button, "navigate_screen"),
        icon: text(button, "icon"),
    }))
}

fn app(button: &Value) -> Option<TemplateButton> {
    Some(TemplateButton::App(AppButton {
        text: text(button, "text")?,
        link: button.get("app_deep_link")?.to_string(),
    }))
}

/// The kind of a one-time code's button that is listed as one of a web address.
fn code_kind(button: &Value) -> Option<String> {
    text(button, "otp_type").or_else(|| {
        let url = text(button, "url")?;
        let (_, query) = url.split_once('?')?;
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix("otp_type="))
            .map(str::to_owned)
    })
}

fn one_time_code(button: &Value, kind: String) -> TemplateButton {
    let app = |app: &Value| {
        Some(CodeApp {
            package_name: text(app, "package_name")?,
            signature_hash: text(app, "signature_hash")?,
        })
    };
    let apps = button.get("supported_apps").and_then(Value::as_array);
    TemplateButton::OneTimeCode(OneTimeCodeButton {
        kind: match kind.to_uppercase().as_str() {
            "COPY_CODE" => OneTimeCodeKind::CopyCode,
            "ONE_TAP" => OneTimeCodeKind::OneTap,
            "ZERO_TAP" => OneTimeCodeKind::ZeroTap,
            _ => OneTimeCodeKind::Other(kind),
        },
        text: text(button, "text"),
        autofill_text: text(button, "autofill_text"),
        apps: match apps {
            Some(apps) => apps.iter().filter_map(app).collect(),
            // Before there could be several the members stood in the button itself.
            None => app(button).into_iter().collect(),
        },
        zero_tap_terms_accepted: flag(button, "zero_tap_terms_accepted"),
    })
}

/// Examples of variables. They come by name, as a list, as a list in a list, as one string, and under several names.
fn examples(example: Option<&Value>) -> Vec<TemplateExample> {
    match example {
        Some(Value::Array(items)) => match items.first() {
            // Each list in the list has an example for every variable.
            Some(row @ Value::Array(_)) => examples(Some(row)),
            _ => items.iter().flat_map(|item| examples(Some(item))).collect(),
        },
        Some(Value::Object(members)) => {
            let known: Vec<_> = [
                "header_text",
                "header_text_named_params",
                "body_text",
                "body_text_named_params",
            ]
            .into_iter()
            .filter_map(|member| members.get(member))
            .collect();
            if !known.is_empty() {
                return known
                    .into_iter()
                    .flat_map(|example| examples(Some(example)))
                    .collect();
            }
            let of = |name, value| {
                Some(TemplateExample {
                    name: Some(name),
                    value: api::text(Some(value))?,
                })
            };
            match api::text(members.get("param_name")) {
                Some(name) => members
                    .get("example")
                    .and_then(|value| of(name, value))
                    .into_iter()
                    .collect(),
                None => members
                    .iter()
                    .filter_map(|(name, value)| of(name.clone(), value))
                    .collect(),
            }
        }
        value => api::text(value)
            .map(|value| TemplateExample { name: None, value })
            .into_iter()
            .collect(),
    }
}

/// The first text in a value: an example of something that has one.
fn first(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Array(items) => items.iter().find_map(|item| first(Some(item))),
        Value::Object(members) => members.values().find_map(|member| first(Some(member))),
        value => api::text(Some(value)),
    }
}

fn text(value: &Value, member: &str) -> Option<String> {
    api::text(value.get(member))
}

/// A word in capitals.
fn word(value: &Value, member: &str) -> String {
    text(value, member).unwrap_or_default().to_uppercase()
}

fn number<T: FromStr>(value: &Value, member: &str) -> Option<T> {
    text(value, member)?.parse().ok()
}

fn flag(value: &Value, member: &str) -> Option<bool> {
    match value.get(member)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(flag) => flag.to_lowercase().parse().ok(),
        _ => None,
    }
}
