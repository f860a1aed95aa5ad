//! Why a channel is not added, changed or connected, or its account not read or changed.

use super::account::origin;
use crate::capability::OriginError;
use crate::contract::account::AccountError;
use crate::contract::connection::{ConnectError, Registration};
use crate::contract::types::{Error, Problem};
use crate::store::StoreError;
use crate::vault::VaultError;
use crate::{CallError, LoadError};

/// Why a channel is not added, changed or connected, or its account not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The settings, or what was asked for, break rules.
    #[error("{} rules are broken", .0.len())]
    Invalid(Vec<Problem>),
    /// Another channel of this host has it.
    #[error(
        "the channel `{by}` of this host has the same `{member}`: change it, or remove that channel"
    )]
    Taken {
        /// The member of the settings.
        member: String,
        /// The other channel's name.
        by: String,
    },
    /// The component is no channel for this host.
    #[error("the component can't be used: {0}")]
    Load(#[from] LoadError),
    /// The component lacks what a channel of a host needs.
    #[error("the component does not export {}: it can read webhooks and build messages, and not be connected", .0.join(", "))]
    Incomplete(Vec<&'static str>),
    /// The component calls a secret of its own by a name of the host's.
    #[error(
        "the component declares a secret `{0}`, which is a name of the host's own: build it with another name"
    )]
    Reserved(String),
    /// The number's webhook leads elsewhere.
    #[error("the vendor delivers this number's webhooks to {}: say that it may be replaced, or leave it", origin(.0.url.as_deref().unwrap_or_default()))]
    Occupied(Registration),
    /// The vendor, or the way to it, refused.
    #[error("{}", .0.sentence())]
    Refused(Box<Error>),
    /// An origin that the settings name can't be used.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The plugin failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A secret can't be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// What the store has of a channel can't be read.
    #[error("what the store has of the channel {0} can't be read: put a backup back")]
    Damaged(String),
}

impl From<ConnectError> for ChannelError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Settings(problems) => Self::Invalid(problems),
            ConnectError::Occupied(registration) => Self::Occupied(registration),
            ConnectError::Failed(error) => error.into(),
        }
    }
}

impl From<AccountError> for ChannelError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Invalid(problems) => Self::Invalid(problems),
            AccountError::Failed(error) => error.into(),
        }
    }
}

impl From<Error> for ChannelError {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}
