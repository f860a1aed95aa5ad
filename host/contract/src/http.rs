//! `http`: one request, one answer, as plugins ask the host for it.

use crate::boundary::{ComponentType, Lift, Lower};

use super::types::Header;

/// A request.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The address: absolute, without user information.
    pub url: String,
    /// The headers.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// Fill placeholders in the body. Only for bodies that hold nothing that people wrote: their text
    /// must not be able to ask for a secret.
    #[component(name = "fill-body")]
    pub fill_body: bool,
    /// How long it may take in milliseconds, up to the host's own limit.
    #[component(name = "timeout-ms")]
    pub timeout_ms: Option<u32>,
    /// Members of a JSON answer that hold somebody's credentials.
    pub seal: Vec<Seal>,
}

/// A member of a JSON answer that the host keeps, and replaces by a placeholder.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Seal {
    /// The member: a JSON Pointer into the answer. An object's or array's strings are sealed one by
    /// one.
    pub pointer: String,
    /// The name to keep it under; its placeholder is `{{secret:name}}`, of an inner member
    /// `{{secret:name/member}}`.
    pub name: String,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Failure {
    /// The host refuses: origin, address, header or size; the sentence says which. Nothing was sent.
    #[component(name = "denied")]
    Denied(String),
    /// The host does not seal. Nothing was sent.
    #[component(name = "sealing-declined")]
    SealingDeclined,
    /// No connection stood. Nothing was sent.
    #[component(name = "unreachable")]
    Unreachable(String),
    /// The time was over, or the connection broke, after the request may have left.
    #[component(name = "interrupted")]
    Interrupted(String),
    /// The answer was larger than the host allows; its status is known.
    #[component(name = "too-large")]
    TooLarge(u16),
}
