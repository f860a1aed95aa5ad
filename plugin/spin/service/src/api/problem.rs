//! Problem details (RFC 9457), of the reference host's kinds.

use channel_contract::connection::Registration;
use channel_contract::outbound::Window;
use channel_contract::{json as contract_json, types};
use http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode, Uri};
use serde_json::{Map, Value, json, value};

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
        .with("problems", json!(problems));
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
        let problem = if error.class == types::ErrorClass::Unauthorised {
            let title = "The vendor does not take the credentials";
            Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "credentials",
                title,
                &detail,
            )
        } else {
            Self::new(
                StatusCode::BAD_GATEWAY,
                "vendor",
                "The vendor refused",
                &detail,
            )
        };
        problem.with("error", json!(error))
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
