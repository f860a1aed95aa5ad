//! Interactive messages (Cloud API, interactive messages).

use std::collections::HashSet;

use serde_json::Value;

use super::content;
use super::errors::refused;
use super::field::{invalid, label, list, required, short, text};
use crate::refusal::Refusal;
use crate::state::State;

const NONE: &[&str] = &[];
const TEXT: &[&str] = &["text"];
const ANY: &[&str] = &["text", "image", "video", "document"];

/// A type of interactive message.
struct Kind {
    name: &'static str,
    /// The types that its header may have.
    headers: &'static [&'static str],
    /// The longest body, in characters; 1024 where the documentation names none: assumed.
    longest_body: usize,
    needs_body: bool,
    /// The name of its action.
    action: Option<&'static str>,
}

const fn kind(
    name: &'static str,
    headers: &'static [&'static str],
    action: Option<&'static str>,
) -> Kind {
    Kind {
        name,
        headers,
        longest_body: 1024,
        needs_body: true,
        action,
    }
}

const KINDS: [Kind; 15] = [
    kind("button", ANY, None),
    Kind {
        longest_body: 4096,
        ..kind("list", TEXT, None)
    },
    kind("cta_url", ANY, Some("cta_url")),
    kind("flow", ANY, Some("flow")),
    Kind {
        needs_body: false,
        ..kind("product", NONE, None)
    },
    kind("product_list", TEXT, None),
    kind("catalog_message", NONE, Some("catalog_message")),
    kind("location_request_message", NONE, Some("send_location")),
    kind("address_message", ANY, Some("address_message")),
    Kind {
        needs_body: false,
        ..kind(
            "call_permission_request",
            NONE,
            Some("call_permission_request"),
        )
    },
    kind("voice_call", NONE, Some("voice_call")),
    kind("request_contact_info", NONE, Some("request_contact_info")),
    kind("carousel", NONE, None),
    kind("order_details", &["image"], Some("review_and_pay")),
    kind("order_status", ANY, Some("review_order")),
];

/// Whether an interactive message may be sent as it is. Error 131009 for what is too long or too many is assumed: "Parameter
/// value is not valid".
pub(super) fn check(state: &State, interactive: &Value) -> Result<(), Refusal> {
    let name = text(interactive, "/type")?;
    let kind = KINDS.iter().find(|kind| kind.name == name);
    let kind = kind.ok_or_else(|| invalid("/interactive/type", "is unknown"))?;
    check_header(state, kind, interactive)?;
    short(interactive, "/body/text", kind.longest_body, 131_009)?;
    if kind.needs_body {
        text(interactive, "/body/text")?;
    }
    short(interactive, "/footer/text", 60, 131_009)?;
    if name == "carousel" && interactive.get("footer").is_some() {
        return Err(invalid("/footer", "is not for carousels"));
    }
    let action = required(interactive, "/action")?;
    if let Some(expected) = kind.action
        && text(action, "/name")? != expected
    {
        return Err(invalid("/action/name", &format!("must be {expected}")));
    }
    match name {
        "button" => check_buttons(action),
        "list" => check_rows(action),
        "cta_url" => check_link(action),
        "flow" => check_flow(action),
        "product" => {
            text(action, "/catalog_id")?;
            text(action, "/product_retailer_id").map(drop)
        }
        "product_list" => check_products(action),
        "address_message" => text(action, "/parameters/country").map(drop),
        "voice_call" => check_call(action),
        "carousel" => check_cards(state, action),
        "order_details" | "order_status" => text(action, "/parameters/reference_id").map(drop),
        _ => Ok(()),
    }
}

fn check_header(state: &State, kind: &Kind, interactive: &Value) -> Result<(), Refusal> {
    let Some(header) = interactive.get("header") else {
        return match kind.name {
            "product_list" => Err(refused(131_008, "header is required")),
            _ => Ok(()),
        };
    };
    let of = text(header, "/type")?;
    if !kind.headers.contains(&of) {
        let why = format!("is not for messages of type {}", kind.name);
        return Err(invalid("/header/type", &why));
    }
    match of {
        "text" => label(header, "/text", 60).map(drop),
        _ => content::media(state, header, of).map(drop),
    }
}

fn check_buttons(action: &Value) -> Result<(), Refusal> {
    let (mut ids, mut titles) = (HashSet::new(), HashSet::new());
    for button in list(action, "/buttons", 3)? {
        if text(button, "/type")? != "reply" {
            return Err(invalid("/buttons/type", "must be reply"));
        }
        if !ids.insert(label(button, "/reply/id", 256)?) {
            return Err(invalid("/buttons/reply/id", "must be unique"));
        }
        if !titles.insert(label(button, "/reply/title", 20)?) {
            return Err(invalid("/buttons/reply/title", "must be unique"));
        }
    }
    Ok(())
}

fn check_rows(action: &Value) -> Result<(), Refusal> {
    label(action, "/button", 20)?;
    let sections = check_sections(action)?;
    let mut rows = 0;
    for section in sections {
        for row in list(section, "/rows", 10)? {
            label(row, "/id", 200)?;
            label(row, "/title", 24)?;
            short(row, "/description", 72, 131_009)?;
            rows += 1;
        }
    }
    if rows > 10 {
        return Err(invalid(
            "/sections/rows",
            "must be 10 at most in all sections",
        ));
    }
    Ok(())
}

fn check_products(action: &Value) -> Result<(), Refusal> {
    text(action, "/catalog_id")?;
    let sections = check_sections(action)?;
    let mut products = 0;
    for section in sections {
        for product in list(section, "/product_items", 30)? {
            text(product, "/product_retailer_id")?;
            products += 1;
        }
    }
    if products > 30 {
        let why = "must be 30 at most in all sections";
        return Err(invalid("/sections/product_items", why));
    }
    Ok(())
}

/// Up to 10 sections, which need titles where there are several.
fn check_sections(action: &Value) -> Result<&[Value], Refusal> {
    let sections = list(action, "/sections", 10)?;
    for section in sections {
        match sections.len() {
            1 => short(section, "/title", 24, 131_009)?,
            _ => label(section, "/title", 24).map(drop)?,
        }
    }
    Ok(sections)
}

fn check_link(action: &Value) -> Result<(), Refusal> {
    label(action, "/parameters/display_text", 20)?;
    let link = text(action, "/parameters/url")?;
    // That other schemes are refused is assumed.
    if content::is_web(link) {
        return Ok(());
    }
    Err(invalid("/parameters/url", "must be an http or https URL"))
}

fn check_flow(action: &Value) -> Result<(), Refusal> {
    if text(action, "/parameters/flow_message_version")? != "3" {
        return Err(invalid("/parameters/flow_message_version", "must be 3"));
    }
    let parameters = required(action, "/parameters")?;
    content::either(parameters, "flow_id", "flow_name")?;
    // An older page allows 30.
    label(parameters, "/flow_cta", 20)?;
    let does = parameters.get("flow_action").unwrap_or(&Value::Null);
    if !matches!(does.as_str(), None | Some("navigate" | "data_exchange")) {
        return Err(invalid("/flow_action", "must be navigate or data_exchange"));
    }
    match parameters.pointer("/flow_action_payload/data") {
        Some(given) if given.as_object().is_none_or(serde_json::Map::is_empty) => Err(invalid(
            "/flow_action_payload/data",
            "must be an object that is not empty",
        )),
        _ => Ok(()),
    }
}

fn check_call(action: &Value) -> Result<(), Refusal> {
    short(action, "/parameters/display_text", 20, 131_009)?;
    short(action, "/parameters/payload", 512, 131_009)?;
    match action.pointer("/parameters/ttl_minutes") {
        Some(minutes)
            if !minutes
                .as_u64()
                .is_some_and(|it| (1..=43_200).contains(&it)) =>
        {
            Err(invalid("/parameters/ttl_minutes", "must be 1 to 43200"))
        }
        _ => Ok(()),
    }
}

fn check_cards(state: &State, action: &Value) -> Result<(), Refusal> {
    let cards = list(action, "/cards", 10)?;
    if cards.len() < 2 {
        return Err(invalid("/cards", "must have 2 to 10 elements"));
    }
    let (mut indices, mut headers) = (HashSet::new(), HashSet::new());
    for card in cards {
        let index = card["card_index"].as_u64().filter(|index| *index < 10);
        if !index.is_some_and(|index| indices.insert(index)) {
            return Err(invalid("/cards/card_index", "must be 0 to 9, and unique"));
        }
        if card["type"] == "product" {
            text(card, "/action/catalog_id")?;
            text(card, "/action/product_retailer_id")?;
            continue;
        }
        let header = required(card, "/header")?;
        let of = text(header, "/type")?;
        if !matches!(of, "image" | "video") || headers.insert(of) && headers.len() > 1 {
            let why = "must be image on all cards, or video on all cards";
            return Err(invalid("/cards/header/type", why));
        }
        content::media(state, header, of)?;
        short(card, "/body/text", 160, 131_009)?;
        if card["type"] == "cta_url" {
            check_link(required(card, "/action")?)?;
        }
    }
    Ok(())
}
