//! What one call reads of the contacts and means to write, each key once, on storage that promises no more than per-key
//! compare-and-swap.
//!
//! A contact's record stands at the key of one of its names; the keys of the others are aliases, each of a greater key. So a known
//! contact takes one read, and one write where something changes.
//!
//! Who is one contact:
//!
//! - names that one item shows, and names that the vendor says a contact had before (a contact change), are names of one contact;
//! - two records become one where the vendor says so, or where the record of the weaker name has nothing stronger: a phone number
//!   without user id is taken over by the user id that it is shown with;
//! - a phone number that was another user id's, and a parent user id that was another contact's, are no proof that two contacts are
//!   one: numbers are given to new people, and a parent user id is one for several businesses. The name goes over to the contact
//!   that it is shown with now, with a copy of what is remembered, so that no opening is lost and nobody is greeted again; the other
//!   contact stays for itself, without that name.
//!
//! A call may die between two writes and is then made again, so the order of the writes is:
//!
//! 1. aliases where there was nothing: until the record is there they lead to nothing, as before;
//! 2. records, without the names of step 3: a name that a record has is never looked up again, so it has to lead there already. What
//!    was remembered elsewhere is in the new place before it leaves the old one. A contact is marked as greeted here, before the
//!    greeting leaves: on a crash a greeting may be lost, but is never sent twice. Where names of step 3 lead to another record
//!    until then, which may say that the contact is still to be greeted, both wait for step 4;
//! 3. aliases in the place of records and of other aliases;
//! 4. records with the names of step 3.

use super::name::kind;
use super::record::{Record, State, Value};
use crate::bindings::messaging::channel::outbound::Message;
use crate::bindings::messaging::channel::storage::Failure;
use crate::storage::Storage;
use std::collections::{BTreeMap, BTreeSet};

/// The most names of a contact: with these a record is a quarter of what a value may be. Further ones are not learned.
const MOST_NAMES: usize = 64;

/// How often a call begins anew when others write at the same time.
const ATTEMPTS: u32 = 16;

/// What a call has changed.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Contacts that were not known before.
    pub(crate) new: u32,
    /// The replies to them.
    pub(crate) replies: Vec<Message>,
}

pub(crate) struct Memory<'s, S> {
    storage: &'s S,
    entries: BTreeMap<String, Entry>,
    /// Keys that lead elsewhere until step 3.
    late: BTreeSet<String>,
}

struct Entry {
    bytes: Option<Vec<u8>>,
    before: Option<Value>,
    value: Option<Value>,
}

/// Applies `change` to what is remembered, again and again until nobody writes in between.
///
/// # Errors
///
/// The store's; [`Failure::Unavailable`] where others write all the time.
pub(crate) fn update<S: Storage>(
    storage: &S,
    change: impl Fn(&mut Memory<'_, S>) -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    for _ in 0..ATTEMPTS {
        let mut memory = Memory::new(storage);
        change(&mut memory)?;
        if memory.write(&mut outcome)? {
            return Ok(outcome);
        }
    }
    Err(Failure::Unavailable(format!(
        "others wrote the same contacts in each of {ATTEMPTS} attempts"
    )))
}

impl<'s, S: Storage> Memory<'s, S> {
    pub(crate) fn new(storage: &'s S) -> Self {
        Self {
            storage,
            entries: BTreeMap::new(),
            late: BTreeSet::new(),
        }
    }

    /// The contact with these names, strongest first and at least one; a fresh record where it is not known. `same`: the vendor says
    /// that all of them are one contact's.
    pub(crate) fn contact(&mut self, names: &[String], same: bool) -> Result<&mut Record, Failure> {
        let mut home = self.home(&names[0])?;
        if same {
            for name in &names[1..] {
                home = home.max(self.home(name)?);
            }
        }
        let mut record = self.record(&home)?.unwrap_or_else(|| Record {
            greet: true,
            fresh: true,
            ..Record::default()
        });
        for name in names {
            // A listed name leads here; only where it was read anyway is there something to see.
            let is_listed = record.names.contains(name) && !self.entries.contains_key(name);
            if *name == home || is_listed {
                continue;
            }
            let mut path = self.path(name)?;
            let end = path.pop().expect("a path has the name at least");
            if end == home {
                if path.len() > 1 {
                    self.put(name, Value::Alias(home.clone()));
                }
                record.list(path);
                continue;
            }
            let other = self.record(&end)?;
            let mut moved = vec![name.clone()];
            let mut left = None;
            if let Some(other) = other {
                let joins = same || kind(&end) == kind(name);
                let mut copy = other.clone();
                // The reply to somebody else leaves once.
                copy.reply = copy.reply.filter(|_| joins);
                record.merge(copy);
                if joins {
                    moved = other.names;
                    self.late.extend(path.iter().cloned());
                    moved.extend(path);
                    moved.push(end.clone());
                } else {
                    left = Some(other);
                }
            }
            if record.names.len() + moved.len() > MOST_NAMES {
                continue;
            }
            // The key that becomes an alias: that of the record that was taken over, or the name's own.
            let turned = if moved.contains(&end) { &end } else { name };
            if let Some(mut left) = left {
                left.names.retain(|listed| listed != name);
                self.put(&end, Value::Record(left));
            }
            if self.entries[turned].before.is_some() {
                self.late.insert(turned.clone());
            }
            self.put(turned, Value::Alias(home.clone()));
            record.list(moved);
        }
        let Some(Value::Record(record)) = self.put(&home, Value::Record(record)) else {
            unreachable!("a record was put there");
        };
        Ok(record)
    }

    /// Adds to what is remembered of a group.
    pub(crate) fn group(&mut self, key: &str, news: State) -> Result<(), Failure> {
        let mut record = self.record(key)?.unwrap_or_default();
        record.state.merge(news);
        self.put(key, Value::Record(record));
        Ok(())
    }

    /// What is remembered under any of these names.
    pub(super) fn recall(&mut self, names: &[String]) -> Result<Option<Record>, Failure> {
        let mut found: Option<Record> = None;
        for name in names {
            if found
                .as_ref()
                .is_some_and(|found| found.names.contains(name))
            {
                continue;
            }
            let home = self.home(name)?;
            if let Some(record) = self.record(&home)? {
                match &mut found {
                    Some(found) => found.merge(record),
                    None => found = Some(record),
                }
            }
        }
        Ok(found)
    }

    /// The keys from a name to where its contact stands, or would stand; that one comes last.
    pub(super) fn path(&mut self, name: &str) -> Result<Vec<String>, Failure> {
        let mut path = vec![name.to_owned()];
        let mut at = name.to_owned();
        while let Some(Value::Alias(to)) = self.value(&at)? {
            at.clone_from(to);
            path.push(at.clone());
        }
        Ok(path)
    }

    pub(super) fn record(&mut self, key: &str) -> Result<Option<Record>, Failure> {
        Ok(match self.value(key)? {
            Some(Value::Record(record)) => Some(record.clone()),
            Some(Value::Alias(_)) | None => None,
        })
    }

    /// Where a name's contact stands, or would stand.
    pub(super) fn home(&mut self, name: &str) -> Result<String, Failure> {
        let end = self.path(name)?.pop();
        Ok(end.expect("a path has the name at least"))
    }

    fn value(&mut self, key: &str) -> Result<Option<&Value>, Failure> {
        if !self.entries.contains_key(key) {
            let bytes = self.storage.get(key)?;
            let value = bytes.as_deref().map(|bytes| Value::decode(key, bytes));
            let entry = Entry {
                bytes,
                before: value.clone(),
                value,
            };
            self.entries.insert(key.to_owned(), entry);
        }
        Ok(self.entries[key].value.as_ref())
    }

    /// Changes a key that was read.
    fn put(&mut self, key: &str, value: Value) -> Option<&mut Value> {
        let entry = self.entries.get_mut(key)?;
        Some(entry.value.insert(value))
    }

    /// Writes what has changed, in the order above. `false`: somebody else wrote in between, and not everything was written.
    fn write(&mut self, outcome: &mut Outcome) -> Result<bool, Failure> {
        let is_alias = |entry: &Entry| matches!(entry.value, Some(Value::Alias(_)));
        let changed: Vec<String> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.value != entry.before)
            .map(|(key, _)| key.clone())
            .collect();
        let (aliases, records): (Vec<_>, Vec<_>) = changed
            .into_iter()
            .partition(|key| is_alias(&self.entries[key]));
        let (turned, added): (Vec<_>, Vec<_>) = aliases
            .into_iter()
            .partition(|key| self.entries[key].before.is_some());

        let mut waiting = BTreeMap::new();
        for key in added {
            if !self.swap(&key)? {
                return Ok(false);
            }
        }
        for key in &records {
            let Some(Value::Record(mut record)) = self.entries[key].value.clone() else {
                continue;
            };
            let is_fresh = std::mem::take(&mut record.fresh);
            let reply = record.reply.take().map(|reply| *reply);
            let mut early = record.clone();
            early.names.retain(|name| !self.late.contains(name));
            let waits = reply.is_some() && early.names.len() < record.names.len();
            early.greet |= waits;
            self.put(key, Value::Record(early));
            if !self.swap(key)? {
                return Ok(false);
            }
            outcome.new += u32::from(is_fresh);
            if waits {
                waiting.extend(reply.map(|reply| (key, reply)));
            } else {
                outcome.replies.extend(reply);
            }
            self.put(key, Value::Record(record));
        }
        for key in turned.iter().chain(&records) {
            if !self.swap(key)? {
                return Ok(false);
            }
            outcome.replies.extend(waiting.remove(key));
        }
        Ok(true)
    }

    /// Writes one key, where it has changed.
    fn swap(&mut self, key: &str) -> Result<bool, Failure> {
        let Some(entry) = self.entries.get_mut(key) else {
            return Ok(true);
        };
        let Some(value) = &entry.value else {
            return Ok(true);
        };
        if entry.before.as_ref() == Some(value) {
            return Ok(true);
        }
        let bytes = value.encode();
        let expected = entry.bytes.as_deref();
        if !self.storage.compare_and_swap(key, expected, &bytes)? {
            return Ok(false);
        }
        entry.before = entry.value.clone();
        entry.bytes = Some(bytes);
        Ok(true)
    }
}
