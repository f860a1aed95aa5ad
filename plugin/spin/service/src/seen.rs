//! Which events the platform has taken: a bounded list of the latest, for each contact.

use sha2::{Digest as _, Sha256};
use spin_interfaces::store::{Bucket, Failure, Store};

/// How many events of one contact are remembered.
const EVENTS: usize = 512;

/// How often a list is written anew where others write it at the same time.
const ATTEMPTS: u32 = 16;

/// What an event is remembered by.
type Mark = [u8; 8];

/// The list of one contact, or of what concerns none.
pub(crate) struct Seen<'a, B> {
    store: &'a Store<B>,
    key: String,
    marks: Vec<Mark>,
    /// The value that `marks` was read from.
    value: Option<Vec<u8>>,
}

impl<'a, B: Bucket> Seen<'a, B> {
    /// Reads the list of whom this names. The name is not in the key: the list outlives the wish to be forgotten.
    pub(crate) fn of(store: &'a Store<B>, whom: &str) -> Result<Self, Failure> {
        let mut seen = Self {
            store,
            key: format!("seen:{}", hex::encode(&Sha256::digest(whom)[..16])),
            marks: Vec::new(),
            value: None,
        };
        seen.read()?;
        Ok(seen)
    }

    fn read(&mut self) -> Result<(), Failure> {
        self.value = self.store.get(&self.key)?;
        let (marks, _) = self.value.as_deref().unwrap_or_default().as_chunks();
        self.marks = marks.to_vec();
        Ok(())
    }

    /// Whether an event is on it.
    pub(crate) fn contains(&self, event: &str) -> bool {
        self.marks.contains(&mark(event))
    }

    /// Puts events on it, the latest last. Where others write all the time, it may be that they are told again.
    pub(crate) fn add(&mut self, events: &[&str]) -> Result<(), Failure> {
        for _ in 0..ATTEMPTS {
            let latest = events.iter().rev().map(|event| mark(event));
            let mut marks: Vec<Mark> = latest.chain(self.marks.iter().copied()).collect();
            marks.truncate(EVENTS);
            let value = marks.as_flattened();
            if self
                .store
                .compare_and_swap(&self.key, self.value.as_deref(), value)?
            {
                return Ok(());
            }
            self.read()?;
        }
        let sentence = format!("others wrote the same list in each of {ATTEMPTS} attempts");
        Err(Failure::Unavailable(sentence))
    }
}

fn mark(event: &str) -> Mark {
    let mut mark = Mark::default();
    mark.copy_from_slice(&Sha256::digest(event)[..8]);
    mark
}
