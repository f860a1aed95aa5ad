//! The account's webhook, where it is this channel's too.

use super::*;

const BOTH: &str = r#"{"webhook_scope": "number_and_account"}"#;
const ACCOUNTS: &str = "https://account.example.com/hook";
const WRITE_ACCOUNT: &str = "POST https://waba-v2.360dialog.io/waba_webhook";
const OUR_BODY: &str = r#"{"url":"https://bot.example.com/hooks/abc","headers":{"x-channel-secret":"{{secret:webhook}}"},"override_all":false}"#;

fn asked(requests: &[Request]) -> Vec<String> {
    let line = |request: &Request| format!("{} {}", request.method, request.url);
    requests.iter().map(line).collect()
}

fn message() -> Answer {
    says(200, &json!({"message": "The webhook is being set"}))
}

#[test]
fn it_is_registered_after_the_number_s_and_overrides_none() {
    let script = [
        status(),
        unset(),
        unset(),
        leads_to(OURS),
        leads_to(OURS),
        message(),
    ];
    let http = Scripted::new(script);
    let connected = connect(&http, BOTH, Some(&target())).unwrap();
    assert_eq!(connected.settles_in_seconds, Some(20));
    assert_eq!((connected.warnings, connected.previous), (vec![], vec![]));
    let lines = [STATUS, READ, READ_ACCOUNT, WRITE, READ, WRITE_ACCOUNT];
    let requests = http.requests();
    assert_eq!(asked(&requests), lines);
    assert_eq!(written(&requests)[1], OUR_BODY);

    // On the account's own terms it is none of the sandbox's.
    let sandbox = r#"{"webhook_scope": "number_and_account", "api": "sandbox"}"#;
    let http = Scripted::new([unset(), unset(), leads_to(OURS)]);
    let connected = connect(&http, sandbox, Some(&target())).unwrap();
    assert_eq!(connected.settles_in_seconds, None);
    assert_eq!(written(&http.requests()).len(), 1);

    assert_eq!(
        connect(&Scripted::new([status()]), BOTH, None)
            .unwrap()
            .settles_in_seconds,
        None,
        "nothing is registered"
    );
}

#[test]
fn another_system_s_is_in_the_way_before_anything_changes() {
    let http = Scripted::new([status(), unset(), leads_to(ACCOUNTS)]);
    let error = connect(&http, BOTH, Some(&target())).unwrap_err();
    let header = [("Authorization", "{{secret:current_account/Authorization}}")];
    let expected = registration("account", ACCOUNTS, &header);
    assert_eq!(error, ConnectError::Occupied(expected));
    assert!(written(&http.requests()).is_empty());

    let http = Scripted::new([status(), unset(), words(500, "")]);
    failed(connect(&http, BOTH, Some(&replacing())).unwrap_err());
    assert!(
        written(&http.requests()).is_empty(),
        "it is not replaced unseen"
    );
}

#[test]
fn another_system_s_is_kept_and_put_back_with_its_secrets_unseen() {
    let http = Scripted::new([
        status(),
        unset(),
        leads_to(ACCOUNTS),
        leads_to(ACCOUNTS),
        unset(),
        leads_to(OURS),
        message(),
    ]);
    let previous = connect(&http, BOTH, Some(&replacing())).unwrap().previous;
    let header = [("Authorization", "{{secret:previous_account/Authorization}}")];
    assert_eq!(previous, [registration("account", ACCOUNTS, &header)]);

    let http = Scripted::new([leads_to(OURS), unset(), leads_to(OURS), message()]);
    disconnect(&http, BOTH, &target(), &previous).unwrap();
    let requests = http.requests();
    assert_eq!(asked(&requests), [READ, WRITE, READ_ACCOUNT, WRITE_ACCOUNT]);
    let theirs = r#"{"url":"https://account.example.com/hook","headers":{"Authorization":"{{secret:previous_account/Authorization}}"},"override_all":false}"#;
    assert_eq!(written(&requests), [r#"{"url":"","headers":{}}"#, theirs]);
    // Ours shows late, so what is still there may be ours soon.
    let http = Scripted::new([unset(), leads_to(ACCOUNTS), message()]);
    disconnect(&http, BOTH, &target(), &previous).unwrap();
    assert_eq!(written(&http.requests()), [theirs]);
    // A third one is left alone.
    let http = Scripted::new([unset(), leads_to("https://third.example.com")]);
    disconnect(&http, BOTH, &target(), &previous).unwrap();
    assert!(written(&http.requests()).is_empty());
}

#[test]
fn no_other_secret_is_put_back_with_it() {
    for name in ["previous/A", "api_key", "webhook"] {
        let value = format!("{{{{secret:{name}}}}}");
        let before = [registration("account", ACCOUNTS, &[("A", &value)])];
        let http = Scripted::new([unset(), leads_to(OURS)]);
        let error = disconnect(&http, BOTH, &target(), &before).unwrap_err();
        assert_eq!(error.class, ErrorClass::Invalid, "{name}");
    }
}

#[test]
fn where_there_was_none_it_is_removed_or_left() {
    let refused = || says(400, &json!({"error": "url is required"}));
    for answer in [message(), refused()] {
        let http = Scripted::new([unset(), leads_to(OURS), answer]);
        disconnect(&http, BOTH, &target(), &[]).unwrap();
        let body = r#"{"url":"","headers":{},"override_all":false}"#;
        assert_eq!(written(&http.requests()), [body]);
    }
    let http = Scripted::new([unset(), leads_to(OURS), words(500, "")]);
    disconnect(&http, BOTH, &target(), &[]).unwrap_err();
}

#[test]
fn what_is_no_longer_wanted_is_told_and_given_back() {
    let script = [status(), unset(), leads_to(OURS), unset(), leads_to(OURS)];
    let connected = connect(&Scripted::new(script), CLOUD, Some(&target())).unwrap();
    assert_eq!(codes(&connected), ["account_webhook_kept"]);
    let previous = [registration("account", ACCOUNTS, &[])];
    let http = Scripted::new([leads_to(OURS), unset(), leads_to(OURS), message()]);
    disconnect(&http, CLOUD, &target(), &previous).unwrap();
    assert_eq!(http.lines().last().map(String::as_str), Some(WRITE_ACCOUNT));
}

#[test]
fn health_tells_where_it_does_not_lead_here() {
    let errors = |account: Answer, secret: Option<Answer>| {
        let quiet = says(
            200,
            &json!({"id": "77", "health_status": {"can_send_messages": "AVAILABLE"}}),
        );
        let script = [quiet, leads_to(OURS), account, brings_our_secret()];
        let http = Scripted::new(script.into_iter().chain(secret));
        let health = health(&http, BOTH, Some(&target())).unwrap();
        assert_eq!(health.receiving, Some(true));
        health.errors
    };
    assert_eq!(errors(leads_to(OURS), Some(brings_our_secret())), []);
    for (account, secret) in [
        (unset(), None),
        (leads_to(ACCOUNTS), None),
        (leads_to(OURS), Some(leads_to(OURS))),
    ] {
        let [error] = errors(account, secret).try_into().unwrap();
        assert!(
            error
                .message
                .is_some_and(|it| it.contains("does not lead here"))
        );
        assert!(error.remedy.is_some_and(|it| it.contains("20 seconds")));
    }
}

#[test]
fn what_is_ours_at_a_former_address_is_in_nobody_s_way() {
    let path = "0123456789abcdef0123456789abcdef";
    let target = WebhookTarget {
        url: format!("https://bot.example.com/webhooks/{path}"),
        ..target()
    };
    let former = || leads_to(&format!("https://old.example.com/webhooks/{path}"));
    let ours = leads_to(&target.url);
    let http = Scripted::new([status(), former(), former(), unset(), ours, message()]);
    let connected = connect(&http, BOTH, Some(&target)).unwrap();
    assert_eq!((connected.warnings, connected.previous), (vec![], vec![]));
    // A foreign one beside it is in the way all the same.
    let http = Scripted::new([status(), former(), leads_to(ACCOUNTS)]);
    let error = connect(&http, BOTH, Some(&target)).unwrap_err();
    assert!(matches!(error, ConnectError::Occupied(_)), "{error:?}");
    // An end that can be guessed proves nothing.
    let http = Scripted::new([status(), leads_to("https://old.example.com/hooks/abc")]);
    connect(&http, CLOUD, Some(&super::target())).unwrap_err();
}
