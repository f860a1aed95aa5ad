//! What the database holds: its tables, its version, and how an older one becomes a newer one.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::StoreError;

/// Marks a database as a store of this host ("mchs").
const APPLICATION: i32 = 0x6d63_6873;

/// From each version to the next; the first makes a store of an empty file. What was released is never changed.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
];

/// The version of a database, which is 0 where it is empty. Changes nothing.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let application = read("application_id").map_err(|error| {
        if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
            StoreError::NotADatabase {
                path: path.to_owned(),
            }
        } else {
            error.into()
        }
    })?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match usize::try_from(read("user_version")?) {
        Ok(0) if application == 0 && objects == 0 => Ok(0),
        Ok(version @ 1..) if application == APPLICATION => Ok(version),
        _ => Err(StoreError::Foreign {
            path: path.to_owned(),
        }),
    }
}

/// Brings a database of `version` to the newest that `migrations` lead to: each step together with its version.
pub(super) fn migrate(
    connection: &mut Connection,
    version: usize,
    migrations: &[&str],
) -> Result<(), StoreError> {
    let steps = migrations.get(version..).ok_or(StoreError::Newer {
        found: version,
        ours: migrations.len(),
    })?;
    for (version, step) in (version + 1..).zip(steps) {
        take(connection, version, step)
            .map_err(|source| StoreError::Migration { version, source })?;
        tracing::info!(version, "the store has a new version");
    }
    Ok(())
}

fn take(connection: &mut Connection, version: usize, step: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(step)?;
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {version}"
    ))?;
    transaction.commit()
}
