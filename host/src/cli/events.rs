//! `events`: what happened, one event a line, pulled by cursor or followed as it comes.

use std::io::Write;
use std::time::Duration;

use anyhow::{Result, bail};
use channel_host::contract::json;
use clap::Args;
use reqwest::header::ACCEPT;
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Status;
use super::remote::{Failure, Remote};

/// The most events that are asked for at once.
const PAGE: u64 = 500;

/// The host speaks every 15 seconds at least; silence means that the connection is dead.
const SILENCE: Duration = Duration::from_mins(1);

/// How long to wait before a connection is tried again: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// The largest event that is read: a delivery's body is 4 MiB at most, and may stand escaped in its event.
const EVENT_BYTES: usize = 64 << 20;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only those after this sequence. Without it, all; with --follow, those that come from now on.
    #[arg(long, value_name = "SEQUENCE")]
    after: Option<i64>,
    /// Only those of this channel.
    #[arg(long)]
    channel: Option<String>,
    /// Only those of this type (`message`, `status`, `delivery`, …); can be given several times.
    #[arg(long = "type", value_name = "TYPE")]
    kinds: Vec<String>,
    /// Go on with the events that come. After a broken connection it goes on where it was.
    #[arg(long)]
    follow: bool,
    /// At most so many.
    #[arg(long)]
    limit: Option<u64>,
}

impl Arguments {
    fn query(&self, after: Option<i64>) -> [(&'static str, Option<String>); 3] {
        let kinds = (!self.kinds.is_empty()).then(|| self.kinds.join(","));
        [
            ("after", after.map(|after| after.to_string())),
            ("channel", self.channel.clone()),
            ("type", kinds),
        ]
    }
}

/// Prints events.
pub(super) async fn run(
    find: impl Fn() -> Result<Remote>,
    arguments: &Arguments,
    out: &mut impl Write,
) -> Result<Status> {
    let remote = find()?;
    if arguments.follow {
        follow(&remote, find, arguments, out).await?;
    } else {
        pages(&remote, arguments, out).await?;
    }
    Ok(Status::Done)
}

async fn pages(remote: &Remote, arguments: &Arguments, out: &mut impl Write) -> Result<()> {
    #[derive(Deserialize)]
    struct Page {
        events: Vec<Box<RawValue>>,
        next: i64,
    }

    let mut after = arguments.after.unwrap_or_default();
    let mut left = arguments.limit.unwrap_or(u64::MAX);
    while left > 0 {
        let mut query = arguments.query(Some(after)).to_vec();
        query.push(("limit", Some(left.min(PAGE).to_string())));
        let answer = remote.get(&["events"], &query).await?;
        let page: Page = serde_json::from_str(&answer.text)?;
        if page.events.is_empty() {
            break;
        }
        for event in &page.events {
            writeln!(out, "{}", json::one_line(event)?)?;
        }
        out.flush()?;
        after = page.next;
        left = left.saturating_sub(u64::try_from(page.events.len())?);
    }
    Ok(())
}

/// Where a reader of the stream is.
struct Place {
    after: Option<i64>,
    left: u64,
}

async fn follow(
    remote: &Remote,
    find: impl Fn() -> Result<Remote>,
    arguments: &Arguments,
    out: &mut impl Write,
) -> Result<()> {
    let mut place = Place {
        after: arguments.after,
        left: arguments.limit.unwrap_or(u64::MAX),
    };
    let mut stream = Some(open(remote, arguments, &place).await?);
    let mut pause = PAUSES.0;
    while place.left > 0 {
        if let Some(stream) = stream.take() {
            pause = PAUSES.0;
            let cause = read(stream, &mut place, out).await?;
            if place.left == 0 {
                break;
            }
            tracing::warn!(cause, "the stream of events broke and is taken up again");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
        // The host may be a new process, at another address.
        let opened = match find() {
            Ok(remote) => open(&remote, arguments, &place).await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(opened) => stream = Some(opened),
            Err(error) if is_temporary(&error) => tracing::debug!("{error:#}"),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the host may answer another time.
fn is_temporary(error: &anyhow::Error) -> bool {
    let failure = error.downcast_ref::<Failure>();
    failure.is_some_and(|failure| failure.status() == Status::Failed)
}

async fn open(remote: &Remote, arguments: &Arguments, place: &Place) -> Result<Response> {
    let query = arguments.query(place.after);
    let request = remote.request(Method::GET, &["events", "stream"], &query);
    let request = request.header(ACCEPT, "text/event-stream");
    Ok(remote.begin(request).await?)
}

/// Prints what a stream tells until it ends. Returns why it did.
async fn read(mut stream: Response, place: &mut Place, out: &mut impl Write) -> Result<String> {
    let mut frames = Frames::default();
    loop {
        let bytes = match tokio::time::timeout(SILENCE, stream.chunk()).await {
            Ok(Ok(Some(bytes))) => bytes,
            Ok(Ok(None)) => return Ok("the host ended it".to_owned()),
            Ok(Err(error)) => return Ok(error.without_url().to_string()),
            Err(_) => return Ok("the host is silent".to_owned()),
        };
        for frame in frames.take(&bytes)? {
            if !frame.event.is_empty() {
                writeln!(out, "{}", frame.event)?;
                out.flush()?;
                place.left -= 1;
            }
            place.after = frame.id.or(place.after);
            if place.left == 0 {
                return Ok(String::new());
            }
        }
    }
}

/// One block of a stream of events.
#[derive(Debug, Default, PartialEq)]
struct Frame {
    /// The place to go on from.
    id: Option<i64>,
    /// The event's JSON; empty where only the place is told.
    event: String,
}

/// Takes a stream of events (`text/event-stream`) apart.
#[derive(Default)]
struct Frames {
    /// The beginning of a line.
    rest: Vec<u8>,
    /// The beginning of a block.
    frame: Frame,
}

impl Frames {
    /// The blocks that end in these bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<Frame>> {
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            if self.rest.len() + bytes.len() > EVENT_BYTES {
                bail!("an event is larger than {EVENT_BYTES} bytes");
            }
            self.rest.extend_from_slice(bytes);
            return Ok(Vec::new());
        };
        let mut whole = std::mem::take(&mut self.rest);
        whole.extend_from_slice(&bytes[..end]);
        self.rest.extend_from_slice(&bytes[end + 1..]);
        let mut frames = Vec::new();
        for line in std::str::from_utf8(&whole)?.split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                let frame = std::mem::take(&mut self.frame);
                if frame != Frame::default() {
                    frames.push(frame);
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => self.frame.id = value.parse().ok(),
                // Lines of one event's JSON: between them stood white space.
                "data" => self.frame.event += value,
                _ => {}
            }
        }
        Ok(frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": \n\nid: 7\n\nid: 9\nevent: message\ndata: {\"a\":\"ü\"}\n\nid: 10\r\ndata: {}\r\n\r\ndata: {";

    fn frame(id: i64, event: &str) -> Frame {
        Frame {
            id: Some(id),
            event: event.to_owned(),
        }
    }

    #[test]
    fn blocks_are_found_wherever_the_bytes_are_cut() -> Result<()> {
        let expected = [frame(7, ""), frame(9, "{\"a\":\"ü\"}"), frame(10, "{}")];
        for size in 1..STREAM.len() {
            let mut frames = Frames::default();
            let mut found = Vec::new();
            for bytes in STREAM.as_bytes().chunks(size) {
                found.extend(frames.take(bytes)?);
            }
            assert_eq!(found, expected, "in pieces of {size}");
        }
        Ok(())
    }

    #[test]
    fn types_are_asked_for_in_one_parameter() {
        let arguments = Arguments {
            after: None,
            channel: None,
            kinds: vec!["message".to_owned(), "status".to_owned()],
            follow: false,
            limit: None,
        };
        let query = arguments.query(Some(3));
        assert_eq!(query[0], ("after", Some("3".to_owned())));
        assert_eq!(query[2], ("type", Some("message,status".to_owned())));
    }
}
