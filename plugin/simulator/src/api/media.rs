//! Files of messages: a message names a file by its id.

use std::collections::HashMap;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::StatusCode;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::api::messages::errors::refused;
use crate::api::{gateway_limit, not_found};
use crate::refusal::Refusal;
use crate::request::{Reply, Seen};
use crate::state::State;

const MINUTE_MS: u64 = 60 * 1000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// How long an uploaded file is kept (Cloud API, media). 360dialog also writes "30 days after last use"; from its upload on
/// is assumed.
const KEPT_UPLOAD_MS: u64 = 30 * DAY_MS;

/// How long a customer's file is kept (Cloud API, media).
const KEPT_OF_CUSTOMER_MS: u64 = 7 * DAY_MS;

/// How long an address to download from is good (360dialog, media).
const ADDRESS_GOOD_MS: u64 = 5 * MINUTE_MS;

/// How many files a number may upload in a second (360dialog, upload, retrieve or delete media). That only those count that
/// are accepted, and that the gateway says so as of its other limits, is assumed.
const UPLOADS: usize = 25;

/// How many failed `GET /{media-id}` within how long block it, and for how long (360dialog, upload, retrieve or delete media).
const FAILURES: usize = 20;
const FAILURES_WITHIN_MS: u64 = 60 * MINUTE_MS;
const BLOCKED_MS: u64 = 30 * MINUTE_MS;

/// The largest file of any type: 100 MB (360dialog, media). That a megabyte has 1024 kilobytes is assumed.
const LARGEST: usize = 100 << 20;

/// Which types of files the types of messages take, and how many bytes (Cloud API, media). Documents are in none of these
/// types, or in any of them.
const KINDS: [(&str, &[&str], usize); 4] = [
    ("image", &["image/jpeg", "image/png"], 5 << 20),
    ("video", &["video/mp4", "video/3gpp"], 16 << 20),
    ("audio", AUDIO, 16 << 20),
    ("sticker", &["image/webp"], 500 << 10),
];
const AUDIO: &[&str] = &[
    "audio/aac",
    "audio/amr",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
];

/// The largest sticker that does not move, in bytes (Cloud API, media).
const LARGEST_STILL_STICKER: usize = 100 << 10;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    pub(crate) mime_type: String,
    pub(crate) bytes: Bytes,
    /// When it came, in milliseconds since 1970.
    pub(crate) time: u64,
    kept_ms: u64,
}

impl Media {
    /// Whether a message of this type may consist of it.
    pub(crate) fn fits(&self, kind: &str) -> bool {
        let listed = KINDS.iter().find(|(name, ..)| *name == kind);
        listed.is_none_or(|(_, types, _)| types.contains(&essence(&self.mime_type).as_str()))
    }

    fn is_kept(&self, now: u64) -> bool {
        now < self.time + self.kept_ms
    }
}

/// The files, by id.
#[derive(Debug, Default)]
pub(crate) struct MediaStore {
    kept: HashMap<String, Media>,
    /// When the latest were uploaded, in order.
    uploads: Vec<u64>,
    /// When `GET /{media-id}` failed, in order.
    failures: Vec<u64>,
    blocked_until: u64,
}

impl MediaStore {
    /// A file that is kept still.
    pub(crate) fn get(&self, id: &str, now: u64) -> Option<&Media> {
        self.kept.get(id).filter(|media| media.is_kept(now))
    }

    /// Whether one more file may be uploaded now.
    fn admit(&mut self, now: u64) -> Result<(), Refusal> {
        self.uploads.retain(|time| now < time + 1000);
        if self.uploads.len() >= UPLOADS {
            return Err(gateway_limit());
        }
        self.uploads.push(now);
        Ok(())
    }

    fn failed(&mut self, now: u64) {
        self.failures.retain(|time| now < time + FAILURES_WITHIN_MS);
        self.failures.push(now);
        if self.failures.len() >= FAILURES {
            self.failures.clear();
            self.blocked_until = now + BLOCKED_MS;
        }
    }
}

/// A file to keep, as it was uploaded.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) mime_type: String,
    pub(crate) bytes: Bytes,
}

/// Reads the form of `POST /media`: `messaging_product`, `file` and its type (360dialog, media). The type is that of the field
/// `type`, or else that of the file's part: assumed, as 360dialog's example has the latter and Meta's the former.
pub(crate) async fn read(seen: &Seen) -> Result<Upload, Refusal> {
    let unreadable = |details: String| refused(100, details);
    let mut request = Request::new(Body::from(seen.body.clone()));
    request.headers_mut().clone_from(&seen.headers);
    // The request was read already, within a limit of its own.
    DefaultBodyLimit::disable().apply(&mut request);
    let form = Multipart::from_request(request, &()).await;
    let mut form = form.map_err(|error| unreadable(error.body_text()))?;
    let (mut product, mut mime_type, mut file) = (None, None, None);
    while let Some(field) = form
        .next_field()
        .await
        .map_err(|error| unreadable(error.body_text()))?
    {
        let name = field.name().unwrap_or_default().to_owned();
        let of_part = field.content_type().map(str::to_owned);
        let bytes = field.bytes().await;
        let bytes = bytes.map_err(|error| unreadable(error.body_text()))?;
        match name.as_str() {
            "messaging_product" => product = Some(bytes),
            "type" => mime_type = String::from_utf8(bytes.into()).ok(),
            "file" => file = Some((bytes, of_part)),
            _ => {}
        }
    }
    match product.as_deref() {
        Some(b"whatsapp") => {}
        Some(_) => return Err(refused(131_009, "messaging_product must be whatsapp")),
        None => return Err(refused(131_008, "messaging_product is required")),
    }
    let (bytes, of_part) = file.ok_or_else(|| refused(131_008, "file is required"))?;
    let mime_type = mime_type
        .or(of_part)
        .ok_or_else(|| refused(131_008, "type is required"))?;
    Ok(Upload { mime_type, bytes })
}

/// `POST /media`.
pub(crate) fn upload(state: &mut State, upload: Upload) -> Result<Reply, Refusal> {
    check(&upload)?;
    let now = state.now();
    state.media.admit(now)?;
    let id = state.add(&upload.mime_type, upload.bytes, KEPT_UPLOAD_MS);
    Ok(Reply::ok(&json!({"id": id})))
}

/// Types and sizes (Cloud API, media; error 131053). Other types than those of documents "usually pass as files", unless
/// they are images, videos or audio: assumed.
fn check(upload: &Upload) -> Result<(), Refusal> {
    let mime_type = essence(&upload.mime_type);
    let kind = KINDS
        .iter()
        .find(|(_, types, _)| types.contains(&mime_type.as_str()));
    let largest = match kind {
        Some(("sticker", ..)) if !is_animated(&upload.bytes) => LARGEST_STILL_STICKER,
        Some((_, _, largest)) => *largest,
        None if matches!(
            mime_type.split_once('/'),
            None | Some(("image" | "video" | "audio", _))
        ) =>
        {
            let details = format!("Files of type {mime_type} are not supported");
            return Err(refused(131_053, details));
        }
        None => LARGEST,
    };
    let size = upload.bytes.len();
    if size > largest {
        let details = format!("The file has {size} bytes; {mime_type} may have {largest}");
        return Err(refused(131_053, details));
    }
    Ok(())
}

/// Whether a WebP image says that it is animated (WebP container: the second bit of its extended header's flags).
pub(crate) fn is_animated(webp: &[u8]) -> bool {
    webp.get(12..16) == Some(b"VP8X".as_slice()) && webp.get(20).is_some_and(|flags| flags & 2 != 0)
}

/// A type without its parameters: `audio/ogg` of `audio/ogg; codecs=opus`.
fn essence(mime_type: &str) -> String {
    let essence = mime_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// `GET` and `DELETE /{media-id}`.
pub(crate) fn one(state: &mut State, method: &str, id: &str) -> Result<Reply, Refusal> {
    let now = state.now();
    let get = method == "GET";
    if get && now < state.media.blocked_until {
        // That it says so as for other blocked endpoints is assumed (360dialog, API error message list).
        return Err(Refusal::gateway(
            StatusCode::FORBIDDEN,
            "The endpoint is blocked",
        ));
    }
    let Some(media) = state.media.get(id, now) else {
        if get {
            state.media.failed(now);
        }
        // Assumed: Meta's answer to any object that is not there.
        let details = format!("Unsupported request. Object with ID '{id}' does not exist");
        return Err(refused(100, details));
    };
    if !get {
        state.media.kept.remove(id);
        return Ok(Reply::ok(&json!({"success": true})));
    }
    // By whole seconds, as the address has them.
    let expiry = (now + ADDRESS_GOOD_MS) / 1000;
    let hash = signature(id, expiry);
    Ok(Reply::ok(&json!({
        "messaging_product": "whatsapp",
        "id": id,
        "url": format!("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid={id}&ext={expiry}&hash={hash}"),
        "mime_type": media.mime_type,
        "sha256": hex::encode(Sha256::digest(&media.bytes)),
        "file_size": media.bytes.len(),
    })))
}

/// `GET /whatsapp_business/attachments/`. One page of 360dialog's says `POST`, another `GET`, as all clients do: that there is
/// nothing but `GET` is assumed, and so is that a wrong or old address is answered with 404.
pub(crate) fn download(state: &State, seen: &Seen) -> Result<Reply, Refusal> {
    let asked = || {
        let id = seen.parameter("mid")?;
        let expiry = seen.parameter("ext")?.parse().ok()?;
        let signed = seen.parameter("hash")? == signature(&id, expiry);
        let now = state.now();
        (signed && now / 1000 < expiry).then_some(())?;
        state.media.get(&id, now)
    };
    let media = asked().ok_or_else(not_found)?;
    Ok(Reply::file(&media.mime_type, media.bytes.clone()))
}

/// What an address of a file bears as its hash.
fn signature(id: &str, expiry: u64) -> String {
    hex::encode(Sha256::digest(format!("{id} {expiry}")))
}

impl State {
    /// Keeps a customer's file. Returns its id.
    pub(crate) fn keep(&mut self, mime_type: &str, bytes: Bytes) -> String {
        self.add(mime_type, bytes, KEPT_OF_CUSTOMER_MS)
    }

    fn add(&mut self, mime_type: &str, bytes: Bytes, kept_ms: u64) -> String {
        // As long as Meta's.
        let id = (1_000_000_000_000_000 + self.count()).to_string();
        let now = self.now();
        let media = Media {
            mime_type: mime_type.to_owned(),
            bytes,
            time: now,
            kept_ms,
        };
        self.media.kept.retain(|_, media| media.is_kept(now));
        self.media.kept.insert(id.clone(), media);
        id
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::to_bytes;
    use axum::http::header::CONTENT_TYPE;
    use axum::http::{HeaderMap, Method};
    use axum::response::IntoResponse;
    use serde_json::Value;

    use super::*;
    use crate::Options;

    const PNG: &[u8] = b"\x89PNG";

    /// A simulator whose clock stands still.
    fn state() -> State {
        let mut state = State::new(Options::default());
        state.clock.freeze();
        state
    }

    fn request(path: &str, query: &str, headers: HeaderMap, body: Bytes) -> Seen {
        state().saw(Method::GET, (path, query), headers, body)
    }

    /// A form with those parts: a name, a type and the content.
    fn form(parts: &[(&str, Option<&str>, &[u8])]) -> Seen {
        let mut body = Vec::new();
        for (name, mime_type, content) in parts {
            let file =
                mime_type.map(|mime_type| format!("; filename=\"a\"\r\nContent-Type: {mime_type}"));
            let file = file.unwrap_or_default();
            let head =
                format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
            body.extend(head.as_bytes());
            body.extend(*content);
            body.extend(b"\r\n");
        }
        body.extend(b"--x--\r\n");
        let kind = "multipart/form-data; boundary=x".parse();
        let headers = [(CONTENT_TYPE, kind.expect("it is a header"))];
        request("/media", "", headers.into_iter().collect(), body.into())
    }

    fn code<T>(answered: &Result<T, Refusal>) -> Option<u32> {
        match answered {
            Err(Refusal::Graph { code, .. }) => Some(*code),
            Err(_) | Ok(_) => None,
        }
    }

    async fn json(reply: Reply) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&bytes(reply).await?)?)
    }

    async fn bytes(reply: Reply) -> anyhow::Result<Bytes> {
        let body = reply.into_response().into_body();
        Ok(to_bytes(body, LARGEST).await?)
    }

    fn answered(answered: Result<Reply, Refusal>) -> anyhow::Result<Reply> {
        answered.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))
    }

    fn metadata(state: &mut State, id: &str) -> Option<u32> {
        code(&one(state, "GET", id))
    }

    #[tokio::test]
    async fn a_form_is_read() -> anyhow::Result<()> {
        let product = ("messaging_product", None, b"whatsapp".as_slice());
        let file = ("file", Some("image/png"), PNG);
        let kind = ("type", None, b"image/jpeg".as_slice());
        let refused = |refusal| anyhow::anyhow!("{refusal:?}");
        let upload = read(&form(&[product, file])).await.map_err(refused)?;
        assert_eq!(
            (upload.mime_type.as_str(), &*upload.bytes),
            ("image/png", PNG)
        );
        let upload = read(&form(&[product, file, kind])).await.map_err(refused)?;
        assert_eq!(upload.mime_type, "image/jpeg");
        // More than axum reads by itself.
        let large = vec![0; 3 << 20];
        let upload = read(&form(&[product, ("file", Some("video/mp4"), &large)])).await;
        assert_eq!(upload.map_err(refused)?.bytes.len(), large.len());
        for (parts, expected) in [
            (&[file][..], 131_008),
            (&[product], 131_008),
            (&[product, ("file", None, PNG)], 131_008),
            (&[("messaging_product", None, b"sms"), file], 131_009),
        ] {
            assert_eq!(code(&read(&form(parts)).await), Some(expected), "{parts:?}");
        }
        let no_form = request("/media", "", HeaderMap::new(), PNG.into());
        assert_eq!(code(&read(&no_form).await), Some(100));
        Ok(())
    }

    #[test]
    fn types_and_sizes_are_those_of_messages() {
        let still = b"RIFF0000WEBPVP8 ".as_slice();
        let moving = b"RIFF0000WEBPVP8X0000\x02".as_slice();
        for (mime_type, start, size, taken) in [
            ("image/jpeg", PNG, 5 << 20, true),
            ("image/jpeg", PNG, (5 << 20) + 1, false),
            ("image/gif", PNG, 10, false),
            ("video/mp4", PNG, 16 << 20, true),
            ("video/mp4", PNG, (16 << 20) + 1, false),
            ("video/webm", PNG, 10, false),
            ("Audio/OGG; codecs=opus", PNG, 10, true),
            ("audio/wav", PNG, 10, false),
            ("image/webp", still, 100 << 10, true),
            ("image/webp", still, (100 << 10) + 1, false),
            ("image/webp", moving, 500 << 10, true),
            ("image/webp", moving, (500 << 10) + 1, false),
            ("application/pdf", PNG, 17 << 20, true),
            ("application/pdf", PNG, (100 << 20) + 1, false),
            ("pdf", PNG, 10, false),
        ] {
            let mut bytes = start.to_vec();
            bytes.resize(size, 0);
            let (mime_type, bytes) = (mime_type.to_owned(), bytes.into());
            let what = format!("{mime_type} of {size} bytes");
            let answered = upload(&mut state(), Upload { mime_type, bytes });
            let expected = (!taken).then_some(131_053);
            assert_eq!(code(&answered), expected, "{what}");
        }
    }

    #[tokio::test]
    async fn an_uploaded_file_is_described_downloaded_and_deleted() -> anyhow::Result<()> {
        let mut state = state();
        let (mime_type, bytes_of_file) = ("image/png".to_owned(), Bytes::from_static(PNG));
        let bytes = bytes_of_file.clone();
        let uploaded = upload(&mut state, Upload { mime_type, bytes });
        let uploaded = json(answered(uploaded)?).await?;
        let id = uploaded["id"].as_str().unwrap_or_default().to_owned();

        let described = json(answered(one(&mut state, "GET", &id))?).await?;
        assert_eq!(described["mime_type"], "image/png");
        assert_eq!(described["file_size"], PNG.len());
        assert_eq!(described["sha256"], hex::encode(Sha256::digest(PNG)));
        let url = described["url"].as_str().unwrap_or_default();
        let prefix = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?";
        let query = url.strip_prefix(prefix);
        let query = query.ok_or_else(|| anyhow::anyhow!("{url} is elsewhere"))?;
        let get = |query: &str| {
            request(
                "/whatsapp_business/attachments/",
                query,
                HeaderMap::new(),
                Bytes::new(),
            )
        };
        let downloaded = answered(download(&state, &get(query)))?;
        assert_eq!(self::bytes(downloaded).await?, bytes_of_file);
        let other = query.replace("ext=", "ext=1");
        assert_eq!(download(&state, &get(&other)).err(), Some(not_found()));
        state.clock.advance(Duration::from_mins(5));
        assert_eq!(download(&state, &get(query)).err(), Some(not_found()));

        let deleted = json(answered(one(&mut state, "DELETE", &id))?).await?;
        assert_eq!(deleted, json!({"success": true}));
        assert_eq!(metadata(&mut state, &id), Some(100));
        assert_eq!(code(&one(&mut state, "DELETE", &id)), Some(100));
        Ok(())
    }

    #[test]
    fn uploads_are_kept_for_thirty_days_and_customers_files_for_seven() {
        let mut state = state();
        let uploaded = state.add("image/png", Bytes::from_static(PNG), KEPT_UPLOAD_MS);
        let sent = state.keep("image/png", Bytes::from_static(PNG));
        let days = |days: u64| Duration::from_hours(days * 24);
        state
            .clock
            .advance(days(7).saturating_sub(Duration::from_millis(1)));
        assert!(state.media.get(&sent, state.now()).is_some());
        state.clock.advance(Duration::from_millis(1));
        assert_eq!(state.media.get(&sent, state.now()), None);
        state
            .clock
            .advance(days(23).saturating_sub(Duration::from_millis(1)));
        assert!(state.media.get(&uploaded, state.now()).is_some());
        state.clock.advance(Duration::from_millis(1));
        assert_eq!(state.media.get(&uploaded, state.now()), None);
        state.keep("image/png", Bytes::from_static(PNG));
        assert_eq!(state.media.kept.len(), 1);
    }

    #[test]
    fn twenty_five_files_are_uploaded_in_a_second() {
        let mut state = state();
        let mut uploaded = |after: u64| {
            state.clock.advance(Duration::from_millis(after));
            let (mime_type, bytes) = ("image/png".to_owned(), Bytes::from_static(PNG));
            upload(&mut state, Upload { mime_type, bytes }).map(drop)
        };
        assert_eq!(uploaded(0), Ok(()));
        assert_eq!(uploaded(500), Ok(()));
        for _ in 0..23 {
            assert_eq!(uploaded(0), Ok(()));
        }
        let limit = "You have exceeded the endpoint rate limit.";
        let limit = Err(Refusal::gateway(StatusCode::BAD_REQUEST, limit));
        assert_eq!(uploaded(499), limit);
        assert_eq!(uploaded(1), Ok(()));
        assert_eq!(uploaded(0), limit);
        assert_eq!(uploaded(500), Ok(()));
    }

    #[test]
    fn twenty_failures_within_an_hour_block_for_half_an_hour() {
        let mut state = state();
        let id = state.keep("image/png", Bytes::from_static(PNG));
        let blocked = Refusal::gateway(StatusCode::FORBIDDEN, "The endpoint is blocked");
        assert_eq!(metadata(&mut state, "1"), Some(100));
        state.clock.advance(Duration::from_hours(1));
        for _ in 0..19 {
            assert_eq!(metadata(&mut state, "1"), Some(100));
        }
        assert!(one(&mut state, "GET", &id).is_ok());
        assert_eq!(metadata(&mut state, "1"), Some(100));
        assert_eq!(one(&mut state, "GET", &id).err(), Some(blocked.clone()));
        state
            .clock
            .advance(Duration::from_mins(30).saturating_sub(Duration::from_millis(1)));
        assert_eq!(one(&mut state, "GET", &id).err(), Some(blocked));
        state.clock.advance(Duration::from_millis(1));
        assert!(one(&mut state, "GET", &id).is_ok());
    }
}
