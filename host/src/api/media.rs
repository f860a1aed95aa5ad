//! Files of messages: having those that came in, and uploading those that are to go out.

use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use super::openapi::{Routes, answers, op, takes};
use super::problem::{Checked, Problem};
use super::{Named, broken};
use crate::contract::media::UploadPurpose;
use crate::{NewMedia, Uploaded};

/// Says what the bytes are, where that is not what the vendor says.
const FOUND_TYPE: HeaderName = HeaderName::from_static("x-found-type");

/// The most bytes of a file's name that are shown.
const NAME_BYTES: usize = 200;

pub(super) fn routes() -> Routes {
    Routes::new()
        .route(
            "/channels/{channel}/media",
            post_with(upload, |it| {
                let it = op(it, "upload_media", "Upload a file that is to be sent")
                    .response::<200, Json<Uploaded>>()
                    .response::<201, Json<Uploaded>>();
                takes(it, "*/*", "The file, in its own type")
            }),
        )
        .route(
            "/channels/{channel}/media/{media}",
            get_with(download, |it| {
                let it = op(it, "get_media", "Have the file of a message");
                answers(it, "*/*", "The file, in the type that the vendor says")
            }),
        )
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
struct Address {
    /// The vendor's id of it.
    media: String,
}

async fn download(
    Named(channel): Named,
    Checked(Path(address)): Checked<Path<Address>>,
) -> Result<Response, Problem> {
    let media = channel.media(&address.media).await?;
    let header = |text: &str| HeaderValue::from_str(text).ok();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_LENGTH, media.size.into());
    // Somebody chose the bytes, their type and their name: no browser shall show them as a page of this address.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let said = media.mime_type.as_deref().and_then(header);
    let unknown = || HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, said.unwrap_or_else(unknown));
    let disposition = header(&disposition(media.filename.as_deref()));
    let attachment = || HeaderValue::from_static("attachment");
    headers.insert(CONTENT_DISPOSITION, disposition.unwrap_or_else(attachment));
    for (name, value) in [
        (ETAG, Some(format!("\"{}\"", media.sha256))),
        (FOUND_TYPE, media.found_type),
    ] {
        if let Some(value) = value.as_deref().and_then(header) {
            headers.insert(name, value);
        }
    }
    let body = Body::from_stream(ReaderStream::new(media.file));
    Ok((headers, body).into_response())
}

/// The header by which a file is stored under its name (RFC 6266), which leads into no folder.
fn disposition(filename: Option<&str>) -> String {
    let name = filename.and_then(|name| name.rsplit(['/', '\\']).next());
    let name: String = name
        .unwrap_or_default()
        .chars()
        .filter(|character| !character.is_control())
        .collect();
    // Its end says what it is.
    let name = &name[name.ceil_char_boundary(name.len().saturating_sub(NAME_BYTES))..];
    match name.trim_start_matches('.') {
        "" => "attachment".to_owned(),
        name => {
            let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
            format!("attachment; filename*=UTF-8''{name}")
        }
    }
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(inline)]
struct Uploading {
    /// The kind of message that it is for.
    kind: Option<String>,
    /// What it is for where it is for no message: `template_example`, `profile_picture`.
    purpose: Option<String>,
    /// Its name.
    filename: Option<String>,
    /// Upload it though the vendor has it.
    again: bool,
}

impl Uploading {
    fn purpose(&self) -> Result<UploadPurpose, Problem> {
        match (&self.kind, self.purpose.as_deref()) {
            (Some(kind), None) => Ok(UploadPurpose::Message(kind.clone())),
            (None, Some("template_example")) => Ok(UploadPurpose::TemplateExample),
            (None, Some("profile_picture")) => Ok(UploadPurpose::ProfilePicture),
            (None, Some(other)) => Ok(UploadPurpose::Other(other.to_owned())),
            _ => Err(Problem::bad_request(
                "say what the file is for in one parameter: kind, of the message (image, document), or purpose \
                 (template_example, profile_picture)",
            )),
        }
    }
}

async fn upload(
    Named(channel): Named,
    Checked(Query(uploading)): Checked<Query<Uploading>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Uploaded>), Problem> {
    let purpose = uploading.purpose()?;
    let mime_type = headers.get(CONTENT_TYPE).map(|value| value.to_str());
    let Some(Ok(mime_type)) = mime_type else {
        let message = "Name the file's type in the header content-type";
        return Err(broken("/mime_type", "required", message));
    };
    let new = NewMedia {
        purpose,
        mime_type: mime_type.to_owned(),
        filename: uploading.filename,
        again: uploading.again,
    };
    let uploaded = channel.upload(new, body.into_data_stream()).await?;
    let status = if uploaded.reused {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Ok((status, Json(uploaded)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_and_ends_no_header() {
        let long = format!("{}.pdf", "ü".repeat(200));
        for (name, expected) in [
            (None, "attachment"),
            (Some(""), "attachment"),
            (Some(".."), "attachment"),
            (Some("../../etc/"), "attachment"),
            (Some("a.pdf"), "attachment; filename*=UTF-8''a%2Epdf"),
            (
                Some("..\\..\\b.exe"),
                "attachment; filename*=UTF-8''b%2Eexe",
            ),
            (Some("/etc/.ssh"), "attachment; filename*=UTF-8''ssh"),
            (
                Some("a\"\r\nx: y; ü"),
                "attachment; filename*=UTF-8''a%22x%3A%20y%3B%20%C3%BC",
            ),
        ] {
            assert_eq!(disposition(name), expected, "{name:?}");
        }
        assert!(disposition(Some(&long)).ends_with("%2Epdf"));
    }
}
