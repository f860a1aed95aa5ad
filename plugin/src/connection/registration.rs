//! Registrations of webhooks: where each is read, and how one is written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{CURRENT, PREVIOUS};
use crate::api::{self, Call, Client, Http};
use crate::bindings::exports::messaging::channel::connection::Registration;
use crate::bindings::messaging::channel::http::{Failure, Seal};
use crate::bindings::messaging::channel::types::{Error, Header};

/// Whom a registration serves.
#[derive(Clone, Copy)]
pub(super) enum Scope {
    /// The number.
    Number,
    /// All numbers of the account.
    Account,
}

/// A registration as it is now.
pub(super) struct Present {
    pub(super) registration: Registration,
    /// The host keeps the headers.
    pub(super) sealed: bool,
}

impl Present {
    /// Somebody's deliveries go to another address than `url`.
    pub(super) fn leads_elsewhere(&self, url: &str) -> bool {
        self.registration
            .url
            .as_ref()
            .is_some_and(|present| present != url)
    }
}

impl Scope {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Account => "account",
        }
    }

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Number => "/v1/configs/webhook",
            Self::Account => "/waba_webhook",
        }
    }

    /// Reads the registration. The host keeps the values of its headers under `name`; where it declines, no header is looked at.
    ///
    /// The address stays readable, though it may hold a credential of its own: it has to be compared with ours, and somebody has
    /// to see what is in the way.
    pub(super) fn read(self, client: &Client<'_, impl Http>, name: &str) -> Result<Present, Error> {
        #[derive(Deserialize)]
        struct Members<'a> {
            #[serde(borrow)]
            url: Option<Cow<'a, str>>,
            #[serde(borrow)]
            headers: Option<&'a RawValue>,
        }

        let seal = Seal {
            pointer: "/headers".into(),
            name: name.into(),
        };
        let (result, sealed) = match client.get(self.path(), vec![seal]) {
            Err(Failure::SealingDeclined) => (client.get(self.path(), Vec::new()), false),
            result => (result, true),
        };
        let answer = api::answer(result, Call::Repeatable)?;
        let members: Option<Members<'_>> =
            serde_json::from_slice(&answer.body).map_err(|_| api::unreadable(&answer))?;
        let (url, headers) = match members {
            Some(members) => (members.url, members.headers.filter(|_| sealed)),
            None => (None, None),
        };
        Ok(Present {
            registration: Registration {
                scope: Some(self.word().into()),
                url: url
                    .filter(|url| !url.trim().is_empty())
                    .map(Cow::into_owned),
                headers: headers
                    .map(|headers| placeholders(headers.get()))
                    .unwrap_or_default(),
            },
            sealed,
        })
    }
}

/// The headers whose values the host has sealed. Any other value (a number is none that it seals) stays behind.
fn placeholders(headers: &str) -> Vec<Header> {
    // Headers that are not set are an empty object, or an empty string.
    let headers: BTreeMap<String, Value> = serde_json::from_str(headers).unwrap_or_default();
    headers
        .into_iter()
        .filter_map(|(name, value)| match value {
            Value::String(value) => Some(Header { name, value }),
            _ => None,
        })
        .collect()
}

/// The body that registers `url`.
pub(super) fn body(url: &str, headers: &BTreeMap<&str, &str>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Members<'a> {
        url: &'a str,
        headers: &'a BTreeMap<&'a str, &'a str>,
    }

    serde_json::to_vec(&Members { url, headers })
        // Only a failing writer or a key that is no string could fail, and there is neither.
        .expect("memory takes every byte, and every key is a string")
}

/// The body that puts a registration back.
///
/// Its placeholders are filled, so it may ask for nothing but what was sealed for it: an address with the placeholder of another
/// secret in it would be told that secret.
pub(super) fn restoring(registration: &Registration) -> Result<Vec<u8>, Error> {
    let is_plain = |text: &str| !text.contains("{{");
    let url = registration.url.as_deref().unwrap_or_default();
    let headers: BTreeMap<_, _> = registration
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.as_str()))
        .collect();
    let asks_for_more = headers
        .iter()
        .any(|(name, value)| !is_plain(name) || !(is_plain(value) || is_kept(value)));
    if asks_for_more || !is_plain(url) {
        return Err(api::invalid(
            "The registration to put back holds a placeholder of a secret that is not its own",
            "Register the former webhook by hand in the 360dialog Hub",
        ));
    }
    Ok(body(url, &headers))
}

/// The value is the placeholder of a header that was kept.
fn is_kept(value: &str) -> bool {
    value
        .strip_prefix("{{secret:")
        .and_then(|rest| {
            // What was only looked at is kept too, where the host went down before it could be replaced.
            rest.strip_prefix(PREVIOUS)
                .or_else(|| rest.strip_prefix(CURRENT))?
                .strip_prefix('/')?
                .strip_suffix("}}")
        })
        .is_some_and(|member| !member.contains(['{', '}']))
}
