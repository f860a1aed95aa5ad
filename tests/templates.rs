//! Templates from a draft to a delivered message: the command, the host, the sandboxed channel and the vendor's simulator.

mod running;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use running::{Ran, Running};
use serde_json::{Value, json};
use simulator_360dialog::{Decision, Fault, Flavour, Options, Rule, Simulator, TemplateStatus};
use tempfile::TempDir;

const ADA: &str = "16315551234";

/// A host with a channel, and the vendor's simulator.
struct Stage {
    simulator: Simulator,
    host: Running,
    folder: TempDir,
}

impl Stage {
    async fn start(options: Options, settings: &Value) -> Result<Self> {
        let simulator = Simulator::start(options).await?;
        let folder = tempfile::tempdir()?;
        let arguments = [
            "--public-url",
            "https://host.example.com",
            "--private-origin",
            simulator.url(),
        ];
        let host = Running::start(&folder.path().join("host"), &arguments).await?;
        simulator.tunnel(&host.webhooks)?;
        let mut all = json!({"name": "Shop", "phone_number": format!("+{}", simulator.number()),
            "api_key": simulator.api_key(), "base_url": simulator.url()});
        for (name, value) in settings.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        let add = ["channel", "add", "--settings", "-"];
        let added = host.command_with(&add, all.to_string().as_bytes()).await?;
        ensure!(added.code == Some(0), "{}", added.errors);
        Ok(Self {
            simulator,
            host,
            folder,
        })
    }

    fn file(&self, name: &str, json: &Value) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, json.to_string())?;
        Ok(path)
    }

    /// Runs `templates …`, which has to end so.
    async fn ends(&self, status: i32, arguments: &[&str]) -> Result<Ran> {
        let arguments = [&["templates"], arguments].concat();
        let ran = self.host.command(&arguments).await?;
        ensure!(
            ran.code == Some(status),
            "{arguments:?}: {:?}\n{}{}",
            ran.code,
            ran.output,
            ran.errors
        );
        Ok(ran)
    }

    async fn json(&self, arguments: &[&str]) -> Result<Value> {
        let arguments = [&["--json", "templates"], arguments].concat();
        let ran = self.host.command(&arguments).await?;
        ensure!(ran.code == Some(0), "{arguments:?}: {}", ran.errors);
        let mut lines = ran.json()?;
        lines.pop().context("a line")
    }

    /// An answer of the API's, which has to be as its description says.
    async fn asked(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let request = |method: &str, path: &str| -> Result<_> {
            let url = format!("{}{path}", self.host.api);
            let request = running::client().request(method.parse()?, url);
            Ok(request.bearer_auth(&self.host.token))
        };
        let mut asking = request(method, &format!("/channels/Shop{path}"))?;
        if let Some(body) = body {
            asking = asking.json(body);
        }
        let answer = asking.send().await?.error_for_status()?;
        let answer: Value = answer.json().await?;
        let described: Value = request("GET", "/openapi.json")?
            .send()
            .await?
            .json()
            .await?;
        let is_of = |described: &str| {
            let (described, given) = (described.split('/').skip(3), path.split('?').next());
            let given: Vec<_> = given.unwrap_or_default().split('/').skip(1).collect();
            let described: Vec<_> = described.collect();
            described.len() == given.len()
                && described
                    .iter()
                    .zip(given)
                    .all(|(part, given)| *part == given || part.starts_with('{'))
        };
        let paths = described["paths"].as_object().context("paths")?;
        let (_, operations) = paths
            .iter()
            .find(|(described, _)| is_of(described))
            .with_context(|| format!("{path} is not described"))?;
        let content = &operations[method.to_lowercase()]["responses"]["200"]["content"];
        let schema = json!({"components": described["components"],
            "allOf": [content["application/json"]["schema"]]});
        let (mut compiler, mut schemas) = (boon::Compiler::new(), boon::Schemas::new());
        let added = compiler.add_resource("answer.json", schema);
        added.map_err(|error| anyhow::anyhow!("{error:#}"))?;
        let index = compiler.compile("answer.json", &mut schemas);
        let index = index.map_err(|error| anyhow::anyhow!("{error:#}"))?;
        if let Err(error) = schemas.validate(&answer, index) {
            anyhow::bail!("{method} {path}: {error:#}");
        }
        Ok(answer)
    }

    async fn until_it_is(&self, name: &str, language: &str, status: &str) -> Result<Value> {
        let began = Instant::now();
        loop {
            let shown = self.json(&["show", "Shop", name, language]).await?;
            if shown["status"] == status {
                return Ok(shown);
            }
            ensure!(began.elapsed() < Duration::from_secs(30), "{shown}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What was posted to the vendor's templates, and what it answered.
    fn posts(&self) -> usize {
        let is_post = |seen: &simulator_360dialog::Seen| {
            seen.method == "POST" && seen.path.contains("templates")
        };
        self.simulator
            .requests()
            .into_iter()
            .filter(is_post)
            .count()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of this test is text")
}

fn order_ready() -> Value {
    json!({"name": "order_ready", "language": "en_US", "category": "utility", "content": {
        "body": {"text": {"text": "Hello {{1}}, your order {{2}} is ready to be picked up at our shop.",
            "examples": [{"value": "Ada"}, {"value": "1001"}]}},
        "footer": {"text": "Plants & Pots"},
        "buttons": [{"type": "url", "text": "Track", "url": "https://shop.example.com/{{1}}", "example": "https://shop.example.com/1001"}]}})
}

/// What is filled in, and the command that sends it.
const VALUES: [&str; 6] = ["--body", "Ada", "--body", "1001", "--url", "0=1001"];
const SEND: [&str; 13] = [
    "send",
    "Shop",
    "order_ready",
    "en_US",
    "--to",
    ADA,
    "--wait",
    "--body",
    "Ada",
    "--body",
    "1001",
    "--url",
    "0=1001",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_becomes_a_delivered_message_and_is_paused() -> Result<()> {
    let settings = json!({"webhook_scope": "number_and_account"});
    let stage = Stage::start(Options::default(), &settings).await?;
    let draft = stage.file("order_ready.json", &order_ready())?;
    let draft = text(&draft);
    looked_at(&stage, draft).await?;
    submitted(&stage, draft).await?;
    sent(&stage).await?;
    refused_with_the_nearest_that_works(&stage).await?;
    paused_and_deleted(&stage).await
}

async fn looked_at(stage: &Stage, draft: &str) -> Result<()> {
    let linted = stage.ends(0, &["lint", draft]).await?;
    assert!(
        linted.output.ends_with(": nothing was found\n"),
        "{}",
        linted.output
    );
    let preview = stage
        .ends(0, &[&["preview", draft], &VALUES[..2]].concat())
        .await?;
    assert_eq!(
        preview.output,
        "Hello Ada, your order {{2}} is ready to be picked up at our shop.\nPlants & Pots\n[ Track ]\nmissing: {{2}}\n"
    );

    Ok(())
}

async fn submitted(stage: &Stage, draft: &str) -> Result<()> {
    let refused = stage.ends(3, &SEND).await?;
    assert!(
        refused.errors.contains("was not added"),
        "{}",
        refused.errors
    );

    let planned = stage
        .ends(0, &["submit", "Shop", draft, "--dry-run"])
        .await?;
    assert!(
        planned.output.ends_with(": created\n"),
        "{}",
        planned.output
    );
    assert_eq!(stage.posts(), 0);
    let submitted = stage
        .ends(0, &["submit", "Shop", draft, "--add-when-approved"])
        .await?;
    assert!(
        submitted.output.contains(": created, pending, utility"),
        "{}",
        submitted.output
    );
    assert!(
        submitted.output.ends_with(", added\n"),
        "{}",
        submitted.output
    );
    let refused = stage.ends(3, &SEND).await?;
    assert!(refused.errors.contains("in review"), "{}", refused.errors);

    stage
        .simulator
        .review("order_ready", None, Decision::Approve)?;
    stage
        .until_it_is("order_ready", "en_US", "approved")
        .await?;
    let again = stage.ends(0, &["submit", "Shop", draft]).await?;
    assert!(again.output.contains(": unchanged"), "{}", again.output);
    assert_eq!(stage.posts(), 1);

    Ok(())
}

async fn sent(stage: &Stage) -> Result<()> {
    stage.ends(0, &SEND).await?;
    let sent = stage.simulator.sent();
    let sent = sent.last().context("it was not sent")?;
    let template = &sent.body["template"];
    assert_eq!(template["language"], json!({"code": "en_US"}));
    assert!(template.get("namespace").is_none());
    let began = Instant::now();
    loop {
        let messages = stage.host.command(&["--json", "messages", "Shop"]).await?;
        if messages.output.contains("\"delivered\"") || messages.output.contains("\"read\"") {
            break;
        }
        ensure!(
            began.elapsed() < Duration::from_secs(30),
            "{}",
            messages.output
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    Ok(())
}

async fn refused_with_the_nearest_that_works(stage: &Stage) -> Result<()> {
    let wrong = [
        "send",
        "Shop",
        "order_ready",
        "en_GB",
        "--to",
        ADA,
        "--body",
        "Ada",
    ];
    let refused = stage.ends(3, &wrong).await?;
    assert!(
        refused.errors.contains("in en_US, not in en_GB"),
        "{}",
        refused.errors
    );
    let wrong = [
        "send",
        "Shop",
        "order_ready",
        "en_US",
        "--to",
        ADA,
        "--body",
        "Ada",
        "--body",
        "a\tb",
        "--url",
        "0=1",
    ];
    let refused = stage.ends(3, &wrong).await?;
    assert!(
        refused.errors.contains("your order {{2}} is ready"),
        "{}",
        refused.errors
    );

    Ok(())
}

async fn paused_and_deleted(stage: &Stage) -> Result<()> {
    stage
        .simulator
        .review("order_ready", None, Decision::Pause)?;
    let shown = stage.until_it_is("order_ready", "en_US", "paused").await?;
    assert_eq!(shown["sendable"], false);
    let told = shown["history"].as_array().context("a history")?;
    let kinds: Vec<_> = told.iter().filter_map(|it| it["type"].as_str()).collect();
    assert_eq!(
        kinds,
        ["stored_template", "template", "template"],
        "{told:?}"
    );
    let refused = stage.ends(3, &SEND).await?;
    assert!(refused.errors.contains("paused"), "{}", refused.errors);

    stage
        .ends(0, &["delete", "Shop", "order_ready", "en_US"])
        .await?;
    assert!(stage.simulator.templates().is_empty());
    let shown = stage
        .json(&["show", "Shop", "order_ready", "en_US"])
        .await?;
    assert_eq!(shown["status"], "deleted");
    stage
        .ends(0, &["remove", "Shop", "order_ready", "en_US"])
        .await?;
    stage
        .ends(3, &["show", "Shop", "order_ready", "en_US"])
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_drafts_is_deployed_and_mistakes_do_not_leave() -> Result<()> {
    let stage = Stage::start(Options::default(), &json!({})).await?;
    let first = stage.file("first.json", &order_ready())?;
    let vendors = json!({"name": "news", "language": "de", "category": "MARKETING",
        "components": [{"type": "BODY", "text": "Unsere neuen Pflanzen sind da. Bis bald im Laden!"}]});
    let second = stage.file("second.json", &vendors)?;
    let mut wrong = order_ready();
    wrong["name"] = "Order Ready".into();
    wrong["content"]["body"]["text"]["text"] = "{{1}} your order".into();
    let third = stage.file("third.json", &wrong)?;
    let [first, second, third] = [&first, &second, &third].map(|path| text(path));
    let submitted = stage
        .ends(3, &["submit", "Shop", first, third, second])
        .await?;
    assert_eq!(submitted.output.lines().count(), 2, "{}", submitted.output);
    for pointer in ["/name: ", "/content/body/text/text: "] {
        assert!(submitted.errors.contains(pointer), "{}", submitted.errors);
    }
    assert_eq!(stage.simulator.templates().len(), 2);
    // An old category is named today's.
    let old = json!({"name": "old", "language": "en", "category": "ACCOUNT_UPDATE",
        "components": [{"type": "BODY", "text": "Your account is ready."}]});
    let old = stage.file("old.json", &old)?;
    let refused = stage.ends(3, &["submit", "Shop", text(&old)]).await?;
    assert!(refused.errors.contains("/category: "), "{}", refused.errors);
    assert!(refused.errors.contains("utility"), "{}", refused.errors);

    // Another text is an edit, once it is approved; in review it waits.
    let mut changed = order_ready();
    changed["content"]["footer"]["text"] = "Plants".into();
    stage.file("first.json", &changed)?;
    let conflict = stage.ends(3, &["submit", "Shop", first]).await?;
    assert!(conflict.errors.contains("review"), "{}", conflict.errors);
    stage
        .simulator
        .review("order_ready", None, Decision::Approve)?;
    let planned = stage
        .ends(0, &["submit", "Shop", first, second, "--dry-run"])
        .await?;
    let outcomes: Vec<_> = planned
        .output
        .lines()
        .filter_map(|line| line.split(": ").nth(1))
        .collect();
    assert_eq!(outcomes[0], "edited");
    assert!(outcomes[1].starts_with("unchanged"), "{outcomes:?}");
    let before = stage.posts();
    let edited = stage.ends(0, &["submit", "Shop", first]).await?;
    assert!(edited.output.contains(": edited"), "{}", edited.output);
    assert_eq!(stage.posts(), before + 1);

    added_and_watched(&stage).await
}

/// What is approved is added by one command; what is not is said to be left.
async fn added_and_watched(stage: &Stage) -> Result<()> {
    stage
        .simulator
        .review("order_ready", None, Decision::Approve)?;
    stage.simulator.review(
        "news",
        None,
        Decision::Reject {
            reason: "PROMOTIONAL".to_owned(),
        },
    )?;
    let synced = stage.ends(0, &["sync", "Shop"]).await?;
    assert_eq!(
        synced.output,
        "2 at the vendor\nadded: order_ready en_US\nnot added, rejected: news de (PROMOTIONAL)\n"
    );
    // Where no webhook tells that it was paused, looking again does.
    stage.simulator.register(None);
    stage
        .simulator
        .review("order_ready", None, Decision::Pause)?;
    let synced = stage.json(&["sync", "Shop"]).await?;
    assert_eq!(
        synced["changed"],
        json!([{"name": "order_ready", "language": "en_US"}])
    );
    let shown = stage
        .ends(0, &["show", "Shop", "order_ready", "en_US"])
        .await?;
    assert!(
        shown.output.contains("status: approved -> paused"),
        "{}",
        shown.output
    );
    assert!(
        shown.output.contains("no: it is paused"),
        "{}",
        shown.output
    );
    // Watching adds nothing, and sees what was not added as well.
    stage
        .ends(0, &["remove", "Shop", "order_ready", "en-US"])
        .await?;
    let watched = stage.ends(0, &["watch", "Shop", "--every", "1"]).await?;
    let lines: Vec<_> = watched.output.lines().collect();
    assert_eq!(lines.len(), 2, "{}", watched.output);
    assert!(
        lines[0].starts_with("news de: rejected, marketing"),
        "{}",
        watched.output
    );
    assert!(
        lines[1].starts_with("order_ready en_US: paused, utility"),
        "{}",
        watched.output
    );
    let stored = stage.json(&["list", "Shop"]).await?;
    assert_eq!(stored["templates"], json!([]));
    stage
        .ends(3, &["watch", "Shop", "nobody", "--every", "1"])
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_answers_as_it_is_described() -> Result<()> {
    let stage = Stage::start(Options::default(), &json!({})).await?;
    let draft = order_ready();
    let found = stage.asked("POST", "/templates/lint", Some(&draft)).await?;
    assert_eq!(found, json!({"findings": []}));
    let vendors = "/vendor/templates";
    let planned = format!("{vendors}?dry_run=true");
    let planned = stage.asked("POST", &planned, Some(&draft)).await?;
    assert_eq!(planned, json!({"outcome": "created", "added": false}));
    let submitted = format!("{vendors}?add=true");
    let submitted = stage.asked("POST", &submitted, Some(&draft)).await?;
    assert_eq!(submitted["added"], true);
    stage
        .simulator
        .review("order_ready", None, Decision::Approve)?;
    let listed = format!("{vendors}?status=approved&name=order_ready");
    let listed = stage.asked("GET", &listed, None).await?;
    assert_eq!(listed["templates"][0]["name"], "order_ready");
    let mut edited = draft.clone();
    edited["content"]["footer"]["text"] = "Plants".into();
    let edited = stage.asked("PUT", vendors, Some(&edited)).await?;
    assert_eq!(
        (&edited["outcome"], &edited["added"]),
        (&json!("edited"), &json!(true))
    );
    stage
        .simulator
        .review("order_ready", None, Decision::Approve)?;
    stage.asked("POST", "/templates/sync", None).await?;

    let stored = stage.asked("GET", "/templates", None).await?;
    assert_eq!(
        stored["templates"][0]["content"]["footer"]["text"],
        "Plants"
    );
    let one = "/templates/order_ready/en_US";
    let shown = stage.asked("GET", one, None).await?;
    assert_eq!(shown["sendable"], true);
    let parameters = stage
        .asked("GET", &format!("{one}/parameters"), None)
        .await?;
    let pointers: Vec<_> = parameters["parameters"]
        .as_array()
        .context("parameters")?
        .iter()
        .map(|it| it["pointer"].clone())
        .collect();
    assert_eq!(pointers, ["/body/0", "/body/1", "/buttons/0"]);
    let message = json!({"name": "order_ready", "language": "en_US", "body": [{"text": "Ada"}]});
    let rendered = stage
        .asked("POST", &format!("{one}/render"), Some(&message))
        .await?;
    assert_eq!(rendered["missing"], json!(["{{2}}"]));
    Ok(())
}

/// The requests and answers of 360dialog's help page.
#[tokio::test(flavor = "multi_thread")]
async fn the_help_page_s_steps_are_one_command_on_premise() -> Result<()> {
    let options = Options {
        flavour: Flavour::OnPremise,
        ..Options::default()
    };
    let stage = Stage::start(options, &json!({"api": "on_premise"})).await?;
    let page = json!({"name": "template_name", "category": "ACCOUNT_UPDATE", "language": "en",
        "components": [{"type": "BODY", "text": "template_text"}]});
    let draft = stage.file("template_name.json", &page)?;
    let settings = stage.file(
        "settings.json",
        &json!({"phone_number": "+15550783881", "api": "on_premise"}),
    )?;
    stage
        .ends(0, &["lint", text(&draft), "--settings", text(&settings)])
        .await?;
    stage.ends(3, &["lint", text(&draft)]).await?;
    let submit = ["submit", "Shop", text(&draft), "--add-when-approved"];
    let submitted = stage.json(&submit).await?;
    assert_eq!(submitted["status"], "pending");
    assert_eq!(submitted["category"], "ACCOUNT_UPDATE");
    assert!(submitted["namespace"].is_string(), "{submitted}");
    let request = stage.simulator.requests().into_iter().rev();
    let request = request
        .into_iter()
        .find(|seen| seen.method == "POST" && seen.path == "/v1/configs/templates");
    let request = request.context("it was not submitted")?;
    assert_eq!(serde_json::from_slice::<Value>(&request.body)?, page);

    stage
        .simulator
        .review("template_name", None, Decision::Approve)?;
    let synced = stage.json(&["sync", "Shop"]).await?;
    assert_eq!(synced["changed"][0]["name"], "template_name");
    let listed = stage.json(&["list", "Shop", "--vendor"]).await?;
    let listed = &listed["templates"][0];
    assert_eq!(listed["status"], "approved");
    assert!(
        listed.get("id").is_none() && listed.get("rejected_reason").is_none(),
        "{listed}"
    );

    // The five fields of the form.
    let add = [
        "add",
        "Shop",
        "--name",
        "greeting",
        "--language",
        "en",
        "--category",
        "TICKET_UPDATE",
        "--id",
        "5944",
        "--content",
        "Hello {{1}}! This is a test message, setup with API version {{2}}",
    ];
    let added = stage.json(&add).await?;
    assert_eq!(added["sendable"], true);
    assert_eq!(added["id"], "5944");
    let names: Vec<_> = stage.json(&["list", "Shop"]).await?["templates"]
        .as_array()
        .context("templates")?
        .iter()
        .map(|it| it["name"].clone())
        .collect();
    assert_eq!(names, ["greeting", "template_name"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_templates_are_listed_to_the_end_though_a_page_fails() -> Result<()> {
    for (api, path) in [
        ("graph", "/message_templates"),
        ("configs", "/v1/configs/templates"),
    ] {
        let stage = Stage::start(Options::default(), &json!({"template_api": api})).await?;
        for number in 0..1234 {
            let body =
                json!({"type": "BODY", "text": format!("The order number {number} is ready.")});
            let language = ["en_US", "de", "pt_BR"][number % 3];
            let name = format!("order_{}", number / 3);
            stage
                .simulator
                .add_template(&name, language, "UTILITY", vec![body]);
        }
        stage.simulator.fault(Rule {
            fault: Fault::Status {
                status: 503.try_into().map_err(anyhow::Error::msg)?,
                body: Value::Null,
                done: false,
            },
            path: Some(path.to_owned()),
            times: Some(1.try_into()?),
        });
        let synced = stage.json(&["sync", "Shop"]).await?;
        assert_eq!(synced["listed"], 1234, "{api}");
        let stored = stage.json(&["list", "Shop"]).await?;
        let stored = stored["templates"].as_array().context("templates")?;
        let mut keys: Vec<_> = stored
            .iter()
            .map(|it| (it["name"].as_str(), it["language"].as_str()))
            .collect();
        assert_eq!(keys.len(), 1234, "{api}");
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 1234, "{api}");
        assert!(
            stage
                .simulator
                .templates()
                .iter()
                .all(|it| it.status == TemplateStatus::Approved)
        );
    }
    Ok(())
}
