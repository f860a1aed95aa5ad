//! Duplicates, other orders, failures, lost swaps and calls at the same time come to the same as a quiet run.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// How an item of a person names them. Person `n` has the user id `DE.n` and the phone number `49n`; the user id was `DE.n.0`.
#[derive(Clone, Copy, Debug)]
enum Shown {
    Old,
    User,
    Phone,
    Both,
}

/// What a person, or a message to them, does.
#[derive(Clone, Copy, Debug)]
enum Doing {
    Writes,
    Calls,
    IsEchoed,
    Refuses,
    ChangesId,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    person: u64,
    shown: Shown,
    doing: Doing,
    ago: u64,
}

impl Step {
    fn event(self) -> Event {
        let Self { person, ago, .. } = self;
        let names = match self.shown {
            Shown::Old => old(person),
            Shown::User => format!("DE.{person}"),
            Shown::Phone => format!("/49{person}"),
            Shown::Both => both(person),
        };
        let body = match self.doing {
            Doing::Writes => EventBody::Message(events::Message {
                id: Some(format!("wamid.{ago}")),
                ..message(hello())
            }),
            Doing::Calls => call(Some(CallDirection::Inbound)),
            Doing::IsEchoed => EventBody::Echo(message(hello())),
            Doing::Refuses => EventBody::Status(status(MessageState::Failed, Some("131047"))),
            Doing::ChangesId => changed(Some(contact(&old(person)))),
        };
        event(&names, Some(NOW - ago), body)
    }
}

fn both(person: u64) -> String {
    format!("DE.{person}/49{person}")
}

fn old(person: u64) -> String {
    format!("DE.{person}.0")
}

fn step(shown: impl Strategy<Value = Shown>) -> impl Strategy<Value = Step> {
    let doing = prop_oneof![
        3 => Just(Doing::Writes),
        1 => Just(Doing::Calls),
        1 => Just(Doing::IsEchoed),
        1 => Just(Doing::Refuses),
        1 => Just(Doing::ChangesId),
    ];
    (1..4_u64, shown, doing, 0..20_u64).prop_map(|(person, shown, doing, ago)| Step {
        person,
        shown,
        doing,
        ago,
    })
}

fn any_names() -> impl Strategy<Value = Shown> {
    prop_oneof![
        Just(Shown::Old),
        Just(Shown::User),
        Just(Shown::Phone),
        Just(Shown::Both)
    ]
}

/// As today's traffic: the user id is always there.
fn with_user_id() -> impl Strategy<Value = Shown> {
    prop_oneof![Just(Shown::User), Just(Shown::Both)]
}

/// Deliveries of steps, and the same ones again in another order.
fn deliveries(
    shown: impl Strategy<Value = Shown>,
) -> impl Strategy<Value = (Vec<Vec<Step>>, Vec<Vec<Step>>)> {
    vec(vec(step(shown), 1..4), 1..8).prop_flat_map(|deliveries| {
        let twice = [deliveries.clone(), deliveries.clone()].concat();
        (Just(deliveries), Just(twice).prop_shuffle())
    })
}

fn deliver(store: &Store, steps: &[Step]) -> Result<usize, Failure> {
    let events: Vec<Event> = steps.iter().map(|step| step.event()).collect();
    remember(store, Some("Hello!"), &events, NOW).map(|replies| replies.len())
}

/// When each person's window was opened and refused last, by each of the names, once all are known to be theirs.
fn windows(store: &Store, deliveries: &[Vec<Step>]) -> Vec<(u64, Option<u64>, Option<u64>)> {
    let mut people: Vec<u64> = deliveries
        .iter()
        .flatten()
        .map(|step| step.person)
        .collect();
    people.sort_unstable();
    people.dedup();
    for person in &people {
        let previous = Some(contact(&old(*person)));
        take(
            store,
            &[event(&both(*person), Some(NOW), changed(previous))],
        );
    }
    let names = people.iter().flat_map(|person| {
        let user = Recipient::UserId(format!("DE.{person}"));
        let phone = Recipient::Phone(format!("49{person}"));
        [
            (*person, user),
            (*person, phone),
            (*person, Recipient::UserId(old(*person))),
        ]
    });
    names
        .map(|(person, to)| {
            let state = state(store, &to).unwrap();
            (person, state.opened.map(|opened| opened.at), state.refused)
        })
        .collect()
}

/// What [`windows`] must be, reckoned from the steps alone.
fn expected(deliveries: &[Vec<Step>]) -> Vec<(u64, Option<u64>, Option<u64>)> {
    let latest = |person, wanted: fn(Doing) -> bool| {
        let steps = deliveries.iter().flatten();
        steps
            .filter(|step| step.person == person && wanted(step.doing))
            .map(|step| NOW - step.ago)
            .max()
    };
    (1..4)
        .filter(|person| {
            deliveries
                .iter()
                .flatten()
                .any(|step| step.person == *person)
        })
        .flat_map(|person| {
            let opened = latest(person, |doing| {
                matches!(doing, Doing::Writes | Doing::Calls)
            });
            let refused = latest(person, |doing| matches!(doing, Doing::Refuses));
            [(person, opened, refused); 3]
        })
        .collect()
}

/// How many people are greeted in a quiet run: those whose first item is a message in an open window.
fn greetings(deliveries: &[Vec<Step>]) -> usize {
    let first = |person| {
        deliveries
            .iter()
            .flatten()
            .find(|step| step.person == person)
    };
    (1..4)
        .filter(|person| first(*person).is_some_and(|step| matches!(step.doing, Doing::Writes)))
        .count()
}

proptest! {
    #[test]
    fn order_and_repetition_do_not_matter((deliveries, again) in deliveries(any_names())) {
        let store = Store::default();
        for steps in &again {
            deliver(&store, steps).unwrap();
        }
        prop_assert_eq!(windows(&store, &again), expected(&deliveries));
    }

    #[test]
    fn each_is_greeted_once_however_often_the_deliveries_come((deliveries, again) in deliveries(with_user_id())) {
        let store = Store::default();
        let mut sent = 0;
        for steps in deliveries.iter().chain(&again) {
            sent += deliver(&store, steps).unwrap();
        }
        prop_assert_eq!(sent, greetings(&deliveries));
    }

    #[test]
    fn a_call_that_died_anywhere_is_made_again_and_nothing_is_lost_or_doubled(
        (deliveries, again) in deliveries(any_names()),
        deaths in vec(0..12_u32, 16),
    ) {
        let store = Store::default();
        for (steps, death) in again.iter().zip(deaths) {
            store.fails_after.set(Some(death));
            let died = deliver(&store, steps).is_err();
            store.fails_after.set(None);
            if died {
                deliver(&store, steps).unwrap();
            }
        }
        prop_assert_eq!(windows(&store, &again), expected(&deliveries));
    }

    #[test]
    fn a_greeting_is_never_doubled_by_a_call_that_died(
        (deliveries, again) in deliveries(with_user_id()),
        deaths in vec(0..12_u32, 24),
    ) {
        let store = Store::default();
        let mut sent = 0;
        for (steps, death) in deliveries.iter().chain(&again).zip(deaths) {
            store.fails_after.set(Some(death));
            let first = deliver(&store, steps);
            store.fails_after.set(None);
            sent += match first {
                Ok(sent) => sent,
                Err(_) => deliver(&store, steps).unwrap(),
            };
        }
        prop_assert!(sent <= greetings(&deliveries));
    }

    #[test]
    fn swaps_that_are_lost_lose_nothing(
        (deliveries, again) in deliveries(with_user_id()),
        lost in vec(any::<bool>(), 0..12),
    ) {
        let store = Store::default();
        *store.lost.borrow_mut() = lost;
        let mut sent = 0;
        for steps in deliveries.iter().chain(&again) {
            sent += deliver(&store, steps).unwrap();
        }
        prop_assert_eq!(sent, greetings(&deliveries));
        prop_assert_eq!(windows(&store, &again), expected(&deliveries));
    }

    #[test]
    fn calls_at_the_same_time_are_as_one_after_the_other(
        before in vec(step(any_names()), 0..4),
        first in vec(step(any_names()), 1..5),
        second in vec(step(any_names()), 1..5),
        at in 0..12_u32,
    ) {
        let store = Store::default();
        deliver(&store, &before).unwrap();
        let interrupting = second.clone();
        let happens: Box<dyn FnOnce(&Store)> = Box::new(move |store| {
            deliver(store, &interrupting).unwrap();
        });
        *store.interruption.borrow_mut() = Some((at, happens));
        deliver(&store, &first).unwrap();
        let is_left = store.interruption.take().is_some();
        if is_left {
            deliver(&store, &second).unwrap();
        }
        let all = [before, first, second];
        prop_assert_eq!(windows(&store, &all), expected(&all));
    }

    #[test]
    fn calls_at_the_same_time_greet_once(
        names in with_user_id(),
        others in with_user_id(),
        at in 0..12_u32,
    ) {
        let write = |shown| Step { person: 1, shown, doing: Doing::Writes, ago: 0 };
        let store = std::rc::Rc::new(Store::default());
        let sent = std::rc::Rc::new(std::cell::Cell::new(0));
        let counter = std::rc::Rc::clone(&sent);
        let happens: Box<dyn FnOnce(&Store)> = Box::new(move |store| {
            counter.set(deliver(store, &[write(others)]).unwrap());
        });
        *store.interruption.borrow_mut() = Some((at, happens));
        let first = deliver(&store, &[write(names)]).unwrap();
        prop_assert_eq!(first + sent.get(), 1);
    }
}
