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
use crate::delivery::{Attempt, Delivery, Outcome, Webhook};
use crate::fault::{Fault, Faults};
use crate::request::Seen;
use crate::simulator::Options;
use crate::timeline::{Post, Task, Timeline};

/// How many requests, messages and deliveries are remembered, and of the requests' bodies how many bytes.
const REMEMBERED: usize = 10_000;
const REMEMBERED_BYTES: usize = 256 << 20;

/// The header of a signature (360dialog, signature validation). In bare hex, as most who check it expect: assumed.
const SIGNATURE: &str = "x-360dialog-signature";

pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) timeline: Timeline<Task>,
    /// Apart from all else, which need not wait for them.
    pub(crate) posts: Timeline<Post>,
    pub(crate) faults: Faults,
    pub(crate) requests: VecDeque<Seen>,
    /// By id.
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
    /// The profile of the business, but for `messaging_product`.
    pub(crate) profile: Value,
    /// The phone numbers of customers that are blocked, in digits.
    pub(crate) blocked: Vec<String>,
    counted: u64,
}

impl State {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            clock: Clock::default(),
            timeline: Timeline::new(),
            posts: Timeline::new(),
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
            profile: json!({}),
            blocked: Vec::new(),
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
        remember(&mut self.requests, seen.clone(), |_| true);
        let mut bytes: usize = self.requests.iter().map(|seen| seen.body.len()).sum();
        while bytes > REMEMBERED_BYTES {
            let oldest = self.requests.pop_front();
            bytes -= oldest.map_or(bytes, |oldest| oldest.body.len());
        }
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
    /// "Multiple entries, changes and messages per POST are possible": that there is never more than one is assumed.
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
        if self.faults.strikes(&Fault::Malformed {}) {
            body.truncate(body.len() / 2);
        }
        let id = self.deliveries.back().map_or(1, |last| last.id + 1);
        let attempts = Vec::new();
        let delivery = Delivery {
            id,
            body,
            attempts,
            of_account,
            planned: 0,
        };
        remember(&mut self.deliveries, delivery, |it| it.planned == 0);
        if self.overtaken.is_none() && self.faults.strikes(&Fault::Reorder {}) {
            self.overtaken = Some(id);
            return id;
        }
        self.redeliver(id);
        if self.faults.strikes(&Fault::Duplicate {}) {
            self.redeliver(id);
        }
        self.release();
        id
    }

    /// Delivers what was made, now or once more. Returns whether it is there.
    pub(crate) fn redeliver(&mut self, id: u64) -> bool {
        self.plan_post(self.now(), id, false)
    }

    /// Delivers what the next webhook was to overtake.
    fn release(&mut self) {
        if let Some(overtaken) = self.overtaken.take() {
            self.redeliver(overtaken);
        }
    }

    /// Lets nothing go wrong any more.
    pub(crate) fn clear_faults(&mut self) {
        self.faults.clear();
        self.release();
    }

    fn plan_post(&mut self, due: u64, delivery: u64, is_retry: bool) -> bool {
        let found = find(&mut self.deliveries, delivery);
        let is_there = found.map(|it| it.planned += 1).is_some();
        if is_there {
            self.posts.add(due, Post { delivery, is_retry });
        }
        is_there
    }

    /// Does what is due.
    pub(crate) fn perform(&mut self, task: Task) {
        match task {
            Task::Status { id, status } => self.reach(&id, status),
            Task::Review(id) => self.approve(&id),
            Task::AccountWebhook {
                webhook,
                override_all,
            } => {
                self.account_webhook = Some(webhook);
                if override_all {
                    self.webhook = None;
                }
            }
        }
    }

    /// Where a webhook goes now, and its body: "number-level webhook wins over WABA-level" (a note of its users; Meta's order
    /// of overrides is the same). Without one, events go nowhere and are not kept: assumed.
    pub(crate) fn due(&mut self, post: &Post) -> Option<(Webhook, Bytes)> {
        let delivery = find(&mut self.deliveries, post.delivery)?;
        let (number, account) = (self.webhook.as_ref(), self.account_webhook.as_ref());
        let webhook = if delivery.of_account {
            account.or(number)
        } else {
            number.or(account)
        };
        let webhook = webhook.filter(|_| !(post.is_retry && delivery.is_taken()));
        if webhook.is_none() {
            delivery.planned -= 1;
        }
        Some((webhook?.clone(), delivery.body.clone()))
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
    pub(crate) fn attempted(&mut self, id: u64, outcome: Outcome) {
        let time = self.now();
        let Some(delivery) = find(&mut self.deliveries, id) else {
            return;
        };
        delivery.planned -= 1;
        delivery.attempts.push(Attempt { time, outcome });
        // Otherwise the one that is planned already is the next.
        if delivery.planned == 0
            && let Some(due) = delivery.next_attempt(self.options.first_wait)
        {
            self.plan_post(due, id, true);
        }
    }
}

fn find(deliveries: &mut VecDeque<Delivery>, id: u64) -> Option<&mut Delivery> {
    let at = deliveries.binary_search_by_key(&id, |it| it.id).ok()?;
    deliveries.get_mut(at)
}

/// Keeps the latest, and lets the oldest go that nothing more becomes of.
pub(crate) fn remember<T>(kept: &mut VecDeque<T>, latest: T, is_over: impl Fn(&T) -> bool) {
    while kept.len() >= REMEMBERED
        && let Some(oldest) = kept.iter().position(&is_over)
    {
        kept.remove(oldest);
    }
    kept.push_back(latest);
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;
    use crate::Rule;

    /// A simulator with a webhook, whose clock stands still.
    fn state() -> State {
        let mut state = State::new(Options::default());
        state.clock.freeze();
        let (url, headers) = ("http://127.0.0.1:1".to_owned(), Vec::new());
        state.webhook = Some(Webhook { url, headers });
        state
    }

    fn once(state: &mut State, fault: Fault) {
        let (path, times) = (None, NonZeroU32::new(1));
        state.faults.add(Rule { fault, path, times });
    }

    /// Posts what is due, and lets it be answered so. Returns the deliveries.
    fn post(state: &mut State, status: u16) -> Vec<u64> {
        let mut posted = Vec::new();
        while let Some(post) = state.posts.take(state.now()) {
            if state.due(&post).is_some() {
                state.attempted(post.delivery, Outcome::Status(status));
                posted.push(post.delivery);
            }
        }
        posted
    }

    #[test]
    fn beyond_ten_thousand_deliveries_the_oldest_goes_that_is_taken() {
        let mut state = state();
        let first = state.deliver("Hi".into(), false);
        assert_eq!(post(&mut state, 500), [first]);
        for _ in 0..10_000 {
            state.deliver("Hi".into(), false);
            post(&mut state, 200);
        }
        assert_eq!(state.deliveries.len(), 10_000);
        let ids = state.deliveries.iter().map(|delivery| delivery.id);
        assert_eq!(ids.take(2).collect::<Vec<_>>(), [first, 3]);
        state.clock.advance(Duration::from_secs(1));
        assert_eq!(post(&mut state, 200), [first]);
    }

    #[test]
    fn what_is_posted_twice_is_tried_again_once_and_no_more_once_it_is_taken() {
        let mut state = state();
        once(&mut state, Fault::Duplicate {});
        let id = state.deliver("Hi".into(), false);
        assert_eq!(post(&mut state, 500), [id, id]);
        state.clock.advance(Duration::from_secs(2));
        assert_eq!(post(&mut state, 500), [id]);
        assert!(state.redeliver(id));
        assert_eq!(post(&mut state, 200), [id]);
        state.clock.advance(Duration::from_hours(1));
        assert!(post(&mut state, 500).is_empty());
        assert!(state.redeliver(id));
        assert_eq!(post(&mut state, 200), [id]);
    }

    #[test]
    fn what_waits_to_be_overtaken_is_delivered_when_the_faults_are_cleared() {
        let mut state = state();
        once(&mut state, Fault::Reorder {});
        let id = state.deliver("Hi".into(), false);
        assert!(post(&mut state, 200).is_empty());
        state.clear_faults();
        assert_eq!(post(&mut state, 200), [id]);
    }

    #[test]
    fn requests_are_remembered_up_to_so_many_bytes() {
        let mut state = state();
        let body = Bytes::from(vec![0; 100 << 20]);
        for _ in 0..3 {
            let (address, headers) = (("/media", ""), HeaderMap::new());
            state.saw(Method::POST, address, headers, body.clone());
        }
        let sequences = state.requests.iter().map(|seen| seen.sequence);
        assert_eq!(sequences.collect::<Vec<_>>(), [2, 3]);
    }
}
