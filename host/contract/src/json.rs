//! What serde needs to be told where the public JSON differs from the shape of the Rust types.
//!
//! Each is a type without values, so that the `with` of a member names both how it is written and read, and its schema.
#![allow(
    non_camel_case_types,
    reason = "they are called as the modules that serde's documentation has in this place"
)]

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::types::{Attribute, Timestamp};

/// A value's JSON on one line.
///
/// Embedded JSON (an event's `raw`) is printed as it came, so it may hold line breaks. In valid JSON they
/// can only stand between tokens, where they mean nothing.
///
/// # Errors
///
/// The value can't be serialised.
pub fn one_line(value: &impl Serialize) -> serde_json::Result<String> {
    let mut line = serde_json::to_string(value)?;
    line.retain(|character| !matches!(character, '\n' | '\r'));
    Ok(line)
}

/// Whether a member has the value that is meant where it is absent.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Instants: RFC 3339 in UTC. One that no calendar holds is written as its number and never read.
pub struct timestamp {}

impl timestamp {
    /// Writes an instant.
    ///
    /// # Errors
    ///
    /// The serialiser's.
    pub fn serialize<S: Serializer>(instant: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        let date = i64::try_from(*instant)
            .ok()
            .and_then(|instant| jiff::Timestamp::from_millisecond(instant).ok());
        match date {
            Some(date) => serializer.collect_str(&date),
            None => instant.serialize(serializer),
        }
    }

    /// Reads an instant.
    ///
    /// # Errors
    ///
    /// It is no RFC 3339, or lies before 1970.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        Timestamp::try_from(date.as_millisecond())
            .map_err(|_| D::Error::custom(format!("{text} lies before 1970")))
    }
}

/// Embedded JSON: printed byte for byte where it is valid, else as a string; read from any value.
///
/// What is read keeps its meaning and not its bytes: members are sorted, of two with one name the last stays, and
/// numbers beyond 64 bits become fractions. Around most of it are tagged variants, for which serde takes values
/// apart before it knows their type.
pub(super) struct text {}

impl text {
    pub(super) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(text) {
            Ok(json) => json.serialize(serializer),
            Err(_) => serializer.serialize_str(text),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<String, D::Error> {
        Ok(Value::deserialize(deserializer)?.to_string())
    }
}

/// The same as another, for a member that may be absent.
macro_rules! optional {
    ($(#[$doc:meta])* $name:ident, $inner:ident, $type:ty, $path:literal) => {
        $(#[$doc])*
        pub struct $name {}

        impl $name {
            /// Writes it.
            ///
            /// # Errors
            ///
            /// The serialiser's.
            pub fn serialize<S: Serializer>(
                value: &Option<$type>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                match value {
                    Some(value) => $inner::serialize(value, serializer),
                    None => serializer.serialize_none(),
                }
            }

            /// Reads it.
            ///
            /// # Errors
            ///
            /// What is there is none.
            pub fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<$type>, D::Error> {
                #[derive(Deserialize)]
                struct Present(#[serde(deserialize_with = $path)] $type);

                Ok(Option::<Present>::deserialize(deserializer)?.map(|present| present.0))
            }
        }
    };
}

optional!(
    /// An instant that may be absent.
    optional_timestamp, timestamp, u64, "timestamp::deserialize"
);
optional!(
    /// Embedded JSON that may be absent.
    optional_text, text, String, "text::deserialize"
);
optional!(
    /// A vendor's code: a number where it is one.
    code, number, String, "number::deserialize"
);

/// A string that is printed as a number where it is the canonical form of one.
struct number {}

impl number {
    fn serialize<S: Serializer>(code: &str, serializer: S) -> Result<S::Ok, S::Error> {
        match code.parse::<i64>() {
            Ok(number) if number.to_string() == code => number.serialize(serializer),
            _ => code.serialize(serializer),
        }
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Code {
            Number(i64),
            Text(String),
        }

        Ok(match Code::deserialize(deserializer)? {
            Code::Number(number) => number.to_string(),
            Code::Text(text) => text,
        })
    }
}

/// Attributes: an object from path to value.
pub(super) struct attributes {}

impl attributes {
    pub(super) fn serialize<S: Serializer>(
        attributes: &[Attribute],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(attributes.len()))?;
        for attribute in attributes {
            map.serialize_entry(&attribute.path, &attribute.value)?;
        }
        map.end()
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Attribute>, D::Error> {
        struct Attributes;
        impl<'de> Visitor<'de> for Attributes {
            type Value = Vec<Attribute>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object of JSON Pointers and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut attributes = Vec::new();
                while let Some((path, value)) = map.next_entry()? {
                    attributes.push(Attribute { path, value });
                }
                Ok(attributes)
            }
        }
        deserializer.deserialize_map(Attributes)
    }
}

/// A body: text where it is UTF-8, else the list of its bytes.
pub(super) struct bytes {}

impl bytes {
    pub(super) fn serialize<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(body) {
            Ok(text) => text.serialize(serializer),
            Err(_) => body.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Body {
            Text(String),
            Bytes(Vec<u8>),
        }

        Ok(match Body::deserialize(deserializer)? {
            Body::Text(text) => text.into_bytes(),
            Body::Bytes(bytes) => bytes,
        })
    }
}

/// A case whose payload is one value: in a tagged object it needs a member of its own.
///
/// `{"type": "text", "text": "…"}`.
pub(super) struct text_member {}

#[derive(Serialize, Deserialize)]
struct TextMember<T> {
    text: T,
}

impl text_member {
    pub(super) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        TextMember { text }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<String, D::Error> {
        Ok(TextMember::deserialize(deserializer)?.text)
    }
}

/// `{"type": "other", "kind": "…"}`; only written.
pub(super) struct kind {}

impl kind {
    pub(super) fn serialize<S: Serializer>(kind: &str, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Member<'a> {
            kind: &'a str,
        }

        Member { kind }.serialize(serializer)
    }
}

/// `{"type": "image", "example": "…"}`, or no `example`.
pub(super) struct example {}

#[derive(Serialize, Deserialize)]
struct ExampleMember<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<T>,
}

impl example {
    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(
        example: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let example = example.as_deref();
        ExampleMember { example }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        Ok(ExampleMember::deserialize(deserializer)?.example)
    }
}
