//! What the REST API answers where it does not do what was asked: problem details (RFC 9457), and nothing else.

use std::error::Error;
use std::future::{Ready, ready};
use std::time::Duration;

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{self, Operation};
use axum::Json;
use axum::extract::rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::contract::types;

/// An answer that says what is wrong, and what to do.
#[derive(Debug)]
pub(crate) struct Problem(Box<Details>);

/// What is wrong, and what to do (RFC 9457). Kinds of problems have further members.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProblemDetails")]
struct Details {
    /// The kind: `/problems/` and a word.
    #[serde(rename = "type")]
    kind: String,
    /// The same for all of the kind.
    title: &'static str,
    /// The answer's status.
    #[serde(serialize_with = "number")]
    #[schemars(with = "u16")]
    status: StatusCode,
    /// What is wrong here, and what to do.
    detail: String,
    /// Under which the host's log has more.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(flatten)]
    members: Map<String, Value>,
    #[serde(skip)]
    header: Option<(HeaderName, HeaderValue)>,
}

// serde hands fields on by reference.
#[expect(clippy::trivially_copy_pass_by_ref)]
fn number<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem of its own kind: `kind` is the last word of its `type`, the title is the same for all of the kind.
    pub(crate) fn new(
        status: StatusCode,
        kind: &str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(Details {
            kind: format!("/problems/{kind}"),
            title,
            status,
            detail: detail.into(),
            instance: None,
            members: Map::new(),
            header: None,
        }))
    }

    /// The same with a member of its own kind (`since`).
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.header = Some((name, value));
        self
    }

    /// 400: the request can't be read.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        let title = "The request can't be read";
        Self::new(StatusCode::BAD_REQUEST, "bad-request", title, detail)
    }

    /// 401: the token is missing or wrong.
    pub(crate) fn unauthorised() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorised",
            "The token is missing or wrong",
            "send the host's token in the header: Authorization: Bearer TOKEN",
        )
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 404: there is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        let title = "There is no such thing";
        Self::new(StatusCode::NOT_FOUND, "not-found", title, detail)
    }

    /// 405: the address takes other methods, which the header `allow` names.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "The method is not allowed here",
            "take one of the methods in the header allow",
        )
    }

    /// 409: what is asked for contradicts how things stand. `kind` and `title` say which.
    pub(crate) fn conflict(kind: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, title, detail)
    }

    /// 413: the body is too large.
    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        let title = "The body is too large";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", title, detail)
    }

    /// 415: the body is no JSON, by its content type.
    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body is not JSON",
            "send JSON, with the header: Content-Type: application/json",
        )
    }

    /// 422: what was sent breaks rules.
    pub(crate) fn unprocessable(problems: &[types::Problem]) -> Self {
        let detail = match problems {
            [one] if one.pointer.is_empty() => one.message.clone(),
            [one] => format!("{}: {}", one.pointer, one.message),
            _ => format!("{} rules are broken; see problems", problems.len()),
        };
        Self::invalid(detail).with("problems", serde_json::json!(problems))
    }

    fn invalid(detail: impl Into<String>) -> Self {
        let title = "What was sent breaks a rule";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", title, detail)
    }

    /// 500: the host failed. What happened stands in its log, under the reference that the caller gets.
    pub(crate) fn internal(cause: &(dyn Error + 'static)) -> Self {
        let reference = Uuid::now_v7();
        tracing::error!(%reference, error = cause, "a request failed");
        let mut problem = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The host failed",
            format!("look for {reference} in the host's log"),
        );
        problem.0.instance = Some(reference.urn().to_string());
        problem
    }

    /// 503: not now. `retry` is rounded up to whole seconds.
    pub(crate) fn unavailable(detail: impl Into<String>, retry: Duration) -> Self {
        let seconds = retry.as_secs() + u64::from(retry.subsec_nanos() > 0);
        let title = "Not now";
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            title,
            detail,
        )
        .with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// What an extractor of axum's refused.
    fn rejected(status: StatusCode, text: &str) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::too_large("the body is larger than this address takes; send less at once")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::unsupported_media_type(),
            StatusCode::UNPROCESSABLE_ENTITY => Self::invalid(without_value(text)),
            _ => Self::bad_request(without_value(text)),
        }
    }
}

/// serde's sentence without the value that it quotes, which may be a secret in the wrong place.
fn without_value(sentence: &str) -> String {
    let quotes = ["invalid type: ", "invalid value: ", "unknown variant `"];
    let quote = quotes.iter().filter_map(|quote| sentence.find(quote)).min();
    match (quote, sentence.rsplit_once(", expected ")) {
        (Some(quote), Some((_, expected))) => format!("{}expected {expected}", &sentence[..quote]),
        _ => sentence.to_owned(),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let details = *self.0;
        // Strings, numbers and JSON: nothing in it can fail to be written.
        let body = serde_json::to_vec(&details).unwrap_or_default();
        let content_type = HeaderValue::from_static("application/problem+json");
        let headers = details.header.into_iter();
        let headers: HeaderMap = headers.chain([(CONTENT_TYPE, content_type)]).collect();
        (details.status, headers, body).into_response()
    }
}

impl OperationOutput for Problem {
    type Inner = Self;

    fn operation_response(
        context: &mut GenContext,
        operation: &mut Operation,
    ) -> Option<openapi::Response> {
        let mut response = Json::<Details>::operation_response(context, operation)?;
        let content = response.content.drain(..).map(|(_, content)| content);
        let content: Vec<_> = content.collect();
        let problem = |content| ("application/problem+json".to_owned(), content);
        response.content.extend(content.into_iter().map(problem));
        Some(response)
    }
}

/// An extractor of axum's (`Json`, `Query`, `Path`, `Bytes`) that refuses with a [`Problem`].
pub(crate) struct Checked<E>(pub(crate) E);

impl<S: Send + Sync, E: FromRequest<S>> FromRequest<S> for Checked<E>
where
    Problem: From<E::Rejection>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        Ok(Self(E::from_request(request, state).await?))
    }
}

impl<S: Send + Sync, E: FromRequestParts<S>> FromRequestParts<S> for Checked<E>
where
    Problem: From<E::Rejection>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(E::from_request_parts(parts, state).await?))
    }
}

macro_rules! from_rejections {
    ($($rejection:ty),*) => {$(
        impl From<$rejection> for Problem {
            fn from(rejection: $rejection) -> Self {
                Self::rejected(rejection.status(), &rejection.body_text())
            }
        }
    )*};
}
from_rejections!(BytesRejection, JsonRejection, PathRejection, QueryRejection);

/// Answers where no route is: `Router::fallback`.
pub(crate) fn no_route() -> Ready<Problem> {
    let detail = "there is nothing at this address; compare it with the documentation";
    ready(Problem::not_found(detail))
}

/// Answers where a route has no such method: `Router::method_not_allowed_fallback`.
pub(crate) fn no_method() -> Ready<Problem> {
    ready(Problem::method_not_allowed())
}

#[cfg(test)]
pub(super) mod tests;
