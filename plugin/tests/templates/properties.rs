//! Nothing that can be written keeps the lint from its end, and what fits is not refused.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::lint::{fixtures, found};

/// Texts of all that the rules look at.
fn text() -> impl Strategy<Value = String> {
    const PARTS: [&str; 29] = [
        "{", "}", "{{", "}}", "{{1}}", "{{2}}", "{{a_b}}", "1", "a", " ", "\n", "\r", "*", "_",
        "é", "界", "👍", "\u{FE0F}", "\u{200D}", "https://", "bit.ly", "wa.me", "/", "#", ".", ":",
        "'", "\"", "\\",
    ];
    vec(select(&PARTS[..]), 0..12).prop_map(|parts| parts.concat())
}

/// Another text in the place of some of those in a draft; what only some words can stand for is left.
fn replace(value: &mut Value, texts: &mut impl Iterator<Item = Option<String>>) {
    match value {
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| !["type", "parameter_format"].contains(&name.as_str()))
            .for_each(|(_, value)| replace(value, texts)),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, texts)),
        Value::String(text) => {
            if let Some(Some(other)) = texts.next() {
                *text = other;
            }
        }
        _ => {}
    }
}

fn words(count: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec("[a-zé界]{1,9}", count).prop_map(|words| words.join(" "))
}

/// A text with variables, enough words around each, and an example of each.
fn body(named: bool, variables: std::ops::Range<usize>) -> impl Strategy<Value = Value> {
    (words(1..4), vec(words(3..6), variables)).prop_map(move |(first, rest)| {
        let name = |i: usize| {
            if named {
                format!("name_{i}")
            } else {
                (i + 1).to_string()
            }
        };
        let mut text = first;
        let mut examples = Vec::new();
        for (i, words) in rest.iter().enumerate() {
            text = format!("{text} {{{{{}}}}} {words}", name(i));
            examples.push(if named {
                json!({"name": name(i), "value": "x"})
            } else {
                json!({"value": "x"})
            });
        }
        json!({"text": text, "examples": examples})
    })
}

fn header(named: bool) -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"type": "text", "text": "Hello"})),
        Just(if named {
            json!({"type": "text", "text": "{{name_0}}", "examples": [{"name": "name_0", "value": "x"}]})
        } else {
            json!({"type": "text", "text": "Hello {{1}}", "examples": [{"value": "x"}]})
        }),
        select(vec!["image", "video", "document"])
            .prop_map(|kind| json!({"type": kind, "example": "4::aW"})),
        Just(json!({"type": "location"})),
    ]
}

/// Some of the buttons that can stand side by side, the quick replies first.
fn buttons() -> impl Strategy<Value = Vec<Value>> {
    let all = vec![
        json!({"type": "quick_reply", "text": "Yes"}),
        json!({"type": "quick_reply", "text": "No"}),
        json!({"type": "url", "text": "Track", "url": "https://e.com/{{1}}", "example": "x"}),
        json!({"type": "url", "text": "Look", "url": "http://e.com/a?b=c"}),
        json!({"type": "phone_number", "text": "Call", "phone_number": "+491701234567"}),
        json!({"type": "copy_code", "example": "25OFF"}),
        json!({"type": "flow", "text": "Book", "flow": {"name": "booking"}}),
        json!({"type": "call", "text": "Ring us", "ttl_minutes": 60}),
    ];
    subsequence(all, 0..=8)
}

/// A draft that fits.
fn draft() -> impl Strategy<Value = Value> {
    let plain = any::<bool>().prop_flat_map(|named| {
        let category = select(vec![("utility", 30), ("marketing", 43_200)]);
        let content = (of(header(named)), body(named, 0..4), of(words(1..4)), buttons());
        (category, of(0..=1000), content).prop_map(move |((category, least), ttl, content)| {
            let (header, body, footer, buttons) = content;
            json!({
                "name": "n", "language": "pt_BR", "category": category, "ttl_seconds": ttl.map(|more| least + more),
                "content": {
                    "parameter_format": if named { "named" } else { "positional" },
                    "header": header, "body": {"text": body}, "footer": footer.map(|text| json!({"text": text})), "buttons": buttons,
                },
            })
        })
    });
    // All cards have the same kinds of buttons.
    let card = |count: usize| {
        body(false, 0..2).prop_map(move |body| {
        let buttons = [
            json!({"type": "quick_reply", "text": "More"}),
            json!({"type": "phone_number", "text": "Call", "phone_number": "1"}),
        ];
        json!({
            "header": {"type": "image", "example": "4::aW"}, "body": {"text": body}, "buttons": buttons[..count],
        })
    })
    };
    let cards = (1..3_usize).prop_flat_map(move |count| vec(card(count), 2..=10));
    let cards = (body(false, 0..4), cards).prop_map(|(body, cards)| {
        json!({
            "name": "n", "language": "de", "category": "marketing",
            "content": {"body": {"text": body}, "carousel": cards},
        })
    });
    let code = (1..=90, 1..=5_usize).prop_map(|(minutes, apps)| {
        let app = |i| json!({"package_name": format!("a.b{i}"), "signature_hash": "K8a/AINcGX7"});
        let apps: Vec<_> = (0..apps).map(app).collect();
        json!({
            "name": "n", "language": "en", "category": "authentication",
            "content": {
                "body": {"security_recommendation": true}, "footer": {"code_expiration_minutes": minutes},
                "buttons": [{"type": "one_time_code", "kind": "one_tap", "apps": apps}],
            },
        })
    });
    prop_oneof![4 => plain, 1 => cards, 1 => code]
}

proptest! {
    #[test]
    fn any_text_is_read_to_its_end(
        name in select(fixtures().drafts.keys().cloned().collect::<Vec<_>>()),
        texts in vec(of(text()), 30),
    ) {
        let mut draft = fixtures().drafts[&name].clone();
        replace(&mut draft, &mut texts.into_iter());
        found(&draft);
    }

    #[test]
    fn a_draft_that_fits_is_not_refused(draft in draft()) {
        let refused: Vec<_> = found(&draft)
            .into_iter()
            .filter(|found| !found.starts_with("advice "))
            .collect();
        prop_assert!(refused.is_empty(), "{:?}: {}", refused, draft);
    }
}
