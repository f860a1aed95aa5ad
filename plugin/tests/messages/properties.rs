//! Whatever fits is sent whole; whatever breaks one limit is refused for it.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::generate;
use crate::limits;

/// The strings and numbers in a value, those of `skipped` members apart.
fn leaves(value: &Value, skipped: &[&str], found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !skipped.contains(&name.as_str()))
            .for_each(|(_, value)| leaves(value, skipped, found)),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, skipped, found)),
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Bool(_) | Value::Null => {}
    }
}

/// What holds of every body, whoever has built it. (Cloud API, messages.)
fn check_body(message: &Value, body: &Value) -> Result<(), TestCaseError> {
    let members = body.as_object().expect("an object");
    let kind = body["type"].as_str().expect("a type");
    prop_assert_eq!(&body["messaging_product"], "whatsapp");
    prop_assert!(body.get("to").is_some() != body.get("recipient").is_some());
    prop_assert_eq!(
        body["recipient_type"] == "group",
        message["to"].get("group").is_some()
    );
    prop_assert_eq!(
        body["context"].get("message_id"),
        message.get("reply_to"),
        "{}",
        body
    );
    let envelope = [
        "messaging_product",
        "recipient_type",
        "to",
        "recipient",
        "type",
        "context",
    ];
    let others: Vec<_> = members
        .keys()
        .filter(|name| !envelope.contains(&name.as_str()))
        .collect();
    prop_assert_eq!(others, [kind]);
    prop_assert!(!body.to_string().contains(":null"), "{}", body);
    // Everything that the content says is there, and nothing twice.
    let (mut given, mut sent) = (Vec::new(), Vec::new());
    leaves(&message["content"], &["type", "kind"], &mut given);
    leaves(&body[kind], &[], &mut sent);
    for leaf in given {
        let at = sent.iter().position(|sent| *sent == leaf);
        prop_assert!(at.is_some(), "{} is lost: {}", leaf, body);
        sent.swap_remove(at.unwrap_or_default());
    }
    Ok(())
}

#[test]
fn there_is_a_generator_of_every_kind() {
    let kinds: Vec<_> = generate::contents()
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(kinds, KINDS);
}

/// The limits that can be broken in any message, each with its fixture.
static LIMITS: LazyLock<Vec<(limits::Limit, Value)>> = LazyLock::new(|| {
    limits::all()
        .into_iter()
        .filter(limits::Limit::holds_anywhere)
        .map(|limit| {
            let fixture = fixtures::message(&limit.r#in);
            (limit, fixture)
        })
        .filter(|(_, fixture)| fixture.get("degrade").is_none())
        .collect()
});

proptest! {
    #[test]
    fn a_message_that_fits_is_sent_whole(message in generate::message()) {
        let payloads = sent(&message);
        prop_assert!(payloads.is_ok(), "{:?}: {}", payloads, message);
        for payload in payloads.unwrap_or_default() {
            check_body(&message, &payload["body"])?;
        }
    }

    #[test]
    fn a_message_that_breaks_a_limit_is_refused_for_it(message in generate::message()) {
        for (limit, fixture) in LIMITS.iter() {
            let same = ["type", "kind"]
                .iter()
                .all(|member| fixture["content"][*member] == message["content"][*member]);
            if !same || message.pointer(&limit.at).is_none() {
                continue;
            }
            for refused in limit.bad() {
                let Some(changed) = limits::with(&message, &limit.at, refused.value) else {
                    continue;
                };
                let expected = (refused.pointer, refused.code);
                let found = sent(&changed);
                prop_assert!(
                    found.as_ref().is_err_and(|problems| problems.contains(&expected)),
                    "{:?}, not {:?}: {}", found, expected, changed
                );
            }
        }
    }
}
