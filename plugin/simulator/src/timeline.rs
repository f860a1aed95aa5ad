//! What happens later, in the simulator's time.

use std::collections::BTreeMap;

use crate::delivery::Webhook;

/// Something that happens by itself.
#[derive(Debug)]
pub(crate) enum Task {
    /// A message reaches its next status.
    Status {
        /// The message's id.
        id: String,
        /// `sent`, `delivered` or `read`; a failure names its code.
        status: Status,
    },
    /// Meta has reviewed the template with this id.
    Review(String),
    /// The webhook of the account takes effect.
    AccountWebhook {
        webhook: Webhook,
        /// The number's own no longer counts.
        override_all: bool,
    },
}

/// An attempt to deliver.
#[derive(Debug)]
pub(crate) struct Post {
    /// The delivery's id.
    pub(crate) delivery: u64,
    /// There is no point in it once the delivery is taken.
    pub(crate) is_retry: bool,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Sent,
    Delivered,
    Read,
    /// With a code of Meta's list of errors.
    Failed(u32),
}

/// What is due when: milliseconds since 1970, and the order in which it was asked for.
#[derive(Debug)]
pub(crate) struct Timeline<T> {
    tasks: BTreeMap<(u64, u64), T>,
    asked: u64,
}

impl<T> Timeline<T> {
    pub(crate) fn new() -> Self {
        let (tasks, asked) = (BTreeMap::new(), 0);
        Self { tasks, asked }
    }

    pub(crate) fn add(&mut self, due: u64, task: T) {
        self.asked += 1;
        self.tasks.insert((due, self.asked), task);
    }

    /// The next task that is due.
    pub(crate) fn take(&mut self, now: u64) -> Option<T> {
        let first = self.tasks.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<u64> {
        let ((due, _), _) = self.tasks.first_key_value()?;
        Some(*due)
    }
}
