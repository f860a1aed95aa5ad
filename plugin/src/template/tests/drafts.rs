use std::borrow::Cow;

use serde_json::{Value, json};

use crate::bindings::messaging::channel::templates::{
    Draft, ParameterFormat, Severity, TemplateCategory, TemplateContent,
};
use crate::bindings::messaging::channel::types::Foreign;
use crate::problem::Problems;
use crate::template::{content, draft, lint, read, request};

/// A draft as it stands in a file: what our form has no place for is among its other members.
pub(super) fn file(members: &Value) -> Draft {
    let mut draft = Draft {
        name: String::new(),
        language: String::new(),
        category: TemplateCategory::Utility,
        content: content::content(&[], None),
        ttl_seconds: None,
        other: Vec::new(),
    };
    for (name, value) in members.as_object().unwrap() {
        let text = || value.as_str().unwrap().to_owned();
        match name.as_str() {
            "name" => draft.name = text(),
            "language" => draft.language = text(),
            "category" => draft.category = TemplateCategory::Other(text()),
            _ => draft.other.push(Foreign {
                kind: name.clone(),
                json: Some(value.to_string()),
            }),
        }
    }
    draft
}

/// The draft of 360dialog's help page.
pub(super) fn help_page() -> Value {
    json!({
        "name": "template_name", "category": "ACCOUNT_UPDATE", "language": "en",
        "components": [{"type": "BODY", "text": "template_text"}]
    })
}

/// The same in our form.
fn ours(content: TemplateContent) -> Draft {
    Draft {
        name: "n".into(),
        language: "en".into(),
        content,
        ..file(&json!({}))
    }
}

fn settled(draft: &Draft) -> Draft {
    let mut problems = Problems::default();
    let settled = draft::settled(draft, &mut problems).into_owned();
    assert_eq!(problems.into_vec(), []);
    settled
}

fn requested(draft: &Draft) -> Value {
    serde_json::from_str(&request::request(&settled(draft))).unwrap()
}

#[test]
fn a_request_s_body_is_a_draft_and_becomes_that_request() {
    assert_eq!(requested(&file(&help_page())), help_page());
    let body = json!({
        "name": "verification_code", "language": "en_US", "category": "AUTHENTICATION", "message_send_ttl_seconds": 60,
        "parameter_format": "named", "cta_url_link_tracking_opted_out": true,
        "components": [
            {"type": "BODY", "add_security_recommendation": true},
            {"type": "FOOTER", "code_expiration_minutes": 5},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}
        ]
    });
    let draft = settled(&file(&body));
    assert_eq!(draft.category, TemplateCategory::Authentication);
    assert_eq!(draft.ttl_seconds, Some(60));
    assert_eq!(draft.content.parameter_format, Some(ParameterFormat::Named));
    assert_eq!(draft.other.len(), 1);
    assert_eq!(requested(&file(&body)), body);
}

#[test]
fn a_listed_template_is_a_draft_without_what_the_vendor_set() {
    let listed = json!({
        "name": "n", "language": "en", "category": "utility", "components": [{"type": "BODY", "text": "x"}],
        "id": "1", "external_id": "2", "namespace": "x", "status": "APPROVED", "rejected_reason": "NONE",
        "quality_score": {"score": "GREEN"}, "parameter_format": null,
    });
    assert_eq!(
        requested(&file(&listed)),
        json!({"name": "n", "language": "en", "category": "UTILITY", "components": [{"type": "BODY", "text": "x"}]})
    );
}

#[test]
fn a_template_of_the_library_has_no_components() {
    let library = json!({"name": "n", "language": "en", "category": "UTILITY", "library_template_name": "delivery_update_1",
        "library_template_button_inputs": [{"type": "URL", "url": {"base_url": "https://x/{{1}}"}}]});
    assert_eq!(requested(&file(&library)), library);
}

#[test]
fn a_draft_in_our_form_stays_as_it_is() {
    let body = json!([{"type": "BODY", "text": "x"}]);
    let draft = ours(content::content(body.as_array().unwrap(), None));
    assert!(matches!(
        draft::settled(&draft, &mut Problems::default()),
        Cow::Borrowed(_)
    ));
}

#[test]
fn categories_are_known_in_any_case_and_old_ones_stay() {
    for (word, expected) in [
        ("Utility", TemplateCategory::Utility),
        ("MARKETING", TemplateCategory::Marketing),
        ("authentication", TemplateCategory::Authentication),
        ("OTP", TemplateCategory::Other("OTP".into())),
        (
            "TICKET_UPDATE",
            TemplateCategory::Other("TICKET_UPDATE".into()),
        ),
    ] {
        let draft = file(&json!({"category": word}));
        assert_eq!(settled(&draft).category, expected, "{word}");
    }
}

#[test]
fn numbers_of_other_members_go_out_as_they_were_written() {
    let mut draft = ours(content::content(&[], None));
    draft.other.push(Foreign {
        kind: "sub_category".into(),
        json: Some("12345678901234567890123.10".into()),
    });
    draft.content.other.push(Foreign {
        kind: "NEWS".into(),
        json: Some(r#"{"type":"NEWS","at":1e400}"#.into()),
    });
    let request = request::request(&draft);
    assert!(request.contains(r#""sub_category":12345678901234567890123.10"#));
    assert!(request.contains(r#""components":[{"type":"NEWS","at":1e400}]"#));
}

#[test]
fn what_is_in_both_forms_or_can_t_be_read_is_a_problem() {
    let typed = read::definition(&json!({
        "name": "n", "parameter_format": "named", "components": [{"type": "FOOTER", "text": "x"}]
    }));
    let typed = Draft {
        ttl_seconds: Some(60),
        ..ours(typed.unwrap().content)
    };
    let empty = ours(content::content(&[], None));
    for (draft, member, value, code) in [
        (&typed, "components", json!([]), "twice"),
        (&typed, "parameter_format", json!("named"), "twice"),
        (&typed, "message_send_ttl_seconds", json!(60), "twice"),
        (&empty, "name", json!("n"), "twice"),
        (
            &empty,
            "components",
            json!({"type": "BODY"}),
            "bad_components",
        ),
        (&empty, "components", json!(["BODY"]), "bad_components"),
        (&empty, "parameter_format", json!("by owl"), "bad_choice"),
        (&empty, "message_send_ttl_seconds", json!(1.5), "bad_number"),
    ] {
        let mut draft = draft.clone();
        draft.other.push(Foreign {
            kind: member.into(),
            json: Some(value.to_string()),
        });
        let mut problems = Problems::default();
        draft::settled(&draft, &mut problems);
        let [problem] = problems.into_vec().try_into().unwrap();
        assert_eq!(
            (problem.pointer, problem.code.as_str()),
            (format!("/{member}"), code)
        );
        assert!(
            problem.message.contains(": ") && problem.source.is_some(),
            "{}",
            problem.message
        );
    }
}

/// Code and pointer of what is refused of a draft in the vendor's form with these components and members.
fn refused(components: &Value, members: &Value) -> Vec<String> {
    let mut body =
        json!({"name": "n", "language": "en", "category": "MARKETING", "components": components});
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    lint(None, &file(&body))
        .into_iter()
        .filter(|finding| finding.severity == Severity::Refused)
        .map(|finding| format!("{} {}", finding.problem.code, finding.problem.pointer))
        .collect()
}

#[test]
fn findings_of_the_vendor_s_form_lead_into_it() {
    let body = json!({"type": "BODY", "text": "Hello."});
    let flow = json!({"type": "FLOW", "text": "Book", "flow_id": "1", "flow_name": "n", "flow_json": null});
    let buttons = json!({"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "A"}]});
    let more = json!({"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "B"}]});
    let footer = json!({"type": "FOOTER", "text": "x"});
    let header = json!({"type": "HEADER", "format": "TEXT", "text": "x"});
    for (components, found) in [
        (json!([body]), vec![]),
        (json!({"type": "BODY"}), vec!["bad_components /components"]),
        (
            json!([body, {"type": "BODY", "text": "Bye."}]),
            vec!["twice /components/1"],
        ),
        (
            json!([header, body, {"type": "header", "format": "TEXT", "text": "y"}]),
            vec!["twice /components/2"],
        ),
        (
            json!([body, footer, {"type": "FOOTER", "text": "y"}]),
            vec!["twice /components/2"],
        ),
        (json!([body, buttons, more]), vec!["twice /components/2"]),
        (
            json!([body, {"type": "BUTTONS", "buttons": [flow]}]),
            vec!["twice /components/1/buttons/0/flow_name"],
        ),
        (
            json!([{"type": "HEADER", "format": "TEXT"}, body]),
            vec!["required /components/0/text"],
        ),
        (
            json!([{"type": "HEADER", "format": "AUDIO"}, body]),
            vec!["bad_header /components/0/format"],
        ),
    ] {
        assert_eq!(refused(&components, &json!({})), found, "{components}");
    }
    let old = json!({"allow_category_change": true});
    assert_eq!(
        refused(&json!([body]), &old),
        ["not_allowed /allow_category_change"]
    );
}

#[test]
fn pointers_lead_into_the_form_in_which_the_draft_came() {
    let card = json!({"components": [
        {"type": "HEADER", "format": "IMAGE"},
        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "x", "url": "https://x"}]}
    ]});
    let theirs = file(&json!({
        "name": "n", "message_send_ttl_seconds": 5, "parameter_format": "named", "components": [
        {"type": "FOOTER", "text": "x"},
        {"type": "BODY", "text": "x"},
        {"type": "NEWS"},
        {"type": "BUTTONS", "buttons": [
            {"type": "FLOW", "text": "x", "flow_name": "x"},
            {"type": "OTP", "otp_type": "ONE_TAP"}
        ]},
        {"type": "VALUE", "buttons": [{"type": "QUICK_REPLY"}]},
        {"type": "header", "format": "TEXT", "text": "x"},
        {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "x"}},
        {"type": "CAROUSEL", "cards": [card, card]},
        {"type": "call_permission_request"}
    ]}));
    for (our, expected) in [
        ("/name", "/name"),
        ("/category", "/category"),
        ("/ttl_seconds", "/message_send_ttl_seconds"),
        ("/content/parameter_format", "/parameter_format"),
        ("/content", "/components"),
        ("/content/header", "/components/5"),
        ("/content/header/text", "/components/5/text"),
        ("/content/header/examples/0/value", "/components/5/example"),
        ("/content/body", "/components/1"),
        ("/content/body/text", "/components/1/text"),
        ("/content/body/text/text", "/components/1/text"),
        (
            "/content/body/text/examples/0/value",
            "/components/1/example",
        ),
        (
            "/content/body/security_recommendation",
            "/components/1/add_security_recommendation",
        ),
        ("/content/footer/text", "/components/0/text"),
        (
            "/content/footer/code_expiration_minutes",
            "/components/0/code_expiration_minutes",
        ),
        ("/content/buttons", "/components/3/buttons"),
        ("/content/buttons/0", "/components/3/buttons/0"),
        (
            "/content/buttons/0/flow/name",
            "/components/3/buttons/0/flow_name",
        ),
        (
            "/content/buttons/0/action",
            "/components/3/buttons/0/flow_action",
        ),
        (
            "/content/buttons/1/kind",
            "/components/3/buttons/1/otp_type",
        ),
        (
            "/content/buttons/1/apps/0/package_name",
            "/components/3/buttons/1/supported_apps/0/package_name",
        ),
        ("/content/buttons/2/text", "/components/4/buttons/0/text"),
        ("/content/buttons/9", "/components/3/buttons"),
        (
            "/content/offer/has_expiration",
            "/components/6/limited_time_offer/has_expiration",
        ),
        ("/content/carousel", "/components/7/cards"),
        ("/content/carousel/1", "/components/7/cards/1"),
        (
            "/content/carousel/1/header/example",
            "/components/7/cards/1/components/0/example",
        ),
        (
            "/content/carousel/1/buttons/0/url",
            "/components/7/cards/1/components/1/buttons/0/url",
        ),
        (
            "/content/carousel/1/body",
            "/components/7/cards/1/components",
        ),
        ("/content/call_permission_request", "/components/8"),
        ("/content/other/0", "/components/2"),
        ("/content/other/1", "/components"),
    ] {
        assert_eq!(draft::pointer(our, &theirs), expected, "{our}");
        assert_eq!(draft::pointer(our, &ours(content::content(&[], None))), our);
    }
    let without = file(&json!({"components": []}));
    assert_eq!(
        draft::pointer("/content/body/text/text", &without),
        "/components"
    );
    assert_eq!(draft::pointer("/ttl_seconds", &without), "/ttl_seconds");
}
