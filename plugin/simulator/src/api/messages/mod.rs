//! Messages to customers.

mod content;
pub(crate) mod errors;
mod field;
mod interactive;
pub(crate) mod rule;
mod status;
mod template;

use std::collections::{HashMap, VecDeque};

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::gateway_limit;
use crate::refusal::Refusal;
use crate::request::Reply;
use crate::state::{State, remember};
use crate::timeline::Status;
use errors::refused;
use field::text;
use rule::Field::{May, Must};
use rule::Rule::{Any, Limited, Object, OneOf};
use rule::{Field, TEXT, invalid, missing, object};
use status::FreeTier;

/// How many messages a number may send in a second (Cloud API, throughput).
const THROUGHPUT: usize = 80;

/// How long after a message to a customer the next one may follow, and how many may be ahead of that (Cloud API, pair rate
/// limits).
const PAIR_STEP_MS: u64 = 6000;
const PAIR_BURST: u64 = 45;

/// The members of a message beside its content (Cloud API, messages). Those of Direct Send, which is for large senders, are not
/// among them: that this number is none is assumed.
const ENVELOPE: [Field; 9] = [
    Must("messaging_product", OneOf(&["whatsapp"])),
    // Required by 360dialog; Meta alone takes a message without it for a text.
    Must("type", TEXT),
    May("recipient_type", Any),
    May("to", TEXT),
    May("recipient", TEXT),
    May("biz_opaque_callback_data", Limited(512, 100)),
    // That no customer's key ever changes, so that any is right, is assumed.
    May("recipient_identity_key_hash", TEXT),
    May("messaging_account_id", TEXT),
    // Of a message that is gone the quotation is not shown, which is no error. That what is no id is one is assumed.
    May("context", Object(&[Must("message_id", content::WAMID)])),
];

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sent {
    /// The id that it was given.
    pub id: String,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// The body of the request.
    pub body: Value,
    /// The user id of the customer that it is for; absent where nobody has that number yet.
    pub customer: Option<String>,
    /// The statuses that it has reached, whether they were told or not.
    pub statuses: Vec<&'static str>,
    /// What its statuses say of its price.
    #[serde(skip)]
    pricing: Value,
    /// Until when messages to the customer are free, where a click on an ad made this one free.
    #[serde(skip)]
    free_until: Option<u64>,
    /// Whether it has a next status.
    #[serde(skip)]
    goes_on: bool,
}

impl Sent {
    /// The text; absent where it is none.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.body["text"]["body"].as_str()
    }

    /// The type, as in `text`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    /// The phone number that it is for, in digits; absent where it is for a user id.
    #[must_use]
    pub fn to(&self) -> Option<String> {
        self.body["to"].as_str().map(digits)
    }

    /// What the sender calls it: `biz_opaque_callback_data`, which its statuses bear too (Cloud API, messages).
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.body["biz_opaque_callback_data"].as_str()
    }
}

/// The latest messages that were accepted.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// By id, since ids grow.
    sent: VecDeque<Sent>,
    /// When all that was sent to somebody would have been sent, had it been one message each 6 seconds.
    paced_until: HashMap<String, u64>,
    free_tier: FreeTier,
}

impl Messages {
    pub(crate) fn all(&self) -> &VecDeque<Sent> {
        &self.sent
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Sent> {
        self.sent.get(self.position(id)?)
    }

    fn find_mut(&mut self, id: &str) -> Option<&mut Sent> {
        let at = self.position(id)?;
        self.sent.get_mut(at)
    }

    fn position(&self, id: &str) -> Option<usize> {
        let by_id = |sent: &Sent| sent.id.as_str().cmp(id);
        self.sent.binary_search_by(by_id).ok()
    }

    /// The messages to the customer with this user id, the newest first.
    pub(crate) fn latest_to<'a>(&'a self, customer: &'a str) -> impl Iterator<Item = &'a Sent> {
        let newest = self.sent.iter().rev();
        newest.filter(move |sent| sent.customer.as_deref() == Some(customer))
    }

    /// Whether somebody may be asked now to be called: once a day and twice in seven days (Cloud API, calling; that it is refused
    /// at once is assumed).
    fn may_ask_to_call(&self, to: &str, now: u64) -> Result<(), Refusal> {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        let asked = self.sent.iter().filter(|sent| {
            let is_to = sent.customer.as_deref() == Some(to) || sent.to().as_deref() == Some(to);
            is_to && sent.body["interactive"]["type"] == "call_permission_request"
        });
        let within = |days: u64| {
            let asked = asked.clone();
            asked.filter(|sent| now < sent.time + days * DAY_MS).count()
        };
        if within(1) >= 1 || within(7) >= 2 {
            let details = "This customer was asked once a day, or twice in seven days, already";
            return Err(refused(138_009, details));
        }
        Ok(())
    }

    /// Whether one more message may be sent to somebody now. Only messages that are accepted count: assumed.
    fn admit(&mut self, to: &str, now: u64) -> Result<(), Refusal> {
        let before = self.sent.len().checked_sub(THROUGHPUT);
        if before.is_some_and(|at| now < self.sent[at].time + 1000) {
            let details = "Cloud API message throughput has been reached.";
            return Err(refused(130_429, details));
        }
        let paced_until = self.paced_until.get(to).copied().unwrap_or_default();
        let paced_until = paced_until.max(now) + PAIR_STEP_MS;
        if paced_until > now + PAIR_BURST * PAIR_STEP_MS {
            let details =
                "Too many messages were sent from this number to this customer in a short time.";
            return Err(refused(131_056, details));
        }
        self.paced_until.retain(|_, until| *until > now);
        self.paced_until.insert(to.to_owned(), paced_until);
        Ok(())
    }
}

/// How many messages the sandbox takes (360dialog, sandbox).
const SANDBOX_MOST: usize = 200;

/// `POST /v1/messages` of the sandbox, which takes the bodies of the Cloud API: assumed (360dialog, sandbox). "You can message
/// only your own number": whoever has written has got the key so. With which errors the rest is refused is assumed. "We do
/// not yet provide response information": an empty body, with 201 as of old.
pub(crate) fn accept_in_sandbox(state: &mut State, body: &Value) -> Result<Reply, Refusal> {
    if state.messages.sent.len() >= SANDBOX_MOST {
        return Err(gateway_limit());
    }
    if let Some(to) = body["to"].as_str()
        && state.customers.addressed(Some(to), None).is_none()
    {
        return Err(refused(
            131_030,
            "The sandbox sends to your own number only",
        ));
    }
    accept(state, body)?;
    Ok(Reply::json(StatusCode::CREATED, &Value::Null))
}

/// `POST /messages` (360dialog, messages and messages statuses; Cloud API, messages).
pub(crate) fn accept(state: &mut State, body: &Value) -> Result<Reply, Refusal> {
    if body.get("status").is_some() {
        return mark_as_read(state, body);
    }
    let kind = check_envelope(body)?;
    let (recipient, contact) = recipient(state, body)?;
    let (later, category) = if kind == "template" {
        let (template, later) = template::check(state, body)?;
        (later, Some(template.category.to_lowercase()))
    } else {
        (content::check(state, kind, body)?, None)
    };
    let now = state.now();
    let (to, user) = recipient;
    let customer = state.customers.addressed(to.as_deref(), user);
    // "Attempts to message a blocked user return an error" (Cloud API, block users). Which one, and that it comes at once, is
    // assumed.
    let number = customer.map_or(to.as_ref(), |customer| customer.phone.as_ref());
    if number.is_some_and(|number| state.blocked.contains(number)) {
        return Err(refused(130_403, "The customer is blocked"));
    }
    // Outside the window a message fails, but a template (Cloud API, customer service windows). Not at once: 131047 "normally
    // arrives asynchronously in a failed status".
    let is_open = customer.is_some_and(|customer| customer.window_is_open(now));
    let closed = (category.is_none() && !is_open).then_some(131_047);
    let customer = customer.map(|customer| customer.user_id.clone());
    let name = customer.as_deref().or(to.as_deref()).or(user);
    let name = name.unwrap_or_default();
    if body["interactive"]["type"] == "call_permission_request" {
        state.messages.may_ask_to_call(name, now)?;
    }
    state.messages.admit(name, now)?;

    let fails = closed.or(later).or_else(|| state.faults.message_fails());
    let answered = customer.as_deref().filter(|_| fails.is_none());
    let free_until = answered.and_then(|customer| state.customers.sent_to(customer, now));
    let pricing = match (&category, fails) {
        (_, Some(_)) => Value::Null,
        _ if free_until.is_some() => status::free_entry_point(),
        (Some(category), None) => status::pricing(category, true),
        (None, None) => state.messages.free_tier.service(kind, now),
    };
    let id = state.wamid();
    let sent = Sent {
        id: id.clone(),
        time: now,
        body: body.clone(),
        customer,
        statuses: Vec::new(),
        pricing,
        free_until,
        goes_on: false,
    };
    remember(&mut state.messages.sent, sent, |sent| !sent.goes_on);
    state.plan(&id, fails.map_or(Status::Sent, Status::Failed));
    let mut message = json!({"id": id});
    if category.is_some() {
        message["message_status"] = "accepted".into();
    }
    let reply =
        json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]});
    Ok(Reply::ok(&reply))
}

/// Marks a customer's message as read, and perhaps shows that an answer is typed (Cloud API, mark messages as read and typing
/// indicators). Any message that is not the business's own is taken for a customer's, if its id looks like one: assumed.
fn mark_as_read(state: &State, body: &Value) -> Result<Reply, Refusal> {
    const READ: [Field; 4] = [
        Must("messaging_product", OneOf(&["whatsapp"])),
        Must("status", OneOf(&["read"])),
        Must("message_id", content::WAMID),
        May(
            "typing_indicator",
            Object(&[Must("type", OneOf(&["text"]))]),
        ),
    ];
    object(&READ, body, "")?;
    let id = body["message_id"].as_str().unwrap_or_default();
    if state.messages.find(id).is_some() {
        return Err(invalid("message_id", "is no message of a customer"));
    }
    Ok(Reply::ok(&json!({"success": true})))
}

/// Checks what is around the content of a message, and what its content must be. Returns its type.
fn check_envelope(body: &Value) -> Result<&'static str, Refusal> {
    let kind = text(body, "/type")?;
    let Some((kind, rule)) = content::kind(kind) else {
        let details = format!("Messages of type {kind} are not supported");
        return Err(refused(131_051, details));
    };
    let mut members = ENVELOPE.to_vec();
    members.push(Must(kind, rule));
    object(&members, body, "")?;
    match body["recipient_type"].as_str() {
        None | Some("individual") => Ok(kind),
        // Assumed: the number is in no group.
        Some("group") => Err(refused(131_041, "This number is in no such group")),
        _ => Err(refused(131_002, "recipient_type must be individual")),
    }
}

/// Whom a message is for: a phone number in digits, or a user id where there is no `to`, which counts where both are given
/// (Cloud API, business-scoped user ids).
type Recipient<'a> = (Option<String>, Option<&'a str>);

/// Finds out whom a message is for, and what the answer says of it.
fn recipient<'a>(state: &State, body: &'a Value) -> Result<(Recipient<'a>, Value), Refusal> {
    let has = |name: &str| !body[name].is_null();
    if !has("to") && !has("recipient") {
        return Err(missing("to or recipient"));
    }
    if has("to") {
        let input = text(body, "/to")?;
        let number = digits(input);
        let is_written_so = |it: char| it.is_ascii_digit() || "+ ()-".contains(it);
        // No number has more digits (ITU-T E.164). That it is refused at once is assumed.
        if !input.chars().all(is_written_so) || !(1..=15).contains(&number.len()) {
            return Err(invalid("to", "must be a phone number"));
        }
        if number == digits(&state.options.number) {
            return Err(refused(
                131_021,
                "The message is for the number that sends it",
            ));
        }
        let contact = json!({"input": input, "wa_id": number});
        return Ok(((Some(number), None), contact));
    }
    let id = text(body, "/recipient")?;
    // "Another portfolio's BSUID fails": that it does so at once, and with this code, is assumed.
    let customer = state.customers.addressed(None, Some(id));
    let customer = customer.ok_or_else(|| invalid("recipient", "is the user id of nobody here"))?;
    let mut contact = json!({"input": id, "user_id": id});
    if let Some(phone) = &customer.phone {
        contact["wa_id"] = phone.as_str().into();
    }
    Ok(((None, Some(id)), contact))
}

fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests;
