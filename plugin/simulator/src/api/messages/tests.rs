mod content;
mod generated;
mod limits;
mod statuses;
mod templates;

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::Options;
use crate::customer::{Act, Who};

const PHONE: &str = "16315551234";

/// A simulator whose clock stands still.
fn state() -> State {
    let mut state = State::new(Options::default());
    state.clock.freeze();
    state
}

/// The same, and a customer has written.
fn state_with_window() -> State {
    let mut state = state();
    let said = state.act(&Who::phone(PHONE), Act::say("Hi"));
    said.expect("a customer can write");
    state.deliveries.clear();
    state
}

fn message(kind: &str, content: Value) -> Value {
    let mut body =
        json!({"messaging_product": "whatsapp", "to": "+1 (631) 555-1234", "type": kind});
    body[kind] = content;
    body
}

fn text_message(text: &str) -> Value {
    message("text", json!({"body": text}))
}

fn interactive(kind: &str, action: &Value) -> Value {
    let content = json!({"type": kind, "body": {"text": "Choose"}, "action": action});
    message("interactive", content)
}

fn button(id: &str, title: &str) -> Value {
    json!({"type": "reply", "reply": {"id": id, "title": title}})
}

/// The body with another value at a pointer; null takes the field away.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer has a slash");
    let parent = body.pointer_mut(parent).expect("the parent is there");
    match value {
        Value::Null => drop(parent.as_object_mut().expect("an object").remove(name)),
        value => parent[name] = value,
    }
    body
}

/// The code of a refusal; none where there is no refusal.
fn code<T>(answered: Result<T, Refusal>) -> Option<u32> {
    match answered {
        Err(Refusal::Graph { code, .. }) => Some(code),
        Err(other) => panic!("{other:?} is not Meta's"),
        Ok(_) => None,
    }
}

fn send(state: &mut State, body: &Value) -> Option<u32> {
    code(accept(state, body))
}

/// Lets time pass, and happen what is due.
fn pass(state: &mut State, time: Duration) {
    let end = state.now() + u64::try_from(time.as_millis()).expect("tests are short");
    while let Some(due) = state.timeline.next().filter(|due| *due <= end) {
        let until = due.saturating_sub(state.now());
        state.clock.advance(Duration::from_millis(until));
        let now = state.now();
        while let Some(task) = state.timeline.take(now) {
            state.perform(task);
        }
    }
    let rest = end.saturating_sub(state.now());
    state.clock.advance(Duration::from_millis(rest));
}

/// What the webhooks say of statuses, in order: the `value`.
fn told(state: &State) -> Vec<Value> {
    let bodies = state.deliveries.iter().map(|delivery| &delivery.body);
    let parsed =
        bodies.map(|body| serde_json::from_slice::<Value>(body).expect("webhooks are JSON"));
    let values = parsed.map(|body| body["entry"][0]["changes"][0]["value"].clone());
    values
        .filter(|value| value.get("statuses").is_some())
        .collect()
}

fn told_statuses(state: &State) -> Vec<String> {
    let values = told(state).into_iter();
    let status = |value: Value| value["statuses"][0]["status"].as_str().map(str::to_owned);
    values.filter_map(status).collect()
}

/// Puts a message there that was accepted and goes its way.
fn sent(state: &mut State, body: Value) -> String {
    let id = state.wamid();
    let time = state.now();
    state.messages.sent.push_back(Sent {
        id: id.clone(),
        time,
        body,
        customer: None,
        statuses: Vec::new(),
        pricing: status::pricing("utility", true),
        free_until: None,
        goes_on: false,
    });
    state.plan(&id, Status::Sent);
    id
}

#[test]
fn an_answer_names_the_number_and_the_message() -> Result<(), Refusal> {
    let mut state = state();
    let reply = accept(&mut state, &text_message("Hi"))?;
    let id = &state.messages.all()[0].id;
    assert!(id.starts_with("wamid."));
    let expected = json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+1 (631) 555-1234", "wa_id": PHONE}],
        "messages": [{"id": id}],
    });
    assert_eq!(format!("{reply:?}"), format!("{:?}", Reply::ok(&expected)));
    assert_eq!(state.messages.all()[0].to().as_deref(), Some(PHONE));
    Ok(())
}

#[test]
fn forty_five_messages_may_go_to_somebody_at_once_and_then_one_each_six_seconds() {
    let mut state = state();
    for _ in 0..45 {
        assert_eq!(send(&mut state, &text_message("Hi")), None);
    }
    assert_eq!(send(&mut state, &text_message("Hi")), Some(131_056));
    let other = with(text_message("Hi"), "/to", "16315550000".into());
    assert_eq!(send(&mut state, &other), None);
    state.clock.advance(Duration::from_secs(6));
    assert_eq!(send(&mut state, &text_message("Hi")), None);
    assert_eq!(send(&mut state, &text_message("Hi")), Some(131_056));
    state.clock.advance(Duration::from_secs(45 * 6));
    assert_eq!(send(&mut state, &other), None);
    assert_eq!(
        state.messages.paced_until.len(),
        1,
        "the pace of others is forgotten"
    );
    for _ in 0..45 {
        assert_eq!(send(&mut state, &text_message("Hi")), None);
    }
}

#[test]
fn eighty_messages_may_go_out_in_a_second() {
    let mut state = state();
    let to = |at: usize| with(text_message("Hi"), "/to", format!("1631555{at:04}").into());
    for at in 0..80 {
        assert_eq!(send(&mut state, &to(at)), None);
    }
    let refusal = accept(&mut state, &to(80)).expect_err("there were 80 within the second");
    let Refusal::Graph { status, code, .. } = refusal else {
        panic!("{refusal:?} is not Meta's");
    };
    assert_eq!((status.as_u16(), code), (429, 130_429));
    state.clock.advance(Duration::from_millis(999));
    assert_eq!(send(&mut state, &to(80)), Some(130_429));
    state.clock.advance(Duration::from_millis(1));
    assert_eq!(send(&mut state, &to(80)), None);
}

#[test]
fn customers_messages_are_marked_as_read() {
    let mut state = state();
    let read =
        |id: &str| json!({"messaging_product": "whatsapp", "status": "read", "message_id": id});
    let typing = |kind: &str| {
        let mut body = read("wamid.IN");
        body["typing_indicator"] = json!({"type": kind});
        body
    };
    let own = sent(&mut state, text_message("Hi"));
    let done = accept(&mut state, &read("wamid.IN")).map(|reply| format!("{reply:?}"));
    let success = Reply::ok(&json!({"success": true}));
    assert_eq!(done, Ok(format!("{success:?}")));
    for (body, expected) in [
        (typing("text"), None),
        (typing("audio"), Some(131_009)),
        (read("ABGG"), Some(131_009)),
        (read(&own), Some(131_009)),
        (
            with(read("wamid.IN"), "/message_id", Value::Null),
            Some(131_008),
        ),
        (
            with(read("wamid.IN"), "/status", "deleted".into()),
            Some(131_009),
        ),
        (
            with(read("wamid.IN"), "/messaging_product", Value::Null),
            Some(131_008),
        ),
    ] {
        assert_eq!(send(&mut state, &body), expected, "{body}");
    }
}
