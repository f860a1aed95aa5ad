//! Templates in messages (Cloud API, template messages).

use std::collections::HashSet;

use serde_json::Value;

use super::content::{self, LATITUDE, LONGITUDE, is_within};
use super::errors::refused;
use super::field::{required, text};
use super::interactive::{CARD_INDEX, PRODUCT, PRODUCT_SECTIONS, check_sections, unique};
use super::rule::Field::{May, Must};
use super::rule::Rule::{Any, List, Object, OneOf, Open, Such, Text};
use super::rule::{Rule, TEXT, invalid};
use crate::api::templates::{Template, TemplateStatus, variables};
use crate::refusal::Refusal;
use crate::state::State;

/// What is sent of a template. 360dialog needs no `namespace`: that it takes one is assumed.
pub(super) const TEMPLATE: Rule = Object(&[
    Must("name", TEXT),
    Must(
        "language",
        Object(&[Must("code", TEXT), May("policy", OneOf(&["deterministic"]))]),
    ),
    May("components", List(0, usize::MAX, &Any)),
    May("namespace", TEXT),
]);

/// The header of a template, where it is none of the media. "Name and address required in practice".
const LOCATION: Rule = Object(&[
    Must("latitude", LATITUDE),
    Must("longitude", LONGITUDE),
    Must("name", TEXT),
    Must("address", TEXT),
]);

/// What the parameters of buttons must be, by their type, beside texts and actions.
const PAYLOAD: Rule = Object(&[Must("type", TEXT), Must("payload", Text(256))]);
const COUPON: Rule = Object(&[Must("type", TEXT), Must("coupon_code", Text(15))]);
const LASTS: Rule = Object(&[Must("type", TEXT), Must("ttl_minutes", MINUTES)]);
const MINUTES: Rule = Such(
    |minutes| is_within(minutes, 1, 43_200),
    "must be 1 to 43200",
);

/// What the actions of buttons must be, by the button's type.
const FLOW: Rule = Object(&[May("flow_token", TEXT), May("flow_action_data", Open(&[]))]);
const CATALOG: Rule = Object(&[May("thumbnail_product_retailer_id", TEXT)]);
const PRODUCTS: Rule = Object(&[
    May("thumbnail_product_retailer_id", TEXT),
    Must("sections", PRODUCT_SECTIONS),
]);
const ORDER: Rule = Open(&[Must("order_details", Open(&[]))]);

const OFFER: Rule = Object(&[Must(
    "expiration_time_ms",
    Such(Value::is_u64, "must be a time in milliseconds"),
)]);

/// Checks a message that is a template. Returns the template, and the code with which the message fails later.
pub(super) fn check<'a>(
    state: &'a State,
    body: &Value,
) -> Result<(&'a Template, Option<u32>), Refusal> {
    let sent = required(body, "/template")?;
    let (name, language) = (text(sent, "/name")?, text(sent, "/language/code")?);
    let template = state.templates.find(name, language);
    let template = template.ok_or_else(|| {
        let details = format!("template name ({name}) does not exist in {language}");
        refused(132_001, details)
    })?;
    check_status(template.status)?;
    // "OTP templates need phone number".
    if template.category.eq_ignore_ascii_case("AUTHENTICATION") && body["to"].is_null() {
        let details = "Authentication templates are sent to phone numbers";
        return Err(refused(131_062, details));
    }
    let is_named = template.parameter_format.eq_ignore_ascii_case("NAMED");
    check_components(&template.components, is_named, components(sent)?)?;
    let mut later = None;
    for header in headers(components(sent)?) {
        for parameter in parameters(Some(header)) {
            if let Some(of @ ("image" | "video" | "document")) = parameter["type"].as_str()
                && let Some((of, media)) = content::kind(of)
            {
                media.check(&parameter[of], of)?;
                later = later.or(content::file(state, of, &parameter[of], of)?);
            }
        }
    }
    Ok((template, later))
}

/// Whether a template may be sent: 132001 is "name/language wrong or not approved" too.
pub(super) fn check_status(status: TemplateStatus) -> Result<(), Refusal> {
    let (code, details) = match status {
        TemplateStatus::Approved => return Ok(()),
        TemplateStatus::Paused => (132_015, "The template is paused because of its low quality"),
        TemplateStatus::Disabled => (132_016, "The template is disabled"),
        _ => (132_001, "The template is not approved"),
    };
    Err(refused(code, details))
}

/// A template's components, or those of a card of its carousel, and what was sent for them.
pub(super) fn check_components(
    created: &[Value],
    is_named: bool,
    sent: &[Value],
) -> Result<(), Refusal> {
    for component in sent {
        let kind = text(component, "/type")?.to_ascii_lowercase();
        match kind.as_str() {
            "header"
            | "body"
            | "button"
            | "carousel"
            | "limited_time_offer"
            | "tap_target_configuration" => {}
            _ => {
                return Err(refused(
                    100,
                    format!("There are no components of type {kind}"),
                ));
            }
        }
    }
    check_header(created, is_named, sent)?;
    check_body(created, is_named, sent)?;
    check_offer(created, sent)?;
    check_buttons(created, sent)?;
    check_cards(created, is_named, sent)
}

fn check_header(created: &[Value], is_named: bool, sent: &[Value]) -> Result<(), Refusal> {
    let given = parameters(first(sent, "header"));
    let header = first(created, "header").unwrap_or(&Value::Null);
    let format = header["format"]
        .as_str()
        .unwrap_or("text")
        .to_ascii_lowercase();
    if format == "text" {
        let text = header["text"].as_str().unwrap_or_default();
        return check_text("header", text, is_named, given, 60);
    }
    let [parameter] = given else {
        return Err(mismatch(format!("header: one {format} is expected")));
    };
    let kind = text(parameter, "/type")?.to_ascii_lowercase();
    let content = &parameter[format.as_str()];
    let is_whole = match format.as_str() {
        "location" => LOCATION.check(content, "location").is_ok(),
        "product" => PRODUCT.check(content, "product").is_ok(),
        _ => content.get("id").is_some() || content.get("link").is_some(),
    };
    if kind != format || !is_whole {
        return Err(mismatch(format!(
            "header: {format} is expected, not {kind}"
        )));
    }
    Ok(())
}

fn check_body(created: &[Value], is_named: bool, sent: &[Value]) -> Result<(), Refusal> {
    let body = first(created, "body").unwrap_or(&Value::Null);
    let text = body["text"].as_str().unwrap_or_default();
    // "1024 if there are other components, 32768 if body is the only one".
    let longest = if created.len() > 1 { 1024 } else { 32_768 };
    let given = parameters(first(sent, "body"));
    check_text("body", text, is_named, given, longest)
}

/// Checks the parameters of a text. The codes: 132000 for another number of them than expected, and for names that are
/// others (assumed), 100 for no name (observed), 132005 for a text that gets too long.
fn check_text(
    part: &str,
    text: &str,
    is_named: bool,
    given: &[Value],
    longest: usize,
) -> Result<(), Refusal> {
    let expected: HashSet<_> = variables(text).into_iter().collect();
    let (has, wants) = (given.len(), expected.len());
    if has != wants {
        return Err(uneven(part, has, wants));
    }
    let mut names = HashSet::new();
    let mut hydrated = text.to_owned();
    for (at, parameter) in given.iter().enumerate() {
        let name = match parameter["parameter_name"].as_str() {
            Some(name) if is_named && !name.is_empty() => name.to_owned(),
            _ if is_named => {
                let details = "Parameter name is missing or empty";
                return Err(refused(100, details));
            }
            _ => (at + 1).to_string(),
        };
        if is_named && !expected.contains(name.as_str()) {
            let details = format!("{part}: the template has no parameter {name}");
            return Err(refused(132_000, details));
        }
        hydrated = hydrated.replace(&format!("{{{{{name}}}}}"), value(parameter)?);
        if !names.insert(name) {
            return Err(uneven(part, names.len(), wants));
        }
    }
    match hydrated.chars().count() {
        length if length > longest => {
            let details = format!("{part}: {length} characters; {longest} is the most");
            Err(refused(132_005, details))
        }
        _ => Ok(()),
    }
}

/// The text that a parameter of a text stands for. Of amounts and dates "Cloud API always prints `fallback_value`".
fn value(parameter: &Value) -> Result<&str, Refusal> {
    let pointer = match text(parameter, "/type")? {
        "text" => "/text",
        "currency" => "/currency/fallback_value",
        "date_time" => "/date_time/fallback_value",
        kind => return Err(mismatch(format!("{kind} is no parameter of a text"))),
    };
    let value = text(parameter, pointer)?;
    if value.contains(['\n', '\r', '\t']) || value.contains("     ") {
        let details =
            "Param text cannot have new-line/tab characters or more than 4 consecutive spaces";
        return Err(refused(132_018, details));
    }
    Ok(value)
}

/// The end of an offer that says that it has one (Cloud API, limited-time offer templates). The codes are assumed.
fn check_offer(created: &[Value], sent: &[Value]) -> Result<(), Refusal> {
    let offer = first(created, "limited_time_offer");
    let ends = offer.is_some_and(|it| it["limited_time_offer"]["has_expiration"] == true);
    match parameters(first(sent, "limited_time_offer")) {
        [parameter] if offer.is_some() => {
            OFFER.check(&parameter["limited_time_offer"], "limited_time_offer")
        }
        [] if !ends => Ok(()),
        given => Err(uneven("limited_time_offer", given.len(), usize::from(ends))),
    }
}

fn check_buttons(created: &[Value], sent: &[Value]) -> Result<(), Refusal> {
    let buttons = first(created, "buttons").and_then(|component| component["buttons"].as_array());
    let buttons = buttons.map_or(&[][..], Vec::as_slice);
    let mut given = HashSet::new();
    for component in all(sent, "button") {
        let at = index(required(component, "/index")?);
        let button = at.and_then(|at| buttons.get(at));
        // Which code an index without a button has is assumed.
        let button =
            button.ok_or_else(|| invalid("button.index", "names no button of the template"))?;
        check_button(button, component)?;
        given.extend(at);
    }
    for (at, button) in buttons.iter().enumerate() {
        if needs_parameter(button) && !given.contains(&at) {
            let details = format!("Button at index {at} requires a parameter");
            return Err(refused(131_008, details));
        }
    }
    Ok(())
}

fn check_button(button: &Value, sent: &Value) -> Result<(), Refusal> {
    let kind = upper(&button["type"]);
    let (expected, types): (_, &[_]) = match kind.as_str() {
        "URL" => ("url", &["text"]),
        "QUICK_REPLY" => ("quick_reply", &["payload"]),
        "COPY_CODE" => ("copy_code", &["coupon_code"]),
        "FLOW" => ("flow", &["action"]),
        "CATALOG" => ("catalog", &["action"]),
        "MPM" => ("mpm", &["action"]),
        "ORDER_DETAILS" => ("order_details", &["action"]),
        "VOICE_CALL" => ("voice_call", &["ttl_minutes", "payload"]),
        _ => {
            return Err(mismatch(format!(
                "There is nothing to send for buttons of type {kind}"
            )));
        }
    };
    let named = text(sent, "/sub_type")?;
    if !named.eq_ignore_ascii_case(expected) {
        let details = format!("The button's sub_type is {expected}, not {named}");
        return Err(mismatch(details));
    }
    let given = parameters(Some(sent));
    let is_static = kind == "URL" && !needs_parameter(button);
    let wants = if is_static { 0 } else { types.len() };
    if given.len() > wants || needs_parameter(button) && given.is_empty() {
        return Err(uneven("button", given.len(), wants));
    }
    for parameter in given {
        let of = text(parameter, "/type")?;
        if !types.contains(&of) {
            return Err(mismatch(format!("A button of type {kind} takes no {of}")));
        }
        match of {
            "text" => value(parameter).map(drop)?,
            "payload" => PAYLOAD.check(parameter, "parameters")?,
            "coupon_code" => COUPON.check(parameter, "parameters")?,
            "ttl_minutes" => LASTS.check(parameter, "parameters")?,
            _ => check_action(&kind, required(parameter, "/action")?)?,
        }
    }
    Ok(())
}

fn check_action(kind: &str, action: &Value) -> Result<(), Refusal> {
    let rule = match kind {
        "FLOW" => FLOW,
        "CATALOG" => CATALOG,
        "MPM" => PRODUCTS,
        _ => ORDER,
    };
    rule.check(action, "action")?;
    check_sections(&action["sections"], "product_items", 30)
}

/// Whether something must be sent for a button: for a URL "only the suffix, required if URL has a variable". Assumed: the same
/// for a code to copy, for products and for an order, and error 131008 where it is missing. The button of an authentication
/// template is kept as a URL.
fn needs_parameter(button: &Value) -> bool {
    match upper(&button["type"]).as_str() {
        "URL" => button["url"]
            .as_str()
            .is_some_and(|url| !variables(url).is_empty()),
        "COPY_CODE" | "MPM" | "ORDER_DETAILS" => true,
        _ => false,
    }
}

/// "Send exactly the number of cards created"; of a carousel of products two are created, and up to 10 sent (Cloud API,
/// carousel templates).
fn check_cards(created: &[Value], is_named: bool, sent: &[Value]) -> Result<(), Refusal> {
    let cards = |components| {
        let cards = first(components, "carousel").and_then(|carousel| carousel["cards"].as_array());
        cards.map_or(&[][..], Vec::as_slice)
    };
    let (created, sent) = (cards(created), cards(sent));
    let of_card = |card: &Value| upper(&card["components"][0]["format"]);
    let of_products = created
        .first()
        .is_some_and(|card| of_card(card) == "PRODUCT");
    let (has, wants) = (sent.len(), created.len());
    if has != wants && !(of_products && (wants..=10).contains(&has)) {
        return Err(uneven("carousel", has, wants));
    }
    unique(
        sent.iter().map(|card| &card["card_index"]),
        "cards' indices",
    )?;
    for (at, card) in sent.iter().enumerate() {
        CARD_INDEX.check(&card["card_index"], "carousel.cards.card_index")?;
        // Cards beyond those created are like the last one.
        if let Some(like) = created.get(at).or(created.last()) {
            check_components(components(like)?, is_named, components(card)?)?;
        }
    }
    Ok(())
}

/// The components of what was sent, or created; none where they are absent.
fn components(of: &Value) -> Result<&[Value], Refusal> {
    match &of["components"] {
        Value::Null => Ok(&[]),
        Value::Array(components) => Ok(components),
        _ => Err(invalid("template.components", "must be a list")),
    }
}

/// The headers that were sent, those of cards with them.
fn headers(sent: &[Value]) -> Vec<&Value> {
    let cards = all(sent, "carousel")
        .flat_map(|carousel| carousel["cards"].as_array().into_iter().flatten());
    let of_cards = cards.flat_map(|card| card["components"].as_array().into_iter().flatten());
    let is_header = |component: &&Value| upper(&component["type"]) == "HEADER";
    sent.iter().chain(of_cards).filter(is_header).collect()
}

fn all<'a>(components: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let is = move |it: &&Value| {
        it["type"]
            .as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case(kind))
    };
    components.iter().filter(is)
}

fn first<'a>(components: &'a [Value], kind: &'a str) -> Option<&'a Value> {
    all(components, kind).next()
}

fn parameters(component: Option<&Value>) -> &[Value] {
    let parameters = component.and_then(|component| component["parameters"].as_array());
    parameters.map_or(&[][..], Vec::as_slice)
}

/// "Int or numeric string".
fn index(value: &Value) -> Option<usize> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    usize::try_from(number?).ok()
}

fn upper(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_ascii_uppercase()
}

fn mismatch(details: String) -> Refusal {
    refused(132_012, details)
}

fn uneven(part: &str, has: usize, wants: usize) -> Refusal {
    let details = format!(
        "{part}: number of params ({has}) does not match the expected number of params ({wants})"
    );
    refused(132_000, details)
}
