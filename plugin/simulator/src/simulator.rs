//! The simulator: its server, and what happens by itself.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use url::Url;

use crate::customer::{Act, ActError, Customer, Who};
use crate::delivery::{Delivery, Outcome, Webhook};
use crate::fault::Rule;
use crate::post::post;
use crate::request::Seen;
use crate::reviewer::{Decision, ReviewError};
use crate::state::State;
use crate::timeline::Timeline;
use crate::{Clock, Sent, Template, api, control};

/// Which of 360dialog's APIs it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flavour {
    /// The Cloud API, as at `waba-v2.360dialog.io`.
    #[default]
    Cloud,
    /// The sandbox, as at `waba-sandbox.360dialog.io`: messages to who has written, and a webhook.
    Sandbox,
    /// The template and webhook calls of the old on-premise API, as at `waba.360dialog.io`; it sends nothing any more, and nobody
    /// writes to it here.
    OnPremise,
}

/// What a simulator stands for, and how fast it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; a free port of this machine unless one is named.
    pub listen: SocketAddr,
    /// Which API it is.
    pub flavour: Flavour,
    /// The business's phone number, in digits.
    pub number: String,
    /// The number's API key.
    pub api_key: String,
    /// Takes webhooks at addresses of this machine, with a port and unencrypted, which 360dialog does not.
    pub allow_loopback_webhooks: bool,
    /// Delivers to this origin, whatever the origin of the registered address: the other end of a tunnel.
    pub tunnel: Option<String>,
    /// Signs deliveries with this secret: the header `x-360dialog-signature` (360dialog, signature validation).
    pub platform_secret: Option<String>,
    /// How long a message takes to each of its statuses. Without it there are none, but failures.
    pub status_step: Option<Duration>,
    /// How long Meta takes to approve a template. Without it templates wait for the reviewer.
    pub review: Option<Duration>,
    /// How long the second attempt to deliver a webhook waits.
    pub first_wait: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            flavour: Flavour::default(),
            number: "15550783881".to_owned(),
            api_key: "simulated-key".to_owned(),
            allow_loopback_webhooks: false,
            tunnel: None,
            platform_secret: None,
            status_step: Some(Duration::from_millis(300)),
            review: None,
            first_wait: Duration::from_secs(1),
        }
    }
}

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be listened at.
    #[error("{0} can't be listened at")]
    Listen(SocketAddr, #[source] io::Error),
    /// It can be reached by other machines.
    #[error(
        "{0} can be reached by other machines, and whoever reaches it plays everybody: choose a loopback address"
    )]
    NotLoopback(SocketAddr),
    /// The origin behind the tunnel is none.
    #[error("{0} is no origin: write http://, host and port")]
    Tunnel(String),
}

/// What its parts share.
pub(crate) struct Shared {
    url: String,
    number: String,
    api_key: String,
    tunnel: Mutex<Option<Url>>,
    state: Mutex<State>,
    /// Something may have become due.
    changed: Notify,
}

impl Shared {
    /// Its state. No change to it can be left half done, so a panic elsewhere is no reason for one here.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes its state, and lets happen what follows.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state());
        self.changed.notify_waiters();
        changed
    }
}

/// A simulator that runs. Clones are the same one; it ends with the last of them.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
    /// They end with it.
    _running: Arc<Running>,
}

struct Running(Vec<JoinHandle<()>>);

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl Simulator {
    /// Starts one, on the runtime that this is called on.
    ///
    /// # Errors
    ///
    /// It can't listen there, or must not.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let address = options.listen;
        if !address.ip().is_loopback() {
            return Err(StartError::NotLoopback(address));
        }
        let tunnel = options.tunnel.as_deref().map(origin).transpose()?;
        let listen = |error| StartError::Listen(address, error);
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let url = format!("http://{}", listener.local_addr().map_err(listen)?);
        let shared = Arc::new(Shared {
            url,
            number: options.number.clone(),
            api_key: options.api_key.clone(),
            tunnel: Mutex::new(tunnel),
            state: Mutex::new(State::new(options)),
            changed: Notify::new(),
        });
        // As a service it is there with a slash at the end too.
        let control = control::router().with_state(Arc::clone(&shared));
        let router = Router::new()
            .nest_service("/simulator", control)
            .fallback(api::answer)
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It does not return.
            let _ = axum::serve(listener, router).await;
        });
        let happening = tokio::spawn(happen(Arc::clone(&shared)));
        let posting = tokio::spawn(post_webhooks(Arc::clone(&shared)));
        let tasks = Running(vec![server, happening, posting]);
        Ok(Self {
            shared,
            _running: Arc::new(tasks),
        })
    }

    /// The API's base address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    /// The business's phone number, in digits.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.shared.number
    }

    /// The number's API key.
    #[must_use]
    pub fn api_key(&self) -> &str {
        &self.shared.api_key
    }

    /// Lets a customer do something. Returns the id of the message that it makes.
    ///
    /// # Errors
    ///
    /// There is nothing that could be done so: no button to tap, for instance.
    pub fn customer(&self, who: &Who, act: Act) -> Result<String, ActError> {
        self.shared.change(|state| state.act(who, act))
    }

    /// The customers so far.
    #[must_use]
    pub fn customers(&self) -> Vec<Customer> {
        self.shared.state().customers.all().to_vec()
    }

    /// Lets the reviewer decide on a template: by its name, and its language where several have that name.
    ///
    /// # Errors
    ///
    /// There is no such template, or more than one.
    pub fn review(
        &self,
        name: &str,
        language: Option<&str>,
        decision: Decision,
    ) -> Result<(), ReviewError> {
        self.shared
            .change(|state| state.decide(name, language, decision))
    }

    /// Adds a template that is approved already.
    pub fn add_template(&self, name: &str, language: &str, category: &str, components: Vec<Value>) {
        self.shared
            .change(|state| state.add_template(name, language, category, components));
    }

    /// The templates so far.
    #[must_use]
    pub fn templates(&self) -> Vec<Template> {
        self.shared.state().templates.all().to_vec()
    }

    /// Changes what time it is.
    pub fn clock(&self, change: impl FnOnce(&mut Clock)) {
        self.shared.change(|state| change(&mut state.clock));
    }

    /// Its time, in milliseconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.shared.state().clock.now()
    }

    /// Lets something go wrong.
    pub fn fault(&self, rule: Rule) {
        self.shared.change(|state| state.faults.add(rule));
    }

    /// Lets nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.shared.change(State::clear_faults);
    }

    /// The latest requests to the API, in the order in which they came.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.state().requests.iter().cloned().collect()
    }

    /// The latest messages that were accepted, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.state().messages.all().iter().cloned().collect()
    }

    /// The number's webhook.
    #[must_use]
    pub fn webhook(&self) -> Option<Webhook> {
        self.shared.state().webhook.clone()
    }

    /// Registers the number's webhook as somebody else would, or none, without a look at its address.
    pub fn register(&self, webhook: Option<Webhook>) {
        self.shared.change(|state| state.webhook = webhook);
    }

    /// Delivers to this origin from now on, whatever the origin of the registered address: the other end of a tunnel.
    ///
    /// # Errors
    ///
    /// It is no origin.
    pub fn tunnel(&self, to: &str) -> Result<(), StartError> {
        let origin = origin(to)?;
        let mut tunnel = self
            .shared
            .tunnel
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *tunnel = Some(origin);
        Ok(())
    }

    /// Delivers a body of one's own to the number's webhook, until it is taken. Returns the delivery's id.
    pub fn deliver(&self, body: impl Into<Bytes>) -> u64 {
        let body = body.into();
        self.shared.change(|state| state.deliver(body, false))
    }

    /// Delivers once more what was delivered, as it was. Returns whether there is such a delivery.
    #[must_use]
    pub fn redeliver(&self, delivery: u64) -> bool {
        self.shared.change(|state| state.redeliver(delivery))
    }

    /// The latest webhooks, in the order in which they were made.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.state().deliveries.iter().cloned().collect()
    }

    /// Posts a body to the number's webhook once, now.
    ///
    /// Returns the status of the answer; none where there is no webhook or no answer.
    pub async fn post(&self, body: impl Into<Bytes>) -> Option<u16> {
        let webhook = self.webhook()?;
        match deliver(&self.shared, &webhook, body.into()).await {
            Outcome::Status(status) => Some(status),
            Outcome::Failed(_) => None,
        }
    }
}

/// Reads the other end of a tunnel.
fn origin(text: &str) -> Result<Url, StartError> {
    let url = Url::parse(text).ok();
    url.filter(|url| url.scheme() == "http" && url.host().is_some())
        .ok_or_else(|| StartError::Tunnel(text.to_owned()))
}

/// Does what is due.
async fn happen(shared: Arc<Shared>) {
    loop {
        let task = due(&shared, |state| &mut state.timeline).await;
        shared.change(|state| state.perform(task));
    }
}

/// Posts webhooks, one after the other. So they are delivered in order, unless one has to be tried again or a fault reorders
/// them: assumed, and kinder than 360dialog, where "order is not guaranteed" (360dialog, receiving messages via webhook).
async fn post_webhooks(shared: Arc<Shared>) {
    loop {
        let post = due(&shared, |state| &mut state.posts).await;
        let due = shared.state().due(&post);
        if let Some((webhook, body)) = due {
            let outcome = deliver(&shared, &webhook, body).await;
            shared.change(|state| state.attempted(post.delivery, outcome));
        }
    }
}

/// Waits for what is due next.
async fn due<T>(shared: &Shared, timeline: fn(&mut State) -> &mut Timeline<T>) -> T {
    loop {
        // Before the look, so that no change is missed after it.
        let changed = shared.changed.notified();
        let wait = {
            let mut state = shared.state();
            let now = state.now();
            if let Some(task) = timeline(&mut state).take(now) {
                return task;
            }
            let next = timeline(&mut state).next();
            let next = next.filter(|_| !state.clock.is_frozen());
            next.map(|due| due.saturating_sub(now))
        };
        match wait {
            Some(wait) => {
                // Either is a reason to look again.
                let _ = tokio::time::timeout(Duration::from_millis(wait), changed).await;
            }
            None => changed.await,
        }
    }
}

async fn deliver(shared: &Shared, webhook: &Webhook, body: Bytes) -> Outcome {
    let Ok(mut url) = Url::parse(&webhook.url) else {
        return Outcome::Failed(format!("{} is no URL", webhook.url));
    };
    let tunnel = shared
        .tunnel
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Some(mut tunnel) = tunnel {
        tunnel.set_path(url.path());
        tunnel.set_query(url.query());
        url = tunnel;
    }
    let headers = shared.state().headers(webhook, &body);
    match post(&url, &headers, body).await {
        Ok(status) => Outcome::Status(status),
        Err(error) => Outcome::Failed(error.to_string()),
    }
}
