//! `storage`: keys and values that belong to one channel alone, as plugins ask the host for them.

use crate::boundary::{ComponentType, JsonSchema, Lift, Lower};
use serde::Serialize;

/// Why the store did not do it.
#[derive(
    Clone, Debug, PartialEq, Serialize, JsonSchema, ComponentType, Lift, Lower, thiserror::Error,
)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The key or value is too long, or there are too many.
    #[component(name = "limit")]
    #[error("{0}")]
    Limit(String),
    /// This call may not use the store.
    #[component(name = "denied")]
    #[error("this call may not use the store")]
    Denied,
    /// The store is not reachable; trying again may help.
    #[component(name = "unavailable")]
    #[error("the store is not reachable: {0}")]
    Unavailable(String),
}

/// Some keys.
#[derive(Clone, Debug, Default, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct KeyPage {
    /// The keys, in order.
    pub keys: Vec<String>,
    /// Where to go on; absent at the end.
    pub next: Option<String>,
}
