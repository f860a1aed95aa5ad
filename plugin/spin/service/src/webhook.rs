//! Webhooks: authenticated, taken in by the channel, told to the platform, greeted. All of it within what 360dialog waits.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::{Duration, Instant};

use channel_contract::authentication::{self, Authentication, Request};
use channel_contract::events::{Delivery, Event};
use channel_contract::outbound::{Message, Window};
use channel_contract::types::{Contact, Header, Timestamp};
use futures_util::future::{Either, select};
use futures_util::stream::{self, StreamExt as _};
use http::header::{ALLOW, CONTENT_LENGTH, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use spin_interfaces::secrets::OfVariables;
use spin_interfaces::store::{Bucket, Store};
use spin_interfaces::variables::Variables;
use subtle::ConstantTimeEq as _;

use crate::bindings::messaging::channel::inbox::{self, ReceiveError};
use crate::bindings::messaging::channel::{message, sender};
use crate::configuration::{description, secret, settings, variable};
use crate::platform::{Platform, Told};
use crate::seen::Seen;
use crate::{Unread, World, answer};

/// The bytes of a body (360dialog, receiving messages via webhook: up to 3 MB).
const BODY_BYTES: usize = 4 << 20;

/// 360dialog waits 5 seconds for the answer. By when, counted from the beginning, the body is there …
const BODY_BY: Duration = Duration::from_secs(1);

/// … the platform has been told …
const TOLD_BY: Duration = Duration::from_millis(2300);

/// … and the last greeting has begun. One takes as long as the variable `http_timeout_ms` says, in the manifest a second.
const GREETED_BY: Duration = Duration::from_millis(2800);

/// How many contacts' events are on their way at once.
const AT_ONCE: usize = 8;

/// Answers a request below `/webhooks/`.
pub(crate) async fn receive<W: World>(
    world: &W,
    variables: &Variables,
    path: &str,
    head: &Parts,
    body: impl AsyncFnOnce(usize) -> Result<Vec<u8>, Unread>,
) -> Response<Vec<u8>> {
    let began = Instant::now();
    let (token, tail) = path.split_at(path.find('/').unwrap_or(path.len()));
    let secrets = OfVariables(variables);
    if token.is_empty() {
        return answer(StatusCode::NOT_FOUND);
    }
    let Some(expected) = secret(variables, "webhook_path")
        .filter(|expected| bool::from(token.as_bytes().ct_eq(expected.as_bytes())))
    else {
        return answer(StatusCode::UNAUTHORIZED);
    };
    if head.method != Method::POST {
        let mut response = answer(StatusCode::METHOD_NOT_ALLOWED);
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let description = description();
    let settings = Value::Object(settings(variables, &description)).to_string();
    let authentication = Authentication::new(&description, &settings);
    if let Err(refused) = authentication.verify_head(&head.headers, &secrets) {
        return unauthorised(&refused);
    }
    let body = match read(world, head, body).await {
        Ok(body) => body,
        Err(status) => return answer(status),
    };
    let public_url = variable(variables, "public_url").unwrap_or_default();
    let address = head
        .uri
        .path_and_query()
        .map_or("", |address| address.as_str());
    let request = Request {
        headers: &head.headers,
        body: &body,
        url: &format!("{}{address}", public_url.trim_end_matches('/')),
    };
    if let Err(refused) = authentication.verify(request, &secrets) {
        return unauthorised(&refused);
    }
    let query = head.uri.query().unwrap_or_default();
    // Spin repeats the address in headers of its own.
    let mut headers = authentication.delivery_headers(&head.headers);
    headers
        .retain(|Header { name, value }| !name.starts_with("spin-") && !value.contains(expected));
    let delivery = Delivery {
        method: head.method.to_string(),
        path: tail.to_owned(),
        query: form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers,
        body,
    };
    let taken = take_in(world, variables, &settings, &delivery, began).await;
    answer(taken.unwrap_or_else(|sentence| {
        // 360dialog delivers again.
        eprintln!("a delivery is not taken: {sentence}");
        StatusCode::SERVICE_UNAVAILABLE
    }))
}

fn unauthorised(refused: &authentication::Refused) -> Response<Vec<u8>> {
    eprintln!("a delivery is refused: {refused}");
    answer(StatusCode::UNAUTHORIZED)
}

async fn read<W: World>(
    world: &W,
    head: &Parts,
    body: impl AsyncFnOnce(usize) -> Result<Vec<u8>, Unread>,
) -> Result<Vec<u8>, StatusCode> {
    let length = head.headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_BYTES) {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let read = pin!(body(BODY_BYTES));
    let over = pin!(world.sleep(BODY_BY));
    match select(read, over).await {
        Either::Left((Ok(body), _)) => Ok(body),
        Either::Left((Err(Unread::TooLarge), _)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Either::Left((Err(Unread::BrokenOff), _)) => Err(StatusCode::BAD_REQUEST),
        Either::Right(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// What to answer once it is known what became of a delivery, or why it has to come again.
async fn take_in<W: World>(
    world: &W,
    variables: &Variables,
    settings: &str,
    delivery: &Delivery,
    began: Instant,
) -> Result<StatusCode, String> {
    let name = variable(variables, "setting_name").unwrap_or_default();
    let platform = Platform::new(variables, name)?;
    let store = world
        .store(variables)
        .map_err(|failure| failure.to_string())?;
    let received = now();
    let (events, replies) = match inbox::receive(settings, delivery, received) {
        Ok(reception) => {
            let events = reception
                .events
                .iter()
                .map(|event| Ok((whom(event), Told::new(event, received, name)?)));
            let events: serde_json::Result<Vec<_>> = events.collect();
            (
                events.map_err(|error| error.to_string())?,
                reception.replies,
            )
        }
        Err(ReceiveError::Rejected(rejection)) => (
            vec![(String::new(), rejected(delivery, &json!(rejection), name))],
            Vec::new(),
        ),
        Err(ReceiveError::Storage(failure)) => {
            return Err(format!("the store failed: {failure:?}"));
        }
    };
    let told = tell(world, &platform, &store, events, began).await;
    // Decided once, so it leaves now: the delivery may come again, the greeting does not.
    for reply in &replies {
        if began.elapsed() > GREETED_BY {
            eprintln!("there is no time left for a greeting");
            break;
        }
        greet(settings, reply);
    }
    told.map(|()| StatusCode::OK)
}

/// Tells the platform what it has not taken yet: the events of one contact in their order, and none after one that it refuses.
async fn tell<W: World>(
    world: &W,
    platform: &Platform<'_>,
    store: &Store<impl Bucket>,
    events: Vec<(String, Told)>,
    began: Instant,
) -> Result<(), String> {
    let mut of_contacts: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    for (whom, event) in events {
        of_contacts.entry(whom).or_default().push(event);
    }
    let tell = async |(whom, events): (String, Vec<Told>)| {
        let mut seen = Seen::of(store, &whom).map_err(|failure| failure.to_string())?;
        let mut outcome = Ok(());
        let mut taken = Vec::new();
        for event in events.iter().filter(|event| !seen.contains(&event.id)) {
            let left = TOLD_BY.saturating_sub(began.elapsed());
            outcome = if left.is_zero() {
                Err("there is no time left for the platform".to_owned())
            } else {
                platform.tell(world, event, left).await
            };
            if outcome.is_err() {
                break;
            }
            taken.push(event.id.as_str());
        }
        if !taken.is_empty()
            && let Err(failure) = seen.add(&taken)
        {
            // The platform may hear of them again, under the same ids.
            eprintln!("events that the platform has taken are not remembered: {failure}");
        }
        outcome
    };
    let outcomes = stream::iter(of_contacts)
        .map(tell)
        .buffer_unordered(AT_ONCE);
    outcomes
        .fold(Ok(()), async |all: Result<(), String>, one| all.and(one))
        .await
}

/// Whom an event concerns.
fn whom(event: &Event) -> String {
    let Some(Contact { phone, user_id, .. }) = &event.contact else {
        return String::new();
    };
    user_id
        .as_ref()
        .or(phone.as_ref())
        .cloned()
        .unwrap_or_default()
}

/// A body that is no list of events goes to the platform as it came: there is nothing here to park it in.
fn rejected(delivery: &Delivery, rejection: &Value, channel: &str) -> Told {
    let id = format!(
        "rejected-{}",
        hex::encode(&Sha256::digest(&delivery.body)[..16])
    );
    let json = json!({
        "channel": channel,
        "id": id,
        "type": "rejected",
        "rejected": rejection,
        "delivery": delivery,
    });
    Told {
        id,
        kind: "rejected",
        time: now(),
        json: json.to_string(),
    }
}

/// Sends a reply of the channel's own, to somebody who has just written.
fn greet(settings: &str, reply: &Message) {
    let payloads = match message::build(settings, reply, &Window::Unknown, None) {
        Ok(payloads) => payloads,
        Err(problems) => return eprintln!("a greeting can't be built: {}", json!(problems)),
    };
    for payload in &payloads {
        if let Err(error) = sender::send(settings, payload, None) {
            return eprintln!("a greeting was not accepted: {}", json!(error));
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> Timestamp {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}
