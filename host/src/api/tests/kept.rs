//! What the store has, shown and changed.

use super::*;

#[tokio::test]
async fn the_host_shows_itself() {
    let options = Options {
        public_url: Some("https://hooks.example".to_owned()),
        ..Options::recommended()
    };
    let home = Home::with_channel(options).await;
    let served = home.served().await;
    let answer = served.ask("GET", "/host", "").await;
    let expected = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "outbox_held": false,
        "public_url": "https://hooks.example",
    });
    assert_eq!(answer.done(200), expected);
    assert!(
        answer.head.contains("cache-control: no-store"),
        "{answer:?}"
    );

    let answer = served.ask("GET", "/metrics", "").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .head
            .contains(&format!("content-type: {}", metrics::CONTENT_TYPE))
    );
    assert!(
        answer
            .body
            .contains("channel_host_outbox_open{channel=\"c1\"} 0"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_channel_is_found_by_id_and_name() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = home.served().await;
    let list = served.ask("GET", "/channels", "").await.done(200);
    for name in ["c1", "Front%20desk", "Front%20des%6B"] {
        let shown = served
            .ask("GET", &format!("/channels/{name}"), "")
            .await
            .done(200);
        assert_eq!(
            (&shown["id"], &shown["name"]),
            (&json!("c1"), &json!("Front desk"))
        );
        assert_eq!(list, json!({"channels": [shown], "broken": []}));
    }
    let webhook = served
        .ask("GET", "/channels/c1/webhook", "")
        .await
        .done(200);
    let url = webhook["url"].as_str().unwrap();
    assert!(url.ends_with(&format!("/webhooks/{PATH}")), "{webhook}");
    assert_eq!(
        webhook["headers"],
        json!([{"name": "x-secret", "value": SECRET}])
    );
    let described = served
        .ask("GET", "/channels/c1/description", "")
        .await
        .done(200);
    assert_eq!(described["provider"], "Example");
}

#[tokio::test]
async fn a_channel_is_removed() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = home.served().await;
    let answer = served.ask("DELETE", "/channels/c1?force=true", "").await;
    assert_eq!((answer.status, &*answer.body), (204, ""), "{answer:?}");
    let list = served.ask("GET", "/channels", "").await.done(200);
    assert_eq!(list, json!({"channels": [], "broken": []}));
}

#[tokio::test]
async fn a_message_is_handed_in_once() {
    let home = Home::with_channel(Options::recommended()).await;
    let served = home.served().await;
    let bearer = format!("authorization: Bearer {TOKEN}");
    let send = async |key: &str, message: &str| {
        let key = format!("idempotency-key: {key}");
        let headers = [&*bearer, "content-type: application/json", &key];
        served
            .ask_with("POST", "/channels/c1/messages", &headers, message)
            .await
    };
    let message = r#"{"to": {"phone": "491701234567"}, "content": {"type": "text", "text": "Hi"}}"#;
    let first = send("\"k1\"", message).await.done(202);
    assert_eq!(
        (&first["channel"], &first["to"]),
        (&json!("c1"), &json!({"phone": "491701234567"}))
    );
    let id = first["id"].as_str().unwrap();
    assert_eq!(send("k1", message).await.done(202)["id"], id);
    let other = message.replace("Hi", "Ho");
    send("k1", &other).await.problem(422, "key-reused");
    send("", message).await.problem(422, "key");
    send(&"k".repeat(256), message).await.problem(422, "key");

    let unknown = message.replace("text\", \"text", "text\", \"txt");
    let problem = send("k2", &unknown).await.problem(422, "invalid");
    assert!(problem["problems"][0]["pointer"].is_string(), "{problem}");
    let listed = served
        .ask("GET", "/channels/c1/messages", "")
        .await
        .done(200);
    assert_eq!(listed["messages"].as_array().unwrap().len(), 1);
    assert_eq!(listed["messages"][0]["id"], id);

    let of = format!("/channels/c1/messages/{id}");
    assert_eq!(served.ask("GET", &of, "").await.done(200)["id"], id);
    let none = served.ask("GET", "/channels/c1/messages/m0", "").await;
    none.problem(404, "not-found");
}

#[tokio::test]
async fn only_what_was_given_up_is_sent_again() {
    let home = Home::with_channel(Options::recommended()).await;
    home.write(
        r#"INSERT INTO message (id, channel, contact, recipient, message, state, open, part, parts, due, accepted)
         VALUES ('m1', 'c1', 'phone:1', '{"phone": "1"}', '{}', 'held', 0, 0, 1, 0, 0),
                ('m2', 'c1', 'phone:1', '{"phone": "1"}', '{}', 'read', 0, 0, 1, 0, 0);
         INSERT INTO part (message, number, method, path, content_type, body, reference, state)
         SELECT sequence, 0, 'POST', '/', 'text/plain', x'', id, 'queued' FROM message;"#,
    )
    .await;
    let served = home.served().await;
    let held = served
        .ask("GET", "/channels/c1/messages?state=held&limit=5", "")
        .await
        .done(200);
    assert_eq!(held["messages"].as_array().unwrap().len(), 1);
    let again = served
        .ask("POST", "/channels/c1/messages/m2/resend", "")
        .await;
    let problem = again.problem(409, "not-resendable");
    assert!(
        problem["detail"].as_str().unwrap().contains("is read"),
        "{problem}"
    );
    let again = served
        .ask("POST", "/channels/c1/messages/m1/resend", "")
        .await
        .done(202);
    assert_ne!(again["state"], "held");
}

#[tokio::test]
async fn what_has_not_left_is_cancelled() {
    let home = Home::with_channel(Options::recommended()).await;
    home.write(
        r#"INSERT INTO message (id, channel, contact, recipient, message, state, open, part, parts, due, accepted)
         VALUES ('m1', 'c1', 'phone:1', '{"phone": "1"}', '{}', 'held', 0, 0, 1, 0, 0),
                ('m2', 'c1', 'phone:1', '{"phone": "1"}', '{}', 'read', 0, 0, 1, 0, 0);"#,
    )
    .await;
    let served = home.served().await;
    for _ in 0..2 {
        let cancel = served.ask("POST", "/channels/c1/messages/m1/cancel", "");
        assert_eq!(cancel.await.done(200)["state"], "cancelled");
    }
    let read = served
        .ask("POST", "/channels/c1/messages/m2/cancel", "")
        .await;
    let problem = read.problem(409, "not-cancellable");
    assert!(
        problem["detail"].as_str().unwrap().contains("is read"),
        "{problem}"
    );
    let listed = served
        .ask("GET", "/channels/c1/messages?state=cancelled", "")
        .await
        .done(200);
    assert_eq!(listed["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_waits_for_the_vendor_is_answered_when_the_server_stops() {
    let home = Home::with_channel(Options::recommended()).await;
    // Nothing is sent, so nothing settles.
    home.write("INSERT INTO host (key, value) VALUES ('outbox_held', '1')")
        .await;
    let Home {
        directory,
        store,
        host,
    } = home;
    host.stop().await;
    let vault = Vault::from_file(&directory.path().join("key"), &store)
        .await
        .unwrap();
    let parts = (store.clone(), vault);
    let options = Options::recommended();
    let host = Host::start(
        &ENGINE,
        parts,
        directory.path(),
        None,
        options,
        Clock::default(),
    );
    let home = Home {
        host: host.await.unwrap(),
        directory,
        store,
    };
    let served = home.served().await;
    assert_eq!(
        served.ask("GET", "/outbox", "").await.done(200),
        json!({"held": true})
    );

    let bearer = format!("authorization: Bearer {TOKEN}");
    let json = "content-type: application/json";
    let path = "/channels/c1/messages?wait=true";
    let message = r#"{"to": {"phone": "491701234567"}, "content": {"type": "text", "text": "Hi"}}"#;
    let mut waiting = served.begin("POST", path, &[&bearer, json]).await;
    let rest = format!("content-length: {}\r\n\r\n{message}", message.len());
    waiting.write_all(rest.as_bytes()).await.unwrap();
    let queued = async {
        while served.ask("GET", "/channels/c1/messages", "").await.json()["messages"] == json!([]) {
        }
    };
    timeout(Duration::from_secs(10), queued).await.unwrap();
    served.stop().await;
    let answer = Answer::read(&mut waiting).await;
    assert_eq!(answer.done(202)["state"], "queued");
}

#[tokio::test]
async fn a_copy_is_released() {
    let home = Home::empty().await;
    let served = home.served().await;
    let file = home.directory.path().join("copy.db");
    let body = json!({"file": file}).to_string();
    let answer = served.ask("POST", "/backup", &body).await;
    assert_eq!(answer.done(201), json!({"file": file}));
    served
        .ask("POST", "/backup", &body)
        .await
        .problem(409, "exists");
    served.stop().await;

    let copied = tempfile::tempdir().unwrap();
    std::fs::copy(&file, copied.path().join("host.db")).unwrap();
    let store = Store::open(copied.path()).unwrap();
    let vault = Vault::from_file(&home.directory.path().join("key"), &store)
        .await
        .unwrap();
    let parts = (store.clone(), vault);
    let (options, clock) = (Options::recommended(), Clock::default());
    let host = Host::start(&ENGINE, parts, copied.path(), None, options, clock);
    let copy = Home {
        host: host.await.unwrap(),
        directory: copied,
        store,
    };
    let served = copy.served().await;
    for (method, path, held) in [
        ("GET", "/outbox", true),
        ("POST", "/outbox/release", false),
        ("GET", "/outbox", false),
    ] {
        let answer = served.ask(method, path, "").await;
        assert_eq!(answer.done(200), json!({"held": held}), "{method}");
    }
}

#[tokio::test]
async fn deliveries_are_shown_and_taken_in_again() {
    let home = Home::with_channel(Options::recommended()).await;
    home.write(
        r#"INSERT INTO delivery (id, channel, received, state, reason, request, body) VALUES
           (1, 'c1', 0, 'done', NULL, '{"method": "POST"}', x'00ff'),
           (2, 'c1', 0, 'parked', 'trapped',
            '{"method": "POST", "headers": [{"name": "Content-Type", "value": "text/html"}]}', x'3c703e'),
           (3, 'c1', 0, 'parked', 'trapped',
            '{"method": "POST", "headers": [{"name": "content-type", "value": "a\u0000b"}]}', x'78');"#,
    )
    .await;
    let served = home.served().await;
    let ids = async |query: &str| {
        let path = format!("/channels/c1/deliveries{query}");
        let listed = served.ask("GET", &path, "").await.done(200);
        let listed = listed["deliveries"].as_array().unwrap().iter();
        listed
            .map(|it| it["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, [3, 2, 1]);
    assert_eq!(ids("?state=parked").await, [3, 2]);
    assert_eq!(ids("?limit=1").await, [3]);
    assert_eq!(ids("?before=3&limit=1").await, [2]);

    let shown = served.ask("GET", "/deliveries/2", "").await.done(200);
    assert_eq!(
        (&shown["channel"], &shown["reason"]),
        (&json!("c1"), &json!("trapped"))
    );
    for (id, content_type, body) in [
        (2, "text/html", "<p>"),
        (3, "application/octet-stream", "x"),
    ] {
        let answer = served
            .ask("GET", &format!("/deliveries/{id}/body"), "")
            .await;
        assert_eq!((answer.status, &*answer.body), (200, body));
        for header in [
            &*format!("content-type: {content_type}\r\n"),
            "content-disposition: attachment",
            "x-content-type-options: nosniff",
        ] {
            assert!(answer.head.contains(header), "{header}: {answer:?}");
        }
    }
    served
        .ask("POST", "/deliveries/1/replay", "")
        .await
        .problem(409, "not-parked");
    let one = served
        .ask("POST", "/deliveries/2/replay", "")
        .await
        .done(200);
    assert_eq!(one, json!({"replayed": 1}));
    // The component can't take them in: it is parked again, for that.
    let parked = async {
        loop {
            let shown = served.ask("GET", "/deliveries/2", "").await.done(200);
            if shown["state"] == "parked" {
                return shown;
            }
        }
    };
    let parked = timeout(Duration::from_secs(10), parked).await.unwrap();
    assert_eq!(parked["reason"], "absent", "{parked}");
    let all = served
        .ask("POST", "/channels/c1/deliveries/replay", "")
        .await
        .done(200);
    assert_eq!(all, json!({"replayed": 2}));
}
