use axum::http::{HeaderMap, Method};

use super::*;
use crate::api::messages::template::{check_components, check_status};
use crate::api::templates::{TemplateStatus, configs};
use crate::reviewer::{Decision, ReviewError};

#[test]
fn only_approved_templates_may_be_sent() {
    for (status, expected) in [
        (TemplateStatus::Approved, None),
        (TemplateStatus::Paused, Some(132_015)),
        (TemplateStatus::Pending, Some(132_001)),
        (TemplateStatus::Rejected, Some(132_001)),
        (TemplateStatus::Disabled, Some(132_016)),
    ] {
        assert_eq!(code(check_status(status)), expected, "{status:?}");
    }
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn component(kind: &str, parameters: &[Value]) -> Value {
    json!({"type": kind, "parameters": parameters})
}

/// The code that components are refused with.
fn checked(created: &Value, sent: &Value) -> Option<u32> {
    let is_named = created.to_string().contains("{{first_name}}");
    let list = |of: &Value| of.as_array().cloned().unwrap_or_default();
    code(check_components(&list(created), is_named, &list(sent)))
}

#[test]
fn parameters_are_as_many_as_the_template_has_and_on_one_line() {
    let created = json!([{"type": "BODY", "text": "Hi {{1}}, {{2}} is here"}]);
    let body = |first: &Value| json!([component("body", &[first.clone(), text("b")])]);
    let date = json!({"type": "date_time", "date_time": {"fallback_value": "Monday"}});
    let payload = json!({"type": "payload", "payload": "stop"});
    let header = component("header", &[text("c")]);
    for (sent, expected) in [
        (body(&text("a")), None),
        (body(&date), None),
        (json!([component("BODY", &[text("a"), text("b")])]), None),
        (json!([]), Some(132_000)),
        (json!([component("body", &[text("a")])]), Some(132_000)),
        (
            json!([component("body", &[text("a"), text("b")]), header]),
            Some(132_000),
        ),
        (body(&text("")), Some(131_008)),
        (body(&text("a\nb")), Some(132_018)),
        (body(&text("a\tb")), Some(132_018)),
        (body(&text("a    b")), None),
        (body(&text("a     b")), Some(132_018)),
        (body(&payload), Some(132_012)),
        (json!([component("chorus", &[])]), Some(100)),
    ] {
        assert_eq!(checked(&created, &sent), expected, "{sent}");
    }
}

#[test]
fn named_parameters_bear_the_names_of_the_template() {
    let created = json!([{"type": "BODY", "text": "Hi {{first_name}}!"}]);
    let named = |name: &str| json!({"type": "text", "parameter_name": name, "text": "Ada"});
    for (parameter, expected) in [
        (named("first_name"), None),
        (named("last_name"), Some(132_000)),
        (named(""), Some(100)),
        (text("Ada"), Some(100)),
    ] {
        let sent = json!([component("body", &[parameter])]);
        assert_eq!(checked(&created, &sent), expected, "{sent}");
    }
}

#[test]
fn a_header_has_a_file_of_its_type() {
    let created = json!([{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Hi"}]);
    for (sent, expected) in [
        (
            json!([component(
                "header",
                &[json!({"type": "image", "image": {"id": "1"}})]
            )]),
            None,
        ),
        (json!([]), Some(132_012)),
        (
            json!([component(
                "header",
                &[json!({"type": "image", "image": {}})]
            )]),
            Some(132_012),
        ),
        (
            json!([component(
                "header",
                &[json!({"type": "video", "video": {"id": "1"}})]
            )]),
            Some(132_012),
        ),
    ] {
        assert_eq!(checked(&created, &sent), expected, "{sent}");
    }
}

#[test]
fn a_button_gets_what_its_type_takes() {
    let buttons = json!([{"type": "QUICK_REPLY", "text": "Stop"},
        {"type": "URL", "text": "Track", "url": "https://e.com/{{1}}"},
        {"type": "URL", "text": "Shop", "url": "https://e.com/"}]);
    let created = json!([{"type": "BODY", "text": "Hi"}, {"type": "BUTTONS", "buttons": buttons}]);
    let button = |index: &str, kind: &str, parameter: Value| {
        let mut button = component("button", &[parameter]);
        button["sub_type"] = kind.into();
        button["index"] = index.into();
        button
    };
    let payload = || json!({"type": "payload", "payload": "stop"});
    let url = || button("1", "url", text("a"));
    for (sent, expected) in [
        (json!([url()]), None),
        (json!([with(url(), "/index", 1.into())]), None),
        (json!([url(), button("0", "quick_reply", payload())]), None),
        (json!([]), Some(131_008)),
        (
            json!([with(url(), "/parameters", json!([]))]),
            Some(132_000),
        ),
        (
            json!([button("1", "quick_reply", payload())]),
            Some(132_012),
        ),
        (json!([button("1", "url", payload())]), Some(132_012)),
        (json!([url(), button("2", "url", text("a"))]), Some(132_000)),
        (json!([url(), button("3", "url", text("a"))]), Some(131_009)),
    ] {
        assert_eq!(checked(&created, &sent), expected, "{sent}");
    }
}

#[test]
fn a_carousel_has_as_many_cards_as_were_created() {
    let card = json!({"components": [{"type": "HEADER", "format": "IMAGE"}]});
    let cards = json!({"type": "CAROUSEL", "cards": [card, card]});
    let created = json!([{"type": "BODY", "text": "Hi"}, cards]);
    let card = |index: usize, kind: &str| {
        let mut file = json!({"type": kind});
        file[kind] = json!({"id": "1"});
        json!({"card_index": index, "components": [component("header", &[file])]})
    };
    for (cards, expected) in [
        (json!([card(0, "image"), card(1, "image")]), None),
        (json!([card(0, "image")]), Some(132_000)),
        (json!([card(0, "image"), card(1, "video")]), Some(132_012)),
        (json!([card(0, "image"), card(0, "image")]), Some(131_009)),
        (json!([card(0, "image"), card(10, "image")]), Some(131_009)),
    ] {
        let sent = json!([{"type": "carousel", "cards": cards}]);
        assert_eq!(checked(&created, &sent), expected, "{sent}");
    }
}

#[test]
fn headers_of_places_and_products_are_whole() {
    let place = json!({"latitude": "37.44", "longitude": -122.16, "name": "Philz", "address": "101 Forest Ave"});
    let product = json!({"product_retailer_id": "a", "catalog_id": "1"});
    for (kind, whole, member) in [
        ("location", place, "/address"),
        ("product", product, "/catalog_id"),
    ] {
        let created = json!([{"type": "HEADER", "format": kind.to_uppercase()}]);
        for (content, expected) in [
            (whole.clone(), None),
            (with(whole, member, Value::Null), Some(132_012)),
        ] {
            let mut parameter = json!({"type": kind});
            parameter[kind] = content;
            let sent = json!([component("header", &[parameter])]);
            assert_eq!(checked(&created, &sent), expected, "{sent}");
        }
    }
}

#[test]
fn an_offer_that_ends_says_when() {
    let offer = json!({"text": "Expiring!", "has_expiration": true});
    let created = json!([{"type": "LIMITED_TIME_OFFER", "limited_time_offer": offer}]);
    let ends = |at: Value| {
        let parameter =
            json!({"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": at}});
        json!([component("limited_time_offer", &[parameter])])
    };
    for (sent, expected) in [
        (ends(json!(1_798_562_800_000_u64)), None),
        (ends(json!("tomorrow")), Some(131_009)),
        (json!([]), Some(132_000)),
    ] {
        assert_eq!(checked(&created, &sent), expected, "{sent}");
    }
}

#[test]
fn what_buttons_are_given_has_its_limits() {
    let long = |length: usize| "a".repeat(length);
    let products = |sections: usize, count: usize| {
        let products: Vec<_> = (0..count)
            .map(|at| json!({"product_retailer_id": at.to_string()}))
            .collect();
        let section = json!({"title": "A", "product_items": products});
        json!({"type": "action", "action": {"sections": vec![section; sections]}})
    };
    let coupon = |length| json!({"type": "coupon_code", "coupon_code": long(length)});
    let payload = |length| json!({"type": "payload", "payload": long(length)});
    let lasts = |minutes: u64| json!({"type": "ttl_minutes", "ttl_minutes": minutes});
    for (kind, sub_type, last, first) in [
        ("QUICK_REPLY", "quick_reply", payload(256), payload(257)),
        ("COPY_CODE", "copy_code", coupon(15), coupon(16)),
        ("VOICE_CALL", "voice_call", lasts(43_200), lasts(43_201)),
        ("MPM", "mpm", products(10, 3), products(11, 1)),
        ("MPM", "mpm", products(1, 30), products(2, 16)),
    ] {
        let created = json!([{"type": "BUTTONS", "buttons": [{"type": kind, "text": "A"}]}]);
        for (parameter, expected) in [(last, None), (first, Some(131_009))] {
            let mut button = component("button", &[parameter]);
            button["sub_type"] = sub_type.into();
            button["index"] = "0".into();
            assert_eq!(checked(&created, &json!([button])), expected, "{button}");
        }
    }
}

#[test]
fn a_text_gets_no_longer_than_its_component_may_be() {
    let body = json!({"type": "BODY", "text": "{{1}}"});
    let footer = json!({"type": "FOOTER", "text": "Bye"});
    let sent = |length| {
        let parameter = json!({"type": "text", "text": "a".repeat(length)});
        json!({"type": "body", "parameters": [parameter]})
    };
    let both = [body.clone(), footer];
    let header = [json!({"type": "HEADER", "format": "TEXT", "text": "{{1}}"})];
    let titled = |length| with(sent(length), "/type", "header".into());
    assert_eq!(code(check_components(&header, false, &[titled(60)])), None);
    assert_eq!(
        code(check_components(&header, false, &[titled(61)])),
        Some(132_005)
    );
    assert_eq!(code(check_components(&both, false, &[sent(1024)])), None);
    assert_eq!(
        code(check_components(&both, false, &[sent(1025)])),
        Some(132_005)
    );
    assert_eq!(code(check_components(&[body], false, &[sent(1025)])), None);
}

/// Creates a template, and lets the reviewer approve it.
fn approved(state: &mut State, template: &Value) {
    let body = template.to_string().into();
    let path = ("/v1/configs/templates", "");
    let seen = state.saw(Method::POST, path, HeaderMap::new(), body);
    configs(state, &seen, &[]).expect("the template is as it must be");
    let name = template["name"].as_str().expect("it has a name");
    let decided = state.decide(name, None, Decision::Approve);
    decided.expect("it waits for the reviewer");
    state.deliveries.clear();
}

#[test]
fn a_template_reaches_a_number_that_never_wrote_until_it_is_paused() -> Result<(), ReviewError> {
    let mut state = state();
    let body = json!({"type": "BODY", "text": "Your order {{1}} was shipped today.",
        "example": {"body_text": [["7"]]}});
    approved(
        &mut state,
        &json!({"name": "shipped", "language": "en", "category": "UTILITY", "components": [body]}),
    );
    let parameters = json!([{"type": "text", "text": "8"}]);
    let components = json!([{"type": "body", "parameters": parameters}]);
    let template = json!({"name": "shipped", "language": {"code": "en"}, "components": components});
    let shipped = message("template", template);
    let answered = accept(&mut state, &shipped).map(|reply| format!("{reply:?}"));
    let answered = answered.unwrap_or_default();
    assert!(answered.contains("accepted"), "{answered}");
    pass(&mut state, Duration::from_secs(1));
    assert_eq!(told_statuses(&state), ["sent", "delivered", "read"]);
    let pricing =
        json!({"billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility"});
    assert_eq!(told(&state)[0]["statuses"][0]["pricing"], pricing);

    let elsewhere = with(shipped.clone(), "/template/language/code", "en_US".into());
    assert_eq!(send(&mut state, &elsewhere), Some(132_001));
    let bare = with(shipped.clone(), "/template/components", Value::Null);
    assert_eq!(send(&mut state, &bare), Some(132_000));
    state.decide("shipped", None, Decision::Pause)?;
    assert_eq!(send(&mut state, &shipped), Some(132_015));
    Ok(())
}

#[test]
fn the_code_of_an_authentication_template_goes_to_phone_numbers_only() {
    let mut state = state();
    let components = json!([{"type": "BODY", "add_security_recommendation": true},
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}]}]);
    approved(
        &mut state,
        &json!({"name": "code", "language": "en", "category": "AUTHENTICATION", "components": components}),
    );
    let parameters = json!([{"type": "text", "text": "123456"}]);
    let components = json!([{"type": "body", "parameters": parameters},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": parameters}]);
    let template = json!({"name": "code", "language": {"code": "en"}, "components": components});
    let by_phone = message("template", template);
    assert_eq!(send(&mut state, &by_phone), None);
    let said = state.act(&Who::username("ada.l"), Act::say("Hi"));
    said.expect("a customer can write");
    let mut by_user_id = with(by_phone, "/to", Value::Null);
    by_user_id["recipient"] = state.customers.all()[0].user_id.clone().into();
    assert_eq!(send(&mut state, &by_user_id), Some(131_062));
}
