//! Messages of every kind in their public JSON, as they come: all of them fit.
//!
//! It needs nothing but proptest and `serde_json`, so that other rooms' tests can include it.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

type Any = BoxedStrategy<Value>;

/// A message of any kind.
pub(crate) fn message() -> impl Strategy<Value = Value> {
    let kinds: Vec<Any> = contents().into_iter().map(|(_, content)| content).collect();
    (proptest::strategy::Union::new(kinds), to(), of(id())).prop_map(|(content, to, reply_to)| {
        let is_pin = content["kind"] == "pin";
        let mut message = json!({"to": to, "content": content});
        if is_pin {
            message["to"] = json!({"group": "Y2FwaV9ncm91cDo"});
        }
        if message["content"]["type"] != "reaction"
            && let Some(reply_to) = reply_to
        {
            message["reply_to"] = reply_to;
        }
        message
    })
}

fn to() -> Any {
    prop_oneof![
        "\\+[1-9][0-9]{6,14}".prop_map(|phone| json!({ "phone": phone })),
        "[A-Z]{2}\\.(ENT\\.)?[0-9]{1,120}".prop_map(|id| json!({ "user_id": id })),
        "[A-Za-z0-9]{1,40}".prop_map(|id| json!({ "group": id })),
        "[A-Z]{2}\\.[0-9]{1,20}"
            .prop_map(|id| json!({"contact": {"user_id": id, "username": "kerry"}})),
    ]
    .boxed()
}

/// A text of up to `max` characters, now and then of just as many.
fn text(max: usize) -> Any {
    let characters = select(vec!['a', 'Z', 'é', '7', ' ', '"', '\\', '{', '界', '👍']);
    let count = prop_oneof![9 => 0..max.min(40), 1 => Just(max - 1)];
    let rest = count.prop_flat_map(move |count| vec(characters.clone(), count));
    rest.prop_map(|rest| Value::from(format!("x{}", rest.into_iter().collect::<String>())))
        .boxed()
}

fn id() -> Any {
    "[A-Za-z0-9_-]{1,40}".prop_map(Value::from).boxed()
}

fn url() -> Any {
    "https://[a-z]{1,9}\\.example/[a-z0-9]{0,9}(\\?[a-z]=[0-9])?"
        .prop_map(Value::from)
        .boxed()
}

/// An object of members that are there, and of some that may be.
fn object<const R: usize, const O: usize>(
    required: [(&'static str, Any); R],
    optional: [(&'static str, Any); O],
) -> Any {
    let (names, values): (Vec<_>, Vec<_>) = required.into_iter().unzip();
    let (optional_names, optional_values): (Vec<_>, Vec<_>) = optional
        .into_iter()
        .map(|(name, value)| (name, of(value)))
        .unzip();
    (values, optional_values)
        .prop_map(move |(values, optional_values)| {
            let mut members: Map<String, Value> = names
                .iter()
                .map(|name| (*name).to_owned())
                .zip(values)
                .collect();
            for (name, value) in optional_names.iter().zip(optional_values) {
                members.extend(value.map(|value| ((*name).to_owned(), value)));
            }
            Value::Object(members)
        })
        .boxed()
}

/// Both objects in one, under a type.
fn tagged(kind: &'static str, parts: impl Strategy<Value = Vec<Value>> + 'static) -> Any {
    parts
        .prop_map(move |parts| {
            let mut whole = json!({ "type": kind });
            for part in parts {
                let Value::Object(members) = part else {
                    unreachable!("parts are objects");
                };
                whole.as_object_mut().expect("an object").extend(members);
            }
            whole
        })
        .boxed()
}

fn one(kind: &'static str, members: Any) -> Any {
    tagged(kind, vec![members])
}

fn media() -> Any {
    prop_oneof![object([("id", id())], []), object([("link", url())], [])].boxed()
}

fn header(kinds: &[&'static str]) -> Any {
    let kinds: Vec<Any> = kinds
        .iter()
        .map(|kind| match *kind {
            "text" => one("text", object([("text", text(60))], [])),
            "document" => tagged(
                "document",
                vec![media(), object([], [("filename", text(40))])],
            ),
            kind => one(kind, media()),
        })
        .collect();
    proptest::strategy::Union::new(kinds).boxed()
}

fn any_header() -> Any {
    header(&["text", "image", "video", "document"])
}

/// So many items, each with its number put before its id and its title.
fn numbered(item: Any, count: std::ops::RangeInclusive<usize>) -> Any {
    vec(item, count)
        .prop_map(|items| {
            let number = |(i, mut item): (usize, Value)| {
                for member in ["id", "title"] {
                    if let Some(text) = item.get(member).and_then(Value::as_str) {
                        let text: String = text.chars().skip(1).collect();
                        item[member] = format!("{i}{text}").into();
                    }
                }
                item
            };
            items.into_iter().enumerate().map(number).collect()
        })
        .boxed()
}

fn list_of(item: Any, count: std::ops::RangeInclusive<usize>) -> Any {
    vec(item, count).prop_map(Value::from).boxed()
}

fn button() -> Any {
    object([("id", text(256)), ("title", text(20))], [])
}

fn strings() -> Any {
    object(
        [("name", text(40))],
        [("in_pin_code", "[0-9]{6}".prop_map(Value::from).boxed())],
    )
}

fn contact() -> Any {
    let label = || select(vec!["HOME", "WORK"]).prop_map(Value::from).boxed();
    let name = object(
        [("formatted_name", text(40)), ("first_name", text(40))],
        [("last_name", text(40)), ("prefix", text(9))],
    );
    let phone = object(
        [("phone", text(20))],
        [("contact_phone", id()), ("label", label())],
    );
    let address = object(
        [("street", text(40))],
        [("zip", text(9)), ("label", label())],
    );
    object(
        [("name", name)],
        [
            ("phones", list_of(phone, 1..=2)),
            (
                "emails",
                list_of(object([("email", text(40))], [("label", label())]), 1..=2),
            ),
            ("addresses", list_of(address, 1..=2)),
            (
                "organisation",
                object([], [("company", text(40)), ("title", text(40))]),
            ),
            ("urls", list_of(object([("url", url())], []), 1..=2)),
            ("birthday", Just(json!("1990-12-31")).boxed()),
        ],
    )
}

fn carousel() -> Any {
    let cards = |kind: &'static str, media: &'static str, members: Any| {
        list_of(
            tagged(
                kind,
                vec![
                    object([("header", header(&[media]))], [("body", text(160))]),
                    members,
                ],
            ),
            2..=10,
        )
    };
    let link = || object([("title", text(20)), ("url", url())], []);
    let replies = |count| object([("buttons", numbered(button(), count..=count))], []);
    let product = object(
        [
            ("catalog_id", Just(json!("7")).boxed()),
            ("product_id", id()),
        ],
        [],
    );
    let cards = prop_oneof![
        cards("link", "image", link()),
        cards("link", "video", link()),
        cards("replies", "image", replies(1)),
        cards("replies", "image", replies(3)),
        list_of(one("product", product), 2..=10),
    ];
    one(
        "carousel",
        object([("body", text(1024)), ("cards", cards.boxed())], []),
    )
}

fn flow() -> Any {
    let title = "[A-Za-zé]{1,20}".prop_map(Value::from).boxed();
    let by = prop_oneof![object([("id", id())], []), object([("name", text(40))], [])];
    let action = select(vec!["navigate", "data_exchange"]).prop_map(Value::from);
    let rest = object(
        [("body", text(1024)), ("title", title), ("flow", by.boxed())],
        [
            ("header", any_header()),
            ("footer", text(60)),
            ("token", text(40)),
            ("action", action.boxed()),
            ("draft", any::<bool>().prop_map(Value::from).boxed()),
        ],
    );
    let screen = prop_oneof![
        object([], []),
        object([("screen", text(20))], [("screen_data", strings())]),
    ];
    tagged("flow", vec![rest, screen.boxed()])
}

fn template() -> Any {
    let value = object([("text", "[a-zé]{1,40}".prop_map(Value::from).boxed())], []);
    let name = "[a-z0-9_]{1,40}".prop_map(Value::from).boxed();
    let language = select(vec!["en_US", "de"]).prop_map(Value::from).boxed();
    one(
        "template",
        object(
            [("name", name), ("language", language)],
            [("body", list_of(value, 1..=5))],
        ),
    )
}

fn other() -> Any {
    let order = (text(1024), "[A-Za-z0-9_.-]{1,60}", text(120)).prop_map(|(body, id, description)| {
        json!({"type": "other", "kind": "interactive", "json": {"type": "order_status", "body": {"text": body},
            "action": {"name": "review_order", "parameters": {"reference_id": id,
                "order": {"status": "shipped", "description": description}}}}})
    });
    let pin = (id(), 1..=30).prop_map(|(id, days)| {
        json!({"type": "other", "kind": "pin", "json": {"type": "pin", "message_id": id, "expiration_days": days}})
    });
    prop_oneof![order, pin].boxed()
}

/// Every kind, by its name.
pub(crate) fn contents() -> Vec<(&'static str, Any)> {
    let rest = vec![
        ("carousel", carousel()),
        ("template", template()),
        ("other", other()),
    ];
    [basic(), tappable(), products(), questions(), rest].concat()
}

fn basic() -> Vec<(&'static str, Any)> {
    let is = || any::<bool>().prop_map(Value::from).boxed();
    let caption = || object([], [("caption", text(1024))]);
    let filename = object([], [("filename", text(40))]);
    // To the thousandth: so many digits are read as they were written.
    let degrees = |most: i32| {
        let thousandths = -most * 1000..=most * 1000;
        thousandths
            .prop_map(|degrees| Value::from(f64::from(degrees) / 1000.0))
            .boxed()
    };
    let location = object(
        [("latitude", degrees(90)), ("longitude", degrees(180))],
        [("name", text(40)), ("address", text(40))],
    );
    let emoji = select(vec!["👍", "❤️", "👩‍👩‍👧"]).prop_map(Value::from);
    let reaction = object([("message_id", id())], [("emoji", emoji.boxed())]);
    let contacts = object([("contacts", list_of(contact(), 1..=5))], []);
    let voice = object([], [("voice", is())]);
    let preview = object([("text", text(4096))], [("preview_url", is())]);
    vec![
        ("text", one("text", preview)),
        ("image", tagged("image", vec![media(), caption()])),
        ("video", tagged("video", vec![media(), caption()])),
        ("audio", tagged("audio", vec![media(), voice])),
        (
            "document",
            tagged("document", vec![media(), caption(), filename]),
        ),
        ("sticker", one("sticker", media())),
        ("location", one("location", location)),
        ("contacts", one("contacts", contacts)),
        ("reaction", one("reaction", reaction)),
    ]
}

/// Body and footer.
fn texts(body: usize) -> Any {
    object([("body", text(body))], [("footer", text(60))])
}

fn tappable() -> Vec<(&'static str, Any)> {
    let under = || object([], [("header", any_header())]);
    let buttons = object([("buttons", numbered(button(), 1..=3))], []);
    let link = object([("title", text(20)), ("url", url())], []);
    let heading = object([], [("header", header(&["text"]))]);
    let sections = vec![section(0), section(1)].prop_map(Value::from).boxed();
    let list = object([("button", text(20)), ("sections", sections)], []);
    vec![
        (
            "buttons",
            tagged("buttons", vec![under(), texts(1024), buttons]),
        ),
        ("list", tagged("list", vec![heading, texts(4096), list])),
        (
            "link_button",
            tagged("link_button", vec![under(), texts(1024), link]),
        ),
        ("flow", flow()),
    ]
}

/// A section of a list. Rows of different sections differ by what their ids begin with.
fn section(number: usize) -> Any {
    let row = object(
        [("id", text(190)), ("title", text(24))],
        [("description", text(72))],
    );
    let rows = numbered(row, 1..=5).prop_map(move |mut rows| {
        for row in rows.as_array_mut().into_iter().flatten() {
            row["id"] = format!("{number}-{}", row["id"].as_str().unwrap_or_default()).into();
        }
        rows
    });
    object([("title", text(24)), ("rows", rows.boxed())], [])
}

fn products() -> Vec<(&'static str, Any)> {
    let catalog = || object([("catalog_id", id())], []);
    let product = object(
        [("product_id", id())],
        [("body", text(1024)), ("footer", text(60))],
    );
    let section = object(
        [("title", text(24)), ("products", list_of(id(), 1..=3))],
        [],
    );
    let products = object(
        [("header", text(60)), ("sections", list_of(section, 1..=10))],
        [],
    );
    let thumbnail = object([], [("thumbnail_product_id", id())]);
    vec![
        ("product", tagged("product", vec![product, catalog()])),
        (
            "products",
            tagged("products", vec![products, texts(1024), catalog()]),
        ),
        ("catalog", tagged("catalog", vec![texts(1024), thumbnail])),
    ]
}

fn questions() -> Vec<(&'static str, Any)> {
    let prompt = |kind| (kind, one(kind, texts(1024)));
    let saved = object([("id", id()), ("value", strings())], []);
    let address = object(
        [("country", Just(json!("IN")).boxed())],
        [
            ("values", strings()),
            ("saved_addresses", list_of(saved, 1..=2)),
            ("validation_errors", strings()),
        ],
    );
    let minutes = (1..=43_200).prop_map(Value::from).boxed();
    let call = object(
        [],
        [
            ("title", text(20)),
            ("ttl_minutes", minutes),
            ("payload", text(512)),
        ],
    );
    vec![
        prompt("location_request"),
        (
            "address_request",
            tagged("address_request", vec![texts(1024), address]),
        ),
        prompt("call_permission_request"),
        prompt("contact_request"),
        (
            "call_button",
            tagged("call_button", vec![texts(1024), call]),
        ),
    ]
}
