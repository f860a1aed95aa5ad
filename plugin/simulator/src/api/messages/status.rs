//! What becomes of a message (Cloud API, status messages webhooks).

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Sent;
use super::errors::{explanation, meaning};
use crate::delivery::millis;
use crate::fault::Fault;
use crate::state::State;
use crate::timeline::{Status, Task};

/// How many messages without a template are free in a month (Cloud API, pricing, since October 2026).
const FREE: u32 = 1000;

/// How many messages without a template were sent in a month.
#[derive(Debug, Default)]
pub(super) struct FreeTier {
    month: Option<(i16, i8)>,
    sent: u32,
}

impl FreeTier {
    /// What is said of the price of one more message without a template. "1,000 free delivered per business phone number per
    /// calendar month"; that it counts when it is accepted, and the month is that of UTC, is assumed. Reactions are free.
    pub(super) fn service(&mut self, kind: &str, now: u64) -> Value {
        let time = i64::try_from(now).ok();
        let time = time.and_then(|time| Timestamp::from_millisecond(time).ok());
        let month = time.map(|time| {
            let day = time.to_zoned(TimeZone::UTC);
            (day.year(), day.month())
        });
        if self.month != month {
            (self.month, self.sent) = (month, 0);
        }
        let is_reaction = kind == "reaction";
        if !is_reaction {
            self.sent += 1;
        }
        pricing("service", !is_reaction && self.sent > FREE)
    }
}

/// What is said of a message's price: `regular` is what is charged for, and since October 2026 `free_customer_service` is a
/// message without a template inside the free tier (Cloud API, status messages webhooks).
pub(super) fn pricing(category: &str, billable: bool) -> Value {
    let kind = if billable {
        "regular"
    } else {
        "free_customer_service"
    };
    json!({"billable": billable, "pricing_model": "PMP", "type": kind, "category": category})
}

/// What is said of the price of a message that a free entry point makes free (Cloud API, free entry points). That it is not one
/// of the free tier's thousand is assumed.
pub(super) fn free_entry_point() -> Value {
    json!({"billable": false, "pricing_model": "PMP", "type": "free_entry_point", "category": "referral_conversion"})
}

impl State {
    /// Plans a message's next status. A failure comes at once.
    pub(super) fn plan(&mut self, id: &str, status: Status) {
        let step = match (status, self.options.status_step) {
            (Status::Failed(_), _) => Duration::ZERO,
            (_, Some(step)) => step,
            (_, None) => return,
        };
        let wait = step.saturating_add(self.faults.status_late());
        let due = self.now().saturating_add(millis(wait));
        if let Some(sent) = self.messages.find_mut(id) {
            sent.goes_on = true;
            let id = id.to_owned();
            self.timeline.add(due, Task::Status { id, status });
        }
    }

    /// Lets a message reach a status, and tells of it.
    pub(crate) fn reach(&mut self, id: &str, status: Status) {
        let time = self.now();
        let Some(sent) = self.messages.find_mut(id) else {
            return;
        };
        let (name, next) = match status {
            // Reactions are sent, and no more is heard of them (Cloud API, reaction messages).
            Status::Sent if sent.kind() == "reaction" => ("sent", None),
            Status::Sent => ("sent", Some(Status::Delivered)),
            Status::Delivered => ("delivered", Some(Status::Read)),
            Status::Read => ("read", None),
            Status::Failed(_) => ("failed", None),
        };
        sent.statuses.push(name);
        sent.goes_on = false;
        let sent = sent.clone();
        if let Some(next) = next {
            self.plan(id, next);
        }
        if self.faults.strikes(&Fault::StatusDropped {}) {
            return;
        }
        let (item, contact) = self.status(&sent, status, name, time);
        self.tell("statuses", &item, contact.as_ref());
    }

    /// What a webhook says of a status, and whose message it is.
    fn status(&self, sent: &Sent, status: Status, name: &str, time: u64) -> (Value, Option<Value>) {
        let mut item =
            json!({"id": sent.id, "status": name, "timestamp": (time / 1000).to_string()});
        let number = sent.to();
        let user = sent.customer.as_deref();
        let customer = user.and_then(|user| self.customers.addressed(None, Some(user)));
        let private = customer.and_then(|customer| customer.phone.clone());
        if let Some(number) = number.clone().or(private) {
            item["recipient_id"] = number.into();
        }
        // "Omitted on failed if you sent to a phone number".
        let failed = matches!(status, Status::Failed(_));
        if let Some(user) = user
            && !(failed && number.is_some())
        {
            item["recipient_user_id"] = user.into();
        }
        if let Some(reference) = sent.reference() {
            item["biz_opaque_callback_data"] = reference.into();
        }
        // "Only with sent and one of delivered and read": that it is delivered is assumed.
        if matches!(status, Status::Sent | Status::Delivered) {
            item["pricing"] = sent.pricing.clone();
            // Since Graph v24.0 there is one for free entry points only, and its end in `sent` only, as text. That it stands
            // where the price does, and that each message has its own, is assumed.
            if let Some(until) = sent.free_until {
                item["conversation"] =
                    json!({"id": sent.id, "origin": {"type": "referral_conversion"}});
                if status == Status::Sent {
                    let until = (until / 1000).to_string();
                    item["conversation"]["expiration_timestamp"] = until.into();
                }
            }
        }
        if let Status::Failed(code) = status {
            let (_, title) = meaning(code);
            item["errors"] = json!([{
                "code": code,
                "title": title,
                "message": title,
                "error_data": {"details": explanation(code)},
                "href": "/documentation/business-messaging/whatsapp/support/error-codes",
            }]);
            return (item, None);
        }
        let mut contact = match customer {
            Some(customer) => customer.contact(),
            None => json!({"wa_id": number}),
        };
        // The username is in `delivered` and `read` only (Cloud API, business-scoped user ids).
        if let (Status::Sent, Some(profile)) = (status, contact.get_mut("profile")) {
            profile.as_object_mut().map(|it| it.remove("username"));
        }
        (item, Some(contact))
    }
}
