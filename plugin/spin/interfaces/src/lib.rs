//! Spin's variables and key-value store, as the adapter and the service use them.
//!
//! Both are synchronous interfaces, which every Spin since 3.0 offers: `wasi:config` and `wasi:keyvalue`.

pub mod secrets;
pub mod store;
pub mod variables;
