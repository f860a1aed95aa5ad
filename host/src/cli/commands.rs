//! The commands, apart from their arguments.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use channel_host::check;
use channel_host::contract::events::{Delivery, Event, RejectionReason};
use channel_host::contract::json;
use channel_host::contract::outbound::{
    ClosedWindow, Message, OpenWindow, Opening, OpeningCause, Payload, Window,
};
use channel_host::contract::templates::Definition;
use channel_host::contract::types::Problem;
use channel_host::settings::take_secrets;
use channel_host::{CallError, Engine, Plugin};
use serde::Serialize;

use super::{WindowArg, complain, read, source};

/// A file's name and what is in it.
type Input = (String, Result<Vec<u8>>);

#[derive(Serialize)]
struct EventLine<'a> {
    source: &'a str,
    #[serde(flatten)]
    event: &'a Event,
}

#[derive(Serialize)]
struct RejectedLine<'a> {
    source: &'a str,
    rejected: Rejected<'a>,
}

#[derive(Serialize)]
struct Rejected<'a> {
    reason: &'a str,
    detail: String,
}

#[derive(Serialize)]
struct PayloadsLine<'a> {
    source: &'a str,
    payloads: &'a [Payload],
}

#[derive(Serialize)]
struct ProblemsLine<'a> {
    source: &'a str,
    problems: &'a [Problem],
}

/// Prints one line of JSON.
pub(super) fn line(out: &mut impl Write, value: &impl Serialize) -> Result<()> {
    writeln!(out, "{}", json::one_line(value)?)?;
    Ok(())
}

/// Settings for the sandbox. Only `validate` speaks of what is wrong with them.
pub(super) async fn settings(plugin: &Plugin, path: Option<&Path>) -> Result<Option<String>> {
    let Some(path) = path else {
        return Ok(None);
    };
    let settings = text(path)?;
    let description = plugin.describe().await?;
    let settings = take_secrets(&settings, &description)
        .with_context(|| format!("{} is not JSON", path.display()))?;
    Ok(Some(settings.visible))
}

/// A template's definition.
pub(super) fn definition(path: &Path) -> Result<Definition> {
    serde_json::from_str(&text(path)?)
        .with_context(|| format!("{} is no template definition", path.display()))
}

fn text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).with_context(|| format!("{} is not UTF-8", source(path)))
}

/// Prints the events of every body; false where one can't be read.
pub(super) async fn normalize_all(
    plugin: &Plugin,
    settings: Option<&str>,
    bodies: impl Iterator<Item = Input>,
    out: &mut impl Write,
) -> Result<bool> {
    let mut fine = true;
    for (source, body) in bodies {
        match body {
            Ok(body) => normalize(plugin, settings, &source, body, out).await?,
            Err(error) => fine = unread(&error),
        }
    }
    Ok(fine)
}

/// Prints the events of one body.
pub(super) async fn normalize(
    plugin: &Plugin,
    settings: Option<&str>,
    source: &str,
    body: Vec<u8>,
    out: &mut impl Write,
) -> Result<()> {
    let delivery = Delivery {
        method: "POST".to_owned(),
        path: String::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body,
    };
    let answer = plugin.normalize(settings, &delivery).await;
    let rejected = match &answer {
        Ok(Ok(events)) => {
            for event in events {
                line(out, &EventLine { source, event })?;
            }
            return Ok(());
        }
        Ok(Err(rejection)) => Rejected {
            reason: match &rejection.reason {
                RejectionReason::Malformed => "malformed",
                RejectionReason::Foreign => "foreign",
                RejectionReason::Other(reason) => reason,
            },
            detail: rejection.detail.clone(),
        },
        Err(error) => Rejected {
            reason: error.reason(),
            detail: error.to_string(),
        },
    };
    line(out, &RejectedLine { source, rejected })
}

/// Tells about a file that can't be read, which fails the command but stops nothing.
fn unread(error: &anyhow::Error) -> bool {
    complain(error);
    false
}

/// What all messages of one command are built with.
pub(super) struct Order<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) settings: &'a str,
    pub(super) window: Window,
    pub(super) definition: Option<Definition>,
}

/// Prints the payloads of every message; false where one can't be read.
pub(super) async fn build_all(
    order: &Order<'_>,
    messages: impl Iterator<Item = Input>,
    out: &mut impl Write,
) -> Result<bool> {
    let mut fine = true;
    for (source, message) in messages {
        match message {
            Ok(message) => build(order, &source, &message, out).await?,
            Err(error) => fine = unread(&error),
        }
    }
    Ok(fine)
}

async fn build(
    order: &Order<'_>,
    source: &str,
    message: &[u8],
    out: &mut impl Write,
) -> Result<()> {
    let built = match Message::read(message) {
        Ok(message) => order
            .plugin
            .build(
                order.settings,
                &message,
                &order.window,
                order.definition.as_ref(),
            )
            .await
            .unwrap_or_else(|error| Err(vec![failure(&error)])),
        Err(problems) => Err(problems),
    };
    match &built {
        Ok(payloads) => line(out, &PayloadsLine { source, payloads }),
        Err(problems) => line(out, &ProblemsLine { source, problems }),
    }
}

/// A failed call, told as a problem of the whole.
fn failure(error: &CallError) -> Problem {
    problem(error.reason(), error.to_string())
}

fn problem(code: &str, message: String) -> Problem {
    Problem {
        pointer: String::new(),
        code: code.to_owned(),
        message,
        source: None,
    }
}

/// The window that an argument asks for.
pub(super) fn window(arg: WindowArg) -> Window {
    /// 24 hours.
    const DAY: u64 = 24 * 60 * 60 * 1000;

    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default();
    match arg {
        WindowArg::Open => Window::Open(OpenWindow {
            until: now + DAY,
            because: Opening {
                at: now,
                cause: OpeningCause::Message,
                id: None,
            },
        }),
        WindowArg::Closed => Window::Closed(ClosedWindow {
            since: None,
            because: None,
        }),
        WindowArg::Unknown => Window::Unknown,
    }
}

/// Prints what is wrong with settings; false where anything is.
pub(super) async fn validate(
    plugin: &Plugin,
    source: &str,
    settings: &[u8],
    out: &mut impl Write,
) -> Result<bool> {
    let description = plugin.describe().await?;
    let parted = std::str::from_utf8(settings)
        .map_err(|error| error.to_string())
        .and_then(|text| take_secrets(text, &description).map_err(|error| error.to_string()));
    let problems = match parted {
        Ok(parted) => {
            let mut problems = parted.problems;
            let theirs = plugin.validate(&parted.visible).await?;
            let told: Vec<String> = problems.iter().map(|p| p.pointer.clone()).collect();
            // What the host has said of a secret need not be said again.
            problems.extend(theirs.into_iter().filter(|p| !told.contains(&p.pointer)));
            problems
        }
        Err(error) => vec![problem("malformed", format!("this is not JSON: {error}"))],
    };
    let problems = problems.as_slice();
    line(out, &ProblemsLine { source, problems })?;
    Ok(problems.is_empty())
}

/// Prints every rule; false where one is broken.
pub(super) async fn check(engine: &Engine, component: &[u8], out: &mut impl Write) -> Result<bool> {
    let rules = check::check(engine, component).await;
    for rule in &rules {
        let word = if rule.met { "met    " } else { "BROKEN " };
        if rule.detail.is_empty() {
            writeln!(out, "{word}{}", rule.name)?;
        } else {
            writeln!(out, "{word}{}: {}", rule.name, rule.detail)?;
        }
    }
    let broken = rules.iter().filter(|rule| !rule.met).count();
    match broken {
        0 => writeln!(out, "a channel: {} rules are met", rules.len())?,
        1 => writeln!(out, "not a channel: 1 rule is broken")?,
        _ => writeln!(out, "not a channel: {broken} rules are broken")?,
    }
    Ok(broken == 0)
}
