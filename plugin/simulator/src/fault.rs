//! What goes wrong on purpose.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that goes wrong. Even the variants without members have braces: in others serde takes unknown members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "command", derive(clap::Subcommand))]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// A request is answered late.
    Latency {
        /// In milliseconds.
        milliseconds: u64,
    },
    /// A request is answered with this status.
    Status {
        /// The status.
        #[cfg_attr(feature = "command", arg(value_parser = clap::builder::TypedValueParser::try_map(clap::value_parser!(u16), FaultStatus::try_from)))]
        status: FaultStatus,
        /// The body, as JSON; empty where absent.
        #[serde(default)]
        #[cfg_attr(feature = "command", arg(long, default_value = "null", value_parser = <Value as std::str::FromStr>::from_str))]
        body: Value,
        /// What was asked is done all the same.
        #[serde(default)]
        #[cfg_attr(feature = "command", arg(long))]
        done: bool,
    },
    /// A request is not answered: its connection is cut.
    Cut {
        /// What was asked is done all the same.
        #[serde(default)]
        #[cfg_attr(feature = "command", arg(long))]
        done: bool,
    },
    /// A request is refused by 360dialog's own limit of requests: 400, not 429.
    GatewayLimit {},
    /// A request is refused by Meta with this error code.
    Refused {
        /// The code, as 130429.
        code: u32,
    },
    /// A message that is accepted fails with this error code.
    MessageFails {
        /// The code, as 131026.
        code: u32,
    },
    /// A webhook is delivered twice.
    Duplicate {},
    /// A webhook is overtaken by the next one.
    Reorder {},
    /// A webhook's body breaks off in the middle.
    Malformed {},
    /// A message's next status is never told.
    StatusDropped {},
    /// A message's next status is told late.
    StatusLate {
        /// In seconds.
        seconds: u64,
    },
}

impl Fault {
    /// Whether it goes wrong with a request to the API, and not with a webhook or a status.
    pub(crate) fn is_of_requests(&self) -> bool {
        matches!(
            self,
            Self::Latency { .. }
                | Self::Status { .. }
                | Self::Cut { .. }
                | Self::GatewayLimit {}
                | Self::Refused { .. }
        )
    }
}

/// The status of an answer: 200 to 599.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct FaultStatus(pub(crate) StatusCode);

impl TryFrom<u16> for FaultStatus {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<Self, Self::Error> {
        let code = StatusCode::from_u16(status).ok();
        let code = code.filter(|_| (200..=599).contains(&status));
        code.map(Self).ok_or("a status is 200 to 599")
    }
}

impl From<FaultStatus> for u16 {
    fn from(status: FaultStatus) -> Self {
        status.0.as_u16()
    }
}

/// What goes wrong, where, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// Of the requests, only those to this path. What is no fault of requests never strikes with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How often; until the faults are cleared where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<NonZeroU32>,
}

/// The rules that stand, in the order in which they were given.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Rule>);

/// How one request is answered wrongly.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// How long to wait before anything.
    pub(crate) latency: Duration,
    /// What happens instead of the answer.
    pub(crate) instead: Option<Fault>,
}

impl Faults {
    pub(crate) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.0
    }

    /// What goes wrong with a request to a path.
    pub(crate) fn plan(&mut self, path: &str) -> Plan {
        let latency = self.take(Some(path), |fault| match fault {
            Fault::Latency { milliseconds } => Some(Duration::from_millis(*milliseconds)),
            _ => None,
        });
        let instead = self.take(Some(path), |fault| {
            let is_late = matches!(fault, Fault::Latency { .. });
            (fault.is_of_requests() && !is_late).then(|| fault.clone())
        });
        Plan {
            latency: latency.unwrap_or_default(),
            instead,
        }
    }

    /// Whether this goes wrong with the next webhook or status.
    pub(crate) fn strikes(&mut self, fault: &Fault) -> bool {
        let is = |it: &Fault| (it == fault).then_some(());
        self.take(None, is).is_some()
    }

    /// How late the next status is told.
    pub(crate) fn status_late(&mut self) -> Duration {
        let late = |fault: &Fault| match fault {
            Fault::StatusLate { seconds } => Some(Duration::from_secs(*seconds)),
            _ => None,
        };
        self.take(None, late).unwrap_or_default()
    }

    /// The error code with which the message fails that is accepted now.
    pub(crate) fn message_fails(&mut self) -> Option<u32> {
        self.take(None, |fault| match fault {
            Fault::MessageFails { code } => Some(*code),
            _ => None,
        })
    }

    /// Uses the first rule of a kind once.
    fn take<T>(&mut self, path: Option<&str>, kind: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let concerns = |rule: &Rule| rule.path.is_none() || rule.path.as_deref() == path;
        let (at, found) = self.0.iter().enumerate().find_map(|(at, rule)| {
            concerns(rule)
                .then(|| kind(&rule.fault))
                .flatten()
                .map(|found| (at, found))
        })?;
        if let Some(times) = self.0[at].times {
            self.0[at].times = NonZeroU32::new(times.get() - 1);
            if times.get() == 1 {
                self.0.remove(at);
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(fault: Fault, path: Option<&str>, times: Option<u32>) -> Rule {
        let (path, times) = (path.map(str::to_owned), times.and_then(NonZeroU32::new));
        Rule { fault, path, times }
    }

    #[test]
    fn a_rule_strikes_where_and_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.add(rule(Fault::Cut { done: true }, Some("/messages"), Some(2)));
        faults.add(rule(Fault::Latency { milliseconds: 5 }, None, None));
        assert_eq!(faults.plan("/media").instead, None);
        for _ in 0..2 {
            let plan = faults.plan("/messages");
            assert_eq!(plan.instead, Some(Fault::Cut { done: true }));
            assert_eq!(plan.latency, Duration::from_millis(5));
        }
        assert_eq!(faults.plan("/messages").instead, None);
        faults.add(rule(Fault::Duplicate {}, Some("/messages"), None));
        assert!(!faults.strikes(&Fault::Duplicate {}));
        faults.clear();
        assert_eq!(faults.plan("/messages").latency, Duration::ZERO);
    }

    #[test]
    fn a_rule_reads_as_it_is_written() -> anyhow::Result<()> {
        let text = r#"{"fault": "status", "status": 500, "path": "/messages", "times": 1}"#;
        let read: Rule = serde_json::from_str(text)?;
        let fault = Fault::Status {
            status: FaultStatus(StatusCode::INTERNAL_SERVER_ERROR),
            body: Value::Null,
            done: false,
        };
        assert_eq!(read, rule(fault, Some("/messages"), Some(1)));
        Ok(())
    }
}
