//! The channels that run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;

use super::{Channel, ChannelError, Current, Keyring, State, keyring, notice};
use crate::contract::channel::Description;
use crate::host::Shared;
use crate::media::Transfers;
use crate::store::StoreError;
use crate::{inbox, media, outbox};

/// The channels of a host, by id and by path.
#[derive(Default)]
pub(crate) struct Registry {
    running: RwLock<BTreeMap<String, Running>>,
    /// Channels that could not be started: their names, and why.
    broken: RwLock<Vec<(String, String)>>,
    /// Channels are added and renamed one at a time, so that no two take one name.
    pub(super) changing: Mutex<()>,
}

struct Running {
    channel: Arc<Channel>,
    /// The hash of its path: looking it up tells by its time nothing of the path itself.
    path: [u8; 32],
    tasks: [JoinHandle<()>; 3],
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// A channel as the store has it.
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) component: String,
    pub(super) description: String,
    pub(super) settings: String,
    pub(super) state: String,
    pub(super) detail: Option<String>,
    pub(super) connected: Option<String>,
    pub(super) base: Option<String>,
    pub(super) added: u64,
    pub(super) listening_since: Option<u64>,
    pub(super) sending: Option<String>,
    pub(super) account: String,
}

impl Registry {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Running>> {
        // Entries are put in and taken out whole.
        self.running.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// All channels, by id.
    pub(crate) fn all(&self) -> Vec<Arc<Channel>> {
        let running = self.read();
        running.values().map(|it| Arc::clone(&it.channel)).collect()
    }

    /// Channels that could not be started: their names, and why.
    pub(crate) fn broken(&self) -> Vec<(String, String)> {
        let broken = self.broken.read().unwrap_or_else(PoisonError::into_inner);
        broken.clone()
    }

    /// The channel of this id or name.
    pub(crate) fn find(&self, id_or_name: &str) -> Option<Arc<Channel>> {
        let running = self.read();
        if let Some(found) = running.get(id_or_name) {
            return Some(Arc::clone(&found.channel));
        }
        let mut all = running.values().map(|it| &it.channel);
        all.find(|channel| channel.current().name == id_or_name)
            .cloned()
    }

    /// The channel whose webhook has this path.
    pub(crate) fn at(&self, path: &str) -> Option<Arc<Channel>> {
        if path.is_empty() {
            return None;
        }
        let hash: [u8; 32] = Sha256::digest(path).into();
        let running = self.read();
        let found = running.values().find(|it| it.path == hash)?;
        Some(Arc::clone(&found.channel))
    }

    /// Starts a channel's work.
    pub(super) fn start(&self, host: &Arc<Shared>, channel: Channel) -> Arc<Channel> {
        let path = channel.keyring.own(keyring::PATH);
        let path = Sha256::digest(path.as_ref().map_or("", |path| path.expose())).into();
        let channel = Arc::new(channel);
        let tasks = [
            tokio::spawn(inbox::work(Arc::clone(host), Arc::clone(&channel))),
            tokio::spawn(outbox::dispatch(Arc::clone(host), Arc::clone(&channel))),
            tokio::spawn(media::work(Arc::clone(host), Arc::clone(&channel))),
        ];
        let running = Running {
            channel: Arc::clone(&channel),
            path,
            tasks,
        };
        let mut all = self.running.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(channel.id.clone(), running);
        channel
    }

    /// Ends a channel's work.
    pub(super) fn stop(&self, id: &str) {
        let mut all = self.running.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(id);
    }

    /// Ends all work at once. What is on its way is cut off.
    pub(crate) fn stop_all(&self) {
        let mut all = self.running.write().unwrap_or_else(PoisonError::into_inner);
        all.clear();
    }

    /// Waits until the work of all channels has ended by itself.
    pub(crate) async fn ended(&self) {
        loop {
            let all_ended = {
                let running = self.read();
                let mut tasks = running.values().flat_map(|it| &it.tasks);
                tasks.all(JoinHandle::is_finished)
            };
            if all_ended {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Starts the channels that the store has.
    pub(crate) async fn load(&self, host: &Arc<Shared>) -> Result<(), ChannelError> {
        let rows = host.store.read(rows).await?;
        for row in rows {
            let (id, name) = (row.id.clone(), row.name.clone());
            match run(host, row).await {
                Ok(channel) => {
                    self.start(host, channel);
                }
                Err(ChannelError::Store(error)) => return Err(error.into()),
                // The others need not suffer for it.
                Err(error) => {
                    tracing::error!(channel = id, name, %error, "this channel does not run");
                    let mut all = self.broken.write().unwrap_or_else(PoisonError::into_inner);
                    all.push((name, error.to_string()));
                }
            }
        }
        Ok(())
    }
}

/// Makes a channel of what the store has of it.
async fn run(host: &Arc<Shared>, row: Kept) -> Result<Channel, ChannelError> {
    let description: Description = serde_json::from_str(&row.description)
        .map_err(|_| ChannelError::Damaged(row.id.clone()))?;
    let connected = row.connected.as_deref();
    let connected = connected
        .map(|sealed| keyring::open_connected(&host.vault, &row.id, sealed))
        .transpose()?;
    let plugins = Arc::clone(&host.plugins);
    let key = row.component.clone();
    let plugin = tokio::task::spawn_blocking(move || plugins.load(&key)).await;
    let plugin = plugin.map_err(|_| StoreError::Panicked)??;
    let (vault, id) = (host.vault.clone(), row.id.clone());
    let secrets = host
        .store
        .read(move |connection| keyring::load(connection, &vault, &id))
        .await?;
    let keyring = Arc::new(Keyring::new(secrets));
    let (authentication, http) = host.gates(&description, &row.settings, &keyring)?;
    Ok(Channel {
        id: row.id,
        plugin,
        component: row.component,
        keyring,
        storage: Mutex::default(),
        changing: Mutex::default(),
        arrived: Notify::new(),
        due: Notify::new(),
        transfers: Transfers::default(),
        current: RwLock::new(Arc::new(Current {
            name: row.name,
            settings: row.settings,
            authentication,
            http,
            state: State::of(&row.state),
            detail: row.detail,
            sending: row
                .sending
                .and_then(|json| serde_json::from_str(&json).ok()),
            connected,
            base: row.base,
            listening_since: row.listening_since,
            added: row.added,
        })),
        description,
        last_delivery: AtomicU64::new(0),
        account: RwLock::new(notice::read(&row.account)),
        asking: AtomicBool::new(false),
    })
}

fn rows(connection: &Connection) -> Result<Vec<Kept>, ChannelError> {
    let select = "SELECT id, name, plugin, description, settings, state, detail, connected, added, listening_since, base,
            sending, account
        FROM channel ORDER BY id";
    let mut select = connection.prepare(select).map_err(StoreError::from)?;
    let rows = select.query_map([], row).map_err(StoreError::from)?;
    let rows: rusqlite::Result<_> = rows.collect();
    Ok(rows.map_err(StoreError::from)?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept {
        id: row.get(0)?,
        name: row.get(1)?,
        component: row.get(2)?,
        description: row.get(3)?,
        settings: row.get(4)?,
        state: row.get(5)?,
        detail: row.get(6)?,
        connected: row.get(7)?,
        added: row.get(8)?,
        listening_since: row.get(9)?,
        base: row.get(10)?,
        sending: row.get(11)?,
        account: row.get(12)?,
    })
}
