use serde_json::{Value, json};

use super::*;
use crate::bindings::messaging::channel::outbound::{
    Attribute, Audio, Button, Buttons, CaptionedMedia, ChoiceList, Degradation, Document,
    DocumentHeader, Header, OpenWindow, Opening, OpeningCause, Reaction, Row, Section,
    TemplateMessage, Text,
};
use crate::bindings::messaging::channel::types::{Location, MediaSource};

mod definitions;
mod limits;
mod templates;

fn message(content: Content) -> Message {
    Message {
        to: Recipient::Phone("+1 (650) 555-1234".into()),
        content,
        reply_to: None,
        degrade: Vec::new(),
        fallback: None,
        attributes: Vec::new(),
    }
}

fn text(text: &str) -> Content {
    Content::Text(Text {
        text: text.into(),
        preview_url: None,
    })
}

fn id(id: &str) -> MediaSource {
    MediaSource::Id(id.into())
}

fn link(link: &str) -> MediaSource {
    MediaSource::Link(link.into())
}

fn template(name: &str) -> TemplateMessage {
    TemplateMessage {
        name: name.into(),
        language: "en_US".into(),
        header: None,
        body: Vec::new(),
        buttons: Vec::new(),
        cards: Vec::new(),
        offer_expires: None,
        other: Vec::new(),
    }
}

fn window_closed(since: Option<u64>) -> Window {
    Window::Closed(ClosedWindow {
        since,
        because: None,
    })
}

/// The body of the one request that sends `message`.
fn sent(message: &Message, window: &Window) -> Value {
    let [payload] = build("{}", message, window, None)
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(
        (
            payload.method.as_str(),
            payload.path.as_str(),
            payload.content_type.as_str()
        ),
        ("POST", "/messages", "application/json")
    );
    serde_json::from_slice(&payload.body).unwrap()
}

/// Pointer and code of everything that stands in the way of `message`.
fn refused(message: &Message, window: &Window) -> Vec<(String, String)> {
    build("{}", message, window, None)
        .err()
        .unwrap_or_default()
        .into_iter()
        .map(|problem| {
            assert!(problem.source.is_some() && !problem.message.is_empty());
            (problem.pointer, problem.code)
        })
        .collect()
}

/// Asserts that `content` is refused for these pointers and codes, and nothing else.
#[track_caller]
fn assert_refused(content: Content, expected: &[(&str, &str)]) {
    let found = refused(&message(content), &Window::Unknown);
    let found: Vec<_> = found
        .iter()
        .map(|(p, c)| (p.as_str(), c.as_str()))
        .collect();
    assert_eq!(found, expected);
}

#[track_caller]
fn assert_accepted(content: Content) {
    assert_eq!(refused(&message(content), &Window::Unknown), []);
}

/// Asserts what is sent, apart from the members that every message to this phone has.
#[track_caller]
fn assert_sent(content: Content, mut expected: Value) {
    expected["messaging_product"] = "whatsapp".into();
    expected["recipient_type"] = "individual".into();
    expected["to"] = "+16505551234".into();
    assert_eq!(sent(&message(content), &Window::Unknown), expected);
}

#[test]
fn text_is_sent() {
    assert_sent(
        Content::Text(Text {
            text: "Hi https://example.com".into(),
            preview_url: Some(true),
        }),
        json!({"type": "text", "text": {"preview_url": true, "body": "Hi https://example.com"}}),
    );
    assert_sent(
        text("Grüße \"👍\""),
        json!({"type": "text", "text": {"body": "Grüße \"👍\""}}),
    );
}

#[test]
fn media_is_sent_by_id_or_link() {
    assert_sent(
        Content::Image(CaptionedMedia {
            source: link("https://example.com/a.jpg"),
            caption: Some("Look".into()),
        }),
        json!({"type": "image", "image": {"link": "https://example.com/a.jpg", "caption": "Look"}}),
    );
    assert_sent(
        Content::Video(CaptionedMedia {
            source: id("1166846181421424"),
            caption: Some("Look".into()),
        }),
        json!({"type": "video", "video": {"id": "1166846181421424", "caption": "Look"}}),
    );
    assert_sent(
        Content::Audio(Audio {
            source: id("1013859600285441"),
            voice: Some(true),
        }),
        json!({"type": "audio", "audio": {"id": "1013859600285441", "voice": true}}),
    );
    assert_sent(
        Content::Document(Document {
            source: id("1376223850470843"),
            caption: Some("Your receipt".into()),
            filename: Some("order.pdf".into()),
        }),
        json!({
            "type": "document",
            "document": {"id": "1376223850470843", "filename": "order.pdf", "caption": "Your receipt"},
        }),
    );
    assert_sent(
        Content::Sticker(id("798882015472548")),
        json!({"type": "sticker", "sticker": {"id": "798882015472548"}}),
    );
}

#[test]
fn a_location_is_sent() {
    assert_sent(
        Content::Location(Location {
            latitude: 37.4421,
            longitude: -122.1616,
            name: Some("Philz Coffee".into()),
            address: Some("101 Forest Ave".into()),
            url: None,
        }),
        json!({
            "type": "location",
            "location": {
                "latitude": 37.4421, "longitude": -122.1616, "name": "Philz Coffee", "address": "101 Forest Ave",
            },
        }),
    );
}

#[test]
fn a_reaction_is_sent_and_taken_back() {
    for (emoji, sent) in [(Some("😀"), "😀"), (None, "")] {
        assert_sent(
            Content::Reaction(Reaction {
                message_id: "wamid.IN".into(),
                emoji: emoji.map(Into::into),
            }),
            json!({"type": "reaction", "reaction": {"message_id": "wamid.IN", "emoji": sent}}),
        );
    }
}

#[test]
fn buttons_are_sent() {
    let button = |id: &str, title: &str| Button {
        id: id.into(),
        title: title.into(),
    };
    let mut buttons = Buttons {
        header: Some(Header::Image(id("2762702990552401"))),
        body: "Keep or change?".into(),
        footer: Some("Lucky Shrub".into()),
        buttons: vec![button("change", "Change"), button("cancel", "Cancel")],
    };
    let mut expected = json!({
        "type": "interactive",
        "interactive": {
            "type": "button",
            "header": {"type": "image", "image": {"id": "2762702990552401"}},
            "body": {"text": "Keep or change?"},
            "footer": {"text": "Lucky Shrub"},
            "action": {"buttons": [
                {"type": "reply", "reply": {"id": "change", "title": "Change"}},
                {"type": "reply", "reply": {"id": "cancel", "title": "Cancel"}},
            ]},
        },
    });
    assert_sent(Content::Buttons(buttons.clone()), expected.clone());

    for (header, json) in [
        (
            Header::Text("Plans".into()),
            json!({"type": "text", "text": "Plans"}),
        ),
        (
            Header::Video(link("https://e.com/v.mp4")),
            json!({"type": "video", "video": {"link": "https://e.com/v.mp4"}}),
        ),
        (
            Header::Document(DocumentHeader {
                source: id("1"),
                filename: Some("a.pdf".into()),
            }),
            json!({"type": "document", "document": {"id": "1", "filename": "a.pdf"}}),
        ),
    ] {
        buttons.header = Some(header);
        expected["interactive"]["header"] = json;
        assert_sent(Content::Buttons(buttons.clone()), expected.clone());
    }
}

#[test]
fn a_list_is_sent() {
    assert_sent(
        Content::List(ChoiceList {
            header: Some(Header::Text("Shipping".into())),
            body: "Which option?".into(),
            footer: None,
            button: "Options".into(),
            sections: vec![Section {
                title: Some("Fast".into()),
                rows: vec![Row {
                    id: "px".into(),
                    title: "Express".into(),
                    description: Some("1-2 days".into()),
                }],
            }],
        }),
        json!({
            "type": "interactive",
            "interactive": {
                "type": "list",
                "header": {"type": "text", "text": "Shipping"},
                "body": {"text": "Which option?"},
                "action": {"button": "Options", "sections": [
                    {"title": "Fast", "rows": [{"id": "px", "title": "Express", "description": "1-2 days"}]},
                ]},
            },
        }),
    );
}

#[test]
fn each_recipient_has_its_member() {
    for (to, expected) in [
        (
            Recipient::Phone("16505551234".into()),
            json!({"recipient_type": "individual", "to": "+16505551234"}),
        ),
        (
            Recipient::UserId("US.13491208655302741918".into()),
            json!({"recipient_type": "individual", "recipient": "US.13491208655302741918"}),
        ),
        (
            Recipient::UserId("US.ENT.11815799212886844830".into()),
            json!({"recipient_type": "individual", "recipient": "US.ENT.11815799212886844830"}),
        ),
        (
            Recipient::Group("Y2FwaV9ncm91cDo".into()),
            json!({"recipient_type": "group", "to": "Y2FwaV9ncm91cDo"}),
        ),
    ] {
        let mut expected = expected;
        expected["messaging_product"] = "whatsapp".into();
        expected["type"] = "text".into();
        expected["text"] = json!({"body": "Hi"});
        let message = Message {
            to,
            ..message(text("Hi"))
        };
        assert_eq!(sent(&message, &Window::Unknown), expected);
    }
}

#[test]
fn a_recipient_that_is_none_is_refused() {
    let phone = |number: &str| (Recipient::Phone(number.into()), "/to/phone", "bad_number");
    let user = |id: &str| (Recipient::UserId(id.into()), "/to/user_id", "bad_user_id");
    let group = |id: &str| (Recipient::Group(id.into()), "/to/group", "bad_group");
    for (to, pointer, code) in [
        phone(""),
        phone("+"),
        phone("123456"),
        phone("1234567890123456"),
        phone("004930123456"),
        phone("+49 (0) 30 123456"),
        phone("+49.30.123456"),
        phone("++4930123456"),
        phone("٤٩٣٠١٢٣٤٥"),
        phone("BR.13491208655302741918"),
        user(""),
        user("491701234567"),
        user("us.1349"),
        user("USA.1349"),
        user("US."),
        user("US.ENT."),
        user("US.13 49"),
        user(&format!("US.{}", "1".repeat(129))),
        group(""),
        group("a b"),
    ] {
        let message = Message {
            to,
            ..message(text("Hi"))
        };
        assert_eq!(
            refused(&message, &Window::Unknown),
            [(pointer.to_owned(), code.to_owned())],
            "{:?}",
            message.to
        );
    }
    for number in ["1234567", "123456789012345"] {
        let message = Message {
            to: Recipient::Phone(number.into()),
            ..message(text("Hi"))
        };
        assert_eq!(sent(&message, &Window::Unknown)["to"], format!("+{number}"));
    }
    let longest = Message {
        to: Recipient::UserId(format!("US.{}", "1".repeat(128))),
        ..message(text("Hi"))
    };
    assert_eq!(refused(&longest, &Window::Unknown), []);
}

#[test]
fn a_reply_is_sent() {
    let message = Message {
        reply_to: Some("wamid.IN".into()),
        ..message(text("You're welcome"))
    };
    assert_eq!(
        sent(&message, &Window::Unknown),
        json!({
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "+16505551234",
            "context": {"message_id": "wamid.IN"},
            "type": "text",
            "text": {"body": "You're welcome"},
        })
    );
}

#[test]
fn the_path_is_the_api_s() {
    let message = message(text("Hi"));
    let path = |settings| {
        build(settings, &message, &Window::Unknown, None).map(|payloads| payloads[0].path.clone())
    };
    assert_eq!(path(r#"{"api": "cloud"}"#).unwrap(), "/messages");
    assert_eq!(path(r#"{"api": "sandbox"}"#).unwrap(), "/v1/messages");
    for (settings, code) in [
        (r#"{"api": "on_premise"}"#, "unsupported"),
        (r#"{"api": "on-premise"}"#, "unsupported"),
        (r#"{"api": "graph"}"#, "bad_settings"),
        ("nonsense", "bad_settings"),
    ] {
        let [problem] = path(settings).unwrap_err().try_into().unwrap();
        assert_eq!(
            (problem.pointer.as_str(), problem.code.as_str()),
            ("", code)
        );
    }
}

#[test]
fn nothing_that_is_asked_for_is_dropped() {
    let plain = message(text("Hi"));
    for (message, pointer, code) in [
        (
            Message {
                degrade: vec![Degradation::SplitText],
                ..plain.clone()
            },
            "/degrade",
            "unsupported",
        ),
        (
            Message {
                attributes: vec![Attribute {
                    path: "/category".into(),
                    value: Scalar::Text("utility".into()),
                }],
                ..plain.clone()
            },
            "/attributes/~1category",
            "unsupported",
        ),
        (
            Message {
                attributes: vec![Attribute {
                    path: "/messaging_account_id".into(),
                    value: Scalar::Integer(1),
                }],
                ..plain.clone()
            },
            "/attributes/~1messaging_account_id",
            "bad_value",
        ),
        (
            Message {
                reply_to: Some("wamid.IN".into()),
                ..message(Content::Reaction(Reaction {
                    message_id: "wamid.IN".into(),
                    emoji: None,
                }))
            },
            "/reply_to",
            "not_allowed",
        ),
    ] {
        assert_eq!(
            refused(&message, &Window::Unknown),
            [(pointer.to_owned(), code.to_owned())]
        );
    }
}

#[test]
fn all_problems_come_at_once() {
    let message = Message {
        to: Recipient::Phone("1".into()),
        reply_to: Some(" ".into()),
        degrade: vec![Degradation::SplitText],
        ..message(text(""))
    };
    let found = build(
        r#"{"api": "on_premise"}"#,
        &message,
        &window_closed(None),
        None,
    )
    .unwrap_err();
    let pointers: Vec<_> = found
        .iter()
        .map(|problem| problem.pointer.as_str())
        .collect();
    assert_eq!(
        pointers,
        [
            "",
            "/to/phone",
            "/reply_to",
            "/degrade",
            "/content",
            "/content/text"
        ]
    );
}

#[test]
fn a_closed_window_says_since_when_and_what_to_do() {
    let sentence = |window| {
        let problems = build("{}", &message(text("Hi")), &window, None).unwrap_err();
        let [problem] = problems.try_into().unwrap();
        problem.message
    };
    let closed = sentence(window_closed(Some(1_767_225_599_999)));
    assert!(closed.contains("since 2025-12-31T23:59:59Z"), "{closed}");
    assert!(closed.contains("approved template"), "{closed}");
    assert!(sentence(window_closed(None)).contains("was not open before"));
}

#[test]
fn a_fallback_stands_in_only_where_the_window_is_closed() {
    let message = Message {
        fallback: Some(template("reopen")),
        ..message(text("Hi"))
    };
    let open = Window::Open(OpenWindow {
        until: 2,
        because: Opening {
            at: 1,
            cause: OpeningCause::Call,
            id: None,
        },
    });
    for window in [&open, &Window::Unknown] {
        assert_eq!(sent(&message, window)["text"], json!({"body": "Hi"}));
    }
    let closed = sent(&message, &window_closed(None));
    assert_eq!(closed["type"], "template");
    assert_eq!(closed["template"]["name"], "reopen");
    assert_eq!(closed.get("text"), None);

    let bad = Message {
        fallback: Some(template("Reopen")),
        ..message
    };
    assert_eq!(
        refused(&bad, &window_closed(None)),
        [("/fallback/name".to_owned(), "bad_name".to_owned())]
    );
}
