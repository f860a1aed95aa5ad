//! A peer on this machine that stands for the vendors' APIs: it records what it is asked, answers as the vendor does or as a
//! script says, and delivers to the webhook that was registered.
#![allow(dead_code, reason = "every test uses a part of it")]

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub(crate) mod cloud;
pub(crate) mod sms;

/// The largest request that it reads, in bytes.
const LARGEST: usize = 16 << 20;

/// How long it waits for the answer to a delivery.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it waits before it delivers again what was not taken.
const AGAIN: Duration = Duration::from_millis(50);

/// The vendors that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Vendor {
    /// 360dialog's Cloud API, at [`Peer::url`].
    Cloud,
    /// The SMS gateway, at [`Peer::sms_url`].
    Sms,
}

/// What it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// When it had been read.
    pub(crate) at: Instant,
}

impl Request {
    /// A header's value; absent where it is no text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Method and path, as in `POST /messages`.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// How one request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// As the vendor does.
    Usual,
    /// With this status and this JSON; nothing else happens. Null is an empty body.
    Status(u16, Value),
    /// With a file of this type.
    File(&'static str, Vec<u8>),
    /// With the beginning of a file; the rest never comes.
    Beginning(Vec<u8>),
    /// Not at all: the connection is closed, and nothing else happens.
    Cut,
    /// Later.
    Delay(Duration, Box<Self>),
    /// Once a test lets it.
    Held(Arc<Notify>, Box<Self>),
    /// What the vendor does is done, and a message accepted; then this is the answer ([`Answer::Usual`]: the vendor's).
    Accept(Box<Self>),
}

/// A webhook as it is registered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// A message that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) vendor: Vendor,
    /// The id that it was given.
    pub(crate) id: String,
    /// Whom it goes to, as written.
    pub(crate) to: String,
    /// Its text; of any other message the JSON of what it says.
    pub(crate) text: String,
    /// What comes back with its statuses.
    pub(crate) reference: Option<String>,
    pub(crate) at: Instant,
}

/// The peer. Clones are the same one; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Peer(Arc<Shared>);

struct Shared {
    url: String,
    key: String,
    number: String,
    script: Mutex<Script>,
}

#[derive(Default)]
struct Script {
    requests: Vec<Request>,
    answers: HashMap<String, VecDeque<Answer>>,
    webhooks: HashMap<Vendor, Webhook>,
    origin: Option<String>,
    accepted: Vec<Accepted>,
    statuses: Option<Duration>,
    statuses_owed: usize,
}

impl Peer {
    /// Starts one that knows this API key (or token) of this number, which is written in digits.
    pub(crate) async fn start(key: &str, number: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let peer = Self(Arc::new(Shared {
            url: format!("http://{}", listener.local_addr()?),
            key: key.to_owned(),
            number: number.to_owned(),
            script: Mutex::default(),
        }));
        let api = Router::new().fallback(answer).with_state(peer.clone());
        tokio::spawn(async move { axum::serve(listener, api).await });
        Ok(peer)
    }

    /// Its origin, which is 360dialog's base address too.
    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    /// The SMS gateway's base address.
    pub(crate) fn sms_url(&self) -> String {
        format!("{}{}", self.0.url, sms::BASE)
    }

    /// The requests so far, in the order in which they came.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.script().requests.clone()
    }

    /// Answers one request to this path so. Several for one path are used one after the other.
    pub(crate) fn next(&self, path: &str, answer: Answer) {
        let mut script = self.script();
        let answers = script.answers.entry(path.to_owned()).or_default();
        answers.push_back(answer);
    }

    /// Answers requests to this path as usual again.
    pub(crate) fn calm(&self, path: &str) {
        self.script().answers.remove(path);
    }

    /// The webhook that is registered at a vendor.
    pub(crate) fn webhook(&self, vendor: Vendor) -> Option<Webhook> {
        self.script().webhooks.get(&vendor).cloned()
    }

    /// Registers a webhook as somebody else, or as an operator by hand.
    pub(crate) fn register(&self, vendor: Vendor, url: &str, headers: &[(&str, &str)]) {
        let webhook = Webhook {
            url: url.to_owned(),
            headers: owned(headers),
        };
        self.script().webhooks.insert(vendor, webhook);
    }

    /// Delivers to this origin from now on, whatever the origin of a registered webhook: the tunnel behind a public
    /// address, whose other end may move when the host starts again.
    pub(crate) fn tunnel(&self, origin: &str) {
        self.script().origin = Some(origin.to_owned());
    }

    /// Delivers a body to 360dialog's webhook once, with the registered headers. Returns the status of the answer.
    pub(crate) async fn push(&self, body: &Value) -> Result<u16> {
        let webhook = self.webhook(Vendor::Cloud).context("no webhook")?;
        let mut headers = webhook.headers;
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        self.deliver(&webhook.url, headers, body.to_string()).await
    }

    /// Delivers to a vendor's webhook once, with these headers and none of the registered ones.
    pub(crate) async fn push_with(
        &self,
        vendor: Vendor,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Result<u16> {
        let webhook = self.webhook(vendor).context("no webhook")?;
        self.deliver(&webhook.url, owned(headers), body).await
    }

    /// The messages that were accepted, in order.
    pub(crate) fn accepted(&self) -> Vec<Accepted> {
        self.script().accepted.clone()
    }

    /// How often a message of this text was accepted.
    pub(crate) fn times_accepted(&self, text: &str) -> usize {
        let script = self.script();
        script.accepted.iter().filter(|it| it.text == text).count()
    }

    /// Delivers `sent` and then `delivered` for each message that 360dialog accepts from now on, each after this long, and
    /// again until it is taken. None switches it off, as it is at first.
    pub(crate) fn statuses(&self, after: Option<Duration>) {
        self.script().statuses = after;
    }

    /// How many messages still have a status to be delivered.
    pub(crate) fn statuses_owed(&self) -> usize {
        self.script().statuses_owed
    }

    /// What a test did with it can't leave it half done, so a panic elsewhere is no reason for one here.
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn deliver(
        &self,
        url: &str,
        headers: Vec<(String, String)>,
        body: impl AsRef<[u8]>,
    ) -> Result<u16> {
        let mut url = reqwest::Url::parse(url)?;
        if let Some(origin) = self.script().origin.clone() {
            let query = url
                .query()
                .map_or_else(String::new, |query| format!("?{query}"));
            url = reqwest::Url::parse(&format!("{origin}{}{query}", url.path()))?;
        }
        let posted = post(&url, &headers, body.as_ref());
        tokio::time::timeout(PATIENCE, posted).await?
    }

    /// Writes a request down and looks how it is to be answered.
    fn record(&self, request: &Request) -> Answer {
        let mut script = self.script();
        script.requests.push(request.clone());
        let answers = script.answers.get_mut(&request.path);
        answers
            .and_then(VecDeque::pop_front)
            .unwrap_or(Answer::Usual)
    }

    /// Does what the vendor does.
    fn usual(&self, request: &Request) -> (u16, Value) {
        match request.path.strip_prefix(sms::BASE) {
            Some(path) => sms::answer(self, request, path),
            None => cloud::answer(self, request),
        }
    }

    fn set_webhook(&self, vendor: Vendor, webhook: Option<Webhook>) {
        let mut script = self.script();
        match webhook {
            Some(webhook) => script.webhooks.insert(vendor, webhook),
            None => script.webhooks.remove(&vendor),
        };
    }

    /// Accepts a message; returns the id that it gets.
    fn accept(&self, vendor: Vendor, to: &str, text: &str, reference: Option<&str>) -> String {
        let mut script = self.script();
        let prefix = match vendor {
            Vendor::Cloud => "wamid.PEER",
            Vendor::Sms => "SM",
        };
        let message = Accepted {
            vendor,
            id: format!("{prefix}{:08}", script.accepted.len() + 1),
            to: to.to_owned(),
            text: text.to_owned(),
            reference: reference.map(str::to_owned),
            at: Instant::now(),
        };
        script.accepted.push(message.clone());
        if let (Vendor::Cloud, Some(after)) = (vendor, script.statuses) {
            script.statuses_owed += 1;
            tokio::spawn(self.clone().tell(message.clone(), after));
        }
        message.id
    }

    /// Delivers the statuses of a message.
    async fn tell(self, message: Accepted, after: Duration) {
        for state in ["sent", "delivered"] {
            tokio::time::sleep(after).await;
            let body = cloud::status(&self, &message, state);
            while !matches!(self.push(&body).await, Ok(200)) {
                tokio::time::sleep(AGAIN).await;
            }
        }
        self.script().statuses_owed -= 1;
    }
}

/// Posts over a connection of its own. Returns the status of the answer, once the whole of it is there.
async fn post(url: &reqwest::Url, headers: &[(String, String)], body: &[u8]) -> Result<u16> {
    ensure!(
        url.scheme() == "http",
        "{url} is not on this machine: dig a tunnel"
    );
    let host = url.host_str().context("a host")?;
    let port = url.port_or_known_default().context("a port")?;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut head =
        format!("POST {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n")?;
    }
    write!(head, "Content-Length: {}\r\n\r\n", body.len())?;
    let mut stream = TcpStream::connect((host, port)).await?;
    // It may be refused before the whole of it is read, so the answer counts.
    let sent = stream.write_all(&[head.as_bytes(), body].concat()).await;
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer).await;
    if answer.is_empty() {
        sent?;
        ended?;
    }
    let answer = String::from_utf8_lossy(&answer);
    // A connection that ends within the head has answered nothing.
    let (head, _) = answer.split_once("\r\n\r\n").context("no answer")?;
    let status = head.split(' ').nth(1).context("no status")?;
    Ok(status.parse()?)
}

/// Seconds since 1970, as webhooks have them.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("the clock is past 1970").as_secs()
}

fn owned(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    headers.iter().map(owned).collect()
}

async fn answer(State(peer): State<Peer>, request: axum::extract::Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let request = Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.into(),
        at: Instant::now(),
    };
    let mut answer = peer.record(&request);
    let mut done = None;
    loop {
        answer = match answer {
            Answer::Usual => {
                let (status, body) = done.unwrap_or_else(|| peer.usual(&request));
                return reply(status, body);
            }
            Answer::Status(status, body) => return reply(status, body),
            Answer::File(mime_type, bytes) => {
                return ([(CONTENT_TYPE, mime_type)], bytes).into_response();
            }
            Answer::Beginning(bytes) => {
                let first = stream::once(async { Ok::<_, Infallible>(bytes) });
                return Body::from_stream(first.chain(stream::pending())).into_response();
            }
            // It ends the task that serves the connection, and with it the connection. Unlike a panic it says nothing.
            Answer::Cut => resume_unwind(Box::new("cut")),
            Answer::Delay(time, next) => {
                tokio::time::sleep(time).await;
                *next
            }
            Answer::Held(gate, next) => {
                gate.notified().await;
                *next
            }
            Answer::Accept(next) => {
                done = Some(peer.usual(&request));
                *next
            }
        }
    }
}

fn reply(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a script says statuses that exist");
    if body.is_null() {
        status.into_response()
    } else {
        (status, Json(body)).into_response()
    }
}
