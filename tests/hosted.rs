//! A host in this process, with the 360dialog channel connected to the scripted peer: real HTTP, a real store, a clock
//! that can be moved.
#![allow(dead_code, reason = "every test uses a part of it")]

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use channel_host::contract::types::Recipient;
use channel_host::events::Query;
use channel_host::store::Store;
use channel_host::vault::Vault;
use channel_host::{
    Addition, Cache, ChannelError, ChannelHandle, Clock, Component, Engine, Host, Limits, Options,
    Standing, api,
};
use channel_tests::CHANNEL_360DIALOG;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::peer::{Peer, Vendor, cloud};

pub(crate) const KEY: &str = "key-of-the-number";
pub(crate) const NUMBER: &str = "15550783881";
pub(crate) const PUBLIC: &str = "https://host.example.com";

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// One engine and one compiled component for all tests of a process.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let limits = Limits {
        deadline: Duration::from_secs(2),
        ..Limits::recommended()
    };
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    Engine::new(limits, &Cache::Directory(cache)).expect("an engine")
});
static COMPONENT: LazyLock<Vec<u8>> =
    LazyLock::new(|| std::fs::read(CHANNEL_360DIALOG).expect("the component"));

pub(crate) fn engine() -> &'static Engine {
    &ENGINE
}

/// A host that runs, and its peer.
pub(crate) struct Hosted {
    pub(crate) host: Host,
    pub(crate) peer: Peer,
    pub(crate) clock: Clock,
    pub(crate) directory: TempDir,
    /// The address of its webhooks.
    pub(crate) webhooks: String,
    options: Options,
    server: JoinHandle<()>,
}

impl Hosted {
    /// A host without channels.
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(adjust: impl FnOnce(&mut Options)) -> Result<Self> {
        let peer = Peer::start(KEY, NUMBER).await?;
        let mut options = Options {
            public_url: Some(PUBLIC.to_owned()),
            private_origins: vec![peer.url().to_owned()],
            uncertain_wait: Duration::from_millis(300),
            ..Options::recommended()
        };
        adjust(&mut options);
        let directory = tempfile::tempdir()?;
        let clock = Clock::default();
        let (host, webhooks, server) = serve(&directory, &options, &clock, &peer).await?;
        Ok(Self {
            host,
            peer,
            clock,
            directory,
            webhooks,
            options,
            server,
        })
    }

    /// Stops the host and starts it on the same store.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.restart_with(|_| {}).await
    }

    pub(crate) async fn restart_with(&mut self, adjust: impl FnOnce(&mut Options)) -> Result<()> {
        adjust(&mut self.options);
        self.server.abort();
        self.host.clone().stop().await;
        // The last handle of the old one goes when the new one takes its place, so another stands there for a moment.
        let nowhere = tempfile::tempdir()?;
        let (host, _, server) = serve(&nowhere, &self.options, &self.clock, &self.peer).await?;
        self.host = host;
        server.abort();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let again = serve(&self.directory, &self.options, &self.clock, &self.peer).await?;
        (self.host, self.webhooks, self.server) = again;
        Ok(())
    }

    /// The settings of the peer's number, with these changes.
    pub(crate) fn settings(&self, changes: &Value) -> String {
        let mut settings = json!({"name": "Shop", "phone_number": format!("+{NUMBER}"), "api_key": KEY,
            "base_url": self.peer.url(), "greeting": "Hello!"});
        for (name, value) in changes.as_object().into_iter().flatten() {
            settings[name] = value.clone();
        }
        settings.to_string()
    }

    /// Adds the channel.
    pub(crate) async fn add(&self, changes: &Value) -> Result<ChannelHandle, ChannelError> {
        self.add_over(changes, false).await
    }

    pub(crate) async fn add_over(
        &self,
        changes: &Value,
        replace_foreign: bool,
    ) -> Result<ChannelHandle, ChannelError> {
        self.host
            .add(Addition {
                component: Component::Bytes(COMPONENT.clone()),
                settings: self.settings(changes),
                name: None,
                replace_foreign,
            })
            .await
    }

    /// Delivers a text message of a person's, dated now by the host's clock.
    pub(crate) async fn write(&self, id: &str, from: &str, text: &str) -> Result<()> {
        let body = cloud::message(&self.peer, id, from, text, self.clock.now() / 1000);
        self.push(&body).await
    }

    /// Delivers a body, and waits until it is taken in.
    pub(crate) async fn push(&self, body: &Value) -> Result<()> {
        let status = self.peer.push(body).await?;
        ensure!(status == 200, "the delivery was answered with {status}");
        self.taken_in().await
    }

    /// Waits until no delivery is pending.
    pub(crate) async fn taken_in(&self) -> Result<()> {
        until("deliveries are not taken in", async || {
            let mut pending = 0;
            for channel in self.host.channels() {
                let channel = self.host.channel(&channel.id).context("a channel")?;
                let filter = channel_host::DeliveryFilter {
                    state: Some("pending".to_owned()),
                    ..Default::default()
                };
                pending += channel.deliveries(filter).await?.len();
            }
            Ok(pending == 0)
        })
        .await
    }

    /// The events of some kinds.
    pub(crate) async fn events(&self, kinds: &[&str]) -> Result<Vec<Value>> {
        let query = Query {
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            limit: 1000,
            ..Query::default()
        };
        let told = self.host.events().page(query).await?;
        told.iter()
            .map(|told| Ok(serde_json::from_str(&told.json)?))
            .collect()
    }

    /// Waits until a message of this text was accepted by the vendor so many times.
    pub(crate) async fn accepted(&self, text: &str, times: usize) -> Result<()> {
        until("the vendor has not accepted it", async || {
            Ok(self.peer.times_accepted(text) >= times)
        })
        .await
    }

    /// A sample of the host's metrics.
    pub(crate) fn metric(&self, beginning: &str) -> Result<u64> {
        let metrics = self.host.metrics()?;
        let samples = metrics.lines().filter(|line| line.starts_with(beginning));
        Ok(samples
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum())
    }
}

async fn serve(
    directory: &TempDir,
    options: &Options,
    clock: &Clock,
    peer: &Peer,
) -> Result<(Host, String, JoinHandle<()>)> {
    let path = directory.path();
    let store = Store::open(path)?;
    let vault = Vault::from_file(&path.join("key"), &store).await?;
    let parts = (store, vault);
    let host = Host::start(engine(), parts, path, None, options.clone(), clock.clone()).await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    peer.tunnel(&address);
    let router = api::webhooks(host.clone());
    let server = tokio::spawn(api::serve(listener, router, std::future::pending()));
    Ok((host, address, server))
}

/// A text message to send.
pub(crate) fn text(to: &str, text: &str) -> Vec<u8> {
    let message = json!({"to": {"phone": to}, "content": {"type": "text", "text": text}});
    message.to_string().into_bytes()
}

pub(crate) fn phone(phone: &str) -> Recipient {
    Recipient::Phone(phone.to_owned())
}

/// A message once it stands so.
pub(crate) async fn stands(host: &Host, id: &str, state: &str) -> Result<Standing> {
    until(&format!("it is not {state}"), async || {
        Ok(host.message(id)?.context("a message")?.state == state)
    })
    .await?;
    host.message(id)?.context("a message")
}

/// Waits until something is so.
pub(crate) async fn until(otherwise: &str, so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    until_within(PATIENCE, otherwise, so).await
}

/// The same of something that takes its time.
pub(crate) async fn until_within(
    patience: Duration,
    otherwise: &str,
    so: impl AsyncFn() -> Result<bool>,
) -> Result<()> {
    let waited = tokio::time::timeout(patience, async {
        while !so().await? {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    });
    waited.await.with_context(|| otherwise.to_owned())?
}

/// The webhook that is registered at the peer.
pub(crate) fn registered(peer: &Peer) -> Result<crate::peer::Webhook> {
    peer.webhook(Vendor::Cloud)
        .context("no webhook is registered")
}
