//! Adding, changing, checking and removing channels, through the host, the sandboxed channel and real HTTP.

mod hosted;
mod peer;
#[path = "peer/signature.rs"]
mod signature;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use async_trait::async_trait;
use channel_host::capability::Lent;
use channel_host::contract::connection::Ability;
use channel_host::contract::events::{Delivery, Event, EventBody, Origin};
use channel_host::contract::inbox::{ReceiveError, Reception};
use channel_host::contract::json::timestamp;
use channel_host::contract::types::ErrorClass;
use channel_host::{CallError, Change, ChannelError, DeliveryFilter, Receive, State};
use hosted::{Hosted, KEY, NUMBER, PUBLIC, registered, until};
use peer::{Answer, Peer, Vendor, cloud};
use serde_json::{Value, json};
use tokio::sync::Notify;

const THEIRS: &str = "https://old.example.com/hooks/theirs-4711";

fn change(members: Value) -> Change {
    let Value::Object(members) = members else {
        panic!("members");
    };
    Change {
        members,
        replace_foreign: false,
    }
}

fn messages(hosted: &Hosted) -> Vec<String> {
    hosted
        .peer
        .requests()
        .iter()
        .map(peer::Request::line)
        .collect()
}

/// How often a webhook was registered.
fn times_registered(peer: &Peer) -> usize {
    let requests = peer.requests();
    let lines = requests.iter().map(peer::Request::line);
    lines
        .filter(|line| line == "POST /v1/configs/webhook")
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_adds_nothing_and_a_right_one_registers_the_webhook() -> Result<()> {
    let hosted = Hosted::start().await?;
    let Err(ChannelError::Refused(error)) = hosted.add(&json!({"api_key": "wrong"})).await else {
        panic!("it was not refused");
    };
    assert_eq!(error.class, ErrorClass::Unauthorised);
    assert!(hosted.host.channels().is_empty());
    assert_eq!(hosted.peer.webhook(Vendor::Cloud), None);
    assert_eq!(
        messages(&hosted),
        ["GET /health_status"],
        "it is proved before anything changes"
    );

    let channel = hosted.add(&json!({})).await?;
    let webhook = registered(&hosted.peer)?;
    assert!(webhook.url.starts_with(&format!("{PUBLIC}/webhooks/")));
    assert!(webhook.url.len() > PUBLIC.len() + 40, "nobody can guess it");
    assert!(webhook.headers[0].1.len() >= 32);
    let shown = channel.shown();
    assert_eq!(
        (shown.state, shown.name.as_str()),
        (State::Connected, "Shop")
    );
    let connected = shown.connected.context("it is connected")?;
    assert_eq!(connected.phone_number.as_deref(), Some(NUMBER));
    assert!(connected.warnings.is_empty(), "{:?}", connected.warnings);
    let settings: Value = serde_json::from_str(shown.settings.get())?;
    assert_eq!(settings["api_key"], "{{secret:api_key}}");
    let told = hosted.events(&["channel"]).await?;
    assert_eq!(told[0]["channel_state"]["state"], "connected");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_wrong_are_told_all_at_once_before_anything_is_asked() -> Result<()> {
    let hosted = Hosted::start().await?;
    let wrong = json!({"phone_number": "0049", "api_key": "has spaces", "api": "graph"});
    let Err(ChannelError::Invalid(problems)) = hosted.add(&wrong).await else {
        panic!("it was not refused");
    };
    let pointers: Vec<_> = problems.iter().map(|it| it.pointer.as_str()).collect();
    for pointer in ["/phone_number", "/api_key", "/api"] {
        assert!(pointers.contains(&pointer), "{pointers:?}");
    }
    assert!(hosted.peer.requests().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_numbers_are_shown_where_they_differ() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({"phone_number": "+15550000000"})).await?;
    let warnings = channel
        .shown()
        .connected
        .context("it is connected")?
        .warnings;
    assert_eq!(warnings[0].code, "number_differs");
    assert!(warnings[0].message.contains(NUMBER) && warnings[0].message.contains("15550000000"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_channels_have_one_name_or_number() -> Result<()> {
    let hosted = Hosted::start().await?;
    hosted.add(&json!({})).await?;
    let requests = hosted.peer.requests().len();
    for (changes, member) in [
        (json!({"phone_number": "+15550000000"}), "name"),
        (json!({"name": "Other"}), "phone_number"),
    ] {
        let Err(ChannelError::Taken { member: found, by }) = hosted.add(&changes).await else {
            panic!("it was not refused");
        };
        assert_eq!((found.as_str(), by.as_str()), (member, "Shop"));
    }
    assert_eq!(hosted.peer.requests().len(), requests, "nothing is asked");
    // The vendor knows that it is the same number, whatever was typed.
    let ours = registered(&hosted.peer)?;
    let other = json!({"name": "Other", "phone_number": "+15550000000"});
    let Err(ChannelError::Taken { member, .. }) = hosted.add_over(&other, true).await else {
        panic!("it was not refused");
    };
    assert_eq!(member, "phone_number");
    assert_eq!(registered(&hosted.peer)?, ours);
    assert_eq!(
        times_registered(&hosted.peer),
        1,
        "no delivery goes astray meanwhile"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_can_t_move_to_a_number_that_another_channel_has() -> Result<()> {
    let second = Peer::start(KEY, "15550000000").await?;
    let grant = second.url().to_owned();
    let hosted = Hosted::start_with(|options| options.private_origins.push(grant)).await?;
    hosted.add(&json!({})).await?;
    let other = json!({"name": "Other", "phone_number": "+15550000000", "base_url": second.url()});
    let other = hosted.add(&other).await?;
    let before = (registered(&hosted.peer)?, registered(&second)?);
    let moving = Change {
        replace_foreign: true,
        ..change(json!({"base_url": hosted.peer.url()}))
    };
    let moved = other.change(moving).await;
    assert!(
        matches!(moved, Err(ChannelError::Taken { .. })),
        "{moved:?}"
    );
    assert_eq!((registered(&hosted.peer)?, registered(&second)?), before);
    assert_eq!(times_registered(&hosted.peer), 1);
    assert_eq!(times_registered(&second), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_fails_half_way_leaves_the_webhook_as_it_was() -> Result<()> {
    let hosted = Hosted::start().await?;
    hosted
        .peer
        .register(Vendor::Cloud, THEIRS, &[("X-Tenant", "acme-tenant-0815")]);
    let theirs = registered(&hosted.peer)?;
    let channel = hosted.add_over(&json!({}), true).await?;
    let before = registered(&hosted.peer)?;
    let without_header =
        json!({"webhook_authentication": "hmac", "webhook_hmac_secret": "platform-secret"});
    let fails = || {
        // The look at what is there, the write, and the look at what came of it.
        let next = |answer| hosted.peer.next("/v1/configs/webhook", answer);
        next(Answer::Usual);
        next(Answer::Accept(Box::new(Answer::Cut)));
        next(Answer::Status(500, Value::Null));
    };
    fails();
    let failed = channel.change(change(without_header.clone())).await;
    assert!(
        matches!(failed, Err(ChannelError::Refused(_))),
        "{failed:?}"
    );
    assert_eq!(registered(&hosted.peer)?, before);
    assert_eq!(channel.shown().state, State::Connected);
    hosted.write("wamid.1", "16315551234", "Hi").await?;

    fails();
    hosted
        .peer
        .next("/v1/configs/webhook", Answer::Status(500, Value::Null));
    let failed = channel.change(change(without_header)).await;
    assert!(
        matches!(failed, Err(ChannelError::Refused(_))),
        "{failed:?}"
    );
    let shown = channel.shown();
    assert_eq!(shown.state, State::NotReceiving);
    let detail = shown.detail.context("why")?;
    assert!(detail.contains("connect the channel again"), "{detail}");
    channel.connect(false).await?;
    assert_eq!(registered(&hosted.peer)?, before);
    channel.disconnect().await?;
    assert_eq!(registered(&hosted.peer)?, theirs, "it is not forgotten");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_s_webhook_comes_back_where_replacing_it_fails_half_way() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    hosted
        .peer
        .register(Vendor::Cloud, THEIRS, &[("X-Tenant", "acme-tenant-0815")]);
    let before = registered(&hosted.peer)?;
    let next = |answer| hosted.peer.next("/v1/configs/webhook", answer);
    // Two looks at what is there, one at all that is, one to keep it, the write, and the look at what came of it.
    let fails = || {
        (0..4).for_each(|_| next(Answer::Usual));
        next(Answer::Accept(Box::new(Answer::Cut)));
        next(Answer::Status(500, Value::Null));
    };
    fails();
    let failed = channel.connect(true).await;
    assert!(
        matches!(failed, Err(ChannelError::Refused(_))),
        "{failed:?}"
    );
    assert_eq!(registered(&hosted.peer)?, before);

    // Nor can it be put back at once.
    fails();
    next(Answer::Status(500, Value::Null));
    let failed = channel.connect(true).await;
    assert!(
        matches!(failed, Err(ChannelError::Refused(_))),
        "{failed:?}"
    );
    assert_ne!(registered(&hosted.peer)?, before);
    assert_eq!(channel.shown().state, State::NotReceiving);
    channel.disconnect().await?;
    assert_eq!(registered(&hosted.peer)?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connect_over_somebody_else_s_webhook_leaves_the_channel_as_it_was() -> Result<()>
{
    let mut hosted = Hosted::start_with(|options| options.public_url = None).await?;
    drop(hosted.add(&json!({})).await?);
    hosted
        .restart_with(|options| options.public_url = Some(PUBLIC.to_owned()))
        .await?;
    let channel = hosted.host.channel("Shop").context("it is there")?;
    hosted.peer.register(Vendor::Cloud, THEIRS, &[]);
    (0..4).for_each(|_| hosted.peer.next("/v1/configs/webhook", Answer::Usual));
    let refused = json!({"meta": {"success": false, "developer_message": "Bad url"}});
    hosted
        .peer
        .next("/v1/configs/webhook", Answer::Status(400, refused));
    let failed = channel.connect(true).await;
    assert!(
        matches!(failed, Err(ChannelError::Refused(_))),
        "{failed:?}"
    );
    let shown = channel.shown();
    assert_eq!(shown.state, State::NotReceiving);
    assert!(
        channel.shown_with_secret().register.is_some(),
        "it is still to be registered by hand"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_puts_somebody_else_s_webhook_on_disk_before_it_replaces_it() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    hosted
        .peer
        .register(Vendor::Cloud, THEIRS, &[("X-Tenant", "acme-tenant-0815")]);
    let before = registered(&hosted.peer)?;
    // Four reads, then the write.
    for _ in 0..4 {
        hosted.peer.next("/v1/configs/webhook", Answer::Usual);
    }
    let gate = Arc::new(Notify::new());
    let held = Answer::Held(gate.clone(), Box::new(Answer::Usual));
    hosted.peer.next("/v1/configs/webhook", held);
    let over = Change {
        replace_foreign: true,
        ..change(
            json!({"webhook_authentication": "header_and_hmac", "webhook_hmac_secret": "platform-secret"}),
        )
    };
    let writes = times_registered(&hosted.peer);
    let (changing, kept) = tokio::join!(channel.change(over), async {
        until("it is not replaced", async || {
            Ok(times_registered(&hosted.peer) > writes)
        })
        .await?;
        let file = hosted.directory.path().join("host.db");
        let database = rusqlite::Connection::open(file)?;
        let select = "SELECT count(*) FROM secret WHERE name LIKE '%/X-Tenant'";
        let kept = database.query_row(select, [], |row| row.get(0))?;
        gate.notify_one();
        Ok::<i64, anyhow::Error>(kept)
    });
    changing?;
    assert_eq!(kept?, 1);
    assert_ne!(registered(&hosted.peer)?, before);
    channel.disconnect().await?;
    assert_eq!(registered(&hosted.peer)?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_s_webhook_is_replaced_only_when_told_and_comes_back_whole() -> Result<()> {
    let mut hosted = Hosted::start().await?;
    let theirs = [
        ("Authorization", "Basic dGhlaXI6c2VjcmV0"),
        ("X-Tenant", "acme-tenant-0815"),
    ];
    hosted.peer.register(Vendor::Cloud, THEIRS, &theirs);
    let before = registered(&hosted.peer)?;
    let Err(ChannelError::Occupied(found)) = hosted.add(&json!({})).await else {
        panic!("it was not refused");
    };
    assert_eq!(found.url.as_deref(), Some(THEIRS));
    assert!(
        !format!("{found:?}").contains("dGhlaXI6c2VjcmV0"),
        "its credentials stay sealed"
    );
    assert_eq!(registered(&hosted.peer)?, before);

    let channel = hosted.add_over(&json!({}), true).await?;
    assert_ne!(registered(&hosted.peer)?, before);
    let shown = format!("{:?}", channel.shown());
    assert!(shown.contains("https://old.example.com") && !shown.contains(THEIRS));
    for file in ["host.db", "host.db-wal"] {
        let bytes = std::fs::read(hosted.directory.path().join(file))?;
        for secret in [THEIRS, "dGhlaXI6c2VjcmV0"] {
            let mut parts = bytes.windows(secret.len());
            assert!(!parts.any(|part| part == secret.as_bytes()), "{file}");
        }
    }
    let id = channel.id().to_owned();
    drop(channel);
    // What was there is remembered across restarts, checks and connecting again.
    hosted.restart().await?;
    let channel = hosted.host.channel(&id).context("it is there")?;
    channel.check().await?;
    channel.connect(false).await?;
    channel.disconnect().await?;
    assert_eq!(registered(&hosted.peer)?, before);
    assert_eq!(channel.shown().state, State::Disconnected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_ours_that_was_replaced_is_not_touched_and_the_channel_says_so() -> Result<()>
{
    let hosted =
        Hosted::start_with(|options| options.check_every = Duration::from_millis(200)).await?;
    let channel = hosted.add(&json!({})).await?;
    hosted.peer.register(
        Vendor::Cloud,
        "https://thief.example.com/path/with/secret",
        &[],
    );
    until("it is not noticed", async || {
        Ok(channel.shown().state == State::NotReceiving)
    })
    .await?;
    let detail = channel.shown().detail.context("why")?;
    assert!(
        detail.contains("https://thief.example.com") && !detail.contains("/path"),
        "{detail}"
    );
    assert!(detail.contains("connect"), "{detail}");
    assert_eq!(
        channel.shown().listening_since,
        None,
        "who writes meanwhile is not known"
    );
    let told = hosted.events(&["channel"]).await?;
    assert_eq!(
        told.last().context("told")?["channel_state"]["state"],
        "not_receiving"
    );

    assert!(matches!(
        channel.connect(false).await,
        Err(ChannelError::Occupied(_))
    ));
    channel.connect(true).await?;
    assert_eq!(channel.shown().state, State::Connected);
    hosted.peer.register(Vendor::Cloud, THEIRS, &[]);
    channel.disconnect().await?;
    assert_eq!(
        registered(&hosted.peer)?.url,
        THEIRS,
        "it is not ours to give back"
    );
    channel.remove(false).await?;
    assert!(hosted.host.channels().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_without_the_channel_s_secret_does_not_receive() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let ours = registered(&hosted.peer)?;
    let right = [("X-Channel-Secret", ours.headers[0].1.as_str())];
    let wrong = [("X-Channel-Secret", "another-secret-of-somebody")];
    for (headers, state) in [
        (&right[..], State::Connected),
        (&[], State::NotReceiving),
        (&right, State::Connected),
        (&wrong, State::NotReceiving),
    ] {
        hosted.peer.register(Vendor::Cloud, &ours.url, headers);
        let checked = channel.check().await?;
        assert_eq!(checked.state, state, "{headers:?}");
    }
    let detail = channel.shown().detail.context("why")?;
    assert!(detail.contains("without this channel's secret"), "{detail}");
    channel.connect(false).await?;
    assert_eq!(channel.check().await?.state, State::Connected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn name_and_greeting_change_at_once_and_a_key_is_proved_first() -> Result<()> {
    let hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    let requests = hosted.peer.requests().len();
    // A form sends back what it was shown.
    let shown: Value = serde_json::from_str(channel.shown().settings.get())?;
    channel.change(change(shown)).await?;
    channel
        .change(change(json!({"name": "Store", "greeting": "Welcome!"})))
        .await?;
    assert_eq!(
        hosted.peer.requests().len(),
        requests,
        "nobody need be asked"
    );
    assert_eq!(channel.shown().name, "Store");
    assert!(hosted.host.channel("Store").is_some() && hosted.host.channel("Shop").is_none());
    hosted.write("wamid.1", "16315551234", "Hi").await?;
    hosted.accepted("Welcome!", 1).await?;

    let before = channel.shown().settings.get().to_owned();
    let wrong = channel.change(change(json!({"api_key": "wrong"}))).await;
    assert!(matches!(wrong, Err(ChannelError::Refused(_))), "{wrong:?}");
    let invalid = channel.change(change(json!({"phone_number": "x"}))).await;
    assert!(
        matches!(invalid, Err(ChannelError::Invalid(_))),
        "{invalid:?}"
    );
    assert_eq!(channel.shown().settings.get(), before);
    // The old key still works.
    let sent = channel
        .send(&hosted::text("16315551234", "Still here"), None)
        .await?;
    hosted::stands(&hosted.host, &sent.id, "accepted").await?;
    let webhook = registered(&hosted.peer)?;
    channel
        .change(change(json!({"api_key": KEY, "greeting": null})))
        .await?;
    assert_eq!(registered(&hosted.peer)?, webhook);
    let settings: Value = serde_json::from_str(channel.shown().settings.get())?;
    assert_eq!(settings.get("greeting"), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_fails_half_way_leaves_no_channel() -> Result<()> {
    let hosted = Hosted::start().await?;
    hosted.peer.next("/v1/configs/webhook", Answer::Usual);
    let broken =
        json!({"meta": {"success": false, "http_code": 400, "developer_message": "Bad url"}});
    hosted
        .peer
        .next("/v1/configs/webhook", Answer::Status(400, broken));
    let failed = hosted.add(&json!({})).await;
    assert!(
        matches!(failed, Err(ChannelError::Refused(_))),
        "{:?}",
        failed.err()
    );
    assert!(hosted.host.channels().is_empty());
    hosted.add(&json!({})).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_public_address_it_says_what_to_register_by_hand() -> Result<()> {
    let hosted = Hosted::start_with(|options| options.public_url = None).await?;
    let channel = hosted.add(&json!({})).await?;
    assert_eq!(hosted.peer.webhook(Vendor::Cloud), None);
    let shown = channel.shown();
    assert_eq!(shown.state, State::NotReceiving);
    assert!(
        shown.register.is_none(),
        "whoever looks need not know the secret"
    );
    let by_hand = channel.shown_with_secret().register;
    let by_hand = by_hand.context("what to register")?;
    let headers: Vec<_> = by_hand
        .headers
        .iter()
        .map(|it| (it.name.as_str(), it.value.as_str()))
        .collect();
    let url = by_hand.url.context("an address")?;
    let path = &url[url.find("/webhooks/").context("a path")?..];
    hosted.peer.register(
        Vendor::Cloud,
        &format!("https://tunnel.example.com{path}"),
        &headers,
    );
    hosted.write("wamid.1", "16315551234", "Hi").await?;
    until("it does not say so", async || {
        Ok(channel.shown().state == State::Receiving)
    })
    .await?;
    assert!(channel.shown_with_secret().register.is_none());
    assert!(channel.shown().listening_since.is_some());
    hosted.accepted("Hello!", 1).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_was_registered_by_hand_is_looked_after() -> Result<()> {
    let hosted = Hosted::start_with(|options| options.public_url = None).await?;
    let channel = hosted.add(&json!({})).await?;
    let checked = channel.check().await?;
    assert_eq!(checked.health.receiving, Some(false), "there is none yet");
    let by_hand = channel.registration();
    let url = by_hand.url.context("an address")?;
    let path = &url[url.find("/webhooks/").context("a path")?..];
    let url = format!("https://tunnel.example.com{path}");
    let header = &by_hand.headers[0];
    let headers = [(header.name.as_str(), header.value.as_str())];
    for (url, headers, state) in [
        (url.as_str(), &headers[..], State::Connected),
        (&url, &[], State::NotReceiving),
        (&url, &headers, State::Connected),
        (THEIRS, &[], State::NotReceiving),
    ] {
        hosted.peer.register(Vendor::Cloud, url, headers);
        let checked = channel.check().await?;
        assert_eq!(checked.state, state, "{url}");
        assert_eq!(
            checked.health.receiving,
            Some(state == State::Connected),
            "{url}"
        );
        if state == State::Connected {
            channel.connect(false).await?;
            assert_eq!(channel.shown().state, state, "it stays as it is");
        }
        let shown = checked.health.registrations[0].url.as_deref();
        let shown = shown.context("an address")?;
        assert!(
            shown == "https://tunnel.example.com/webhooks/…" || shown == "https://old.example.com",
            "{shown}"
        );
    }
    let detail = channel.shown().detail.context("why")?;
    assert!(
        detail.contains("https://old.example.com:") && detail.contains("by hand"),
        "{detail}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hmac_counts_where_it_is_configured() -> Result<()> {
    let hosted = Hosted::start().await?;
    let settings = json!({"webhook_authentication": "header_and_hmac", "webhook_hmac_secret": "platform-secret"});
    hosted.add(&settings).await?;
    let body = peer::cloud::message(&hosted.peer, "wamid.1", "16315551234", "Hi", 1).to_string();
    let webhook = registered(&hosted.peer)?;
    let header = webhook.headers[0].1.as_str();
    let good = signature::signature("platform-secret", body.as_bytes());
    let prefixed = format!("sha256={}", good.to_uppercase());
    let other = signature::signature("another-secret", body.as_bytes());
    for (signature, expected) in [
        (None, 401),
        (Some(&other), 401),
        (Some(&good), 200),
        (Some(&prefixed), 200),
    ] {
        let mut headers = vec![("x-channel-secret", header)];
        headers.extend(signature.map(|signature| ("x-360dialog-signature", signature.as_str())));
        let status = hosted
            .peer
            .push_with(Vendor::Cloud, &headers, body.clone())
            .await?;
        assert_eq!(status, expected, "{signature:?}");
    }
    let unsigned_header = [("x-360dialog-signature", good.as_str())];
    assert_eq!(
        hosted
            .peer
            .push_with(Vendor::Cloud, &unsigned_header, body)
            .await?,
        401
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_waiting_leaves_nothing_half_done() -> Result<()> {
    let hosted = Hosted::start().await?;
    hosted.peer.register(Vendor::Cloud, THEIRS, &[]);
    let before = registered(&hosted.peer)?;
    // The vendor is held up when it registers: two reads, the look at what is replaced, then the write.
    for _ in 0..3 {
        hosted.peer.next("/v1/configs/webhook", Answer::Usual);
    }
    let gate = Arc::new(Notify::new());
    let held = Answer::Held(gate.clone(), Box::new(Answer::Usual));
    hosted.peer.next("/v1/configs/webhook", held);
    let settings = json!({});
    let adding = hosted.add_over(&settings, true);
    let waiting = tokio::time::timeout(Duration::from_millis(300), adding);
    assert!(waiting.await.is_err(), "nobody waits for it any more");
    gate.notify_one();
    until("it is not connected", async || {
        Ok(hosted
            .host
            .channel("Shop")
            .is_some_and(|it| it.shown().state == State::Connected))
    })
    .await?;
    let channel = hosted.host.channel("Shop").context("it is there")?;
    assert_ne!(registered(&hosted.peer)?, before);
    channel.disconnect().await?;
    assert_eq!(
        registered(&hosted.peer)?,
        before,
        "what was there is not lost"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_given_back_though_the_public_address_has_changed() -> Result<()> {
    let mut hosted = Hosted::start().await?;
    hosted
        .peer
        .register(Vendor::Cloud, THEIRS, &[("X-Tenant", "acme-tenant-0815")]);
    let before = registered(&hosted.peer)?;
    drop(hosted.add_over(&json!({}), true).await?);
    for base in [Some("https://moved.example.com".to_owned()), None] {
        hosted
            .restart_with(|options| options.public_url = base)
            .await?;
        let channel = hosted.host.channel("Shop").context("it is there")?;
        channel.check().await?;
    }
    let channel = hosted.host.channel("Shop").context("it is there")?;
    channel.disconnect().await?;
    assert_eq!(registered(&hosted.peer)?, before);
    drop(channel);

    hosted
        .restart_with(|options| options.public_url = Some("https://moved.example.com".to_owned()))
        .await?;
    let channel = hosted.host.channel("Shop").context("it is there")?;
    channel.connect(true).await?;
    drop(channel);
    hosted
        .restart_with(|options| options.public_url = Some(PUBLIC.to_owned()))
        .await?;
    let channel = hosted.host.channel("Shop").context("it is there")?;
    // Its own former address is in nobody's way.
    channel.connect(false).await?;
    assert!(registered(&hosted.peer)?.url.starts_with(PUBLIC));
    channel.disconnect().await?;
    assert_eq!(registered(&hosted.peer)?, before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_public_address_the_number_is_compared_and_unique_all_the_same() -> Result<()> {
    let hosted = Hosted::start_with(|options| options.public_url = None).await?;
    let channel = hosted.add(&json!({"phone_number": "+15550000000"})).await?;
    let connected = channel.shown().connected.context("what was told")?;
    assert_eq!(connected.warnings[0].code, "number_differs");
    let other = json!({"name": "Other", "phone_number": "+15550000001"});
    let taken = hosted.add(&other).await;
    assert!(
        matches!(taken, Err(ChannelError::Taken { .. })),
        "{:?}",
        taken.err()
    );
    assert_eq!(hosted.host.channels().len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_can_t_be_started_is_told_and_holds_up_no_other() -> Result<()> {
    let mut hosted = Hosted::start().await?;
    drop(hosted.add(&json!({})).await?);
    let components = hosted.directory.path().join("plugins");
    std::fs::rename(&components, hosted.directory.path().join("elsewhere"))?;
    hosted.restart().await?;
    assert!(hosted.host.channels().is_empty());
    let broken = hosted.host.broken();
    assert_eq!(broken[0].0, "Shop");
    assert!(broken[0].1.contains("plugins"), "{broken:?}");
    Ok(())
}

/// Makes an account event of each body: `{"at": milliseconds, "change": {…}}`.
struct Accounts;

#[async_trait]
impl Receive for Accounts {
    async fn receive(
        &self,
        _: Lent,
        _: &str,
        delivery: &Delivery,
        _: u64,
    ) -> Result<Result<Reception, ReceiveError>, CallError> {
        let body: Value = serde_json::from_slice(&delivery.body).expect("JSON");
        let change = serde_json::from_value(body["change"].clone()).expect("a change");
        let event = Event {
            id: body.to_string(),
            time: body["at"].as_u64(),
            contact: None,
            origin: Origin {
                envelope: "cloud".to_owned(),
                field: Some("account_update".to_owned()),
                account_id: Some(cloud::ACCOUNT.to_owned()),
                phone_number_id: None,
                phone_number: None,
                entry_time: None,
                own: body["own"] != false,
            },
            body: EventBody::Account(change),
            attributes: Vec::new(),
            raw: body.to_string(),
        };
        Ok(Ok(Reception {
            events: vec![event],
            replies: Vec::new(),
            answer: None,
        }))
    }
}

/// What the channel shows of the account: subjects and states.
fn account(channel: &channel_host::ChannelHandle) -> Result<Vec<(String, String)>> {
    let shown = serde_json::to_value(channel.shown())?;
    let notices = shown["account"].as_array().cloned().unwrap_or_default();
    let word = |notice: &Value, name: &str| notice[name].as_str().unwrap_or_default().to_owned();
    let words = notices
        .iter()
        .map(|it| (word(it, "subject"), word(it, "state")));
    Ok(words.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_vendor_tells_of_the_account_is_shown_and_asked_about() -> Result<()> {
    let mut hosted = Hosted::start().await?;
    let channel = hosted.add(&json!({})).await?;
    hosted.host.receive_with(&channel, Arc::new(Accounts));
    let now = hosted.clock.now();
    let asked = |hosted: &Hosted| {
        let lines = messages(hosted).into_iter();
        lines.filter(|line| line == "GET /health_status").count()
    };
    let before = asked(&hosted);
    let blocked =
        json!({"id": "1", "health_status": {"can_send_messages": "BLOCKED", "entities": []}});
    hosted
        .peer
        .next("/health_status", Answer::Status(200, blocked));

    let banned = json!({"subject": "account", "code": "DISABLED_UPDATE", "state": "DISABLE"});
    let lifted = json!({"subject": "account", "code": "DISABLED_UPDATE", "state": "REINSTATE"});
    let until = timestamp::serialize(&(now + 60_000), serde_json::value::Serializer)?;
    let restricted = json!({"subject": "account", "code": "ACCOUNT_RESTRICTION", "state": "no",
        "restrictions": [{"kind": "RESTRICTED_BIZ_INITIATED_MESSAGING", "until": until}]});
    for body in [
        json!({"at": now - 1000, "change": banned}),
        json!({"at": now - 2000, "change": lifted}),
        json!({"at": now - 3000, "change": restricted}),
        json!({"change": {"subject": "quality", "state": "LOW"}}),
        json!({"own": false, "change": {"subject": "review", "state": "REJECTED"}}),
        json!({"change": {"subject": "handover", "state": "theirs"}}),
    ] {
        hosted.push(&body).await?;
    }
    let words = |words: &[(&str, &str)]| -> Vec<(String, String)> {
        let owned = |&(subject, state): &(&str, &str)| (subject.to_owned(), state.to_owned());
        words.iter().map(owned).collect()
    };
    let all = [
        ("quality", "LOW"),
        ("account", "DISABLE"),
        ("account", "no"),
    ];
    assert_eq!(
        account(&channel)?,
        words(&all),
        "the latest first, and nothing older"
    );
    let told = hosted.events(&["channel"]).await?;
    let told: Vec<_> = told
        .iter()
        .filter_map(|it| it["channel_state"]["account"]["state"].as_str())
        .collect();
    assert_eq!(
        told,
        ["DISABLE", "no", "LOW"],
        "what is no news is not told"
    );

    hosted::until("the vendor is not asked", async || {
        Ok(channel.shown().sending == Some(Ability::Blocked))
    })
    .await?;
    assert_eq!(asked(&hosted), before + 1, "once for all of them");
    let told = hosted.events(&["channel"]).await?;
    assert_eq!(
        told.last().context("told")?["channel_state"]["sending"],
        "blocked"
    );

    hosted.clock.advance(Duration::from_mins(2));
    assert_eq!(account(&channel)?, words(&all[..2]), "a restriction ends");
    drop(channel);
    hosted.restart().await?;
    let channel = hosted.host.channel("Shop").context("it is there again")?;
    assert_eq!(account(&channel)?, words(&all[..2]));
    assert_eq!(channel.shown().sending, Some(Ability::Blocked));
    hosted.host.receive_with(&channel, Arc::new(Accounts));
    hosted
        .push(&json!({"at": hosted.clock.now(), "change": lifted}))
        .await?;
    hosted::until("the vendor is not asked", async || {
        Ok(channel.shown().sending == Some(Ability::Available))
    })
    .await?;
    assert_eq!(account(&channel)?[0], words(&[("account", "REINSTATE")])[0]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_webhook_brings_is_told_by_the_channel_of_its_number() -> Result<()> {
    const SECOND: &str = "15550001111";
    let second = Peer::start("key-of-the-second", SECOND).await?;
    let nobody = Peer::start("", "15559999999").await?;
    let hosted = Hosted::start_with(|options| {
        options.private_origins.push(second.url().to_owned());
    })
    .await?;
    let first = hosted.add(&json!({"greeting": null})).await?;
    let settings = json!({"name": "Second", "phone_number": format!("+{SECOND}"), "api_key": "key-of-the-second",
        "base_url": second.url()});
    let other = hosted.add(&settings).await?;

    let now = hosted.clock.now() / 1000;
    let to = |peer: &Peer, id: &str| cloud::message(peer, id, "16315551234", id, now);
    let change = |body: &Value| body["entry"][0]["changes"][0].clone();
    let to_second = to(&second, "second");
    let account = json!({"field": "account_review_update", "value": {"decision": "APPROVED"}});
    let mut body = to(&hosted.peer, "first");
    body["entry"][0]["changes"] = json!([
        change(&body),
        change(&to_second),
        change(&to(&nobody, "nobody")),
        account,
    ]);
    // Another account's webhook does not speak for the number.
    let mut foreign = to(&second, "foreign");
    foreign["entry"][0]["id"] = json!("999");
    for body in [&body, &body, &foreign] {
        hosted.push(body).await?;
        hosted.taken_in().await?;
    }
    // The number's own webhook brings it too.
    let own = registered(&second)?;
    let headers: Vec<_> = own.headers.iter().map(|(a, b)| (&**a, &**b)).collect();
    hosted.peer.register(Vendor::Cloud, &own.url, &headers);
    hosted.push(&to_second).await?;

    let told = |events: Vec<Value>, channel: &str| -> Vec<(String, bool)> {
        let of_channel = events
            .into_iter()
            .filter(|event| event["channel"] == channel);
        let told = of_channel.map(|event| {
            let text = event["message"]["content"]["text"].as_str();
            let own = event["origin"]["own"] == true;
            (text.unwrap_or("account").to_owned(), own)
        });
        told.collect()
    };
    let kinds = ["message", "account"];
    let expected = [
        ("first", true),
        ("nobody", false),
        ("account", true),
        ("foreign", false),
    ];
    let expected = expected.map(|(text, own)| (text.to_owned(), own));
    assert_eq!(told(hosted.events(&kinds).await?, first.id()), expected);
    // What is the account's is told by each of its channels.
    let expected = [("second".to_owned(), true), ("account".to_owned(), true)];
    assert_eq!(told(hosted.events(&kinds).await?, other.id()), expected);

    // It is a message of that channel's in every respect.
    until("nobody is greeted", async || {
        Ok(second.times_accepted("Hello!") == 1)
    })
    .await?;
    let deliveries = other.deliveries(DeliveryFilter::default()).await?;
    let sources: Vec<_> = deliveries.iter().map(|it| it.source).collect();
    assert_eq!(sources, [None, Some(3), Some(1)], "the latest first");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_s_webhook_is_registered_and_given_back_where_that_is_wanted() -> Result<()> {
    let hosted = Hosted::start().await?;
    let both = json!({"webhook_scope": "number_and_account"});
    let taken = json!({"url": THEIRS, "headers": {"Authorization": "Basic theirs"}});
    let read = || Answer::Status(200, taken.clone());
    hosted.peer.next("/waba_webhook", read());
    let Err(ChannelError::Occupied(found)) = hosted.add(&both).await else {
        panic!("it was not refused");
    };
    assert_eq!(found.scope.as_deref(), Some("account"));
    assert_eq!(
        hosted.peer.webhook(Vendor::Cloud),
        None,
        "nothing was registered"
    );

    // Looked at, looked at for what else there is, looked at and kept, and set.
    let message = || Answer::Status(200, json!({"message": "The webhook is being set"}));
    for answer in [read(), read(), read(), read(), message()] {
        hosted.peer.next("/waba_webhook", answer);
    }
    let channel = hosted.add_over(&both, true).await?;
    let shown = channel.shown();
    let connected = shown.connected.context("it is connected")?;
    assert_eq!(connected.settles_in_seconds, Some(20));
    let set = |hosted: &Hosted| -> Option<Value> {
        let mut requests = hosted.peer.requests();
        requests.retain(|request| request.line() == "POST /waba_webhook");
        requests.last().map(peer::Request::json)
    };
    let ours = registered(&hosted.peer)?;
    let set_here = set(&hosted).context("it is set")?;
    assert_eq!(set_here["url"], ours.url.as_str());
    assert_eq!(
        set_here["headers"][&ours.headers[0].0],
        ours.headers[0].1.as_str()
    );
    assert_eq!(set_here["override_all"], false);

    let here = json!({"url": ours.url, "headers": {}});
    for answer in [Answer::Status(200, here), message()] {
        hosted.peer.next("/waba_webhook", answer);
    }
    channel.disconnect().await?;
    let given_back = set(&hosted).context("it is set")?;
    assert_eq!(given_back["url"], THEIRS);
    assert_eq!(given_back["headers"], taken["headers"]);
    Ok(())
}
