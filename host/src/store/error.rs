//! Why the store did not do it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the store could not be opened, read, written or copied.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or directory can't be made, opened or read.
    #[error("{} can't be used: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process, or another [`Store`](super::Store) of this one, has it open.
    #[error(
        "the store in {} is in use: talk to the host that runs, stop it, or choose another directory",
        directory.display()
    )]
    InUse {
        /// The store's directory.
        directory: PathBuf,
    },
    /// The file is no database.
    #[error(
        "{} is not a database: put a backup in its place, or choose another directory",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is the database of another application.
    #[error("{} belongs to another application: choose another directory", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer host wrote it.
    #[error(
        "the store has version {found}, and this host knows version {ours}: update the host, or restore a backup of its time"
    )]
    Newer {
        /// The version of the store.
        found: usize,
        /// The newest that this host knows.
        ours: usize,
    },
    /// Bringing it to the next version failed; it still has the version before.
    #[error("the store can't be brought to version {version}: {source}")]
    Migration {
        /// The version that it did not reach.
        version: usize,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file system can't hold a write-ahead log.
    #[error(
        "the file system of {} does not take a write-ahead log: choose a directory on a local disk",
        path.display()
    )]
    NoLog {
        /// The database.
        path: PathBuf,
    },
    /// The file of a backup is there already.
    #[error("{} exists already: choose another name for the backup, or remove it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The group of jobs that this one was written with could not be committed. None of it is known to be on disk.
    #[error("the store could not commit: {0}")]
    Commit(Arc<rusqlite::Error>),
    /// The job panicked. What it had written is undone.
    #[error("a job of the store panicked")]
    Panicked,
    /// The thread that writes, or the runtime, has ended.
    #[error("the store is closed")]
    Closed,
    /// The thread that writes can't be started.
    #[error("the thread that writes can't be started: {0}")]
    Thread(#[source] io::Error),
    /// The database says no.
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
}
