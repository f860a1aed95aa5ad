//! What customers do, and the webhooks that it makes.

mod answers;
mod who;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::{Act, ActError, Attachment, AttachmentKind, Who};
use crate::api::{messages, templates};
use crate::reviewer::Decision;
use crate::simulator::{Flavour, Options};
use crate::state::State;

const PHONE: &str = "16505551234";
const NUMBER: &str = "15550783881";

/// A simulator whose clock stands still.
fn state() -> State {
    let mut state = State::new(Options::default());
    state.clock.freeze();
    state
}

fn sheena() -> Who {
    Who::phone(PHONE).named("Sheena")
}

/// Sends a message to a phone number. Returns its id.
fn send(state: &mut State, mut body: Value) -> String {
    body["messaging_product"] = "whatsapp".into();
    if body.get("recipient").is_none() {
        body["to"] = format!("+{PHONE}").into();
    }
    assert!(messages::accept(state, &body).is_ok(), "{body}");
    let sent = state.messages.all().back();
    sent.expect("a message was accepted").id.clone()
}

/// Submits a template, and lets the reviewer approve it.
fn approve(state: &mut State, template: &Value) {
    let (address, body) = (("/message_templates", ""), template.to_string().into());
    let seen = state.saw(Method::POST, address, HeaderMap::new(), body);
    assert!(templates::graph(state, &seen, &[]).is_ok());
    let name = template["name"].as_str().expect("a template has a name");
    // It may have been approved by itself.
    let _ = state.decide(name, None, Decision::Approve);
}

/// The `value` of the latest webhook.
fn told(state: &State) -> Value {
    let latest = state.deliveries.back().expect("a webhook was made");
    let mut body: Value = serde_json::from_slice(&latest.body).expect("it is JSON");
    body["entry"][0]["changes"][0]["value"].take()
}

/// What the only message of the latest webhook says, without what every message says.
fn said(state: &State) -> Value {
    let mut message = told(state)["messages"][0].take();
    let members = message.as_object_mut().expect("a message is an object");
    for member in ["id", "from", "from_user_id", "timestamp"] {
        assert!(members.remove(member).is_some(), "{member} is missing");
    }
    message
}

#[test]
fn a_text_is_told_with_who_wrote_it() -> Result<(), ActError> {
    let mut state = state();
    let id = state.act(&sheena(), Act::say("Hi"))?;
    let user_id = state.customers.all()[0].user_id.clone();
    let time = (state.now() / 1000).to_string();
    let latest = state.deliveries.back().expect("a webhook was made");
    let body: Value = serde_json::from_slice(&latest.body).expect("it is JSON");
    assert_eq!(
        body,
        json!({"object": "whatsapp_business_account", "entry": [{"id": state.account_id(), "changes": [{
            "field": "messages",
            "value": {
                "messaging_product": "whatsapp",
                "metadata": {"display_phone_number": NUMBER, "phone_number_id": state.number_id()},
                "contacts": [{"profile": {"name": "Sheena"}, "wa_id": PHONE, "user_id": user_id}],
                "messages": [{"from": PHONE, "from_user_id": user_id, "id": id, "timestamp": time,
                    "type": "text", "text": {"body": "Hi"}}],
            },
        }]}]})
    );
    Ok(())
}

#[test]
fn nobody_writes_to_the_on_premise_api() {
    let mut state = State::new(Options {
        flavour: Flavour::OnPremise,
        ..Options::default()
    });
    let refused = state.act(&sheena(), Act::say("Hi"));
    assert_eq!(refused, Err(ActError::OnPremise));
    assert!(state.deliveries.is_empty());
}

#[test]
fn a_text_can_quote_a_message_of_either_side() -> Result<(), ActError> {
    let mut state = state();
    let own = state.act(&sheena(), Act::say("Hi"))?;
    let theirs = send(
        &mut state,
        json!({"type": "text", "text": {"body": "Hello"}}),
    );
    for (quoted, author) in [(own, PHONE), (theirs, NUMBER)] {
        state.act(&sheena(), Act::answer(&quoted, "Yes"))?;
        let context = json!({"from": author, "id": quoted});
        assert_eq!(
            said(&state),
            json!({"type": "text", "text": {"body": "Yes"}, "context": context})
        );
    }
    Ok(())
}

#[test]
fn a_file_is_kept_and_told_with_its_hash() -> Result<(), ActError> {
    use AttachmentKind::{Document, Voice};
    let mut state = state();
    let bytes = Bytes::from_static(b"hello");
    let hash = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let file = |name| Attachment::new(name, bytes.clone());
    let opus = "audio/ogg; codecs=opus";
    for (attachment, member, mut media) in [
        (
            file("taj.JPG").captioned("Taj"),
            "image",
            json!({"mime_type": "image/jpeg", "caption": "Taj"}),
        ),
        (file("a.mp4"), "video", json!({"mime_type": "video/mp4"})),
        (
            file("a.ogg"),
            "audio",
            json!({"mime_type": opus, "voice": false}),
        ),
        (
            file("a.ogg").sent_as(Voice),
            "audio",
            json!({"mime_type": opus, "voice": true}),
        ),
        (
            file("invoice.pdf").captioned("March"),
            "document",
            json!({"mime_type": "application/pdf", "filename": "invoice.pdf", "caption": "March"}),
        ),
        (
            file("a.png").sent_as(Document),
            "document",
            json!({"mime_type": "image/png", "filename": "a.png"}),
        ),
        (
            file("a.webp"),
            "sticker",
            json!({"mime_type": "image/webp", "animated": false}),
        ),
    ] {
        state.act(&sheena(), Act::Send(attachment))?;
        let said = said(&state);
        let id = said[member]["id"].as_str().expect("a file has an id");
        media["id"] = id.into();
        media["sha256"] = hash.into();
        let mut expected = json!({"type": member});
        expected[member] = media;
        assert_eq!(said, expected);
        let kept = state.media.get(id, state.now()).expect("the file is kept");
        assert_eq!(kept.bytes, bytes);
        assert_eq!(kept.mime_type, said[member]["mime_type"]);
    }
    Ok(())
}

#[test]
fn a_sticker_that_moves_is_told_apart() -> Result<(), ActError> {
    let mut state = state();
    let webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0";
    state.act(
        &sheena(),
        Act::Send(Attachment::new("a.webp", webp.as_slice())),
    )?;
    assert_eq!(said(&state)["sticker"]["animated"], true);
    Ok(())
}

#[test]
fn a_file_says_what_it_lacks() -> Result<(), ActError> {
    let mut state = state();
    let unknown = Attachment::new("notes.xyz", "");
    let mut act = |attachment| state.act(&sheena(), Act::Send(attachment));
    assert_eq!(
        act(unknown.clone()),
        Err(ActError::FileType("notes.xyz".to_owned()))
    );
    let captioned = Attachment::new("a.webp", "").captioned("Look");
    assert_eq!(
        act(captioned),
        Err(ActError::Caption(AttachmentKind::Sticker))
    );
    act(Attachment {
        mime_type: Some("text/csv".to_owned()),
        ..unknown
    })?;
    assert_eq!(said(&state)["document"]["mime_type"], "text/csv");
    Ok(())
}

#[test]
fn a_location_answers_a_request_for_one() -> Result<(), ActError> {
    let mut state = state();
    state.act(&sheena(), Act::location(38.5, -77.25))?;
    let location = json!({"latitude": 38.5, "longitude": -77.25});
    assert_eq!(
        said(&state),
        json!({"type": "location", "location": location})
    );

    let request = json!({"type": "location_request_message", "body": {"text": "Where are you?"},
        "action": {"name": "send_location"}});
    let request = send(
        &mut state,
        json!({"type": "interactive", "interactive": request}),
    );
    let beach = Act::Location {
        latitude: 38.5,
        longitude: -77.25,
        name: Some("Main St Beach".to_owned()),
        address: Some("Main Street".to_owned()),
    };
    state.act(&sheena(), beach)?;
    let location = json!({"latitude": 38.5, "longitude": -77.25, "name": "Main St Beach", "address": "Main Street"});
    let context = json!({"from": NUMBER, "id": request});
    assert_eq!(
        said(&state),
        json!({"type": "location", "location": location, "context": context})
    );
    Ok(())
}

#[test]
fn what_no_phone_sends_is_refused() {
    let mut state = state();
    for (act, expected) in [
        (Act::say(""), ActError::NoText),
        (Act::from_ad(""), ActError::NoText),
        (Act::location(90.5, 0.0), ActError::Nowhere),
        (Act::location(0.0, -1e9), ActError::Nowhere),
        (Act::location(f64::NAN, 0.0), ActError::Nowhere),
    ] {
        assert_eq!(state.act(&sheena(), act), Err(expected));
    }
    assert!(state.customers.all().is_empty());
}

#[test]
fn a_card_is_shared() -> Result<(), ActError> {
    let mut state = state();
    let share = |phone: &str| Act::ShareContact {
        name: "Barbara J. Johnson".to_owned(),
        phone: phone.to_owned(),
    };
    state.act(&sheena(), share("+1 650 555 9999"))?;
    let name = json!({"formatted_name": "Barbara J. Johnson", "first_name": "Barbara"});
    let phone = json!({"phone": "+16505559999", "wa_id": "16505559999", "type": "CELL"});
    let card = json!({"origin": "other", "name": name, "phones": [phone]});
    assert_eq!(
        said(&state),
        json!({"type": "contacts", "contacts": [card]})
    );
    let refused = state.act(&sheena(), share("none"));
    assert_eq!(refused, Err(ActError::Phone("none".to_owned())));
    Ok(())
}

#[test]
fn who_comes_from_an_ad_brings_its_referral() -> Result<(), ActError> {
    let mut state = state();
    let ad = Act::FromAd {
        text: "Hi".to_owned(),
        headline: Some("Summer".to_owned()),
        body: Some("Succulents are here!".to_owned()),
        source_id: Some("42".to_owned()),
        ctwa_clid: Some("Aff-n8".to_owned()),
    };
    state.act(&sheena(), ad)?;
    let referral = json!({"source_url": "https://fb.me/42", "source_id": "42", "source_type": "ad",
        "headline": "Summer", "body": "Succulents are here!", "ctwa_clid": "Aff-n8"});
    assert_eq!(
        said(&state),
        json!({"type": "text", "text": {"body": "Hi"}, "referral": referral})
    );

    let mut click = || -> Result<Value, ActError> {
        state.act(&sheena(), Act::from_ad("Hi"))?;
        Ok(said(&state)["referral"]["ctwa_clid"].take())
    };
    assert_ne!(click()?, click()?);
    Ok(())
}

#[test]
fn an_act_reads_as_it_is_written() -> anyhow::Result<()> {
    let fields = [("email", "a@b.c")];
    for (text, act) in [
        (json!({"act": "say", "text": "Hi"}), Act::say("Hi")),
        (json!({"act": "tap", "button": "Yes"}), Act::tap("Yes")),
        (
            json!({"act": "choose", "row": "Express"}),
            Act::choose("Express"),
        ),
        (
            json!({"act": "fill", "fields": {"email": "a@b.c"}}),
            Act::fill(fields),
        ),
        (
            json!({"act": "send", "file": {"name": "a.ogg", "bytes": "aGVsbG8="}, "kind": "voice"}),
            Act::Send(Attachment::new("a.ogg", "hello").sent_as(AttachmentKind::Voice)),
        ),
        (
            json!({"act": "location", "latitude": 38.98, "longitude": -77.03}),
            Act::location(38.98, -77.03),
        ),
        (json!({"act": "react", "emoji": "👍"}), Act::react("👍")),
        (json!({"act": "react"}), Act::unreact()),
        (json!({"act": "from_ad", "text": "Hi"}), Act::from_ad("Hi")),
        (
            json!({"act": "permit_calls"}),
            Act::PermitCalls { refuse: false },
        ),
        (
            json!({"act": "change_number", "phone": "16315559999"}),
            Act::change_number("16315559999"),
        ),
    ] {
        assert_eq!(serde_json::to_value(&act)?, text);
        assert_eq!(serde_json::from_value::<Act>(text)?, act);
    }
    for wrong in [
        json!({"act": "say", "text": "Hi", "txet": "Ho"}),
        json!({"act": "send", "file": {"name": "a.jpg", "bytes": "%"}}),
    ] {
        assert!(serde_json::from_value::<Act>(wrong).is_err());
    }
    Ok(())
}

#[cfg(feature = "command")]
#[test]
fn an_act_is_a_command() -> anyhow::Result<()> {
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        act: Act,
    }
    let path = std::env::temp_dir().join(format!("customer-{}.jpg", std::process::id()));
    std::fs::write(&path, "hello")?;
    let path = path.to_string_lossy();
    let name = path.rsplit('/').next().unwrap_or_default();
    let headline = Act::FromAd {
        text: "Hi".to_owned(),
        headline: Some("Summer".to_owned()),
        body: None,
        source_id: None,
        ctwa_clid: None,
    };
    for (line, act) in [
        (vec!["say", "Hi"], Act::say("Hi")),
        (
            vec!["say", "Hi", "--quoting", "wamid.1"],
            Act::answer("wamid.1", "Hi"),
        ),
        (vec!["tap", "Yes"], Act::tap("Yes")),
        (vec!["choose", "Express"], Act::choose("Express")),
        (
            vec!["fill", r#"{"email":"a@b.c"}"#],
            Act::fill([("email", "a@b.c")]),
        ),
        (
            vec!["send", &path, "--caption", "Look"],
            Act::Send(Attachment::new(name, "hello").captioned("Look")),
        ),
        (
            vec!["send", &path, "--kind", "document"],
            Act::Send(Attachment::new(name, "hello").sent_as(AttachmentKind::Document)),
        ),
        (
            vec!["location", "38.98", "-77.03"],
            Act::location(38.98, -77.03),
        ),
        (vec!["react", "👍"], Act::react("👍")),
        (vec!["react"], Act::unreact()),
        (
            vec!["permit-calls", "--refuse"],
            Act::PermitCalls { refuse: true },
        ),
        (
            vec!["order", "fern"],
            Act::Order {
                product: "fern".to_owned(),
                quantity: 1,
                text: None,
            },
        ),
        (vec!["from-ad", "Hi", "--headline", "Summer"], headline),
        (
            vec!["change-number", "16315559999"],
            Act::change_number("16315559999"),
        ),
    ] {
        let parsed = Line::try_parse_from([&["customer"], line.as_slice()].concat())?;
        assert_eq!(parsed.act, act);
    }
    std::fs::remove_file(&*path)?;
    assert!(Line::try_parse_from(["customer", "send", &path]).is_err());
    assert!(Line::try_parse_from(["customer", "fill", "[]"]).is_err());
    Ok(())
}
