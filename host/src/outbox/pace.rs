//! How fast a channel's messages may leave.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::contract::channel::{Pace, PaceScope};

/// Contacts whose pace is remembered before those are forgotten whom nothing holds.
const CONTACTS: usize = 10_000;

/// The paces of one channel. A message is counted once by each, however often it is held.
pub(super) struct Paces {
    channel: Vec<DefaultDirectRateLimiter>,
    contact: Vec<DefaultKeyedRateLimiter<String>>,
    /// How many of the channel's paces have counted the message that the next one holds.
    counted: usize,
    /// The same of each contact's paces, where one of them or of the channel's holds its message.
    counted_of: HashMap<String, usize>,
}

/// How long a message must wait: all of the channel's, or this contact's.
#[derive(Debug)]
pub(super) enum Hold {
    Channel(Duration),
    Contact(Duration),
}

impl Paces {
    pub(super) fn new(paces: &[Pace]) -> Self {
        let quotas = |scope| {
            let of_scope = paces.iter().filter(move |pace| pace.scope == scope);
            of_scope.filter_map(|pace| {
                let messages = NonZeroU32::new(pace.messages)?;
                let each = Duration::from_millis(pace.period_ms.into()) / messages.get();
                let burst = NonZeroU32::new(pace.burst).unwrap_or(NonZeroU32::MIN);
                Some(Quota::with_period(each)?.allow_burst(burst))
            })
        };
        Self {
            channel: quotas(PaceScope::Channel)
                .map(RateLimiter::direct)
                .collect(),
            contact: quotas(PaceScope::Contact).map(RateLimiter::keyed).collect(),
            counted: 0,
            counted_of: HashMap::new(),
        }
    }

    /// Counts a message to a contact, if it may leave now.
    pub(super) fn admit(&mut self, contact: &str) -> Result<(), Hold> {
        let clock = DefaultClock::default();
        let key = contact.to_owned();
        let counted = self.counted_of.remove(contact).unwrap_or(0);
        if self.counted_of.len() > CONTACTS {
            // Messages that were held and given up: theirs count twice at worst.
            self.counted_of.clear();
        }
        for (place, pace) in self.contact.iter().enumerate().skip(counted) {
            if pace.len() > CONTACTS {
                pace.retain_recent();
            }
            if let Err(not_until) = pace.check_key(&key) {
                self.counted_of.insert(key, place);
                return Err(Hold::Contact(not_until.wait_time_from(clock.now())));
            }
        }
        while let Some(pace) = self.channel.get(self.counted) {
            if let Err(not_until) = pace.check() {
                self.counted_of.insert(key, self.contact.len());
                return Err(Hold::Channel(not_until.wait_time_from(clock.now())));
            }
            self.counted += 1;
        }
        self.counted = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(scope: PaceScope, period_ms: u32, burst: u32) -> Pace {
        Pace {
            scope,
            messages: 1,
            period_ms,
            burst,
        }
    }

    /// Waits until a message may leave that only the channel's pace may hold.
    fn leave(paces: &mut Paces, contact: &str) {
        while let Err(hold) = paces.admit(contact) {
            let Hold::Channel(wait) = hold else {
                panic!("{contact} has to wait for itself: {hold:?}");
            };
            // The dispatcher looks again whenever anything happens.
            std::thread::sleep(wait / 4);
        }
    }

    #[test]
    fn who_waits_for_the_channel_is_counted_once() {
        const HOUR: u32 = 60 * 60 * 1000;
        let mut paces = Paces::new(&[
            pace(PaceScope::Channel, 200, 1),
            pace(PaceScope::Contact, HOUR, 2),
        ]);
        leave(&mut paces, "ada");
        leave(&mut paces, "ada");
        assert!(matches!(paces.admit("ada"), Err(Hold::Contact(_))));
        leave(&mut paces, "kerry");
        assert!(!paces.counted_of.contains_key("kerry"));
    }

    #[test]
    fn a_pace_that_passed_does_not_count_what_the_next_one_holds() {
        let scope = PaceScope::Contact;
        let mut paces = Paces::new(&[pace(scope, 3_600_000, 3), pace(scope, 100, 1)]);
        for _ in 0..3 {
            while let Err(Hold::Contact(wait)) = paces.admit("ada") {
                assert!(
                    wait < Duration::from_mins(1),
                    "the first pace counted it again"
                );
                std::thread::sleep(wait / 4);
            }
        }
    }
}
