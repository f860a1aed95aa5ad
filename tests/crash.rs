//! What a power failure leaves: the host is killed at random moments while deliveries arrive and messages leave.

mod peer;
mod running;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use peer::{Answer, Peer, cloud};
use running::Running;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

const KEY: &str = "key-of-the-number";
const NUMBER: &str = "15550783881";

/// People who write and are written to. Each may be written to 45 times at once.
const CONTACTS: usize = 50;

/// How long the last host may take to send what is left.
const PATIENCE: Duration = Duration::from_mins(2);

/// A host that is killed again and again, and what it has acknowledged.
struct Killed {
    peer: Peer,
    directory: TempDir,
    arguments: Vec<String>,
    random: u64,
    acknowledged: Arc<Acknowledged>,
}

#[derive(Default)]
struct Acknowledged {
    next: AtomicUsize,
    /// Ids of messages of people whose delivery was answered with 200.
    deliveries: Mutex<Vec<String>>,
    /// Texts of our messages that were answered with 202, and our ids of them.
    messages: Mutex<BTreeMap<String, String>>,
}

impl Killed {
    async fn new(on_uncertain: &str, statuses: bool) -> Result<Self> {
        let peer = Peer::start(KEY, NUMBER).await?;
        peer.statuses(statuses.then_some(Duration::from_millis(10)));
        let arguments = [
            "--public-url",
            "https://host.example.com",
            "--uncertain-wait",
            "3",
            "--on-uncertain",
        ];
        let mut arguments: Vec<_> = arguments.map(str::to_owned).into();
        arguments.extend([
            on_uncertain.to_owned(),
            "--private-origin".to_owned(),
            peer.url().to_owned(),
        ]);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let killed = Self {
            peer,
            directory: tempfile::tempdir()?,
            arguments,
            random: u64::try_from(since.as_nanos())? | 1,
            acknowledged: Arc::default(),
        };
        println!("the moments are drawn from {}", killed.random);
        let host = killed.start().await?;
        let settings = json!({"name": "Shop", "phone_number": format!("+{NUMBER}"), "api_key": KEY,
            "base_url": killed.peer.url()});
        let arguments = ["channel", "add", "--settings", "-"];
        let added = host
            .command_with(&arguments, settings.to_string().as_bytes())
            .await?;
        ensure!(added.code == Some(0), "{}", added.errors);
        host.stop().await?;
        Ok(killed)
    }

    async fn start(&self) -> Result<Running> {
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        let host = Running::start(self.directory.path(), &arguments).await?;
        self.peer.tunnel(&host.webhooks);
        Ok(host)
    }

    /// A number below `most` (xorshift).
    fn random(&mut self, most: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % most
    }

    /// Kills the host so many times while it works, and lets the last one finish. Returns it.
    async fn run(&mut self, moments: usize) -> Result<Running> {
        for _ in 0..moments {
            let host = self.start().await?;
            let mut work = JoinSet::new();
            for _ in 0..2 {
                work.spawn(deliver(self.peer.clone(), Arc::clone(&self.acknowledged)));
                let (api, token) = (host.api.clone(), host.token.clone());
                work.spawn(send(api, token, Arc::clone(&self.acknowledged)));
            }
            let moment = Duration::from_micros(self.random(200_000));
            tokio::time::sleep(moment).await;
            host.kill().await?;
            // What was asked and not answered ends with its connection.
            while let Some(joined) = work.join_next().await {
                joined?;
            }
        }
        let host = self.start().await?;
        let began = Instant::now();
        loop {
            let mut open = Vec::new();
            for state in ["queued", "sending", "uncertain"] {
                let page = get(&host, &format!("/channels/Shop/messages?state={state}")).await?;
                open.extend_from_slice(page["messages"].as_array().context("a list")?);
            }
            let pending = get(&host, "/channels/Shop/deliveries?state=pending").await?;
            let pending = pending["deliveries"].as_array().context("a list")?.len();
            if open.len() + pending + self.peer.statuses_owed() == 0 {
                return Ok(host);
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "{pending} deliveries are left, and these messages: {open:?}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Every delivery that was acknowledged is one event.
    async fn check_events(&self, host: &Running) -> Result<()> {
        let mut events: BTreeMap<String, usize> = BTreeMap::new();
        for event in self::events(host, "message").await? {
            let id = event["message"]["id"].as_str().context("an id")?;
            *events.entry(id.to_owned()).or_default() += 1;
        }
        let acknowledged = self.acknowledged.deliveries.lock().unwrap().clone();
        ensure!(
            acknowledged.len() > 20,
            "only {} deliveries",
            acknowledged.len()
        );
        for id in acknowledged {
            assert_eq!(events.get(&id), Some(&1), "{id}");
        }
        assert!(events.values().all(|times| *times == 1));
        Ok(())
    }

    fn messages(&self) -> Result<BTreeMap<String, String>> {
        let messages = self.acknowledged.messages.lock().unwrap().clone();
        ensure!(messages.len() > 20, "only {} messages", messages.len());
        Ok(messages)
    }
}

/// Delivers messages of people until the host is gone.
async fn deliver(peer: Peer, acknowledged: Arc<Acknowledged>) {
    loop {
        let number = acknowledged.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("wamid.IN{number}");
        let from = format!("1631555{:04}", number % CONTACTS);
        let body = cloud::message(&peer, &id, &from, "Hi", peer::now());
        match peer.push(&body).await {
            Ok(200) => acknowledged.deliveries.lock().unwrap().push(id),
            _ => return,
        }
    }
}

/// Hands messages in until the host is gone.
async fn send(api: String, token: String, acknowledged: Arc<Acknowledged>) {
    let client = running::client();
    loop {
        let number = acknowledged.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("message {number}");
        let to = format!("1631555{:04}", number % CONTACTS);
        let message = json!({"to": {"phone": to}, "content": {"type": "text", "text": text}});
        let answer = client
            .post(format!("{api}/channels/Shop/messages"))
            .bearer_auth(&token)
            .header("idempotency-key", &text)
            .json(&message)
            .send()
            .await;
        let Ok(answer) = answer else { return };
        assert_eq!(answer.status(), 202);
        let Ok(standing) = answer.json::<Value>().await else {
            return;
        };
        let id = standing["id"].as_str().expect("an id").to_owned();
        acknowledged.messages.lock().unwrap().insert(text, id);
    }
}

async fn get(host: &Running, path: &str) -> Result<Value> {
    let request = running::client()
        .get(format!("{}{path}", host.api))
        .bearer_auth(&host.token);
    Ok(request.send().await?.error_for_status()?.json().await?)
}

/// All events of a kind.
async fn events(host: &Running, kind: &str) -> Result<Vec<Value>> {
    let mut events = Vec::new();
    let mut after = 0;
    loop {
        let page = format!("/events?type={kind}&limit=1000&after={after}");
        let page = get(host, &page).await?;
        let told = page["events"].as_array().context("a list")?;
        let Some(last) = told.last() else {
            return Ok(events);
        };
        after = last["sequence"].as_i64().context("a sequence")?;
        events.extend_from_slice(told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_missing_and_statuses_make_it_exactly_once() -> Result<()> {
    let mut killed = Killed::new("resend", true).await?;
    let host = killed.run(50).await?;
    killed.check_events(&host).await?;
    for text in killed.messages()?.keys() {
        assert_eq!(killed.peer.times_accepted(text), 1, "{text}");
    }
    host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn under_hold_nothing_is_sent_twice_and_what_did_not_arrive_is_held() -> Result<()> {
    let mut killed = Killed::new("hold", true).await?;
    let host = killed.run(25).await?;
    killed.check_events(&host).await?;
    let mut held = BTreeSet::new();
    for (text, id) in killed.messages()? {
        let standing = get(&host, &format!("/channels/Shop/messages/{id}")).await?;
        match killed.peer.times_accepted(&text) {
            0 => {
                assert_eq!(standing["state"], "held", "{text}");
                held.insert(id);
            }
            1 => assert_ne!(standing["state"], "held", "{text} has a status that tells"),
            times => panic!("{text} was sent {times} times"),
        }
    }
    println!("{} were held", held.len());
    let mut told = BTreeSet::new();
    for event in events(&host, "delivery").await? {
        if event["delivery"]["state"] == "held" {
            let message = event["delivery"]["message"].as_str().context("our id")?;
            told.insert(message.to_owned());
        }
    }
    let untold: Vec<_> = held.difference(&told).collect();
    assert!(untold.is_empty(), "nobody was told of {untold:?}");
    host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_templates_stood_in_for_follows_the_answers_once() -> Result<()> {
    const PEOPLE: usize = 40;
    let mut killed = Killed::new("hold", true).await?;
    let host = killed.start().await?;
    let person = |number: usize| format!("1631555{number:04}");
    let known = |number| {
        let opened = json!({"at": "2026-01-01T00:00:00Z", "cause": "message"});
        json!({"contact": {"phone": person(number)}, "window": {"opened": opened}}).to_string()
    };
    let known: Vec<_> = (0..PEOPLE).map(known).collect();
    let arguments = ["contacts", "import", "Shop", "-"];
    let imported = host
        .command_with(&arguments, known.join("\n").as_bytes())
        .await?;
    ensure!(imported.code == Some(0), "{}", imported.errors);
    let template = [
        "--name",
        "reopen",
        "--language",
        "en",
        "--category",
        "utility",
        "--content",
        "Hello!",
    ];
    let add = [&["templates", "add", "Shop"], &template[..]].concat();
    let added = host.command(&add).await?;
    ensure!(added.code == Some(0), "{}", added.errors);
    let mut originals = Vec::new();
    for number in 0..PEOPLE {
        let content = json!({"type": "text", "text": format!("original {number}")});
        let message = json!({"to": {"phone": person(number)}, "content": content,
            "fallback": {"name": "reopen", "language": "en"}});
        let request = running::client()
            .post(format!("{}/channels/Shop/messages", host.api))
            .bearer_auth(&host.token)
            .json(&message);
        let standing: Value = request.send().await?.error_for_status()?.json().await?;
        originals.push(standing["id"].as_str().context("our id")?.to_owned());
    }
    for id in &mut originals {
        let began = Instant::now();
        *id = loop {
            let standing = get(&host, &format!("/channels/Shop/messages/{id}")).await?;
            if let Some(original) = standing["original"].as_str() {
                break original.to_owned();
            }
            ensure!(began.elapsed() < PATIENCE, "{standing}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
    }
    host.kill().await?;

    // Everybody answers, and the host is killed while the originals leave.
    let mut answered = 0;
    while answered < PEOPLE {
        let host = killed.start().await?;
        let moment = Duration::from_micros(killed.random(150_000));
        let peer = killed.peer.clone();
        let answering = tokio::spawn(async move {
            for number in answered..PEOPLE.min(answered + 5) {
                let id = format!("wamid.ANSWER{number}");
                let body = cloud::message(&peer, &id, &person(number), "Yes?", peer::now());
                match peer.push(&body).await {
                    Ok(200) => answered += 1,
                    _ => break,
                }
            }
            answered
        });
        tokio::time::sleep(moment).await;
        host.kill().await?;
        answered = answering.await?;
    }
    let host = killed.run(0).await?;
    for (number, id) in originals.iter().enumerate() {
        let standing = get(&host, &format!("/channels/Shop/messages/{id}")).await?;
        match killed.peer.times_accepted(&format!("original {number}")) {
            0 => assert_eq!(standing["state"], "held", "{standing}"),
            1 => assert_ne!(standing["state"], "held", "{standing}"),
            times => panic!("original {number} was sent {times} times"),
        }
    }
    host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_storm_each_message_ends_and_none_is_sent_twice() -> Result<()> {
    let mut killed = Killed::new("hold", true).await?;
    for kind in 0..150 {
        killed.peer.next("/messages", cloud::weather(kind * 7));
        killed.peer.next("/messages", Answer::Usual);
    }
    let host = killed.run(10).await?;
    killed.check_events(&host).await?;
    for (text, id) in killed.messages()? {
        let standing = get(&host, &format!("/channels/Shop/messages/{id}")).await?;
        let state = standing["state"].as_str().context("a state")?;
        match killed.peer.times_accepted(&text) {
            0 if state == "failed" => {
                assert!(standing["error"].is_object(), "{text} has no reason");
            }
            0 => assert_eq!(state, "held", "{text}"),
            1 => assert_ne!(state, "held", "{text} has a status that tells"),
            times => panic!("{text} was sent {times} times"),
        }
    }
    host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_statuses_nothing_is_lost_under_resend() -> Result<()> {
    let mut killed = Killed::new("resend", false).await?;
    let host = killed.run(25).await?;
    killed.check_events(&host).await?;
    for text in killed.messages()?.keys() {
        assert!(killed.peer.times_accepted(text) >= 1, "{text}");
    }
    host.stop().await?;
    Ok(())
}
