//! Registrations of webhooks: where each is read, and how one is written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::SECRET;
use crate::api::{self, Call, Client, Http};
use crate::bindings::exports::messaging::channel::connection::Registration;
use crate::bindings::messaging::channel::http::{Failure, Response, Seal};
use crate::bindings::messaging::channel::types::{Error, Header};
use crate::description::SECRET_HEADER;
use crate::settings::{Api, WebhookAuthentication};

/// Whom a registration serves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The number.
    Number,
    /// All numbers of the account.
    Account,
}

/// The length from which the end of an address can't be guessed, in bytes.
const UNGUESSABLE: usize = 32;

/// A registration as it is now.
pub(super) struct Present {
    pub(super) registration: Registration,
    /// The host keeps the headers.
    pub(super) sealed: bool,
}

impl Present {
    /// Somebody's deliveries go to another address than `url`. One of another host with the same end, which nobody can guess, is the
    /// same channel's, from before it moved.
    pub(super) fn leads_elsewhere(&self, url: &str) -> bool {
        let end = |url: &str| {
            let end = url
                .rsplit('/')
                .next()
                .filter(|end| end.len() >= UNGUESSABLE);
            end.map(str::to_owned)
        };
        let is_ours = |present: &String| {
            present == url || end(url).is_some_and(|ours| end(present) == Some(ours))
        };
        self.registration
            .url
            .as_ref()
            .is_some_and(|present| !is_ours(present))
    }
}

impl Scope {
    /// Those that the API has.
    pub(super) fn of(client: &Client<'_, impl Http>) -> &'static [Self] {
        match client.api() {
            Api::Cloud => &[Self::Number, Self::Account],
            Api::Sandbox | Api::OnPremise => &[Self::Number],
        }
    }

    /// Whether it is to lead here.
    pub(super) fn is_taken(self, client: &Client<'_, impl Http>) -> bool {
        self == Self::Number || client.settings.has_account_webhook()
    }

    /// The scope of this word; the number's where a registration has none.
    pub(super) fn named(word: Option<&str>) -> Self {
        match word {
            Some(word) if word == Self::Account.word() => Self::Account,
            _ => Self::Number,
        }
    }

    /// The name that its headers are sealed under where they are to be put back. It must outlive every later look at the
    /// registration, which by then is our own; so looking has a name of its own.
    pub(super) const fn previous(self) -> &'static str {
        match self {
            Self::Number => "previous",
            Self::Account => "previous_account",
        }
    }

    /// The name that its headers are sealed under where they are only looked at.
    pub(super) const fn current(self) -> &'static str {
        match self {
            Self::Number => "current",
            Self::Account => "current_account",
        }
    }

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
        let seal = Seal {
            pointer: "/headers".into(),
            name: name.into(),
        };
        let (result, sealed) = match client.get(self.path(), vec![seal]) {
            Err(Failure::SealingDeclined) => (client.get(self.path(), Vec::new()), false),
            result => (result, true),
        };
        let answer = api::answer(result, Call::Repeatable)?;
        let members = Members::of(&answer)?;
        Ok(Present {
            registration: Registration {
                scope: Some(self.word().into()),
                headers: if sealed {
                    members.headers()
                } else {
                    Vec::new()
                },
                url: members
                    .url
                    .filter(|url| !url.trim().is_empty())
                    .map(Cow::into_owned),
            },
            sealed,
        })
    }

    /// Whether each delivery comes with our secret, where the settings want it in a header.
    ///
    /// The host shows its own secret as the placeholder of it. Sealing would hide which secret it is, so nothing is sealed: ask this
    /// only of a registration that leads here.
    pub(super) fn brings_our_secret(self, client: &Client<'_, impl Http>) -> Result<bool, Error> {
        if client.settings.webhook_authentication.unwrap_or_default() == WebhookAuthentication::Hmac
        {
            return Ok(true);
        }
        let answer = api::answer(client.get(self.path(), Vec::new()), Call::Repeatable)?;
        let headers = Members::of(&answer)?.headers();
        Ok(headers.iter().any(|header| {
            header.name.eq_ignore_ascii_case(SECRET_HEADER) && header.value == SECRET
        }))
    }
}

/// A registration as 360dialog writes it.
#[derive(Default, Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    fn of(answer: &'a Response) -> Result<Self, Error> {
        let members: Option<Self> =
            serde_json::from_slice(&answer.body).map_err(|_| api::unreadable(answer))?;
        Ok(members.unwrap_or_default())
    }

    /// The headers whose values are text, as those are that the host seals. Any other value stays behind.
    fn headers(&self) -> Vec<Header> {
        let headers = self.headers.map_or("", RawValue::get);
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
}

impl Scope {
    /// The body that registers `url`.
    pub(super) fn body(self, url: &str, headers: &BTreeMap<&str, &str>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Members<'a> {
            url: &'a str,
            headers: &'a BTreeMap<&'a str, &'a str>,
            /// Whether the numbers' own no longer count.
            #[serde(skip_serializing_if = "Option::is_none")]
            override_all: Option<bool>,
        }

        let override_all = (self == Self::Account).then_some(false);
        serde_json::to_vec(&Members {
            url,
            headers,
            override_all,
        })
        // Only a failing writer or a key that is no string could fail, and there is neither.
        .expect("memory takes every byte, and every key is a string")
    }

    /// The body that puts a registration back.
    ///
    /// Its placeholders are filled, so it may ask for nothing but what was sealed for it: an address with the placeholder of another
    /// secret in it would be told that secret.
    pub(super) fn restoring(self, registration: &Registration) -> Result<Vec<u8>, Error> {
        let is_plain = |text: &str| !text.contains("{{");
        let url = registration.url.as_deref().unwrap_or_default();
        let headers: BTreeMap<_, _> = registration
            .headers
            .iter()
            .map(|header| (header.name.as_str(), header.value.as_str()))
            .collect();
        let asks_for_more = headers
            .iter()
            .any(|(name, value)| !is_plain(name) || !(is_plain(value) || self.has_kept(value)));
        if asks_for_more || !is_plain(url) {
            return Err(api::invalid(
                "The registration to put back holds a placeholder of a secret that is not its own",
                "Register the former webhook by hand in the 360dialog Hub",
            ));
        }
        Ok(self.body(url, &headers))
    }

    /// The value is the placeholder of a header that was kept.
    fn has_kept(self, value: &str) -> bool {
        value
            .strip_prefix("{{secret:")
            .and_then(|rest| {
                // What was only looked at is kept too, where the host went down before it could be replaced.
                rest.strip_prefix(self.previous())
                    .or_else(|| rest.strip_prefix(self.current()))?
                    .strip_prefix('/')?
                    .strip_suffix("}}")
            })
            .is_some_and(|member| !member.contains(['{', '}']))
    }
}
