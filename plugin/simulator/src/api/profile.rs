//! The profile of the business (Cloud API, business profiles; 360dialog, messaging API).

use serde_json::json;

use crate::api::messages::rule::Field::{May, Must};
use crate::api::messages::rule::Rule::{All, List, OneOf, Such, Text};
use crate::api::messages::rule::{Field, TEXT, WEB, object};
use crate::api::{not_found, object as body};
use crate::refusal::Refusal;
use crate::request::{Reply, Seen};
use crate::state::State;

/// What may be changed. That the codes of refusals are those of messages is assumed.
const MEMBERS: [Field; 8] = [
    Must("messaging_product", OneOf(&["whatsapp"])),
    May(
        "about",
        All(&[Text(139), Such(|about| about != "", "must not be empty")]),
    ),
    May("address", Text(256)),
    May("description", Text(512)),
    // That it has an @ is all that is looked at.
    May(
        "email",
        All(&[
            Text(128),
            Such(
                |email| email.as_str().is_some_and(|it| it.contains('@')),
                "must be an address",
            ),
        ]),
    ),
    May("websites", List(0, 2, &All(&[Text(256), WEB]))),
    May("vertical", OneOf(&VERTICALS)),
    // There are no uploads of pictures here, so that any handle is taken: assumed.
    May("profile_picture_handle", TEXT),
];

/// "Either an empty string or one of the accepted values".
const VERTICALS: [&str; 20] = [
    "",
    "UNDEFINED",
    "OTHER",
    "AUTO",
    "BEAUTY",
    "APPAREL",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GROCERY",
    "GOVT",
    "HOTEL",
    "HEALTH",
    "NONPROFIT",
    "PROF_SERVICES",
    "RETAIL",
    "TRAVEL",
    "RESTAURANT",
    "NOT_A_BIZ",
];

/// What is told where `fields` does not ask: all that there is, which is assumed.
const FIELDS: &str = "about,address,description,email,profile_picture_url,websites,vertical";

/// `GET` and `POST /whatsapp_business_profile`.
pub(crate) fn profile(state: &mut State, seen: &Seen) -> Result<Reply, Refusal> {
    match seen.method.as_str() {
        "GET" => {
            let mut told = seen.fields(&state.profile, FIELDS);
            told["messaging_product"] = "whatsapp".into();
            Ok(Reply::ok(&json!({"data": [told]})))
        }
        "POST" => {
            let changes = body(seen)?;
            object(&MEMBERS, &changes, "")?;
            for (name, value) in changes.as_object().into_iter().flatten() {
                match (name.as_str(), value.as_str()) {
                    ("profile_picture_handle", Some(handle)) => {
                        let url = format!("https://pps.whatsapp.net/{handle}");
                        state.profile["profile_picture_url"] = url.into();
                    }
                    ("messaging_product" | "profile_picture_handle", _) => {}
                    (name, _) => state.profile[name] = value.clone(),
                }
            }
            Ok(Reply::ok(&json!({"success": true})))
        }
        _ => Err(not_found()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, Method};
    use serde_json::Value;

    use super::*;
    use crate::Options;

    fn ask(
        state: &mut State,
        method: Method,
        query: &str,
        body: &Value,
    ) -> Result<String, Refusal> {
        let path = ("/whatsapp_business_profile", query);
        let seen = state.saw(method, path, HeaderMap::new(), body.to_string().into());
        profile(state, &seen).map(|reply| format!("{reply:?}"))
    }

    fn said(value: &Value) -> String {
        format!("{:?}", Reply::ok(value))
    }

    #[test]
    fn what_is_changed_is_told() {
        let mut state = State::new(Options::default());
        let nothing = json!({"data": [{"messaging_product": "whatsapp"}]});
        let get = |state: &mut State, query| ask(state, Method::GET, query, &Value::Null);
        assert_eq!(get(&mut state, ""), Ok(said(&nothing)));
        let change = json!({"messaging_product": "whatsapp", "about": "Ferns", "vertical": "RETAIL",
            "websites": ["https://example.com/"], "profile_picture_handle": "4::aW"});
        let changed = ask(&mut state, Method::POST, "", &change);
        assert_eq!(changed, Ok(said(&json!({"success": true}))));
        let told = json!({"data": [{"about": "Ferns", "profile_picture_url": "https://pps.whatsapp.net/4::aW",
            "websites": ["https://example.com/"], "vertical": "RETAIL", "messaging_product": "whatsapp"}]});
        assert_eq!(get(&mut state, ""), Ok(said(&told)));
        let about = json!({"data": [{"about": "Ferns", "messaging_product": "whatsapp"}]});
        assert_eq!(get(&mut state, "fields=about,email"), Ok(said(&about)));
    }

    #[test]
    fn each_member_has_its_limit() {
        let mut state = State::new(Options::default());
        let long = |length: usize| Value::from("ä".repeat(length));
        let site = |length: usize| format!("https://e.com/{}", "a".repeat(length - 14));
        let email = |length: usize| Value::from(format!("a@{}", "b".repeat(length - 2)));
        for (member, taken, refused) in [
            ("about", long(139), long(140)),
            ("about", long(1), long(0)),
            ("address", long(256), long(257)),
            ("description", long(512), long(513)),
            ("email", email(128), email(129)),
            ("email", json!("a@b.c"), json!("a")),
            ("vertical", json!(""), json!("SHOPS")),
            ("websites", json!([site(256)]), json!([site(257)])),
            (
                "websites",
                json!(vec![site(20); 2]),
                json!(vec![site(20); 3]),
            ),
            ("websites", json!([]), json!(["example.com"])),
        ] {
            for (value, is_taken) in [(taken, true), (refused, false)] {
                let mut change = json!({"messaging_product": "whatsapp"});
                change[member] = value;
                let changed = ask(&mut state, Method::POST, "", &change);
                assert_eq!(changed.is_ok(), is_taken, "{change}");
            }
        }
    }
}
