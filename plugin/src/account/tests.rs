use super::*;
use crate::api::tests::{Scripted, says};
use crate::bindings::messaging::channel::types::ErrorClass;

const CLOUD: &str =
    r#"{"name":"Shop","phone_number":"+15550783881","api_key":"{{secret:api_key}}"}"#;
const BASE: &str = "https://waba-v2.360dialog.io";

fn nothing() -> BusinessProfile {
    BusinessProfile {
        about: None,
        address: None,
        description: None,
        email: None,
        websites: None,
        industry: None,
        picture_url: None,
        picture_handle: None,
    }
}

#[test]
fn the_profile_is_read_in_both_forms() {
    let profile = json!({"about": "Plants", "websites": ["https://example.com"], "vertical": "RETAIL", "email": ""});
    for answer in [profile.clone(), json!({ "data": [profile] })] {
        let http = Scripted::new([says(200, &answer)]);
        let profile = super::profile(&http, CLOUD).unwrap();
        assert_eq!(
            http.lines(),
            [format!("GET {BASE}{PROFILE}{PROFILE_FIELDS}")]
        );
        assert_eq!(
            (
                profile.about.as_deref(),
                profile.industry.as_deref(),
                profile.email
            ),
            (Some("Plants"), Some("RETAIL"), None)
        );
        assert_eq!(profile.websites.unwrap(), ["https://example.com"]);
    }
}

#[test]
fn what_is_given_is_changed_and_nothing_else() {
    let http = Scripted::new([says(200, &json!({"success": true}))]);
    let change = BusinessProfile {
        description: Some("Ferns".into()),
        websites: Some(Vec::new()),
        ..nothing()
    };
    update_profile(&http, CLOUD, &change).unwrap();
    let request = http.requests().remove(0);
    assert_eq!(
        String::from_utf8(request.body.unwrap()).unwrap(),
        r#"{"messaging_product":"whatsapp","description":"Ferns","websites":[]}"#
    );
    assert!(!request.fill_body);
}

#[test]
fn each_limit_of_the_profile_holds() {
    let of = |length: usize| Some("ä".repeat(length));
    let mail = |length: usize| Some(format!("{}@", "a".repeat(length - 1)));
    let site = |length: usize| format!("https://{}", "a".repeat(length - 8));
    let good = BusinessProfile {
        address: of(256),
        description: of(512),
        email: mail(128),
        websites: Some(vec![site(256), site(20)]),
        ..nothing()
    };
    assert!(check(&good).is_empty());
    for (bad, pointer, code) in [
        (
            BusinessProfile {
                address: of(257),
                ..nothing()
            },
            "/address",
            "too_long",
        ),
        (
            BusinessProfile {
                description: of(513),
                ..nothing()
            },
            "/description",
            "too_long",
        ),
        (
            BusinessProfile {
                email: mail(129),
                ..nothing()
            },
            "/email",
            "too_long",
        ),
        (
            BusinessProfile {
                email: of(3),
                ..nothing()
            },
            "/email",
            "bad_email",
        ),
        (
            BusinessProfile {
                websites: Some(vec![site(257)]),
                ..nothing()
            },
            "/websites/0",
            "too_long",
        ),
        (
            BusinessProfile {
                websites: Some(vec![site(20), "example.com".into()]),
                ..nothing()
            },
            "/websites/1",
            "bad_url",
        ),
        (
            BusinessProfile {
                websites: Some(vec![site(20), site(20), site(20)]),
                ..nothing()
            },
            "/websites",
            "too_many",
        ),
        (
            BusinessProfile {
                picture_url: of(3),
                ..nothing()
            },
            "/picture_url",
            "read_only",
        ),
        (nothing(), "", "nothing_to_change"),
    ] {
        let found: Vec<_> = check(&bad)
            .into_iter()
            .map(|problem| (problem.pointer, problem.code))
            .collect();
        assert_eq!(found, [(pointer.to_owned(), code.to_owned())]);
    }
}

#[test]
fn the_number_is_read_with_its_limit_where_it_is_told() {
    let status = json!({"display_phone_number": "+1 555", "quality_rating": "GREEN", LIMIT_FIELD: "TIER_2K", "name_status": "APPROVED",
        "health_status": {"entities": [{"entity_type": "PHONE_NUMBER", "id": "106"}]}});
    let http = Scripted::new([says(200, &status)]);
    let number = super::number(&http, CLOUD).unwrap();
    assert_eq!(http.lines(), [format!("GET {BASE}{STATUS},{LIMIT_FIELD}")]);
    assert_eq!(
        [
            number.id,
            number.quality,
            number.messaging_limit,
            number.verified_name
        ]
        .map(Option::unwrap_or_default),
        ["106", "GREEN", "TIER_2K", ""]
    );

    let unknown_field = says(
        400,
        &json!({"error": {"message": "(#100) Tried accessing nonexisting field", "code": 100}}),
    );
    let http = Scripted::new([unknown_field, says(200, &json!({"quality_rating": "RED"}))]);
    assert_eq!(
        super::number(&http, CLOUD).unwrap().quality.as_deref(),
        Some("RED")
    );
    assert_eq!(http.lines().len(), 2);

    let http = Scripted::new([says(401, &json!({}))]);
    assert_eq!(
        super::number(&http, CLOUD).unwrap_err().class,
        ErrorClass::Unauthorised
    );
}

#[test]
fn the_blocked_are_read_to_the_end() {
    let page = |next: Option<&str>| {
        says(
            200,
            &json!({"data": [{"messaging_product": "whatsapp", "wa_id": "16315551234"}, {}],
            "paging": {"cursors": {"after": "a=", "before": "b"}, "next": next}}),
        )
    };
    let http = Scripted::new([page(Some("https://graph")), page(None)]);
    let first = blocked(&http, CLOUD, None).unwrap();
    assert_eq!(first.contacts.len(), 1);
    let last = blocked(&http, CLOUD, first.next.as_deref()).unwrap();
    assert_eq!(last.next, None);
    assert_eq!(
        http.lines(),
        [
            format!("GET {BASE}{BLOCKED}?limit=100"),
            format!("GET {BASE}{BLOCKED}?limit=100&after=a%3D")
        ]
    );
}

#[test]
fn people_are_blocked_and_groups_are_not() {
    let people = [
        Recipient::Phone("+1 631 555 1234".into()),
        Recipient::UserId("US.12".into()),
    ];
    for method in ["POST", "DELETE"] {
        let http = Scripted::new([says(200, &json!({"success": true}))]);
        match method {
            "POST" => block(&http, CLOUD, &people),
            _ => unblock(&http, CLOUD, &people),
        }
        .unwrap();
        let request = http.requests().remove(0);
        assert_eq!(
            (request.method.as_str(), request.url),
            (method, format!("{BASE}{BLOCKED}"))
        );
        assert_eq!(
            serde_json::from_slice::<Value>(&request.body.unwrap()).unwrap(),
            json!({"messaging_product": "whatsapp", "block_users": [{"user": "+16315551234"}, {"user": "US.12"}]})
        );
    }
    for (nobody, pointer) in [
        (vec![Recipient::Group("g".into())], "/recipients/0"),
        (vec![Recipient::Phone("1".into())], "/recipients/0/phone"),
        (Vec::new(), "/recipients"),
    ] {
        let Err(AccountError::Invalid(problems)) = block(&Scripted::new([]), CLOUD, &nobody) else {
            panic!("{nobody:?}")
        };
        assert_eq!(problems[0].pointer, pointer);
    }
}

#[test]
fn only_the_cloud_api_tells() {
    let sandbox = r#"{"api":"sandbox","api_key":"{{secret:api_key}}"}"#;
    assert_eq!(
        profile(&Scripted::new([]), sandbox).unwrap_err().class,
        ErrorClass::Invalid
    );
}
