//! The Spin application. Building this package composes it; `spin.toml` says how it is served.

/// Where the composed component lies.
pub const APPLICATION: &str = env!("APPLICATION");

/// Where the channel lies that is in it.
pub const CHANNEL: &str = env!("CHANNEL");
