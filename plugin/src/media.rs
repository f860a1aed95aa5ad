//! Where media is, and how it is put there. The bytes never come here.
#![allow(clippy::result_large_err, reason = "the errors are the contract's own")]

use serde_json::Value;

use crate::api::{self, Call, Client, Http, object, percent_encoded};
use crate::bindings::exports::messaging::channel::media::{
    MediaLocation, Multipart, Upload, UploadAnswer, UploadEncoding, UploadError, UploadPurpose,
    UploadRequest, UploadedMedia,
};
use crate::bindings::messaging::channel::http::Response;
use crate::bindings::messaging::channel::types::{Error, Header, Problem};
use crate::description::MEDIA;
use crate::problem::Problems;
use crate::settings::{API_KEY, Api};

/// How long an uploaded file is kept. (360dialog, media: 30 days.)
const KEPT_SECONDS: u32 = 30 * 86_400;

/// The most bytes of any file. (360dialog, media: 100 MB.)
const MAX_BYTES: u64 = 100 * 1024 * 1024;

const SOURCE: &str = "360dialog, upload, retrieve or delete media";
const SOURCE_UPLOADS: &str = "360dialog, media uploads";
const SOURCE_TYPES: &str = "Cloud API, supported media types";

/// Where media that came in can be fetched: through 360dialog, which has Meta's address behind its own. (360dialog, retrieve media.)
///
/// # Errors
///
/// What 360dialog, or the way to it, said. Media that is gone stays gone: 360dialog blocks numbers that ask again and again.
pub fn locate(http: &impl Http, settings: &str, media_id: &str) -> Result<MediaLocation, Error> {
    let client = Client::new(http, settings)?;
    let headers = vec![Header {
        name: "D360-API-KEY".into(),
        value: API_KEY.into(),
    }];
    if media_id.is_empty() {
        return Err(api::invalid(
            "This is no media id",
            "Give the id as a webhook had it",
        ));
    }
    let path = format!("/{}", percent_encoded(media_id));
    match client.api() {
        Api::Cloud => {}
        Api::OnPremise => {
            return Ok(MediaLocation {
                url: client.url(&format!("/v1/media{path}")),
                headers,
                mime_type: None,
                sha256: None,
                size: None,
                expires: None,
            });
        }
        Api::Sandbox => {
            return Err(api::invalid(
                "The sandbox has no media",
                "Use a number of your own, with api \"cloud\" in the settings",
            ));
        }
    }
    let result = client.get(&path, Vec::new());
    let found = object(result)?;
    let text = |name| api::text(found.get(name));
    let url = text("url").ok_or_else(|| {
        api::invalid(
            "The answer names no address of the media",
            "Ask the person to send it again",
        )
    })?;
    let Some(path) = path_and_query(&url) else {
        return Err(api::invalid(
            "The address of the media is none",
            "Ask the person to send it again",
        ));
    };
    Ok(MediaLocation {
        url: client.url(path),
        headers,
        mime_type: text("mime_type"),
        sha256: text("sha256"),
        size: text("file_size").and_then(|size| size.parse().ok()),
        expires: expires(path),
    })
}

/// What follows scheme and host.
fn path_and_query(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    Some(path.split('#').next().unwrap_or(path))
}

/// Until when an address works: `ext`, in seconds.
fn expires(path: &str) -> Option<u64> {
    let (_, query) = path.split_once('?')?;
    let seconds = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("ext="))?;
    seconds.parse::<u64>().ok()?.checked_mul(1000)
}

/// How to upload a file. For a message it is a form; for anything else 360dialog wants a session first, which is opened here.
/// (360dialog, upload media; media uploads.)
///
/// # Errors
///
/// What breaks a rule, all of it; or what 360dialog, or the way to it, said.
pub fn upload_form(
    http: &impl Http,
    settings: &str,
    upload: &Upload,
) -> Result<UploadRequest, UploadError> {
    let client = Client::new(http, settings).map_err(UploadError::Failed)?;
    let problems = check(client.api(), upload);
    if !problems.is_empty() {
        return Err(UploadError::Invalid(problems));
    }
    let headers = vec![Header {
        name: "D360-API-KEY".into(),
        value: API_KEY.into(),
    }];
    let request = |path: &str, headers, encoding| UploadRequest {
        method: "POST".into(),
        url: client.url(path),
        headers,
        encoding,
    };
    if let UploadPurpose::Message(_) = upload.purpose {
        let fields = vec![
            ("messaging_product".to_owned(), "whatsapp".to_owned()),
            ("type".to_owned(), upload.mime_type.clone()),
        ];
        let form = Multipart {
            file_field: "file".into(),
            fields,
        };
        return Ok(request("/media", headers, UploadEncoding::Multipart(form)));
    }
    let session = session(&client, upload).map_err(UploadError::Failed)?;
    let mut headers = headers;
    headers.push(Header {
        name: "file_offset".into(),
        value: "0".into(),
    });
    Ok(request(
        &format!("/{session}"),
        headers,
        UploadEncoding::Raw,
    ))
}

/// Opens a session: its id, which begins with `upload:`. (360dialog, media uploads.)
fn session(client: &Client<'_, impl Http>, upload: &Upload) -> Result<String, Error> {
    let name = upload.filename.as_deref().unwrap_or("file");
    let path = format!(
        "/uploads?file_name={}&file_length={}&file_type={}",
        percent_encoded(name),
        upload.size,
        percent_encoded(&upload.mime_type)
    );
    let opened = object(client.send("POST", &path, api::JSON, Vec::new()))?;
    let id = api::text(opened.get("id"))
        .filter(|id| !id.contains(['/', '#']))
        .ok_or_else(|| api::invalid("The answer names no session to upload to", "Try again"))?;
    // An older page shows the id without its prefix.
    Ok(if id.starts_with("upload:") {
        id
    } else {
        format!("upload:{id}")
    })
}

/// Whether the file may be uploaded for this purpose.
fn check(api: Api, upload: &Upload) -> Vec<Problem> {
    let mut problems = Problems::default();
    if api != Api::Cloud {
        problems.add(
            "",
            "unsupported",
            "Only the Cloud API takes files: use a number of your own, with api \"cloud\" in the settings",
            SOURCE,
        );
    }
    if upload.size == 0 {
        problems.add(
            "/size",
            "empty",
            "The file is empty: give one with content",
            SOURCE,
        );
    }
    // `audio/ogg; codecs=opus` has a parameter.
    let bare = upload
        .mime_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let (types, max_bytes): (&[&str], u64) = match &upload.purpose {
        UploadPurpose::Message(kind) => {
            let Some((_, types, max_bytes)) = MEDIA.iter().find(|(media, ..)| media == kind) else {
                problems.add(
                    "/purpose",
                    "unsupported",
                    format_args!(
                        "No file is sent in a message of kind {kind}: use one of {}",
                        MEDIA.map(|(kind, ..)| kind).join(", ")
                    ),
                    SOURCE_TYPES,
                );
                return problems.into_vec();
            };
            (types, *max_bytes)
        }
        // Headers of templates and the picture take these. (Cloud API, components: IMAGE, VIDEO, DOCUMENT.)
        UploadPurpose::TemplateExample => (
            &["image/jpeg", "image/png", "video/mp4", "application/pdf"],
            MAX_BYTES,
        ),
        UploadPurpose::ProfilePicture => (&["image/jpeg", "image/png"], 5 * 1024 * 1024),
        UploadPurpose::Other(word) => {
            problems.add(
                "/purpose",
                "unsupported",
                format_args!("Nothing is uploaded for {word}: use message, template_example or profile_picture"),
                SOURCE_UPLOADS,
            );
            return problems.into_vec();
        }
    };
    if !types.iter().any(|known| known.eq_ignore_ascii_case(bare)) {
        problems.add(
            "/mime_type",
            "unsupported_type",
            format_args!(
                "A file of type {bare} can't be used here: give one of {}",
                types.join(", ")
            ),
            SOURCE_TYPES,
        );
    }
    if upload.size > max_bytes {
        problems.add(
            "/size",
            "too_large",
            format_args!(
                "The file has {} bytes: make it smaller than {max_bytes}",
                upload.size
            ),
            SOURCE_TYPES,
        );
    }
    problems.into_vec()
}

/// What an upload gave: the id of media, or the handle of a session's file.
///
/// # Errors
///
/// What 360dialog said.
pub fn uploaded(upload: &Upload, answer: UploadAnswer) -> Result<UploadedMedia, Error> {
    let response = Response {
        status: answer.status,
        headers: Vec::new(),
        body: answer.body,
    };
    let response = api::answer(Ok(response), Call::Repeatable)?;
    let said: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let (member, kept_seconds) = match upload.purpose {
        UploadPurpose::Message(_) => ("id", Some(KEPT_SECONDS)),
        _ => ("h", None),
    };
    match api::text(said.get(member)) {
        Some(id) => Ok(UploadedMedia { id, kept_seconds }),
        None => Err(api::unreadable(&response)),
    }
}

#[cfg(test)]
mod tests;
