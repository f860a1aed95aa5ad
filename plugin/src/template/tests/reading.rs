use serde_json::{Value, json};

use crate::bindings::messaging::channel::templates::{
    Definition, OneTimeCodeKind, ParameterFormat, TemplateButton, TemplateCategory,
    TemplateContent, TemplateHeader, TemplateQuality, TemplateStatus,
};
use crate::bindings::messaging::channel::types::{Attribute, Scalar};
use crate::template::{components, content, read, write};

pub(super) fn definition(item: &Value) -> Definition {
    read::definition(item).unwrap()
}

fn content_of(components: &Value) -> TemplateContent {
    content::content(components.as_array().unwrap(), None)
}

fn button(button: &Value) -> TemplateButton {
    let content = content_of(&json!([{"type": "BUTTONS", "buttons": [button]}]));
    assert_eq!(content.other, []);
    content.buttons.into_iter().next().unwrap()
}

fn written(definition: &Definition) -> Value {
    serde_json::from_str(&write::definition(definition)).unwrap()
}

/// Components as they are written again.
#[track_caller]
fn again(theirs: &Value) -> Value {
    let written = components::components(&content_of(theirs));
    let written: Vec<Value> = written
        .iter()
        .map(|component| serde_json::from_str(component.get()).unwrap())
        .collect();
    written.into()
}

#[test]
fn a_reason_for_rejection_comes_with_what_to_do_and_that_is_not_kept() {
    for reason in [
        "ABUSIVE_CONTENT",
        "INVALID_FORMAT",
        "PROMOTIONAL",
        "TAG_CONTENT_MISMATCH",
        "SCAM",
        "INCORRECT_CATEGORY",
        "category_not_available",
    ] {
        let rejected = definition(&json!({"name": "n", "rejected_reason": reason, "remedy": "x"}));
        let [attribute] = &rejected.attributes[..] else {
            panic!("{rejected:?}");
        };
        assert_eq!(attribute.path, "/remedy");
        assert_eq!(
            attribute.value,
            Scalar::Text(read::remedy(reason).unwrap().into())
        );
        assert_eq!(written(&rejected).get("remedy"), None);
        assert_eq!(definition(&written(&rejected)), rejected);
    }
    for reason in ["NONE", "NEW_REASON"] {
        let item = json!({"name": "n", "rejected_reason": reason});
        assert_eq!(definition(&item).attributes, []);
    }
}

#[test]
fn canonical_components_are_written_as_they_were_read() {
    let app = json!({"package_name": "com.example.app", "signature_hash": "K8a/AINcGX7"});
    for components in [
        json!([
            {"type": "HEADER", "format": "TEXT", "text": "Sale {{1}}", "example": {"header_text": ["Summer"]}},
            {"type": "BODY", "text": "Hi {{1}}, {{2}}!", "example": {"body_text": [["Pablo", "12"]]}},
            {"type": "FOOTER", "text": "Bye"},
            {"type": "BUTTONS", "buttons": [
                {"type": "QUICK_REPLY", "text": "Stop"},
                {"type": "URL", "text": "Track", "url": "https://e.com/{{1}}", "example": ["https://e.com/abc"]},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "15550051310"},
                {"type": "COPY_CODE", "example": "250FF"},
                {"type": "FLOW", "text": "Book", "flow_id": "1", "flow_action": "navigate", "navigate_screen": "S", "icon": "REVIEW"},
                {"type": "FLOW", "text": "Book", "flow_name": "n", "flow_action": "data_exchange"},
                {"type": "FLOW", "text": "Book", "flow_json": "{\"version\":\"7.0\"}"},
                {"type": "VOICE_CALL", "text": "Call us", "ttl_minutes": 10080},
                {"type": "CATALOG", "text": "View catalog"},
                {"type": "MPM", "text": "View items"},
                {"type": "SPM", "text": "View"},
                {"type": "ORDER_DETAILS", "text": "Copy Pix code"},
                {"type": "REQUEST_CONTACT_INFO"},
                {"type": "APP", "text": "Open", "app_deep_link": {"meta_app_id": 1, "android_deep_link": "x://y"}},
                {"type": "NEW", "text": "?", "more": {"b": [1], "a": 2}}
            ]}
        ]),
        json!([
            {"type": "HEADER", "format": "TEXT", "text": "Hi {{x}}",
                "example": {"header_text_named_params": [{"param_name": "x", "example": "y"}]}},
            {"type": "BODY", "text": "{{first_name}}",
                "example": {"body_text_named_params": [{"param_name": "first_name", "example": "Pablo"}]}}
        ]),
        json!([
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}},
            {"type": "BODY", "text": "Now"},
            {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Expiring offer!", "has_expiration": true}},
        ]),
        json!([{"type": "HEADER", "format": "VIDEO"}, {"type": "BODY", "text": "x"}, {"type": "call_permission_request"}]),
        json!([{"type": "HEADER", "format": "LOCATION"}]),
        json!([{"type": "HEADER", "format": "PRODUCT"}]),
        json!([{"type": "HEADER", "format": "GIF", "example": {"header_handle": ["4::aW"]}}]),
        json!([{"type": "HEADER", "format": "DOCUMENT"}]),
        json!([{"type": "HEADER", "format": "HOLOGRAM", "depth": 3}]),
        json!([
            {"type": "BODY", "add_security_recommendation": true},
            {"type": "FOOTER", "code_expiration_minutes": 5},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "ZERO_TAP", "text": "Copy Code",
                "autofill_text": "Autofill", "supported_apps": [app], "zero_tap_terms_accepted": true}]}
        ]),
        json!([
            {"type": "BODY", "text": "Look"},
            {"type": "CAROUSEL", "cards": [
                {"components": [
                    {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}},
                    {"type": "BODY", "text": "One {{1}}", "example": {"body_text": [["a"]]}},
                    {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Buy"}]}]},
                {"components": [{"type": "HEADER", "format": "PRODUCT"},
                    {"type": "BUTTONS", "buttons": [{"type": "SPM", "text": "View"}]}]}
            ]}
        ]),
        json!([{"type": "BODY", "text": "x"}, {"type": "NEWS", "of": [1, 2.5, null]}]),
        // A card with a part that cards have no place for is kept whole.
        json!([{"type": "CAROUSEL", "cards": [{"components": [{"type": "FOOTER", "text": "x"}]}]}]),
    ] {
        assert_eq!(again(&components), components);
    }
}

#[test]
fn examples_are_read_in_every_form_and_written_in_meta_s() {
    let body = |example: Value| json!([{"type": "BODY", "text": "x", "example": example}]);
    let nested = body(json!({"body_text": [["Emilia", "360dialog"]]}));
    for example in [
        json!({"body_text": [["Emilia", "360dialog"]]}),
        json!({"body_text": ["Emilia", "360dialog"]}),
        json!({"body_text": [["Emilia", "360dialog"], ["Ann", "x"]]}),
        json!(["Emilia", "360dialog"]),
        json!([["Emilia", "360dialog"]]),
    ] {
        assert_eq!(again(&body(example.clone())), nested, "{example}");
    }
    let one = body(json!({"body_text": [["7"]]}));
    assert_eq!(again(&body(json!({"body_text": "7"}))), one);
    assert_eq!(again(&body(json!(7))), one);
    let named = json!({"body_text_named_params": [{"param_name": "name", "example": "Ann"}]});
    for example in [
        json!({"name": "Ann"}),
        json!({"body_text": {"name": "Ann"}}),
        json!({"body_text_named_params": {"param_name": "name", "example": "Ann"}}),
    ] {
        assert_eq!(again(&body(example)), body(named.clone()));
    }
    let header =
        |example: Value| json!([{"type": "header", "format": "image", "example": example}]);
    let handle =
        json!([{"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}}]);
    for example in [
        json!({"header_handle": "4::aW"}),
        json!({"header_handle": [["4::aW"]]}),
        json!(["4::aW"]),
        json!("4::aW"),
    ] {
        assert_eq!(again(&header(example)), handle);
    }
}

#[test]
fn buttons_are_read_in_every_form() {
    let reply = json!({"type": "QUICK_REPLY", "text": "Yes"});
    let canonical = json!([{"type": "BUTTONS", "buttons": [reply]}]);
    for component in [
        json!({"type": "buttons", "buttons": [{"type": "quick_reply", "text": "Yes"}]}),
        json!({"type": "VALUE", "buttons": [reply]}),
        json!({"type": "BUTTONS", "buttons": reply}),
        json!({"type": "BUTTONS", "buttons": {"0": reply}}),
    ] {
        assert_eq!(again(&json!([component])), canonical, "{component}");
    }
    assert_eq!(
        again(&json!([{"type": "VALUE"}])),
        json!([{"type": "VALUE"}])
    );

    for (code, kind) in [
        (
            json!({"type": "URL", "text": "Copy", "otp_type": "COPY_CODE", "url": "https://x"}),
            OneTimeCodeKind::CopyCode,
        ),
        (
            json!({"type": "URL", "text": "Copy", "url": "https://x/otp/?otp_type=ONE_TAP&code=otp{{1}}"}),
            OneTimeCodeKind::OneTap,
        ),
        (
            json!({"type": "OTP", "otp_type": "by_owl"}),
            OneTimeCodeKind::Other("BY_OWL".into()),
        ),
    ] {
        let TemplateButton::OneTimeCode(read) = button(&code) else {
            panic!("{code}");
        };
        assert_eq!(read.kind, kind, "{code}");
    }
    let old = json!({"type": "OTP", "otp_type": "ONE_TAP", "package_name": "a.b", "signature_hash": "12345678901"});
    assert!(
        matches!(button(&old), TemplateButton::OneTimeCode(code) if code.apps[0].package_name == "a.b")
    );
    // Without what makes it one of its kind it is none.
    for incomplete in [
        json!({"type": "URL", "text": "x"}),
        json!({"type": "PHONE_NUMBER", "text": "x"}),
        json!({"type": "APP", "text": "x"}),
        json!({"text": "x"}),
        json!(7),
    ] {
        assert!(
            matches!(button(&incomplete), TemplateButton::Other(_)),
            "{incomplete}"
        );
    }
}

#[test]
fn what_there_is_twice_is_kept() {
    let twice = json!([{"type": "BODY", "text": "a"}, {"type": "BODY", "text": "b"}]);
    assert_eq!(again(&twice), twice);
    let content = content_of(&json!([{"type": "BODY"}, 7, {"format": "TEXT"}, {"type": "HEADER"}]));
    assert_eq!(content.other.len(), 2);
    assert!(matches!(content.header, Some(TemplateHeader::Other(_))));
}

#[test]
fn a_listed_template_is_read_in_360dialog_s_shape() {
    let item = json!({
        "id": "GVsEkeI2PIiARwVXQEDVWT", "external_id": "594425479261596", "name": "new_features",
        "language": "en", "category": "MARKETING", "status": "approved", "rejected_reason": "NONE",
        "namespace": "092819ec_f801_461b_b975_3a2d464f50a8", "quality_score": {"score": "GREEN", "date": 1},
        "components": [{"type": "BODY", "text": "Hi {{1}}", "example": {"body_text": [["Peter"]]}}],
        "partner_id": "9Mg0AiPA", "waba_account_id": "Cyih7GWA",
        "created_at": "2023-03-02T13:39:27Z", "created_by": {"user_id": "system", "user_name": "system"},
        "modified_at": "2023-03-02T13:39:27.250Z", "modified_by": {"user_id": "system", "user_name": "system"},
        "updated_external": true
    });
    let read = definition(&item);
    assert_eq!(read.id.as_deref(), Some("GVsEkeI2PIiARwVXQEDVWT"));
    assert_eq!(read.external_id.as_deref(), Some("594425479261596"));
    assert_eq!(read.status, TemplateStatus::Approved);
    assert_eq!(read.rejected_reason, None);
    assert_eq!(read.quality, Some(TemplateQuality::Green));
    assert_eq!(read.created, Some(1_677_764_367_000));
    assert_eq!(read.modified, Some(1_677_764_367_250));
    let paths: Vec<_> = read.attributes.iter().map(|a| a.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/created_by/user_id",
            "/created_by/user_name",
            "/modified_by/user_id",
            "/modified_by/user_name",
            "/partner_id",
            "/quality_score/date",
            "/updated_external",
            "/waba_account_id"
        ]
    );
    let mut expected = item;
    expected["status"] = "APPROVED".into();
    expected.as_object_mut().unwrap().remove("rejected_reason");
    assert_eq!(written(&read), expected);
}

#[test]
fn a_listed_template_is_read_in_meta_s_shape() {
    let item = json!({
        "id": "546151681022936", "name": "otp", "language": {"code": "en_US", "policy": "deterministic"},
        "category": "otp", "previous_category": "TRANSACTIONAL", "correct_category": "MARKETING", "status": "LOCKED",
        "rejected_reason": "SCAM", "quality_score": "UNKNOWN", "parameter_format": "NAMED",
        "message_send_ttl_seconds": "-1", "components": []
    });
    let read = definition(&item);
    assert_eq!(read.language, "en_US");
    assert_eq!(read.category, TemplateCategory::Authentication);
    assert_eq!(read.previous_category, Some(TemplateCategory::Utility));
    assert_eq!(read.coming_category, Some(TemplateCategory::Marketing));
    assert_eq!(read.status, TemplateStatus::Other("LOCKED".into()));
    assert_eq!(read.rejected_reason.as_deref(), Some("SCAM"));
    assert_eq!(read.quality, Some(TemplateQuality::Unrated));
    assert_eq!(read.content.parameter_format, Some(ParameterFormat::Named));
    assert_eq!(read.ttl_seconds, Some(-1));
    assert_eq!(
        read.attributes[..1],
        [Attribute {
            path: "/language/policy".into(),
            value: Scalar::Text("deterministic".into()),
        }]
    );
    assert_eq!(
        definition(&json!({"name": "x", "category": "UTILITY", "correct_category": "utility"}))
            .coming_category,
        None
    );
}

#[test]
fn only_a_name_is_needed() {
    assert_eq!(read::definition(&json!({"language": "en"})), None);
    assert_eq!(read::definition(&json!({"name": ""})), None);
    assert_eq!(read::definition(&json!("x")), None);
    let bare =
        definition(&json!({"name": "x", "components": {"type": "BODY"}, "rejected_reason": null}));
    assert_eq!(bare.rejected_reason, None);
    assert_eq!(definition(&written(&bare)), bare);
}

#[test]
fn words_are_read_in_any_case_and_written_in_the_vendor_s() {
    for word in [
        "DRAFT",
        "PENDING",
        "APPROVED",
        "REJECTED",
        "PAUSED",
        "DISABLED",
        "IN_APPEAL",
        "PENDING_DELETION",
        "DELETED",
        "LIMIT_EXCEEDED",
        "ARCHIVED",
    ] {
        let status = read::status(&word.to_lowercase());
        assert!(!matches!(status, TemplateStatus::Other(_)), "{word}");
        assert_eq!(write::status(&status), word);
    }
    assert_eq!(read::status("submitted"), TemplateStatus::Pending);
    assert_eq!(read::status("created"), TemplateStatus::Draft);
    for word in ["MARKETING", "UTILITY", "AUTHENTICATION"] {
        let category = read::category(&word.to_lowercase());
        assert!(!matches!(category, TemplateCategory::Other(_)), "{word}");
        assert_eq!(write::category(&category), word);
    }
    assert_eq!(
        read::category("ACCOUNT_UPDATE"),
        TemplateCategory::Other("ACCOUNT_UPDATE".into())
    );
}

#[test]
fn recorded_templates_are_written_as_they_were_read() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/cases");
    let folder = std::env::var("CHANNEL_CASES").unwrap_or_else(|_| beside.into());
    let Ok(index) = std::fs::read(format!("{folder}/index.json")) else {
        eprintln!("skipped: no recorded cases beside the project");
        return;
    };
    let index: Value = serde_json::from_slice(&index).unwrap();
    let mut seen = 0;
    for entry in index["entries"].as_array().unwrap() {
        if entry["kind"] != "template-def" {
            continue;
        }
        seen += 1;
        let file = entry["file"].as_str().unwrap();
        let item = std::fs::read(format!("{folder}/{file}")).unwrap();
        let mut item: Value = serde_json::from_slice(&item).unwrap();
        let read = definition(&item);
        let again = written(&read);
        assert_eq!(definition(&again), read, "{file}");

        // What says nothing goes, statuses are Meta's, and the components have one order.
        let members = item.as_object_mut().unwrap();
        members.retain(|name, value| name != "rejected_reason" || value != "NONE");
        members["status"] = members["status"].as_str().unwrap().to_uppercase().into();
        members.entry("category").or_insert_with(|| "".into());
        let order = |component: &Value| {
            ["HEADER", "BODY", "FOOTER", "BUTTONS"]
                .iter()
                .position(|kind| component["type"] == *kind)
        };
        members["components"]
            .as_array_mut()
            .unwrap()
            .sort_by_key(order);
        assert_eq!(again, item, "{file}");
    }
    assert_eq!(seen, 7);
}
