//! Both channels at their vendors' APIs: real requests to a peer on this machine.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use channel_host::capability::{Client, Connections, HttpLimits, Lent, Origins, Secrets};
use channel_host::contract::connection::{ConnectError, WebhookTarget};
use channel_host::contract::events::{EventBody, MessageState};
use channel_host::contract::outbound::{Content, Message, Payload, Text, Window};
use channel_host::contract::types::{Error, ErrorClass, Recipient, Retry};
use channel_host::settings::{Secret, take_secrets};
use channel_host::{Cache, Engine, Instance, Limits};
use channel_tests::{CHANNEL_360DIALOG, CHANNEL_SMS, delivery};
use serde_json::json;
use tokio::net::TcpListener;

use crate::peer::{Answer, Peer, Vendor};

const KEY: &str = "k3y-of-the-number";
const NUMBER: &str = "15550783881";
const OURS: &str = "https://host.example.com/webhooks/ours";
const THEIRS: &str = "https://old.example.com/hook";

/// Keeps what is sealed, as a host does.
struct Kept(Mutex<BTreeMap<String, Secret>>);

impl Secrets for Kept {
    fn get(&self, name: &str) -> Option<Secret> {
        self.0.lock().unwrap().get(name).cloned()
    }

    fn all(&self) -> Vec<(String, Secret)> {
        let kept = self.0.lock().unwrap();
        kept.iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    fn seals(&self) -> bool {
        true
    }

    fn keep(&self, name: &str, value: Secret) -> bool {
        self.0.lock().unwrap().insert(name.to_owned(), value);
        true
    }
}

/// A channel with its settings, in a sandbox that may ask the peer.
struct Connected {
    sandbox: Instance,
    settings: String,
}

impl Connected {
    async fn new(component: &str, settings: &str, peer: &Peer) -> Result<Self> {
        let engine = Engine::new(Limits::recommended(), &Cache::Off)?;
        let plugin = engine.load_file(component.as_ref())?;
        let description = plugin.describe().await?;
        let settings = take_secrets(settings, &description)?;
        assert_eq!(plugin.validate(&settings.visible).await?, []);
        let mut secrets = settings.secrets;
        secrets.insert("webhook".to_owned(), Secret::new("invented".to_owned()));
        let http = Client::new(
            &Connections::new()?,
            Origins::of(&description, &settings.visible)?.with_private([peer.url()])?,
            &description.secrets,
            Arc::new(Kept(Mutex::new(secrets))),
            HttpLimits::recommended(),
        );
        let lent = Lent {
            http: Some(Arc::new(http)),
            storage: None,
        };
        Ok(Self {
            sandbox: plugin.instantiate_with(lent).await?,
            settings: settings.visible,
        })
    }

    async fn sms(peer: &Peer) -> Result<Self> {
        let settings =
            json!({"number": format!("+{NUMBER}"), "auth_token": KEY, "base_url": peer.sms_url()});
        Self::new(CHANNEL_SMS, &settings.to_string(), peer).await
    }

    async fn dialog360(peer: &Peer) -> Result<Self> {
        let settings = json!({"name": "Shop", "phone_number": format!("+{NUMBER}"), "api_key": KEY,
            "base_url": peer.url()});
        Self::new(CHANNEL_360DIALOG, &settings.to_string(), peer).await
    }

    async fn connect(
        &mut self,
        replace_foreign: bool,
    ) -> Result<Result<channel_host::contract::connection::Connected, ConnectError>> {
        let target = target(replace_foreign);
        Ok(self.sandbox.connect(&self.settings, Some(&target)).await?)
    }

    async fn payload(&mut self, text: &str) -> Result<Payload> {
        let message = Message {
            to: Recipient::Phone("+16315551234".to_owned()),
            content: Content::Text(Text {
                text: text.to_owned(),
                preview_url: None,
            }),
            reply_to: None,
            degrade: Vec::new(),
            fallback: None,
            attributes: Vec::new(),
        };
        let window = Window::Unknown;
        let built = self.sandbox.build(&self.settings, &message, &window, None);
        let payloads = built.await?.expect("a text that can be sent");
        payloads.into_iter().next().context("a payload")
    }

    /// The id that the vendor gives, or what it said.
    async fn send(&mut self, text: &str) -> Result<Result<Option<String>, Error>> {
        let payload = self.payload(text).await?;
        let sent = self.sandbox.send(&self.settings, &payload, Some("r&1"));
        Ok(sent.await?.map(|sent| sent.message_id))
    }
}

fn target(replace_foreign: bool) -> WebhookTarget {
    WebhookTarget {
        url: OURS.to_owned(),
        replace_foreign,
    }
}

#[tokio::test]
async fn the_second_channel_connects_and_gives_the_webhook_back() -> Result<()> {
    let peer = Peer::start(KEY, NUMBER).await?;
    peer.register(Vendor::Sms, THEIRS, &[]);
    let mut sms = Connected::sms(&peer).await?;
    let Err(ConnectError::Occupied(found)) = sms.connect(false).await? else {
        panic!("it took another system's webhook away");
    };
    assert_eq!(found.url.as_deref(), Some(THEIRS));

    let connected = sms.connect(true).await?.expect("a connection");
    assert_eq!(connected.phone_number.as_deref(), Some("+15550783881"));
    assert_eq!(connected.previous, [found]);
    assert_eq!(peer.webhook(Vendor::Sms).context("a webhook")?.url, OURS);
    let again = sms.connect(false).await?.expect("a connection");
    assert_eq!(again.previous, []);

    let settings = sms.settings.clone();
    let health = sms.sandbox.health(&settings, Some(&target(false))).await?;
    assert_eq!(health.expect("health").receiving, Some(true));
    for _ in 0..2 {
        let target = target(false);
        let given_back = sms
            .sandbox
            .disconnect(&settings, &target, &connected.previous);
        given_back.await?.expect("the webhook is given back");
        assert_eq!(peer.webhook(Vendor::Sms).context("a webhook")?.url, THEIRS);
    }
    let health = sms.sandbox.health(&settings, Some(&target(false))).await?;
    assert_eq!(health.expect("health").receiving, Some(false));
    Ok(())
}

#[tokio::test]
async fn the_second_channel_sends_text_and_nothing_else() -> Result<()> {
    let peer = Peer::start(KEY, NUMBER).await?;
    let mut sms = Connected::sms(&peer).await?;
    let id = sms
        .send("Grüße & {{secret:auth_token}}")
        .await?
        .expect("an id");
    let [accepted] = &peer.accepted()[..] else {
        panic!("{:?}", peer.accepted());
    };
    assert_eq!(accepted.text, "Grüße & {{secret:auth_token}}");
    assert_eq!(id.as_ref(), Some(&accepted.id));
    assert_eq!(accepted.to, "+16315551234");
    assert_eq!(accepted.reference.as_deref(), Some("r&1"));

    let settings = sms.settings.clone();
    let read = sms.sandbox.mark_read(&settings, "SM1").await?.unwrap_err();
    assert_eq!(
        (read.class, read.retry),
        (ErrorClass::Invalid, Retry::Never)
    );
    let typing = sms.sandbox.typing(&settings, "SM1").await?.unwrap_err();
    assert_eq!(
        (typing.class, typing.retry),
        (ErrorClass::Invalid, Retry::Never)
    );
    assert_eq!(peer.requests().len(), 1);
    Ok(())
}

/// It has no storage to use: nothing is remembered, so nothing is greeted.
#[tokio::test]
async fn the_second_channel_receives_without_storage() -> Result<()> {
    let peer = Peer::start(KEY, NUMBER).await?;
    let mut sms = Connected::sms(&peer).await?;
    let settings = sms.settings.clone();
    let body = crate::peer::sms::message(&peer, "SM9", "+16315551234", "Hi & bye");
    let received = sms.sandbox.receive(&settings, &delivery(body), 0).await?;
    let reception = received.expect("a reception");
    assert_eq!(reception.events.len(), 1);
    assert!(reception.events[0].raw.contains("Hi & bye"));
    assert_eq!(reception.replies, []);
    let foreign = sms.sandbox.receive(&settings, &delivery("a=b"), 0).await?;
    assert!(foreign.is_err());
    Ok(())
}

/// What to do about a message is the same, whichever vendor answers so.
#[tokio::test]
async fn answers_come_to_what_is_to_be_done() -> Result<()> {
    let peer = Peer::start(KEY, NUMBER).await?;
    for (path, mut channel) in [
        ("/messages", Connected::dialog360(&peer).await?),
        ("/sms/messages", Connected::sms(&peer).await?),
    ] {
        let before = peer.accepted().len();
        for (answer, class) in [
            (Answer::Status(401, json!({})), ErrorClass::Unauthorised),
            (Answer::Status(429, json!({})), ErrorClass::RateLimited),
            (Answer::Status(503, json!(null)), ErrorClass::Temporary),
            (
                Answer::Status(400, json!({"error": "no"})),
                ErrorClass::Invalid,
            ),
            (Answer::Cut, ErrorClass::Uncertain),
        ] {
            peer.next(path, answer.clone());
            let error = channel.send("a").await?.unwrap_err();
            assert_eq!(error.class, class, "{path} {answer:?}: {error:?}");
        }
        assert_eq!(peer.accepted().len(), before);

        peer.next(path, Answer::Accept(Box::new(Answer::Cut)));
        let error = channel.send(path).await?.unwrap_err();
        assert_eq!(error.class, ErrorClass::Uncertain, "{path}");
        assert_eq!(peer.times_accepted(path), 1);

        let late = Duration::from_millis(20);
        peer.next(path, Answer::Delay(late, Box::new(Answer::Usual)));
        let id = channel.send(path).await?.expect("an id");
        assert_eq!(peer.accepted().last().map(|it| it.id.clone()), id);
        assert_eq!(peer.times_accepted(path), 2);
    }
    Ok(())
}

#[tokio::test]
async fn the_key_is_proved_and_the_registered_header_is_kept() -> Result<()> {
    let peer = Peer::start(KEY, NUMBER).await?;
    peer.register(Vendor::Cloud, THEIRS, &[("Authorization", "Basic b2xk")]);
    let mut channel = Connected::dialog360(&peer).await?;
    let connected = channel.connect(true).await?.expect("a connection");
    assert_eq!(connected.phone_number.as_deref(), Some(NUMBER));
    assert_eq!(connected.warnings, []);
    let ours = peer.webhook(Vendor::Cloud).context("a webhook")?;
    assert_eq!(ours.url, OURS);
    assert_eq!(ours.headers[0].1, "invented");

    let settings = channel.settings.clone();
    let target = target(false);
    let given_back = channel
        .sandbox
        .disconnect(&settings, &target, &connected.previous);
    given_back.await?.expect("the webhook is given back");
    let theirs = peer.webhook(Vendor::Cloud).context("a webhook")?;
    assert_eq!(theirs.url, THEIRS);
    assert_eq!(theirs.headers[0].1, "Basic b2xk");

    let stranger = Peer::start("another key", NUMBER).await?;
    let mut channel = Connected::dialog360(&stranger).await?;
    let Err(ConnectError::Failed(error)) = channel.connect(true).await? else {
        panic!("a wrong key was taken");
    };
    assert_eq!(error.class, ErrorClass::Unauthorised);
    Ok(())
}

#[tokio::test]
async fn statuses_come_until_they_are_taken() -> Result<()> {
    let peer = Peer::start(KEY, NUMBER).await?;
    peer.register(Vendor::Cloud, &format!("{OURS}?a=b"), &[("X-Secret", "s")]);
    let (heard, mut deliveries) = tokio::sync::mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    peer.tunnel(&format!("http://{}", listener.local_addr()?));
    let first = Arc::new(AtomicBool::new(true));
    let host = Router::new().fallback(async move |uri: Uri, headers: HeaderMap, body: String| {
        assert_eq!((uri.path(), uri.query()), ("/webhooks/ours", Some("a=b")));
        assert_eq!(headers["x-secret"], "s");
        let taken = !first.swap(false, Ordering::Relaxed);
        heard.send(body).expect("somebody listens");
        if taken {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    });
    tokio::spawn(async move { axum::serve(listener, host).await });

    let mut channel = Connected::dialog360(&peer).await?;
    peer.statuses(Some(Duration::from_millis(1)));
    let id = channel.send("a").await?.expect("an id");
    let mut states = Vec::new();
    for _ in 0..3 {
        let body = deliveries.recv().await.context("a delivery")?;
        let events = channel.sandbox.normalize(None, &delivery(body)).await?;
        let [event] = &events.expect("an event")[..] else {
            panic!("not one event");
        };
        let EventBody::Status(status) = &event.body else {
            panic!("{event:?}");
        };
        assert_eq!(status.message_id, id);
        assert_eq!(status.reference.as_deref(), Some("r&1"));
        states.push(status.state.clone());
    }
    assert_eq!(
        states,
        [
            MessageState::Sent,
            MessageState::Sent,
            MessageState::Delivered
        ]
    );
    peer.statuses(None);
    channel.send("b").await?.expect("an id");
    assert_eq!(peer.push(&json!({})).await?, 200);
    let paid = async {
        while peer.statuses_owed() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), paid).await?;
    Ok(())
}
