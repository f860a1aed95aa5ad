//! What time it is. A demonstration may let days pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// The time of day, which may run ahead of the system's.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now(&self) -> u64 {
        let now = Timestamp::now().as_millisecond() + self.ahead_ms.load(Ordering::Relaxed);
        u64::try_from(now).unwrap_or_default()
    }

    /// Lets time pass at once, on all clones. What waits for a moment looks at it again within a second.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_ms.fetch_add(by, Ordering::Relaxed);
    }
}
