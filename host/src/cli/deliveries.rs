//! `deliveries`, `delivery` and `replay`: what came in.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use channel_host::plain;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::remote::Failure;
use super::{Session, Status, Usage, print};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List a channel's deliveries, the latest first.
    Deliveries {
        /// The channel's name or id.
        channel: String,
        /// Only those in this state (`pending`, `done` or `parked`).
        #[arg(long)]
        state: Option<String>,
        /// Only those before this one.
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        /// At most so many.
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Show one delivery.
    Delivery {
        /// Its number.
        id: i64,
        /// Write its body as it came, and nothing else.
        #[arg(long)]
        body: bool,
    },
    /// Let a channel take in again what is parked.
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The delivery's number; with --all, the channel's name or id.
    #[arg(value_name = "ID|CHANNEL")]
    which: String,
    /// All parked deliveries of the channel.
    #[arg(long)]
    all: bool,
}

/// Runs one command.
pub(super) async fn run(session: &Session, command: Command) -> Result<Status> {
    let remote = &session.remote;
    match command {
        Command::Deliveries {
            channel,
            state,
            before,
            limit,
        } => {
            let query = [
                ("state", state),
                ("before", before.map(|it| it.to_string())),
                ("limit", limit.map(|it| it.to_string())),
            ];
            let segments = ["channels", &channel, "deliveries"];
            session.show(&remote.get(&segments, &query).await?, list)?;
        }
        Command::Delivery { id, body: true } => {
            let segments = ["deliveries", &id.to_string(), "body"];
            body(session, &segments).await?;
        }
        Command::Delivery { id, body: false } => {
            let answer = remote.get(&["deliveries", &id.to_string()], &[]).await?;
            session.show(&answer, delivery)?;
        }
        Command::Replay(Replay { which, all }) => {
            let answer = if all {
                let segments = ["channels", &which, "deliveries", "replay"];
                remote.post(&segments, &json!({})).await?
            } else {
                which.parse::<i64>().map_err(|_| {
                    Usage(format!(
                        "{} is no delivery's number: give one, or --all with the channel",
                        plain(&which)
                    ))
                })?;
                let segments = ["deliveries", &which, "replay"];
                remote.post(&segments, &json!({})).await?
            };
            session.show(&answer, |answer| {
                format!("{} taken in again\n", print::text(answer, "/replayed"))
            })?;
        }
    }
    Ok(Status::Done)
}

async fn body(session: &Session, segments: &[&str]) -> Result<()> {
    let remote = &session.remote;
    let request = remote.request(Method::GET, segments, &[]);
    let response = remote.begin(request).await?;
    let body = response.bytes().await;
    let body = body.map_err(|error| Failure::Unreachable(error.without_url().to_string()))?;
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        // Whoever sent it does not get to move the cursor.
        writeln!(out, "{}", plain(&String::from_utf8_lossy(&body)))?;
    } else {
        out.write_all(&body)?;
    }
    Ok(out.flush()?)
}

fn list(answer: &Value) -> String {
    let members = [
        "/id",
        "/state",
        "/received",
        "/events",
        "/reason",
        "/detail",
    ];
    let rows = print::list(answer, "/deliveries").iter();
    let rows = rows.map(|stored| members.map(|member| print::text(stored, member)));
    let headings = ["ID", "STATE", "RECEIVED", "EVENTS", "REASON", "DETAIL"];
    print::listing(headings, rows, "there is no such delivery")
}

fn delivery(stored: &Value) -> String {
    let members = [
        ("delivery", "/id"),
        ("channel", "/channel"),
        ("received", "/received"),
        ("state", "/state"),
        ("reason", "/reason"),
        ("detail", "/detail"),
        ("events", "/events"),
        ("method", "/method"),
        ("path", "/path"),
    ];
    let mut rows: Vec<_> = members
        .map(|(name, member)| (name, print::text(stored, member)))
        .into();
    rows.extend(print::list(stored, "/query").iter().map(|parameter| {
        let [name, value] = ["/0", "/1"].map(|member| print::text(parameter, member));
        ("query", format!("{name}={value}"))
    }));
    rows.extend(print::list(stored, "/headers").iter().map(|header| {
        let [name, value] = ["/name", "/value"].map(|member| print::text(header, member));
        ("header", format!("{name}: {value}"))
    }));
    print::pairs(rows)
}
