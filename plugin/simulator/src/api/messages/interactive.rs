//! Interactive messages (Cloud API, interactive messages).

use std::collections::HashSet;

use serde_json::Value;

use super::content::{self, either, is_within};
use super::field::text;
use super::rule::Field::{May, Must};
use super::rule::Rule::{All, Any, List, Object, OneOf, Open, Such, Text};
use super::rule::{Field, Rule, TEXT, WEB, invalid, missing, object};
use crate::api::templates::is_emoji;
use crate::refusal::Refusal;
use crate::state::State;

/// A type of interactive message.
struct Kind {
    name: &'static str,
    /// The types that its header may have.
    headers: &'static [&'static str],
    body: Field,
    action: Rule,
}

const fn kind(
    name: &'static str,
    headers: &'static [&'static str],
    body: Field,
    action: Rule,
) -> Kind {
    Kind {
        name,
        headers,
        body,
        action,
    }
}

const NONE: &[&str] = &[];
const WORDS: &[&str] = &["text"];
const ANY: &[&str] = &["text", "image", "video", "document"];

/// A body has up to 1024 characters where the documentation does not say another number: assumed.
const BODY: Field = Must("body", Object(&[Must("text", Text(1024))]));
const PERHAPS: Field = May("body", Object(&[Must("text", Text(1024))]));
const LONG_BODY: Field = Must("body", Object(&[Must("text", Text(4096))]));
const FOOTER: Field = May("footer", Object(&[Must("text", Text(60))]));

const KINDS: [Kind; 15] = [
    kind("button", ANY, BODY, BUTTONS),
    kind("list", WORDS, LONG_BODY, ROWS),
    kind("cta_url", ANY, BODY, LINK),
    kind("flow", ANY, BODY, FLOW),
    kind("product", NONE, PERHAPS, PRODUCT),
    kind("product_list", WORDS, BODY, PRODUCTS),
    kind("catalog_message", NONE, BODY, CATALOG),
    kind(
        "location_request_message",
        NONE,
        BODY,
        Object(&[Must("name", OneOf(&["send_location"]))]),
    ),
    kind("address_message", ANY, BODY, ADDRESS),
    kind(
        "call_permission_request",
        NONE,
        PERHAPS,
        Object(&[Must("name", OneOf(&["call_permission_request"]))]),
    ),
    kind("voice_call", NONE, BODY, CALL),
    kind(
        "request_contact_info",
        NONE,
        BODY,
        Object(&[Must("name", OneOf(&["request_contact_info"]))]),
    ),
    kind("carousel", NONE, BODY, CARDS),
    kind("order_details", &["image"], BODY, ORDER_DETAILS),
    kind("order_status", ANY, BODY, ORDER_STATUS),
];

const BUTTONS: Rule = Object(&[Must(
    "buttons",
    List(
        1,
        3,
        &Object(&[
            Must("type", OneOf(&["reply"])),
            Must(
                "reply",
                Object(&[
                    Must("id", All(&[Text(256), BUTTON_ID])),
                    Must("title", Text(20)),
                ]),
            ),
        ]),
    ),
)]);

/// "No emoji-only or leading-space ids".
const BUTTON_ID: Rule = Such(
    |id| {
        id.as_str().is_some_and(|id| {
            !id.starts_with(char::is_whitespace) && id.chars().any(|it| !is_emoji(it))
        })
    },
    "must neither begin with a space nor be of emojis alone",
);

const ROWS: Rule = Object(&[
    Must("button", Text(20)),
    Must(
        "sections",
        List(
            1,
            10,
            &Object(&[
                May("title", Text(24)),
                Must(
                    "rows",
                    List(
                        1,
                        10,
                        &Object(&[
                            Must("id", Text(200)),
                            Must("title", Text(24)),
                            May("description", Text(72)),
                        ]),
                    ),
                ),
            ]),
        ),
    ),
]);

const LINK: Rule = Object(&[
    Must("name", OneOf(&["cta_url"])),
    Must(
        "parameters",
        Object(&[Must("display_text", Text(20)), Must("url", WEB)]),
    ),
]);

const FLOW: Rule = Object(&[
    Must("name", OneOf(&["flow"])),
    Must(
        "parameters",
        Object(&[
            Must("flow_message_version", OneOf(&["3"])),
            May("flow_id", TEXT),
            May("flow_name", TEXT),
            // An older page allows 30.
            Must("flow_cta", All(&[Text(20), NO_EMOJI])),
            May("flow_token", TEXT),
            May("flow_action", OneOf(&["navigate", "data_exchange"])),
            May(
                "flow_action_payload",
                Object(&[Must("screen", TEXT), May("data", FILLED)]),
            ),
            May("mode", OneOf(&["draft", "published"])),
        ]),
    ),
]);

const NO_EMOJI: Rule = Such(
    |text| {
        text.as_str()
            .is_some_and(|text| !text.chars().any(is_emoji))
    },
    "must have no emoji",
);

const FILLED: Rule = Such(
    |data| data.as_object().is_some_and(|data| !data.is_empty()),
    "must be an object that is not empty",
);

pub(super) const PRODUCT: Rule =
    Object(&[Must("catalog_id", TEXT), Must("product_retailer_id", TEXT)]);

/// Sections with products, as templates have them too (Cloud API, multi-product messages and templates).
pub(super) const PRODUCT_SECTIONS: Rule = List(
    1,
    10,
    &Object(&[
        May("title", Text(24)),
        Must(
            "product_items",
            List(1, 30, &Object(&[Must("product_retailer_id", TEXT)])),
        ),
    ]),
);

const PRODUCTS: Rule = Object(&[Must("catalog_id", TEXT), Must("sections", PRODUCT_SECTIONS)]);

const CATALOG: Rule = Object(&[
    Must("name", OneOf(&["catalog_message"])),
    May(
        "parameters",
        Object(&[May("thumbnail_product_retailer_id", TEXT)]),
    ),
]);

/// "India only".
const ADDRESS: Rule = Object(&[
    Must("name", OneOf(&["address_message"])),
    Must(
        "parameters",
        Object(&[
            Must("country", OneOf(&["IN"])),
            May("values", Open(&[May("in_pin_code", Text(6))])),
            May(
                "saved_addresses",
                List(
                    1,
                    usize::MAX,
                    &Object(&[Must("id", TEXT), Must("value", Open(&[]))]),
                ),
            ),
            May("validation_errors", Open(&[])),
        ]),
    ),
]);

const CALL: Rule = Object(&[
    Must("name", OneOf(&["voice_call"])),
    May(
        "parameters",
        Object(&[
            May("display_text", Text(20)),
            May(
                "ttl_minutes",
                Such(
                    |minutes| is_within(minutes, 1, 43_200),
                    "must be 1 to 43200",
                ),
            ),
            May("payload", Text(512)),
        ]),
    ),
]);

const CARDS: Rule = Object(&[Must("cards", List(2, 10, &Any))]);

pub(super) const CARD_INDEX: Rule = Such(|index| is_within(index, 0, 9), "must be 0 to 9");

const MEDIA_CARD: [Field; 5] = [
    Must("card_index", CARD_INDEX),
    Must("type", TEXT),
    Must("header", Open(&[Must("type", OneOf(&["image", "video"]))])),
    May(
        "body",
        Object(&[Must("text", All(&[Text(160), TWO_BREAKS]))]),
    ),
    Must("action", Any),
];

/// What a media card has in place of a link: "one or more quick-reply buttons". How many at most Meta does not say; that it is
/// as many as below a message is assumed.
const QUICK_REPLIES: Rule = Object(&[Must(
    "buttons",
    List(
        1,
        3,
        &Object(&[
            Must("type", OneOf(&["quick_reply"])),
            Must(
                "quick_reply",
                Object(&[Must("id", Text(256)), Must("title", Text(20))]),
            ),
        ]),
    ),
)]);

const TWO_BREAKS: Rule = Such(
    |text| {
        text.as_str()
            .is_some_and(|text| text.matches('\n').count() <= 2)
    },
    "must have 2 line breaks at most",
);

const PRODUCT_CARD: [Field; 3] = [
    Must("card_index", CARD_INDEX),
    Must("type", TEXT),
    Must("action", PRODUCT),
];

/// Of payments no more than their shape is looked at: sums and what a country has of its own are not.
const ORDER_DETAILS: Rule = Object(&[
    Must("name", OneOf(&["review_and_pay"])),
    Must(
        "parameters",
        Open(&[
            Must("reference_id", REFERENCE),
            Must("type", OneOf(&["digital-goods", "physical-goods"])),
            Must("currency", TEXT),
            Must("total_amount", AMOUNT),
            Must(
                "order",
                Open(&[
                    Must("status", OneOf(&["pending"])),
                    Must(
                        "items",
                        List(
                            1,
                            usize::MAX,
                            &Open(&[Must("name", Text(60)), Must("amount", AMOUNT)]),
                        ),
                    ),
                    Must("subtotal", AMOUNT),
                ]),
            ),
        ]),
    ),
]);

const ORDER_STATUS: Rule = Object(&[
    Must("name", OneOf(&["review_order"])),
    Must(
        "parameters",
        Open(&[
            Must("reference_id", REFERENCE),
            Must(
                "order",
                Open(&[
                    Must(
                        "status",
                        OneOf(&[
                            "pending",
                            "processing",
                            "partially-shipped",
                            "shipped",
                            "completed",
                            "canceled",
                        ]),
                    ),
                    May("description", Text(120)),
                ]),
            ),
        ]),
    ),
]);

const AMOUNT: Rule = Open(&[Must("value", WHOLE), Must("offset", WHOLE)]);
const WHOLE: Rule = Such(Value::is_u64, "must be a whole number");

const REFERENCE: Rule = All(&[
    Text(60),
    Such(
        |id| {
            let is_allowed = |it: char| it.is_ascii_alphanumeric() || "_.-".contains(it);
            id.as_str().is_some_and(|id| id.chars().all(is_allowed))
        },
        "must be of letters, digits, _, . and -",
    ),
]);

/// Checks an interactive message. Returns the code with which it fails later.
pub(super) fn check(state: &State, interactive: &Value) -> Result<Option<u32>, Refusal> {
    const AT: &str = "interactive";
    let name = text(interactive, "/type")?;
    let kind = KINDS.iter().find(|kind| kind.name == name);
    let kind = kind.ok_or_else(|| invalid("interactive.type", "is unknown"))?;
    let mut members = vec![Must("type", TEXT), kind.body, Must("action", kind.action)];
    if !kind.headers.is_empty() {
        members.push(May("header", Any));
    }
    if name != "carousel" {
        members.push(FOOTER);
    }
    object(&members, interactive, AT)?;
    let header = &interactive["header"];
    let later = match header {
        Value::Null if name == "product_list" => return Err(missing("interactive.header")),
        Value::Null => None,
        _ => check_header(state, kind.headers, header, "interactive.header")?,
    };
    let action = &interactive["action"];
    match name {
        "button" => {
            let replies = items(&action["buttons"]).iter().map(|it| &it["reply"]);
            unique(replies.clone().map(|reply| &reply["id"]), "buttons' ids")?;
            unique(replies.map(|reply| &reply["title"]), "buttons' titles")?;
        }
        "list" => check_sections(&action["sections"], "rows", 10)?,
        "product_list" => check_sections(&action["sections"], "product_items", 30)?,
        "flow" => {
            let at = "interactive.action.parameters";
            either(&action["parameters"], "flow_id", "flow_name", at)?;
        }
        "carousel" => return check_cards(state, items(&action["cards"])),
        _ => {}
    }
    Ok(later)
}

/// Checks a header of one of these types. Returns the code with which it fails later.
fn check_header(
    state: &State,
    types: &'static [&'static str],
    header: &Value,
    at: &str,
) -> Result<Option<u32>, Refusal> {
    let of = text(header, "/type")?;
    OneOf(types).check(&header["type"], &format!("{at}.type"))?;
    if of == "text" {
        let members = [Must("type", TEXT), Must("text", Text(60))];
        return object(&members, header, at).map(|()| None);
    }
    let Some((of, media)) = content::kind(of) else {
        return Ok(None);
    };
    object(&[Must("type", TEXT), Must(of, media)], header, at)?;
    content::file(state, of, &header[of], &format!("{at}.{of}"))
}

/// Sections need titles where there are several, and have so many elements in all.
pub(super) fn check_sections(sections: &Value, of: &str, most: usize) -> Result<(), Refusal> {
    let sections = items(sections);
    let is_titled = |section: &Value| section["title"].as_str().is_some_and(|it| !it.is_empty());
    if sections.len() > 1 && !sections.iter().all(is_titled) {
        return Err(missing("sections.title"));
    }
    let count: usize = sections
        .iter()
        .map(|section| items(&section[of]).len())
        .sum();
    if count > most {
        let why = format!("must be {most} at most in all sections");
        return Err(invalid(&format!("sections.{of}"), &why));
    }
    Ok(())
}

/// Checks the cards of a carousel: all with pictures, all with films, or all with products of one catalog. Returns the code
/// with which it fails later.
fn check_cards(state: &State, cards: &[Value]) -> Result<Option<u32>, Refusal> {
    let (mut later, mut alike) = (None, HashSet::new());
    for (nth, card) in cards.iter().enumerate() {
        let at = format!("interactive.action.cards[{nth}]");
        match text(card, "/type")? {
            "cta_url" => {
                object(&MEDIA_CARD, card, &at)?;
                let replies = &card["action"]["buttons"];
                let action = if replies.is_null() {
                    LINK
                } else {
                    QUICK_REPLIES
                };
                action.check(&card["action"], &format!("{at}.action"))?;
                let at = format!("{at}.header");
                let fails = check_header(state, &["image", "video"], &card["header"], &at)?;
                later = later.or(fails);
                alike.insert((card["header"]["type"].as_str(), items(replies).len()));
            }
            "product" => {
                object(&PRODUCT_CARD, card, &at)?;
                alike.insert((card["action"]["catalog_id"].as_str(), 0));
            }
            _ => return Err(invalid(&format!("{at}.type"), "must be cta_url or product")),
        }
    }
    let types: HashSet<_> = cards.iter().map(|card| card["type"].as_str()).collect();
    if alike.len() > 1 || types.len() > 1 {
        let why =
            "must all have images, all videos, or all products of one catalog, and as many buttons";
        return Err(invalid("interactive.action.cards", why));
    }
    unique(
        cards.iter().map(|card| &card["card_index"]),
        "cards' indices",
    )?;
    Ok(later)
}

pub(super) fn unique<'a>(
    values: impl Iterator<Item = &'a Value>,
    what: &str,
) -> Result<(), Refusal> {
    let mut seen = Vec::new();
    for value in values {
        if seen.contains(&value) {
            return Err(invalid(&format!("The {what}"), "must differ"));
        }
        seen.push(value);
    }
    Ok(())
}

pub(super) fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
