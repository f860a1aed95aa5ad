//! The names that a contact is known by, as keys.

use crate::bindings::messaging::channel::types::Contact;
use blake2::Blake2bVar;
use blake2::digest::{Update, VariableOutput};
use std::fmt::Write;

/// The longest name, in bytes, that is a key as it stands; of a longer one, and of one that JSON writes with escapes, the hash is.
/// A real one has at most 136.
const LONGEST: usize = 200;

/// Bytes of the hash of a name that is too long.
const HASH_BYTES: usize = 32;

/// The key of a phone number, however it is set in type.
pub(super) fn phone(number: &str) -> Option<String> {
    let is_ornament = |letter| matches!(letter, '+' | ' ' | '-' | '.' | '(' | ')');
    key("phone", &number.replace(is_ornament, ""))
}

/// The key of a user id.
pub(super) fn user(id: &str) -> Option<String> {
    key("user", id)
}

/// The key of a parent user id.
pub(super) fn parent(id: &str) -> Option<String> {
    key("parent", id)
}

/// The key of a group.
pub(crate) fn group(id: &str) -> Option<String> {
    key("group", id)
}

/// The keys of all names of a contact, the strongest first. A username is none: it changes hands.
pub(crate) fn all(contact: &Contact) -> Vec<String> {
    [
        contact.user_id.as_deref().and_then(user),
        contact.phone.as_deref().and_then(phone),
        contact.parent_user_id.as_deref().and_then(parent),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What kind of name a key is. The kinds in their order as text are the kinds in their strength: `parent`, `phone`, `user`.
pub(super) fn kind(key: &str) -> &str {
    key.split([':', '#']).next().unwrap_or(key)
}

/// The key of a name of a kind; a name is not empty.
pub(crate) fn key(kind: &str, name: &str) -> Option<String> {
    if name.is_empty() {
        return None;
    }
    let has_escapes = name.contains(|letter: char| letter.is_control() || "\"\\".contains(letter));
    if name.len() <= LONGEST && !has_escapes {
        return Some(format!("{kind}:{name}"));
    }
    let mut hash = [0; HASH_BYTES];
    let mut hasher = Blake2bVar::new(HASH_BYTES).expect("BLAKE2b makes hashes of 1 to 64 bytes");
    hasher.update(name.as_bytes());
    hasher
        .finalize_variable(&mut hash)
        .expect("the output is as long as the hasher was made for");
    let mut key = format!("{kind}#");
    for byte in hash {
        write!(key, "{byte:02x}").expect("a String takes every write");
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_longer_than_the_store_takes_and_two_names_never_share_one() {
        for length in [1, LONGEST - 1, LONGEST, LONGEST + 1, 5_000_000] {
            let long = "é".repeat(length);
            let key = user(&long).unwrap();
            assert!(key.len() <= 256, "{length}: {}", key.len());
            assert_ne!(Some(key), user(&format!("{}x", &long[..long.len() - 2])));
        }
        assert_ne!(user("\u{1}"), user("\u{2}"));
        assert!(user("a\"b").is_some_and(|key| !key.contains('"')));
        let hashed = user(&"x".repeat(LONGEST + 1)).unwrap();
        assert_ne!(user(hashed.strip_prefix("user").unwrap()), Some(hashed));
    }

    #[test]
    fn a_number_has_one_key_however_it_is_set_in_type() {
        let key = Some("phone:4930123456".to_owned());
        for number in ["4930123456", "+4930123456", "+49 (30) 123-456"] {
            assert_eq!(phone(number), key, "{number}");
        }
        assert_eq!(phone("+"), None);
        assert_ne!(user("4930123456"), key);
    }

    #[test]
    fn the_strongest_name_comes_first_and_a_username_is_none() {
        let contact = Contact {
            phone: Some("4930".into()),
            user_id: Some("DE.1".into()),
            parent_user_id: Some("DE.ENT.1".into()),
            username: Some("ada".into()),
            name: Some("Ada".into()),
            identity_hash: Some("h".into()),
        };
        let keys = all(&contact);
        assert_eq!(keys, ["user:DE.1", "phone:4930", "parent:DE.ENT.1"]);
        assert!(keys.is_sorted_by(|strong, weak| strong > weak && kind(strong) > kind(weak)));
    }
}
