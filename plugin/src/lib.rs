//! A 360dialog WhatsApp channel: settings, webhooks, messages and windows.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no randomness. Built for `wasm32-wasip2` this crate is the
//! component; built natively it is a library with the same functions.

pub mod bindings;
#[cfg(target_family = "wasm")]
mod component;
pub mod description;
mod errors;
pub mod message;
mod problem;
pub mod settings;
mod url;
pub mod webhook;
pub mod window;
