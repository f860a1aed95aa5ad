//! What must survive: one database file (`SQLite`) in a directory that one process owns.
//!
//! Writes are gathered: many share one sync of the disk, and each is told of its success after that. Reads see a
//! snapshot and wait for no write. The tables are in `schema.sql`.

mod backup;
mod connection;
mod error;
pub(crate) mod file;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

pub use error::StoreError;

use connection::Readers;
use writer::Writer;

/// The facts of a store: its own name, when it was copied from another, whether its outbox is held.
const ID: &str = "id";
const COPY: &str = "copy";
const OUTBOX_HELD: &str = "outbox_held";

/// A store. Cheap to clone; closed when the last clone is dropped, which waits for the writes that were begun.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

/// The order matters: the connection that is closed last, the writer's, clears the log away.
struct Shared {
    readers: Readers,
    writer: Writer,
    path: PathBuf,
}

impl Store {
    /// Opens the store in `directory`, or makes it. Blocks for a moment.
    ///
    /// A directory that it makes, and all of its files, are open to their owner alone.
    ///
    /// # Errors
    ///
    /// It is in use, was written by a newer host, is no store, or the file system does not let us.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::open_with(directory, writer::GROUP_TIME)
    }

    fn open_with(directory: &Path, group_time: Duration) -> Result<Self, StoreError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::File { path, source }
        };
        file::make_directory(directory).map_err(failed(directory))?;
        // Absolute, since SQLite would read `file:…` as a URL.
        let directory = &directory.canonicalize().map_err(failed(directory))?;

        let lock_path = directory.join("lock");
        let lock = file::open(&lock_path).map_err(failed(&lock_path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::InUse {
                directory: directory.clone(),
            },
            TryLockError::Error(source) => failed(&lock_path)(source),
        })?;

        let path = directory.join("host.db");
        // Made here, so that it has its mode from the first moment; SQLite gives the same to the files beside it.
        file::open(&path)
            .and_then(|_| file::sync_parent(&path))
            .and_then(|()| file::sync_parent(directory))
            .map_err(failed(&path))?;
        let connection = connection::writer(&path)?;
        if fact(&connection, ID)?.is_none() {
            set_fact(&connection, ID, &new_id())?;
        }
        Ok(Self {
            shared: Arc::new(Shared {
                readers: Readers::new(path.clone()),
                writer: Writer::start(connection, lock, group_time)?,
                path,
            }),
        })
    }

    /// Writes, and returns when it is on disk.
    ///
    /// The job runs on the thread of all writes: it does nothing but read and write the database, and never begins or
    /// ends a transaction. What it wrote is undone when it returns an error or panics, and nothing else is. Others wait
    /// for the same sync; many waiting jobs make callers wait to be let in. Once it was let in it is done, though the
    /// future be dropped.
    ///
    /// # Errors
    ///
    /// The job's own; [`StoreError::Commit`] where it could not be committed, [`StoreError::Panicked`] and
    /// [`StoreError::Closed`].
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.shared.writer.write(job).await
    }

    /// Reads, in one snapshot of what was written, on a thread where blocking is allowed. A few run at the same time;
    /// others wait.
    ///
    /// # Errors
    ///
    /// The query's own, [`StoreError::Panicked`], [`StoreError::Closed`], or a connection can't be opened.
    pub async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let turns = Arc::clone(&self.shared.readers.turns);
        let turn = turns
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let _turn = turn;
            shared.readers.read(query)
        })
        .await
    }

    /// Reads on the spot, in one snapshot of what was written. For a row by its key, where a thread's turn would cost
    /// more than the query.
    ///
    /// # Errors
    ///
    /// The query's own, or a connection can't be opened.
    pub fn read_now<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E>,
        E: From<StoreError>,
    {
        self.shared.readers.read(query)
    }

    /// Copies the store to a new file while it is in use. To open the copy, put it into an empty directory as
    /// `host.db`.
    ///
    /// The copy is marked, has an id of its own and holds its outbox, since the original goes on sending. Its secrets
    /// are sealed with the same key.
    ///
    /// # Errors
    ///
    /// The file exists, or can't be written. Nothing is left of it then.
    pub async fn backup(&self, file: &Path) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let file = file.to_owned();
        blocking(move || backup::copy(&shared.path, &file)).await
    }

    /// The id of this store: random, made with it. Each copy has another.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn id(&self) -> Result<String, StoreError> {
        let id = self.read_now(|connection| fact(connection, ID).map_err(StoreError::from))?;
        id.ok_or(StoreError::Sqlite(rusqlite::Error::QueryReturnedNoRows))
    }

    /// When this store was copied from another one, in milliseconds since 1970; absent for an original.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn copied(&self) -> Result<Option<i64>, StoreError> {
        self.read_now(|connection| {
            Ok(connection
                .prepare_cached("SELECT CAST(value AS INTEGER) FROM host WHERE key = ?1")?
                .query_row([COPY], |row| row.get(0))
                .optional()?)
        })
    }

    /// Whether nothing may be sent, because this is a copy that nobody has released.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub fn outbox_held(&self) -> Result<bool, StoreError> {
        self.read_now(|connection| Ok(fact(connection, OUTBOX_HELD)?.is_some()))
    }

    /// Lets a copy send. For an operator who knows that the original does not any more.
    ///
    /// # Errors
    ///
    /// The store can't be written.
    pub async fn release_outbox(&self) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute("DELETE FROM host WHERE key = ?1", [OUTBOX_HELD])?;
            Ok(())
        })
        .await
    }

    /// Commits since it was opened, each of one or many jobs.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.shared.writer.commits()
    }

    /// Jobs of [`write`](Self::write) since it was opened, those that failed too.
    #[must_use]
    pub fn jobs(&self) -> u64 {
        self.shared.writer.jobs()
    }
}

/// A fact of the store.
pub(crate) fn fact(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT value FROM host WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()
}

/// Sets a fact of the store.
pub(crate) fn set_fact(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO host (key, value) VALUES (?1, ?2)")?
        .execute([key, value])
        .map(drop)
}

/// The time, as the store writes it: milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn new_id() -> String {
    Uuid::now_v7().to_string()
}

async fn blocking<T, E, F>(work: F) -> Result<T, E>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|error| {
        let error = if error.is_panic() {
            StoreError::Panicked
        } else {
            StoreError::Closed
        };
        Err(error.into())
    })
}
