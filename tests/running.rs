//! The `channel-host` command as a process: one that serves, and those that talk to it.
#![allow(dead_code, reason = "every test uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// How long it may take to start: with an empty cache it compiles components first.
const START: Duration = Duration::from_mins(2);

/// How long it may take to stop by itself.
const STOP: Duration = Duration::from_secs(30);

/// A host that runs. It is killed when this is dropped.
pub(crate) struct Running {
    child: Child,
    data: PathBuf,
    /// The REST API's address.
    pub(crate) api: String,
    /// The webhooks' address.
    pub(crate) webhooks: String,
    /// The REST API's token.
    pub(crate) token: String,
    errors: Arc<Mutex<String>>,
    /// Reads them until the process has ended.
    reading: JoinHandle<()>,
}

/// What a command said, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) errors: String,
}

impl Ran {
    /// The output's lines as JSON.
    pub(crate) fn json(&self) -> Result<Vec<Value>> {
        let parse = |line: &str| serde_json::from_str(line).with_context(|| line.to_owned());
        self.output.lines().map(parse).collect()
    }
}

impl Running {
    /// Starts a host on this folder, at free ports, with further arguments of `serve`. Returns once it listens.
    pub(crate) async fn start(data: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_with(data, arguments, &[]).await
    }

    /// The same with variables in its environment.
    pub(crate) async fn start_with(
        data: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let mut child = command(data)
            .args(["--json", "serve", "--listen", "127.0.0.1:0"])
            .args(["--webhook-listen", "127.0.0.1:0"])
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().context("its output")?;
        let errors = Arc::new(Mutex::new(String::new()));
        let mut lines = BufReader::new(child.stderr.take().context("its errors")?).lines();
        let kept = Arc::clone(&errors);
        let reading = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut kept = locked(&kept);
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        let mut lines = BufReader::new(output).lines();
        let first = tokio::time::timeout(START, lines.next_line()).await;
        let Ok(Some(first)) = first.context("it does not listen")? else {
            let status = tokio::time::timeout(STOP, child.wait()).await;
            bail!("it ended ({status:?}): {}", locked(&errors));
        };
        // Nobody else reads what it may still say there, and it must not wait for that.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let said: Value = serde_json::from_str(&first).with_context(|| first.clone())?;
        let member = |name: &str| {
            let text = said[name].as_str().map(str::to_owned);
            text.with_context(|| format!("no {name} in {said}"))
        };
        let token = std::fs::read_to_string(data.join("token"))?;
        Ok(Self {
            child,
            data: data.to_owned(),
            api: member("api")?,
            webhooks: member("webhooks")?,
            token: token.trim().to_owned(),
            errors,
            reading,
        })
    }

    /// Runs a command on its folder, with nothing to read.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<Ran> {
        run(&self.data, arguments, b"").await
    }

    /// Runs a command on its folder, with this to read.
    pub(crate) async fn command_with(&self, arguments: &[&str], input: &[u8]) -> Result<Ran> {
        run(&self.data, arguments, input).await
    }

    /// Its process id.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it has logged so far.
    pub(crate) fn errors(&self) -> String {
        locked(&self.errors).clone()
    }

    /// Ends it at once, as a power failure would (SIGKILL). Returns what it had logged.
    pub(crate) async fn kill(mut self) -> Result<String> {
        self.child.kill().await?;
        (&mut self.reading).await?;
        Ok(self.errors())
    }

    /// Asks it to stop (SIGTERM) and waits until it has. Returns how it ended and what it had logged.
    pub(crate) async fn stop(mut self) -> Result<(ExitStatus, String)> {
        let id = self.child.id().context("it has ended before")?;
        let asked = Command::new("kill")
            .arg("-TERM")
            .arg(id.to_string())
            .status()
            .await?;
        ensure!(asked.success(), "SIGTERM could not be sent");
        let status = tokio::time::timeout(STOP, self.child.wait()).await;
        let status = status.with_context(|| format!("it does not stop: {}", self.errors()))?;
        (&mut self.reading).await?;
        Ok((status?, self.errors()))
    }
}

/// A client of the REST API.
pub(crate) fn client() -> reqwest::Client {
    // reqwest asks the process for its cryptography, though nothing is encrypted here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("nothing of the system is needed")
}

/// Runs a command on a folder.
pub(crate) async fn run(data: &Path, arguments: &[&str], input: &[u8]) -> Result<Ran> {
    let mut child = command(data)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("its input")?;
    // A command that needs no input may have ended already.
    let _ = stdin.write_all(input).await;
    drop(stdin);
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().await?;
    Ok(Ran {
        code: status.code(),
        output: String::from_utf8(stdout)?,
        errors: String::from_utf8(stderr)?,
    })
}

pub(crate) fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_channel-host"));
    command
        .arg("--data")
        .arg(data)
        // Compiled components are kept between the tests, and nothing is left in the user's cache.
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for variable in ["DATA", "KEY", "URL", "TOKEN"] {
        command.env_remove(format!("CHANNEL_HOST_{variable}"));
    }
    for variable in ["RUST_LOG", "NO_COLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command
}

/// A line is pushed whole, so a panic elsewhere is no reason for one here.
fn locked(text: &Mutex<String>) -> MutexGuard<'_, String> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}
