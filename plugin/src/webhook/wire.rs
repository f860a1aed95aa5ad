//! What stands in the vendor's JSON, read without copying. Every member may be absent; scalars may be written in the forms
//! that the vendor and its intermediaries have been seen to use (numbers as strings, strings as numbers).

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// A string, or a number or boolean in its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl Text<'_> {
    /// The text for the event; an empty one counts as absent.
    pub(super) fn owned(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.to_string())
    }
}

/// The text of a member for the event; an empty one counts as absent.
pub(super) fn owned(text: Option<&Text<'_>>) -> Option<String> {
    text.and_then(Text::owned)
}

/// The member's text; an empty one counts as absent.
pub(super) fn str<'t>(text: Option<&'t Text<'_>>) -> Option<&'t str> {
    text.map(|text| text.0.as_ref())
        .filter(|text| !text.is_empty())
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(number.to_string())))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

impl Text<'_> {
    /// An instant in milliseconds: seconds as a rule, milliseconds where the number is too large for seconds before the
    /// year 5138. `None` for what is no instant.
    pub(super) fn instant(&self) -> Option<u64> {
        const FIRST_MILLISECONDS: u64 = 100_000_000_000;
        /// 9999-12-31T23:59:59.999Z, the last that RFC 3339 can write.
        const LAST: u64 = 253_402_300_799_999;
        let number: u64 = self.0.trim().parse().ok()?;
        let instant = if number < FIRST_MILLISECONDS {
            number * 1000
        } else {
            number
        };
        (number > 0 && instant <= LAST).then_some(instant)
    }

    /// A number.
    pub(super) fn number(&self) -> Option<f64> {
        self.0
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    /// true or false.
    pub(super) fn boolean(&self) -> Option<bool> {
        self.0.parse().ok()
    }

    /// A whole number.
    pub(super) fn whole<T: std::str::FromStr>(&self) -> Option<T> {
        self.0.trim().parse().ok()
    }
}

/// The members of an object, in order. `None` where it is none.
pub(super) fn members(raw: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

    impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct MembersVisitor;

            impl<'de> Visitor<'de> for MembersVisitor {
                type Value = Members<'de>;

                fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Self::Value, A::Error> {
                    let mut members = Vec::new();
                    while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                        members.push((name.0, value));
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(MembersVisitor)
        }
    }
    serde_json::from_str::<Members<'_>>(raw)
        .ok()
        .map(|members| members.0)
}

/// The member of an object; `None` where there is none, or it is `null`.
pub(super) fn member<'a>(raw: &'a str, name: &str) -> Option<&'a RawValue> {
    members(raw)?
        .into_iter()
        .find_map(|(member, value)| (member == name && value.get() != "null").then_some(value))
}

/// An item that could not be read as it stands, without the members that stand in the way, the first of those that stand twice.
/// `None` where it is no object.
pub(super) fn mend(raw: &str, is_sound: impl Fn(&str) -> bool) -> Option<String> {
    let healed = heal_surrogates(raw);
    let mut seen = BTreeSet::new();
    let sound: Vec<String> = members(healed.as_deref().unwrap_or(raw))?
        .into_iter()
        .filter(|(name, _)| seen.insert(name.clone()))
        .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name)))
        .filter(|member| is_sound(&format!("{{{member}}}")))
        .collect();
    Some(format!("{{{}}}", sound.join(",")))
}

/// JSON in which half surrogate pairs (a cut emoji) are U+FFFD, so that its strings can be read. `None` where there are none.
pub(super) fn heal_surrogates(raw: &str) -> Option<String> {
    let mut healed = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut changed = false;
    let unit = |text: &str| {
        text.get(2..6)
            .filter(|_| text.starts_with("\\u"))
            .and_then(|hex| u16::from_str_radix(hex, 16).ok())
    };
    while let Some(at) = rest.find('\\') {
        healed.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match unit(rest) {
            Some(0xD800..=0xDBFF) if matches!(unit(&rest[6..]), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => {
                healed.push_str("\\ufffd");
                rest = &rest[6..];
                changed = true;
                continue;
            }
            Some(_) => 6,
            None => rest.len().min(2),
        };
        // An escape's second character is ASCII in valid JSON; `get` keeps a surprise from being a trap.
        let escape = rest.get(..length)?;
        healed.push_str(escape);
        rest = &rest[length..];
    }
    healed.push_str(rest);
    changed.then_some(healed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Text<'_> {
        Text(Cow::Borrowed(value))
    }

    #[test]
    fn instants_are_read_in_seconds_and_milliseconds() {
        assert_eq!(text("1750000000").instant(), Some(1_750_000_000_000));
        assert_eq!(text("1750000000123").instant(), Some(1_750_000_000_123));
        assert_eq!(text("253402300799999").instant(), Some(253_402_300_799_999));
        for wrong in [
            "",
            "0",
            "-1",
            "soon",
            "1.5",
            "253402300800000",
            "99999999999999999999",
        ] {
            assert_eq!(text(wrong).instant(), None, "{wrong}");
        }
    }

    #[test]
    fn scalars_are_read_in_every_form() {
        let read = |json| {
            serde_json::from_str::<Text<'_>>(json)
                .unwrap()
                .0
                .into_owned()
        };
        assert_eq!(read(r#""a\nb""#), "a\nb");
        assert_eq!(read("12345678901234567890"), "12345678901234567890");
        assert_eq!(read("-3"), "-3");
        assert_eq!(read("1.5"), "1.5");
        assert_eq!(read("true"), "true");
        assert!(serde_json::from_str::<Text<'_>>("{}").is_err());
    }

    #[test]
    fn half_surrogate_pairs_are_healed_and_whole_ones_kept() {
        let healed = heal_surrogates(r#"{"a":"\ud83d\ude00 \ud83d \\ud83d \ude00"}"#).unwrap();
        assert_eq!(healed, r#"{"a":"\ud83d\ude00 \ufffd \\ud83d \ufffd"}"#);
        assert_eq!(heal_surrogates(r#"{"a":"\ud83d\ude00 \n ä"}"#), None);
        assert!(heal_surrogates(r#""\ud83dé\ud83d""#).is_some());
    }
}
