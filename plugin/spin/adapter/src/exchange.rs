//! One request and its answer over `wasi:http` 0.2, within a time: the interface itself bounds only parts of it.

use std::time::Duration;

use http::Uri;
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler::{OutgoingRequest, handle};
use wasip2::http::types::{ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, Scheme};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::StreamError;

use crate::bindings::exports::messaging::channel::http::Failure;
use crate::request::{ANSWER_BYTES, Headers};

/// The most bytes that are read in one step.
const STEP_BYTES: u64 = 64 << 10;

/// A request that may leave.
pub(crate) struct Outgoing {
    pub(crate) method: String,
    pub(crate) uri: Uri,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

/// The time that is left.
struct Deadline(Pollable);

impl Deadline {
    fn after(time: Duration) -> Self {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self(subscribe_duration(nanoseconds))
    }

    /// Waits for something, as long as there is time.
    fn wait(&self, something: &Pollable) -> Result<(), Failure> {
        if poll(&[something, &self.0]).contains(&0) {
            Ok(())
        } else {
            Err(Failure::Interrupted("the time was over".to_owned()))
        }
    }
}

/// Sends a request and reads its answer, in `time` altogether.
pub(crate) fn exchange(outgoing: &Outgoing, time: Duration) -> Result<Answer, Failure> {
    let deadline = Deadline::after(time);
    let request = request(outgoing)?;
    let body = request.body().map_err(|()| refused("body"))?;
    let answer = handle(request, None).map_err(failure)?;
    let written = write(body, &outgoing.body, &deadline);
    if let Err(Failure::Interrupted(sentence)) = written {
        // A server may refuse before it has read everything: then its answer counts.
        if answer.get().is_none() {
            return Err(Failure::Interrupted(sentence));
        }
    }
    deadline.wait(&answer.subscribe())?;
    let response = match answer.get() {
        Some(Ok(Ok(response))) => response,
        Some(Ok(Err(code))) => return Err(failure(code)),
        Some(Err(())) | None => return Err(Failure::Interrupted("there is no answer".to_owned())),
    };
    read(&response, &deadline)
}

fn request(outgoing: &Outgoing) -> Result<OutgoingRequest, Failure> {
    let mut headers = outgoing.headers.clone();
    let length = outgoing.body.len().to_string().into_bytes();
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
    headers.push(("content-length".to_owned(), length));
    let headers = Fields::from_list(&headers)
        .map_err(|error| Failure::Denied(format!("the headers: {error:?}")))?;
    let request = OutgoingRequest::new(headers);
    let method = match outgoing.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        other => Method::Other(other.to_owned()),
    };
    let scheme = match outgoing.uri.scheme_str() {
        Some("http") => Scheme::Http,
        _ => Scheme::Https,
    };
    let path = outgoing.uri.path_and_query().map(|path| path.as_str());
    request
        .set_method(&method)
        .map_err(|()| refused("method"))?;
    request
        .set_scheme(Some(&scheme))
        .map_err(|()| refused("scheme"))?;
    let authority = outgoing.uri.authority().map(|authority| authority.as_str());
    request
        .set_authority(authority)
        .map_err(|()| refused("host"))?;
    request
        .set_path_with_query(path)
        .map_err(|()| refused("path"))?;
    Ok(request)
}

fn write(body: OutgoingBody, bytes: &[u8], deadline: &Deadline) -> Result<(), Failure> {
    let broken = |error: StreamError| Failure::Interrupted(format!("while sending: {error}"));
    let stream = body.write().map_err(|()| refused("body"))?;
    let ready = stream.subscribe();
    let mut rest = bytes;
    while !rest.is_empty() {
        deadline.wait(&ready)?;
        let permitted = usize::try_from(stream.check_write().map_err(broken)?);
        let (part, after) = rest.split_at(permitted.unwrap_or(usize::MAX).min(rest.len()));
        stream.write(part).map_err(broken)?;
        rest = after;
    }
    // A stream whose last byte was read may be closed already, and that of an empty body at once: the answer tells what came of it.
    let _ = stream.flush();
    deadline.wait(&ready)?;
    drop((ready, stream));
    OutgoingBody::finish(body, None).map_err(failure)
}

fn read(response: &IncomingResponse, deadline: &Deadline) -> Result<Answer, Failure> {
    let status = response.status();
    let headers = response.headers().entries();
    let incoming = response.consume().map_err(|()| broken_off())?;
    let stream = incoming.stream().map_err(|()| broken_off())?;
    let ready = stream.subscribe();
    let mut body = Vec::new();
    loop {
        deadline.wait(&ready)?;
        match stream.read(STEP_BYTES) {
            Ok(part) => body.extend_from_slice(&part),
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(_)) => return Err(broken_off()),
        }
        if body.len() > ANSWER_BYTES {
            return Err(Failure::TooLarge(status));
        }
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}

fn refused(part: &str) -> Failure {
    Failure::Denied(format!("the {part} of the request can't be sent"))
}

fn broken_off() -> Failure {
    Failure::Interrupted("the answer broke off".to_owned())
}

/// What a code says of whether the request left.
fn failure(code: ErrorCode) -> Failure {
    let sentence = format!("{code:?}");
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Failure::Denied(
            "Spin does not let it out: name the API's origin in allowed_outbound_hosts".to_owned(),
        ),
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_) => Failure::Unreachable(sentence),
        _ => Failure::Interrupted(sentence),
    }
}
