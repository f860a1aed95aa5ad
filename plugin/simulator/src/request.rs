//! Requests as they come, what was seen of them, and replies.

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::ser::SerializeStruct;
use serde_json::{Map, Value, json};

/// The header that bears the API key (360dialog, authentication).
pub(crate) const KEY: &str = "d360-api-key";

/// A request to the API, and how it was answered.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Counts from 1.
    pub sequence: u64,
    /// When it had been read, by the simulator's clock, in milliseconds since 1970.
    pub time: u64,
    /// The method.
    pub method: Method,
    /// The path, as it stands in the address.
    pub path: String,
    /// The query, as it stands in the address; empty where there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The status of the answer. Absent while there is none, and where the connection was cut.
    pub status: Option<u16>,
}

impl Seen {
    /// A header's value; absent where it is no text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Method and path, as in `POST /messages`.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// A parameter of the query, decoded.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = url::form_urlencoded::parse(self.query.as_bytes());
        let (_, value) = pairs.find(|(key, _)| key == name)?;
        Some(value.into_owned())
    }

    /// The members of an object that `fields` asks for, or else the usual ones, by name and separated by commas. Meta's Graph
    /// API always answers with the id.
    pub(crate) fn fields(&self, whole: &Value, usual: &str) -> Value {
        let asked = self.parameter("fields");
        let asked = asked.as_deref().unwrap_or(usual);
        let named = ["id"].into_iter().chain(asked.split(',').map(str::trim));
        let members: Map<_, _> = named
            .filter_map(|name| Some((name.to_owned(), whole.get(name)?.clone())))
            .collect();
        Value::Object(members)
    }
}

/// Everything but the API key: whoever reads the list need not have it.
impl Serialize for Seen {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let headers: serde_json::Map<_, _> = self
            .headers
            .iter()
            .filter(|(name, _)| *name != KEY)
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                (name.to_string(), Value::from(value))
            })
            .collect();
        let mut seen = serializer.serialize_struct("Seen", 8)?;
        seen.serialize_field("sequence", &self.sequence)?;
        seen.serialize_field("time", &self.time)?;
        seen.serialize_field("method", self.method.as_str())?;
        seen.serialize_field("path", &self.path)?;
        seen.serialize_field("query", &self.query)?;
        seen.serialize_field("headers", &headers)?;
        seen.serialize_field("body", &readable(&self.body))?;
        seen.serialize_field("status", &self.status)?;
        seen.end()
    }
}

/// A body for people to read: its JSON, else its text, else its length in bytes.
pub(crate) fn readable(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| match std::str::from_utf8(body) {
        Ok(text) => Value::from(text),
        Err(_) => json!({"bytes": body.len()}),
    })
}

/// How a request is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    content_type: Option<HeaderValue>,
    body: Bytes,
}

impl Reply {
    /// JSON; null is an empty body.
    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        if value.is_null() {
            let (content_type, body) = (None, Bytes::new());
            return Self {
                status,
                content_type,
                body,
            };
        }
        Self {
            status,
            content_type: Some(HeaderValue::from_static("application/json")),
            body: value.to_string().into(),
        }
    }

    /// 200 with JSON.
    pub(crate) fn ok(value: &Value) -> Self {
        Self::json(StatusCode::OK, value)
    }

    /// 200 with a file.
    pub(crate) fn file(mime_type: &str, bytes: Bytes) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: HeaderValue::from_str(mime_type).ok(),
            body: bytes,
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, Body::from(self.body)).into_response();
        match self.content_type {
            Some(content_type) => response.headers_mut().insert(CONTENT_TYPE, content_type),
            None => response.headers_mut().remove(CONTENT_TYPE),
        };
        response
    }
}
