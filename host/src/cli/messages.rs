//! `send`, `messages`, `resend`, `cancel`, `window`, `read` and `typing`: what goes out.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Session, Status, Usage, print, read};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Hand a message in: from then on it is sent, or an event says why not.
    Send(Send),
    /// List a channel's messages, the latest first.
    Messages {
        /// The channel's name or id.
        channel: String,
        /// Only those in this state (`queued`, `held`, `failed`, …).
        #[arg(long)]
        state: Option<String>,
        /// At most so many.
        #[arg(long)]
        limit: Option<u32>,
    },
    /// Show where a message stands, and what the vendor told of it.
    Message {
        /// The channel's name or id.
        channel: String,
        /// The message's id.
        id: String,
    },
    /// Send a message again that was held or has failed.
    Resend {
        /// The channel's name or id.
        channel: String,
        /// The message's id.
        id: String,
    },
    /// Cancel a message that waits to be sent, or is held.
    Cancel {
        /// The channel's name or id.
        channel: String,
        /// The message's id.
        id: String,
    },
    /// Tell whether free-form messages are allowed to a contact.
    Window {
        /// The channel's name or id.
        channel: String,
        #[command(flatten)]
        to: To,
    },
    /// Tell a contact that a message of theirs, and those before it, were read.
    Read(Theirs),
    /// Show a contact that an answer to a message of theirs is being written.
    Typing(Theirs),
}

#[derive(Debug, Args)]
pub(super) struct Theirs {
    /// The channel's name or id.
    channel: String,
    /// The vendor's id of the message: an event's message.id.
    #[arg(value_name = "MESSAGE_ID")]
    message_id: String,
}

#[derive(Debug, Args)]
pub(super) struct Send {
    /// The channel's name or id.
    channel: String,
    /// A file that holds the message; `-` is standard input.
    #[arg(value_name = "MESSAGE.json", required_unless_present = "to")]
    message: Option<PathBuf>,
    /// The phone number to send a text to.
    #[arg(
        long,
        value_name = "PHONE",
        requires = "text",
        conflicts_with = "message"
    )]
    to: Option<String>,
    /// The text.
    #[arg(long, requires = "to")]
    text: Option<String>,
    /// When its time is over (RFC 3339): it does not leave after that. A message in a file says so itself.
    #[arg(long, value_name = "TIME", requires = "to")]
    expires: Option<String>,
    #[command(flatten)]
    delivery: Delivery,
}

/// How a message is handed in.
#[derive(Debug, Default, Args)]
pub(super) struct Delivery {
    /// An idempotency key: the same key with the same message is the same message.
    #[arg(long)]
    key: Option<String>,
    /// Wait up to 30 seconds for the vendor's answer. Fails where it refuses the message, or does not answer in time.
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct To {
    /// The contact's phone number.
    #[arg(long)]
    phone: Option<String>,
    /// The vendor's id of the contact.
    #[arg(long)]
    user_id: Option<String>,
    /// A group.
    #[arg(long)]
    group: Option<String>,
}

/// Runs one command.
pub(super) async fn run(session: &Session, command: Command) -> Result<Status> {
    let remote = &session.remote;
    match command {
        Command::Send(send) => return hand_in(session, send).await,
        Command::Messages {
            channel,
            state,
            limit,
        } => {
            let query = [("state", state), ("limit", limit.map(|it| it.to_string()))];
            let segments = ["channels", &channel, "messages"];
            session.show(&remote.get(&segments, &query).await?, list)?;
        }
        Command::Message { channel, id } => {
            let segments = ["channels", &channel, "messages", &id];
            session.show(&remote.get(&segments, &[]).await?, standing)?;
        }
        Command::Resend { channel, id } => {
            let segments = ["channels", &channel, "messages", &id, "resend"];
            session.show(&remote.post(&segments, &json!({})).await?, standing)?;
        }
        Command::Cancel { channel, id } => {
            let segments = ["channels", &channel, "messages", &id, "cancel"];
            session.show(&remote.post(&segments, &json!({})).await?, standing)?;
        }
        Command::Window { channel, to } => {
            let query = [
                ("phone", to.phone),
                ("user_id", to.user_id),
                ("group", to.group),
            ];
            let segments = ["channels", &channel, "window"];
            session.show(&remote.get(&segments, &query).await?, window)?;
        }
        Command::Read(theirs) => tell(session, &theirs, "read", "marked as read\n").await?,
        Command::Typing(theirs) => tell(session, &theirs, "typing", "typing is shown\n").await?,
    }
    Ok(Status::Done)
}

async fn tell(session: &Session, theirs: &Theirs, what: &str, told: &str) -> Result<()> {
    let body = json!({"message_id": theirs.message_id});
    let segments = ["channels", &theirs.channel, what];
    let answer = session.remote.post(&segments, &body).await?;
    session.show(&answer, |_| told.to_owned())
}

async fn hand_in(session: &Session, send: Send) -> Result<Status> {
    let body = message(&send)?;
    post(session, &send.channel, body, &send.delivery).await
}

/// Hands a message in.
pub(super) async fn post(
    session: &Session,
    channel: &str,
    message: Vec<u8>,
    Delivery { key, wait }: &Delivery,
) -> Result<Status> {
    let query = [("wait", wait.then(|| "true".to_owned()))];
    let segments = ["channels", channel, "messages"];
    let mut request = session.remote.request(Method::POST, &segments, &query);
    if let Some(key) = key {
        let key = HeaderValue::from_str(key);
        let key = key.map_err(|_| Usage("a key is text without control characters".to_owned()))?;
        request = request.header("idempotency-key", key);
    }
    let request = request
        .header(CONTENT_TYPE, "application/json")
        .body(message);
    let answer = session.remote.send(request).await?;
    session.show(&answer, standing)?;
    Ok(if *wait {
        outcome(answer.status, &answer.value)
    } else {
        Status::Done
    })
}

/// The message, as it stands in its file: the host tells what is wrong with it.
fn message(send: &Send) -> Result<Vec<u8>> {
    if let Some(path) = &send.message {
        return read(path);
    }
    let content = json!({"type": "text", "text": send.text});
    let message = json!({"to": {"phone": send.to}, "content": content, "expires": send.expires});
    Ok(message.to_string().into_bytes())
}

/// How a wait for the vendor's answer ended.
fn outcome(status: StatusCode, standing: &Value) -> Status {
    match standing["state"].as_str() {
        Some("failed") => Status::Refused,
        // Nobody can tell whether it arrived, or not yet.
        Some("held") => Status::Failed,
        _ if status == StatusCode::ACCEPTED => Status::Failed,
        _ => Status::Done,
    }
}

/// What a vendor says of a request, on one line.
pub(super) fn error(error: &Value) -> String {
    let members = ["/title", "/message", "/details", "/remedy"];
    let mut said: Vec<_> = members
        .map(|member| print::text(error, member))
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    said.dedup();
    let sentence = said.join(": ");
    let code = print::text(error, "/code");
    if code.is_empty() {
        sentence
    } else {
        format!("{sentence} (code {code})")
    }
}

fn recipient(standing: &Value) -> String {
    let members = ["/to/phone", "/to/user_id", "/to/group"];
    let mut known = members
        .iter()
        .map(|member| print::text(standing, member))
        .filter(|text| !text.is_empty());
    known.next().unwrap_or_else(|| print::text(standing, "/to"))
}

fn list(answer: &Value) -> String {
    let rows = print::list(answer, "/messages").iter().map(|standing| {
        let [id, state, accepted] =
            ["/id", "/state", "/accepted"].map(|member| print::text(standing, member));
        let error = error(&standing["error"]);
        [id, state, accepted, recipient(standing), error]
    });
    let headings = ["ID", "STATE", "ACCEPTED", "TO", "ERROR"];
    print::listing(headings, rows, "there is no such message")
}

fn standing(standing: &Value) -> String {
    let ids = print::list(standing, "/message_ids").iter();
    let ids: Vec<_> = ids.map(|id| print::text(id, "")).collect();
    let mut text = print::pairs([
        ("message", print::text(standing, "/id")),
        ("state", print::text(standing, "/state")),
        ("to", recipient(standing)),
        ("vendor's ids", ids.join(" ")),
        ("attempts", print::text(standing, "/attempts")),
        ("due", print::text(standing, "/due")),
        ("expires", print::text(standing, "/expires")),
        ("original", print::text(standing, "/original")),
        ("original of", print::text(standing, "/original_of")),
        ("error", error(&standing["error"])),
    ]);
    text += &print::warnings(print::list(standing, "/warnings"));
    let steps = print::list(standing, "/history");
    if !steps.is_empty() {
        let rows = steps.iter().map(|step| {
            let [time, state, part] =
                ["/time", "/state", "/part"].map(|member| print::text(step, member));
            let errors = print::list(step, "/errors").iter().map(error);
            let errors: Vec<_> = errors.collect();
            [time, state, part, person(step), errors.join("; ")]
        });
        let headings = ["TIME", "STEP", "PART", "OF", "ERROR"];
        text += &print::listing(headings, rows, "");
    }
    text
}

/// Whom a step is of.
fn person(step: &Value) -> String {
    let members = ["/contact/phone", "/contact/user_id"];
    let known = members.map(|member| print::text(step, member));
    known
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

fn window(seen: &Value) -> String {
    let window = &seen["window"];
    let mut text = print::pairs([
        ("window", print::text(window, "/type")),
        ("until", print::text(window, "/until")),
        ("since", print::text(window, "/since")),
        ("opened by", print::text(window, "/because/cause")),
        ("at", print::text(window, "/because/at")),
        (
            "free until",
            print::text(seen, "/state/free_entry_point/until"),
        ),
    ]);
    if seen["warning"].is_object() {
        text += &print::warnings(std::slice::from_ref(&seen["warning"]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_as_the_vendor_answers() {
        let outcome = |status, state| outcome(status, &json!({"state": state}));
        assert_eq!(outcome(StatusCode::OK, "accepted"), Status::Done);
        assert_eq!(outcome(StatusCode::OK, "failed"), Status::Refused);
        assert_eq!(outcome(StatusCode::OK, "held"), Status::Failed);
        assert_eq!(outcome(StatusCode::ACCEPTED, "queued"), Status::Failed);
    }

    #[test]
    fn a_text_is_a_whole_message() -> Result<()> {
        let send = Send {
            channel: "a".to_owned(),
            message: None,
            to: Some("+49 30".to_owned()),
            text: Some("a \"b\"".to_owned()),
            expires: Some("2026-11-22T07:15:39Z".to_owned()),
            delivery: Delivery::default(),
        };
        let given: Value = serde_json::from_slice(&message(&send)?)?;
        let expected = json!({"to": {"phone": "+49 30"}, "content": {"type": "text", "text": "a \"b\""},
            "expires": "2026-11-22T07:15:39Z"});
        assert_eq!(given, expected);
        Ok(())
    }

    #[test]
    fn a_closed_window_says_since_when() {
        let seen = json!({"window": {"type": "closed", "since": "2026-11-22T07:15:39Z"},
            "warning": {"pointer": "/to", "message": "import contacts"}});
        let expected =
            "window  closed\nsince   2026-11-22T07:15:39Z\nwarning: /to: import contacts\n";
        assert_eq!(window(&seen), expected);
    }
}
