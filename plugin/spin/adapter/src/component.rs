//! The glue: what the channel imports, on what Spin lends.

use std::time::Duration;

use spin_interfaces::store::{self, SpinBucket, Store, open};
use spin_interfaces::variables;

use crate::bindings::exports::messaging::channel::http::{self, Failure, Request, Response};
use crate::bindings::exports::messaging::channel::storage::{self, KeyPage};
use crate::exchange::{Outgoing, exchange};
use crate::request::{address, filled, masked};
use spin_interfaces::secrets::OfVariables;

/// The part of the application that the channel's keys are.
const PART: &str = "channel";

/// How long a request of the channel may take where the variable `http_timeout_ms` does not say.
const TIMEOUT_MS: u32 = 10_000;

/// The longest key and value that the contract promises, in bytes.
const KEY_BYTES: usize = 256;
const VALUE_BYTES: usize = 64 << 10;

pub(crate) struct Component;

impl http::Guest for Component {
    fn send(request: Request) -> Result<Response, Failure> {
        if !request.seal.is_empty() {
            return Err(Failure::SealingDeclined);
        }
        let variables = variables::read().map_err(|sentence| {
            Failure::Denied(format!("the variables can't be read: {sentence}"))
        })?;
        let origin = variables.get("api_origin").map_or("", String::as_str);
        let uri = address(&request.url, origin)?;
        let secrets = OfVariables(&variables);
        let (headers, body) = filled(&request, &secrets)?;
        let limit = variables.get("http_timeout_ms");
        let limit = limit
            .and_then(|limit| limit.parse().ok())
            .unwrap_or(TIMEOUT_MS);
        let time = request.timeout_ms.map_or(limit, |time| time.min(limit));
        let outgoing = Outgoing {
            method: request.method,
            uri,
            headers,
            body,
        };
        let answer = exchange(&outgoing, Duration::from_millis(time.into()))?;
        masked(answer.status, answer.headers, answer.body, &secrets)
    }
}

impl From<store::Failure> for storage::Failure {
    fn from(failure: store::Failure) -> Self {
        match failure {
            store::Failure::Denied => Self::Denied,
            store::Failure::Unavailable(sentence) => Self::Unavailable(sentence),
        }
    }
}

impl storage::Guest for Component {
    fn get(key: String) -> Result<Option<Vec<u8>>, storage::Failure> {
        Ok(keys()?.get(within(&key, &[])?)?)
    }

    fn set(key: String, value: Vec<u8>) -> Result<(), storage::Failure> {
        Ok(keys()?.set(within(&key, &value)?, &value)?)
    }

    fn delete(key: String) -> Result<(), storage::Failure> {
        Ok(keys()?.delete(within(&key, &[])?)?)
    }

    fn compare_and_swap(
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<bool, storage::Failure> {
        let key = within(&key, &value)?;
        Ok(keys()?.compare_and_swap(key, expected.as_deref(), &value)?)
    }

    fn list(prefix: String, _: Option<String>) -> Result<KeyPage, storage::Failure> {
        // Spin has no pages.
        let keys = keys()?.list(&prefix)?;
        Ok(KeyPage { keys, next: None })
    }
}

fn keys() -> Result<Store<SpinBucket>, storage::Failure> {
    let variables = variables::read().map_err(storage::Failure::Unavailable)?;
    Ok(open(&variables, PART)?)
}

/// The key, where key and value are no longer than the contract promises.
fn within<'a>(key: &'a str, value: &[u8]) -> Result<&'a str, storage::Failure> {
    if key.is_empty() || key.len() > KEY_BYTES || value.len() > VALUE_BYTES {
        return Err(storage::Failure::Limit(format!(
            "a key has 1 to {KEY_BYTES} bytes, a value at most {VALUE_BYTES}; these have {} and {}",
            key.len(),
            value.len()
        )));
    }
    Ok(key)
}
