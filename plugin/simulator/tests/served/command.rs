//! The command against a simulator that runs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use axum::http::Method;
use serde_json::{Value, json};
use simulator_360dialog::{Flavour, Options, Simulator};
use tokio::net::TcpListener;

use super::{KEY, Receiver, ask, started, until};

/// Runs the command against a simulator.
fn command(at: &str, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulator-360dialog"));
    Ok(command.env("SIMULATOR_URL", at).args(arguments).output()?)
}

/// What a command prints that does what was asked.
fn printed(at: &str, arguments: &[&str]) -> Result<String> {
    let output = command(at, arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(0), "{arguments:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_plays_all_parts() -> Result<()> {
    let simulator = started().await?;
    let at = simulator.url();
    let receiver = Receiver::registered(&simulator, &[]).await?;

    let customer = [
        "customer",
        "--phone",
        "16315551234",
        "--name",
        "Ada",
        "say",
        "Hi",
    ];
    let id = printed(at, &customer)?;
    until("it arrives", || receiver.received().len() == 1).await?;
    assert!(id.starts_with("wamid."), "{id}");
    let customers = printed(at, &["customers", "--json"])?;
    let ada: Value = serde_json::from_str(&customers)?;
    assert_eq!(
        (&ada["phone"], &ada["name"]),
        (&json!("16315551234"), &json!("Ada"))
    );

    let before = simulator.now();
    assert!(printed(at, &["clock", "--freeze", "--advance", "25h"])?.contains("stands still"));
    assert!(simulator.now() >= before + 25 * 60 * 60 * 1000);
    assert!(printed(at, &["clock", "--go-on"])?.contains("goes on"));

    let fault = [
        "fault",
        "status",
        "503",
        "--times",
        "1",
        "--path",
        "/health_status",
    ];
    let told = printed(at, &fault)?;
    assert_eq!(told, "status  path=/health_status status=503 times=1\n");
    let (status, _) = ask(
        &simulator,
        Method::GET,
        "/health_status",
        &[KEY],
        &Value::Null,
    )
    .await?;
    assert_eq!(status, 503);
    printed(at, &["fault", "reorder"])?;
    assert_eq!(
        printed(at, &["faults", "--clear"])?,
        "nothing goes wrong on purpose\n"
    );

    let requests = printed(at, &["requests"])?;
    let lines: Vec<_> = requests.lines().collect();
    assert_eq!(lines.len(), 2, "{requests}");
    assert!(
        lines[0].contains("200  POST /v1/configs/webhook"),
        "{requests}"
    );
    assert!(lines[1].contains("503  GET /health_status"), "{requests}");

    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/webhook.json");
    assert_eq!(printed(at, &["deliver", file])?, "2\n");
    assert_eq!(printed(at, &["redeliver", "2"])?, "2\n");
    until("both come", || receiver.received().len() == 3).await?;
    assert_eq!(receiver.received()[1].1, std::fs::read(file)?);
    assert_eq!(receiver.received()[2].1, std::fs::read(file)?);
    let twice = || simulator.deliveries()[1].attempts.len() == 2;
    until("both are written down", twice).await?;
    let deliveries = printed(at, &["deliveries"])?;
    assert!(
        deliveries.contains("2  answered 200 (2 times tried)"),
        "{deliveries}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_status_tells_why() -> Result<()> {
    let simulator = started().await?;
    let at = simulator.url();
    let closed = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let nowhere = format!("http://{closed}");
    let on_premise = Simulator::start(Options {
        flavour: Flavour::OnPremise,
        ..Options::default()
    });
    let on_premise = on_premise.await?;
    let hi = ["customer", "--phone", "16315551234", "say", "Hi"];
    for (at, arguments, expected, sentence) in [
        (at, &["customers"][..], 0, ""),
        (at, &["sing"], 2, "sing"),
        (at, &["clock", "--advance", "soon"], 2, "25h"),
        (at, &["deliver", "/nowhere/body.json"], 2, "can't be read"),
        (at, &["serve", "--listen", "192.0.2.1:1"], 2, "loopback"),
        (at, &["serve", "--tunnel", "here"], 2, "origin"),
        (at, &["review", "nothing", "approve"], 3, "nothing"),
        (at, &["redeliver", "1"], 3, "no webhook is registered"),
        (at, &["customer", "say", "Hi"], 3, "name the customer"),
        (on_premise.url(), &hi, 3, "on-premise"),
        (&nowhere, &["customers"], 4, "serve"),
    ] {
        let output = command(at, arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(expected),
            "{arguments:?}: {said}"
        );
        assert!(said.contains(sentence), "{arguments:?}: {said}");
    }
    Ok(())
}

#[test]
#[cfg(unix)]
fn serve_says_where_it_is_and_ends_when_it_is_told_to() -> Result<()> {
    let mut serve = Command::new(env!("CARGO_BIN_EXE_simulator-360dialog"))
        .args(["serve", "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(serve.stdout.take().context("piped")?).read_line(&mut line)?;
    let said: Value = serde_json::from_str(&line)?;
    let at = said["url"].as_str().context("an address")?;
    let customers = printed(at, &["customers"]);
    Command::new("kill").arg(serve.id().to_string()).status()?;
    assert_eq!(serve.wait()?.code(), Some(0));
    assert_eq!(customers?, "nobody wrote\n");
    Ok(())
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_is_no_error() -> Result<()> {
    let (reader, writer) = std::io::pipe()?;
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_simulator-360dialog"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()?;
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    Ok(())
}
