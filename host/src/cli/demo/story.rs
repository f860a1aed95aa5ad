//! The story. What it tells is read back from the host or the simulator before it is told.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use simulator_360dialog::{Act, Delivery, Who as Customer};

use super::transcript::{Who, line, scene, write};
use super::{CHANNEL, PATIENCE, Stage, print, until};
use crate::cli::remote::{Answer, Failure};

/// What a customer reads first.
const GREETING: &str = "Welcome to the plant shop! Somebody will be with you in a minute.";

/// The customer's phone number.
pub(super) const ADA: &str = "16315551234";

const OPENING: &str = "\
A conversation on WhatsApp. 360dialog is simulated on this machine; the host, its store, HTTP and the channel in its
sandbox are real.
";

/// Plays it.
pub(super) async fn play(stage: &Stage) -> Result<()> {
    write(OPENING)?;
    let mut story = Story { stage, told: 0 };
    story.connect().await?;
    story.write().await?;
    story.answer().await?;
    story.a_day_passes().await?;
    story.go_wrong().await
}

struct Story<'a> {
    stage: &'a Stage,
    /// The last event that was told.
    told: i64,
}

impl Story<'_> {
    async fn connect(&mut self) -> Result<()> {
        let simulator = &self.stage.simulator;
        scene(1, "A number becomes a channel")?;
        let number = simulator.number();
        line(
            Who::Operator,
            &format!("adds +{number} with a mistyped API key"),
        )?;
        let refusal = refused(self.stage.add("mistyped", Some(GREETING)).await)?;
        line(Who::Host, &refusal)?;
        line(Who::Operator, "adds it with the right one")?;
        let added = self
            .stage
            .add(simulator.api_key(), Some(GREETING))
            .await?
            .value;
        let webhook = simulator.webhook().context("a webhook")?;
        let origin = url::Url::parse(&webhook.url)?.origin();
        line(
            Who::Dialog,
            &format!(
                "knows the key, and delivers to {} from now on",
                origin.ascii_serialization()
            ),
        )?;
        let state = print::text(&added, "/state");
        line(Who::Host, &format!("the channel \"{CHANNEL}\" is {state}"))
    }

    async fn write(&mut self) -> Result<()> {
        scene(2, "A customer writes, and is greeted")?;
        self.say("Hi! Is the fern still available?").await?;
        let simulator = &self.stage.simulator;
        until("the greeting", async || Ok(simulator.sent().len() == 1)).await?;
        let sent = simulator.sent();
        let greeting = sent.first().and_then(|sent| sent.text());
        let greeting = greeting.context("a greeting")?;
        line(Who::Host, &format!("greets her, this once: \"{greeting}\""))?;
        self.window().await
    }

    async fn answer(&mut self) -> Result<()> {
        scene(3, "An agent answers")?;
        let text = "It is! Here it stands:";
        let (link, caption) = ("https://example.com/fern.jpg", "The fern");
        let question = "Shall we keep it for you?";
        let (yes, no) = ("Yes, please", "No, thanks");
        let buttons = json!([{"id": "keep", "title": yes}, {"id": "leave", "title": no}]);
        let mut ids = Vec::new();
        for (told, content) in [
            (format!("\"{text}\""), json!({"type": "text", "text": text})),
            (
                format!("a picture, {link}, \"{caption}\""),
                json!({"type": "image", "link": link, "caption": caption}),
            ),
            (
                format!("\"{question}\" [{yes}] [{no}]"),
                json!({"type": "buttons", "body": question, "buttons": buttons}),
            ),
        ] {
            line(Who::Agent, &told)?;
            ids.push(self.accepted(&content).await?);
        }
        self.read().await?;
        let query = [("type", Some("status".to_owned()))];
        let page = self.stage.remote.get(&["events"], &query).await?.value;
        for (id, which) in ids.iter().zip(["text", "picture", "question"]) {
            let statuses = print::list(&page, "/events").iter();
            let statuses = statuses.filter(|event| event["status"]["message_id"] == **id);
            let states: Vec<_> = statuses
                .map(|event| print::text(event, "/status/state"))
                .collect();
            line(Who::Host, &format!("the {which}: {}", states.join(", ")))?;
        }
        self.stage.simulator.customer(&ada(), Act::tap(yes))?;
        line(Who::Ada, &format!("taps [{yes}]"))?;
        let event = self.received().await?;
        let id = print::text(&event, "/message/content/id");
        line(
            Who::Host,
            &format!("{}: the button \"{id}\"", about(&event)),
        )
    }

    async fn a_day_passes(&mut self) -> Result<()> {
        scene(4, "A day and an hour pass")?;
        self.stage.let_a_day_pass();
        self.window().await?;
        let (name, language) = ("order_ready", "en_US");
        let text = "Hello {{1}}, your order is ready. See you soon!";
        let body = json!({"type": "BODY", "text": text});
        self.stage
            .simulator
            .add_template(name, language, "UTILITY", vec![body]);
        let segments = ["channels", CHANNEL, "templates"];
        let key = json!({"name": name, "language": language});
        self.stage.remote.post(&segments, &key).await?;
        line(
            Who::Agent,
            &format!("adds the template {name} ({language}), which is approved"),
        )?;
        let text = "It is ready.";
        line(Who::Agent, &format!("\"{text}\""))?;
        let refusal = refused(
            self.stage
                .send(&json!({"type": "text", "text": text}))
                .await,
        )?;
        line(Who::Host, &refusal)?;
        line(
            Who::Agent,
            &format!("the template {name} ({language}), for \"Ada\""),
        )?;
        let template = json!({"type": "template", "name": name, "language": language, "body": [{"text": "Ada"}]});
        let id = self.accepted(&template).await?;
        line(Who::Dialog, &format!("accepts it as {id}"))?;
        self.say("Thank you, I'm on my way.").await?;
        self.window().await
    }

    async fn go_wrong(&mut self) -> Result<()> {
        let simulator = &self.stage.simulator;
        scene(5, "What goes wrong")?;
        self.read().await?;
        let (_, end) = self.stage.events(0).await?;
        let hers = || {
            let mut deliveries = simulator.deliveries().into_iter();
            let says =
                |delivery: &Delivery| String::from_utf8_lossy(&delivery.body).contains("on my way");
            let delivery = deliveries.find(says);
            delivery.context("her message")
        };
        let before = hers()?;
        line(Who::Dialog, "delivers her last message once more")?;
        ensure!(simulator.redeliver(before.id), "the delivery is gone");
        until("the delivery", async || {
            Ok(hers()?.attempts.len() > before.attempts.len())
        })
        .await?;
        ensure!(hers()?.is_taken(), "the host did not take it");
        self.stage.taken_in().await?;
        let (new, _) = self.stage.events(end).await?;
        line(
            Who::Host,
            &format!("takes it, and tells of {} new events", new.len()),
        )?;
        line(Who::Dialog, "delivers a body that breaks off")?;
        let broken = r#"{"object": "whatsapp_business_account", "entry": [{"id""#;
        let status = simulator.post(broken).await.context("an answer")?;
        let reason = self.parked().await?;
        line(
            Who::Host,
            &format!("answers {status}, and parks it: {reason}"),
        )?;
        line(Who::Operator, "replays what is parked")?;
        let segments = ["channels", CHANNEL, "deliveries", "replay"];
        let replayed = self.stage.remote.post(&segments, &json!({})).await?.value;
        let reason = self.parked().await?;
        line(
            Who::Host,
            &format!(
                "tried {} again: {reason}\nIt stays, with its body, until a plugin can read it.",
                print::text(&replayed, "/replayed")
            ),
        )
    }

    /// Lets Ada write, and tells what the host makes of it.
    async fn say(&mut self, text: &str) -> Result<()> {
        self.stage.simulator.customer(&ada(), Act::say(text))?;
        line(Who::Ada, &format!("\"{text}\""))?;
        let event = self.received().await?;
        let text = print::text(&event, "/message/content/text");
        line(Who::Host, &format!("{}: \"{text}\"", about(&event)))
    }

    /// The next message that the host tells of.
    async fn received(&mut self) -> Result<Value> {
        let query = [
            ("after", Some(self.told.to_string())),
            ("type", Some("message".to_owned())),
            ("wait", Some(PATIENCE.as_secs().to_string())),
        ];
        let page = self.stage.remote.get(&["events"], &query).await?.value;
        let event = page["events"][0].clone();
        self.told = event["sequence"].as_i64().context("a message event")?;
        Ok(event)
    }

    /// Hands a message to Ada in, which the vendor accepts. Returns the id that it gives.
    async fn accepted(&self, content: &Value) -> Result<String> {
        let standing = self.stage.send(content).await?.value;
        let state = print::text(&standing, "/state");
        ensure!(
            !matches!(&*state, "queued" | "sending" | "failed" | "held"),
            "the message is {state}: {standing}"
        );
        Ok(print::text(&standing, "/message_ids/0"))
    }

    /// Waits until Ada has read everything, and the host knows.
    async fn read(&self) -> Result<()> {
        until("messages to be read", async || {
            let shown = self.stage.get(&["messages"], &[]).await?;
            let messages = print::list(&shown, "/messages");
            Ok(messages.iter().all(|message| message["state"] == "read"))
        })
        .await
    }

    /// Tells how Ada's window stands.
    async fn window(&self) -> Result<()> {
        let query = [("phone", Some(ADA.to_owned()))];
        let seen = self.stage.get(&["window"], &query).await?;
        let window = &seen["window"];
        let sentence = match window["type"].as_str() {
            Some("open") => format!("open until {}", print::text(window, "/until")),
            Some("closed") => format!("closed since {}", print::text(window, "/since")),
            _ => bail!("the window is {window}"),
        };
        line(
            Who::Host,
            &format!("her customer service window is {sentence}"),
        )
    }

    /// Waits until a delivery is parked. Returns why it is.
    async fn parked(&self) -> Result<String> {
        self.stage.taken_in().await?;
        let parked = self.stage.deliveries("parked").await?;
        let [delivery] = parked.as_slice() else {
            bail!("{} deliveries are parked", parked.len());
        };
        let (reason, detail) = (
            print::text(delivery, "/reason"),
            print::text(delivery, "/detail"),
        );
        Ok(format!("{reason}, {detail}"))
    }
}

fn ada() -> Customer {
    Customer::phone(ADA).named("Ada Okafor")
}

/// What the host says that it won't do, and why.
fn refused(answer: Result<Answer, Failure>) -> Result<String> {
    match answer {
        Err(failure @ Failure::Problem(_)) => Ok(format!("refused: {failure}")),
        Err(failure) => Err(failure.into()),
        Ok(answer) => bail!("it was not refused: {}", answer.text),
    }
}

/// What kind of event it is, and from whom.
fn about(event: &Value) -> String {
    let [kind, name, phone] =
        ["/type", "/contact/name", "/contact/phone"].map(|member| print::text(event, member));
    format!("{kind} from {name}, {phone}")
}
