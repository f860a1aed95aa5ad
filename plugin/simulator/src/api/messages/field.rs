//! Reads the fields of a message. Fields are named by JSON pointers.

use serde_json::Value;

use super::errors::refused;
use crate::refusal::Refusal;

/// What must be there (Cloud API, error 131008).
pub(super) fn required<'a>(of: &'a Value, pointer: &str) -> Result<&'a Value, Refusal> {
    let found = of.pointer(pointer).filter(|found| !found.is_null());
    found.ok_or_else(|| refused(131_008, format!("{} is required", name(pointer))))
}

/// A string that must be there. That an empty one is as good as none is assumed.
pub(super) fn text<'a>(of: &'a Value, pointer: &str) -> Result<&'a str, Refusal> {
    match required(of, pointer)?.as_str() {
        Some("") => Err(refused(131_008, format!("{} is empty", name(pointer)))),
        Some(text) => Ok(text),
        None => Err(invalid(pointer, "must be a string")),
    }
}

/// A list that must be there, with at least one and no more than so many elements.
pub(super) fn list<'a>(of: &'a Value, pointer: &str, most: usize) -> Result<&'a [Value], Refusal> {
    let list = required(of, pointer)?.as_array();
    let list = list.ok_or_else(|| invalid(pointer, "must be a list"))?;
    if (1..=most).contains(&list.len()) {
        return Ok(list);
    }
    Err(invalid(pointer, &format!("must have 1 to {most} elements")))
}

/// A string that may be there, of no more than so many characters; a longer one is refused with a code. Characters are
/// Unicode code points: assumed, as Meta does not say.
pub(super) fn short(of: &Value, pointer: &str, longest: usize, code: u32) -> Result<(), Refusal> {
    let Some(found) = of.pointer(pointer).filter(|found| !found.is_null()) else {
        return Ok(());
    };
    let text = found.as_str();
    let text = text.ok_or_else(|| invalid(pointer, "must be a string"))?;
    let length = text.chars().count();
    if length <= longest {
        return Ok(());
    }
    let details = format!(
        "{} has {length} characters; {longest} is the most",
        name(pointer)
    );
    Err(refused(code, details))
}

/// A string that must be there, of no more than so many characters (Cloud API, error 131009).
pub(super) fn label<'a>(of: &'a Value, pointer: &str, longest: usize) -> Result<&'a str, Refusal> {
    short(of, pointer, longest, 131_009)?;
    text(of, pointer)
}

/// What is there but not as it must be (Cloud API, error 131009).
pub(super) fn invalid(pointer: &str, why: &str) -> Refusal {
    refused(131_009, format!("{} {why}", name(pointer)))
}

fn name(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}
