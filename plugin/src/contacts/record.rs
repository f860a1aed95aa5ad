//! What is remembered of a contact or a group, and how it is written down.

use crate::bindings::messaging::channel::outbound::{
    EntryPoint, Message, Opening, OpeningCause, WindowState,
};
use serde::{Deserialize, Serialize};

/// The longest message id that is kept, in bytes; a real one has some 128.
const LONGEST_ID: usize = 512;

/// The longest word for a cause that is kept, in letters.
const LONGEST_CAUSE: usize = 64;

/// What a key holds: JSON, in which unknown members are ignored and absent ones are nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// The contact stands at another key, which is greater: so no two lead to each other.
    Alias(String),
    Record(Record),
}

/// What is remembered of a contact. That there is a record at all says that the contact is known: only one with `greet` is greeted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Record {
    /// The other keys that lead here. Not every one that does need stand here, but one that stands here does.
    pub(super) names: Vec<String>,
    pub(crate) state: State,
    /// Still to be greeted: never seen before, or learned from elsewhere as somebody whom nobody has greeted.
    pub(crate) greet: bool,
    /// Not in the store yet, under any name.
    pub(crate) fresh: bool,
    /// What to send once it is in the store that the contact is greeted.
    pub(crate) reply: Option<Box<Message>>,
}

/// What is remembered of a window. Each member is the greatest that was seen: neither order nor repetition matters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) opened: Option<Opened>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<u64>,
    /// When the person last came by an advertisement or a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) came: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) free: Option<Free>,
}

/// What opened the window last. The order is that of time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) by: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    Message,
    Call,
    Other(String),
}

/// Until when messages are free, and when the vendor said so. The later end counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Free {
    pub(crate) until: u64,
    pub(crate) said: u64,
}

/// The JSON of a value.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    #[serde(skip_serializing_if = "State::is_empty")]
    state: State,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    greet: bool,
}

impl Value {
    /// Reads the value of a key. What can't be read is a contact of whom nothing is known but that it was seen: a delivery must
    /// not fail for good because of it, and nobody be greeted twice.
    pub(super) fn decode(key: &str, bytes: &[u8]) -> Self {
        let stored: Stored = serde_json::from_slice(bytes).unwrap_or_default();
        match stored.to {
            Some(to) if to.as_str() > key => Self::Alias(to),
            _ => Self::Record(Record {
                names: stored.names,
                state: stored.state,
                greet: stored.greet,
                ..Record::default()
            }),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let stored = match self {
            Self::Alias(to) => Stored {
                to: Some(to.clone()),
                ..Stored::default()
            },
            Self::Record(record) => Stored {
                to: None,
                names: record.names.clone(),
                state: record.state.clone(),
                greet: record.greet,
            },
        };
        serde_json::to_vec(&stored).expect("strings and numbers are JSON")
    }
}

impl Record {
    /// Adds names that lead here.
    pub(super) fn list(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }

    /// Adds what is remembered under another name: whoever was greeted as either was greeted.
    pub(super) fn merge(&mut self, other: Self) {
        let is_greeted = self.is_greeted() || other.is_greeted();
        self.state.merge(other.state);
        self.greet &= other.greet;
        self.fresh &= other.fresh;
        self.reply = self.reply.take().or(other.reply).filter(|_| !is_greeted);
    }

    /// Whether the contact was greeted, or needs no greeting, before this call.
    fn is_greeted(&self) -> bool {
        !self.fresh && !self.greet && self.reply.is_none()
    }
}

impl State {
    /// Adds what is known otherwise.
    pub(crate) fn merge(&mut self, other: Self) {
        // `None` is less than everything.
        self.opened = self.opened.take().max(other.opened);
        self.refused = self.refused.max(other.refused);
        self.came = self.came.max(other.came);
        self.free = self.free.max(other.free);
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Opened {
    pub(crate) fn new(at: u64, by: Cause, id: Option<String>) -> Self {
        Self {
            at,
            id: id.filter(|id| id.len() <= LONGEST_ID),
            by,
        }
    }
}

impl From<WindowState> for State {
    fn from(window: WindowState) -> Self {
        let entry = window.free_entry_point;
        Self {
            opened: window.opened.map(|opening| {
                let by = match opening.cause {
                    OpeningCause::Message => Cause::Message,
                    OpeningCause::Call => Cause::Call,
                    OpeningCause::Other(word) => {
                        Cause::Other(word.chars().take(LONGEST_CAUSE).collect())
                    }
                };
                Opened::new(opening.at, by, opening.id)
            }),
            refused: window.refused,
            came: entry.map(|entry| entry.at),
            free: entry.and_then(|EntryPoint { at, until }| {
                Some(Free {
                    until: until?,
                    said: at,
                })
            }),
        }
    }
}

impl From<State> for WindowState {
    fn from(state: State) -> Self {
        Self {
            opened: state.opened.map(|opened| Opening {
                at: opened.at,
                cause: match opened.by {
                    Cause::Message => OpeningCause::Message,
                    Cause::Call => OpeningCause::Call,
                    Cause::Other(word) => OpeningCause::Other(word),
                },
                id: opened.id,
            }),
            refused: state.refused,
            free_entry_point: match (state.came, state.free) {
                // An end before the beginning is that of an earlier one.
                (Some(at), free) => Some(EntryPoint {
                    at,
                    until: free.map(|free| free.until).filter(|until| *until > at),
                }),
                (None, Some(free)) => Some(EntryPoint {
                    at: free.said,
                    until: Some(free.until),
                }),
                (None, None) => None,
            },
        }
    }
}
