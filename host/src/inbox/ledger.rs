//! A channel's storage, as calls that are alone on it see it: each its own writes and those of the calls before it,
//! which are committed together with what they are for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use crate::capability::Storage;
use crate::channel::Channel;
use crate::contract::storage::{Failure, KeyPage};
use crate::store::{Store, StoreError};

/// The most keys of one page of a list.
const PAGE: usize = 1000;

/// What one call may write, and what is kept in memory for the calls behind it, in bytes.
const WRITTEN_BYTES: usize = 16 << 20;
const KNOWN_BYTES: usize = 16 << 20;

/// What a key costs in memory beside its bytes and its value's.
const ENTRY: usize = 64;

/// What a call has written: a value, or that the key is gone.
pub(crate) type Writes = Vec<(String, Option<Vec<u8>>)>;

/// The storage of one channel during some calls, one after the other.
pub(crate) struct Ledger {
    store: Store,
    channel: String,
    /// The most keys that the channel may have.
    keys: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Values by key: what earlier calls wrote, and what was read from the store.
    known: HashMap<String, Option<Vec<u8>>>,
    /// What the present call has written.
    call: BTreeMap<String, Option<Vec<u8>>>,
    /// Keys that the channel has, with those of earlier calls; counted when a call first adds one.
    count: Option<usize>,
    /// Keys that the present call adds.
    added: usize,
    /// Bytes of `known`, and of `call`.
    known_bytes: usize,
    call_bytes: usize,
}

impl Ledger {
    pub(crate) fn new(store: Store, channel: &str, keys: usize) -> Self {
        Self {
            store,
            channel: channel.to_owned(),
            keys,
            state: Mutex::default(),
        }
    }

    /// Ends a call that went well: the next one sees its writes.
    pub(crate) fn keep(&self) -> Writes {
        let state = &mut *self.lock();
        let writes: Writes = std::mem::take(&mut state.call).into_iter().collect();
        state.known.extend(writes.iter().cloned());
        state.count = state.count.map(|count| count + state.added);
        state.added = 0;
        // More than it is where a call wrote again what was known.
        state.known_bytes += std::mem::take(&mut state.call_bytes);
        writes
    }

    /// Whether what is kept for further calls is as much as it may be: time to commit.
    pub(crate) fn is_full(&self) -> bool {
        self.lock().known_bytes >= KNOWN_BYTES
    }

    /// Ends a call that went wrong: it has written nothing.
    pub(crate) fn undo(&self) {
        let state = &mut *self.lock();
        state.call.clear();
        state.added = 0;
        state.call_bytes = 0;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change of the state is whole when the lock is given back.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of a key, as the present call sees it.
    fn value(&self, state: &mut State, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(value) = state.call.get(key).or_else(|| state.known.get(key)) {
            return Ok(value.clone());
        }
        let stored = self.store.read_now(|connection| {
            let mut select = connection
                .prepare_cached("SELECT value FROM storage WHERE channel = ?1 AND key = ?2")?;
            Ok(select
                .query_row(params![self.channel, key], |row| row.get(0))
                .optional()?)
        });
        let value: Option<Vec<u8>> = stored.map_err(unavailable)?;
        // What is not kept is read again.
        let bytes = size(key, value.as_deref());
        if state.known_bytes + bytes <= KNOWN_BYTES {
            state.known_bytes += bytes;
            state.known.insert(key.to_owned(), value.clone());
        }
        Ok(value)
    }

    /// Writes a value, or that the key is gone; `is_new` is a key that has none at present.
    fn write(
        &self,
        state: &mut State,
        key: &str,
        is_new: bool,
        value: Option<Vec<u8>>,
    ) -> Result<(), Failure> {
        let earlier = state.call.get(key);
        let earlier = earlier.map_or(0, |value| size(key, value.as_deref()));
        let call_bytes = state.call_bytes - earlier + size(key, value.as_deref());
        if call_bytes > WRITTEN_BYTES {
            return Err(Failure::Limit(format!(
                "one call may write {WRITTEN_BYTES} bytes: write less at one time"
            )));
        }
        if is_new {
            let count = match state.count {
                Some(count) => count,
                None => *state.count.insert(self.count()?),
            };
            if count + state.added >= self.keys {
                return Err(Failure::Limit(format!(
                    "a channel may have {} keys: forget contacts, or raise the host's limit",
                    self.keys
                )));
            }
            state.added += 1;
        }
        state.call_bytes = call_bytes;
        state.call.insert(key.to_owned(), value);
        Ok(())
    }

    fn count(&self) -> Result<usize, Failure> {
        let count = self.store.read_now(|connection| {
            let select = "SELECT count(*) FROM storage WHERE channel = ?1";
            Ok(connection.query_row(select, [&self.channel], |row| row.get::<_, i64>(0))?)
        });
        Ok(usize::try_from(count.map_err(unavailable)?).unwrap_or(usize::MAX))
    }
}

#[async_trait]
impl Storage for Ledger {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.value(&mut self.lock(), key)
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Failure> {
        let state = &mut *self.lock();
        let is_new = self.value(state, key)?.is_none();
        self.write(state, key, is_new, Some(value))
    }

    async fn delete(&self, key: &str) -> Result<(), Failure> {
        let state = &mut *self.lock();
        if self.value(state, key)?.is_some() {
            self.write(state, key, false, None)?;
        }
        Ok(())
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<bool, Failure> {
        let state = &mut *self.lock();
        let present = self.value(state, key)?;
        if present != expected {
            return Ok(false);
        }
        self.write(state, key, present.is_none(), Some(value))?;
        Ok(true)
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, Failure> {
        let after = cursor.unwrap_or_default().to_owned();
        let stored = self.store.read_now(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT key FROM storage WHERE channel = ?1 AND key >= ?2 AND key > ?3
                 AND key < ?2 || char(1114111) ORDER BY key LIMIT ?4",
            )?;
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
            let rows = select.query_map(params![self.channel, prefix, after, limit], |row| {
                row.get(0)
            })?;
            Ok(rows.collect::<rusqlite::Result<Vec<String>>>()?)
        });
        let stored = stored.map_err(unavailable)?;
        // A full page ends at its last key; what the calls have written beyond it belongs to the next.
        let next = (stored.len() == PAGE)
            .then(|| stored.last().cloned())
            .flatten();
        let state = self.lock();
        let mut keys: BTreeMap<&str, bool> =
            stored.iter().map(|key| (key.as_str(), true)).collect();
        for (key, value) in state.known.iter().chain(&state.call) {
            let here = key.starts_with(prefix)
                && *key > after
                && next.as_ref().is_none_or(|next| key <= next);
            if here {
                keys.insert(key, value.is_some());
            }
        }
        let keys = keys.into_iter().filter(|(_, there)| *there);
        Ok(KeyPage {
            keys: keys.map(|(key, _)| key.to_owned()).collect(),
            next,
        })
    }
}

/// How long an operation waits for those that are alone on the storage.
const PATIENCE: Duration = Duration::from_millis(500);

/// A channel's storage as calls see it that may use http. They are not alone there, and hold nothing while they wait for an
/// answer: each operation is committed by itself.
pub(crate) struct Piecemeal {
    store: Store,
    channel: Arc<Channel>,
    keys: usize,
}

impl Piecemeal {
    pub(crate) fn new(store: Store, channel: Arc<Channel>, keys: usize) -> Self {
        Self {
            store,
            channel,
            keys,
        }
    }

    fn ledger(&self) -> Ledger {
        Ledger::new(self.store.clone(), &self.channel.id, self.keys)
    }

    /// Waits until nobody else writes. Not for long: what the call waits with may be the answer to a message that was accepted.
    async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, Failure> {
        let turn = tokio::time::timeout(PATIENCE, self.channel.storage.lock()).await;
        turn.map_err(|_| Failure::Unavailable("deliveries are being taken in".to_owned()))
    }

    /// Commits what an operation wrote.
    async fn commit(&self, ledger: &Ledger) -> Result<(), Failure> {
        let (id, writes) = (self.channel.id.clone(), ledger.keep());
        if writes.is_empty() {
            return Ok(());
        }
        let committed = self
            .store
            .write(move |connection| commit(connection, &id, &writes));
        committed.await.map_err(unavailable)
    }
}

#[async_trait]
impl Storage for Piecemeal {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.ledger().get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), Failure> {
        let _alone = self.turn().await?;
        let ledger = self.ledger();
        ledger.set(key, value).await?;
        self.commit(&ledger).await
    }

    async fn delete(&self, key: &str) -> Result<(), Failure> {
        let _alone = self.turn().await?;
        let ledger = self.ledger();
        ledger.delete(key).await?;
        self.commit(&ledger).await
    }

    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<bool, Failure> {
        let _alone = self.turn().await?;
        let ledger = self.ledger();
        let swapped = ledger.compare_and_swap(key, expected, value).await?;
        self.commit(&ledger).await?;
        Ok(swapped)
    }

    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, Failure> {
        self.ledger().list(prefix, cursor).await
    }
}

/// What a key and its value cost in memory.
fn size(key: &str, value: Option<&[u8]>) -> usize {
    ENTRY + key.len() + value.map_or(0, <[u8]>::len)
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn unavailable(error: StoreError) -> Failure {
    Failure::Unavailable(error.to_string())
}

/// Writes down what calls have written.
pub(crate) fn commit(
    connection: &Connection,
    channel: &str,
    writes: &Writes,
) -> Result<(), StoreError> {
    for (key, value) in writes {
        match value {
            Some(value) => connection
                .prepare_cached(
                    "INSERT INTO storage (channel, key, value) VALUES (?1, ?2, ?3)
                     ON CONFLICT (channel, key) DO UPDATE SET value = excluded.value",
                )?
                .execute(params![channel, key, value])?,
            None => connection
                .prepare_cached("DELETE FROM storage WHERE channel = ?1 AND key = ?2")?
                .execute(params![channel, key])?,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: usize = 4;

    async fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        store
            .write(|connection| {
                for channel in ["one", "other"] {
                    connection.execute(
                        "INSERT INTO channel (id, name, plugin, description, settings, state, added)
                         VALUES (?1, ?1, 'bundled', '{}', '{}', 'connected', 0)",
                        [channel],
                    )?;
                }
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
        (directory, store)
    }

    async fn written(store: &Store, ledger: &Ledger, channel: &'static str) {
        let writes = ledger.keep();
        store
            .write(move |connection| commit(connection, channel, &writes))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_call_sees_what_it_and_earlier_ones_wrote_and_nothing_of_one_that_failed() {
        let (_directory, store) = store().await;
        let ledger = Ledger::new(store.clone(), "one", KEYS);
        ledger.set("a", b"1".to_vec()).await.unwrap();
        assert_eq!(ledger.get("a").await.unwrap().unwrap(), b"1");
        written(&store, &ledger, "one").await;

        ledger.set("a", b"2".to_vec()).await.unwrap();
        ledger.delete("a").await.unwrap();
        ledger.set("b", b"2".to_vec()).await.unwrap();
        ledger.undo();
        assert_eq!(ledger.get("a").await.unwrap().unwrap(), b"1");
        assert_eq!(ledger.get("b").await.unwrap(), None);

        assert!(
            !ledger
                .compare_and_swap("a", None, b"x".to_vec())
                .await
                .unwrap()
        );
        let swapped = ledger.compare_and_swap("a", Some(b"1".to_vec()), b"3".to_vec());
        assert!(swapped.await.unwrap());
        assert!(
            ledger
                .compare_and_swap("b", None, b"4".to_vec())
                .await
                .unwrap()
        );
        written(&store, &ledger, "one").await;

        let again = Ledger::new(store.clone(), "one", KEYS);
        assert_eq!(again.get("a").await.unwrap().unwrap(), b"3");
        assert_eq!(again.get("b").await.unwrap().unwrap(), b"4");
        let other = Ledger::new(store, "other", KEYS);
        assert_eq!(other.get("a").await.unwrap(), None);
        assert_eq!(other.list("", None).await.unwrap(), KeyPage::default());
    }

    #[tokio::test]
    async fn a_channel_has_so_many_keys_and_no_more() {
        let (_directory, store) = store().await;
        let ledger = Ledger::new(store.clone(), "one", KEYS);
        for key in ["a", "b"] {
            ledger.set(key, Vec::new()).await.unwrap();
        }
        written(&store, &ledger, "one").await;
        for key in ["c", "d", "d", "a"] {
            ledger.set(key, Vec::new()).await.unwrap();
        }
        let refused = ledger.set("e", Vec::new()).await.unwrap_err();
        assert!(
            matches!(&refused, Failure::Limit(why) if why.contains("4 keys")),
            "{refused}"
        );
        // A call that failed has added none.
        ledger.undo();
        for key in ["e", "f"] {
            ledger.set(key, Vec::new()).await.unwrap();
        }
        assert!(ledger.set("g", Vec::new()).await.is_err());
    }

    #[tokio::test]
    async fn what_a_call_writes_and_what_is_kept_of_calls_is_bounded() {
        let (_directory, store) = store().await;
        let ledger = Ledger::new(store.clone(), "one", 10_000);
        let value = || vec![0; 64 << 10];
        // One key again and again is one value.
        for _ in 0..300 {
            ledger.set("again", value()).await.unwrap();
        }
        let mut written = 1;
        let refused = loop {
            match ledger.set(&format!("{written}"), value()).await {
                Ok(()) => written += 1,
                Err(refused) => break refused,
            }
            assert!(written < 1000);
        };
        assert!(matches!(&refused, Failure::Limit(why) if why.contains("16777216 bytes")));
        assert_eq!(written, WRITTEN_BYTES / (64 << 10) - 1);
        ledger.undo();
        ledger.set("a", value()).await.unwrap();
        assert!(!ledger.is_full());
        ledger.keep();
        for number in 0..2000 {
            assert_eq!(ledger.get(&format!("{number:010000}")).await, Ok(None));
        }
        assert!(ledger.lock().known_bytes <= KNOWN_BYTES);
        for number in 0..2 {
            ledger.set(&format!("{number}"), value()).await.unwrap();
        }
        ledger.keep();
        assert!(ledger.is_full());
    }

    #[tokio::test]
    async fn a_list_goes_page_by_page_over_what_is_stored_and_what_is_not_yet() {
        let (_directory, store) = store().await;
        let ledger = Ledger::new(store.clone(), "one", 10_000);
        for number in 0..PAGE + 5 {
            ledger
                .set(&format!("k:{number:05}"), Vec::new())
                .await
                .unwrap();
        }
        ledger.set("l", Vec::new()).await.unwrap();
        written(&store, &ledger, "one").await;
        ledger.delete("k:00001").await.unwrap();
        ledger.set("k:00000a", Vec::new()).await.unwrap();
        ledger.set("k:99999", Vec::new()).await.unwrap();

        let first = ledger.list("k:", None).await.unwrap();
        assert_eq!(first.keys[..3], ["k:00000", "k:00000a", "k:00002"]);
        let second = ledger.list("k:", first.next.as_deref()).await.unwrap();
        assert_eq!(second.next, None);
        assert_eq!(first.keys.len() + second.keys.len(), PAGE + 5 - 1 + 2);
        assert_eq!(second.keys.last().unwrap(), "k:99999");
        assert_eq!(ledger.list("m", None).await.unwrap(), KeyPage::default());
    }
}
