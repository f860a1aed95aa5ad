//! The token that callers of the API must have.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

use super::problem::Problem;

/// The shortest token that can't be guessed, in bytes.
const SHORTEST: usize = 16;

/// The random bytes of a generated token.
const RANDOM_BYTES: usize = 32;

/// The token that callers of the API must have, as `Authorization: Bearer` (RFC 6750).
pub struct Token(String);

impl Token {
    /// Takes text for a token. None where it is shorter than 16 bytes, or can't stand in a header.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        let fits = text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(Self(text))
    }

    /// A new one that nobody can guess.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// Its text, for the one place that keeps it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the request bears this token, in its only `authorization` (RFC 6750, section 2.1).
    fn is_borne(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return false;
        };
        let value = value.as_bytes();
        let space = value.iter().position(|byte| *byte == b' ');
        let Some((scheme, token)) = space.and_then(|space| value.split_at_checked(space)) else {
            return false;
        };
        // Takes as long for every token of the right length, and the length is no secret.
        scheme.eq_ignore_ascii_case(b"bearer")
            && bool::from(token.trim_ascii().ct_eq(self.0.as_bytes()))
    }
}

/// Lets only requests with the token pass: `axum::middleware::from_fn_with_state`.
pub(super) async fn authorise(
    State(token): State<Arc<Token>>,
    request: Request,
    next: Next,
) -> Response {
    if token.is_borne(request.headers()) {
        next.run(request).await
    } else {
        Problem::unauthorised().into_response()
    }
}

#[cfg(test)]
mod tests;
