//! What the tests and benchmarks share: the components, as the build script has just built them.

use channel_host::contract::events::Delivery;

/// The 360dialog channel's component.
pub const CHANNEL_360DIALOG: &str = env!("CHANNEL_360DIALOG");

/// A channel that has nothing to do with the first.
pub const CHANNEL_SMS: &str = env!("CHANNEL_SMS");

/// A channel that does harm.
pub const CHANNEL_HOSTILE: &str = env!("CHANNEL_HOSTILE");

/// A delivery of this body.
#[must_use]
pub fn delivery(body: impl Into<Vec<u8>>) -> Delivery {
    Delivery {
        method: "POST".to_owned(),
        path: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: body.into(),
    }
}
