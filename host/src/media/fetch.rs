//! What came in: fetched from the vendor when somebody asks for it, or by the host itself, and kept.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use futures_util::{StreamExt, stream};
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::time::{sleep, timeout};

use super::files::{Broken, Part};
use super::{HOUR, Media, MediaError, TRANSFER, TRANSFERS, is_id, kind};
use crate::capability::{Client, Http, Lent, is_compressed};
use crate::channel::Channel;
use crate::contract::http::{Failure, Request, Response};
use crate::contract::media::MediaLocation;
use crate::contract::types::{Error, ErrorClass, Retry, Timestamp};
use crate::host::Shared;
use crate::store::StoreError;
use crate::{CallError, Instance};

/// How long to wait before each further attempt at one file.
const WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// How long a file is not asked for when all attempts at it have failed.
const SOON: Duration = Duration::from_mins(5);

/// How long it is not where the vendor refused and something has to change first.
const LATER: Duration = Duration::from_hours(1);

/// The longest wait that a vendor can ask for.
const LONGEST: Duration = Duration::from_hours(24);

/// Requests for files that may fail within an hour, of one channel. Vendors block numbers that ask again and again, some after the
/// fifth.
const FAILURES: u32 = 4;

/// The most bytes of a vendor's sentence that are kept.
const REASON_BYTES: usize = 1000;

/// How often it is looked whether there is something to fetch.
const LOOK: Duration = Duration::from_secs(1);

/// Files that are looked up in one go.
const BATCH: usize = 64;

/// Why a file did not come.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The vendor has none, for good.
    Gone(String),
    /// Trying again helps after this long, or once somebody has changed something.
    Later(String, Duration),
    /// Trying again may help.
    Soon(String),
    /// The vendor was not asked, or its answer could not be kept.
    Ours(MediaError),
}

/// What is known of a file.
#[derive(Default)]
struct Known {
    mime_type: Option<String>,
    sha256: Option<String>,
    filename: Option<String>,
    file: Option<String>,
    bytes: Option<u64>,
    found_type: Option<String>,
    refusal: Option<String>,
    again: Option<Timestamp>,
}

impl Known {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            mime_type: row.get(0)?,
            sha256: row.get(1)?,
            filename: row.get(2)?,
            file: row.get(3)?,
            bytes: row.get(4)?,
            found_type: row.get(5)?,
            refusal: row.get(6)?,
            again: row.get(7)?,
        })
    }

    /// The type to call it by.
    fn media(self, file: tokio::fs::File, size: u64, sha256: String) -> Media {
        let is_true = self.found_type.is_none();
        Media {
            file,
            size,
            sha256,
            mime_type: self.mime_type.filter(|_| is_true),
            found_type: self.found_type,
            filename: self.filename,
        }
    }
}

/// Fetches what is due until the channel is removed or the host stops.
pub(crate) async fn work(host: Arc<Shared>, channel: Arc<Channel>) {
    if !host.options.fetch_media || !channel.plugin.has("media") {
        return;
    }
    let mut stopping = pin!(host.stopping());
    loop {
        tokio::select! {
            () = round(&host, &channel) => {}
            () = &mut stopping => return,
        }
    }
}

/// Fetches what is due; waits for more where nothing is.
async fn round(host: &Arc<Shared>, channel: &Arc<Channel>) {
    let due = match due(host, channel) {
        Ok(due) => due,
        Err(error) => {
            tracing::error!(channel = channel.id, %error, "it can't be looked which files are to be fetched");
            return sleep(LOOK).await;
        }
    };
    if due.is_empty() {
        let _ = timeout(LOOK, channel.transfers.wanted.notified()).await;
        return;
    }
    let fetches = stream::iter(due).for_each_concurrent(TRANSFERS, async |id| {
        let outcome = get(host, channel, &id).await.map(drop);
        if let Err(error) = outcome {
            tracing::warn!(channel = channel.id, media = id, %error, "a file could not be fetched");
            if let Err(error) = postpone(host, channel, id).await {
                tracing::error!(channel = channel.id, %error, "it can't be written down when to fetch a file");
                sleep(LOOK).await;
            }
        }
    });
    fetches.await;
}

fn due(host: &Shared, channel: &Channel) -> Result<Vec<String>, StoreError> {
    let now = host.clock.now();
    host.store.read_now(|connection| {
        let select = "SELECT id FROM media WHERE channel = ?1 AND due <= ?2 ORDER BY due LIMIT ?3";
        let mut select = connection.prepare_cached(select)?;
        let rows = select.query_map(params![channel.id, now, BATCH], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    })
}

/// Puts a file off that could not be had: until it may be asked for again, or for good.
async fn postpone(host: &Shared, channel: &Channel, id: String) -> Result<(), StoreError> {
    let (channel, now) = (channel.id.clone(), host.clock.now());
    host.store
        .write(move |connection| {
            let update = "UPDATE media SET due = CASE
                    WHEN refusal IS NOT NULL AND again IS NULL THEN NULL
                    ELSE max(coalesce(again, 0), ?3) END
                WHERE channel = ?1 AND id = ?2";
            connection.execute(update, params![channel, id, now + millis(LATER)])?;
            Ok(())
        })
        .await
}

/// A file: from the disk, else from the vendor, unless what it said before still stands.
pub(crate) async fn get(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    id: &str,
) -> Result<Media, MediaError> {
    if !channel.plugin.has("media") {
        return Err(CallError::Absent("media").into());
    }
    if !is_id(id) {
        return Err(MediaError::Gone("this is no id of a file".to_owned()));
    }
    if let Ok(media) = here(host, channel, id).await? {
        return Ok(media);
    }
    let flight = channel.transfers.flight(id);
    let _alone = flight.lock().await;
    // Whoever was before has fetched it, or has been told why not.
    let known = match here(host, channel, id).await? {
        Ok(media) => return Ok(media),
        Err(known) => known,
    };
    let Ok(_turn) = channel.transfers.turns.acquire().await else {
        return Err(StoreError::Closed.into());
    };
    let fetched = fetch(host, channel, id, &known).await;
    let outcome = match &fetched {
        Ok(_) => "fetched",
        Err(Trouble::Gone(_)) => "gone",
        Err(_) => "failed",
    };
    host.metrics.media(&channel.id, outcome);
    match fetched {
        Ok((said, part)) => keep(host, channel, id, (known, said), part).await,
        Err(trouble) => Err(refuse(host, channel, id, trouble).await?),
    }
}

/// The file where it is here; else what is known of it. What the vendor said before is an error as long as it stands.
async fn here(
    host: &Shared,
    channel: &Channel,
    id: &str,
) -> Result<Result<Media, Known>, MediaError> {
    let known = host.store.read_now(|connection| {
        let select = "SELECT mime_type, sha256, filename, file, bytes, found_type, refusal, again
            FROM media WHERE channel = ?1 AND id = ?2";
        let mut select = connection.prepare_cached(select)?;
        let known = select.query_row([channel.id.as_str(), id], Known::of);
        Ok::<_, StoreError>(known.optional()?)
    })?;
    let known = known.unwrap_or_default();
    if let (Some(sha256), Some(size)) = (&known.file, known.bytes) {
        // A file may be gone, as after a backup was put back; then it is fetched anew.
        if let Some(file) = host.files.find(&channel.id, sha256).await? {
            let sha256 = sha256.clone();
            return Ok(Ok(known.media(file, size, sha256)));
        }
    }
    let now = host.clock.now();
    match (&known.refusal, known.again) {
        (Some(reason), None) => Err(MediaError::Gone(reason.clone())),
        (Some(reason), Some(again)) if again > now => Err(MediaError::NotNow {
            reason: reason.clone(),
            retry: Duration::from_millis(again - now),
        }),
        _ => Ok(Err(known)),
    }
}

/// Looks the file up and fetches it, a few times where that may help. Returns the type that the vendor names, too.
async fn fetch(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    id: &str,
    known: &Known,
) -> Result<(Option<String>, Part), Trouble> {
    let mut waits = WAITS.into_iter();
    loop {
        // Looked up each time: an address works for minutes, and one that has ended is refused as is a file that is gone.
        let fetched = match lookup(host, channel, id).await {
            Ok(location) => {
                let order = Order {
                    client: &channel.current().http,
                    location: &location,
                    sha256: known.sha256.as_deref(),
                    directory: host.files.parts(),
                    most: host.options.media_bytes,
                };
                let too_long = || Trouble::Later("it took too long".to_owned(), SOON);
                let part = timeout(TRANSFER, download(order)).await;
                let part = part.unwrap_or_else(|_| Err(too_long()));
                part.map(|part| (location.mime_type, part))
            }
            Err(trouble) => Err(trouble),
        };
        match (fetched, waits.next()) {
            (Err(Trouble::Soon(reason)), Some(wait)) => {
                tracing::debug!(
                    channel = channel.id,
                    media = id,
                    reason,
                    "a file did not come"
                );
                sleep(wait).await;
            }
            (fetched, _) => return fetched,
        }
    }
}

/// Lets the plugin find out where a file is, one after the other, so that all who ask see what has failed before.
async fn lookup(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    id: &str,
) -> Result<MediaLocation, Trouble> {
    let _alone = channel.transfers.lookup.lock().await;
    let (failed, used) = standing(host, &channel.id)?;
    if failed >= FAILURES {
        let reason = format!(
            "{FAILURES} requests for files of this channel have failed within an hour, and the vendor would block it after more: \
             ask again later"
        );
        return Err(Trouble::Ours(MediaError::NotNow {
            reason,
            retry: SOON,
        }));
    }
    if used >= host.options.media_space {
        let reason = format!(
            "the files of this host take {used} bytes, and may take {}: raise --media-space, or keep files for a shorter time",
            host.options.media_space
        );
        return Err(Trouble::Ours(MediaError::NotNow {
            reason,
            retry: LATER,
        }));
    }
    let current = channel.current();
    let counted = Arc::new(Counted {
        http: Arc::clone(&current.http) as _,
        failed: AtomicU32::new(0),
    });
    let lent = Lent {
        http: Some(Arc::clone(&counted) as _),
        storage: None,
    };
    let locate = async |sandbox: &mut Instance| sandbox.locate(&current.settings, id).await;
    let located = channel.call(host, "media.locate", lent, locate).await;
    let failed = counted.failed.load(Ordering::Relaxed);
    if failed > 0 {
        let written = count(host, &channel.id, id, failed).await;
        written.map_err(|error| Trouble::Ours(error.into()))?;
    }
    match located {
        Ok(Ok(location)) => Ok(location),
        Ok(Err(error)) => Err(judge(&error)),
        Err(error) => Err(Trouble::Ours(error.into())),
    }
}

/// How many requests for a channel's files have failed within an hour, and the bytes of all files of the host.
fn standing(host: &Shared, channel: &str) -> Result<(u32, u64), Trouble> {
    let since = host.clock.now().saturating_sub(HOUR);
    let counted = host.store.read_now(|connection| {
        let failed =
            "SELECT coalesce(sum(failures), 0) FROM media WHERE channel = ?1 AND failed > ?2";
        let failed = connection
            .prepare_cached(failed)?
            .query_row(params![channel, since], |row| row.get(0))?;
        let used = "SELECT coalesce(sum(bytes), 0) FROM media WHERE file IS NOT NULL";
        let used = connection
            .prepare_cached(used)?
            .query_row([], |row| row.get(0))?;
        Ok::<_, StoreError>((failed, used))
    });
    counted.map_err(|error| Trouble::Ours(error.into()))
}

/// What an error of a lookup means.
fn judge(error: &Error) -> Trouble {
    let mut reason = error.sentence();
    reason.truncate(reason.floor_char_boundary(REASON_BYTES));
    match (&error.retry, error.class) {
        (Retry::Never, _) => Trouble::Gone(reason),
        (Retry::After(seconds), _) => {
            let seconds = Duration::from_secs((*seconds).into());
            Trouble::Later(reason, seconds.min(LONGEST))
        }
        (Retry::AfterChange, _) | (_, ErrorClass::Unauthorised | ErrorClass::RateLimited) => {
            Trouble::Later(reason, LATER)
        }
        (Retry::Backoff, _) | (_, ErrorClass::Temporary | ErrorClass::Uncertain) => {
            Trouble::Soon(reason)
        }
        (Retry::Unknown, _) => Trouble::Later(reason, LATER),
    }
}

/// Counts the requests that failed at the vendor.
struct Counted {
    http: Arc<dyn Http>,
    failed: AtomicU32,
}

#[async_trait]
impl Http for Counted {
    async fn send(
        &self,
        request: Request,
        deadline: tokio::time::Instant,
    ) -> Result<Response, Failure> {
        let answer = self.http.send(request, deadline).await;
        let failed = match &answer {
            Ok(Response { status, .. }) | Err(Failure::TooLarge(status)) => *status >= 400,
            // It may have arrived.
            Err(Failure::Interrupted(_)) => true,
            Err(_) => false,
        };
        self.failed.fetch_add(failed.into(), Ordering::Relaxed);
        answer
    }
}

/// A file to fetch.
pub(super) struct Order<'a> {
    pub(super) client: &'a Client,
    pub(super) location: &'a MediaLocation,
    /// Its hash, as the event has it.
    pub(super) sha256: Option<&'a str>,
    /// Where it is written to.
    pub(super) directory: PathBuf,
    /// Its most bytes.
    pub(super) most: u64,
}

/// Fetches a file from where the plugin says, and compares its hash with those that the vendor has named.
pub(super) async fn download(order: Order<'_>) -> Result<Part, Trouble> {
    let Order {
        client,
        location,
        most,
        ..
    } = order;
    let too_large = || {
        let reason = format!(
            "it has more than {most} bytes, the most that this host takes: raise --media-bytes to have it"
        );
        Trouble::Later(reason, LATER)
    };
    if location.size.is_some_and(|size| size > most) {
        return Err(too_large());
    }
    let request = Request {
        method: "GET".to_owned(),
        url: location.url.clone(),
        headers: location.headers.clone(),
        body: None,
        fill_body: false,
        timeout_ms: None,
        seal: Vec::new(),
    };
    let response = client.open(request, None).await;
    let response = response.map_err(|failure| match failure {
        Failure::Unreachable(reason) | Failure::Interrupted(reason) => Trouble::Soon(reason),
        Failure::Denied(reason) => Trouble::Later(MediaError::Denied(reason).to_string(), LATER),
        Failure::TooLarge(_) | Failure::SealingDeclined => Trouble::Later(
            "the head of the vendor's answer is too large".to_owned(),
            LATER,
        ),
    })?;
    let status = response.status().as_u16();
    let said = format!("the vendor answers with status {status}");
    match status {
        200 => {}
        300..=399 => {
            let reason = format!("{said}, a redirect, which this host does not follow");
            return Err(Trouble::Later(reason, LATER));
        }
        401 | 402 | 403 | 408 | 429 => return Err(Trouble::Later(said, LATER)),
        400..=499 => return Err(Trouble::Gone(said)),
        _ => return Err(Trouble::Soon(said)),
    }
    if is_compressed(&response) {
        let reason = "the vendor compresses the file, which was not asked for".to_owned();
        return Err(Trouble::Later(reason, LATER));
    }
    if response.content_length().is_some_and(|size| size > most) {
        return Err(too_large());
    }
    let part = Part::write(response.bytes_stream(), order.directory, most).await;
    let part = part.map_err(|broken| match broken {
        Broken::TooLarge => too_large(),
        Broken::Stream(_) => Trouble::Soon("the connection broke".to_owned()),
        Broken::File(error) => Trouble::Ours(error.into()),
    })?;
    for named in [order.sha256, location.sha256.as_deref()] {
        if named
            .and_then(sha256)
            .is_some_and(|named| named != part.sha256)
        {
            let reason = "its bytes are not those that the vendor named: their SHA-256 is another";
            return Err(Trouble::Soon(reason.to_owned()));
        }
    }
    Ok(part)
}

/// A SHA-256 in hexadecimal, of one that is written so or in base64.
pub(super) fn sha256(text: &str) -> Option<String> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );

    let text = text.trim();
    let bytes = hex::decode(text)
        .ok()
        .filter(|bytes| bytes.len() == 32)
        .or_else(|| LENIENT.decode(text).ok())
        .filter(|bytes| bytes.len() == 32);
    if bytes.is_none() {
        tracing::warn!(
            "a SHA-256 of the vendor is neither hexadecimal nor base64, and is not compared"
        );
    }
    bytes.map(hex::encode)
}

/// Keeps a file that has come. `said` is its type by the vendor's answer, which counts less than the event's.
async fn keep(
    host: &Arc<Shared>,
    channel: &Channel,
    id: &str,
    (mut known, said): (Known, Option<String>),
    part: Part,
) -> Result<Media, MediaError> {
    known.mime_type = known.mime_type.or(said).filter(|said| kind::is_type(said));
    let said = known.mime_type.as_deref();
    let found = said.and_then(|said| kind::contradiction(&part.head, said));
    if let Some(found) = found {
        tracing::warn!(
            channel = channel.id,
            media = id,
            found,
            "a file is not what the vendor says"
        );
    }
    known.found_type = found.map(str::to_owned);
    let (size, sha256) = (part.size, part.sha256.clone());
    let _placing = host.files.placing.read().await;
    host.files.place(&channel.id, part).await?;
    let row = (
        channel.id.clone(),
        id.to_owned(),
        known.mime_type.clone(),
        sha256.clone(),
        found,
    );
    let now = host.clock.now();
    host.store
        .write(move |connection| {
            let (channel, id, mime_type, file, found) = row;
            know(connection, &channel, &id, now)?;
            let update = "UPDATE media SET mime_type = ?3, file = ?4, bytes = ?5, found_type = ?6,
                    due = NULL, refusal = NULL, again = NULL
                WHERE channel = ?1 AND id = ?2";
            connection.execute(update, params![channel, id, mime_type, file, size, found])?;
            Ok::<_, StoreError>(())
        })
        .await?;
    tracing::debug!(channel = channel.id, media = id, size, "a file was fetched");
    let file = host.files.find(&channel.id, &sha256).await?;
    let file = file.ok_or(std::io::Error::from(std::io::ErrorKind::NotFound))?;
    Ok(known.media(file, size, sha256))
}

/// Remembers why a file did not come, for as long as that stands. Returns it.
async fn refuse(
    host: &Arc<Shared>,
    channel: &Channel,
    id: &str,
    trouble: Trouble,
) -> Result<MediaError, StoreError> {
    let now = host.clock.now();
    let not_now = |reason: String, retry| {
        let refusal = (reason.clone(), Some(now + millis(retry)));
        (MediaError::NotNow { reason, retry }, refusal)
    };
    let (error, (reason, again)) = match trouble {
        Trouble::Gone(reason) => (MediaError::Gone(reason.clone()), (reason, None)),
        Trouble::Later(reason, retry) => not_now(reason, retry),
        Trouble::Soon(reason) => not_now(reason, SOON),
        Trouble::Ours(error) => return Ok(error),
    };
    let (channel, id) = (channel.id.clone(), id.to_owned());
    host.store
        .write(move |connection| {
            know(connection, &channel, &id, now)?;
            let update = "UPDATE media SET refusal = ?3, again = ?4 WHERE channel = ?1 AND id = ?2";
            connection.execute(update, params![channel, id, reason, again])?;
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok(error)
}

/// Makes a row of a file that no event had.
fn know(connection: &Connection, channel: &str, id: &str, now: Timestamp) -> rusqlite::Result<()> {
    let insert = "INSERT INTO media (channel, id, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    let mut insert = connection.prepare_cached(insert)?;
    insert.execute(params![channel, id, now]).map(drop)
}

/// Counts requests for a file that failed, those within an hour of each other together.
async fn count(host: &Shared, channel: &str, id: &str, failed: u32) -> Result<(), StoreError> {
    let (channel, id, now) = (channel.to_owned(), id.to_owned(), host.clock.now());
    host.store
        .write(move |connection| {
            know(connection, &channel, &id, now)?;
            let update = "UPDATE media SET failed = ?3,
                    failures = ?4 + CASE WHEN failed > ?3 - ?5 THEN failures ELSE 0 END
                WHERE channel = ?1 AND id = ?2";
            connection.execute(update, params![channel, id, now, failed, HOUR])?;
            Ok(())
        })
        .await
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
