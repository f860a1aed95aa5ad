//! What the host lends to plugins: the one place that says so.

use semver::Version;
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi_io::bindings::wasi::io;

use super::sandbox::Sandbox;

/// The interfaces of WASI 0.2 that are lent: what Rust's standard library imports whether it is used or not, and
/// nothing that reaches beyond the sandbox. No files, no sockets, no clocks.
pub(super) const WASI: [&str; 16] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// The version of WASI that they are of; patches of it fit one another.
pub(super) const WASI_VERSION: Version = Version::new(0, 2, 0);

/// The contract's capabilities that are lent to plugins.
pub(super) const CAPABILITIES: [&str; 0] = [];

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links what is lent.
pub(super) fn linker(engine: &wasmtime::Engine) -> Result<Linker<Sandbox>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    cli::environment::add_to_linker::<_, WasiCli>(l, Sandbox::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(l, Sandbox::cli)?;
    cli::stderr::add_to_linker::<_, WasiCli>(l, Sandbox::cli)?;
    cli::stdin::add_to_linker::<_, WasiCli>(l, Sandbox::cli)?;
    cli::stdout::add_to_linker::<_, WasiCli>(l, Sandbox::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(l, Sandbox::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(l, Sandbox::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, Sandbox::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, Sandbox::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, Sandbox::cli)?;
    io::error::add_to_linker::<_, Io>(l, |sandbox| sandbox.ctx().table)?;
    io::poll::add_to_linker::<_, Io>(l, |sandbox| sandbox.ctx().table)?;
    io::streams::add_to_linker::<_, Io>(l, |sandbox| sandbox.ctx().table)?;
    random::insecure::add_to_linker::<_, WasiRandom>(l, Sandbox::random)?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(l, Sandbox::random)?;
    random::random::add_to_linker::<_, WasiRandom>(l, Sandbox::random)?;
    Ok(linker)
}
