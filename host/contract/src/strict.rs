//! Reading what is to be sent: everything that does not fit is a problem with a pointer, a code and a remedy.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::types::Problem;

mod fault;

/// The most problems that are told of one text.
const PROBLEMS: usize = 100;

/// Members of which there is one in an object: cases of a variant that stand among the members of a record.
/// With the name by which serde speaks of them.
const CHOICES: [(&str, &[&str]); 3] = [
    ("MediaSource", &["id", "link"]),
    ("ParameterValue", &["text", "currency", "date_time"]),
    (
        "ButtonValue",
        &[
            "payload",
            "url_suffix",
            "code",
            "flow",
            "catalog",
            "products",
            "order_details",
            "call",
        ],
    ),
];

/// Reads JSON text.
pub(super) fn read<T>(
    json: &[u8],
    read: impl Fn(Value) -> serde_json::Result<T>,
    write: impl Fn(&T) -> serde_json::Result<Value>,
) -> Result<T, Vec<Problem>> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let given = take(&mut deserializer).and_then(|given| deserializer.end().map(|()| given));
    match given {
        Ok(given) => fit(given, read, write),
        Err(error) => Err(vec![problem(
            "",
            "malformed",
            format!("this is not JSON: {error}; write it as RFC 8259 says"),
        )]),
    }
}

/// The same for serde, which has one sentence for all problems.
pub(super) fn deserialize<'de, D, T>(
    deserializer: D,
    read: impl Fn(Value) -> serde_json::Result<T>,
    write: impl Fn(&T) -> serde_json::Result<Value>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    fit(take(deserializer)?, read, write).map_err(|problems| {
        let sentences: Vec<String> = problems
            .iter()
            .map(|problem| format!("{:?}: {}", problem.pointer, problem.message))
            .collect();
        D::Error::custom(sentences.join("; "))
    })
}

/// Implements serde's traits for types derived with `#[serde(remote = "Self")]`, reading them strictly.
macro_rules! strict_serde {
    ($($type:ty),*) => {$(
        impl $type {
            /// Reads JSON (UTF-8), and refuses every member that there is no place for.
            ///
            /// # Errors
            ///
            /// Everything that does not fit: unknown and doubled members all at once, else the first fault.
            pub fn read(json: &[u8]) -> Result<Self, Vec<crate::types::Problem>> {
                strict::read(json, Self::deserialize, |value| {
                    Self::serialize(value, serde_json::value::Serializer)
                })
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                strict::deserialize(deserializer, Self::deserialize, |value| {
                    Self::serialize(value, serde_json::value::Serializer)
                })
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }
    )*};
}
pub(super) use strict_serde;

fn problem(pointer: &str, code: &str, message: impl Into<String>) -> Problem {
    Problem {
        pointer: pointer.to_owned(),
        code: code.to_owned(),
        message: message.into(),
        source: None,
    }
}

/// What was given, and what is wrong with it already.
struct Given {
    value: Value,
    problems: Vec<Problem>,
}

/// Reads the value as it fits, and finds what got lost on the way.
///
/// What was read is written again: a member that is not there any more is unknown. This holds at every level
/// and for flattened members and tagged variants alike, where serde's `deny_unknown_fields` does not; and it
/// can say where the member stands. A member without a value (`null`, `[]`) says nothing and is let pass.
fn fit<T>(
    given: Given,
    read: impl Fn(Value) -> serde_json::Result<T>,
    write: impl Fn(&T) -> serde_json::Result<Value>,
) -> Result<T, Vec<Problem>> {
    let Given {
        value: given,
        mut problems,
    } = given;
    if !given.is_object() {
        problems.push(problem("", "wrong_type", "this is no object; write one"));
        return Err(problems);
    }
    let value = match read(given.clone()) {
        Ok(value) => value,
        Err(error) => {
            let probe = |changed| read(changed).err().map(|error| error.to_string());
            problems.push(fault::find(&given, &error.to_string(), &probe));
            return Err(problems);
        }
    };
    match write(&value) {
        Ok(kept) => compare(&given, &kept, &mut Vec::new(), &mut problems),
        Err(error) => problems.push(problem("", "malformed", error.to_string())),
    }
    if problems.is_empty() {
        Ok(value)
    } else {
        Err(problems)
    }
}

/// Finds what was given and not kept.
fn compare(given: &Value, kept: &Value, path: &mut Vec<String>, problems: &mut Vec<Problem>) {
    if problems.len() >= PROBLEMS {
        return;
    }
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            for (name, value) in given {
                path.push(name.clone());
                match kept.get(name) {
                    Some(kept) => compare(value, kept, path, problems),
                    None if value.is_null() || value.as_array().is_some_and(Vec::is_empty) => {}
                    None if problems.len() < PROBLEMS => {
                        problems.push(lost(&pointer(path), name, kept));
                    }
                    None => {}
                }
                path.pop();
            }
        }
        (Value::Array(given), Value::Array(kept)) => {
            for (index, (given, kept)) in given.iter().zip(kept).enumerate() {
                path.push(index.to_string());
                compare(given, kept, path, problems);
                path.pop();
            }
        }
        // serde takes a list of values for a record.
        (Value::Array(_), Value::Object(_)) => problems.push(problem(
            &pointer(path),
            "wrong_type",
            "this is an array; write an object",
        )),
        _ => {}
    }
}

fn lost(pointer: &str, name: &str, kept: &serde_json::Map<String, Value>) -> Problem {
    let other = CHOICES
        .iter()
        .filter(|(_, names)| names.contains(&name))
        .find_map(|(_, names)| names.iter().find(|name| kept.contains_key(**name)));
    match other {
        Some(other) => problem(
            pointer,
            "contradictory",
            format!("`{name}` and `{other}` exclude each other; give one of them"),
        ),
        None => problem(
            pointer,
            "unknown_member",
            format!(
                "there is no member `{}` here; remove it, or correct its name",
                short(name)
            ),
        ),
    }
}

/// A JSON Pointer (RFC 6901).
fn pointer(path: &[String]) -> String {
    path.iter().fold(String::new(), |pointer, token| {
        pointer + "/" + &token.replace('~', "~0").replace('/', "~1")
    })
}

/// The beginning of text that somebody else wrote.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Reads a value, and finds members that stand twice in it.
fn take<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Given, D::Error> {
    let mut problems = Vec::new();
    let seed = Member {
        path: &mut Vec::new(),
        problems: &mut problems,
    };
    let value = seed.deserialize(deserializer)?;
    Ok(Given { value, problems })
}

struct Member<'a> {
    path: &'a mut Vec<String>,
    problems: &'a mut Vec<Problem>,
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            self.path.push(values.len().to_string());
            let item = items.next_element_seed(Member {
                path: self.path,
                problems: self.problems,
            })?;
            self.path.pop();
            match item {
                Some(value) => values.push(value),
                None => return Ok(values.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut values = serde_json::Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.path.push(name);
            let value = members.next_value_seed(Member {
                path: self.path,
                problems: self.problems,
            })?;
            let name = self.path.pop().unwrap_or_default();
            if values.contains_key(&name) && self.problems.len() < PROBLEMS {
                self.path.push(name.clone());
                self.problems.push(problem(
                    &pointer(self.path),
                    "duplicate_member",
                    format!("`{}` stands here more than once; keep one", short(&name)),
                ));
                self.path.pop();
            }
            values.insert(name, value);
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests;
