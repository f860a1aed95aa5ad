//! What the members of a message must be, as tables of rules.

use serde_json::Value;
use url::Url;

use super::errors::refused;
use crate::refusal::Refusal;

/// What a value must be. What is not so is refused with error 131009, "parameter value is not valid", unless it is said
/// otherwise.
#[derive(Clone, Copy)]
pub(crate) enum Rule {
    /// Anything.
    Any,
    /// A string of no more than so many characters. Characters are Unicode code points: assumed, as Meta does not say.
    Text(usize),
    /// The same, where a longer one is refused with another code.
    Limited(usize, u32),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// Something that is so, and what to say where it is not.
    Such(fn(&Value) -> bool, &'static str),
    /// All of these.
    All(&'static [Rule]),
    /// A list of so many elements at least and at most.
    List(usize, usize, &'static Rule),
    /// An object with these members and no others: error 100, "unsupported or misspelled parameters".
    Object(&'static [Field]),
    /// An object with these members, and perhaps others.
    Open(&'static [Field]),
}

/// A member of an object.
#[derive(Clone, Copy)]
pub(crate) enum Field {
    /// It must be there (error 131008). That an empty string is as good as none, and null as well, is assumed.
    Must(&'static str, Rule),
    /// It may be there.
    May(&'static str, Rule),
}

/// A string, however long.
pub(crate) const TEXT: Rule = Rule::Text(usize::MAX);

/// A truth value.
pub(super) const FLAG: Rule = Rule::Such(Value::is_boolean, "must be true or false");

/// An address of the web. That other schemes are refused is assumed.
pub(crate) const WEB: Rule = Rule::Such(
    |value| scheme_is(value, &["http", "https"]),
    "must be an http or https URL",
);

/// An address of a file: "https, reachable by Meta". That one which is none is refused at once is assumed.
pub(super) const HTTPS: Rule =
    Rule::Such(|value| scheme_is(value, &["https"]), "must be an https URL");

fn scheme_is(value: &Value, schemes: &[&str]) -> bool {
    let url = value.as_str().and_then(|text| Url::parse(text).ok());
    url.is_some_and(|url| schemes.contains(&url.scheme()))
}

impl Rule {
    /// Whether a value is as it must be. `at` is where it stands, as in `text.body`.
    pub(crate) fn check(&self, value: &Value, at: &str) -> Result<(), Refusal> {
        match *self {
            Self::Any => Ok(()),
            Self::Text(longest) => no_longer(value, at, longest, 131_009),
            Self::Limited(longest, code) => no_longer(value, at, longest, code),
            Self::OneOf(known) if value.as_str().is_some_and(|it| known.contains(&it)) => Ok(()),
            Self::OneOf(known) => Err(invalid(at, &format!("must be {}", known.join(" or ")))),
            Self::Such(is_so, _) if is_so(value) => Ok(()),
            Self::Such(_, why) => Err(invalid(at, why)),
            Self::All(rules) => rules.iter().try_for_each(|rule| rule.check(value, at)),
            Self::List(least, most, of) => {
                let list = value.as_array();
                let list = list.ok_or_else(|| invalid(at, "must be a list"))?;
                if !(least..=most).contains(&list.len()) {
                    let why = format!("must have {least} to {most} elements");
                    return Err(invalid(at, &why));
                }
                let mut elements = list.iter().enumerate();
                elements.try_for_each(|(nth, it)| of.check(it, &format!("{at}[{nth}]")))
            }
            Self::Object(fields) => object(fields, value, at),
            Self::Open(fields) => members(fields, value, at),
        }
    }
}

/// Whether it is an object with these members and no others.
pub(crate) fn object(fields: &[Field], value: &Value, at: &str) -> Result<(), Refusal> {
    let names = value.as_object().into_iter().flat_map(|it| it.keys());
    let known = |name: &String| fields.iter().any(|field| field.name() == name);
    if let Some(unknown) = names.into_iter().find(|name| !known(name)) {
        let details = format!("{} is not supported", below(at, unknown));
        return Err(refused(100, details));
    }
    members(fields, value, at)
}

fn members(fields: &[Field], value: &Value, at: &str) -> Result<(), Refusal> {
    if !value.is_object() {
        return Err(invalid(at, "must be an object"));
    }
    for field in fields {
        let at = below(at, field.name());
        match (field, &value[field.name()]) {
            (Field::May(..), Value::Null) => {}
            (Field::Must(..), Value::Null) => return Err(missing(&at)),
            (Field::Must(..), Value::String(text)) if text.is_empty() => return Err(missing(&at)),
            (Field::Must(_, rule) | Field::May(_, rule), value) => rule.check(value, &at)?,
        }
    }
    Ok(())
}

impl Field {
    fn name(&self) -> &'static str {
        let (Self::Must(name, _) | Self::May(name, _)) = self;
        name
    }
}

fn no_longer(value: &Value, at: &str, longest: usize, code: u32) -> Result<(), Refusal> {
    let text = value.as_str();
    let text = text.ok_or_else(|| invalid(at, "must be a string"))?;
    let length = text.chars().count();
    if length <= longest {
        return Ok(());
    }
    let details = format!("{at} has {length} characters; {longest} is the most");
    Err(refused(code, details))
}

fn below(at: &str, name: &str) -> String {
    if at.is_empty() {
        name.to_owned()
    } else {
        format!("{at}.{name}")
    }
}

/// What must be there and is not (Cloud API, error 131008).
pub(crate) fn missing(at: &str) -> Refusal {
    refused(131_008, format!("{at} is required"))
}

/// What is there but not as it must be (Cloud API, error 131009).
pub(crate) fn invalid(at: &str, why: &str) -> Refusal {
    refused(131_009, format!("{at} {why}"))
}
