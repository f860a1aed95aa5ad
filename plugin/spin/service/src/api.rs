//! The API, for those who bear the token: connecting, messages, windows, templates. Addresses, JSON and problems are the reference host's.

mod problem;
mod templates;

use std::rc::Rc;

use channel_contract::connection::Connected;
use channel_contract::contacts::{KnownContact, nobody};
use channel_contract::json as contract_json;
use channel_contract::outbound::{ClosedWindow, Content, Message, Window, WindowState};
use channel_contract::secrets::Escape;
use channel_contract::storage::Failure;
use channel_contract::types::{self, Contact, Recipient, Timestamp};
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::{Value, json};
use spin_interfaces::store::{Bucket, Store};
use spin_interfaces::variables::Variables;
use subtle::ConstantTimeEq as _;

use crate::bindings::messaging::channel::connection::{self, ConnectError, WebhookTarget};
use crate::bindings::messaging::channel::{channel, contacts, message, sender, window};
use crate::configuration::{SECRET_BYTES, description, secret, settings, variable};
use crate::webhook::now;
use crate::{Unread, World, with_body};
use problem::Problem;

/// The bytes of a request.
const BODY_BYTES: usize = 1 << 20;

/// Since when the service hears everything: from the first time that it was connected.
const LISTENING_SINCE: &str = "listening_since";

/// How often that is written.
const ATTEMPTS: u32 = 32;

/// Answers a request that is for no webhook.
pub(crate) async fn answer<W: World>(
    world: &W,
    variables: &Variables,
    head: &Parts,
    body: impl AsyncFnOnce(usize) -> Result<Vec<u8>, Unread>,
) -> Response<Vec<u8>> {
    let mut response = match route(world, variables, head, body).await {
        Ok((status, Value::Null)) => crate::answer(status),
        Ok((status, json)) => with_body(status, "application/json", json.to_string().into_bytes()),
        Err(problem) => problem.into_response(),
    };
    // It holds conversations: no cache keeps it.
    let value = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}

async fn route<W: World>(
    world: &W,
    variables: &Variables,
    head: &Parts,
    body: impl AsyncFnOnce(usize) -> Result<Vec<u8>, Unread>,
) -> Result<(StatusCode, Value), Problem> {
    if !is_authorised(variables, &head.headers) {
        return Err(Problem::unauthorised());
    }
    let path: Vec<&str> = head.uri.path().split('/').skip(1).collect();
    let ["channels", name, what @ ..] = path.as_slice() else {
        return Err(Problem::no_address());
    };
    let store = world
        .store(variables)
        .map_err(|failure| Problem::store(&failure.to_string()))?;
    let service = Service::new(variables, store);
    if decoded(name).as_deref() != Some(service.name.as_str()) {
        let detail = format!("this application has one channel, `{}`", service.name);
        return Err(Problem::not_found(detail));
    }
    let query = head.uri.query().unwrap_or_default();
    match (what, &head.method) {
        (["connect"], &Method::POST) => service.connect(&read(&head.headers, body).await?),
        (["messages"], &Method::POST) => {
            if head.headers.contains_key("idempotency-key") {
                return Err(Problem::idempotency());
            }
            known_members::<Sending>(query)?;
            service.send(&read(&head.headers, body).await?)
        }
        (["window"], &Method::GET) => service.window(known_members(query)?),
        (["connect" | "messages"], _) => Err(Problem::method_not_allowed("POST")),
        (["window"], _) => Err(Problem::method_not_allowed("GET")),
        (["contacts"], &Method::POST) => import(&read(&head.headers, body).await?),
        (["contacts"], &Method::DELETE) => forget(known_members(query)?),
        (["contacts"], _) => Err(Problem::method_not_allowed("POST, DELETE")),
        (["templates" | "vendor", ..], _) => {
            templates::route(&service.settings, what, head, body).await
        }
        _ => Err(Problem::no_address()),
    }
}

/// Whether the request bears the token, in its only `authorization` (RFC 6750, section 2.1).
fn is_authorised(variables: &Variables, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let Some(token) = secret(variables, "api_token") else {
        return false;
    };
    let given = value.as_bytes().split_at_checked("bearer ".len());
    given.is_some_and(|(scheme, given)| {
        scheme.eq_ignore_ascii_case(b"bearer ")
            && bool::from(given.trim_ascii().ct_eq(token.as_bytes()))
    })
}

fn decoded(segment: &str) -> Option<String> {
    let segment = segment.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(segment.as_bytes());
    let (name, _) = pairs.next()?;
    pairs.next().is_none().then(|| name.into_owned())
}

/// The body of a request, which is JSON or empty.
async fn read(
    headers: &HeaderMap,
    body: impl AsyncFnOnce(usize) -> Result<Vec<u8>, Unread>,
) -> Result<Vec<u8>, Problem> {
    let body = body(BODY_BYTES).await.map_err(|unread| match unread {
        Unread::TooLarge => Problem::too_large(),
        Unread::BrokenOff => Problem::bad_request("the body broke off"),
    })?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let is_json = content_type.is_some_and(|it| Escape::of(it) == Some(Escape::Json));
    if body.is_empty() || is_json {
        Ok(body)
    } else {
        Err(Problem::unsupported_media_type())
    }
}

/// What a query asks for, in members that are known.
fn known_members<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    serde_urlencoded::from_str(query).map_err(|error| Problem::bad_request(&error.to_string()))
}

/// The channel of this application.
struct Service<'a, B> {
    variables: &'a Variables,
    store: Store<B>,
    name: String,
    description: Rc<channel_contract::channel::Description>,
    settings: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ToConnect {
    replace_foreign: bool,
}

/// Each message waits for the vendor's answer, whether that is asked for or not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sending {
    #[serde(rename = "wait")]
    _wait: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Whom {
    phone: Option<String>,
    user_id: Option<String>,
    group: Option<String>,
}

impl Whom {
    fn recipient(self) -> Result<Recipient, Problem> {
        match (self.phone, self.user_id, self.group) {
            // In a query a plus that is not encoded means a space.
            (Some(phone), None, None) => Ok(Recipient::Phone(phone.trim().to_owned())),
            (None, Some(id), None) => Ok(Recipient::UserId(id)),
            (None, None, Some(id)) => Ok(Recipient::Group(id)),
            _ => Err(Problem::bad_request(
                "say whom in one parameter: phone, user_id or group",
            )),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToImport {
    contacts: Vec<KnownContact>,
}

/// The channel as it is shown, with the members that the reference host always has. Its name is its id, since there is one.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    name: &'a str,
    plugin: String,
    component: &'static str,
    provider: &'a str,
    state: &'static str,
    settings: Value,
    connected: Connected,
    #[serde(with = "contract_json::timestamp")]
    added: Timestamp,
    #[serde(with = "contract_json::timestamp")]
    listening_since: Timestamp,
}

/// How a contact's window stands.
#[derive(Serialize)]
struct Seen {
    window: Window,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<WindowState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<types::Problem>,
}

/// What became of a message.
#[derive(Serialize)]
struct Standing<'a> {
    id: String,
    channel: &'a str,
    state: &'static str,
    to: Recipient,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    message_ids: Vec<String>,
    attempts: u32,
    #[serde(with = "contract_json::timestamp")]
    accepted: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<types::Error>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<types::Problem>>,
}

impl<'a, B: Bucket> Service<'a, B> {
    fn new(variables: &'a Variables, store: Store<B>) -> Self {
        let description = description();
        let settings = settings(variables, &description);
        let name = settings.get("name").and_then(Value::as_str);
        Self {
            variables,
            store,
            name: name.unwrap_or(&description.display_name).to_owned(),
            settings: Value::Object(settings).to_string(),
            description,
        }
    }

    fn connect(&self, body: &[u8]) -> Result<(StatusCode, Value), Problem> {
        let ToConnect { replace_foreign } = match body {
            [] => ToConnect::default(),
            body => {
                let remedy = "the one member is replace_foreign, which is true or false";
                json_of(body, remedy)?
            }
        };
        let problems = channel::validate(&self.settings);
        if !problems.is_empty() {
            return Err(Problem::unprocessable(&problems));
        }
        let target = WebhookTarget {
            url: self.webhook()?,
            replace_foreign,
        };
        let connected = connection::connect(&self.settings, Some(&target));
        let connected: Connected = connected.map_err(|error| match error {
            ConnectError::Settings(problems) => Problem::unprocessable(&problems),
            ConnectError::Occupied(registration) => Problem::occupied(&registration),
            ConnectError::Failed(error) => Problem::refused(&error),
        })?;
        let since = self.listen()?;
        let settings: Value = serde_json::from_str(&self.settings).unwrap_or_default();
        let shown = Shown {
            id: &self.name,
            name: &self.name,
            plugin: format!("{} {}", self.description.id, self.description.version),
            component: "bundled",
            provider: &self.description.provider,
            state: "connected",
            settings,
            connected,
            added: since,
            listening_since: since,
        };
        Ok((StatusCode::OK, json!(shown)))
    }

    /// Where the webhook is.
    fn webhook(&self) -> Result<String, Problem> {
        let missing = |name: &str, remedy: &str| {
            Problem::unprocessable(&[types::Problem {
                pointer: String::new(),
                code: "variable".to_owned(),
                message: format!("the variable {name} is not set, or too short: {remedy}"),
                source: None,
            }])
        };
        let guarded = |name| {
            let remedy = format!("give it a random value of at least {SECRET_BYTES} bytes");
            secret(self.variables, name).ok_or_else(|| missing(name, &remedy))
        };
        guarded("secret_webhook")?;
        let path = guarded("webhook_path")?;
        let base = variable(self.variables, "public_url").ok_or_else(|| {
            let remedy = "give the address that 360dialog reaches this application at";
            missing("public_url", remedy)
        })?;
        Ok(format!("{}/webhooks/{path}", base.trim_end_matches('/')))
    }

    fn send(&self, body: &[u8]) -> Result<(StatusCode, Value), Problem> {
        let given = Message::read(body).map_err(|problems| Problem::unprocessable(&problems))?;
        let seen = self.seen(&given.to)?;
        let definition = templates::named_by(&given)?;
        let payloads = message::build(&self.settings, &given, &seen.window, definition.as_ref())
            .map_err(|problems| Problem::unsendable(&problems, &seen.window))?;
        let accepted = now();
        let id = id(body, accepted);
        let warning = seen
            .warning
            .filter(|_| !matches!(given.content, Content::Template(_)));
        let mut standing = Standing {
            id: id.clone(),
            channel: &self.name,
            state: "accepted",
            to: given.to,
            message_ids: Vec::new(),
            attempts: 1,
            accepted,
            error: None,
            warnings: warning.map(|warning| vec![warning]),
        };
        for payload in &payloads {
            match sender::send(&self.settings, payload, Some(&id)) {
                Ok(sent) => standing.message_ids.extend(sent.message_id),
                Err(error) => {
                    let is_uncertain = error.class == types::ErrorClass::Uncertain;
                    standing.state = if is_uncertain { "uncertain" } else { "failed" };
                    standing.error = Some(error);
                    break;
                }
            }
        }
        let status = match standing.state {
            "uncertain" => StatusCode::ACCEPTED,
            _ => StatusCode::OK,
        };
        Ok((status, json!(standing)))
    }

    fn window(&self, whom: Whom) -> Result<(StatusCode, Value), Problem> {
        Ok((StatusCode::OK, json!(self.seen(&whom.recipient()?)?)))
    }

    /// Listens from now on, if it has not listened before; since when.
    fn listen(&self) -> Result<Timestamp, Problem> {
        for _ in 0..ATTEMPTS {
            if let Some(since) = self.listening_since()? {
                return Ok(since);
            }
            let now = now().to_string();
            self.store
                .compare_and_swap(LISTENING_SINCE, None, now.as_bytes())
                .map_err(|failure| Problem::store(&failure.to_string()))?;
        }
        let sentence = format!("it could not be written in {ATTEMPTS} attempts; connect again");
        Err(Problem::store(&sentence))
    }

    fn listening_since(&self) -> Result<Option<Timestamp>, Problem> {
        let since = self.store.get(LISTENING_SINCE);
        let since = since.map_err(|failure| Problem::store(&failure.to_string()))?;
        Ok(since.and_then(|since| String::from_utf8(since).ok()?.parse().ok()))
    }

    /// How a window stands. Whoever wrote since the service listens would be known.
    fn seen(&self, to: &Recipient) -> Result<Seen, Problem> {
        let now = now();
        let state = contacts::window(to).map_err(|failure| channel_store(&failure))?;
        let mut window = state
            .as_ref()
            .map_or(Window::Unknown, |state| window::evaluate(state, now));
        let mut warning = None;
        if window == Window::Unknown {
            let since = self.listening_since()?;
            let length = self.description.window.as_ref();
            let length = length.map_or(u64::MAX, |rule| u64::from(rule.length_seconds) * 1000);
            if since.is_some_and(|since| now.saturating_sub(since) >= length) {
                window = Window::Closed(ClosedWindow {
                    since: None,
                    because: None,
                });
            } else {
                warning = Some(types::Problem {
                    pointer: "/to".to_owned(),
                    code: "window_unknown".to_owned(),
                    message: "this channel has not listened long enough to know whether the contact wrote lately: the \
                              vendor may refuse the message; send a template"
                        .to_owned(),
                    source: None,
                });
            }
        }
        Ok(Seen {
            window,
            state,
            warning,
        })
    }
}

/// Tells the channel of contacts from elsewhere.
fn import(body: &[u8]) -> Result<(StatusCode, Value), Problem> {
    let given: ToImport = json_of(body, "send contacts, a list as the reference host takes it")?;
    let nobody = nobody(&given.contacts);
    if !nobody.is_empty() {
        return Err(Problem::unprocessable(&nobody));
    }
    let new = contacts::import(&given.contacts).map_err(|failure| channel_store(&failure))?;
    Ok((StatusCode::OK, json!({"new": new})))
}

/// Lets the channel forget a contact.
fn forget(whom: Whom) -> Result<(StatusCode, Value), Problem> {
    let (phone, user_id) = match whom.recipient()? {
        Recipient::Phone(phone) => (Some(phone), None),
        Recipient::UserId(id) => (None, Some(id)),
        Recipient::Group(_) | Recipient::Contact(_) => {
            return Err(Problem::bad_request(
                "a group is no contact: say whom by phone or user_id",
            ));
        }
    };
    let contact = Contact {
        phone,
        user_id,
        parent_user_id: None,
        username: None,
        name: None,
        identity_hash: None,
    };
    let forgotten = contacts::forget(&contact).map_err(|failure| channel_store(&failure))?;
    Ok((StatusCode::OK, json!({"forgotten": forgotten})))
}

fn channel_store(failure: &Failure) -> Problem {
    Problem::store(&format!("{failure:?}"))
}

/// What a body asks for. serde's own sentence could quote a secret that is in the wrong place.
fn json_of<T: DeserializeOwned>(body: &[u8], remedy: &str) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => Problem::invalid(remedy),
        _ => Problem::bad_request(&error.to_string()),
    })
}

/// An id of our own: what was sent, and when.
fn id(body: &[u8], at: Timestamp) -> String {
    use sha2::{Digest as _, Sha256};

    let mut hash = Sha256::new();
    hash.update(at.to_be_bytes());
    hash.update(body);
    hex::encode(&hash.finalize()[..16])
}
