//! What a hostile body or a hostile channel costs: one call, with a reason. The next call works, and others don't wait for it.

use anyhow::Result;
use channel_host::contract::events::EventBody;
use channel_host::contract::outbound::{Content, Message, Text, Window};
use channel_host::contract::types::Recipient;
use channel_host::{Cache, CallError, Engine, Limits, Plugin};
use channel_tests::{CHANNEL_360DIALOG, CHANNEL_HOSTILE, CHANNEL_SMS, delivery};
use serde_json::json;
use std::time::Duration;

/// Limits under which harm is noticed soon.
fn limits() -> Limits {
    Limits {
        deadline: Duration::from_millis(500),
        ..Limits::recommended()
    }
}

fn channel(component: &str) -> Result<Plugin> {
    Ok(Engine::new(limits(), &Cache::Off)?.load_file(component.as_ref())?)
}

fn message() -> Message {
    Message {
        to: Recipient::Phone("16315551234".to_owned()),
        content: Content::Text(Text {
            text: "Hi".to_owned(),
            preview_url: None,
        }),
        reply_to: None,
        degrade: Vec::new(),
        fallback: None,
        attributes: Vec::new(),
    }
}

/// The words that the hostile channel obeys, and what becomes of a call that says them.
const HARM: [(&str, &str); 5] = [
    ("trap", "trapped"),
    ("loop", "deadline"),
    ("memory", "limit"),
    ("recurse", "limit"),
    ("exit", "trapped"),
];

#[tokio::test]
async fn each_kind_of_harm_in_each_export_costs_one_call() -> Result<()> {
    let hostile = channel(CHANNEL_HOSTILE)?;
    for (word, reason) in HARM {
        let normalize = hostile.normalize(None, &delivery(word)).await.unwrap_err();
        assert_eq!(normalize.reason(), reason, "normalize {word}: {normalize}");
        let validate = hostile.validate(word).await.unwrap_err();
        assert_eq!(validate.reason(), reason, "validate {word}: {validate}");
        let build = hostile
            .build(word, &message(), &Window::Unknown, None)
            .await
            .unwrap_err();
        assert_eq!(build.reason(), reason, "build {word}: {build}");

        assert_eq!(hostile.validate("peace").await?, []);
    }
    let describe = hostile.describe().await.unwrap_err();
    assert_eq!(describe.reason(), "trapped");
    Ok(())
}

#[tokio::test]
async fn a_trap_names_the_functions_that_it_happened_in() -> Result<()> {
    let hostile = channel(CHANNEL_HOSTILE)?;
    let CallError::Trapped { frames, .. } = hostile.validate("trap").await.unwrap_err() else {
        panic!("not a trap");
    };
    assert!(
        frames.iter().any(|frame| frame.contains("channel_hostile")),
        "{frames:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_giant_result_is_refused_before_the_host_holds_it() -> Result<()> {
    let hostile = channel(CHANNEL_HOSTILE)?;
    for (bytes, limit) in [
        ("500000000", "memory_bytes"),
        ("80000000", "transfer_bytes"),
    ] {
        let error = hostile.normalize(None, &delivery(bytes)).await.unwrap_err();
        assert!(
            matches!(error, CallError::Limit { name, .. } if name == limit),
            "{bytes}: {error}"
        );
    }
    let large = hostile.normalize(None, &delivery("1000000")).await?;
    assert_eq!(large.expect("events")[0].raw.len(), 1_000_000);
    Ok(())
}

#[tokio::test]
async fn a_loud_channel_is_cut_and_not_punished() -> Result<()> {
    let hostile = channel(CHANNEL_HOSTILE)?;
    assert_eq!(hostile.validate("shout").await?, []);
    Ok(())
}

#[tokio::test]
async fn an_instance_that_failed_is_not_used_again() -> Result<()> {
    let hostile = channel(CHANNEL_HOSTILE)?;
    let mut instance = hostile.instantiate().await?;
    assert_eq!(instance.validate("peace").await?, []);
    assert_eq!(
        instance.validate("trap").await.unwrap_err().reason(),
        "trapped"
    );
    assert_eq!(
        instance.validate("peace").await.unwrap_err(),
        CallError::Poisoned
    );
    Ok(())
}

/// On one thread: two channels that never end, and a third that is served a hundred times meanwhile.
#[tokio::test(flavor = "current_thread")]
async fn two_endless_loops_do_not_starve_a_third() -> Result<()> {
    let engine = Engine::new(
        Limits {
            deadline: Duration::from_secs(20),
            ..limits()
        },
        &Cache::Off,
    )?;
    let hostile = engine.load_file(CHANNEL_HOSTILE.as_ref())?;
    let honest = engine.load_file(CHANNEL_SMS.as_ref())?;
    let endless = || {
        let hostile = hostile.clone();
        tokio::spawn(async move { hostile.validate("loop").await })
    };
    let loops = [endless(), endless()];
    for _ in 0..100 {
        honest.describe().await?;
    }
    for endless in loops {
        assert!(
            !endless.is_finished(),
            "the loops ended too soon to show anything"
        );
        endless.abort();
    }
    Ok(())
}

/// More calls than the pool has sandboxes wait for their turn, and a plugin can't take all of them.
#[tokio::test]
async fn a_plugin_cannot_take_every_sandbox() -> Result<()> {
    let engine = Engine::new(
        Limits {
            sandboxes: 3,
            sandboxes_per_plugin: 2,
            sandboxes_with_http: 1,
            ..limits()
        },
        &Cache::Off,
    )?;
    let hostile = engine.load_file(CHANNEL_HOSTILE.as_ref())?;
    let honest = engine.load_file(CHANNEL_SMS.as_ref())?;
    let loops: Vec<_> = (0..6)
        .map(|_| {
            let hostile = hostile.clone();
            tokio::spawn(async move { hostile.validate("loop").await })
        })
        .collect();
    tokio::task::yield_now().await;
    honest.describe().await?;
    assert!(loops.iter().any(|endless| !endless.is_finished()));
    for endless in loops {
        assert_eq!(endless.await?.unwrap_err().reason(), "deadline");
    }
    Ok(())
}

#[tokio::test]
async fn a_call_does_not_wait_for_ever_for_a_sandbox() -> Result<()> {
    let engine = Engine::new(
        Limits {
            sandboxes_per_plugin: 1,
            sandboxes_with_http: 0,
            queue: Duration::from_millis(10),
            ..limits()
        },
        &Cache::Off,
    )?;
    let sms = engine.load_file(CHANNEL_SMS.as_ref())?;
    let held = sms.instantiate().await?;
    assert_eq!(sms.describe().await.unwrap_err().reason(), "busy");
    drop(held);
    sms.describe().await?;
    Ok(())
}

#[tokio::test]
async fn hostile_bodies_are_rejected_or_read() -> Result<()> {
    let engine = Engine::new(Limits::recommended(), &Cache::Off)?;
    let channel = engine.load_file(CHANNEL_360DIALOG.as_ref())?;
    let webhook = |value: serde_json::Value| {
        json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [
            {"field": "messages", "value": value}]}]})
        .to_string()
    };
    let whole = webhook(
        json!({"messages": [{"id": "m", "from": "1", "timestamp": "1", "type": "text", "text": {"body": "a"}}]}),
    );
    let deep = "[".repeat(1_500_000) + &"]".repeat(1_500_000);
    for (name, body) in [
        ("truncated", whole.as_bytes()[..whole.len() / 2].to_vec()),
        ("deep and open", vec![b'['; 3_000_000]),
        ("deep", deep.clone().into_bytes()),
        ("invalid UTF-8", b"{\"object\":\"\xff\"}".to_vec()),
        ("a number", b"1".to_vec()),
        ("nothing", Vec::new()),
    ] {
        let rejection = channel
            .normalize(None, &delivery(body))
            .await?
            .expect_err(name);
        assert!(!rejection.detail.is_empty(), "{name}");
    }

    // A deep item is an item like any other; its neighbour is read.
    let item = whole.replace("\"a\"", &deep);
    let beside = whole.replace(
        "\"messages\":[",
        &format!("\"messages\":[{{\"x\":{deep}}},"),
    );
    for (name, body, items) in [("deep item", item, 1), ("beside a deep item", beside, 2)] {
        let events = channel.normalize(None, &delivery(body)).await?.expect(name);
        assert_eq!(events.len(), items, "{name}");
        assert!(
            matches!(events[items - 1].body, EventBody::Message(_)),
            "{name}"
        );
    }

    let wrong = webhook(
        json!({"messages": [1, "a", null, true, [], {}], "statuses": 7, "contacts": {"a": 1}, "metadata": []}),
    );
    let events = channel
        .normalize(None, &delivery(wrong))
        .await?
        .expect("wrong types");
    assert_eq!(events.len(), 7);

    // The largest body that WhatsApp sends: 3 MB, 1,000 items.
    let items: Vec<_> = (0..1000)
        .map(|n| json!({"id": format!("m{n}"), "from": "1", "timestamp": "1", "type": "text", "text": {"body": "x".repeat(2900)}}))
        .collect();
    let large = webhook(json!({"messages": items}));
    assert!(large.len() > 2_900_000);
    let events = channel
        .normalize(None, &delivery(large))
        .await?
        .expect("large");
    assert_eq!(events.len(), 1000);

    let huge = webhook(
        json!({"messages": [{"id": "m", "type": "text", "text": {"body": "x".repeat(3_000_000)}}]}),
    );
    assert_eq!(
        channel
            .normalize(None, &delivery(huge))
            .await?
            .expect("huge")
            .len(),
        1
    );
    Ok(())
}
