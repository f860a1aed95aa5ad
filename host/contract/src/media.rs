//! `media`: where media is, and how it is put there. The bytes go through the host, never the sandbox.

use crate::boundary::{ComponentType, Lift, Lower};

use super::types::{Error, Header, MimeType, Problem, Timestamp};

/// Where the bytes of media can be fetched.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct MediaLocation {
    /// The address.
    pub url: String,
    /// Headers to send; they may hold placeholders of secrets.
    pub headers: Vec<Header>,
    /// The bytes' type.
    #[component(name = "mime-type")]
    pub mime_type: Option<MimeType>,
    /// Their SHA-256, hexadecimal or base64.
    pub sha256: Option<String>,
    /// Their number.
    pub size: Option<u64>,
    /// The address works until then.
    pub expires: Option<Timestamp>,
}

/// A file to upload.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Upload {
    /// What it is for.
    pub purpose: UploadPurpose,
    /// Its type.
    #[component(name = "mime-type")]
    pub mime_type: MimeType,
    /// Its size in bytes.
    pub size: u64,
    /// Its name.
    pub filename: Option<String>,
}

/// What an upload is for.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum UploadPurpose {
    /// To be sent in a message of this kind, as in `outbound.content` (`snake_case`).
    #[component(name = "message")]
    Message(String),
    /// To be the example in a template's header.
    #[component(name = "template-example")]
    TemplateExample,
    /// To be the business's picture.
    #[component(name = "profile-picture")]
    ProfilePicture,
    /// The vendor's word for something else.
    #[component(name = "other")]
    Other(String),
}

/// Why there is no upload.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum UploadError {
    /// The file breaks rules.
    #[component(name = "invalid")]
    Invalid(Vec<Problem>),
    /// The vendor, or the way to it, refused.
    #[component(name = "failed")]
    Failed(Error),
}

/// Media that were uploaded.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct UploadedMedia {
    /// The id, or handle, to name them by.
    pub id: String,
    /// For how many seconds the vendor keeps them.
    #[component(name = "kept-seconds")]
    pub kept_seconds: Option<u32>,
}

/// The request that uploads a file.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct UploadRequest {
    /// The method, in capitals.
    pub method: String,
    /// The address.
    pub url: String,
    /// Headers to send; they may hold placeholders of secrets.
    pub headers: Vec<Header>,
    /// How the bytes are sent.
    pub encoding: UploadEncoding,
}

/// How the bytes of a file are sent.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum UploadEncoding {
    /// As they are.
    #[component(name = "raw")]
    Raw,
    /// As one part of a form (multipart/form-data).
    #[component(name = "multipart")]
    Multipart(Multipart),
}

/// A form that holds a file.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Multipart {
    /// The name of the part that holds the file.
    #[component(name = "file-field")]
    pub file_field: String,
    /// The other parts: name and value.
    pub fields: Vec<(String, String)>,
}

/// The vendor's answer to an upload.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct UploadAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}
