//! `media`: the files of messages.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::remote::Failure;
use super::{Session, Status, Usage, complain, print};

/// First bytes that tell a type.
const HEAD: u64 = 8192;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Have a file that came in: fetched from the vendor where the host has it not yet.
    Get {
        /// The channel's name or id.
        channel: String,
        /// The file's id, as the event has it.
        id: String,
        /// Where to write it; standard output where absent.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Upload a file, and print the id to name it by in a message.
    Upload(Upload),
}

#[derive(Debug, Args)]
pub(super) struct Upload {
    /// The channel's name or id.
    channel: String,
    /// The file.
    file: PathBuf,
    /// The kind of message that it is for (`image`, `document`, …).
    #[arg(long, required_unless_present = "purpose", conflicts_with = "purpose")]
    kind: Option<String>,
    /// What else it is for (`template_example`, `profile_picture`).
    #[arg(long)]
    purpose: Option<String>,
    /// Its type; found out from its first bytes where absent.
    #[arg(long = "type", value_name = "TYPE/SUBTYPE")]
    mime_type: Option<String>,
    /// Upload it though the vendor has it.
    #[arg(long)]
    again: bool,
}

/// Runs one command.
pub(super) async fn run(session: &Session, command: Command) -> Result<Status> {
    match command {
        Command::Get {
            channel,
            id,
            output,
        } => {
            let segments = ["channels", &channel, "media", &id];
            get(session, &segments, output.as_deref()).await?;
        }
        Command::Upload(upload) => self::upload(session, upload).await?,
    }
    Ok(Status::Done)
}

async fn get(session: &Session, segments: &[&str], output: Option<&Path>) -> Result<()> {
    if output.is_none() && io::stdout().is_terminal() {
        // Whoever sent it does not get to move the cursor.
        return Err(Usage("a file is not for the terminal: say --output FILE".to_owned()).into());
    }
    let remote = &session.remote;
    let response = remote
        .begin(remote.request(Method::GET, segments, &[]))
        .await?;
    if let Some(found) = response.headers().get("x-found-type") {
        let found = String::from_utf8_lossy(found.as_bytes()).into_owned();
        complain(&anyhow::anyhow!(
            "the vendor says something else of this file, whose bytes are {found}: open it with care"
        ));
    }
    match output {
        None => copy(response, &mut io::stdout().lock()).await,
        Some(path) => {
            let unwritable =
                |error: io::Error| Usage(format!("{} can't be written: {error}", path.display()));
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            // It has its name when it is whole.
            let mut file = NamedTempFile::new_in(folder).map_err(unwritable)?;
            copy(response, &mut file).await?;
            file.persist(path)
                .map_err(|error| unwritable(error.error))?;
            Ok(())
        }
    }
}

async fn copy(mut response: Response, to: &mut impl Write) -> Result<()> {
    let broken = |error: reqwest::Error| Failure::Unreachable(error.without_url().to_string());
    while let Some(bytes) = response.chunk().await.map_err(broken)? {
        to.write_all(&bytes)?;
    }
    Ok(to.flush()?)
}

async fn upload(session: &Session, upload: Upload) -> Result<()> {
    let path = upload.file.display();
    let unreadable = |error: io::Error| Usage(format!("{path} can't be read: {error}"));
    let mime_type = if let Some(mime_type) = upload.mime_type {
        mime_type
    } else {
        let mut head = Vec::new();
        std::fs::File::open(&upload.file)
            .and_then(|file| file.take(HEAD).read_to_end(&mut head))
            .map_err(unreadable)?;
        let unknown = || {
            Usage(format!(
                "the type of {path} can't be told from its bytes: say --type, as in text/plain"
            ))
        };
        infer::get(&head)
            .ok_or_else(unknown)?
            .mime_type()
            .to_owned()
    };
    let mime_type = HeaderValue::from_str(&mime_type)
        .map_err(|_| Usage("a type is text such as image/jpeg".to_owned()))?;
    let file = tokio::fs::File::open(&upload.file)
        .await
        .map_err(unreadable)?;
    let size = file.metadata().await.map_err(unreadable)?.len();
    let name = upload.file.file_name();
    let query = [
        ("kind", upload.kind),
        ("purpose", upload.purpose),
        (
            "filename",
            name.map(|name| name.to_string_lossy().into_owned()),
        ),
        ("again", upload.again.then(|| "true".to_owned())),
    ];
    let segments = ["channels", &upload.channel, "media"];
    let request = session.remote.request(Method::POST, &segments, &query);
    let request = request
        .header(CONTENT_TYPE, mime_type)
        .header(CONTENT_LENGTH, size)
        .body(file);
    let answer = session.remote.send(request).await?;
    session.show(&answer, uploaded)
}

fn uploaded(answer: &Value) -> String {
    let id = print::text(answer, "/id");
    match answer["expires"].as_str() {
        Some(_) => format!("{id} until {}\n", print::text(answer, "/expires")),
        None => format!("{id}\n"),
    }
}
