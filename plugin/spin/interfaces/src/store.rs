//! A Spin store, with a compare-and-swap that says the truth.
//!
//! What stands behind `wasi:keyvalue/atomics` differs by store. Read in Spin's source: its Redis store takes a lost swap for one that
//! succeeded, or each one for lost. So no answer to a swap is believed. Each value carries the tokens of its latest writers, and who
//! finds its own there after writing has won.
//!
//! That says nothing of a key that did not exist: its SQLite store then sets it whoever has set it meanwhile, and both find their
//! tokens. So who makes a key takes a number first, by `increment`, and only the first may. (Its other stores make a key on that condition
//! alone.)

#[cfg(target_family = "wasm")]
mod spin;
#[cfg(test)]
mod tests;

#[cfg(target_family = "wasm")]
pub use spin::{SpinBucket, open};

use std::thread::sleep;
use std::time::Duration;

/// A random number for each write.
type Token = [u8; 8];

/// How many writers a value names: so many may follow until a slow one looks whether it has won.
const WRITERS: usize = 4;

/// Every so many numbers, one more may make the key: the first may have ended before it did. The channel tries as often in one call.
const MAKERS: i64 = 16;

/// How long who may not make a key waits for who may.
const MAKING: Duration = Duration::from_millis(5);

/// What the key begins with where numbers for another key are taken.
const NUMBERS: &str = "made:";

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The manifest does not grant it.
    #[error("the component may not use the store: name it in key_value_stores of the manifest")]
    Denied,
    /// It can't be reached, or holds what this application has not written.
    #[error("{0}")]
    Unavailable(String),
}

/// What a store does, as Spin lends it.
pub trait Bucket {
    /// The bytes of a key.
    ///
    /// # Errors
    ///
    /// The store's failure; here and below.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure>;

    /// Sets a key.
    ///
    /// # Errors
    ///
    /// As [`Bucket::get`].
    fn set(&self, key: &str, bytes: &[u8]) -> Result<(), Failure>;

    /// Deletes a key.
    ///
    /// # Errors
    ///
    /// As [`Bucket::get`].
    fn delete(&self, key: &str) -> Result<(), Failure>;

    /// All keys.
    ///
    /// # Errors
    ///
    /// As [`Bucket::get`].
    fn keys(&self) -> Result<Vec<String>, Failure>;

    /// Sets a key to what `next` makes of its bytes, if nobody sets it meanwhile. Whether that was so, it does not say; it is false
    /// where the store has no such operation, and has not, unless this says otherwise.
    ///
    /// # Errors
    ///
    /// As [`Bucket::get`].
    fn swap(&self, key: &str, next: &mut Next<'_>) -> Result<bool, Failure> {
        let _ = (key, next);
        Ok(false)
    }

    /// Counts at a key that nothing else writes; the first to count has 1. Absent where the store does not count, and it does not,
    /// unless this says otherwise.
    ///
    /// # Errors
    ///
    /// As [`Bucket::get`].
    fn count(&self, key: &str) -> Result<Option<i64>, Failure> {
        let _ = key;
        Ok(None)
    }
}

/// What follows the bytes of a key; `None` leaves it as it is.
pub type Next<'a> = dyn FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>, Failure> + 'a;

/// The keys of one user of a bucket.
#[derive(Debug)]
pub struct Store<B> {
    bucket: B,
    /// What its keys begin with.
    scope: String,
}

impl<B: Bucket> Store<B> {
    /// The keys of a bucket that begin with `scope`.
    pub fn new(bucket: B, scope: impl Into<String>) -> Self {
        let scope = scope.into();
        Self { bucket, scope }
    }

    /// The value of a key.
    ///
    /// # Errors
    ///
    /// The store's failure.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        let bytes = self.bucket.get(&self.scoped(key))?;
        Ok(Entry::read(bytes.as_deref())?.value.map(<[u8]>::to_vec))
    }

    /// Sets a key. One that others may make at the same time is made by [`Store::compare_and_swap`].
    ///
    /// # Errors
    ///
    /// The store's failure.
    pub fn set(&self, key: &str, value: &[u8]) -> Result<(), Failure> {
        let bytes = Entry::default().followed_by(token()?, value);
        self.bucket.set(&self.scoped(key), &bytes)
    }

    /// Deletes a key; one that does not exist is no error.
    ///
    /// # Errors
    ///
    /// The store's failure.
    pub fn delete(&self, key: &str) -> Result<(), Failure> {
        self.bucket.delete(&self.scoped(key))?;
        self.bucket.delete(&self.numbers(key))
    }

    /// The keys that begin with `prefix`, in order. Reads all keys of the bucket.
    ///
    /// # Errors
    ///
    /// The store's failure.
    pub fn list(&self, prefix: &str) -> Result<Vec<String>, Failure> {
        let scoped = self.scoped(prefix);
        let keys = self.bucket.keys()?.into_iter();
        let mut keys: Vec<String> = keys
            .filter(|key| key.starts_with(&scoped))
            .map(|key| key[self.scope.len()..].to_owned())
            .collect();
        keys.sort();
        Ok(keys)
    }

    /// Sets a key where its value is `expected`; whether it was set.
    ///
    /// Where the store has no swap, or does not count, two that write in the same moment may both be told that they have.
    ///
    /// # Errors
    ///
    /// The store's failure.
    pub fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, Failure> {
        if expected.is_none() && !self.may_make(key)? {
            return Ok(false);
        }
        let key = self.scoped(key);
        let token = token()?;
        let mut is_expected = false;
        let mut next = |bytes: Option<&[u8]>| {
            let entry = Entry::read(bytes)?;
            is_expected = entry.value == expected;
            Ok(is_expected.then(|| entry.followed_by(token, value)))
        };
        if !self.bucket.swap(&key, &mut next)?
            && let Some(bytes) = next(self.bucket.get(&key)?.as_deref())?
        {
            self.bucket.set(&key, &bytes)?;
        }
        if !is_expected {
            return Ok(false);
        }
        let now = self.bucket.get(&key)?;
        Ok(Entry::read(now.as_deref())?.writers.contains(&token))
    }

    /// Whether it may make a key that does not exist.
    fn may_make(&self, key: &str) -> Result<bool, Failure> {
        if self.get(key)?.is_some() {
            return Ok(false);
        }
        let number = self.bucket.count(&self.numbers(key))?;
        // A store that does not count has the weaker rule.
        let may = number.is_none_or(|number| number == 1 || number % MAKERS == 0);
        if !may {
            sleep(MAKING);
        }
        Ok(may)
    }

    fn scoped(&self, key: &str) -> String {
        format!("{}{key}", self.scope)
    }

    fn numbers(&self, key: &str) -> String {
        format!("{NUMBERS}{}{key}", self.scope)
    }
}

/// What a key holds: the number of its latest writers' tokens, the tokens, and the value.
#[derive(Default)]
struct Entry<'a> {
    writers: &'a [Token],
    value: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    fn read(bytes: Option<&'a [u8]>) -> Result<Self, Failure> {
        let Some(bytes) = bytes else {
            return Ok(Self::default());
        };
        let parts = bytes.split_first().and_then(|(writers, rest)| {
            rest.split_at_checked(usize::from(*writers) * size_of::<Token>())
        });
        let (tokens, value) = parts.ok_or_else(|| {
            let sentence = "a key of the store holds what this application has not written";
            Failure::Unavailable(sentence.to_owned())
        })?;
        let (writers, _) = tokens.as_chunks();
        Ok(Self {
            writers,
            value: Some(value),
        })
    }

    fn followed_by(&self, token: Token, value: &[u8]) -> Vec<u8> {
        let before = self.writers.iter().take(WRITERS - 1);
        let writers: Vec<&Token> = [&token].into_iter().chain(before).collect();
        let number = u8::try_from(writers.len()).expect("there are at most WRITERS");
        let mut bytes = vec![number];
        for writer in writers {
            bytes.extend_from_slice(writer);
        }
        bytes.extend_from_slice(value);
        bytes
    }
}

fn token() -> Result<Token, Failure> {
    let mut token = Token::default();
    getrandom::fill(&mut token)
        .map_err(|error| Failure::Unavailable(format!("no random numbers: {error}")))?;
    Ok(token)
}
