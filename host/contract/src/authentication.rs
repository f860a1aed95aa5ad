//! Whether a delivery is the vendor's.
//!
//! The rules are the channel's (`channel.describe`), the decision is the host's: it falls before any code of the plugin
//! runs. What can't be decided is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use crate::channel::{
    AuthenticationMethod, Description, HmacAlgorithm, HmacEncoding, HmacRule, SettingMatch,
    SignedPart,
};
use crate::secrets::Secrets;
use crate::settings::Secret;
use crate::types::Header;

/// The name of the secret that the host invents for the webhook.
const WEBHOOK: &str = "webhook";

/// How the deliveries of one channel are authenticated. Made once, and again when its settings change.
pub struct Authentication {
    /// All of them must pass. Without any, nothing does.
    checks: Vec<Check>,
    /// Headers that may hold a secret, by all rules: a vendor may still send what another setting asked for.
    withheld: Vec<HeaderName>,
}

/// What one rule asks for.
enum Check {
    /// The webhook's secret in this header.
    SecretHeader(HeaderName),
    Signature(Signature),
    /// What this host can't check.
    Unknown,
}

/// A keyed hash in a header.
struct Signature {
    signs: Vec<Part>,
    header: HeaderName,
    algorithm: HmacAlgorithm,
    encoding: HmacEncoding,
    prefix: String,
    secret: String,
}

/// A part of what is hashed.
enum Part {
    Body,
    Text(String),
    Header(HeaderName),
    Url,
}

/// What came to a webhook address, as far as it is authenticated.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The raw body.
    pub body: &'a [u8],
    /// The address that the vendor posted to: the public one, with path and query.
    pub url: &'a str,
}

/// Why a delivery is refused. Holds names of the channel's rules, and nothing of the delivery.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    /// No rule applies to the settings.
    #[error(
        "no way to authenticate webhooks applies to the channel's settings; choose one in its settings"
    )]
    NoRule,
    /// A rule is one that this host can't check.
    #[error(
        "the channel authenticates its webhooks in a way that this host does not know; update the host, or choose another way in the channel's settings"
    )]
    UnknownRule,
    /// The secret that the check needs is absent.
    #[error(
        "the secret `{0}`, which webhooks are checked with, is not set; set it, or connect the channel again"
    )]
    NoSecret(String),
    /// A header that is needed is absent.
    #[error(
        "the header `{0}` is missing; register the webhook again, or look who else posts to it"
    )]
    Missing(HeaderName),
    /// A header that is needed stands there more than once.
    #[error("the header `{0}` stands there more than once; look what adds it on the way")]
    Repeated(HeaderName),
    /// The value of the secret header is not the webhook's secret.
    #[error("the header `{0}` does not hold the webhook's secret; register the webhook again")]
    WrongSecret(HeaderName),
    /// The keyed hash is not that of the delivery.
    #[error(
        "the signature in the header `{0}` is not that of the delivery; compare the channel's secret with the vendor's, and let nothing change the body on the way"
    )]
    WrongSignature(HeaderName),
}

impl Refused {
    /// One stable word for it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoRule => "no_rule",
            Self::UnknownRule => "unknown_rule",
            Self::NoSecret(_) => "no_secret",
            Self::Missing(_) => "missing",
            Self::Repeated(_) => "repeated",
            Self::WrongSecret(_) => "wrong_secret",
            Self::WrongSignature(_) => "wrong_signature",
        }
    }
}

impl Authentication {
    /// What the description asks for under these settings.
    ///
    /// The description is the one that the host has kept of this channel. Settings that are no JSON authenticate
    /// nothing.
    #[must_use]
    pub fn new(description: &Description, visible: &str) -> Self {
        let schema = serde_json::from_str(&description.settings_schema).unwrap_or_default();
        let mut checks = Vec::new();
        let mut withheld = vec![AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];
        let settings: Option<Value> = serde_json::from_str(visible).ok();
        for rule in &description.webhook_authentication {
            let check = Check::new(&rule.method);
            match &check {
                Check::SecretHeader(header) => withheld.push(header.clone()),
                Check::Signature(signature) => withheld.push(signature.header.clone()),
                Check::Unknown => {}
            }
            let applies = |settings| match &rule.applies {
                None => true,
                Some(applies) => has_one(settings, &schema, applies),
            };
            if settings.as_ref().is_some_and(applies) {
                checks.push(check);
            }
        }
        Self { checks, withheld }
    }

    /// Whether the delivery is the vendor's: every rule that applies says so, and there is one.
    ///
    /// # Errors
    ///
    /// What is wrong with the first rule that does not say so.
    pub fn verify(&self, request: Request<'_>, secrets: &dyn Secrets) -> Result<(), Refused> {
        if self.checks.is_empty() {
            return Err(Refused::NoRule);
        }
        self.checks.iter().try_for_each(|check| match check {
            Check::SecretHeader(header) => has_secret(request.headers, header, secrets),
            Check::Signature(signature) => signature.verify(request, secrets),
            Check::Unknown => Err(Refused::UnknownRule),
        })
    }

    /// What of [`verify`](Self::verify) can be said before the body is there. Returns whether the headers prove that it
    /// is the vendor who posts; a signature, they only announce.
    ///
    /// # Errors
    ///
    /// What is wrong with the first rule that can't say so, whatever the body.
    pub fn verify_head(&self, headers: &HeaderMap, secrets: &dyn Secrets) -> Result<bool, Refused> {
        if self.checks.is_empty() {
            return Err(Refused::NoRule);
        }
        let mut proven = false;
        for check in &self.checks {
            match check {
                Check::SecretHeader(header) => {
                    has_secret(headers, header, secrets)?;
                    proven = true;
                }
                Check::Signature(signature) => {
                    one(headers, &signature.header)?;
                    secret(secrets, &signature.secret)?;
                }
                Check::Unknown => return Err(Refused::UnknownRule),
            }
        }
        Ok(proven)
    }

    /// The header that must hold the webhook's secret, where one must.
    #[must_use]
    pub fn secret_header(&self) -> Option<&str> {
        self.checks.iter().find_map(|check| match check {
            Check::SecretHeader(header) => Some(header.as_str()),
            _ => None,
        })
    }

    /// The headers that the plugin gets and the store keeps: all but those that may hold a secret.
    #[must_use]
    pub fn delivery_headers(&self, headers: &HeaderMap) -> Vec<Header> {
        headers
            .iter()
            .filter(|(name, _)| !self.withheld.contains(name))
            .map(|(name, value)| Header {
                name: name.as_str().to_owned(),
                value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
            })
            .collect()
    }
}

impl Check {
    /// A rule with a name that no header can have is one that can't be checked.
    fn new(method: &AuthenticationMethod) -> Self {
        let check = match method {
            AuthenticationMethod::SecretHeader(name) => header(name).map(Self::SecretHeader),
            AuthenticationMethod::Hmac(rule) => Signature::new(rule).map(Self::Signature),
            AuthenticationMethod::Other(_) => None,
        };
        check.unwrap_or(Self::Unknown)
    }
}

impl Signature {
    fn new(rule: &HmacRule) -> Option<Self> {
        let signs = rule.signs.iter().map(|part| {
            Some(match part {
                SignedPart::Body => Part::Body,
                SignedPart::Text(text) => Part::Text(text.clone()),
                SignedPart::Header(name) => Part::Header(header(name)?),
                SignedPart::Url => Part::Url,
            })
        });
        let signs: Vec<Part> = signs.collect::<Option<_>>()?;
        // Texts and headers alone say nothing of what was delivered: such a hash could be used again with any body.
        if !signs
            .iter()
            .any(|part| matches!(part, Part::Body | Part::Url))
        {
            return None;
        }
        Some(Self {
            signs,
            header: header(&rule.header)?,
            algorithm: rule.algorithm,
            encoding: rule.encoding,
            prefix: rule.prefix.clone().unwrap_or_default(),
            secret: rule.secret.clone(),
        })
    }

    fn verify(&self, request: Request<'_>, secrets: &dyn Secrets) -> Result<(), Refused> {
        let given = one(request.headers, &self.header)?;
        let secret = secret(secrets, &self.secret)?;
        let key = secret.expose().as_bytes();
        let parts = self.signs.iter().map(|part| match part {
            Part::Body => Ok(request.body),
            Part::Text(text) => Ok(text.as_bytes()),
            Part::Header(name) => one(request.headers, name),
            Part::Url => Ok(request.url.as_bytes()),
        });
        let parts: Vec<&[u8]> = parts.collect::<Result<_, _>>()?;
        let is_hash = |written: &[u8]| {
            let hash = match self.encoding {
                HmacEncoding::Hex => hex::decode(written).ok(),
                HmacEncoding::Base64 => STANDARD.decode(written).ok(),
            };
            hash.is_some_and(|hash| match self.algorithm {
                HmacAlgorithm::Sha1 => signs::<Hmac<Sha1>>(key, &parts, &hash),
                HmacAlgorithm::Sha256 => signs::<Hmac<Sha256>>(key, &parts, &hash),
                HmacAlgorithm::Sha512 => signs::<Hmac<Sha512>>(key, &parts, &hash),
            })
        };
        // What looks like the prefix may be the hash's own beginning.
        let bare = given.strip_prefix(self.prefix.as_bytes());
        if bare.is_some_and(is_hash) || is_hash(given) {
            Ok(())
        } else {
            Err(Refused::WrongSignature(self.header.clone()))
        }
    }
}

/// Whether `hash` is that of the parts; the whole of it, in constant time.
fn signs<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]], hash: &[u8]) -> bool {
    // HMAC takes keys of every length.
    let Ok(mut mac) = <M as Mac>::new_from_slice(key) else {
        return false;
    };
    for part in parts {
        mac.update(part);
    }
    mac.verify_slice(hash).is_ok()
}

/// The value of a header that must be there once: of two, a proxy may have checked the one and we the other.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a [u8], Refused> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.as_bytes()),
        (None, _) => Err(Refused::Missing(name.clone())),
        (Some(_), Some(_)) => Err(Refused::Repeated(name.clone())),
    }
}

/// Whether the header holds the webhook's secret.
fn has_secret(
    headers: &HeaderMap,
    header: &HeaderName,
    secrets: &dyn Secrets,
) -> Result<(), Refused> {
    let given = one(headers, header)?;
    let secret = secret(secrets, WEBHOOK)?;
    // Takes as long for every value of the right length, and the length is no secret.
    if bool::from(given.ct_eq(secret.expose().as_bytes())) {
        Ok(())
    } else {
        Err(Refused::WrongSecret(header.clone()))
    }
}

/// The secret of this name. An empty one is none: everybody knows it.
fn secret(secrets: &dyn Secrets, name: &str) -> Result<Secret, Refused> {
    secrets
        .get(name)
        .filter(|secret| !secret.expose().is_empty())
        .ok_or_else(|| Refused::NoSecret(name.to_owned()))
}

fn header(name: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(name.as_bytes()).ok()
}

/// Whether a member, or its default where it is absent, has one of the values. What is no string counts as its JSON.
fn has_one(settings: &Value, schema: &Value, applies: &SettingMatch) -> bool {
    let member = settings
        .pointer(&applies.pointer)
        .filter(|value| !value.is_null())
        .or_else(|| default(schema, &applies.pointer));
    member.is_some_and(|member| match member {
        Value::String(text) => applies.values.contains(text),
        other => applies.values.contains(&other.to_string()),
    })
}

/// The default that a JSON Schema gives the member at a JSON Pointer.
fn default<'a>(schema: &'a Value, pointer: &str) -> Option<&'a Value> {
    let place: String = pointer
        .split('/')
        .skip(1)
        .flat_map(|name| ["/properties/", name])
        .collect();
    schema.pointer(&place)?.get("default")
}

#[cfg(test)]
mod tests;
