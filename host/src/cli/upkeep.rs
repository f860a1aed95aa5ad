//! `outbox` and `backup`: keeping a copy, and letting one send.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Session, Status, print};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tell whether messages are held because the store is a copy.
    Outbox {
        #[command(subcommand)]
        command: Option<Outbox>,
    },
    /// Copy the store to a new file while it is in use. The copy holds its outbox.
    Backup {
        /// The file, on the host's machine. It must not exist.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Outbox {
    /// Tell whether messages are held.
    Show,
    /// Let a copy send. For whoever knows that the original does not any more.
    Release,
}

/// Runs one command.
pub(super) async fn run(session: &Session, command: Command) -> Result<Status> {
    let remote = &session.remote;
    match command {
        Command::Outbox {
            command: None | Some(Outbox::Show),
        } => session.show(&remote.get(&["outbox"], &[]).await?, outbox)?,
        Command::Outbox {
            command: Some(Outbox::Release),
        } => {
            let answer = remote.post(&["outbox", "release"], &json!({})).await?;
            session.show(&answer, outbox)?;
        }
        Command::Backup { file } => {
            // The host has another working directory.
            let file = std::path::absolute(&file)
                .with_context(|| format!("{} is no file's name", file.display()))?;
            let answer = remote.post(&["backup"], &json!({"file": file})).await?;
            session.show(&answer, |answer| {
                format!("{}\n", print::text(answer, "/file"))
            })?;
        }
    }
    Ok(Status::Done)
}

fn outbox(answer: &Value) -> String {
    if answer["held"] == true {
        "held: this store is a copy; `channel-host outbox release` lets it send\n".to_owned()
    } else {
        "messages are sent\n".to_owned()
    }
}
