//! Everything that the simulator knows, and how it changes.

use std::collections::VecDeque;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::api::media::MediaStore;
use crate::api::messages::Messages;
use crate::api::templates::Templates;
use crate::clock::Clock;
use crate::customer::Customers;
use crate::delivery::{Attempt, Delivery, Webhook};
use crate::fault::{Fault, Faults};
use crate::request::Seen;
use crate::simulator::Options;
use crate::timeline::{Task, Timeline};

/// How many requests and deliveries are remembered.
const REMEMBERED: usize = 10_000;

/// The header of a signature (360dialog, signature validation). In bare hex, as most who check it expect: assumed.
const SIGNATURE: &str = "x-360dialog-signature";

pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) timeline: Timeline,
    pub(crate) faults: Faults,
    pub(crate) requests: VecDeque<Seen>,
    pub(crate) deliveries: VecDeque<Delivery>,
    /// A webhook that the next one overtakes.
    overtaken: Option<u64>,
    pub(crate) webhook: Option<Webhook>,
    /// The webhook of the account, which every number without its own has.
    pub(crate) account_webhook: Option<Webhook>,
    pub(crate) customers: Customers,
    pub(crate) messages: Messages,
    pub(crate) media: MediaStore,
    pub(crate) templates: Templates,
    counted: u64,
}

impl State {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            clock: Clock::default(),
            timeline: Timeline::default(),
            faults: Faults::default(),
            requests: VecDeque::new(),
            deliveries: VecDeque::new(),
            overtaken: None,
            webhook: None,
            account_webhook: None,
            customers: Customers::default(),
            messages: Messages::default(),
            media: MediaStore::default(),
            templates: Templates::default(),
            counted: 0,
        }
    }

    /// Its time, in milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// A number that was not given before.
    pub(crate) fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }

    /// The id of a new message.
    pub(crate) fn wamid(&mut self) -> String {
        format!("wamid.SIM{:010}", self.count())
    }

    /// Meta's id of the number. Assumed: made of its digits.
    pub(crate) fn number_id(&self) -> String {
        format!("1{}", self.options.number)
    }

    /// Meta's id of the account. Assumed: made of the number's digits.
    pub(crate) fn account_id(&self) -> String {
        format!("2{}", self.options.number)
    }

    /// Writes a request down. Returns its number.
    pub(crate) fn saw(
        &mut self,
        method: Method,
        (path, query): (&str, &str),
        headers: HeaderMap,
        body: Bytes,
    ) -> Seen {
        let seen = Seen {
            sequence: self.requests.back().map_or(1, |last| last.sequence + 1),
            time: self.now(),
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body,
            status: None,
        };
        remember(&mut self.requests, seen.clone());
        seen
    }

    /// Writes down how a request was answered.
    pub(crate) fn answered(&mut self, sequence: u64, status: u16) {
        let mut latest = self.requests.iter_mut().rev();
        if let Some(seen) = latest.find(|seen| seen.sequence == sequence) {
            seen.status = Some(status);
        }
    }

    /// Tells the number's webhook of one item of `messages` or `statuses`, and whose it is (Cloud API, webhooks: messages).
    pub(crate) fn tell(&mut self, list: &str, item: &Value, contact: Option<&Value>) {
        let mut value = json!({
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": self.options.number,
                "phone_number_id": self.number_id(),
            },
        });
        if let Some(contact) = contact {
            value["contacts"] = json!([contact]);
        }
        value[list] = json!([item]);
        let entry =
            json!({"id": self.account_id(), "changes": [{"field": "messages", "value": value}]});
        let body = json!({"object": "whatsapp_business_account", "entry": [entry]});
        self.deliver(body.to_string().into(), false);
    }

    /// Tells the account's webhook that something changed; the number's where the account has none (which of them 360dialog
    /// takes is not documented: assumed).
    pub(crate) fn tell_account(&mut self, field: &str, value: &Value) {
        let change = json!({"field": field, "value": value});
        let entry =
            json!({"id": self.account_id(), "time": self.now() / 1000, "changes": [change]});
        let body = json!({"object": "whatsapp_business_account", "entry": [entry]});
        self.deliver(body.to_string().into(), true);
    }

    /// Makes a webhook of a body. Returns its id.
    pub(crate) fn deliver(&mut self, mut body: Bytes, of_account: bool) -> u64 {
        if self.faults.strikes(&Fault::Malformed) {
            body.truncate(body.len() / 2);
        }
        let id = self.deliveries.back().map_or(1, |last| last.id + 1);
        let attempts = Vec::new();
        let delivery = Delivery {
            id,
            body,
            attempts,
            of_account,
        };
        remember(&mut self.deliveries, delivery);
        let now = self.now();
        if self.overtaken.is_none() && self.faults.strikes(&Fault::Reorder) {
            self.overtaken = Some(id);
            return id;
        }
        self.timeline.add(now, Task::Deliver(id));
        if self.faults.strikes(&Fault::Duplicate) {
            self.timeline.add(now, Task::Deliver(id));
        }
        if let Some(overtaken) = self.overtaken.take() {
            self.timeline.add(now, Task::Deliver(overtaken));
        }
        id
    }

    /// Delivers once more what was delivered. Returns whether it is there.
    pub(crate) fn redeliver(&mut self, id: u64) -> bool {
        let known = self.deliveries.iter().any(|delivery| delivery.id == id);
        if known {
            self.timeline.add(self.now(), Task::Deliver(id));
        }
        known
    }

    /// Does what is due. What has to be posted it returns: to which webhook, and the body.
    pub(crate) fn perform(&mut self, task: Task) -> Option<(u64, Webhook, Bytes)> {
        match task {
            Task::Deliver(id) => return self.due(id),
            Task::Status { id, status } => self.reach(&id, status),
            Task::Review(id) => self.approve(&id),
            Task::AccountWebhook(webhook) => self.account_webhook = Some(webhook),
        }
        None
    }

    /// A webhook and where it goes now: "number-level webhook wins over WABA-level" (a note of its users; Meta's order of
    /// overrides is the same). Without one, events go nowhere and are not kept: assumed.
    fn due(&self, id: u64) -> Option<(u64, Webhook, Bytes)> {
        let delivery = self.deliveries.iter().find(|delivery| delivery.id == id)?;
        let (number, account) = (&self.webhook, &self.account_webhook);
        let webhook = if delivery.of_account {
            account.as_ref().or(number.as_ref())
        } else {
            number.as_ref().or(account.as_ref())
        };
        Some((id, webhook?.clone(), delivery.body.clone()))
    }

    /// The headers of a delivery.
    pub(crate) fn headers(&self, webhook: &Webhook, body: &[u8]) -> Vec<(String, String)> {
        let mut headers = webhook.headers.clone();
        let own = |name: &str| {
            headers
                .iter()
                .any(|(own, _)| own.eq_ignore_ascii_case(name))
        };
        let typed = own("content-type");
        if !typed {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        if let Some(secret) = &self.options.platform_secret {
            let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
            let mut mac = mac.expect("HMAC takes keys of any length");
            mac.update(body);
            let signature = hex::encode(mac.finalize().into_bytes());
            headers.push((SIGNATURE.to_owned(), signature));
        }
        headers
    }

    /// Writes down what came of an attempt to deliver, and plans the next one.
    pub(crate) fn attempted(&mut self, id: u64, attempt: Attempt) {
        let Some(delivery) = self
            .deliveries
            .iter_mut()
            .find(|delivery| delivery.id == id)
        else {
            return;
        };
        delivery.attempts.push(attempt);
        if let Some(due) = delivery.next_attempt(self.options.first_wait) {
            self.timeline.add(due, Task::Deliver(id));
        }
    }
}

fn remember<T>(kept: &mut VecDeque<T>, latest: T) {
    if kept.len() == REMEMBERED {
        kept.pop_front();
    }
    kept.push_back(latest);
}
