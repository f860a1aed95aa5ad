//! The channels of a host: what each is, how it is configured, and how it stands.

mod account;
pub(crate) mod connect;
mod error;
pub(crate) mod keyring;
mod notice;
mod registry;
mod settings;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};

pub use connect::{Addition, Change, Checked, Connection};
pub use error::ChannelError;
pub(crate) use keyring::Keyring;
pub use notice::AccountNotice;
pub(crate) use notice::{check_soon, take};
pub(crate) use registry::Registry;

use crate::capability::{Client, Lent};
use crate::contract::authentication::Authentication;
use crate::contract::channel::Description;
use crate::contract::connection::{Ability, Connected};
use crate::contract::types::Timestamp;
use crate::host::Shared;
use crate::media::Transfers;
use crate::{CallError, Instance, Plugin};

/// How a channel stands with its vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its webhook is registered; nothing has come yet.
    Connected,
    /// Deliveries come.
    Receiving,
    /// The vendor does not deliver here; the detail says why.
    NotReceiving,
    /// Its webhook was given back.
    Disconnected,
}

impl State {
    /// Its word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Receiving => "receiving",
            Self::NotReceiving => "not_receiving",
            Self::Disconnected => "disconnected",
        }
    }

    fn of(word: &str) -> Self {
        match word {
            "connected" => Self::Connected,
            "receiving" => Self::Receiving,
            "disconnected" => Self::Disconnected,
            _ => Self::NotReceiving,
        }
    }
}

/// A channel that runs.
pub(crate) struct Channel {
    pub(crate) id: String,
    pub(crate) plugin: Plugin,
    /// What it is: asked for once, when it was added.
    pub(crate) description: Description,
    /// Where its component comes from: `bundled`, or the hash of a file that was kept.
    pub(crate) component: String,
    pub(crate) keyring: Arc<Keyring>,
    /// Calls that write to its storage hold this until what they wrote is committed.
    pub(crate) storage: Mutex<()>,
    /// Changes to its configuration and connection, one at a time.
    changing: Mutex<()>,
    /// Deliveries have come.
    pub(crate) arrived: Notify,
    /// Messages have come, or what they waited for.
    pub(crate) due: Notify,
    /// Files that are on their way.
    pub(crate) transfers: Transfers,
    current: RwLock<Arc<Current>>,
    /// When the last delivery came; 0 where none has since the start.
    last_delivery: AtomicU64,
    /// What the vendor last told of the account, the latest first.
    account: RwLock<Vec<AccountNotice>>,
    /// The vendor will soon be asked how the account is.
    asking: AtomicBool,
}

/// How a channel is configured and stands, at one moment.
#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) name: String,
    /// The settings as the plugin sees them.
    pub(crate) settings: String,
    pub(crate) authentication: Arc<Authentication>,
    pub(crate) http: Arc<Client>,
    pub(crate) state: State,
    pub(crate) detail: Option<String>,
    /// Whether messages can be sent, by the vendor's last answer.
    pub(crate) sending: Option<Ability>,
    pub(crate) connected: Option<Connected>,
    /// This host's address in the webhook that was registered; absent where it was not, or by hand.
    pub(crate) base: Option<String>,
    /// Since when deliveries come here without a gap.
    pub(crate) listening_since: Option<Timestamp>,
    pub(crate) added: Timestamp,
}

impl Channel {
    /// How it is configured and stands.
    pub(crate) fn current(&self) -> Arc<Current> {
        // A whole value is put in at once, so a panic elsewhere leaves none that is broken.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a call in a sandbox of its own, which may use what is lent to it, and counts it.
    pub(crate) async fn call<T>(
        &self,
        host: &Shared,
        function: &'static str,
        lent: Lent,
        call: impl AsyncFnOnce(&mut Instance) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let began = Instant::now();
        let called = match self.plugin.instantiate_with(lent).await {
            Ok(mut sandbox) => call(&mut sandbox).await,
            Err(error) => Err(error),
        };
        let took = began.elapsed();
        host.metrics.called(&self.id, function, &called, took);
        called
    }

    fn put(&self, current: Current) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(current);
    }

    /// Remembers that a delivery came.
    pub(crate) fn heard(&self, at: Timestamp) {
        self.last_delivery.store(at, Ordering::Relaxed);
    }

    /// Remembers what the vendor told of the account.
    pub(crate) fn noted(&self, account: Vec<AccountNotice>) {
        *self.account.write().unwrap_or_else(PoisonError::into_inner) = account;
    }

    /// What the vendor last told of the account, as far as it holds now.
    fn account(&self, now: Timestamp) -> Vec<AccountNotice> {
        let account = self.account.read().unwrap_or_else(PoisonError::into_inner);
        let holding = account.iter().filter_map(|it| it.clone().at(now));
        holding.collect()
    }

    /// When the last delivery came, since the start.
    pub(crate) fn last_heard(&self) -> Option<Timestamp> {
        Some(self.last_delivery.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }
}
