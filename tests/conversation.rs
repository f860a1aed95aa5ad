//! What comes in and what goes out, through the host, the sandboxed channel and real HTTP.

mod hosted;
mod peer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use channel_host::capability::Lent;
use channel_host::contract::contacts::KnownContact;
use channel_host::contract::events::{Delivery, Rejection, RejectionReason};
use channel_host::contract::inbox::{ReceiveError, Reception};
use channel_host::contract::outbound::Window;
use channel_host::contract::types::Recipient;
use channel_host::templates::Addition;
use channel_host::{
    CallError, ChannelHandle, DeliveryFilter, OnUncertain, Plugin, Receive, SendError, State,
};
use channel_tests::CHANNEL_HOSTILE;
use hosted::{Hosted, NUMBER, phone, stands, text, until};
use peer::{Answer, Vendor, cloud};
use serde_json::{Value, json};

const ADA: &str = "16315551234";
const BOB: &str = "16315550000";
const DAY: Duration = Duration::from_hours(24);

/// The states of our own messages that were told of, in order.
async fn steps(hosted: &Hosted) -> Result<Vec<String>> {
    let events = hosted.events(&["delivery"]).await?;
    let state = |event: &Value| event["delivery"]["state"].as_str().map(str::to_owned);
    Ok(events.iter().filter_map(state).collect())
}

/// Waits until each step that was told of is counted, and at least one of each of these states.
async fn counted(hosted: &Hosted, states: &[&str]) -> Result<()> {
    until("the steps are not counted", async || {
        let steps = steps(hosted).await?;
        for state in states {
            let told = steps.iter().filter(|step| step == state).count();
            let id = &hosted.host.channels()[0].id;
            let sample =
                format!("channel_host_messages_total{{channel=\"{id}\",state=\"{state}\"}}");
            if told == 0 || hosted.metric(&sample)? != told as u64 {
                return Ok(false);
            }
        }
        Ok(true)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_is_one_event_and_one_greeting_however_often_it_comes() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let now = hosted.clock.now() / 1000;
    let later = cloud::message(&hosted.peer, "wamid.2", ADA, "And now?", now);
    let earlier = cloud::message(&hosted.peer, "wamid.1", ADA, "Hi", now - 3600);
    // The later one comes first, both come again and again, and all at once.
    hosted.push(&later).await?;
    let mut pushes = tokio::task::JoinSet::new();
    for turn in 0..20 {
        let body = if turn % 2 == 0 {
            earlier.clone()
        } else {
            later.clone()
        };
        let peer = hosted.peer.clone();
        pushes.spawn(async move { peer.push(&body).await });
    }
    while let Some(pushed) = pushes.join_next().await {
        assert_eq!(pushed??, 200);
    }
    hosted.taken_in().await?;
    hosted.accepted("Hello!", 1).await?;

    let events = hosted.events(&["message"]).await?;
    let texts: Vec<_> = events
        .iter()
        .map(|it| &it["message"]["content"]["text"])
        .collect();
    assert_eq!(texts, ["And now?", "Hi"]);
    assert_eq!(events[0]["channel"], channel.id());
    assert!(events[0]["sequence"].as_i64() < events[1]["sequence"].as_i64());
    assert_eq!(hosted.peer.times_accepted("Hello!"), 1);
    assert_eq!(hosted.peer.accepted()[0].to, format!("+{ADA}"));
    let Window::Open(open) = channel.window(&phone(ADA)).await?.window else {
        panic!("the window is not open");
    };
    assert_eq!(
        open.because.id.as_deref(),
        Some("wamid.2"),
        "the later one counts"
    );
    assert_eq!(open.because.at, now * 1000);
    assert_eq!(channel.shown().state, State::Receiving);
    let deliveries = channel.deliveries(DeliveryFilter::default()).await?;
    assert_eq!(deliveries.len(), 21, "each is kept as it came");
    counted(&hosted, &["queued", "accepted"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_secret_no_plugin_is_called() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let calls = hosted.metric("channel_host_sandbox_calls_total")?;
    let body = cloud::message(&hosted.peer, "wamid.1", ADA, "Hi", 1).to_string();
    let header = hosted::registered(&hosted.peer)?.headers[0].clone();
    assert_eq!(header.0, "x-channel-secret");
    let short = &header.1[1..];
    for headers in [
        vec![],
        vec![("x-channel-secret", "guess")],
        vec![("x-channel-secret", short)],
    ] {
        let status = hosted
            .peer
            .push_with(Vendor::Cloud, &headers, body.clone())
            .await?;
        assert_eq!(status, 401, "{headers:?}");
    }
    // Somebody else's path, with the right secret.
    let right = [("x-channel-secret", header.1.as_str())];
    let ours = hosted::registered(&hosted.peer)?;
    hosted.peer.register(
        Vendor::Cloud,
        "https://host.example.com/webhooks/nobody",
        &[],
    );
    assert_eq!(
        hosted
            .peer
            .push_with(Vendor::Cloud, &right, body.clone())
            .await?,
        401
    );
    hosted.peer.register(Vendor::Cloud, &ours.url, &[]);
    assert_eq!(
        hosted.peer.push_with(Vendor::Cloud, &right, body).await?,
        200
    );

    hosted.taken_in().await?;
    let deliveries = channel.deliveries(DeliveryFilter::default()).await?;
    assert_eq!(deliveries.len(), 1);
    let stored = format!("{deliveries:?}");
    assert!(!stored.contains(&header.1), "the secret is not kept");
    assert_eq!(hosted.metric("channel_host_deliveries_refused_total")?, 4);
    let receive = "channel_host_sandbox_calls_total{channel=\"";
    assert!(hosted.metric(receive)? > calls, "the last one was taken in");
    Ok(())
}

/// Does what the hostile channel does where a body is a word of harm.
struct Harmed {
    channel: Plugin,
    hostile: Plugin,
}

#[async_trait]
impl Receive for Harmed {
    async fn receive(
        &self,
        lent: Lent,
        settings: &str,
        delivery: &Delivery,
        now: u64,
    ) -> Result<Result<Reception, ReceiveError>, CallError> {
        if delivery.body.starts_with(b"{") {
            return self.channel.receive(lent, settings, delivery, now).await;
        }
        let rejected = self.hostile.normalize(None, delivery).await?;
        Ok(Err(ReceiveError::Rejected(rejected.unwrap_err())))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_the_plugin_is_parked_and_the_next_is_fine() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let engine = hosted::engine();
    let harmed = Harmed {
        channel: engine.load_file(channel_tests::CHANNEL_360DIALOG.as_ref())?,
        hostile: engine.load_file(CHANNEL_HOSTILE.as_ref())?,
    };
    hosted.host.receive_with(&channel, Arc::new(harmed));
    let header = hosted::registered(&hosted.peer)?.headers[0].clone();
    let headers = [(header.0.as_str(), header.1.as_str())];
    for word in ["trap", "loop", "memory"] {
        assert_eq!(
            hosted.peer.push_with(Vendor::Cloud, &headers, word).await?,
            200
        );
    }
    hosted.write("wamid.1", ADA, "Hi").await?;
    let parked = DeliveryFilter {
        state: Some("parked".to_owned()),
        ..DeliveryFilter::default()
    };
    let found = channel.deliveries(parked.clone()).await?;
    let reasons: Vec<_> = found.iter().filter_map(|it| it.reason.as_deref()).collect();
    assert_eq!(
        reasons,
        ["limit", "deadline", "trapped"],
        "the latest first"
    );
    assert!(
        found[2]
            .detail
            .as_deref()
            .is_some_and(|why| why.contains("told to") || why.contains("unreachable"))
    );
    assert_eq!(hosted.events(&["message"]).await?.len(), 1);

    // A body that is none is parked too, and kept as it came; after a fix it can be replayed.
    assert_eq!(
        hosted
            .peer
            .push_with(Vendor::Cloud, &headers, "{\"half")
            .await?,
        200
    );
    hosted.taken_in().await?;
    let broken = channel.deliveries(parked.clone()).await?.swap_remove(0);
    assert_eq!(broken.reason.as_deref(), Some("malformed"));
    let (_, body) = hosted
        .host
        .delivery(broken.id)
        .await?
        .context("it is kept")?;
    assert_eq!(body, b"{\"half");
    assert_eq!(channel.replay(Some(broken.id)).await?, 1);
    hosted.taken_in().await?;
    assert_eq!(
        channel.deliveries(parked).await?.len(),
        4,
        "it is no better than before"
    );
    assert_eq!(channel.replay(Some(9999)).await?, 0);
    Ok(())
}

/// Takes nothing in while it is closed.
struct Closed {
    channel: Plugin,
    closed: AtomicBool,
}

#[async_trait]
impl Receive for Closed {
    async fn receive(
        &self,
        lent: Lent,
        settings: &str,
        delivery: &Delivery,
        now: u64,
    ) -> Result<Result<Reception, ReceiveError>, CallError> {
        if self.closed.load(Ordering::Relaxed) {
            let detail = "closed".to_owned();
            let reason = RejectionReason::Malformed;
            return Ok(Err(ReceiveError::Rejected(Rejection { reason, detail })));
        }
        self.channel.receive(lent, settings, delivery, now).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_time_is_told_with_that_of_its_receipt() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({"greeting": null})).await?;
    let closed = Arc::new(Closed {
        channel: hosted::engine().load_file(channel_tests::CHANNEL_360DIALOG.as_ref())?,
        closed: AtomicBool::new(true),
    });
    hosted.host.receive_with(&channel, closed.clone());
    let mut body = cloud::message(&hosted.peer, "wamid.1", ADA, "Hi", 1);
    body["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = json!("yesterday");
    hosted.push(&body).await?;
    let parked = channel.deliveries(DeliveryFilter::default()).await?;
    let received = serde_json::to_value(&parked[0])?["received"].clone();

    // However long it lay there.
    hosted.clock.advance(Duration::from_hours(3));
    closed.closed.store(false, Ordering::Relaxed);
    assert_eq!(channel.replay(None).await?, 1);
    hosted.taken_in().await?;
    hosted.write("wamid.2", ADA, "And now?").await?;
    let events = hosted.events(&["message"]).await?;
    assert_eq!(events[0]["message"]["content"]["text"], "Hi");
    assert_eq!(events[0]["time"], received);
    assert_eq!(events[0]["time_is_receipt"], true);
    assert_eq!(events[1].get("time_is_receipt"), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_shows_the_furthest_step_and_all_that_were_told() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({"greeting": null})).await?;
    let sent = channel.send(&text(ADA, "Hello"), None).await?;
    stands(&hosted.host, &sent.id, "accepted").await?;
    let accepted = hosted.peer.accepted()[0].clone();
    for state in ["read", "delivered", "failed", "sent"] {
        let mut status = cloud::status(&hosted.peer, &accepted, state);
        let item = &mut status["entry"][0]["changes"][0]["value"]["statuses"][0];
        match state {
            "failed" => item["errors"] = json!([{"code": 131_026, "title": "Undeliverable"}]),
            "sent" => {
                item["pricing"] =
                    json!({"billable": false, "pricing_model": "PMP", "category": "service"});
            }
            _ => {}
        }
        // Each comes twice, and counts once.
        hosted.push(&status).await?;
        hosted.push(&status).await?;
    }
    let shown = hosted.host.message(&sent.id)?.context("a message")?;
    let shown = serde_json::to_value(shown)?;
    assert_eq!(shown["state"], "read");
    let history = shown["history"].as_array().context("a history")?;
    let states: Vec<_> = history.iter().map(|step| &step["state"]).collect();
    assert_eq!(states, ["read", "delivered", "failed", "sent"]);
    assert_eq!(history[2]["errors"][0]["code"], 131_026);
    assert_eq!(history[3]["pricing"]["category"], "service");
    let told = hosted.events(&["status"]).await?;
    for (step, event) in history.iter().zip(&told) {
        assert_eq!(event["our_message"], sent.id.as_str());
        assert_eq!(step["sequence"], event["sequence"]);
        assert_eq!(step["time"], event["time"]);
    }
    assert_eq!(steps(&hosted).await?, ["queued", "accepted", "read"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echo_names_the_message_that_we_sent_and_is_no_customer_s() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let sent = channel.send(&text(ADA, "Hello"), None).await?;
    stands(&hosted.host, &sent.id, "accepted").await?;
    let echo = |id: &str| {
        let mut body = cloud::message(&hosted.peer, id, NUMBER, "Hello", peer::now());
        let change = &mut body["entry"][0]["changes"][0];
        change["field"] = json!("smb_message_echoes");
        let mut item = change["value"]["messages"][0].take();
        item["to"] = json!(ADA);
        change["value"] =
            json!({"metadata": change["value"]["metadata"], "message_echoes": [item]});
        body
    };
    hosted.push(&echo(&hosted.peer.accepted()[0].id)).await?;
    hosted.push(&echo("wamid.APP")).await?;
    let echoes = hosted.events(&["echo"]).await?;
    assert_eq!(echoes.len(), 2, "{echoes:?}");
    assert_eq!(echoes[0]["our_message"], sent.id.as_str());
    assert_eq!(echoes[1].get("our_message"), None);
    assert_eq!(channel.window(&phone(ADA)).await?.window, Window::Unknown);
    assert!(hosted.events(&["message"]).await?.is_empty());
    assert_eq!(hosted.peer.times_accepted("Hello!"), 0, "nobody is greeted");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_answer_names_is_whom_we_dialled() -> Result<()> {
    // Mexico: WhatsApp leaves a digit out.
    let (dialled, named) = ("5215512345678", "525512345678");
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let answer = json!({"contacts": [{"input": dialled, "wa_id": named, "user_id": "MX.1"}],
        "messages": [{"id": "wamid.sent"}]});
    let answer = Answer::Accept(Box::new(Answer::Status(200, answer)));
    hosted.peer.next("/messages", answer);
    let sent = channel.send(&text(dialled, "Hola"), None).await?;
    stands(&hosted.host, &sent.id, "accepted").await?;
    assert_eq!(
        channel.window(&phone(dialled)).await?.window,
        Window::Unknown
    );

    hosted.write("wamid.1", named, "Hola!").await?;
    for to in [
        phone(dialled),
        phone(named),
        Recipient::UserId("MX.1".to_owned()),
    ] {
        let window = channel.window(&to).await?.window;
        assert!(matches!(window, Window::Open(_)), "{to:?}: {window:?}");
    }
    assert_eq!(
        hosted.peer.times_accepted("Hello!"),
        0,
        "whom we wrote to first is not greeted"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wrote_before_an_outage_is_not_greeted_a_day_later() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let old = hosted.clock.now() / 1000 - 2 * DAY.as_secs();
    hosted
        .push(&cloud::message(&hosted.peer, "wamid.1", ADA, "Hello?", old))
        .await?;
    hosted.write("wamid.2", BOB, "Hi").await?;
    hosted.accepted("Hello!", 1).await?;
    // Known by now, and greeted by nobody.
    hosted.write("wamid.3", ADA, "Anybody?").await?;
    hosted.write("wamid.4", BOB, "Thanks").await?;
    let sent = channel.send(&text(ADA, "Sorry!"), None).await?;
    stands(&hosted.host, &sent.id, "accepted").await?;
    let to: Vec<_> = hosted
        .peer
        .accepted()
        .into_iter()
        .map(|it| (it.to, it.text))
        .collect();
    let expected = [(BOB, "Hello!"), (ADA, "Sorry!")];
    assert_eq!(
        to,
        expected.map(|(to, text)| (format!("+{to}"), text.to_owned()))
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn free_text_is_refused_once_the_window_has_closed() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({"greeting": null})).await?;
    // Nothing is known yet, so it is sent with a warning.
    let early = channel.send(&text(BOB, "Early"), None).await?;
    assert!(
        early
            .warnings
            .context("a warning")?
            .get()
            .contains("window_unknown")
    );
    stands(&hosted.host, &early.id, "accepted").await?;

    hosted.write("wamid.1", ADA, "Hi").await?;
    let since = hosted.clock.now();
    hosted.clock.advance(Duration::from_secs(24 * 3600 - 65));
    let last = channel.send(&text(ADA, "In time"), None).await?;
    stands(&hosted.host, &last.id, "accepted").await?;
    assert!(last.warnings.is_none());
    hosted.clock.advance(Duration::from_secs(10));
    add_template(&channel, "hello").await?;
    let Err(SendError::WindowClosed {
        since: closed,
        problems,
        templates,
    }) = channel.send(&text(ADA, "Late"), None).await
    else {
        panic!("it was not refused");
    };
    let closed = closed.context("since when")?;
    assert!(
        closed.abs_diff(since + 86_340_000) < 5_000,
        "a minute before the day is over"
    );
    assert_eq!(problems[0].code, "window_closed");
    let [template] = &*templates else {
        panic!("{templates:?}");
    };
    assert_eq!((&*template.name, &*template.language), ("hello", "en"));
    // A channel that has listened for a day would know of anybody who wrote.
    hosted.clock.advance(Duration::from_mins(2));
    let Err(SendError::WindowClosed { since: None, .. }) =
        channel.send(&text(BOB, "Late"), None).await
    else {
        panic!("it was not refused");
    };
    let template = json!({"to": {"phone": BOB}, "content": {"type": "template", "name": "hello", "language": "en"}});
    let template = channel.send(template.to_string().as_bytes(), None).await?;
    assert!(template.warnings.is_none());
    stands(&hosted.host, &template.id, "accepted").await?;

    // Whoever was known elsewhere can be brought along.
    let known: KnownContact = serde_json::from_value(json!({"contact": {"phone": BOB},
        "window": {"opened": {"at": "2999-01-01T00:00:00Z", "cause": "message"}}}))?;
    assert_eq!(channel.import(vec![known.clone()]).await?, 1);
    assert_eq!(channel.import(vec![known.clone()]).await?, 0);
    assert!(matches!(
        channel.window(&phone(BOB)).await?.window,
        Window::Open(_)
    ));
    assert!(channel.forget(&known.contact).await?);
    assert!(!channel.forget(&known.contact).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_closes_while_a_message_waits_keeps_it_from_leaving() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({"greeting": null})).await?;
    hosted.write("wamid.1", ADA, "Hi").await?;
    let busy = json!({"error": {"message": "(#130429) Rate limit hit", "type": "OAuthException", "code": 130_429}});
    hosted.peer.next("/messages", Answer::Status(429, busy));
    let waiting = channel.send(&text(ADA, "Soon"), None).await?;
    until("it was not tried", async || {
        let standing = hosted.host.message(&waiting.id)?.context("a message")?;
        Ok(standing.attempts == 1 && standing.state == "queued")
    })
    .await?;
    hosted.clock.advance(DAY);
    let failed = stands(&hosted.host, &waiting.id, "failed").await?;
    assert!(failed.error.context("why")?.get().contains("window_closed"));
    assert_eq!(hosted.peer.times_accepted("Soon"), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_failure_tells_that_the_window_is_closed() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({"greeting": null})).await?;
    hosted.write("wamid.1", ADA, "Hi").await?;
    let sent = channel.send(&text(ADA, "Hello"), None).await?;
    let sent = stands(&hosted.host, &sent.id, "accepted").await?;
    let mut status = cloud::status(&hosted.peer, &hosted.peer.accepted()[0], "failed");
    status["entry"][0]["changes"][0]["value"]["statuses"][0]["errors"] =
        json!([{"code": 131_047, "title": "Re-engagement message"}]);
    status["entry"][0]["changes"][0]["value"]["statuses"][0]["timestamp"] =
        json!((hosted.clock.now() / 1000 + 1).to_string());
    hosted.push(&status).await?;
    let failed = stands(&hosted.host, &sent.id, "failed").await?;
    assert!(failed.error.context("why")?.get().contains("131047"));
    let window = channel.window(&phone(ADA)).await?.window;
    assert!(matches!(window, Window::Closed(_)), "{window:?}");
    assert_eq!(steps(&hosted).await?, ["queued", "accepted", "failed"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_late_failure_ended_can_be_sent_again() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({"greeting": null})).await?;
    let sent = channel.send(&text(ADA, "Hello"), None).await?;
    stands(&hosted.host, &sent.id, "accepted").await?;
    let mut status = cloud::status(&hosted.peer, &hosted.peer.accepted()[0], "failed");
    status["entry"][0]["changes"][0]["value"]["statuses"][0]["errors"] =
        json!([{"code": 131_026, "title": "Message undeliverable"}]);
    hosted.push(&status).await?;
    stands(&hosted.host, &sent.id, "failed").await?;
    assert!(channel.resend(&sent.id).await?);
    let again = stands(&hosted.host, &sent.id, "accepted").await?;
    assert!(again.error.is_none());
    assert_eq!(hosted.peer.times_accepted("Hello"), 2);
    let next = channel.send(&text(ADA, "Next"), None).await?;
    stands(&hosted.host, &next.id, "accepted").await?;
    counted(&hosted, &["queued", "accepted", "failed"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_a_message_one_message() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let first = channel.send(&text(ADA, "Once"), Some("order-1")).await?;
    let spaced =
        format!(r#"{{"content": {{"text": "Once", "type": "text"}}, "to": {{"phone": "{ADA}"}}}}"#);
    let again = channel.send(spaced.as_bytes(), Some("order-1")).await?;
    assert_eq!(again.id, first.id, "the same members in another order");
    let other = channel.send(&text(ADA, "Twice"), Some("order-1")).await;
    assert!(matches!(other, Err(SendError::KeyReused)), "{other:?}");
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let channel = channel.clone();
        racing.spawn(async move { channel.send(&text(ADA, "Race"), Some("order-2")).await });
    }
    let mut ids = std::collections::BTreeSet::new();
    while let Some(raced) = racing.join_next().await {
        ids.insert(raced??.id);
    }
    assert_eq!(ids.len(), 1);
    stands(&hosted.host, ids.first().context("one")?, "accepted").await?;
    assert_eq!(hosted.peer.times_accepted("Once"), 1);
    assert_eq!(hosted.peer.times_accepted("Race"), 1);
    hosted.clock.advance(8 * DAY);
    let forgotten = channel.send(&text(ADA, "Twice"), Some("order-1")).await;
    assert!(
        !matches!(forgotten, Err(SendError::KeyReused)),
        "kept for seven days"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_contact_s_messages_keep_their_order_and_nobody_waits_for_another() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let busy = || {
        Answer::Status(
            500,
            json!({"error": {"message": "try later", "code": 131_016}}),
        )
    };
    hosted.peer.next("/messages", busy());
    let first = channel.send(&text(ADA, "1"), None).await?;
    for number in ["2", "3", "4"] {
        channel.send(&text(ADA, number), None).await?;
    }
    until("it was not tried", async || {
        Ok(hosted.host.message(&first.id)?.context("it")?.attempts == 1)
    })
    .await?;
    let other = channel.send(&text(BOB, "B"), None).await?;
    stands(&hosted.host, &other.id, "accepted").await?;
    assert_eq!(
        hosted.peer.times_accepted("1"),
        0,
        "it waits a second or two"
    );
    hosted.accepted("4", 1).await?;
    let texts: Vec<_> = hosted
        .peer
        .accepted()
        .into_iter()
        .map(|it| it.text)
        .collect();
    assert_eq!(texts, ["B", "1", "2", "3", "4"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_vendor_refuses_fails_with_its_reason() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let gateway = |status, sentence: &str| {
        let body =
            json!({"meta": {"success": false, "http_code": 404, "developer_message": sentence}});
        Answer::Status(status, body)
    };
    hosted.peer.next(
        "/messages",
        gateway(401, "Invalid api_key or token expired"),
    );
    let refused = channel.send(&text(ADA, "Who?"), None).await?;
    let failed = stands(&hosted.host, &refused.id, "failed").await?;
    let error: Value = serde_json::from_str(failed.error.context("why")?.get())?;
    assert_eq!(
        error["class"], "unauthorised",
        "the status counts more than the body"
    );
    assert!(error["remedy"].is_string());

    // This one only asks to wait.
    hosted.peer.next(
        "/messages",
        gateway(400, "You have exceeded the endpoint rate limit."),
    );
    let slow = channel.send(&text(ADA, "Slow"), None).await?;
    let slow = stands(&hosted.host, &slow.id, "accepted").await?;
    assert_eq!(hosted.peer.times_accepted("Slow"), 1);
    assert_eq!(slow.message_ids.len(), 1);

    assert!(channel.resend(&refused.id).await?);
    stands(&hosted.host, &refused.id, "accepted").await?;
    assert!(!channel.resend(&refused.id).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_arrived_is_held_and_the_queue_goes_on() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    hosted
        .peer
        .next("/messages", Answer::Accept(Box::new(Answer::Cut)));
    let lost = channel.send(&text(ADA, "Lost?"), None).await?;
    let next = channel.send(&text(ADA, "Next"), None).await?;
    stands(&hosted.host, &lost.id, "held").await?;
    stands(&hosted.host, &next.id, "accepted").await?;
    assert_eq!(
        hosted.peer.times_accepted("Lost?"),
        1,
        "nothing is sent twice"
    );
    let told = steps(&hosted).await?;
    assert!(told.iter().any(|step| step == "held"), "{told:?}");
    // The status that tells comes late, and still counts.
    hosted
        .push(&cloud::status(
            &hosted.peer,
            &hosted.peer.accepted()[0],
            "delivered",
        ))
        .await?;
    stands(&hosted.host, &lost.id, "delivered").await?;
    let told = ["queued", "uncertain", "held", "accepted", "delivered"];
    counted(&hosted, &told).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_arrived_is_sent_again_where_nothing_may_be_lost() -> Result<()> {
    let hosted = Hosted::start_with(|options| options.on_uncertain = OnUncertain::Resend).await?;
    let channel = hosted.add(&json!({})).await?;
    hosted.peer.next("/messages", Answer::Cut);
    let lost = channel.send(&text(ADA, "Lost"), None).await?;
    stands(&hosted.host, &lost.id, "accepted").await?;
    assert_eq!(hosted.peer.times_accepted("Lost"), 1);

    // With statuses, one that did arrive is not sent again.
    hosted.peer.statuses(Some(Duration::from_millis(20)));
    hosted
        .peer
        .next("/messages", Answer::Accept(Box::new(Answer::Cut)));
    let arrived = channel.send(&text(ADA, "Arrived"), None).await?;
    stands(&hosted.host, &arrived.id, "delivered").await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(hosted.peer.times_accepted("Arrived"), 1);
    Ok(())
}

/// The host's time so many seconds later.
fn after(hosted: &Hosted, seconds: i64) -> Result<String> {
    let now = jiff::Timestamp::from_millisecond(i64::try_from(hosted.clock.now())?)?;
    Ok((now + jiff::SignedDuration::from_secs(seconds)).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_does_not_leave_once_its_time_is_over() -> Result<()> {
    let mut hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({"greeting": null})).await?;
    let expiring = |words: &str, expires: String| {
        let content = json!({"type": "text", "text": words});
        json!({"to": {"phone": ADA}, "content": content, "expires": expires}).to_string()
    };
    let past = expiring("Late", after(&hosted, -1)?);
    let Err(SendError::Invalid(problems)) = channel.send(past.as_bytes(), None).await else {
        panic!("it was not refused");
    };
    assert_eq!(problems[0].pointer, "/expires");
    assert_eq!(problems[0].code, "already_past");

    // The vendor wants the first one later than it is of use, and the second one waits behind it.
    let busy = json!({"error": {"message": "(#130429) Rate limit hit", "code": 130_429}});
    hosted.peer.next("/messages", Answer::Status(429, busy));
    let soon = expiring("Soon", after(&hosted, 3600)?);
    let first = channel.send(soon.as_bytes(), Some("key")).await?;
    until("it was not tried", async || {
        let standing = hosted.host.message(&first.id)?.context("a message")?;
        Ok(standing.attempts == 1 && standing.state == "queued")
    })
    .await?;
    channel.disconnect().await?;
    let behind = expiring("Behind", after(&hosted, 3600)?);
    let behind = channel.send(behind.as_bytes(), None).await?;
    let last = channel.send(&text(ADA, "Any time"), None).await?;
    drop(channel);
    hosted.restart().await?;
    let waits = hosted.host.message(&behind.id)?.context("a message")?;
    assert_eq!((&*waits.state, waits.expires), ("queued", behind.expires));
    hosted.clock.advance(Duration::from_hours(2));
    for id in [&first.id, &behind.id] {
        let failed = stands(&hosted.host, id, "failed").await?;
        let error: Value = serde_json::from_str(failed.error.context("why")?.get())?;
        assert_eq!(error["code"], "expired");
    }
    let channel = hosted.host.channel("Shop").context("it is there again")?;
    assert!(!channel.resend(&behind.id).await?, "nor by hand");
    let again = channel.send(soon.as_bytes(), Some("key")).await?;
    assert_eq!(again.id, first.id, "it was handed in in time");
    channel.connect(false).await?;
    stands(&hosted.host, &last.id, "accepted").await?;
    let told = steps(&hosted).await?;
    let failed = told.iter().filter(|step| *step == "failed").count();
    assert_eq!(failed, 2, "each once: {told:?}");
    assert_eq!(hosted.peer.accepted().len(), 1);
    Ok(())
}

/// Adds a template by its fields.
async fn add_template(channel: &ChannelHandle, name: &str) -> Result<()> {
    let addition: Addition = serde_json::from_value(json!({"name": name, "language": "en",
        "category": "utility", "content": "Hello! How are you?"}))?;
    channel.templates().add(&addition).await?;
    Ok(())
}

/// A text to send, or the template `reopen` where the window is closed.
fn with_fallback(to: &str, text: &str, expires: Option<&str>) -> Vec<u8> {
    let message = json!({"to": {"phone": to}, "content": {"type": "text", "text": text},
        "fallback": {"name": "reopen", "language": "en"}, "expires": expires});
    message.to_string().into_bytes()
}

/// What was accepted, in order: the texts, and `reopen` for the template.
fn heard(hosted: &Hosted) -> Vec<String> {
    let heard = |it: peer::Accepted| {
        if it.text.contains("\"reopen\"") {
            "reopen".to_owned()
        } else {
            it.text
        }
    };
    hosted.peer.accepted().into_iter().map(heard).collect()
}

/// The states that were told of one message, in order.
async fn steps_of(hosted: &Hosted, id: &str) -> Result<Vec<String>> {
    let events = hosted.events(&["delivery"]).await?;
    let of_it = events.iter().filter(|it| it["delivery"]["message"] == id);
    let state = |event: &Value| event["delivery"]["state"].as_str().map(str::to_owned);
    Ok(of_it.filter_map(state).collect())
}

/// Hands a message in whose fallback goes out. Returns our ids of both.
async fn fall_back(hosted: &Hosted, message: &[u8]) -> Result<(String, String)> {
    let channel = hosted.host.channel("Shop").context("the channel")?;
    let sent = channel.send(message, None).await?;
    let sent = stands(&hosted.host, &sent.id, "accepted").await?;
    let original = sent.original.context("its original")?;
    let waits = hosted.host.message(&original)?.context("a message")?;
    assert_eq!((&*waits.state, waits.due), ("queued", None));
    assert_eq!(waits.original_of.as_ref(), Some(&sent.id));
    Ok((sent.id, original))
}

/// A host that has listened for long enough to know that nobody's window is open.
async fn listening() -> Result<Hosted> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({"greeting": null})).await?;
    for name in ["reopen", "queued"] {
        add_template(&channel, name).await?;
    }
    hosted.clock.advance(2 * DAY);
    Ok(hosted)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_template_stood_in_for_follows_the_answer_once_and_in_order() -> Result<()> {
    let mut hosted = listening().await?;
    let (first, original) = fall_back(&hosted, &with_fallback(ADA, "First", None)).await?;
    let (_, second) = fall_back(&hosted, &with_fallback(ADA, "Second", None)).await?;
    let (_, other) = fall_back(&hosted, &with_fallback(BOB, "Other", None)).await?;
    hosted.restart().await?;
    // What waits for nobody holds up nothing, and what was queued before the answer goes before.
    let channel = hosted.host.channel("Shop").context("the channel")?;
    let busy = json!({"error": {"message": "(#130429) Rate limit hit", "code": 130_429}});
    hosted.peer.next("/messages", Answer::Status(429, busy));
    let template = json!({"to": {"phone": ADA}, "content": {"type": "template", "name": "queued", "language": "en"}});
    let queued = channel.send(template.to_string().as_bytes(), None).await?;
    until("it was not tried", async || {
        let standing = hosted.host.message(&queued.id)?.context("a message")?;
        Ok(standing.attempts == 1 && standing.state == "queued")
    })
    .await?;
    hosted.write("wamid.1", ADA, "Yes?").await?;
    hosted.write("wamid.2", ADA, "Hello?").await?;
    hosted.accepted("Second", 1).await?;
    stands(&hosted.host, &original, "accepted").await?;
    stands(&hosted.host, &second, "accepted").await?;
    let heard = heard(&hosted);
    assert_eq!(heard[..3], ["reopen", "reopen", "reopen"]);
    assert!(heard[3].contains("queued"), "{heard:?}");
    assert_eq!(heard[4..], ["First", "Second"]);
    assert_eq!(steps_of(&hosted, &first).await?, ["queued", "accepted"]);
    assert_eq!(steps_of(&hosted, &original).await?, ["queued", "accepted"]);
    let waits = hosted.host.message(&other)?.context("a message")?;
    assert_eq!(waits.state, "queued", "who has not answered gets nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_template_stood_in_for_is_dropped_with_its_reason() -> Result<()> {
    let hosted = listening().await?;
    let channel = hosted.host.channel("Shop").context("the channel")?;
    let hour = after(&hosted, 3600)?;
    let message = with_fallback(ADA, "An hour", Some(&hour));
    let (_, expiring) = fall_back(&hosted, &message).await?;
    let (_, kept) = fall_back(&hosted, &with_fallback(ADA, "A week", None)).await?;
    let (cancelled, with_it) = fall_back(&hosted, &with_fallback(ADA, "Never", None)).await?;
    let (failed, without_it) = fall_back(&hosted, &with_fallback(ADA, "Lost", None)).await?;
    assert!(channel.cancel(&cancelled).await?, "by the id that is known");
    assert!(!channel.cancel(&cancelled).await?);
    let template = &hosted.peer.accepted()[3];
    hosted
        .push(&cloud::status(&hosted.peer, template, "failed"))
        .await?;
    stands(&hosted.host, &failed, "failed").await?;
    hosted.clock.advance(Duration::from_hours(2));
    stands(&hosted.host, &expiring, "failed").await?;
    hosted.clock.advance(7 * DAY);
    stands(&hosted.host, &kept, "failed").await?;
    for (id, end) in [
        (&expiring, "failed"),
        (&kept, "failed"),
        (&with_it, "cancelled"),
        (&without_it, "cancelled"),
    ] {
        assert_eq!(steps_of(&hosted, id).await?, ["queued", end]);
    }
    hosted.write("wamid.1", ADA, "Hi").await?;
    let last = channel.send(&text(ADA, "Last"), None).await?;
    stands(&hosted.host, &last.id, "accepted").await?;
    let heard = heard(&hosted);
    assert_eq!(heard[4..], ["Last"], "nothing of it leaves");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_built_for_the_window_in_which_it_leaves() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({"greeting": null})).await?;
    add_template(&channel, "reopen").await?;
    let tried = async |id: &str| {
        until("it was not tried", async || {
            let standing = hosted.host.message(id)?.context("a message")?;
            Ok(standing.attempts == 1 && standing.state == "queued")
        })
        .await
    };
    let busy = || {
        let body = json!({"error": {"message": "(#130429) Rate limit hit", "code": 130_429}});
        Answer::Status(429, body)
    };
    hosted.write("wamid.1", ADA, "Hi").await?;
    hosted.peer.next("/messages", busy());
    let closing = channel
        .send(&with_fallback(ADA, "Closing", None), None)
        .await?;
    tried(&closing.id).await?;
    hosted.clock.advance(2 * DAY);
    let closing = stands(&hosted.host, &closing.id, "accepted").await?;
    assert_eq!(heard(&hosted), ["reopen"]);
    assert!(closing.original.is_some());

    hosted.peer.next("/messages", busy());
    let opening = channel
        .send(&with_fallback(BOB, "Opening", None), None)
        .await?;
    tried(&opening.id).await?;
    hosted.write("wamid.2", BOB, "Hi").await?;
    let opening = stands(&hosted.host, &opening.id, "accepted").await?;
    assert_eq!(heard(&hosted), ["reopen", "Opening"]);
    assert!(opening.original.is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_under_the_name_that_the_vendor_gave() -> Result<()> {
    // Mexico: WhatsApp leaves a digit out.
    let (dialled, named) = ("5215512345678", "525512345678");
    let hosted = listening().await?;
    let answer = json!({"contacts": [{"input": dialled, "wa_id": named}], "messages": [{"id": "wamid.sent"}]});
    let answer = Answer::Accept(Box::new(Answer::Status(200, answer)));
    hosted.peer.next("/messages", answer);
    fall_back(&hosted, &with_fallback(dialled, "Hola", None)).await?;
    hosted.write("wamid.1", named, "¿Sí?").await?;
    hosted.accepted("Hola", 1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_paused_while_it_waits_does_not_leave() -> Result<()> {
    let hosted = listening().await?;
    let channel = hosted.host.channel("Shop").context("the channel")?;
    let busy = json!({"error": {"message": "(#130429) Rate limit hit", "code": 130_429}});
    hosted.peer.next("/messages", Answer::Status(429, busy));
    let template = json!({"to": {"phone": ADA}, "content": {"type": "template", "name": "queued", "language": "en"}});
    let waits = channel.send(template.to_string().as_bytes(), None).await?;
    until("it was not tried", async || {
        let standing = hosted.host.message(&waits.id)?.context("a message")?;
        Ok(standing.attempts == 1 && standing.state == "queued")
    })
    .await?;
    let paused = json!({"event": "PAUSED", "message_template_id": 594, "message_template_name": "queued",
        "message_template_language": "en", "reason": "NONE"});
    hosted
        .push(
            &json!({"object": "whatsapp_business_account", "entry": [{"id": cloud::ACCOUNT,
            "changes": [{"field": "message_template_status_update", "value": paused}]}]}),
        )
        .await?;
    let failed = stands(&hosted.host, &waits.id, "failed").await?;
    let error = failed.error.context("why")?.get().to_owned();
    assert!(error.contains("is paused"), "{error}");
    assert!(hosted.peer.accepted().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_a_restart() -> Result<()> {
    let mut hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    hosted
        .peer
        .next("/messages", Answer::Status(503, json!({"error": "busy"})));
    let sent = channel.send(&text(ADA, "Stay"), Some("key")).await?;
    let id = channel.id().to_owned();
    drop(channel);
    hosted.restart().await?;
    stands(&hosted.host, &sent.id, "accepted").await?;
    let channel = hosted.host.channel("Shop").context("it is there again")?;
    assert_eq!(channel.id(), id);
    let again = channel.send(&text(ADA, "Stay"), Some("key")).await?;
    assert_eq!(again.id, sent.id);
    hosted.write("wamid.1", BOB, "Hi").await?;
    hosted.accepted("Hello!", 1).await?;
    Ok(())
}
