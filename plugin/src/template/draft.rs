//! Drafts in the vendor's own form: the body of a request as 360dialog documents it, or a template of a list.
//!
//! Its `components`, and what stands beside them, are then among the draft's other members. They are put into our form before
//! anything looks at them.

use std::borrow::Cow;

use serde_json::Value;

use super::content::{self, content};
use super::{read, write};
use crate::api;
use crate::bindings::messaging::channel::templates::{Definition, Draft, TemplateCategory};
use crate::bindings::messaging::channel::types::Foreign;
use crate::problem::Problems;

const SOURCE: &str = "360dialog, create and manage template messages";

const COMPONENTS: &str = "components";
/// The code of components that can't be read.
pub(super) const BAD_COMPONENTS: &str = "bad_components";
const FORMAT: &str = "parameter_format";
const TTL: &str = "message_send_ttl_seconds";

/// The members that say which flow a button opens.
const FLOWS: [&str; 3] = ["flow_id", "flow_name", "flow_json"];

/// Members of a listed template that the vendor sets, and that are not submitted. (360dialog, templates; Cloud API, message
/// templates.)
const VENDORS: [&str; 15] = [
    "correct_category",
    "created_at",
    "created_by",
    "external_id",
    "id",
    "modified_at",
    "modified_by",
    "namespace",
    "partner_id",
    "previous_category",
    "quality_score",
    "rejected_reason",
    "status",
    "updated_external",
    "waba_account_id",
];

/// The draft in our form. What is in both forms, or can't be read, is a problem for which the draft is refused.
pub(crate) fn settled<'a>(draft: &'a Draft, problems: &mut Problems) -> Cow<'a, Draft> {
    let category = match &draft.category {
        TemplateCategory::Other(word) => Some(read::category(word))
            // The names before today's stay as they are.
            .filter(|known| word.eq_ignore_ascii_case(write::category(known))),
        _ => None,
    };
    if draft.other.is_empty() && category.is_none() {
        return Cow::Borrowed(draft);
    }
    let mut settled = draft.clone();
    settled.category = category.unwrap_or(settled.category);
    settled.other.clear();
    for member in &draft.other {
        let name = member.kind.as_str();
        let value = value(member);
        let is_twice = match name {
            "name" | "language" | "category" => true,
            COMPONENTS => content(&[], draft.content.parameter_format) != draft.content,
            FORMAT => draft.content.parameter_format.is_some(),
            TTL => draft.ttl_seconds.is_some(),
            _ if VENDORS.contains(&name) => continue,
            _ => {
                settled.other.push(member.clone());
                continue;
            }
        };
        if value == Some(Value::Null) {
            continue;
        }
        if is_twice {
            problems.add(
                format_args!("/{name}"),
                "twice",
                format_args!("The draft has this in our form and, as {name}, in the vendor's: leave one of them out"),
                SOURCE,
            );
            continue;
        }
        match name {
            COMPONENTS => match value {
                Some(Value::Array(items)) if items.iter().all(Value::is_object) => {
                    unambiguous(&format!("/{COMPONENTS}"), &items, problems);
                    settled.content = content(&items, settled.content.parameter_format);
                }
                _ => problems.add(
                    "/components",
                    BAD_COMPONENTS,
                    "This is no list of components: write objects between [ and ], each with a type, such as \
                     {\"type\": \"BODY\", \"text\": \"Hello\"}",
                    SOURCE,
                ),
            },
            FORMAT => {
                let format = api::text(value.as_ref());
                settled.content.parameter_format = format.and_then(|word| read::parameter_format(&word));
                if settled.content.parameter_format.is_none() {
                    problems.add(
                        "/parameter_format",
                        "bad_choice",
                        "There is no such form of variables: write \"positional\" or \"named\"",
                        SOURCE,
                    );
                }
            }
            _ => {
                settled.ttl_seconds = api::text(value.as_ref()).and_then(|ttl| ttl.parse().ok());
                if settled.ttl_seconds.is_none() {
                    problems.add(
                        "/message_send_ttl_seconds",
                        "bad_number",
                        "This is no whole number of seconds: give one, or -1 for the longest",
                        SOURCE,
                    );
                }
            }
        }
    }
    Cow::Owned(settled)
}

/// Adds what reading the components would pass over: lists of buttons behind the first, and more than one source of a flow.
/// (Cloud API, template components.)
fn unambiguous(at: &str, components: &[Value], problems: &mut Problems) {
    const SOURCE: &str = "Cloud API, template components";
    let mut has_buttons = false;
    for (i, component) in components.iter().enumerate() {
        let at = format!("{at}/{i}");
        if content::kind(component) == "BUTTONS" {
            if has_buttons {
                problems.add(
                    &at,
                    "twice",
                    "There are two components of type BUTTONS: put all buttons into one",
                    SOURCE,
                );
            }
            has_buttons = true;
        }
        for (i, button) in content::buttons(component).enumerate() {
            let mut given = FLOWS
                .into_iter()
                .filter(|member| button.get(member).is_some_and(|value| !value.is_null()));
            if let (Some(first), Some(second)) = (given.next(), given.next()) {
                problems.add(
                    format_args!("{at}/buttons/{i}/{second}"),
                    "twice",
                    format_args!(
                        "The button names its flow by {first} and by {second}: leave one of them out"
                    ),
                    SOURCE,
                );
            }
        }
        let cards = component.get("cards").and_then(Value::as_array);
        for (i, card) in cards.into_iter().flatten().enumerate() {
            if let Some(components) = card.get(COMPONENTS).and_then(Value::as_array) {
                unambiguous(
                    &format!("{at}/cards/{i}/{COMPONENTS}"),
                    components,
                    problems,
                );
            }
        }
    }
}

/// A definition in our form: a draft that is looked at as a definition has what stands beside its components among the components of
/// no type.
pub(super) fn settled_definition(definition: &Definition) -> Cow<'_, Definition> {
    let is_vendors = |member: &Foreign| member.kind == COMPONENTS;
    if !definition.content.other.iter().any(is_vendors) {
        return Cow::Borrowed(definition);
    }
    let mut content = definition.content.clone();
    let draft = Draft {
        name: definition.name.clone(),
        language: definition.language.clone(),
        category: definition.category.clone(),
        other: std::mem::take(&mut content.other),
        content,
        ttl_seconds: definition.ttl_seconds,
    };
    let draft = settled(&draft, &mut Problems::default()).into_owned();
    Cow::Owned(Definition {
        category: draft.category,
        content: draft.content,
        ..definition.clone()
    })
}

/// The JSON of a member; `None` where it can't be read, `null` where there is none.
fn value(member: &Foreign) -> Option<Value> {
    match &member.json {
        Some(json) => serde_json::from_str(json).ok(),
        None => Some(Value::Null),
    }
}

fn member(draft: &Draft, name: &str) -> Option<Value> {
    let member = draft.other.iter().find(|member| member.kind == name)?;
    value(member).filter(|value| !value.is_null())
}

/// A pointer into our form as one into the draft as it was given.
pub(crate) fn pointer(our: &str, draft: &Draft) -> String {
    let beside = match our {
        "/ttl_seconds" => TTL,
        "/content/parameter_format" => FORMAT,
        _ => "",
    };
    if let Some((index, member)) = our
        .strip_prefix("/other/")
        .and_then(|path| path.split_once('/'))
    {
        let left = settled(draft, &mut Problems::default());
        let found = index
            .parse()
            .ok()
            .and_then(|index: usize| left.other.get(index));
        // In the vendor's form it stood at the top.
        if let Some(found) = found
            && self::member(draft, COMPONENTS).is_some()
        {
            let name = found.kind.replace('~', "~0").replace('/', "~1");
            return format!("/{name}");
        }
        let index = found.and_then(|found| draft.other.iter().position(|it| it == found));
        return format!("/other/{}/{member}", index.unwrap_or_default());
    }
    if member(draft, beside).is_some() {
        return format!("/{beside}");
    }
    match (our.strip_prefix("/content"), member(draft, COMPONENTS)) {
        (Some(path), Some(Value::Array(components))) => {
            let path: Vec<_> = path.split('/').skip(1).collect();
            format!("/{COMPONENTS}{}", within(&components, &path))
        }
        _ => our.to_owned(),
    }
}

/// The place in a list of components. What is not there is missing in the list.
fn within(components: &[Value], path: &[&str]) -> String {
    let of = |kind: &str, member: &str| {
        let is_kind = |component: &Value| content::kind(component) == kind;
        match (components.iter().position(is_kind), member) {
            (None, _) => String::new(),
            (Some(index), "") => format!("/{index}"),
            (Some(index), member) => format!("/{index}/{member}"),
        }
    };
    match path {
        ["header", rest @ ..] => of("HEADER", text(rest)),
        ["body", "text", rest @ ..] if !rest.is_empty() => of("BODY", text(rest)),
        ["body", rest @ ..] => match rest {
            ["security_recommendation"] => of("BODY", "add_security_recommendation"),
            rest => of("BODY", text(rest)),
        },
        ["footer", rest @ ..] => of("FOOTER", &rest.join("/")),
        ["offer", rest @ ..] => of(
            "LIMITED_TIME_OFFER",
            &join("limited_time_offer", &rest.join("/")),
        ),
        ["call_permission_request"] => of("CALL_PERMISSION_REQUEST", ""),
        ["buttons", index, rest @ ..] => {
            let index = index.parse().unwrap_or(usize::MAX);
            button(components, index, rest).unwrap_or_else(|| of("BUTTONS", "buttons"))
        }
        ["buttons"] => of("BUTTONS", "buttons"),
        ["carousel"] => of("CAROUSEL", "cards"),
        ["carousel", index, rest @ ..] => {
            let carousel = components
                .iter()
                .find(|component| content::kind(component) == "CAROUSEL");
            let card = carousel.and_then(|carousel| {
                carousel
                    .pointer(&format!("/cards/{index}/components"))?
                    .as_array()
            });
            let at = of("CAROUSEL", &format!("cards/{index}"));
            match card {
                Some(card) if !rest.is_empty() => {
                    format!("{at}/{COMPONENTS}{}", within(card, rest))
                }
                _ => at,
            }
        }
        ["other", index, ..] => {
            let other = index.parse().ok().and_then(|index: usize| {
                let content = content(components, None);
                content.other.get(index)?.json.clone()
            });
            let is_it = |component: &Value| Some(component.to_string()) == other;
            let place = components.iter().position(is_it);
            place.map(|index| format!("/{index}")).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// The member of a header or body that has a text and examples.
fn text(path: &[&str]) -> &'static str {
    match path {
        ["text"] => "text",
        ["kind"] => "format",
        ["example" | "examples", ..] => "example",
        _ => "",
    }
}

/// The place of a button: there may be several components of them.
fn button(components: &[Value], index: usize, path: &[&str]) -> Option<String> {
    let mut before = 0;
    let (component, index, button) = components
        .iter()
        .enumerate()
        .filter(|(_, component)| content::kind(component) == "BUTTONS")
        .find_map(|(at, component)| {
            let index = index.checked_sub(before)?;
            before += content::buttons(component).count();
            Some((at, index, content::buttons(component).nth(index)?))
        })?;
    let member = match path.split_first() {
        None | Some((&"json", _)) => String::new(),
        Some((&"flow", _)) => FLOWS
            .into_iter()
            .find(|member| button.get(member).is_some())
            .unwrap_or_default()
            .to_owned(),
        Some((member, rest)) => {
            let member = match *member {
                "kind" if button.get("otp_type").is_some() => "otp_type",
                "kind" => "type",
                "action" => "flow_action",
                "screen" => "navigate_screen",
                "apps" => "supported_apps",
                "link" => "app_deep_link",
                member => member,
            };
            join(member, &rest.join("/"))
        }
    };
    Some(join(&format!("/{component}/buttons/{index}"), &member))
}

fn join(at: &str, member: &str) -> String {
    if member.is_empty() {
        at.to_owned()
    } else {
        format!("{at}/{member}")
    }
}
