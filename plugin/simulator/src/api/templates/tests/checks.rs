//! What is refused at once, and what is not.

use serde_json::{Value, json};

use super::{CONFIGS, GRAPH, body, cloud, detailed, post, refused, sentence};

fn marketing(components: &Value) -> Value {
    json!({"name": "offer", "language": "en", "category": "MARKETING", "components": components})
}

/// A template with a body and one more component.
fn with(component: &Value) -> Value {
    marketing(&json!([{"type": "BODY", "text": "Look at this."}, component]))
}

fn card(format: &str) -> Value {
    json!({"components": [
        {"type": "HEADER", "format": format, "example": {"header_handle": ["4::a"]}},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "More"}]},
    ]})
}

/// The subcode with which a template is refused, and what is said.
fn refusal(template: &Value) -> (Option<u64>, String) {
    let answer = post(&mut cloud(), GRAPH, template);
    assert_eq!(answer.0, 400, "{template}");
    let subcode = answer.1["error"]["error_subcode"].as_u64();
    (subcode, sentence(&answer).to_owned())
}

fn subcode(template: &Value) -> Option<u64> {
    refusal(template).0
}

#[test]
fn metas_own_examples_are_taken() {
    let mut order =
        json!({"name": "order_confirmation", "language": "en_US", "category": "UTILITY"});
    order["parameter_format"] = "named".into();
    order["components"] = json!([
        {"type": "HEADER", "format": "DOCUMENT", "example": {"header_handle": ["4::YX"]}},
        {
            "type": "BODY",
            "text": "Thank you, {{first_name}}! Your order number is {{order_number}}. We will keep you posted.",
            "example": {"body_text_named_params": [
                {"param_name": "first_name", "example": "Pablo"},
                {"param_name": "order_number", "example": "860198"},
            ]},
        },
        {"type": "FOOTER", "text": "Lucky Shrub"},
        {"type": "BUTTONS", "buttons": [
            {"type": "URL", "text": "Track", "url": "https://e.com/t/{{1}}", "example": ["https://e.com/t/abc"]},
            {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550051310"},
            {"type": "QUICK_REPLY", "text": "Stop"},
        ]},
    ]);
    let offer = marketing(&json!([
        {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}},
        {
            "type": "LIMITED_TIME_OFFER",
            "limited_time_offer": {"text": "Expiring offer!", "has_expiration": true},
        },
        {
            "type": "BODY",
            "text": "Good news, {{1}}! Use your code to get 25% off all packages!",
            "example": {"body_text": [["Pablo"]]},
        },
        {"type": "BUTTONS", "buttons": [
            {"type": "COPY_CODE", "example": "CARIBE25"},
            {"type": "URL", "text": "Book now!", "url": "https://e.com/o?c={{1}}", "example": ["n3mtql"]},
        ]},
    ]));
    let carousel = with(&json!({"type": "CAROUSEL", "cards": [card("IMAGE"), card("IMAGE")]}));
    let call = with(&json!({"type": "call_permission_request"}));
    for template in [order, offer, carousel, call] {
        let answer = post(&mut cloud(), GRAPH, &template);
        assert_eq!(answer.0, 200, "{template}: {answer:?}");
    }
}

#[test]
fn examples_are_a_list_of_lists_a_list_or_a_text() {
    for example in [json!([["Pablo"]]), json!(["Pablo"]), json!("Pablo")] {
        let template = marketing(&json!([{
            "type": "BODY",
            "text": "Good news, {{1}}! We have packages for you.",
            "example": {"body_text": example},
        }]));
        assert_eq!(post(&mut cloud(), GRAPH, &template).0, 200, "{template}");
    }
}

#[test]
fn a_body_needs_one_word_more_than_twice_its_variables() {
    for (text, taken) in [
        ("Order {{1}} left", false),
        ("Order {{1}} has left", true),
        ("Order {{1}} left {{2}} an hour", false),
        ("Order {{1}} left {{2}} an hour ago", true),
    ] {
        let example = json!({"body_text": [["a", "b"]]});
        let template = marketing(&json!([{"type": "BODY", "text": text, "example": example}]));
        let (status, answer) = post(&mut cloud(), GRAPH, &template);
        assert_eq!(status == 200, taken, "{text}");
        let subcode = &answer["error"]["error_subcode"];
        assert_eq!(*subcode == json!(2_388_293), !taken, "{text}");
    }
}

#[test]
fn words_are_not_counted_where_no_spaces_are_between_them() {
    let example = json!({"body_text": [["太郎"]]});
    let mut template =
        marketing(&json!([{"type": "BODY", "text": "こんにちは{{1}}様", "example": example}]));
    assert_eq!(subcode(&template), Some(2_388_293));
    template["language"] = "ja".into();
    assert_eq!(post(&mut cloud(), GRAPH, &template).0, 200);
}

#[test]
fn name_language_category_and_components_are_required_and_well_formed() {
    for (member, value) in [
        ("name", json!(null)),
        ("name", json!("Order")),
        ("name", json!("order-1")),
        ("name", json!("a".repeat(513))),
        ("language", json!("english")),
        ("language", json!("en-US")),
        ("language", json!("")),
        ("category", json!("TRANSACTIONAL")),
        ("category", json!(null)),
        ("components", json!(null)),
        ("components", json!([])),
        ("parameter_format", json!("dated")),
    ] {
        let mut template = marketing(&body("Look at this."));
        template[member] = value;
        let (subcode, sentence) = refusal(&template);
        assert_eq!(subcode, None);
        assert!(sentence.starts_with(member), "{template}: {sentence}");
    }
}

#[test]
fn a_body_keeps_its_rules() {
    let long = "word ".repeat(205);
    let two = json!([["a", "b"]]);
    for (text, example, expected) in [
        (
            "Your order {{1}} has left our warehouse.",
            json!(null),
            2_388_043,
        ),
        (
            "Your order {{1}} has left {{2}} in a big truck.",
            json!([["a"]]),
            2_388_043,
        ),
        (
            "{{1}}, your order has left our warehouse.",
            two.clone(),
            2_388_299,
        ),
        (
            "Your order has left our warehouse, {{1}}.",
            two.clone(),
            2_388_299,
        ),
        (
            "Your order {{2}} has left our warehouse.",
            two.clone(),
            2_388_042,
        ),
        ("Your order {{number}} has left us.", two.clone(), 2_388_042),
        (
            "Your order {{1}} {{2}} has left our warehouse.",
            two.clone(),
            2_388_042,
        ),
        (&long, json!(null), 2_388_040),
        (" ", json!(null), 2_388_072),
    ] {
        let example = json!({"body_text": example});
        let template = marketing(&json!([{"type": "BODY", "text": text, "example": example}]));
        assert_eq!(subcode(&template), Some(expected), "{text}");
    }
    let template = marketing(&json!([{"type": "HEADER", "format": "LOCATION"}]));
    assert_eq!(
        refusal(&template),
        (Some(2_388_072), "a BODY is required".to_owned())
    );
}

#[test]
fn a_named_variable_stands_once_and_is_written_in_lower_case() {
    let example = json!({"body_text_named_params": [{"param_name": "other", "example": "7"}]});
    for (text, expected) in [
        ("Your order {{Number}} has left our warehouse.", 2_388_042),
        (
            "Your order {{number}} has left as {{number}} this very day.",
            2_388_042,
        ),
        ("Your order {{number}} has left our warehouse.", 2_388_043),
    ] {
        let mut template = marketing(&json!([{"type": "BODY", "text": text, "example": example}]));
        template["parameter_format"] = "named".into();
        assert_eq!(subcode(&template), Some(expected), "{text}");
    }
}

#[test]
fn headers_and_footers_keep_their_rules() {
    let header = |text: &str| json!({"type": "HEADER", "format": "TEXT", "text": text});
    let footer = |text: &str| json!({"type": "FOOTER", "text": text});
    let long = "s".repeat(61);
    for (component, expected) in [
        (header("Sale {{1}}"), 2_388_043),
        (header("Sale {{1}} {{2}}"), 2_388_047),
        (header("*Sale*"), 2_388_047),
        (header("Sale 🎉"), 2_388_047),
        (header(&long), 2_388_040),
        (json!({"type": "HEADER", "format": "IMAGE"}), 2_388_043),
        (json!({"type": "HEADER", "format": "SOUND"}), 2_388_047),
        (footer("Bye {{1}}"), 2_388_073),
        (footer(&long), 2_388_040),
    ] {
        assert_eq!(subcode(&with(&component)), Some(expected), "{component}");
    }
    let again = with(&json!({"type": "BODY", "text": "Once more."}));
    assert_eq!(
        refusal(&again),
        (None, "there can be one BODY only".to_owned())
    );
    let song = with(&json!({"type": "SONG"}));
    assert_eq!(
        refusal(&song),
        (None, "SONG is no type of component".to_owned())
    );
}

#[test]
fn buttons_keep_their_rules() {
    let reply = |text: &str| json!({"type": "QUICK_REPLY", "text": text});
    let url = |url: &str| json!({"type": "URL", "text": url, "url": url});
    let call =
        |number: &str| json!({"type": "PHONE_NUMBER", "text": "Call", "phone_number": number});
    let eleven: Vec<_> = (0..11).map(|it| reply(&it.to_string())).collect();
    let long = json!({"type": "URL", "text": "a", "url": "b".repeat(2001)});
    let url_end = "a url has one variable, at its end";
    for (buttons, subcode, sentence) in [
        (json!([]), None, "BUTTONS needs a list of buttons"),
        (json!(eleven), Some(2_388_275), "there can be 10 buttons"),
        (
            json!([url("a"), url("b"), url("c")]),
            Some(2_388_275),
            "there can be 2 of type URL",
        ),
        (
            json!([reply("a"), url("b"), reply("c")]),
            None,
            "quick replies must stand together, before or after the other buttons",
        ),
        (
            json!([reply("a"), reply("a")]),
            None,
            "two buttons are labelled a",
        ),
        (
            json!([reply("")]),
            None,
            "a QUICK_REPLY button needs a text",
        ),
        (
            json!([reply("{{1}}")]),
            None,
            "the text of a button has no variables",
        ),
        (
            json!([reply(&"a".repeat(26))]),
            Some(2_388_040),
            "the text of a button has more than 25 characters",
        ),
        (
            json!([{"type": "URL", "text": "a", "url": "b/{{1}}"}]),
            Some(2_388_043),
            "the URL button needs an example",
        ),
        (
            json!([{"type": "URL", "text": "a", "url": "{{1}}/b"}]),
            Some(2_388_042),
            url_end,
        ),
        (
            json!([long]),
            Some(2_388_040),
            "the url of a button has more than 2000 characters",
        ),
        (
            json!([call("+123456789012345678901")]),
            Some(2_388_040),
            "the phone_number of a button has more than 20 characters",
        ),
        (
            json!([{"type": "COPY_CODE"}]),
            Some(2_388_043),
            "the COPY_CODE button needs an example",
        ),
        (
            json!([{"type": "COPY_CODE", "example": "A-1"}]),
            None,
            "a code has letters and digits only",
        ),
        (
            json!([{"type": "OTP"}]),
            None,
            "OTP buttons are for AUTHENTICATION only",
        ),
        (
            json!([{"type": "FLOW", "text": "Book"}]),
            None,
            "a FLOW button needs a flow_id, a flow_name or a flow_json",
        ),
        (
            json!([{"type": "SWITCH", "text": "On"}]),
            None,
            "SWITCH is no type of button",
        ),
    ] {
        let template = with(&json!({"type": "BUTTONS", "buttons": buttons}));
        assert_eq!(refusal(&template), (subcode, sentence.to_owned()));
    }
}

#[test]
fn carousels_and_offers_keep_their_rules() {
    let carousel = |cards: &[Value]| with(&json!({"type": "CAROUSEL", "cards": cards}));
    let mut with_body = card("IMAGE");
    let more = json!({"type": "BODY", "text": "Look."});
    with_body["components"].as_array_mut().unwrap().push(more);
    let mut utility = carousel(&[card("IMAGE"), card("IMAGE")]);
    utility["category"] = "UTILITY".into();
    let offer = |text: &str| {
        let offer = json!({"text": text});
        with(&json!({"type": "LIMITED_TIME_OFFER", "limited_time_offer": offer}))
    };
    let mut with_footer = offer("Soon");
    let footer = json!({"type": "FOOTER", "text": "Bye"});
    with_footer["components"]
        .as_array_mut()
        .unwrap()
        .push(footer);
    for (template, subcode, sentence) in [
        (
            carousel(&[card("IMAGE")]),
            None,
            "a CAROUSEL has 2 to 10 cards",
        ),
        (
            carousel(&[card("IMAGE"), with_body]),
            None,
            "all cards of a CAROUSEL have the same components",
        ),
        (
            carousel(&[card("TEXT"), card("TEXT")]),
            Some(2_388_047),
            "the HEADER of a card is an IMAGE, a VIDEO or a PRODUCT",
        ),
        (utility, None, "CAROUSEL is for MARKETING only"),
        (
            offer("Seventeen letters"),
            Some(2_388_040),
            "the text of a limited-time offer has more than 16 characters",
        ),
        (with_footer, None, "a limited-time offer has no FOOTER"),
    ] {
        assert_eq!(refusal(&template), (subcode, sentence.to_owned()));
    }
}

#[test]
fn a_refusal_explains_itself_in_both_shapes() {
    let template = marketing(&body("{{1}}, look at this new offer."));
    let sentence = "Variables can't be at the start or the end of the template.";
    assert_eq!(
        post(&mut cloud(), GRAPH, &template),
        refused(2_388_299, sentence)
    );
    assert_eq!(post(&mut cloud(), CONFIGS, &template), detailed(sentence));
}
