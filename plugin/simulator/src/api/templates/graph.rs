//! `/message_templates`: Meta's shape, passed through (Cloud API, template management).

use serde_json::{Value, json};

use super::flaw::Flaw;
use super::{Template, created, explained};
use crate::api::{not_found, object};
use crate::refusal::Refusal;
use crate::request::{Reply, Seen};
use crate::state::State;

/// How many a page has unless it is said: assumed.
const LIMIT: usize = 25;

/// How many `hsm_ids` may name.
const MOST_DELETED: usize = 100;

/// What a template says of itself unless `fields` asks: assumed.
const FIELDS: &str = "name,parameter_format,components,language,status,category";

/// `/message_templates` and what is below it.
pub(crate) fn graph(state: &mut State, seen: &Seen, rest: &[&str]) -> Result<Reply, Refusal> {
    match (seen.method.as_str(), rest) {
        ("GET", []) => list(state, seen),
        ("POST", []) => {
            let template = state.submit(&object(seen)?).map_err(explained)?;
            Ok(Reply::ok(&created(&template)))
        }
        ("DELETE", []) => delete(state, seen),
        ("GET", [id]) => {
            let template = state.templates.get(id).map_err(explained)?;
            Ok(Reply::ok(&fields(template, seen)))
        }
        ("POST", [id]) => {
            state.edit(id, &object(seen)?).map_err(explained)?;
            Ok(done())
        }
        _ => Err(not_found()),
    }
}

fn done() -> Reply {
    Reply::ok(&json!({"success": true}))
}

/// A page. Cursors are ids, which grow: assumed, as is that templates are in the order in which they were created.
fn list(state: &State, seen: &Seen) -> Result<Reply, Refusal> {
    let limit = match seen.parameter("limit").map(|limit| limit.parse()) {
        None => LIMIT,
        Some(Ok(limit)) if limit > 0 => limit,
        Some(_) => return Err(explained(Flaw::new("limit must be a positive number"))),
    };
    let all = state.templates.all();
    let (start, end) = match (seen.parameter("after"), seen.parameter("before")) {
        (Some(after), _) => {
            let start = all.partition_point(|it| it.id <= after);
            (start, all.len().min(start.saturating_add(limit)))
        }
        (None, Some(before)) => {
            let end = all.partition_point(|it| it.id < before);
            (end.saturating_sub(limit), end)
        }
        (None, None) => (0, all.len().min(limit)),
    };
    let page = &all[start..end];
    let items: Vec<_> = page.iter().map(|it| fields(it, seen)).collect();
    let mut answer = json!({"data": items});
    if let (Some(first), Some(last)) = (page.first(), page.last()) {
        // Meta's host, which a client of 360dialog's can't reach with its key: it goes on by the cursor.
        let account = state.account_id();
        let address = |cursor: &str, id: &str| {
            format!(
                "https://graph.facebook.com/v24.0/{account}/message_templates?limit={limit}&{cursor}={id}"
            )
        };
        let mut paging = json!({"cursors": {"before": first.id, "after": last.id}});
        if end < all.len() {
            paging["next"] = address("after", &last.id).into();
        }
        if start > 0 {
            paging["previous"] = address("before", &first.id).into();
        }
        answer["paging"] = paging;
    }
    Ok(Reply::ok(&answer))
}

/// What was asked of a template.
fn fields(template: &Template, seen: &Seen) -> Value {
    let mut whole = json!({
        "id": template.id,
        "name": template.name,
        "language": template.language,
        "category": template.category,
        "status": template.status.as_str(),
        "components": template.components,
        "parameter_format": template.parameter_format,
        "rejected_reason": template.reason(),
        "quality_score": {"score": template.quality(), "date": template.modified / 1000},
    });
    if let Some(category) = &template.previous_category {
        whole["previous_category"] = category.as_str().into();
    }
    seen.fields(&whole, FIELDS)
}

/// By `name` all languages; by `hsm_id`, with `name` or without, or by `hsm_ids` single ones.
fn delete(state: &mut State, seen: &Seen) -> Result<Reply, Refusal> {
    let ids = match (seen.parameter("hsm_id"), seen.parameter("hsm_ids")) {
        (Some(id), _) => Some(vec![id]),
        (None, Some(ids)) => Some(several(&ids).map_err(explained)?),
        (None, None) => None,
    };
    let name = seen.parameter("name");
    if ids.is_none() && name.is_none() {
        return Err(explained(Flaw::new("name, hsm_id or hsm_ids is required")));
    }
    // None is deleted where one is unknown: assumed.
    for id in ids.iter().flatten() {
        state.templates.get(id).map_err(explained)?;
    }
    let now = state.now();
    let deleted = state.templates.remove(now, |it| {
        let is_named = name.as_ref().is_none_or(|name| it.name == *name);
        is_named && ids.as_ref().is_none_or(|ids| ids.contains(&it.id))
    });
    if deleted.map_err(explained)? == 0 {
        return Err(explained(Flaw::new("There is no such template.")));
    }
    Ok(done())
}

/// Reads `["1","2"]`.
fn several(ids: &str) -> Result<Vec<String>, Flaw> {
    let ids: Vec<String> = serde_json::from_str(ids)
        .map_err(|_| Flaw::new("hsm_ids must be a JSON array of strings"))?;
    match ids.len() {
        1..=MOST_DELETED => Ok(ids),
        _ => Err(Flaw::new(format!(
            "hsm_ids must have 1 to {MOST_DELETED} ids"
        ))),
    }
}
