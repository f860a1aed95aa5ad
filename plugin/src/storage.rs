//! The storage that the host lends, as a trait: what remembers works on any store that keeps the contract's promises, in tests too.

use crate::bindings::messaging::channel::storage::{Failure, KeyPage};

/// Keys and values of this channel alone; `storage` of the contract says what holds of each function.
pub trait Storage {
    /// The value of a key.
    ///
    /// # Errors
    ///
    /// The [`Failure`] of the store; here and below.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure>;

    /// Sets a key.
    ///
    /// # Errors
    ///
    /// As [`Storage::get`].
    fn set(&self, key: &str, value: &[u8]) -> Result<(), Failure>;

    /// Deletes a key; one that does not exist is no error.
    ///
    /// # Errors
    ///
    /// As [`Storage::get`].
    fn delete(&self, key: &str) -> Result<(), Failure>;

    /// Sets a key where its value is `expected` (`None`: where it does not exist); whether it was set.
    ///
    /// # Errors
    ///
    /// As [`Storage::get`].
    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, Failure>;

    /// Keys that begin with a prefix: not for use on a delivery's way in.
    ///
    /// # Errors
    ///
    /// As [`Storage::get`].
    fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, Failure>;
}
