//! Placeholders are filled, values masked, credentials sealed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

/// The body that arrived.
fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").unwrap().1
}

fn seal(pointer: &str, name: &str) -> Seal {
    Seal {
        pointer: pointer.to_owned(),
        name: name.to_owned(),
    }
}

fn sealing(url: String, seals: &[(&str, &str)]) -> Request {
    let seal = seals.iter().map(|(pointer, name)| seal(pointer, name));
    Request {
        seal: seal.collect(),
        ..get(url)
    }
}

fn text(response: &Response) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}

#[tokio::test]
async fn headers_are_filled_always_and_bodies_when_asked_for() {
    let peer = Peer::answering(answer("200 OK", "")).await;
    let secrets = Kept::of(&[("api_key", KEY), ("old/a%2Fb", "{{secret:api_key}}")]);
    let client = peer.client(&secrets);
    let request = Request {
        headers: Vec::new(),
        ..post(peer.origin(), r#"{"a":"{{secret:api_key}}"}"#)
    };
    let headers = [
        JSON,
        ("key", "Bearer {{secret:api_key}} {{secret:api_key}}"),
        ("old", "{{secret:old/a%2Fb}}"),
    ];
    send(&client, with(request.clone(), &headers))
        .await
        .unwrap();
    let arrived = peer.requests().pop().unwrap();
    assert!(arrived.contains(&format!("key: Bearer {KEY} {KEY}\r\n")));
    assert!(arrived.contains("old: {{secret:api_key}}\r\n"), "once only");
    assert_eq!(body(&arrived), r#"{"a":"{{secret:api_key}}"}"#);

    let filling = Request {
        fill_body: true,
        ..request
    };
    send(&client, with(filling, &headers)).await.unwrap();
    let arrived = peer.requests().pop().unwrap();
    assert!(arrived.contains(&format!("content-length: {}\r\n", body(&arrived).len())));
    let arrived: Value = serde_json::from_str(body(&arrived)).unwrap();
    assert_eq!(arrived, json!({"a": KEY}));
}

#[tokio::test]
async fn a_value_does_not_break_out_of_its_place() {
    let peer = Peer::answering(answer("200 OK", "")).await;
    let value = "a\",\"b\":\"c\\&d=\u{1}";
    let client = peer.client(&Kept::of(&[("api_key", value)]));
    let filling = |content_type, body: &str| {
        let request = Request {
            fill_body: true,
            ..post(peer.origin(), body)
        };
        with(request, &[("Content-Type", content_type)])
    };
    for content_type in ["application/json", "Application/Hal+JSON"] {
        let request = filling(content_type, r#"{"a":"{{secret:api_key}}"}"#);
        send(&client, request).await.unwrap();
        let arrived = peer.requests().pop().unwrap();
        let arrived: Value = serde_json::from_str(body(&arrived)).unwrap();
        assert_eq!(arrived, json!({"a": value}));
    }
    let request = filling(
        "application/x-www-form-urlencoded",
        "k={{secret:api_key}}&l=m",
    );
    send(&client, request).await.unwrap();
    let arrived = peer.requests().pop().unwrap();
    let pairs: Vec<_> = url::form_urlencoded::parse(body(&arrived).as_bytes()).collect();
    assert_eq!(
        pairs,
        [("k".into(), value.into()), ("l".into(), "m".into())]
    );

    let before = peer.requests().len();
    let reason = denied(&client, filling("text/xml", "<a>{{secret:api_key}}</a>")).await;
    assert!(reason.contains("JSON and forms only"), "{reason}");
    let request = with(get(peer.origin()), &[("key", "{{secret:api_key}}")]);
    let reason = denied(&client, request).await;
    assert!(reason.contains("control character"), "{reason}");
    assert!(!reason.contains('&'), "{reason}");
    assert_eq!(peer.requests().len(), before);
}

#[tokio::test]
async fn a_placeholder_without_its_secret_is_denied() {
    let peer = Peer::answering(answer("200 OK", "")).await;
    let client = peer.client(&Kept::of(&[("api_key", KEY)]));
    for (value, rule) in [
        ("{{secret:webhook}}", "{{secret:webhook}}"),
        ("{{secret:API_KEY}}", "{{secret:API_KEY}}"),
        ("{{secret:api_key }}", "{{secret:api_key }}"),
        ("{{secret:\u{202e}}}", "\\u{202e}"),
        ("{{secret:api_key", "no end"),
    ] {
        let reason = denied(&client, with(get(peer.origin()), &[("key", value)])).await;
        assert!(reason.contains(rule), "{reason}");
        let request = Request {
            fill_body: true,
            ..with(post(peer.origin(), format!("[\"{value}\"]")), &[JSON])
        };
        let reason = denied(&client, request).await;
        assert!(reason.contains(rule), "{reason}");
    }
    assert_eq!(peer.requests().len(), 0);
}

#[tokio::test]
async fn filled_values_count() {
    let peer = Peer::answering(answer("200 OK", "")).await;
    let mut client = peer.client(&Kept::of(&[("api_key", &"x".repeat(4096))]));
    client.limits.request_bytes = 10_000;
    let request = |times| Request {
        fill_body: true,
        ..with(
            post(peer.origin(), "{{secret:api_key}}".repeat(times)),
            &[JSON],
        )
    };
    assert_eq!(send(&client, request(2)).await.unwrap().status, 200);
    for times in [3, 500] {
        let reason = denied(&client, request(times)).await;
        assert!(reason.contains("longer than 10000 bytes"), "{reason}");
    }
    let headers = [("a", "{{secret:api_key}}"); 5];
    let reason = denied(&client, with(get(peer.origin()), &headers)).await;
    assert!(reason.contains("bytes"), "{reason}");
}

#[tokio::test]
async fn values_are_masked_in_answers() {
    let forms = [
        KEY.to_owned(),
        serde_json::to_string(KEY).unwrap(),
        serde_json::to_string(KEY).unwrap().replace('/', "\\/"),
        STANDARD.encode(KEY),
        hex::encode(KEY),
        hex::encode_upper(KEY),
        url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect(),
    ];
    for form in forms {
        let mut reply = format!("HTTP/1.1 200 OK\r\nx-echo: it is {form}!\r\n\r\n").into_bytes();
        reply.extend_from_slice(b"\xff\xfe");
        reply.extend_from_slice(form.as_bytes());
        reply.extend_from_slice(b"\x80 short");
        let peer = Peer::start(move |_, _| Act::Close(reply.clone())).await;
        let client = peer.client(&Kept::of(&[("api_key", KEY), ("pin", "short")]));
        let response = send(&client, get(peer.origin())).await.unwrap();
        let echo = header(&response, "x-echo").unwrap();
        let quoted = format!(
            "it is {}!",
            form.replace(form.trim_matches('"'), "{{secret:api_key}}")
        );
        // Padding is no part of the value.
        assert_eq!(echo.replace('=', ""), quoted);
        assert!(response.body.starts_with(b"\xff\xfe"));
        assert!(response.body.ends_with(b"\x80 short"), "short ones stay");
        assert!(String::from_utf8_lossy(&response.body).contains("{{secret:api_key}}"));
    }
}

#[tokio::test]
async fn the_longest_value_is_masked_first() {
    let peer = Peer::answering(answer("200 OK", "abcdefg1-ijkl abcdefg1")).await;
    let secrets = Kept::of(&[("a", "abcdefg1"), ("b", "abcdefg1-ijkl")]);
    let response = send(&peer.client(&secrets), get(peer.origin())).await;
    assert_eq!(text(&response.unwrap()), "{{secret:b}} {{secret:a}}");
}

fn mask(values: &[(&str, &str)]) -> Mask {
    let secret = |(name, value): &(&str, &str)| {
        let value = Secret::new((*value).to_owned());
        ((*name).to_owned(), value)
    };
    let secrets: Vec<_> = values.iter().map(secret).collect();
    Mask::new(&secrets, |_| false).unwrap()
}

#[test]
fn of_values_that_overlap_the_first_is_masked_and_of_these_the_longest() {
    let values = [
        ("a", "aaaaaaaa"),
        ("b", "aaaaaaaaab"),
        ("c", "baaaaaaaa"),
        ("d", "aaaaaaaabaaaaaaaac"),
    ];
    let mask = mask(&values);
    // Every text of as and a few other letters, masked as the rule says.
    let mut seed = 1_u32;
    for _ in 0..2000 {
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 16
        };
        let length = next() % 100;
        let text: String = (0..length)
            .map(|_| char::from(b"aaaaaaaaaaaaaabc"[next() as usize % 16]))
            .collect();
        let mut expected = String::new();
        let mut rest = &*text;
        while !rest.is_empty() {
            let begins = values.iter().filter(|(_, value)| rest.starts_with(value));
            if let Some((name, value)) = begins.max_by_key(|(_, value)| value.len()) {
                expected += &crate::settings::placeholder(name);
                rest = &rest[value.len()..];
            } else {
                expected += &rest[..1];
                rest = &rest[1..];
            }
        }
        let masked = mask.mask(text.as_bytes(), 10_000).unwrap();
        assert_eq!(String::from_utf8(masked).unwrap(), expected, "{text}");
    }
}

#[test]
fn of_two_secrets_with_one_value_the_one_that_is_not_sealed_is_shown() {
    let value = || Secret::new("hook-token-9a8b7c".to_owned());
    let secrets = ["current/x", "webhook"].map(|name| (name.to_owned(), value()));
    for name in ["current/x", "webhook"] {
        let mask = Mask::new(&secrets, |other| other == name).unwrap();
        let shown = if name == "webhook" {
            "current/x"
        } else {
            "webhook"
        };
        let shown = format!("{{{{secret:{shown}}}}}");
        assert_eq!(
            mask.mask(b"hook-token-9a8b7c", 99).unwrap(),
            shown.as_bytes()
        );
    }
}

#[test]
fn values_are_masked_wherever_they_stand_in_a_large_answer() {
    let mask = mask(&[("api_key", KEY)]);
    for before in (65_500..65_560).chain([0, 131_072, 200_000]) {
        let text = |middle: &str| format!("{}{middle}...", ".".repeat(before)).into_bytes();
        let masked = mask.mask(&text(KEY), 1 << 20).unwrap();
        assert!(masked == text("{{secret:api_key}}"), "{before}");
    }
}

#[test]
fn no_secrets_make_masking_slow() {
    let near = |index: usize| format!("{}{index:04}", "a".repeat(4092));
    let names: Vec<_> = (0..256).map(|index| format!("old/{index}")).collect();
    let values: Vec<_> = (0..256).map(near).collect();
    let pairs = names.iter().zip(&values);
    let mut values: Vec<_> = pairs.map(|(name, value)| (&**name, &**value)).collect();
    values.push(("short", "aaaaaaaa"));
    let began = std::time::Instant::now();
    let masked = mask(&values).mask(&b"a".repeat(8 << 20), 32 << 20);
    assert_eq!(masked.unwrap(), b"{{secret:short}}".repeat(1 << 20));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test]
async fn words_that_stand_beside_sealed_credentials_are_not_masked() {
    let body = "gatewayword application/json correct-horse lowercasekey";
    let peer = Peer::answering(answer("200 OK", body)).await;
    let secrets = Kept::of(&[
        ("old/source", "gatewayword"),
        ("old/type", "application/json"),
        ("old/phrase", "correct-horse"),
        ("api_key", "lowercasekey"),
    ]);
    let response = send(&peer.client(&secrets), get(peer.origin())).await;
    assert_eq!(
        text(&response.unwrap()),
        "gatewayword application/json {{secret:old/phrase}} {{secret:api_key}}"
    );
}

#[tokio::test]
async fn masking_makes_no_answer_larger_than_its_bound() {
    let name = format!("a/{}", "x".repeat(200));
    let peer = Peer::answering(answer("200 OK", &"12345678".repeat(100))).await;
    let mut client = peer.client(&Kept::of(&[(&name, "12345678")]));
    client.limits.answer_bytes = 1000;
    let failure = send(&client, get(peer.origin())).await.unwrap_err();
    assert_eq!(failure, Failure::TooLarge(200));
}

#[tokio::test]
async fn members_are_sealed_and_can_be_written_back() {
    let registration = json!({
        "url": "https://other.example/hook?token=T0PSECRET",
        "headers": {
            "Authorization": "Bearer 0123456789",
            "content-type": "application/json",
            "a/b}}": "foreign-value {{secret:api_key}}",
            "nested": [{"k": "v-123456789"}, 5, null, ""],
        },
        "count": 12,
        "absent": null,
        "echo": "see Bearer 0123456789 and application/json",
    });
    let head = "200 OK\r\nx-echo: Bearer 0123456789\r\ncontent-type: application/json";
    let reply = answer(head, &registration.to_string());
    let peer = Peer::answering(reply).await;
    let secrets = Kept::of(&[("api_key", KEY)]);
    let client = peer.client(&secrets);
    let seals = [
        ("/url", "old_url"),
        ("/headers", "old"),
        ("/absent", "absent"),
        ("/missing", "missing"),
        ("/count", "count"),
    ];
    let response = send(&client, sealing(peer.origin(), &seals)).await.unwrap();
    let seen: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(
        seen,
        json!({
            "url": "{{secret:old_url}}",
            "headers": {
                "Authorization": "{{secret:old/Authorization}}",
                "content-type": "{{secret:old/content-type}}",
                "a/b}}": "{{secret:old/a%2Fb%7D%7D}}",
                "nested": [{"k": "{{secret:old/nested/0/k}}"}, 5, null, ""],
            },
            "count": 12,
            "absent": null,
            "echo": "see {{secret:old/Authorization}} and application/json",
        })
    );
    assert_eq!(
        header(&response, "x-echo"),
        Some("{{secret:old/Authorization}}")
    );
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    assert_eq!(secrets.values().len(), 6);

    // Written back, it is what it was; and masked where it is repeated.
    let request = Request {
        fill_body: true,
        ..with(post(peer.origin(), response.body), &[JSON])
    };
    let repeated = send(&client, request).await.unwrap();
    let arrived = peer.requests().pop().unwrap();
    let arrived: Value = serde_json::from_str(body(&arrived)).unwrap();
    assert_eq!(arrived, registration);
    for value in ["T0PSECRET", "0123456789", "foreign-value", "v-123456789"] {
        assert!(!text(&repeated).contains(value), "{}", text(&repeated));
    }
}

#[tokio::test]
async fn an_answer_that_can_not_be_sealed_is_withheld() {
    let many = json!({"a": vec!["value"; 257]}).to_string();
    let long = json!({"a": "x".repeat(4097)}).to_string();
    let named = json!({"a": {"x".repeat(300): 1}}).to_string();
    let full = Arc::new(Kept {
        seals: true,
        full: true,
        ..Kept::default()
    });
    let good = json!({"a": "value"}).to_string();
    let asking = json!({"a": {"{{secret:api_key}}": "value"}}).to_string();
    let escaped = r#"{"a": "value", "b": "\u007b{secret:api_key}}"}"#;
    let cases = [
        ("not JSON: hunter2", Kept::of(&[])),
        ("", Kept::of(&[])),
        (&*many, Kept::of(&[])),
        (&*long, Kept::of(&[])),
        (&*named, Kept::of(&[])),
        (&*good, full),
        (&*asking, Kept::of(&[])),
        (escaped, Kept::of(&[])),
    ];
    for (reply, secrets) in cases {
        let peer = Peer::answering(answer("418 Teapot\r\nx-h: 1", reply)).await;
        let client = peer.client(&secrets);
        let response = send(&client, sealing(peer.origin(), &[("/a", "old")])).await;
        let response = response.unwrap();
        assert_eq!((response.status, &*response.body), (418, &b""[..]));
        assert_eq!(header(&response, "x-h"), Some("1"));
        assert_eq!(secrets.values(), []);
    }
    let mut latin = answer("200 OK", "{\"a\":\"--\"}");
    let end = latin.len();
    latin[end - 4] = 0xe9;
    let peer = Peer::answering(latin).await;
    let response = send(
        &peer.client(&Kept::of(&[])),
        sealing(peer.origin(), &[("/a", "old")]),
    )
    .await;
    assert_eq!(response.unwrap().body, b"");
}

#[tokio::test]
async fn a_host_that_does_not_seal_sends_nothing() {
    let peer = Peer::answering(answer("200 OK", "{}")).await;
    let client = peer.client(&Arc::default());
    let failure = send(&client, sealing(peer.origin(), &[("/a", "old")])).await;
    assert_eq!(failure.unwrap_err(), Failure::SealingDeclined);
    assert_eq!(peer.requests().len(), 0);
}

#[tokio::test]
async fn what_to_seal_is_judged_before_it_is_sent() {
    let peer = Peer::answering(answer("200 OK", "{}")).await;
    let client = peer.client(&Kept::of(&[]));
    for (seals, rule) in [
        (&[("/a", "api_key")][..], "secret of the settings"),
        (&[("/a", "webhook")], "secret of the settings"),
        (&[("/a", "webhook_path")], "secret of the settings"),
        (&[("/a", "Old")], "small letters"),
        (&[("/a", "old/x")], "small letters"),
        (&[("/a", "")], "small letters"),
        (&[("a", "old")], "JSON Pointer"),
        (&[("/a", "old"), ("/b", "old")], "sealed twice"),
        (&[("/a", "old"), ("/a/b", "new")], "sealed twice"),
        (&[("/a/b", "old"), ("", "new")], "sealed twice"),
        (&[("/a", "old"); 17], "16 members"),
    ] {
        let reason = denied(&client, sealing(peer.origin(), seals)).await;
        assert!(reason.contains(rule), "{reason}");
    }
    assert_eq!(peer.requests().len(), 0);
    let fine = sealing(peer.origin(), &[("/a", "old"), ("/ab", "new")]);
    assert_eq!(send(&client, fine).await.unwrap().status, 200);
}

#[cfg(feature = "command")]
mod logs {
    use std::io;

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[tokio::test]
    async fn logs_say_where_and_never_what() {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(log.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        // With a second one, what other tests' threads meet first is not taken for unwanted by all.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
        let reply = json!({"key": KEY, "other": "SEALED-VALUE"}).to_string();
        let peer = Peer::answering(answer("200 OK", &reply)).await;
        let client = peer.client(&Kept::of(&[("api_key", KEY)]));
        let url = format!("{}/path?query=PRIVATE", peer.origin());
        let mut request = with(post(url, "\"{{secret:api_key}} BODY\""), &[JSON]);
        request.fill_body = true;
        request.seal = vec![seal("/other", "old")];
        let request = with(request, &[("x", "{{secret:api_key}}")]);
        assert_eq!(send(&client, request).await.unwrap().status, 200);
        drop(guard);
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let ours = log.lines().find(|line| line.contains("answered")).unwrap();
        assert!(ours.contains("/path") && ours.contains("200"), "{ours}");
        for never in ["MARKED", "SEALED-VALUE", "PRIVATE", "BODY"] {
            assert!(!log.contains(never), "{log}");
        }
        assert!(log.contains("may be private"), "{log}");
    }
}
