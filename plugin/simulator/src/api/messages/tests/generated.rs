//! Messages of every kind at random, as the 360dialog channel builds them: what it lets pass, the simulator takes; what the
//! simulator refuses, it does not let pass.

use channel_360dialog::bindings::messaging::channel::outbound::Window;
use channel_360dialog::message::build;
use channel_contract::outbound::Message;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use bindings::Bound as _;

#[path = "../../../../../tests/messages/bindings.rs"]
mod bindings;
#[path = "../../../../../tests/messages/generate.rs"]
mod generate;

/// The bodies of the requests that send a message; none where the channel refuses it.
fn built(message: &Value) -> Option<Vec<Value>> {
    let read = Message::read(message.to_string().as_bytes()).ok()?;
    let payloads = build("{}", &read.bound(), &Window::Unknown, None).ok()?;
    let body = |body: &[u8]| serde_json::from_slice(body).expect("JSON");
    Some(payloads.iter().map(|it| body(&it.body)).collect())
}

fn refusal(body: &Value) -> Option<Refusal> {
    accept(&mut state_with_window(), body).err()
}

/// A message that refers only to what this number has: no group, no template and no file of its own, and whoever has written.
fn message_here() -> impl Strategy<Value = Value> {
    let elsewhere = |message: &Value| {
        message["content"]["type"] != "template" && message["content"]["kind"] != "pin"
    };
    let here = generate::message().prop_filter("it is of a template or a group", elsewhere);
    here.prop_map(|mut message| {
        message["to"] = json!({"phone": PHONE});
        refer(&mut message);
        message
    })
}

/// Files by their links, and messages by what looks like their ids.
fn refer(value: &mut Value) {
    const FILES: [&str; 5] = ["image", "video", "audio", "document", "sticker"];
    match value {
        Value::Object(members) => {
            let kind = members.get("type").and_then(Value::as_str);
            if kind.is_some_and(|kind| FILES.contains(&kind)) && members.remove("id").is_some() {
                members.insert("link".to_owned(), json!("https://shop.example/file"));
            }
            for (name, value) in members {
                match (&**name, value.as_str()) {
                    ("reply_to" | "message_id", Some(id)) => *value = format!("wamid.{id}").into(),
                    _ => refer(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(refer),
        _ => {}
    }
}

/// The pointers to what a value consists of, itself among them.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            let members = members.iter();
            members.for_each(|(name, value)| places(value, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(nth, value)| places(value, &format!("{at}/{nth}"), found));
        }
        _ => {}
    }
}

/// Another value in place of one, which may break a rule.
fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::String(text) => vec![
            "".into(),
            " \n".into(),
            text.repeat(5000 / text.len().max(1)).into(),
            format!("{text}{text}").into(),
            "http://[".into(),
        ],
        Value::Number(_) => vec![json!(-1), json!(0), json!(1_000_000), json!(0.5)],
        Value::Array(items) => vec![json!([]), items.iter().cycle().take(260).cloned().collect()],
        Value::Bool(_) | Value::Object(_) | Value::Null => Vec::new(),
    }
}

proptest! {
    #[test]
    fn what_the_channel_builds_is_taken(message in message_here()) {
        let bodies = built(&message);
        prop_assert!(bodies.is_some(), "{}", message);
        for body in bodies.unwrap_or_default() {
            let refusal = refusal(&body);
            prop_assert!(refusal.is_none(), "{:?}: {}", refusal, body);
        }
    }

    #[test]
    fn what_is_wrong_anywhere_does_not_leave(message in message_here(), place: Index) {
        // What the contract has no words for is sent as it stands.
        prop_assume!(message["content"]["type"] != "other");
        let mut all = Vec::new();
        places(&message["content"], "/content", &mut all);
        let place = place.get(&all);
        for change in changes(message.pointer(place).expect("it is there")) {
            let mut changed = message.clone();
            *changed.pointer_mut(place).expect("it is there") = change;
            for body in built(&changed).unwrap_or_default() {
                let refusal = refusal(&body);
                prop_assert!(refusal.is_none(), "{:?}: {}: {}", refusal, place, changed);
            }
        }
    }

    #[test]
    fn what_is_refused_there_is_refused_here(message in message_here(), place: Index) {
        prop_assume!(message["content"]["type"] != "other");
        let mut all = Vec::new();
        places(&message["content"], "/content", &mut all);
        let place = place.get(&all);
        let value = message.pointer(place).expect("it is there").clone();
        let body = built(&message).expect("it fits").remove(0);
        // Where the body has it, if that is one place.
        let mut raw = Vec::new();
        places(&body, "", &mut raw);
        raw.retain(|at| body.pointer(at) == Some(&value));
        if let [at] = raw.as_slice() {
            for change in changes(&value) {
                // An empty list is as good as none: it is left out.
                let says_nothing = change == json!([]);
                let mut changed = message.clone();
                *changed.pointer_mut(place).expect("it is there") = change.clone();
                let mut posted = body.clone();
                *posted.pointer_mut(at).expect("it is there") = change;
                let (refused, refusal) = (built(&changed).is_none(), refusal(&posted));
                prop_assert!(
                    refused || refusal.is_none() || says_nothing,
                    "{:?}: {}: {}", refusal, place, changed
                );
            }
        }
    }
}
