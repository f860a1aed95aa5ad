use serde_json::json;

use super::*;
use crate::api::tests::{Scripted, says, words};
use crate::bindings::exports::messaging::channel::connection::Ability;
use crate::bindings::messaging::channel::http::{Failure, Request, Response};
use crate::bindings::messaging::channel::types::{Attribute, Header, Retry, Scalar};

mod account;
mod looking;

const CLOUD: &str = "{}";
const SANDBOX: &str = r#"{"api": "sandbox"}"#;
const ON_PREMISE: &str = r#"{"api": "on_premise", "base_url": "http://localhost:1"}"#;
const OURS: &str = "https://bot.example.com/hooks/abc";
const THEIRS: &str = "https://other.example.com/hook";

const STATUS: &str = "GET https://waba-v2.360dialog.io/health_status?fields=health_status,display_phone_number,verified_name,name_status,quality_rating";
const READ: &str = "GET https://waba-v2.360dialog.io/v1/configs/webhook";
const READ_ACCOUNT: &str = "GET https://waba-v2.360dialog.io/waba_webhook";
const WRITE: &str = "POST https://waba-v2.360dialog.io/v1/configs/webhook";

type Answer = Result<Response, Failure>;

fn target() -> WebhookTarget {
    WebhookTarget {
        url: OURS.into(),
        replace_foreign: false,
    }
}

fn replacing() -> WebhookTarget {
    WebhookTarget {
        replace_foreign: true,
        ..target()
    }
}

fn status() -> Answer {
    says(
        200,
        &json!({
            "display_phone_number": "+49 30 123456",
            "quality_rating": "GREEN",
            "health_status": {"can_send_messages": "LIMITED", "entities": [
                {"entity_type": "PHONE_NUMBER", "id": "77", "can_send_messages": "LIMITED", "errors": [{
                    "error_code": 131_042, "error_description": "No payment method", "possible_solution": "Add one",
                    "subcode": 5,
                }]},
                {"entity_type": "WABA", "id": 88, "can_send_messages": "AVAILABLE", "errors": [
                    {"error_code": 141_000, "error_description": "Odd", "possible_solution": "Look"},
                    {"error_code": 141_000, "error_description": "Odd"},
                ]},
            ]},
            "id": "77",
        }),
    )
}

fn leads_to(url: &str) -> Answer {
    says(
        200,
        &json!({"url": url, "headers": {"Authorization": "Basic cGFzcw==", "X-Pin": 1234}}),
    )
}

/// Ours, as a host shows it that masks its own secret.
fn brings(name: &str, value: &str) -> Answer {
    says(200, &json!({"url": OURS, "headers": {name: value}}))
}

fn brings_our_secret() -> Answer {
    brings("X-Channel-Secret", "{{secret:webhook}}")
}

fn unset() -> Answer {
    says(200, &json!({"url": "", "headers": ""}))
}

fn nothing() -> Answer {
    says(
        404,
        &json!({"meta": {"success": false, "developer_message": "Object not found"}}),
    )
}

fn interrupted() -> Answer {
    Err(Failure::Interrupted("timeout".into()))
}

fn registration(scope: &str, url: &str, headers: &[(&str, &str)]) -> Registration {
    Registration {
        scope: Some(scope.into()),
        url: Some(url.into()),
        headers: headers
            .iter()
            .map(|(name, value)| Header {
                name: (*name).into(),
                value: (*value).into(),
            })
            .collect(),
    }
}

fn written(requests: &[Request]) -> Vec<&str> {
    requests
        .iter()
        .filter(|request| request.method == "POST")
        .map(|request| {
            assert!(request.fill_body);
            std::str::from_utf8(request.body.as_deref().unwrap()).unwrap()
        })
        .collect()
}

fn codes(connected: &Connected) -> Vec<&str> {
    connected
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect()
}

fn failed(error: ConnectError) -> Error {
    match error {
        ConnectError::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_free_number_is_proved_registered_and_read_back() {
    let http = Scripted::new([status(), unset(), unset(), leads_to(OURS), leads_to(OURS)]);
    let connected = connect(&http, CLOUD, Some(&target())).unwrap();
    assert_eq!(connected.account_id.as_deref(), Some("88"));
    assert_eq!(connected.phone_number_id.as_deref(), Some("77"));
    assert_eq!(connected.phone_number.as_deref(), Some("+49 30 123456"));
    assert_eq!(connected.previous, []);
    assert_eq!(connected.settles_in_seconds, None);
    assert_eq!(connected.warnings, []);
    let requests = http.requests();
    let lines: Vec<_> = requests
        .iter()
        .map(|request| format!("{} {}", request.method, request.url))
        .collect();
    assert_eq!(lines, [STATUS, READ, READ_ACCOUNT, WRITE, READ]);
    assert_eq!(
        written(&requests),
        [
            r#"{"url":"https://bot.example.com/hooks/abc","headers":{"x-channel-secret":"{{secret:webhook}}"}}"#
        ]
    );
    // Whatever reads a registration has its headers sealed.
    for request in requests
        .iter()
        .filter(|request| request.method == "GET" && request.url != STATUS[4..])
    {
        assert_eq!(request.seal[0].pointer, "/headers");
    }
}

#[test]
fn the_secret_header_is_registered_where_it_is_wanted() {
    for (authentication, headers) in [
        ("header", r#"{"x-channel-secret":"{{secret:webhook}}"}"#),
        (
            "header_and_hmac",
            r#"{"x-channel-secret":"{{secret:webhook}}"}"#,
        ),
        ("hmac", "{}"),
    ] {
        let http = Scripted::new([status(), unset(), unset(), unset(), leads_to(OURS)]);
        let settings = json!({"webhook_authentication": authentication}).to_string();
        connect(&http, &settings, Some(&target())).unwrap();
        let body = format!(r#"{{"url":"{OURS}","headers":{headers}}}"#);
        assert_eq!(written(&http.requests()), [body]);
    }
}

#[test]
fn a_key_that_is_refused_ends_it() {
    for code in [401, 403] {
        let http = Scripted::new([words(code, "")]);
        let error = failed(connect(&http, CLOUD, Some(&target())).unwrap_err());
        assert_eq!(error.class, ErrorClass::Unauthorised);
        assert!(error.remedy.is_some());
        assert_eq!(http.lines(), [STATUS]);
    }
    // Any web server answers 200.
    for body in ["<html>", "", "null", "[]"] {
        let http = Scripted::new([words(200, body)]);
        let error = failed(connect(&http, CLOUD, Some(&target())).unwrap_err());
        assert_eq!(error.class, ErrorClass::Unknown, "{body}");
    }
}

#[test]
fn fields_that_are_not_known_are_left_out() {
    let fields = || {
        says(
            400,
            &json!({"error": {"code": 100, "message": "(#100) no such field"}}),
        )
    };
    let plain = says(200, &json!({"id": "77", "health_status": {"entities": []}}));
    let http = Scripted::new([fields(), plain, unset(), unset(), unset(), leads_to(OURS)]);
    let connected = connect(&http, CLOUD, Some(&target())).unwrap();
    assert_eq!(connected.phone_number_id.as_deref(), Some("77"));
    assert_eq!((connected.account_id, connected.phone_number), (None, None));
    assert_eq!(
        http.lines()[1],
        "GET https://waba-v2.360dialog.io/health_status"
    );

    let http = Scripted::new([fields(), words(401, "")]);
    assert_eq!(
        failed(connect(&http, CLOUD, Some(&target())).unwrap_err()).class,
        ErrorClass::Unauthorised
    );
    // What would be said again is not asked for again.
    for (sentence, class) in [
        (
            "Could not send message due to lack of payment",
            ErrorClass::Unauthorised,
        ),
        (
            "You have exceeded the endpoint rate limit.",
            ErrorClass::RateLimited,
        ),
    ] {
        let http = Scripted::new([says(400, &json!({"error": sentence}))]);
        assert_eq!(
            failed(connect(&http, CLOUD, Some(&target())).unwrap_err()).class,
            class
        );
        assert_eq!(http.lines(), [STATUS]);
    }
}

#[test]
fn another_system_s_webhook_is_in_the_way() {
    let http = Scripted::new([status(), leads_to(THEIRS)]);
    let error = connect(&http, CLOUD, Some(&target())).unwrap_err();
    let expected = registration(
        "number",
        THEIRS,
        &[("Authorization", "{{secret:current/Authorization}}")],
    );
    assert_eq!(error, ConnectError::Occupied(expected));
    assert_eq!(http.lines(), [STATUS, READ]);
}

#[test]
fn another_system_s_webhook_is_kept_and_replaced_where_that_is_asked_for() {
    let http = Scripted::new([
        status(),
        leads_to(THEIRS),
        leads_to("https://account.example.com"),
        leads_to(THEIRS),
        leads_to("https://account.example.com"),
        unset(),
        leads_to(OURS),
    ]);
    let connected = connect(&http, CLOUD, Some(&replacing())).unwrap();
    assert_eq!(
        connected.previous,
        [
            registration(
                "number",
                THEIRS,
                &[("Authorization", "{{secret:previous/Authorization}}")]
            ),
            registration(
                "account",
                "https://account.example.com",
                &[("Authorization", "{{secret:previous_account/Authorization}}")]
            ),
        ]
    );
    assert_eq!(connected.warnings, []);
    let requests = http.requests();
    let names: Vec<_> = requests
        .iter()
        .filter_map(|request| Some(request.seal.first()?.name.as_str()))
        .collect();
    assert_eq!(
        names,
        [
            "current",
            "current_account",
            "previous",
            "previous_account",
            "current"
        ]
    );
    assert_eq!(written(&requests).len(), 1);
}

#[test]
fn without_sealing_no_header_is_kept() {
    let script = || {
        [
            status(),
            leads_to(THEIRS),
            unset(),
            leads_to(THEIRS),
            unset(),
            leads_to(OURS),
        ]
    };
    let http = Scripted::new(script()).declining();
    let connected = connect(&http, CLOUD, Some(&replacing())).unwrap();
    assert_eq!(connected.previous, [registration("number", THEIRS, &[])]);
    assert_eq!(codes(&connected), ["headers_not_kept"]);
    assert_eq!(written(&http.requests()).len(), 1);

    let http = Scripted::new(script().into_iter().take(2)).declining();
    let error = connect(&http, CLOUD, Some(&target())).unwrap_err();
    assert_eq!(
        error,
        ConnectError::Occupied(registration("number", THEIRS, &[]))
    );
}

#[test]
fn connecting_twice_registers_twice_and_forgets_nothing() {
    let http = Scripted::new([status(), leads_to(OURS), unset(), unset(), leads_to(OURS)]);
    let connected = connect(&http, CLOUD, Some(&target())).unwrap();
    assert_eq!(connected.previous, []);
    let requests = http.requests();
    assert_eq!(written(&requests).len(), 1);
    // What was kept under this name is somebody else's.
    assert!(
        requests
            .iter()
            .flat_map(|request| &request.seal)
            .all(|seal| seal.name != Scope::Number.previous())
    );
}

#[test]
fn the_account_s_webhook_may_stay_unread() {
    for answer in [nothing(), words(500, ""), interrupted()] {
        let http = Scripted::new([status(), unset(), answer, unset(), leads_to(OURS)]);
        assert_eq!(
            codes(&connect(&http, CLOUD, Some(&target())).unwrap()),
            ["account_unread"]
        );
    }
}

#[test]
fn a_webhook_that_can_t_be_read_is_not_replaced() {
    for answer in [
        nothing(),
        words(500, ""),
        words(200, "<html>"),
        interrupted(),
        Err(Failure::TooLarge(200)),
    ] {
        let http = Scripted::new([status(), answer]);
        failed(connect(&http, CLOUD, Some(&replacing())).unwrap_err());
        assert_eq!(http.lines(), [STATUS, READ]);
    }
}

#[test]
fn the_sandbox_has_nothing_to_prove_the_key_with() {
    let http = Scripted::new([nothing(), unset(), nothing()]);
    let connected = connect(&http, SANDBOX, Some(&target())).unwrap();
    assert_eq!(codes(&connected), ["unproved", "unread"]);
    assert_eq!(connected.phone_number, None);
    let url = "https://waba-sandbox.360dialog.io/v1/configs/webhook";
    assert_eq!(
        http.lines(),
        [
            format!("GET {url}"),
            format!("POST {url}"),
            format!("GET {url}")
        ]
    );

    let http = Scripted::new([words(401, "")]);
    assert_eq!(
        failed(connect(&http, SANDBOX, Some(&target())).unwrap_err()).class,
        ErrorClass::Unauthorised
    );
}

#[test]
fn an_on_premise_stand_in_is_asked_for_its_number() {
    let number = says(200, &json!({"phone_number": "4930123456"}));
    let http = Scripted::new([number, unset(), unset(), leads_to(OURS)]);
    let connected = connect(&http, ON_PREMISE, Some(&target())).unwrap();
    assert_eq!(connected.phone_number.as_deref(), Some("4930123456"));
    assert_eq!(connected.warnings, []);
    assert_eq!(
        http.lines()[0],
        "GET http://localhost:1/v1/configs/phone_number"
    );

    let http = Scripted::new([nothing(), unset(), unset(), leads_to(OURS)]);
    assert_eq!(
        codes(&connect(&http, ON_PREMISE, Some(&target())).unwrap()),
        ["unproved"]
    );
    for answer in [words(403, ""), words(200, "<html>"), words(503, "")] {
        failed(connect(&Scripted::new([answer]), ON_PREMISE, Some(&target())).unwrap_err());
    }
}

#[test]
fn a_registration_that_does_not_show_is_told() {
    for read_back in [unset(), leads_to(THEIRS), words(500, ""), words(200, "OK")] {
        let http = Scripted::new([status(), unset(), unset(), unset(), read_back]);
        assert_eq!(
            codes(&connect(&http, CLOUD, Some(&target())).unwrap()),
            ["not_confirmed"]
        );
    }
    // What may have been registered is looked for.
    for answer in [interrupted(), words(502, "")] {
        let script = |secret| {
            let answer = answer.clone();
            [status(), unset(), unset(), answer, leads_to(OURS), secret]
        };
        let http = Scripted::new(script(brings_our_secret()));
        assert_eq!(connect(&http, CLOUD, Some(&target())).unwrap().warnings, []);
        let http = Scripted::new(script(leads_to(OURS)));
        let error = failed(connect(&http, CLOUD, Some(&target())).unwrap_err());
        assert_eq!(error.class, ErrorClass::Temporary, "it is the one before");
        let http = Scripted::new([status(), unset(), unset(), answer, leads_to(THEIRS)]);
        let error = failed(connect(&http, CLOUD, Some(&target())).unwrap_err());
        assert_eq!(error.class, ErrorClass::Temporary);
    }
    let refused = says(
        400,
        &json!({"meta": {"success": false, "developer_message": "bad", "details": ["url"]}}),
    );
    let http = Scripted::new([status(), leads_to(OURS), unset(), refused, leads_to(OURS)]);
    let error = failed(connect(&http, CLOUD, Some(&target())).unwrap_err());
    assert_eq!(error.details.as_deref(), Some("url"));
}

#[test]
fn settings_that_can_t_be_used_are_settled_first() {
    for settings in ["", "7", r#"{"api": "graph"}"#, r#"{"api": "on_premise"}"#] {
        let http = Scripted::new([]);
        match connect(&http, settings, Some(&target())) {
            Err(ConnectError::Settings(problems)) => assert!(!problems.is_empty(), "{settings}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(
            disconnect(&http, settings, &target(), &[])
                .unwrap_err()
                .class,
            ErrorClass::Invalid
        );
        assert_eq!(
            health(&http, settings, None).unwrap_err().class,
            ErrorClass::Invalid
        );
        assert!(http.requests().is_empty());
    }
}

#[test]
fn addresses_that_360dialog_does_not_take_are_refused() {
    for (url, code) in [
        ("http://bot.example.com/x", "not_https"),
        ("https://bot.example.com:8443/x", "port"),
        ("https://my_bot.example.com/x", "underscore"),
        ("https://203.0.113.7/x", "ip_address"),
        ("https://[2001:db8::1]/x", "ip_address"),
        ("https://user@bot.example.com/x", "user_info"),
        ("https://localhost/x", "not_public"),
        ("bot.example.com", "bad_url"),
        ("https://bot.example.com/{{secret:api_key}}", "bad_url"),
    ] {
        let target = WebhookTarget {
            url: url.into(),
            ..target()
        };
        let http = Scripted::new([]);
        let Err(ConnectError::Settings(problems)) = connect(&http, CLOUD, Some(&target)) else {
            panic!("{url}");
        };
        let found: Vec<_> = problems
            .iter()
            .map(|p| (p.pointer.as_str(), p.code.as_str()))
            .collect();
        assert_eq!(found, [("/url", code)], "{url}");
    }
}

#[test]
fn a_stand_in_on_this_machine_delivers_to_this_machine() {
    let local = Some("http://127.0.0.1:8090");
    for url in [
        "http://127.0.0.1:8080/x",
        "http://localhost:1/a_b",
        "https://my_bot:1/x",
    ] {
        assert_eq!(target::check(url, local), [], "{url}");
    }
    for url in [
        "http://user@localhost/x",
        "http://localhost/{{secret:webhook}}",
        "localhost",
    ] {
        assert_eq!(target::check(url, local).len(), 1, "{url}");
    }
    assert!(
        !target::check("http://127.0.0.1:8080/x", Some("https://proxy.example.com")).is_empty()
    );
}

#[test]
fn both_numbers_are_shown_where_they_differ() {
    for (typed, differs) in [("+4930123456", false), ("+4930123457", true)] {
        let settings = json!({"phone_number": typed}).to_string();
        let http = Scripted::new([
            status(),
            unset(),
            nothing(),
            says(200, &json!({})),
            leads_to(OURS),
        ]);
        let connected = connect(&http, &settings, Some(&target())).unwrap();
        let warning = connected
            .warnings
            .iter()
            .find(|it| it.code == "number_differs");
        assert_eq!(warning.is_some(), differs, "{typed}");
        if let Some(warning) = warning {
            assert_eq!(warning.pointer, "/phone_number");
            assert!(warning.message.contains("+49 30 123456") && warning.message.contains(typed));
        }
    }
}

#[test]
fn without_a_target_it_proves_and_compares_and_registers_nothing() {
    let http = Scripted::new([status()]);
    let settings = r#"{"phone_number": "+15550001111"}"#;
    let connected = connect(&http, settings, None).unwrap();
    assert_eq!(connected.phone_number_id.as_deref(), Some("77"));
    assert_eq!(codes(&connected), ["number_differs"]);
    failed(connect(&Scripted::new([words(401, "")]), CLOUD, None).unwrap_err());
}
