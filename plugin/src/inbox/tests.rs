mod calls;
mod imported;
mod properties;

use super::*;
use crate::bindings::messaging::channel::events::{
    self, Call, CallPermissionReply, CallState, ContactChangeKind, Edit, HistoryItem, Origin,
    Preference, PreferenceChoice, Pricing, Referral, Revoke, Unsupported,
};
use crate::bindings::messaging::channel::outbound::{EntryPoint, WindowState};
use crate::bindings::messaging::channel::types::{Error, Foreign};
use crate::contacts::tests::{Store, contact, opened_at};
use crate::contacts::window;
use serde_json::json;

const NOW: u64 = 1_795_000_000_000;
const HOUR: u64 = 3_600_000;
const SETTINGS: &str = r#"{"name": "Shop", "phone_number": "+4930123456", "greeting": "Hello!"}"#;

fn delivery(value: &serde_json::Value) -> Delivery {
    Delivery {
        method: "POST".into(),
        path: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
            {"field": "messages", "value": value}
        ]}]})
        .to_string()
        .into_bytes(),
    }
}

/// A text of `user/phone` at `at`, as 360dialog delivers it.
fn text(names: &str, at: u64) -> Delivery {
    texts(&[(names, at)])
}

fn texts(texts: &[(&str, u64)]) -> Delivery {
    let messages: Vec<_> = texts
        .iter()
        .map(|(names, at)| {
            let contact = contact(names);
            json!({
                "id": format!("wamid.{names}.{at}"), "timestamp": (at / 1000).to_string(), "type": "text",
                "text": {"body": "Hi"}, "from": contact.phone, "from_user_id": contact.user_id,
            })
        })
        .collect();
    delivery(&json!({"metadata": {"display_phone_number": "4930123456"}, "messages": messages}))
}

/// Whom the replies greet.
fn greeted(store: &Store, delivery: &Delivery, now: u64) -> Vec<Recipient> {
    let reception = receive(store, SETTINGS, delivery, now).unwrap();
    assert_eq!(
        reception.events,
        webhook::normalize(Some(SETTINGS), delivery).unwrap()
    );
    assert_eq!(reception.answer, None);
    reception
        .replies
        .into_iter()
        .map(|message| {
            let outbound::Content::Text(text) = message.content else {
                panic!("{message:?}");
            };
            assert_eq!(text.text, "Hello!");
            message.to
        })
        .collect()
}

fn event(names: &str, time: Option<u64>, body: EventBody) -> Event {
    Event {
        id: String::new(),
        time,
        contact: Some(contact(names)),
        origin: Origin {
            envelope: "cloud".into(),
            field: None,
            account_id: None,
            phone_number_id: None,
            phone_number: None,
            entry_time: None,
            own: true,
        },
        body,
        attributes: Vec::new(),
        raw: "{}".into(),
    }
}

fn message(content: Content) -> events::Message {
    events::Message {
        id: Some("wamid.IN".into()),
        content,
        reply_to: None,
        context: None,
        referral: None,
        group_id: None,
        errors: Vec::new(),
    }
}

fn hello() -> Content {
    Content::Text(events::Text { text: "Hi".into() })
}

fn other(kind: &str, json: &str) -> Content {
    Content::Other(Foreign {
        kind: kind.into(),
        json: Some(json.into()),
    })
}

fn status(state: MessageState, code: Option<&str>) -> Status {
    Status {
        message_id: Some("wamid.OUT".into()),
        state,
        reference: None,
        group_id: None,
        errors: code
            .map(|code| {
                let (class, retry) = crate::errors::classify(Some(code));
                Error {
                    class,
                    retry,
                    code: Some(code.into()),
                    title: None,
                    message: None,
                    details: None,
                    link: None,
                    remedy: None,
                    attributes: Vec::new(),
                }
            })
            .into_iter()
            .collect(),
        pricing: None,
        conversation: None,
        payment: None,
    }
}

fn call(direction: Option<CallDirection>) -> EventBody {
    EventBody::Call(Call {
        id: Some("wacid.1".into()),
        direction,
        state: CallState::Connect,
        outcome: None,
        started: None,
        ended: None,
        duration: None,
        session: None,
        reference: None,
        payload: None,
        errors: Vec::new(),
    })
}

fn changed(previous: Option<Contact>) -> EventBody {
    EventBody::Contact(ContactChange {
        kind: ContactChangeKind::Number,
        id: None,
        previous,
        text: None,
    })
}

fn history(outbound: bool) -> EventBody {
    EventBody::History(HistoryItem {
        phase: None,
        chunk: None,
        progress: None,
        message: Some(message(hello())),
        outbound: Some(outbound),
        state: None,
        errors: Vec::new(),
    })
}

/// Takes events in, and returns how many greetings leave.
fn take(store: &Store, events: &[Event]) -> usize {
    remember(store, Some("Hello!"), events, NOW).unwrap().len()
}

fn state(store: &Store, to: &Recipient) -> Option<WindowState> {
    window(store, to).unwrap()
}

/// Takes one item in an hour after it happened, and says when it opened the window (`None`: nobody was seen); checks what follows from
/// that: who is greeted, and that the same item changes nothing where it is another number's.
fn opening(body: &EventBody) -> Option<u64> {
    let store = Store::default();
    let greetings = take(&store, &[event("DE.1/49", Some(NOW - HOUR), body.clone())]);
    let opened = opened_at(&store, "/49");
    let is_message = matches!(body, EventBody::Message(_));
    let is_greeted = is_message && opened == Some(NOW - HOUR);
    assert_eq!(greetings, usize::from(is_greeted), "{body:?}");
    // Whoever was seen is not greeted any more.
    let later = event("DE.1/49", Some(NOW), EventBody::Message(message(hello())));
    assert_eq!(
        take(&store, &[later]),
        usize::from(opened.is_none()),
        "{body:?}"
    );

    let store = Store::default();
    let mut foreign = event("DE.1/49", Some(NOW), body.clone());
    foreign.origin.own = false;
    assert_eq!(take(&store, &[foreign]), 0);
    assert_eq!(store.operations(), (0, 0), "{body:?}");
    opened
}

fn unsupported(kind: &str) -> Content {
    Content::Unsupported(Unsupported {
        kind: Some(kind.into()),
    })
}

fn permission(automatic: bool) -> Content {
    Content::CallPermissionReply(CallPermissionReply {
        accepted: Some(true),
        automatic: Some(automatic),
        permanent: None,
        expires: None,
    })
}

#[test]
fn whatever_a_person_writes_opens_the_window_and_so_does_a_call() {
    let choice = || events::Choice {
        id: Some("yes".into()),
        title: None,
        description: None,
    };
    for content in vec![
        hello(),
        Content::ButtonReply(choice()),
        Content::ListReply(choice()),
        Content::TemplateReply(choice()),
        other("interactive", r#"{"type": "payment"}"#),
        Content::MediaPlaceholder,
        Content::Ephemeral,
        unsupported("poll_creation"),
        other("hologram", "{}"),
        permission(false),
    ] {
        let body = EventBody::Message(message(content));
        assert_eq!(opening(&body), Some(NOW - HOUR), "{body:?}");
    }
    let body = call(Some(CallDirection::Inbound));
    assert_eq!(opening(&body), Some(NOW - HOUR));
}

#[test]
fn what_a_person_does_otherwise_opens_nothing() {
    let reaction = |emoji: Option<&str>| {
        Content::Reaction(events::Reaction {
            message_id: "wamid.OUT".into(),
            emoji: emoji.map(str::to_owned),
        })
    };
    for content in [
        permission(true),
        reaction(Some("👍")),
        reaction(None),
        other("reaction", "{}"),
        unsupported("edit"),
        other("edit", "{}"),
        other("revoke", "{}"),
        other("system", r#"{"type": "user_changed_number"}"#),
    ] {
        let body = EventBody::Message(message(content));
        assert_eq!(opening(&body), Some(0), "{body:?}");
    }
    // Nothing was written: whoever does so later is greeted.
    let untouched = EventBody::Message(message(Content::WelcomeRequest));
    assert_eq!(opening(&untouched), None);
}

#[test]
fn what_is_no_message_of_a_person_s_opens_nothing() {
    for body in vec![
        call(Some(CallDirection::Outbound)),
        call(None),
        EventBody::Echo(message(hello())),
        history(false),
        history(true),
        EventBody::Status(status(MessageState::Read, None)),
        changed(None),
        EventBody::Edit(Edit {
            id: None,
            message_id: "wamid.A".into(),
            content: hello(),
            reply_to: None,
            echo: false,
        }),
        EventBody::Revoke(Revoke {
            id: None,
            message_id: "wamid.A".into(),
            echo: false,
        }),
        EventBody::Preference(Preference {
            category: None,
            choice: PreferenceChoice::Stop,
            detail: None,
        }),
    ] {
        assert_eq!(opening(&body), Some(0), "{body:?}");
    }
}

#[test]
fn the_latest_opening_counts_and_one_that_lies_ahead_is_of_now() {
    let write = |time| event("DE.1", time, EventBody::Message(message(hello())));
    for (times, expected) in [
        (vec![Some(5), Some(9), Some(7)], 9),
        (vec![Some(NOW + HOUR)], NOW),
        (vec![Some(u64::MAX), Some(7)], NOW),
        (vec![None], NOW),
    ] {
        let store = Store::default();
        for time in &times {
            take(&store, &[write(*time)]);
        }
        assert_eq!(opened_at(&store, "DE.1"), Some(expected), "{times:?}");
    }
    // The same message again is not written again, though its time is only ours.
    for time in [None, Some(u64::MAX)] {
        let store = Store::default();
        for now in [NOW, NOW + 30 * HOUR] {
            remember(&store, None, &[write(time)], now).unwrap();
        }
        assert_eq!(opened_at(&store, "DE.1"), Some(NOW), "{time:?}");
    }
}

#[test]
fn a_call_and_a_message_both_count() {
    let store = Store::default();
    take(
        &store,
        &[
            event("DE.1", Some(NOW - 1), call(Some(CallDirection::Inbound))),
            event("DE.1", Some(NOW - 2), EventBody::Message(message(hello()))),
        ],
    );
    let opening = state(&store, &Recipient::UserId("DE.1".into()))
        .unwrap()
        .opened
        .unwrap();
    assert_eq!(
        (opening.at, opening.id.as_deref()),
        (NOW - 1, Some("wacid.1"))
    );
    assert_eq!(opening.cause, outbound::OpeningCause::Call);
}

#[test]
fn only_a_failed_status_for_the_closed_window_refuses() {
    for (state_word, code, refused) in [
        (MessageState::Failed, Some("131047"), Some(NOW - HOUR)),
        (MessageState::Failed, Some("470"), Some(NOW - HOUR)),
        (MessageState::Failed, Some("131026"), None),
        (MessageState::Failed, None, None),
        (MessageState::Warning, Some("131047"), None),
        (MessageState::Sent, None, None),
    ] {
        let store = Store::default();
        let body = EventBody::Status(status(state_word.clone(), code));
        take(&store, &[event("/49", Some(NOW - HOUR), body)]);
        let state = state(&store, &Recipient::Phone("+49".into())).unwrap();
        assert_eq!(
            (state.refused, state.opened),
            (refused, None),
            "{state_word:?} {code:?}"
        );
    }
}

#[test]
fn a_refusal_closes_until_the_person_writes_again() {
    let store = Store::default();
    let refusal = EventBody::Status(status(MessageState::Failed, Some("131047")));
    let hello = |at| event("DE.1", Some(at), EventBody::Message(message(hello())));
    let is_open = |store: &Store| {
        let state = state(store, &Recipient::UserId("DE.1".into())).unwrap();
        matches!(crate::window::evaluate(&state, NOW), Window::Open(_))
    };
    take(&store, &[hello(NOW - 9)]);
    assert!(is_open(&store));
    take(&store, &[event("DE.1", Some(NOW - 5), refusal.clone())]);
    assert!(!is_open(&store));
    take(&store, &[hello(NOW - 3)]);
    assert!(is_open(&store));
    take(&store, &[event("DE.1", Some(NOW - 4), refusal.clone())]);
    assert!(is_open(&store));
    // A clock that is ahead does not close it for longer than now.
    take(&store, &[event("DE.1", Some(u64::MAX), refusal)]);
    assert!(!is_open(&store));
    let state = state(&store, &Recipient::UserId("DE.1".into())).unwrap();
    assert_eq!(state.refused, Some(NOW));
}

#[test]
fn an_advertisement_is_a_free_entry_point_and_a_status_says_until_when() {
    let come = |at| {
        let mut message = message(hello());
        message.referral = Some(Referral {
            url: Some("https://fb.me/1".into()),
            id: None,
            kind: Some("ad".into()),
            headline: None,
            body: None,
            click_id: None,
            media_kind: None,
            image_url: None,
            video_url: None,
            thumbnail_url: None,
            welcome_text: None,
        });
        event("DE.1", Some(at), EventBody::Message(message))
    };
    let says = |origin: Option<&str>, kind: Option<&str>, until| {
        let mut status = status(MessageState::Sent, None);
        status.conversation = Some(Conversation {
            id: None,
            origin: origin.map(str::to_owned),
            expires: Some(until),
        });
        status.pricing = kind.map(|kind| Pricing {
            billable: None,
            model: None,
            kind: Some(kind.into()),
            subkind: None,
            category: None,
        });
        event("DE.1", Some(NOW - 1), EventBody::Status(status))
    };
    let day = 24 * HOUR;
    let at = NOW - 9;
    for (events, expected) in [
        (vec![come(at)], Some((at, None))),
        (vec![come(at), come(at - 5)], Some((at, None))),
        (
            vec![come(at), says(Some("referral_conversion"), None, NOW + day)],
            Some((at, Some(NOW + day))),
        ),
        (
            vec![says(Some("referral_conversion"), None, NOW + day), come(at)],
            Some((at, Some(NOW + day))),
        ),
        (
            vec![come(at), says(None, Some("free_entry_point"), NOW + day)],
            Some((at, Some(NOW + day))),
        ),
        (
            vec![come(at), says(Some("service"), Some("regular"), NOW + day)],
            Some((at, None)),
        ),
        (
            vec![says(Some("referral_conversion"), None, NOW + day)],
            Some((NOW - 1, Some(NOW + day))),
        ),
        (vec![says(Some("user_initiated"), None, NOW + day)], None),
        // The end of an earlier one.
        (
            vec![come(at), says(Some("referral_conversion"), None, at - 1)],
            Some((at, None)),
        ),
    ] {
        let store = Store::default();
        for event in &events {
            take(&store, std::slice::from_ref(event));
        }
        let state = state(&store, &Recipient::UserId("DE.1".into())).unwrap();
        let expected = expected.map(|(at, until)| EntryPoint { at, until });
        assert_eq!(state.free_entry_point, expected, "{events:?}");
    }
}

#[test]
fn a_group_has_one_window_and_nobody_in_it_is_greeted() {
    let store = Store::default();
    let group = Recipient::Group("G.1".into());
    let write = |names, at| {
        let mut message = message(hello());
        message.group_id = Some("G.1".into());
        event(names, Some(at), EventBody::Message(message))
    };
    assert_eq!(
        take(
            &store,
            &[
                write("DE.1/49", 5),
                write("DE.2/48", 9),
                write("DE.1/49", 7)
            ]
        ),
        0
    );
    assert_eq!(state(&store, &group).unwrap().opened.unwrap().at, 9);
    assert_eq!(opened_at(&store, "DE.1"), Some(0));

    let mut failed = status(MessageState::Failed, Some("131047"));
    failed.group_id = Some("G.1".into());
    take(
        &store,
        &[event("DE.1/49", Some(11), EventBody::Status(failed))],
    );
    assert_eq!(state(&store, &group).unwrap().refused, Some(11));
    assert_eq!(
        state(&store, &Recipient::UserId("DE.1".into()))
            .unwrap()
            .refused,
        None
    );

    let mut read = status(MessageState::Read, None);
    read.group_id = Some("G.2".into());
    take(
        &store,
        &[event("DE.1/49", Some(11), EventBody::Status(read))],
    );
    assert_eq!(state(&store, &Recipient::Group("G.2".into())), None);
}

#[test]
fn a_change_of_number_joins_old_and_new() {
    let store = Store::default();
    let write = |names, at| event(names, Some(at), EventBody::Message(message(hello())));
    take(&store, &[write("DE.1/49", NOW - 9)]);
    take(
        &store,
        &[event(
            "DE.2/48",
            Some(NOW - 8),
            changed(Some(contact("/49"))),
        )],
    );
    for names in ["DE.1", "DE.2", "/48", "/49"] {
        assert_eq!(opened_at(&store, names), Some(NOW - 9), "{names}");
    }
    assert_eq!(
        take(&store, &[write("DE.2/48", NOW - 7)]),
        0,
        "it is nobody new"
    );
    for names in ["DE.1", "DE.2", "/48", "/49"] {
        assert_eq!(opened_at(&store, names), Some(NOW - 7), "{names}");
    }
}

#[test]
fn a_number_that_wrote_is_found_by_the_user_id_that_it_got_later() {
    let store = Store::default();
    let write = event("/49", Some(NOW - 9), EventBody::Message(message(hello())));
    take(&store, &[write]);
    assert_eq!(state(&store, &Recipient::UserId("DE.2".into())), None);
    let change = event("DE.2/48", Some(NOW - 8), changed(Some(contact("/49"))));
    take(&store, &[change]);
    let found = state(&store, &Recipient::UserId("DE.2".into())).and_then(|it| it.opened);
    assert_eq!(found.map(|opening| opening.at), Some(NOW - 9));
}

#[test]
fn whoever_writes_for_the_first_time_is_greeted_once() {
    let store = Store::default();
    let first = text("DE.1/49", NOW);
    let greetings = greeted(&store, &first, NOW);
    let [Recipient::Contact(to)] = &greetings[..] else {
        panic!("{greetings:?}");
    };
    assert_eq!(
        (to.user_id.as_deref(), to.phone.as_deref()),
        (Some("DE.1"), Some("49"))
    );
    for delivery in [
        first,
        text("DE.1/49", NOW),
        text("/49", NOW),
        text("DE.1", NOW),
    ] {
        assert_eq!(greeted(&store, &delivery, NOW), []);
    }
    let batch = texts(&[
        ("DE.2", NOW),
        ("DE.2", NOW + 1000),
        ("DE.3", NOW),
        ("DE.1", NOW),
    ]);
    assert_eq!(greeted(&store, &batch, NOW).len(), 2);
}

#[test]
fn a_conversation_that_somebody_else_has_is_not_greeted() {
    let store = Store::default();
    let mut standby = text("DE.1/49", NOW);
    let body = String::from_utf8(standby.body).unwrap();
    standby.body = body
        .replace(r#""field":"messages""#, r#""field":"standby""#)
        .into_bytes();
    assert_eq!(greeted(&store, &standby, NOW), []);
    assert_eq!(greeted(&store, &text("DE.1/49", NOW), NOW).len(), 1);
}

#[test]
fn a_backlog_greets_nobody() {
    let day = 24 * HOUR;
    for (at, greetings) in [
        (NOW - day + 61_000, 1),
        (NOW - day + 60_000, 0),
        (NOW - 7 * day, 0),
    ] {
        let store = Store::default();
        assert_eq!(
            greeted(&store, &text("DE.1", at), NOW).len(),
            greetings,
            "{at}"
        );
        assert_eq!(
            greeted(&store, &text("DE.1", NOW), NOW),
            [],
            "known from then on"
        );
    }
}

#[test]
fn without_a_greeting_events_and_windows_are_the_same() {
    for settings in [
        r#"{"name": "Shop"}"#,
        r#"{"greeting": "  \n"}"#,
        r#"{"greeting": 7}"#,
        "not JSON",
        "",
    ] {
        let store = Store::default();
        let reception = receive(&store, settings, &text("DE.1/49", NOW), NOW).unwrap();
        assert_eq!(
            (reception.events.len(), reception.replies.len()),
            (1, 0),
            "{settings}"
        );
        assert_eq!(opened_at(&store, "/49"), Some(NOW));
        assert_eq!(
            greeted(&store, &text("DE.1/49", NOW), NOW),
            [],
            "{settings}"
        );
    }
}

#[test]
fn a_body_that_is_no_list_of_events_is_rejected_and_touches_nothing() {
    let store = Store::default();
    let mut delivery = text("DE.1", NOW);
    delivery.body = b"{".to_vec();
    let result = receive(&store, SETTINGS, &delivery, NOW);
    assert!(matches!(result, Err(ReceiveError::Rejected(_))));
    assert_eq!(store.operations(), (0, 0));
}

#[test]
fn a_message_takes_one_read_and_one_write_and_a_repetition_no_write() {
    let status = |at: u64| {
        delivery(&json!({"statuses": [{
            "id": "wamid.O", "status": "delivered", "timestamp": (at / 1000).to_string(),
            "recipient_id": "49", "recipient_user_id": "DE.1",
        }]}))
    };
    let batch = texts(&[
        ("DE.1/49", NOW),
        ("DE.1/49", NOW + 1000),
        ("DE.1/49", NOW - 1000),
    ]);
    let store = Store::default();
    for (what, delivery, operations) in [
        (
            "a new contact with two names",
            text("DE.1/49", NOW - 9000),
            (2, 2),
        ),
        ("the same again", text("DE.1/49", NOW - 9000), (1, 0)),
        ("a new message", text("DE.1/49", NOW - 8000), (1, 1)),
        (
            "a new message with the weaker name only",
            text("/49", NOW - 7000),
            (2, 1),
        ),
        ("a late message", text("DE.1/49", NOW - 8500), (1, 0)),
        ("a status", status(NOW), (1, 0)),
        ("several messages of a contact", batch, (1, 1)),
        ("a new contact with one name", text("DE.2", NOW), (1, 1)),
    ] {
        receive(&store, SETTINGS, &delivery, NOW + HOUR).unwrap();
        assert_eq!(store.operations(), operations, "{what}");
    }
}
