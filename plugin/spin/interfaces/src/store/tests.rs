use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::*;

/// How a store swaps.
#[derive(Clone, Copy, PartialEq)]
enum Swaps {
    /// If nobody has written meanwhile.
    Truly,
    /// If nobody has written meanwhile, but a key that did not exist is set in any case: Spin's SQLite store.
    Overwriting,
    /// Not at all: it has no such operation, and does not count.
    Never,
}

/// What others do, once.
type Once = Cell<Option<fn(&Store<&Memory>)>>;

struct Memory {
    swaps: Swaps,
    keys: RefCell<BTreeMap<String, Vec<u8>>>,
    /// What others do before the key's number is taken, once.
    before: Once,
    /// What others do between reading and writing, once.
    meanwhile: Once,
    /// What others do after the write, once.
    afterwards: Once,
}

impl Memory {
    fn new(swaps: Swaps) -> Self {
        Self {
            swaps,
            keys: RefCell::default(),
            before: Cell::default(),
            meanwhile: Cell::default(),
            afterwards: Cell::default(),
        }
    }

    fn others(&self, act: &Once) {
        if let Some(act) = act.take() {
            act(&Store::new(self, ""));
        }
    }
}

impl Bucket for &Memory {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(self.keys.borrow().get(key).cloned())
    }

    fn set(&self, key: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.keys.borrow_mut().insert(key.to_owned(), bytes.into());
        self.others(&self.afterwards);
        Ok(())
    }

    fn delete(&self, key: &str) -> Result<(), Failure> {
        self.keys.borrow_mut().remove(key);
        Ok(())
    }

    fn keys(&self) -> Result<Vec<String>, Failure> {
        Ok(self.keys.borrow().keys().cloned().collect())
    }

    fn swap(&self, key: &str, next: &mut Next<'_>) -> Result<bool, Failure> {
        if self.swaps == Swaps::Never {
            return Ok(false);
        }
        let before = self.get(key)?;
        let bytes = next(before.as_deref())?;
        self.others(&self.meanwhile);
        let overwrites = self.swaps == Swaps::Overwriting && before.is_none();
        if let Some(bytes) = bytes
            && (overwrites || self.get(key)? == before)
        {
            self.keys.borrow_mut().insert(key.to_owned(), bytes);
            self.others(&self.afterwards);
        }
        Ok(true)
    }

    fn count(&self, key: &str) -> Result<Option<i64>, Failure> {
        if self.swaps == Swaps::Never {
            return Ok(None);
        }
        self.others(&self.before);
        let mut keys = self.keys.borrow_mut();
        let number = keys.get(key).map_or(1, |number| number.len() + 1);
        keys.insert(key.to_owned(), vec![0; number]);
        Ok(i64::try_from(number).ok())
    }
}

const ALL: [Swaps; 3] = [Swaps::Truly, Swaps::Overwriting, Swaps::Never];
const TRUE: [Swaps; 2] = [Swaps::Truly, Swaps::Overwriting];

#[test]
fn keys_of_one_scope_are_not_another_s() {
    let memory = Memory::new(Swaps::Truly);
    let (ours, theirs) = (Store::new(&memory, "a:"), Store::new(&memory, "b:"));
    ours.set("k2", b"ours").unwrap();
    ours.set("k1", b"").unwrap();
    theirs.set("k2", b"theirs").unwrap();
    assert_eq!(ours.get("k2").unwrap().unwrap(), b"ours");
    assert_eq!(ours.get("k1").unwrap().unwrap(), b"");
    assert_eq!(ours.list("k").unwrap(), ["k1", "k2"]);
    ours.delete("k2").unwrap();
    ours.delete("k2").unwrap();
    assert_eq!(ours.get("k2").unwrap(), None);
    assert_eq!(theirs.get("k2").unwrap().unwrap(), b"theirs");
}

#[test]
fn only_what_is_expected_is_replaced() {
    for swaps in ALL {
        let memory = Memory::new(swaps);
        let store = Store::new(&memory, "");
        assert!(!store.compare_and_swap("k", Some(b"1"), b"2").unwrap());
        assert!(store.compare_and_swap("k", None, b"1").unwrap());
        assert!(!store.compare_and_swap("k", None, b"2").unwrap());
        assert!(store.compare_and_swap("k", Some(b"1"), b"2").unwrap());
        assert_eq!(store.get("k").unwrap().unwrap(), b"2");
    }
}

#[test]
fn a_swap_that_was_lost_is_told_so_even_where_another_wrote_the_same() {
    for swaps in TRUE {
        let memory = Memory::new(swaps);
        let store = Store::new(&memory, "");
        store.set("k", b"1").unwrap();
        memory.meanwhile.set(Some(|others| {
            assert!(others.compare_and_swap("k", Some(b"1"), b"same").unwrap());
        }));
        assert!(!store.compare_and_swap("k", Some(b"1"), b"same").unwrap());
    }
}

#[test]
fn one_makes_a_key() {
    for swaps in TRUE {
        let memory = Memory::new(swaps);
        let store = Store::new(&memory, "");
        memory.meanwhile.set(Some(|others| {
            assert!(!others.compare_and_swap("ours", None, b"theirs").unwrap());
        }));
        assert!(store.compare_and_swap("ours", None, b"ours").unwrap());
        assert_eq!(store.get("ours").unwrap().unwrap(), b"ours");

        memory.before.set(Some(|others| {
            assert!(others.compare_and_swap("theirs", None, b"theirs").unwrap());
        }));
        assert!(!store.compare_and_swap("theirs", None, b"ours").unwrap());
        assert_eq!(store.get("theirs").unwrap().unwrap(), b"theirs");

        store.delete("ours").unwrap();
        assert!(store.compare_and_swap("ours", None, b"anew").unwrap());
    }
}

#[test]
fn a_key_whose_maker_ended_before_it_was_made_is_made_later() {
    let memory = Memory::new(Swaps::Overwriting);
    let store = Store::new(&memory, "");
    (&memory).count("made:k").unwrap();
    let attempts = (0..MAKERS).filter(|_| !store.compare_and_swap("k", None, b"1").unwrap());
    assert_eq!(
        attempts.count(),
        14 + 1,
        "the 16th number made it, and the one after found it made"
    );
    assert_eq!(store.get("k").unwrap().unwrap(), b"1");
}

#[test]
fn a_swap_that_others_built_upon_was_won() {
    for swaps in ALL {
        let memory = Memory::new(swaps);
        memory.afterwards.set(Some(|others| {
            assert!(others.compare_and_swap("k", Some(b"1"), b"2").unwrap());
            assert!(others.compare_and_swap("k", Some(b"2"), b"3").unwrap());
        }));
        let store = Store::new(&memory, "");
        assert!(store.compare_and_swap("k", None, b"1").unwrap());
        assert_eq!(store.get("k").unwrap().unwrap(), b"3");
    }
}

#[test]
fn what_is_not_ours_is_no_value() {
    let memory = Memory::new(Swaps::Truly);
    let store = Store::new(&memory, "");
    for bytes in [&b""[..], b"\x01short"] {
        (&memory).set("k", bytes).unwrap();
        assert!(matches!(store.get("k"), Err(Failure::Unavailable(_))));
        assert!(store.compare_and_swap("k", None, b"1").is_err());
    }
}
