//! Opens connections to the database: one that writes, some that read.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::{StoreError, schema};

/// How long a connection waits for another process that looks at the database, such as `sqlite3`.
const BUSY: Duration = Duration::from_secs(5);

/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 128;

/// Pages of 4 KiB in the log before it is written back. More merge better, and make the one commit that does it slower.
const LOG_PAGES: i32 = 4000;

/// What is left of the log, in bytes, after a long read (a backup) let it grow.
const LOG_BYTES: i32 = 64 << 20;

/// Memory for pages, in KiB; negative, as the pragma wants it.
const WRITER_CACHE: i32 = -(16 << 10);
const READER_CACHE: i32 = -(4 << 10);

/// Readings that run at the same time, those on the spot apart, and connections that are kept for them.
const READERS: usize = 4;

/// The connection that writes. Brings the database to our version.
pub(super) fn writer(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Before anything is changed, since it may be somebody else's.
    let version = schema::version(&connection, path)?;
    if version > schema::MIGRATIONS.len() {
        return Err(StoreError::Newer {
            found: version,
            ours: schema::MIGRATIONS.len(),
        });
    }
    let journal = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
    if journal != "wal" {
        return Err(StoreError::NoLog {
            path: path.to_owned(),
        });
    }
    // A commit has reached the disk when it returns; on macOS that takes a pragma of its own.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
    schema::migrate(&mut connection, version, schema::MIGRATIONS)?;
    Ok(connection)
}

/// A connection that can't write.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", READER_CACHE)?;
    // What is sorted stays in memory. Not so for the writer: there, what a savepoint would undo is kept the same way, and
    // each statement's end goes through all of a journal in memory, so that large jobs would take minutes.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}

/// No memory map: there, a failing disk ends the process instead of a query.
fn open(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    // One thread has a connection at a time.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Connections that read.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// For readings that wait for their turn.
    pub(super) turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
            turns: Arc::new(Semaphore::new(READERS)),
        }
    }

    /// Reads, in one snapshot of the database. Waits for nobody: where no connection is idle, it opens one.
    pub(super) fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E>,
        E: From<StoreError>,
    {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let connection = match kept {
            Some(connection) => connection,
            None => reader(&self.path)?,
        };
        let snapshot = connection
            .unchecked_transaction()
            .map_err(StoreError::from)?;
        let answer = query(&connection);
        drop(snapshot);
        let mut idle = idle();
        if idle.len() < READERS {
            idle.push(connection);
        }
        answer
    }
}
