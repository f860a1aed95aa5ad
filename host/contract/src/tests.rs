//! The public JSON, kind by kind.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::account::{BlockedPage, BusinessNumber, BusinessProfile};
use super::channel::{AuthenticationMethod, Description, HmacAlgorithm, HmacEncoding, HmacRule};
use super::channel::{AuthenticationRule, OriginRule, SignedPart};
use super::events::{
    AccountSubject, CallDirection, CallState, ContactChangeKind, GroupChangeKind, MessageState,
    PreferenceChoice, RejectionReason,
};
use super::outbound::{self, OpeningCause, Payload, TemplateMessage, Window, WindowState};
use super::templates::{Definition, Draft, OneTimeCodeKind, ParameterKind};
use super::templates::{TemplateCategory, TemplateQuality, TemplateStatus};
use super::types::{Attribute, Error, ErrorClass, Foreign, Recipient, Retry, Scalar};

#[cfg(feature = "schema")]
use schemars::JsonSchema as Described;

#[cfg(not(feature = "schema"))]
pub(super) trait Described {}
#[cfg(not(feature = "schema"))]
impl<T> Described for T {}

/// Demands that a value fits the schema of its type, where there are schemas.
#[track_caller]
pub(super) fn is_described<T: Described>(value: &Value) {
    #[cfg(feature = "schema")]
    {
        let mut compiler = boon::Compiler::new();
        let schema = schemars::schema_for!(T).to_value();
        compiler.add_resource("schema.json", schema).unwrap();
        let mut schemas = boon::Schemas::new();
        let schema = compiler.compile("schema.json", &mut schemas).unwrap();
        if let Err(error) = schemas.validate(value, schema) {
            panic!("{value:#}: {error:#}");
        }
    }
    #[cfg(not(feature = "schema"))]
    let _ = value;
}

/// Reads JSON and demands that writing it again gives the same.
#[track_caller]
pub(super) fn round_trip<
    T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug + Described,
>(
    given: &Value,
) -> T {
    is_described::<T>(given);
    let value: T = match serde_json::from_str(&given.to_string()) {
        Ok(value) => value,
        Err(error) => panic!("{given}: {error}"),
    };
    assert_eq!(&serde_json::to_value(&value).unwrap(), given);
    value
}

fn message(content: &Value) -> Value {
    json!({"to": {"phone": "16315551234"}, "content": content})
}

fn draft(content: &Value) -> Value {
    json!({"name": "n", "language": "en", "category": "utility", "content": content})
}

#[track_caller]
fn refused<T: DeserializeOwned>(given: &Value) -> String {
    match serde_json::from_str::<T>(&given.to_string()) {
        Ok(_) => panic!("accepted: {given}"),
        Err(error) => error.to_string(),
    }
}

/// Every kind of message, with every member that it can have.
fn contents() -> Vec<Value> {
    let image = json!({"type": "image", "link": "https://example.com/a.jpg"});
    let sections = json!([{"title": "S", "products": ["p1", "p2"]}]);
    vec![
        json!({"type": "text", "text": "Hi", "preview_url": true}),
        json!({"type": "image", "link": "https://example.com/a.jpg", "caption": "c"}),
        json!({"type": "video", "id": "1", "caption": "c"}),
        json!({"type": "audio", "id": "1", "voice": true}),
        json!({"type": "document", "id": "1", "caption": "c", "filename": "f.pdf"}),
        json!({"type": "sticker", "id": "1"}),
        json!({"type": "location", "latitude": 1.5, "longitude": -2.25, "name": "n", "address": "a",
               "url": "https://example.com"}),
        json!({"type": "contacts", "contacts": [{
            "name": {"formatted_name": "A B", "first_name": "A", "last_name": "B",
                     "middle_name": "m", "suffix": "s", "prefix": "p"},
            "phones": [{"phone": "+1", "contact_phone": "1", "label": "HOME"}],
            "emails": [{"email": "a@example.com", "label": "WORK"}],
            "addresses": [{"street": "s", "city": "c", "state": "st", "zip": "z", "country": "n",
                           "country_code": "us", "label": "HOME"}],
            "organisation": {"company": "c", "department": "d", "title": "t"},
            "urls": [{"url": "https://example.com", "label": "WORK"}],
            "birthday": "2000-01-01", "origin": "o", "vcard": "BEGIN:VCARD"}]}),
        json!({"type": "reaction", "message_id": "m", "emoji": "👍"}),
        json!({"type": "reaction", "message_id": "m"}),
        json!({"type": "buttons", "header": {"type": "text", "text": "H"}, "body": "b",
               "footer": "f", "buttons": [{"id": "1", "title": "t"}]}),
        json!({"type": "list", "header": image, "body": "b", "footer": "f", "button": "Open",
               "sections": [{"title": "S", "rows": [{"id": "1", "title": "t", "description": "d"}]}]}),
        json!({"type": "link_button", "header": {"type": "video", "id": "1"}, "body": "b",
               "footer": "f", "title": "t", "url": "https://example.com"}),
        json!({"type": "link_button", "body": "b", "title": "t", "url": "https://example.com",
               "header": {"type": "other", "kind": "gif", "json": {"id": "1"}}}),
        json!({"type": "flow", "header": {"type": "document", "id": "1", "filename": "f"},
               "body": "b", "footer": "f", "title": "t", "flow": {"name": "n"}, "token": "k",
               "action": "navigate", "screen": "S", "screen_data": {"a": [1, null, {"type": "x"}]},
               "draft": true}),
        json!({"type": "product", "body": "b", "footer": "f", "catalog_id": "c", "product_id": "p"}),
        json!({"type": "products", "header": "h", "body": "b", "footer": "f", "catalog_id": "c",
               "sections": sections}),
        json!({"type": "catalog", "body": "b", "footer": "f", "thumbnail_product_id": "p"}),
        json!({"type": "location_request", "body": "b", "footer": "f"}),
        json!({"type": "address_request", "body": "b", "footer": "f", "country": "IN",
               "values": {"name": "A"}, "saved_addresses": [{"id": "1", "value": {"city": "c"}}],
               "validation_errors": {"zip": "wrong"}}),
        json!({"type": "call_permission_request", "body": "b"}),
        json!({"type": "contact_request"}),
        json!({"type": "call_button", "body": "b", "footer": "f", "title": "t", "ttl_minutes": 5,
               "payload": "p"}),
        json!({"type": "carousel", "body": "b", "cards": [
            {"type": "link", "header": image, "body": "b", "title": "t", "url": "https://example.com"},
            {"type": "replies", "header": image, "body": "b", "buttons": [{"id": "1", "title": "t"}]},
            {"type": "product", "catalog_id": "c", "product_id": "p"},
            {"type": "other", "kind": "offer", "json": {"a": [1]}}]}),
        {
            let mut template = template_message();
            template["type"] = "template".into();
            template
        },
        json!({"type": "other", "kind": "poll", "json": {"question": "?"}}),
        json!({"type": "other", "kind": "poll"}),
    ]
}

/// A template message with every kind of parameter.
fn template_message() -> Value {
    json!({
        "name": "n", "language": "en_US",
        "header": {"type": "text", "name": "v", "text": "Ada"},
        "body": [
            {"name": "first_name", "text": "Ada"},
            {"currency": {"fallback": "1 €", "code": "EUR", "amount_1000": 1000}},
            {"date_time": "tomorrow"}],
        "buttons": [
            {"index": 0, "payload": "yes"},
            {"index": 1, "url_suffix": "x"},
            {"index": 2, "code": "c"},
            {"index": 3, "flow": {"token": "t", "screen_data": {"a": 1}}},
            {"index": 4, "catalog": "p"},
            {"index": 5, "catalog": null},
            {"index": 6, "products": {"thumbnail_product_id": "p",
                                      "sections": [{"title": "S", "products": ["p"]}]}},
            {"index": 7, "order_details": {"currency": "INR"}},
            {"index": 8, "call": {"ttl_minutes": 5, "payload": "p"}}],
        "cards": [
            {"header": {"type": "image", "id": "1"}, "body": [{"text": "a"}],
             "buttons": [{"index": 0, "payload": "p"}]},
            {"header": {"type": "video", "link": "https://example.com"}},
            {"header": {"type": "gif", "id": "1"}},
            {"header": {"type": "document", "id": "1", "filename": "f"}},
            {"header": {"type": "location", "latitude": 1.0, "longitude": 2.0}},
            {"header": {"type": "product", "catalog_id": "c", "product_id": "p"}}],
        "offer_expires": "2026-11-22T07:15:39.5Z",
        "other": [{"kind": "tap_target", "json": [1]}],
    })
}

/// A template with every component and button.
fn template_content() -> Value {
    json!({
        "parameter_format": "named",
        "header": {"type": "text", "text": "{{a}}", "examples": [{"name": "a", "value": "x"}]},
        "body": {"text": {"text": "b", "examples": [{"value": "x"}]}, "security_recommendation": true},
        "footer": {"text": "f", "code_expiration_minutes": 5},
        "buttons": [
            {"type": "quick_reply", "text": "t"},
            {"type": "url", "text": "t", "url": "https://example.com/{{1}}", "example": "x"},
            {"type": "phone_number", "text": "t", "phone_number": "1"},
            {"type": "copy_code", "text": "t", "example": "X"},
            {"type": "flow", "text": "t", "flow": {"id": "1"}, "action": "a", "screen": "s", "icon": "i"},
            {"type": "flow", "text": "t", "flow": {"definition": {"version": "7"}}},
            {"type": "call", "text": "t", "ttl_minutes": 5},
            {"type": "catalog"}, {"type": "products", "text": "t"}, {"type": "product"},
            {"type": "one_time_code", "kind": "one_tap", "text": "t", "autofill_text": "a",
             "apps": [{"package_name": "p", "signature_hash": "h"}], "zero_tap_terms_accepted": true},
            {"type": "order_details"}, {"type": "contact_request"},
            {"type": "app", "text": "t", "link": {"android": "x"}},
            {"type": "other", "kind": "SPM", "json": {"a": 1}}],
        "carousel": [
            {"header": {"type": "image", "example": "4::aW"}, "body": {"text": {"text": "b"}},
             "buttons": [{"type": "quick_reply", "text": "t"}]},
            {"header": {"type": "video"}}, {"header": {"type": "gif", "example": "h"}},
            {"header": {"type": "document", "example": "h"}}, {"header": {"type": "location"}},
            {"header": {"type": "product"}},
            {"header": {"type": "other", "kind": "HOLOGRAM", "json": {"depth": 3}}},
            {"header": {"type": "other", "kind": "SOUND"}}],
        "offer": {"text": "t", "has_expiration": true},
        "call_permission_request": true,
        "other": [{"kind": "X"}],
    })
}

#[test]
fn the_shortest_message_is_read_as_documented() {
    let message: outbound::Message = serde_json::from_str(
        r#"{"to": {"phone": "16315551234"}, "content": {"type": "text", "text": "Hi"}, "reply_to": "message-7"}"#,
    )
    .unwrap();
    assert_eq!(message.reply_to.as_deref(), Some("message-7"));
    assert!(matches!(&message.content, outbound::Content::Text(text) if text.text == "Hi"));
}

#[test]
fn every_kind_of_message_survives_json() {
    let contents = contents();
    for content in &contents {
        round_trip::<outbound::Message>(&message(content));
    }
    let whole = json!({
        "to": {"user_id": "US.1"}, "content": {"type": "text", "text": "Hi"}, "reply_to": "m",
        "degrade": ["split_text", "buttons_to_list"],
        "fallback": template_message(),
        "attributes": {"/a": "t", "/b": 1, "/c": 1.5, "/d": true},
    });
    let read: outbound::Message = round_trip(&whole);
    assert_eq!(
        read.attributes[1],
        Attribute {
            path: "/b".into(),
            value: Scalar::Integer(1)
        }
    );
    round_trip::<TemplateMessage>(&template_message());
}

/// Every object of a JSON value, as a pointer; without those whose members are the sender's own.
fn objects(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let own = [
        "screen_data",
        "values",
        "value",
        "validation_errors",
        "json",
        "order_details",
        "definition",
        "link",
    ];
    match value {
        Value::Object(members) => {
            found.push(pointer.to_owned());
            for (name, value) in members {
                if !own.contains(&name.as_str()) {
                    objects(value, &format!("{pointer}/{name}"), found);
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                objects(value, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[track_caller]
fn refuses_a_stranger_everywhere<T: DeserializeOwned>(whole: &Value) {
    let mut pointers = Vec::new();
    objects(whole, "", &mut pointers);
    for pointer in pointers {
        let mut given = whole.clone();
        given.pointer_mut(&pointer).unwrap()["stranger"] = 1.into();
        refused::<T>(&given);
    }
}

#[test]
fn an_unknown_member_at_any_level_of_a_message_is_refused() {
    for content in contents() {
        refuses_a_stranger_everywhere::<outbound::Message>(&message(&content));
    }
    let mut whole = message(&json!({"type": "text", "text": "Hi"}));
    whole["fallback"] = template_message();
    refuses_a_stranger_everywhere::<outbound::Message>(&whole);
    refuses_a_stranger_everywhere::<Draft>(&draft(&template_content()));
}

#[test]
fn a_refusal_names_the_unknown_member() {
    let error = refused::<outbound::Message>(&message(
        &json!({"type": "buttons", "body": "b", "buttons": [{"id": "1", "title": "t", "a/b": 1}]}),
    ));
    assert!(error.contains("/content/buttons/0/a~1b"), "{error}");
}

#[test]
fn two_sources_or_none_are_refused() {
    for kind in ["image", "video", "audio", "document", "sticker"] {
        let both = json!({"type": kind, "id": "1", "link": "https://example.com"});
        refused::<outbound::Message>(&message(&both));
        refused::<outbound::Message>(&message(&json!({"type": kind})));
        let above = json!({"type": "buttons", "body": "b", "header": both});
        refused::<outbound::Message>(&message(&above));
    }
    let mut given = message(&json!({"type": "text", "text": "Hi"}));
    given["to"] = json!({"phone": "1", "group": "2"});
    refused::<outbound::Message>(&given);
    given["to"] = json!({"contact": {"phone": "1"}, "user_id": "2"});
    refused::<outbound::Message>(&given);
    given["to"] = json!({});
    refused::<outbound::Message>(&given);
}

#[test]
fn a_message_may_go_to_a_whole_contact() {
    let mut given = message(&json!({"type": "text", "text": "Hi"}));
    given["to"] = json!({"contact": {
        "phone": "16315551234", "user_id": "US.1", "parent_user_id": "US.2", "username": "kerry",
        "name": "Kerry", "identity_hash": "h"}});
    let read: outbound::Message = round_trip(&given);
    let Recipient::Contact(contact) = read.to else {
        panic!("{:?}", read.to);
    };
    assert_eq!(contact.identity_hash.as_deref(), Some("h"));
    refuses_a_stranger_everywhere::<outbound::Message>(&given);
    given["to"] = json!({"contact": {"phone": "16315551234"}});
    round_trip::<outbound::Message>(&given);
}

#[test]
fn a_message_has_no_reference_of_its_own() {
    let mut given = message(&json!({"type": "text", "text": "Hi"}));
    given["reference"] = "r".into();
    let error = refused::<outbound::Message>(&given);
    assert!(error.contains("/reference"), "{error}");
}

#[test]
fn a_missing_member_or_unknown_kind_is_refused() {
    refused::<outbound::Message>(&json!({"to": {"phone": "1"}}));
    refused::<outbound::Message>(&json!({"content": {"type": "text", "text": "Hi"}}));
    refused::<outbound::Message>(&message(&json!({"text": "Hi"})));
    refused::<outbound::Message>(&message(&json!({"type": "text"})));
    refused::<outbound::Message>(&message(&json!({"type": "telepathy"})));
    refused::<Draft>(&json!({"name": "n", "language": "en", "category": "utility"}));
}

#[test]
fn null_and_empty_lists_are_absent() {
    let given = json!({"to": {"phone": "1"}, "reply_to": null, "degrade": [],
                       "content": {"type": "text", "text": "Hi", "preview_url": null}});
    let read: outbound::Message = serde_json::from_value(given).unwrap();
    assert_eq!(
        serde_json::to_value(read).unwrap(),
        json!({"to": {"phone": "1"}, "content": {"type": "text", "text": "Hi"}})
    );
}

#[test]
fn a_draft_may_be_the_vendor_s_own_request() {
    let request = br#"{"name": "n", "category": "ACCOUNT_UPDATE", "language": "en", "components": [{"type": "BODY", "text": "1.10"}], "id": 1234567890123456}"#;
    let read = Draft::read_open(request).unwrap();
    assert_eq!(
        read.category,
        TemplateCategory::Other("ACCOUNT_UPDATE".into())
    );
    let other: Vec<_> = read
        .other
        .iter()
        .map(|it| (it.kind.as_str(), it.json.as_deref()))
        .collect();
    assert_eq!(other[0].0, "components");
    assert_eq!(other[1], ("id", Some("1234567890123456")));

    let ours = draft(&template_content());
    let closed = Draft::read(ours.to_string().as_bytes()).unwrap();
    assert_eq!(
        Draft::read_open(ours.to_string().as_bytes()).unwrap(),
        closed
    );
    let mut mixed = ours;
    mixed["other"] = json!([{"kind": "x"}]);
    mixed["y"] = json!({"a": [1]});
    let read = Draft::read_open(mixed.to_string().as_bytes()).unwrap();
    assert_eq!(
        (read.other[0].kind.as_str(), read.other[1].kind.as_str()),
        ("x", "y")
    );

    for (wrong, pointer) in [
        ("[]", ""),
        (
            r#"{"name": "n", "language": "en", "category": "utility"}"#,
            "/content",
        ),
        (
            r#"{"name": "n", "name": "m", "language": "en", "category": "utility", "components": []}"#,
            "/name",
        ),
        (
            r#"{"name": "n", "category": "utility", "components": []}"#,
            "/language",
        ),
    ] {
        let problems = Draft::read_open(wrong.as_bytes()).unwrap_err();
        assert_eq!(problems[0].pointer, pointer, "{problems:?}");
    }
}

#[test]
fn templates_survive_json() {
    let mut given = draft(&template_content());
    given["ttl_seconds"] = (-1).into();
    given["other"] = json!([{"kind": "message_send_ttl", "json": {"a": true}}, {"kind": "x"}]);
    round_trip::<Draft>(&given);
    refuses_a_stranger_everywhere::<Draft>(&given);
    given["attributes"] = json!({"/a": true});
    refused::<Draft>(&given);
    round_trip::<Definition>(&json!({
        "name": "n", "language": "en", "category": "marketing", "status": "approved",
        "content": template_content(), "id": "1", "external_id": "2", "namespace": "3",
        "quality": "green", "rejected_reason": "NONE", "previous_category": "utility",
        "coming_category": "NEW", "ttl_seconds": 60, "created": "2026-11-22T07:15:39Z",
        "modified": "2026-11-22T07:15:39.123Z", "attributes": {"/x": 1},
    }));
}

#[test]
fn a_definition_is_read_whatever_else_it_holds() {
    let mut given = json!({"name": "n", "language": "en", "category": "utility", "status": "NEW",
        "content": {"body": {"text": {"text": "b"}}, "buttons": [{"type": "url", "text": "t", "url": "u"}]}});
    for pointer in ["", "/content", "/content/body/text", "/content/buttons/0"] {
        given.pointer_mut(pointer).unwrap()["stranger"] = 1.into();
    }
    let read: Definition = serde_json::from_value(given).unwrap();
    assert_eq!(read.status, TemplateStatus::Other("NEW".into()));
}

#[test]
fn words_are_plain_strings_and_foreign_words_stay_as_they_are() {
    fn word<T: Serialize>(value: T, expected: &str) {
        assert_eq!(serde_json::to_value(value).unwrap(), expected);
    }
    word(MessageState::Delivered, "delivered");
    word(MessageState::Other("On-The Way".into()), "On-The Way");
    word(ContactChangeKind::UserId, "user_id");
    word(AccountSubject::Handover, "handover");
    word(CallState::Terminated, "terminated");
    word(GroupChangeKind::ParticipantsAdded, "participants_added");
    word(PreferenceChoice::Other("X".into()), "X");
    word(RejectionReason::Other("stale".into()), "stale");
    word(ParameterKind::UrlSuffix, "url_suffix");
    word(CallDirection::Inbound, "inbound");
    assert_eq!(
        round_trip::<TemplateStatus>(&json!("in_appeal")),
        TemplateStatus::InAppeal
    );
    assert_eq!(
        round_trip::<TemplateCategory>(&json!("SERVICE")),
        TemplateCategory::Other("SERVICE".into())
    );
    assert_eq!(
        round_trip::<TemplateQuality>(&json!("unrated")),
        TemplateQuality::Unrated
    );
    assert_eq!(
        round_trip::<OneTimeCodeKind>(&json!("other")),
        OneTimeCodeKind::Other("other".into())
    );
    assert_eq!(
        round_trip::<OpeningCause>(&json!("call")),
        OpeningCause::Call
    );
    assert_eq!(
        round_trip::<OpeningCause>(&json!("Poke")),
        OpeningCause::Other("Poke".into())
    );
    refused::<TemplateStatus>(&json!(1));
    refused::<OpeningCause>(&json!({"other": "Poke"}));
}

#[test]
fn an_error_shows_only_what_is_known() {
    let bare: Error = round_trip(&json!({}));
    assert_eq!(
        (bare.class, &bare.retry),
        (ErrorClass::Unknown, &Retry::Unknown)
    );
    let full = json!({"class": "window_closed", "retry": {"after": 4}, "code": 131_047, "title": "t",
                      "message": "m", "details": "d", "link": "l", "remedy": "r",
                      "attributes": {"/error_data/subcode": 5}});
    let error: Error = round_trip(&full);
    assert_eq!(
        error.attributes,
        [Attribute {
            path: "/error_data/subcode".into(),
            value: Scalar::Integer(5)
        }]
    );
    assert_eq!(
        (error.code.as_deref(), error.retry),
        (Some("131047"), Retry::After(4))
    );
    for code in ["007", "-0", "+1", "E100", "", "99999999999999999999"] {
        assert_eq!(
            round_trip::<Error>(&json!({"code": code})).code.as_deref(),
            Some(code)
        );
    }
    assert_eq!(
        round_trip::<Error>(&json!({"code": -1})).code.as_deref(),
        Some("-1")
    );
    assert_eq!(
        round_trip::<Retry>(&json!("after_change")),
        Retry::AfterChange
    );
    round_trip::<Retry>(&json!("backoff"));
    round_trip::<Retry>(&json!("never"));
}

#[test]
fn instants_are_rfc_3339_and_never_panic() {
    let state: WindowState = round_trip(&json!({
        "opened": {"at": "2026-11-22T07:15:39Z", "cause": "call", "id": "c"},
        "refused": "1970-01-01T00:00:00Z", 
        "free_entry_point": {"at": "1970-01-01T00:00:01Z", "until": "9999-12-30T22:00:00Z"}}));
    assert_eq!(state.opened.unwrap().at, 1_795_331_739_000);
    assert_eq!(state.free_entry_point.unwrap().at, 1_000);
    round_trip::<WindowState>(&json!({"free_entry_point": {"at": "1970-01-01T00:00:01Z"}}));
    refused::<WindowState>(&json!({"free_entry_point": {}}));
    let offset = json!({"refused": "2026-11-22T09:15:39.25+02:00"});
    let state: WindowState = serde_json::from_value(offset).unwrap();
    assert_eq!(state.refused, Some(1_795_331_739_250));
    for beyond in [u64::MAX, i64::MAX as u64, 253_402_300_800_000] {
        let state = WindowState {
            opened: None,
            refused: Some(beyond),
            free_entry_point: None,
        };
        assert_eq!(
            serde_json::to_value(state).unwrap(),
            json!({"refused": beyond})
        );
    }
    for wrong in [
        json!("1969-12-31T23:59:59Z"),
        json!("99999-01-01T00:00:00Z"),
        json!("soon"),
        json!(5),
    ] {
        refused::<WindowState>(&json!({"refused": wrong}));
    }
}

#[test]
fn windows_survive_json() {
    let because = json!({"at": "2026-11-21T07:15:39Z", "cause": "message"});
    round_trip::<Window>(
        &json!({"type": "open", "until": "2026-11-22T07:15:39Z", "because": because}),
    );
    round_trip::<Window>(
        &json!({"type": "closed", "since": "2026-11-22T07:15:39Z", "because": because}),
    );
    round_trip::<Window>(&json!({"type": "closed"}));
    assert_eq!(
        round_trip::<Window>(&json!({"type": "unknown"})),
        Window::Unknown
    );
}

#[test]
fn a_payload_embeds_a_json_body_and_names_any_other_type() {
    let print = |content_type: &str, body: &[u8]| {
        let payload = Payload {
            method: "POST".into(),
            path: "/m".into(),
            content_type: content_type.into(),
            body: body.into(),
        };
        serde_json::to_string(&payload).unwrap()
    };
    assert_eq!(
        print("application/json", b"{\"b\":1, \"a\":2}"),
        r#"{"method":"POST","path":"/m","body":{"b":1, "a":2}}"#
    );
    assert_eq!(
        print("application/json", b"{"),
        r#"{"method":"POST","path":"/m","body":"{"}"#
    );
    assert_eq!(
        print("text/plain", b"a\xff"),
        "{\"method\":\"POST\",\"path\":\"/m\",\"content_type\":\"text/plain\",\"body\":\"a\u{fffd}\"}"
    );
}

#[test]
fn a_description_prints_whole() {
    let hmac = HmacRule {
        signs: vec![
            SignedPart::Url,
            SignedPart::Text(".".into()),
            SignedPart::Header("X-Time".into()),
            SignedPart::Body,
        ],
        header: "X-Sum".into(),
        algorithm: HmacAlgorithm::Sha256,
        encoding: HmacEncoding::Hex,
        prefix: Some("sha256=".into()),
        secret: "app".into(),
    };
    let description = Description {
        id: "channel-x".into(),
        version: "1.0.0".into(),
        contract_version: super::VERSION.into(),
        family: "sms".into(),
        provider: "X".into(),
        display_name: "X".into(),
        documentation: None,
        settings_schema: r#"{"type":"object"}"#.into(),
        secrets: Vec::new(),
        origins: vec![
            OriginRule::Fixed("https://x.example".into()),
            OriginRule::Setting("/url".into()),
        ],
        webhook_authentication: vec![
            AuthenticationRule {
                method: AuthenticationMethod::SecretHeader("X-Key".into()),
                applies: None,
            },
            AuthenticationRule {
                method: AuthenticationMethod::Hmac(hmac),
                applies: None,
            },
            AuthenticationRule {
                method: AuthenticationMethod::Other(Foreign {
                    kind: "jwt".into(),
                    json: Some(r#"{"a":1}"#.into()),
                }),
                applies: None,
            },
        ],
        window: None,
        pacing: Vec::new(),
        message_kinds: vec!["text".into()],
        text_limit: Some(160),
        media: Vec::new(),
        template_categories: Vec::new(),
        template_languages: Vec::new(),
    };
    assert_eq!(
        serde_json::to_value(&description).unwrap(),
        json!({"id": "channel-x", "version": "1.0.0", "contract_version": "0.1.0", "family": "sms",
            "provider": "X", "display_name": "X", "settings_schema": {"type": "object"},
            "origins": [{"fixed": "https://x.example"}, {"setting": "/url"}],
            "webhook_authentication": [
                {"method": {"secret_header": "X-Key"}},
                {"method": {"hmac": {
                    "signs": ["url", {"text": "."}, {"header": "X-Time"}, "body"],
                    "header": "X-Sum", "algorithm": "sha256", "encoding": "hex",
                    "prefix": "sha256=", "secret": "app"}}},
                {"method": {"other": {"kind": "jwt", "json": {"a": 1}}}}],
            "message_kinds": ["text"], "text_limit": 160})
    );
}

#[test]
fn a_profile_is_read_as_it_is_written() {
    let given = json!({"about": "a", "address": "b", "description": "c", "email": "d@example.com",
        "websites": ["https://example.com"], "industry": "e", "picture_url": "https://example.com/p",
        "picture_handle": "f"});
    round_trip::<BusinessProfile>(&given);
    let nothing = round_trip::<BusinessProfile>(&json!({}));
    assert_eq!(nothing, BusinessProfile::default());
    // No pages is something else than nothing said of them.
    round_trip::<BusinessProfile>(&json!({"websites": []}));
}

#[test]
fn a_member_that_no_profile_has_is_refused() {
    let problems = BusinessProfile::read(br#"{"about": "a", "abuot": "b"}"#).unwrap_err();
    let [problem] = &problems[..] else {
        panic!("{problems:?}");
    };
    assert_eq!(
        (&*problem.pointer, &*problem.code),
        ("/abuot", "unknown_member")
    );
    assert!(problem.message.contains("`picture_handle`"), "{problem:?}");
}

#[test]
fn what_is_not_known_of_an_account_is_absent() {
    let number = BusinessNumber {
        id: Some("1".to_owned()),
        phone_number: None,
        verified_name: None,
        name_status: None,
        quality: Some("GREEN".to_owned()),
        messaging_limit: None,
        attributes: vec![Attribute {
            path: "/throughput".to_owned(),
            value: Scalar::Text("HIGH".to_owned()),
        }],
    };
    let expected = json!({"id": "1", "quality": "GREEN", "attributes": {"/throughput": "HIGH"}});
    is_described::<BusinessNumber>(&expected);
    assert_eq!(serde_json::to_value(number).unwrap(), expected);
    let page = BlockedPage {
        contacts: Vec::new(),
        next: None,
    };
    assert_eq!(serde_json::to_value(page).unwrap(), json!({"contacts": []}));
}
