//! Customers whom the business has blocked (Cloud API, block users; 360dialog, messaging API).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::api::messages::errors::refused;
use crate::api::messages::rule::Field::Must;
use crate::api::messages::rule::Rule::{List, Object, OneOf};
use crate::api::messages::rule::{Field, TEXT, invalid, object};
use crate::api::{not_found, object as body};
use crate::customer::digits;
use crate::refusal::{Refusal, graph};
use crate::request::{Reply, Seen};
use crate::state::State;

/// "Each request can include a maximum of 1,000 users."
const REQUEST: [Field; 2] = [
    Must("messaging_product", OneOf(&["whatsapp"])),
    Must("block_users", List(1, 1000, &Object(&[Must("user", TEXT)]))),
];

/// "The blocklist has a 64,000 user limit."
const MOST: usize = 64_000;

/// How many a page has unless it is said: assumed.
const LIMIT: usize = 25;

/// `GET`, `POST` and `DELETE /block_users`.
pub(crate) fn users(state: &mut State, seen: &Seen) -> Result<Reply, Refusal> {
    match seen.method.as_str() {
        "GET" => list(state, seen),
        "POST" => block(state, &asked(seen)?),
        "DELETE" => {
            // Whoever is not blocked is unblocked all the same: assumed.
            let removed: Vec<_> = asked(seen)?.iter().map(|user| named(user)).collect();
            for user in &removed {
                let number = user["wa_id"].as_str();
                state.blocked.retain(|it| Some(it.as_str()) != number);
            }
            Ok(told(&json!({"removed_users": removed})))
        }
        _ => Err(not_found()),
    }
}

/// Whom a request names.
fn asked(seen: &Seen) -> Result<Vec<String>, Refusal> {
    let request = body(seen)?;
    object(&REQUEST, &request, "")?;
    let users = request["block_users"].as_array().into_iter().flatten();
    let user = |user: &Value| user["user"].as_str().map(str::to_owned);
    Ok(users.filter_map(user).collect())
}

/// Blocks those who wrote in the last 24 hours; others fail with 131047. That who is blocked already is blocked once more is
/// assumed, and so is the code for what is no number.
fn block(state: &mut State, users: &[String]) -> Result<Reply, Refusal> {
    if state.blocked.len() + users.len() > MOST {
        return Err(refused(139_101, "There are 64,000 blocked users at most"));
    }
    let (mut added, mut failed) = (Vec::new(), Vec::new());
    for user in users {
        let customer = state.customers.addressed(Some(user), None);
        let wrote = customer.is_some_and(|customer| customer.window_is_open(state.now()));
        let mut named = named(user);
        match digits(user) {
            Some(number) if wrote => {
                state.blocked.retain(|it| *it != number);
                state.blocked.push(number);
                added.push(named);
            }
            Some(_) => {
                named["errors"] = json!([{"message": "Re-engagement message", "code": 131_047,
                    "error_data": {"details": "User has not messaged in the last 24 hours"}}]);
                failed.push(named);
            }
            None => {
                named["errors"] = json!([{"message": "Parameter value is not valid", "code": 131_009,
                    "error_data": {"details": "user must be a phone number"}}]);
                failed.push(named);
            }
        }
    }
    if failed.is_empty() {
        return Ok(told(&json!({"added_users": added})));
    }
    let (title, why) = (
        "Failed to block/unblock users",
        "Failed to block some users, see the block_users response list for details",
    );
    let mut answer = graph(139_100, title, why, None);
    answer["messaging_product"] = "whatsapp".into();
    answer["block_users"] = json!({"added_users": added, "failed_users": failed});
    Ok(Reply::json(StatusCode::BAD_REQUEST, &answer))
}

/// What is told of somebody; `wa_id` "may not be present if the number is invalid".
fn named(user: &str) -> Value {
    let mut named = json!({"input": user});
    if let Some(number) = digits(user) {
        named["wa_id"] = number.into();
    }
    named
}

fn told(users: &Value) -> Reply {
    Reply::ok(&json!({"messaging_product": "whatsapp", "block_users": users}))
}

/// A page, those blocked first at the beginning. Cursors are numbers: both are assumed.
fn list(state: &State, seen: &Seen) -> Result<Reply, Refusal> {
    let number = |name| match seen.parameter(name).map(|text| text.parse::<usize>()) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => Err(invalid(name, "must be a number")),
    };
    let limit = number("limit")?.unwrap_or(LIMIT);
    let (after, before) = (number("after")?, number("before")?);
    let most = state.blocked.len();
    let end = before.unwrap_or(most).min(most);
    let start = match (after, before) {
        (Some(after), _) => (after + 1).min(end),
        (None, Some(_)) => end.saturating_sub(limit),
        (None, None) => 0,
    };
    let end = end.min(start + limit);
    let users = state.blocked[start..end].iter();
    let users: Vec<_> = users
        .map(|number| json!({"messaging_product": "whatsapp", "wa_id": number}))
        .collect();
    let mut answer = json!({"data": users});
    if start < end {
        let cursors = json!({"before": start.to_string(), "after": (end - 1).to_string()});
        answer["paging"] = json!({"cursors": cursors});
    }
    Ok(Reply::ok(&answer))
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::http::{HeaderMap, Method};
    use axum::response::IntoResponse;
    use std::time::Duration;

    use super::*;
    use crate::Options;
    use crate::api::messages;
    use crate::customer::{Act, ActError, Who};

    async fn ask(
        state: &mut State,
        method: Method,
        query: &str,
        users: &[&str],
    ) -> anyhow::Result<Value> {
        let users: Vec<_> = users.iter().map(|user| json!({"user": user})).collect();
        let body = json!({"messaging_product": "whatsapp", "block_users": users}).to_string();
        let seen = state.saw(
            method,
            ("/block_users", query),
            HeaderMap::new(),
            body.into(),
        );
        let reply = super::users(state, &seen).unwrap_or_else(Reply::from);
        let status = reply.status.as_u16();
        let body = to_bytes(reply.into_response().into_body(), usize::MAX).await?;
        let mut answer: Value = serde_json::from_slice(&body)?;
        answer["status"] = status.into();
        Ok(answer)
    }

    /// A simulator to which these numbers have written.
    fn state(numbers: &[&str]) -> State {
        let mut state = State::new(Options::default());
        state.clock.freeze();
        for number in numbers {
            let said = state.act(&Who::phone(number), Act::say("Hi"));
            said.expect("a customer can write");
        }
        state
    }

    fn send(state: &mut State, to: &str) -> Option<u32> {
        let body = json!({"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "Hi"}});
        match messages::accept(state, &body) {
            Err(Refusal::Graph { code, .. }) => Some(code),
            _ => None,
        }
    }

    #[tokio::test]
    async fn who_is_blocked_neither_writes_nor_is_written_to() -> anyhow::Result<()> {
        let mut state = state(&["16505551234"]);
        let user = json!([{"input": "+1 650 555 1234", "wa_id": "16505551234"}]);
        let answer = ask(&mut state, Method::POST, "", &["+1 650 555 1234"]).await?;
        let expected = json!({"status": 200, "messaging_product": "whatsapp", "block_users": {"added_users": user}});
        assert_eq!(answer, expected);
        assert_eq!(send(&mut state, "16505551234"), Some(130_403));
        let said = state.act(&Who::phone("16505551234"), Act::say("Hi"));
        assert_eq!(said, Err(ActError::Blocked));
        let answer = ask(&mut state, Method::DELETE, "", &["+1 650 555 1234"]).await?;
        assert_eq!(answer["block_users"], json!({"removed_users": user}));
        assert_eq!(send(&mut state, "16505551234"), None);
        Ok(())
    }

    #[tokio::test]
    async fn only_who_wrote_within_a_day_is_blocked() -> anyhow::Result<()> {
        let mut state = state(&["1"]);
        state.clock.advance(Duration::from_hours(24));
        let said = state.act(&Who::phone("2"), Act::say("Hi"));
        said.expect("a customer can write");
        let answer = ask(&mut state, Method::POST, "", &["1", "2", "bob"]).await?;
        assert_eq!(
            (&answer["status"], &answer["error"]["code"]),
            (&json!(400), &json!(139_100))
        );
        let users = &answer["block_users"];
        assert_eq!(users["added_users"], json!([{"input": "2", "wa_id": "2"}]));
        let failed = &users["failed_users"];
        assert_eq!(
            (&failed[0]["wa_id"], &failed[0]["errors"][0]["code"]),
            (&json!("1"), &json!(131_047))
        );
        assert_eq!(
            (failed[1].get("wa_id"), &failed[1]["input"]),
            (None, &json!("bob"))
        );
        let thousand = vec!["2"; 1000];
        assert_eq!(
            ask(&mut state, Method::POST, "", &thousand).await?["status"],
            200
        );
        let more = vec!["2"; 1001];
        assert_eq!(
            ask(&mut state, Method::POST, "", &more).await?["error"]["code"],
            131_009
        );
        state.blocked = vec!["3".to_owned(); 64_000];
        assert_eq!(
            ask(&mut state, Method::POST, "", &["2"]).await?["error"]["code"],
            139_101
        );
        Ok(())
    }

    #[tokio::test]
    async fn the_list_comes_in_pages() -> anyhow::Result<()> {
        let mut state = state(&["1", "2", "3"]);
        assert_eq!(
            ask(&mut state, Method::GET, "", &[]).await?["data"],
            json!([])
        );
        ask(&mut state, Method::POST, "", &["1", "2", "3"]).await?;
        let user = |number: &str| json!({"messaging_product": "whatsapp", "wa_id": number});
        let first = ask(&mut state, Method::GET, "limit=2", &[]).await?;
        assert_eq!(first["data"], json!([user("1"), user("2")]));
        let after = first["paging"]["cursors"]["after"]
            .as_str()
            .unwrap_or_default();
        let second = ask(
            &mut state,
            Method::GET,
            &format!("limit=2&after={after}"),
            &[],
        )
        .await?;
        assert_eq!(second["data"], json!([user("3")]));
        let before = second["paging"]["cursors"]["before"]
            .as_str()
            .unwrap_or_default();
        let back = ask(
            &mut state,
            Method::GET,
            &format!("limit=1&before={before}"),
            &[],
        )
        .await?;
        assert_eq!(back["data"], json!([user("2")]));
        Ok(())
    }
}
