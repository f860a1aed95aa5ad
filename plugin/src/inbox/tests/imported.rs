//! Contacts from elsewhere whom nobody has greeted.

use super::*;
use crate::bindings::exports::messaging::channel::contacts::KnownContact;
use crate::contacts::import;
use std::rc::Rc;

fn known(names: &str, greeted: bool) -> KnownContact {
    KnownContact {
        contact: contact(names),
        window: WindowState {
            opened: None,
            refused: None,
            free_entry_point: None,
        },
        greeted,
    }
}

/// A store that has learned these contacts.
fn learned(contacts: &[(&str, bool)]) -> Store {
    let store = Store::default();
    let contacts = contacts
        .iter()
        .map(|(names, greeted)| known(names, *greeted));
    import(&store, contacts.collect()).unwrap();
    store
}

/// How many greetings leave because of a text of `names`, now.
fn greetings(store: &Store, names: &str) -> usize {
    greeted(store, &text(names, NOW), NOW).len()
}

#[test]
fn who_was_greeted_elsewhere_is_not_greeted_and_the_others_are_once() {
    for (is_greeted, expected) in [(true, 0), (false, 1)] {
        let store = learned(&[("DE.1/49", is_greeted)]);
        assert_eq!(greetings(&store, "/49"), expected);
        for names in ["DE.1", "/49", "DE.1/49"] {
            assert_eq!(greetings(&store, names), 0, "{names}");
        }
        // The same list again: what is newer stays.
        assert_eq!(import(&store, vec![known("DE.1/49", is_greeted)]), Ok(0));
        assert_eq!(greetings(&store, "DE.1"), 0);
    }
}

#[test]
fn whoever_is_still_to_be_greeted_waits_for_a_message_that_opens_the_window() {
    let store = learned(&[("DE.1/49", false)]);
    let status = EventBody::Status(status(MessageState::Read, None));
    let reaction = EventBody::Message(message(other("reaction", "{}")));
    for body in [
        status,
        reaction,
        history(true),
        call(Some(CallDirection::Inbound)),
    ] {
        let events = [event("DE.1", Some(NOW - 30 * HOUR), body)];
        assert_eq!(take(&store, &events), 0);
    }
    let old = text("DE.1/49", NOW - 25 * HOUR);
    assert_eq!(greeted(&store, &old, NOW), [], "a backlog");
    assert_eq!(greetings(&store, "DE.1"), 1);
    assert_eq!(greetings(&store, "DE.1"), 0);

    // Without a greeting, that message has passed as a stranger's would.
    let store = learned(&[("DE.1", false)]);
    receive(&store, "{}", &text("DE.1", NOW), NOW).unwrap();
    assert_eq!(greetings(&store, "DE.1"), 0);
}

#[test]
fn several_messages_of_one_delivery_are_greeted_once() {
    let store = learned(&[("DE.1", false), ("/49", false)]);
    let batch = texts(&[("DE.1", NOW), ("/49", NOW), ("DE.1/49", NOW)]);
    assert_eq!(greeted(&store, &batch, NOW).len(), 1);
    assert_eq!(greetings(&store, "DE.1/49"), 0);
}

#[test]
fn whoever_was_greeted_under_either_name_was_greeted() {
    for (first, second, expected) in [
        (("DE.1", false), ("/49", false), 1),
        (("DE.1", true), ("/49", false), 0),
        (("DE.1", false), ("/49", true), 0),
        (("DE.1", false), ("DE.1", true), 0),
        (("DE.1", true), ("DE.1", false), 0),
    ] {
        let store = learned(&[first, second]);
        assert_eq!(
            greetings(&store, "DE.1/49"),
            expected,
            "{first:?} {second:?}"
        );
        assert_eq!(greetings(&store, "DE.1/49"), 0, "{first:?} {second:?}");
    }
    // A contact that the channel has seen itself needs no greeting, whatever the list says.
    let store = Store::default();
    assert_eq!(greetings(&store, "DE.1"), 1);
    import(&store, vec![known("DE.1", false)]).unwrap();
    assert_eq!(greetings(&store, "DE.1"), 0);
}

#[test]
fn a_number_that_goes_over_in_one_delivery_is_greeted_once_for_each() {
    let store = Store::default();
    let batch = texts(&[("DE.1/49", NOW), ("DE.2/49", NOW)]);
    let greetings = greeted(&store, &batch, NOW);
    let [Recipient::Contact(to)] = &greetings[..] else {
        panic!("{greetings:?}");
    };
    assert_eq!(to.user_id.as_deref(), Some("DE.1"));
}

#[test]
fn to_greet_an_imported_contact_costs_no_more_than_to_know_it() {
    for names in ["DE.1", "DE.1/49"] {
        let [one, other] = [true, false].map(|is_greeted| {
            let store = learned(&[("/49", is_greeted), ("DE.1", is_greeted)]);
            store.operations();
            greeted(&store, &text(names, NOW), NOW);
            store.operations()
        });
        assert_eq!(one, other, "{names}");
    }
    let store = learned(&[("DE.1", false)]);
    store.operations();
    for operations in [(1, 1), (1, 0)] {
        receive(&store, SETTINGS, &text("DE.1", NOW), NOW).unwrap();
        assert_eq!(store.operations(), operations);
    }
}

#[test]
fn a_call_that_dies_anywhere_greets_nobody_twice() {
    for names in ["DE.1", "/49", "DE.1/49"] {
        for operations in 0..12 {
            let store = learned(&[("/49", false)]);
            store.fails_after.set(Some(operations));
            let delivery = text(names, NOW);
            let first = receive(&store, SETTINGS, &delivery, NOW);
            store.fails_after.set(None);
            let mut sent = first.map_or(0, |reception| reception.replies.len());
            for names in [names, "/49"] {
                sent += greetings(&store, names);
            }
            // By the user id alone it is somebody else.
            let most = if names == "DE.1" { 2 } else { 1 };
            assert!(sent <= most, "{names} after {operations}: {sent}");
        }
    }
}

#[test]
fn calls_at_the_same_time_greet_an_imported_contact_once() {
    for (names, others) in [
        ("DE.1/49", "/49"),
        ("DE.1/49", "DE.1"),
        ("DE.1/49", "DE.1/49"),
        ("/49", "DE.1/49"),
    ] {
        for at in 0..12 {
            let store = Rc::new(learned(&[("/49", false)]));
            let sent = Rc::new(std::cell::Cell::new(0));
            let counter = Rc::clone(&sent);
            let happens: Box<dyn FnOnce(&Store)> =
                Box::new(move |store| counter.set(greetings(store, others)));
            *store.interruption.borrow_mut() = Some((at, happens));
            let first = receive(&*store, SETTINGS, &text(names, NOW), NOW).unwrap();
            let sent = first.replies.len() + sent.get();
            assert_eq!(sent, 1, "{names} {others} {at}");
        }
    }
}
