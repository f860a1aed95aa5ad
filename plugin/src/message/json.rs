//! JSON of the vendor's own that a message carries: looked at as far as its rules go, and passed on as it is.

use std::fmt::Display;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::problem::Problems;

/// A JSON object. It is one whole value, so nothing in it gets out of the member that it is put into.
pub(super) fn object<'a>(
    pointer: impl Display,
    json: &'a str,
    source: &str,
    problems: &mut Problems,
) -> Option<&'a RawValue> {
    let object = serde_json::from_str::<&RawValue>(json)
        .ok()
        .filter(|value| value.get().starts_with('{'));
    if object.is_none() {
        problems.add(
            pointer,
            "bad_json",
            "This is no JSON object: write {\"member\": value, …}",
            source,
        );
    }
    object
}

/// A JSON object that has members.
pub(super) fn filled_object<'a>(
    pointer: impl Display,
    json: &'a str,
    source: &str,
    problems: &mut Problems,
) -> Option<&'a RawValue> {
    let object = object(&pointer, json, source, problems)?;
    if matches!(serde_json::from_str(object.get()), Ok(Value::Object(members)) if members.is_empty())
    {
        problems.add(
            pointer,
            "blank",
            "This object is empty: give it a member, or leave it out",
            source,
        );
    }
    Some(object)
}

/// A JSON object of strings.
pub(super) fn strings<'a>(
    pointer: impl Display,
    json: &'a str,
    source: &str,
    problems: &mut Problems,
) -> Option<(&'a RawValue, serde_json::Map<String, Value>)> {
    let object = object(&pointer, json, source, problems)?;
    let members: serde_json::Map<_, _> = serde_json::from_str(object.get()).unwrap_or_default();
    for (name, value) in &members {
        if !value.is_string() {
            problems.add(
                format_args!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")),
                "wrong_type",
                "This is no string: write it in quotation marks",
                source,
            );
        }
    }
    Some((object, members))
}
