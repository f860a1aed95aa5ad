//! The command's arguments, and what each of its commands does.

mod print;
mod remote;
mod serve;

use std::io::{self, Read, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::http::Method;
use clap::{Parser, Subcommand};
use serde_json::Value;
use url::Url;

use crate::control::{Acting, ClockChange, Review};
use crate::{Act, Decision, Fault, Rule, StartError, Who};
use remote::{Failure, Remote};

/// Where `serve` listens unless it is told otherwise.
const DEFAULT_AT: &str = "http://127.0.0.1:8360";

/// How often `requests --follow` looks.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);

/// Stands in for 360dialog's WhatsApp API on this machine.
///
/// `serve` runs a simulator; every other command plays a part in the one that runs.
#[derive(Debug, Parser)]
#[command(name = "simulator-360dialog", version, after_help = AFTER_HELP)]
struct Cli {
    /// Where the simulator runs.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "SIMULATOR_URL",
        default_value = DEFAULT_AT,
        value_parser = base
    )]
    at: Url,
    /// Print JSON, one object a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit status: 0 done, 2 wrong usage or a file that can't be read, 3 refused, 4 no simulator answers there, or serve\ncan't listen there.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a simulator.
    Serve(serve::Arguments),
    /// Let a customer do something. Prints the id of the message that it makes.
    Customer {
        #[command(flatten)]
        who: Who,
        #[command(subcommand)]
        act: Act,
    },
    /// List the customers.
    Customers,
    /// List the templates.
    Templates,
    /// Let Meta's reviewer decide on a template.
    Review {
        /// The template's name.
        name: String,
        /// Its language, where several templates have that name.
        #[arg(long, global = true)]
        language: Option<String>,
        #[command(subcommand)]
        decision: Decision,
    },
    /// Tell the simulator's time, or change it.
    Clock {
        /// Let time pass at once: 90s, 30m, 25h or 7d.
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        advance: Option<u64>,
        /// Let it stand still.
        #[arg(long, conflicts_with = "go_on")]
        freeze: bool,
        /// Let it go on from where it stands.
        #[arg(long)]
        go_on: bool,
    },
    /// Let something go wrong.
    Fault {
        /// Of the requests, only those to this path.
        #[arg(long, global = true)]
        path: Option<String>,
        /// So many times; until the faults are cleared where absent.
        #[arg(long, global = true, value_name = "N")]
        times: Option<NonZeroU32>,
        #[command(subcommand)]
        fault: Fault,
    },
    /// List what goes wrong.
    Faults {
        /// Let nothing go wrong any more.
        #[arg(long)]
        clear: bool,
    },
    /// List the requests to the API, in order.
    Requests {
        /// Go on with those that come.
        #[arg(long)]
        follow: bool,
    },
    /// List the messages that were accepted.
    Messages,
    /// List the webhooks, and what became of them.
    Deliveries,
    /// Deliver bodies of one's own to the webhook, until they are taken. Prints their ids.
    Deliver {
        /// Files with a body each; - is standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Deliver once more what was delivered.
    Redeliver {
        /// The delivery's id.
        id: u64,
    },
}

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Done = 0,
    /// clap has the same number for it.
    Usage = 2,
    Refused = 3,
    Failed = 4,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}

/// What the caller gave can't be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Runs the command `simulator-360dialog` with the arguments of this process.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = tokio::runtime::Runtime::new()
        .context("the runtime could not be started")
        .and_then(|runtime| runtime.block_on(execute(cli)));
    let status = match outcome {
        Ok(()) => Status::Done,
        // Whoever read our output has seen enough.
        Err(error) if is_closed_pipe(&error) => Status::Done,
        Err(error) => {
            // Where standard error is gone too, there is nobody to tell.
            let _ = writeln!(io::stderr(), "simulator-360dialog: {error:#}");
            status(&error)
        }
    };
    status.into()
}

/// How the command ends that could not do what was asked.
fn status(error: &anyhow::Error) -> Status {
    if let Some(Failure::Refused(_)) = error.downcast_ref() {
        return Status::Refused;
    }
    match error.downcast_ref() {
        Some(StartError::NotLoopback(_) | StartError::Tunnel(_)) => Status::Usage,
        None if error.is::<Usage>() => Status::Usage,
        _ => Status::Failed,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

async fn execute(cli: Cli) -> Result<()> {
    let remote = Remote::new(cli.at);
    let show =
        |answer: &Value, row: print::Row, none: &str| print::list(answer, cli.json, row, none);
    match cli.command {
        Command::Serve(arguments) => serve::run(arguments, cli.json).await,
        Command::Customer { who, act } => {
            let made = remote.post(&["customers"], &Acting { who, act }).await?;
            show(&made, print::id, "")
        }
        Command::Customers => {
            let customers = remote.get(&["customers"]).await?;
            show(&customers, print::customer, "nobody wrote")
        }
        Command::Templates => {
            let templates = remote.get(&["templates"]).await?;
            show(&templates, print::template, "no templates")
        }
        Command::Review {
            name,
            language,
            decision,
        } => {
            let review = Review { language, decision };
            let segments = ["templates", &name, "review"];
            show(&remote.post(&segments, &review).await?, print::template, "")
        }
        Command::Clock {
            advance,
            freeze,
            go_on,
        } => {
            let frozen = (freeze || go_on).then_some(freeze);
            let change = ClockChange { advance, frozen };
            show(&remote.post(&["clock"], &change).await?, print::clock, "")
        }
        Command::Fault { path, times, fault } => {
            let rule = Rule { fault, path, times };
            show(&remote.post(&["faults"], &rule).await?, print::rule, "")
        }
        Command::Faults { clear } => {
            let method = if clear { Method::DELETE } else { Method::GET };
            let rules = remote.ask(method, &["faults"], None, Vec::new()).await?;
            show(&rules, print::rule, "nothing goes wrong on purpose")
        }
        Command::Requests { follow: false } => {
            let requests = remote.get(&["requests"]).await?;
            show(&requests, print::request, "no requests")
        }
        Command::Requests { follow: true } => follow(&remote, cli.json).await,
        Command::Messages => {
            let messages = remote.get(&["messages"]).await?;
            show(&messages, print::message, "no messages")
        }
        Command::Deliveries => {
            let deliveries = remote.get(&["deliveries"]).await?;
            show(&deliveries, print::delivery, "no webhooks")
        }
        Command::Deliver { files } => {
            let bodies: Vec<_> = files
                .iter()
                .map(|file| read(file))
                .collect::<Result<_, _>>()?;
            for body in bodies {
                let made = remote
                    .ask(Method::POST, &["deliveries"], None, body)
                    .await?;
                show(&made, print::id, "")?;
            }
            Ok(())
        }
        Command::Redeliver { id } => {
            let segments = ["deliveries", &id.to_string(), "again"];
            show(&remote.post(&segments, &Value::Null).await?, print::id, "")
        }
    }
}

/// Prints the requests so far and those that come, until the simulator or the command is ended.
async fn follow(remote: &Remote, json: bool) -> Result<()> {
    let mut after = 0;
    loop {
        let query = format!("after={after}");
        let segments = ["requests"];
        let later = remote
            .ask(Method::GET, &segments, Some(&query), Vec::new())
            .await?;
        print::list(&later, json, print::request, "")?;
        let last = later.as_array().and_then(|later| later.last());
        after = last
            .and_then(|last| last["sequence"].as_u64())
            .unwrap_or(after);
        tokio::time::sleep(FOLLOW_EVERY).await;
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Usage> {
    let read = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| Usage(format!("{} can't be read: {error}", path.display())))
}

/// Reads a time as people write it, into seconds.
fn seconds(text: &str) -> Result<u64, &'static str> {
    let units = [("s", 1), ("m", 60), ("h", 60 * 60), ("d", 24 * 60 * 60)];
    let read = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*seconds)
    });
    read.ok_or("write a number and s, m, h or d, as in 25h")
}

/// Reads where a simulator runs.
fn base(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).ok();
    url.filter(|url| url.scheme() == "http" && url.has_host())
        .ok_or("write http://, host and port, as serve prints it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultStatus;
    use axum::http::StatusCode;
    use clap::CommandFactory;
    use serde_json::json;

    fn parsed(arguments: &str) -> Result<Cli, clap::Error> {
        let words = arguments.split(' ');
        Cli::try_parse_from(["simulator-360dialog"].into_iter().chain(words))
    }

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_time_is_a_number_and_a_unit() {
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("30m"), Ok(1800));
        assert_eq!(seconds("25h"), Ok(90_000));
        assert_eq!(seconds("7d"), Ok(604_800));
        for wrong in ["", "h", "1", "-1h", "1.5h", "1w", "18446744073709551615d"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn where_and_how_often_may_stand_behind_the_fault() -> Result<()> {
        for arguments in [
            "fault --path /messages --times 2 cut --done",
            "fault cut --done --path /messages --times 2",
        ] {
            let Command::Fault { path, times, fault } = parsed(arguments)?.command else {
                anyhow::bail!("{arguments} is no fault");
            };
            assert_eq!(
                (path.as_deref(), times),
                (Some("/messages"), NonZeroU32::new(2))
            );
            assert_eq!(fault, Fault::Cut { done: true });
        }
        assert!(parsed("fault --times 0 duplicate").is_err());
        Ok(())
    }

    #[test]
    fn the_body_of_a_fault_is_json() -> Result<()> {
        for (arguments, expected) in [
            ("fault status 503", Value::Null),
            (
                r#"fault status 503 --body {"error":1}"#,
                json!({"error": 1}),
            ),
        ] {
            let Command::Fault { fault, .. } = parsed(arguments)?.command else {
                anyhow::bail!("{arguments} is no fault");
            };
            let (status, body, done) = (
                FaultStatus(StatusCode::SERVICE_UNAVAILABLE),
                expected,
                false,
            );
            assert_eq!(fault, Fault::Status { status, body, done });
        }
        assert!(parsed("fault status 503 --body {").is_err());
        assert!(parsed("fault status 100").is_err());
        Ok(())
    }

    #[test]
    fn the_clock_does_not_stand_and_go_on_at_once() {
        assert!(parsed("clock --freeze --advance 1h").is_ok());
        assert!(parsed("clock --freeze --go-on").is_err());
    }

    #[test]
    fn a_simulator_runs_at_an_http_address() {
        assert!(parsed("--at http://localhost:1 customers").is_ok());
        assert!(parsed("--at https://localhost:1 customers").is_err());
        assert!(parsed("--at localhost:1 customers").is_err());
    }
}
