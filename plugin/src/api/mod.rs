//! Asking the number's API: requests with the key's placeholder in them, and what answers mean.
#![allow(clippy::result_large_err, reason = "the errors are the contract's own")]

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::bindings::messaging::channel::http::{Failure, Request, Response, Seal};
use crate::bindings::messaging::channel::types::{
    Attribute, Contact, Error, ErrorClass, Header, Retry, Scalar,
};
use crate::settings::{API_KEY, Api, Settings};

mod fault;
#[cfg(test)]
pub(crate) mod tests;

pub use fault::error;

/// The host's `http`.
pub trait Http {
    /// Sends a request.
    ///
    /// # Errors
    ///
    /// Where there is no answer.
    fn send(&self, request: &Request) -> Result<Response, Failure>;
}

/// What a request is for: whether it may have been accepted is of weight for messages alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// It sends a message: done twice, the person has it twice.
    Message,
    /// It can be done again.
    Repeatable,
}

/// The media type of JSON.
pub(crate) const JSON: &str = "application/json";

/// The remedy for an address that nothing answers from.
const UNREACHABLE: &str = "Check base_url in the settings, and the way from the host to it";

/// How long a message may take in milliseconds.
const MESSAGE_TIMEOUT_MS: u32 = 30_000;
/// How long any other request may take in milliseconds.
const TIMEOUT_MS: u32 = 10_000;

/// The most attributes that are taken from an answer.
const MAX_ATTRIBUTES: usize = 64;

/// The API of one number.
pub(crate) struct Client<'a, H> {
    http: &'a H,
    /// The channel's settings.
    pub(crate) settings: Settings<'a>,
    base_url: String,
}

impl<'a, H: Http> Client<'a, H> {
    /// The API that the settings name.
    ///
    /// # Errors
    ///
    /// Where the settings can't be read, or name no address.
    pub(crate) fn new(http: &'a H, settings: &'a str) -> Result<Self, Error> {
        // serde_json's error may quote a value of the settings, so it stays here.
        let settings = Settings::parse(settings).map_err(|_| {
            invalid(
                "The channel's settings can't be read",
                "Correct what `validate` says of them",
            )
        })?;
        let Some(base_url) = settings.base_url().map(str::to_owned) else {
            return Err(invalid(
                "The on-premise API has no address of its own any more",
                "Set api to \"cloud\" in the settings, or base_url to the server that stands for it",
            ));
        };
        Ok(Self {
            http,
            settings,
            base_url,
        })
    }

    /// Reads what is at `path`, with members of the answer sealed.
    pub(crate) fn get(&self, path: &str, seal: Vec<Seal>) -> Result<Response, Failure> {
        self.http.send(&Request {
            seal,
            ..self.request("GET", path)
        })
    }

    /// Deletes what is at `path`.
    pub(crate) fn delete(&self, path: &str) -> Result<Response, Failure> {
        self.http.send(&self.request("DELETE", path))
    }

    /// Registers or sets something. Placeholders in `json` are filled, so it may hold nothing that people wrote.
    pub(crate) fn configure(&self, path: &str, json: Vec<u8>) -> Result<Response, Failure> {
        self.http.send(&Request {
            fill_body: true,
            ..self.with_body("POST", path, JSON, json)
        })
    }

    /// Sends what people wrote, or what came from elsewhere, as it stands.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<Response, Failure> {
        self.http.send(&Request {
            timeout_ms: Some(MESSAGE_TIMEOUT_MS),
            ..self.with_body(method, path, content_type, body)
        })
    }

    fn with_body(&self, method: &str, path: &str, content_type: &str, body: Vec<u8>) -> Request {
        let mut request = self.request(method, path);
        request.headers.push(Header {
            name: "Content-Type".into(),
            value: content_type.into(),
        });
        request.body = Some(body);
        request
    }

    fn request(&self, method: &str, path: &str) -> Request {
        Request {
            method: method.into(),
            url: self.url(path),
            headers: vec![Header {
                name: "D360-API-KEY".into(),
                value: API_KEY.into(),
            }],
            body: None,
            fill_body: false,
            timeout_ms: Some(TIMEOUT_MS),
            seal: Vec::new(),
        }
    }

    /// The address of what is at `path`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// Which of 360dialog's APIs this is.
    pub(crate) fn api(&self) -> Api {
        self.settings.api()
    }
}

/// The answer, where it says that the request was accepted; its body may be anything.
///
/// # Errors
///
/// What stands in an answer that refuses (an error in an answer of status 200 is one), or why there is no answer.
pub fn answer(result: Result<Response, Failure>, call: Call) -> Result<Response, Error> {
    let bare = |status| Response {
        status,
        headers: Vec::new(),
        body: Vec::new(),
    };
    let failed = |class, retry, message, remedy: &str| {
        Err(Error {
            remedy: Some(remedy.into()),
            ..failure(class, retry, message)
        })
    };
    match result {
        Ok(response) if is_success(response.status) && !refuses(&response.body) => Ok(response),
        Ok(response) => Err(error(&response, call)),
        // Accepted it was; what else was said is lost.
        Err(Failure::TooLarge(status)) if is_success(status) => Ok(bare(status)),
        Err(Failure::TooLarge(status)) => Err(error(&bare(status), call)),
        Err(Failure::Denied(sentence)) => failed(
            ErrorClass::Invalid,
            Retry::Never,
            sentence,
            "Check base_url in the settings, and what addresses the host grants the channel",
        ),
        Err(Failure::SealingDeclined) => failed(
            ErrorClass::Invalid,
            Retry::Never,
            "The host does not seal members of answers".into(),
            "Use a host that does",
        ),
        Err(Failure::Unreachable(sentence)) => {
            failed(ErrorClass::Temporary, Retry::Backoff, sentence, UNREACHABLE)
        }
        Err(Failure::Interrupted(sentence)) => match call {
            Call::Message => failed(
                ErrorClass::Uncertain,
                Retry::Unknown,
                sentence,
                fault::UNCERTAIN,
            ),
            Call::Repeatable => {
                failed(ErrorClass::Temporary, Retry::Backoff, sentence, UNREACHABLE)
            }
        },
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Whether the body of a successful answer is an error all the same. (On-premise API: `errors` with status 200.)
fn refuses(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Shape<'a> {
        #[serde(borrow)]
        error: Option<&'a RawValue>,
        #[serde(borrow)]
        errors: Option<&'a RawValue>,
        #[serde(borrow)]
        meta: Option<&'a RawValue>,
        #[serde(borrow)]
        messages: Option<&'a RawValue>,
        #[serde(borrow)]
        success: Option<&'a RawValue>,
    }

    let Ok(shape) = serde_json::from_slice::<Shape<'_>>(body) else {
        return false;
    };
    let value = |raw: Option<&RawValue>| -> Value {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default()
    };
    // With an id the message was accepted, whatever stands beside it.
    if text(value(shape.messages).pointer("/0/id")).is_some() {
        return false;
    }
    let says = |value: Value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    };
    says(value(shape.errors))
        || says(value(shape.error))
        || value(shape.meta).pointer("/success") == Some(&Value::Bool(false))
        || value(shape.success) == Value::Bool(false)
}

/// The object in an answer. Anything else proves nothing: any web server answers 200.
pub(crate) fn object(result: Result<Response, Failure>) -> Result<Value, Error> {
    let answer = answer(result, Call::Repeatable)?;
    serde_json::from_slice(&answer.body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| unreadable(&answer))
}

/// A segment of a path: everything but unreserved characters (RFC 3986) escaped.
pub(crate) fn percent_encoded(segment: &str) -> String {
    use std::fmt::Write as _;

    segment.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // A String takes everything.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Whom an answer names, where it names anybody.
pub(crate) fn contact(phone: Option<String>, user_id: Option<String>) -> Option<Contact> {
    (phone.is_some() || user_id.is_some()).then_some(Contact {
        phone,
        user_id,
        parent_user_id: None,
        username: None,
        name: None,
        identity_hash: None,
    })
}

/// A string, or a number in its place; an empty one counts as absent.
pub(crate) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The scalars of an answer with their paths, apart from those at `taken`.
pub(crate) fn scalars(value: &Value, taken: &[String]) -> Vec<Attribute> {
    fn walk(value: &Value, path: &str, taken: &[String], attributes: &mut Vec<Attribute>) {
        let scalar = match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    walk(value, &format!("{path}/{name}"), taken, attributes);
                }
                return;
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    walk(value, &format!("{path}/{index}"), taken, attributes);
                }
                return;
            }
            Value::String(text) if !text.is_empty() => Scalar::Text(text.clone()),
            Value::Bool(value) => Scalar::Boolean(*value),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => Scalar::Integer(number),
                (None, Some(number)) => Scalar::Number(number),
                (None, None) => return,
            },
            Value::Null | Value::String(_) => return,
        };
        if attributes.len() < MAX_ATTRIBUTES && !taken.iter().any(|taken| taken == path) {
            attributes.push(Attribute {
                path: path.to_owned(),
                value: scalar,
            });
        }
    }

    let mut attributes = Vec::new();
    walk(value, "", taken, &mut attributes);
    attributes
}

/// What is wrong before anything was sent.
pub(crate) fn invalid(message: &str, remedy: &str) -> Error {
    Error {
        remedy: Some(remedy.into()),
        ..failure(ErrorClass::Invalid, Retry::Never, message.into())
    }
}

/// An answer that says yes, but not what it was asked for.
pub(crate) fn unreadable(response: &Response) -> Error {
    Error {
        remedy: Some(
            "Check base_url in the settings: another server may be answering there".into(),
        ),
        ..failure(
            ErrorClass::Unknown,
            Retry::Unknown,
            format!(
                "The answer (HTTP status {}) is not what 360dialog documents",
                response.status
            ),
        )
    }
}

fn failure(class: ErrorClass, retry: Retry, message: String) -> Error {
    Error {
        class,
        retry,
        code: None,
        title: None,
        message: Some(message),
        details: None,
        link: None,
        remedy: None,
        attributes: Vec::new(),
    }
}
