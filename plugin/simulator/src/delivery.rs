//! Webhooks: where they go, and what became of them.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::simulator::Flavour;

/// Where events are posted, and with which headers (360dialog, webhook configuration).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// The headers that every delivery bears.
    pub headers: Vec<(String, String)>,
}

/// A webhook that is delivered until it is taken.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Counts from 1.
    pub id: u64,
    /// The body, as it is posted.
    pub body: Bytes,
    /// What became of it so far, in order.
    pub attempts: Vec<Attempt>,
    /// Whether it goes to the account's webhook, where there is one.
    pub(crate) of_account: bool,
    /// How many attempts are planned or under way.
    pub(crate) planned: u32,
}

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// When it ended, by the simulator's clock, in milliseconds since 1970.
    pub time: u64,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was answered with this status. Only 200 takes it (360dialog, receiving messages via webhook).
    Status(u16),
    /// It has no answer, for this reason.
    Failed(String),
}

impl Delivery {
    /// Whether the last attempt was answered with 200.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        let last = self.attempts.last();
        last.is_some_and(|last| last.outcome == Outcome::Status(200))
    }

    /// When to try again after the last attempt: twice as long each time, for up to 7 days in all (360dialog, receiving
    /// messages via webhook: "up to 7 days with exponential backoff"; the first wait is an option, and that none is longer
    /// than an hour is assumed).
    pub(crate) fn next_attempt(&self, first_wait: Duration) -> Option<u64> {
        const LONGEST: Duration = Duration::from_hours(1);
        const GIVE_UP: Duration = Duration::from_hours(7 * 24);
        if self.is_taken() {
            return None;
        }
        let (first, last) = (self.attempts.first()?, self.attempts.last()?);
        let doublings = u32::try_from(self.attempts.len() - 1).unwrap_or(u32::MAX);
        let factor = 2_u32.saturating_pow(doublings);
        let wait = millis(first_wait.saturating_mul(factor).min(LONGEST));
        let due = last.time + wait;
        (due < first.time + millis(GIVE_UP)).then_some(due)
    }
}

/// Where 360dialog delivers no webhooks to: "Webhook URLs or headers for Cloud API do not support `_` or `:xxxx` port in
/// (sub)domain names" (360dialog, webhook configuration); that it must be https is a note of its users. That the on-premise
/// API refuses the same addresses is assumed. With `loopback`, addresses of this machine are taken by http, with any port.
pub(crate) fn refused(webhook: &Webhook, loopback: bool) -> Option<String> {
    let Ok(url) = Url::parse(&webhook.url) else {
        return Some("url is not a valid URL".to_owned());
    };
    if !url.has_host() {
        return Some("url has no host".to_owned());
    }
    if loopback && is_loopback(&url) && url.scheme() == "http" {
        return None;
    }
    let advice = match (is_loopback(&url), loopback) {
        (false, _) => "",
        (true, false) => {
            "; start the simulator with --allow-loopback-webhooks to register an address of this machine"
        }
        (true, true) => {
            "; the simulator encrypts nothing: register an address of this machine with http"
        }
    };
    if url.scheme() != "https" {
        return Some(format!("url must be https{advice}"));
    }
    if names_port(&webhook.url) {
        return Some(format!("url must not have a port{advice}"));
    }
    if url.host_str().is_some_and(|host| host.contains('_')) {
        return Some("url must not have _ in its domain name".to_owned());
    }
    None
}

/// Whether the text of an address names a port, be it the scheme's own: that, a parsed one no longer tells.
fn names_port(url: &str) -> bool {
    let (_, rest) = url.split_once(':').unwrap_or_default();
    let rest = rest.trim_start_matches(['/', '\\']);
    let authority = rest.split(['/', '\\', '?', '#']).next();
    let host = authority.and_then(|it| it.rsplit('@').next());
    let behind_ipv6 = host.and_then(|it| it.rsplit(']').next());
    behind_ipv6.is_some_and(|it| it.contains(':'))
}

/// What a webhook's headers can't be: 360dialog's own to write. That it refuses them is assumed.
const OWN_HEADERS: [HeaderName; 4] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// Reads the headers that deliveries are to bear, or says why not. "URLs or headers for Cloud API do not support `_`" (360dialog,
/// webhook configuration): that this is about the names of headers is assumed. The on-premise API's own example has `header_1`.
/// That the other rules are checked at once, and that `null` is as good as no headers, is assumed.
pub(crate) fn headers(given: &Value, flavour: Flavour) -> Result<Vec<(String, String)>, String> {
    let members = match given {
        Value::Null => return Ok(Vec::new()),
        given => given.as_object().ok_or("headers must be an object")?,
    };
    let read = |(name, value): (&String, &Value)| {
        let parsed = HeaderName::try_from(name);
        let parsed = parsed.map_err(|_| format!("{name} is no name of a header"))?;
        if OWN_HEADERS.contains(&parsed) {
            return Err(format!("header {name} can't be set"));
        }
        if flavour != Flavour::OnPremise && name.contains('_') {
            return Err(format!("header {name} must not have _ in its name"));
        }
        let value = value.as_str();
        let value = value.ok_or_else(|| format!("header {name} must be a string"))?;
        if HeaderValue::try_from(value).is_err() {
            return Err(format!("the value of header {name} can't be sent"));
        }
        Ok((name.clone(), value.to_owned()))
    };
    members.iter().map(read).collect()
}

/// Whether an address is one of this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(domain)) => domain == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn webhook(url: &str) -> Webhook {
        let (url, headers) = (url.to_owned(), Vec::new());
        Webhook { url, headers }
    }

    #[test]
    fn an_address_is_https_without_port_and_underscore() {
        for (url, loopback, taken) in [
            ("https://hooks.example.com/a", false, true),
            ("http://hooks.example.com", true, false),
            ("https://hooks.example.com:8443", true, false),
            ("https://hooks.example.com:443/a", false, false),
            ("HTTPS://ada@hooks.example.com:443", false, false),
            ("https:hooks.example.com:443", false, false),
            ("https://[2001:db8::1]:443", false, false),
            ("https://[2001:db8::1]/a:443", false, true),
            ("https://a:b@hooks.example.com/?at=1:2", false, true),
            ("https://localhost:443", true, false),
            ("https://my_hooks.example.com", false, false),
            ("http://127.0.0.1:8371/a", false, false),
            ("http://127.0.0.1:8371/a", true, true),
            ("http://localhost:8371/a", true, true),
            ("http://[::1]:8371/a", true, true),
            ("hooks.example.com", false, false),
        ] {
            assert_eq!(refused(&webhook(url), loopback).is_none(), taken, "{url}");
        }
    }

    #[test]
    fn headers_are_names_and_values_that_can_be_sent() {
        for (headers, on_premise_only, why) in [
            (
                json!({"X-Shop": "fern", "Content-Type": "text/json"}),
                false,
                "",
            ),
            (json!({}), false, ""),
            (Value::Null, false, ""),
            (json!({"header_1": "a"}), true, "must not have _"),
            (json!("X-Shop: fern"), false, "an object"),
            (json!([]), false, "an object"),
            (json!({"": "a"}), false, "no name"),
            (json!({"X Shop": "a"}), false, "no name"),
            (json!({"X-Shop": "a\r\nb"}), false, "can't be sent"),
            (json!({"X-Shop": 1}), false, "a string"),
            (json!({"Host": "a"}), false, "can't be set"),
            (json!({"content-length": "1"}), false, "can't be set"),
            (
                json!({"Transfer-Encoding": "chunked"}),
                false,
                "can't be set",
            ),
            (json!({"Connection": "close"}), false, "can't be set"),
        ] {
            let said = |flavour| super::headers(&headers, flavour).err().unwrap_or_default();
            let (cloud, on_premise) = (said(Flavour::Cloud), said(Flavour::OnPremise));
            assert_eq!(cloud.is_empty(), why.is_empty(), "{headers}: {cloud}");
            assert!(cloud.contains(why), "{headers}: {cloud}");
            let expected = if on_premise_only { "" } else { &cloud };
            assert_eq!(on_premise, expected, "{headers}");
        }
    }

    #[test]
    fn a_refused_address_of_this_machine_comes_with_advice() {
        for (url, loopback, advice) in [
            ("http://localhost:8443", false, "--allow-loopback-webhooks"),
            ("https://localhost:8443", false, "--allow-loopback-webhooks"),
            ("https://localhost:8443", true, "with http"),
        ] {
            let why = refused(&webhook(url), loopback).unwrap_or_default();
            assert!(why.contains(advice), "{url}: {why}");
        }
    }

    #[test]
    fn it_is_tried_ever_more_seldom_and_for_seven_days() {
        let mut delivery = Delivery {
            id: 1,
            body: Bytes::new(),
            attempts: Vec::new(),
            of_account: false,
            planned: 0,
        };
        let mut time = 0;
        let mut waits = Vec::new();
        loop {
            let outcome = Outcome::Status(500);
            delivery.attempts.push(Attempt { time, outcome });
            let Some(due) = delivery.next_attempt(Duration::from_secs(1)) else {
                break;
            };
            waits.push((due - time) / 1000);
            time = due;
        }
        assert_eq!(waits[..5], [1, 2, 4, 8, 16]);
        assert_eq!(waits.iter().max(), Some(&3600));
        assert!(time < 7 * 24 * 60 * 60 * 1000 && time > 6 * 24 * 60 * 60 * 1000);
        let outcome = Outcome::Status(200);
        delivery.attempts.push(Attempt { time, outcome });
        assert_eq!(delivery.next_attempt(Duration::from_secs(1)), None);
    }
}
