//! What serde needs to be told where the public JSON differs from the shape of the Rust types.

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

/// Reads a value and refuses every member that it has no place for.
///
/// What was read is written again: a member that got lost on the way is unknown. This holds at every level
/// and for flattened members and tagged variants alike, where serde's `deny_unknown_fields` does not; and it
/// can say where the member stands. A member without a value (`null`, `[]`) says nothing and is let pass.
pub(super) fn strict<'de, D, T>(
    deserializer: D,
    read: impl FnOnce(Value) -> serde_json::Result<T>,
    write: impl FnOnce(&T) -> serde_json::Result<Value>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    let given = Value::deserialize(deserializer)?;
    let value = read(given.clone()).map_err(D::Error::custom)?;
    let kept = write(&value).map_err(D::Error::custom)?;
    let mut unknown = Vec::new();
    compare(&given, &kept, "", &mut unknown);
    if unknown.is_empty() {
        Ok(value)
    } else {
        Err(D::Error::custom(format!(
            "unknown or contradictory members: {}",
            unknown.join(", ")
        )))
    }
}

/// Lists the members (JSON Pointers) that were given and not kept.
fn compare(given: &Value, kept: &Value, pointer: &str, unknown: &mut Vec<String>) {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            for (name, value) in given {
                let name_token = name.replace('~', "~0").replace('/', "~1");
                let pointer = format!("{pointer}/{name_token}");
                match kept.get(name) {
                    Some(kept) => compare(value, kept, &pointer, unknown),
                    None if value.is_null() || value.as_array().is_some_and(Vec::is_empty) => {}
                    None => unknown.push(pointer),
                }
            }
        }
        (Value::Array(given), Value::Array(kept)) => {
            for (index, (given, kept)) in given.iter().zip(kept).enumerate() {
                compare(given, kept, &format!("{pointer}/{index}"), unknown);
            }
        }
        _ => {}
    }
}

/// Implements serde's traits for types derived with `#[serde(remote = "Self")]`, reading them [`strict`]ly.
macro_rules! strict_serde {
    ($($type:ty),*) => {$(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                json::strict(deserializer, Self::deserialize, |value| {
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

/// Instants: RFC 3339 in UTC. One that no calendar holds is written as its number and never read.
pub(super) mod timestamp {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Timestamp};
    use serde::de::Error as _;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde calls"
    )]
    pub(in super::super) fn serialize<S: Serializer>(
        instant: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let date = i64::try_from(*instant)
            .ok()
            .and_then(|instant| jiff::Timestamp::from_millisecond(instant).ok());
        match date {
            Some(date) => serializer.collect_str(&date),
            None => instant.serialize(serializer),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        Timestamp::try_from(date.as_millisecond())
            .map_err(|_| D::Error::custom(format!("{text} lies before 1970")))
    }
}

/// Embedded JSON: printed byte for byte where it is valid, else as a string; read from any value.
pub(super) mod text {
    use super::{Deserialize, Deserializer, RawValue, Serialize, Serializer, Value};

    pub(in super::super) fn serialize<S: Serializer>(
        text: &str,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(text) {
            Ok(json) => json.serialize(serializer),
            Err(_) => serializer.serialize_str(text),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<String, D::Error> {
        Ok(Value::deserialize(deserializer)?.to_string())
    }
}

/// The same as another module, for a member that may be absent.
macro_rules! optional {
    ($(#[$doc:meta])* $module:ident, $inner:ident, $type:ty, $path:literal) => {
        $(#[$doc])*
        pub(super) mod $module {
            use super::{Deserialize, Deserializer, Serializer, $inner};

            #[derive(Deserialize)]
            struct Present(#[serde(deserialize_with = $path)] $type);

            #[expect(clippy::ref_option, reason = "the signature that serde calls")]
            pub(in super::super) fn serialize<S: Serializer>(
                value: &Option<$type>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                match value {
                    Some(value) => $inner::serialize(value, serializer),
                    None => serializer.serialize_none(),
                }
            }

            pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<$type>, D::Error> {
                Ok(Option::<Present>::deserialize(deserializer)?.map(|present| present.0))
            }
        }
    };
}

optional!(
    /// An instant that may be absent.
    optional_timestamp, timestamp, u64, "super::timestamp::deserialize"
);
optional!(
    /// Embedded JSON that may be absent.
    optional_text, text, String, "super::text::deserialize"
);
optional!(
    /// A vendor's code: a number where it is one.
    code, number, String, "super::number::deserialize"
);

/// A string that is printed as a number where it is the canonical form of one.
mod number {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Code {
        Number(i64),
        Text(String),
    }

    pub(super) fn serialize<S: Serializer>(code: &str, serializer: S) -> Result<S::Ok, S::Error> {
        match code.parse::<i64>() {
            Ok(number) if number.to_string() == code => number.serialize(serializer),
            _ => code.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<String, D::Error> {
        Ok(match Code::deserialize(deserializer)? {
            Code::Number(number) => number.to_string(),
            Code::Text(text) => text,
        })
    }
}

/// Attributes: an object from path to value.
pub(super) mod attributes {
    use super::{Attribute, Deserializer, MapAccess, SerializeMap, Serializer, Visitor};

    pub(in super::super) fn serialize<S: Serializer>(
        attributes: &[Attribute],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(attributes.len()))?;
        for attribute in attributes {
            map.serialize_entry(&attribute.path, &attribute.value)?;
        }
        map.end()
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
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
pub(super) mod bytes {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Body {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub(in super::super) fn serialize<S: Serializer>(
        body: &[u8],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(body) {
            Ok(text) => text.serialize(serializer),
            Err(_) => body.serialize(serializer),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        Ok(match Body::deserialize(deserializer)? {
            Body::Text(text) => text.into_bytes(),
            Body::Bytes(bytes) => bytes,
        })
    }
}

/// A case whose payload is one value: in a tagged object it needs a member of its own.
macro_rules! member {
    ($(#[$doc:meta])* $module:ident, $member:ident, $written:ty, $read:ty) => {
        $(#[$doc])*
        pub(super) mod $module {
            use super::{Deserialize, Deserializer, Serialize, Serializer};

            #[derive(Serialize, Deserialize)]
            struct Member<T> {
                $member: T,
            }

            pub(in super::super) fn serialize<S: Serializer>(
                $member: $written,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                Member { $member }.serialize(serializer)
            }

            pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$read, D::Error> {
                Ok(Member::<$read>::deserialize(deserializer)?.$member)
            }
        }
    };
}

member!(
    /// `{"type": "text", "text": "…"}`.
    text_member, text, &str, String
);
member!(
    /// `{"type": "other", "kind": "…"}`.
    kind, kind, &str, String
);

/// `{"type": "image", "example": "…"}`, or no `example`.
pub(super) mod example {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Member<T> {
        #[serde(skip_serializing_if = "Option::is_none")]
        example: Option<T>,
    }

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(in super::super) fn serialize<S: Serializer>(
        example: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let example = example.as_deref();
        Member { example }.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        Ok(Member::deserialize(deserializer)?.example)
    }
}
