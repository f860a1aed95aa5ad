//! Whoever fills in the whole form sends the template, and whoever leaves a part out does not.

use channel_360dialog::template::{parameters, render};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::pairs::{components, definition, template, word};

type Any = BoxedStrategy<Value>;

/// A text of words and variables, some of them more than once.
fn text(named: bool) -> Any {
    let variables: &[&str] = if named {
        &["{{name}}", "{{order_id}}", "{{x}}"]
    } else {
        &["{{1}}", "{{2}}", "{{3}}"]
    };
    let words = ["Hi", "to you.", "Привет", "界！", "and\n", "{", "}}"];
    let pieces = select([variables, &words].concat());
    vec(pieces, 1..12)
        .prop_map(move |pieces| {
            let text = pieces.join(" ");
            json!({ "text": { "text": text } })
        })
        .boxed()
}

fn header(kinds: &'static [&'static str], named: bool) -> Any {
    select(kinds)
        .prop_map(move |kind| match (kind, named) {
            ("text", true) => json!({"type": "text", "text": "Hi {{who}}!"}),
            ("text", false) => json!({"type": "text", "text": "Hi {{1}}!"}),
            _ => json!({ "type": kind }),
        })
        .boxed()
}

fn button() -> Any {
    select(vec![
        json!({"type": "quick_reply", "text": "Yes"}),
        json!({"type": "url", "text": "Open", "url": "https://e.com/{{1}}"}),
        json!({"type": "url", "text": "Home", "url": "https://e.com"}),
        json!({"type": "phone_number", "text": "Call", "phone_number": "1"}),
        json!({"type": "copy_code"}),
        json!({"type": "flow", "text": "Go"}),
        json!({"type": "call", "text": "Call"}),
        json!({"type": "catalog"}),
        json!({"type": "products"}),
        json!({"type": "product"}),
        json!({"type": "one_time_code", "kind": "copy_code"}),
        json!({"type": "order_details"}),
        json!({"type": "contact_request"}),
        json!({"type": "app", "text": "Open", "link": {}}),
    ])
    .boxed()
}

fn cards(named: bool) -> Any {
    let card = |kind: &'static [&'static str]| {
        (header(kind, named), text(named), vec(button(), 0..3)).prop_map(
            |(header, body, buttons)| json!({"header": header, "body": body, "buttons": buttons}),
        )
    };
    prop_oneof![
        3 => Just(json!([])),
        1 => vec(card(&["image"]), 2..4).prop_map(Value::from),
        1 => vec(card(&["product"]), 2).prop_map(Value::from),
    ]
    .boxed()
}

/// An approved template of any shape.
fn approved() -> impl Strategy<Value = Value> {
    const HEADERS: &[&str] = &[
        "text", "image", "video", "gif", "document", "location", "product",
    ];
    (any::<bool>(), any::<bool>())
        .prop_flat_map(|(named, offer)| {
            (
                Just((named, offer)),
                proptest::option::of(header(HEADERS, named)),
                prop_oneof![9 => text(named), 1 => Just(json!({"security_recommendation": true}))],
                vec(button(), 0..5),
                cards(named),
                select(vec!["marketing", "authentication", "SHIPPING_UPDATE"]),
            )
        })
        .prop_map(
            |((named, offer), header, body, buttons, cards, category)| {
                let format = if named { "named" } else { "positional" };
                let mut content = json!({"parameter_format": format, "body": body, "buttons": buttons, "carousel": cards});
                if let Some(header) = header {
                    content["header"] = header;
                }
                if offer {
                    content["offer"] = json!({"text": "Soon", "has_expiration": true});
                }
                json!({"name": "n", "language": "en", "category": category, "status": "approved", "content": content})
            },
        )
}

/// The value for a parameter of this kind, as it stands in the message.
fn value(kind: &str, pointer: &str) -> Value {
    match kind {
        "text" if pointer.ends_with("/header") => json!({"type": "text", "text": "{{2}}"}),
        "text" => json!({"text": "{{1}}"}),
        "image" | "video" | "gif" | "document" => json!({"type": kind, "id": "1"}),
        "location" => {
            json!({"type": kind, "latitude": 1.0, "longitude": 2.0, "name": "n", "address": "a"})
        }
        "product" => json!({"type": kind, "catalog_id": "c", "product_id": "p"}),
        "timestamp" => json!("2027-01-01T00:00:00Z"),
        // As the body's, as it must be where that is a sign-in code.
        "url_suffix" => json!({"url_suffix": "{{1}}"}),
        "code" | "payload" | "catalog" => json!({ kind: "a" }),
        "flow" => json!({"flow": {"token": "t"}}),
        "call" => json!({"call": {"ttl_minutes": 1}}),
        "order_details" => json!({"order_details": {"reference_id": "o"}}),
        "products" => {
            json!({"products": {"thumbnail_product_id": "p", "sections": [{"products": ["p"]}]}})
        }
        other => panic!("{other} is no kind"),
    }
}

/// The indexes of the buttons that take something, where `at` has them.
fn takers(definition: &Value, at: &str) -> Vec<usize> {
    let at = at.replace("/cards/", "/carousel/");
    let buttons = definition.pointer(&format!("/content{at}/buttons"));
    let buttons = buttons.and_then(Value::as_array);
    let takes = |button: &Value| match button["type"].as_str() {
        Some("url") => button["url"] != "https://e.com",
        Some(kind) => !["phone_number", "product", "contact_request", "app"].contains(&kind),
        None => false,
    };
    let buttons = buttons.into_iter().flatten().enumerate();
    buttons
        .filter(|(_, button)| takes(button))
        .map(|(i, _)| i)
        .collect()
}

/// Puts a value where a pointer says, into lists at their end.
fn put(whole: &mut Value, pointer: &str, value: Value) {
    let mut at = whole;
    for token in pointer.split('/').skip(1) {
        at = match token.parse::<usize>() {
            Ok(place) => {
                if at.is_null() {
                    *at = json!([]);
                }
                let list = at.as_array_mut().expect("a list");
                if list.len() <= place {
                    list.push(Value::Null);
                }
                list.last_mut().expect("it is not empty")
            }
            Err(_) => &mut at[token],
        };
    }
    *at = value;
}

/// The form, filled in but for one place.
fn filled(definition: &Value, left_out: Option<usize>) -> Value {
    let mut message = json!({"name": "n", "language": "en"});
    let specs = parameters(&crate::pairs::definition(definition));
    for (i, spec) in specs.iter().enumerate() {
        if left_out == Some(i) {
            continue;
        }
        let mut value = value(word(&spec.kind), &spec.pointer);
        if let Some(name) = &spec.name {
            value["name"] = name.as_str().into();
        }
        if let Some((at, place)) = spec.pointer.rsplit_once("/buttons/") {
            let place: usize = place.parse().expect("a place");
            value["index"] = takers(definition, at)[place].into();
        }
        put(&mut message, &spec.pointer, value);
    }
    message
}

proptest! {
    #[test]
    fn a_form_that_is_filled_in_is_sent(given in approved()) {
        let definition = definition(&given);
        let message = filled(&given, None);
        let sent = components(Some(&definition), &message, None);
        prop_assert!(sent.is_ok(), "{:?}: {} for {}", sent, message, given);
        let rendered = render(&definition, &template(&message));
        prop_assert_eq!(rendered.missing, Vec::<String>::new(), "{} for {}", message, given);
    }

    #[test]
    fn what_is_required_can_t_be_left_out_and_the_rest_can(given in approved()) {
        let definition = definition(&given);
        for (i, spec) in parameters(&definition).into_iter().enumerate() {
            let message = filled(&given, Some(i));
            let sent = components(Some(&definition), &message, None);
            prop_assert_eq!(sent.is_err(), spec.required, "{:?} without {:?}: {} for {}", sent, spec, message, given);
        }
    }
}
