//! The host: channels that run, what comes in for them and what they send.

mod handle;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::HeaderMap;
use tokio::sync::watch;

pub use handle::ChannelHandle;

use crate::Engine;
use crate::capability::{
    Client, ClientError, Connections, HttpLimits, OriginError, Origins, Secrets,
};
use crate::channel::connect::{self, Addition, Connection};
use crate::channel::{Channel, ChannelError, Keyring, Registry, State};
use crate::clock::Clock;
use crate::contract::authentication::{Authentication, Refused, Request};
use crate::contract::channel::Description;
use crate::contract::events::Delivery;
use crate::events::Events;
use crate::inbox::{self, Inbox, Receive, Stored};
use crate::media::{self, Files};
use crate::metrics::{self, Metrics};
use crate::outbox::{self, Standing};
use crate::plugins::Plugins;
use crate::store::{Store, StoreError};
use crate::templates;
use crate::vault::Vault;

/// What becomes of a message of which nobody can tell whether it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUncertain {
    /// It is held and reported: nothing is sent twice.
    Hold,
    /// It is sent again: nothing is lost.
    Resend,
}

/// How a host behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where vendors reach the webhooks: an origin, and perhaps a path, without a slash at its end.
    pub public_url: Option<String>,
    /// What becomes of a message of which nobody can tell whether it arrived.
    pub on_uncertain: OnUncertain,
    /// How long to wait for a status that tells, before that.
    pub uncertain_wait: Duration,
    /// Deliveries that may wait to be taken in; more are refused with 503.
    pub inbox: usize,
    /// Keys that a channel may store.
    pub storage_keys: usize,
    /// What a request of a channel may cost.
    pub http: HttpLimits,
    /// Origins that may be private or unencrypted, where a channel has them.
    pub private_origins: Vec<String>,
    /// How often the vendors are asked where the webhooks lead.
    pub check_every: Duration,
    /// How long deliveries that are done are kept.
    pub keep_deliveries: Duration,
    /// Fetch the files of messages as they come, and not only when somebody asks for one.
    pub fetch_media: bool,
    /// How long files of messages are kept.
    pub keep_media: Duration,
    /// The most bytes of one file, either way.
    pub media_bytes: u64,
    /// Bytes of all files, above which no more are fetched.
    pub media_space: u64,
}

impl Options {
    /// What suits most hosts; nothing is granted.
    #[must_use]
    pub fn recommended() -> Self {
        Self {
            public_url: None,
            on_uncertain: OnUncertain::Hold,
            uncertain_wait: Duration::from_mins(1),
            inbox: 100_000,
            storage_keys: 5_000_000,
            http: HttpLimits::recommended(),
            private_origins: Vec::new(),
            check_every: Duration::from_hours(1),
            keep_deliveries: Duration::from_hours(30 * 24),
            fetch_media: false,
            keep_media: Duration::from_hours(30 * 24),
            media_bytes: 100 << 20,
            media_space: 20 << 30,
        }
    }
}

/// Why a host does not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// It can't make connections.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Its folder of files can't be used.
    #[error("the folder `media` of the host's directory can't be used: {0}")]
    Files(#[from] std::io::Error),
    /// A channel of its can't be started.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// Its store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a delivery is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DeliverError {
    /// No channel has this path, or the channel's authentication refuses it.
    #[error("this is no delivery for a channel of this host")]
    Refused,
    /// Too much waits already.
    #[error("too many deliveries wait")]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A delivery as it comes, before it is known whose it is.
#[derive(Debug)]
pub struct Incoming {
    /// The method.
    pub method: String,
    /// The part of the path that names the channel.
    pub token: String,
    /// What follows it; empty, or beginning with `/`.
    pub path: String,
    /// The query, as it stands in the address.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// What all parts of a host share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) events: Events,
    pub(crate) inbox: Inbox,
    pub(crate) metrics: Metrics,
    pub(crate) registry: Registry,
    pub(crate) plugins: Arc<Plugins>,
    pub(crate) files: Files,
    connections: Connections,
    outbox_held: AtomicBool,
    stopping: watch::Sender<bool>,
    receivers: RwLock<HashMap<String, Arc<dyn Receive>>>,
}

impl Shared {
    /// What checks a channel's deliveries, and its way out.
    pub(crate) fn gates(
        &self,
        description: &Description,
        settings: &str,
        keyring: &Arc<Keyring>,
    ) -> Result<(Arc<Authentication>, Arc<Client>), OriginError> {
        let private = self.options.private_origins.iter().map(String::as_str);
        let origins = Origins::of(description, settings)?.with_private(private)?;
        let client = Client::new(
            &self.connections,
            origins,
            &description.secrets,
            Arc::clone(keyring) as Arc<dyn Secrets>,
            self.options.http.clone(),
        );
        let authentication = Authentication::new(description, settings);
        Ok((Arc::new(authentication), Arc::new(client)))
    }

    /// What takes a channel's deliveries in.
    pub(crate) fn receiver(&self, channel: &Channel) -> Arc<dyn Receive> {
        let receivers = self
            .receivers
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        match receivers.get(&channel.id) {
            Some(receiver) => Arc::clone(receiver),
            None => Arc::new(channel.plugin.clone()),
        }
    }

    /// Whether the host stops.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Ends when the host stops.
    pub(crate) async fn stopping(&self) {
        // The sender lives as long as this does.
        let _ = self
            .stopping
            .subscribe()
            .wait_for(|stopping| *stopping)
            .await;
    }

    /// Whether nothing may be sent, because this is a copy that nobody has released.
    pub(crate) fn holds_outbox(&self) -> bool {
        self.outbox_held.load(Ordering::Relaxed)
    }
}

/// A host that runs. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
    tasks: Arc<Tasks>,
}

/// The work that belongs to no channel; ended with the last handle of the host.
struct Tasks(tokio::task::AbortHandle, Arc<Shared>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.abort();
        self.1.registry.stop_all();
    }
}

impl Host {
    /// Starts the channels of a store. `directory` keeps the components that are handed in; `bundled` is the one that
    /// the host carries.
    ///
    /// # Errors
    ///
    /// A channel can't be started, or the store fails.
    pub async fn start(
        engine: &Engine,
        (store, vault): (Store, Vault),
        directory: &Path,
        bundled: Option<&'static [u8]>,
        options: Options,
        clock: Clock,
    ) -> Result<Self, HostError> {
        let now = clock.now();
        let cut_off = store
            .write(move |connection| outbox::recover(connection, now))
            .await?;
        if cut_off > 0 {
            tracing::warn!(
                messages = cut_off,
                "it is not known whether these messages arrived"
            );
        }
        let shared = Arc::new(Shared {
            events: Events::open(store.clone()).await?,
            inbox: Inbox::open(store.clone(), options.inbox).await?,
            metrics: Metrics::new(),
            registry: Registry::default(),
            plugins: Arc::new(Plugins::new(engine.clone(), directory, bundled)),
            files: Files::open(directory)?,
            connections: Connections::new()?,
            outbox_held: AtomicBool::new(store.outbox_held()?),
            stopping: watch::Sender::new(false),
            receivers: RwLock::default(),
            store,
            vault,
            options,
            clock,
        });
        if shared.holds_outbox() {
            tracing::warn!("this store is a copy: messages are held until its outbox is released");
        }
        media::sweep(&shared).await?;
        shared.registry.load(&shared).await?;
        let upkeep = tokio::spawn(upkeep(Arc::clone(&shared)));
        Ok(Self {
            tasks: Arc::new(Tasks(upkeep.abort_handle(), Arc::clone(&shared))),
            shared,
        })
    }

    /// All channels.
    #[must_use]
    pub fn channels(&self) -> Vec<Connection> {
        let all = self.shared.registry.all();
        let shown = |channel: &Arc<Channel>| connect::shown(&self.shared, channel);
        all.iter().map(shown).collect()
    }

    /// Channels that could not be started: their names, and why.
    #[must_use]
    pub fn broken(&self) -> Vec<(String, String)> {
        self.shared.registry.broken()
    }

    /// The channel of this id or name.
    #[must_use]
    pub fn channel(&self, id_or_name: &str) -> Option<ChannelHandle> {
        Some(ChannelHandle {
            host: Arc::clone(&self.shared),
            channel: self.shared.registry.find(id_or_name)?,
        })
    }

    /// Adds a channel: checks its settings, proves its credentials, registers its webhook.
    ///
    /// # Errors
    ///
    /// It can't be added; nothing is left of it.
    pub async fn add(&self, addition: Addition) -> Result<ChannelHandle, ChannelError> {
        let host = Arc::clone(&self.shared);
        let channel = whole(async move { connect::add(&host, addition).await }).await?;
        Ok(ChannelHandle {
            host: Arc::clone(&self.shared),
            channel,
        })
    }

    /// The events of all channels.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// A message that was handed in, by our id of it.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn message(&self, id: &str) -> Result<Option<Standing>, StoreError> {
        outbox::get(&self.shared.store, id)
    }

    /// A message once its vendor has answered, or as it stands when `patience` ends.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn settled(
        &self,
        id: &str,
        patience: Duration,
    ) -> Result<Option<Standing>, StoreError> {
        let mut latest = self.shared.events.follow();
        let end = tokio::time::Instant::now() + patience;
        loop {
            let standing = self.message(id)?;
            if standing.as_ref().is_none_or(Standing::is_settled) {
                return Ok(standing);
            }
            let changed = tokio::time::timeout_at(end, latest.changed()).await;
            if !matches!(changed, Ok(Ok(()))) {
                return self.message(id);
            }
        }
    }

    /// One delivery and its raw body.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn delivery(&self, id: i64) -> Result<Option<(Stored, Vec<u8>)>, StoreError> {
        self.shared.inbox.get(id).await
    }

    /// Ends when the host stops: for whoever answers for long.
    pub async fn stopping(&self) {
        self.shared.stopping().await;
    }

    /// Whether a delivery would be taken, as far as that can be said before its body is there: so that strangers make
    /// nobody read one. [`deliver`](Self::deliver) looks at all of it again.
    ///
    /// # Errors
    ///
    /// As [`deliver`](Self::deliver), the store's apart.
    pub fn expects(&self, token: &str, headers: &HeaderMap) -> Result<(), DeliverError> {
        let shared = &self.shared;
        let Some(channel) = shared.registry.at(token) else {
            shared.metrics.delivery_refused(None, "no_channel");
            return Err(DeliverError::Refused);
        };
        let authentication = &channel.current().authentication;
        match authentication.verify_head(headers, &*channel.keyring) {
            // Only who is proven to be the vendor learns how full it is.
            Ok(proven) if proven && !shared.inbox.has_room() => {
                tracing::error!("deliveries are refused: too many wait");
                Err(DeliverError::Full)
            }
            Ok(_) => Ok(()),
            Err(refused) => {
                tracing::warn!(channel = channel.id, %refused, "delivery refused");
                let reason = Refused::reason(&refused);
                shared.metrics.delivery_refused(Some(&channel.id), reason);
                Err(DeliverError::Refused)
            }
        }
    }

    /// Takes a delivery: once this returns, it is on disk.
    ///
    /// # Errors
    ///
    /// It is nobody's, or not the vendor's; too much waits; or the store failed.
    pub async fn deliver(&self, incoming: Incoming) -> Result<(), DeliverError> {
        let shared = &self.shared;
        let refuse = |channel: Option<&Channel>, reason: &'static str| {
            let channel = channel.map(|channel| channel.id.as_str());
            shared.metrics.delivery_refused(channel, reason);
            DeliverError::Refused
        };
        let Some(channel) = shared.registry.at(&incoming.token) else {
            return Err(refuse(None, "no_channel"));
        };
        let current = channel.current();
        let base = shared.options.public_url.as_deref().unwrap_or_default();
        let mark = if incoming.query.is_empty() { "" } else { "?" };
        let url = format!(
            "{base}/webhooks/{}{}{mark}{}",
            incoming.token, incoming.path, incoming.query
        );
        let request = Request {
            headers: &incoming.headers,
            body: &incoming.body,
            url: &url,
        };
        let verified = current.authentication.verify(request, &*channel.keyring);
        if let Err(refused) = verified {
            let reason = Refused::reason(&refused);
            tracing::warn!(channel = channel.id, %refused, "delivery refused");
            return Err(refuse(Some(&channel), reason));
        }
        if !shared.inbox.has_room() {
            tracing::error!("deliveries are refused: too many wait");
            return Err(DeliverError::Full);
        }
        let delivery = Delivery {
            method: incoming.method,
            path: incoming.path,
            query: url::form_urlencoded::parse(incoming.query.as_bytes())
                .into_owned()
                .collect(),
            headers: current.authentication.delivery_headers(&incoming.headers),
            body: incoming.body,
        };
        let now = shared.clock.now();
        let id = shared.inbox.accept(&channel, now, delivery).await?;
        shared.metrics.delivery_received(&channel.id);
        channel.heard(now);
        tracing::debug!(channel = channel.id, delivery = id, "delivery committed");
        if matches!(current.state, State::Connected | State::NotReceiving) {
            let (host, channel) = (Arc::clone(shared), Arc::clone(&channel));
            tokio::spawn(async move {
                if let Err(error) = connect::heard(&host, &channel).await {
                    tracing::warn!(channel = channel.id, %error, "its state could not be written down");
                }
            });
        }
        Ok(())
    }

    /// Copies the store to a new file while it is in use. The copy is marked, and holds its outbox when it is opened.
    ///
    /// # Errors
    ///
    /// The file exists, or can't be written.
    pub async fn backup(&self, file: &Path) -> Result<(), StoreError> {
        self.shared.store.backup(file).await
    }

    /// Where vendors reach the webhooks, where that is known.
    #[must_use]
    pub fn public_url(&self) -> Option<&str> {
        self.shared.options.public_url.as_deref()
    }

    /// Whether nothing is sent, because this is a copy that nobody has released.
    #[must_use]
    pub fn holds_outbox(&self) -> bool {
        self.shared.holds_outbox()
    }

    /// Lets a copy send.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn release_outbox(&self) -> Result<(), StoreError> {
        self.shared.store.release_outbox().await?;
        self.shared.outbox_held.store(false, Ordering::Relaxed);
        for channel in self.shared.registry.all() {
            channel.due.notify_one();
        }
        Ok(())
    }

    /// Whether the store can be written to.
    ///
    /// # Errors
    ///
    /// It can't.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.shared.store.write(|_| Ok(())).await
    }

    /// What happened since the start and how things stand, for Prometheus.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub fn metrics(&self) -> Result<String, StoreError> {
        let shared = &self.shared;
        let now = shared.clock.now();
        let mut outboxes = Vec::new();
        for channel in shared.registry.all() {
            let (open, oldest, uncertain) = shared
                .store
                .read_now(|connection| outbox::backlog(connection, &channel.id))?;
            let age = oldest.map_or(0, |oldest| now.saturating_sub(oldest));
            outboxes.push(metrics::Outbox {
                channel: channel.id.clone(),
                open,
                oldest: Duration::from_millis(age),
                uncertain,
            });
        }
        Ok(shared.metrics.encode(&metrics::Standing {
            outboxes,
            commits: shared.store.commits(),
            jobs: shared.store.jobs(),
        }))
    }

    /// Lets something else than the plugin take a channel's deliveries in: a channel that is linked natively and trusted.
    pub fn receive_with(&self, channel: &ChannelHandle, receiver: Arc<dyn Receive>) {
        let receivers = &self.shared.receivers;
        let mut receivers = receivers.write().unwrap_or_else(PoisonError::into_inner);
        receivers.insert(channel.channel.id.clone(), receiver);
    }

    /// Ends the channels' work: waits for the requests that are on their way, and for what is being written.
    pub async fn stop(self) {
        self.tasks.0.abort();
        self.shared.stopping.send_replace(true);
        // What takes longer is cut off; what came of it is then uncertain.
        let patience = self.shared.options.http.timeout + Duration::from_secs(5);
        let _ = tokio::time::timeout(patience, self.shared.registry.ended()).await;
        self.shared.registry.stop_all();
        // Behind all writes that were begun.
        if let Err(error) = self.ready().await {
            tracing::warn!(%error, "the store could not be flushed");
        }
    }
}

/// Does work to its end, though nobody wait for it any more: half of it would leave the vendor with one thing and the store
/// with another.
pub(crate) async fn whole<T, E>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let ended = tokio::spawn(work).await;
    ended.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
}

/// Asks the vendors where the webhooks lead, and forgets what is too old to keep.
async fn upkeep(host: Arc<Shared>) {
    // Soon after the start: the public address may be another.
    let mut wait = Duration::from_mins(1);
    loop {
        tokio::time::sleep(wait.min(host.options.check_every)).await;
        wait = host.options.check_every;
        for channel in host.registry.all() {
            if channel.current().state == State::Disconnected {
                continue;
            }
            match connect::check(&host, &channel).await {
                Ok(checked) => {
                    tracing::debug!(channel = channel.id, state = ?checked.state, "checked");
                }
                Err(error) => {
                    tracing::warn!(channel = channel.id, %error, "its account could not be checked");
                }
            }
            if let Err(error) = templates::refresh(&host, &channel).await {
                tracing::warn!(channel = channel.id, %error, "its templates could not be listed");
            }
        }
        let now = host.clock.now();
        let kept = u64::try_from(host.options.keep_deliveries.as_millis()).unwrap_or(u64::MAX);
        let forgotten = host
            .store
            .write(move |connection| {
                outbox::forget_keys(connection, now)?;
                inbox::forget(connection, now.saturating_sub(kept))
            })
            .await;
        let swept = media::sweep(&host).await;
        if let Err(error) = forgotten.and(swept) {
            tracing::warn!(%error, "what is too old could not be forgotten");
        }
    }
}
