//! Spin's key-value store and variables for the component that the tests run: the interfaces that Spin lends, over a real
//! SQLite file with Spin's own table. It has that store's habits too: a swap of a key that did not exist sets it in any case.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use rusqlite::{Connection, OptionalExtension as _, params};
use wasmtime::component::{Resource, ResourceTable};

#[allow(missing_docs, unreachable_pub, clippy::pedantic, clippy::all)]
mod bindings {
    include!(concat!(env!("OUT_DIR"), "/spin.rs"));
}

use bindings::wasi::config::store as config;
pub(crate) use bindings::wasi::keyvalue::atomics;
pub(crate) use bindings::wasi::keyvalue::store as keyvalue;

/// A store that several instances share.
#[derive(Clone, Debug)]
pub struct Keys {
    connection: Arc<Mutex<Connection>>,
    /// How long an answer is on its way at the most.
    pub distance: Duration,
    answers: Arc<AtomicU32>,
}

impl Keys {
    /// Opens a store, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// `SQLite`'s.
    pub fn open(file: &Path) -> Result<Self> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.execute(
            "CREATE TABLE IF NOT EXISTS spin_key_value (
               store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))",
            [],
        )?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            distance: Duration::ZERO,
            answers: Arc::default(),
        })
    }

    fn with<T>(
        &self,
        run: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, keyvalue::Error> {
        let connection = self.connection.lock().expect("nobody panics with it");
        let done = run(&connection).map_err(|error| keyvalue::Error::Other(error.to_string()));
        drop(connection);
        // It holds this thread, as it would hold the instance.
        let place = self.answers.fetch_add(7, Ordering::Relaxed) % 11;
        std::thread::sleep(self.distance * place / 10);
        done
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, keyvalue::Error> {
        self.with(|connection| {
            let select = "SELECT value FROM spin_key_value WHERE store = 'default' AND key = ?1";
            connection
                .query_row(select, [key], |row| row.get(0))
                .optional()
        })
    }

    /// All keys, and all values.
    ///
    /// # Panics
    ///
    /// The file can't be read.
    #[must_use]
    pub fn all(&self) -> Vec<(String, Vec<u8>)> {
        let connection = self.connection.lock().expect("nobody panics with it");
        let mut select = connection
            .prepare("SELECT key, value FROM spin_key_value")
            .expect("a table");
        let rows = select
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("rows");
        rows.collect::<rusqlite::Result<_>>().expect("rows")
    }
}

/// What one instance has of Spin.
pub(crate) struct Lent {
    pub(crate) table: ResourceTable,
    pub(crate) keys: Keys,
    pub(crate) variables: Arc<BTreeMap<String, String>>,
    pub(crate) granted: Vec<String>,
}

#[allow(unreachable_pub, reason = "the bindings hand it on")]
pub struct Bucket;

#[allow(unreachable_pub, reason = "the bindings hand it on")]
pub struct Cas {
    key: String,
    read: Option<Vec<u8>>,
}

/// Puts the interfaces where the component finds them.
pub(crate) fn lend<T: AsMut<Lent> + Send>(
    linker: &mut wasmtime::component::Linker<T>,
) -> wasmtime::Result<()> {
    struct Of;
    impl wasmtime::component::HasData for Of {
        type Data<'a> = &'a mut Lent;
    }
    config::add_to_linker::<T, Of>(linker, T::as_mut)?;
    keyvalue::add_to_linker::<T, Of>(linker, T::as_mut)?;
    atomics::add_to_linker::<T, Of>(linker, T::as_mut)
}

impl config::Host for Lent {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, config::Error>> {
        Ok(Ok(self.variables.get(&key).cloned()))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, config::Error>> {
        Ok(Ok((*self.variables).clone().into_iter().collect()))
    }
}

impl keyvalue::Host for Lent {
    fn open(
        &mut self,
        name: String,
    ) -> wasmtime::Result<Result<Resource<Bucket>, keyvalue::Error>> {
        if !self.granted.contains(&name) {
            return Ok(Err(keyvalue::Error::AccessDenied));
        }
        Ok(Ok(self.table.push(Bucket)?))
    }
}

impl keyvalue::HostBucket for Lent {
    fn get(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, keyvalue::Error>> {
        Ok(self.keys.get(&key))
    }

    fn set(
        &mut self,
        _: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), keyvalue::Error>> {
        Ok(self.keys.with(|connection| {
            let insert = "INSERT OR REPLACE INTO spin_key_value VALUES ('default', ?1, ?2)";
            connection.execute(insert, params![key, value]).map(drop)
        }))
    }

    fn delete(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<(), keyvalue::Error>> {
        Ok(self.keys.with(|connection| {
            let delete = "DELETE FROM spin_key_value WHERE store = 'default' AND key = ?1";
            connection.execute(delete, [key]).map(drop)
        }))
    }

    fn exists(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<bool, keyvalue::Error>> {
        Ok(self.keys.get(&key).map(|value| value.is_some()))
    }

    fn list_keys(
        &mut self,
        _: Resource<Bucket>,
        cursor: Option<String>,
    ) -> wasmtime::Result<Result<keyvalue::KeyResponse, keyvalue::Error>> {
        if cursor.is_some() {
            let sentence = "list_keys: cursor not supported".to_owned();
            return Ok(Err(keyvalue::Error::Other(sentence)));
        }
        let keys = self.keys.all().into_iter().map(|(key, _)| key).collect();
        Ok(Ok(keyvalue::KeyResponse { keys, cursor: None }))
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for Lent {
    fn increment(
        &mut self,
        _: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> wasmtime::Result<Result<i64, keyvalue::Error>> {
        // One connection, which is locked: nobody is in between.
        Ok(self.keys.with(|connection| {
            let select = "SELECT value FROM spin_key_value WHERE store = 'default' AND key = ?1";
            let before = connection
                .query_row(select, [&key], |row| row.get::<_, [u8; 8]>(0))
                .optional()?;
            let next = before.map_or(0, i64::from_le_bytes) + delta;
            let insert = "INSERT OR REPLACE INTO spin_key_value VALUES ('default', ?1, ?2)";
            connection.execute(insert, params![key, next.to_le_bytes()])?;
            Ok(next)
        }))
    }

    fn swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let Cas { key, read } = self.table.delete(cas)?;
        let swapped = self.keys.with(|connection| match &read {
            Some(read) => connection.execute(
                "UPDATE spin_key_value SET value = ?1 WHERE store = 'default' AND key = ?2 AND value = ?3",
                params![value, key, read],
            ),
            None => connection.execute(
                "INSERT OR REPLACE INTO spin_key_value VALUES ('default', ?1, ?2)",
                params![key, value],
            ),
        });
        Ok(match swapped {
            Ok(1) => Ok(()),
            Ok(_) => {
                let read = self.keys.get(&key).ok().flatten();
                Err(atomics::CasError::CasFailed(
                    self.table.push(Cas { key, read })?,
                ))
            }
            Err(error) => Err(atomics::CasError::StoreError(error)),
        })
    }
}

impl atomics::HostCas for Lent {
    fn new(
        &mut self,
        _: Resource<Bucket>,
        key: String,
    ) -> wasmtime::Result<Result<Resource<Cas>, keyvalue::Error>> {
        Ok(Ok(self.table.push(Cas { key, read: None })?))
    }

    fn current(
        &mut self,
        cas: Resource<Cas>,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, keyvalue::Error>> {
        let key = self.table.get(&cas)?.key.clone();
        let read = self.keys.get(&key);
        if let Ok(read) = &read {
            self.table.get_mut(&cas)?.read.clone_from(read);
        }
        Ok(read)
    }

    fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}
