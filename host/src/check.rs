//! Whether a component is a channel: every rule of the contract, kept or broken, by name.

use std::fmt::Debug;
use std::future::Future;

use semver::Version;
use serde_json::Value;

use crate::channel::keyring::RESERVED;
use crate::contract::channel::{
    AuthenticationMethod, Description, HmacRule, OriginRule, Secret, SignedPart,
};
use crate::contract::events::Delivery;
use crate::contract::outbound::{Content, Message, Text, Window, WindowState};
use crate::contract::types::{Problem, Recipient};
use crate::contract::{FULL, OPTIONAL, PURE};
use crate::engine::{INTERFACES, Shape, Standing, offered_version};
use crate::{CallError, Engine, Plugin, plain};

/// What was found of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The rule.
    pub name: String,
    /// Whether the component keeps it.
    pub met: bool,
    /// What was found: where it is broken, why.
    pub detail: String,
}

/// The contract's capabilities, which a channel may import and its pure functions never use.
const CAPABILITIES: [&str; 2] = ["http", "storage"];

/// Bodies that are no webhook of any vendor.
const FOREIGN: [(&str, &[u8]); 3] = [
    ("an empty body", b""),
    ("a body that is not text", b"\x00\xff\xfe\x80"),
    ("half a body", b"{\"a\":[{\"b\":"),
];

/// Checks a component of whatever kind. Where a rule is broken that others build on, those are left out.
pub async fn check(engine: &Engine, component: &[u8]) -> Vec<Rule> {
    let mut rules = Rules(Vec::new());
    let compiled = match engine.compile(component) {
        Ok(compiled) => compiled,
        Err(error) => {
            rules.broken("is a component", error.to_string());
            return rules.0;
        }
    };
    rules.met("is a component", "");
    let shape = Shape::of(&compiled);
    if let Err(error) = shape.version() {
        rules.broken("speaks this version of the contract", error.to_string());
        return rules.0;
    }
    rules.met(
        "speaks this version of the contract",
        offered_version().to_string(),
    );
    exports(&mut rules, &shape);
    if !rules.0.iter().all(|rule| rule.met) {
        return rules.0;
    }
    let foreign = shape.not_lent(&CAPABILITIES);
    let imports = match shape.imports.as_slice() {
        [] => "none".to_owned(),
        imports => imports.join(", "),
    };
    rules.rule(
        "imports only the contract's capabilities and WASI's cli, io and random",
        if foreign.is_empty() {
            Ok(imports)
        } else {
            Err(format!("it also imports {}", foreign.join(", ")))
        },
    );
    match engine.load_unlent("checked", &shape) {
        Ok(plugin) => {
            describe(&mut rules, &plugin).await;
            behave(&mut rules, &plugin).await;
        }
        Err(error) => rules.broken("can be linked", error.to_string()),
    }
    rules.0
}

struct Rules(Vec<Rule>);

impl Rules {
    fn rule(&mut self, name: impl Into<String>, found: Result<String, String>) {
        let (met, detail) = match found {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        let name = name.into();
        let detail = plain(&detail);
        self.0.push(Rule { name, met, detail });
    }

    fn met(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.rule(name, Ok(detail.into()));
    }

    fn broken(&mut self, name: impl Into<String>, detail: impl Into<String>) {
        self.rule(name, Err(detail.into()));
    }

    /// A rule without more to say where it is kept.
    fn holds(&mut self, name: &str, holds: bool, otherwise: impl FnOnce() -> String) {
        let found = if holds {
            Ok(String::new())
        } else {
            Err(otherwise())
        };
        self.rule(name, found);
    }

    /// A list of what breaks a rule.
    fn none(&mut self, name: &str, found: &[String]) {
        self.holds(name, found.is_empty(), || found.join("; "));
    }
}

/// The component's type: its interfaces and their functions.
fn exports(rules: &mut Rules, shape: &Shape) {
    for name in PURE {
        rules.holds(
            &format!("exports {name}"),
            shape.exports.contains_key(name),
            || format!("it does not export `{name}`, and every channel does"),
        );
    }
    let others: Vec<&str> = shape
        .exports
        .keys()
        .copied()
        .filter(|name| !PURE.contains(name))
        .collect();
    let absent: Vec<&str> = OPTIONAL
        .into_iter()
        .filter(|name| !others.contains(name))
        .collect();
    rules.met(
        "tells its further interfaces by its exports",
        format!("it has {}; it has no {}", list(&others), list(&absent)),
    );
    let (has, lacks): (Vec<&str>, Vec<&str>) =
        FULL.into_iter().partition(|name| others.contains(name));
    if !has.is_empty() {
        rules.holds(
            "has all interfaces of the world `full` or none of them",
            lacks.is_empty(),
            || {
                let (has, lacks) = (list(&has), list(&lacks));
                format!("it has {has} and no {lacks}; the world `full` has all three: export {lacks} too")
            },
        );
    }
    if !shape.unknown.is_empty() {
        rules.met(
            "may have interfaces of a later version",
            shape.unknown.join(", "),
        );
    }
    for interface in &INTERFACES {
        if !shape.exports.contains_key(interface.name) {
            continue;
        }
        for function in interface.functions {
            let name = format!(
                "{}.{} has the contract's type",
                interface.name, function.name
            );
            match shape.standing(interface.name, function) {
                Standing::Fits => rules.met(name, ""),
                Standing::Present => rules.met(name, "it is there; its type is not compared yet"),
                Standing::Wrong(why) => rules.broken(name, why),
            }
        }
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// What the component says of itself.
async fn describe(rules: &mut Rules, plugin: &Plugin) {
    let Some(about) = twice(rules, "channel.describe", || plugin.describe()).await else {
        return;
    };
    rules.holds("its id is a word", is_word(&about.id), || {
        format!("{:?}: use small letters, digits and hyphens", about.id)
    });
    rules.holds(
        "its version is a semantic version",
        about.version.parse::<Version>().is_ok(),
        || format!("{:?}: write it as 1.2.3", about.version),
    );
    rules.holds(
        "its contract version is this one",
        about.contract_version == offered_version().to_string(),
        || {
            format!(
                "{:?} instead of {}",
                about.contract_version,
                offered_version()
            )
        },
    );
    let nameless: Vec<String> = [
        ("family", &about.family),
        ("provider", &about.provider),
        ("display-name", &about.display_name),
    ]
    .into_iter()
    .filter(|(_, value)| value.trim().is_empty())
    .map(|(name, _)| format!("{name} is empty"))
    .collect();
    rules.none("it has a family, a provider and a name", &nameless);

    rules.none(
        "its secrets have names of their own",
        &misnamed(&about.secrets),
    );
    let schema: Option<Value> = serde_json::from_str(&about.settings_schema)
        .ok()
        .filter(Value::is_object);
    rules.holds(
        "its settings schema is a JSON object",
        schema.is_some(),
        || "it is not; write a JSON Schema of type object".to_owned(),
    );
    if let Some(schema) = schema {
        pointers(rules, &about, &schema);
    }
    let origins = about.origins.iter().filter_map(|origin| match origin {
        OriginRule::Fixed(origin) if !is_origin(origin) => Some(format!(
            "{origin:?} is not (https://host or https://host:port)"
        )),
        _ => None,
    });
    rules.none(
        "its origins are https, or this machine",
        &origins.collect::<Vec<_>>(),
    );
    let unsound = about
        .webhook_authentication
        .iter()
        .flat_map(|rule| match &rule.method {
            AuthenticationMethod::Hmac(hmac) => unsound(hmac, &about.secrets),
            _ => Vec::new(),
        });
    rules.none(
        "its webhook authentication signs deliveries with its secrets",
        &unsound.collect::<Vec<_>>(),
    );
}

/// What is wrong with the names of secrets.
fn misnamed(secrets: &[Secret]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (index, Secret { name, .. }) in secrets.iter().enumerate() {
        if RESERVED.contains(&name.as_str()) {
            wrong.push(format!("{name:?} is the host's own: take another name"));
        } else if !is_placeholder_name(name) {
            wrong.push(format!(
                "{name:?}: use small letters, digits and _, with a letter first"
            ));
        } else if secrets[..index].iter().any(|other| other.name == *name) {
            wrong.push(format!("{name:?} names two secrets: rename one"));
        }
    }
    wrong
}

/// Whether a secret may have this name.
pub(crate) fn is_placeholder_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// What is wrong with a keyed hash.
fn unsound(hmac: &HmacRule, secrets: &[Secret]) -> Vec<String> {
    let mut wrong = Vec::new();
    if !secrets.iter().any(|secret| secret.name == hmac.secret) {
        wrong.push(format!("{:?} is no secret of the settings", hmac.secret));
    }
    // Texts and headers alone say nothing of what was delivered.
    let binds = |part: &SignedPart| matches!(part, SignedPart::Body | SignedPart::Url);
    if !hmac.signs.iter().any(binds) {
        wrong.push(format!(
            "the hash in {:?} signs neither body nor url: name one of them in signs",
            hmac.header
        ));
    }
    wrong
}

/// Every member that the description names is in the schema.
fn pointers(rules: &mut Rules, about: &Description, schema: &Value) {
    let secrets = about.secrets.iter().map(|secret| &secret.pointer);
    let origins = about.origins.iter().filter_map(|origin| match origin {
        OriginRule::Setting(pointer) => Some(pointer),
        OriginRule::Fixed(_) => None,
    });
    let matches = about
        .webhook_authentication
        .iter()
        .filter_map(|rule| rule.applies.as_ref());
    let unknown: Vec<String> = secrets
        .chain(origins)
        .chain(matches.map(|applies| &applies.pointer))
        .filter(|pointer| !declares(schema, pointer))
        .map(|pointer| format!("{pointer:?} is not"))
        .collect();
    rules.none("members that it names are in its settings schema", &unknown);
}

/// How the pure functions behave.
async fn behave(rules: &mut Rules, plugin: &Plugin) {
    let name = "channel.validate({})";
    if let Some(problems) = twice(rules, name, || plugin.validate("{}")).await {
        rules.none(
            "its problems have pointer, code and message",
            &vague(&problems),
        );
    }
    for (what, body) in FOREIGN {
        let delivery = Delivery {
            method: "POST".to_owned(),
            path: String::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: body.to_vec(),
        };
        let name = format!("webhook.normalize of {what}");
        let answer = twice(rules, &name, || plugin.normalize(None, &delivery)).await;
        if let Some(answer) = answer {
            rules.rule(
                format!("{name} is a rejection with a sentence"),
                match answer {
                    Err(rejection) if !rejection.detail.trim().is_empty() => Ok(rejection.detail),
                    Err(_) => Err("the rejection has no detail".to_owned()),
                    Ok(events) => Err(format!("it is a list of {} events", events.len())),
                },
            );
        }
    }
    let message = Message {
        to: Recipient::Phone("16315551234".to_owned()),
        content: Content::Text(Text {
            text: "Hello".to_owned(),
            preview_url: None,
        }),
        reply_to: None,
        degrade: Vec::new(),
        fallback: None,
        attributes: Vec::new(),
    };
    let name = "message.build without settings";
    let build = || plugin.build("{}", &message, &Window::Unknown, None);
    if let Some(Err(problems)) = twice(rules, name, build).await {
        let found = if problems.is_empty() {
            vec!["it refuses and names no problem".to_owned()]
        } else {
            vague(&problems)
        };
        rules.none(
            "a refused message has problems with pointer, code and message",
            &found,
        );
    }
    if plugin.has("window") {
        let state = WindowState {
            opened: None,
            refused: None,
            free_entry_point: None,
        };
        let name = "window.evaluate of a contact that never wrote";
        if let Some(window) = twice(rules, name, || plugin.evaluate(&state, 0)).await {
            let open = matches!(window, Window::Open(_));
            rules.holds("a window that nothing opened is not open", !open, || {
                format!("{window:?}")
            });
        }
    }
}

/// Calls a function in two sandboxes. It must answer within the limits, and the same both times.
async fn twice<T, F>(rules: &mut Rules, name: &str, call: impl Fn() -> F) -> Option<T>
where
    T: Debug + PartialEq,
    F: Future<Output = Result<T, CallError>>,
{
    let answers = format!("{name} answers within the limits");
    let both = async {
        let one = call().await?;
        Ok::<_, CallError>((one, call().await?))
    };
    let (one, other) = match both.await {
        Ok(both) => both,
        Err(error) => {
            rules.broken(answers, error.to_string());
            return None;
        }
    };
    rules.met(answers, "");
    let same = one == other;
    rules.holds(
        &format!("{name} always gives the same answer"),
        same,
        || "two sandboxes gave two answers; use no randomness, and no map without order".to_owned(),
    );
    Some(one)
}

/// Problems that nobody could act on.
fn vague(problems: &[Problem]) -> Vec<String> {
    let good = |problem: &&Problem| {
        (problem.pointer.is_empty() || problem.pointer.starts_with('/'))
            && is_word(&problem.code.replace('_', "-"))
            && !problem.message.trim().is_empty()
    };
    let vague = problems.iter().filter(|problem| !good(problem));
    vague.map(|problem| format!("{problem:?}")).collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether text is an origin (RFC 6454): scheme, host, perhaps a port, and nothing behind it. Without encryption only to
/// this machine.
fn is_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        }
    };
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    is_host && is_port && (scheme == "https" || scheme == "http" && here)
}

/// Whether a JSON Schema declares the member that a JSON Pointer (RFC 6901) names.
fn declares(schema: &Value, pointer: &str) -> bool {
    let Some(path) = pointer.strip_prefix('/') else {
        return false;
    };
    let mut schema = Some(schema);
    for token in path.split('/') {
        let token = token.replace("~1", "/").replace("~0", "~");
        schema = schema.and_then(|schema| schema.get("properties")?.get(&token));
    }
    schema.is_some()
}

#[cfg(test)]
mod tests;
