//! What needs no host: holding drafts against the rules, and showing how they read.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use channel_host::contract::outbound::TemplateMessage;
use channel_host::contract::templates::{
    Definition, Draft, Finding, Rendered, Severity, TemplateStatus,
};
use channel_host::contract::types::Problem;
use channel_host::{Engine, plain};
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use super::parameters::Parameters;
use crate::cli::commands::settings;
use crate::cli::{PluginArg, Status, Usage, complain, load, print, print_line, read};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Offline {
    /// Tell what the vendor will refuse of drafts, or its review reject. Needs no host.
    Lint {
        #[command(flatten)]
        plugin: PluginArg,
        /// Settings: the rules of their account hold.
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// Files that hold one draft each, in the contract's form or the vendor's own; `-` is standard input.
        #[arg(value_name = "DRAFT.json", required = true)]
        drafts: Vec<PathBuf>,
    },
    /// Show a template as the person will read it, variables filled in or marked. Needs no host.
    Preview {
        #[command(flatten)]
        plugin: PluginArg,
        /// The draft, or the template's definition; `-` is standard input.
        #[arg(value_name = "DRAFT.json")]
        draft: PathBuf,
        #[command(flatten)]
        parameters: Parameters,
    },
}

/// What was found in one file.
#[derive(Serialize)]
struct Read {
    source: String,
    findings: Vec<Finding>,
}

/// Runs a command that needs no host.
pub(in crate::cli) async fn offline(
    engine: &Engine,
    command: Offline,
    json: bool,
) -> Result<Status> {
    match command {
        Offline::Lint {
            plugin,
            settings: path,
            drafts,
        } => {
            let plugin = load(engine, &plugin)?;
            let settings = settings(&plugin, path.as_deref()).await?;
            let mut status = Status::Done;
            for path in drafts {
                let source = path.display().to_string();
                let bytes = match read(&path) {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        complain(&error);
                        status = Status::Usage;
                        continue;
                    }
                };
                let findings = match Draft::read_open(&bytes) {
                    Ok(draft) => {
                        let mut sandbox = plugin.instantiate().await?;
                        sandbox.lint(settings.as_deref(), &draft).await?
                    }
                    Err(problems) => problems.into_iter().map(refused).collect(),
                };
                if status == Status::Done && !is_fine(&findings) {
                    status = Status::Refused;
                }
                let read = Read { source, findings };
                if json {
                    print_line(&read)?;
                } else {
                    print::write(&lint(&read))?;
                }
            }
            Ok(status)
        }
        Offline::Preview {
            plugin,
            draft,
            parameters,
        } => {
            let plugin = load(engine, &plugin)?;
            let definition = definition(&read(&draft)?, &draft.display().to_string())?;
            let message = parameters.message(&definition.name, &definition.language)?;
            let message = TemplateMessage::read(message.to_string().as_bytes());
            let message = message.map_err(|problems| Usage(sentences(&problems)))?;
            let mut sandbox = plugin.instantiate().await?;
            let rendered = sandbox.render(&definition, &message).await?;
            if json {
                print_line(&rendered)?;
            } else {
                print::write(&preview(&rendered))?;
            }
            Ok(Status::Done)
        }
    }
}

fn refused(problem: Problem) -> Finding {
    Finding {
        severity: Severity::Refused,
        problem,
    }
}

fn is_fine(findings: &[Finding]) -> bool {
    findings.iter().all(|it| it.severity == Severity::Advice)
}

fn sentences(problems: &[Problem]) -> String {
    let sentence = |it: &Problem| format!("{}: {}", it.pointer, it.message);
    problems.iter().map(sentence).collect::<Vec<_>>().join("; ")
}

/// A definition, or what a draft will be.
fn definition(json: &[u8], source: &str) -> Result<Definition> {
    if let Ok(definition) = serde_json::from_slice(json) {
        return Ok(definition);
    }
    let draft = Draft::read_open(json)
        .map_err(|problems| Usage(format!("{source} is no draft: {}", sentences(&problems))))?;
    let mut content = draft.content;
    content.other.extend(draft.other);
    Ok(Definition {
        name: draft.name,
        language: draft.language,
        category: draft.category,
        status: TemplateStatus::Draft,
        content,
        id: None,
        external_id: None,
        namespace: None,
        quality: None,
        rejected_reason: None,
        previous_category: None,
        coming_category: None,
        ttl_seconds: draft.ttl_seconds,
        created: None,
        modified: None,
        attributes: Vec::new(),
    })
}

fn lint(read: &Read) -> String {
    let source = plain(&read.source);
    if read.findings.is_empty() {
        return format!("{source}: nothing was found\n");
    }
    let mut text = String::new();
    for Finding { severity, problem } in &read.findings {
        let severity = match severity {
            Severity::Refused => "refused",
            Severity::LikelyRejected => "likely rejected",
            Severity::Advice => "advice",
        };
        let problem = json!(problem);
        let [pointer, message, rule] =
            ["/pointer", "/message", "/source"].map(|member| print::text(&problem, member));
        let parts = [&source, &pointer]
            .into_iter()
            .filter(|part| !part.is_empty());
        let at: Vec<_> = parts.map(String::as_str).collect();
        let _ = write!(text, "{}: {severity}: {message}", at.join(" "));
        if !rule.is_empty() {
            let _ = write!(text, " ({rule})");
        }
        text.push('\n');
    }
    text
}

/// A message as the person will read it.
fn preview(rendered: &Rendered) -> String {
    // Every line by itself, so that nothing in it moves the cursor.
    fn lines(text: &str, indent: &str) -> String {
        let lines = text
            .lines()
            .map(|line| format!("{indent}{}\n", plain(line)));
        lines.collect()
    }
    fn part(header: Option<&str>, body: Option<&str>, indent: &str) -> String {
        let parts = [header, body].into_iter().flatten();
        parts.map(|text| lines(text, indent)).collect()
    }
    fn labels(buttons: &[String], indent: &str) -> String {
        let mut text = String::new();
        for label in buttons {
            let _ = writeln!(text, "{indent}[ {} ]", plain(label));
        }
        text
    }
    let mut text = part(rendered.header.as_deref(), Some(&rendered.body), "");
    text += &rendered
        .footer
        .as_deref()
        .map(|it| lines(it, ""))
        .unwrap_or_default();
    text += &labels(&rendered.buttons, "");
    for (i, card) in rendered.cards.iter().enumerate() {
        let _ = writeln!(text, "card {}", i + 1);
        text += &part(card.header.as_deref(), card.body.as_deref(), "  ");
        text += &labels(&card.buttons, "  ");
    }
    if !rendered.missing.is_empty() {
        let missing = plain(&rendered.missing.join(", "));
        let _ = writeln!(text, "missing: {missing}");
    }
    text
}
