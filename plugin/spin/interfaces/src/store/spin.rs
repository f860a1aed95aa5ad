//! The store that Spin lends.

#[cfg(feature = "atomics")]
use spin_sdk::experimental::wasi::keyvalue::atomics::{Cas, increment, swap};
use spin_sdk::experimental::wasi::keyvalue::store::{self, Error};

/// A store that Spin lends.
pub use store::Bucket as SpinBucket;

use super::{Bucket, Failure, Next, Store};

/// The store's name: `key_value_stores = ["default"]`.
const NAME: &str = "default";

/// The keys of the component's store that begin with `scope`.
///
/// # Errors
///
/// The store is not granted, or can't be reached.
pub fn open(scope: &'static str) -> Result<Store<SpinBucket>, Failure> {
    Ok(Store::new(store::open(NAME)?, scope))
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
    fn swap(&self, key: &str, next: &mut Next<'_>) -> Result<(), Failure> {
        let cas = Cas::new(self, key)?;
        if let Some(bytes) = next(cas.current()?.as_deref())? {
            // Its answer is not believed.
            let _ = swap(cas, &bytes);
        }
        Ok(())
    }

    #[cfg(feature = "atomics")]
    fn count(&self, key: &str) -> Result<i64, Failure> {
        Ok(increment(self, key, 1)?)
    }
}
