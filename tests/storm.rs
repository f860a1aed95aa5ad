//! Storms: a vendor that throttles, fails, answers late or half, or not at all. Whatever it does, each message ends, nothing
//! is sent twice, and no message leaves faster than the channel describes.

mod hosted;
mod peer;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use channel_host::ChannelHandle;
use channel_host::contract::channel::PaceScope;
use hosted::{Hosted, text, until};
use peer::{Answer, cloud};
use serde_json::json;

/// How long a storm may last until all is settled, on a slow machine too.
const PATIENCE: Duration = Duration::from_mins(3);

/// Messages of a channel that the host has on their way at one time: as many more may arrive together than left together.
const ON_THEIR_WAY: u32 = 8;

/// A host whose requests time out soon, and its channel.
async fn started(statuses: bool) -> Result<(Hosted, ChannelHandle)> {
    let hosted =
        Hosted::start_with(|options| options.http.timeout = Duration::from_secs(2)).await?;
    hosted
        .peer
        .statuses(statuses.then_some(Duration::from_millis(10)));
    let channel = hosted.add(&json!({"greeting": null})).await?;
    Ok((hosted, channel))
}

fn contact(number: usize) -> String {
    format!("1631555{number:04}")
}

/// Lets time pass until no message waits.
async fn settled(hosted: &Hosted, ids: &[String]) -> Result<()> {
    let began = Instant::now();
    loop {
        let mut left = Vec::new();
        for id in ids {
            let standing = hosted.host.message(id)?.context("a message")?;
            if !standing.is_settled() {
                left.push(standing);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "these are stuck: {left:?}");
        hosted.clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Each message has one end, which its events tell once; none was accepted twice, and each contact's in order.
async fn check_ends(hosted: &Hosted, sent: &BTreeMap<String, String>) -> Result<()> {
    let mut ends: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in hosted.events(&["delivery"]).await? {
        let told = |member: &str| event["delivery"][member].as_str().map(str::to_owned);
        let (id, state) = (
            told("message").context("an id")?,
            told("state").context("a state")?,
        );
        if ["accepted", "failed", "held"].contains(&&*state) {
            ends.entry(id).or_default().push(state);
        }
    }
    for (id, text) in sent {
        let standing = hosted.host.message(id)?.context("a message")?;
        let times = hosted.peer.times_accepted(text);
        match &*standing.state {
            "failed" => {
                assert!(standing.error.is_some(), "{text} failed for no reason");
                assert_eq!(times, 0, "{text}");
            }
            "held" => assert!(times <= 1, "{text} was sent {times} times"),
            _ => assert_eq!(times, 1, "{text} is {}", standing.state),
        }
        if hosted.peer.statuses_owed() == 0 && times == 1 {
            assert_ne!(standing.state, "failed", "{text}");
        }
        let told = ends.get(id).map_or(&[][..], Vec::as_slice);
        assert!(told.len() <= 1, "{text} ended as {told:?}");
    }
    let mut latest: BTreeMap<String, String> = BTreeMap::new();
    for accepted in hosted.peer.accepted() {
        let before = latest.insert(accepted.to, accepted.text.clone());
        assert!(before.is_none_or(|before| before < accepted.text), "order");
    }
    Ok(())
}

/// From none on did more arrive than may be at once, and in the time since it did.
fn check_pace(times: &[Instant], at_once: u32, each: Duration) {
    for (nth, first) in times.iter().enumerate() {
        for (count, last) in (1..).zip(&times[nth..]) {
            let time = last.duration_since(*first);
            let allowed = f64::from(at_once) + time.as_secs_f64() / each.as_secs_f64();
            assert!(
                f64::from(count) <= allowed,
                "{count} requests in {time:?}, {allowed} are allowed"
            );
        }
    }
}

/// When messages arrived at the peer, by whom they are for.
fn arrivals(hosted: &Hosted) -> BTreeMap<String, Vec<Instant>> {
    let mut arrivals: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    for request in hosted.peer.requests() {
        if request.line() == "POST /messages" {
            let to = request.json()["to"].as_str().unwrap_or_default().to_owned();
            arrivals.entry(to).or_default().push(request.at);
        }
    }
    arrivals
}

async fn storm(statuses: bool) -> Result<()> {
    const MESSAGES: usize = 120;
    const CONTACTS: usize = 30;
    let (mut hosted, channel) = started(statuses).await?;
    let mut sent = BTreeMap::new();
    for number in 0..MESSAGES {
        // Another order than that of the messages, and fine weather for two of three.
        if number % 3 == 0 {
            hosted
                .peer
                .next("/messages", cloud::weather(number / 3 * 7));
        } else {
            hosted.peer.next("/messages", Answer::Usual);
        }
    }
    for number in 0..MESSAGES {
        let words = format!("message {number:03}");
        let standing = channel
            .send(&text(&contact(number % CONTACTS), &words), None)
            .await?;
        sent.insert(standing.id, words);
    }
    let id = channel.id().to_owned();
    drop(channel);
    // In the middle of it.
    until("the storm does not begin", async || {
        Ok(hosted.peer.requests().len() > MESSAGES / 4)
    })
    .await?;
    hosted.restart().await?;
    ensure!(
        hosted.host.channel(&id).is_some(),
        "the channel is there again"
    );
    let ids: Vec<_> = sent.keys().cloned().collect();
    settled(&hosted, &ids).await?;
    until("statuses are owed", async || {
        Ok(hosted.peer.statuses_owed() == 0)
    })
    .await?;
    hosted.taken_in().await?;
    check_ends(&hosted, &sent).await?;
    let states: BTreeSet<_> = ids
        .iter()
        .map(|id| Ok(hosted.host.message(id)?.context("a message")?.state))
        .collect::<Result<_>>()?;
    assert!(states.contains("failed"), "{states:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_ends_once_and_none_is_sent_twice() -> Result<()> {
    storm(false).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_ends_once_where_statuses_tell_what_answers_did_not() -> Result<()> {
    storm(true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_leave_than_the_channel_describes() -> Result<()> {
    const MESSAGES: usize = 300;
    const MOST: usize = 48;
    let (mut hosted, channel) = started(false).await?;
    let paces = channel.description().pacing.clone();
    let pace = |scope| {
        let pace = paces.iter().find(|pace| pace.scope == scope);
        let pace = pace.context("a pace")?;
        let each = Duration::from_millis(pace.period_ms.into()) / pace.messages;
        Ok::<_, anyhow::Error>((pace.burst, each))
    };
    for number in 0..MESSAGES {
        // One gets more than anybody may at once.
        let to = if number < MOST { 0 } else { number };
        channel.send(&text(&contact(to), "Hi"), None).await?;
    }
    drop(channel);
    // A host that starts again knows what has left.
    until("nothing is sent", async || {
        Ok(hosted.peer.accepted().len() > MOST)
    })
    .await?;
    hosted.restart().await?;
    hosted::until_within(PATIENCE, "some is not sent", async || {
        Ok(hosted.peer.accepted().len() == MESSAGES)
    })
    .await?;
    let arrivals = arrivals(&hosted);
    let (burst, each) = pace(PaceScope::Contact)?;
    for times in arrivals.values() {
        check_pace(times, burst + 1, each);
    }
    assert!(arrivals.values().any(|times| times.len() == MOST) && burst < 48);
    let mut all: Vec<_> = arrivals.into_values().flatten().collect();
    all.sort_unstable();
    let (burst, each) = pace(PaceScope::Channel)?;
    check_pace(&all, burst + ON_THEIR_WAY, each);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_channel_slows_down_and_becomes_faster_again() -> Result<()> {
    /// Between two messages of a channel that was slowed down to an eighth of its pace, and that is three times halved.
    const SLOW: Duration = Duration::from_millis(1000 * 8 / 75);
    /// For so long it stays as slow at least.
    const QUIET: Duration = Duration::from_secs(18);
    const MESSAGES: usize = 400;
    let (hosted, channel) = started(false).await?;
    for _ in 0..1000 {
        hosted.peer.next("/messages", cloud::weather(0));
    }
    for number in 0..20 {
        channel
            .send(&text(&contact(number), "throttled"), None)
            .await?;
    }
    // What is throttled within two seconds of the time before halves nothing.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(8) {
        // All of them try again.
        hosted.clock.advance(Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    hosted.peer.calm("/messages");
    let calm = Instant::now();
    for number in 20..20 + MESSAGES {
        channel.send(&text(&contact(number), "calm"), None).await?;
    }
    hosted::until_within(PATIENCE, "some is not sent", async || {
        Ok(hosted.peer.times_accepted("calm") == MESSAGES)
    })
    .await?;
    let mut times: Vec<_> = arrivals(&hosted).into_values().flatten().collect();
    times.retain(|time| *time > calm);
    times.sort_unstable();
    let first = times.partition_point(|time| time.duration_since(calm) < QUIET);
    check_pace(&times[..first], 1 + ON_THEIR_WAY, SLOW);
    let fast = times.windows(50).any(|some| {
        let time = some[49].duration_since(some[0]);
        time < SLOW * (49 - ON_THEIR_WAY)
    });
    assert!(fast, "it is as slow as it was");
    Ok(())
}
