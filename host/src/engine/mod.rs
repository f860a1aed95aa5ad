//! Runs plugins: loads components, keeps them within limits, calls them.
//!
//! An [`Engine`] holds what all plugins share: the compiler, a pool of sandboxes and the clock that ends calls. It
//! makes a [`Plugin`] of a component once its type fits the contract. Each method of a plugin runs in a fresh sandbox;
//! an [`Instance`] keeps one sandbox for several calls.

mod call;
mod error;
mod instance;
mod lent;
mod limits;
mod sandbox;
mod scan;
mod shape;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use tokio::sync::Semaphore;
use wasmtime::component::{Component, Linker};
use wasmtime::{
    CacheConfig, Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmBacktraceDetails,
};

pub use call::Plugin;
pub use error::{CallError, EngineError, LoadError};
pub use instance::Instance;
pub use limits::Limits;

use sandbox::Sandbox;
use scan::scan;
use shape::Names;
pub(crate) use shape::{INTERFACES, Shape, Standing, offered_version};

/// How often running code is looked at: the longest that it keeps other tasks of its thread from running.
const TICK: Duration = Duration::from_millis(5);

/// Stack that the host's own functions, and the reading of results, may use above a plugin's.
const HOST_STACK: usize = 1 << 20;

/// Memory that a slot of the pool keeps for the next sandbox instead of giving it back. Faulting pages in is most of
/// what a fresh sandbox costs; but only where the kernel tells which pages were used (`PAGEMAP_SCAN`, Linux 6.7) can a
/// generous amount be reset without touching all of it.
const KEPT_MEMORY: usize = 1 << 20;
const KEPT_MEMORY_WITHOUT_PAGEMAP: usize = 64 << 10;

/// The same of a table: those of a Rust component have some kilobytes, which are cleared faster than given back.
const KEPT_TABLE: usize = 16 << 10;

/// Functions of a trap that are looked at; those of the standard library are not shown.
const FRAMES: usize = 32;

/// Where compiled components are kept. Whoever can write there can run code in this process.
#[derive(Clone, Debug, PartialEq)]
pub enum Cache {
    /// Nowhere: a component is compiled each time that it is loaded.
    Off,
    /// In the user's cache directory, where wasmtime keeps them.
    User,
    /// Here.
    Directory(PathBuf),
}

/// What all plugins of a process share. Cheap to clone.
///
/// Its plugins are called from tasks of a tokio runtime whose timers are enabled.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    wasmtime: wasmtime::Engine,
    linker: Linker<Sandbox>,
    limits: Limits,
    sandboxes: Arc<Semaphore>,
}

impl Engine {
    /// An engine that holds every plugin to `limits`.
    ///
    /// # Errors
    ///
    /// The limits let nothing run or can't be kept on this system, or the cache can't be used.
    pub fn new(limits: Limits, cache: &Cache) -> Result<Self, EngineError> {
        limits.check().map_err(EngineError::Limits)?;
        let mut config = configuration(&limits);
        config.cache(open(cache).map_err(|error| EngineError::Cache(format!("{error:#}")))?);
        let refused = |error: wasmtime::Error| EngineError::Limits(format!("{error:#}"));
        let wasmtime = wasmtime::Engine::new(&config).map_err(refused)?;
        let linker = lent::linker(&wasmtime).map_err(refused)?;

        let ticking = wasmtime.weak();
        thread::Builder::new()
            .name("plugin-clock".to_owned())
            .spawn(move || {
                while let Some(engine) = ticking.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    thread::sleep(TICK);
                }
            })
            .map_err(EngineError::Thread)?;

        let sandboxes = Arc::new(Semaphore::new(limits.sandboxes as usize));
        Ok(Self {
            shared: Arc::new(Shared {
                wasmtime,
                linker,
                limits,
                sandboxes,
            }),
        })
    }

    /// The limits that it holds plugins to.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Makes a plugin of a component. `name` is what logs call it.
    ///
    /// Nothing of the component runs. Compiling takes a moment (a fraction of a second, nothing where the cache has
    /// it): call this where blocking is allowed. The limits keep a small file from costing the compiler minutes; they
    /// put no bound on the time and memory that a large one takes, nor on how often parts of a component are
    /// instantiated inside it. So loading is for operators: not for whatever anybody uploads.
    ///
    /// # Errors
    ///
    /// It is not a channel, or not one for this host: the error says what it is and what to do.
    pub fn load(&self, name: &str, component: &[u8]) -> Result<Plugin, LoadError> {
        let names = self.scan(component)?;
        names.version()?;
        names.complete()?;
        let shape = Shape::of(&self.compile_scanned(component)?);
        if let Some((name, detail)) = shape.misfits().into_iter().next() {
            return Err(LoadError::Function { name, detail });
        }
        let not_lent = shape.not_lent(&lent::CAPABILITIES);
        if !not_lent.is_empty() {
            return Err(LoadError::Import(not_lent));
        }
        Plugin::new(self, name, &shape, &self.shared.linker)
    }

    /// Makes a plugin of a file, which logs call by the file's name without its extension.
    ///
    /// # Errors
    ///
    /// As [`Engine::load`], or the file can't be read.
    pub fn load_file(&self, path: &Path) -> Result<Plugin, LoadError> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        self.load(&name, &self.read(path)?)
    }

    /// Reads a component's file, as far as its limit allows.
    ///
    /// # Errors
    ///
    /// The file can't be read, or is too large.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, LoadError> {
        let limit = self.limits().component_bytes;
        let read = || -> io::Result<Vec<u8>> {
            let mut component = Vec::new();
            // One byte more than the limit, so that a larger file is seen to be larger.
            let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            File::open(path)?.take(most).read_to_end(&mut component)?;
            Ok(component)
        };
        let component = read().map_err(|source| LoadError::Read {
            path: path.to_owned(),
            source,
        })?;
        if component.len() > limit {
            return Err(LoadError::TooLarge { limit });
        }
        Ok(component)
    }

    /// Compiles a component of whatever kind.
    pub(crate) fn compile(&self, component: &[u8]) -> Result<Component, LoadError> {
        self.scan(component)?;
        self.compile_scanned(component)
    }

    /// What a component exports. It is refused where the compiler must not see it.
    fn scan(&self, component: &[u8]) -> Result<Names, LoadError> {
        let limit = self.limits().component_bytes;
        if component.len() > limit {
            return Err(LoadError::TooLarge { limit });
        }
        // The preamble: magic, then a version and a layer of 16 bits each. Layer 0 is a core module.
        match component.first_chunk::<8>() {
            Some([b'\0', b'a', b's', b'm', _, _, 0, 0]) => Err(LoadError::CoreModule),
            Some([b'\0', b'a', b's', b'm', ..]) => {
                let exports = scan(component, self.limits())?;
                let exports = exports.iter().map(|(name, is)| (name.as_str(), *is));
                Ok(Names::of(exports))
            }
            _ => Err(LoadError::NotWasm),
        }
    }

    fn compile_scanned(&self, component: &[u8]) -> Result<Component, LoadError> {
        Component::from_binary(&self.shared.wasmtime, component).map_err(|e| LoadError::invalid(&e))
    }

    /// Makes a plugin of a component to which no capability is lent: a function of one, or of anything else that is not
    /// lent, fails when it is called.
    pub(crate) fn load_unlent(&self, name: &str, shape: &Shape) -> Result<Plugin, LoadError> {
        let refusing = lent::wasi(&self.shared.wasmtime).and_then(|mut linker| {
            shape.refuse_unlent(&mut linker)?;
            Ok(linker)
        });
        let linker = refusing.map_err(|error| LoadError::invalid(&error))?;
        Plugin::new(self, name, shape, &linker)
    }
}

/// How wasmtime compiles and runs under `limits`.
fn configuration(limits: &Limits) -> Config {
    let each = limits.sandboxes;
    let pagemap = PoolingAllocationConfig::is_pagemap_scan_available();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(each)
        .total_core_instances(each.saturating_mul(limits.instances))
        .total_memories(each.saturating_mul(limits.memories))
        .total_tables(each.saturating_mul(limits.tables))
        .total_stacks(each)
        .max_core_instances_per_component(limits.instances)
        .max_memories_per_component(limits.memories)
        .max_memories_per_module(limits.memories)
        .max_tables_per_component(limits.tables)
        .max_tables_per_module(limits.tables)
        .max_memory_size(limits.memory_bytes)
        .table_elements(limits.table_elements)
        .pagemap_scan(Enabled::Auto)
        .table_keep_resident(KEPT_TABLE)
        .linear_memory_keep_resident(if pagemap {
            KEPT_MEMORY
        } else {
            KEPT_MEMORY_WITHOUT_PAGEMAP
        });

    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_init_cow(true)
        // The contract's functions are plain, so a store needs none of the machinery of `async` ones.
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack_bytes)
        .async_stack_size(limits.stack_bytes.saturating_add(HOST_STACK))
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .wasm_backtrace_max_frames(FRAMES.try_into().ok());
    config
}

fn open(cache: &Cache) -> wasmtime::Result<Option<wasmtime::Cache>> {
    let mut config = CacheConfig::new();
    match cache {
        Cache::Off => return Ok(None),
        Cache::User => {}
        Cache::Directory(path) => {
            config.with_directory(path);
        }
    }
    wasmtime::Cache::new(config).map(Some)
}
