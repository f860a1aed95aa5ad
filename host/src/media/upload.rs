//! What is to go out: uploaded to the vendor, once as long as it is kept there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::Stream;
use reqwest::multipart;
use rusqlite::{OptionalExtension, params};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::timeout;

use super::files::{Broken, Part};
use super::{HOUR, MediaError, TRANSFER, kind};
use crate::capability::{FileBody, Lent};
use crate::channel::Channel;
use crate::contract::http::{Failure, Request};
use crate::contract::json;
use crate::contract::media::{
    Upload, UploadAnswer, UploadEncoding, UploadError, UploadPurpose, UploadRequest, UploadedMedia,
};
use crate::contract::types::{Problem, Timestamp};
use crate::host::Shared;
use crate::store::StoreError;
use crate::{CallError, Instance};

/// How long before its end an upload is not used any more, in milliseconds: a message may wait before it leaves.
const MARGIN: u64 = 24 * HOUR;

/// The longest name of a file, in bytes.
const NAME_BYTES: usize = 255;

/// Parts of a form beside the file.
const FIELDS: usize = 64;

/// When to try again where no connection stood or one broke.
const AGAIN: Duration = Duration::from_secs(5);

/// A file to upload, beside its bytes.
#[derive(Clone, Debug)]
pub struct NewMedia {
    /// What it is for.
    pub purpose: UploadPurpose,
    /// Its type.
    pub mime_type: String,
    /// Its name.
    pub filename: Option<String>,
    /// Upload it though the vendor has it.
    pub again: bool,
}

/// A file that the vendor has.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Uploaded {
    /// The vendor's id, or handle, to name it by.
    pub id: String,
    /// The SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Until when the vendor keeps it, where that is known.
    #[serde(
        default,
        with = "json::optional_timestamp",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires: Option<Timestamp>,
    /// It was there already.
    pub reused: bool,
}

/// Takes a file in that somebody sends.
pub(crate) async fn receive<B: AsRef<[u8]>, E: std::fmt::Display>(
    host: &Shared,
    bytes: impl Stream<Item = Result<B, E>>,
) -> Result<Part, MediaError> {
    let most = host.options.media_bytes;
    let part = Part::write(bytes, host.files.parts(), most);
    match timeout(TRANSFER, part).await {
        Ok(Ok(part)) => Ok(part),
        Ok(Err(Broken::TooLarge)) => Err(MediaError::TooLarge(most)),
        Ok(Err(Broken::File(error))) => Err(error.into()),
        Ok(Err(Broken::Stream(error))) => Err(MediaError::Cut(error.to_string())),
        Err(_) => Err(MediaError::Cut(format!(
            "it took longer than {} s",
            TRANSFER.as_secs()
        ))),
    }
}

/// Uploads a file, unless the vendor has it.
pub(crate) async fn upload(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    new: NewMedia,
    part: Part,
) -> Result<Uploaded, MediaError> {
    if !channel.plugin.has("media") {
        return Err(CallError::Absent("media").into());
    }
    let problems = check(&new, &part);
    if !problems.is_empty() {
        return Err(MediaError::Invalid(problems));
    }
    let purpose = word(&new.purpose);
    if !new.again
        && let Some(known) = known(host, channel, &purpose, &new.mime_type, &part.sha256)?
    {
        host.metrics.media(&channel.id, "reused");
        return Ok(known);
    }
    let Ok(_turn) = channel.transfers.turns.acquire().await else {
        return Err(StoreError::Closed.into());
    };
    let upload = Upload {
        purpose: new.purpose,
        mime_type: new.mime_type,
        size: part.size,
        filename: new.filename,
    };
    let sent = send(host, channel, &upload, &part).await;
    let outcome = match &sent {
        Ok(_) => "uploaded",
        Err(MediaError::Invalid(_)) => "refused",
        Err(_) => "failed",
    };
    host.metrics.media(&channel.id, outcome);
    let uploaded = sent?;
    let now = host.clock.now();
    let kept = uploaded
        .kept_seconds
        .map(|seconds| u64::from(seconds) * 1000);
    let expires = kept.map(|kept| now + kept);
    if let Some(expires) = expires {
        let row = (
            channel.id.clone(),
            purpose,
            upload.mime_type,
            part.sha256.clone(),
            uploaded.id.clone(),
        );
        host.store
            .write(move |connection| {
                let (channel, purpose, mime_type, sha256, id) = row;
                let insert = "INSERT OR REPLACE INTO upload (channel, purpose, mime_type, sha256, id, expires)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                connection.execute(insert, params![channel, purpose, mime_type, sha256, id, expires])?;
                Ok::<_, StoreError>(())
            })
            .await?;
    }
    tracing::debug!(
        channel = channel.id,
        size = part.size,
        "a file was uploaded"
    );
    Ok(Uploaded {
        id: uploaded.id,
        sha256: part.sha256.clone(),
        expires,
        reused: false,
    })
}

/// What is wrong with a file whatever the channel.
fn check(new: &NewMedia, part: &Part) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |pointer: &str, code: &str, message: String| {
        problems.push(Problem {
            pointer: pointer.to_owned(),
            code: code.to_owned(),
            message,
            source: None,
        });
    };
    if !kind::is_type(&new.mime_type) {
        let message = "This is no type of a file: write one such as image/jpeg";
        add("/mime_type", "malformed", message.to_owned());
    } else if let Some(found) = kind::contradiction(&part.head, &new.mime_type) {
        let message = format!("The bytes are {found}: name that type, or give another file");
        add("/mime_type", "contradicted", message);
    }
    if new.filename.as_ref().is_some_and(|name| {
        name.is_empty() || name.len() > NAME_BYTES || name.contains(char::is_control)
    }) {
        let message = format!("A name has 1 to {NAME_BYTES} bytes and no control characters");
        add("/filename", "malformed", message);
    }
    problems
}

/// What tells uploads for one purpose from others.
fn word(purpose: &UploadPurpose) -> String {
    match purpose {
        UploadPurpose::Message(kind) => format!("message {kind}"),
        UploadPurpose::TemplateExample => "template_example".to_owned(),
        UploadPurpose::ProfilePicture => "profile_picture".to_owned(),
        UploadPurpose::Other(word) => format!("other {word}"),
    }
}

/// The same file as it was uploaded before, where the vendor keeps it for long enough.
fn known(
    host: &Shared,
    channel: &Channel,
    purpose: &str,
    mime_type: &str,
    sha256: &str,
) -> Result<Option<Uploaded>, StoreError> {
    let until = host.clock.now() + MARGIN;
    host.store.read_now(|connection| {
        let select = "SELECT id, expires FROM upload
            WHERE channel = ?1 AND sha256 = ?2 AND purpose = ?3 AND mime_type = ?4 AND expires > ?5";
        let key = params![channel.id, sha256, purpose, mime_type, until];
        let found = connection.prepare_cached(select)?.query_row(key, |row| {
            Ok(Uploaded {
                id: row.get(0)?,
                sha256: sha256.to_owned(),
                expires: Some(row.get(1)?),
                reused: true,
            })
        });
        Ok(found.optional()?)
    })
}

/// Lets the plugin say how, uploads, and lets it read the answer.
async fn send(
    host: &Arc<Shared>,
    channel: &Arc<Channel>,
    upload: &Upload,
    part: &Part,
) -> Result<UploadedMedia, MediaError> {
    let current = channel.current();
    let lent = Lent {
        http: Some(Arc::clone(&current.http) as _),
        storage: None,
    };
    let form = async |sandbox: &mut Instance| sandbox.upload_form(&current.settings, upload).await;
    let form = channel.call(host, "media.upload-form", lent, form).await;
    let form = form?.map_err(|error| match error {
        UploadError::Invalid(problems) => MediaError::Invalid(problems),
        UploadError::Failed(error) => MediaError::Refused(error.into()),
    })?;
    let transfer = async {
        let (request, body) = request(form, upload, part).await?;
        let response = current.http.open(request, Some(body)).await;
        let response = response.map_err(failed)?;
        current.http.answer(response).await.map_err(failed)
    };
    let too_long = || MediaError::NotNow {
        reason: format!("the upload took longer than {} s", TRANSFER.as_secs()),
        retry: AGAIN,
    };
    let response = timeout(TRANSFER, transfer)
        .await
        .map_err(|_| too_long())??;
    let answer = UploadAnswer {
        status: response.status,
        body: response.body,
    };
    let began = Instant::now();
    let uploaded = match channel.plugin.instantiate().await {
        Ok(mut sandbox) => sandbox.uploaded(upload, &answer).await,
        Err(error) => Err(error),
    };
    host.metrics
        .called(&channel.id, "media.uploaded", &uploaded, began.elapsed());
    uploaded?.map_err(|error| MediaError::Refused(error.into()))
}

/// The request that the plugin asks for, and the file in it.
async fn request(
    form: UploadRequest,
    upload: &Upload,
    part: &Part,
) -> Result<(Request, FileBody), MediaError> {
    let file = tokio::fs::File::open(&part.path).await?;
    let body = match form.encoding {
        UploadEncoding::Raw => FileBody::Raw(file.into(), part.size),
        UploadEncoding::Multipart(multipart) => {
            if multipart.fields.len() > FIELDS {
                let reason = format!("a form may have {FIELDS} fields beside the file");
                return Err(MediaError::Denied(reason));
            }
            let name = upload.filename.clone().unwrap_or_else(|| "file".to_owned());
            let file = multipart::Part::stream_with_length(file, part.size).file_name(name);
            let file = file.mime_str(&upload.mime_type).map_err(|_| {
                MediaError::Denied("the type can't be written into a form".to_owned())
            })?;
            let form = multipart
                .fields
                .into_iter()
                .fold(multipart::Form::new(), |form, (name, value)| {
                    form.text(name, value)
                });
            FileBody::Form(form.part(multipart.file_field, file))
        }
    };
    let request = Request {
        method: form.method,
        url: form.url,
        headers: form.headers,
        body: None,
        fill_body: false,
        timeout_ms: None,
        seal: Vec::new(),
    };
    Ok((request, body))
}

/// Why there is no answer to an upload. To try again doubles nothing but a file that nobody has named yet.
fn failed(failure: Failure) -> MediaError {
    let reason = match failure {
        Failure::Denied(reason) => return MediaError::Denied(reason),
        Failure::Unreachable(reason) | Failure::Interrupted(reason) => reason,
        Failure::TooLarge(status) => {
            format!("the vendor's answer, of status {status}, is too large")
        }
        Failure::SealingDeclined => "this host does not seal".to_owned(),
    };
    MediaError::NotNow {
        reason: format!("the upload did not get through: {reason}"),
        retry: AGAIN,
    }
}
