//! What is refused, and what is open.

use super::*;

#[tokio::test]
async fn only_health_is_shown_without_the_token() {
    let home = Home::empty().await;
    let served = home.served().await;
    for path in ["/healthz", "/readyz"] {
        let answer = served.ask_with("GET", path, &[], "").await;
        assert_eq!((answer.status, &*answer.body), (200, "ok"), "{path}");
    }
    for (method, path) in [
        ("GET", "/metrics"),
        ("GET", "/host"),
        ("GET", "/outbox"),
        ("POST", "/outbox/release"),
        ("POST", "/backup"),
        ("GET", "/channels"),
        ("POST", "/channels"),
        ("GET", "/channels/c1"),
        ("PATCH", "/channels/c1"),
        ("DELETE", "/channels/c1"),
        ("GET", "/channels/c1/webhook"),
        ("POST", "/channels/c1/messages"),
        ("GET", "/deliveries/1/body"),
        ("GET", "/events"),
        ("GET", "/events/stream"),
        ("PUT", "/channels"),
        ("GET", "/nothing"),
        ("GET", "/"),
    ] {
        for headers in [&[][..], &["authorization: Bearer 0123456789abcdef"]] {
            let answer = served.ask_with(method, path, headers, "").await;
            answer.problem(401, "unauthorised");
            assert!(answer.head.contains("www-authenticate: bearer"));
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let home = Home::empty().await;
    let served = home.served().await;
    for path in [
        "/nothing",
        "/",
        "/channels/",
        "/channels/a/b/c/d",
        "/webhooks/x",
    ] {
        served.ask("GET", path, "").await.problem(404, "not-found");
    }
    for (method, path, allow) in [
        ("PUT", "/channels", "post"),
        ("POST", "/healthz", "get"),
        ("POST", "/channels/c1", "delete"),
        ("DELETE", "/events", "get"),
    ] {
        let answer = served.ask(method, path, "").await;
        answer.problem(405, "method-not-allowed");
        let line = answer.head.lines().find(|line| line.starts_with("allow: "));
        assert!(line.unwrap().contains(allow), "{answer:?}");
    }
    let named = "/channels/no%20such%2Fone";
    for (method, path, body) in [
        ("GET", "", ""),
        ("PATCH", "", r#"{"settings": {}}"#),
        ("DELETE", "?force=true", ""),
        ("POST", "/connect", "{}"),
        ("POST", "/disconnect", ""),
        ("POST", "/check", ""),
        ("GET", "/webhook", ""),
        ("GET", "/description", ""),
        ("POST", "/messages", "{}"),
        ("GET", "/messages", ""),
        ("GET", "/messages/m1", ""),
        ("POST", "/messages/m1/resend", ""),
        ("POST", "/messages/m1/cancel", ""),
        ("GET", "/window?phone=1", ""),
        ("POST", "/contacts", r#"{"contacts": []}"#),
        ("DELETE", "/contacts?phone=1", ""),
        ("POST", "/read", r#"{"message_id": "m1"}"#),
        ("POST", "/typing", r#"{"message_id": "m1"}"#),
        ("GET", "/profile", ""),
        ("PATCH", "/profile", "{}"),
        ("GET", "/number", ""),
        ("GET", "/blocked", ""),
        ("POST", "/blocked", r#"{"recipients": []}"#),
        ("DELETE", "/blocked?phone=1", ""),
        ("GET", "/deliveries", ""),
        ("POST", "/deliveries/replay", ""),
    ] {
        let answer = served.ask(method, &format!("{named}{path}"), body).await;
        let problem = answer.problem(404, "not-found");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("`no such/one`"),
            "{method} {path}: {detail}"
        );
    }
    for path in ["", "/body"] {
        let answer = served.ask("GET", &format!("/deliveries/7{path}"), "").await;
        answer.problem(404, "not-found");
    }
    let answer = served.ask("POST", "/deliveries/7/replay", "").await;
    answer.problem(404, "not-found");
    let answer = served.ask("GET", "/events?channel=none", "").await;
    answer.problem(404, "not-found");
}

#[tokio::test]
async fn what_cannot_be_read_is_a_problem() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = home.served().await;
    for (method, path, body, status, kind) in [
        ("GET", "/channels/%FF", "", 400, "bad-request"),
        ("GET", "/deliveries/x", "", 400, "bad-request"),
        ("GET", "/events?after=x", "", 400, "bad-request"),
        ("GET", "/events?kind=message", "", 400, "bad-request"),
        ("GET", "/channels/c1/window", "", 400, "bad-request"),
        (
            "GET",
            "/channels/c1/window?phone=1&group=2",
            "",
            400,
            "bad-request",
        ),
        (
            "DELETE",
            "/channels/c1/contacts?group=2",
            "",
            400,
            "bad-request",
        ),
        (
            "DELETE",
            "/channels/c1?force=perhaps",
            "",
            400,
            "bad-request",
        ),
        (
            "GET",
            "/channels/c1/deliveries?state=lost",
            "",
            400,
            "bad-request",
        ),
        (
            "GET",
            "/channels/c1/messages?state=lost",
            "",
            400,
            "bad-request",
        ),
        (
            "GET",
            "/channels/c1/messages?before=1",
            "",
            400,
            "bad-request",
        ),
        (
            "GET",
            "/channels/c1/deliveries?sate=done",
            "",
            400,
            "bad-request",
        ),
        ("PATCH", "/channels/c1", "{", 400, "bad-request"),
        ("PATCH", "/channels/c1", "{}", 422, "invalid"),
        (
            "PATCH",
            "/channels/c1",
            r#"{"settings": {}, "replace": true}"#,
            422,
            "invalid",
        ),
        (
            "POST",
            "/channels",
            r#"{"settings": {}, "component": "?"}"#,
            422,
            "invalid",
        ),
        ("POST", "/channels", r#"{"settings": {}}"#, 422, "component"),
        (
            "POST",
            "/channels",
            r#"{"settings": {}, "component": "AGFzbQ=="}"#,
            422,
            "component",
        ),
        ("POST", "/backup", r#"{"file": "here.db"}"#, 422, "invalid"),
        (
            "POST",
            "/backup",
            r#"{"file": "/no/such/place/here.db"}"#,
            422,
            "invalid",
        ),
    ] {
        served.ask(method, path, body).await.problem(status, kind);
    }
    let bearer = format!("authorization: Bearer {TOKEN}");
    let answer = served
        .ask_with("POST", "/channels", &[&bearer], "settings=1")
        .await;
    answer.problem(415, "unsupported-media-type");
}

#[tokio::test]
async fn a_contact_that_is_nobody_is_not_imported() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = home.served().await;
    let nobody = r#"{"contacts": [{"contact": {"phone": "1"}}, {"contact": {"name": "Ada"}}]}"#;
    let answer = served.ask("POST", "/channels/c1/contacts", nobody).await;
    let problem = answer.problem(422, "invalid");
    assert_eq!(problem["problems"].as_array().unwrap().len(), 1);
    assert_eq!(problem["problems"][0]["pointer"], "/contacts/1/contact");
}

#[tokio::test]
async fn what_a_channel_does_not_have_is_named() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = home.served().await;
    for (method, path, body, interface) in [
        ("POST", "read", r#"{"message_id": "m1"}"#, "sender"),
        ("POST", "typing", r#"{"message_id": "m1"}"#, "sender"),
        ("GET", "templates", "", "template-store"),
        ("GET", "templates/a/en", "", "template-store"),
        ("GET", "vendor/templates", "", "template-store"),
        ("POST", "templates/sync", "", "template-store"),
        ("GET", "profile", "", "account"),
        ("PATCH", "profile", r#"{"about": "Plants"}"#, "account"),
        ("GET", "number", "", "account"),
        ("GET", "blocked?cursor=c2", "", "account"),
        (
            "POST",
            "blocked",
            r#"{"recipients": [{"phone": "1"}]}"#,
            "account",
        ),
        ("DELETE", "blocked?user_id=1", "", "account"),
    ] {
        let path = format!("/channels/c1/{path}");
        let problem = served
            .ask(method, &path, body)
            .await
            .problem(422, "unsupported");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(interface), "{method} {path}: {detail}");
    }
}

#[tokio::test]
async fn what_would_be_ignored_of_a_profile_is_refused() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = home.served().await;
    let ask = async |body| served.ask("PATCH", "/channels/c1/profile", body).await;
    let problem = ask(r#"{"about": "Plants", "vertical": "RETAIL"}"#)
        .await
        .problem(422, "invalid");
    let told = &problem["problems"][0];
    assert_eq!(told["pointer"], "/vertical");
    assert!(
        told["message"].as_str().unwrap().contains("`industry`"),
        "{told}"
    );
    let problem = ask(r#"{"websites": "https://example.com"}"#)
        .await
        .problem(422, "invalid");
    assert_eq!(problem["problems"][0]["pointer"], "/websites");
}

#[tokio::test]
async fn what_stands_in_the_wrong_place_is_not_repeated() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = home.served().await;
    for (method, path, body) in [
        (
            "POST",
            "/channels",
            r#"{"settings": {}, "name": ["MARKED"]}"#,
        ),
        (
            "POST",
            "/channels",
            r#"{"settings": {}, "replace_foreign": "MARKED"}"#,
        ),
        (
            "POST",
            "/channels",
            r#"{"settings": {}, "component": "MARKED!"}"#,
        ),
        ("PATCH", "/channels/c1", r#"{"settings": "MARKED"}"#),
        (
            "PATCH",
            "/channels/c1",
            r#"{"settings": {"api_key": "MARKED"}, "name": 1}"#,
        ),
        (
            "PATCH",
            "/channels/c1",
            r#"{"settings": {"api_key": "MARKED}}"#,
        ),
    ] {
        let answer = served.ask(method, path, body).await;
        assert!(matches!(answer.status, 400 | 422), "{answer:?}");
        assert!(!answer.body.contains("MARKED"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_has_its_limit() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = home.served().await;
    let long = "x".repeat(3 << 20);
    let body = format!(r#"{{"content": "{long}"}}"#);
    let answer = served.ask("POST", "/channels/c1/messages", &body).await;
    answer.problem(413, "too-large");
    // A component may be larger; this one is not even base64.
    let body = format!(r#"{{"settings": {{}}, "component": "{long}!"}}"#);
    let answer = served.ask("POST", "/channels", &body).await;
    assert_eq!(
        answer.problem(422, "invalid")["problems"][0]["pointer"],
        "/component"
    );
}
