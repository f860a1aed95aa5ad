//! What one call may cost.

use std::time::Duration;

/// What a plugin may use. Every field is a bound that holds; there is no "unlimited", and no default: an
/// embedder chooses, beginning with [`Limits::recommended`].
///
/// Nothing here depends on the plugin's good will. A call that goes over a limit ends with the
/// [`CallError`](super::CallError) that names it, its sandbox is thrown away, and no other call notices.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// The longest that one call may take, by the clock on the wall. Starting a sandbox counts as a call.
    /// Running code is looked at every few milliseconds, and lets other tasks of the same thread run each time.
    pub deadline: Duration,
    /// The longest that one call may take that is lent HTTP: the vendor's slowness is in it.
    pub deadline_with_http: Duration,
    /// HTTP requests of one call.
    pub http_requests: u32,
    /// Bytes of all linear memories of one sandbox together. A batch of a thousand webhook items needs a few
    /// megabytes.
    pub memory_bytes: usize,
    /// Elements of one table. Tables hold function pointers; a Rust component has some hundreds.
    pub table_elements: usize,
    /// Core instances of one component. One of Rust has four; each adapter composed with it adds some.
    pub instances: u32,
    /// Linear memories of one component: one, and one for each part composed with it.
    pub memories: u32,
    /// Tables of one component: a few for each part.
    pub tables: u32,
    /// Bytes of stack that plugin code may use: what stops endless recursion.
    pub stack_bytes: usize,
    /// Bytes that one call may hand to the host, as its result or as an argument of a function of the host,
    /// counted as the host holds them. What is larger is refused before it is copied, so that a giant result
    /// costs the host nothing.
    pub transfer_bytes: usize,
    /// Handles (streams and the like) that a sandbox may hold.
    pub handles: usize,
    /// Bytes that one call may print; the rest is dropped, and a line says so.
    pub output_bytes: usize,
    /// Bytes of a component's file.
    pub component_bytes: usize,
    /// Functions of one component. Each costs the compiler something, however short it is.
    pub functions: usize,
    /// Bytes of one function's code. Compiling takes longer than in proportion to them. The largest function of a
    /// Rust component has about 100 KB.
    pub function_bytes: usize,
    /// What compiling may cost at worst, where a million takes about a second of one core: the branches and calls of each
    /// function, times the sum of its locals, the KiB of its code, and an eighth of the square of the widest signature
    /// in its module; all functions together. A short function can make this huge. A Rust channel has some millions,
    /// and compiles far faster than that.
    pub compile_work: usize,
    /// Sandboxes that live at one time, whosever they are. Further calls wait for their turn. Memory is
    /// reserved for so many, but used only by those that run.
    pub sandboxes: u32,
    /// Sandboxes of one plugin that live at one time: less than `sandboxes`, or one plugin can make all
    /// others wait.
    pub sandboxes_per_plugin: u32,
    /// Those of them that may be lent HTTP: less than `sandboxes_per_plugin`, so that calls without it find room however
    /// slow the vendor is. All channels that use the component share them. At 0, no call that is lent HTTP can run.
    pub sandboxes_with_http: u32,
    /// How long a call may wait for a sandbox. One that is lent HTTP may wait `deadline_with_http` longer for those
    /// before it, which may wait for the vendor as long.
    pub queue: Duration,
}

/// The longest deadline and `queue`: what is longer is no limit.
const DAY: Duration = Duration::from_hours(24);

impl Limits {
    /// Values that leave a well-behaved channel an order of magnitude of room, on a host of ordinary size.
    #[must_use]
    pub fn recommended() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            deadline_with_http: Duration::from_mins(1),
            http_requests: 32,
            memory_bytes: 128 << 20,
            table_elements: 10_000,
            instances: 32,
            memories: 4,
            tables: 16,
            stack_bytes: 512 << 10,
            transfer_bytes: 64 << 20,
            handles: 256,
            output_bytes: 16 << 10,
            component_bytes: 16 << 20,
            functions: 50_000,
            function_bytes: 512 << 10,
            compile_work: 30_000_000,
            sandboxes: 64,
            sandboxes_per_plugin: 16,
            sandboxes_with_http: 12,
            queue: Duration::from_secs(5),
        }
    }

    /// Says which field no call could succeed with. What else the system can't keep, wasmtime says.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.deadline.is_zero() {
            return Err("`deadline` is zero, so no call could end in time".to_owned());
        }
        let durations = [
            ("deadline", self.deadline),
            ("deadline_with_http", self.deadline_with_http),
            ("queue", self.queue),
        ];
        for (name, duration) in durations {
            if duration > DAY {
                return Err(format!("`{name}` is longer than a day"));
            }
        }
        if self.sandboxes == 0 {
            return Err("`sandboxes` is 0, so no call could run".to_owned());
        }
        if self.sandboxes_per_plugin == 0 {
            return Err("`sandboxes_per_plugin` is 0, so no call could run".to_owned());
        }
        if self.sandboxes_per_plugin > self.sandboxes {
            return Err(format!(
                "`sandboxes_per_plugin` is {}, more than the {} `sandboxes` in all",
                self.sandboxes_per_plugin, self.sandboxes
            ));
        }
        if self.sandboxes_with_http >= self.sandboxes_per_plugin {
            return Err(format!(
                "`sandboxes_with_http` is {}, which leaves none of the {} `sandboxes_per_plugin` to other calls",
                self.sandboxes_with_http, self.sandboxes_per_plugin
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_with_http_leave_room_for_others() {
        let limits = |sandboxes_with_http| Limits {
            sandboxes_with_http,
            ..Limits::recommended()
        };
        assert_eq!(limits(15).check(), Ok(()));
        let refused = limits(16).check().unwrap_err();
        assert!(refused.contains("`sandboxes_with_http` is 16"), "{refused}");
    }
}
