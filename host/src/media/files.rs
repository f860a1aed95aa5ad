//! Files on disk: written under another name first, known by their hash, removed when nothing names them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;
use tokio::sync::RwLock;

use super::PERSISTENCE;
use super::kind::HEAD;
use crate::host::Shared;
use crate::store::{StoreError, file};

/// The folder of files that are not whole. No channel's id is this word.
const PARTS: &str = "part";

/// The files of a host.
pub(crate) struct Files {
    directory: PathBuf,
    /// A file is put in its place and named by the store under this, so that none is taken for one that nothing names.
    pub(super) placing: RwLock<()>,
}

impl Files {
    /// The files below the host's directory. What an earlier host had not finished is removed. Blocks.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let directory = directory.join("media");
        match fs::remove_dir_all(directory.join(PARTS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir_all(directory.join(PARTS))?;
        Ok(Self {
            directory,
            placing: RwLock::default(),
        })
    }

    /// Where files lie while they are not whole.
    pub(super) fn parts(&self) -> PathBuf {
        self.directory.join(PARTS)
    }

    fn path(&self, channel: &str, sha256: &str) -> PathBuf {
        self.directory.join(channel).join(sha256)
    }

    /// A file that is here; none where it is not.
    pub(super) async fn find(
        &self,
        channel: &str,
        sha256: &str,
    ) -> io::Result<Option<tokio::fs::File>> {
        match tokio::fs::File::open(self.path(channel, sha256)).await {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes all files of a channel.
    pub(crate) async fn remove(&self, channel: &str) -> io::Result<()> {
        let _nothing_is_placed = self.placing.write().await;
        match tokio::fs::remove_dir_all(self.directory.join(channel)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts a file that is whole in its place, where it survives a power failure.
    pub(super) async fn place(&self, channel: &str, part: Part) -> io::Result<()> {
        let path = self.path(channel, &part.sha256);
        let place = move || {
            if let Some(directory) = path.parent() {
                fs::create_dir_all(directory)?;
                file::sync_parent(directory)?;
            }
            fs::File::open(&part.path)?.sync_all()?;
            part.path.persist(&path).map_err(|error| error.error)?;
            file::sync_parent(&path)
        };
        tokio::task::spawn_blocking(place).await?
    }
}

/// A file that is being taken in. It is removed unless it is put in its place.
#[derive(Debug)]
pub(crate) struct Part {
    pub(super) path: TempPath,
    pub(super) size: u64,
    /// Hexadecimal.
    pub(super) sha256: String,
    /// Its first bytes.
    pub(super) head: Vec<u8>,
}

/// Why a file was not taken in.
#[derive(Debug)]
pub(super) enum Broken<E> {
    /// It has more bytes than were allowed.
    TooLarge,
    /// It broke off.
    Stream(E),
    /// It can't be written.
    File(io::Error),
}

impl<E> From<io::Error> for Broken<E> {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl Part {
    /// Writes what comes to a file in `directory`: at most `most` bytes.
    pub(super) async fn write<B: AsRef<[u8]>, E>(
        stream: impl Stream<Item = Result<B, E>>,
        directory: PathBuf,
        most: u64,
    ) -> Result<Self, Broken<E>> {
        let made = tokio::task::spawn_blocking(|| NamedTempFile::new_in(directory)).await;
        let (file, path) = made.map_err(io::Error::from)??.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        let (mut hash, mut size, mut head) = (Sha256::new(), 0, Vec::new());
        let mut stream = pin!(stream);
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(Broken::Stream)?;
            let bytes = bytes.as_ref();
            size += bytes.len() as u64;
            if size > most {
                return Err(Broken::TooLarge);
            }
            hash.update(bytes);
            let wanted = bytes.len().min(HEAD - head.len());
            head.extend_from_slice(&bytes[..wanted]);
            file.write_all(bytes).await?;
        }
        file.flush().await?;
        Ok(Self {
            path,
            size,
            sha256: hex::encode(hash.finalize()),
            head,
        })
    }
}

/// Forgets what has been kept long enough, and removes the files that nothing names any more, those of removed channels too.
pub(crate) async fn sweep(host: &Arc<Shared>) -> Result<(), StoreError> {
    let now = host.clock.now();
    let kept = u64::try_from(host.options.keep_media.as_millis()).unwrap_or(u64::MAX);
    let oldest = now.saturating_sub(kept);
    host.store
        .write(move |connection| {
            connection.execute("DELETE FROM media WHERE at < ?1", [oldest])?;
            let give_up = "UPDATE media SET due = NULL WHERE due IS NOT NULL AND at < ?1";
            connection.execute(give_up, [now.saturating_sub(PERSISTENCE)])?;
            connection.execute("DELETE FROM upload WHERE expires <= ?1", [now])?;
            Ok::<_, StoreError>(())
        })
        .await?;
    let _nothing_is_placed = host.files.placing.write().await;
    let named = host
        .store
        .read(|connection| {
            let select = "SELECT DISTINCT channel, file FROM media WHERE file IS NOT NULL";
            let mut select = connection.prepare(select)?;
            let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok::<_, StoreError>(rows.collect::<rusqlite::Result<BTreeSet<(String, String)>>>()?)
        })
        .await?;
    let directory = host.files.directory.clone();
    let swept = tokio::task::spawn_blocking(move || remove_others(&directory, &named)).await;
    match swept.map_err(io::Error::from).flatten() {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "files were kept long enough"),
        Err(error) => tracing::warn!(%error, "files that nobody needs could not be removed"),
    }
    Ok(())
}

/// Removes all files but those that are named, and folders that are empty then. Returns how many files.
fn remove_others(directory: &Path, named: &BTreeSet<(String, String)>) -> io::Result<usize> {
    let mut removed = 0;
    for channel in fs::read_dir(directory)? {
        let channel = channel?;
        let Ok(id) = channel.file_name().into_string() else {
            continue;
        };
        if id == PARTS || !channel.file_type()?.is_dir() {
            continue;
        }
        let mut left = false;
        for file in fs::read_dir(channel.path())? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if named.contains(&(id.clone(), name)) {
                left = true;
            } else {
                fs::remove_file(file.path())?;
                removed += 1;
            }
        }
        if !left {
            fs::remove_dir(channel.path())?;
        }
    }
    Ok(removed)
}
