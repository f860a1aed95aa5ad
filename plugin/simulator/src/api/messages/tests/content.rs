use axum::body::Bytes;

use super::*;
use crate::api::messages::content;

fn long(length: usize) -> Value {
    "ä".repeat(length).into()
}

fn assert_refused(body: &Value, expected: u32) {
    assert_eq!(send(&mut state(), body), Some(expected), "{body}");
}

#[test]
fn what_is_around_a_message_is_as_documented() {
    let null = Value::Null;
    for (pointer, value, expected) in [
        ("/messaging_product", null.clone(), 131_008),
        ("/messaging_product", json!("sms"), 131_009),
        ("/type", null.clone(), 131_008),
        ("/type", json!("hologram"), 131_051),
        ("/type", json!("image"), 100),
        ("/text", null.clone(), 131_008),
        ("/image", json!({"link": "https://e.com/a.png"}), 100),
        ("/recipent_type", json!("individual"), 100),
        ("/category", json!("utility"), 100),
        ("/to", null, 131_008),
        ("/to", json!("bob"), 131_009),
        ("/to", json!("1234567890123456"), 131_009),
        ("/to", json!("+1 555 078-3881"), 131_021),
        ("/recipient_type", json!("group"), 131_041),
        ("/recipient_type", json!("crowd"), 131_002),
        ("/context", json!({}), 131_008),
        ("/biz_opaque_callback_data", long(513), 100),
    ] {
        assert_refused(&with(text_message("Hi"), pointer, value), expected);
    }
    let mut to_nobody = with(text_message("Hi"), "/to", Value::Null);
    to_nobody["recipient"] = "US.1".into();
    assert_refused(&to_nobody, 131_009);
}

#[test]
fn content_that_is_not_as_documented_is_refused() {
    let link = "https://e.com/a";
    for (kind, content, expected) in [
        ("text", json!({"body": ""}), 131_008),
        ("text", json!({"body": long(4097)}), 131_001),
        ("image", json!({}), 131_008),
        ("image", json!({"id": "1", "link": link}), 131_009),
        ("image", json!({"id": "1"}), 131_009),
        ("image", json!({"link": "http://e.com/a"}), 131_009),
        ("image", json!({"link": link, "caption": long(1025)}), 100),
        ("audio", json!({"link": link, "caption": "a"}), 100),
        ("location", json!({"longitude": 2}), 131_008),
        (
            "location",
            json!({"latitude": "north", "longitude": 2}),
            131_009,
        ),
        ("location", json!({"latitude": 91, "longitude": 2}), 131_009),
        ("contacts", json!([]), 131_009),
        (
            "contacts",
            json!([{"name": {"first_name": "Ada"}}]),
            131_008,
        ),
        (
            "contacts",
            json!([{"name": {"formatted_name": "Ada"}}]),
            131_009,
        ),
        ("reaction", json!({"emoji": "👍"}), 131_008),
        ("template", json!({"language": {"code": "en"}}), 131_008),
        (
            "template",
            json!({"name": "welcome", "language": {"code": "en"}}),
            132_001,
        ),
    ] {
        assert_refused(&message(kind, content), expected);
    }
    let mut quoting = message("reaction", json!({"message_id": "wamid.A"}));
    quoting["context"] = json!({"message_id": "wamid.A"});
    assert_refused(&quoting, 100);
}

#[test]
fn one_to_three_buttons_have_ids_and_titles_of_their_own() {
    let (one, two) = (button("1", "A"), button("2", "B"));
    let (three, four) = (button("3", "C"), button("4", "D"));
    let long = |length: usize| "ä".repeat(length);
    for (buttons, expected) in [
        (json!([]), 131_009),
        (json!([one, two, three, four]), 131_009),
        (json!([button("1", &long(21))]), 131_009),
        (json!([button(&long(257), "A")]), 131_009),
        (json!([one, button("1", "B")]), 131_009),
        (json!([one, button("2", "A")]), 131_009),
        (json!([{"reply": {"id": "1", "title": "A"}}]), 131_008),
    ] {
        let action = json!({"buttons": buttons});
        assert_refused(&interactive("button", &action), expected);
    }
}

#[test]
fn around_the_buttons_there_is_a_body_and_what_else_fits() {
    let body = interactive("button", &json!({"buttons": [button("1", "A")]}));
    let text = |length| json!({"type": "text", "text": long(length)});
    for (part, content, expected) in [
        ("body", Value::Null, Some(131_008)),
        ("body", text(1024), None),
        ("body", text(1025), Some(131_009)),
        ("footer", text(60), None),
        ("footer", text(61), Some(131_009)),
        ("header", text(60), None),
        ("header", text(61), Some(131_009)),
        (
            "header",
            json!({"type": "image", "image": {"id": "1"}}),
            Some(131_009),
        ),
        (
            "header",
            json!({"type": "audio", "audio": {"link": "https://e.com/a"}}),
            Some(131_009),
        ),
    ] {
        let body = with(body.clone(), &format!("/interactive/{part}"), content);
        assert_eq!(send(&mut state(), &body), expected, "{body}");
    }
}

#[test]
fn a_list_has_ten_rows_at_most() {
    let row = |id: Value, title: Value| json!([{"rows": [{"id": id, "title": title}]}]);
    let described = json!([{"rows": [{"id": "1", "title": "A", "description": long(73)}]}]);
    for (sections, expected) in [
        (json!([{"rows": rows(10)}]), None),
        (
            json!([{"title": "A", "rows": rows(5)}, {"title": "B", "rows": rows(5)}]),
            None,
        ),
        (
            json!([{"title": "A", "rows": rows(6)}, {"title": "B", "rows": rows(5)}]),
            Some(131_009),
        ),
        (json!([]), Some(131_009)),
        (json!([{"rows": rows(11)}]), Some(131_009)),
        (
            json!([{"title": "A", "rows": rows(1)}, {"rows": rows(1)}]),
            Some(131_008),
        ),
        (json!([{"title": long(25), "rows": rows(1)}]), Some(131_009)),
        (row(json!("1"), long(25)), Some(131_009)),
        (row(long(201), json!("A")), Some(131_009)),
        (described, Some(131_009)),
    ] {
        let body = interactive("list", &json!({"button": "Open", "sections": sections}));
        assert_eq!(send(&mut state(), &body), expected, "{body}");
    }
    let action = json!({"button": long(21), "sections": [{"rows": rows(1)}]});
    assert_refused(&interactive("list", &action), 131_009);
}

#[test]
fn other_interactive_messages_have_an_action_of_their_type() {
    let flow = |name: &str, value: Value| {
        let mut parameters =
            json!({"flow_message_version": "3", "flow_id": "1", "flow_cta": "Book"});
        parameters[name] = value;
        json!({"name": "flow", "parameters": parameters})
    };
    let link = |text: Value, url: &str| json!({"name": "cta_url", "parameters": {"display_text": text, "url": url}});
    let products = json!([{"product_items": [{"product_retailer_id": "a"}]}]);
    let call = json!({"name": "voice_call", "parameters": {"ttl_minutes": 0}});
    for (kind, action, expected) in [
        ("hologram", json!({}), 131_009),
        ("cta_url", link(long(21), "https://e.com"), 131_009),
        ("cta_url", link(json!("See"), "e.com"), 131_009),
        ("flow", flow("flow_message_version", json!("2")), 131_009),
        ("flow", flow("flow_name", json!("booking")), 131_009),
        ("flow", flow("flow_cta", long(21)), 131_009),
        ("flow", flow("flow_action", json!("fly")), 131_009),
        (
            "flow",
            flow("flow_action_payload", json!({"data": {}})),
            131_009,
        ),
        ("location_request_message", json!({"name": "send"}), 131_009),
        ("product", json!({"catalog_id": "1"}), 131_008),
        // Its header is missing.
        (
            "product_list",
            json!({"catalog_id": "1", "sections": products}),
            131_008,
        ),
        ("voice_call", call, 131_009),
        ("carousel", json!({"cards": [{}]}), 131_009),
    ] {
        assert_refused(&interactive(kind, &action), expected);
    }
}

#[test]
fn content_as_it_is_documented_is_taken() {
    let contact = json!({"name": {"formatted_name": "Barbara Johnson", "first_name": "Barbara"}});
    for (kind, content) in [
        ("text", json!({"body": long(4096)})),
        (
            "image",
            json!({"link": "https://e.com/a", "caption": "Look"}),
        ),
        ("audio", json!({"link": "https://e.com/a", "voice": true})),
        (
            "location",
            json!({"latitude": "37.44", "longitude": -122.16}),
        ),
        ("contacts", json!([contact])),
        ("reaction", json!({"message_id": "wamid.IN", "emoji": ""})),
    ] {
        let body = message(kind, content);
        assert_eq!(send(&mut state(), &body), None, "{body}");
    }
    let mut quoting = text_message("Hi");
    // The number counts, where both are given.
    quoting["recipient"] = "US.1".into();
    quoting["context"] = json!({"message_id": "wamid.IN"});
    assert_eq!(send(&mut state(), &quoting), None);
}

#[test]
fn interactive_messages_as_they_are_documented_are_taken() {
    let three = json!([button("1", "A"), button("2", "B"), button("3", "C")]);
    let row = json!({"id": "px", "title": "Express", "description": "1-2 days"});
    let flow = json!({"flow_message_version": "3", "flow_id": "123", "flow_cta": "Book!",
        "flow_token": "t-1", "flow_action": "navigate",
        "flow_action_payload": {"screen": "WELCOME", "data": {"k": "v"}}});
    let country = json!({"country": "IN"});
    let call = json!({"ttl_minutes": 100, "display_text": "Call"});
    let link =
        json!({"name": "cta_url", "parameters": {"display_text": "Shop", "url": "https://e.com"}});
    let card = |index: usize| {
        json!({"card_index": index, "type": "cta_url", "body": {"text": "Deal"}, "action": link,
            "header": {"type": "image", "image": {"link": "https://e.com/1.png"}}})
    };
    for (kind, action) in [
        ("button", json!({"buttons": three})),
        (
            "list",
            json!({"button": "Options", "sections": [{"title": "Fast", "rows": [row]}]}),
        ),
        ("cta_url", link.clone()),
        ("flow", json!({"name": "flow", "parameters": flow})),
        ("location_request_message", json!({"name": "send_location"})),
        (
            "product",
            json!({"catalog_id": "1", "product_retailer_id": "a"}),
        ),
        (
            "address_message",
            json!({"name": "address_message", "parameters": country}),
        ),
        (
            "voice_call",
            json!({"name": "voice_call", "parameters": call}),
        ),
        ("carousel", json!({"cards": [card(0), card(1)]})),
    ] {
        let body = interactive(kind, &action);
        assert_eq!(send(&mut state(), &body), None, "{body}");
    }
    let products = json!([{"title": "Popular", "product_items": [{"product_retailer_id": "a"}]}]);
    let action = json!({"catalog_id": "1", "sections": products});
    let header = json!({"type": "text", "text": "Menu"});
    let body = with(
        interactive("product_list", &action),
        "/interactive/header",
        header,
    );
    assert_eq!(send(&mut state(), &body), None);
}

#[test]
fn cards_of_a_carousel_have_an_index_each_and_headers_of_one_type() {
    let cards = |indices: [usize; 2], kinds: [&str; 2]| {
        let card = |at: usize| {
            let kind = kinds[at];
            let mut header = json!({"type": kind});
            header[kind] = json!({"link": "https://e.com/a"});
            json!({"card_index": indices[at], "header": header})
        };
        interactive("carousel", &json!({"cards": [card(0), card(1)]}))
    };
    let mut state = state();
    assert_eq!(send(&mut state, &cards([0, 1], ["video", "video"])), None);
    assert_eq!(
        send(&mut state, &cards([1, 1], ["video", "video"])),
        Some(131_009)
    );
    assert_eq!(
        send(&mut state, &cards([0, 10], ["video", "video"])),
        Some(131_009)
    );
    assert_eq!(
        send(&mut state, &cards([0, 1], ["video", "image"])),
        Some(131_009)
    );
}

#[test]
fn a_file_may_be_sent_while_it_is_kept() {
    let mut state = state();
    let id = state.keep("image/png", Bytes::from_static(b"png"));
    let body = message("image", json!({"id": id}));
    assert_eq!(send(&mut state, &body), None);
    state.clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(send(&mut state, &body), Some(131_009));
}

#[test]
fn a_reaction_to_a_reaction_or_an_old_message_fails_later() {
    let mut state = state();
    let old = sent(&mut state, text_message("Hi"));
    let to = |id: &str| message("reaction", json!({"message_id": id, "emoji": "👍"}));
    let reaction = sent(&mut state, to(&old));
    let fails = |state: &State, id: &str| content::check(state, "reaction", &to(id));
    assert_eq!(fails(&state, &old), Ok(None));
    assert_eq!(fails(&state, "wamid.IN"), Ok(None));
    assert_eq!(fails(&state, &reaction), Ok(Some(131_009)));
    state.clock.advance(Duration::from_hours(31 * 24));
    assert_eq!(fails(&state, &old), Ok(Some(131_009)));
}

#[test]
fn a_file_of_another_type_fails_later() {
    let mut state = state();
    let id = state.keep("audio/mpeg", Bytes::from_static(b"mp3"));
    for (kind, content, expected) in [
        ("audio", json!({"id": id}), None),
        ("audio", json!({"id": id, "voice": true}), Some(131_053)),
        ("document", json!({"id": id}), None),
        ("image", json!({"id": id}), Some(131_053)),
    ] {
        let body = message(kind, content);
        assert_eq!(content::check(&state, kind, &body), Ok(expected), "{body}");
    }
}
