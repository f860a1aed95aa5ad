//! The commands that need no host: what a channel makes of files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
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
use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;

use super::{PluginArg, Status, Usage, complain, load, read};

#[cfg(feature = "bundled")]
const EXAMPLE: Option<&[u8]> = Some(include_bytes!(env!("BUNDLED_EXAMPLE")));
#[cfg(not(feature = "bundled"))]
const EXAMPLE: Option<&[u8]> = None;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Turn webhook bodies into events, one a line.
    Normalize {
        #[command(flatten)]
        plugin: PluginArg,
        /// Settings: items for other numbers than theirs are marked.
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// Files that hold one body each; `-` is standard input. Without any, an example of the bundled channel.
        #[arg(value_name = "BODY.json")]
        bodies: Vec<PathBuf>,
    },
    /// Turn messages into the vendor's payloads, one message a line.
    Build {
        #[command(flatten)]
        plugin: PluginArg,
        /// Settings; empty ones where absent.
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// How the contact's window stands; open means for a day from now.
        #[arg(long, value_enum, default_value_t)]
        window: WindowArg,
        /// The definition of the template that the messages name.
        #[arg(long, value_name = "FILE")]
        definition: Option<PathBuf>,
        /// Files that hold one message each; `-` is standard input.
        #[arg(value_name = "MESSAGE.json", required = true)]
        messages: Vec<PathBuf>,
    },
    /// Print what a channel is.
    Describe {
        #[command(flatten)]
        plugin: PluginArg,
    },
    /// Print everything that is wrong with settings. Fails where there is anything.
    Validate {
        #[command(flatten)]
        plugin: PluginArg,
        /// The settings; `-` is standard input.
        #[arg(value_name = "SETTINGS.json")]
        settings: PathBuf,
    },
    /// Tell whether a component is a channel, rule by rule. Fails where one is broken.
    Check {
        /// The component.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// How a contact's window stands.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum WindowArg {
    /// Free-form messages are allowed.
    Open,
    /// Only templates are.
    Closed,
    /// It is not known.
    #[default]
    Unknown,
}

/// Runs one command. All but `check` print JSON in any case.
pub(super) async fn run(engine: &Engine, command: Command, json: bool) -> Result<Status> {
    let out = &mut io::BufWriter::new(io::stdout().lock());
    let status = match command {
        Command::Normalize {
            plugin,
            settings: path,
            bodies,
        } => {
            let loaded = load(engine, &plugin)?;
            let settings = settings(&loaded, path.as_deref()).await?;
            let settings = settings.as_deref();
            if bodies.is_empty() {
                let example = EXAMPLE.filter(|_| plugin.plugin.is_none()).ok_or_else(|| {
                    Usage("name a file with a webhook body; `-` is standard input".to_owned())
                })?;
                normalize(&loaded, settings, "example", example.to_vec(), out).await?;
            }
            normalize_all(&loaded, settings, inputs(bodies), out).await?
        }
        Command::Build {
            plugin,
            settings: path,
            window: window_arg,
            definition: definition_path,
            messages,
        } => {
            let plugin = load(engine, &plugin)?;
            let settings = settings(&plugin, path.as_deref()).await?;
            let order = Order {
                plugin: &plugin,
                settings: settings.as_deref().unwrap_or("{}"),
                window: window(window_arg),
                definition: definition_path.as_deref().map(definition).transpose()?,
            };
            build_all(&order, inputs(messages), out).await?
        }
        Command::Describe { plugin } => {
            line(out, &load(engine, &plugin)?.describe().await?)?;
            Status::Done
        }
        Command::Validate { plugin, settings } => {
            let plugin = load(engine, &plugin)?;
            validate(&plugin, &source(&settings), &read(&settings)?, out).await?
        }
        Command::Check { file } => check(engine, &engine.read(&file)?, json, out).await?,
    };
    out.flush()?;
    Ok(status)
}

/// A file's name and what is in it.
type Input = (String, Result<Vec<u8>>);

fn inputs(paths: Vec<PathBuf>) -> impl Iterator<Item = Input> {
    paths.into_iter().map(|path| (source(&path), read(&path)))
}

/// What a line calls a file.
fn source(path: &Path) -> String {
    path.display().to_string()
}

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
fn line(out: &mut impl Write, value: &impl Serialize) -> Result<()> {
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
        .map_err(|error| Usage(format!("{} is not JSON: {error}", path.display())))?;
    Ok(Some(settings.visible))
}

/// A template's definition.
fn definition(path: &Path) -> Result<Definition> {
    let wrong = |error| {
        Usage(format!(
            "{} is no template definition: {error}",
            path.display()
        ))
    };
    Ok(serde_json::from_str(&text(path)?).map_err(wrong)?)
}

fn text(path: &Path) -> Result<String> {
    let wrong = |_| Usage(format!("{} is not UTF-8", path.display()));
    Ok(String::from_utf8(read(path)?).map_err(wrong)?)
}

/// Prints the events of every body.
async fn normalize_all(
    plugin: &Plugin,
    settings: Option<&str>,
    bodies: impl Iterator<Item = Input>,
    out: &mut impl Write,
) -> Result<Status> {
    let mut status = Status::Done;
    for (source, body) in bodies {
        match body {
            Ok(body) => normalize(plugin, settings, &source, body, out).await?,
            Err(error) => status = unread(&error),
        }
    }
    Ok(status)
}

/// Prints the events of one body.
async fn normalize(
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
fn unread(error: &anyhow::Error) -> Status {
    complain(error);
    Status::Usage
}

/// What all messages of one command are built with.
struct Order<'a> {
    plugin: &'a Plugin,
    settings: &'a str,
    window: Window,
    definition: Option<Definition>,
}

/// Prints the payloads of every message.
async fn build_all(
    order: &Order<'_>,
    messages: impl Iterator<Item = Input>,
    out: &mut impl Write,
) -> Result<Status> {
    let mut status = Status::Done;
    for (source, message) in messages {
        match message {
            Ok(message) => build(order, &source, &message, out).await?,
            Err(error) => status = unread(&error),
        }
    }
    Ok(status)
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
fn window(arg: WindowArg) -> Window {
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

/// Prints what is wrong with settings.
async fn validate(
    plugin: &Plugin,
    source: &str,
    settings: &[u8],
    out: &mut impl Write,
) -> Result<Status> {
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
    Ok(found(problems.is_empty()))
}

/// Prints every rule.
async fn check(
    engine: &Engine,
    component: &[u8],
    json: bool,
    out: &mut impl Write,
) -> Result<Status> {
    let rules = check::check(engine, component).await;
    let broken = rules.iter().filter(|rule| !rule.met).count();
    let status = found(broken == 0);
    if json {
        let member =
            |rule: &check::Rule| json!({"name": rule.name, "met": rule.met, "detail": rule.detail});
        let rules: Vec<_> = rules.iter().map(member).collect();
        line(out, &json!({"channel": broken == 0, "rules": rules}))?;
        return Ok(status);
    }
    for rule in &rules {
        let word = if rule.met { "met    " } else { "BROKEN " };
        if rule.detail.is_empty() {
            writeln!(out, "{word}{}", rule.name)?;
        } else {
            writeln!(out, "{word}{}: {}", rule.name, rule.detail)?;
        }
    }
    match broken {
        0 => writeln!(out, "a channel: {} rules are met", rules.len())?,
        1 => writeln!(out, "not a channel: 1 rule is broken")?,
        _ => writeln!(out, "not a channel: {broken} rules are broken")?,
    }
    Ok(status)
}

/// How the command ends that looked for something wrong.
fn found(fine: bool) -> Status {
    if fine { Status::Done } else { Status::Refused }
}
