//! The contract's types: one Rust type per WIT type, for the sandbox boundary and for the public JSON.
//!
//! With the feature `wasmtime` they cross the boundary of a host on wasmtime. Without it they need nothing, and a guest's
//! bindings can use them in the place of their own (`with` of `wit_bindgen::generate!`): so hosts and guests have one JSON.
//! With the feature `schema` it has JSON Schemas.
//!
//! Names and order of fields and cases are the WIT's (`wit/*.wit`); wasmtime compares them when a
//! function is looked up. In JSON, keys are `snake_case`, absent members and empty lists are left
//! out, instants are RFC 3339, and variants are `{"type": "…", …}`. A variant that only picks a word
//! is a string, and one whose cases hold a single value is `{"case": value}`.
//!
//! A message or a template to send is read strictly: what would be ignored is refused.

// The derives of `Lift` and `Lower` implement unsafe traits; a room that derives neither allows none.
#![allow(unsafe_code)]

/// The derives, or those in their place that do nothing.
mod boundary {
    #[cfg(not(feature = "schema"))]
    pub(crate) use contract_inert::JsonSchema;
    #[cfg(not(feature = "wasmtime"))]
    pub(crate) use contract_inert::{ComponentType, Lift, Lower};
    #[cfg(feature = "schema")]
    pub(crate) use schemars::JsonSchema;
    #[cfg(feature = "wasmtime")]
    pub(crate) use wasmtime::component::{ComponentType, Lift, Lower};
}

pub mod account;
#[deny(unsafe_code)]
pub mod authentication;
pub mod channel;
pub mod connection;
pub mod contacts;
pub mod events;
pub mod http;
pub mod inbox;
#[deny(unsafe_code)]
pub mod json;
pub mod media;
pub mod outbound;
#[cfg(feature = "schema")]
#[deny(unsafe_code)]
mod schema;
#[deny(unsafe_code)]
pub mod secrets;
pub mod sender;
#[deny(unsafe_code)]
pub mod settings;
pub mod storage;
#[deny(unsafe_code)]
mod strict;
pub mod template_store;
pub mod templates;
#[cfg(test)]
mod tests;
#[deny(unsafe_code)]
mod text;
pub mod types;

pub use text::plain;

/// The WIT package.
pub const PACKAGE: &str = "messaging:channel";

/// The version of the contract that these types are of.
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

/// What the code of `wit_bindgen` asks of enums that it has not generated.
macro_rules! lifted {
    ($($type:ident: $($case:ident)+;)+) => {$(
        impl $type {
            #[doc(hidden)]
            #[must_use]
            pub fn _lift(case: u8) -> Self {
                match case {
                    $(case if case == Self::$case as u8 => Self::$case,)+
                    // Calls between components trap before this.
                    _ => unreachable!("no case {case}"),
                }
            }
        }
    )+};
}
use lifted;
