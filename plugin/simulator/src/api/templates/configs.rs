//! `/v1/configs/templates`: 360dialog's own shape (360dialog, message templates API), of which the on-premise API has an
//! older form.

use std::cmp::Ordering;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use super::flaw::{Flaw, insist};
use super::{Template, TemplateStatus, created, detailed};
use crate::api::{not_found, object};
use crate::refusal::Refusal;
use crate::request::{Reply, Seen};
use crate::simulator::Flavour;
use crate::state::State;

/// How many a list has unless it is said.
const LIMIT: usize = 1000;

/// What a name in `sort` and `filters` may begin with, as in 360dialog's own answers.
const PREFIX: &str = "business_templates.";

/// `/v1/configs/templates` and what is below it.
pub(crate) fn configs(state: &mut State, seen: &Seen, rest: &[&str]) -> Result<Reply, Refusal> {
    match (seen.method.as_str(), rest) {
        ("GET", []) => list(state, seen).map_err(detailed),
        ("POST", []) => create(state, seen),
        ("DELETE", [name]) => delete(state, &decoded(name)),
        _ => Err(not_found()),
    }
}

fn list(state: &State, seen: &Seen) -> Result<Reply, Flaw> {
    let number = |name: &str, usual: usize| match seen.parameter(name) {
        Some(text) => text
            .parse()
            .map_err(|_| Flaw::new(format!("{name} must be a number"))),
        None => Ok(usual),
    };
    let (limit, offset) = (number("limit", LIMIT)?, number("offset", 0)?);
    let filters = seen.parameter("filters").unwrap_or_else(|| "{}".to_owned());
    let filters: Map<String, Value> = serde_json::from_str(&filters)
        .map_err(|_| Flaw::new("filters must be a JSON object of members and their values"))?;
    let sort = seen.parameter("sort").unwrap_or_else(|| "id".to_owned());
    // Several are separated by commas: assumed.
    let sort: Vec<_> = sort.split(',').collect();

    let mut items: Vec<_> = state
        .templates
        .all()
        .iter()
        .map(|it| item(state, it))
        .collect();
    items.retain(|item| {
        filters
            .iter()
            .all(|(name, value)| item.get(member(name)) == Some(value))
    });
    for name in &sort {
        sortable(state.options.flavour, name)?;
    }
    items.sort_by(|a, b| {
        let orders = sort.iter().map(|name| order(name, a, b));
        orders.fold(Ordering::Equal, Ordering::then)
    });
    let total = items.len();
    let page = items.into_iter().skip(offset).take(limit);
    let page: Vec<_> = page
        .map(|item| shown(state.options.flavour, item))
        .collect();
    Ok(Reply::ok(&json!({
        "count": page.len(),
        "filters": filters,
        "limit": limit,
        "offset": offset,
        "sort": sort,
        "total": total,
        "waba_templates": page,
    })))
}

fn member(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// The on-premise API sorts "by id, name or status"; which members the Cloud one sorts by is assumed: those of text.
fn sortable(flavour: Flavour, name: &str) -> Result<(), Flaw> {
    let members: &[&str] = match flavour {
        Flavour::OnPremise => &["id", "name", "status"],
        Flavour::Cloud | Flavour::Sandbox => &[
            "id",
            "external_id",
            "name",
            "language",
            "category",
            "status",
            "created_at",
            "modified_at",
        ],
    };
    let sorted = member(name.strip_prefix('-').unwrap_or(name));
    insist(members.contains(&sorted), || {
        format!("sort must be one of {}", members.join(", "))
    })
}

/// A `-` before the name is descending (360dialog, partner API).
fn order(name: &str, a: &Value, b: &Value) -> Ordering {
    let (name, descends) = match name.strip_prefix('-') {
        Some(name) => (member(name), true),
        None => (member(name), false),
    };
    let order = a[name].as_str().cmp(&b[name].as_str());
    if descends { order.reverse() } else { order }
}

fn create(state: &mut State, seen: &Seen) -> Result<Reply, Refusal> {
    let body =
        object(seen).map_err(|_| detailed(Flaw::new("The request's body is no JSON object")))?;
    let template = state.submit(&body).map_err(detailed)?;
    if state.options.flavour != Flavour::OnPremise {
        return Ok(Reply::json(StatusCode::CREATED, &created(&template)));
    }
    let mut answer = body;
    answer["namespace"] = namespace(state).into();
    answer["rejected_reason"] = Value::Null;
    answer["status"] = "submitted".into();
    Ok(Reply::ok(&answer))
}

/// Deletes all languages of a name.
fn delete(state: &mut State, name: &str) -> Result<Reply, Refusal> {
    let now = state.now();
    let deleted = state.templates.remove(now, |it| it.name == name);
    if deleted.map_err(detailed)? == 0 {
        // The status is assumed.
        return Err(Refusal::gateway(StatusCode::NOT_FOUND, "Object not found"));
    }
    let sentence = format!("template name={name} template was deleted");
    let meta = json!({"developer_message": sentence, "http_code": 200, "success": true});
    Ok(Reply::ok(&json!({"meta": meta})))
}

/// A name as it stands in an address.
fn decoded(name: &str) -> String {
    let mut pairs = form_urlencoded::parse(name.as_bytes());
    pairs
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

/// A template as the Cloud flavour lists it. Assumed: 360dialog's ids, and that `updated_external` is what Meta changed.
fn item(state: &State, template: &Template) -> Value {
    let system = json!({"user_id": "system", "user_name": "system"});
    let status = match (state.options.flavour, template.status) {
        (Flavour::Cloud | Flavour::Sandbox, status) => status.as_str().to_lowercase(),
        // "submitted" once it is created, "APPROVED" in lists: 360dialog's help page on templates.
        (Flavour::OnPremise, TemplateStatus::Pending) => "submitted".to_owned(),
        (Flavour::OnPremise, status) => status.as_str().to_owned(),
    };
    json!({
        // As long as 360dialog's, and in the order of creation.
        "id": format!("sim{:0>19}", template.id),
        "external_id": template.id,
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "status": status,
        "rejected_reason": template.reason(),
        "namespace": namespace(state),
        "quality_score": {"score": template.quality()},
        "components": template.components,
        "partner_id": "simulated",
        "waba_account_id": format!("sim{}", state.account_id()),
        "created_at": time(template.created),
        "created_by": system,
        "modified_at": time(template.modified),
        "modified_by": system,
        "updated_external": template.modified != template.created,
    })
}

/// What the flavour shows of a template: the on-premise API has no id, and fewer members.
fn shown(flavour: Flavour, mut item: Value) -> Value {
    const ON_PREMISE: [&str; 7] = [
        "name",
        "namespace",
        "category",
        "components",
        "language",
        "rejected_reason",
        "status",
    ];
    if let (Flavour::OnPremise, Some(members)) = (flavour, item.as_object_mut()) {
        members.retain(|name, _| ON_PREMISE.contains(&name.as_str()));
    }
    item
}

/// Seconds, as in `2023-03-02T13:39:27Z`.
fn time(millis: u64) -> String {
    let seconds = i64::try_from(millis / 1000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::MAX)
        .to_string()
}

/// The account's namespace: hexadecimal digits, 8, 4, 4, 4 and 12 of them. Assumed: made of the number.
fn namespace(state: &State) -> String {
    let digits = hex::encode(Sha256::digest(state.options.number.as_bytes()));
    let groups = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..32],
    ];
    groups.join("_")
}
