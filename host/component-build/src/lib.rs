//! Builds a component from a package of this workspace, for build scripts.
//!
//! A build script of the host or of the tests names the package; the component then lies at
//! `<target>/plugin/<package>.wasm` and is always current: the build script runs again when the package, the contract,
//! the lock file or the component itself changes or is gone.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, exit};

use serde_json::Value;

const TARGET: &str = "wasm32-wasip2";

/// What the outer cargo, clippy or a coverage tool sets for its own compilation, which is not this one. Everything else
/// stays: `PATH`, `RUSTUP_TOOLCHAIN`, proxies, and `CARGO_MAKEFLAGS`, by which both cargos share their jobs.
const OUTER: &[&str] = &[
    "DEBUG",
    "HOST",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "TARGET",
];

/// Names that begin so belong to the outer compilation too.
const OUTER_PREFIXES: &[&str] = &[
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_ENCODED_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CLIPPY_",
];

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not called from a build script.
    #[error("{0} is not set: components are built from build scripts, which cargo runs")]
    NotABuildScript(&'static str),
    /// No workspace above the build script's package.
    #[error("no Cargo.toml with a [workspace] lies above {0}")]
    NoWorkspace(PathBuf),
    /// The standard library for components is not installed.
    #[error("the {TARGET} target is not installed: run `rustup target add {TARGET}`")]
    TargetMissing,
    /// A program of the toolchain could not be started.
    #[error("{program} could not be started: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The package does not compile; cargo has said why.
    #[error("the component {0} does not build: cargo's errors follow")]
    Build(String),
    /// The package's library is no component.
    #[error("the package {0} gives no component: its [lib] needs crate-type = [\"cdylib\"]")]
    NoComponent(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Builds the library of `package` as a component and returns where it lies: `<target>/plugin/<package>.wasm`.
///
/// For build scripts: prints `cargo::rerun-if-changed` lines.
///
/// # Errors
///
/// Where the wasm target is missing, the package does not build, or a file can't be written.
pub fn build(package: &str) -> Result<PathBuf, Error> {
    build_as(package, package, &[])
}

/// [`build`] with further arguments for cargo (`--no-default-features`), as a component of another name.
///
/// # Errors
///
/// As [`build`].
pub fn build_as(package: &str, name: &str, arguments: &[&str]) -> Result<PathBuf, Error> {
    let root = workspace_root()?;
    check_target()?;
    let folder = target_folder(&root)?.join("plugin");
    let (built, sources) = run_cargo(package, arguments, &root, &folder.join("build"))?;

    let component = folder.join(name).with_extension("wasm");
    let bytes = fs::read(&built).map_err(|source| file(&built, source))?;
    write(&component, &bytes)?;

    let watched = [
        root.join("wit"),
        root.join("Cargo.lock"),
        root.join("Cargo.toml"),
        component.clone(),
    ];
    for path in watched.iter().chain(&sources) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    Ok(component)
}

/// [`build`] for build scripts: a failure is one sentence and ends the script.
#[must_use]
pub fn build_or_exit(package: &str) -> PathBuf {
    build(package).unwrap_or_else(|error| {
        println!("cargo::error={error}");
        exit(1)
    })
}

fn variable(name: &'static str) -> Result<PathBuf, Error> {
    env::var_os(name)
        .map(PathBuf::from)
        .ok_or(Error::NotABuildScript(name))
}

fn workspace_root() -> Result<PathBuf, Error> {
    let package = variable("CARGO_MANIFEST_DIR")?;
    package
        .ancestors()
        .find(|folder| {
            fs::read_to_string(folder.join("Cargo.toml"))
                .is_ok_and(|manifest| manifest.lines().any(|line| line.trim() == "[workspace]"))
        })
        .map(Path::to_owned)
        .ok_or(Error::NoWorkspace(package))
}

/// The outer cargo's target folder, wherever an argument, the environment or a configuration has put it: cargo marks
/// it, and `OUT_DIR` lies in it.
fn target_folder(root: &Path) -> Result<PathBuf, Error> {
    let out = variable("OUT_DIR")?;
    let marked = out
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file());
    // A folder that was there before cargo bears no mark.
    let named = || root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    Ok(marked.map_or_else(named, Path::to_owned))
}

fn check_target() -> Result<(), Error> {
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let output = start(&mut rustc, Command::output)?;
    let libraries = String::from_utf8_lossy(&output.stdout);
    if Path::new(libraries.trim()).is_dir() {
        Ok(())
    } else {
        Err(Error::TargetMissing)
    }
}

/// Returns the component in the inner target folder, and the folders of the workspace's packages that are in it.
fn run_cargo(
    package: &str,
    arguments: &[&str],
    root: &Path,
    target: &Path,
) -> Result<(PathBuf, Vec<PathBuf>), Error> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .args(["build", "--locked", "--lib", "--profile", "component"])
        .args(["--target", TARGET, "--package", package])
        .args(arguments)
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--target-dir")
        .arg(target)
        .current_dir(root)
        .stderr(Stdio::inherit());
    for (name, _) in env::vars_os() {
        if is_outer(&name) {
            cargo.env_remove(name);
        }
    }
    let output = start(&mut cargo, Command::output)?;
    if !output.status.success() {
        return Err(Error::Build(package.to_owned()));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifacts: Vec<Value> = messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|message: &Value| message["reason"] == "compiler-artifact")
        .collect();
    let of_workspace = artifacts.iter().filter(|artifact| {
        let id = artifact["package_id"].as_str();
        id.is_some_and(|id| id.starts_with("path+"))
    });
    let sources = of_workspace
        .filter_map(|artifact| artifact["manifest_path"].as_str())
        .filter_map(|manifest| Path::new(manifest).parent())
        .map(Path::to_owned)
        .collect();
    // The package itself is built after everything that it depends on.
    let component = artifacts.iter().rev().find_map(|artifact| {
        let files = artifact["filenames"].as_array()?.iter();
        files
            .filter_map(Value::as_str)
            .map(PathBuf::from)
            .find(|file| {
                file.extension()
                    .is_some_and(|extension| extension == "wasm")
            })
    });
    match component {
        Some(component) => Ok((component, sources)),
        None => Err(Error::NoComponent(package.to_owned())),
    }
}

fn is_outer(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        OUTER.contains(&name) || OUTER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    })
}

fn start<T>(command: &mut Command, run: fn(&mut Command) -> io::Result<T>) -> Result<T, Error> {
    run(command).map_err(|source| Error::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })
}

/// Writes a component in one step, and only where it makes a difference.
///
/// # Errors
///
/// The file can't be written.
pub fn write(to: &Path, bytes: &[u8]) -> Result<(), Error> {
    if fs::read(to).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let temporary = to.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&temporary, bytes).map_err(|source| file(&temporary, source))?;
    age(&temporary).map_err(|source| file(&temporary, source))?;
    fs::rename(&temporary, to).map_err(|source| file(to, source))
}

/// Gives the file a time before this run. Cargo would else take our own writing for a change, and run the script and
/// compile everything above it once more.
fn age(path: &Path) -> io::Result<()> {
    let before = fs::metadata(env::current_exe()?)?.modified()?;
    fs::File::options()
        .write(true)
        .open(path)?
        .set_modified(before)
}

fn file(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}
