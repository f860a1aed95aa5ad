//! What time it is for the simulator.

use std::time::Duration;

use jiff::Timestamp;

/// The simulator's time of day: the system's, moved, and perhaps standing still.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_ms: i64,
    frozen_ms: Option<i64>,
}

impl Clock {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now(&self) -> u64 {
        let system = || {
            Timestamp::now()
                .as_millisecond()
                .saturating_add(self.ahead_ms)
        };
        u64::try_from(self.frozen_ms.unwrap_or_else(system)).unwrap_or_default()
    }

    /// Lets time pass at once.
    pub fn advance(&mut self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        match &mut self.frozen_ms {
            Some(frozen) => *frozen = frozen.saturating_add(by),
            None => self.ahead_ms = self.ahead_ms.saturating_add(by),
        }
    }

    /// Lets it stand still.
    pub fn freeze(&mut self) {
        self.frozen_ms = Some(i64::try_from(self.now()).unwrap_or(i64::MAX));
    }

    /// Lets it go on from where it stands.
    pub fn thaw(&mut self) {
        if let Some(frozen) = self.frozen_ms.take() {
            self.ahead_ms = frozen.saturating_sub(Timestamp::now().as_millisecond());
        }
    }

    /// Whether it stands still.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen_ms.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_stands_still_and_goes_on_from_there() {
        let mut clock = Clock::default();
        clock.freeze();
        let stood = clock.now();
        clock.advance(Duration::from_hours(24));
        assert_eq!(clock.now(), stood + 24 * 60 * 60 * 1000);
        clock.thaw();
        assert!(clock.now() >= stood + 24 * 60 * 60 * 1000);
        assert!(!clock.is_frozen());
    }
}
