//! The id of an event: a hash that does not change when the same item is delivered again, alone, in another batch, or
//! written with other spaces, escapes or order of members.

use blake2::Blake2bVar;
use blake2::digest::{Update, VariableOutput};
use std::ops::Range;

/// Deeper than this an item's bytes count as they stand: no real webhook nests so deep, and the walk stays bounded.
const MAX_DEPTH: usize = 64;

/// Bytes of the hash; two different items share an id with a probability of 2⁻⁶⁴ after 2³² of them.
const HASH_BYTES: usize = 16;

/// Where an item stood; hashed beside the item, so that equal items of two numbers are two events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) account: Option<&'a str>,
    pub(super) number: Option<&'a str>,
    pub(super) field: Option<&'a str>,
    pub(super) time: Option<u64>,
    pub(super) list: &'a str,
}

/// The id of the item `raw`, which must be valid JSON. `buffer` is only there to be used again.
pub(super) fn event_id(place: Place<'_>, raw: &str, buffer: &mut Vec<u8>) -> String {
    buffer.clear();
    let time = place.time.map(|time| time.to_string());
    for part in [
        place.account,
        place.number,
        place.field,
        time.as_deref(),
        Some(place.list),
    ] {
        // Length first: no two lists of parts give the same bytes.
        if let Some(part) = part {
            buffer.extend_from_slice(&(part.len() as u64 + 1).to_le_bytes());
            buffer.extend_from_slice(part.as_bytes());
        } else {
            buffer.extend_from_slice(&0_u64.to_le_bytes());
        }
    }
    Canonical {
        json: raw.as_bytes(),
        at: 0,
        out: buffer,
    }
    .value(0);

    let mut hash = [0; HASH_BYTES];
    let mut hasher = Blake2bVar::new(HASH_BYTES).expect("BLAKE2b makes hashes of 1 to 64 bytes");
    hasher.update(buffer);
    hasher
        .finalize_variable(&mut hash)
        .expect("the output is as long as the hasher was made for");
    hash.iter()
        .fold(String::with_capacity(HASH_BYTES * 2), |mut id, byte| {
            for nibble in [byte >> 4, byte & 15] {
                id.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
            }
            id
        })
}

/// Writes JSON in one form: no spaces, members sorted by name, strings with the fewest escapes, numbers as plain decimals.
struct Canonical<'a, 'b> {
    json: &'a [u8],
    at: usize,
    out: &'b mut Vec<u8>,
}

impl Canonical<'_, '_> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.json.get(self.at) {
            self.at += 1;
        }
        self.json.get(self.at).copied()
    }

    fn value(&mut self, depth: usize) {
        match self.peek() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => self.verbatim(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string(),
            Some(_) => self.scalar(),
            None => {}
        }
    }

    fn object(&mut self, depth: usize) {
        self.at += 1;
        self.out.push(b'{');
        let start = self.out.len();
        let mut members: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        let mut sorted = true;
        while let Some(byte) = self.peek() {
            match byte {
                b'}' => {
                    self.at += 1;
                    break;
                }
                b',' => self.at += 1,
                _ => {
                    let from = self.out.len();
                    self.string();
                    let name = from..self.out.len();
                    if self.peek() == Some(b':') {
                        self.at += 1;
                    }
                    self.out.push(b':');
                    self.value(depth + 1);
                    sorted &= members
                        .last()
                        .is_none_or(|(last, _)| self.out[last.clone()] <= self.out[name.clone()]);
                    members.push((name, from..self.out.len()));
                }
            }
        }
        if !sorted {
            // Stable: members of one name keep their order, and so their meaning.
            members.sort_by(|(a, _), (b, _)| self.out[a.clone()].cmp(&self.out[b.clone()]));
            let body: Vec<u8> = members
                .iter()
                .flat_map(|(_, member)| &self.out[member.clone()])
                .copied()
                .collect();
            self.out[start..].copy_from_slice(&body);
        }
        self.out.push(b'}');
    }

    fn array(&mut self, depth: usize) {
        self.at += 1;
        self.out.push(b'[');
        while let Some(byte) = self.peek() {
            match byte {
                b']' => {
                    self.at += 1;
                    break;
                }
                b',' => self.at += 1,
                _ => {
                    self.value(depth + 1);
                    self.out.push(b',');
                }
            }
        }
        self.out.push(b']');
    }

    fn string(&mut self) {
        let start = self.at;
        let mut escaped = false;
        self.at += 1;
        while let Some(&byte) = self.json.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 1;
                }
                _ => {}
            }
        }
        let text = &self.json[start..self.at.min(self.json.len())];
        let decoded = escaped
            .then(|| serde_json::from_slice::<String>(text).ok())
            .flatten();
        match decoded {
            Some(decoded) => {
                serde_json::to_writer(&mut *self.out, &decoded).expect("a Vec takes every write");
            }
            // Without escapes there is one way to write it; half a surrogate pair has no text to decode to.
            None => self.out.extend_from_slice(text),
        }
    }

    fn scalar(&mut self) {
        let start = self.at;
        while let Some(byte) = self.json.get(self.at)
            && !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r')
        {
            self.at += 1;
        }
        let text = &self.json[start..self.at];
        if text
            .iter()
            .any(|byte| matches!(byte, b'.' | b'e' | b'E') || text == b"-0")
            && let Some(number) = std::str::from_utf8(text).ok().and_then(plain_decimal)
        {
            self.out.extend_from_slice(number.as_bytes());
        } else {
            self.out.extend_from_slice(text);
        }
    }

    /// The array or object at hand, byte for byte.
    fn verbatim(&mut self) {
        let start = self.at;
        let mut open = 0_usize;
        let mut quoted = false;
        while let Some(&byte) = self.json.get(self.at) {
            self.at += 1;
            match byte {
                b'\\' if quoted => self.at += 1,
                b'"' => quoted = !quoted,
                b'{' | b'[' if !quoted => open += 1,
                b'}' | b']' if !quoted => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                }
                _ => {}
            }
        }
        let end = self.at.min(self.json.len());
        self.out.extend_from_slice(&self.json[start..end]);
    }
}

/// A JSON number with point or exponent as digits alone, exactly: `1.50e2` and `150.0` are `150`. `None` where that would
/// take many more digits than were written.
fn plain_decimal(text: &str) -> Option<String> {
    const MOST_ZEROS: i64 = 32;
    let (sign, number) = text
        .strip_prefix('-')
        .map_or(("", text), |number| ("-", number));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.parse().ok()?;

    let digits = format!("{whole}{fraction}");
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let digits = digits.trim_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let point = point.checked_sub(i64::try_from(leading).ok()?)?;
    let length = i64::try_from(digits.len()).ok()?;
    if point <= -MOST_ZEROS || point - length >= MOST_ZEROS {
        return None;
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    Some(if point <= 0 {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else if point >= length {
        format!("{sign}{digits}{}", zeros(point - length))
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(point).ok()?);
        format!("{sign}{whole}.{fraction}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn id(raw: &str) -> String {
        let place = Place {
            account: Some("1"),
            number: Some("2"),
            field: Some("messages"),
            time: None,
            list: "messages",
        };
        event_id(place, raw, &mut Vec::new())
    }

    #[test]
    fn spaces_order_escapes_and_the_form_of_numbers_do_not_matter() {
        let written = r#"{"id":"wamid.A","n":1.50e2,"text":{"body":"ä/","x":[1,{"b":2,"a":[]}]}}"#;
        let rewritten = r#" { "text" : {"x":[ 1 , {"a":[],"b":2 } ],"body":"\u00e4\/"}, "n" : 150,
            "id":"wamid.A"}"#;
        assert_eq!(id(written), id(rewritten));
    }

    #[test]
    fn different_items_have_different_ids() {
        let items = [
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":-1}"#,
            r#"{"a":1.1}"#,
            r#"{"a":[1]}"#,
            r#"{"a":[1,1]}"#,
            r#"{"a":[[1],1]}"#,
            r#"{"a":null}"#,
            r#"{"b":1}"#,
            r#"{"a":1,"b":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":12345678901234567890123}"#,
            r#"{"a":12345678901234567890124}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\ud801"}"#,
            r#"{"a":"a\",\"b\":\"c"}"#,
            r#"{"a":"a","b":"c"}"#,
            r#"{"a":1e400}"#,
            r#"{"a":1e401}"#,
        ];
        let ids: std::collections::BTreeSet<String> = items.iter().map(|item| id(item)).collect();
        assert_eq!(ids.len(), items.len());
    }

    #[test]
    fn the_place_counts() {
        let place = Place {
            account: Some("1"),
            number: None,
            field: None,
            time: Some(5),
            list: "messages",
        };
        let ids: std::collections::BTreeSet<String> = [
            place,
            Place {
                account: None,
                number: Some("1"),
                ..place
            },
            Place {
                time: None,
                ..place
            },
            Place {
                field: Some(""),
                ..place
            },
            Place {
                list: "statuses",
                ..place
            },
        ]
        .into_iter()
        .map(|place| event_id(place, "{}", &mut Vec::new()))
        .collect();
        assert_eq!(ids.len(), 5);
    }

    #[test]
    fn deep_nesting_is_bounded_and_still_counts() {
        let deep =
            |depth: usize, core: &str| format!("{}{core}{}", "[".repeat(depth), "]".repeat(depth));
        assert_ne!(id(&deep(100_000, "1")), id(&deep(100_000, "2")));
        assert_ne!(id(&deep(70, "\"]\"")), id(&deep(70, "\"}\"")));
    }

    #[test]
    fn numbers_are_written_exactly() {
        for (number, plain) in [
            ("1.0", "1"),
            ("1e3", "1000"),
            ("-1.50E-2", "-0.015"),
            ("0.0", "0"),
            ("-0.0", "0"),
            ("123.456e1", "1234.56"),
            ("0.001", "0.001"),
            ("100e-1", "10"),
        ] {
            assert_eq!(plain_decimal(number).as_deref(), Some(plain), "{number}");
        }
        assert_eq!(plain_decimal("1e999999999999999999999"), None);
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn an_id_follows_the_value(a in json(), b in json()) {
            prop_assert_eq!(id(&a.to_string()), id(&serde_json::to_string_pretty(&a).unwrap()));
            prop_assert_eq!(a == b, id(&a.to_string()) == id(&b.to_string()));
        }
    }
}
