use super::*;
use crate::bindings::messaging::channel::events::{Content, MessageState};
use crate::bindings::messaging::channel::types::{ErrorClass, Scalar};
use proptest::prelude::*;
use serde_json::{Value, json};

mod calls;
mod mutations;
mod odd;
mod promises;

const EXAMPLE: &str = include_str!("../../examples/webhook.json");

fn read(settings: Option<&str>, body: &[u8]) -> Result<Vec<Event>, Rejection> {
    let delivery = Delivery {
        method: "POST".to_owned(),
        path: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_vec(),
    };
    normalize(settings, &delivery)
}

fn events(body: &Value) -> Vec<Event> {
    read(None, body.to_string().as_bytes()).unwrap()
}

/// The events of a change in the `messages` field of a Cloud API webhook.
fn change(value: &Value) -> Vec<Event> {
    events(
        &json!({"object": "whatsapp_business_account", "entry": [{"id": "1022", "changes": [
        {"field": "messages", "value": value}]}]}),
    )
}

fn message(
    message: &Value,
) -> (
    Event,
    super::super::bindings::messaging::channel::events::Message,
) {
    let mut events = change(&json!({"messages": [message]}));
    assert_eq!(events.len(), 1);
    let event = events.remove(0);
    let EventBody::Message(message) = event.body.clone() else {
        panic!("{:?}", event.body);
    };
    (event, message)
}

fn content(kind: &str, member: &Value) -> Content {
    message(&json!({"id": "wamid.A", "from": "1", "timestamp": "1750000000", "type": kind, kind: member}))
        .1
        .content
}

fn status(status: &Value) -> (Event, crate::bindings::messaging::channel::events::Status) {
    let event = change(&json!({"statuses": [status]})).remove(0);
    let EventBody::Status(status) = event.body.clone() else {
        panic!("{:?}", event.body);
    };
    (event, status)
}

#[test]
fn the_example_has_two_messages_and_two_statuses() {
    let events = read(None, EXAMPLE.as_bytes()).unwrap();
    let bodies: Vec<_> = events.iter().map(|event| &event.body).collect();
    let [
        EventBody::Message(text),
        EventBody::Message(tap),
        EventBody::Status(delivered),
        EventBody::Status(failed),
    ] = bodies.as_slice()
    else {
        panic!("{bodies:?}");
    };
    assert!(matches!(&text.content, Content::Text(text) if text.text.starts_with("Hi!")));
    assert!(
        matches!(&tap.content, Content::ButtonReply(reply) if reply.id.as_deref() == Some("deliver-tomorrow"))
    );
    assert!(tap.reply_to.is_some());
    assert_eq!(delivered.state, MessageState::Delivered);
    assert_eq!(
        delivered.pricing.as_ref().unwrap().model.as_deref(),
        Some("PMP")
    );
    assert_eq!(failed.errors[0].class, ErrorClass::WindowClosed);

    let first = &events[0];
    assert_eq!(first.time, Some(1_795_331_739_000));
    assert_eq!(first.origin.account_id.as_deref(), Some("102290129340398"));
    assert_eq!(
        first.origin.phone_number_id.as_deref(),
        Some("106540352242922")
    );
    let contact = first.contact.as_ref().unwrap();
    assert_eq!(contact.phone.as_deref(), Some("16315551234"));
    assert_eq!(contact.username.as_deref(), Some("ada.okafor"));
    assert_eq!(contact.name.as_deref(), Some("Ada Okafor"));
    assert_eq!(events[3].contact.as_ref().unwrap().name, None);
    for event in &events {
        assert!(EXAMPLE.contains(&event.raw), "raw is the item as it came");
    }
}

#[test]
fn an_item_has_one_id_alone_and_in_a_batch() {
    let item = json!({"id": "wamid.A", "from": "1", "timestamp": "1", "type": "text", "text": {"body": "a"}});
    let neighbour = json!({"id": "wamid.B", "from": "1", "timestamp": "1", "type": "text", "text": {"body": "a"}});
    let alone = change(&json!({"messages": [item]}));
    let batch = change(&json!({"contacts": [{"wa_id": "1"}], "messages": [neighbour, item]}));
    assert_eq!(alone[0].id, batch[1].id);
    assert_ne!(batch[0].id, batch[1].id);
}

#[test]
fn envelopes_are_known_by_their_shape() {
    let value = json!({"metadata": {"phone_number_id": "7"}, "messages": [
        {"id": "m", "from": "1", "timestamp": "1", "type": "text", "text": {"body": "a"}}]});
    let bare_item = value["messages"][0].clone();
    let old = json!({"contacts": [{"wa_id": "1", "profile": {"name": "Kerry"}}], "messages": [bare_item]});
    for (body, envelope, field) in [
        (
            json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]}),
            "cloud",
            Some("messages"),
        ),
        (
            json!({"entry": [{"changes": [{"field": "messages", "value": value}]}]}),
            "cloud",
            Some("messages"),
        ),
        (
            json!({"field": "messages", "value": value}),
            "bare",
            Some("messages"),
        ),
        (value.clone(), "bare", None),
        (bare_item, "bare", None),
        (old, "on_premise", None),
        (
            json!({"id": "e", "event": "messages", "data": value}),
            "partner",
            Some("messages"),
        ),
    ] {
        let events = events(&body);
        assert_eq!(events.len(), 1, "{body}");
        assert!(
            matches!(&events[0].body, EventBody::Message(message) if message.id.as_deref() == Some("m")),
            "{body}"
        );
        assert_eq!(events[0].origin.envelope, envelope);
        assert_eq!(events[0].origin.field.as_deref(), field);
        assert!(events[0].contact.as_ref().unwrap().phone.is_some());
    }
}

#[test]
fn what_is_no_webhook_is_rejected() {
    for (body, reason) in [
        (&b""[..], RejectionReason::Malformed),
        (b"{\"object\":", RejectionReason::Malformed),
        (b"\xff\xfe", RejectionReason::Malformed),
        (b"{\"a\":\"\xff\"}", RejectionReason::Malformed),
        (b"hello", RejectionReason::Malformed),
        (b"{}", RejectionReason::Foreign),
        (
            b"{\"id\":\"evt_1\",\"type\":\"charge.succeeded\",\"object\":\"event\"}",
            RejectionReason::Foreign,
        ),
        (
            b"{\"type\":\"message\",\"text\":\"a\"}",
            RejectionReason::Foreign,
        ),
        (
            b"{\"object\":\"page\",\"entry\":[{\"changes\":[]}]}",
            RejectionReason::Foreign,
        ),
        (b"[]", RejectionReason::Foreign),
        (b"\"<request>\"", RejectionReason::Foreign),
        (b"1", RejectionReason::Foreign),
    ] {
        let rejection = read(None, body).unwrap_err();
        assert_eq!(
            rejection.reason,
            reason,
            "{}",
            String::from_utf8_lossy(body)
        );
        assert!(!rejection.detail.is_empty());
    }
}

#[test]
fn a_wrong_item_leaves_its_neighbours_alone() {
    let good = |id: &str| json!({"id": id, "from": "1", "timestamp": "1", "type": "text", "text": {"body": "a"}});
    let events = change(
        &json!({"messages": [good("a"), "odd", 7, null, [], {}, good("b")], "statuses": [
        {"id": "a"}, {"id": "a", "status": "read"}]}),
    );
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| match &event.body {
            EventBody::Message(message) if message.id.is_some() => "message",
            EventBody::Message(_) => "empty",
            EventBody::Status(_) => "status",
            EventBody::Unknown(unknown) => {
                assert!(unknown.reason.is_some());
                "unknown"
            }
            _ => "other",
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "message", "unknown", "unknown", "unknown", "unknown", "empty", "message", "unknown",
            "status"
        ]
    );
}

#[test]
fn a_member_of_a_wrong_type_costs_that_member_alone() {
    let (event, message) = message(
        &json!({"id": "wamid.A", "from": "1", "timestamp": "1750000000", "type": "text",
        "text": {"body": "a"}, "referral": "odd", "context": ["odd"], "group_id": {"odd": 1}, "errors": [{"code": 1}]}),
    );
    assert!(matches!(message.content, Content::Text(_)));
    assert_eq!(message.errors.len(), 1);
    assert_eq!(event.time, Some(1_750_000_000_000));

    assert!(
        matches!(content("text", &json!("odd")), Content::Other(other) if other.json.as_deref() == Some("\"odd\""))
    );
    assert!(
        matches!(content("image", &json!({"id": {"a": 1}, "caption": "c"})),
        Content::Image(image) if image.id.is_none() && image.caption.as_deref() == Some("c"))
    );
}

#[test]
fn containers_of_a_wrong_type_are_events_that_say_so() {
    for body in [
        json!({"object": "whatsapp_business_account", "entry": {}}),
        json!({"object": "whatsapp_business_account"}),
        json!({"object": "whatsapp_business_account", "entry": ["odd"]}),
        json!({"object": "whatsapp_business_account", "entry": [{"id": "1"}]}),
        json!({"object": "whatsapp_business_account", "entry": [{"changes": {}}]}),
        json!({"object": "whatsapp_business_account", "entry": [{"changes": [{}]}]}),
        json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": 1}]}]}),
    ] {
        let events = events(&body);
        assert_eq!(events.len(), 1, "{body}");
        assert!(
            matches!(&events[0].body, EventBody::Unknown(unknown) if unknown.reason.is_some()),
            "{body}: {:?}",
            events[0].body
        );
    }
    let beside = events(
        &json!({"object": "whatsapp_business_account", "entry": ["odd", {"changes": [
        7, {"field": "messages", "value": {"messages": [{"id": "a"}]}}]}]}),
    );
    assert_eq!(beside.len(), 3);
    assert!(matches!(beside[2].body, EventBody::Message(_)));
    let single = change(&json!({"messages": {"id": "a", "type": "text", "text": {"body": "a"}}}));
    assert!(matches!(
        &single[..],
        [Event {
            body: EventBody::Message(_),
            ..
        }]
    ));
}

#[test]
fn fields_without_a_type_are_unknown_events() {
    let events = events(
        &json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "time": 1_739_321_024, "changes": [
            {"field": "unknown_field", "value": {"event": "NEWS", "list": [{"a": 1}]}},
            {"field": "user_preferences", "value": {"metadata": {"phone_number_id": "7"}, "user_preferences": [{"a": 1}, {"a": 2}]}},
            {"field": "messages", "value": {"metadata": {}, "more": {"type": "summary"}, "messages": []}},
        ]}]}),
    );
    let fields: Vec<_> = events
        .iter()
        .map(|event| match &event.body {
            EventBody::Unknown(unknown) => unknown.field.as_deref().unwrap(),
            body => panic!("{body:?}"),
        })
        .collect();
    assert_eq!(
        fields,
        [
            "unknown_field",
            "user_preferences",
            "user_preferences",
            "messages"
        ]
    );
    assert_eq!(events[0].time, Some(1_739_321_024_000));
    let paths: Vec<_> = (events[0].attributes.iter())
        .map(|attribute| attribute.path.as_str())
        .collect();
    assert_eq!(paths, ["/event", "/list/0/a"]);
    assert_eq!(events[1].raw, r#"{"a":1}"#);
    assert_eq!(events[1].origin.phone_number_id.as_deref(), Some("7"));
}

#[test]
fn other_kinds_of_message_keep_id_sender_and_time() {
    for kind in ["edit", "revoke", "hologram"] {
        let (event, message) = message(
            &json!({"id": "wamid.A", "from": "1", "timestamp": "1750000000", "type": kind, kind: {"x": 1}}),
        );
        assert_eq!(message.id.as_deref(), Some("wamid.A"));
        assert!(
            matches!(&message.content, Content::Other(other) if other.kind == kind && other.json.as_deref() == Some("{\"x\":1}"))
        );
        assert_eq!(event.contact.unwrap().phone.as_deref(), Some("1"));
        assert_eq!(event.time, Some(1_750_000_000_000));
        assert!(event.attributes.is_empty());
    }
    let (_, payment) = message(
        &json!({"id": "m", "type": "interactive", "interactive": {"type": "payment", "payment": {}}}),
    );
    assert!(matches!(payment.content, Content::Other(other) if other.kind == "interactive"));
    let (_, inferred) =
        message(&json!({"id": "m", "location": {"latitude": 1, "longitude": "2.5"}}));
    assert!(matches!(inferred.content, Content::Location(place) if place.longitude > 2.4));
}

#[test]
fn media_keep_every_member() {
    let Content::Image(image) = content(
        "image",
        &json!({"id": "1", "url": "https://x", "mime_type": "image/jpeg",
        "sha256": "abc=", "caption": "c", "file_size": "12"}),
    ) else {
        panic!()
    };
    assert_eq!(
        (image.id.as_deref(), image.size, image.caption.as_deref()),
        (Some("1"), Some(12), Some("c"))
    );
    let Content::Audio(audio) = content("audio", &json!({"id": "1", "voice": true})) else {
        panic!()
    };
    assert_eq!(audio.voice, Some(true));
    let Content::Sticker(sticker) = content("sticker", &json!({"id": "1", "animated": false}))
    else {
        panic!()
    };
    assert_eq!(sticker.animated, Some(false));
    let Content::Document(document) =
        content("document", &json!({"filename": "a.pdf", "caption": ""}))
    else {
        panic!()
    };
    assert_eq!(
        (document.id, document.caption, document.filename.as_deref()),
        (None, None, Some("a.pdf"))
    );
    assert!(matches!(
        content("video", &json!({"id": "1"})),
        Content::Video(_)
    ));

    let voice = events(
        &json!({"messages": [{"id": "m", "from": "1", "type": "voice", "voice": {"id": "1", "file": "/f"}}]}),
    );
    assert!(
        matches!(&voice[0].body, EventBody::Message(message) if matches!(&message.content, Content::Audio(audio) if audio.voice == Some(true)))
    );
    assert!(
        matches!(&voice[0].attributes[..], [kind, file] if kind.path == "/type"
            && file.path == "/voice/file" && file.value == Scalar::Text("/f".to_owned()))
    );
}

#[test]
fn replies_reactions_and_cards_are_read() {
    assert!(
        matches!(content("interactive", &json!({"type": "list_reply", "list_reply": {"id": "1", "title": "t", "description": "d"}})),
        Content::ListReply(reply) if reply.description.as_deref() == Some("d"))
    );
    assert!(
        matches!(content("button", &json!({"payload": null, "text": "No"})),
        Content::TemplateReply(reply) if reply.id.is_none() && reply.title.as_deref() == Some("No"))
    );
    assert!(
        matches!(content("reaction", &json!({"message_id": "m", "emoji": "👍"})),
        Content::Reaction(reaction) if reaction.emoji.as_deref() == Some("👍"))
    );
    for removal in [
        json!({"message_id": "m"}),
        json!({"message_id": "m", "emoji": ""}),
    ] {
        assert!(
            matches!(content("reaction", &removal), Content::Reaction(reaction) if reaction.emoji.is_none())
        );
    }
    let Content::Contacts(cards) = content(
        "contacts",
        &json!([{"origin": "contact_request", "phones": [{"phone": "+1", "wa_id": "1", "type": "CELL"}]},
        {"name": {"formatted_name": "B"}, "org": {"company": "C"}, "emails": [{"email": "e"}], "urls": [{"url": "u"}],
         "addresses": [{"city": "X", "type": "HOME"}], "birthday": "2000-01-01"}]),
    ) else {
        panic!()
    };
    assert_eq!(cards.contacts.len(), 2);
    assert_eq!(
        cards.contacts[0].phones[0].contact_phone.as_deref(),
        Some("1")
    );
    assert_eq!(
        cards.contacts[1]
            .organisation
            .as_ref()
            .unwrap()
            .company
            .as_deref(),
        Some("C")
    );
}

#[test]
fn context_and_referral_are_read() {
    let (event, message) = message(
        &json!({"id": "m", "from": "1", "type": "text", "text": {"body": "a"},
        "context": {"from": "2", "id": "wamid.Q", "forwarded": true, "referred_product": {"catalog_id": "c", "product_retailer_id": "p"}, "mentions": ["3"]},
        "referral": {"source_url": "https://fb.me/x", "source_type": "ad", "ctwa_clid": "A", "welcome_message": {"text": "Hi"}, "image": {"id": "9"}},
        "identity": {"acknowledged": true, "hash": "h"}}),
    );
    assert_eq!(message.reply_to.as_deref(), Some("wamid.Q"));
    let context = message.context.unwrap();
    assert_eq!(
        (context.forwarded, context.mentions),
        (Some(true), vec!["3".to_owned()])
    );
    assert_eq!(context.product.unwrap().product_id, "p");
    let referral = message.referral.unwrap();
    assert_eq!(
        (
            referral.click_id.as_deref(),
            referral.welcome_text.as_deref()
        ),
        (Some("A"), Some("Hi"))
    );
    let paths: Vec<_> = event
        .attributes
        .iter()
        .map(|attribute| attribute.path.as_str())
        .collect();
    assert_eq!(paths, ["/identity/acknowledged", "/referral/image/id"]);
    assert_eq!(event.contact.unwrap().identity_hash.as_deref(), Some("h"));
}

#[test]
fn contacts_without_a_phone_number_are_known_by_their_user_id() {
    let named = |message: Value, contacts: Value| {
        change(&json!({"contacts": contacts, "messages": [message]}))
            .remove(0)
            .contact
    };
    let profile = json!([{"profile": {"name": "S", "username": "s"}, "user_id": "US.1"}]);
    let by_id = named(
        json!({"from_user_id": "US.1", "type": "text"}),
        profile.clone(),
    )
    .unwrap();
    assert_eq!(
        (by_id.phone, by_id.user_id.as_deref(), by_id.name.as_deref()),
        (None, Some("US.1"), Some("S"))
    );
    let in_from = named(json!({"from": "US.1", "type": "text"}), profile.clone()).unwrap();
    assert_eq!(
        (in_from.phone, in_from.user_id.as_deref()),
        (None, Some("US.1"))
    );
    let joined = named(json!({"from": "1", "type": "text"}), profile.clone()).unwrap();
    assert_eq!(
        (joined.phone.as_deref(), joined.user_id.as_deref()),
        (Some("1"), Some("US.1"))
    );
    let foreign = named(
        json!({"from": "1", "from_user_id": "US.2", "type": "text"}),
        profile,
    )
    .unwrap();
    assert_eq!(
        (foreign.user_id.as_deref(), foreign.name),
        (Some("US.2"), None)
    );
    let second = named(
        json!({"from": "2", "type": "text"}),
        json!([{"wa_id": "1", "profile": {"name": "A"}}, {"wa_id": "2", "profile": {"name": "B"}}]),
    )
    .unwrap();
    assert_eq!(second.name.as_deref(), Some("B"));
    assert_eq!(named(json!({"type": "system"}), json!([])), None);
    let empty = named(
        json!({"from": "1", "type": "text"}),
        json!([{"wa_id": "", "profile": {"name": ""}}]),
    )
    .unwrap();
    assert_eq!((empty.phone.as_deref(), empty.name), (Some("1"), None));
}

#[test]
fn echoes_are_no_messages_of_customers() {
    let events = events(
        &json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "smb_message_echoes", "value": {
        "metadata": {"phone_number_id": "7"}, "message_echoes": [{"from": "15550783881", "to": "1", "to_user_id": "US.1", "id": "wamid.E",
        "timestamp": "1750000000", "type": "text", "text": {"body": "a"}}]}}]}]}),
    );
    assert!(
        matches!(&events[0].body, EventBody::Echo(echo) if echo.id.as_deref() == Some("wamid.E"))
    );
    let contact = events[0].contact.as_ref().unwrap();
    assert_eq!(
        (contact.phone.as_deref(), contact.user_id.as_deref()),
        (Some("1"), Some("US.1"))
    );
}

#[test]
fn statuses_keep_what_they_say() {
    let (event, old) = status(
        &json!({"id": "gBEG", "type": "message", "status": "sent", "message": {"recipient_id": "1"},
        "conversation": {"id": "c", "expiration_timestamp": 1_667_297_460, "origin": {"type": "user_initiated"}},
        "pricing": {"billable": true, "category": "user_initiated", "pricing_model": "CBP"}}),
    );
    assert_eq!(event.contact.unwrap().phone.as_deref(), Some("1"));
    assert_eq!(old.conversation.unwrap().expires, Some(1_667_297_460_000));
    let (event, group) = status(
        &json!({"id": "w", "status": "delivered", "recipient_id": "G", "recipient_type": "group",
        "recipient_participant_id": "1", "recipient_participant_user_id": "US.1", "biz_opaque_callback_data": "job"}),
    );
    assert_eq!(
        (group.group_id.as_deref(), group.reference.as_deref()),
        (Some("G"), Some("job"))
    );
    assert_eq!(event.contact.unwrap().user_id.as_deref(), Some("US.1"));
    assert_eq!(
        status(&json!({"id": "w", "status": "held"})).1.state,
        MessageState::Other("held".to_owned())
    );
    let (_, failed) = status(&json!({"id": "w", "status": "failed", "errors": [
        {"code": "131026", "title": "t", "message": "t", "error_data": {"details": "d"}, "href": "h"},
        {"code": 470, "title": "t", "details": "d"}, {"code": 1, "error_data": "a sentence"}]}));
    let details: Vec<_> = failed
        .errors
        .iter()
        .map(|error| error.details.as_deref())
        .collect();
    assert_eq!(details, [Some("d"), Some("d"), Some("a sentence")]);
    assert_eq!(
        (
            failed.errors[0].code.as_deref(),
            failed.errors[0].message.as_deref()
        ),
        (Some("131026"), None)
    );
    let (_, paid) = status(
        &json!({"id": "w", "type": "payment", "status": "captured", "payment": {"reference_id": "r",
        "amount": {"value": 450, "offset": 100}, "currency": "INR", "transaction": {"id": "o", "type": "razorpay", "status": "success"}}}),
    );
    assert_eq!(paid.payment.unwrap().amount, Some(450));
}

#[test]
fn errors_beside_messages_are_events() {
    let events = events(
        &json!({"errors": [{"code": 1006, "title": "Resource not found", "details": "unknown contact"}]}),
    );
    assert!(
        matches!(&events[0].body, EventBody::Error(error) if error.details.as_deref() == Some("unknown contact"))
    );
}

#[test]
fn items_of_another_number_are_not_our_own() {
    let body = |display: &str| {
        json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": {
            "metadata": {"display_phone_number": display}, "messages": [{"id": "m"}]}}]}]}).to_string()
    };
    let own = |settings, display| {
        read(settings, body(display).as_bytes()).unwrap()[0]
            .origin
            .own
    };
    let cloud = Some(r#"{"phone_number":"+15550783881"}"#);
    assert!(own(cloud, "15550783881"));
    assert!(own(cloud, "+1 555-078-3881"));
    assert!(!own(cloud, "15550000000"));
    assert!(own(None, "15550000000"));
    assert!(own(
        Some(r#"{"phone_number":"+15550783881","api":"sandbox"}"#),
        "15550000000"
    ));
    assert!(own(Some("not JSON"), "15550000000"));
}

#[test]
fn a_bad_timestamp_loses_nothing() {
    for timestamp in [
        json!("soon"),
        json!(-5),
        json!(""),
        json!({"odd": 1}),
        json!(1e300),
    ] {
        let (event, message) = message(
            &json!({"id": "m", "from": "1", "timestamp": timestamp, "type": "text", "text": {"body": "a"}}),
        );
        assert_eq!(event.time, None);
        assert!(matches!(message.content, Content::Text(_)));
    }
}

#[test]
fn a_cut_emoji_is_replaced_and_kept_in_raw() {
    let body = r#"{"messages":[{"id":"m","from":"1","type":"text","text":{"body":"Hi \ud83d"}}]}"#;
    let events = read(None, body.as_bytes()).unwrap();
    assert!(
        matches!(&events[0].body, EventBody::Message(message) if matches!(&message.content, Content::Text(text) if text.text == "Hi \u{fffd}"))
    );
    assert!(events[0].raw.contains("\\ud83d"));
}

#[test]
fn a_thousand_items_are_a_thousand_events() {
    let items: Vec<_> = (0..1000)
        .map(|n| json!({"id": format!("m{n}"), "from": "1", "timestamp": "1", "type": "text", "text": {"body": "x".repeat(3000)}}))
        .collect();
    let events = change(&json!({"messages": items}));
    let ids: std::collections::BTreeSet<_> = events.iter().map(|event| &event.id).collect();
    assert_eq!((events.len(), ids.len()), (1000, 1000));
}

proptest! {
    #[test]
    fn no_body_is_fatal(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(None, &body);
    }

    #[test]
    fn a_broken_webhook_is_rejected_or_read(at in 0..EXAMPLE.trim_end().len(), byte: u8) {
        let mut body = EXAMPLE.as_bytes().to_vec();
        let whole = read(None, &body).unwrap().len();
        body[at] = byte;
        if let Ok(events) = read(None, &body) {
            prop_assert!(!events.is_empty() && events.len() <= whole + 1);
        }
        prop_assert!(read(None, &body[..at]).is_err());
    }
}
