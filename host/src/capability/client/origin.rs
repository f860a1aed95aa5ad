//! Where the requests of one channel may go.

use std::collections::BTreeSet;

use serde_json::Value;
use url::{Host, Url};

use crate::contract::channel::{Description, OriginRule};
use crate::contract::secrets::OPEN;
use crate::plain;

/// The origins that one channel may reach: those that its description names, as far as they are public and encrypted,
/// and what the operator granted beyond that.
#[derive(Clone, Debug, PartialEq)]
pub struct Origins {
    /// Scheme, host and port, in their one normal spelling.
    granted: BTreeSet<String>,
    /// Those of them that may be private or unencrypted.
    private: BTreeSet<String>,
}

/// Why origins can't be granted. What settings hold is not repeated, as it may be a mistyped secret.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// The settings are not JSON.
    #[error("the settings are not JSON: {0}")]
    Settings(#[source] serde_json::Error),
    /// An origin of the description is none.
    #[error(
        "the channel names the origin \"{}\", which {rule}: write https://host or https://host:port",
        plain(origin)
    )]
    Fixed {
        /// What the description names.
        origin: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A member of the settings holds no address.
    #[error("the address in {pointer} {rule}: write https:// and the host")]
    Setting {
        /// The member: a JSON Pointer into the settings.
        pointer: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// What the operator granted is no origin.
    #[error(
        "the private origin \"{}\" {rule}: write http:// or https://, the host, and the port where it has one",
        plain(origin)
    )]
    Private {
        /// What was granted.
        origin: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

/// An address that a request may go to.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The address, parsed: what was judged is what is sent.
    pub(super) url: Url,
    /// Its origin.
    pub(super) origin: String,
    /// It may be private or unencrypted.
    pub(super) private: bool,
}

impl Origins {
    /// The origins of a channel: fixed ones, and those of the addresses that its settings hold.
    ///
    /// The description is the one that the host has kept of this channel. The settings are those that it may see. A
    /// member that is absent, null or empty gives none.
    ///
    /// # Errors
    ///
    /// The settings are not JSON, or an origin is none.
    pub fn of(description: &Description, settings: &str) -> Result<Self, OriginError> {
        let settings: Value = serde_json::from_str(settings).map_err(OriginError::Settings)?;
        let mut granted = BTreeSet::new();
        for rule in &description.origins {
            let origin = match rule {
                OriginRule::Fixed(origin) => {
                    origin_of(origin).map_err(|rule| OriginError::Fixed {
                        origin: origin.clone(),
                        rule,
                    })?
                }
                OriginRule::Setting(pointer) => {
                    let address = match settings.pointer(pointer) {
                        None | Some(Value::Null) => continue,
                        Some(Value::String(address)) if address.is_empty() => continue,
                        Some(Value::String(address)) => origin_of(address),
                        Some(_) => Err("is not a text"),
                    };
                    address.map_err(|rule| OriginError::Setting {
                        pointer: pointer.clone(),
                        rule,
                    })?
                }
            };
            granted.insert(origin);
        }
        Ok(Self {
            granted,
            private: BTreeSet::new(),
        })
    }

    /// Lets these origins be private or unencrypted, where they are origins of the channel: the operator's explicit
    /// grant, which is logged.
    ///
    /// # Errors
    ///
    /// One of them is no origin.
    pub fn with_private<'a>(
        mut self,
        origins: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, OriginError> {
        for given in origins {
            let origin = origin_of(given).map_err(|rule| OriginError::Private {
                origin: given.to_owned(),
                rule,
            })?;
            if self.granted.contains(&origin) {
                tracing::warn!(
                    origin,
                    "this origin may be private and unencrypted, as the operator granted"
                );
                self.private.insert(origin);
            }
        }
        Ok(self)
    }

    /// Whether a request may go to this address; the sentence says why not, and what to do.
    pub(super) fn admit(&self, address: &str) -> Result<Admitted, String> {
        if address.contains(OPEN) {
            return Err(
                "a placeholder stands in the address, where logs along the way would show its value: put it into a header"
                    .to_owned(),
            );
        }
        let url = parse(address).map_err(|rule| format!("the address {rule}"))?;
        let origin = url.origin().ascii_serialization();
        if !self.granted.contains(&origin) {
            return Err(format!(
                "{origin} is not an origin of this channel: only what its description names, fixed or as a setting, is reachable"
            ));
        }
        let private = self.private.contains(&origin);
        if !private && url.scheme() != "https" {
            return Err(format!(
                "{origin} is not encrypted: use https, or have the operator grant this origin as private"
            ));
        }
        if !private && !matches!(url.host(), Some(Host::Domain(_))) {
            return Err(format!(
                "{origin} is an IP address: use a name, or have the operator grant this origin as private"
            ));
        }
        Ok(Admitted {
            url,
            origin,
            private,
        })
    }
}

/// The origin of an address, in its one normal spelling.
fn origin_of(address: &str) -> Result<String, &'static str> {
    Ok(parse(address)?.origin().ascii_serialization())
}

/// An address, or the rule that it breaks. The parser gives hosts one spelling: letter case, international names,
/// forms of IPv4 addresses, default ports. The dot of a fully qualified name is left to do here.
fn parse(address: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(address).map_err(|_| "is not an absolute URL")?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("is neither https nor http");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user or password, which belong into a header");
    }
    if let Some(Host::Domain(host)) = url.host()
        && let Some(host) = host.strip_suffix('.')
    {
        let host = host.to_owned();
        url.set_host(Some(&host)).map_err(|_| "has no good host")?;
    }
    url.set_fragment(None);
    Ok(url)
}
