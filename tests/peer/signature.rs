//! How the SMS gateway signs what it posts.
#![allow(dead_code, reason = "every test uses a part of it")]

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The header that holds the signature.
pub(crate) const HEADER: &str = "X-Example-Signature";

/// The signature of a body under an account's token.
pub(crate) fn signature(token: &str, body: &[u8]) -> String {
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(token.as_bytes());
    let mut mac = mac.expect("HMAC takes keys of every length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
