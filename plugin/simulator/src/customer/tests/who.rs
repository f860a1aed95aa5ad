//! Who the customers are.

use std::time::Duration;

use super::*;
use crate::customer::Customer;

fn user_id(state: &mut State, who: &Who) -> Result<String, ActError> {
    state.act(who, Act::say("Hi"))?;
    let wrote = told(state)["contacts"][0]["user_id"].take();
    Ok(wrote.as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_username_hides_the_number() -> Result<(), ActError> {
    let mut state = state();
    let who = Who::username("@RealSheena").named("Sheena");
    let id = state.act(&who, Act::say("Hi"))?;
    let user_id = state.customers.all()[0].user_id.clone();
    let told = told(&state);
    let profile = json!({"name": "Sheena", "username": "realsheena"});
    assert_eq!(
        told["contacts"],
        json!([{"profile": profile, "user_id": user_id}])
    );
    let time = (state.now() / 1000).to_string();
    let message = json!({"from_user_id": user_id, "id": id, "timestamp": time,
        "type": "text", "text": {"body": "Hi"}});
    assert_eq!(told["messages"], json!([message]));

    state.act(&who, Act::answer(&id, "Ho"))?;
    assert_eq!(
        super::told(&state)["messages"][0]["context"],
        json!({"id": id})
    );
    Ok(())
}

#[test]
fn a_username_may_come_with_the_number() -> Result<(), ActError> {
    let mut state = state();
    let hidden = user_id(&mut state, &Who::username("realsheena"))?;
    let both = Who {
        phone: Some(PHONE.to_owned()),
        ..Who::username("realsheena")
    };
    assert_eq!(user_id(&mut state, &both)?, hidden);
    assert_eq!(told(&state)["contacts"][0]["wa_id"], PHONE);
    assert_eq!(told(&state)["messages"][0]["from"], PHONE);
    assert_eq!(user_id(&mut state, &sheena())?, hidden);
    let contact = json!({"profile": {"name": "Sheena", "username": "realsheena"}, "wa_id": PHONE, "user_id": hidden});
    assert_eq!(told(&state)["contacts"], json!([contact]));
    assert_eq!(state.customers.all().len(), 1);
    Ok(())
}

#[test]
fn a_user_id_is_the_same_each_time_and_everybodys_own() -> Result<(), ActError> {
    let sheenas = user_id(&mut state(), &sheena())?;
    let mut state = state();
    let others = user_id(&mut state, &Who::phone("16315551234"))?;
    assert_eq!(user_id(&mut state, &sheena())?, sheenas);
    assert_ne!(sheenas, others);
    let (country, rest) = sheenas.split_once('.').expect("a user id has a dot");
    assert_eq!(country, "US");
    assert!(rest.len() <= 128 && rest.bytes().all(|it| it.is_ascii_alphanumeric()));
    Ok(())
}

#[test]
fn a_customer_is_one_who_can_be_told() -> Result<(), ActError> {
    let mut state = state();
    let named = |phone: Option<&str>, username: Option<&str>| Who {
        phone: phone.map(str::to_owned),
        username: username.map(str::to_owned),
        name: None,
    };
    let mut act = |who: &Who| state.act(who, Act::say("Hi"));
    assert_eq!(act(&Who::default()), Err(ActError::Nobody));
    for phone in ["", "+", "16505551234x", "1650555123412345", "sheena"] {
        assert_eq!(
            act(&Who::phone(phone)),
            Err(ActError::Phone(phone.to_owned()))
        );
    }
    for username in ["", "ab", "real sheena", "1650555"] {
        assert_eq!(
            act(&Who::username(username)),
            Err(ActError::Username(username.to_owned()))
        );
    }
    act(&named(Some("1111"), Some("first")))?;
    act(&named(Some("2222"), None))?;
    for phone in ["2222", "3333"] {
        let different = ActError::TwoCustomers {
            phone: phone.to_owned(),
            username: "first".to_owned(),
        };
        assert_eq!(act(&named(Some(phone), Some("first"))), Err(different));
    }
    act(&named(Some("2222"), Some("second")))?;
    act(&named(None, Some("SECOND")))?;
    let phones = state.customers.all().iter().map(|it| it.phone.as_deref());
    assert_eq!(phones.collect::<Vec<_>>(), [Some("1111"), Some("2222")]);
    Ok(())
}

#[test]
fn a_customer_is_addressed_by_number_or_by_user_id() -> Result<(), ActError> {
    let mut state = state();
    let by_phone = user_id(&mut state, &sheena())?;
    let by_username = user_id(&mut state, &Who::username("realsheena"))?;
    let addressed = |to, recipient| {
        let found: Option<&Customer> = state.customers.addressed(to, recipient);
        found.map(|it| it.user_id.as_str())
    };
    for to in [PHONE, "+1 650-555-1234", "+1 (650) 555 1234"] {
        assert_eq!(addressed(Some(to), None), Some(by_phone.as_str()));
    }
    assert_eq!(
        addressed(None, Some(&by_username)),
        Some(by_username.as_str())
    );
    assert_eq!(addressed(None, Some("US.1")), None);
    assert_eq!(addressed(Some("realsheena"), None), None);
    assert_eq!(addressed(None, None), None);
    Ok(())
}

#[test]
fn a_message_opens_the_window_for_a_day() -> Result<(), ActError> {
    let mut state = state();
    state.act(&sheena(), Act::say("Hi"))?;
    let is_open = |state: &State| state.customers.all()[0].window_is_open(state.now());
    state
        .clock
        .advance(Duration::from_hours(24) - Duration::from_millis(1));
    assert!(is_open(&state));
    state.clock.advance(Duration::from_millis(1));
    assert!(!is_open(&state));
    state.act(&sheena(), Act::location(1.0, 2.0))?;
    assert!(is_open(&state));
    Ok(())
}

#[test]
fn a_new_number_brings_a_new_user_id() -> Result<(), ActError> {
    let mut state = state();
    let old = user_id(&mut state, &sheena())?;
    let id = state.act(&sheena(), Act::change_number("+1 219 555 5358"))?;
    let moved = state.customers.all()[0].clone();
    assert_ne!(moved.user_id, old);
    assert_eq!(moved.phone.as_deref(), Some("12195555358"));
    assert!(!moved.window_is_open(state.now()));
    let time = (state.now() / 1000).to_string();
    let system = json!({"body": "User Sheena changed from 16505551234 to 12195555358",
        "wa_id": "12195555358", "user_id": moved.user_id, "type": "user_changed_number"});
    let message =
        json!({"from": PHONE, "id": id, "timestamp": time, "type": "system", "system": system});
    let told = told(&state);
    assert_eq!(told["messages"], json!([message]));
    assert_eq!(told.get("contacts"), None);

    assert_eq!(
        user_id(&mut state, &Who::phone("12195555358"))?,
        moved.user_id
    );
    let next = user_id(&mut state, &sheena())?;
    assert!(
        next != old && next != moved.user_id,
        "the old number has a new owner"
    );
    let taken = state.act(&sheena(), Act::change_number("12195555358"));
    assert_eq!(taken, Err(ActError::Taken("12195555358".to_owned())));
    Ok(())
}

#[test]
fn a_private_number_that_changes_shows_as_a_new_user_id() -> Result<(), ActError> {
    let mut state = state();
    let who = Who::username("realsheena");
    let old = user_id(&mut state, &who)?;
    let id = state.act(&who, Act::change_number("12195555358"))?;
    let new = &state.customers.all()[0].user_id;
    assert_ne!(*new, old);
    let time = (state.now() / 1000).to_string();
    let system = json!({"type": "user_changed_user_id", "body": format!("User changed from {old} to {new}"),
        "user_id": new});
    let message = json!({"from_user_id": old, "id": id, "timestamp": time, "type": "system", "system": system});
    assert_eq!(told(&state)["messages"], json!([message]));
    Ok(())
}
