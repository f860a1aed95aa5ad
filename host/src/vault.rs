//! Seals secrets, so that neither the store nor a backup shows them without the key.
//!
//! XChaCha20-Poly1305 with a random nonce. The channel and the name are authenticated along: what was sealed for one
//! row does not open in another. The key is in a file beside the store or in an environment variable, never in the
//! store.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rusqlite::Connection;

use crate::settings::Secret;
use crate::store::{Store, StoreError, fact, file, set_fact};

/// The environment variable that may hold the key, instead of a file.
pub const KEY_VARIABLE: &str = "CHANNEL_HOST_KEY";

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// How a sealed value is made, in its first byte.
const VERSION: u8 = 1;

/// A key file holds 64 characters at most and the end of a line; more is another file.
const FILE_BYTES: u64 = 1024;

/// The fact of the store that tells whether a key is the one that its secrets were sealed with.
const KEY_CHECK: &str = "key_check";

/// Why a secret can't be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file can't be read or made.
    #[error("the key file {} can't be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner can read or write the key file.
    #[error(
        "the key file {path} is open to others (mode {mode:03o}): close it with `chmod 600 {path}`",
        path = path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The store holds secrets, and there is no key file.
    #[error(
        "the key file {} is missing, and this store holds secrets that were sealed with it: put it back, or set {KEY_VARIABLE} to the key",
        path.display()
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// What should be the key is none.
    #[error("{place} holds no key: it must be 32 bytes in base64 or hex")]
    NoKey {
        /// The file or the variable.
        place: String,
    },
    /// The store's secrets were sealed with another key.
    #[error(
        "this store's secrets were sealed with another key: put its key file back, or set {KEY_VARIABLE} to that key"
    )]
    WrongKey,
    /// A sealed value was damaged, or sealed for something else or with another key.
    #[error("the secret `{name}` of the channel {channel} does not open: set it again")]
    Closed {
        /// The channel's id.
        channel: String,
        /// The secret's name.
        name: String,
    },
    /// A value is longer than can be sealed.
    #[error("the secret is too long to be sealed")]
    TooLong,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The store does not tell whether the key is right.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seals and opens secrets under one key. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    // Which overwrites the key when it is dropped.
    cipher: Arc<XChaCha20Poly1305>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// The vault of a store, with the key in a file. Where there is no file yet, and nothing was sealed, it makes one
    /// that only its owner can read.
    ///
    /// # Errors
    ///
    /// The file is missing though the store holds secrets, is open to others, holds no key or another store's.
    pub async fn from_file(path: &Path, store: &Store) -> Result<Self, VaultError> {
        let failed = |source| VaultError::File {
            path: path.to_owned(),
            source,
        };
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if store.read_now(holds_secrets)? {
                    return Err(VaultError::Missing {
                        path: path.to_owned(),
                    });
                }
                make_key_file(path)?;
                File::open(path)
            }
            opened => opened,
        };
        let file = file.map_err(failed)?;
        if let Some(mode) = file::open_to_others(&file).map_err(failed)? {
            return Err(VaultError::OpenToOthers {
                path: path.to_owned(),
                mode,
            });
        }
        let mut text = Vec::new();
        file.take(FILE_BYTES)
            .read_to_end(&mut text)
            .map_err(failed)?;
        let vault = Self::with_key(&text).ok_or_else(|| VaultError::NoKey {
            place: path.display().to_string(),
        })?;
        vault.fit(store).await
    }

    /// The vault of a store, with the key in the value of [`KEY_VARIABLE`].
    ///
    /// # Errors
    ///
    /// It is no key, or the store's secrets were sealed with another one.
    pub async fn from_environment(value: &str, store: &Store) -> Result<Self, VaultError> {
        let vault = Self::with_key(value.as_bytes()).ok_or_else(|| VaultError::NoKey {
            place: KEY_VARIABLE.to_owned(),
        })?;
        vault.fit(store).await
    }

    /// Seals a secret of a channel.
    ///
    /// # Errors
    ///
    /// The system gives no random numbers, or the value is too long.
    pub fn seal(&self, channel: &str, name: &str, secret: &Secret) -> Result<Vec<u8>, VaultError> {
        self.seal_text(channel, name, secret.expose())
    }

    /// Opens what was sealed for this channel under this name.
    ///
    /// # Errors
    ///
    /// It was damaged, or sealed for something else or with another key.
    pub fn open(&self, channel: &str, name: &str, sealed: &[u8]) -> Result<Secret, VaultError> {
        let opened = || {
            let (&VERSION, sealed) = sealed.split_first()? else {
                return None;
            };
            let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
            let payload = Payload {
                msg: sealed,
                aad: &place(channel, name),
            };
            let text = self.cipher.decrypt(XNonce::from_slice(nonce), payload);
            String::from_utf8(text.ok()?).ok()
        };
        opened().map(Secret::new).ok_or_else(|| VaultError::Closed {
            channel: channel.to_owned(),
            name: name.to_owned(),
        })
    }

    fn seal_text(&self, channel: &str, name: &str, text: &str) -> Result<Vec<u8>, VaultError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        let payload = Payload {
            msg: text.as_bytes(),
            aad: &place(channel, name),
        };
        let sealed = self.cipher.encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| VaultError::TooLong)?;
        Ok([&[VERSION], &nonce[..], &sealed].concat())
    }

    /// A key as text: base64 or hex.
    fn with_key(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let key = if text.len() == 2 * KEY_BYTES {
            hex::decode(text).ok()?
        } else {
            let padding = text.iter().rev().take_while(|&&byte| byte == b'=').count();
            STANDARD_NO_PAD.decode(&text[..text.len() - padding]).ok()?
        };
        let cipher = XChaCha20Poly1305::new_from_slice(&key).ok()?;
        Some(Self {
            cipher: Arc::new(cipher),
        })
    }

    /// Makes sure that this is the key of the store's secrets. While it holds none, any key may become it.
    async fn fit(self, store: &Store) -> Result<Self, VaultError> {
        store
            .write(move |connection| {
                let check = fact(connection, KEY_CHECK).map_err(StoreError::from)?;
                let fits = check
                    .and_then(|check| hex::decode(check).ok())
                    .is_some_and(|check| self.open("", KEY_CHECK, &check).is_ok());
                if !fits {
                    if holds_secrets(connection)? {
                        return Err(VaultError::WrongKey);
                    }
                    // No channel has an empty id.
                    let check = hex::encode(self.seal_text("", KEY_CHECK, KEY_CHECK)?);
                    set_fact(connection, KEY_CHECK, &check).map_err(StoreError::from)?;
                }
                Ok(self)
            })
            .await
    }
}

/// What is authenticated along with a secret. The length keeps apart what would read the same in one row.
fn place(channel: &str, name: &str) -> Vec<u8> {
    let length = (channel.len() as u64).to_le_bytes();
    [&[VERSION], &length[..], channel.as_bytes(), name.as_bytes()].concat()
}

fn holds_secrets(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM secret)", [], |row| row.get(0))?)
}

fn make_key_file(path: &Path) -> Result<(), VaultError> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key)?;
    let failed = |source| VaultError::File {
        path: path.to_owned(),
        source,
    };
    file::make(path, failed, |temporary| {
        // It has its mode already.
        fs::write(temporary, format!("{}\n", STANDARD.encode(key))).map_err(failed)
    })?;
    tracing::info!(path = %path.display(), "made the key that secrets are sealed with; a backup of the store needs it");
    Ok(())
}

#[cfg(test)]
mod tests;
