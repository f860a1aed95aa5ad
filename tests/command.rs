//! The `channel-host` command, run as a user runs it.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Ran {
    code: Option<i32>,
    lines: Vec<String>,
    errors: String,
}

impl Ran {
    fn json(&self) -> Result<Vec<Value>> {
        self.lines
            .iter()
            .map(|line| serde_json::from_str(line).with_context(|| line.clone()))
            .collect()
    }
}

fn run(arguments: &[&str], input: &[u8]) -> Result<Ran> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_channel-host"))
        // Nothing is left behind in the user's cache.
        .arg("--no-cache")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // A command that needs no input may have ended already.
    let _ = child.stdin.take().context("input")?.write_all(input);
    let output = child.wait_with_output()?;
    Ok(Ran {
        code: output.status.code(),
        lines: String::from_utf8(output.stdout)?
            .lines()
            .map(str::to_owned)
            .collect(),
        errors: String::from_utf8(output.stderr)?,
    })
}

/// A file of this content in a folder of the test's own, which goes when it does.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<String> {
        let path: PathBuf = self.0.path().join(name);
        std::fs::write(&path, content)?;
        text(&path)
    }
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("a path that is text")?.to_owned())
}

const SETTINGS: &str =
    r#"{"name": "Shop", "phone_number": "+15550783881", "api_key": "k3y-that-nobody-sees"}"#;

#[test]
fn normalize_without_arguments_reads_the_example() -> Result<()> {
    let ran = run(&["normalize"], b"")?;
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let kinds: Vec<_> = ran
        .json()?
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    assert_eq!(kinds, ["message", "message", "status", "status"]);
    let first = &ran.json()?[0];
    assert_eq!(first["time"], "2026-11-22T07:15:39Z");
    assert_eq!(first["contact"]["phone"], "16315551234");
    assert_eq!(first["message"]["content"]["type"], "text");
    assert_eq!(first["origin"]["own"], true);
    assert_eq!(first["raw"]["type"], "text");
    Ok(())
}

#[test]
fn normalize_goes_on_after_a_rejected_body_and_a_missing_file() -> Result<()> {
    let files = Files::new()?;
    let message = r#"{"messages":[{"id":"m","from":"1","type":"text",
        "text":{"body":"a"}}]}"#;
    let good = files.file("good.json", message)?;
    let foreign = files.file("foreign.json", r#"{"type":"charge.succeeded"}"#)?;
    let broken = files.file("broken.json", r#"{"messages":["#)?;
    let ran = run(&["normalize", &foreign, &broken, &good], b"")?;
    assert_eq!(ran.code, Some(0), "{}", ran.errors);
    let lines = ran.json()?;
    assert_eq!(lines[0]["rejected"]["reason"], "foreign");
    assert_eq!(lines[1]["rejected"]["reason"], "malformed");
    assert_eq!(lines[2]["source"], good.as_str());
    assert_eq!(lines[2]["message"]["id"], "m");

    let ran = run(&["normalize", "missing.json", &good], b"")?;
    assert_eq!(ran.code, Some(2));
    assert!(ran.errors.contains("missing.json"), "{}", ran.errors);
    assert_eq!(ran.json()?.len(), 1);

    let ran = run(&["normalize", "-"], message.as_bytes())?;
    assert_eq!(ran.json()?[0]["message"]["id"], "m");
    Ok(())
}

#[test]
fn settings_tell_whose_items_they_are_and_keep_the_key_outside() -> Result<()> {
    let files = Files::new()?;
    let settings = files.file("settings.json", SETTINGS.replace("3881", "0000"))?;
    let ran = run(&["normalize", "--settings", &settings], b"")?;
    assert!(
        ran.json()?
            .iter()
            .all(|event| event["origin"]["own"] == false)
    );

    // The channel refuses to see a key; that it finds nothing wrong shows that it saw a placeholder.
    let ran = run(&["validate", &settings], b"")?;
    assert_eq!(ran.code, Some(0), "{:?}", ran.lines);
    assert_eq!(ran.json()?[0]["problems"], json!([]));
    Ok(())
}

#[test]
fn validate_names_every_problem_and_no_secret() -> Result<()> {
    let files = Files::new()?;
    let settings = json!({"phone_number": "0049 30 1", "api": "on_premise", "greting": "Hi",
        "base_url": "https://waba.360dialog.io", "api_key": "key with spaces"});
    let settings = files.file("settings.json", settings.to_string())?;
    let ran = run(&["validate", &settings], b"")?;
    assert_eq!(ran.code, Some(3));
    let problems = ran.json()?[0]["problems"].clone();
    let mut pointers: Vec<_> = problems
        .as_array()
        .context("problems")?
        .iter()
        .filter_map(|problem| problem["pointer"].as_str())
        .collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/api_key",
            "/base_url",
            "/greting",
            "/name",
            "/phone_number"
        ]
    );
    assert!(problems.to_string().contains("2025"), "{problems}");
    assert!(problems.to_string().contains("greeting"), "{problems}");
    assert!(!ran.lines.concat().contains("key with") && !ran.errors.contains("key with"));
    Ok(())
}

#[test]
fn build_prints_payloads_or_problems() -> Result<()> {
    let files = Files::new()?;
    let settings = files.file("settings.json", SETTINGS)?;
    let message = files.file(
        "message.json",
        r#"{"to": {"phone": "16315551234"}, "content": {"type": "text", "text": "Hi"}, "reply_to": "wamid.Q"}"#,
    )?;
    let ran = run(
        &[
            "build",
            "--settings",
            &settings,
            "--window",
            "open",
            &message,
        ],
        b"",
    )?;
    assert_eq!(
        ran.json()?,
        [
            json!({"source": message, "payloads": [{"method": "POST", "path": "/messages", "body": {
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+16315551234",
            "context": {"message_id": "wamid.Q"}, "type": "text", "text": {"body": "Hi"}}}]})
        ]
    );
    let ran = run(&["build", "--window", "closed", &message], b"")?;
    assert_eq!(ran.json()?[0]["problems"][0]["code"], "window_closed");

    for (wrong, pointer, code) in [
        (
            r#"{"to": {"phone": "1"}, "content": {"type": "text"}}"#,
            "/content/text",
            "required",
        ),
        (
            r#"{"to": {"phone": "1"}, "content": {"type": "text", "text": "Hi", "txt": 1}}"#,
            "/content/txt",
            "unknown_member",
        ),
        (
            r#"{"to": {"phone": 1}, "content": {"type": "text", "text": "Hi"}}"#,
            "/to/phone",
            "wrong_type",
        ),
    ] {
        let file = files.file("wrong.json", wrong)?;
        let ran = run(&["build", &file], b"")?;
        let problem = &ran.json()?[0]["problems"][0];
        assert_eq!(
            (&problem["pointer"], &problem["code"]),
            (&json!(pointer), &json!(code))
        );
    }

    let template = files.file(
        "template.json",
        r#"{"to": {"phone": "16315551234"}, "content": {"type": "template", "name": "order", "language": "en_US", "body": [{"text": "Ada"}]}}"#,
    )?;
    let definition = files.file(
        "definition.json",
        r#"{"name": "order", "language": "en_US", "category": "utility", "status": "approved",
            "content": {"body": {"text": {"text": "Hello {{1}}, order {{2}} is ready."}}}}"#,
    )?;
    let ran = run(&["build", "--window", "closed", &template], b"")?;
    assert!(ran.json()?[0]["payloads"].is_array(), "{:?}", ran.lines);
    let ran = run(&["build", "--definition", &definition, &template], b"")?;
    assert!(ran.json()?[0]["problems"].is_array(), "{:?}", ran.lines);
    Ok(())
}

#[test]
fn describe_and_check_speak_of_the_bundled_channel() -> Result<()> {
    let ran = run(&["describe"], b"")?;
    let description = &ran.json()?[0];
    assert_eq!(description["id"], "channel-360dialog");
    assert_eq!(description["window"]["length_seconds"], 86_400);
    assert!(description["settings_schema"]["properties"]["api_key"]["writeOnly"] == true);

    let files = Files::new()?;
    let text = files.file("text.wasm", "no component")?;
    let ran = run(&["check", &text], b"")?;
    assert_eq!(ran.code, Some(3));
    assert!(ran.lines[0].starts_with("BROKEN"), "{:?}", ran.lines);
    Ok(())
}

#[test]
fn a_directory_that_is_named_counts_more_than_the_environment() -> Result<()> {
    let files = Files::new()?;
    let ended = Command::new(env!("CARGO_BIN_EXE_channel-host"))
        .args(["channel", "list", "--data"])
        .arg(files.0.path())
        .env("CHANNEL_HOST_URL", "http://127.0.0.1:1")
        .env("CHANNEL_HOST_TOKEN", "sixteen-characters")
        .output()?;
    let said = String::from_utf8(ended.stderr)?;
    assert!(said.contains("no host runs on"), "{said}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn on_a_terminal_it_ends_as_elsewhere() -> Result<()> {
    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::io::Read;

    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal = open(ptsname(&ours, Vec::new())?, flags, Mode::empty())?;
    let mut child = Command::new(env!("CARGO_BIN_EXE_channel-host"))
        .args(["--no-cache", "check", "missing.wasm"])
        .stderr(terminal)
        .spawn()?;
    let mut said = Vec::new();
    // Linux ends it with an error once the command has ended.
    let _ = std::fs::File::from(ours).read_to_end(&mut said);
    let said = String::from_utf8(said)?;
    assert_eq!(child.wait()?.code(), Some(2), "{said}");
    assert!(said.contains("missing.wasm"), "{said}");
    Ok(())
}
