//! What belongs to one sandbox: its limits, its WASI with nothing granted, and what it prints.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::AsyncWrite;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Result, StoreContextMut, UpdateDeadline};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_io::bytes::Bytes;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{OutputStream, StreamResult};

use super::TICK;
use super::limits::Limits;
use crate::capability::Lent;
use crate::plain;

/// The most random bytes that a plugin may ask for at once.
const RANDOM_BYTES: u64 = 64 << 10;

/// A limit of ours that a call went over. It travels through wasmtime as the reason of a trap.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum Exceeded {
    /// Time.
    #[error("the deadline has passed")]
    Deadline,
    /// Linear memory.
    #[error("the memory limit is reached")]
    Memory,
    /// Table elements.
    #[error("the table limit is reached")]
    Table,
}

/// The state of one sandbox.
pub(super) struct Sandbox {
    wasi: WasiCtx,
    handles: ResourceTable,
    /// What the host lends it beside WASI.
    pub(super) lent: Lent,
    /// Requests that the current call may still make.
    pub(super) requests_left: u32,
    /// Ticks that the current call may still run through. Waiting for an answer is none.
    pub(super) ticks_left: u64,
    /// When the current call must have ended.
    pub(super) deadline: Instant,
    /// What it has printed since the call began.
    pub(super) output: Output,
    memory_bytes: usize,
    memory_limit: usize,
    table_limit: usize,
}

impl Sandbox {
    /// A sandbox without arguments, environment, input, files, sockets or clocks.
    pub(super) fn new(limits: &Limits, lent: Lent) -> Self {
        let output = Output::new(limits.output_bytes);
        let mut handles = ResourceTable::new();
        handles.set_max_capacity(limits.handles);
        Self {
            wasi: WasiCtx::builder()
                .stdout(output.clone())
                .stderr(output.clone())
                .max_random_size(RANDOM_BYTES)
                .build(),
            handles,
            lent,
            requests_left: limits.http_requests,
            ticks_left: ticks(limits),
            deadline: Instant::now() + limits.deadline,
            output,
            memory_bytes: 0,
            memory_limit: limits.memory_bytes,
            table_limit: limits.table_elements,
        }
    }

    /// Called at every tick that passes while plugin code runs.
    ///
    /// The deadline is read here, and not left to the timeout around the call: a runtime that is kept busy looks
    /// at its timers only now and then.
    pub(super) fn tick(mut store: StoreContextMut<'_, Self>) -> Result<UpdateDeadline> {
        let sandbox = store.data_mut();
        let left = sandbox.ticks_left.checked_sub(1);
        let (Some(left), true) = (left, Instant::now() < sandbox.deadline) else {
            return Err(Exceeded::Deadline.into());
        };
        sandbox.ticks_left = left;
        // By tokio's own yield: after wasmtime's, the task would run again at once, and tokio looks at sockets and
        // timers only every 61 turns.
        let turn = Box::pin(tokio::task::yield_now());
        Ok(UpdateDeadline::YieldCustom(1, turn))
    }
}

/// How many ticks a call may run through: time to wait for the vendor is no time to compute.
pub(super) fn ticks(limits: &Limits) -> u64 {
    let ticks = limits.deadline.as_millis() / TICK.as_millis();
    u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.handles,
        }
    }
}

impl ResourceLimiter for Sandbox {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if beyond_its_own(desired, maximum, self.memory_limit) {
            return Ok(false);
        }
        // A memory never shrinks, so the sum of what was added is what is in use.
        let total = self.memory_bytes.saturating_add(desired - current);
        if total > self.memory_limit {
            return Err(Exceeded::Memory.into());
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if beyond_its_own(desired, maximum, self.table_limit) {
            return Ok(false);
        }
        if desired > self.table_limit {
            return Err(Exceeded::Table.into());
        }
        Ok(true)
    }
}

/// Whether a memory or table grows beyond the bound that the plugin itself gave it. That is no offence: growing fails,
/// as WebAssembly says, and adds nothing. Where there is no such bound, wasmtime's pool hands in ours.
fn beyond_its_own(desired: usize, maximum: Option<usize>, limit: usize) -> bool {
    maximum.is_some_and(|maximum| maximum < limit && desired > maximum)
}

/// Where standard output and standard error of a sandbox go.
#[derive(Clone)]
pub(super) struct Output {
    printed: Arc<Mutex<Printed>>,
    limit: usize,
}

#[derive(Default)]
struct Printed {
    bytes: Vec<u8>,
    cut: bool,
}

impl Output {
    fn new(limit: usize) -> Self {
        Self {
            printed: Arc::default(),
            limit,
        }
    }

    /// Takes what was printed, line by line and without control characters.
    pub(super) fn take(&self) -> Vec<String> {
        let Printed { bytes, cut } = mem::take(
            // Nothing that holds the lock can panic halfway.
            &mut *self.printed.lock().unwrap_or_else(PoisonError::into_inner),
        );
        if bytes.is_empty() && !cut {
            return Vec::new();
        }
        let mut lines: Vec<String> = String::from_utf8_lossy(&bytes)
            .lines()
            .filter(|line| !line.is_empty())
            .map(plain)
            .collect();
        if cut {
            lines.push(format!(
                "(the rest is cut: a call may print {} bytes)",
                self.limit
            ));
        }
        lines
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // WASI 0.1 and 0.3 take this one; neither is linked.
        Box::new(tokio::io::empty())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.limit - printed.bytes.len();
        printed.cut |= bytes.len() > room;
        printed
            .bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        // How much may come in one piece; what is beyond the limit is dropped, so that printing never fails.
        Ok(64 << 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_cut_at_its_limit_and_told_line_by_line_without_control_characters() {
        let mut output = Output::new(12);
        output
            .write(Bytes::from_static(b"one\ntwo\x1b[1m"))
            .unwrap();
        output.clone().write(Bytes::from_static(b"three")).unwrap();
        output.write(Bytes::from_static(b"four")).unwrap();
        let lines = output.take();
        assert_eq!(lines[..2], ["one", r"two\u{1b}[1mt"]);
        assert!(lines[2].contains("12 bytes"), "{}", lines[2]);
        assert_eq!(lines.len(), 3);

        output.write(Bytes::from_static(b"again")).unwrap();
        assert_eq!(output.take(), ["again"]);
        assert_eq!(output.take(), Vec::<String>::new());
    }

    #[test]
    fn memories_are_counted_together_and_a_refused_one_adds_nothing() {
        let mut limits = Limits::recommended();
        limits.memory_bytes = 100;
        let mut sandbox = Sandbox::new(&limits, Lent::default());
        assert!(sandbox.memory_growing(0, 60, None).unwrap());
        assert!(!sandbox.memory_growing(0, 30, Some(20)).unwrap());
        assert!(sandbox.memory_growing(0, 40, None).unwrap());
        assert!(!sandbox.memory_growing(60, 1000, Some(80)).unwrap());
        let error = sandbox.memory_growing(60, 61, Some(80)).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Exceeded::Memory));

        assert!(!sandbox.table_growing(0, 100_000, Some(9)).unwrap());
        let error = sandbox.table_growing(0, 100_000, None).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Exceeded::Table));
    }
}
