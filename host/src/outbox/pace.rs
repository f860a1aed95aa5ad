//! How fast a channel's messages may leave.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::contract::channel::{Pace, PaceScope};

/// Contacts whose pace is remembered before those are forgotten whom nothing holds.
const CONTACTS: usize = 10_000;

/// A second contact that is throttled within this time shows that the vendor holds up the channel, not one contact.
const TOGETHER: Duration = Duration::from_secs(10);

/// Answers to what was on its way when the pace was halved do not halve it again.
const IN_FLIGHT: Duration = Duration::from_secs(2);

/// After so long without a throttled message the pace is doubled again.
const QUIET: Duration = Duration::from_secs(20);

/// The pace is never less than this part of what the channel describes.
const SLOWEST: u32 = 64;

/// What a channel that describes no pace is slowed down from.
const UNDESCRIBED: Duration = Duration::from_millis(100);

/// The paces of one channel. A message is counted once by each, however often it is held.
pub(super) struct Paces {
    channel: Vec<DefaultDirectRateLimiter>,
    contact: Vec<(Quota, DefaultKeyedRateLimiter<String>)>,
    learnt: Learnt,
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
        let slowest = quotas(PaceScope::Channel).map(|quota| quota.replenish_interval());
        Self {
            learnt: Learnt::new(slowest.max().unwrap_or(UNDESCRIBED)),
            channel: quotas(PaceScope::Channel)
                .map(RateLimiter::direct)
                .collect(),
            contact: quotas(PaceScope::Contact)
                .map(|quota| (quota, RateLimiter::keyed(quota)))
                .collect(),
            counted: 0,
            counted_of: HashMap::new(),
        }
    }

    /// For how long a message counts against its contact.
    pub(super) fn memory(&self) -> Duration {
        let memories = self.contact.iter();
        let memory =
            |(quota, _): &(Quota, _)| quota.replenish_interval() * quota.burst_size().get();
        memories.map(memory).max().unwrap_or_default()
    }

    /// Counts what left before the host was started: whom each message went to, and how long ago, the oldest first. What
    /// that holds of the channel's own pace is over by then.
    pub(super) fn remember(&self, left: &[(String, Duration)]) {
        for (quota, pace) in &self.contact {
            let each = quota.replenish_interval().as_secs_f64();
            // When each contact's pace is free again, from now on.
            let mut free: HashMap<&String, f64> = HashMap::new();
            for (contact, ago) in left {
                let at = -ago.as_secs_f64();
                let free = free.entry(contact).or_insert(at);
                *free = free.max(at) + each;
            }
            for (contact, free) in free {
                let mut counted = 0.0;
                while counted < free && pace.check_key(contact).is_ok() {
                    counted += each;
                }
            }
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
        for (place, (_, pace)) in self.contact.iter().enumerate().skip(counted) {
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
        self.learnt.recover(Instant::now());
        if let Err(wait) = self.learnt.admit() {
            self.counted_of.insert(key, self.contact.len());
            return Err(Hold::Channel(wait));
        }
        self.counted = 0;
        Ok(())
    }

    /// Learns that the vendor throttled a message to a contact. Its own queue waits as the answer says; where others are throttled
    /// too, it is the channel that is too fast.
    pub(super) fn throttled(&mut self, contact: &str) {
        self.learnt.throttled(contact, Instant::now());
    }
}

/// What the vendor's answers teach beyond what the channel describes: halved when it throttles, doubled again when it is quiet.
struct Learnt {
    /// Between two messages, as described.
    each: Duration,
    /// By how much the channel is slowed down; 1 where it is not.
    divisor: u32,
    limiter: Option<DefaultDirectRateLimiter>,
    /// Who was throttled last, and when.
    last: Option<(String, Instant)>,
    changed: Option<Instant>,
}

impl Learnt {
    fn new(each: Duration) -> Self {
        Self {
            each,
            divisor: 1,
            limiter: None,
            last: None,
            changed: None,
        }
    }

    fn throttled(&mut self, contact: &str, now: Instant) {
        let last = self.last.replace((contact.to_owned(), now));
        let others =
            last.is_some_and(|(last, at)| last != contact && now.duration_since(at) < TOGETHER);
        let in_flight = (self.changed).is_some_and(|at| now.duration_since(at) < IN_FLIGHT);
        if others && !in_flight && self.divisor < SLOWEST {
            self.set(self.divisor * 2, now);
        }
    }

    fn recover(&mut self, now: Instant) {
        let latest = self.changed.max(self.last.as_ref().map(|(_, at)| *at));
        if self.divisor > 1 && latest.is_none_or(|at| now.duration_since(at) >= QUIET) {
            self.set(self.divisor / 2, now);
        }
    }

    fn set(&mut self, divisor: u32, now: Instant) {
        self.divisor = divisor;
        self.changed = Some(now);
        // With the described pace there is nothing to hold beyond it.
        self.limiter = (divisor > 1)
            .then(|| Quota::with_period(self.each * divisor))
            .flatten()
            .map(RateLimiter::direct);
    }

    fn admit(&self) -> Result<(), Duration> {
        let clock = DefaultClock::default();
        self.limiter
            .as_ref()
            .map_or(Ok(()), RateLimiter::check)
            .map_err(|not_until| not_until.wait_time_from(clock.now()))
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
    fn what_left_before_a_restart_is_counted() {
        let mut paces = Paces::new(&[pace(PaceScope::Contact, 60_000, 5)]);
        assert_eq!(paces.memory(), Duration::from_mins(5));
        let ago = |seconds| ("ada".to_owned(), Duration::from_secs(seconds));
        // The first is over, and of the others a minute has passed.
        paces.remember(&[ago(3600), ago(90), ago(90), ago(90), ago(90)]);
        assert!(paces.admit("ada").is_ok());
        assert!(paces.admit("ada").is_ok());
        assert!(matches!(paces.admit("ada"), Err(Hold::Contact(_))));
        assert!(paces.admit("kerry").is_ok());
    }

    #[test]
    fn one_contact_that_is_throttled_slows_nobody_else() {
        let now = Instant::now();
        let mut learnt = Learnt::new(Duration::from_millis(10));
        for _ in 0..5 {
            learnt.throttled("ada", now);
        }
        learnt.throttled("kerry", now + TOGETHER);
        assert_eq!(learnt.divisor, 1);
        assert!(learnt.admit().is_ok());
    }

    #[test]
    fn the_channel_is_slowed_down_and_becomes_as_fast_as_before() {
        let mut now = Instant::now();
        let mut learnt = Learnt::new(Duration::from_secs(1));
        let throttle = |learnt: &mut Learnt, now| {
            learnt.throttled("ada", now);
            learnt.throttled("kerry", now);
        };
        throttle(&mut learnt, now);
        // What was on its way is no news.
        throttle(&mut learnt, now + IN_FLIGHT / 2);
        assert_eq!(learnt.divisor, 2);
        assert!(learnt.admit().is_ok());
        let wait = learnt.admit().unwrap_err();
        assert!(
            wait > Duration::from_secs(1) && wait <= Duration::from_secs(2),
            "{wait:?}"
        );
        for _ in 0..20 {
            now += IN_FLIGHT;
            throttle(&mut learnt, now);
        }
        assert_eq!(learnt.divisor, SLOWEST);
        let mut steps = 0;
        while learnt.divisor > 1 {
            learnt.recover(now + QUIET / 2);
            now += QUIET;
            learnt.recover(now);
            steps += 1;
        }
        assert_eq!(steps, SLOWEST.ilog2());
        assert!(learnt.limiter.is_none());
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
