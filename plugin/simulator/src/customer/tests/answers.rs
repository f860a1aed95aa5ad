//! Answers to messages of the business.

use std::time::Duration;

use super::*;
use crate::timeline::Status;

fn buttons(titles: &[&str]) -> Value {
    let button = |title: &&str| json!({"type": "reply", "reply": {"id": format!("{title}-id"), "title": title}});
    let buttons: Vec<_> = titles.iter().map(button).collect();
    let interactive =
        json!({"type": "button", "body": {"text": "Well?"}, "action": {"buttons": buttons}});
    json!({"type": "interactive", "interactive": interactive})
}

fn quick_reply(place: &str, payload: &str) -> Value {
    json!({"type": "button", "sub_type": "quick_reply", "index": place,
        "parameters": [{"type": "payload", "payload": payload}]})
}

#[test]
fn a_tap_answers_the_last_message_with_buttons() -> Result<(), ActError> {
    let mut state = state();
    state.act(&sheena(), Act::say("Hi"))?;
    send(&mut state, buttons(&["Old"]));
    let asked = send(&mut state, buttons(&["Yes", "No"]));
    send(
        &mut state,
        json!({"type": "text", "text": {"body": "Take your time"}}),
    );
    for tap in ["No", "No-id"] {
        state.act(&sheena(), Act::tap(tap))?;
        let reply = json!({"type": "button_reply", "button_reply": {"id": "No-id", "title": "No"}});
        let context = json!({"from": NUMBER, "id": asked});
        assert_eq!(
            said(&state),
            json!({"type": "interactive", "interactive": reply, "context": context})
        );
    }
    let refused = state.act(&sheena(), Act::tap("Old"));
    let refused = refused.expect_err("that is not the latest one").to_string();
    assert_eq!(
        refused,
        "the latest message does not offer Old, but: Yes, No"
    );
    Ok(())
}

#[test]
fn what_failed_and_what_is_for_others_has_no_buttons() {
    let mut state = state();
    let nothing = Err(ActError::NoButtons);
    assert_eq!(state.act(&sheena(), Act::tap("Yes")), nothing);
    assert_eq!(state.customers.all(), []);
    let failed = send(&mut state, buttons(&["Yes"]));
    assert_eq!(
        state.act(&Who::phone("16315550000"), Act::tap("Yes")),
        nothing
    );
    state.reach(&failed, Status::Failed(131_026));
    assert_eq!(state.act(&sheena(), Act::tap("Yes")), nothing);
}

#[test]
fn who_never_wrote_taps_what_was_sent_to_the_number() -> Result<(), ActError> {
    let mut state = state();
    let asked = send(&mut state, buttons(&["Yes"]));
    state.act(&sheena(), Act::tap("Yes"))?;
    assert_eq!(said(&state)["context"]["id"], asked);
    Ok(())
}

#[test]
fn a_tap_on_a_template_brings_its_payload_or_its_label() -> Result<(), ActError> {
    let mut state = state();
    let buttons = json!([
        {"type": "URL", "text": "Track", "url": "https://example.com/track"},
        {"type": "QUICK_REPLY", "text": "Keep"},
        {"type": "QUICK_REPLY", "text": "Stop"},
    ]);
    approve(
        &mut state,
        &json!({"name": "parcel", "language": "en_US", "category": "UTILITY", "components": [
            {"type": "BODY", "text": "Your parcel is on its way."},
            {"type": "BUTTONS", "buttons": buttons},
        ]}),
    );
    let template = json!({"name": "parcel", "language": {"code": "en_US"}, "components": [quick_reply("2", "STOP")]});
    let asked = send(
        &mut state,
        json!({"type": "template", "template": template}),
    );
    let context = json!({"from": NUMBER, "id": asked});
    for (tap, payload, text) in [
        ("Stop", "STOP", "Stop"),
        ("STOP", "STOP", "Stop"),
        ("Keep", "Keep", "Keep"),
    ] {
        state.act(&sheena(), Act::tap(tap))?;
        let button = json!({"payload": payload, "text": text});
        assert_eq!(
            said(&state),
            json!({"type": "button", "button": button, "context": context})
        );
    }
    let offered = vec!["Keep".to_owned(), "Stop".to_owned()];
    let wanted = "Track".to_owned();
    let refused = state.act(&sheena(), Act::tap("Track"));
    assert_eq!(refused, Err(ActError::NotOffered { wanted, offered }));
    Ok(())
}

#[test]
fn a_tap_on_a_card_of_a_template_brings_its_payload() -> Result<(), ActError> {
    let mut state = state();
    let card = json!({"components": [
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "More"}]},
    ]});
    approve(
        &mut state,
        &json!({"name": "plants", "language": "en_US", "category": "MARKETING", "components": [
            {"type": "BODY", "text": "Rare succulents for sale!"},
            {"type": "CAROUSEL", "cards": [card, card]},
        ]}),
    );
    let card = |at: usize, payload: &str| {
        let header = json!({"type": "header", "parameters": [
            {"type": "image", "image": {"link": "https://example.com/a.jpg"}}]});
        json!({"card_index": at, "components": [header, quick_reply("0", payload)]})
    };
    let cards = json!({"type": "carousel", "cards": [card(0, "more-a"), card(1, "more-b")]});
    let template = json!({"name": "plants", "language": {"code": "en_US"}, "components": [cards]});
    send(
        &mut state,
        json!({"type": "template", "template": template}),
    );
    state.act(&sheena(), Act::tap("more-b"))?;
    assert_eq!(
        said(&state)["button"],
        json!({"payload": "more-b", "text": "More"})
    );
    Ok(())
}

#[test]
fn a_row_is_chosen_by_title_or_id() -> Result<(), ActError> {
    let mut state = state();
    assert_eq!(
        state.act(&sheena(), Act::choose("Express")),
        Err(ActError::NoList)
    );
    let sections = json!([
        {"title": "Fast", "rows": [{"id": "px", "title": "Express", "description": "1-2 days"}]},
        {"title": "Slow", "rows": [{"id": "ps", "title": "Surface"}]},
    ]);
    let list = json!({"type": "list", "body": {"text": "Which option?"},
        "action": {"button": "Options", "sections": sections}});
    let asked = send(
        &mut state,
        json!({"type": "interactive", "interactive": list}),
    );
    for (row, reply) in [
        (
            "Express",
            json!({"id": "px", "title": "Express", "description": "1-2 days"}),
        ),
        ("ps", json!({"id": "ps", "title": "Surface"})),
    ] {
        state.act(&sheena(), Act::choose(row))?;
        let interactive = json!({"type": "list_reply", "list_reply": reply});
        let context = json!({"from": NUMBER, "id": asked});
        let expected =
            json!({"type": "interactive", "interactive": interactive, "context": context});
        assert_eq!(said(&state), expected);
    }
    let offered = vec!["Express".to_owned(), "Surface".to_owned()];
    let wanted = "Yes".to_owned();
    let refused = state.act(&sheena(), Act::choose("Yes"));
    assert_eq!(refused, Err(ActError::NotOffered { wanted, offered }));
    Ok(())
}

#[test]
fn a_filled_flow_brings_its_token_and_its_fields() -> Result<(), ActError> {
    let mut state = state();
    let fill = || Act::fill([("email", "a@b.c")]);
    assert_eq!(state.act(&sheena(), fill()), Err(ActError::NoFlow));

    let parameters = json!({"flow_message_version": "3", "flow_id": "123", "flow_cta": "Book!", "flow_token": "t-1"});
    let action = json!({"name": "flow", "parameters": parameters});
    let flow = json!({"type": "flow", "body": {"text": "Book"}, "action": action});
    let asked = send(
        &mut state,
        json!({"type": "interactive", "interactive": flow}),
    );
    state.act(&sheena(), fill())?;
    let response = r#"{"email":"a@b.c","flow_token":"t-1"}"#;
    let reply = json!({"name": "flow", "body": "Sent", "response_json": response});
    let interactive = json!({"type": "nfm_reply", "nfm_reply": reply});
    let context = json!({"from": NUMBER, "id": asked});
    assert_eq!(
        said(&state),
        json!({"type": "interactive", "interactive": interactive, "context": context})
    );

    let button = json!({"type": "FLOW", "text": "Book", "flow_id": "123"});
    approve(
        &mut state,
        &json!({"name": "booking", "language": "en_US", "category": "UTILITY", "components": [
            {"type": "BODY", "text": "Book your visit."},
            {"type": "BUTTONS", "buttons": [button]},
        ]}),
    );
    let action = json!({"type": "action", "action": {"flow_token": "t-2"}});
    let filled = json!({"type": "button", "sub_type": "flow", "index": 0, "parameters": [action]});
    let template =
        json!({"name": "booking", "language": {"code": "en_US"}, "components": [filled]});
    send(
        &mut state,
        json!({"type": "template", "template": template}),
    );
    state.act(&sheena(), fill())?;
    let response = r#"{"email":"a@b.c","flow_token":"t-2"}"#;
    assert_eq!(
        said(&state)["interactive"]["nfm_reply"]["response_json"],
        response
    );
    Ok(())
}

/// An interactive message without an action of its own.
fn asks(kind: &str) -> Value {
    let action = match kind {
        "address_message" => json!({"name": kind, "parameters": {"country": "IN"}}),
        _ => json!({"name": kind}),
    };
    let content = json!({"type": kind, "body": {"text": "Please?"}, "action": action});
    json!({"type": "interactive", "interactive": content})
}

#[test]
fn what_is_asked_for_is_given() -> Result<(), ActError> {
    let mut state = state();
    let values = json!({"name": "Sheena", "in_pin_code": "400064"});
    let address = json!({"name": "address_message", "body": "Sent",
        "response_json": r#"{"values":{"in_pin_code":"400064","name":"Sheena"}}"#});
    let until = (state.now() + 7 * 24 * 60 * 60 * 1000) / 1000;
    let user = "user_action";
    let accepted =
        json!({"response": "accept", "response_source": user, "expiration_timestamp": until});
    let rejected = json!({"response": "reject", "response_source": user});
    let card = json!({"origin": "contact_request", "phones": [{"phone": format!("+{PHONE}"), "wa_id": PHONE, "type": "CELL"}]});
    let calls = |reply: Value| json!({"type": "interactive", "interactive": {"type": "call_permission_reply", "call_permission_reply": reply}});
    let permit = |refuse| Act::PermitCalls { refuse };
    let values = values.as_object().cloned().unwrap_or_default();
    for (kind, acts) in [
        (
            "address_message",
            vec![(
                Act::GiveAddress { values },
                json!({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": address}}),
            )],
        ),
        (
            "call_permission_request",
            vec![
                (permit(false), calls(accepted)),
                (permit(true), calls(rejected)),
            ],
        ),
        (
            "request_contact_info",
            vec![(
                Act::ShareNumber { phone: None },
                json!({"type": "contacts", "contacts": [card]}),
            )],
        ),
    ] {
        let first = acts[0].0.clone();
        assert_eq!(state.act(&sheena(), first), Err(ActError::NotAsked(kind)));
        let asked = send(&mut state, asks(kind));
        for (act, mut expected) in acts {
            state.act(&sheena(), act)?;
            expected["context"] = json!({"from": NUMBER, "id": asked});
            assert_eq!(said(&state), expected);
        }
    }
    Ok(())
}

#[test]
fn a_private_number_is_shared_where_it_is_told() -> Result<(), ActError> {
    let mut state = state();
    let ada = Who::username("ada.l");
    state.act(&ada, Act::say("Hi"))?;
    let mut asks = asks("request_contact_info");
    asks["recipient"] = state.customers.all()[0].user_id.clone().into();
    send(&mut state, asks);
    let share = |phone: Option<&str>| Act::ShareNumber {
        phone: phone.map(str::to_owned),
    };
    assert_eq!(state.act(&ada, share(None)), Err(ActError::NoNumber));
    state.act(&ada, share(Some("+1 650 555 9999")))?;
    let phone = &told(&state)["messages"][0]["contacts"][0]["phones"][0];
    assert_eq!(phone["wa_id"], "16505559999");
    Ok(())
}

#[test]
fn a_product_is_ordered_from_the_catalog_that_was_shown() -> Result<(), ActError> {
    let mut state = state();
    let action = json!({"catalog_id": "77", "product_retailer_id": "fern"});
    let product = json!({"type": "product", "action": action});
    send(
        &mut state,
        json!({"type": "interactive", "interactive": product}),
    );
    let order = Act::Order {
        product: "fern".to_owned(),
        quantity: 2,
        text: Some("Love these!".to_owned()),
    };
    state.act(&sheena(), order)?;
    let item =
        json!({"product_retailer_id": "fern", "quantity": 2, "item_price": 30, "currency": "USD"});
    let order = json!({"catalog_id": "77", "text": "Love these!", "product_items": [item]});
    assert_eq!(said(&state), json!({"type": "order", "order": order}));
    Ok(())
}

#[test]
fn a_message_is_changed_taken_back_and_of_a_kind_that_is_unknown() -> Result<(), ActError> {
    let mut state = state();
    let message = state.act(&sheena(), Act::say("Hi"))?;
    let wrote = state.customers.all()[0].wrote;
    state.clock.advance(Duration::from_mins(1));
    let (id, text) = (message.clone(), "Hello".to_owned());
    state.act(&sheena(), Act::Edit { message: id, text })?;
    let new = json!({"type": "text", "text": {"body": "Hello"}});
    let edit = json!({"original_message_id": message, "message": new});
    assert_eq!(said(&state), json!({"type": "edit", "edit": edit}));
    let id = message.clone();
    state.act(&sheena(), Act::Revoke { message: id })?;
    let revoke = json!({"original_message_id": message});
    assert_eq!(said(&state), json!({"type": "revoke", "revoke": revoke}));
    assert_eq!(state.customers.all()[0].wrote, wrote);
    let kind = "poll_creation".to_owned();
    state.act(&sheena(), Act::SendUnsupported { kind })?;
    let said = said(&state);
    assert_eq!(said["unsupported"]["type"], "poll_creation");
    assert_eq!(said["errors"][0]["code"], 131_051);
    Ok(())
}

#[test]
fn a_reaction_is_to_the_latest_message_and_can_be_taken_back() -> Result<(), ActError> {
    let mut state = state();
    assert_eq!(
        state.act(&sheena(), Act::react("👍")),
        Err(ActError::NothingToReactTo)
    );
    let first = state.act(&sheena(), Act::say("Hi"))?;
    let wrote = state.customers.all()[0].wrote;
    let second = send(
        &mut state,
        json!({"type": "text", "text": {"body": "Hello"}}),
    );
    let reaction = json!({"message_id": first, "emoji": "😀"});
    send(
        &mut state,
        json!({"type": "reaction", "reaction": reaction}),
    );
    state.clock.advance(Duration::from_mins(1));

    state.act(&sheena(), Act::react("👍"))?;
    let reaction = json!({"message_id": second, "emoji": "👍"});
    assert_eq!(
        said(&state),
        json!({"type": "reaction", "reaction": reaction})
    );
    state.act(&sheena(), Act::unreact())?;
    let reaction = json!({"message_id": second});
    assert_eq!(
        said(&state),
        json!({"type": "reaction", "reaction": reaction})
    );
    let (emoji, to) = (Some("👍".to_owned()), Some(first.clone()));
    state.act(&sheena(), Act::React { emoji, to })?;
    assert_eq!(said(&state)["reaction"]["message_id"], first);

    assert_eq!(
        state.customers.all()[0].wrote,
        wrote,
        "a reaction opens no window"
    );
    Ok(())
}
