//! Lends a channel what it imports, `messaging:channel/http` and `storage`, on Spin's synchronous interfaces.
//!
//! The channel's requests reach the API's origin and nothing else, and never with a key that the channel could read: placeholders of
//! secrets are filled here, from variables that begin with `secret_`, and their values masked in what comes back.

mod bindings;
#[cfg(target_family = "wasm")]
mod component;
#[cfg(target_family = "wasm")]
mod exchange;
#[cfg(any(target_family = "wasm", test))]
mod request;
