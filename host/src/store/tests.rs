use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;

fn open() -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    // Whatever waits is one group, on a slow machine too.
    let store = Store::open_with(directory.path(), Duration::from_mins(1)).unwrap();
    (directory, store)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    Ok(connection.pragma_query_value(None, name, |row| row.get(0))?)
}

async fn add_channel(store: &Store, id: &'static str) {
    store
        .write(move |connection| -> Result<(), StoreError> {
            connection.execute(
                "INSERT INTO channel (id, name, plugin, description, settings, state, added)
                 VALUES (?1, ?1, 'plugin', '{}', '{}', 'added', 0)",
                [id],
            )?;
            Ok(())
        })
        .await
        .unwrap();
}

fn set(connection: &Connection, key: &str) -> Result<(), StoreError> {
    Ok(set_fact(connection, key, "set")?)
}

fn is_set(store: &Store, key: &str) -> bool {
    let found: Result<_, StoreError> = store.read_now(|connection| Ok(fact(connection, key)?));
    found.unwrap().is_some()
}

/// Keeps the writer busy until all of `jobs` wait, and returns when they are settled.
/// They are in one group with the gate that keeps it busy, whose own result is returned.
async fn together(store: &Store, jobs: Vec<BoxFuture<'static, ()>>) -> Result<(), StoreError> {
    let (release, released) = mpsc::channel::<()>();
    let gate = store.write(move |_| {
        released.recv().unwrap();
        Ok(())
    });
    let all = async {
        // Polled in this order, and each as far as it gets.
        tokio::join!(biased; gate, join_all(jobs), async { release.send(()).unwrap() })
    };
    let (gate, _, ()) = tokio::task::unconstrained(all).await;
    gate
}

fn job(
    store: &Store,
    work: impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    check: impl FnOnce(Result<(), StoreError>) + Send + 'static,
) -> BoxFuture<'static, ()> {
    let store = store.clone();
    async move { check(store.write(work).await) }.boxed()
}

fn good(store: &Store, key: &'static str) -> BoxFuture<'static, ()> {
    job(
        store,
        move |connection| set(connection, key),
        Result::unwrap,
    )
}

#[tokio::test]
async fn a_commit_reaches_the_disk() {
    let (_directory, store) = open();
    let checked: Result<(), StoreError> = store
        .write(|connection| {
            let journal: String =
                connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
            assert_eq!(journal, "wal");
            assert_eq!(pragma(connection, "synchronous")?, 2);
            assert_eq!(pragma(connection, "foreign_keys")?, 1);
            assert_eq!(pragma(connection, "trusted_schema")?, 0);
            assert_eq!(pragma(connection, "temp_store")?, 0);
            let version = i64::try_from(schema::MIGRATIONS.len());
            assert_eq!(Ok(pragma(connection, "user_version")?), version);
            Ok(())
        })
        .await;
    checked.unwrap();
}

#[tokio::test]
async fn jobs_that_wait_share_a_commit() {
    let (_directory, store) = open();
    let key = |n| format!("job {n}");
    let jobs = (0..200)
        .map(|n| {
            job(
                &store,
                move |connection| set(connection, &key(n)),
                Result::unwrap,
            )
        })
        .collect();
    together(&store, jobs).await.unwrap();
    assert_eq!((store.jobs(), store.commits()), (201, 1));
    assert!((0..200).all(|n| is_set(&store, &key(n))));
}

#[tokio::test]
async fn a_group_is_bounded_in_time_and_number() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open_with(directory.path(), Duration::ZERO).unwrap();
    let jobs = vec![good(&store, "first"), good(&store, "second")];
    together(&store, jobs).await.unwrap();
    assert_eq!((store.jobs(), store.commits()), (3, 3));

    // More than the queue holds: the rest waits to be let in, and nobody is refused.
    let (_directory, store) = open();
    let jobs = (0..3000)
        .map(|_| {
            let slow = |connection: &Connection| {
                // Time enough for the next ones to be let in: without a bound the group would never end.
                std::thread::sleep(Duration::from_micros(50));
                set(connection, "same")
            };
            job(&store, slow, Result::unwrap)
        })
        .collect();
    together(&store, jobs).await.unwrap();
    assert_eq!(store.jobs(), 3001);
    assert!(store.commits() >= 3, "{} commits", store.commits());
}

#[tokio::test]
async fn a_job_that_fails_undoes_only_itself() {
    let (_directory, store) = open();
    let refused = job(
        &store,
        |connection| {
            set(connection, "refused")?;
            connection.execute("INSERT INTO host (key) VALUES ('no value')", [])?;
            Ok(())
        },
        |result| assert!(matches!(result, Err(StoreError::Sqlite(_))), "{result:?}"),
    );
    let panicking = job(
        &store,
        |connection| {
            set(connection, "panicked")?;
            let mut keys = connection.prepare("SELECT key FROM host")?;
            let _rows = keys.query([])?;
            panic!("as it should");
        },
        |result| assert!(matches!(result, Err(StoreError::Panicked)), "{result:?}"),
    );
    let jobs = vec![
        good(&store, "first"),
        refused,
        good(&store, "second"),
        panicking,
        good(&store, "third"),
    ];
    together(&store, jobs).await.unwrap();
    assert_eq!((store.jobs(), store.commits()), (6, 1));
    for key in ["first", "second", "third"] {
        assert!(is_set(&store, key), "{key}");
    }
    for key in ["refused", "panicked"] {
        assert!(!is_set(&store, key), "{key}");
    }
}

#[tokio::test]
async fn errors_of_a_job_keep_their_type() {
    #[derive(Debug, thiserror::Error)]
    enum Refused {
        #[error("there is no such channel")]
        NoChannel,
        #[error(transparent)]
        Store(#[from] StoreError),
    }
    let (_directory, store) = open();
    let written = store
        .write(|_| Err::<(), Refused>(Refused::NoChannel))
        .await
        .unwrap_err();
    assert!(matches!(written, Refused::NoChannel));
    let read = store
        .read(|_| -> Result<(), Refused> { panic!("as it should") })
        .await
        .unwrap_err();
    assert!(matches!(read, Refused::Store(StoreError::Panicked)));
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_all_and_ends_nothing() {
    let (_directory, store) = open();
    let endings: [fn(&Connection) -> rusqlite::Result<()>; 2] = [
        // Fails the commit itself, and leaves the transaction open.
        |connection| {
            connection.execute_batch(
                "PRAGMA defer_foreign_keys = ON; INSERT INTO secret VALUES ('nowhere', 'key', x'00')",
            )
        },
        // What SQLite does by itself on some errors.
        |connection| connection.execute_batch("ROLLBACK"),
    ];
    for ending in endings {
        let lost = |result: Result<(), StoreError>| {
            assert!(matches!(result, Err(StoreError::Commit(_))), "{result:?}");
        };
        let jobs = vec![
            job(&store, |connection| set(connection, "before"), lost),
            job(&store, move |connection| Ok(ending(connection)?), lost),
            job(&store, |connection| set(connection, "after"), lost),
        ];
        lost(together(&store, jobs).await);
        assert!(!is_set(&store, "before") && !is_set(&store, "after"));
        store
            .write(|connection| set(connection, "next"))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn readers_see_what_was_written_and_write_nothing() {
    let (_directory, store) = open();
    let refused = |connection: &Connection| set(connection, "forbidden");
    assert!(store.read_now(refused).is_err());
    assert!(store.read(refused).await.is_err());

    let reader = store.clone();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let (proceed, proceeds) = mpsc::channel::<()>();
    let reading = tokio::spawn(async move {
        reader
            .read(move |connection| -> Result<_, StoreError> {
                let before = fact(connection, "late")?;
                begun.send(()).unwrap();
                proceeds.recv().unwrap();
                Ok((before, fact(connection, "late")?))
            })
            .await
    });
    begins.await.unwrap();
    store
        .write(|connection| set(connection, "late"))
        .await
        .unwrap();
    assert!(is_set(&store, "late"));
    proceed.send(()).unwrap();
    // One snapshot from its beginning to its end.
    assert_eq!(reading.await.unwrap().unwrap(), (None, None));
    let found: Result<_, StoreError> = store.read(|connection| Ok(fact(connection, "late")?)).await;
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn one_process_has_a_store() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let Err(error) = Store::open(directory.path()) else {
        panic!("opened twice");
    };
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    let id = store.id().unwrap();
    let other = store.clone();
    drop(store);
    assert!(Store::open(directory.path()).is_err());
    drop(other);
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.id().unwrap(), id);
    assert_eq!(store.copied().unwrap(), None);
    assert!(!store.outbox_held().unwrap());
}

#[tokio::test]
async fn a_job_may_hold_the_last_handle() {
    let (directory, store) = open();
    let (release, released) = mpsc::channel::<()>();
    let held = store.clone();
    let write = tokio::spawn(async move {
        let last = held.clone();
        held.write(move |connection| {
            released.recv().unwrap();
            set(connection, "last")?;
            drop(last);
            Ok::<_, StoreError>(())
        })
        .await
    });
    tokio::task::yield_now().await;
    write.abort();
    assert!(write.await.unwrap_err().is_cancelled());
    drop(store);
    release.send(()).unwrap();
    let store = loop {
        match Store::open(directory.path()) {
            Err(StoreError::InUse { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
            opened => break opened.unwrap(),
        }
    };
    assert!(is_set(&store, "last"));
}

#[test]
fn what_is_no_store_of_this_host_is_refused_and_left_alone() {
    fn refused(fill: impl FnOnce(&Path)) -> StoreError {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("host.db");
        fill(&file);
        let before = fs::read(&file).unwrap();
        let Err(error) = Store::open(directory.path()) else {
            panic!("opened");
        };
        assert_eq!(fs::read(&file).unwrap(), before);
        error
    }
    let sql = |statements: &'static str| {
        move |file: &Path| {
            let connection = Connection::open(file).unwrap();
            connection.execute_batch(statements).unwrap();
        }
    };
    let error = refused(|file| fs::write(file, "no database, but text ".repeat(100)).unwrap());
    assert!(matches!(error, StoreError::NotADatabase { .. }), "{error}");
    let error = refused(sql("CREATE TABLE other (a)"));
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    let error = refused(sql("PRAGMA application_id = 7; PRAGMA user_version = 1"));
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    let error = refused(sql(
        "PRAGMA application_id = 0x6d636873; PRAGMA user_version = 900",
    ));
    assert!(matches!(error, StoreError::Newer { found: 900, .. }));
    assert!(error.to_string().contains("update the host"), "{error}");
}

#[test]
fn each_migration_comes_with_its_version() {
    let path = Path::new("memory");
    let mut connection = Connection::open_in_memory().unwrap();
    let first = "CREATE TABLE a (b)";
    assert_eq!(schema::version(&connection, path).unwrap(), 0);
    schema::migrate(&mut connection, 0, &[first]).unwrap();
    assert_eq!(schema::version(&connection, path).unwrap(), 1);
    connection.execute("INSERT INTO a VALUES (7)", []).unwrap();

    let second = "ALTER TABLE a ADD COLUMN c";
    let broken = [
        first,
        second,
        "CREATE TABLE d (e); UPDATE nothing SET f = 1",
    ];
    let error = schema::migrate(&mut connection, 1, &broken).unwrap_err();
    assert!(matches!(error, StoreError::Migration { version: 3, .. }));
    assert_eq!(schema::version(&connection, path).unwrap(), 2);

    let whole = [first, second, "CREATE TABLE d (e)"];
    schema::migrate(&mut connection, 2, &whole).unwrap();
    schema::migrate(&mut connection, 3, &whole).unwrap();
    let kept: (i64, Option<i64>) = connection
        .query_row("SELECT b, c FROM a", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(kept, (7, None));
    let error = schema::migrate(&mut connection, 3, &whole[..2]).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 3, ours: 2 }));
}

#[test]
fn messages_of_an_older_store_have_no_end_and_are_themselves() {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(&mut connection, 0, &schema::MIGRATIONS[..4]).unwrap();
    let old = "INSERT INTO channel (id, name, plugin, description, settings, state, added)
            VALUES ('c', 'c', 'plugin', '{}', '{}', 'added', 0);
        INSERT INTO message (id, channel, contact, recipient, message, state, open, part, parts, due, accepted)
            VALUES ('m', 'c', 'phone:1', '{}', '{}', 'queued', 1, 0, 1, 1, 1)";
    connection.execute_batch(old).unwrap();
    schema::migrate(&mut connection, 4, schema::MIGRATIONS).unwrap();
    let select = "SELECT expires, fallback, original_of FROM message WHERE state = 'queued'";
    let kept: (Option<i64>, i64, Option<String>) = connection
        .query_row(select, [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(kept, (None, 0, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_writes_is_whole_and_marked() {
    let (directory, store) = open();
    add_channel(&store, "c1").await;
    let insert = |connection: &Connection| -> Result<(), StoreError> {
        // Two rows each time: a copy that shows one of them is torn.
        for _ in 0..2 {
            connection.execute(
                "INSERT INTO delivery (channel, received, state, request, body)
                 VALUES ('c1', 1, 'pending', '{}', zeroblob(20000))",
                [],
            )?;
        }
        Ok(())
    };
    for _ in 0..500 {
        store.write(insert).await.unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (writer, stopped) = (store.clone(), Arc::clone(&stop));
    let writing = tokio::spawn(async move {
        let mut written = 0;
        while !stopped.load(Ordering::Relaxed) {
            writer.write(insert).await.unwrap();
            written += 1;
        }
        written
    });
    let place = tempfile::tempdir().unwrap();
    let copied = place.path().join("host.db");
    tokio::time::timeout(Duration::from_mins(1), store.backup(&copied))
        .await
        .unwrap()
        .unwrap();
    stop.store(true, Ordering::Relaxed);
    assert!(writing.await.unwrap() > 0);

    let names: Vec<_> = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["host.db"]);
    assert_eq!(mode(&copied), 0o600);
    let error = store.backup(&copied).await.unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error}");

    let count = |store: &Store| -> Result<i64, StoreError> {
        store.read_now(|connection| {
            let intact: String =
                connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            assert_eq!(intact, "ok");
            Ok(connection.query_row("SELECT count(*) FROM delivery", [], |row| row.get(0))?)
        })
    };
    let copy = Store::open(place.path()).unwrap();
    let rows = count(&copy).unwrap();
    assert!(rows >= 1000 && rows % 2 == 0, "{rows}");
    assert!(rows <= count(&store).unwrap());
    assert_ne!(copy.id().unwrap(), store.id().unwrap());
    assert!(copy.copied().unwrap().unwrap() > 1_700_000_000_000);
    assert!(copy.outbox_held().unwrap());
    assert!(!store.outbox_held().unwrap());
    assert_eq!(store.copied().unwrap(), None);

    copy.release_outbox().await.unwrap();
    assert!(!copy.outbox_held().unwrap());
    drop(copy);
    let copy = Store::open(place.path()).unwrap();
    assert!(!copy.outbox_held().unwrap());
    assert!(copy.copied().unwrap().is_some());
    drop(directory);
}

#[tokio::test]
async fn a_backup_that_fails_leaves_nothing() {
    let (directory, store) = open();
    let missing = directory.path().join("missing/backup.db");
    let error = store.backup(&missing).await.unwrap_err();
    assert!(matches!(error, StoreError::File { .. }), "{error}");

    let place = tempfile::tempdir().unwrap();
    let error = backup::copy(
        &place.path().join("nothing.db"),
        &place.path().join("copy.db"),
    );
    assert!(error.is_err());
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn nobody_else_can_read_the_store() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("new/store");
    let store = Store::open(&directory).unwrap();
    store
        .write(|connection| set(connection, "something"))
        .await
        .unwrap();
    assert_eq!(mode(&directory), 0o700);
    for name in ["lock", "host.db", "host.db-wal", "host.db-shm"] {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
    drop(store);
    // The log went into the database.
    assert!(!directory.join("host.db-wal").exists());
    fs::set_permissions(directory.join("host.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let _store = Store::open(&directory).unwrap();
    assert_eq!(mode(&directory.join("host.db")), 0o600);
}

#[tokio::test]
async fn what_belongs_to_a_channel_goes_with_it() {
    let (_directory, store) = open();
    for id in ["c1", "c2"] {
        add_channel(&store, id).await;
        store
            .write(move |connection| -> Result<(), StoreError> {
                Ok(connection.execute_batch(&format!(
                    "INSERT INTO secret VALUES ('{id}', 'key', x'00');
                     INSERT INTO delivery (channel, received, state, request, body)
                         VALUES ('{id}', 1, 'pending', '{{}}', x'');
                     INSERT INTO event (channel, id, type, at, json) VALUES ('{id}', 'e', 'message', 1, '{{}}');
                     INSERT INTO storage VALUES ('{id}', 'k', x'');
                     INSERT INTO message (id, channel, contact, recipient, message, state, open, part, parts, due, accepted)
                         VALUES ('m-{id}', '{id}', '1', '{{}}', '{{}}', 'queued', 1, 0, 1, 1, 1);
                     INSERT INTO part VALUES (last_insert_rowid(), 0, 'POST', '/', 'text/plain', x'', 'r-{id}', NULL, 'queued');
                     INSERT INTO attempt (message, part, started) SELECT sequence, 0, 1 FROM message WHERE id = 'm-{id}';
                     INSERT INTO step SELECT sequence, 1, 0 FROM message WHERE id = 'm-{id}';
                     INSERT INTO awaited VALUES ('{id}', 'phone:1', 'm-{id}');
                     INSERT INTO idempotency VALUES ('{id}', 'k', x'', 'm-{id}', 1);"
                ))?)
            })
            .await
            .unwrap();
    }
    let removed: Result<_, StoreError> = store
        .write(|connection| Ok(connection.execute("DELETE FROM channel WHERE id = 'c1'", [])?))
        .await;
    assert_eq!(removed.unwrap(), 1);
    let tables = [
        "channel",
        "secret",
        "delivery",
        "event",
        "storage",
        "message",
        "part",
        "attempt",
        "step",
        "awaited",
        "idempotency",
    ];
    for table in tables {
        let left: Result<i64, StoreError> = store.read_now(|connection| {
            let count = format!("SELECT count(*) FROM {table}");
            Ok(connection.query_row(&count, [], |row| row.get(0))?)
        });
        assert_eq!(left.unwrap(), 1, "{table}");
    }
}

#[test]
fn queues_are_read_from_an_index_in_order() {
    let (_directory, store) = open();
    for (query, index) in [
        (
            "SELECT id FROM delivery WHERE channel = 'c' AND state = 'pending' ORDER BY id LIMIT 1",
            "delivery_pending",
        ),
        (
            "SELECT id FROM delivery WHERE channel = 'c' AND state = 'parked' ORDER BY id",
            "delivery_parked",
        ),
        (
            "SELECT json FROM event WHERE channel = 'c' AND sequence > 7 ORDER BY sequence LIMIT 9",
            "event_of_channel",
        ),
        (
            "SELECT sequence FROM message WHERE channel = 'c' AND contact = '1' AND open = 1 ORDER BY sequence LIMIT 1",
            "message_queue",
        ),
        (
            "SELECT sequence FROM message WHERE channel = 'c' AND open = 1 AND state = 'queued' AND due <= 7 ORDER BY due, sequence",
            "message_due",
        ),
        (
            "SELECT sequence FROM message WHERE channel = 'c' AND open = 1 AND state = 'sending'",
            "message_sending",
        ),
        (
            "SELECT sequence FROM message WHERE channel = 'c' AND open = 1 AND state = 'uncertain' AND uncertain_since <= 7",
            "message_uncertain",
        ),
        (
            "SELECT sequence FROM message WHERE channel = 'c' AND state = 'queued' AND expires <= 7",
            "message_expires",
        ),
        (
            "SELECT id FROM message WHERE channel = 'c' AND open = 0 AND state = 'queued' AND due <= 7",
            "message_waiting",
        ),
        (
            "SELECT id FROM message WHERE original_of = 'm'",
            "message_original",
        ),
        (
            "SELECT message FROM part WHERE vendor_id = 'v'",
            "part_of_vendor_id",
        ),
        ("DELETE FROM idempotency WHERE at < 7", "idempotency_at"),
    ] {
        let plan: Result<Vec<String>, StoreError> = store.read_now(|connection| {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}"))?;
            let steps = plan.query_map([], |row| row.get("detail"))?;
            Ok(steps.collect::<Result<_, _>>()?)
        });
        let plan = plan.unwrap();
        assert!(
            plan.len() == 1 && plan[0].contains(index),
            "{query}: {plan:?}"
        );
    }
}
