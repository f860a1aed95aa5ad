//! Copies the store while it is in use.

use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};

use super::{COPY, ID, OUTBOX_HELD, StoreError, connection, file, new_id, now, set_fact};

/// Pages of 4 KiB that are copied in one step.
const STEP: i32 = 1024;

/// The pause between steps, which leaves the disk to the writers.
const PAUSE: Duration = Duration::from_millis(2);

/// Copies the database at `from` to `to`, which must not exist.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    // Until it is whole and marked it has no name: a copy without its mark would send what the original sends.
    file::make(
        to,
        |source| match source.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Exists {
                path: to.to_owned(),
            },
            _ => StoreError::File {
                path: to.to_owned(),
                source,
            },
        },
        |temporary| fill(from, temporary),
    )
}

fn fill(from: &Path, to: &Path) -> Result<(), StoreError> {
    let original = connection::reader(from)?;
    // One snapshot from the first page to the last. Without it, each commit of the writer would begin the copy anew.
    let snapshot = original.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM host", [], |_| Ok(()))?;

    let mut copy = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Nobody needs it before it has its name, and then it is synced as a whole.
    copy.pragma_update(None, "synchronous", "OFF")?;
    Backup::new(&original, &mut copy)?.run_to_completion(STEP, PAUSE, None)?;
    // One file, with no log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    set_fact(&copy, ID, &new_id())?;
    set_fact(&copy, COPY, &now().to_string())?;
    set_fact(&copy, OUTBOX_HELD, "1")?;
    copy.close().map_err(|(_, error)| error.into())
}
