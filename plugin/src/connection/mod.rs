//! Connecting the number: proving the key, and registering the webhook in place of the one that was there.
//!
//! Only the number's own registration is replaced, unless `webhook_scope` in the settings says otherwise. That of the whole
//! account (`/waba_webhook`) serves the account's other numbers too, and the number's has precedence over it; so it is read for
//! information and left alone.
#![allow(clippy::result_large_err, reason = "the errors are the contract's own")]

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::{self, Call, Client, Http};
use crate::bindings::exports::messaging::channel::connection::{
    ConnectError, Connected, Registration, WebhookTarget,
};
use crate::bindings::messaging::channel::types::{Error, ErrorClass, Problem};
use crate::description::SECRET_HEADER;
use crate::problem::Problems;
use crate::settings::{self, Api, WebhookAuthentication};

mod health;
mod registration;
mod target;
#[cfg(test)]
mod tests;

pub use health::health;
pub(crate) use health::{STATUS, entities};

use registration::Scope;

const SOURCE_KEYS: &str = "360dialog, API keys";
const SOURCE_WEBHOOKS: &str = "360dialog, webhooks";

/// How long the account's webhook may take until it is set: "within the next 15-20 s" (a comment in a client of 360dialog's).
const ACCOUNT_SETTLES_IN_SECONDS: u32 = 20;

/// The placeholder of the secret that each delivery has to bring.
const SECRET: &str = "{{secret:webhook}}";

/// Proves the key without side effects, remembers the webhook that is registered, registers `target`, and reads it back. Without a
/// target it only proves the key and compares the numbers.
///
/// The address in `target` has to follow 360dialog's rules: https, a public name without `_`, no port, no user. Where
/// `base_url` in the settings is on this machine, so is what stands there in for 360dialog, and http, ports and addresses of
/// this machine will do.
///
/// A registration that leads elsewhere is in the way, unless `target` says that it may be replaced. Its headers are sealed by the
/// host; where the host declines, they are not kept, and a warning says so.
///
/// # Errors
///
/// Where the settings or the target are wrong, a registration is in the way, or 360dialog, or the way to it, refuses.
pub fn connect(
    http: &impl Http,
    settings: &str,
    target: Option<&WebhookTarget>,
) -> Result<Connected, ConnectError> {
    let client = Client::new(http, settings)
        .map_err(|_| ConnectError::Settings(settings::validate(settings)))?;
    if let Some(target) = target {
        let problems = target::check(&target.url, client.settings.base_url());
        if !problems.is_empty() {
            return Err(ConnectError::Settings(problems));
        }
    }
    let mut warnings = Problems::default();
    let account = prove(&client, &mut warnings).map_err(ConnectError::Failed)?;
    compare_numbers(&client, &account, &mut warnings);
    let previous = match target {
        Some(target) => replace(&client, target, &mut warnings)?,
        None => Vec::new(),
    };
    Ok(Connected {
        account_id: account.id,
        phone_number_id: account.phone_number_id,
        phone_number: account.phone_number,
        previous,
        // The number's is set at once.
        settles_in_seconds: (target.is_some() && client.settings.has_account_webhook())
            .then_some(ACCOUNT_SETTLES_IN_SECONDS),
        warnings: warnings.into_vec(),
    })
}

/// Registers the target. Returns what was registered before.
fn replace(
    client: &Client<'_, impl Http>,
    target: &WebhookTarget,
    warnings: &mut Problems,
) -> Result<Vec<Registration>, ConnectError> {
    let mut foreign = Vec::new();
    for &scope in Scope::of(client) {
        let is_taken = scope.is_taken(client);
        match scope.read(client, scope.current()) {
            Ok(present) if present.leads_elsewhere(&target.url) => {
                if is_taken && !target.replace_foreign {
                    return Err(ConnectError::Occupied(present.registration));
                }
                foreign.push(scope);
            }
            Ok(present) if !is_taken && present.registration.url.is_some() => warnings.add(
                "/webhook_scope",
                "account_webhook_kept",
                "The account's webhook still leads here: disconnect the channel and connect it again to give it back",
                SOURCE_WEBHOOKS,
            ),
            Ok(_) => {}
            Err(error) if can_t_be_read(client, &error) => warnings.add(
                "",
                "unread",
                "This API does not tell which webhook is registered: whatever was there is replaced",
                SOURCE_WEBHOOKS,
            ),
            Err(error) if !is_taken => warnings.add(
                "",
                "account_unread",
                format_args!(
                    "The account's webhook could not be read{}: see in the 360dialog Hub where it leads",
                    because(&error)
                ),
                SOURCE_WEBHOOKS,
            ),
            Err(error) => return Err(ConnectError::Failed(error)),
        }
    }
    let mut previous = Vec::new();
    for scope in foreign {
        match keep(client, scope, target, warnings) {
            Ok(kept) => previous.extend(kept),
            Err(error) if scope.is_taken(client) => return Err(ConnectError::Failed(error)),
            Err(_) => {}
        }
    }
    register_target(client, target, warnings).map_err(ConnectError::Failed)?;
    if client.settings.has_account_webhook() {
        // It shows later than it is registered, so it is not read back: the next look at the channel's health tells.
        let body = Scope::Account.body(&target.url, &headers(client));
        register(client, Scope::Account, body).map_err(ConnectError::Failed)?;
    }
    Ok(previous)
}

/// Puts back the registrations that were there before, or removes ours. One that is no longer ours is left alone.
///
/// # Errors
///
/// What 360dialog, or the way to it, said. What could be put back before that is.
pub fn disconnect(
    http: &impl Http,
    settings: &str,
    target: &WebhookTarget,
    previous: &[Registration],
) -> Result<(), Error> {
    let client = Client::new(http, settings)?;
    for &scope in Scope::of(&client) {
        let is_before = |it: &&Registration| {
            Scope::named(it.scope.as_deref()) == scope
                && it.url.as_ref().is_some_and(|url| *url != target.url)
        };
        give_back(&client, scope, target, previous.iter().find(is_before))?;
    }
    Ok(())
}

/// Puts one registration back.
fn give_back(
    client: &Client<'_, impl Http>,
    scope: Scope,
    target: &WebhookTarget,
    before: Option<&Registration>,
) -> Result<(), Error> {
    match scope.read(client, scope.current()) {
        Ok(present) => {
            let url = present.registration.url;
            // The account's may have been registered only just now, and will show later.
            let may_be_ours = scope == Scope::Account
                && scope.is_taken(client)
                && url.as_ref() == before.and_then(|before| before.url.as_ref());
            if url.as_ref() != Some(&target.url) && !may_be_ours {
                return Ok(());
            }
        }
        Err(error) if can_t_be_read(client, &error) => {}
        Err(_) if !scope.is_taken(client) => return Ok(()),
        Err(error) => return Err(error),
    }
    let body = match before {
        Some(registration) => scope.restoring(registration)?,
        // Assumed: no request to remove a registration is documented, but one that is not set reads as an empty address.
        None => scope.body("", &BTreeMap::new()),
    };
    match register(client, scope, body) {
        // So there is no way to remove the account's. What comes for a channel that is disconnected harms nobody.
        Err(error)
            if scope == Scope::Account && before.is_none() && is_about_the_request(&error) =>
        {
            Ok(())
        }
        registered => registered,
    }
}

/// Reads the registration that is in the way once more, now to keep it.
fn keep(
    client: &Client<'_, impl Http>,
    scope: Scope,
    target: &WebhookTarget,
    warnings: &mut Problems,
) -> Result<Option<Registration>, Error> {
    let present = scope.read(client, scope.previous())?;
    if !present.leads_elsewhere(&target.url) {
        return Ok(None);
    }
    if !present.sealed && scope.is_taken(client) {
        warnings.add(
            "",
            "headers_not_kept",
            "The host does not seal, so the headers of the webhook that was registered are not kept: write them down if \
             disconnecting shall put it back whole",
            SOURCE_WEBHOOKS,
        );
    }
    Ok(Some(present.registration))
}

/// What the vendor says of the number whose key this is.
#[derive(Default)]
struct Account {
    id: Option<String>,
    phone_number_id: Option<String>,
    phone_number: Option<String>,
}

/// Proves the key by reading.
fn prove(client: &Client<'_, impl Http>, warnings: &mut Problems) -> Result<Account, Error> {
    let account = match client.api() {
        Api::Cloud => return health::status(client).map(|status| account(&status)),
        Api::Sandbox => Account::default(),
        Api::OnPremise => {
            let result = client.get("/v1/configs/phone_number", Vec::new());
            match api::answer(result, Call::Repeatable) {
                Ok(answer) => {
                    let number: Value = serde_json::from_slice(&answer.body)
                        .map_err(|_| api::unreadable(&answer))?;
                    return Ok(Account {
                        phone_number: api::text(number.pointer("/phone_number")),
                        ..Account::default()
                    });
                }
                Err(error) if is_about_the_request(&error) => Account::default(),
                Err(error) => return Err(error),
            }
        }
    };
    warnings.add(
        "/api_key",
        "unproved",
        "This API has nothing to prove the key with: send a message to see whether it is right",
        SOURCE_KEYS,
    );
    Ok(account)
}

/// A key is of one number; the one that was typed may be another.
fn compare_numbers(client: &Client<'_, impl Http>, account: &Account, warnings: &mut Problems) {
    let (Some(theirs), Some(typed)) = (&account.phone_number, &client.settings.phone_number) else {
        return;
    };
    let digits = |number: &str| {
        number
            .chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    if digits(theirs) != digits(typed) {
        warnings.add(
            "/phone_number",
            "number_differs",
            format_args!(
                "The key is of the number {theirs}, and the settings say {typed}: correct whichever is wrong"
            ),
            SOURCE_KEYS,
        );
    }
}

fn account(status: &Value) -> Account {
    let of = |kind| {
        entities(status)
            .find(|entity| entity["entity_type"] == kind)
            .and_then(|entity| api::text(entity.get("id")))
    };
    Account {
        id: of("WABA"),
        phone_number_id: of("PHONE_NUMBER").or_else(|| api::text(status.get("id"))),
        phone_number: api::text(status.get("display_phone_number")),
    }
}

/// The headers that each delivery shall bring.
fn headers(client: &Client<'_, impl Http>) -> BTreeMap<&'static str, &'static str> {
    match client.settings.webhook_authentication.unwrap_or_default() {
        WebhookAuthentication::Header | WebhookAuthentication::HeaderAndHmac => {
            BTreeMap::from([(SECRET_HEADER, SECRET)])
        }
        WebhookAuthentication::Hmac => BTreeMap::new(),
    }
}

/// Registers the target for the number, and reads it back.
fn register_target(
    client: &Client<'_, impl Http>,
    target: &WebhookTarget,
    warnings: &mut Problems,
) -> Result<(), Error> {
    let body = Scope::Number.body(&target.url, &headers(client));
    let registered = register(client, Scope::Number, body);
    let now = Scope::Number.read(client, Scope::Number.current());
    let is_ours = now
        .as_ref()
        .is_ok_and(|now| now.registration.url.as_deref() == Some(&target.url));
    match (registered, now) {
        (Ok(()), _) if is_ours => {}
        (
            Err(Error {
                class: ErrorClass::Temporary,
                ..
            }),
            _,
        ) if is_ours && Scope::Number.brings_our_secret(client)? => {}
        (Err(error), _) => return Err(error),
        (Ok(()), Err(error)) if can_t_be_read(client, &error) => {}
        (Ok(()), Err(error)) => warnings.add(
            "",
            "not_confirmed",
            format_args!(
                "360dialog took the webhook, but it could not be read back{}: check the channel again",
                because(&error)
            ),
            SOURCE_WEBHOOKS,
        ),
        (Ok(()), Ok(_)) => warnings.add(
            "",
            "not_confirmed",
            "360dialog took the webhook, but still has another one: check the channel again in a minute",
            SOURCE_WEBHOOKS,
        ),
    }
    Ok(())
}

fn register(client: &Client<'_, impl Http>, scope: Scope, body: Vec<u8>) -> Result<(), Error> {
    let result = client.configure(scope.path(), body);
    api::answer(result, Call::Repeatable).map(drop)
}

/// The sandbox documents that a webhook is registered, not that it can be read.
fn can_t_be_read(client: &Client<'_, impl Http>, error: &Error) -> bool {
    client.api() == Api::Sandbox && is_about_the_request(error)
}

/// The other side does not know such a request.
fn is_about_the_request(error: &Error) -> bool {
    matches!(error.class, ErrorClass::Invalid | ErrorClass::Unknown)
}

/// The vendor's sentence in parentheses.
fn because(error: &Error) -> String {
    [&error.message, &error.title, &error.details]
        .into_iter()
        .flatten()
        .next()
        .map(|sentence| format!(" ({sentence})"))
        .unwrap_or_default()
}
