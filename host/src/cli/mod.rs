//! The command's arguments, and what each of its commands prints.

mod account;
mod channels;
mod commands;
mod contacts;
mod deliveries;
#[cfg(feature = "bundled")]
mod demo;
mod events;
mod media;
mod messages;
mod print;
mod remote;
mod serve;
mod settings;
mod templates;
mod upkeep;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use channel_host::contract::json;
use channel_host::{Cache, Engine, EngineError, Limits, LoadError, Plugin};
use channel_host::{api, plain};
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde::Serialize;
use serde_json::Value;
use tracing_subscriber::EnvFilter;

use remote::{Answer, Failure, Remote};

#[cfg(feature = "bundled")]
const BUNDLED: Option<&[u8]> = Some(include_bytes!(env!("BUNDLED_COMPONENT")));
#[cfg(not(feature = "bundled"))]
const BUNDLED: Option<&[u8]> = None;

/// Runs messaging channels that are WebAssembly components.
///
/// `serve` runs a host; most other commands talk to the one that runs.
#[derive(Debug, Parser)]
#[command(name = "channel-host", version, after_help = AFTER_HELP)]
struct Cli {
    /// The host's directory; `channel-host` in the user's data directory where absent.
    #[arg(long, global = true, value_name = "DIR", env = "CHANNEL_HOST_DATA")]
    data: Option<PathBuf>,
    /// Print JSON, one object a line.
    #[arg(long, global = true)]
    json: bool,
    /// Compile components anew instead of keeping them in the user's cache directory.
    #[arg(long, global = true)]
    no_cache: bool,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit status: 0 done, 2 wrong usage or a file that can't be read, 3 refused or something wrong was found, 4 the other \
side failed or no host runs.
CHANNEL_HOST_URL and CHANNEL_HOST_TOKEN name a host that runs elsewhere; --data counts more.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the host: take webhooks in, send messages, serve the REST API.
    Serve(serve::Arguments),
    /// Play a conversation through the bundled channel, with a simulator of its vendor, and leave nothing behind.
    #[cfg(feature = "bundled")]
    Demo(demo::Arguments),
    /// Add, change, check and remove channels.
    Channel {
        #[command(subcommand)]
        command: channels::Command,
    },
    /// Show and change the business's profile, its number, and whom it has blocked.
    Account {
        #[command(subcommand)]
        command: account::Command,
    },
    #[command(flatten)]
    Messages(messages::Command),
    /// Print what happened, one event a line.
    Events(events::Arguments),
    #[command(flatten)]
    Deliveries(deliveries::Command),
    /// Import and forget contacts.
    Contacts {
        #[command(subcommand)]
        command: contacts::Command,
    },
    /// Have the files of messages, and upload files to be sent.
    Media {
        #[command(subcommand)]
        command: media::Command,
    },
    /// Check, submit, add, preview and send templates.
    Templates {
        #[command(subcommand)]
        command: templates::Command,
    },
    #[command(flatten)]
    Upkeep(upkeep::Command),
    /// Print the description of the REST API (`OpenAPI` 3.1). Needs no host.
    Openapi,
    #[command(flatten)]
    Offline(commands::Command),
}

#[derive(Debug, Args)]
struct PluginArg {
    /// The component of the channel; the bundled one where absent.
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// It did what was asked.
    Done = 0,
    /// What the caller gave can't be used. clap has the same number for it.
    Usage = 2,
    /// The host or the vendor refused, or what was looked at is wrong.
    Refused = 3,
    /// The host or the vendor failed, or no host runs.
    Failed = 4,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// What the caller gave can't be used: a file, a value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// A command that talks to a running host, and how it prints.
struct Session {
    remote: Remote,
    json: bool,
}

impl Session {
    /// Prints an answer: as it came, or for people.
    fn show(&self, answer: &Answer, people: impl FnOnce(&Value) -> String) -> Result<()> {
        if !self.json {
            print::write(&people(&answer.value))
        } else if answer.text.is_empty() {
            Ok(())
        } else {
            print::write(&format!("{}\n", answer.text.replace(['\n', '\r'], "")))
        }
    }

    /// Prints what several answers came to.
    fn sum_up(&self, value: &Value, people: impl FnOnce(&Value) -> String) -> Result<()> {
        if self.json {
            print_line(value)
        } else {
            print::write(&people(value))
        }
    }
}

/// Runs the command.
pub(crate) fn run() -> ExitCode {
    let matches = Cli::command().get_matches();
    let is_named = matches.value_source("data") == Some(ValueSource::CommandLine);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    start_log(&cli.command);
    let json = cli.json;
    let outcome = runtime(&cli.command)
        .context("the runtime could not be started")
        .and_then(|runtime| runtime.block_on(execute(cli, is_named)));
    match outcome {
        Ok(status) => status.into(),
        // Whoever read our output has seen enough.
        Err(error) if is_closed_pipe(&error) => Status::Done.into(),
        Err(error) => {
            match error.downcast_ref() {
                Some(Failure::Problem(problem)) if json => {
                    // Where standard output is gone, there is nobody to tell.
                    let _ = print_line(&problem.details);
                }
                _ => complain(&error),
            }
            status(&error).into()
        }
    }
}

/// How the command ends that could not do what was asked.
fn status(error: &anyhow::Error) -> Status {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.status();
    }
    match error.downcast_ref::<LoadError>() {
        Some(LoadError::Read { .. }) => Status::Usage,
        Some(_) => Status::Refused,
        None if error.is::<Usage>() => Status::Usage,
        None => Status::Failed,
    }
}

fn start_log(command: &Command) {
    let (level, json) = match command {
        Command::Serve(arguments) => (tracing::Level::INFO, arguments.log_json),
        // What goes wrong in it is part of the story.
        #[cfg(feature = "bundled")]
        Command::Demo(_) => (tracing::Level::ERROR, false),
        _ => (tracing::Level::WARN, false),
    };
    let filter = EnvFilter::builder()
        .with_default_directive(level.into())
        .from_env_lossy();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // They would be printed to the same closed pipe, and panic.
        .log_internal_errors(false);
    if json {
        log.json().init();
    } else {
        log.init();
    }
}

fn runtime(command: &Command) -> io::Result<tokio::runtime::Runtime> {
    match command {
        Command::Serve(_) => tokio::runtime::Builder::new_multi_thread(),
        #[cfg(feature = "bundled")]
        Command::Demo(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    }
    .enable_all()
    .build()
}

/// Says on standard error what went wrong. Some of it are a plugin's words, or a vendor's.
fn complain(error: &anyhow::Error) {
    let sentence = match error.downcast_ref::<Failure>() {
        // It has lines of its own, and is safe to print.
        Some(failure) => failure.to_string(),
        None => plain(&format!("{error:#}")),
    };
    // Where standard error is gone too, there is nobody to tell.
    let _ = writeln!(io::stderr(), "channel-host: {sentence}");
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Executes it. A data directory that the command line names counts more than the environment.
async fn execute(cli: Cli, is_named: bool) -> Result<Status> {
    let find = || Remote::open(&directory(cli.data.as_deref())?, is_named);
    let session = || {
        let (remote, json) = (find()?, cli.json);
        Ok::<_, anyhow::Error>(Session { remote, json })
    };
    match cli.command {
        Command::Serve(arguments) => {
            let directory = directory(cli.data.as_deref())?;
            serve::run(&arguments, &directory, &engine(cli.no_cache)?, cli.json).await
        }
        #[cfg(feature = "bundled")]
        Command::Demo(arguments) => demo::run(&arguments, &engine(cli.no_cache)?).await,
        Command::Channel { command } => channels::run(&session()?, &command, cli.no_cache).await,
        Command::Account { command } => account::run(&session()?, command).await,
        Command::Messages(command) => messages::run(&session()?, command).await,
        Command::Events(arguments) => events::run(find, &arguments, &mut io::stdout().lock()).await,
        Command::Deliveries(command) => deliveries::run(&session()?, command).await,
        Command::Contacts { command } => contacts::run(&session()?, command).await,
        Command::Media { command } => media::run(&session()?, command).await,
        Command::Templates { command } => match command {
            templates::Command::Offline(command) => {
                templates::offline(&engine(cli.no_cache)?, command, cli.json).await
            }
            templates::Command::Online(command) => templates::online(&session()?, command).await,
        },
        Command::Openapi => {
            print_line(api::openapi())?;
            Ok(Status::Done)
        }
        Command::Upkeep(command) => upkeep::run(&session()?, command).await,
        Command::Offline(command) => commands::run(&engine(cli.no_cache)?, command, cli.json).await,
    }
}

/// The host's directory.
fn directory(given: Option<&Path>) -> Result<PathBuf> {
    let directory = match given {
        Some(directory) => directory.to_owned(),
        None => dirs::data_dir()
            .ok_or_else(|| Usage("there is no home directory: name one by --data DIR".to_owned()))?
            .join("channel-host"),
    };
    let absolute = std::path::absolute(&directory);
    Ok(absolute.map_err(|error| Usage(format!("{}: {error}", directory.display())))?)
}

fn engine(no_cache: bool) -> Result<Engine> {
    let cache = if no_cache { Cache::Off } else { Cache::User };
    let engine = Engine::new(Limits::recommended(), &cache).or_else(|error| match error {
        // No home directory, or one that can't be written to: slower, but no reason to stop.
        EngineError::Cache(_) => {
            tracing::warn!(%error, "components are compiled anew");
            Engine::new(Limits::recommended(), &Cache::Off)
        }
        error => Err(error),
    })?;
    Ok(engine)
}

fn load(engine: &Engine, plugin: &PluginArg) -> Result<Plugin> {
    match (&plugin.plugin, BUNDLED) {
        (Some(path), _) => engine
            .load_file(path)
            .with_context(|| format!("{} is no plugin", path.display())),
        (None, Some(bundled)) => Ok(engine.load("bundled", bundled)?),
        (None, None) => Err(Usage("name a channel's component: --plugin FILE".to_owned()).into()),
    }
}

/// Prints one line of JSON.
fn print_line(value: &impl Serialize) -> Result<()> {
    print::write(&format!("{}\n", json::one_line(value)?))
}

/// The largest body, message or settings that is read.
const INPUT_BYTES: u64 = 16 << 20;

/// Reads a file, or standard input.
fn read(path: &Path) -> Result<Vec<u8>> {
    read_up_to(path, INPUT_BYTES)
}

fn read_up_to(path: &Path, most: u64) -> Result<Vec<u8>> {
    use std::io::Read;

    let mut bytes = Vec::new();
    let limit = most + 1;
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    let path = path.display();
    read.map_err(|error| Usage(format!("{path} can't be read: {error}")))?;
    if u64::try_from(bytes.len())? > most {
        return Err(Usage(format!("{path} is larger than {most} bytes")).into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_message_is_a_file_or_a_text_and_not_both() {
        let parsed = |arguments: &str| {
            let words = arguments.split(' ');
            Cli::try_parse_from(["channel-host", "send", "a"].into_iter().chain(words)).is_ok()
        };
        assert!(parsed("message.json"));
        assert!(parsed("--to 1 --text Hi"));
        assert!(!parsed("message.json --to 1 --text Hi"));
        assert!(!parsed("--to 1"));
        assert!(!parsed("--key k"));
    }

    #[test]
    fn a_window_is_one_contacts() {
        let parsed = |arguments: &str| {
            let words = arguments.split(' ');
            Cli::try_parse_from(["channel-host", "window", "a"].into_iter().chain(words)).is_ok()
        };
        assert!(parsed("--phone 1"));
        assert!(!parsed("--phone 1 --group 2"));
        assert!(!parsed("--json"));
    }

    #[test]
    fn errors_have_the_status_of_their_cause() {
        let usage = anyhow::Error::from(Usage("a".to_owned())).context("b");
        assert_eq!(status(&usage), Status::Usage);
        let failure = Failure::Unreachable("a".to_owned());
        assert_eq!(status(&failure.into()), Status::Failed);
        let no_plugin = anyhow::Error::from(LoadError::NotWasm).context("b");
        assert_eq!(status(&no_plugin), Status::Refused);
        assert_eq!(status(&anyhow::anyhow!("a")), Status::Failed);
    }
}
