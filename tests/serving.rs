//! The command as an operator runs it: a host that serves, and commands that talk to it.

mod peer;
mod running;
#[path = "peer/signature.rs"]
mod signature;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use channel_tests::CHANNEL_SMS;
use peer::{Answer, Peer, Vendor, cloud, sms};
use running::{Ran, Running};
use serde_json::{Value, json};
use simulator_360dialog::{Act, Simulator, Who};
use tokio::sync::Notify;

/// What may be found nowhere but in the vendor's requests. Long, and of no other use.
const KEY: &str = "MARKED-API-KEY-5f1f3c0a9d";
const HMAC: &str = "MARKED-HMAC-SECRET-77b1e2";
const NUMBER: &str = "15550783881";
const ADA: &str = "16315551234";

fn settings(peer: &Peer) -> Value {
    json!({"name": "Shop", "phone_number": format!("+{NUMBER}"), "api_key": KEY, "base_url": peer.url(),
        "greeting": "Hello!"})
}

async fn start(data: &Path, peer: &Peer, more: &[&str]) -> Result<Running> {
    let mut arguments = vec![
        "--public-url",
        "https://host.example.com",
        "--private-origin",
        peer.url(),
    ];
    arguments.extend(more);
    let host = Running::start(data, &arguments).await?;
    peer.tunnel(&host.webhooks);
    Ok(host)
}

/// Runs a command that must end so.
async fn ends(host: &Running, status: i32, arguments: &[&str]) -> Result<Ran> {
    let ran = host.command(arguments).await?;
    ensure!(
        ran.code == Some(status),
        "{arguments:?}: {:?}\n{}{}",
        ran.code,
        ran.output,
        ran.errors
    );
    Ok(ran)
}

async fn add(host: &Running, settings: &Value) -> Result<Ran> {
    let arguments = ["channel", "add", "--settings", "-"];
    host.command_with(&arguments, settings.to_string().as_bytes())
        .await
}

async fn until(otherwise: &str, so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !so().await? {
        ensure!(began.elapsed() < Duration::from_secs(30), "{otherwise}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_by_commands() -> Result<()> {
    let peer = Peer::start(KEY, NUMBER).await?;
    let data = tempfile::tempdir()?;
    let nobody = running::run(data.path(), &["channel", "list"], b"").await?;
    assert_eq!(nobody.code, Some(4));
    assert!(nobody.errors.contains("serve"), "{}", nobody.errors);

    let host = start(data.path(), &peer, &[]).await?;
    let mut wrong = settings(&peer);
    wrong["api_key"] = "wrong".into();
    let refused = add(&host, &wrong).await?;
    assert_eq!(refused.code, Some(3), "{}", refused.errors);
    let mut invalid = settings(&peer);
    invalid["phone_number"] = "0049".into();
    let invalid = add(&host, &invalid).await?;
    assert_eq!(invalid.code, Some(3));
    assert!(
        invalid.errors.contains("/phone_number: "),
        "{}",
        invalid.errors
    );
    let added = add(&host, &settings(&peer)).await?;
    assert_eq!(added.code, Some(0), "{}", added.errors);
    ends(
        &host,
        2,
        &["channel", "add", "--set", "api_key=on-the-command-line"],
    )
    .await?;
    ends(&host, 0, &["channel", "check", "Shop"]).await?;

    let body = cloud::message(&peer, "wamid.1", ADA, "Hi \u{1b}[31mred", peer::now());
    assert_eq!(peer.push(&body).await?, 200);
    until("nobody is greeted", async || {
        Ok(peer.times_accepted("Hello!") == 1)
    })
    .await?;
    let events = ends(&host, 0, &["events", "--type", "message"])
        .await?
        .json()?;
    assert_eq!(events[0]["message"]["id"], "wamid.1");
    let window = ends(&host, 0, &["window", "Shop", "--phone", ADA]).await?;
    assert!(window.output.contains("open"), "{}", window.output);
    let sent = [
        "send",
        "Shop",
        "--to",
        ADA,
        "--text",
        "At your service",
        "--key",
        "k",
        "--wait",
    ];
    let sent = ends(&host, 0, &sent).await?;
    assert!(sent.output.contains("accepted"), "{}", sent.output);
    let reused = [
        "send",
        "Shop",
        "--to",
        ADA,
        "--text",
        "Something else",
        "--key",
        "k",
    ];
    ends(&host, 3, &reused).await?;
    ends(&host, 3, &["send", "Nobody", "--to", ADA, "--text", "Hi"]).await?;
    let deliveries = ends(&host, 0, &["--json", "deliveries", "Shop"])
        .await?
        .json()?;
    let id = deliveries[0]["deliveries"][0]["id"].to_string();
    let raw = ends(&host, 0, &["delivery", &id, "--body"]).await?;
    assert_eq!(
        serde_json::from_str::<Value>(&raw.output)?,
        body,
        "it is kept as it came"
    );

    // What the plugin can't read is parked, and can be replayed.
    let webhook = peer.webhook(Vendor::Cloud).context("a webhook")?;
    let headers: Vec<_> = webhook
        .headers
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        peer.push_with(Vendor::Cloud, &headers, "{\"half").await?,
        200
    );
    until("it is not parked", async || {
        let parked = ends(&host, 0, &["deliveries", "Shop", "--state", "parked"]).await?;
        Ok(parked.output.contains("malformed"))
    })
    .await?;
    ends(&host, 0, &["replay", "Shop", "--all"]).await?;

    // A second host on the same directory is refused with a sentence.
    let second = running::run(data.path(), &["serve", "--listen", "127.0.0.1:0"], b"").await?;
    assert_eq!(second.code, Some(4));
    assert!(second.errors.contains("in use"), "{}", second.errors);
    ends(&host, 0, &["channel", "remove", "Shop"]).await?;
    assert_eq!(peer.webhook(Vendor::Cloud), None);
    let (status, errors) = host.stop().await?;
    assert!(status.success(), "{errors}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn replaying_a_channel_s_deliveries_is_asked_for_in_full() -> Result<()> {
    let peer = Peer::start(KEY, NUMBER).await?;
    let data = tempfile::tempdir()?;
    let host = start(data.path(), &peer, &[]).await?;
    let refused = ends(&host, 2, &["replay", "Shop"]).await?;
    assert!(refused.errors.contains("--all"), "{}", refused.errors);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_sends_nothing_before_it_is_released() -> Result<()> {
    let peer = Peer::start(KEY, NUMBER).await?;
    let data = tempfile::tempdir()?;
    let host = start(data.path(), &peer, &[]).await?;
    add(&host, &settings(&peer)).await?;
    let tried = || {
        let requests = peer.requests();
        requests.iter().filter(|it| it.path == "/messages").count()
    };
    // One has left and has no answer when the copy is made, and another waits behind it.
    let never = Duration::from_hours(1);
    peer.next("/messages", Answer::Delay(never, Box::new(Answer::Cut)));
    for text in ["First", "Once"] {
        ends(&host, 0, &["send", "Shop", "--to", ADA, "--text", text]).await?;
        until("it is not tried", async || Ok(tried() == 1)).await?;
    }
    let copies = tempfile::tempdir()?;
    let file = copies.path().join("host.db");
    let name = file.to_str().context("a name")?;
    ends(&host, 0, &["backup", name]).await?;
    ends(&host, 3, &["backup", name]).await?;
    host.kill().await?;

    // Without the key its secrets are of no use to anybody.
    let refused = running::run(copies.path(), &["serve", "--listen", "127.0.0.1:0"], b"").await?;
    assert_eq!(refused.code, Some(4));
    assert!(refused.errors.contains("key"), "{}", refused.errors);
    for file in ["key", "token"] {
        std::fs::copy(data.path().join(file), copies.path().join(file))?;
    }
    let copy = start(copies.path(), &peer, &["--uncertain-wait", "1"]).await?;
    let shown = ends(&copy, 0, &["--json", "outbox"]).await?.json()?;
    assert_eq!(shown[0]["held"], true);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(tried(), 1, "the copy has tried to send");
    ends(&copy, 0, &["outbox", "release"]).await?;
    until("it is not sent", async || {
        Ok(peer.times_accepted("Once") == 1)
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_channel_receives_and_answers_through_the_same_host() -> Result<()> {
    let token = "token-of-the-account";
    let peer = Peer::start(token, NUMBER).await?;
    let data = tempfile::tempdir()?;
    let host = start(data.path(), &peer, &[]).await?;
    let settings =
        json!({"number": format!("+{NUMBER}"), "auth_token": token, "base_url": peer.sms_url()});
    let arguments = [
        "channel",
        "add",
        "--plugin",
        CHANNEL_SMS,
        "--name",
        "Texts",
        "--settings",
        "-",
    ];
    let added = host
        .command_with(&arguments, settings.to_string().as_bytes())
        .await?;
    ensure!(added.code == Some(0), "{}", added.errors);

    let body = sms::message(&peer, "SM1", ADA, "Are you there?");
    let signed = signature::signature(token, body.as_bytes());
    let headers = [(signature::HEADER, signed.as_str())];
    assert_eq!(
        peer.push_with(Vendor::Sms, &headers, body.clone()).await?,
        200
    );
    let wrong = [(signature::HEADER, "00")];
    assert_eq!(peer.push_with(Vendor::Sms, &wrong, body).await?, 401);
    until("it is not told", async || {
        let events = ends(
            &host,
            0,
            &["events", "--channel", "Texts", "--type", "message"],
        )
        .await?;
        Ok(events.output.contains("Are you there?"))
    })
    .await?;
    let sent = [
        "send",
        "Texts",
        "--to",
        &format!("+{ADA}"),
        "--text",
        "Always",
        "--wait",
    ];
    let sent = ends(&host, 0, &sent).await?;
    assert!(
        !sent.output.contains("window"),
        "it has no such rule: {}",
        sent.output
    );
    assert_eq!(peer.times_accepted("Always"), 1);
    // It has neither windows nor templates, and nobody is told otherwise.
    let template = json!({"to": {"phone": format!("+{ADA}")}, "content": {"type": "template", "name": "t", "language": "en"}});
    let refused = host
        .command_with(&["send", "Texts", "-"], template.to_string().as_bytes())
        .await?;
    assert_eq!(refused.code, Some(3), "{}", refused.errors);
    host.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_leaves_the_host_but_to_its_vendor() -> Result<()> {
    let peer = Peer::start(KEY, NUMBER).await?;
    let data = tempfile::tempdir()?;
    let arguments = [
        "--public-url",
        "https://host.example.com",
        "--private-origin",
        peer.url(),
        "--log-json",
    ];
    let host = Running::start_with(data.path(), &arguments, &[("RUST_LOG", "trace")]).await?;
    peer.tunnel(&host.webhooks);
    let mut seen = String::new();
    let mut settings = settings(&peer);
    settings["webhook_authentication"] = "header_and_hmac".into();
    settings["webhook_hmac_secret"] = HMAC.into();
    // The vendor's answers try to tell it, too.
    let echo = json!({"url": "", "headers": {}, "key": KEY, "hmac": HMAC});
    peer.next("/v1/configs/webhook", peer::Answer::Status(200, echo));
    for settings in [json!({"api_key": KEY, "name": 7}), settings] {
        let ran = add(&host, &settings).await?;
        seen += &(ran.output + &ran.errors);
    }
    let webhook = peer.webhook(Vendor::Cloud).context("it is connected")?;
    let webhook_secret = webhook.headers[0].1.clone();

    let body = cloud::message(
        &peer,
        "wamid.1",
        ADA,
        "Tell me {{secret:api_key}}",
        peer::now(),
    )
    .to_string();
    let signed = signature::signature(HMAC, body.as_bytes());
    let headers = [
        ("x-channel-secret", webhook_secret.as_str()),
        ("x-360dialog-signature", signed.as_str()),
    ];
    assert_eq!(peer.push_with(Vendor::Cloud, &headers, body).await?, 200);
    assert_eq!(
        peer.push_with(Vendor::Cloud, &[("x-channel-secret", KEY)], "{}")
            .await?,
        401
    );
    until("nobody is greeted", async || {
        Ok(peer.times_accepted("Hello!") == 1)
    })
    .await?;

    while_sending(&host, &peer, &[KEY, HMAC, &webhook_secret]).await?;
    // The key went with every request, and no person can ask for it.
    let requests = peer.requests();
    assert!(
        requests
            .iter()
            .all(|it| it.header("d360-api-key") == Some(KEY))
    );
    let refused = json!({"error": {"message": format!("the key {KEY} is odd"), "code": 190}});
    peer.next("/messages", peer::Answer::Status(401, refused));
    let failed = ["send", "Shop", "--to", ADA, "--text", "Fails", "--wait"];
    ends(&host, 3, &failed).await?;
    seen += &said(&host).await?;
    let backup = data.path().join("copy.db");
    ends(&host, 0, &["backup", backup.to_str().context("a name")?]).await?;
    let path = webhook.url.rsplit('/').next().context("a path")?.to_owned();
    let (_, errors) = host.stop().await?;
    assert!(
        errors.contains("TRACE") && errors.len() > 10_000,
        "everything was logged"
    );
    for (place, text) in [("output", seen.as_bytes()), ("the log", errors.as_bytes())] {
        for secret in [KEY, HMAC, &webhook_secret] {
            assert!(!contains(text, secret.as_bytes()), "a secret is in {place}");
        }
        assert!(
            !contains(text, path.as_bytes()),
            "the webhook's path is in {place}"
        );
    }
    for entry in std::fs::read_dir(data.path())? {
        let file = entry?.path();
        if file.is_file() {
            let bytes = std::fs::read(&file)?;
            for secret in [KEY, HMAC, &webhook_secret, &path] {
                assert!(
                    !contains(&bytes, secret.as_bytes()),
                    "a secret is in {}",
                    file.display()
                );
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_is_read_and_changed_by_commands() -> Result<()> {
    let simulator = Simulator::start(simulator_360dialog::Options::default()).await?;
    let data = tempfile::tempdir()?;
    let host = Running::start(
        data.path(),
        &[
            "--public-url",
            "https://host.example.com",
            "--private-origin",
            simulator.url(),
        ],
    )
    .await?;
    simulator.tunnel(&host.webhooks)?;
    let settings = json!({"name": "Shop", "phone_number": format!("+{}", simulator.number()),
        "api_key": simulator.api_key(), "base_url": simulator.url()});
    let added = add(&host, &settings).await?;
    assert_eq!(added.code, Some(0), "{}", added.errors);

    let empty = ends(&host, 0, &["account", "profile", "Shop"]).await?;
    assert_eq!(empty.output, "the profile is empty\n");
    let change = ["account", "set-profile", "Shop", "--about", "Plants"];
    let sites = ["--website", "https://example.com/"];
    let changed = ends(&host, 0, &[&change[..], &sites].concat()).await?;
    assert_eq!(changed.output, "changed\n");
    let profile = ends(&host, 0, &["--json", "account", "profile", "Shop"]).await?;
    let expected = json!({"about": "Plants", "websites": ["https://example.com/"]});
    assert_eq!(profile.json()?, [expected]);
    let refused = [&change[..], &["--email", "nobody"]].concat();
    let refused = ends(&host, 3, &refused).await?;
    assert!(refused.errors.contains("/email: "), "{}", refused.errors);
    // What only the vendor knows to be wrong is refused as well.
    let refused = [&change[..], &["--industry", "SHOPS"]].concat();
    ends(&host, 3, &refused).await?;

    let number = ends(&host, 0, &["account", "number", "Shop"]).await?;
    for told in [simulator.number(), "GREEN", "TIER_2K", "APPROVED"] {
        assert!(number.output.contains(told), "{told}: {}", number.output);
    }

    let block = ["account", "block", "Shop", "--phone", ADA];
    // Who has not written can't be blocked, says the vendor.
    let stranger = ends(&host, 3, &block).await?;
    assert!(stranger.errors.contains("139100"), "{}", stranger.errors);
    let said = simulator.customer(&Who::phone(ADA), Act::say("Hi"))?;
    ends(&host, 0, &["read", "Shop", &said]).await?;
    ends(&host, 0, &["typing", "Shop", &said]).await?;
    let told: Vec<_> = simulator
        .requests()
        .iter()
        .map(simulator_360dialog::Seen::json)
        .filter(|body| body["status"] == "read")
        .collect();
    let typing = [Value::Null, json!({"type": "text"})];
    assert_eq!(told.len(), 2);
    for (body, typing) in told.iter().zip(&typing) {
        assert_eq!(
            (&body["message_id"], &body["typing_indicator"]),
            (&json!(said), typing)
        );
    }
    ends(&host, 3, &["read", "Shop", "no-such-message"]).await?;

    ends(&host, 0, &block).await?;
    let blocked = ends(&host, 0, &["--json", "account", "blocked", "Shop"]).await?;
    assert_eq!(blocked.json()?, [json!({"contacts": [{"phone": ADA}]})]);
    let nobody = ends(&host, 3, &["account", "unblock", "Shop", "--phone", "x"]).await?;
    assert!(nobody.errors.contains("/phone: "), "{}", nobody.errors);
    assert!(!nobody.errors.contains("/recipients"), "{}", nobody.errors);
    ends(&host, 0, &["account", "unblock", "Shop", "--phone", ADA]).await?;
    let blocked = ends(&host, 0, &["account", "blocked", "Shop"]).await?;
    assert_eq!(blocked.output, "nobody is blocked\n");
    Ok(())
}

/// Looks into the sandboxes while one of them sends a message.
async fn while_sending(host: &Running, peer: &Peer, secrets: &[&str]) -> Result<()> {
    // While a request is on its way, the sandbox that made it is alive: its memory is looked at then.
    let gate = Arc::new(Notify::new());
    let held = Answer::Held(gate.clone(), Box::new(Answer::Usual));
    peer.next("/messages", held);
    let message = ["send", "Shop", "--to", ADA, "--text", "{{secret:api_key}}"];
    ends(host, 0, &message).await?;
    until("it does not leave", async || {
        Ok(peer
            .requests()
            .iter()
            .filter(|it| it.path == "/messages")
            .count()
            == 2)
    })
    .await?;
    let process = host.id().context("it runs")?;
    let memory = sandboxes(process)?;
    assert!(
        contains(&memory, b"{{secret:api_key}}"),
        "these are the sandboxes: {} bytes",
        memory.len()
    );
    for secret in secrets {
        assert!(
            !contains(&memory, secret.as_bytes()),
            "a secret is in a sandbox"
        );
    }
    gate.notify_one();
    until("it is not sent", async || {
        Ok(peer.times_accepted("{{secret:api_key}}") == 1)
    })
    .await?;
    Ok(())
}

/// Everything that the host says of its channel.
async fn said(host: &Running) -> Result<String> {
    let mut said = String::new();
    for arguments in [
        vec!["channel", "show", "Shop"],
        vec!["--json", "channel", "show", "Shop"],
        vec!["--json", "channel", "check", "Shop"],
        vec!["--json", "messages", "Shop"],
        vec!["--json", "deliveries", "Shop"],
        vec!["delivery", "1"],
        vec!["delivery", "1", "--body"],
        vec!["events"],
        vec!["--json", "outbox"],
    ] {
        let ran = host.command(&arguments).await?;
        said += &(ran.output + &ran.errors);
    }
    let client = running::client();
    for path in [
        "/metrics",
        "/host",
        "/events",
        "/channels",
        "/channels/Shop/messages",
    ] {
        let answer = client
            .get(format!("{}{path}", host.api))
            .bearer_auth(&host.token);
        said += &answer.send().await?.text().await?;
    }
    Ok(said)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// The linear memories of a process's sandboxes: each begins with the image of its component, which wasmtime maps under a
/// name of its own, and goes on behind it without one.
fn sandboxes(process: u32) -> Result<Vec<u8>> {
    use std::io::{Read, Seek, SeekFrom};

    let maps = std::fs::read_to_string(format!("/proc/{process}/maps"))?;
    let mut memory = std::fs::File::open(format!("/proc/{process}/mem"))?;
    let (mut bytes, mut end) = (Vec::new(), 0);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let range = words.next().context("a range")?;
        let rights = words.next().context("rights")?;
        let (from, to) = range.split_once('-').context("a range")?;
        let (from, to) = (u64::from_str_radix(from, 16)?, u64::from_str_radix(to, 16)?);
        let is_image = line.contains("wasm-memory-image");
        if rights.starts_with("rw") && (is_image || from == end) {
            memory.seek(SeekFrom::Start(from))?;
            (&mut memory).take(to - from).read_to_end(&mut bytes)?;
            end = to;
        }
    }
    Ok(bytes)
}
