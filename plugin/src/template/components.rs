//! Components as they are submitted.
//!
//! The forms: Cloud API, template components and authentication templates. JSON that the contract passes on goes out as it came.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::bindings::messaging::channel::templates::{
    CodeApp, FlowButton, OneTimeCodeButton, OneTimeCodeKind, TemplateBody, TemplateButton,
    TemplateCard, TemplateContent, TemplateExample, TemplateFlow, TemplateFooter, TemplateHeader,
    TemplateOffer, TemplateText,
};
use crate::bindings::messaging::channel::types::Foreign;

/// JSON text, whose numbers stay as they were written.
pub(super) type Json = Box<RawValue>;

/// What is written here are objects of strings, numbers and JSON texts: nothing in it can fail to be written.
pub(super) fn json_of(value: &impl Serialize) -> Json {
    to_raw_value(value).expect("objects with names of text are JSON")
}

/// The components, in the order in which people see them.
pub(crate) fn components(content: &TemplateContent) -> Vec<Json> {
    #[derive(Serialize)]
    struct Carousel {
        r#type: &'static str,
        cards: Vec<Card>,
    }
    #[derive(Serialize)]
    struct Card {
        components: Vec<Json>,
    }

    let TemplateContent {
        parameter_format: _,
        header,
        body,
        footer,
        buttons,
        carousel,
        offer,
        call_permission_request,
        other,
    } = content;
    let mut components = parts(header.as_ref(), body.as_ref());
    components.extend(offer.as_ref().map(self::offer));
    components.extend(footer.as_ref().map(self::footer));
    components.extend(self::buttons(buttons));
    if *call_permission_request {
        components.push(json_of(&json!({"type": "call_permission_request"})));
    }
    if !carousel.is_empty() {
        let card = |TemplateCard {
                        header,
                        body,
                        buttons,
                    }: &TemplateCard| {
            let mut components = parts(header.as_ref(), body.as_ref());
            components.extend(self::buttons(buttons));
            Card { components }
        };
        components.push(json_of(&Carousel {
            r#type: "CAROUSEL",
            cards: carousel.iter().map(card).collect(),
        }));
    }
    components.extend(
        other
            .iter()
            .map(|component| foreign(component, |kind| json!({"type": kind}))),
    );
    components
}

/// JSON as it came; what has none says its kind.
fn foreign(foreign: &Foreign, bare: impl Fn(&str) -> Value) -> Json {
    let json = foreign.json.clone();
    json.and_then(|json| RawValue::from_string(json).ok())
        .unwrap_or_else(|| json_of(&bare(&foreign.kind)))
}

fn parts(header: Option<&TemplateHeader>, body: Option<&TemplateBody>) -> Vec<Json> {
    header
        .map(self::header)
        .into_iter()
        .chain(body.map(self::body))
        .collect()
}

/// A header. (Cloud API, template components: headers.)
fn header(header: &TemplateHeader) -> Json {
    let media = |format, example: &Option<String>| {
        let mut header = json!({"type": "HEADER", "format": format});
        if let Some(example) = example {
            header["example"] = json!({"header_handle": [example]});
        }
        header
    };
    json_of(&match header {
        TemplateHeader::Text(TemplateText { text, examples }) => {
            let mut header = json!({"type": "HEADER", "format": "TEXT", "text": text});
            add_examples(&mut header, "header_text", examples, |values| json!(values));
            header
        }
        TemplateHeader::Image(example) => media("IMAGE", example),
        TemplateHeader::Video(example) => media("VIDEO", example),
        TemplateHeader::Gif(example) => media("GIF", example),
        TemplateHeader::Document(example) => media("DOCUMENT", example),
        TemplateHeader::Location => media("LOCATION", &None),
        TemplateHeader::Product => media("PRODUCT", &None),
        TemplateHeader::Other(header) => {
            return foreign(header, |format| json!({"type": "HEADER", "format": format}));
        }
    })
}

fn body(body: &TemplateBody) -> Json {
    let mut component = json!({"type": "BODY"});
    if let Some(TemplateText { text, examples }) = &body.text {
        component["text"] = json!(text);
        add_examples(&mut component, "body_text", examples, |values| {
            json!([values])
        });
    }
    add(
        &mut component,
        "add_security_recommendation",
        body.security_recommendation,
    );
    json_of(&component)
}

/// Examples by name, and those in order.
fn add_examples(
    component: &mut Value,
    member: &str,
    examples: &[TemplateExample],
    in_order: impl Fn(&[&String]) -> Value,
) {
    let mut named = Vec::new();
    let mut ordered = Vec::new();
    for TemplateExample { name, value } in examples {
        match name {
            Some(name) => named.push(json!({"param_name": name, "example": value})),
            None => ordered.push(value),
        }
    }
    if !ordered.is_empty() {
        component["example"][member] = in_order(&ordered);
    }
    if !named.is_empty() {
        component["example"][format!("{member}_named_params")] = named.into();
    }
}

fn footer(footer: &TemplateFooter) -> Json {
    let mut component = json!({"type": "FOOTER"});
    add(&mut component, "text", footer.text.as_deref());
    add(
        &mut component,
        "code_expiration_minutes",
        footer.code_expiration_minutes,
    );
    json_of(&component)
}

fn offer(offer: &TemplateOffer) -> Json {
    let mut limited = json!({"text": offer.text});
    add(&mut limited, "has_expiration", offer.has_expiration);
    json_of(&json!({"type": "LIMITED_TIME_OFFER", "limited_time_offer": limited}))
}

fn add(object: &mut Value, member: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[member] = value.into();
    }
}

fn buttons(buttons: &[TemplateButton]) -> Option<Json> {
    #[derive(Serialize)]
    struct Buttons {
        r#type: &'static str,
        buttons: Vec<Json>,
    }

    (!buttons.is_empty()).then(|| {
        json_of(&Buttons {
            r#type: "BUTTONS",
            buttons: buttons.iter().map(button).collect(),
        })
    })
}

/// A button. (Cloud API, template components: buttons; authentication templates.)
pub(super) fn button(button: &TemplateButton) -> Json {
    let of = |kind: &str, text: Option<&str>| {
        let mut button = json!({"type": kind});
        add(&mut button, "text", text);
        button
    };
    json_of(&match button {
        TemplateButton::QuickReply(button) => of("QUICK_REPLY", button.text.as_deref()),
        TemplateButton::Url(button) => {
            let mut url = of("URL", Some(&button.text));
            add(&mut url, "url", Some(button.url.as_str()));
            add(
                &mut url,
                "example",
                button.example.clone().map(|example| vec![example]),
            );
            url
        }
        TemplateButton::PhoneNumber(button) => {
            let mut phone = of("PHONE_NUMBER", Some(&button.text));
            add(
                &mut phone,
                "phone_number",
                Some(button.phone_number.as_str()),
            );
            phone
        }
        TemplateButton::CopyCode(button) => {
            let mut copy = of("COPY_CODE", button.text.as_deref());
            add(&mut copy, "example", button.example.as_deref());
            copy
        }
        TemplateButton::Flow(button) => flow(button),
        TemplateButton::Call(button) => {
            let mut call = of("VOICE_CALL", Some(&button.text));
            add(&mut call, "ttl_minutes", button.ttl_minutes);
            call
        }
        TemplateButton::Catalog(button) => of("CATALOG", button.text.as_deref()),
        TemplateButton::Products(button) => of("MPM", button.text.as_deref()),
        TemplateButton::Product(button) => of("SPM", button.text.as_deref()),
        TemplateButton::OneTimeCode(button) => one_time_code(button),
        TemplateButton::OrderDetails(button) => of("ORDER_DETAILS", button.text.as_deref()),
        TemplateButton::ContactRequest(button) => {
            of("REQUEST_CONTACT_INFO", button.text.as_deref())
        }
        TemplateButton::App(button) => {
            #[derive(Serialize)]
            struct App<'a> {
                r#type: &'static str,
                text: &'a str,
                app_deep_link: Json,
            }
            let link = RawValue::from_string(button.link.clone());
            return json_of(&App {
                r#type: "APP",
                text: &button.text,
                app_deep_link: link.unwrap_or_else(|_| json_of(&Value::Null)),
            });
        }
        TemplateButton::Other(button) => return foreign(button, |kind| json!({"type": kind})),
    })
}

fn flow(button: &FlowButton) -> Value {
    let mut flow = json!({"type": "FLOW", "text": button.text});
    match &button.flow {
        Some(TemplateFlow::Id(id)) => flow["flow_id"] = json!(id),
        Some(TemplateFlow::Name(name)) => flow["flow_name"] = json!(name),
        // A text that holds JSON.
        Some(TemplateFlow::Definition(json)) => flow["flow_json"] = json!(json),
        None => {}
    }
    add(&mut flow, "flow_action", button.action.as_deref());
    add(&mut flow, "navigate_screen", button.screen.as_deref());
    add(&mut flow, "icon", button.icon.as_deref());
    flow
}

fn one_time_code(button: &OneTimeCodeButton) -> Value {
    let kind = match &button.kind {
        OneTimeCodeKind::CopyCode => "COPY_CODE",
        OneTimeCodeKind::OneTap => "ONE_TAP",
        OneTimeCodeKind::ZeroTap => "ZERO_TAP",
        OneTimeCodeKind::Other(word) => word,
    };
    let mut code = json!({"type": "OTP", "otp_type": kind});
    add(&mut code, "text", button.text.as_deref());
    add(&mut code, "autofill_text", button.autofill_text.as_deref());
    if !button.apps.is_empty() {
        let app = |app: &CodeApp| json!({"package_name": app.package_name, "signature_hash": app.signature_hash});
        code["supported_apps"] = button.apps.iter().map(app).collect();
    }
    add(
        &mut code,
        "zero_tap_terms_accepted",
        button.zero_tap_terms_accepted,
    );
    code
}
