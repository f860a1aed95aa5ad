//! The Spin application. Building this package composes it; `spin.toml` says how it is served.

/// Where the composed component lies.
pub const APPLICATION: &str = env!("APPLICATION");

/// The same for stores that neither swap nor count.
pub const APPLICATION_WITHOUT_ATOMICS: &str = env!("APPLICATION_WITHOUT_ATOMICS");

/// Where the channel lies that is in them.
pub const CHANNEL: &str = env!("CHANNEL");
