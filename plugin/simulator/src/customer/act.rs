//! What a customer does.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Attachment;

/// What a customer does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "command", derive(clap::Subcommand))]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    /// Writes a text.
    Say {
        /// The text.
        text: String,
        /// The id of the message that it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "command", arg(long))]
        quoting: Option<String>,
    },
    /// Taps a reply button, or a quick reply of a template, of the latest message that has some.
    Tap {
        /// Its title, its id or its payload.
        button: String,
    },
    /// Chooses a row of the latest message with a list.
    Choose {
        /// Its title or its id.
        row: String,
    },
    /// Fills the flow of the latest message with one, and sends it.
    Fill {
        /// What stands in its fields: a JSON object.
        #[cfg_attr(feature = "command", arg(value_parser = |it: &str| serde_json::from_str::<Map<String, Value>>(it)))]
        fields: Map<String, Value>,
    },
    /// Gives an address: the answer to the latest message that asks for one.
    GiveAddress {
        /// What stands in its fields: a JSON object.
        #[cfg_attr(feature = "command", arg(value_parser = |it: &str| serde_json::from_str::<Map<String, Value>>(it)))]
        values: Map<String, Value>,
    },
    /// Lets the business call for a week: the answer to the latest message that asks whether it may.
    PermitCalls {
        /// Doesn't.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[cfg_attr(feature = "command", arg(long))]
        refuse: bool,
    },
    /// Shares the own phone number: the answer to the latest message that asks for it.
    ShareNumber {
        /// In digits, where the customer has kept it private.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "command", arg(long))]
        phone: Option<String>,
    },
    /// Orders a product of the catalog.
    Order {
        /// Its id.
        product: String,
        /// How many.
        #[serde(default = "one")]
        #[cfg_attr(feature = "command", arg(long, default_value_t = one()))]
        quantity: u32,
        /// What else the customer says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "command", arg(long))]
        text: Option<String>,
    },
    /// Writes a text of the customer's anew, as numbers are told of that the Business app has too.
    Edit {
        /// The id of the message.
        message: String,
        /// The new text.
        text: String,
    },
    /// Takes back a message of the customer's, as numbers are told of that the Business app has too.
    Revoke {
        /// The id of the message.
        message: String,
    },
    /// Sends something that the API does not know.
    SendUnsupported {
        /// What it is, as in `poll_creation`.
        kind: String,
    },
    /// Sends a file.
    Send(Attachment),
    /// Sends a place: the answer to the latest message, where that asks for one.
    Location {
        /// In degrees north.
        #[cfg_attr(feature = "command", arg(allow_negative_numbers = true))]
        latitude: f64,
        /// In degrees east.
        #[cfg_attr(feature = "command", arg(allow_negative_numbers = true))]
        longitude: f64,
        /// What it is called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "command", arg(long))]
        name: Option<String>,
        /// Its address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "command", arg(long))]
        address: Option<String>,
    },
    /// Sends a card of the address book.
    ShareContact {
        /// The name on it.
        name: String,
        /// The phone number on it.
        phone: String,
    },
    /// Reacts to a message of the business, or takes the reaction back.
    React {
        /// The emoji; without it the reaction is taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        emoji: Option<String>,
        /// The message's id; the latest one's where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "command", arg(long))]
        to: Option<String>,
    },
    /// Writes a text after a click on an ad of the business.
    FromAd {
        /// The text.
        text: String,
        /// The ad's headline.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "command", arg(long))]
        headline: Option<String>,
        /// The ad's text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "command", arg(long))]
        body: Option<String>,
        /// The ad's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "command", arg(long))]
        source_id: Option<String>,
        /// The click's id; a new one where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "command", arg(long))]
        ctwa_clid: Option<String>,
    },
    /// Takes another phone number.
    ChangeNumber {
        /// The new one, in digits.
        phone: String,
    },
}

fn one() -> u32 {
    1
}

impl Act {
    /// Writes a text.
    #[must_use]
    pub fn say(text: &str) -> Self {
        Self::Say {
            text: text.to_owned(),
            quoting: None,
        }
    }

    /// Writes a text that answers the message with this id.
    #[must_use]
    pub fn answer(quoting: &str, text: &str) -> Self {
        Self::Say {
            text: text.to_owned(),
            quoting: Some(quoting.to_owned()),
        }
    }

    /// Taps the button with this title, id or payload.
    #[must_use]
    pub fn tap(button: &str) -> Self {
        Self::Tap {
            button: button.to_owned(),
        }
    }

    /// Chooses the row with this title or id.
    #[must_use]
    pub fn choose(row: &str) -> Self {
        Self::Choose {
            row: row.to_owned(),
        }
    }

    /// Fills a flow's fields.
    #[must_use]
    pub fn fill<K: Into<String>, V: Into<Value>>(fields: impl IntoIterator<Item = (K, V)>) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        Self::Fill {
            fields: fields.collect(),
        }
    }

    /// Sends a place that has no name.
    #[must_use]
    pub fn location(latitude: f64, longitude: f64) -> Self {
        Self::Location {
            latitude,
            longitude,
            name: None,
            address: None,
        }
    }

    /// Reacts to the latest message.
    #[must_use]
    pub fn react(emoji: &str) -> Self {
        Self::React {
            emoji: Some(emoji.to_owned()),
            to: None,
        }
    }

    /// Takes the reaction to the latest message back.
    #[must_use]
    pub fn unreact() -> Self {
        Self::React {
            emoji: None,
            to: None,
        }
    }

    /// Writes a text after a click on an ad.
    #[must_use]
    pub fn from_ad(text: &str) -> Self {
        Self::FromAd {
            text: text.to_owned(),
            headline: None,
            body: None,
            source_id: None,
            ctwa_clid: None,
        }
    }

    /// Takes another phone number.
    #[must_use]
    pub fn change_number(phone: &str) -> Self {
        Self::ChangeNumber {
            phone: phone.to_owned(),
        }
    }
}
