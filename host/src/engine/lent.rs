//! What the host lends to plugins: the one place that says so.

use std::future::Future;

use semver::Version;
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi_io::bindings::wasi::io;

use super::sandbox::Sandbox;
use crate::contract::http::{self, Request, Response};
use crate::contract::storage::{self, KeyPage};
use crate::contract::{PACKAGE, VERSION};

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
pub(super) const CAPABILITIES: [&str; 2] = ["http", "storage"];

/// The longest key, in bytes, and the largest value.
const KEY_BYTES: usize = 256;
const VALUE_BYTES: usize = 64 << 10;

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links what is lent.
pub(super) fn linker(engine: &wasmtime::Engine) -> Result<Linker<Sandbox>> {
    let mut linker = wasi(engine)?;
    lend_http(&mut linker)?;
    lend_storage(&mut linker)?;
    Ok(linker)
}

/// Links what is lent of WASI.
pub(super) fn wasi(engine: &wasmtime::Engine) -> Result<Linker<Sandbox>> {
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

/// Links `http`: a request of a call that is lent it.
fn lend_http(linker: &mut Linker<Sandbox>) -> Result<()> {
    let mut http = linker.instance(&format!("{PACKAGE}/http@{VERSION}"))?;
    http.func_wrap_async("send", |mut store, (request,): (Request,)| {
        let sandbox: &mut Sandbox = store.data_mut();
        let lent = sandbox.lent.http.clone();
        let deadline = sandbox.deadline.into();
        let left = sandbox.requests_left.checked_sub(1);
        sandbox.requests_left = left.unwrap_or_default();
        Box::new(async move {
            let answer: std::result::Result<Response, http::Failure> = match (lent, left) {
                (None, _) => Err(http::Failure::Denied(
                    "this call may not use HTTP".to_owned(),
                )),
                (_, None) => Err(http::Failure::Denied(
                    "this call has made as many requests as it may".to_owned(),
                )),
                (Some(http), Some(_)) => http.send(request, deadline).await,
            };
            Ok((answer,))
        })
    })
}

/// Links `storage`: the operations of a call that is lent it.
fn lend_storage(linker: &mut Linker<Sandbox>) -> Result<()> {
    type Done<T> = std::result::Result<T, storage::Failure>;

    let mut interface = linker.instance(&format!("{PACKAGE}/storage@{VERSION}"))?;
    interface.func_wrap_async("get", |store, (key,): (String,)| {
        let lent = store.data().lent.storage.clone();
        operation(async move {
            check(&key, &[])?;
            lent.ok_or(storage::Failure::Denied)?.get(&key).await
        })
    })?;
    interface.func_wrap_async("set", |store, (key, value): (String, Vec<u8>)| {
        let lent = store.data().lent.storage.clone();
        operation(async move {
            check(&key, &value)?;
            lent.ok_or(storage::Failure::Denied)?.set(&key, value).await
        })
    })?;
    interface.func_wrap_async("delete", |store, (key,): (String,)| {
        let lent = store.data().lent.storage.clone();
        operation(async move {
            check(&key, &[])?;
            lent.ok_or(storage::Failure::Denied)?.delete(&key).await
        })
    })?;
    interface.func_wrap_async(
        "compare-and-swap",
        |store, (key, expected, value): (String, Option<Vec<u8>>, Vec<u8>)| {
            let lent = store.data().lent.storage.clone();
            operation(async move {
                check(&key, &value)?;
                let storage = lent.ok_or(storage::Failure::Denied)?;
                storage.compare_and_swap(&key, expected, value).await
            })
        },
    )?;
    interface.func_wrap_async(
        "list",
        |store, (prefix, cursor): (String, Option<String>)| {
            let lent = store.data().lent.storage.clone();
            operation(async move {
                let storage = lent.ok_or(storage::Failure::Denied)?;
                let page: Done<KeyPage> = storage.list(&prefix, cursor.as_deref()).await;
                page
            })
        },
    )
}

/// What wasmtime wants of an operation: its outcome is the plugin's to see, never a trap.
fn operation<'a, T: Send + 'a>(
    operation: impl Future<Output = std::result::Result<T, storage::Failure>> + Send + 'a,
) -> Box<dyn Future<Output = Result<(std::result::Result<T, storage::Failure>,)>> + Send + 'a> {
    Box::new(async move { Ok((operation.await,)) })
}

/// The bounds that the contract puts on a key and a value.
fn check(key: &str, value: &[u8]) -> std::result::Result<(), storage::Failure> {
    if key.is_empty() || key.len() > KEY_BYTES {
        return Err(storage::Failure::Limit(format!(
            "a key has 1 to {KEY_BYTES} bytes, and this one {}",
            key.len()
        )));
    }
    if value.len() > VALUE_BYTES {
        return Err(storage::Failure::Limit(format!(
            "a value has at most {VALUE_BYTES} bytes, and this one {}",
            value.len()
        )));
    }
    Ok(())
}
