//! Requests and answers through real sockets.

use super::*;

#[tokio::test]
async fn a_request_arrives_as_it_was_asked_for() {
    let reply = answer("201 Created\r\nX-One: 1\r\nX-One: 2", "{\"id\":7}");
    let peer = Peer::answering(reply).await;
    let client = peer.client(&Kept::of(&[]));
    let url = format!("{}/v1/a%20b?c=d#e", peer.origin());
    let response = send(&client, with(post(url, "body"), &[("X-Mine", "ü")]))
        .await
        .unwrap();
    assert_eq!(
        (response.status, &*response.body),
        (201, &b"{\"id\":7}"[..])
    );
    let ones = response.headers.iter().filter(|h| h.name == "x-one");
    assert_eq!(ones.map(|h| &*h.value).collect::<Vec<_>>(), ["1", "2"]);
    let [request] = &peer.requests()[..] else {
        panic!("one request");
    };
    assert!(request.starts_with("POST /v1/a%20b?c=d HTTP/1.1\r\n"));
    assert!(request.ends_with("\r\n\r\nbody"));
    for line in [
        &*format!("host: 127.0.0.1:{}", peer.port),
        "x-mine: ü",
        "content-length: 4",
        &*format!("user-agent: channel-host/{}", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(request.lines().any(|l| l == line), "{line}: {request}");
    }
    for name in ["accept-encoding", "cookie", "referer", "transfer-encoding"] {
        assert!(!request.contains(name), "{request}");
    }
}

#[tokio::test]
async fn a_plugin_may_name_itself() {
    let peer = Peer::answering(answer("200 OK", "")).await;
    let client = peer.client(&Kept::of(&[]));
    let request = with(get(peer.origin()), &[("User-Agent", "mine/1")]);
    send(&client, request).await.unwrap();
    let request = peer.requests().remove(0);
    assert_eq!(request.matches("user-agent: ").count(), 1);
    assert!(request.contains("user-agent: mine/1\r\n"));
}

#[tokio::test]
async fn a_request_without_a_body_says_so_where_one_is_usual() {
    let peer = Peer::answering(answer("200 OK", "")).await;
    let client = peer.client(&Kept::of(&[]));
    for (method, length) in [("POST", true), ("PUT", true), ("GET", false)] {
        for body in [None, Some(Vec::new())] {
            let request = Request {
                method: method.to_owned(),
                body,
                ..get(peer.origin())
            };
            send(&client, request).await.unwrap();
            let request = peer.requests().pop().unwrap();
            assert_eq!(request.contains("content-length: 0\r\n"), length);
        }
    }
}

#[tokio::test]
async fn redirects_are_answers() {
    let other = Peer::answering(answer("200 OK", "other")).await;
    for status in [301, 302, 303, 307, 308] {
        let head = format!("{status} Moved\r\nlocation: {}/there", other.origin());
        let peer = Peer::answering(answer(&head, "moved")).await;
        let client = client(
            &[&peer.origin(), &other.origin()],
            &[&peer.origin(), &other.origin()],
            &Kept::of(&[]),
        );
        for request in [get(peer.origin()), post(peer.origin(), "body")] {
            let response = send(&client, request).await.unwrap();
            assert_eq!((response.status, &*response.body), (status, &b"moved"[..]));
            let there = format!("{}/there", other.origin());
            assert_eq!(header(&response, "location"), Some(&*there));
        }
        assert_eq!(peer.requests().len(), 2);
    }
    assert_eq!(*other.connections.lock().unwrap(), 0);
}

#[tokio::test]
async fn cookies_are_not_kept() {
    let peer = Peer::answering(answer("200 OK\r\nset-cookie: a=b", "")).await;
    let client = peer.client(&Kept::of(&[]));
    for _ in 0..2 {
        let response = send(&client, get(peer.origin())).await.unwrap();
        assert_eq!(header(&response, "set-cookie"), Some("a=b"));
    }
    assert!(!peer.requests()[1].contains("cookie"));
    assert_eq!(*peer.connections.lock().unwrap(), 1, "one is used again");
}

#[tokio::test]
async fn an_answer_is_bounded() {
    let many = "\r\nx: 1".repeat(65);
    let wide = format!("\r\nx: {}", "y".repeat(17 << 10));
    let body = "x".repeat(1001);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let endless = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}");
    for reply in [
        answer(&format!("200 OK{many}"), ""),
        answer(&format!("200 OK{wide}"), ""),
        answer("200 OK", &body),
        // What is only announced is not waited for.
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".to_vec(),
        chunked.into_bytes(),
        endless.into_bytes(),
    ] {
        let peer = Peer::answering(reply).await;
        let mut client = peer.client(&Kept::of(&[]));
        client.limits.answer_bytes = 1000;
        let failure = send(&client, get(peer.origin())).await.unwrap_err();
        assert_eq!(failure, Failure::TooLarge(200));
    }
    let peer = Peer::answering(answer("200 OK", &body[1..])).await;
    let mut client = peer.client(&Kept::of(&[]));
    client.limits.answer_bytes = 1000;
    let response = send(&client, get(peer.origin())).await.unwrap();
    assert_eq!(response.body.len(), 1000);
}

#[tokio::test]
async fn a_compressed_answer_is_withheld() {
    let peer = Peer::answering(answer("200 OK\r\ncontent-encoding: gzip", "squeezed")).await;
    let client = peer.client(&Kept::of(&[]));
    let response = send(&client, get(peer.origin())).await.unwrap();
    assert_eq!((response.status, &*response.body), (200, &b""[..]));
}

#[tokio::test]
async fn no_connection_is_unreachable() {
    let origin = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let client = client(&[&origin], &[&origin], &Kept::of(&[]));
    for request in [get(&origin), post(&origin, "body")] {
        let failure = send(&client, request).await.unwrap_err();
        let Failure::Unreachable(reason) = failure else {
            panic!("{failure:?}");
        };
        assert!(reason.contains("refused"), "{reason}");
        assert!(!reason.contains("127.0.0.1"), "{reason}");
    }
}

#[tokio::test]
async fn a_handshake_that_fails_is_unreachable_and_shows_no_secret() {
    // Plain HTTP where TLS is expected.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://{}", listener.local_addr().unwrap());
    let came = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut came = vec![0; 4096];
        let length = stream.read(&mut came).await.unwrap();
        stream.write_all(&answer("200 OK", "")).await.unwrap();
        came.truncate(length);
        came
    });
    let secrets = Kept::of(&[("api_key", KEY)]);
    let client = client(&[&origin], &[&origin], &secrets);
    let request = with(post(&origin, "body"), &[("key", "{{secret:api_key}}")]);
    let failure = send(&client, request).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");
    assert!(!String::from_utf8_lossy(&came.await.unwrap()).contains(KEY));
}

/// A lookup that takes for ever.
struct Slow;

impl Resolve for Slow {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn time_that_ends_while_connecting_leaves_a_body_unsent() {
    let connections = Connections::over(Arc::new(Slow)).unwrap();
    let origin = "https://api.example";
    let client = client_over(&connections, origins(&[origin], &[]), &Kept::of(&[]));
    let request = Request {
        timeout_ms: Some(50),
        ..post(origin, "body")
    };
    let failure = send(&client, request).await.unwrap_err();
    let over = "the time of 50 ms was over".to_owned();
    assert_eq!(failure, Failure::Unreachable(over.clone()));
    // Where there is no body it is not known.
    let request = Request {
        timeout_ms: Some(50),
        ..get(origin)
    };
    let failure = send(&client, request).await.unwrap_err();
    assert_eq!(failure, Failure::Interrupted(over));
}

#[tokio::test]
async fn time_is_the_shortest_of_three() {
    let peer = Peer::start(|_, _| Act::Wait).await;
    let mut client = peer.client(&Kept::of(&[]));
    let in_ms = |ms| Instant::now() + Duration::from_millis(ms);
    let request = |timeout_ms| Request {
        timeout_ms,
        ..post(peer.origin(), "body")
    };
    for (limit, asked, deadline, time) in [
        (9000, Some(60), 9000, 60),
        (70, Some(9000), 9000, 70),
        (9000, None, 80, 80),
    ] {
        client.limits.timeout = Duration::from_millis(limit);
        let began = Instant::now();
        let failure = client.send(request(asked), in_ms(deadline)).await;
        let failure = failure.unwrap_err();
        assert!(matches!(failure, Failure::Interrupted(_)), "{failure:?}");
        let took = began.elapsed().as_millis();
        assert!((time - 5..time + 2000).contains(&took), "{took} ms");
    }
    let before = peer.requests().len();
    for (asked, deadline) in [(Some(0), 9000), (None, 0)] {
        let failure = client.send(request(asked), in_ms(deadline)).await;
        let failure = failure.unwrap_err();
        assert!(matches!(failure, Failure::Unreachable(_)), "{failure:?}");
    }
    assert_eq!(peer.requests().len(), before);
}

#[tokio::test]
async fn time_covers_the_body_of_an_answer() {
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab".to_vec();
    let peer = Peer::answering(begun).await;
    let request = Request {
        timeout_ms: Some(100),
        ..post(peer.origin(), "body")
    };
    let failure = send(&peer.client(&Kept::of(&[])), request).await;
    assert!(matches!(failure, Err(Failure::Interrupted(_))));
}

#[tokio::test]
async fn a_connection_that_breaks_interrupts_and_nothing_is_sent_again() {
    for broken in ["", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"] {
        for request in [post, |url, _| get(url)] as [fn(String, String) -> Request; 2] {
            let peer = Peer::start(|_, _| Act::Close(broken.into())).await;
            let client = peer.client(&Kept::of(&[]));
            let failure = send(&client, request(peer.origin(), "body".to_owned())).await;
            assert!(matches!(failure, Err(Failure::Interrupted(_))));
            assert_eq!(peer.requests().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_used_connection_that_breaks_does_not_send_twice() {
    let peer = Peer::start(|number, _| match number {
        1 => Act::Answer(answer("200 OK", "")),
        _ => Act::Close(Vec::new()),
    })
    .await;
    let client = peer.client(&Kept::of(&[]));
    assert_eq!(
        send(&client, post(peer.origin(), "1"))
            .await
            .unwrap()
            .status,
        200
    );
    let failure = send(&client, post(peer.origin(), "2")).await;
    assert!(matches!(failure, Err(Failure::Interrupted(_))));
    assert_eq!(peer.requests().len(), 2);
    assert_eq!(*peer.connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_connection_that_ended_unused_is_made_anew() {
    let peer = Peer::start(|_, _| Act::Close(answer("200 OK", ""))).await;
    let client = peer.client(&Kept::of(&[]));
    for number in 1..=3 {
        let response = send(&client, post(peer.origin(), "body")).await.unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(peer.requests().len(), number);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
