//! HTTP as it is lent to one channel: to granted origins, bounded, with secrets filled on the way out and masked on the
//! way back.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue,
};
use reqwest::{Body, Method, redirect, retry};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::time::Instant;

use self::origin::Admitted;
use super::address::is_public;
use super::{Http, Secrets};
use crate::channel::keyring::RESERVED;
use crate::check::is_placeholder_name;
use crate::contract::channel;
use crate::contract::http::{Failure, Request, Response, Seal};
use crate::contract::secrets::{self as secret, Escape, Mask};
use crate::contract::types::Header;
use crate::plain;

mod origin;
mod transfer;

pub use origin::{OriginError, Origins};
pub(crate) use transfer::{FileBody, is_compressed};

/// How long connecting may take: a name's lookup, TCP and TLS. It is shorter than most requests may take, so that a host
/// that is down is told from one that is slow.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a connection is kept without use: less than servers usually keep it, or a request would meet its end.
const IDLE: Duration = Duration::from_secs(30);

/// Connections kept without use to one origin.
const IDLE_PER_ORIGIN: usize = 16;

/// The methods that may be used. `CONNECT` asks for a tunnel and `TRACE` for a repetition of all headers.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// Headers that are the host's to write: they say where a request goes, where it ends, and what becomes of the
/// connection. So does everything that begins with `proxy-`.
const REFUSED: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "expect",
];

/// Members that one request may have sealed.
const SEALS: usize = 16;

/// What one request may cost. Every field is a bound that holds; there is no default: an embedder chooses, beginning
/// with [`HttpLimits::recommended`].
#[derive(Clone, Debug, PartialEq)]
pub struct HttpLimits {
    /// The longest that a request may take, from looking the name up to the last byte of the answer.
    pub timeout: Duration,
    /// Bytes of an address.
    pub url_bytes: usize,
    /// Headers of a request, and of an answer.
    pub headers: usize,
    /// Bytes of their names and values together, with filled placeholders.
    pub header_bytes: usize,
    /// Bytes of a request's body, with filled placeholders.
    pub request_bytes: usize,
    /// Bytes of an answer's body, before and after its secrets are masked.
    pub answer_bytes: usize,
}

impl HttpLimits {
    /// Values that leave a well-behaved channel an order of magnitude of room.
    #[must_use]
    pub fn recommended() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            url_bytes: 8 << 10,
            headers: 64,
            header_bytes: 16 << 10,
            request_bytes: 8 << 20,
            answer_bytes: 8 << 20,
        }
    }
}

/// Why there can be no connections.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS can't be set up, most likely because the system has no root certificates.
    #[error("TLS can't be set up: {0}; install the system's root certificates (ca-certificates)")]
    Tls(#[source] rustls::Error),
    /// The connections can't be set up.
    #[error("connections can't be set up: {0}")]
    Connections(#[source] reqwest::Error),
}

/// The connections of all channels. Cheap to clone.
///
/// There are two sets, so that one channel's grant opens nothing for another: connections that may be private are never
/// used for requests that may not.
#[derive(Clone)]
pub struct Connections {
    public: reqwest::Client,
    private: reqwest::Client,
}

impl Connections {
    /// No connection yet: each is made when it is needed.
    ///
    /// # Errors
    ///
    /// TLS can't be set up.
    pub fn new() -> Result<Self, ClientError> {
        Self::over(Arc::new(System))
    }

    fn of(&self, private: bool) -> &reqwest::Client {
        if private { &self.private } else { &self.public }
    }

    fn over(lookup: Arc<dyn Resolve>) -> Result<Self, ClientError> {
        // The cryptography is named here: what the process as a whole uses is the embedder's to say.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(ClientError::Tls)?
            .with_no_client_auth();
        // Nothing is sent twice: redirects are answers, and nothing is tried again. hyper alone sends a request on
        // another connection when the one that it had been given ended before anything of it was written, and can do
        // that only because it still has the body, which is a stream and comes once.
        let builder = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .user_agent(concat!("channel-host/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .no_proxy()
                .connect_timeout(CONNECT)
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(IDLE_PER_ORIGIN)
        };
        let public = builder()
            .https_only(true)
            .dns_resolver(Arc::new(Public(Arc::clone(&lookup))));
        let private = builder().dns_resolver(lookup);
        Ok(Self {
            public: public.build().map_err(ClientError::Connections)?,
            private: private.build().map_err(ClientError::Connections)?,
        })
    }
}

/// The system's lookup of names.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<_> = found.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Finds public addresses only. The connection is made to what was looked at here, so no second lookup can differ.
struct Public(Arc<dyn Resolve>);

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.resolve(name);
        Box::pin(async move {
            let found: Vec<_> = found.await?.collect();
            if found.iter().all(|address| is_public(address.ip())) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(PrivateAddress.into())
            }
        })
    }
}

/// A name that may be public only has a private address.
#[derive(Debug, thiserror::Error)]
#[error("the name has a private address")]
struct PrivateAddress;

/// HTTP for one channel.
pub struct Client {
    connections: Connections,
    origins: Origins,
    /// Names that nothing can be sealed under.
    taken: Arc<BTreeSet<String>>,
    secrets: Arc<dyn Secrets>,
    limits: HttpLimits,
}

/// A request that was judged and filled.
struct Prepared {
    admitted: Admitted,
    method: Method,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// An answer as it came.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Client {
    /// HTTP for the channel with these origins and secrets. `declared` are the secrets of its description: nothing
    /// that comes in an answer can take the place of one.
    #[must_use]
    pub fn new(
        connections: &Connections,
        origins: Origins,
        declared: &[channel::Secret],
        secrets: Arc<dyn Secrets>,
        limits: HttpLimits,
    ) -> Self {
        let declared = declared.iter().map(|secret| secret.name.clone());
        let taken = declared.chain(RESERVED.map(str::to_owned)).collect();
        Self {
            connections: connections.clone(),
            origins,
            taken: Arc::new(taken),
            secrets,
            limits,
        }
    }

    /// Judges a request and fills its placeholders. The sentence says why it is denied.
    fn prepare(&self, request: Request) -> Result<Prepared, String> {
        if request.url.len() > self.limits.url_bytes {
            return Err(format!(
                "the address is longer than {} bytes",
                self.limits.url_bytes
            ));
        }
        let admitted = self.origins.admit(&request.url)?;
        let method = METHODS
            .into_iter()
            .find(|method| method.as_str() == request.method)
            .ok_or_else(|| {
                format!("the method is none of {METHODS:?}: write one of them, in capitals")
            })?;
        let mut headers = self.headers(&request.headers)?;
        let body = self.body(
            request.body.unwrap_or_default(),
            request.fill_body,
            &headers,
        )?;
        // The body goes out as a stream, whose length nobody else knows. Where one is usual its absence is said too.
        if !body.is_empty() || [Method::POST, Method::PUT, Method::PATCH].contains(&method) {
            headers.insert(CONTENT_LENGTH, body.len().into());
        }
        Ok(Prepared {
            admitted,
            method,
            headers,
            body,
        })
    }

    fn headers(&self, given: &[Header]) -> Result<HeaderMap, String> {
        let HttpLimits {
            headers: most,
            header_bytes,
            ..
        } = self.limits;
        let too_many = || format!("a request may have {most} headers of {header_bytes} bytes");
        if given.len() > most {
            return Err(too_many());
        }
        let mut headers = HeaderMap::with_capacity(given.len());
        let mut bytes = 0;
        for Header { name, value } in given {
            if name.len() + value.len() > header_bytes {
                return Err(too_many());
            }
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("\"{}\" is no header's name", plain(name)))?;
            if REFUSED.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
                return Err(format!(
                    "the header {name} is the host's to write: leave it out"
                ));
            }
            let secrets = &*self.secrets;
            let value = secret::fill(value.as_bytes(), secrets, Escape::None, header_bytes)
                .map_err(|reason| format!("in the header {name}: {reason}"))?;
            bytes += name.as_str().len() + value.len();
            if bytes > header_bytes {
                return Err(too_many());
            }
            // The value is not shown: it may have come out of a secret.
            let forbidden = || {
                format!("the value of the header {name} holds a control character: leave it out")
            };
            if value.iter().any(u8::is_ascii_control) {
                return Err(forbidden());
            }
            let mut value = HeaderValue::from_bytes(&value).map_err(|_| forbidden())?;
            if name == ACCEPT_ENCODING && value != "identity" {
                return Err(
                    "the header accept-encoding may only ask for identity: secrets can't be masked in a compressed answer"
                        .to_owned(),
                );
            }
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok(headers)
    }

    fn body(&self, body: Vec<u8>, fill: bool, headers: &HeaderMap) -> Result<Vec<u8>, String> {
        let limit = self.limits.request_bytes;
        if body.len() > limit {
            return Err(format!(
                "the body has {} bytes and may have {limit}",
                body.len()
            ));
        }
        if !fill || !secret::asks(&body) {
            return Ok(body);
        }
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let escape = content_type.and_then(Escape::of).ok_or(
            "placeholders are filled in bodies of JSON and forms only, where it is known how to write a value: set the header content-type",
        )?;
        secret::fill(&body, &*self.secrets, escape, limit)
            .map_err(|reason| format!("in the body: {reason}"))
    }

    fn check_seals(&self, seals: &[Seal]) -> Result<(), String> {
        if seals.len() > SEALS {
            return Err(format!("a request may seal {SEALS} members"));
        }
        for (index, Seal { pointer, name }) in seals.iter().enumerate() {
            if !is_placeholder_name(name) || name.len() > 64 {
                return Err(
                    "the name to seal under has at most 64 small letters, digits and _, with a letter first"
                        .to_owned(),
                );
            }
            if self.taken.contains(name) {
                return Err(format!(
                    "{name} is a secret of the settings or the host: seal under another name"
                ));
            }
            if !pointer.is_empty() && !pointer.starts_with('/') {
                return Err(format!(
                    "what is to be sealed as {name} is not a JSON Pointer: begin it with /"
                ));
            }
            // Sealing twice would seal a placeholder.
            let overlaps = |other: &Seal| {
                let within = |inner: &str, outer: &str| {
                    inner
                        .strip_prefix(outer)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                within(pointer, &other.pointer) || within(&other.pointer, pointer)
            };
            if seals[..index]
                .iter()
                .any(|other| other.name == *name || overlaps(other))
            {
                return Err(format!(
                    "{name} is sealed twice, or a part of what another name seals: name each member once"
                ));
            }
        }
        Ok(())
    }

    /// Sends a request and reads its answer.
    async fn exchange(&self, prepared: Prepared, sent: &Sent) -> Result<Answer, Failure> {
        let Prepared {
            admitted,
            method,
            headers,
            body,
        } = prepared;
        let mut request = reqwest::Request::new(method, admitted.url);
        *request.headers_mut() = headers;
        if !body.is_empty() {
            *request.body_mut() = Some(sent.watch(body));
        }
        let response = self.begin(request, admitted.private, sent).await?;
        self.read(response).await
    }

    /// Sends a request and reads the head of its answer.
    async fn begin(
        &self,
        request: reqwest::Request,
        private: bool,
        sent: &Sent,
    ) -> Result<reqwest::Response, Failure> {
        let response = self
            .connections
            .of(private)
            .execute(request)
            .await
            .map_err(|error| failure(&error, sent))?;
        let headers = response.headers();
        let header_bytes: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        if headers.len() > self.limits.headers || header_bytes > self.limits.header_bytes {
            return Err(Failure::TooLarge(response.status().as_u16()));
        }
        Ok(response)
    }

    /// Reads the body of an answer.
    async fn read(&self, mut response: reqwest::Response) -> Result<Answer, Failure> {
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let limit = self.limits.answer_bytes;
        if response.content_length().unwrap_or(0) > limit as u64 {
            return Err(Failure::TooLarge(status));
        }
        let mut body = Vec::new();
        while let Some(part) = response
            .chunk()
            .await
            .map_err(|error| Failure::Interrupted(reason(&error)))?
        {
            if body.len() + part.len() > limit {
                return Err(Failure::TooLarge(status));
            }
            body.extend_from_slice(&part);
        }
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// An answer as the plugin may see it. To search a large one takes long, so no thread that runs others' work does it.
    async fn show(&self, answer: Answer, seals: Vec<Seal>) -> Result<Response, Failure> {
        let (taken, secrets) = (Arc::clone(&self.taken), Arc::clone(&self.secrets));
        let limit = self.limits.answer_bytes;
        let span = tracing::Span::current();
        let show = move || span.in_scope(|| show(answer, &seals, &taken, &*secrets, limit));
        let shown = tokio::task::spawn_blocking(show).await;
        shown.unwrap_or_else(|_| Err(unmasked()))
    }
}

#[async_trait]
impl Http for Client {
    async fn send(&self, mut request: Request, deadline: Instant) -> Result<Response, Failure> {
        let began = Instant::now();
        let asked = request.timeout_ms.map(u64::from).map(Duration::from_millis);
        let seals = std::mem::take(&mut request.seal);
        let prepared = self
            .check_seals(&seals)
            .and_then(|()| self.prepare(request));
        let prepared = prepared.map_err(|reason| {
            tracing::debug!(reason, "a request was denied");
            Failure::Denied(reason)
        })?;
        if !seals.is_empty() && !self.secrets.seals() {
            return Err(Failure::SealingDeclined);
        }
        let time = deadline
            .saturating_duration_since(began)
            .min(self.limits.timeout)
            .min(asked.unwrap_or(Duration::MAX));
        if time.is_zero() {
            return Err(Failure::Unreachable(
                "no time was left to send it".to_owned(),
            ));
        }
        let method = prepared.method.clone();
        let origin = prepared.admitted.origin.clone();
        let path = prepared.admitted.url.path().to_owned();
        let sent = Sent::before(&prepared.body);
        let exchange = self.exchange(prepared, &sent);
        let answer = match tokio::time::timeout(time, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(sent.failure(format!("the time of {} ms was over", time.as_millis()))),
        };
        let ms = began.elapsed().as_millis();
        match &answer {
            Ok(Answer { status, body, .. }) => {
                tracing::debug!(%method, origin, path, status, ms, bytes = body.len(), "answered");
            }
            Err(failure) => {
                tracing::debug!(%method, origin, path, ms, ?failure, "not answered");
            }
        }
        self.show(answer?, seals).await
    }
}

/// An answer of at most `limit` bytes, sealed and masked. Nothing is sealed under a name that is `taken`.
fn show(
    answer: Answer,
    seals: &[Seal],
    taken: &BTreeSet<String>,
    secrets: &dyn Secrets,
    limit: usize,
) -> Result<Response, Failure> {
    let Answer {
        status,
        headers,
        mut body,
    } = answer;
    if is_encoded(&headers) {
        tracing::warn!(
            status,
            "the body of an answer is withheld: it is compressed, which was not asked for, and may hold secrets"
        );
        body.clear();
    } else if !seals.is_empty() {
        body = secret::seal(&body, seals, secrets).unwrap_or_else(|| {
            tracing::warn!(
                status,
                "the body of an answer is withheld: it may hold credentials, and could not be sealed"
            );
            Vec::new()
        });
    }
    let mask = Mask::new(&secrets.all(), |name| !taken.contains(name)).ok_or_else(unmasked)?;
    let mask = |text: &[u8]| mask.mask(text, limit).ok_or(Failure::TooLarge(status));
    let body = mask(&body)?;
    let mut shown = Vec::with_capacity(headers.len());
    for (name, value) in &headers {
        shown.push(Header {
            name: name.as_str().to_owned(),
            value: String::from_utf8_lossy(&mask(value.as_bytes())?).into_owned(),
        });
    }
    Ok(Response {
        status,
        headers: shown,
        body,
    })
}

/// Whether a body is compressed, or encoded otherwise.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The failure of a request whose answer can't be shown.
fn unmasked() -> Failure {
    Failure::Interrupted("the host could not mask the answer".to_owned())
}

/// Whether a request may have left.
///
/// reqwest does not tell when a connection stood. But a connection asks for the body when it has taken the request,
/// before it writes the first byte. Without a body nothing is known, and the request is taken for sent.
#[derive(Clone)]
struct Sent(Arc<AtomicBool>);

impl Sent {
    /// Before a request with this body, or none.
    fn before(body: &[u8]) -> Self {
        Self(Arc::new(AtomicBool::new(body.is_empty())))
    }

    /// The body, which is noticed when it is asked for.
    fn watch(&self, body: Vec<u8>) -> Body {
        let sent = self.clone();
        Body::wrap_stream(stream::once(async move {
            sent.0.store(true, Ordering::Release);
            Ok::<_, Infallible>(body)
        }))
    }

    /// The failure of a request that ended without an answer.
    fn failure(&self, reason: String) -> Failure {
        if self.0.load(Ordering::Acquire) {
            Failure::Interrupted(reason)
        } else {
            Failure::Unreachable(reason)
        }
    }
}

fn failure(error: &reqwest::Error, sent: &Sent) -> Failure {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<PrivateAddress>() {
            return Failure::Denied(
                "the name has a private address: use a public one, or have the operator grant this origin as private"
                    .to_owned(),
            );
        }
        cause = error.source();
    }
    if error.is_builder() {
        Failure::Denied(
            "the address can't be written into a request: leave unusual characters out".to_owned(),
        )
    } else if error.is_connect() {
        Failure::Unreachable(reason(error))
    } else {
        sent.failure(reason(error))
    }
}

/// What happened, without the address.
fn reason(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.dedup();
    causes.join(": ")
}

#[cfg(test)]
mod tests;
