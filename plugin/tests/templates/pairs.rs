//! `fixtures/templates`: what leaves for a template and a message, what is refused, how it reads and what its form asks for.

use channel_360dialog::bindings::messaging::channel::templates::{
    Definition, ParameterKind, ParameterSpec, Rendered, RenderedCard,
};
use channel_360dialog::bindings::messaging::channel::{outbound, types};
use channel_360dialog::message::build;
use channel_360dialog::template::{parameters, render};
use channel_contract as contract;
use serde_json::{Value, json};

use crate::bindings::Bound as _;

/// The cases of a file.
fn cases(file: &str) -> Vec<Value> {
    let path = format!(
        "{}/fixtures/templates/{file}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn pairs() -> Vec<Value> {
    cases("pairs")
}

pub(crate) fn definition(value: &Value) -> Definition {
    let read: contract::templates::Definition = serde_json::from_value(value.clone())
        .unwrap_or_else(|error| panic!("{value} is no definition: {error}"));
    read.bound()
}

/// A message whose content is the template.
fn message(template: &Value, to: Option<&Value>) -> outbound::Message {
    let mut content = template.clone();
    content["type"] = "template".into();
    let phone = json!({"phone": "+16505551234"});
    let message = json!({"to": to.unwrap_or(&phone), "content": content});
    contract::outbound::Message::read(message.to_string().as_bytes())
        .unwrap_or_else(|problems| panic!("{message} is no message: {problems:?}"))
        .bound()
}

pub(crate) fn template(value: &Value) -> outbound::TemplateMessage {
    match message(value, None).content {
        outbound::Content::Template(template) => template,
        other => panic!("{other:?} is no template"),
    }
}

/// The components that leave, or what stands in the way.
pub(crate) fn components(
    definition: Option<&Definition>,
    template: &Value,
    to: Option<&Value>,
) -> Result<Value, Vec<types::Problem>> {
    let window = outbound::Window::Unknown;
    let payloads = build("{}", &message(template, to), &window, definition)?;
    let [payload] = <[_; 1]>::try_from(payloads).expect("one request");
    let body: Value = serde_json::from_slice(&payload.body).expect("JSON");
    let mut sent = body["template"].clone();
    assert_eq!(sent["name"], template["name"]);
    assert_eq!(sent["language"], json!({"code": template["language"]}));
    let members = sent.as_object_mut().expect("an object");
    let components = members.remove("components");
    assert_eq!(members.len(), 2, "{members:?}");
    Ok(components.unwrap_or_else(|| json!([])))
}

/// An object without the members that hold nothing.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.map(|(name, value)| (name.to_owned(), value));
    let is_there = |value: &Value| !value.is_null() && *value != json!([]);
    let members = members.into_iter().filter(|(_, value)| is_there(value));
    Value::Object(members.collect())
}

/// As the public JSON has it.
fn rendered(value: Rendered) -> Value {
    let card = |card: RenderedCard| {
        object([
            ("header", card.header.into()),
            ("body", card.body.into()),
            ("buttons", card.buttons.into()),
        ])
    };
    object([
        ("header", value.header.into()),
        ("body", value.body.into()),
        ("footer", value.footer.into()),
        ("buttons", value.buttons.into()),
        ("cards", value.cards.into_iter().map(card).collect()),
        ("missing", value.missing.into()),
    ])
}

/// The public JSON's word.
pub(crate) fn word(kind: &ParameterKind) -> &str {
    match kind {
        ParameterKind::Text => "text",
        ParameterKind::Image => "image",
        ParameterKind::Video => "video",
        ParameterKind::Gif => "gif",
        ParameterKind::Document => "document",
        ParameterKind::Location => "location",
        ParameterKind::Product => "product",
        ParameterKind::Products => "products",
        ParameterKind::UrlSuffix => "url_suffix",
        ParameterKind::Code => "code",
        ParameterKind::Payload => "payload",
        ParameterKind::Flow => "flow",
        ParameterKind::OrderDetails => "order_details",
        ParameterKind::Call => "call",
        ParameterKind::Timestamp => "timestamp",
        ParameterKind::Other(word) => word,
    }
}

fn spec(spec: ParameterSpec) -> Value {
    object([
        ("pointer", spec.pointer.into()),
        ("name", spec.name.into()),
        ("kind", word(&spec.kind).into()),
        ("required", spec.required.into()),
        ("sentence", spec.sentence.into()),
        ("example", spec.example.into()),
    ])
}

#[test]
fn exactly_these_components_leave() {
    let pairs = pairs();
    assert!(pairs.len() >= 60);
    for pair in pairs {
        let definition = definition(&pair["definition"]);
        let found = components(Some(&definition), &pair["message"], None);
        assert_eq!(
            found.as_ref(),
            Ok(&pair["components"]),
            "{}: {found:?}",
            pair["name"]
        );
    }
}

#[test]
fn the_definition_only_checks() {
    for pair in pairs() {
        // Nothing but a definition says that numbers and names stand side by side.
        if pair["name"] == "numbers_and_names" {
            continue;
        }
        let found = components(None, &pair["message"], None);
        assert_eq!(found, Ok(pair["components"].clone()), "{}", pair["name"]);
    }
}

#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    for case in cases("refusals") {
        let name = &case["name"];
        let definition = definition(&case["definition"]);
        let problems = components(Some(&definition), &case["message"], case.get("to"))
            .expect_err(&name.to_string());
        let found: Vec<_> = problems
            .iter()
            .map(|problem| (problem.pointer.as_str(), problem.code.as_str()))
            .collect();
        let expected = case["problems"].as_array().expect("problems");
        let wanted: Vec<_> = expected
            .iter()
            .map(|problem| {
                ["pointer", "code"].map(|member| problem[member].as_str().expect("text"))
            })
            .map(|[pointer, code]| (pointer, code))
            .collect();
        assert_eq!(found, wanted, "{name}: {problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            let message = &problem.message;
            assert!(
                problem.source.as_ref().is_some_and(|s| !s.is_empty()),
                "{name}"
            );
            assert!(message.contains(": "), "{name}: no remedy: {message}");
            let says = expected["says"].as_str().unwrap_or_default();
            assert!(
                message.contains(says),
                "{name}: {message} does not say {says}"
            );
        }
    }
}

#[test]
fn it_reads_as_the_person_will_read_it() {
    let mut count = 0;
    for case in pairs().into_iter().chain(cases("missing")) {
        let Some(expected) = case.get("rendered") else {
            continue;
        };
        count += 1;
        let found = render(
            &definition(&case["definition"]),
            &template(&case["message"]),
        );
        assert_eq!(rendered(found), *expected, "{}", case["name"]);
    }
    assert!(count >= 15);
}

#[test]
fn the_form_asks_for_what_is_open() {
    let mut count = 0;
    for case in pairs() {
        let Some(expected) = case.get("parameters") else {
            continue;
        };
        count += 1;
        let found = parameters(&definition(&case["definition"]));
        let found: Value = found.into_iter().map(spec).collect();
        assert_eq!(found, *expected, "{}", case["name"]);
    }
    assert!(count >= 30);
}
