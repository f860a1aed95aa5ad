//! Where in a text the fault stands that serde names.
//!
//! serde reads tagged variants and flattened records from copies, which know no place. So the place is found by trial:
//! the fault stands where a change of the value changes the sentence as a change of the fault would.

use serde_json::{Value, json};

use super::{CHOICES, pointer, problem, short};
use crate::types::Problem;

/// What is larger is not searched, for each trial reads all of it again. A message has some dozens of values.
const VALUES: usize = 1000;
const BYTES: usize = 64 << 10;

/// What serde calls whole numbers.
const WHOLE: [&str; 4] = ["u32", "i32", "u64", "i64"];

/// A word that is the name of nothing.
const NO_WORD: &str = "\u{1}";

/// The problem that serde's sentence speaks of. `read` gives the sentence for another value, or none where that fits.
pub(super) fn find(given: &Value, error: &str, read: &dyn Fn(Value) -> Option<String>) -> Problem {
    let mut places = Vec::new();
    if given.to_string().len() <= BYTES {
        collect(given, &mut Vec::new(), &mut places);
    }
    if places.len() > VALUES {
        places.clear();
    }
    let search = Search {
        given,
        error,
        read,
        places,
    };
    search
        .missing()
        .or_else(|| search.unknown_member())
        .or_else(|| search.wrong_word())
        .or_else(|| search.no_choice())
        .or_else(|| search.several_cases())
        .or_else(|| search.wrong_type())
        .or_else(|| search.unreadable())
        .unwrap_or_else(|| {
            let message = "something in this has the wrong type; compare it with the documentation, member by member";
            problem("", "malformed", message)
        })
}

fn collect<'a>(value: &'a Value, path: &mut Vec<String>, places: &mut Vec<(String, &'a Value)>) {
    if places.len() > VALUES {
        return;
    }
    places.push((pointer(path), value));
    let mut descend = |token: String, value: &'a Value| {
        path.push(token);
        collect(value, path, places);
        path.pop();
    };
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| descend(name.clone(), value)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(index, value)| descend(index.to_string(), value)),
        _ => {}
    }
}

struct Search<'a> {
    given: &'a Value,
    error: &'a str,
    read: &'a dyn Fn(Value) -> Option<String>,
    /// Every value with its pointer.
    places: Vec<(String, &'a Value)>,
}

impl Search<'_> {
    /// The sentence where another value stands at a place; empty where that fits.
    fn with(&self, pointer: &str, value: Value) -> String {
        let mut given = self.given.clone();
        if let Some(place) = given.pointer_mut(pointer) {
            *place = value;
        }
        (self.read)(given).unwrap_or_default()
    }

    /// The sentence where an object has another member.
    fn with_member(&self, pointer: &str, value: &Value, name: &str, member: Value) -> String {
        let mut members = value.as_object().cloned().unwrap_or_default();
        members.insert(name.to_owned(), member);
        self.with(pointer, members.into())
    }

    fn missing(&self) -> Option<Problem> {
        let name = between(self.error, "missing field `", "`")?;
        for (pointer, value) in &self.places {
            // A variant is also read from a list, of tag and content.
            let lacks = match value {
                Value::Object(members) => !members.contains_key(name),
                Value::Array(_) => true,
                _ => false,
            };
            if !lacks {
                continue;
            }
            // Where the member is optional, or unknown, null changes nothing.
            let found = self.with_member(pointer, value, name, Value::Null);
            if found == self.error || found.starts_with("invalid type: map") {
                continue;
            }
            return Some(if value.is_array() {
                problem(pointer, "wrong_type", "this is an array; write an object")
            } else {
                let message = format!("the member `{name}` is missing; give it a value");
                problem(&format!("{pointer}/{name}"), "required", message)
            });
        }
        let message = format!("a member `{name}` is missing somewhere in this; give it a value");
        Some(problem("", "required", message))
    }

    /// A member that a record refuses which knows all of its own.
    fn unknown_member(&self) -> Option<Problem> {
        let (name, known) = self
            .error
            .strip_prefix("unknown field `")?
            .split_once("`, expected ")?;
        let known = known.trim_start_matches("one of ");
        let place = self
            .places
            .iter()
            .find(|(_, value)| value.get(name).is_some());
        let pointer = place.map_or("", |(pointer, _)| pointer);
        Some(stranger_among(pointer, name, known))
    }

    /// A word that is none of a list's: as a value, or as the only member of an object.
    fn wrong_word(&self) -> Option<Problem> {
        let (word, known) = self
            .error
            .strip_prefix("unknown variant `")?
            .split_once("`, expected ")?;
        let known = known.trim_start_matches("one of ");
        let changed = format!("unknown variant `{NO_WORD}`, expected ");
        let known_words = |found: String| found.starts_with(&changed);
        for (pointer, value) in &self.places {
            match value {
                Value::String(text)
                    if text == word && known_words(self.with(pointer, NO_WORD.into())) =>
                {
                    // The first known word as the name of a member that needs a value.
                    let first = known.split('`').nth(1).unwrap_or_default();
                    let found = self.with(pointer, json!({first: null}));
                    if found.starts_with("invalid type: null") {
                        let message =
                            format!("this is a string; write an object of one of {known}");
                        return Some(problem(pointer, "wrong_type", message));
                    }
                    let message = format!("`{}` is not known here; known are {known}", short(word));
                    return Some(problem(pointer, "unknown_value", message));
                }
                Value::Object(members) if members.contains_key(word) => {
                    let mut members = members.clone();
                    members.remove(word);
                    members.insert(NO_WORD.to_owned(), Value::Null);
                    if known_words(self.with(pointer, members.into())) {
                        return Some(stranger_among(pointer, word, known));
                    }
                }
                _ => {}
            }
        }
        let message = format!("`{}` is not known; known are {known}", short(word));
        Some(problem("", "unknown_value", message))
    }

    /// A record that has none of the members of which it needs one.
    fn no_choice(&self) -> Option<Problem> {
        let name = between(
            self.error,
            "no variant of enum ",
            " found in flattened data",
        )?;
        let (_, names) = CHOICES.iter().find(|(choice, _)| *choice == name)?;
        let message = format!("a member is missing; give one of {}", names.join(", "));
        let lacks = |value: &Value| {
            value
                .as_object()
                .is_some_and(|members| !names.iter().any(|name| members.contains_key(*name)))
        };
        let place = self.places.iter().find(|(pointer, value)| {
            lacks(value) && self.with_member(pointer, value, names[0], Value::Null) != self.error
        });
        let pointer = place.map_or("", |(pointer, _)| pointer);
        Some(problem(pointer, "required", message))
    }

    /// A variant that is an object of one member (perhaps beside a `type`), and has none, several or another.
    fn several_cases(&self) -> Option<Problem> {
        if !self.error.contains("map with a single key") {
            return None;
        }
        self.places.iter().find_map(|(pointer, value)| {
            let members = value.as_object()?;
            let tag = members.get_key_value("type");
            let known = [None, tag].into_iter().find_map(|tag| {
                let mut changed = json!({NO_WORD: null});
                if let Some((name, value)) = tag {
                    changed[name] = value.clone();
                }
                let found = self.with(pointer, changed);
                let known =
                    found.strip_prefix(&format!("unknown variant `{NO_WORD}`, expected "))?;
                Some(known.trim_start_matches("one of ").to_owned())
            })?;
            let is_known = |name: &str| known.contains(&format!("`{name}`"));
            let stranger = members
                .keys()
                .find(|name| *name != "type" && !is_known(name));
            let count = members.keys().filter(|name| is_known(name)).count();
            Some(match (stranger, count) {
                (Some(name), _) => stranger_among(pointer, name, &known),
                (None, 0) => problem(
                    pointer,
                    "required",
                    format!("a member is missing; give one of {known}"),
                ),
                (None, _) => problem(
                    pointer,
                    "contradictory",
                    format!("several members exclude each other; keep one of {known}"),
                ),
            })
        })
    }

    fn wrong_type(&self) -> Option<Problem> {
        let error = self.error;
        let (is, expected) = match error.strip_prefix("invalid length ") {
            // A record is also read from a list.
            Some(_) => ("sequence", between(error, "expected ", " with ")?),
            None => error
                .strip_prefix("invalid type: ")
                .or_else(|| error.strip_prefix("invalid value: "))?
                .rsplit_once(", expected ")?,
        };
        // Strings may be quoted in full; more than their kind is only needed of numbers that are out of range.
        let is_it = |value: &Value| match value {
            Value::Null => is == "null" || is == "unit value",
            Value::Bool(_) => is.starts_with("boolean"),
            Value::Number(number) => {
                is.starts_with("floating point") || is == format!("integer `{number}`")
            }
            Value::String(_) => is.starts_with("string") || is.starts_with("character"),
            Value::Array(_) => is == "sequence",
            Value::Object(_) => is == "map",
        };
        // Values of other types, of which at most one fits. What stands where another type is expected is not it.
        let others = [
            (json!(true), "boolean `true`"),
            (json!(0), "integer `0`"),
            (json!([]), "sequence"),
        ];
        let place = self.places.iter().find(|(pointer, value)| {
            if is == "unit variant" {
                // The name of a case alone, without the value that belongs to it.
                let found = self.with(pointer, json!({NO_WORD: null}));
                return value.is_string()
                    && found.starts_with(&format!("unknown variant `{NO_WORD}`"));
            }
            is_it(value)
                && others.iter().any(|(other, name)| {
                    std::mem::discriminant(other) != std::mem::discriminant(*value)
                        && self.with(pointer, other.clone())
                            == format!("invalid type: {name}, expected {expected}")
                })
        });
        let pointer = place.map_or("", |(pointer, _)| pointer);
        let message = if let Some((_, Value::Number(number))) = place
            && WHOLE.contains(&expected)
            && is.starts_with("integer")
        {
            format!(
                "{number} is out of range; write a smaller whole number, and no minus where none belongs"
            )
        } else {
            format!("this is {}; write {}", name(is), wanted(expected))
        };
        Some(problem(pointer, "wrong_type", message))
    }

    /// A value that is refused in words of its own: an instant, or a scalar.
    fn unreadable(&self) -> Option<Problem> {
        let scalar = self.error.contains("untagged enum");
        let (other, message): (_, &str) = if scalar {
            (
                "",
                "this is neither text, nor a number, nor true or false; write one of them",
            )
        } else {
            (
                "1970-01-01T00:00:00Z",
                "this is no instant; write one of RFC 3339, such as 2026-11-22T07:15:39Z",
            )
        };
        let place = self.places.iter().find(|(pointer, value)| {
            if value.is_string() == scalar {
                return false;
            }
            let found = self.with(pointer, other.into());
            found != self.error
                && !found.starts_with("invalid type: string")
                && !found.starts_with("unknown variant")
        })?;
        Some(problem(&place.0, "wrong_type", message))
    }
}

/// A member where another one is needed.
fn stranger_among(pointer: &str, name: &str, known: &str) -> Problem {
    let member = super::pointer(&[name.to_owned()]);
    let message = format!(
        "there is no member `{}` here; name one of {known}",
        short(name)
    );
    problem(&format!("{pointer}{member}"), "unknown_member", message)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// What serde calls a value, for people.
fn name(is: &str) -> &'static str {
    if is == "unit variant" {
        return "only a name";
    }
    match is.split(' ').next().unwrap_or_default() {
        "null" | "unit" => "null",
        "boolean" => "true or false",
        "integer" | "floating" => "a number",
        "string" | "character" => "a string",
        "sequence" => "an array",
        "map" => "an object",
        _ => "of another type",
    }
}

/// What serde expects, for people.
fn wanted(expected: &str) -> &'static str {
    match expected {
        "a string" | "variant identifier" => "a string",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "f64" => "a number",
        _ if WHOLE.contains(&expected) => "a whole number",
        // A variant whose cases hold nothing.
        _ if expected.starts_with("enum ") => "a string",
        _ => "an object",
    }
}
