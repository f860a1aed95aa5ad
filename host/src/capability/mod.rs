//! What the host lends to plugins: HTTP and storage, and the secrets that it puts in for them.
//!
//! Each is a trait, so that an embedder may lend its own. What one call may use, [`Lent`] says.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::contract::http::{self, Request, Response};
use crate::contract::storage::{self, KeyPage};

mod address;
mod client;

pub use crate::contract::secrets::Secrets;
pub use client::{Client, ClientError, Connections, HttpLimits, OriginError, Origins};
pub(crate) use client::{FileBody, is_compressed};

/// What one call of a plugin may use. Nothing, by default.
#[derive(Clone, Default)]
pub struct Lent {
    /// HTTP; where absent, each request is denied.
    pub http: Option<Arc<dyn Http>>,
    /// Storage; where absent, each operation is denied.
    pub storage: Option<Arc<dyn Storage>>,
}

/// Sends the requests of one channel.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends a request, which must have its answer at `deadline`.
    async fn send(&self, request: Request, deadline: Instant) -> Result<Response, http::Failure>;
}

/// Keeps the keys of one channel. A key is 1 to 256 bytes, a value at most 64 KiB.
#[async_trait]
pub trait Storage: Send + Sync {
    /// The value of a key.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, storage::Failure>;

    /// Sets a key.
    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), storage::Failure>;

    /// Deletes a key; one that does not exist is no error.
    async fn delete(&self, key: &str) -> Result<(), storage::Failure>;

    /// Sets a key where its value is `expected`. Returns whether it was set.
    async fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<bool, storage::Failure>;

    /// A page of the keys that begin with `prefix`, in order.
    async fn list(&self, prefix: &str, cursor: Option<&str>) -> Result<KeyPage, storage::Failure>;
}
