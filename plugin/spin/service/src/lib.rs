//! Serves webhooks and an API on Spin, with a channel composed in.
//!
//! The logic knows the channel by its contract, and the rest of the world as [`World`]; only `entry` knows the SDK.

mod api;
mod bindings;
mod configuration;
#[cfg(target_family = "wasm")]
mod entry;
mod platform;
mod seen;
mod templates;
mod webhook;

use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
use spin_interfaces::store::{Bucket, Failure, Store};
use spin_interfaces::variables::Variables;

use crate::configuration::{description, settings};

/// What the service needs besides the channel.
#[expect(async_fn_in_trait, reason = "one thread serves everything")]
pub trait World {
    /// Where the state is kept.
    type Bucket: Bucket;

    /// The component's variables, or why they can't be read.
    ///
    /// # Errors
    ///
    /// The provider's sentence.
    fn variables(&self) -> Result<impl AsRef<Variables>, String>;

    /// The service's own keys.
    ///
    /// # Errors
    ///
    /// The store's failure.
    fn store(&self, variables: &Variables) -> Result<Store<Self::Bucket>, Failure>;

    /// Sends a request; the answer's status, or why there is none.
    ///
    /// # Errors
    ///
    /// A sentence for the log.
    async fn send(&self, request: Request<Vec<u8>>) -> Result<StatusCode, String>;

    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unread {
    /// It has more bytes than are taken.
    TooLarge,
    /// It broke off.
    BrokenOff,
}

/// Answers a request. `body` reads its body, up to a number of bytes.
pub async fn serve<W: World>(
    world: &W,
    head: &Parts,
    body: impl AsyncFnOnce(usize) -> Result<Vec<u8>, Unread>,
) -> Response<Vec<u8>> {
    let variables = match world.variables() {
        Ok(variables) => variables,
        Err(sentence) => {
            eprintln!("the variables can't be read: {sentence}");
            return answer(StatusCode::SERVICE_UNAVAILABLE);
        }
    };
    let variables = variables.as_ref();
    if let Some(path) = head.uri.path().strip_prefix("/webhooks/") {
        webhook::receive(world, variables, path, head, body).await
    } else {
        api::answer(world, variables, head, body).await
    }
}

/// Holds the templates that were added against 360dialog's list, where there are any, and adds none.
///
/// # Errors
///
/// A sentence for the log.
pub fn refresh(world: &impl World) -> Result<(), String> {
    let variables = world.variables()?;
    let settings = settings(variables.as_ref(), &description());
    let settings = Value::Object(settings).to_string();
    templates::refresh(&settings).map_err(|error| json!(error).to_string())
}

/// An answer without a body.
fn answer(status: StatusCode) -> Response<Vec<u8>> {
    with_body(status, "", Vec::new())
}

/// Every answer says its length: one that comes in pieces waits 40 ms in between for connections that are kept.
fn with_body(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // An answer that has no body says none (RFC 9110, section 8.6).
    if status != StatusCode::NO_CONTENT {
        headers.insert(CONTENT_LENGTH, length);
    }
    if !content_type.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}
