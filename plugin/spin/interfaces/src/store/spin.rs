//! The store that Spin lends.

#[cfg(feature = "atomics")]
use spin_sdk::experimental::wasi::keyvalue::atomics::{Cas, increment, swap};
use spin_sdk::experimental::wasi::keyvalue::store::{self, Error};

/// A store that Spin lends.
pub use store::Bucket as SpinBucket;

use super::{Bucket, Failure, Next, Store};
use crate::variables::Variables;

/// The store's name: `key_value_stores = ["default"]`.
const NAME: &str = "default";

/// The keys of one part of the application, in the component's store. They name the number: several applications may share what
/// is behind it.
///
/// # Errors
///
/// The store is not granted, or can't be reached.
pub fn open(variables: &Variables, part: &str) -> Result<Store<SpinBucket>, Failure> {
    let number = variables
        .get("setting_phone_number")
        .map_or("", String::as_str);
    let number: String = number.chars().filter(char::is_ascii_digit).collect();
    Ok(Store::new(store::open(NAME)?, format!("{number}:{part}:")))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NoSuchStore | Error::AccessDenied => Self::Denied,
            Error::Other(sentence) => Self::Unavailable(sentence),
        }
    }
}

impl Bucket for SpinBucket {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(Self::get(self, key)?)
    }

    fn set(&self, key: &str, bytes: &[u8]) -> Result<(), Failure> {
        Ok(Self::set(self, key, bytes)?)
    }

    fn delete(&self, key: &str) -> Result<(), Failure> {
        Ok(Self::delete(self, key)?)
    }

    fn keys(&self) -> Result<Vec<String>, Failure> {
        // Spin gives all keys at once, and refuses any cursor.
        Ok(self.list_keys(None)?.keys)
    }

    #[cfg(feature = "atomics")]
    fn swap(&self, key: &str, next: &mut Next<'_>) -> Result<bool, Failure> {
        let cas = Cas::new(self, key)?;
        if let Some(bytes) = next(cas.current()?.as_deref())? {
            // Its answer is not believed.
            let _ = swap(cas, &bytes);
        }
        Ok(true)
    }

    #[cfg(feature = "atomics")]
    fn count(&self, key: &str) -> Result<Option<i64>, Failure> {
        Ok(Some(increment(self, key, 1)?))
    }
}
