//! The demonstration as a newcomer runs it.

mod running;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use running::{Ran, run};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};

/// The longest that a part of it may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

async fn demo(arguments: &[&str]) -> Result<Ran> {
    let nowhere = tempfile::tempdir()?;
    let arguments = [&["demo"], arguments].concat();
    let ran = run(nowhere.path(), &arguments, b"").await?;
    ensure!(
        ran.code == Some(0),
        "{:?}\n{}{}",
        ran.code,
        ran.output,
        ran.errors
    );
    assert_eq!(ran.errors, "");
    Ok(ran)
}

/// Text word by word, line by line, without what differs from run to run: times, ports and ids of messages.
fn lasting(text: &str) -> Vec<String> {
    let word = |word: &str| {
        let beginnings = ["http://127.0.0.1:", "wamid."];
        let beginning = beginnings.into_iter().find(|it| word.starts_with(it));
        match word.trim_end_matches(':').parse::<jiff::Timestamp>() {
            Ok(_) => "a time".to_owned(),
            Err(_) => beginning.unwrap_or(word).to_owned(),
        }
    };
    let line = |line: &str| {
        line.split_whitespace()
            .map(word)
            .collect::<Vec<_>>()
            .join(" ")
    };
    text.lines()
        .map(line)
        .filter(|line| !line.is_empty())
        .collect()
}

#[tokio::test]
async fn it_tells_the_story_that_the_readme_shows() -> Result<()> {
    let told = demo(&[]).await?.output;
    let readme = include_str!("../README.md");
    let shown = readme
        .split("```")
        .find(|block| block.contains("A number becomes a channel"));
    let shown = shown.context("the transcript in README.md")?;
    let shown = shown.split_once('\n').context("a block of its own")?.1;
    assert_eq!(lasting(&told), lasting(shown));
    assert!(!told.contains('\u{1b}'), "colours in a file");
    Ok(())
}

#[tokio::test]
async fn it_accounts_for_every_body() -> Result<()> {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases");
    let files = if recorded.exists() {
        recorded_webhooks(&recorded)?
    } else {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin/examples/webhook.json");
        vec![example.clone(), example]
    };
    let names: Vec<_> = files.iter().filter_map(|file| file.to_str()).collect();
    let told = demo(&[&["--deliver"], names.as_slice()].concat())
        .await?
        .output;
    assert_eq!(
        told.lines().filter(|line| line.starts_with("200 ")).count(),
        names.len()
    );

    // The same bodies without a host have the same events, each once.
    let nowhere = tempfile::tempdir()?;
    let settings = nowhere.path().join("settings.json");
    std::fs::write(
        &settings,
        r#"{"name": "Shop", "phone_number": "+15550783881", "api_key": "a"}"#,
    )?;
    let settings = settings.to_str().context("a name")?;
    let arguments = [&["normalize", "--settings", settings], names.as_slice()].concat();
    let normalized = run(nowhere.path(), &arguments, b"").await?.json()?;
    let ids: Vec<_> = normalized
        .iter()
        .filter_map(|event| event["id"].as_str())
        .collect();
    let once: HashSet<_> = ids.iter().collect();
    let expected = format!(
        "{} events came of them, and {} are in the list",
        ids.len(),
        once.len()
    );
    assert!(told.contains(&expected), "{expected}\n{told}");
    Ok(())
}

#[tokio::test]
async fn it_goes_on_after_a_body_that_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let large = folder.path().join("large.json");
    std::fs::write(&large, vec![b' '; 5 << 20])?;
    let large = large.to_str().context("a name")?;
    let example = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../plugin/examples/webhook.json"
    );
    let arguments = ["demo", "--deliver", example, large, example];
    let ran = run(folder.path(), &arguments, b"").await?;
    assert_eq!(ran.code, Some(3), "{}", ran.errors);
    let expected = "3 bodies, 1 refused: 2 taken in, 0 parked with the reason.";
    assert!(ran.output.contains(expected), "{}", ran.output);
    Ok(())
}

fn recorded_webhooks(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for origin in std::fs::read_dir(folder)? {
        let Ok(webhooks) = std::fs::read_dir(origin?.path().join("webhook")) else {
            continue;
        };
        for file in webhooks {
            files.push(file?.path());
        }
    }
    files.sort();
    Ok(files)
}

#[tokio::test]
async fn kept_running_it_can_be_talked_to_until_it_is_stopped() -> Result<()> {
    let nowhere = tempfile::tempdir()?;
    let mut child = running::command(nowhere.path())
        .args(["demo", "--keep"])
        // It has a key of its own.
        .env("CHANNEL_HOST_KEY", "none")
        .stdin(Stdio::null())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
    let mut printed = Vec::new();
    while !printed
        .last()
        .is_some_and(|line: &String| line.contains("--data"))
    {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??;
        printed.push(line.context("more lines")?);
    }
    let after = |name: &str| {
        let line = printed
            .iter()
            .find_map(|line| line.trim_start().strip_prefix(name));
        line.map(|line| line.trim().to_owned())
            .with_context(|| name.to_owned())
    };
    let (api, token, simulator) = (after("API ")?, after("token ")?, after("simulator ")?);
    let client = running::client();
    let events = client
        .get(format!("{api}/events"))
        .bearer_auth(&token)
        .send()
        .await?;
    let events: Value = events.error_for_status()?.json().await?;
    assert!(
        events["events"]
            .as_array()
            .is_some_and(|events| events.len() > 10)
    );
    // The lines to copy are the API's.
    let say = printed
        .iter()
        .find(|line| line.contains("/simulator/customers"));
    let say = say.context("how a customer writes")?;
    let body = say.split('\'').nth(3).context("a body")?;
    let request = client.post(format!("{simulator}/simulator/customers"));
    let request = request
        .header("content-type", "application/json")
        .body(body.to_owned());
    request.send().await?.error_for_status()?;
    let send = printed
        .iter()
        .find(|line| line.contains("/messages?wait=true"));
    let send = send.context("how an agent answers")?;
    let body = send.split('\'').nth(3).context("a body")?;
    let request = client.post(format!("{api}/channels/Shop/messages?wait=true"));
    let request = request
        .bearer_auth(&token)
        .header("content-type", "application/json");
    request
        .body(body.to_owned())
        .send()
        .await?
        .error_for_status()?;

    let folder = after("folder ")?;
    assert!(Path::new(&folder).exists());
    let id = child.id().context("it has ended")?.to_string();
    let asked = tokio::process::Command::new("kill")
        .args(["-TERM", &id])
        .status()
        .await?;
    assert!(asked.success());
    let status = tokio::time::timeout(PATIENCE, child.wait()).await??;
    assert!(status.success());
    assert!(!Path::new(&folder).exists(), "{folder} is left behind");
    Ok(())
}
