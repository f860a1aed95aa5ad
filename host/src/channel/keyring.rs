//! The secrets of one channel: opened in memory, sealed in the store.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use rusqlite::{Connection, params};

use super::ChannelError;
use crate::capability::Secrets;
use crate::contract::connection::Connected;
use crate::settings::Secret;
use crate::store::StoreError;
use crate::vault::{Vault, VaultError};

/// The host's own: what the vendor must put into a header of each delivery.
pub(crate) const WEBHOOK: &str = "webhook";

/// The host's own: the part of the channel's address that nobody can guess.
pub(crate) const PATH: &str = "webhook_path";

/// Names of the host's own secrets: no other secret may have one.
pub(crate) const RESERVED: [&str; 2] = [WEBHOOK, PATH];

/// Bytes of names and values that sealing may fill a channel's secrets up to: an earlier registration or two. Each answer
/// is searched for all of them.
const KEPT_BYTES: usize = 32 << 10;

/// The secrets of one channel.
#[derive(Default)]
pub(crate) struct Keyring(RwLock<BTreeMap<String, Secret>>);

impl Keyring {
    pub(crate) fn new(secrets: BTreeMap<String, Secret>) -> Self {
        Self(RwLock::new(secrets))
    }

    /// The secret of this name, the path too.
    pub(crate) fn own(&self, name: &str) -> Option<Secret> {
        let secrets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        secrets.get(name).cloned()
    }

    /// All of them, by name.
    pub(crate) fn snapshot(&self) -> BTreeMap<String, Secret> {
        // A map is put in or added to as a whole.
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn replace(&self, secrets: BTreeMap<String, Secret>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = secrets;
    }
}

/// What requests may be filled with, and answers masked. Not the path: the plugin is told its whole address, and must find it
/// again in what the vendor says.
impl Secrets for Keyring {
    fn get(&self, name: &str) -> Option<Secret> {
        self.own(name).filter(|_| name != PATH)
    }

    fn all(&self) -> Vec<(String, Secret)> {
        let mut secrets = self.snapshot();
        secrets.remove(PATH);
        secrets.into_iter().collect()
    }

    fn seals(&self) -> bool {
        true
    }

    fn keep(&self, name: &str, value: Secret) -> bool {
        let mut secrets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let bytes: usize = secrets
            .iter()
            .filter(|(other, _)| *other != name)
            .map(|(other, value)| other.len() + value.expose().len())
            .sum();
        let fits = bytes + name.len() + value.expose().len() <= KEPT_BYTES;
        if fits {
            secrets.insert(name.to_owned(), value);
        }
        fits
    }
}

/// Writes a channel's sealed secrets down, in place of those that are there.
pub(super) fn write(
    connection: &Connection,
    channel: &str,
    secrets: &[(String, Vec<u8>)],
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM secret WHERE channel = ?1")?
        .execute([channel])?;
    let mut insert = connection
        .prepare_cached("INSERT INTO secret (channel, name, sealed) VALUES (?1, ?2, ?3)")?;
    for (name, sealed) in secrets {
        insert.execute(params![channel, name, sealed])?;
    }
    Ok(())
}

/// The name that what connecting told is sealed under.
const CONNECTED: &str = "connected";

/// What connecting told, sealed: the address of a webhook that was there before may be a secret as a whole.
pub(super) fn seal_connected(
    vault: &Vault,
    channel: &str,
    connected: &Connected,
) -> Result<String, VaultError> {
    let json = serde_json::to_string(connected).unwrap_or_default();
    Ok(hex::encode(vault.seal(
        channel,
        CONNECTED,
        &Secret::new(json),
    )?))
}

/// What connecting told, opened.
pub(super) fn open_connected(
    vault: &Vault,
    channel: &str,
    sealed: &str,
) -> Result<Connected, ChannelError> {
    let damaged = || ChannelError::Damaged(channel.to_owned());
    if sealed.starts_with('{') {
        // Before version 2 of the store it was not sealed.
        return serde_json::from_str(sealed).map_err(|_| damaged());
    }
    let sealed = hex::decode(sealed).map_err(|_| damaged())?;
    let opened = vault.open(channel, CONNECTED, &sealed)?;
    serde_json::from_str(opened.expose()).map_err(|_| damaged())
}

/// A channel's secrets, opened.
pub(crate) fn load(
    connection: &Connection,
    vault: &Vault,
    channel: &str,
) -> Result<BTreeMap<String, Secret>, ChannelError> {
    let sealed = sealed(connection, channel)?;
    let open = |(name, sealed): (String, Vec<u8>)| {
        let secret = vault.open(channel, &name, &sealed)?;
        Ok((name, secret))
    };
    sealed.into_iter().map(open).collect()
}

fn sealed(connection: &Connection, channel: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT name, sealed FROM secret WHERE channel = ?1")?;
    let rows = select.query_map([channel], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_much_is_kept() {
        let keyring = Keyring::new(BTreeMap::from([(
            "api_key".to_owned(),
            Secret::new("k".repeat(100)),
        )]));
        let value = || Secret::new("v".repeat(4000));
        let kept = (0..1000).filter(|index| keyring.keep(&format!("old/{index}"), value()));
        assert_eq!(kept.count(), 8);
        assert_eq!(keyring.all().len(), 9);
        assert!(keyring.keep("old/7", value()), "in place of one");
        assert!(!keyring.keep("old/8", value()));
        assert!(keyring.get("old/8").is_none());
    }
}
