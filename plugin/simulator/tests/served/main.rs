//! A simulator over real HTTP: its API, its webhooks, its control API and its command.

#[cfg(feature = "command")]
mod command;

use std::collections::VecDeque;
use std::io::Write;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use simulator_360dialog::{
    Act, Attachment, Fault, FaultStatus, Flavour, Options, Outcome, Rule, Simulator, Who,
};
use tokio::net::{TcpListener, TcpStream};

const KEY: (&str, &str) = ("D360-API-KEY", "simulated-key");
const WEBHOOK: &str = "/v1/configs/webhook";

async fn started() -> Result<Simulator> {
    let options = Options {
        allow_loopback_webhooks: true,
        first_wait: Duration::from_millis(20),
        ..Options::default()
    };
    Ok(Simulator::start(options).await?)
}

/// Sends a request. Returns the answer's status and its JSON; null where it is none.
async fn ask(
    simulator: &Simulator,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<(u16, Value)> {
    let (status, body) = fetch(simulator, method, path, headers, body).await?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

/// The same, with the answer's body as it is.
async fn fetch(
    simulator: &Simulator,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<(u16, Bytes)> {
    let address = simulator.url().trim_start_matches("http://");
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path);
    if headers.iter().all(|(name, _)| *name != "Host") {
        request = request.header("Host", address);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    let answer = sender.send_request(request.body(body)?).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((status, body))
}

/// What a webhook answers: with which status, and how late.
type Answer = (u16, Duration);

/// A webhook that remembers what it is given.
#[derive(Clone, Default)]
struct Receiver {
    received: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    /// Its next answers; 200 at once when there are none.
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Receiver {
    /// Starts one and registers it.
    async fn registered(simulator: &Simulator, answers: &[Answer]) -> Result<Self> {
        let receiver = Self::default();
        receiver
            .answers
            .lock()
            .expect("no test panics there")
            .extend(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hooks", listener.local_addr()?);
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let webhook = json!({"url": url, "headers": {"X-Shop": "fern"}});
        let (status, told) = ask(simulator, Method::POST, WEBHOOK, &[KEY], &webhook).await?;
        ensure!((status, &told) == (200, &webhook), "{status} {told}");
        Ok(receiver)
    }

    fn received(&self) -> Vec<(HeaderMap, Bytes)> {
        self.received.lock().expect("no test panics there").clone()
    }

    /// The texts of the messages that came, in order. What is no JSON has none.
    fn texts(&self) -> Vec<Option<String>> {
        let text = |(_, body): &(_, Bytes)| {
            let body: Value = serde_json::from_slice(body).ok()?;
            let text = body.pointer("/entry/0/changes/0/value/messages/0/text/body")?;
            Some(text.as_str()?.to_owned())
        };
        self.received().iter().map(text).collect()
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    receiver
        .received
        .lock()
        .expect("no test panics there")
        .push((headers, body));
    let answer = receiver
        .answers
        .lock()
        .expect("no test panics there")
        .pop_front();
    let (status, late) = answer.unwrap_or((200, Duration::ZERO));
    tokio::time::sleep(late).await;
    StatusCode::from_u16(status).unwrap_or_default()
}

/// Waits until something is so.
async fn until(what: &str, is: impl Fn() -> bool) -> Result<()> {
    let start = Instant::now();
    while !is() {
        if start.elapsed() > Duration::from_secs(10) {
            bail!("it did not happen: {what}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

fn say(simulator: &Simulator, text: &str) -> Result<String> {
    Ok(simulator.customer(&Who::phone("16315551234").named("Ada"), Act::say(text))?)
}

fn once(fault: Fault) -> Rule {
    let (path, times) = (None, NonZeroU32::new(1));
    Rule { fault, path, times }
}

#[tokio::test]
async fn a_wrong_key_is_refused() -> Result<()> {
    let simulator = started().await?;
    for headers in [&[][..], &[("D360-API-KEY", "another")]] {
        let (status, told) = ask(&simulator, Method::GET, WEBHOOK, headers, &Value::Null).await?;
        assert_eq!(status, 401, "{told}");
        assert_eq!(told["meta"]["developer_message"], "Invalid api_key");
    }
    let (status, _) = ask(&simulator, Method::GET, WEBHOOK, &[KEY], &Value::Null).await?;
    assert_eq!(status, 200);
    Ok(())
}

#[tokio::test]
async fn a_webhook_of_this_machine_needs_the_option() -> Result<()> {
    let simulator = Simulator::start(Options::default()).await?;
    let webhook = json!({"url": "http://127.0.0.1:8371/hooks"});
    let (status, told) = ask(&simulator, Method::POST, WEBHOOK, &[KEY], &webhook).await?;
    assert_eq!(status, 400);
    assert!(
        told.to_string().contains("--allow-loopback-webhooks"),
        "{told}"
    );
    assert_eq!(simulator.webhook(), None);
    Ok(())
}

#[tokio::test]
async fn a_webhook_with_headers_that_cannot_be_sent_is_refused() -> Result<()> {
    let simulator = started().await?;
    for headers in [json!([]), json!({"Host": "a"}), json!({"X-Shop": "a\n"})] {
        let webhook = json!({"url": "https://a.example.com/", "headers": headers});
        let (status, told) = ask(&simulator, Method::POST, WEBHOOK, &[KEY], &webhook).await?;
        assert_eq!(status, 400, "{told}");
    }
    assert_eq!(simulator.webhook(), None);
    Ok(())
}

#[tokio::test]
async fn what_a_customer_says_arrives_with_the_registered_headers() -> Result<()> {
    let simulator = started().await?;
    let receiver = Receiver::registered(&simulator, &[]).await?;
    let act = json!({"who": {"phone": "16315551234", "name": "Ada"}, "act": "say", "text": "Hi"});
    let (status, made) = ask(&simulator, Method::POST, "/simulator/customers", &[], &act).await?;
    assert_eq!(status, 200, "{made}");
    until("it arrives", || !receiver.received().is_empty()).await?;
    let (headers, body) = receiver.received().remove(0);
    assert_eq!(headers["x-shop"], "fern");
    assert_eq!(headers["content-type"], "application/json");
    let body: Value = serde_json::from_slice(&body)?;
    let message = &body["entry"][0]["changes"][0]["value"]["messages"][0];
    assert_eq!(message["text"]["body"], "Hi");
    assert_eq!(message["id"], made["id"]);
    Ok(())
}

#[tokio::test]
async fn a_webhook_is_tried_until_it_is_taken() -> Result<()> {
    let simulator = started().await?;
    let failed = (500, Duration::ZERO);
    let receiver = Receiver::registered(&simulator, &[failed, (202, Duration::ZERO)]).await?;
    say(&simulator, "Hi")?;
    until("it is taken", || simulator.deliveries()[0].is_taken()).await?;
    let attempts = simulator.deliveries().remove(0).attempts;
    let outcomes: Vec<_> = attempts
        .into_iter()
        .map(|attempt| attempt.outcome)
        .collect();
    assert_eq!(outcomes, [500, 202, 200].map(Outcome::Status));
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|(_, body)| *body == received[0].1));
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_takes_longer_than_five_seconds_is_tried_again() -> Result<()> {
    let simulator = started().await?;
    let late = (200, Duration::from_secs(7));
    let receiver = Receiver::registered(&simulator, &[late]).await?;
    let start = Instant::now();
    say(&simulator, "Hi")?;
    until("it comes again", || receiver.received().len() == 2).await?;
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(5), "{waited:?}");
    let attempts = simulator.deliveries().remove(0).attempts;
    assert!(matches!(&attempts[0].outcome, Outcome::Failed(why) if why.contains("5 seconds")));
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_hangs_holds_up_other_webhooks_only() -> Result<()> {
    let simulator = started().await?;
    let late = (200, Duration::from_secs(7));
    let receiver = Receiver::registered(&simulator, &[late]).await?;
    say(&simulator, "Hi")?;
    until("it hangs", || receiver.received().len() == 1).await?;
    let body = json!({"messaging_product": "whatsapp", "to": "16315551234", "type": "text",
        "text": {"body": "Hi"}});
    let (status, told) = ask(&simulator, Method::POST, "/messages", &[KEY], &body).await?;
    assert_eq!(status, 200, "{told}");
    until("it is read", || simulator.sent()[0].statuses.len() == 3).await?;
    assert_eq!(simulator.deliveries()[0].attempts.len(), 0);
    assert_eq!(receiver.received().len(), 1);
    Ok(())
}

#[tokio::test]
async fn the_account_webhook_takes_effect_later_and_refuses_in_its_own_way() -> Result<()> {
    const ACCOUNT: &str = "/waba_webhook";
    let simulator = started().await?;
    Receiver::registered(&simulator, &[]).await?;
    let wrong = json!({"url": "https://localhost:8443"});
    let (status, told) = ask(&simulator, Method::POST, ACCOUNT, &[KEY], &wrong).await?;
    assert_eq!(status, 400);
    let why = told["error"].as_str().context("a sentence")?;
    assert!(why.ends_with("with http"), "{why}");
    let (_, told) = ask(&simulator, Method::POST, WEBHOOK, &[KEY], &wrong).await?;
    assert_eq!(told["meta"]["details"], json!([why]));

    simulator.clock(simulator_360dialog::Clock::freeze);
    let webhook = json!({"url": "https://a.example.com/", "override_all": true});
    let (status, told) = ask(&simulator, Method::POST, ACCOUNT, &[KEY], &webhook).await?;
    assert_eq!(status, 200, "{told}");
    assert!(simulator.webhook().is_some());
    simulator.clock(|clock| clock.advance(Duration::from_secs(15)));
    until("it takes effect", || simulator.webhook().is_none()).await?;
    let (_, told) = ask(&simulator, Method::GET, ACCOUNT, &[KEY], &Value::Null).await?;
    assert_eq!(told["url"], webhook["url"]);
    Ok(())
}

#[tokio::test]
async fn there_is_no_other_address() -> Result<()> {
    let simulator = started().await?;
    let options = Options {
        flavour: Flavour::OnPremise,
        ..Options::default()
    };
    let on_premise = Simulator::start(options).await?;
    let options = Options {
        flavour: Flavour::Sandbox,
        ..Options::default()
    };
    let sandbox = Simulator::start(options).await?;
    for (simulator, method, path) in [
        (&simulator, Method::GET, "/"),
        (&simulator, Method::GET, "/health"),
        (&simulator, Method::POST, "/v1/messages"),
        (&sandbox, Method::POST, "/messages"),
        (&sandbox, Method::POST, "/media"),
        (&sandbox, Method::GET, "/v1/configs/templates"),
        (&on_premise, Method::GET, "/1"),
        (&on_premise, Method::POST, "/media"),
    ] {
        let answer = ask(simulator, method, path, &[KEY], &Value::Null).await?;
        assert_eq!(answer, (404, json!({"error": "Not found"})), "{path}");
    }
    let (status, told) = ask(&simulator, Method::GET, "/1", &[KEY], &Value::Null).await?;
    assert_eq!((status, &told["error"]["code"]), (400, &json!(100)));
    Ok(())
}

#[tokio::test]
async fn what_was_asked_is_done_though_nobody_waits_for_the_answer() -> Result<()> {
    let simulator = started().await?;
    simulator.fault(once(Fault::Latency { milliseconds: 300 }));
    let address = simulator.url().trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address)?;
    let (body, (name, key)) = (r#"{"url": "https://a.example.com/"}"#, KEY);
    let length = body.len();
    write!(
        stream,
        "POST {WEBHOOK} HTTP/1.1\r\nHost: {address}\r\n{name}: {key}\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    until("it is seen", || simulator.requests().len() == 1).await?;
    drop(stream);
    until("it is done", || simulator.webhook().is_some()).await
}

#[tokio::test]
async fn webhooks_come_twice_in_another_order_and_broken_where_that_is_asked_for() -> Result<()> {
    let simulator = started().await?;
    let receiver = Receiver::registered(&simulator, &[]).await?;
    let text = |text: &str| Some(text.to_owned());

    simulator.fault(once(Fault::Duplicate {}));
    say(&simulator, "twice")?;
    until("it comes twice", || receiver.texts().len() == 2).await?;
    assert_eq!(receiver.texts(), [text("twice"), text("twice")]);

    simulator.fault(once(Fault::Reorder {}));
    say(&simulator, "first")?;
    say(&simulator, "second")?;
    until("both come", || receiver.texts().len() == 4).await?;
    assert_eq!(receiver.texts()[2..], [text("second"), text("first")]);

    simulator.fault(once(Fault::Malformed {}));
    say(&simulator, "broken")?;
    say(&simulator, "whole")?;
    until("both come", || receiver.texts().len() == 6).await?;
    assert_eq!(receiver.texts()[4..], [None, text("whole")]);
    Ok(())
}

#[tokio::test]
async fn a_request_fails_as_the_fault_says() -> Result<()> {
    let simulator = started().await?;
    let register = async |url: &str| {
        let webhook = json!({"url": url});
        ask(&simulator, Method::POST, WEBHOOK, &[KEY], &webhook).await
    };
    let registered = || simulator.webhook().map(|webhook| webhook.url);

    for (done, url) in [
        (false, "https://a.example.com/"),
        (true, "https://b.example.com/"),
    ] {
        let status = FaultStatus::try_from(503).map_err(anyhow::Error::msg)?;
        let body = json!({"error": "down"});
        simulator.fault(once(Fault::Status { status, body, done }));
        assert_eq!(register(url).await?, (503, json!({"error": "down"})));
        assert_eq!(registered().is_some_and(|it| it == url), done);
    }
    for (done, url) in [
        (false, "https://c.example.com/"),
        (true, "https://d.example.com/"),
    ] {
        simulator.fault(once(Fault::Cut { done }));
        assert!(register(url).await.is_err());
        assert_eq!(registered().is_some_and(|it| it == url), done);
    }
    simulator.fault(once(Fault::GatewayLimit {}));
    assert_eq!(register("https://e.example.com/").await?.0, 400);

    simulator.fault(once(Fault::Latency { milliseconds: 300 }));
    let start = Instant::now();
    assert_eq!(register("https://f.example.com/").await?.0, 200);
    assert!(start.elapsed() >= Duration::from_millis(300));

    let statuses: Vec<_> = simulator
        .requests()
        .iter()
        .map(|seen| seen.status)
        .collect();
    let expected = [Some(503), Some(503), None, None, Some(400), Some(200)];
    assert_eq!(statuses, expected);
    Ok(())
}

#[tokio::test]
async fn meta_refuses_messages_and_files_as_the_fault_says() -> Result<()> {
    let simulator = started().await?;
    let text = json!({"messaging_product": "whatsapp", "to": "16315551234", "type": "text",
        "text": {"body": "Hi"}});
    for (path, code, expected) in [
        ("/messages", 130_429, 429),
        ("/messages", 131_016, 503),
        ("/messages", 131_045, 500),
        ("/media", 4, 429),
        ("/1", 190, 401),
    ] {
        let (fault, path) = (Fault::Refused { code }, Some(path.to_owned()));
        let (times, address) = (NonZeroU32::new(1), path.clone().unwrap_or_default());
        simulator.fault(Rule { fault, path, times });
        let (status, told) = ask(&simulator, Method::POST, &address, &[KEY], &text).await?;
        assert_eq!((status, &told["error"]["code"]), (expected, &json!(code)));
    }
    let (status, _) = ask(&simulator, Method::POST, "/messages", &[KEY], &text).await?;
    assert_eq!((status, simulator.sent().len()), (200, 1));
    Ok(())
}

#[tokio::test]
async fn the_sandbox_sends_two_hundred_messages_to_who_has_written() -> Result<()> {
    const MESSAGES: &str = "/v1/messages";
    let options = Options {
        flavour: Flavour::Sandbox,
        status_step: None,
        ..Options::default()
    };
    let simulator = Simulator::start(options).await?;
    simulator.clock(simulator_360dialog::Clock::freeze);
    let message = json!({"messaging_product": "whatsapp", "to": "16315551234", "type": "text",
        "text": {"body": "Hi"}});
    let send = async |body: &Value| ask(&simulator, Method::POST, MESSAGES, &[KEY], body).await;
    let (status, told) = send(&message).await?;
    assert_eq!((status, &told["error"]["code"]), (400, &json!(131_030)));
    say(&simulator, "START")?;
    let mut wrong = message.clone();
    wrong["text"]["body"] = "a".repeat(4097).into();
    assert_eq!(send(&wrong).await?.1["error"]["code"], 131_001);
    for _ in 0..200 {
        assert_eq!(send(&message).await?, (201, Value::Null));
        simulator.clock(|clock| clock.advance(Duration::from_secs(6)));
    }
    let (status, told) = send(&message).await?;
    assert_eq!((status, &told["meta"]["success"]), (400, &json!(false)));
    assert_eq!(simulator.sent().len(), 200);
    Ok(())
}

#[tokio::test]
async fn while_the_clock_stands_nothing_is_tried_again() -> Result<()> {
    let simulator = started().await?;
    let receiver = Receiver::registered(&simulator, &[(500, Duration::ZERO)]).await?;
    let clock =
        async |change: Value| ask(&simulator, Method::POST, "/simulator/clock", &[], &change).await;
    assert_eq!(clock(json!({"frozen": true})).await?.1["frozen"], true);
    say(&simulator, "Hi")?;
    until("it is tried once", || {
        !simulator.deliveries()[0].attempts.is_empty()
    })
    .await?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(receiver.received().len(), 1);
    clock(json!({"advance": 1})).await?;
    until("it is taken", || simulator.deliveries()[0].is_taken()).await?;
    assert_eq!(receiver.received().len(), 2);
    Ok(())
}

#[tokio::test]
async fn the_requests_are_told_in_order_and_without_the_key() -> Result<()> {
    let simulator = started().await?;
    ask(
        &simulator,
        Method::GET,
        "/health_status?fields=id",
        &[KEY],
        &Value::Null,
    )
    .await?;
    ask(
        &simulator,
        Method::POST,
        "/messages",
        &[],
        &json!({"to": "1"}),
    )
    .await?;
    let requests = async |query: &str| {
        let path = format!("/simulator/requests{query}");
        ask(&simulator, Method::GET, &path, &[], &Value::Null).await
    };
    let (_, seen) = requests("").await?;
    let lines: Vec<_> = seen.as_array().context("a list")?.iter().collect();
    assert_eq!(
        lines.len(),
        2,
        "what plays is not what was asked of the API"
    );
    assert_eq!(lines[0]["path"], "/health_status");
    assert_eq!(lines[0]["query"], "fields=id");
    assert_eq!(lines[1]["body"], json!({"to": "1"}));
    assert_eq!(lines[1]["status"], 401);
    assert!(!seen.to_string().contains("simulated-key"), "{seen}");
    let (_, later) = requests("?after=1").await?;
    assert_eq!(later, json!([lines[1]]));
    Ok(())
}

#[tokio::test]
async fn a_web_page_plays_nobody() -> Result<()> {
    let simulator = started().await?;
    let act = json!({"who": {"phone": "16315551234"}, "act": "say", "text": "Hi"});
    for header in [
        ("Host", "rebound.example.com"),
        ("Origin", "https://example.com"),
    ] {
        let path = "/simulator/customers";
        let (status, told) = ask(&simulator, Method::POST, path, &[header], &act).await?;
        assert_eq!(status, 403, "{told}");
        assert_eq!(told["title"], "Forbidden");
    }
    assert!(simulator.customers().is_empty());
    Ok(())
}

#[tokio::test]
async fn the_overview_is_there_with_and_without_a_slash_and_no_request_to_the_api() -> Result<()> {
    let simulator = started().await?;
    for path in ["/simulator", "/simulator/"] {
        let (status, told) = ask(&simulator, Method::GET, path, &[], &Value::Null).await?;
        assert_eq!((status, &told["number"]), (200, &json!("15550783881")));
    }
    assert!(simulator.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_customers_file_is_downloaded_from_the_api_and_is_what_was_sent() -> Result<()> {
    let simulator = started().await?;
    let receiver = Receiver::registered(&simulator, &[]).await?;
    let file = Attachment::new("fern.jpg", b"\xff\xd8 a fern".as_slice());
    simulator.customer(&Who::phone("16315551234"), Act::Send(file))?;
    until("it arrives", || !receiver.received().is_empty()).await?;
    let body: Value = serde_json::from_slice(&receiver.received()[0].1)?;
    let image = &body["entry"][0]["changes"][0]["value"]["messages"][0]["image"];
    let path = format!("/{}", image["id"].as_str().context("an id")?);

    let (status, told) = ask(&simulator, Method::GET, &path, &[KEY], &Value::Null).await?;
    assert_eq!((status, &told["mime_type"]), (200, &json!("image/jpeg")));
    let url = told["url"].as_str().context("an address")?;
    // 360dialog serves it where the rest of its API is, with the same key.
    let path = url.strip_prefix("https://lookaside.fbsbx.com");
    let path = path.context("an address of Meta's")?;
    let (status, _) = ask(&simulator, Method::GET, path, &[], &Value::Null).await?;
    assert_eq!(status, 401);
    let (status, bytes) = fetch(&simulator, Method::GET, path, &[KEY], &Value::Null).await?;
    assert_eq!((status, &*bytes), (200, b"\xff\xd8 a fern".as_slice()));

    let hash = Sha256::digest(&bytes);
    assert_eq!(told["sha256"], hex::encode(hash));
    assert_eq!(image["sha256"], BASE64_STANDARD.encode(hash));
    assert_eq!(told["file_size"], bytes.len());
    Ok(())
}
