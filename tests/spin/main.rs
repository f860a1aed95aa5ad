//! The Spin application, composed and served by a small stand-in for Spin, against the simulator of 360dialog.

mod platform;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use simulator_360dialog::{Act, Decision, Fault, Rule, Simulator, Who};
use tempfile::TempDir;

use platform::{Mood, Platform, SECRET};
use spin_tests::{APPLICATION, Application, Import, Keys, imports, load};

const TOKEN: &str = "token-of-the-api-0123456789";
const PATH: &str = "path-that-nobody-guesses";
const HEADER: &str = "header-that-nobody-guesses";
const KEY: &str = "simulated-key";
const NAME: &str = "The Shop";

/// How long 360dialog waits for an answer.
const VENDOR_WAITS: Duration = Duration::from_secs(5);

/// What Spin 4.1 offers (its world `spin:up/platform@4.1.0`) of what this application imports. It links WASI 0.2 by compatible versions:
/// 0.2.6 serves an import of 0.2.12 that uses no later function.
const OFFERED: [&str; 26] = [
    "wasi:cli/environment@0.2.6",
    "wasi:cli/exit@0.2.6",
    "wasi:cli/stderr@0.2.6",
    "wasi:cli/stdin@0.2.6",
    "wasi:cli/stdout@0.2.6",
    "wasi:cli/terminal-input@0.2.6",
    "wasi:cli/terminal-output@0.2.6",
    "wasi:cli/terminal-stderr@0.2.6",
    "wasi:cli/terminal-stdin@0.2.6",
    "wasi:cli/terminal-stdout@0.2.6",
    "wasi:clocks/monotonic-clock@0.2.6",
    "wasi:clocks/monotonic-clock@0.3.0",
    "wasi:clocks/types@0.3.0",
    "wasi:clocks/wall-clock@0.2.6",
    "wasi:config/store@0.2.0-draft-2024-09-27",
    "wasi:http/client@0.3.0",
    "wasi:http/outgoing-handler@0.2.6",
    "wasi:http/types@0.2.6",
    "wasi:http/types@0.3.0",
    "wasi:io/error@0.2.6",
    "wasi:io/poll@0.2.6",
    "wasi:io/streams@0.2.6",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:random/insecure-seed@0.2.6",
    "wasi:random/random@0.2.6",
];

/// A simulator, a platform, and an application between them.
struct Scene {
    simulator: Simulator,
    platform: Platform,
    application: Application,
    keys: Keys,
    client: Client,
    folder: TempDir,
}

impl Scene {
    async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    async fn start_with(variables: &[(&str, &str)]) -> Result<Self> {
        let simulator = Simulator::start(simulator_360dialog::Options {
            allow_loopback_webhooks: true,
            status_step: Some(Duration::from_millis(20)),
            first_wait: Duration::from_millis(200),
            ..simulator_360dialog::Options::default()
        })
        .await?;
        let platform = Platform::start().await?;
        let folder = tempfile::tempdir()?;
        let keys = Keys::open(&folder.path().join("spin.db"))?;
        let application = application(&simulator, &platform, &keys, variables).await?;
        // reqwest asks for a provider of TLS even where it speaks none.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build()?;
        Ok(Self {
            simulator,
            platform,
            application,
            keys,
            client,
            folder,
        })
    }

    /// Another instance of the same application, on the same store.
    async fn another(&self) -> Result<Application> {
        application(&self.simulator, &self.platform, &self.keys, &[]).await
    }

    async fn post(&self, what: &str, body: &Value) -> Result<(u16, Value)> {
        let url = format!("{}/channels/The%20Shop/{what}", self.application.url);
        let request = self.client.post(url).bearer_auth(TOKEN).json(body);
        answered(request.send().await?).await
    }

    async fn get(&self, what: &str) -> Result<(u16, Value)> {
        let url = format!("{}/channels/The%20Shop/{what}", self.application.url);
        answered(self.client.get(url).bearer_auth(TOKEN).send().await?).await
    }

    async fn delete(&self, what: &str) -> Result<u16> {
        let url = format!("{}/channels/The%20Shop/{what}", self.application.url);
        let request = self.client.delete(url).bearer_auth(TOKEN);
        Ok(request.send().await?.status().as_u16())
    }

    /// Lets a template be approved that was not submitted here.
    fn approved(&self, name: &str) {
        let body = json!({"type": "BODY", "text": "Hello {{1}}, your order is ready."});
        self.simulator
            .add_template(name, "en_US", "UTILITY", vec![body]);
    }

    async fn connect(&self) -> Result<()> {
        let (status, shown) = self.post("connect", &json!({})).await?;
        ensure!(status == 200, "{shown}");
        Ok(())
    }

    /// Posts a body as 360dialog does. Returns the answer's status.
    async fn deliver(&self, body: impl Into<reqwest::Body>) -> Result<u16> {
        self.deliver_to(&self.application.url, body).await
    }

    async fn deliver_to(&self, application: &str, body: impl Into<reqwest::Body>) -> Result<u16> {
        let header = self.secret_header().await?;
        let request = self.client.post(format!("{application}/webhooks/{PATH}"));
        let response = request.header(header, HEADER).body(body).send().await?;
        ensure!(
            response.headers().contains_key("content-length"),
            "no length"
        );
        Ok(response.status().as_u16())
    }

    /// The header that the channel registered.
    async fn secret_header(&self) -> Result<String> {
        if self.simulator.webhook().is_none() {
            self.connect().await?;
        }
        let webhook = self.simulator.webhook().context("a webhook")?;
        let header = webhook.headers.iter().find(|(_, value)| *value == HEADER);
        Ok(header.context("a secret header")?.0.clone())
    }

    /// The texts that the simulator was sent.
    fn texts(&self) -> Vec<String> {
        let sent = self.simulator.sent();
        sent.iter()
            .filter_map(|sent| Some(sent.text()?.to_owned()))
            .collect()
    }
}

async fn application(
    simulator: &Simulator,
    platform: &Platform,
    keys: &Keys,
    other: &[(&str, &str)],
) -> Result<Application> {
    let given = variables(simulator, platform, other);
    let given: Vec<_> = given
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Application::start(keys, &given).await
}

/// The application's variables; `other` in the place of those that it names.
fn variables<'a>(
    simulator: &Simulator,
    platform: &Platform,
    other: &[(&'a str, &str)],
) -> BTreeMap<&'a str, String> {
    let number = format!("+{}", simulator.number());
    let given = [
        ("name", NAME),
        ("phone_number", number.as_str()),
        ("greeting", "Welcome!"),
        ("api_origin", simulator.url()),
        ("api_key", KEY),
        ("webhook_path", PATH),
        ("webhook_secret", HEADER),
        ("platform_origin", platform.origin.as_str()),
        ("platform_path", "/events"),
        ("platform_secret", SECRET),
        ("api_token", TOKEN),
    ];
    let given = given.into_iter().chain(other.iter().copied());
    given
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
}

async fn answered(response: Response) -> Result<(u16, Value)> {
    let status = response.status().as_u16();
    ensure!(
        response.headers().contains_key("content-length"),
        "no length"
    );
    let content_type = response.headers()["content-type"].to_str()?.to_owned();
    let is_problem = content_type == "application/problem+json";
    ensure!(is_problem == (status >= 400), "{status} {content_type}");
    Ok((status, response.json().await?))
}

fn ada() -> Who {
    Who::phone("16315551234")
}

/// A webhook in which somebody writes these texts.
fn webhook(from: &str, ids: &[String]) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("it is after 1970").as_secs().to_string();
    let messages = ids.iter().map(|id| json!({"from": from, "id": id, "timestamp": now, "type": "text", "text": {"body": id}}));
    json!({"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"},
        "contacts": [{"profile": {"name": "Somebody"}, "wa_id": from}],
        "messages": messages.collect::<Vec<_>>(),
    }}]}]})
    .to_string()
}

fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["type"] == kind)
        .collect()
}

#[test]
fn the_channel_inside_is_the_released_one() -> Result<()> {
    let application = std::fs::read(spin_application::APPLICATION)?;
    let channel = std::fs::read(channel_tests::CHANNEL_360DIALOG)?;
    assert_eq!(std::fs::read(spin_application::CHANNEL)?, channel);
    let inside = wasmparser::Parser::new(0).parse_all(&application);
    let mut components = Vec::new();
    for payload in inside {
        if let wasmparser::Payload::ComponentSection {
            unchecked_range, ..
        } = payload?
        {
            components.push(&application[unchecked_range]);
        }
    }
    ensure!(
        components.contains(&channel.as_slice()),
        "it was changed on the way"
    );
    Ok(())
}

#[test]
fn everything_that_is_imported_is_offered() {
    let imports = imports(&APPLICATION);
    assert!(imports.len() > 10, "{imports:?}");
    for Import { name, functions } in imports {
        println!("{name}, functions: {functions}");
        let serves = |offered: &str| match (offered.strip_suffix("@0.2.6"), name.split_once('@')) {
            (Some(interface), Some((imported, version))) => {
                // A draft's version is no release of 0.2.
                interface == imported && version.starts_with("0.2.") && !version.contains('-')
            }
            _ => offered == name,
        };
        // An interface of types only is satisfied by itself.
        let is_types = functions == 0
            && ["messaging:channel/", "fermyon:spin-cron/"]
                .iter()
                .any(|package| name.starts_with(package));
        assert!(is_types || OFFERED.into_iter().any(serves), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation() -> Result<()> {
    let scene = Scene::start().await?;
    let (status, shown) = scene.post("connect", &json!({})).await?;
    assert_eq!(
        (status, &shown["state"]),
        (200, &json!("connected")),
        "{shown}"
    );
    assert_eq!(
        shown["connected"]["phone_number"],
        scene.simulator.number(),
        "{shown}"
    );
    assert_eq!(shown["settings"]["api_key"], "{{secret:api_key}}");
    assert_eq!((&shown["id"], &shown["name"]), (&json!(NAME), &json!(NAME)));
    assert!(shown["listening_since"].is_string(), "{shown}");
    let url = scene.simulator.webhook().context("a webhook")?.url;
    assert_eq!(url, format!("{}/webhooks/{PATH}", scene.application.url));

    let (status, window) = scene.get("window?phone=16315551234").await?;
    assert_eq!(
        (status, &window["window"]["type"]),
        (200, &json!("unknown")),
        "{window}"
    );

    scene
        .simulator
        .customer(&ada(), Act::say("Is the fern still there?"))?;
    // The message, and the statuses of the greeting.
    let events = scene.platform.took(4).await?;
    let message = of_kind(&events, "message")[0];
    assert_eq!(message["channel"], NAME);
    assert_eq!(
        message["message"]["content"],
        json!({"type": "text", "text": "Is the fern still there?"})
    );
    assert_eq!(message["contact"]["phone"], "16315551234");
    assert_eq!(scene.texts(), ["Welcome!"]);

    let (_, window) = scene.get("window?phone=%2B16315551234").await?;
    assert_eq!(window["window"]["type"], "open", "{window}");

    let text =
        json!({"to": {"phone": "16315551234"}, "content": {"type": "text", "text": "It is!"}});
    let (status, standing) = scene.post("messages", &text).await?;
    assert_eq!(
        (status, &standing["state"]),
        (200, &json!("accepted")),
        "{standing}"
    );
    let id = standing["message_ids"][0].as_str().context("an id")?;
    let events = scene.platform.took(7).await?;
    let statuses = of_kind(&events, "status");
    let statuses = statuses
        .iter()
        .filter(|event| event["status"]["message_id"] == id);
    let states: Vec<_> = statuses
        .map(|event| event["status"]["state"].clone())
        .collect();
    assert_eq!(states, ["sent", "delivered", "read"]);
    let references = of_kind(&events, "status");
    assert!(
        references
            .iter()
            .any(|event| event["status"]["reference"] == standing["id"]),
        "{events:?}"
    );

    scene.simulator.customer(&ada(), Act::say("Thank you"))?;
    scene.platform.took(8).await?;
    assert_eq!(
        scene.texts(),
        ["Welcome!", "It is!"],
        "nobody is greeted twice"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_the_window_only_templates_go() -> Result<()> {
    let scene = Scene::start().await?;
    scene.connect().await?;
    let day_ago = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)?
        .as_secs()
        - 90_000;
    let old = webhook("16315551234", &["wamid.OLD".to_owned()]);
    let old = old.replace(
        &old[old.find("\"timestamp\":\"").context("a time")? + 13..][..10],
        &day_ago.to_string(),
    );
    assert_eq!(scene.deliver(old).await?, 200);
    assert!(
        scene.texts().is_empty(),
        "nobody is greeted after the window has closed"
    );
    let text =
        json!({"to": {"phone": "16315551234"}, "content": {"type": "text", "text": "Hello?"}});
    let (status, problem) = scene.post("messages", &text).await?;
    assert_eq!(
        (status, &problem["type"]),
        (409, &json!("/problems/window-closed")),
        "{problem}"
    );
    assert!(problem["since"].is_string(), "{problem}");
    assert_eq!(problem["problems"][0]["code"], "window_closed");
    assert_eq!(problem["templates"], json!([]));

    let template = json!({"to": {"phone": "16315551234"}, "content": {"type": "template", "name": "order_ready",
        "language": "en_US", "body": [{"text": "Ada"}]}});
    scene.approved("order_ready");
    let (status, problem) = scene.post("messages", &template).await?;
    assert_eq!(
        (status, &problem["type"]),
        (422, &json!("/problems/invalid")),
        "{problem}"
    );
    assert_eq!(problem["problems"][0]["code"], "template_not_added");
    assert_eq!(problem["problems"][0]["pointer"], "/content/name");
    assert!(scene.simulator.sent().is_empty());

    let key = json!({"name": "order_ready", "language": "en_US"});
    let (status, added) = scene.post("templates", &key).await?;
    assert_eq!((status, &added["sendable"]), (200, &json!(true)), "{added}");
    let (_, problem) = scene.post("messages", &text).await?;
    assert_eq!(problem["templates"], json!([key]), "{problem}");
    // By its definition it needs a value.
    let mut bare = template.clone();
    bare["content"]["body"] = json!([]);
    let (status, problem) = scene.post("messages", &bare).await?;
    assert_eq!(status, 422, "{problem}");
    let (status, standing) = scene.post("messages", &template).await?;
    assert_eq!(
        (status, &standing["state"]),
        (200, &json!("accepted")),
        "{standing}"
    );
    let sent = scene.simulator.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].body["template"]["name"], "order_ready");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_are_added_by_name_or_by_five_fields() -> Result<()> {
    let scene = Scene::start().await?;
    scene.approved("order_ready");
    let typed = json!({"name": "order_late", "language": "de", "category": "utility", "id": "77",
        "content": "Hallo {{1}}, es dauert noch."});
    let (status, added) = scene.post("templates", &typed).await?;
    assert_eq!(
        (status, &added["status"], &added["id"]),
        (200, &json!("approved"), &json!("77")),
        "{added}"
    );
    let text = &added["content"]["body"]["text"]["text"];
    assert_eq!(text, "Hallo {{1}}, es dauert noch.");
    assert!(
        scene.simulator.requests().is_empty(),
        "nobody was asked about it"
    );
    // In the only language that there is.
    let (status, added) = scene
        .post("templates", &json!({"name": "order_ready"}))
        .await?;
    assert_eq!(
        (status, &added["language"]),
        (200, &json!("en_US")),
        "{added}"
    );
    let (status, shown) = scene.get("templates/order_ready/en_US").await?;
    assert_eq!((status, &shown), (200, &added));
    let (_, stored) = scene.get("templates").await?;
    let names: Vec<_> = stored["templates"]
        .as_array()
        .context("a list")?
        .iter()
        .map(|template| template["name"].clone())
        .collect();
    assert_eq!(names, ["order_late", "order_ready"]);

    for (given, expected) in [
        (json!({"name": "order_lost"}), 404),
        (json!({"language": "de"}), 422),
        (json!({"name": "order_late", "content": "Hallo"}), 422),
        (json!({"name": 7}), 422),
    ] {
        let (status, problem) = scene.post("templates", &given).await?;
        assert_eq!(status, expected, "{problem}");
    }
    for expected in [204, 404] {
        assert_eq!(scene.delete("templates/order_late/de").await?, expected);
    }
    let (status, problem) = scene.get("templates/order_late/de").await?;
    assert_eq!(status, 404, "{problem}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_submitted() -> Result<()> {
    let scene = Scene::start().await?;
    let mut draft = json!({"name": "Order Ready", "language": "en_US", "category": "utility", "content": {"body": {"text": {
        "text": "Hello {{1}}, your order is ready.", "examples": [{"value": "Ada"}]}}}});
    let (status, problem) = scene.post("vendor/templates?add=true", &draft).await?;
    assert_eq!(
        (status, &problem["type"]),
        (422, &json!("/problems/invalid")),
        "{problem}"
    );
    let (status, linted) = scene.post("templates/lint", &draft).await?;
    assert_eq!(status, 200, "{linted}");
    let pointer = |finding: &Value| {
        finding["problem"]["pointer"] == "/name" && finding["severity"] == "refused"
    };
    for findings in [&problem["findings"], &linted["findings"]] {
        let findings = findings.as_array().context("findings")?;
        assert!(findings.iter().any(pointer), "{findings:?}");
    }
    assert!(scene.simulator.templates().is_empty());

    draft["name"] = "order_ready".into();
    for outcome in ["created", "unchanged"] {
        let (status, submission) = scene.post("vendor/templates?add=true", &draft).await?;
        assert_eq!(
            (status, &submission["outcome"], &submission["added"]),
            (200, &json!(outcome), &json!(true)),
            "{submission}"
        );
        assert_eq!(submission["status"], "pending");
    }
    assert_eq!(scene.simulator.templates().len(), 1);
    let (_, stored) = scene.get("templates/order_ready/en_US").await?;
    assert_eq!(stored["sendable"], false, "{stored}");

    scene.approved("order_late");
    let (status, page) = scene.get("vendor/templates?limit=1").await?;
    let listed = page["templates"].as_array().map(Vec::len);
    assert_eq!((status, listed), (200, Some(1)), "{page}");
    assert!(page["next"].is_string(), "{page}");
    let (status, problem) = scene.post("vendor/templates?dry_run=true", &draft).await?;
    assert_eq!(status, 400, "{problem}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn from_time_to_time_templates_are_held_against_the_list() -> Result<()> {
    let scene = Scene::start().await?;
    for name in ["order_ready", "order_late"] {
        scene.approved(name);
    }
    scene.application.tick().await?;
    assert!(
        scene.simulator.requests().is_empty(),
        "there was nothing to look for"
    );
    scene
        .post("templates", &json!({"name": "order_ready"}))
        .await?;
    // No webhook is registered that would tell of it.
    scene
        .simulator
        .review("order_ready", None, Decision::Pause)?;
    let (_, stored) = scene.get("templates/order_ready/en_US").await?;
    assert_eq!(stored["status"], "approved", "{stored}");
    scene.application.tick().await?;
    let (_, stored) = scene.get("templates").await?;
    let stored = stored["templates"].as_array().context("a list")?;
    assert_eq!(stored.len(), 1, "time adds none");
    assert_eq!(stored[0]["status"], "paused");
    assert_eq!(stored[0]["sendable"], false);

    let (status, synced) = scene.post("templates/sync", &json!({})).await?;
    assert_eq!((status, &synced["listed"]), (200, &json!(2)), "{synced}");
    assert_eq!(
        synced["added"],
        json!([{"name": "order_late", "language": "en_US"}])
    );
    scene.simulator.fault(Rule {
        fault: Fault::Cut { done: false },
        path: None,
        times: None,
    });
    assert!(scene.application.tick().await.is_err());
    let (status, problem) = scene.post("templates/sync", &json!({})).await?;
    assert_eq!(
        (status, &problem["type"]),
        (502, &json!("/problems/vendor")),
        "{problem}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_atomics_it_imports_none_and_does_the_same() -> Result<()> {
    let component = load(spin_application::APPLICATION_WITHOUT_ATOMICS)?;
    let atomics = |import: &Import| import.name.starts_with("wasi:keyvalue/atomics");
    assert!(!imports(&component).iter().any(atomics));
    assert!(imports(&APPLICATION).iter().any(atomics));
    let mut scene = Scene::start().await?;
    scene.connect().await?;
    let given = variables(&scene.simulator, &scene.platform, &[]);
    let given: Vec<_> = given
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    scene.application = Application::start_from(&component, &scene.keys, &given).await?;
    for _ in 0..2 {
        let ids = ["wamid.1".to_owned(), "wamid.2".to_owned()];
        assert_eq!(scene.deliver(webhook("16315551234", &ids)).await?, 200);
    }
    assert_eq!(scene.texts(), ["Welcome!"]);
    assert_eq!(of_kind(&scene.platform.taken()?, "message").len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_comes_again_is_told_once() -> Result<()> {
    let scene = Scene::start().await?;
    let body = webhook("16315551234", &["wamid.1".to_owned(), "wamid.2".to_owned()]);
    for _ in 0..3 {
        assert_eq!(scene.deliver(body.clone()).await?, 200);
    }
    // The same items in another body, with one that is new.
    let again = webhook("16315551234", &["wamid.3".to_owned()]);
    assert_eq!(scene.deliver(again).await?, 200);
    let messages = of_kind(&scene.platform.took(3).await?, "message").len();
    assert_eq!(messages, 3);
    assert_eq!(scene.texts(), ["Welcome!"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn two_instances_greet_once() -> Result<()> {
    let mut scene = Scene::start().await?;
    scene.connect().await?;
    // So far that each reads before, between or after what the others write.
    scene.keys.distance = Duration::from_millis(10);
    let (one, other) = (scene.another().await?, scene.another().await?);
    for round in 0..10 {
        let from = format!("1631555{round:04}");
        let body = webhook(&from, &[format!("wamid.{round}")]);
        let (one, two, three) = tokio::join!(
            scene.deliver_to(&one.url, body.clone()),
            scene.deliver_to(&other.url, body.clone()),
            scene.deliver_to(&one.url, body.clone()),
        );
        assert_eq!((one?, two?, three?), (200, 200, 200));
        let texts = scene.texts();
        assert_eq!(texts.len(), round + 1, "{texts:?}");
    }
    let events = scene.platform.taken()?;
    let ids: std::collections::HashSet<_> = of_kind(&events, "message")
        .iter()
        .map(|event| event["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 10, "the same item has the same id from both");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_is_down_hears_of_everything_later() -> Result<()> {
    let scene = Scene::start().await?;
    scene.connect().await?;
    scene.platform.is(Mood::Down);
    let ids: Vec<String> = (0..3).map(|index| format!("wamid.{index}")).collect();
    let body = webhook("16315551234", &ids);
    assert_eq!(scene.deliver(body.clone()).await?, 503);
    assert_eq!(
        scene.texts(),
        ["Welcome!"],
        "the greeting does not wait for the platform"
    );
    // It takes one, then no more: what it took is not told again.
    scene.platform.is(Mood::WellFor(1));
    assert_eq!(scene.deliver(body.clone()).await?, 503);
    scene.platform.is(Mood::Well);
    assert_eq!(scene.deliver(body).await?, 200);
    let events = scene.platform.taken()?;
    let messages: Vec<_> = of_kind(&events, "message")
        .iter()
        .map(|event| event["message"]["id"].clone())
        .collect();
    assert_eq!(messages, ids, "each once, in order");

    // 360dialog itself delivers again.
    scene.platform.is(Mood::Down);
    scene
        .simulator
        .customer(&ada(), Act::say("Anybody there?"))?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    scene.platform.is(Mood::Well);
    // And the greeting's status: the simulator does not know the first customer.
    let events = scene.platform.took(messages.len() + 2).await?;
    assert!(
        of_kind(&events, "message")
            .iter()
            .any(|event| event["message"]["content"]["text"] == "Anybody there?")
    );
    assert_eq!(scene.texts(), ["Welcome!"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_or_an_api_that_is_slow_does_not_cost_the_answer() -> Result<()> {
    let scene = Scene::start().await?;
    scene.connect().await?;
    scene.simulator.fault(Rule {
        fault: Fault::Latency {
            milliseconds: 20_000,
        },
        path: Some("/messages".to_owned()),
        times: None,
    });
    // Twenty at once, who all are to be greeted: an instance has room for sixteen.
    for (mood, status) in [(Mood::Well, 200), (Mood::Silent, 503)] {
        scene.platform.is(mood);
        let deliveries = (0..20).map(|index| {
            let id = format!("wamid.{mood:?}{index}");
            let body = webhook(&format!("1631555{status}{index:02}"), &[id]);
            let scene = &scene;
            async move {
                let began = Instant::now();
                Ok::<_, anyhow::Error>((scene.deliver(body).await?, began.elapsed()))
            }
        });
        for delivered in futures_util::future::join_all(deliveries).await {
            let (answered, took) = delivered?;
            assert_eq!(answered, status);
            assert!(took < VENDOR_WAITS, "{took:?}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_360dialog_is_refused() -> Result<()> {
    let scene = Scene::start().await?;
    let header = scene.secret_header().await?;
    let before = scene.keys.all();
    let url = &scene.application.url;
    let body = webhook("16315551234", &["wamid.1".to_owned()]);
    for (path, header, secret, expected) in [
        ("webhooks/wrong", header.as_str(), HEADER, 401),
        (&format!("webhooks/{PATH}x"), &header, HEADER, 401),
        ("webhooks/", &header, HEADER, 404),
        (&format!("webhooks/{PATH}"), &header, "wrong", 401),
        (&format!("webhooks/{PATH}"), &header, "", 401),
        (&format!("webhooks/{PATH}"), "x-other", HEADER, 401),
    ] {
        let request = scene
            .client
            .post(format!("{url}/{path}"))
            .header(header, secret);
        let status = request.body(body.clone()).send().await?.status();
        assert_eq!(status, expected, "{path} {header}");
    }
    assert_eq!(scene.platform.asked(), 0);
    assert_eq!(scene.keys.all(), before, "the channel was not called");
    let get = scene
        .client
        .get(format!("{url}/webhooks/{PATH}"))
        .send()
        .await?;
    assert_eq!(get.status(), 405);
    for (token, status) in [("wrong", 401), ("", 401), (TOKEN, 404)] {
        let request = scene
            .client
            .get(format!("{url}/channels/Other/window"))
            .bearer_auth(token);
        let (answered, problem) = answered(request.send().await?).await?;
        assert_eq!(answered, status, "{problem}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_checked_where_they_are_configured() -> Result<()> {
    use hmac::digest::KeyInit;
    use hmac::{Hmac, Mac as _};

    let secret = "hmac-secret-0123456789";
    let variables = [
        ("webhook_authentication", "header_and_hmac"),
        ("webhook_hmac_secret", secret),
    ];
    let scene = Scene::start_with(&variables).await?;
    let header = scene.secret_header().await?;
    let body = webhook("16315551234", &["wamid.1".to_owned()]);
    let mut mac = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(secret.as_bytes())?;
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    for (signature, status) in [
        (signature.chars().rev().collect(), 401),
        (String::new(), 401),
        (signature, 200),
    ] {
        let request = scene
            .client
            .post(format!("{}/webhooks/{PATH}", scene.application.url));
        let request = request
            .header(&header, HEADER)
            .header("x-360dialog-signature", &signature);
        assert_eq!(
            request.body(body.clone()).send().await?.status(),
            status,
            "{signature}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_is_told() -> Result<()> {
    let scene = Scene::start_with(&[("api_key", "key-of-somebody-else")]).await?;
    let (status, problem) = scene.post("connect", &json!({})).await?;
    assert_eq!(
        (status, &problem["type"]),
        (422, &json!("/problems/credentials")),
        "{problem}"
    );
    assert!(scene.simulator.webhook().is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_done_is_said() -> Result<()> {
    let scene = Scene::start().await?;
    scene.connect().await?;
    let mut foreign = scene.simulator.webhook().context("a webhook")?;
    foreign.url = "https://elsewhere.example.com/in".to_owned();
    scene.simulator.register(Some(foreign));
    let (status, problem) = scene.post("connect", &json!({})).await?;
    assert_eq!(
        (status, &problem["origin"]),
        (409, &json!("https://elsewhere.example.com")),
        "{problem}"
    );
    let (status, _) = scene
        .post("connect", &json!({"replace_foreign": true}))
        .await?;
    assert_eq!(status, 200);
    let (status, problem) = scene
        .post("messages", &json!({"to": {}, "content": {"type": "text"}}))
        .await?;
    assert_eq!(
        (status, &problem["type"]),
        (422, &json!("/problems/invalid")),
        "{problem}"
    );
    for (what, expected) in [
        ("window", 400),
        ("window?name=Ada", 400),
        ("messages", 405),
        ("other", 404),
    ] {
        let (status, problem) = scene.get(what).await?;
        assert_eq!(status, expected, "{what}: {problem}");
    }
    let (status, problem) = scene
        .post("connect", &json!({"replace_foreign": "yes"}))
        .await?;
    assert_eq!(
        (status, &problem["type"]),
        (422, &json!("/problems/invalid"))
    );
    assert!(!problem.to_string().contains("yes"), "{problem}");
    let (status, _) = scene.post("messages?later=true", &json!({})).await?;
    assert_eq!(status, 400);
    let text = json!({"to": {"phone": "16315551234"}, "content": {"type": "text", "text": "Hi"}});
    let url = format!("{}/channels/The%20Shop/messages", scene.application.url);
    let request = scene
        .client
        .post(url)
        .bearer_auth(TOKEN)
        .header("idempotency-key", "a")
        .json(&text);
    let (status, problem) = answered(request.send().await?).await?;
    assert_eq!(
        (status, &problem["type"]),
        (422, &json!("/problems/key")),
        "{problem}"
    );
    assert!(scene.texts().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_brought_along_and_forgotten() -> Result<()> {
    let scene = Scene::start().await?;
    scene.connect().await?;
    let known = json!({"contacts": [{"contact": {"phone": "16315551234"}}]});
    assert_eq!(
        scene.post("contacts", &known).await?,
        (200, json!({"new": 1}))
    );
    for refused in [json!("all"), json!([{"contact": {"name": "Ada"}}])] {
        let given = json!({"contacts": refused});
        let (status, problem) = scene.post("contacts", &given).await?;
        assert_eq!(status, 422, "{problem}");
    }
    let body = webhook("16315551234", &["wamid.1".to_owned()]);
    assert_eq!(scene.deliver(body).await?, 200);
    assert!(scene.texts().is_empty(), "who was known is no stranger");

    let url = format!(
        "{}/channels/The%20Shop/contacts?phone=%2B16315551234",
        scene.application.url
    );
    for forgotten in [true, false] {
        let request = scene.client.delete(&url).bearer_auth(TOKEN);
        let answer = answered(request.send().await?).await?;
        assert_eq!(answer, (200, json!({"forgotten": forgotten})));
    }
    let (_, window) = scene.get("window?phone=16315551234").await?;
    assert_eq!(window["window"]["type"], "unknown", "{window}");
    let left = scene.keys.all().into_iter().map(|(key, _)| key);
    assert!(!left.collect::<Vec<_>>().join(" ").contains("16315551234"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_none_goes_to_the_platform_as_it_came() -> Result<()> {
    let scene = Scene::start().await?;
    let broken = r#"{"object": "whatsapp_business_account", "entry": [{"id""#;
    assert_eq!(scene.deliver(broken).await?, 200);
    assert_eq!(scene.deliver(broken).await?, 200);
    let events = scene.platform.taken()?;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["rejected"]["reason"], "malformed");
    assert_eq!(events[0]["delivery"]["body"], broken);
    for secret in [HEADER, PATH] {
        assert!(!events[0].to_string().contains(secret), "{secret}");
    }
    // The answer comes before everything is sent, so it may be that the client sees only a broken connection.
    let too_large = scene.deliver(vec![b' '; (4 << 20) + 1]).await;
    assert!(too_large.is_err() || too_large? == 413);
    assert_eq!(scene.platform.taken()?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_used_again_and_comes_to_an_end() -> Result<()> {
    let scene = Scene::start().await?;
    scene.connect().await?;
    for index in 0..150 {
        let from = format!("163155{index:05}");
        assert_eq!(
            scene
                .deliver(webhook(&from, &[format!("wamid.{index}")]))
                .await?,
            200
        );
        // 80 messages a second are the most.
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    assert_eq!(scene.texts().len(), 150, "everybody is greeted");
    let events = scene.platform.took(300).await?;
    assert_eq!(of_kind(&events, "message").len(), 150);
    // Each has answered several of the 150 messages and 150 statuses, and none goes on for ever.
    let instances = *scene.application.instances.lock().unwrap();
    assert!((300 / 32..150).contains(&instances), "{instances}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_secrets_stay_where_they_belong() -> Result<()> {
    let scene = Scene::start().await?;
    scene.connect().await?;
    scene
        .simulator
        .customer(&ada(), Act::say("{{secret:api_key}} {{secret:webhook}}"))?;
    scene.platform.took(4).await?;
    let echo = json!({"to": {"phone": "16315551234"}, "content": {"type": "text", "text": "{{secret:api_key}}"}});
    let (status, standing) = scene.post("messages", &echo).await?;
    assert_eq!(status, 200, "{standing}");
    assert_eq!(
        scene.texts(),
        ["Welcome!", "{{secret:api_key}}"],
        "what people write is sent as it stands"
    );
    let told = Value::from(scene.platform.taken()?).to_string();
    let stored: Vec<u8> = scene
        .keys
        .all()
        .into_iter()
        .flat_map(|(key, value)| [key.into_bytes(), value].concat())
        .collect();
    let stored = String::from_utf8_lossy(&stored).into_owned();
    for secret in [KEY, HEADER, PATH, TOKEN, SECRET] {
        assert!(
            !told.contains(secret) && !stored.contains(secret),
            "{secret}"
        );
    }
    let requests = scene.simulator.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.header("d360-api-key") == Some(KEY))
    );
    assert!(scene.folder.path().join("spin.db").exists());
    Ok(())
}
