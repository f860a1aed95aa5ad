//! What is done once the number is connected: putting back, and looking.

use super::*;

fn text(path: &str, text: &str) -> Attribute {
    Attribute {
        path: path.into(),
        value: Scalar::Text(text.into()),
    }
}

#[test]
fn what_was_there_before_is_put_back_with_its_secrets_unseen() {
    let before = [
        registration(
            "account",
            "https://account.example.com",
            &[("A", "{{secret:previous_account/A}}")],
        ),
        registration(
            "number",
            THEIRS,
            &[
                ("Authorization", "{{secret:previous/Authorization}}"),
                ("X-Plain", "1"),
            ],
        ),
    ];
    let theirs = leads_to("https://account.example.com");
    let http = Scripted::new([leads_to(OURS), unset(), theirs]);
    disconnect(&http, CLOUD, &target(), &before).unwrap();
    let requests = http.requests();
    assert_eq!(requests[1].url, WRITE[5..]);
    assert_eq!(
        written(&requests),
        [
            r#"{"url":"https://other.example.com/hook","headers":{"Authorization":"{{secret:previous/Authorization}}","X-Plain":"1"}}"#
        ]
    );
}

#[test]
fn ours_is_removed_where_there_was_none_before() {
    let none = Registration {
        scope: None,
        url: None,
        headers: Vec::new(),
    };
    let account = registration("account", "https://account.example.com", &[]);
    for before in [
        vec![],
        vec![none],
        vec![account],
        vec![registration("number", OURS, &[])],
    ] {
        let http = Scripted::new([leads_to(OURS), unset(), unset()]);
        disconnect(&http, CLOUD, &target(), &before).unwrap();
        assert_eq!(written(&http.requests()), [r#"{"url":"","headers":{}}"#]);
    }
}

#[test]
fn what_is_no_longer_ours_is_left_alone() {
    let before = [registration("number", THEIRS, &[])];
    for answer in [
        unset(),
        leads_to("https://third.example.com"),
        leads_to(THEIRS),
        words(200, "null"),
    ] {
        // The account's may stay unread.
        let http = Scripted::new([answer, words(500, "")]);
        disconnect(&http, CLOUD, &target(), &before).unwrap();
        assert_eq!(http.lines(), [READ, READ_ACCOUNT]);
    }
    for answer in [nothing(), words(401, ""), interrupted()] {
        let http = Scripted::new([answer]);
        disconnect(&http, CLOUD, &target(), &before).unwrap_err();
        assert_eq!(http.lines(), [READ]);
    }
    // Nobody can tell whose the sandbox's is.
    let http = Scripted::new([nothing(), unset()]);
    disconnect(&http, SANDBOX, &target(), &[]).unwrap();
    assert_eq!(http.lines().len(), 2);

    let http = Scripted::new([leads_to(OURS), words(500, "")]);
    assert_eq!(
        disconnect(&http, CLOUD, &target(), &[]).unwrap_err().class,
        ErrorClass::Temporary
    );
}

#[test]
fn what_is_put_back_can_t_ask_for_other_secrets() {
    for (url, name, value) in [
        ("https://evil.example.com/{{secret:api_key}}", "A", "1"),
        (THEIRS, "A", "{{secret:api_key}}"),
        (THEIRS, "A", "{{secret:webhook}}"),
        (THEIRS, "A", "{{secret:previous/A}}{{secret:api_key}}"),
        (THEIRS, "A", "{{secret:previous_account/A}}"),
        (THEIRS, "A", "{{secret:previous/{{secret:api_key}}}}"),
        (THEIRS, "{{secret:api_key}}", "1"),
    ] {
        let http = Scripted::new([leads_to(OURS)]);
        let before = [registration("number", url, &[(name, value)])];
        let error = disconnect(&http, CLOUD, &target(), &before).unwrap_err();
        assert_eq!(error.class, ErrorClass::Invalid);
        assert_eq!(http.lines(), [READ]);
    }
}

#[test]
fn health_tells_ability_webhook_errors_and_the_rest() {
    let http = Scripted::new([
        status(),
        leads_to(OURS),
        leads_to(THEIRS),
        brings_our_secret(),
    ]);
    let health = health(&http, CLOUD, Some(&target())).unwrap();
    assert_eq!(health.sending, Ability::Limited);
    assert_eq!(health.receiving, Some(true));
    assert_eq!(
        health.registrations,
        [
            registration(
                "number",
                OURS,
                &[("Authorization", "{{secret:current/Authorization}}")]
            ),
            registration(
                "account",
                THEIRS,
                &[("Authorization", "{{secret:current_account/Authorization}}")]
            ),
        ]
    );
    let [payment, odd, unexplained] = health.errors.try_into().unwrap();
    assert_eq!(
        (payment.class, payment.retry),
        (ErrorClass::Unauthorised, Retry::AfterChange)
    );
    assert_eq!(payment.code.as_deref(), Some("131042"));
    assert_eq!(payment.message.as_deref(), Some("No payment method"));
    assert_eq!(payment.details.as_deref(), Some("PHONE_NUMBER"));
    assert_eq!(payment.remedy.as_deref(), Some("Add one"));
    assert_eq!(
        payment.attributes,
        [Attribute {
            path: "/subcode".into(),
            value: Scalar::Integer(5)
        }]
    );
    assert_eq!(
        (odd.class, odd.retry),
        (ErrorClass::Unknown, Retry::AfterChange)
    );
    assert_eq!(
        (unexplained.class, unexplained.retry),
        (ErrorClass::Unknown, Retry::Unknown)
    );
    for attribute in [
        text("/quality_rating", "GREEN"),
        text("/health_status/entities/1/can_send_messages", "AVAILABLE"),
    ] {
        assert!(health.attributes.contains(&attribute), "{attribute:?}");
    }
    let requests = http.requests();
    assert!(requests.iter().all(|request| request.method == "GET"));
    assert!(
        requests
            .iter()
            .flat_map(|request| &request.seal)
            .all(|seal| !seal.name.starts_with(Scope::Number.previous()))
    );
}

#[test]
fn health_tells_whether_deliveries_come_here_only_where_it_knows() {
    for (present, target, receiving, errors) in [
        (leads_to(THEIRS), Some(target()), Some(false), 3),
        (unset(), Some(target()), Some(false), 3),
        (leads_to(OURS), None, None, 3),
        (nothing(), Some(target()), None, 4),
        (words(500, ""), Some(target()), None, 4),
    ] {
        let http = Scripted::new([status(), present, nothing()]);
        let health = health(&http, CLOUD, target.as_ref()).unwrap();
        assert_eq!((health.receiving, health.errors.len()), (receiving, errors));
    }
    let error = health(&Scripted::new([words(401, "")]), CLOUD, None).unwrap_err();
    assert_eq!(error.class, ErrorClass::Unauthorised);
}

#[test]
fn deliveries_that_come_without_our_secret_do_not_come_here() {
    let receiving = |settings, answers: Vec<Answer>| {
        let first = [status(), leads_to(OURS), nothing()];
        let http = Scripted::new(first.into_iter().chain(answers));
        let health = health(&http, settings, Some(&target())).unwrap();
        http.requests();
        (health.receiving, health.errors.len())
    };
    for (answer, expected) in [
        (brings_our_secret(), (Some(true), 3)),
        (brings("x-channel-secret", "another"), (Some(false), 3)),
        (brings("x-secret", "{{secret:webhook}}"), (Some(false), 3)),
        (unset(), (Some(false), 3)),
        (words(500, ""), (None, 4)),
    ] {
        assert_eq!(receiving(CLOUD, vec![answer]), expected);
    }
    let hmac = r#"{"webhook_authentication": "hmac"}"#;
    assert_eq!(receiving(hmac, vec![]), (Some(true), 3));
}

#[test]
fn the_account_s_webhook_counts_where_the_number_has_none() {
    for (number, expected) in [
        (unset(), Some(true)),
        (leads_to(THEIRS), Some(false)),
        (words(500, ""), None),
    ] {
        let asked = (expected == Some(true)).then(brings_our_secret);
        let script = [status(), number, leads_to(OURS)];
        let http = Scripted::new(script.into_iter().chain(asked));
        let health = health(&http, CLOUD, Some(&target())).unwrap();
        assert_eq!(health.receiving, expected);
        http.requests();
    }
}

#[test]
fn other_apis_tell_less() {
    let http = Scripted::new([leads_to(OURS), brings_our_secret()]);
    let sandbox = health(&http, SANDBOX, Some(&target())).unwrap();
    assert_eq!(sandbox.sending, Ability::Other("unknown".into()));
    assert_eq!(sandbox.receiving, Some(true));
    let sandbox = health(&Scripted::new([nothing()]), SANDBOX, Some(&target())).unwrap();
    assert_eq!((sandbox.receiving, sandbox.errors), (None, vec![]));

    for (word, ability) in [
        ("connected", Ability::Available),
        ("connecting", Ability::Other("connecting".into())),
    ] {
        let status = says(200, &json!({"health": {"gateway_status": word}}));
        let http = Scripted::new([status, leads_to(OURS)]);
        let health = health(&http, ON_PREMISE, None).unwrap();
        assert_eq!(health.sending, ability);
        assert_eq!(health.attributes, [text("/health/gateway_status", word)]);
        assert_eq!(http.lines()[0], "GET http://localhost:1/v1/health");
    }
    for (word, ability) in [
        ("BLOCKED", Ability::Blocked),
        ("available", Ability::Available),
        ("RESTING", Ability::Other("RESTING".into())),
    ] {
        let status = says(200, &json!({"health_status": {"can_send_messages": word}}));
        let http = Scripted::new([status, unset(), unset()]);
        assert_eq!(health(&http, CLOUD, None).unwrap().sending, ability);
    }
}
