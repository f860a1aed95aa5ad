//! How the number is.

use serde_json::Value;

use super::registration::Scope;
use super::{ACCOUNT_SETTLES_IN_SECONDS, can_t_be_read};
use crate::api::{self, Client, Http, object};
use crate::bindings::exports::messaging::channel::connection::{
    Ability, AccountHealth, WebhookTarget,
};
use crate::bindings::messaging::channel::types::{Error, ErrorClass, Retry};
use crate::errors::{self, classify};
use crate::settings::Api;

/// Where the Cloud API tells how a number is. These fields are known to work; what else comes is passed on.
pub(crate) const STATUS: &str = "/health_status?fields=health_status,display_phone_number,verified_name,name_status,quality_rating";
/// The same without a choice of fields.
const PLAIN_STATUS: &str = "/health_status";

/// How the number is, and where its deliveries go. Changes nothing.
///
/// The sandbox tells nothing of itself, so there is only the webhook. That the account's webhook should lead here, and does not, is
/// an error among those of the health.
///
/// # Errors
///
/// What 360dialog, or the way to it, said. Where only the webhook can't be read, the error stands among those of the health.
pub fn health(
    http: &impl Http,
    settings: &str,
    target: Option<&WebhookTarget>,
) -> Result<AccountHealth, Error> {
    let client = Client::new(http, settings)?;
    let status = match client.api() {
        Api::Cloud => status(&client)?,
        Api::Sandbox => Value::Null,
        Api::OnPremise => object(client.get("/v1/health", Vec::new()))?,
    };
    let mut errors: Vec<_> = entities(&status).flat_map(errors_of).collect();
    let mut registrations = Vec::new();
    match Scope::Number.read(&client, Scope::Number.current()) {
        Ok(present) => registrations.push((Scope::Number, present.registration)),
        Err(error) if can_t_be_read(&client, &error) => {}
        Err(error) => errors.push(error),
    }
    let is_known = !registrations.is_empty();
    if client.api() == Api::Cloud {
        match Scope::Account.read(&client, Scope::Account.current()) {
            Ok(present) => registrations.push((Scope::Account, present.registration)),
            Err(error) if Scope::Account.is_taken(&client) => errors.push(error),
            // The number has one of its own; this tells where other deliveries go, and may fail.
            Err(_) => {}
        }
    }
    registrations.retain(|(_, registration)| registration.url.is_some());
    let receiving = match (target.filter(|_| is_known), registrations.first()) {
        (None, _) => None,
        (Some(target), Some((scope, first))) if first.url.as_ref() == Some(&target.url) => scope
            .brings_our_secret(&client)
            .map_err(|error| errors.push(error))
            .ok(),
        _ => Some(false),
    };
    if let Some(target) = target.filter(|_| Scope::Account.is_taken(&client)) {
        let mut account = registrations
            .iter()
            .filter(|(scope, _)| *scope == Scope::Account);
        let leads_here = account.any(|(_, it)| it.url.as_ref() == Some(&target.url));
        match leads_here.then(|| Scope::Account.brings_our_secret(&client)) {
            Some(Ok(true)) => {}
            Some(Err(error)) => errors.push(error),
            None | Some(Ok(false)) => errors.push(account_webhook_elsewhere()),
        }
    }
    let registrations = registrations.into_iter().map(|(_, it)| it).collect();
    Ok(AccountHealth {
        sending: ability(&status),
        receiving,
        registrations,
        errors,
        attributes: api::scalars(&status, &[]),
    })
}

fn account_webhook_elsewhere() -> Error {
    Error {
        class: ErrorClass::Invalid,
        retry: Retry::AfterChange,
        code: None,
        title: None,
        message: Some(
            "The account's webhook does not lead here with this channel's secret".to_owned(),
        ),
        details: None,
        link: None,
        remedy: Some(format!(
            "Look again {ACCOUNT_SETTLES_IN_SECONDS} seconds after connecting, or connect the channel again"
        )),
        attributes: Vec::new(),
    }
}

/// The Cloud API's health status, by which a key is proved as well.
pub(super) fn status(client: &Client<'_, impl Http>) -> Result<Value, Error> {
    let result = client.get(STATUS, Vec::new());
    let is_400 = matches!(&result, Ok(response) if response.status == 400);
    match object(result) {
        // A 400 that says something else, such as an unpaid account, would say it again.
        Err(error)
            if is_400 && matches!(error.class, ErrorClass::Invalid | ErrorClass::Unknown) =>
        {
            object(client.get(PLAIN_STATUS, Vec::new()))
        }
        result => result,
    }
}

/// What a health status speaks of: number, account, business, app.
pub(crate) fn entities(status: &Value) -> impl Iterator<Item = &Value> {
    status
        .pointer("/health_status/entities")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn ability(status: &Value) -> Ability {
    let word = status
        .pointer("/health_status/can_send_messages")
        .or_else(|| status.pointer("/health/gateway_status"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    match word.to_ascii_uppercase().as_str() {
        "AVAILABLE" | "CONNECTED" => Ability::Available,
        "LIMITED" => Ability::Limited,
        "BLOCKED" => Ability::Blocked,
        "" => Ability::Other("unknown".into()),
        _ => Ability::Other(word.into()),
    }
}

/// What is wrong with an entity, with the vendor's own advice.
fn errors_of(entity: &Value) -> impl Iterator<Item = Error> {
    let errors = entity.get("errors").and_then(Value::as_array);
    errors.into_iter().flatten().map(|error| {
        let mut taken = Vec::new();
        let mut take = |pointer: &str| {
            let found = api::text(error.pointer(pointer))?;
            taken.push(pointer.to_owned());
            Some(found)
        };
        let code = take("/error_code").or_else(|| take("/code"));
        let message = take("/error_description").or_else(|| take("/message"));
        let remedy = take("/possible_solution");
        let (class, retry) = match classify(code.as_deref()) {
            // Where there is a solution, somebody has to apply it.
            (ErrorClass::Unknown, _) if remedy.is_some() => {
                (ErrorClass::Unknown, Retry::AfterChange)
            }
            (ErrorClass::Unknown, _) => (ErrorClass::Unknown, Retry::Unknown),
            known => known,
        };
        let remedy = remedy.or_else(|| Some(errors::remedy(code.as_deref()?)?.to_owned()));
        Error {
            class,
            retry,
            code,
            title: None,
            message,
            // Which of them it is about.
            details: api::text(entity.get("entity_type")),
            link: None,
            remedy,
            attributes: api::scalars(error, &taken),
        }
    })
}
