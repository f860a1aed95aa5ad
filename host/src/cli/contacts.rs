//! `contacts`: what a channel remembers of people.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::json;
use serde_json::value::RawValue;

use super::remote::Failure;
use super::{Session, Status, Usage, complain, read_up_to};

/// The largest file of contacts.
const FILE_BYTES: u64 = 1 << 30;

/// Contacts that are sent at once.
const CHUNK: usize = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Learn contacts from elsewhere, so that they are known and not greeted as strangers.
    Import {
        /// The channel's name or id.
        channel: String,
        /// The contacts, as a JSON array or one JSON object a line; `-` is standard input.
        file: PathBuf,
    },
    /// Forget a contact under all its names.
    Forget {
        /// The channel's name or id.
        channel: String,
        #[command(flatten)]
        contact: Contact,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Contact {
    /// The contact's phone number.
    #[arg(long)]
    pub(super) phone: Option<String>,
    /// The vendor's id of the contact.
    #[arg(long)]
    pub(super) user_id: Option<String>,
}

/// Runs one command.
pub(super) async fn run(session: &Session, command: Command) -> Result<Status> {
    let remote = &session.remote;
    match command {
        Command::Import { channel, file } => import(session, &channel, &file).await?,
        Command::Forget { channel, contact } => {
            let query = [("phone", contact.phone), ("user_id", contact.user_id)];
            let segments = ["channels", &channel, "contacts"];
            let answer = remote
                .send(remote.request(Method::DELETE, &segments, &query))
                .await?;
            session.show(&answer, |answer| {
                let known = answer["forgotten"] == true;
                let sentence = if known {
                    "forgotten"
                } else {
                    "there was nothing to forget"
                };
                format!("{sentence}\n")
            })?;
        }
    }
    Ok(Status::Done)
}

async fn import(session: &Session, channel: &str, file: &Path) -> Result<()> {
    let text = read_up_to(file, FILE_BYTES)?;
    let wrong = |error| Usage(format!("{} holds no contacts: {error}", file.display()));
    let contacts = contacts(&text).map_err(wrong)?;
    let mut new = 0;
    for (number, chunk) in contacts.chunks(CHUNK).enumerate() {
        let body = json!({"contacts": chunk});
        let segments = ["channels", channel, "contacts"];
        let answer = session.remote.post(&segments, &body).await;
        if let Err(Failure::Problem(_)) = &answer
            && number > 0
        {
            let (before, first) = (number * CHUNK, number * CHUNK + 1);
            complain(&anyhow::anyhow!(
                "the first {before} contacts are imported; what follows counts from contact {first}"
            ));
        }
        new += answer?.value["new"].as_u64().unwrap_or_default();
    }
    let total = contacts.len();
    session.sum_up(&json!({"contacts": total, "new": new}), |_| {
        format!("{total} contacts, {new} of them new\n")
    })
}

/// The contacts of an array, or one after the other. The host tells what is wrong with one.
fn contacts(text: &[u8]) -> serde_json::Result<Vec<Box<RawValue>>> {
    if text.trim_ascii_start().first() == Some(&b'[') {
        serde_json::from_slice(text)
    } else {
        serde_json::Deserializer::from_slice(text)
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_and_lines_are_the_same_contacts() -> serde_json::Result<()> {
        let array = contacts(br#" [{"contact": {}}, {"greeted": false}]"#)?;
        let lines = contacts(b"{\"contact\": {}}\n{\"greeted\": false}\n\n")?;
        let texts = |all: Vec<Box<RawValue>>| -> Vec<String> {
            all.iter().map(|contact| contact.get().to_owned()).collect()
        };
        let expected = [r#"{"contact": {}}"#, r#"{"greeted": false}"#];
        assert_eq!(texts(array), expected);
        assert_eq!(texts(lines), expected);
        assert!(contacts(b"{} oops").is_err());
        Ok(())
    }
}
