//! The customers of the business, and what they do.

mod act;
mod attachment;
mod message;
mod offer;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub use act::Act;
pub use attachment::{Attachment, AttachmentKind, File};

/// How long a customer's message lets the business answer freely (Cloud API, customer service windows).
const WINDOW_MS: u64 = 24 * 60 * 60 * 1000;

/// How long messages are free once the business has answered somebody who came from an ad (Cloud API, free entry points: 72
/// hours; that October 2026 did not change that is assumed, as Meta's page says "may stay open up to 7 days").
const FREE_MS: u64 = 72 * 60 * 60 * 1000;

/// Which customer does something: by phone number, by username, or both. One that is new is made.
///
/// With both, the customer has a username and the business sees the number all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "command", derive(clap::Args))]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// The phone number, in digits. Without it the customer has a username and keeps the number private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "command", arg(long))]
    pub phone: Option<String>,
    /// The username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "command", arg(long))]
    pub username: Option<String>,
    /// The name of the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "command", arg(long))]
    pub name: Option<String>,
}

impl Who {
    /// The customer with this phone number.
    #[must_use]
    pub fn phone(phone: &str) -> Self {
        Self {
            phone: Some(phone.to_owned()),
            ..Self::default()
        }
    }

    /// The customer with this username, who keeps the number private.
    #[must_use]
    pub fn username(username: &str) -> Self {
        Self {
            username: Some(username.to_owned()),
            ..Self::default()
        }
    }

    /// The same with a name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..self
        }
    }
}

/// Why a customer can't do something.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// The on-premise API tells of customers in webhooks of its own shape, which are not simulated.
    #[error(
        "the on-premise API is simulated for templates and webhooks only, and has no customers: deliver a webhook that you \
         have recorded"
    )]
    OnPremise,
    /// The business has blocked the customer.
    #[error(
        "the business has blocked this customer, who can't write to it: unblock the customer first"
    )]
    Blocked,
    /// Nobody is named.
    #[error("name the customer: by phone, in digits, or by username")]
    Nobody,
    /// A phone number is none.
    #[error("{0} is no phone number: write it in digits, with the country's code")]
    Phone(String),
    /// A username is none.
    #[error(
        "{0} is no username: write 3 to 35 of a-z, 0-9, period and underscore, with a letter among them"
    )]
    Username(String),
    /// The phone number and the username belong to different customers.
    #[error("{phone} and {username} are different customers: name one of them")]
    TwoCustomers {
        /// The phone number.
        phone: String,
        /// The username.
        username: String,
    },
    /// A message has no text.
    #[error("a message needs a text: write one")]
    NoText,
    /// A place is nowhere on Earth.
    #[error("there is no such place: write -90 to 90 degrees north and -180 to 180 degrees east")]
    Nowhere,
    /// Somebody has the new number already.
    #[error("{0} belongs to a customer already: choose a number that nobody has")]
    Taken(String),
    /// No message to the customer has buttons.
    #[error("no message with reply buttons has reached this customer: send one first")]
    NoButtons,
    /// No message to the customer has a list.
    #[error("no message with a list has reached this customer: send one first")]
    NoList,
    /// The latest message with buttons, or with a list, does not have this one.
    #[error("the latest message does not offer {wanted}, but: {}", offered.join(", "))]
    NotOffered {
        /// What was asked for.
        wanted: String,
        /// The titles that there are.
        offered: Vec<String>,
    },
    /// No message to the customer has a flow.
    #[error("no message with a flow has reached this customer: send one first")]
    NoFlow,
    /// No message to the customer asks for this.
    #[error("no message of type {0} has reached this customer: send one first")]
    NotAsked(&'static str),
    /// The customer's number is private, and not told.
    #[error("the number of this customer is private: write which one to share")]
    NoNumber,
    /// No message to the customer can be reacted to.
    #[error("no message has reached this customer: send one first, or name the one to react to")]
    NothingToReactTo,
    /// The file's name does not tell its type.
    #[error("{0} does not tell the file's type: name its MIME type")]
    FileType(String),
    /// The kind of file has no caption.
    #[error("{0} has no caption: leave the caption out")]
    Caption(AttachmentKind),
}

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Customer {
    /// The phone number, in digits. Absent where the customer keeps it private.
    pub phone: Option<String>,
    /// The business-scoped user id (Cloud API, business-scoped user ids).
    pub user_id: String,
    /// The username.
    pub username: Option<String>,
    /// The name of the profile.
    pub name: Option<String>,
    /// When the customer last wrote, in milliseconds since 1970.
    pub wrote: Option<u64>,
    /// How the latest click on an ad stands.
    #[serde(skip)]
    pub(crate) entry_point: Option<EntryPoint>,
}

/// A click on an ad of the business: a free entry point, once it is answered. Times are in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryPoint {
    /// It was then, and has not been answered.
    Unanswered(u64),
    /// Messages are free until then.
    Open(u64),
}

impl Customer {
    /// Whether the business may answer freely.
    #[must_use]
    pub fn window_is_open(&self, now: u64) -> bool {
        self.wrote.is_some_and(|wrote| now < wrote + WINDOW_MS)
    }

    /// The business sends something. Returns until when that is free; none where it is not.
    ///
    /// Where the business answers "within 24 hours" (Cloud API, free entry points). That the time runs from the answer, which is
    /// free itself, that any message is an answer, and that a new click begins anew, is assumed.
    fn is_sent_something(&mut self, now: u64) -> Option<u64> {
        let until = match self.entry_point? {
            EntryPoint::Unanswered(came) if now < came + WINDOW_MS => now + FREE_MS,
            EntryPoint::Open(until) if now < until => until,
            _ => return None,
        };
        self.entry_point = Some(EntryPoint::Open(until));
        Some(until)
    }

    /// What a webhook's `contacts` says of the customer (Cloud API, webhooks: messages). A private number is left out (Cloud
    /// API, business-scoped user ids).
    pub(crate) fn contact(&self) -> Value {
        let mut profile = Map::new();
        for (member, text) in [("name", &self.name), ("username", &self.username)] {
            if let Some(text) = text {
                profile.insert(member.to_owned(), text.as_str().into());
            }
        }
        let mut contact = json!({"profile": profile, "user_id": self.user_id});
        if let Some(phone) = &self.phone {
            contact["wa_id"] = phone.as_str().into();
        }
        contact
    }
}

/// Everybody who ever wrote.
#[derive(Debug, Default)]
pub(crate) struct Customers {
    all: Vec<Customer>,
    /// How often somebody changed the number: user ids from then on differ from those of before.
    moves: u64,
}

impl Customers {
    pub(crate) fn all(&self) -> &[Customer] {
        &self.all
    }

    /// The customer that a message is for: by `to`, a phone number however it is written, or `recipient`, a user id.
    pub(crate) fn addressed(&self, to: Option<&str>, recipient: Option<&str>) -> Option<&Customer> {
        if let Some(phone) = to.and_then(digits) {
            return self.with_phone(&phone);
        }
        let mut all = self.all.iter();
        all.find(|it| Some(it.user_id.as_str()) == recipient)
    }

    fn with_phone(&self, phone: &str) -> Option<&Customer> {
        let mut all = self.all.iter();
        all.find(|it| it.phone.as_deref() == Some(phone))
    }

    fn with_username(&self, username: &str) -> Option<&Customer> {
        let mut all = self.all.iter();
        all.find(|it| it.username.as_deref() == Some(username))
    }

    /// The customer as named now: one of those known, or a new one. Nothing is remembered yet, since the act may be refused.
    fn meet(&self, who: &Who) -> Result<Customer, ActError> {
        let phone = who.phone.as_deref().map(read_phone).transpose()?;
        let username = who.username.as_deref().map(read_username).transpose()?;
        let by_phone = phone.as_deref().and_then(|phone| self.with_phone(phone));
        let by_username = username
            .as_deref()
            .and_then(|name| self.with_username(name));
        let known = match (by_phone, by_username) {
            (None, Some(it)) if phone.is_none() || it.phone.is_none() => Some(it),
            (it, None) => it,
            (Some(it), Some(other)) if it.user_id == other.user_id => Some(it),
            _ => {
                return Err(ActError::TwoCustomers {
                    phone: phone.unwrap_or_default(),
                    username: username.unwrap_or_default(),
                });
            }
        };
        let mut customer = match (known, phone.as_deref().or(username.as_deref())) {
            (Some(known), _) => known.clone(),
            (None, Some(name)) => Customer {
                phone: None,
                user_id: self.user_id(name),
                username: None,
                name: None,
                wrote: None,
                entry_point: None,
            },
            (None, None) => return Err(ActError::Nobody),
        };
        customer.phone = phone.or(customer.phone);
        customer.username = username.or(customer.username);
        customer.name = who.name.clone().or(customer.name);
        Ok(customer)
    }

    /// A user id (Cloud API, business-scoped user ids: a country, a dot and up to 128 letters and digits), for whoever has
    /// this phone number, username or former user id now. That everybody is in the United States is assumed.
    fn user_id(&self, of: &str) -> String {
        let hash = Sha256::digest(format!("{} {of}", self.moves));
        format!("US.{}", hex::encode(&hash[..10]))
    }

    /// The business sends something to the customer with this user id. Returns until when that is free.
    pub(crate) fn sent_to(&mut self, user_id: &str, now: u64) -> Option<u64> {
        let customer = self.all.iter_mut().find(|it| it.user_id == user_id);
        customer?.is_sent_something(now)
    }

    /// Remembers a customer, who had this user id before.
    fn remember(&mut self, former: &str, customer: Customer) {
        match self.all.iter_mut().find(|known| known.user_id == former) {
            Some(known) => *known = customer,
            None => self.all.push(customer),
        }
    }

    /// Gives a customer a new phone number, and with it a new user id (Cloud API, business-scoped user ids: "regenerated when
    /// the user changes phone number"). A private number stays private. The new number has not written yet, so that its
    /// window is closed, and has not come from an ad: assumed.
    fn relocate(&mut self, customer: &mut Customer, phone: &str) -> Result<(), ActError> {
        if self.with_phone(phone).is_some() {
            return Err(ActError::Taken(phone.to_owned()));
        }
        self.moves += 1;
        customer.user_id = self.user_id(&customer.user_id);
        customer.phone = customer.phone.is_some().then(|| phone.to_owned());
        customer.wrote = None;
        customer.entry_point = None;
        Ok(())
    }
}

fn read_phone(written: &str) -> Result<String, ActError> {
    digits(written).ok_or_else(|| ActError::Phone(written.to_owned()))
}

/// Reads a username, whose case does not matter (Cloud API, business-scoped user ids). Where its periods stand, and whether
/// it looks like a domain, is not checked.
fn read_username(written: &str) -> Result<String, ActError> {
    let username = written.trim_start_matches('@').to_lowercase();
    let is_allowed = |it: char| it.is_ascii_alphanumeric() || it == '.' || it == '_';
    let is_username = (3..=35).contains(&username.len())
        && username.chars().all(is_allowed)
        && username.chars().any(|it| it.is_ascii_alphabetic());
    let refused = || ActError::Username(written.to_owned());
    is_username.then_some(username).ok_or_else(refused)
}

/// A phone number's digits, without what people write between them; none where it is no phone number. No number has more than
/// 15 (ITU-T E.164).
pub(crate) fn digits(phone: &str) -> Option<String> {
    let is_written_between = |it| matches!(it, '+' | ' ' | '-' | '(' | ')' | '.');
    let digits = phone.replace(is_written_between, "");
    let is_number =
        (1..=15).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    is_number.then_some(digits)
}
