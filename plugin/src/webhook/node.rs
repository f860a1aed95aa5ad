//! An item's JSON, which remembers what of it has been read.
//!
//! Readers take the members that the contract has a place for. What nobody takes becomes an attribute with its path, so that no
//! value is lost, whatever the vendor adds. A member of a type that it should not have is read by nobody, and so costs itself alone.

use super::wire::{self, Text};
use crate::bindings::messaging::channel::types::{Attribute, Scalar};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// No real webhook nests so deep. What lies deeper stands in the raw item alone.
const MAX_DEPTH: usize = 32;

/// Attributes of one item are at most so many times as long as the item: paths repeat what they lead through.
const MAX_GROWTH: usize = 4;

/// Reads valid JSON as a tree.
pub(super) fn read<R>(json: &str, read: impl FnOnce(&Node<'_>) -> R) -> R {
    if let Some(node) = Node::parse(json, 0) {
        return read(&node);
    }
    let healed = wire::heal_surrogates(json);
    read(&Node::parse_by_parts(healed.as_deref().unwrap_or(json), 0))
}

/// A value and whether it was taken.
pub(super) struct Node<'a> {
    value: Value<'a>,
    taken: Cell<bool>,
}

enum Value<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    /// Beyond `i64`.
    Unsigned(u64),
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
    /// A container below [`MAX_DEPTH`].
    Deep,
}

impl<'a> Node<'a> {
    /// `None` where a string or number can't be read.
    fn parse(json: &'a str, depth: usize) -> Option<Self> {
        Level(depth)
            .deserialize(&mut serde_json::Deserializer::from_str(json))
            .ok()
    }

    /// Reads JSON without half surrogate pairs value by value: a number beyond all bounds is text.
    fn parse_by_parts(json: &'a str, depth: usize) -> Self {
        let part = |json: &'a RawValue| Self::parse_by_parts(json.get(), depth + 1);
        match json.as_bytes().first() {
            Some(b'{') if depth < MAX_DEPTH => {
                let members = wire::members(json).unwrap_or_default().into_iter();
                Value::Object(members.map(|(name, value)| (name, part(value))).collect()).into()
            }
            Some(b'[') if depth < MAX_DEPTH => {
                let elements: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
                Value::List(elements.into_iter().map(part).collect()).into()
            }
            _ => {
                Self::parse(json, depth).unwrap_or_else(|| Value::Text(Cow::Borrowed(json)).into())
            }
        }
    }

    pub(super) fn is_object(&self) -> bool {
        matches!(self.value, Value::Object(_))
    }

    /// The member at a path of names with `/` between them; the first of its name that is not `null`.
    pub(super) fn get(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |node, name| {
            let Value::Object(members) = &node.value else {
                return None;
            };
            members.iter().find_map(|(member, node)| {
                (member == name && !matches!(node.value, Value::Null)).then_some(node)
            })
        })
    }

    /// The elements of a list; an object or scalar in its place is its only element.
    pub(super) fn list(&self, path: &str) -> &[Self] {
        match self.get(path) {
            Some(Self {
                value: Value::List(elements),
                ..
            }) => elements,
            Some(single) => std::slice::from_ref(single),
            None => &[],
        }
    }

    /// The elements of a list that are objects.
    pub(super) fn objects(&self, path: &str) -> impl Iterator<Item = &Self> {
        self.list(path).iter().filter(|node| node.is_object())
    }

    /// A scalar as text, to decide by; it is still to be taken. An empty one counts as absent.
    pub(super) fn word(&self, path: &str) -> Option<Cow<'_, str>> {
        self.get(path)?.scalar().filter(|text| !text.is_empty())
    }

    /// Takes a scalar as text. An empty one counts as absent.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.get(path)?.own_text()
    }

    /// Takes a scalar as text.
    pub(super) fn text_or_empty(&self, path: &str) -> Option<String> {
        self.take_as(path, |text| Some(text.to_owned()))
    }

    /// Takes this scalar as text. An empty one counts as absent.
    pub(super) fn own_text(&self) -> Option<String> {
        let text = self.scalar().filter(|text| !text.is_empty())?;
        self.taken.set(true);
        Some(text.into_owned())
    }

    /// Takes an instant, in milliseconds.
    pub(super) fn instant(&self, path: &str) -> Option<u64> {
        self.take_as(path, wire::instant)
    }

    /// Takes a number.
    pub(super) fn number(&self, path: &str) -> Option<f64> {
        self.take_as(path, wire::number)
    }

    /// Takes a whole number.
    pub(super) fn whole<T: std::str::FromStr>(&self, path: &str) -> Option<T> {
        self.take_as(path, |text| text.trim().parse().ok())
    }

    /// Takes true or false.
    pub(super) fn boolean(&self, path: &str) -> Option<bool> {
        self.take_as(path, |text| text.parse().ok())
    }

    fn take_as<T>(&self, path: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let node = self.get(path)?;
        let read = read(&node.scalar()?)?;
        node.taken.set(true);
        Some(read)
    }

    /// Takes a member with everything in it.
    pub(super) fn take(&self, path: &str) {
        if let Some(node) = self.get(path) {
            node.taken.set(true);
        }
    }

    /// Takes a word that the event says in the same letters.
    pub(super) fn take_word(&self, path: &str, said: &str) {
        if self.word(path).as_deref() == Some(said) {
            self.take(path);
        }
    }

    fn scalar(&self) -> Option<Cow<'_, str>> {
        Some(match &self.value {
            Value::Text(text) => Cow::Borrowed(text.as_ref()),
            Value::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Value::Integer(number) => Cow::Owned(number.to_string()),
            Value::Unsigned(number) => Cow::Owned(number.to_string()),
            Value::Number(number) => Cow::Owned(wire::decimal(*number)),
            Value::Null | Value::List(_) | Value::Object(_) | Value::Deep => return None,
        })
    }

    /// What nobody has taken of an item of so many bytes.
    pub(super) fn attributes(&self, length: usize) -> Vec<Attribute> {
        let mut rest = Rest {
            attributes: Vec::new(),
            path: String::new(),
            budget: MAX_GROWTH * length,
        };
        rest.collect(self);
        rest.attributes
    }
}

impl<'a> From<Value<'a>> for Node<'a> {
    fn from(value: Value<'a>) -> Self {
        Self {
            value,
            taken: Cell::new(false),
        }
    }
}

struct Rest {
    attributes: Vec<Attribute>,
    path: String,
    budget: usize,
}

impl Rest {
    fn collect(&mut self, node: &Node<'_>) {
        if node.taken.get() {
            return;
        }
        let value = match &node.value {
            Value::Object(members) => {
                for (name, member) in members {
                    self.step(name, member);
                }
                return;
            }
            Value::List(elements) => {
                for (at, element) in elements.iter().enumerate() {
                    self.step(&at.to_string(), element);
                }
                return;
            }
            Value::Null | Value::Deep => return,
            Value::Boolean(value) => Scalar::Boolean(*value),
            Value::Integer(number) => Scalar::Integer(*number),
            // The contract's integers are signed; digits matter more than the type.
            Value::Unsigned(number) => Scalar::Text(number.to_string()),
            Value::Number(number) => Scalar::Number(*number),
            Value::Text(text) => Scalar::Text(text.clone().into_owned()),
        };
        let length = match &value {
            Scalar::Text(text) => text.len(),
            _ => 1,
        };
        if let Some(budget) = self.budget.checked_sub(self.path.len() + length) {
            self.budget = budget;
            self.attributes.push(Attribute {
                path: self.path.clone(),
                value,
            });
        }
    }

    fn step(&mut self, name: &str, node: &Node<'_>) {
        let length = self.path.len();
        self.path.push('/');
        if name.contains(['~', '/']) {
            let escaped = name.replace('~', "~0").replace('/', "~1");
            self.path.push_str(&escaped);
        } else {
            self.path.push_str(name);
        }
        self.collect(node);
        self.path.truncate(length);
    }
}

/// Reads a value that lies so deep.
struct Level(usize);

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node<'de>, D::Error> {
        deserializer.deserialize_any(self).map(Node::from)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }
    fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<Value<'de>, E> {
        Ok(Value::Boolean(value))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(Value::Integer(number))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(i64::try_from(number).map_or(Value::Unsigned(number), Value::Integer))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Value<'de>, E> {
        // A whole number beyond 64 bits would lose digits: it is read by parts, as text.
        if number.abs() >= 1e19 {
            return Err(E::custom("a number beyond 64 bits"));
        }
        Ok(Value::Number(number))
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
        let Self(depth) = self;
        if depth == MAX_DEPTH {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Value::Deep);
        }
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(Level(depth + 1))? {
            elements.push(element);
        }
        Ok(Value::List(elements))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let Self(depth) = self;
        if depth == MAX_DEPTH {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Value::Deep);
        }
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            members.push((name.0, map.next_value_seed(Level(depth + 1))?));
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(node: &Node<'_>, json: &str) -> Vec<(String, Scalar)> {
        let attributes = node.attributes(json.len()).into_iter();
        attributes
            .map(|attribute| (attribute.path, attribute.value))
            .collect()
    }

    #[test]
    fn what_nobody_takes_is_an_attribute() {
        let json = r#"{"id":"1","a/b":{"~":[true,null,""]},"n":[18446744073709551615,-1,2.5],"t":"7","t":"8"}"#;
        let node = Node::parse(json, 0).unwrap();
        assert_eq!(node.text("id").as_deref(), Some("1"));
        assert_eq!(node.whole::<u8>("t"), Some(7));
        assert_eq!(node.text("a/b"), None);
        assert_eq!(node.instant("n"), None);
        let expected = [
            ("/a~1b/~0/0", Scalar::Boolean(true)),
            ("/a~1b/~0/2", Scalar::Text(String::new())),
            ("/n/0", Scalar::Text("18446744073709551615".to_owned())),
            ("/n/1", Scalar::Integer(-1)),
            ("/n/2", Scalar::Number(2.5)),
            ("/t", Scalar::Text("8".to_owned())),
        ]
        .map(|(path, value)| (path.to_owned(), value));
        assert_eq!(attributes(&node, json), expected);
        node.take("n");
        assert_eq!(attributes(&node, json).len(), 3);
    }

    #[test]
    fn deep_and_wide_items_give_attributes_in_proportion() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(attributes(&Node::parse(&deep, 0).unwrap(), &deep).is_empty());

        let name = "n".repeat(1000);
        let wide = format!(r#"{{"{name}":{{"{name}":[{}1]}}}}"#, "1,".repeat(2000));
        let node = Node::parse(&wide, 0).unwrap();
        let length: usize = attributes(&node, &wide)
            .iter()
            .map(|(path, _)| path.len())
            .sum();
        assert!(length > 0 && length <= MAX_GROWTH * wide.len());
    }

    #[test]
    fn no_digit_of_a_long_number_is_lost() {
        let json = r#"{"id":123456789012345678901234567890,"n":18446744073709551615,"m":-9223372036854775809}"#;
        read(json, |node| {
            assert_eq!(
                node.text("id").as_deref(),
                Some("123456789012345678901234567890")
            );
            assert_eq!(node.text("n").as_deref(), Some("18446744073709551615"));
            assert_eq!(node.number("m"), Some(-9_223_372_036_854_775_809.0));
        });
    }

    #[test]
    fn a_number_beyond_all_bounds_costs_nothing_else() {
        let json = r#"{"a":[{"b":1e999,"c":"d"}]}"#;
        assert!(Node::parse(json, 0).is_none());
        let node = Node::parse_by_parts(json, 0);
        let item = node.objects("a").next().unwrap();
        assert_eq!(item.word("b").as_deref(), Some("1e999"));
        assert_eq!(item.number("b"), None);
        assert_eq!(item.text("c").as_deref(), Some("d"));
    }
}
