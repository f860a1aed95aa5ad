//! The running host, over its REST API.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::Result;
use channel_host::plain;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use url::{Host, Url};

use super::{Status, Usage};

/// The file of the data directory that holds the running host's address.
pub(super) const ADDRESS: &str = "address";

/// The file of the data directory that holds the token.
pub(super) const TOKEN: &str = "token";

const URL_VARIABLE: &str = "CHANNEL_HOST_URL";
const TOKEN_VARIABLE: &str = "CHANNEL_HOST_TOKEN";

/// Why the host did not do what was asked. It has no sources: a broken connection to the host is not our closed output.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// It says what is wrong.
    #[error("{}", sentence(.0))]
    Problem(Problem),
    /// It does not answer.
    #[error("{0}")]
    Unreachable(String),
}

/// What a host answers where it does not do what was asked (RFC 9457).
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) details: Value,
}

impl Failure {
    pub(super) fn status(&self) -> Status {
        match self {
            Self::Problem(problem) if problem.status.is_client_error() => Status::Refused,
            Self::Problem(_) | Self::Unreachable(_) => Status::Failed,
        }
    }

    fn broken(base: &Url, error: reqwest::Error) -> Self {
        let cause = anyhow::Error::from(error.without_url());
        Self::Unreachable(format!(
            "the host at {base} does not answer ({cause:#}): start it with `channel-host serve`"
        ))
    }
}

/// The title and the detail, and each broken rule on a line of its own.
fn sentence(problem: &Problem) -> String {
    let details = &problem.details;
    let said = ["title", "detail"].map(|name| details[name].as_str().unwrap_or_default());
    let mut said: Vec<_> = said.into_iter().filter(|text| !text.is_empty()).collect();
    said.dedup();
    let mut sentence = if said.is_empty() {
        format!("the host answers {}", problem.status)
    } else {
        plain(&said.join(": "))
    };
    if let Some(since) = details["since"].as_str().map(plain)
        && !sentence.contains(&since)
    {
        for part in [" (since ", &since, ")"] {
            sentence += part;
        }
    }
    if details["type"] == "/problems/occupied" {
        sentence += "; here, that is --replace-webhook";
    }
    for broken in details["problems"].as_array().into_iter().flatten() {
        let [pointer, message] =
            ["pointer", "message"].map(|name| broken[name].as_str().unwrap_or_default());
        if broken["message"] == details["detail"] {
            // It is the only one, and has been told.
            continue;
        }
        let mark = if pointer.is_empty() { "" } else { ": " };
        sentence += "\n  ";
        sentence += &plain(&format!("{pointer}{mark}{message}"));
    }
    let templates = details["templates"].as_array().into_iter().flatten();
    let templates: Vec<_> = templates
        .map(|key| {
            let [name, language] =
                ["name", "language"].map(|member| key[member].as_str().unwrap_or_default());
            plain(&format!("{name} ({language})"))
        })
        .collect();
    if !templates.is_empty() {
        sentence += "\n  templates that can be sent: ";
        sentence += &templates.join(", ");
    }
    sentence
}

/// What a host answers where it did what was asked.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// As it came; empty where there is nothing to say.
    pub(super) text: String,
    pub(super) value: Value,
}

/// A running host.
pub(super) struct Remote {
    http: reqwest::Client,
    base: Url,
}

impl Remote {
    /// The host that the environment names, else the one that runs on this data directory. One that the command line
    /// names counts more than the environment.
    pub(super) fn open(directory: &Path, is_named: bool) -> Result<Self> {
        let base = match env::var(URL_VARIABLE) {
            Ok(url) if !is_named => url,
            _ => running(directory)?,
        };
        let base = Url::parse(base.trim())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                Usage(format!(
                    "the host's address must be http or https: correct {URL_VARIABLE}"
                ))
            })?;
        let token = match env::var(TOKEN_VARIABLE) {
            Ok(token) if !is_named => token,
            // The token of this machine's host is for no other.
            _ if is_named || is_loopback(&base) => kept_token(directory)?,
            _ => {
                let sentence = format!("{base} is another machine: set {TOKEN_VARIABLE}");
                return Err(Usage(sentence).into());
            }
        };
        Self::new(base, token.trim())
    }

    pub(super) fn new(base: Url, token: &str) -> Result<Self> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| Usage("the token holds a character that no token has".to_owned()))?;
        bearer.set_sensitive(true);
        // reqwest asks the process for its cryptography, also where it needs none.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, base })
    }

    /// A request to the address of these segments, with the parts of the query that are there.
    pub(super) fn request(
        &self,
        method: Method,
        segments: &[&str],
        query: &[(&str, Option<String>)],
    ) -> RequestBuilder {
        self.http.request(method, self.url(segments, query))
    }

    fn url(&self, segments: &[&str], query: &[(&str, Option<String>)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        for (name, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        url
    }

    /// Sends a request; its answer's body is still to come.
    pub(super) async fn begin(
        &self,
        request: RequestBuilder,
    ) -> Result<reqwest::Response, Failure> {
        let broken = |error| Failure::broken(&self.base, error);
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.map_err(broken)?;
        let details = serde_json::from_str(&text).ok().filter(Value::is_object);
        Err(Failure::Problem(Problem {
            status,
            details: details.unwrap_or_else(|| json!({"status": status.as_u16()})),
        }))
    }

    /// Sends a request that is answered with JSON, or with nothing.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let response = self.begin(request).await?;
        let status = response.status();
        let text = response.text().await;
        let text = text.map_err(|error| Failure::broken(&self.base, error))?;
        let value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str::<&RawValue>(&text).map_err(|error| {
                let base = &self.base;
                Failure::Unreachable(format!(
                    "what answers at {base} is no channel-host: {error}"
                ))
            })?;
            value(&text, 0)
        };
        Ok(Answer {
            status,
            text,
            value,
        })
    }

    /// Asks for something.
    pub(super) async fn get(
        &self,
        segments: &[&str],
        query: &[(&str, Option<String>)],
    ) -> Result<Answer, Failure> {
        self.send(self.request(Method::GET, segments, query)).await
    }

    /// Has something done.
    pub(super) async fn post(
        &self,
        segments: &[&str],
        body: &impl Serialize,
    ) -> Result<Answer, Failure> {
        let request = self.request(Method::POST, segments, &[]);
        self.send(request.json(body)).await
    }
}

/// JSON as a value. What no value can hold is the text that it is: an event has its item as it came, with half a surrogate pair, a
/// number beyond all bounds or a great depth in it.
fn value(json: &str, depth: usize) -> Value {
    const DEEPEST: usize = 32;
    if let Ok(value) = serde_json::from_str(json) {
        return value;
    }
    let part = |json: &RawValue| value(json.get(), depth + 1);
    if depth == DEEPEST {
        Value::from(json)
    } else if let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
        let members = members.into_iter();
        members.map(|(name, json)| (name, part(json))).collect()
    } else if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(json) {
        elements.into_iter().map(part).collect()
    } else {
        Value::from(json)
    }
}

/// The address of the host that runs on a data directory.
fn running(directory: &Path) -> Result<String> {
    fs::read_to_string(directory.join(ADDRESS)).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            let directory = directory.display();
            let sentence = format!(
                "no host runs on {directory}: start one with `channel-host serve --data {directory}`"
            );
            Failure::Unreachable(sentence).into()
        }
        _ => unreadable(&directory.join(ADDRESS), &error).into(),
    })
}

fn kept_token(directory: &Path) -> Result<String, Usage> {
    let path = directory.join(TOKEN);
    fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Usage {
    Usage(format!("{} can't be read: {error}", path.display()))
}

/// Whether an address is one of this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_no_value_can_hold_hides_nothing_beside_it() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let page = format!(
            r#"{{"events":[{{"id":"a","raw":{{"n":1e999,"t":"\ud83d","deep":{deep}}}}},{{"id":"b"}}]}}"#
        );
        let page = value(&page, 0);
        assert_eq!(page["events"][0]["id"], "a");
        assert_eq!(page["events"][0]["raw"]["n"], "1e999");
        assert_eq!(page["events"][0]["raw"]["t"], r#""\ud83d""#);
        assert_eq!(page["events"][1]["id"], "b");
    }

    #[test]
    fn names_and_values_are_encoded_into_the_address() -> Result<()> {
        let remote = Remote::new(Url::parse("http://127.0.0.1:1/behind/")?, "t")?;
        let query = [("phone", Some("+49 1".to_owned())), ("state", None)];
        let url = remote.url(&["channels", "A/B? ü", "window"], &query);
        let expected = "http://127.0.0.1:1/behind/channels/A%2FB%3F%20%C3%BC/window?phone=%2B49+1";
        assert_eq!(url.as_str(), expected);
        Ok(())
    }

    #[test]
    fn a_refusal_tells_each_broken_rule_on_one_line() {
        let failure = Failure::Problem(Problem {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            details: json!({"title": "What was sent breaks a rule", "detail": "2 rules are broken",
                "problems": [{"pointer": "/name", "message": "give\u{1b}one"}, {"pointer": "", "message": "no"}]}),
        });
        let expected =
            "What was sent breaks a rule: 2 rules are broken\n  /name: give\\u{1b}one\n  no";
        assert_eq!(failure.to_string(), expected);
        assert_eq!(failure.status(), Status::Refused);
    }

    #[test]
    fn a_refusal_tells_nothing_twice() {
        let said = "closed since yesterday: send a template";
        let failure = Failure::Problem(Problem {
            status: StatusCode::CONFLICT,
            details: json!({"title": "The window is closed", "detail": said, "since": "yesterday",
                "problems": [{"pointer": "/content", "message": said}]}),
        });
        let expected = format!("The window is closed: {said}");
        assert_eq!(failure.to_string(), expected);
    }

    #[test]
    fn a_vendor_that_failed_is_not_a_refusal() {
        let failure = Failure::Problem(Problem {
            status: StatusCode::BAD_GATEWAY,
            details: json!({"status": 502}),
        });
        assert_eq!(failure.status(), Status::Failed);
        assert_eq!(failure.to_string(), "the host answers 502 Bad Gateway");
    }

    #[test]
    fn only_this_machine_is_loopback() -> Result<()> {
        for (url, expected) in [
            ("http://localhost:1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:8370", true),
            ("http://127.0.0.1.example.com", false),
            ("http://192.168.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url)?), expected, "{url}");
        }
        Ok(())
    }
}
