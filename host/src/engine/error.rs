//! Why a component is no plugin, and why a call failed.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use semver::Version;
use wasmtime::component::ResourceTableError;
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::limits::Limits;
use super::sandbox::Exceeded;
use crate::contract::PACKAGE;
use crate::plain;

/// Why the engine could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The limits let nothing run, contradict each other, or the system cannot reserve what they ask for.
    #[error("these limits cannot be kept: {0}")]
    Limits(String),
    /// The directory of compiled components cannot be used.
    #[error(
        "the cache of compiled components cannot be used: {0}; choose another directory, or none"
    )]
    Cache(String),
    /// The thread that watches the time could not be started.
    #[error("the thread that watches deadlines could not be started: {0}")]
    Thread(#[source] io::Error),
}

/// Why a file is not a plugin that this host can run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file can't be read.
    #[error("{} can't be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// This host carries no component.
    #[error("this host carries no channel of its own: hand in a component's file")]
    NotBundled,
    /// It is larger than the limit.
    #[error(
        "it is larger than {limit} bytes: build it for release and without debug information, or raise `component_bytes`"
    )]
    TooLarge {
        /// [`Limits::component_bytes`].
        limit: usize,
    },
    /// Compiling it would cost too much.
    #[error(
        "compiling it would cost too much: `{name}` is limited to {limit}, and it has {found} or more; build it for release, or raise the limit if you trust it"
    )]
    TooComplex {
        /// The field of [`Limits`].
        name: &'static str,
        /// Its value.
        limit: usize,
        /// What was counted when the limit was passed.
        found: usize,
    },
    /// It is no WebAssembly.
    #[error(
        "it is not WebAssembly: a plugin is a component (`cargo build --release --target wasm32-wasip2`)"
    )]
    NotWasm,
    /// It is a core module.
    #[error(
        "it is a core module, not a component: build it with `--target wasm32-wasip2`, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// It is damaged, or uses a proposal or a size that is not allowed here.
    #[error("it can't be compiled: {0}")]
    Invalid(String),
    /// It exports nothing of the contract.
    #[error(
        "it is a component, but not a channel: it exports no interface that channels have in {PACKAGE}"
    )]
    NotAChannel,
    /// It exports the contract without a version.
    #[error("it exports `{0}` without a version: build it against a version of {PACKAGE}")]
    Unversioned(String),
    /// It exports one interface at several versions that would all do.
    #[error("it exports the interface `{0}` more than once: which one is meant can't be told")]
    Twice(&'static str),
    /// It exports something else in an interface's place.
    #[error("its export `{0}` is not an interface: build it against the WIT of {PACKAGE}")]
    NotAnInterface(String),
    /// What it lacks of this version, it may have of another.
    #[error(
        "it does not export {} of {PACKAGE} {offered}, and has interfaces of {found}: build all of it against one version",
        list(missing)
    )]
    Mixed {
        /// Interfaces that every channel has.
        missing: Vec<&'static str>,
        /// The other version.
        found: Version,
        /// Ours.
        offered: Version,
    },
    /// It was written against a version of the contract that does not fit.
    #[error(
        "it was built for {PACKAGE} {found}, and this host speaks {offered}: {}",
        advice(found, offered)
    )]
    Version {
        /// Its version.
        found: Version,
        /// Ours.
        offered: Version,
    },
    /// It lacks interfaces that every channel has.
    #[error("it does not export {}: every channel does", list(.0))]
    Missing(Vec<&'static str>),
    /// It wants what this host does not lend.
    #[error("it imports {}: this host does not lend that", list(.0))]
    Import(Vec<String>),
    /// It wants something that this host lends, of another type.
    #[error("it does not fit what this host lends: {0}")]
    Link(String),
    /// A function has another type than in the contract.
    #[error("its function {name} does not fit the contract: {detail}")]
    Function {
        /// `interface.function`.
        name: String,
        /// How it differs.
        detail: String,
    },
}

impl LoadError {
    pub(super) fn invalid(error: &wasmtime::Error) -> Self {
        Self::Invalid(plain(&format!("{error:#}")))
    }
}

impl From<wasmparser::BinaryReaderError> for LoadError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Invalid(plain(&error.to_string()))
    }
}

fn advice(found: &Version, offered: &Version) -> &'static str {
    if found > offered {
        "the component is newer; update the host"
    } else {
        "the component is older; build it against the newer contract"
    }
}

fn list<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<_> = names
        .iter()
        .map(|name| format!("`{}`", plain(name.as_ref())))
        .collect();
    names.join(", ")
}

/// Why a call gave no answer. A sandbox that it ran in is gone; the plugin may be called again.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CallError {
    /// The plugin failed: it panicked, broke the rules of WebAssembly, or exited.
    #[error(
        "the plugin failed: {reason}{}; report it to the plugin's author",
        within(frames)
    )]
    Trapped {
        /// What happened.
        reason: String,
        /// The plugin's functions that were running, innermost first.
        frames: Vec<String>,
    },
    /// It took too long.
    #[error("the plugin took longer than {} ms; if its work is honest, raise the limit `deadline` or `deadline_with_http`", after.as_millis())]
    Deadline {
        /// [`Limits::deadline`], or [`Limits::deadline_with_http`].
        after: Duration,
    },
    /// It went over another limit.
    #[error(
        "the plugin went over its limit of {limit} {of}; if its work is honest, raise the limit `{name}`"
    )]
    Limit {
        /// The field of [`Limits`].
        name: &'static str,
        /// Its value.
        limit: usize,
        /// Of what.
        of: &'static str,
    },
    /// What it returned is no value of the contract's type (text that is not UTF-8, a place outside its memory).
    #[error(
        "the plugin returned something that can't be read: {0}; report it to the plugin's author"
    )]
    Unreadable(String),
    /// No sandbox became free in time; nothing of the plugin ran.
    #[error(
        "no sandbox became free within {} ms: call less at one time, or raise the limit `{limit}` or `queue`",
        after.as_millis()
    )]
    Busy {
        /// [`Limits::queue`]; with HTTP also [`Limits::deadline_with_http`].
        after: Duration,
        /// The field of [`Limits`] that says how many there are.
        limit: &'static str,
    },
    /// An earlier call of this instance failed or was given up.
    #[error("an earlier call of this instance failed; make a new one")]
    Poisoned,
    /// The plugin does not export the interface.
    #[error("this channel has no `{0}`")]
    Absent(&'static str),
}

impl CallError {
    /// One stable word for it: `trapped`, `deadline`, `limit`, `unreadable`, `busy`, `poisoned`, `absent`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Trapped { .. } => "trapped",
            Self::Deadline { .. } => "deadline",
            Self::Limit { .. } => "limit",
            Self::Unreadable(_) => "unreadable",
            Self::Busy { .. } => "busy",
            Self::Poisoned => "poisoned",
            Self::Absent(_) => "absent",
        }
    }

    /// What wasmtime's error means in a call that was allowed so long.
    pub(super) fn of(error: &wasmtime::Error, limits: &Limits, allowed: Duration) -> Self {
        let limit = |name, limit, of| Self::Limit { name, limit, of };
        match error.downcast_ref::<Exceeded>() {
            Some(Exceeded::Deadline) => {
                return Self::Deadline { after: allowed };
            }
            Some(Exceeded::Memory) => {
                return limit("memory_bytes", limits.memory_bytes, "bytes of memory");
            }
            Some(Exceeded::Table) => {
                return limit("table_elements", limits.table_elements, "table elements");
            }
            None => {}
        }
        let backtrace = error.downcast_ref::<WasmBacktrace>();
        let frames = backtrace.map(frames).unwrap_or_default();
        if let Some(trap) = error.downcast_ref::<Trap>() {
            if *trap == Trap::StackOverflow {
                return limit("stack_bytes", limits.stack_bytes, "bytes of stack");
            }
            return Self::Trapped {
                reason: trap.to_string(),
                frames,
            };
        }
        let reason = plain(&error.root_cause().to_string());
        // wasmtime keeps the types of these two errors to itself; tests hold on to their words.
        if reason.contains("fuel allocated for hostcalls") {
            return limit(
                "transfer_bytes",
                limits.transfer_bytes,
                "bytes handed to the host",
            );
        }
        let full = matches!(error.downcast_ref(), Some(ResourceTableError::Full));
        if full || reason.contains("store handle limit exceeded") {
            return limit("handles", limits.handles, "handles");
        }
        if let Some(I32Exit(code)) = error.downcast_ref() {
            return Self::Trapped {
                reason: format!("it exited with status {code}"),
                frames,
            };
        }
        if backtrace.is_some() {
            Self::Trapped { reason, frames }
        } else {
            Self::Unreadable(reason)
        }
    }
}

/// The longest name of a function that is worth showing.
const NAME: usize = 160;

/// The most functions that are worth showing.
const SHOWN: usize = 8;

/// The names of the plugin's functions in a backtrace, innermost first: without those of the standard library, by
/// which a panic ends, unless there are no others.
fn frames(backtrace: &WasmBacktrace) -> Vec<String> {
    let names = backtrace
        .frames()
        .iter()
        .map(|frame| match frame.func_name() {
            Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
            None => format!("function {}", frame.func_index()),
        });
    let mut names: Vec<String> = names
        .map(|name| plain(&name).chars().take(NAME).collect())
        .collect();
    if names.iter().any(|name| !is_standard(name)) {
        names.retain(|name| !is_standard(name));
    }
    names.truncate(SHOWN);
    names
}

/// Whether a function is one of Rust's libraries or C's.
fn is_standard(name: &str) -> bool {
    let prefixes = [
        "std::", "core::", "alloc::", "__rust", "__wasi", "<core::", "<alloc::", "<std::",
    ];
    name == "abort"
        || name == "exit"
        || name == "_Exit"
        || prefixes.iter().any(|prefix| name.starts_with(prefix))
}

fn within(frames: &[String]) -> String {
    match frames {
        [] => String::new(),
        frames => format!(" (in {})", frames.join(" < ")),
    }
}
