//! `fixtures/limits.json`: every limit of the messages, as the last value that is accepted and the first that is refused.
//!
//! Each names the fixture that it is broken `in`, the place (`at`), and one rule:
//!
//! * `text`: so many code points at most, and not blank; `filled`: not blank
//! * `count`: from so many to so many of `item`, whose number stands where `#` does; too many are told `above`
//! * `number`: from this one to that
//! * `good`: each is accepted; `bad`: each of `values` is refused with the code, `told` at another place
//! * `required`: the code with which its absence is refused

use serde::Deserialize;

use super::*;
use crate::fixtures::message;

/// A rule, where it holds, and a fixture to break it in.
#[derive(Deserialize)]
pub(crate) struct Limit {
    pub(crate) r#in: String,
    pub(crate) at: String,
    #[serde(flatten)]
    rule: Rule,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Rule {
    Text {
        text: usize,
    },
    Filled {
        #[serde(rename = "filled")]
        _filled: bool,
    },
    Count {
        count: (usize, usize),
        item: Value,
        above: Option<String>,
    },
    Number {
        number: (i64, i64),
    },
    Good {
        good: Vec<Value>,
    },
    Bad {
        bad: String,
        values: Vec<Value>,
        told: Option<String>,
    },
    Required {
        required: String,
    },
}

/// A value that is refused, or none; where that is told, and with which code.
pub(crate) struct Refused {
    pub(crate) value: Option<Value>,
    pub(crate) pointer: String,
    pub(crate) code: String,
}

pub(crate) fn all() -> Vec<Limit> {
    serde_json::from_str(include_str!("../../fixtures/limits.json")).expect("limits")
}

/// Letters of two bytes each: limits count code points.
fn letters(count: usize) -> Value {
    "é".repeat(count).into()
}

fn many(count: usize, item: &Value) -> Value {
    let item = item.to_string();
    (0..count)
        .map(|i| -> Value {
            serde_json::from_str(&item.replace('#', &i.to_string())).expect("an item")
        })
        .collect()
}

/// `message` with another value at `pointer`; `None` where there is no such place.
pub(crate) fn with(message: &Value, pointer: &str, value: Option<Value>) -> Option<Value> {
    let mut message = message.clone();
    let (parent, member) = pointer.rsplit_once('/')?;
    match message.pointer_mut(parent)? {
        Value::Object(members) => match value {
            Some(value) => drop(members.insert(member.to_owned(), value)),
            None => drop(members.remove(member)),
        },
        Value::Array(items) => *items.get_mut(member.parse::<usize>().ok()?)? = value?,
        _ => return None,
    }
    Some(message)
}

impl Limit {
    /// Whether it can be broken in any message of the kind, whatever else is in it.
    pub(crate) fn holds_anywhere(&self) -> bool {
        match &self.rule {
            Rule::Text { .. } | Rule::Filled { .. } | Rule::Number { .. } => true,
            Rule::Count { above, .. } => above.is_none(),
            Rule::Good { .. } | Rule::Bad { .. } | Rule::Required { .. } => false,
        }
    }

    /// The last values that are good.
    fn good(&self) -> Vec<Value> {
        match &self.rule {
            Rule::Text { text } => vec![letters(1), letters(*text)],
            Rule::Filled { .. } => vec![letters(1)],
            Rule::Count { count, item, .. } => [count.0, count.1].map(|n| many(n, item)).into(),
            Rule::Number { number } => vec![json!(number.0), json!(number.1)],
            Rule::Good { good } => good.clone(),
            Rule::Bad { .. } | Rule::Required { .. } => Vec::new(),
        }
    }

    /// The first values that are refused.
    pub(crate) fn bad(&self) -> Vec<Refused> {
        let at = |pointer: &str, value: Option<Value>, code: &str| Refused {
            value,
            pointer: pointer.to_owned(),
            code: code.to_owned(),
        };
        let here = |value: Value, code| at(&self.at, Some(value), code);
        let blank = || [here("".into(), "blank"), here(" \n".into(), "blank")];
        match &self.rule {
            Rule::Text { text } => blank()
                .into_iter()
                .chain([here(letters(text + 1), "too_long")])
                .collect(),
            Rule::Filled { .. } => blank().into(),
            Rule::Count { count, item, above } => {
                let above = above.as_ref().unwrap_or(&self.at);
                let many = |n| Some(many(n, item));
                vec![
                    at(&self.at, many(count.0 - 1), "wrong_count"),
                    at(above, many(count.1 + 1), "wrong_count"),
                ]
            }
            Rule::Number { number } => [number.0 - 1, number.1 + 1]
                .map(|number| here(number.into(), "out_of_range"))
                .into(),
            Rule::Good { .. } => Vec::new(),
            Rule::Bad { bad, values, told } => values
                .iter()
                .map(|value| at(told.as_ref().unwrap_or(&self.at), Some(value.clone()), bad))
                .collect(),
            Rule::Required { required } => vec![at(&self.at, None, required)],
        }
    }
}

#[test]
fn the_last_good_value_is_sent_and_the_first_bad_one_refused() {
    let mut wrong = Vec::new();
    for limit in all() {
        let Limit {
            r#in: fixture, at, ..
        } = &limit;
        let base = message(fixture);
        for value in limit.good() {
            let changed = with(&base, at, Some(value.clone())).expect(at);
            if let Err(problems) = sent(&changed) {
                wrong.push(format!("{fixture} {at}: {value} is refused: {problems:?}"));
            }
        }
        for refused in limit.bad() {
            let changed = with(&base, at, refused.value.clone()).expect(at);
            let expected = (refused.pointer, refused.code);
            match sent(&changed) {
                Err(problems) if problems.contains(&expected) => {}
                other => wrong.push(format!(
                    "{fixture} {at}: {changed} gives {other:?}, not {expected:?}"
                )),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
