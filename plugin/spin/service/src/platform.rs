//! Telling the platform: CloudEvents 1.0 in JSON, signed by the rules of Standard Webhooks 1.0.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use channel_contract::events::{Event, Received};
use channel_contract::json;
use channel_contract::types::Timestamp;
use futures_util::future::{Either, select};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Request, Uri};
use serde::Serialize;
use serde_json::value::RawValue;
use spin_interfaces::variables::Variables;
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};
use std::pin::pin;

use crate::World;
use crate::configuration::variable;

/// What the types of events begin with.
const TYPE: &str = "messaging.channel.";

/// Where the platform is, and what it knows us by.
pub(crate) struct Platform<'a> {
    url: Uri,
    signer: Webhook,
    /// The name of the channel.
    channel: &'a str,
}

/// An event as it leaves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// The event's id; the platform drops a second one.
    pub(crate) id: String,
    /// Its kind.
    pub(crate) kind: &'static str,
    /// When it happened, or was received.
    pub(crate) time: Timestamp,
    /// Its JSON, as that of the reference host but for `sequence`.
    pub(crate) json: String,
}

impl Told {
    /// An event of a webhook that came at this time.
    pub(crate) fn new(
        event: &Event,
        received: Timestamp,
        channel: &str,
    ) -> serde_json::Result<Self> {
        let members = json::one_line(&Received::new(event, received))?;
        let members = members.strip_prefix('{').unwrap_or_default();
        let channel = serde_json::Value::from(channel);
        Ok(Self {
            id: event.id.clone(),
            kind: event.body.kind(),
            time: event.time.unwrap_or(received),
            json: format!(r#"{{"channel":{channel},{members}"#),
        })
    }
}

/// A CloudEvent in its structured form. A library's would read the event's JSON and write it anew; it goes out as it came.
#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(with = "json::timestamp")]
    time: Timestamp,
    datacontenttype: &'static str,
    data: &'a RawValue,
}

impl<'a> Platform<'a> {
    /// What the variables say of it. The error says what is missing.
    pub(crate) fn new(variables: &'a Variables, channel: &'a str) -> Result<Self, String> {
        let url =
            variable(variables, "platform_url").ok_or("the variable platform_url is not set")?;
        let url = url
            .parse()
            .map_err(|error| format!("the variable platform_url: {error}"))?;
        let secret = variable(variables, "platform_secret")
            .ok_or("the variable platform_secret is not set: events leave signed, or not at all")?;
        let signer = Webhook::new(secret).map_err(
            |_| "the variable platform_secret is no secret of Standard Webhooks: whsec_ and base64",
        )?;
        Ok(Self {
            url,
            signer,
            channel,
        })
    }

    /// Tells the platform of an event within `time`; the error is a sentence for the log.
    pub(crate) async fn tell(
        &self,
        world: &impl World,
        event: &Told,
        time: Duration,
    ) -> Result<(), String> {
        let request = self.request(event).map_err(|error| error.to_string())?;
        let sent = pin!(world.send(request));
        let over = pin!(world.sleep(time));
        match select(sent, over).await {
            Either::Left((Ok(status), _)) if status.is_success() => Ok(()),
            Either::Left((Ok(status), _)) => Err(format!("the platform answers {status}")),
            Either::Left((Err(sentence), _)) => {
                Err(format!("the platform does not answer: {sentence}"))
            }
            Either::Right(_) => Err("the platform does not answer in time".to_owned()),
        }
    }

    fn request(&self, event: &Told) -> Result<Request<Vec<u8>>, Box<dyn std::error::Error>> {
        let body = serde_json::to_vec(&CloudEvent {
            specversion: "1.0",
            id: &event.id,
            source: format!("/channels/{}", encoded(self.channel)),
            kind: format!("{TYPE}{}", event.kind),
            time: event.time,
            datacontenttype: "application/json",
            data: serde_json::from_str(&event.json)?,
        })?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let now = i64::try_from(now)?;
        Ok(Request::post(self.url.clone())
            .header(CONTENT_TYPE, "application/cloudevents+json; charset=utf-8")
            .header(CONTENT_LENGTH, body.len())
            .header(HEADER_WEBHOOK_ID, &event.id)
            .header(HEADER_WEBHOOK_TIMESTAMP, now)
            .header(
                HEADER_WEBHOOK_SIGNATURE,
                self.signer.sign(&event.id, now, &body)?,
            )
            .body(body)?)
    }
}

/// A name as a part of an address.
fn encoded(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
