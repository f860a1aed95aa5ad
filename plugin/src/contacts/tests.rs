use super::*;
use crate::bindings::messaging::channel::outbound::{EntryPoint, Opening, OpeningCause};
use crate::bindings::messaging::channel::storage::KeyPage;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

type Interruption = Box<dyn FnOnce(&Store)>;

/// A store that counts, holds to the contract's limits, and fails, loses swaps or lets another call in where it is told to.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) values: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) gets: Cell<u32>,
    pub(crate) swaps: Cell<u32>,
    /// Fails from the operation on that comes after so many.
    pub(crate) fails_after: Cell<Option<u32>>,
    /// Which of the next swaps are lost.
    pub(crate) lost: RefCell<Vec<bool>>,
    /// What happens before the operation that comes after so many.
    pub(crate) interruption: RefCell<Option<(u32, Interruption)>>,
}

impl Store {
    fn operation(&self) -> Result<(), Failure> {
        match self.fails_after.get() {
            Some(0) => return Err(Failure::Unavailable("told to".to_owned())),
            Some(left) => self.fails_after.set(Some(left - 1)),
            None => {}
        }
        let interruption = self.interruption.take();
        match interruption {
            Some((0, happens)) => happens(self),
            Some((left, happens)) => *self.interruption.borrow_mut() = Some((left - 1, happens)),
            None => {}
        }
        Ok(())
    }

    fn keep(&self, key: &str, value: &[u8]) -> Result<(), Failure> {
        if key.is_empty() || key.len() > 256 || value.len() > 64 * 1024 {
            return Err(Failure::Limit(format!("{} {}", key.len(), value.len())));
        }
        let mut values = self.values.borrow_mut();
        values.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    /// Reads and swaps since the last time.
    pub(crate) fn operations(&self) -> (u32, u32) {
        (self.gets.take(), self.swaps.take())
    }
}

impl Storage for Store {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.operation()?;
        self.gets.set(self.gets.get() + 1);
        Ok(self.values.borrow().get(key).cloned())
    }

    fn set(&self, key: &str, _: &[u8]) -> Result<(), Failure> {
        panic!("{key} was set without looking");
    }

    fn delete(&self, key: &str) -> Result<(), Failure> {
        self.operation()?;
        self.values.borrow_mut().remove(key);
        Ok(())
    }

    fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
    ) -> Result<bool, Failure> {
        self.operation()?;
        self.swaps.set(self.swaps.get() + 1);
        let is_lost = self.lost.borrow_mut().pop().unwrap_or(false);
        let is_expected = self.values.borrow().get(key).map(Vec::as_slice) == expected;
        assert_ne!(expected, Some(value), "{key} was written without need");
        if is_lost || !is_expected {
            return Ok(false);
        }
        self.keep(key, value)?;
        Ok(true)
    }

    fn list(&self, prefix: &str, _: Option<&str>) -> Result<KeyPage, Failure> {
        panic!("{prefix} was listed");
    }
}

/// A contact from `user/phone/parent`, each of which may be empty.
pub(crate) fn contact(names: &str) -> Contact {
    let mut names = names
        .split('/')
        .map(|name| Some(name.to_owned()).filter(|name| !name.is_empty()));
    let mut next = || names.next().flatten();
    Contact {
        user_id: next(),
        phone: next(),
        parent_user_id: next(),
        username: Some("ada".to_owned()),
        name: None,
        identity_hash: None,
    }
}

fn opened(at: u64) -> WindowState {
    WindowState {
        opened: Some(Opening {
            at,
            cause: OpeningCause::Message,
            id: Some(format!("wamid.{at}")),
        }),
        refused: None,
        free_entry_point: None,
    }
}

fn known(names: &str, window: WindowState) -> KnownContact {
    KnownContact {
        contact: contact(names),
        window,
        greeted: false,
    }
}

/// When the window of a contact was opened; `None` where the contact is not known.
pub(crate) fn opened_at(store: &Store, names: &str) -> Option<u64> {
    window(store, &Recipient::Contact(contact(names)))
        .unwrap()
        .map(|state| state.opened.map_or(0, |opened| opened.at))
}

fn learn(store: &Store, names: &str, at: u64) -> u32 {
    import(store, vec![known(names, opened(at))]).unwrap()
}

/// Takes two sets of names for one contact, by the vendor's word.
fn change(store: &Store, names: &[&str]) {
    let names: Vec<String> = names
        .iter()
        .flat_map(|names| super::names(&contact(names)))
        .collect();
    update(store, |memory| memory.contact(&names, true).map(|_| ())).unwrap();
}

#[test]
fn a_window_is_found_by_every_name() {
    let store = Store::default();
    assert_eq!(learn(&store, "DE.1/4930/DE.ENT.1", 7), 1);
    for to in [
        Recipient::Phone("4930".into()),
        Recipient::Phone("+4930".into()),
        Recipient::UserId("DE.1".into()),
        Recipient::UserId("DE.ENT.1".into()),
        Recipient::Contact(contact("DE.1")),
        Recipient::Contact(contact("/4930")),
        Recipient::Contact(contact("//DE.ENT.1")),
        Recipient::Contact(contact("DE.1/4930")),
        Recipient::Contact(contact("DE.2/4930")),
    ] {
        assert_eq!(window(&store, &to), Ok(Some(opened(7))), "{to:?}");
    }
    for to in [
        Recipient::Phone("4931".into()),
        Recipient::Phone(String::new()),
        Recipient::UserId("4930".into()),
        Recipient::UserId("ada".into()),
        Recipient::Group("4930".into()),
        Recipient::Contact(contact("")),
    ] {
        assert_eq!(window(&store, &to), Ok(None), "{to:?}");
    }
}

#[test]
fn what_is_newer_stays_when_contacts_are_imported() {
    let store = Store::default();
    let entry = |at, until| WindowState {
        opened: None,
        refused: Some(at),
        free_entry_point: Some(EntryPoint { at, until }),
    };
    let contacts = || {
        vec![
            known("DE.1/4930", opened(5)),
            known("/4930", opened(9)),
            known("", opened(5)),
            known("/4931", entry(6, Some(20))),
        ]
    };
    assert_eq!(import(&store, contacts()), Ok(2));
    store.operations();
    assert_eq!(import(&store, contacts()), Ok(0));
    assert_eq!(store.operations(), (3, 0), "a read for each name");
    assert_eq!(learn(&store, "DE.1", 8), 0);
    assert_eq!(opened_at(&store, "DE.1"), Some(9));
    import(&store, vec![known("/4931", entry(3, None))]).unwrap();
    let to = Recipient::Phone("4931".into());
    assert_eq!(window(&store, &to), Ok(Some(entry(6, Some(20)))));
    import(&store, vec![known("/4931", entry(21, None))]).unwrap();
    assert_eq!(window(&store, &to), Ok(Some(entry(21, None))));
}

#[test]
fn names_that_are_shown_together_are_one_contact_s() {
    let store = Store::default();
    learn(&store, "/4930", 5);
    learn(&store, "DE.1", 3);
    assert_eq!(opened_at(&store, "DE.1"), Some(3));
    assert_eq!(learn(&store, "DE.1/4930", 1), 0);
    for names in ["DE.1", "/4930"] {
        assert_eq!(opened_at(&store, names), Some(5), "{names}");
    }
    learn(&store, "/4930", 8);
    assert_eq!(opened_at(&store, "DE.1"), Some(8));
}

#[test]
fn a_record_moves_to_the_stronger_name_and_is_one_read_from_then_on() {
    let store = Store::default();
    learn(&store, "/4930", 5);
    assert_eq!(learn(&store, "DE.1/4930/DE.ENT.1", 6), 0);
    store.operations();
    learn(&store, "DE.1/4930/DE.ENT.1", 7);
    assert_eq!(store.operations(), (1, 1));
    assert_eq!(opened_at(&store, "/4930"), Some(7));
}

#[test]
fn a_number_that_is_given_to_somebody_else_does_not_make_two_people_one() {
    let store = Store::default();
    learn(&store, "DE.1/4930/DE.ENT.1", 5);
    assert_eq!(learn(&store, "DE.2/4930", 2), 0, "the number was seen");
    assert_eq!(opened_at(&store, "/4930"), Some(5), "no opening is lost");
    learn(&store, "DE.2", 9);
    assert_eq!(opened_at(&store, "/4930"), Some(9));
    assert_eq!(opened_at(&store, "DE.1"), Some(5));
    assert_eq!(opened_at(&store, "//DE.ENT.1"), Some(5));

    learn(&store, "DE.1/4930", 11);
    assert_eq!(opened_at(&store, "/4930"), Some(11), "and back again");
    assert_eq!(opened_at(&store, "DE.2"), Some(9));
    learn(&store, "DE.2/4930", 7);
    learn(&store, "DE.2", 13);
    assert_eq!(forget(&store, &contact("DE.1")), Ok(true));
    assert_eq!(
        opened_at(&store, "/4930"),
        Some(13),
        "it is the other one's"
    );
}

#[test]
fn a_parent_user_id_makes_no_two_contacts_one() {
    for (first, second) in [
        ("DE.1//DE.ENT.1", "DE.2//DE.ENT.1"),
        ("/4930/DE.ENT.1", "/4931/DE.ENT.1"),
        ("/4930/DE.ENT.1", "DE.2//DE.ENT.1"),
        ("DE.1//DE.ENT.1", "/4931/DE.ENT.1"),
    ] {
        let store = Store::default();
        learn(&store, first, 5);
        learn(&store, second, 9);
        let alone = |names: &str| names.replace("/DE.ENT.1", "");
        assert_eq!(
            opened_at(&store, &alone(first)),
            Some(5),
            "{first} {second}"
        );
        assert_eq!(
            opened_at(&store, &alone(second)),
            Some(9),
            "{first} {second}"
        );
        assert_eq!(opened_at(&store, "//DE.ENT.1"), Some(9), "{first} {second}");
    }
    // Where it was the only name, it is nobody else's.
    let store = Store::default();
    learn(&store, "//DE.ENT.1", 5);
    assert_eq!(learn(&store, "DE.1//DE.ENT.1", 2), 0);
    assert_eq!(opened_at(&store, "DE.1"), Some(5));
}

#[test]
fn old_and_new_names_are_joined_in_both_directions_and_in_chains() {
    for order in [
        ["DE.1/491", "DE.2/492", "DE.3/493"],
        ["DE.3/493", "DE.1/491", "DE.2/492"],
    ] {
        let store = Store::default();
        for (names, at) in order.iter().zip(1..) {
            learn(&store, names, at);
        }
        change(&store, &[order[0], order[1]]);
        change(&store, &[order[2], order[1]]);
        for names in ["DE.1", "DE.2", "DE.3", "/491", "/492", "/493"] {
            assert_eq!(opened_at(&store, names), Some(3), "{names}");
            learn(&store, names, 2);
            store.operations();
            learn(&store, names, 2);
            let (gets, swaps) = store.operations();
            assert!(
                gets <= 2 && swaps == 0,
                "{names}: {gets} reads, {swaps} swaps"
            );
        }
        assert_eq!(forget(&store, &contact("/492")), Ok(true));
        assert_eq!(*store.values.borrow(), BTreeMap::new());
    }
}

#[test]
fn to_join_can_be_tried_again_wherever_it_failed() {
    for (known, shown, same) in [
        (["DE.1", "/491"], "DE.2/491", true),
        (["/491", "/492"], "DE.2/491", false),
    ] {
        for operations in 0..20 {
            let store = Store::default();
            change(&store, &known);
            learn(&store, "DE.2", 2);
            let names = super::names(&contact(shown));
            let join = || update(&store, |memory| memory.contact(&names, same).map(|_| ()));
            store.fails_after.set(Some(operations));
            let first = join();
            store.fails_after.set(None);
            if first.is_err() {
                join().unwrap();
            }
            learn(&store, "DE.2", 9);
            for name in known {
                assert_eq!(
                    opened_at(&store, name),
                    Some(9),
                    "{name} after {operations}"
                );
            }
            forget(&store, &contact("DE.2")).unwrap();
            assert_eq!(
                *store.values.borrow(),
                BTreeMap::new(),
                "after {operations}"
            );
        }
    }
}

#[test]
fn a_contact_is_forgotten_under_all_names() {
    let store = Store::default();
    for names in ["DE.1", "/4930", "//DE.ENT.1", "DE.1/4930/DE.ENT.1"] {
        learn(&store, "/4930", 1);
        learn(&store, "DE.1", 2);
        learn(&store, "DE.1/4930/DE.ENT.1", 3);
        learn(&store, "DE.9/4939", 4);
        assert_eq!(forget(&store, &contact(names)), Ok(true), "{names}");
        assert_eq!(forget(&store, &contact("DE.9")), Ok(true));
        assert_eq!(*store.values.borrow(), BTreeMap::new(), "{names}");
        assert_eq!(forget(&store, &contact(names)), Ok(false), "{names}");
    }
    assert_eq!(forget(&store, &contact("")), Ok(false));
}

#[test]
fn to_forget_can_be_tried_again_wherever_it_failed() {
    for operations in 0..20 {
        let store = Store::default();
        learn(&store, "/4930", 1);
        learn(&store, "DE.1/4930/DE.ENT.1", 3);
        change(&store, &["DE.1", "DE.2/4931"]);
        store.fails_after.set(Some(operations));
        let first = forget(&store, &contact("DE.1"));
        store.fails_after.set(None);
        let again = forget(&store, &contact("DE.1")).unwrap();
        assert_eq!(again, first.is_err(), "after {operations}");
        assert_eq!(
            *store.values.borrow(),
            BTreeMap::new(),
            "after {operations}"
        );
    }
}

#[test]
fn a_record_stays_within_the_limits_of_the_store() {
    let store = Store::default();
    let long = |at: u64| format!("DE.{at:0>190}");
    for at in 0..200 {
        change(&store, &[&long(0), &format!("{}/{at:0>300}", long(at))]);
        import(&store, vec![known(&long(0), opened(at))]).unwrap();
    }
    let mut window_state = opened(500);
    let opening = window_state.opened.as_mut().unwrap();
    opening.id = Some("x".repeat(100_000));
    opening.cause = OpeningCause::Other("y".repeat(100_000));
    import(&store, vec![known(&long(0), window_state)]).unwrap();
    assert_eq!(opened_at(&store, &long(0)), Some(500));
    let longest = store.values.borrow().values().map(Vec::len).max().unwrap();
    assert!((8_000..16_384).contains(&longest), "{longest}");

    forget(&store, &contact(&long(0))).unwrap();
    for at in 0..200 {
        forget(&store, &contact(&long(at))).unwrap();
    }
    assert_eq!(*store.values.borrow(), BTreeMap::new());
}

#[test]
fn what_can_t_be_read_is_a_contact_that_was_seen() {
    for value in [
        "",
        "null",
        "7",
        "{\"state\": 7}",
        "{\"to\": \"parent:x\"}",
        "{\"to\": \"user:DE.1\"}",
    ] {
        let store = Store::default();
        (store.values.borrow_mut()).insert("user:DE.1".to_owned(), value.as_bytes().to_vec());
        assert_eq!(opened_at(&store, "DE.1"), Some(0), "{value}");
        assert_eq!(learn(&store, "DE.1/4930", 7), 0, "{value}");
        assert_eq!(opened_at(&store, "/4930"), Some(7), "{value}");
    }
    let store = Store::default();
    let newer = br#"{"state":{"opened":{"at":5,"by":"message","mood":1},"x":2},"y":[]}"#;
    (store.values.borrow_mut()).insert("user:DE.1".to_owned(), newer.to_vec());
    assert_eq!(opened_at(&store, "DE.1"), Some(5));
}

#[test]
fn a_store_on_which_every_swap_is_lost_ends_in_a_failure() {
    let store = Store::default();
    *store.lost.borrow_mut() = vec![true; 1000];
    let result = import(&store, vec![known("DE.1", opened(1))]);
    assert!(matches!(result, Err(Failure::Unavailable(_))), "{result:?}");
    assert!(store.swaps.get() < 100);
}

fn reach(store: &Store, dialled: &str, named: &str) {
    reached(store, dialled, &contact(named)).unwrap();
}

#[test]
fn a_dialled_number_joins_whatever_is_known_of_either() {
    // The dialled one, and the one that the vendor writes; either may be the greater.
    for (dialled, named) in [("521", "52"), ("52", "521")] {
        for known in ["", "/52", "/521", "DE.1/52", "DE.1/521"] {
            let store = Store::default();
            if !known.is_empty() {
                learn(&store, known, 7);
            }
            for _ in 0..2 {
                reach(&store, dialled, &format!("/{named}"));
            }
            let opened = Some(if known.is_empty() { 0 } else { 7 });
            for names in ["/52", "/521"] {
                assert_eq!(
                    opened_at(&store, names),
                    opened,
                    "{dialled} {known}: {names}"
                );
            }
            learn(&store, "DE.1/521", 9);
            assert_eq!(
                opened_at(&store, "/52"),
                Some(9),
                "{dialled} {known}: one contact"
            );
        }
    }
}

#[test]
fn a_dialled_number_makes_no_two_people_one() {
    let store = Store::default();
    learn(&store, "DE.1/521", 7);
    learn(&store, "DE.2/52", 9);
    reach(&store, "521", "/52");
    // The number has gone over to the one whom it reaches now.
    assert_eq!(opened_at(&store, "/521"), Some(9));
    assert_eq!(opened_at(&store, "DE.1"), Some(7));
    learn(&store, "DE.2", 11);
    assert_eq!(opened_at(&store, "/521"), Some(11));
    assert_eq!(opened_at(&store, "DE.1"), Some(7));
}
