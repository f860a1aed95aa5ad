//! What an answer that refuses says. The HTTP status counts more than the body; the sentences are those of 360dialog,
//! "API error message list".

use serde_json::Value;

use super::{Call, is_success, scalars, text};
use crate::bindings::messaging::channel::http::Response;
use crate::bindings::messaging::channel::types::{Attribute, Error, ErrorClass, Header, Retry};
use crate::errors::{self, DOWN, KEY, SLOWER, classify};

/// The longest text that is taken from a body that is no JSON, in bytes.
const MAX_TEXT: usize = 300;

const DENIED: &str = "360dialog does not let this key do that, or blocks the address: check the number's state in the \
    360dialog Hub, and api and base_url in the settings; where they are right, ask 360dialog's support";
const DISABLED: &str = "360dialog has disabled this number's API: see its state in the 360dialog Hub, and ask 360dialog's support";
const PAYMENT: &str = "Pay the open invoices in the 360dialog Hub; messages pass again after that";
/// The remedy for a message of which nobody knows whether it was accepted.
pub(super) const UNCERTAIN: &str =
    "The message may have been accepted: see whether a status comes before it is sent again";
const ADDRESS: &str =
    "Check api and base_url in the settings: nothing answers to this request at that address";

/// What the answer to a request says that was not accepted, or that was accepted by its status and refused by its body.
///
/// Reads all shapes that 360dialog's gateway, its own endpoints, the Cloud API and the on-premise API answer with, and
/// bodies that are empty, `null` or no JSON.
#[must_use]
pub fn error(response: &Response, call: Call) -> Error {
    let fault = Fault::read(&response.body);
    // A body's own status is of weight only where the status claims success.
    let status = fault
        .status
        .filter(|status| is_success(response.status) && *status >= 400)
        .unwrap_or(response.status);
    let (class, retry) = fault.judge(status, call);
    let retry = match (class, retry, retry_after(&response.headers)) {
        (ErrorClass::RateLimited | ErrorClass::Temporary, Retry::After(by_code), Some(seconds)) => {
            Retry::After(seconds.max(by_code))
        }
        (ErrorClass::RateLimited | ErrorClass::Temporary, _, Some(seconds)) => {
            Retry::After(seconds)
        }
        (_, retry, _) => retry,
    };
    let remedy = fault.remedy(status, class).map(str::to_owned);
    let silent = fault.title.is_none() && fault.message.is_none() && fault.details.is_none();
    Error {
        class,
        retry,
        code: fault.code,
        title: fault.title,
        message: if silent {
            Some(format!("HTTP status {status}, without an explanation"))
        } else {
            fault.message
        },
        details: fault.details,
        link: fault.link,
        remedy,
        attributes: fault.attributes,
    }
}

/// `Retry-After` in seconds. As a date it says nothing to somebody without a clock.
fn retry_after(headers: &[Header]) -> Option<u32> {
    headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("retry-after"))
        .and_then(|header| header.value.trim().parse().ok())
}

/// What a body says, whatever its shape.
#[derive(Default)]
struct Fault {
    code: Option<String>,
    subcode: Option<String>,
    title: Option<String>,
    message: Option<String>,
    details: Option<String>,
    link: Option<String>,
    /// The HTTP status that the body claims.
    status: Option<u16>,
    /// The vendor says that trying again helps.
    transient: bool,
    attributes: Vec<Attribute>,
    /// All sentences in small letters, to look for those that are known.
    sentences: String,
}

impl Fault {
    fn read(body: &[u8]) -> Self {
        let mut fault = match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of(&value),
            Err(_) => Self::of_text(&String::from_utf8_lossy(body)),
        };
        for sentence in [&fault.title, &fault.message, &fault.details]
            .into_iter()
            .flatten()
        {
            fault.sentences.push_str(&sentence.to_lowercase());
            fault.sentences.push('\n');
        }
        fault
    }

    /// A gateway's own words. A web page is searched, but not quoted.
    fn of_text(text: &str) -> Self {
        let text = text.trim();
        let quoted = &text[..text.floor_char_boundary(MAX_TEXT)];
        Self {
            message: (!text.is_empty() && !text.starts_with('<')).then(|| quoted.to_owned()),
            sentences: text.to_lowercase(),
            ..Self::default()
        }
    }

    fn of(body: &Value) -> Self {
        // The first of `errors`, else `error`, else `meta`; else the body itself may say it.
        let (at, said) = ["/errors/0", "/errors", "/error", "/meta"]
            .into_iter()
            .find_map(|at| {
                let said = body.pointer(at)?;
                let speaks = match said {
                    Value::Object(members) => !members.is_empty(),
                    Value::String(text) => !text.is_empty(),
                    _ => false,
                };
                speaks.then_some((at, said))
            })
            .unwrap_or(("", body));
        let mut taken = Vec::new();
        let mut take = |members: &[&str]| {
            members.iter().find_map(|member| {
                let found = text(said.pointer(member))?;
                taken.push(format!("{at}{member}"));
                Some(found)
            })
        };
        let mut fault = Self {
            // What 360dialog's `meta` numbers are HTTP statuses.
            code: if at == "/meta" {
                None
            } else {
                take(&["/code"])
            },
            title: take(&["/title", "/error_user_title"]),
            message: take(&["", "/developer_message", "/developerMessage", "/message"]),
            details: take(&[
                "/error_data/details",
                "/error_data",
                "/details",
                "/error_user_msg",
            ]),
            link: take(&["/href"]),
            status: take(&["/http_code", "/httpCode"]).and_then(|status| status.parse().ok()),
            // It stays among the vendor's own scalars as well.
            subcode: text(said.pointer("/error_subcode")),
            transient: said.pointer("/is_transient") == Some(&Value::Bool(true)),
            ..Self::default()
        };
        if let Some(Value::Array(details)) = said.pointer("/details") {
            taken.extend((0..details.len()).map(|index| format!("{at}/details/{index}")));
            let details: Vec<_> = details.iter().filter_map(Value::as_str).collect();
            fault.details = (!details.is_empty()).then(|| details.join("; "));
        }
        // Both APIs repeat the title there.
        if fault.message == fault.title {
            fault.message = None;
        }
        fault.attributes = scalars(body, &taken);
        fault
    }

    /// The code that says the most: that of "invalid parameter" is explained by its subcode. (Cloud API, template management.)
    fn code(&self) -> Option<&str> {
        match (self.code.as_deref(), self.subcode.as_deref()) {
            (Some("100"), Some(subcode)) if errors::remedy(subcode).is_some() => Some(subcode),
            (code, _) => code,
        }
    }

    fn says(&self, sentence: &str) -> bool {
        self.sentences.contains(sentence)
    }

    fn is_about_payment(&self) -> bool {
        self.says("lack of payment") || self.says("overdue invoice")
    }

    /// What to do about it, and whether it can help to try again.
    fn judge(&self, status: u16, call: Call) -> (ErrorClass, Retry) {
        let code = self.code();
        let by_code = classify(code);
        let server = status >= 500;
        match status {
            // Meta also forbids to write to a country; the key is good for others.
            403 if by_code.0 == ErrorClass::Recipient => by_code,
            401 | 403 => (ErrorClass::Unauthorised, Retry::AfterChange),
            429 if by_code.0 == ErrorClass::RateLimited => by_code,
            429 => (ErrorClass::RateLimited, Retry::Backoff),
            // 503 says by itself that nothing was accepted.
            500 | 501 | 502 | 504.. if call == Call::Message && is_vague(code) => {
                (ErrorClass::Uncertain, Retry::Unknown)
            }
            // "If is_transient is true, retry" counts for more than what is known of the code.
            _ if !server
                && self.transient
                && matches!(by_code.1, Retry::Never | Retry::Unknown) =>
            {
                (ErrorClass::Temporary, Retry::Backoff)
            }
            _ if by_code.0 != ErrorClass::Unknown => by_code,
            _ if !server && (self.is_about_payment() || self.says("disabled")) => {
                (ErrorClass::Unauthorised, Retry::AfterChange)
            }
            _ if !server && self.says("exceeded the") => (ErrorClass::RateLimited, Retry::Backoff),
            _ if !server && self.says("is blocked") => {
                (ErrorClass::Unauthorised, Retry::AfterChange)
            }
            402 => (ErrorClass::Unauthorised, Retry::AfterChange),
            // The gateway was asked for too much at once, or found nothing behind it: nothing was accepted.
            503 => (ErrorClass::Temporary, Retry::Backoff),
            502 if self.says("business api not available") => {
                (ErrorClass::Temporary, Retry::Backoff)
            }
            408 | 500.. if call == Call::Message => (ErrorClass::Uncertain, Retry::Unknown),
            408 | 500.. => (ErrorClass::Temporary, Retry::Backoff),
            300..=499 if code.is_none() => (ErrorClass::Invalid, Retry::Never),
            300..=499 => (ErrorClass::Unknown, Retry::Never),
            _ => (ErrorClass::Unknown, Retry::Unknown),
        }
    }

    /// What the operator should do. What a code asks for counts where the class is the code's as well.
    fn remedy(&self, status: u16, class: ErrorClass) -> Option<&'static str> {
        let by_code = self.code().filter(|code| classify(Some(code)).0 == class);
        match (by_code.and_then(errors::remedy), status) {
            _ if self.is_about_payment() => Some(PAYMENT),
            (_, 400 | 403) if self.says("disabled") => Some(DISABLED),
            (_, 401) => Some(KEY),
            (Some(remedy), _) => Some(remedy),
            (_, 403) => Some(DENIED),
            (_, 400) if self.says("is blocked") => Some(DENIED),
            (_, 300..=399 | 404 | 405) if self.code.is_none() => Some(ADDRESS),
            _ => match class {
                ErrorClass::RateLimited => Some(SLOWER),
                ErrorClass::Temporary => Some(DOWN),
                ErrorClass::Uncertain => Some(UNCERTAIN),
                _ => None,
            },
        }
    }
}

/// A code for "something went wrong", which does not say whether the message was accepted before it did. (Cloud API code 1 is
/// "invalid request or possible server error"; on-premise API, "generic error" and "internal error".)
fn is_vague(code: Option<&str>) -> bool {
    matches!(code, Some("1" | "500" | "1000" | "1014"))
}
