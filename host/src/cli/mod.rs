//! The command's arguments, and what each of its commands prints.

mod commands;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use channel_host::plain;
use channel_host::{Cache, Engine, Limits, Plugin};
use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

#[cfg(feature = "bundled")]
const BUNDLED: Option<&[u8]> = Some(include_bytes!(env!("BUNDLED_COMPONENT")));
#[cfg(not(feature = "bundled"))]
const BUNDLED: Option<&[u8]> = None;

#[cfg(feature = "bundled")]
const EXAMPLE: Option<&[u8]> = Some(include_bytes!(env!("BUNDLED_EXAMPLE")));
#[cfg(not(feature = "bundled"))]
const EXAMPLE: Option<&[u8]> = None;

/// Runs messaging channels that are WebAssembly components.
#[derive(Debug, Parser)]
#[command(name = "channel-host", version)]
struct Cli {
    /// Compile components anew instead of keeping them in the user's cache directory.
    #[arg(long, global = true)]
    no_cache: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Turn webhook bodies into events, one a line.
    Normalize {
        #[command(flatten)]
        channel: Channel,
        /// Settings: items for other numbers than theirs are marked.
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// Files that hold one body each; `-` is standard input. Without any, an example of the bundled channel.
        #[arg(value_name = "BODY.json")]
        bodies: Vec<PathBuf>,
    },
    /// Turn messages into the vendor's payloads, one message a line.
    Build {
        #[command(flatten)]
        channel: Channel,
        /// Settings; empty ones where absent.
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// How the contact's window stands; open means for a day from now.
        #[arg(long, value_enum, default_value_t)]
        window: WindowArg,
        /// The definition of the template that the messages name.
        #[arg(long, value_name = "FILE")]
        definition: Option<PathBuf>,
        /// Files that hold one message each; `-` is standard input.
        #[arg(value_name = "MESSAGE.json", required = true)]
        messages: Vec<PathBuf>,
    },
    /// Print what a channel is.
    Describe {
        #[command(flatten)]
        channel: Channel,
    },
    /// Print everything that is wrong with settings. Fails where there is anything.
    Validate {
        #[command(flatten)]
        channel: Channel,
        /// The settings; `-` is standard input.
        #[arg(value_name = "SETTINGS.json")]
        settings: PathBuf,
    },
    /// Tell whether a component is a channel, rule by rule. Fails where one is broken.
    Check {
        /// The component.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Channel {
    /// The component of the channel; the bundled one where absent.
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
}

/// How a contact's window stands.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum WindowArg {
    /// Free-form messages are allowed.
    Open,
    /// Only templates are.
    Closed,
    /// It is not known.
    #[default]
    Unknown,
}

/// Runs the command.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::Level::WARN.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // They would be printed to the same closed pipe, and panic.
        .log_internal_errors(false)
        .init();
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .context("the runtime could not be started")
        .and_then(|runtime| runtime.block_on(execute(cli)));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read our output has seen enough.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says on standard error what went wrong. Some of it are a plugin's words.
fn complain(error: &anyhow::Error) {
    let sentence = plain(&format!("{error:#}"));
    // Where standard error is gone too, there is nobody to tell.
    let _ = writeln!(io::stderr(), "channel-host: {sentence}");
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Runs one command; false where it found something wrong.
async fn execute(cli: Cli) -> Result<bool> {
    let cache = if cli.no_cache {
        Cache::Off
    } else {
        Cache::User
    };
    let engine = Engine::new(Limits::recommended(), &cache).or_else(|error| match error {
        // No home directory, or one that can't be written to: slower, but no reason to stop.
        channel_host::EngineError::Cache(_) => {
            tracing::warn!(%error, "components are compiled anew");
            Engine::new(Limits::recommended(), &Cache::Off)
        }
        error => Err(error),
    })?;
    let out = &mut io::BufWriter::new(io::stdout().lock());
    let fine = match cli.command {
        Command::Normalize {
            channel,
            settings,
            bodies,
        } => {
            let plugin = load(&engine, &channel)?;
            let settings = commands::settings(&plugin, settings.as_deref()).await?;
            if bodies.is_empty() {
                let example =
                    EXAMPLE.context("name a file with a webhook body; `-` is standard input")?;
                if channel.plugin.is_some() {
                    bail!("name a file with a webhook body: the example is the bundled channel's");
                }
                commands::normalize(
                    &plugin,
                    settings.as_deref(),
                    "example",
                    example.to_vec(),
                    out,
                )
                .await?;
            }
            let read = |body: PathBuf| (source(&body), read(&body));
            commands::normalize_all(
                &plugin,
                settings.as_deref(),
                bodies.into_iter().map(read),
                out,
            )
            .await?
        }
        Command::Build {
            channel,
            settings,
            window,
            definition,
            messages,
        } => {
            let plugin = load(&engine, &channel)?;
            let settings = commands::settings(&plugin, settings.as_deref()).await?;
            let definition = definition
                .as_deref()
                .map(commands::definition)
                .transpose()?;
            let read = |message: PathBuf| (source(&message), read(&message));
            let messages = messages.into_iter().map(read);
            let order = commands::Order {
                plugin: &plugin,
                settings: settings.as_deref().unwrap_or("{}"),
                window: commands::window(window),
                definition,
            };
            commands::build_all(&order, messages, out).await?
        }
        Command::Describe { channel } => {
            let description = load(&engine, &channel)?.describe().await?;
            commands::line(out, &description)?;
            true
        }
        Command::Validate { channel, settings } => {
            let plugin = load(&engine, &channel)?;
            commands::validate(&plugin, &source(&settings), &read(&settings)?, out).await?
        }
        Command::Check { file } => {
            let component = engine.read(&file)?;
            commands::check(&engine, &component, out).await?
        }
    };
    out.flush()?;
    Ok(fine)
}

fn load(engine: &Engine, channel: &Channel) -> Result<Plugin> {
    match (&channel.plugin, BUNDLED) {
        (Some(path), _) => engine
            .load_file(path)
            .with_context(|| format!("{} is no plugin", path.display())),
        (None, Some(bundled)) => Ok(engine.load("bundled", bundled)?),
        (None, None) => bail!("name a channel's component: --plugin FILE"),
    }
}

/// What a line calls a file.
fn source(path: &Path) -> String {
    path.display().to_string()
}

/// The largest body, message or settings that is read.
const INPUT_BYTES: u64 = 16 << 20;

/// Reads a file, or standard input.
fn read(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read;

    let mut bytes = Vec::new();
    let limit = INPUT_BYTES + 1;
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.with_context(|| format!("{} can't be read", path.display()))?;
    if u64::try_from(bytes.len())? > INPUT_BYTES {
        bail!("{} is larger than {INPUT_BYTES} bytes", path.display());
    }
    Ok(bytes)
}
