//! The contract's types: one Rust type per WIT type, for the sandbox boundary and for the public JSON.
//!
//! Names and order of fields and cases are the WIT's (`wit/*.wit`); wasmtime compares them when a
//! function is looked up. In JSON, keys are `snake_case`, absent members and empty lists are left
//! out, instants are RFC 3339, and variants are `{"type": "…", …}`. A variant that only picks a word
//! is a string, and one whose cases hold a single value is `{"case": value}`.
//!
//! A message or a template to send is read strictly: what would be ignored is refused.

// The derives of `Lift` and `Lower` implement unsafe traits.
#![allow(unsafe_code)]

pub mod channel;
pub mod connection;
pub mod contacts;
pub mod events;
pub mod http;
pub mod inbox;
pub mod json;
pub mod outbound;
pub mod sender;
pub mod storage;
mod strict;
pub mod templates;
#[cfg(test)]
mod tests;
pub mod types;

/// The WIT package.
pub const PACKAGE: &str = "messaging:channel";

/// The version of the contract that this host speaks.
pub const VERSION: &str = "0.1.0";

/// The interfaces that the world `pure` exports: what every channel has.
pub const PURE: [&str; 3] = ["channel", "webhook", "message"];

/// The interfaces that the world `full` exports beyond those.
pub const FULL: [&str; 3] = ["connection", "inbox", "sender"];

/// The interfaces that a channel may export or not.
pub const OPTIONAL: [&str; 9] = [
    "connection",
    "inbox",
    "sender",
    "window",
    "template",
    "template-store",
    "contacts",
    "media",
    "account",
];
