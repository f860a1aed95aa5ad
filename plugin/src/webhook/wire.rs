//! What stands in the vendor's JSON, read without copying. Every member may be absent; scalars may be written in the forms
//! that the vendor and its intermediaries have been seen to use (numbers as strings, strings as numbers).

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

use crate::window::days;

/// A string, or a number or boolean in its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

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
                Ok(Text(Cow::Owned(decimal(number))))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_string())))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

/// An instant in milliseconds: seconds as a rule, milliseconds where the number is too large for seconds before the year 5138.
/// `None` for what is no instant.
pub(super) fn instant(text: &str) -> Option<u64> {
    const FIRST_MILLISECONDS: u64 = 100_000_000_000;
    /// 9999-12-31T23:59:59.999Z, the last that RFC 3339 can write.
    const LAST: u64 = 253_402_300_799_999;
    let number: u64 = text.trim().parse().ok()?;
    let instant = if number < FIRST_MILLISECONDS {
        number * 1000
    } else {
        number
    };
    (number > 0 && instant <= LAST).then_some(instant)
}

/// A number.
pub(super) fn number(text: &str) -> Option<f64> {
    let number: f64 = text.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

/// A number as text; with an exponent where JavaScript writes one, so that `1e300` is not 300 zeros.
pub(super) fn decimal(number: f64) -> String {
    if number == 0.0 || (1e-6..1e21).contains(&number.abs()) {
        number.to_string()
    } else {
        format!("{number:e}")
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
                    while let Some((name, value)) = map.next_entry::<&'de RawValue, _>()? {
                        members.push((self::name(name.get()), value));
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

/// A member's name. One with half a surrogate pair must not hide the members beside it.
fn name(raw: &str) -> Cow<'_, str> {
    if let Ok(name) = serde_json::from_str::<Text<'_>>(raw) {
        return name.0;
    }
    heal_surrogates(raw)
        .and_then(|healed| serde_json::from_str(&healed).ok())
        .map_or(Cow::Borrowed(raw), Cow::Owned)
}

/// The member of an object; `None` where there is none, or it is `null`.
pub(super) fn member<'a>(raw: &'a str, name: &str) -> Option<&'a RawValue> {
    members(raw)?
        .into_iter()
        .find_map(|(member, value)| (member == name && value.get() != "null").then_some(value))
}

/// The first instant of a day that is written as in `April 17, 2025`, in milliseconds. (Cloud API, `account_update`: `waba_ban_date`.)
pub(super) fn long_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let (day, year) = text.trim().split_once(", ")?;
    let (month, day) = day.split_once(' ')?;
    let month = MONTHS.iter().position(|name| *name == month)?;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    days(year, month as u64 + 1, day).map(|days| days * 86_400_000)
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

    #[test]
    fn instants_are_read_in_seconds_and_milliseconds() {
        assert_eq!(instant("1750000000"), Some(1_750_000_000_000));
        assert_eq!(instant("1750000000123"), Some(1_750_000_000_123));
        assert_eq!(instant("253402300799999"), Some(253_402_300_799_999));
        for wrong in [
            "",
            "0",
            "-1",
            "soon",
            "1.5",
            "253402300800000",
            "99999999999999999999",
        ] {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn days_are_read_as_meta_writes_them() {
        assert_eq!(long_date("April 17, 2025"), Some(1_744_848_000_000));
        assert_eq!(long_date("January 1, 1970"), Some(0));
        assert_eq!(long_date("February 29, 2024"), Some(1_709_164_800_000));
        for wrong in [
            "",
            "April 2025",
            "Avril 17, 2025",
            "April 32, 2025",
            "April 17, 0",
            "2025-04-17",
        ] {
            assert_eq!(long_date(wrong), None, "{wrong}");
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
        assert_eq!(read("1e3"), "1000");
        assert_eq!(read("-1e20"), "-100000000000000000000");
        assert_eq!(read("1e300"), "1e300");
        assert_eq!(read("2.5e-7"), "2.5e-7");
        assert_eq!(read("0.0"), "0");
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
