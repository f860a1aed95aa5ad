//! `demo`: a conversation on WhatsApp, with a simulator of 360dialog; the host, its store and the sandbox are the real ones.

mod deliver;
mod story;
mod transcript;

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use channel_host::{Clock, Engine, Options};
use clap::Args;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use simulator_360dialog::Simulator;
use tempfile::TempDir;
use url::Url;

use super::remote::{Answer, Failure, Remote, TOKEN};
use super::serve::{Listeners, Served, Signals};
use super::{Status, print};

/// The channel's name.
const CHANNEL: &str = "Shop";

/// The longest that one step may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Go on running at the end, and print how to go on by hand.
    #[arg(long)]
    keep: bool,
    /// Deliver these webhook bodies instead of the story, and account for each.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    deliver: Vec<PathBuf>,
}

/// Plays the story, or delivers files.
pub(super) async fn run(arguments: &Arguments, engine: &Engine) -> Result<Status> {
    let mut signals = Signals::listen().context("signals can't be heard")?;
    let stage = Stage::build(engine).await?;
    let played = async {
        if arguments.deliver.is_empty() {
            story::play(&stage).await.map(|()| Status::Done)
        } else {
            deliver::all(&stage, &arguments.deliver).await
        }
    };
    let played = tokio::select! {
        played = played => played,
        _ = signals.next() => Err(anyhow!("stopped before the end")),
    };
    if arguments.keep && played.is_ok() {
        transcript::write(&stage.how_to_go_on())?;
        _ = signals.next().await;
    }
    let Stage { served, .. } = stage;
    let stopped = served.stop(async { _ = signals.next().await }).await;
    played.and_then(|status| stopped.map(|()| status))
}

/// The host and the simulator, and a client of each.
struct Stage {
    simulator: Simulator,
    served: Served,
    clock: Clock,
    remote: Remote,
    token: String,
    /// It goes with everything in it.
    folder: TempDir,
}

impl Stage {
    async fn build(engine: &Engine) -> Result<Self> {
        let simulator = Simulator::start(simulator_360dialog::Options {
            allow_loopback_webhooks: true,
            status_step: Some(Duration::from_millis(50)),
            ..simulator_360dialog::Options::default()
        })
        .await?;
        let folder = tempfile::tempdir().context("a temporary folder can't be made")?;
        let free_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listeners = Listeners::bind(free_port, free_port).await?;
        let options = Options {
            public_url: Some(listeners.webhooks()?),
            private_origins: vec![simulator.url().to_owned()],
            ..Options::recommended()
        };
        let clock = Clock::default();
        // The key in the environment is another host's.
        let served = Served::start(
            engine,
            folder.path(),
            None,
            listeners,
            options,
            clock.clone(),
        )
        .await?;
        let token = std::fs::read_to_string(folder.path().join(TOKEN))?;
        let token = token.trim().to_owned();
        let remote = Remote::new(Url::parse(&served.api)?, &token)?;
        Ok(Self {
            simulator,
            served,
            clock,
            remote,
            token,
            folder,
        })
    }

    /// Adds the simulated number as a channel, with this API key and perhaps a greeting.
    async fn add(&self, api_key: &str, greeting: Option<&str>) -> Result<Answer, Failure> {
        let mut settings = json!({
            "name": CHANNEL,
            "phone_number": format!("+{}", self.simulator.number()),
            "api_key": api_key,
            "base_url": self.simulator.url(),
        });
        if let Some(greeting) = greeting {
            settings["greeting"] = greeting.into();
        }
        let addition = json!({"settings": settings});
        self.remote.post(&["channels"], &addition).await
    }

    /// Hands a message to Ada in, and waits for what the vendor says to it.
    async fn send(&self, content: &Value) -> Result<Answer, Failure> {
        let message = json!({"to": {"phone": story::ADA}, "content": content});
        let segments = ["channels", CHANNEL, "messages"];
        let query = [("wait", Some("true".to_owned()))];
        let request = self.remote.request(Method::POST, &segments, &query);
        let json = HeaderValue::from_static("application/json");
        let request = request.header(CONTENT_TYPE, json);
        self.remote.send(request.body(message.to_string())).await
    }

    /// What is below the channel's address.
    async fn get(&self, below: &[&str], query: &[(&str, Option<String>)]) -> Result<Value> {
        let segments = [&["channels", CHANNEL], below].concat();
        Ok(self.remote.get(&segments, query).await?.value)
    }

    /// The deliveries in a state.
    async fn deliveries(&self, state: &str) -> Result<Vec<Value>> {
        let query = [("state", Some(state.to_owned()))];
        let page = self.get(&["deliveries"], &query).await?;
        Ok(print::list(&page, "/deliveries").to_vec())
    }

    /// Waits until no delivery waits to be taken in.
    async fn taken_in(&self) -> Result<()> {
        until("a delivery to be taken in", async || {
            Ok(self.deliveries("pending").await?.is_empty())
        })
        .await
    }

    /// The events after one, and where they end.
    async fn events(&self, after: i64) -> Result<(Vec<Value>, i64)> {
        let (mut events, mut after) = (Vec::new(), after);
        loop {
            let query = [("after", Some(after.to_string()))];
            let page = self.remote.get(&["events"], &query).await?.value;
            let some = print::list(&page, "/events");
            if some.is_empty() {
                return Ok((events, after));
            }
            events.extend_from_slice(some);
            after = page["next"].as_i64().context("a cursor")?;
        }
    }

    /// Lets a day and an hour pass, for everybody.
    fn let_a_day_pass(&self) {
        let day = Duration::from_hours(25);
        self.simulator.clock(|clock| clock.advance(day));
        self.clock.advance(day);
    }

    /// What can be typed next.
    fn how_to_go_on(&self) -> String {
        let (api, token) = (&self.served.api, &self.token);
        let (simulator, folder) = (self.simulator.url(), quoted(self.folder.path()));
        let command = env::current_exe();
        let command = command.map_or_else(|_| "channel-host".to_owned(), |path| quoted(&path));
        format!(
            r#"
It goes on running: Ctrl-C ends it, and removes its folder.

  API        {api}
  token      {token}
  webhooks   {}
  simulator  {simulator}
  folder     {folder}

In another terminal, what has happened so far, a message of Ada's, an answer to it, and what 360dialog was asked:

  curl -H "Authorization: Bearer {token}" {api}/events
  curl -H 'content-type: application/json' -d '{{"who": {{"phone": "{ADA}"}}, "act": "say", "text": "One more thing"}}' {simulator}/simulator/customers
  curl -H "Authorization: Bearer {token}" -H 'content-type: application/json' -d '{{"to": {{"phone": "{ADA}"}}, "content": {{"type": "text", "text": "See you soon"}}}}' "{api}/channels/{CHANNEL}/messages?wait=true"
  curl {simulator}/simulator/requests

The commands of channel-host talk to it too:

  {command} channel check {CHANNEL} --data {folder}
"#,
            self.served.webhooks,
            ADA = story::ADA,
        )
    }
}

/// A path as a shell takes it for one word.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    if path.contains(' ') {
        format!("'{path}'")
    } else {
        path
    }
}

/// Waits until something is so.
async fn until(what: &str, so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !so().await? {
        if began.elapsed() > PATIENCE {
            bail!("the demonstration waited for {what}, and it did not come");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
