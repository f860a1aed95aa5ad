//! Reads the members of a message that decide what the others must be. They are named by JSON pointers.

use serde_json::Value;

use super::rule::{invalid, missing};
use crate::refusal::Refusal;

/// What must be there (Cloud API, error 131008).
pub(super) fn required<'a>(of: &'a Value, pointer: &str) -> Result<&'a Value, Refusal> {
    let found = of.pointer(pointer).filter(|found| !found.is_null());
    found.ok_or_else(|| missing(&name(pointer)))
}

/// A string that must be there. That an empty one is as good as none is assumed.
pub(super) fn text<'a>(of: &'a Value, pointer: &str) -> Result<&'a str, Refusal> {
    match required(of, pointer)?.as_str() {
        Some("") => Err(missing(&name(pointer))),
        Some(text) => Ok(text),
        None => Err(invalid(&name(pointer), "must be a string")),
    }
}

fn name(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}
