//! A 360dialog WhatsApp channel: settings, webhooks, messages and windows.
//!
//! Nothing here has a clock or randomness, and what is given neither [`api::Http`] nor storage is a pure function of its
//! arguments. Built for `wasm32-wasip2` this crate is the component; built natively it is a library with the same functions.

pub mod account;
pub mod api;
pub mod bindings;
#[cfg(target_family = "wasm")]
mod component;
pub mod connection;
pub mod contacts;
pub mod description;
mod emoji;
mod errors;
pub mod inbox;
pub mod media;
pub mod message;
mod problem;
pub mod sender;
pub mod settings;
pub mod storage;
pub mod template;
mod url;
pub mod webhook;
pub mod window;
