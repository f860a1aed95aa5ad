//! Bodies that no documentation shows, and some that are meant to do harm.

use super::*;

#[test]
fn an_odd_scalar_of_a_container_hides_no_item() {
    let good = r#"{"field":"messages","value":{"messages":[{"id":"m","from":"1","timestamp":"1","type":"text","text":{"body":"a"}}]}}"#;
    for body in [
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":{{}},"changes":[{good}]}}]}}"#
        ),
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"\ud800","time":{{}},"changes":[{good}]}}]}}"#
        ),
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":1e400,"changes":[{good}]}}]}}"#
        ),
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":{good}}}]}}"#
        ),
        format!(
            r#"{{"object":"whatsapp_business_account","entry":{{"id":"1","changes":[{good}]}}}}"#
        ),
        format!(r#"{{"entry":[{{"changes":[{good}]}}],"id":[]}}"#),
        good.replace("\"messages\",", "[\"messages\"],"),
        good.replace("\"field\":\"messages\"", "\"field\":\"messages\",\"id\":{}"),
    ] {
        let events = read(None, body.as_bytes()).unwrap();
        assert!(
            matches!(
                &events[..],
                [Event {
                    body: EventBody::Message(_),
                    ..
                }]
            ),
            "{body}: {events:?}"
        );
    }
    let twice = format!(
        r#"{{"entry":[{{"changes":[{good}],"changes":[{good}]}}],"entry":[{{"changes":[{good}]}}]}}"#
    );
    assert_eq!(read(None, twice.as_bytes()).unwrap().len(), 3);
    let instagram = r#"{"object":"instagram","entry":[{"id":{}}]}"#;
    assert!(read(None, instagram.as_bytes()).is_err());
}

#[test]
fn partner_events_of_one_kind_are_told_apart() {
    let event = |id: &str| {
        events(&json!({"id": id, "event": "template_messaging_enabled", "data": {"id": "1022"}}))
            .remove(0)
    };
    let (first, second) = (event("EV1"), event("EV2"));
    assert_ne!(first.id, second.id);
    assert!(first.raw.contains("EV1"));
    // Whose id `data` holds is not documented.
    assert_eq!(first.origin.account_id, None);
    assert!(
        matches!(first.body, EventBody::Account(change) if change.code.as_deref() == Some("template_messaging_enabled"))
    );
}

#[test]
fn a_profile_is_nobody_elses() {
    let alice = json!([{"wa_id": "1", "profile": {"name": "Alice"}}]);
    let two = change(&json!({"contacts": alice, "messages": [
        {"id": "a", "from": "1", "type": "text"}, {"id": "b", "from_user_id": "US.BOB", "type": "text"}]}));
    let bob = two[1].contact.as_ref().unwrap();
    assert_eq!(
        (
            bob.phone.as_deref(),
            bob.user_id.as_deref(),
            bob.name.as_deref()
        ),
        (None, Some("US.BOB"), None)
    );
    let nobody = change(&json!({"contacts": alice, "statuses": [
        {"id": "a", "status": "sent", "recipient_id": "1"}, {"id": "b", "status": "failed"}]}));
    assert_eq!(nobody[1].contact, None);
    // The user id counts before the phone number, and neither may contradict.
    let crossed = change(&json!({"contacts": [
        {"wa_id": "1", "user_id": "US.A", "profile": {"name": "Alice"}}, {"wa_id": "2", "user_id": "US.B", "profile": {"name": "Bob"}}],
        "messages": [{"id": "a", "from": "1", "from_user_id": "US.B", "type": "text"}]}));
    assert_eq!(crossed[0].contact.as_ref().unwrap().name, None);
    let hashed = change(
        &json!({"contacts": [{"wa_id": "1", "identity_key_hash": "h"}], "messages": [{"id": "a", "from": "1"}]}),
    );
    assert_eq!(
        hashed[0].contact.as_ref().unwrap().identity_hash.as_deref(),
        Some("h")
    );
}

#[test]
fn a_bare_item_is_known_by_its_members() {
    let unsupported = events(
        &json!({"from": "1", "id": "wamid.A", "timestamp": "1750000000", "type": "unsupported",
        "errors": [{"code": 131_052}]}),
    );
    assert!(
        matches!(&unsupported[..], [Event { body: EventBody::Message(message), .. }] if message.errors.len() == 1)
    );
    let status = events(&json!({"id": "wamid.A", "status": "sent", "timestamp": "1750000000"}));
    assert!(matches!(
        &status[..],
        [Event {
            body: EventBody::Status(_),
            ..
        }]
    ));
    for foreign in [
        json!({"id": "evt_1", "status": "paid"}),
        json!({"id": "1", "type": "message", "message": {}}),
        json!({"event": "x", "data": {}}),
    ] {
        assert!(
            read(None, foreign.to_string().as_bytes()).is_err(),
            "{foreign}"
        );
    }
}

#[test]
fn a_message_with_a_bad_time_does_not_take_its_entrys() {
    let events = events(
        &json!({"entry": [{"id": "1", "time": 1_750_000_000, "changes": [{"field": "messages", "value": {
        "messages": [{"id": "m", "timestamp": "soon"}]}}]}]}),
    );
    assert_eq!(events[0].time, None);
    assert_eq!(events[0].origin.entry_time, Some(1_750_000_000_000));
}

#[test]
fn account_events_name_the_number_in_their_value() {
    let body = json!({"entry": [{"id": "1", "changes": [{"field": "phone_number_quality_update", "value": {
        "display_phone_number": "15550000000", "event": "ONBOARDING"}}]}]}).to_string();
    let events = read(
        Some(r#"{"phone_number": "+1 555 078 3881", "greeting": 7}"#),
        body.as_bytes(),
    )
    .unwrap();
    assert!(!events[0].origin.own);
    assert_eq!(
        events[0].origin.phone_number.as_deref(),
        Some("15550000000")
    );
}

#[test]
fn what_the_vendor_alone_has_becomes_attributes() {
    let (event, _) = status(
        &json!({"id": "w", "status": "captured", "type": "payment", "recipient_type": "individual",
        "payment": {"receipt": "r", "transaction": {"created_timestamp": 5, "currency": "INR"}}}),
    );
    let paths: Vec<_> = event
        .attributes
        .iter()
        .map(|attribute| attribute.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "/payment/receipt",
            "/payment/transaction/created_timestamp",
            "/payment/transaction/currency",
            "/recipient_type",
            "/type"
        ]
    );
}

#[test]
fn old_messages_of_the_business_are_outbound() {
    let events = events(
        &json!({"entry": [{"id": "1", "changes": [{"field": "history", "value": {
        "metadata": {"display_phone_number": "15550783881"},
        "messages": [{"id": "a", "from": "15550783881", "type": "text"}, {"id": "b", "from": "1", "type": "text"}]}}]}]}),
    );
    let outbound: Vec<_> = events
        .iter()
        .map(|event| match &event.body {
            EventBody::History(item) => item.outbound,
            body => panic!("{body:?}"),
        })
        .collect();
    assert_eq!(outbound, [Some(true), Some(false)]);
}

#[test]
fn many_odd_members_are_read_in_proportion() {
    let mut odd: serde_json::Map<String, Value> =
        (0..100_000).map(|n| (format!("x{n}"), json!(n))).collect();
    odd.insert("id".to_owned(), json!({}));
    assert!(matches!(
        change(&json!({"messages": [odd]}))[0].body,
        EventBody::Message(_)
    ));
    let people = 0..20_000;
    let contacts: Vec<_> = people
        .clone()
        .map(|n| json!({"wa_id": n.to_string()}))
        .collect();
    let messages: Vec<_> = people
        .map(|n| json!({"id": n, "from": n.to_string()}))
        .collect();
    assert_eq!(
        change(&json!({"contacts": contacts, "messages": messages})).len(),
        20_000
    );
}

#[test]
fn what_stands_beside_an_envelope_is_an_item() {
    let message =
        json!({"id": "m", "from": "1", "timestamp": "1", "type": "text", "text": {"body": "a"}});
    for (body, items) in [
        (
            json!({"object": "whatsapp_business_account", "entry": [], "messages": [message]}),
            1,
        ),
        (
            json!({"entry": [{"id": "1", "changes": [], "messaging": [{"a": 1}, {"a": 2}]}]}),
            2,
        ),
        (
            json!({"entry": [{"changes": [{"field": "messages", "value": {"messages": [message]}, "extra": {"a": 1}}]}]}),
            2,
        ),
        (
            json!({"field": "messages", "value": {"messages": [], "event": "DISABLED"}}),
            1,
        ),
        (
            json!({"field": "messages", "value": {"messages": [], "metadata": {}}}),
            0,
        ),
        (json!({"field": "messages", "value": null}), 1),
    ] {
        assert_eq!(events(&body).len(), items, "{body}");
    }
}

#[test]
fn a_partner_event_is_one_item_unless_it_carries_a_value() {
    let failed = |id: &str| json!({"id": id, "event": "channel_failed", "data": {"id": "CH", "errors": [{"code": 1}], "events": []}});
    let (first, second) = (events(&failed("EV1")), events(&failed("EV2")));
    assert_eq!((first.len(), second.len()), (1, 1));
    assert_ne!(first[0].id, second[0].id);
    assert_eq!(
        events(&json!({"id": "E", "event": "channel_removed", "data": null})).len(),
        1
    );
    let twice = r#"{"id":{},"event":"messages","data":{"metadata":{},"messages":[{"id":"a"}]},"data":{"metadata":{},"messages":[{"id":"b"}]}}"#;
    assert_eq!(read(None, twice.as_bytes()).unwrap().len(), 2);
    let odd = twice.replace(
        r#""data":{"metadata":{},"messages":[{"id":"a"}]}"#,
        r#""data":7"#,
    );
    assert!(matches!(
        &read(None, odd.as_bytes()).unwrap()[..],
        [
            Event {
                body: EventBody::Unknown(_),
                ..
            },
            Event {
                body: EventBody::Message(_),
                ..
            }
        ]
    ));
}

#[test]
fn a_name_that_can_not_be_read_hides_nothing_beside_it() {
    let change = r#"{"\ud800":1,"field":"messages","value":{"\ud800":1,"messages":[{"id":"m","text":{"body":"\ud83d"}}]}}"#;
    let body = format!(r#"{{"\ud800":1,"entry":[{{"\udc00":1,"changes":[{change}]}}]}}"#);
    let events = read(None, body.as_bytes()).unwrap();
    let [event] = &events[..] else {
        panic!("{events:?}");
    };
    assert!(matches!(event.body, EventBody::Message(_)));
    assert_eq!(event.raw, r#"{"id":"m","text":{"body":"\ud83d"}}"#);

    let message = r#"{"messages":[{"id":"m","type":"x","x":{"y":1},"\ud800":1}]}"#;
    let event = read(None, message.as_bytes()).unwrap().remove(0);
    assert!(
        matches!(event.body, EventBody::Message(message) if matches!(&message.content, Content::Other(other) if other.json.is_some()))
    );
}

#[test]
fn what_items_share_is_absent_where_no_event_should_repeat_it() {
    let body = |name: &str| {
        change(
            &json!({"metadata": {"phone_number_id": name}, "contacts": [{"wa_id": "1", "profile": {"name": name}}],
            "messages": [{"id": "m", "from": "1"}]}),
        )
        .remove(0)
    };
    let (fits, longer) = (body(&"n".repeat(512)), body(&"n".repeat(513)));
    assert!(fits.origin.phone_number_id.is_some() && fits.contact.unwrap().name.is_some());
    assert!(longer.origin.phone_number_id.is_none());
    let contact = longer.contact.unwrap();
    assert_eq!((contact.phone.as_deref(), contact.name), (Some("1"), None));
}

#[test]
fn an_odd_member_of_a_profile_or_of_metadata_costs_that_member_alone() {
    let contact = |contacts: &str| {
        let body = format!(r#"{{"contacts":{contacts},"messages":[{{"id":"m","from":"1"}}]}}"#);
        read(None, body.as_bytes())
            .unwrap()
            .remove(0)
            .contact
            .unwrap()
    };
    assert_eq!(
        contact(r#"[{"wa_id":"1","user_id":"US.1","profile":{"name":"A\ud83d"}}]"#)
            .name
            .as_deref(),
        Some("A\u{fffd}")
    );
    assert_eq!(
        contact(r#"[{"wa_id":"1","user_id":"US.1","profile":7}]"#)
            .user_id
            .as_deref(),
        Some("US.1")
    );
    assert_eq!(
        contact(r#"{"wa_id":"1","user_id":"US.1"}"#)
            .user_id
            .as_deref(),
        Some("US.1")
    );
    assert_eq!(
        contact(r#"[{"wa_id":"1","user_id":"US.1"},{"wa_id":"1","user_id":"US.2"}]"#).user_id,
        None
    );
    let own = |settings: &str, metadata: &str| {
        let body = format!(r#"{{"metadata":{metadata},"messages":[{{"id":"m"}}]}}"#);
        read(Some(settings), body.as_bytes()).unwrap()[0].origin.own
    };
    for metadata in [
        r#"{"display_phone_number":"4999","phone_number_id":{}}"#,
        r#"{"display_phone_number":"4999"},"metadata":{}"#,
    ] {
        assert!(
            !own(r#"{"phone_number":"+15550783881"}"#, metadata),
            "{metadata}"
        );
    }
    assert!(!own(
        r#"{"phone_number":"+15550783881","api":{}}"#,
        r#"{"display_phone_number":"4999"}"#
    ));
}

#[test]
fn a_user_id_where_a_phone_number_belongs_is_a_user_id() {
    let event = change(&json!({"contacts": [{"wa_id": "US.134", "profile": {"name": "S"}}], "messages": [{"id": "m", "from": "US.134"}, {"id": "n"}]})).remove(0);
    let contact = event.contact.unwrap();
    assert_eq!(
        (
            contact.phone,
            contact.user_id.as_deref(),
            contact.name.as_deref()
        ),
        (None, Some("US.134"), Some("S"))
    );
}

#[test]
fn odd_bare_items_are_read_or_foreign() {
    for message in [
        r#"{"id":{},"from":"1","timestamp":"1","type":"text","text":{"body":"x"},"errors":[{"code":1}]}"#,
        r#"{"id":"a","id":"b","from":"1","timestamp":"1","type":"text","text":{"body":"x"}}"#,
        r#"{"\ud800":1,"from":"1","timestamp":"1","type":"text","text":{"body":"x"}}"#,
    ] {
        let events = read(None, message.as_bytes()).unwrap();
        assert!(
            matches!(
                &events[..],
                [Event {
                    body: EventBody::Message(_),
                    ..
                }]
            ),
            "{message}: {events:?}"
        );
    }
    for foreign in [
        json!({"id": "evt_1", "type": "invoice.paid", "timestamp": 1, "payload": {}}),
        json!({"id": "evt_1", "status": "ok", "timestamp": 1}),
        json!({"object": ["instagram"], "entry": []}),
    ] {
        assert!(
            read(None, foreign.to_string().as_bytes()).is_err(),
            "{foreign}"
        );
    }
}

/// The only change of a field.
fn changes(field: &str, value: &Value) -> Vec<Event> {
    events(&json!({"entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}))
}

#[test]
fn a_change_is_one_item_whatever_lists_have_come_into_it() {
    let number = json!({"phone_number_id": "7"});
    for (list, more) in [
        ("events", json!([])),
        ("messages", Value::Null),
        ("groups", json!([{"a": 1}])),
        ("metadata", number.clone()),
    ] {
        let account = changes(
            "account_update",
            &json!({"event": "ACCOUNT_RESTRICTION", list: more}),
        );
        assert!(
            matches!(&account[..], [Event { body: EventBody::Account(change), .. }]
                if change.code.as_deref() == Some("ACCOUNT_RESTRICTION")),
            "{list}: {account:?}"
        );
        let template = changes(
            "message_template_status_update",
            &json!({"event": "REJECTED", "message_template_id": 5, list: more}),
        );
        assert!(
            matches!(&template[..], [Event { body: EventBody::Template(change), .. }]
                if change.id.as_deref() == Some("5")),
            "{list}: {template:?}"
        );
    }
    let news = json!({"event": "E", "calls": {"status": "ENABLED"}});
    let unknown = changes("news", &news);
    assert_eq!(unknown.len(), 1);
    assert_eq!(unknown[0].raw, news.to_string());
    let like_messages = json!({"metadata": number, "reactions_v2": [{"a": 1}, {"a": 2}], "messages": [{"id": "m"}]});
    assert_eq!(changes("news", &like_messages).len(), 3);
}

#[test]
fn what_stands_beside_old_messages_is_an_item() {
    let events = changes(
        "history",
        &json!({"metadata": {"display_phone_number": "+1 555-078-3881"}, "history": [{"metadata": {"phase": 1}, "threads": [
            {"id": "1650", "messages": [{"id": "m", "from": "15550783881", "type": "text", "text": {"body": "a"}}],
             "errors": [{"code": 77}, {"code": 78}], "unread": {"count": 5}}], "errors": [{"code": 79}]}]}),
    );
    let codes: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Error(error) => error.code.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(codes, ["77", "78", "79"]);
    assert!(events.iter().any(|event| event.raw == r#"{"count":5}"#));
    let EventBody::History(item) = &events[0].body else {
        panic!("{:?}", events[0].body)
    };
    assert_eq!(item.outbound, Some(true), "however the number is written");
    assert_eq!(
        events[0].contact.as_ref().unwrap().phone.as_deref(),
        Some("1650")
    );
}

#[test]
fn the_business_is_nobody_s_profile() {
    let echo = changes(
        "smb_message_echoes",
        &json!({"metadata": {"display_phone_number": "15550783881"}, "contacts": [{"wa_id": "15550783881", "profile": {"name": "Shop"}}],
            "message_echoes": [{"id": "m", "from": "15550783881", "type": "text", "text": {"body": "a"}}]}),
    );
    assert_eq!(echo[0].contact, None);
}

#[test]
fn a_participant_shows_that_it_is_a_group() {
    let (event, status) = status(
        &json!({"id": "m", "status": "read", "recipient_id": "G1", "recipient_participant_id": "1650"}),
    );
    assert_eq!(status.group_id.as_deref(), Some("G1"));
    assert_eq!(event.contact.unwrap().phone.as_deref(), Some("1650"));
}
