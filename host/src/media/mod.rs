//! Files of messages. What came in is fetched from the vendor and kept for a while; what is to go out is uploaded, once as long as
//! the vendor keeps it. The bytes go past the sandbox: a channel says where they are, and how they are sent.

mod fetch;
mod files;
mod kind;
#[cfg(test)]
mod tests;
mod upload;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use rusqlite::{Connection, params};
use tokio::sync::{Notify, Semaphore};

use crate::CallError;
use crate::contract::events::{Content, Event, EventBody};
use crate::contract::types::{Error, Problem, Timestamp};
use crate::store::StoreError;

pub(crate) use fetch::{get, work};
pub(crate) use files::{Files, sweep};
pub use upload::{NewMedia, Uploaded};
pub(crate) use upload::{receive, upload};

/// Files of one channel that are on their way at one time.
const TRANSFERS: usize = 4;

/// The longest that the transfer of one file may take: as long as vendors' addresses work.
const TRANSFER: Duration = Duration::from_mins(5);

/// The longest id, in bytes.
const ID_BYTES: usize = 512;

const HOUR: u64 = 60 * 60 * 1000;

/// How long the host tries to fetch a file by itself, in milliseconds: as long as vendors keep what people sent.
const PERSISTENCE: u64 = 7 * 24 * HOUR;

/// Why there is no file, or no upload.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The file breaks rules.
    #[error("the file breaks {} of the channel's rules", .0.len())]
    Invalid(Vec<Problem>),
    /// The file is larger than this host takes.
    #[error(
        "the file has more than {0} bytes, the most that this host takes: send a smaller one, or raise --media-bytes"
    )]
    TooLarge(u64),
    /// It broke off while it was handed in.
    #[error("the file did not come whole: {0}")]
    Cut(String),
    /// There is none at the vendor, who has been asked and is not asked again.
    #[error("the vendor does not have this file: {0}")]
    Gone(String),
    /// It can't be had now.
    #[error("{reason}")]
    NotNow {
        /// Why.
        reason: String,
        /// When it may be asked for again.
        retry: Duration,
    },
    /// The vendor, or the way to it, refused the upload.
    #[error("{}", .0.sentence())]
    Refused(Box<Error>),
    /// The channel asks for a request that no channel may make.
    #[error("the channel's request is denied: {0}")]
    Denied(String),
    /// The plugin failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The file system failed.
    #[error("the file can't be written or read: {0}")]
    File(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A file that came in, open to be read.
#[derive(Debug)]
pub struct Media {
    /// Its bytes.
    pub file: tokio::fs::File,
    /// Their number.
    pub size: u64,
    /// Their SHA-256, hexadecimal.
    pub sha256: String,
    /// Its type, as the vendor says; absent where that is not known, or not true.
    pub mime_type: Option<String>,
    /// What its bytes are, where the vendor says something else.
    pub found_type: Option<String>,
    /// Its name, as somebody chose it.
    pub filename: Option<String>,
}

/// The transfers of one channel.
pub(crate) struct Transfers {
    turns: Semaphore,
    /// Lookups, one at a time.
    lookup: tokio::sync::Mutex<()>,
    /// There is a file to fetch.
    pub(crate) wanted: Notify,
    /// Those who ask for the same file wait for the first.
    flights: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Default for Transfers {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(TRANSFERS),
            lookup: tokio::sync::Mutex::default(),
            wanted: Notify::new(),
            flights: Mutex::default(),
        }
    }
}

impl Transfers {
    /// What whoever fetches this file holds.
    fn flight(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|_, flight| flight.strong_count() > 0);
        let flight = flights.get(id).and_then(Weak::upgrade).unwrap_or_default();
        flights.insert(id.to_owned(), Arc::downgrade(&flight));
        flight
    }
}

/// Remembers the file of an event that is the channel's own: for other numbers' its credentials are not good. Returns whether there is
/// one that is new.
pub(crate) fn remember(
    connection: &Connection,
    channel: &str,
    now: Timestamp,
    event: &Event,
) -> rusqlite::Result<bool> {
    let content = match &event.body {
        _ if !event.origin.own => return Ok(false),
        EventBody::Message(message) | EventBody::Echo(message) => &message.content,
        EventBody::Edit(edit) => &edit.content,
        EventBody::History(item) => match &item.message {
            Some(message) => &message.content,
            None => return Ok(false),
        },
        _ => return Ok(false),
    };
    let (Content::Image(media)
    | Content::Video(media)
    | Content::Audio(media)
    | Content::Document(media)
    | Content::Sticker(media)) = content
    else {
        return Ok(false);
    };
    let Some(id) = media.id.as_deref().filter(|id| is_id(id)) else {
        return Ok(false);
    };
    let insert = "INSERT INTO media (channel, id, at, mime_type, sha256, filename, due)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?3) ON CONFLICT DO NOTHING";
    let row = params![
        channel,
        id,
        now,
        media.mime_type,
        media.sha256,
        media.filename
    ];
    Ok(connection.prepare_cached(insert)?.execute(row)? > 0)
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_BYTES
}

/// Forgets what another account, or other settings, make untrue: ids of uploads, and what the vendor refused.
pub(crate) fn forget_answers(connection: &Connection, channel: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM upload WHERE channel = ?1", [channel])?;
    let forget =
        "UPDATE media SET refusal = NULL, again = NULL WHERE channel = ?1 AND refusal IS NOT NULL";
    connection.execute(forget, [channel]).map(drop)
}
