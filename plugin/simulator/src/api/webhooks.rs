//! Where webhooks go (360dialog, webhook configuration).

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::not_found;
use crate::delivery::{self, Webhook};
use crate::refusal::Refusal;
use crate::request::{Reply, Seen};
use crate::state::State;
use crate::timeline::Task;

/// How long the account's webhook takes to be set: "within the next 15-20 s" (a comment in a client of 360dialog's).
const SET_AFTER_MS: u64 = 15_000;

const URL_REQUIRED: &str = "url is required";

/// `GET` and `POST /v1/configs/webhook`: the number's webhook.
pub(crate) fn number(state: &mut State, seen: &Seen) -> Result<Reply, Refusal> {
    match seen.method {
        Method::GET => {}
        Method::POST => state.webhook = read(state, seen).map_err(refused)?,
        _ => return Err(not_found()),
    }
    Ok(Reply::ok(&json(state.webhook.as_ref())))
}

/// `GET` and `POST /waba_webhook`: the account's webhook.
pub(crate) fn account(state: &mut State, seen: &Seen) -> Result<Reply, Refusal> {
    match seen.method {
        Method::GET => {
            let mut registered = json(state.account_webhook.as_ref());
            registered["waba_id"] = state.account_id().into();
            registered["phone_numbers"] = json!([state.options.number]);
            Ok(Reply::ok(&registered))
        }
        Method::POST => {
            // That none can be set here is assumed.
            let required = |webhook: Option<_>| webhook.ok_or_else(|| URL_REQUIRED.to_owned());
            let webhook = read(state, seen).and_then(required).map_err(own)?;
            let task = Task::AccountWebhook {
                webhook,
                // From its name: the number's own webhook no longer counts.
                override_all: seen.json()["override_all"] == true,
            };
            state.timeline.add(state.now() + SET_AFTER_MS, task);
            // The sentence is assumed; that there is one and no `url` is not.
            Ok(Reply::ok(&json!({"message": "The webhook is being set"})))
        }
        _ => Err(not_found()),
    }
}

/// Empty where there is none.
fn json(webhook: Option<&Webhook>) -> Value {
    let headers: serde_json::Map<_, _> = webhook
        .iter()
        .flat_map(|webhook| &webhook.headers)
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    json!({"url": webhook.map_or("", |webhook| &webhook.url), "headers": headers})
}

/// Reads a webhook to register, or says why not. An empty address takes it away: assumed.
fn read(state: &State, seen: &Seen) -> Result<Option<Webhook>, String> {
    let body = seen.json();
    let url = body["url"].as_str();
    let url = url.ok_or(URL_REQUIRED)?;
    if url.is_empty() {
        return Ok(None);
    }
    let headers = delivery::headers(&body["headers"], state.options.flavour)?;
    let url = url.to_owned();
    let webhook = Webhook { url, headers };
    match delivery::refused(&webhook, state.options.allow_loopback_webhooks) {
        Some(why) => Err(why),
        None => Ok(Some(webhook)),
    }
}

/// 400 with `error`, as 360dialog's own calls have it beside those below `/v1/configs` (360dialog, webhook configuration).
fn own(error: String) -> Refusal {
    let status = StatusCode::BAD_REQUEST;
    Refusal::Own { status, error }
}

/// 400 with `meta` (360dialog, webhook configuration). The sentences are assumed.
fn refused(why: String) -> Refusal {
    Refusal::Gateway {
        status: StatusCode::BAD_REQUEST,
        message: "Invalid webhook configuration".to_owned(),
        details: vec![why],
    }
}
