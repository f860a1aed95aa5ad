//! Files that customers send.

use std::fmt;
#[cfg(feature = "command")]
use std::{fs, io, path::Path};

use axum::body::Bytes;
use serde::{Deserialize, Serialize};

use super::ActError;

/// A file that a customer sends, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "command", derive(clap::Args))]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// The file.
    #[cfg_attr(feature = "command", arg(value_parser = File::read))]
    pub file: File,
    /// What it is sent as; what fits its MIME type where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "command", arg(long))]
    pub kind: Option<AttachmentKind>,
    /// Its MIME type; what its name tells where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "command", arg(long))]
    pub mime_type: Option<String>,
    /// The text below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "command", arg(long))]
    pub caption: Option<String>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name, without a folder's.
    pub name: String,
    /// What it holds; in JSON, its base64.
    #[serde(with = "as_base64")]
    pub bytes: Bytes,
}

/// What a file is sent as (Cloud API, webhooks: messages).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "command", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
pub enum AttachmentKind {
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A sound file.
    Audio,
    /// A voice note, recorded in WhatsApp.
    Voice,
    /// Any other file.
    Document,
    /// A sticker.
    Sticker,
}

impl Attachment {
    /// A file that is sent as what its name tells.
    #[must_use]
    pub fn new(name: &str, bytes: impl Into<Bytes>) -> Self {
        let (name, bytes) = (name.to_owned(), bytes.into());
        Self {
            file: File { name, bytes },
            kind: None,
            mime_type: None,
            caption: None,
        }
    }

    /// The same, sent as this.
    #[must_use]
    pub fn sent_as(self, kind: AttachmentKind) -> Self {
        Self {
            kind: Some(kind),
            ..self
        }
    }

    /// The same with a text below it.
    #[must_use]
    pub fn captioned(self, caption: &str) -> Self {
        Self {
            caption: Some(caption.to_owned()),
            ..self
        }
    }

    /// Its MIME type and its kind.
    pub(super) fn classify(&self) -> Result<(&str, AttachmentKind), ActError> {
        let told = self.mime_type.as_deref().or_else(|| self.file.mime_type());
        let mime_type = told.ok_or_else(|| ActError::FileType(self.file.name.clone()))?;
        let kind = self.kind.unwrap_or_else(|| AttachmentKind::of(mime_type));
        if self.caption.is_some() && !kind.has_caption() {
            return Err(ActError::Caption(kind));
        }
        Ok((mime_type, kind))
    }
}

impl File {
    /// Reads it from a path.
    #[cfg(feature = "command")]
    fn read(path: &str) -> io::Result<Self> {
        let bytes = fs::read(path)?.into();
        let name = Path::new(path).file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        Ok(Self { name, bytes })
    }

    /// What its name tells of its type: those that may be sent to customers too (Cloud API, media: supported media types).
    fn mime_type(&self) -> Option<&'static str> {
        let (_, extension) = self.name.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" => "image/jpeg",
            "png" => "image/png",
            "webp" => "image/webp",
            "mp4" => "video/mp4",
            "3gp" => "video/3gpp",
            "aac" => "audio/aac",
            "amr" => "audio/amr",
            "mp3" => "audio/mpeg",
            "m4a" => "audio/mp4",
            // Other codecs are not supported in it.
            "ogg" | "opus" => "audio/ogg; codecs=opus",
            "txt" => "text/plain",
            "pdf" => "application/pdf",
            "doc" => "application/msword",
            "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "xls" => "application/vnd.ms-excel",
            "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "ppt" => "application/vnd.ms-powerpoint",
            "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            _ => return None,
        })
    }
}

impl AttachmentKind {
    /// What WhatsApp sends such a file as. Assumed, but that stickers are WebP (Cloud API, media: supported media types).
    fn of(mime_type: &str) -> Self {
        match mime_type.split('/').next() {
            _ if mime_type == "image/webp" => Self::Sticker,
            Some("image") => Self::Image,
            Some("video") => Self::Video,
            Some("audio") => Self::Audio,
            _ => Self::Document,
        }
    }

    /// A message's `type`, and the member of that name.
    pub(super) fn member(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio | Self::Voice => "audio",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }

    fn has_caption(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Document)
    }
}

impl fmt::Display for AttachmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "an image",
            Self::Video => "a video",
            Self::Audio => "an audio file",
            Self::Voice => "a voice note",
            Self::Document => "a document",
            Self::Sticker => "a sticker",
        })
    }
}

/// Bytes as text.
mod as_base64 {
    use axum::body::Bytes;
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = BASE64_STANDARD.decode(text).map_err(D::Error::custom)?;
        Ok(bytes.into())
    }
}
