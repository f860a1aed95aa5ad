//! Problem details (RFC 9457), of the reference host's kinds.

use channel_contract::connection::Registration;
use channel_contract::json as contract_json;
use channel_contract::outbound::Window;
use channel_contract::storage::Failure;
use channel_contract::template_store::TemplateError;
use channel_contract::types::{self, ErrorClass};
use http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode, Uri};
use serde_json::{Map, Value, json, value};

use crate::templates::sendable;
use crate::with_body;

/// After how many seconds to try again where the store failed.
const RETRY_SECONDS: &str = "5";

/// What the problem is whose only remedy is a template.
const WINDOW_CLOSED: &str = "window_closed";

/// An answer that says what is wrong, and what to do.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    members: Map<String, Value>,
    header: Option<(HeaderName, &'static str)>,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, title: &str, detail: &str) -> Self {
        let mut members = Map::new();
        members.insert("type".to_owned(), format!("/problems/{kind}").into());
        members.insert("title".to_owned(), title.into());
        members.insert("status".to_owned(), status.as_u16().into());
        members.insert("detail".to_owned(), detail.into());
        Self {
            status,
            members,
            header: None,
        }
    }

    fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// What is wrong, in a sentence.
    pub(super) fn detail(&self) -> String {
        let detail = self.members.get("detail").and_then(Value::as_str);
        detail.unwrap_or_default().to_owned()
    }

    pub(super) fn bad_request(detail: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "bad-request",
            "The request can't be read",
            detail,
        )
    }

    pub(super) fn unauthorised() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorised",
            "The token is missing or wrong",
            "send the variable api_token in the header: Authorization: Bearer TOKEN",
        )
        .with_header(WWW_AUTHENTICATE, "Bearer")
    }

    pub(super) fn not_found(detail: impl AsRef<str>) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is no such thing",
            detail.as_ref(),
        )
    }

    pub(super) fn no_address() -> Self {
        Self::not_found("there is nothing at this address; compare it with the documentation")
    }

    /// The address takes this method.
    pub(super) fn method_not_allowed(method: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "The method is not allowed here",
            "take one of the methods in the header allow",
        )
        .with_header(ALLOW, method)
    }

    pub(super) fn unsupported_media_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The body is not JSON",
            "send JSON, with the header: Content-Type: application/json",
        )
    }

    pub(super) fn too_large() -> Self {
        let detail = "the body is larger than this address takes; send less at once";
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "The body is too large",
            detail,
        )
    }

    pub(super) fn idempotency() -> Self {
        let detail = "this application keeps no outbox, so it can't know a message again: leave idempotency-key out, or use the \
                      reference host";
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "key",
            "The key can't be taken",
            detail,
        )
    }

    pub(super) fn store(failure: &str) -> Self {
        let detail = format!("the key-value store failed: {failure}");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not now",
            &detail,
        )
        .with_header(RETRY_AFTER, RETRY_SECONDS)
    }

    /// What the channel's own storage refuses.
    pub(super) fn storage(failure: &Failure) -> Self {
        match failure {
            Failure::Limit(sentence) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "storage-limit",
                "The channel's storage is full",
                sentence,
            ),
            Failure::Denied | Failure::Unavailable(_) => Self::store(&failure.to_string()),
        }
    }

    pub(super) fn unprocessable(problems: &[types::Problem]) -> Self {
        let detail = match problems {
            [one] if one.pointer.is_empty() => one.message.clone(),
            [one] => format!("{}: {}", one.pointer, one.message),
            _ => format!("{} rules are broken; see problems", problems.len()),
        };
        Self::invalid(&detail).with("problems", json!(problems))
    }

    pub(super) fn invalid(detail: &str) -> Self {
        let title = "What was sent breaks a rule";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", title, detail)
    }

    /// A message that can't be sent; where only the window stands in the way, since when it is closed.
    pub(super) fn unsendable(problems: &[types::Problem], window: &Window) -> Self {
        let only_the_window = problems.iter().all(|problem| problem.code == WINDOW_CLOSED);
        let (Window::Closed(closed), true) = (window, only_the_window) else {
            return Self::unprocessable(problems);
        };
        let detail = problems.first().map_or("", |problem| &problem.message);
        let problem = Self::new(
            StatusCode::CONFLICT,
            "window-closed",
            "The window is closed",
            detail,
        )
        .with("problems", json!(problems))
        .with("templates", json!(sendable()));
        let since = closed
            .since
            .map(|since| contract_json::timestamp::serialize(&since, value::Serializer));
        match since {
            Some(Ok(since)) => problem.with("since", since),
            _ => problem,
        }
    }

    /// Only the origin of where the webhook leads is told: the rest of an address may be somebody's secret.
    pub(super) fn occupied(registration: &Registration) -> Self {
        let url: Option<Uri> = registration.url.as_deref().and_then(|url| url.parse().ok());
        let origin = url.and_then(|url| {
            let origin = format!("{}://{}", url.scheme_str()?, url.host()?);
            Some(match url.port() {
                Some(port) => format!("{origin}:{port}"),
                None => origin,
            })
        });
        let detail = format!(
            "the vendor delivers this number's webhooks to {}; send replace_foreign to replace that, or leave it",
            origin.as_deref().unwrap_or("another address")
        );
        let problem = Self::new(
            StatusCode::CONFLICT,
            "occupied",
            "The webhook leads elsewhere",
            &detail,
        );
        match origin {
            Some(origin) => problem.with("origin", origin.into()),
            None => problem,
        }
    }

    /// What the vendor, or the way to it, refused.
    pub(super) fn refused(error: &types::Error) -> Self {
        let detail = error.sentence();
        let (status, kind, title) = match error.class {
            ErrorClass::Unauthorised => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "credentials",
                "The vendor does not take the credentials",
            ),
            // What was asked for is wrong, and stays so.
            ErrorClass::Invalid | ErrorClass::Recipient => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "vendor",
                "The vendor refused",
            ),
            _ => (StatusCode::BAD_GATEWAY, "vendor", "The vendor refused"),
        };
        Self::new(status, kind, title, &detail).with("error", json!(error))
    }

    pub(super) fn into_response(self) -> Response<Vec<u8>> {
        let body = Value::Object(self.members).to_string().into_bytes();
        let mut response = with_body(self.status, "application/problem+json", body);
        if let Some((name, value)) = self.header {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<TemplateError> for Problem {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::Invalid(findings) => {
                let problems: Vec<_> = findings.iter().map(|it| it.problem.clone()).collect();
                Self::unprocessable(&problems).with("findings", json!(findings))
            }
            TemplateError::Missing => Self::not_found(
                "there is no such template: compare the name and the language with the list",
            ),
            TemplateError::Conflict(problem) => Self::new(
                StatusCode::CONFLICT,
                "template-conflict",
                "The template can't be changed as it stands",
                &problem.message,
            )
            .with("problems", json!([problem])),
            TemplateError::Failed(error) => Self::refused(&error),
            TemplateError::Storage(failure) => Self::storage(&failure),
        }
    }
}
