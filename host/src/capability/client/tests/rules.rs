//! What is denied before anything is sent.

use serde_json::json;

use super::*;

fn nothing() -> Arc<Kept> {
    Kept::of(&[])
}

#[test]
fn an_origin_has_one_spelling() {
    let origins = origins(
        &["https://API.Example.com./", "https://bücher.example:8443"],
        &[],
    );
    for address in [
        "https://api.example.com/a?b",
        "HTTPS://API.EXAMPLE.COM:443",
        "https://api.example.com.:443/",
        "https://api%2Eexample.com/",
        "https:\\\\api.example.com\\a",
        "https://xn--bcher-kva.example:8443/",
        "https://BÜCHER.example:8443/#fragment",
    ] {
        let admitted = origins.admit(address).unwrap();
        assert!(!admitted.private);
        assert_eq!(admitted.url.fragment(), None);
        assert!(!admitted.url.as_str().contains(".:"), "{}", admitted.url);
    }
}

#[test]
fn what_is_no_granted_origin_is_denied() {
    let origins = origins(
        &[
            "https://api.example.com",
            "http://plain.example",
            "https://8.8.8.8",
            "https://[::ffff:8.8.8.8]",
        ],
        &[],
    );
    for (address, rule) in [
        ("https://api.example.com:8443/", "is not an origin"),
        ("https://api.example.com..", "is not an origin"),
        ("http://api.example.com/", "is not an origin"),
        ("https://api.example.com.evil.example/", "is not an origin"),
        ("https://evil.example/api.example.com", "is not an origin"),
        (
            "https://evil.example\\@api.example.com/",
            "is not an origin",
        ),
        ("https://user@api.example.com/", "user or password"),
        ("https://:pass@api.example.com/", "user or password"),
        ("https://api.example.com@evil.example/", "user or password"),
        ("http://plain.example/", "is not encrypted"),
        ("https://8.8.8.8/", "is an IP address"),
        ("https://8.8.8.8./", "is an IP address"),
        ("https://134744072/", "is an IP address"),
        ("https://0x8.8.8.010/", "is an IP address"),
        ("https://[::ffff:8.8.8.8]/", "is an IP address"),
        ("https://127.1/", "is not an origin"),
        ("ftp://api.example.com/", "neither https nor http"),
        ("file:///etc/passwd", "neither https nor http"),
        ("api.example.com/", "not an absolute URL"),
        ("https://./", "no good host"),
        ("https://", "not an absolute URL"),
        ("https://api.example.com/{{secret:api_key}}", "placeholder"),
        (
            "https://api.example.com/?k={{secret:api_key}}",
            "placeholder",
        ),
    ] {
        let reason = origins.admit(address).unwrap_err();
        assert!(reason.contains(rule), "{address}: {reason}");
    }
}

#[test]
fn settings_hold_origins_too() {
    let rules = ["/base_url", "/absent", "/null", "/empty"];
    let rules = rules.map(|pointer| OriginRule::Setting(pointer.to_owned()));
    let settings = json!({"base_url": "https://Own.example:444/path", "null": null, "empty": ""});
    let origins = Origins::of(&description(rules.to_vec()), &settings.to_string()).unwrap();
    assert!(origins.admit("https://own.example:444/else").is_ok());
    assert!(origins.admit("https://own.example/else").is_err());

    let rule = description(vec![OriginRule::Setting("/u".to_owned())]);
    for value in [
        json!("https://user:hunter2@own.example"),
        json!("hunter2"),
        json!("ftp://hunter2"),
        json!(["hunter2"]),
    ] {
        let settings = json!({"u": value}).to_string();
        let error = Origins::of(&rule, &settings).unwrap_err();
        assert!(matches!(error, OriginError::Setting { .. }), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains("/u") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
    assert!(matches!(
        Origins::of(&rule, "{"),
        Err(OriginError::Settings(_))
    ));
    let rule = description(vec![OriginRule::Fixed("api.example.com".to_owned())]);
    assert!(matches!(
        Origins::of(&rule, "{}"),
        Err(OriginError::Fixed { .. })
    ));
    assert!(matches!(
        Origins::of(&description(Vec::new()), "{}")
            .unwrap()
            .with_private(["127.0.0.1"]),
        Err(OriginError::Private { .. })
    ));
}

#[test]
fn a_private_grant_is_for_one_origin_that_the_channel_has() {
    let granted = ["http://127.0.0.1:4010", "https://10.0.0.1"];
    let origins = origins(&granted, &["http://127.0.0.1:4010", "http://127.0.0.1:1"]);
    assert!(origins.admit("http://127.0.0.1:4010/x").unwrap().private);
    assert!(origins.admit("http://0x7f.1:4010/x").unwrap().private);
    for address in [
        "http://127.0.0.1:1/",
        "https://127.0.0.1:4010/",
        "http://127.0.0.2:4010/",
        "http://localhost:4010/",
        "https://10.0.0.1/",
    ] {
        assert!(origins.admit(address).is_err(), "{address}");
    }
}

#[tokio::test]
async fn a_name_with_a_private_address_is_denied() {
    let peer = Peer::answering(answer("200 OK", "")).await;
    let origin = format!("https://api.example:{}", peer.port);
    for addresses in [
        &["127.0.0.1"][..],
        &["8.8.8.8", "127.0.0.1"],
        &["127.0.0.1", "8.8.8.8"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["169.254.169.254"],
    ] {
        let client = client_over(&names(addresses), origins(&[&origin], &[]), &nothing());
        for request in [get(&origin), post(&origin, "body")] {
            let reason = denied(&client, request).await;
            assert!(reason.contains("private address"), "{reason}");
            assert!(!reason.contains("127."), "{reason}");
        }
    }
    assert_eq!(*peer.connections.lock().unwrap(), 0);
}

#[tokio::test]
async fn connections_are_made_to_the_addresses_that_were_looked_at() {
    let lookup = |ips: &[&str]| {
        let ips = ips.iter().map(|ip| ip.parse().unwrap()).collect();
        Public(Arc::new(Names(ips))).resolve("api.example".parse().unwrap())
    };
    let found: Vec<_> = lookup(&["8.8.8.8", "2606:4700::1"])
        .await
        .unwrap()
        .map(|address| address.ip().to_string())
        .collect();
    assert_eq!(found, ["8.8.8.8", "2606:4700::1"]);
    let Err(error) = lookup(&["8.8.8.8", "10.0.0.1"]).await else {
        panic!("a private address was let through");
    };
    assert!(error.is::<PrivateAddress>());
}

#[tokio::test]
async fn a_grant_lets_a_name_be_private() {
    let peer = Peer::answering(answer("200 OK", "hi")).await;
    let origin = format!("http://inner.example:{}", peer.port);
    let connections = names(&["127.0.0.1"]);
    let granted = client_over(&connections, origins(&[&origin], &[&origin]), &nothing());
    assert_eq!(send(&granted, get(&origin)).await.unwrap().body, b"hi");
    let host = format!("host: inner.example:{}\r\n", peer.port);
    assert!(peer.requests()[0].contains(&host));
    // Another channel has no part in it, though a connection stands.
    let other = client_over(&connections, origins(&[&origin], &[]), &nothing());
    denied(&other, get(&origin)).await;
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn headers_that_are_the_hosts_are_denied() {
    let peer = Peer::answering(answer("200 OK", "")).await;
    let client = peer.client(&nothing());
    for (name, value, rule) in [
        ("Host", "evil.example", "the host's to write"),
        ("content-length", "3", "the host's to write"),
        ("Transfer-Encoding", "chunked", "the host's to write"),
        ("connection", "x-key", "the host's to write"),
        ("keep-alive", "1", "the host's to write"),
        ("upgrade", "websocket", "the host's to write"),
        ("te", "trailers", "the host's to write"),
        ("trailer", "x", "the host's to write"),
        ("expect", "100-continue", "the host's to write"),
        ("Proxy-Authorization", "x", "the host's to write"),
        ("accept-encoding", "gzip", "identity"),
        ("x y", "1", "no header's name"),
        ("", "1", "no header's name"),
        ("x\r\ny", "1", "no header's name"),
        ("x", "a\r\nhost: b", "control character"),
        ("x", "a\tb", "control character"),
        ("x", "a\0", "control character"),
    ] {
        let request = with(get(peer.origin()), &[(name, value)]);
        let reason = denied(&client, request).await;
        assert!(reason.contains(rule), "{name}: {reason}");
    }
    assert_eq!(peer.requests().len(), 0);
}

#[tokio::test]
async fn what_is_larger_than_its_bound_is_denied() {
    let peer = Peer::answering(answer("200 OK", "")).await;
    let mut client = peer.client(&nothing());
    client.limits = HttpLimits {
        url_bytes: 100,
        headers: 2,
        header_bytes: 20,
        request_bytes: 10,
        ..HttpLimits::recommended()
    };
    let origin = peer.origin();
    let long = format!("{origin}/{}", "x".repeat(100));
    assert!(denied(&client, get(long)).await.contains("100 bytes"));
    for headers in [
        &[("a", "1"), ("b", "2"), ("c", "3")][..],
        &[("a", "12345678901234567890")],
        &[("a", "123456789"), ("b", "1234567890")],
    ] {
        let reason = denied(&client, with(get(&origin), headers)).await;
        assert!(reason.contains("2 headers of 20 bytes"), "{reason}");
    }
    let reason = denied(&client, post(&origin, "12345678901")).await;
    assert!(reason.contains("11 bytes and may have 10"), "{reason}");
    assert_eq!(peer.requests().len(), 0);
    let request = with(post(&origin, "1234567890"), &[("a", "1234567890")]);
    assert_eq!(send(&client, request).await.unwrap().status, 200);
}

#[tokio::test]
async fn only_plain_methods_are_sent() {
    let peer = Peer::answering(answer("200 OK", "")).await;
    let client = peer.client(&nothing());
    for method in ["CONNECT", "TRACE", "get", "G T", ""] {
        let request = Request {
            method: method.to_owned(),
            ..get(peer.origin())
        };
        let reason = denied(&client, request).await;
        assert!(reason.contains("in capitals"), "{reason}");
    }
    for method in METHODS.iter().filter(|method| **method != Method::HEAD) {
        let request = Request {
            method: method.to_string(),
            ..get(peer.origin())
        };
        assert_eq!(send(&client, request).await.unwrap().status, 200);
        let last = peer.requests().pop().unwrap();
        assert!(last.starts_with(&format!("{method} / HTTP/1.1\r\n")));
    }
}
