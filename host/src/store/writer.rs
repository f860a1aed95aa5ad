//! The one thread that writes.
//!
//! A commit costs a sync of the disk, whatever is in it. So the thread takes all jobs that wait, each in a savepoint of
//! its own, commits them together and answers them then. While the disk syncs, the next ones gather.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ffi};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;

/// Jobs that wait; more wait to be let in.
const QUEUE: usize = 1024;

/// Jobs that are committed together at most.
const GROUP: usize = 1024;

/// How long jobs are taken into a group: the first of them waits as long.
pub(super) const GROUP_TIME: Duration = Duration::from_millis(10);

/// Where jobs are handed in. Dropping it lets those that wait be done, and closes the database.
pub(super) struct Writer {
    /// Absent while it is dropped.
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    commits: AtomicU64,
    jobs: AtomicU64,
}

impl Writer {
    /// Starts the thread. It keeps the lock until the database is closed.
    pub(super) fn start(
        connection: Connection,
        lock: File,
        group_time: Duration,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                write_groups(&connection, waiting, group_time, &counted);
                drop(connection);
                drop(lock);
            })
            .map_err(StoreError::Thread)?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            counts,
        })
    }

    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Work {
            work: Some(work),
            outcome: None,
            answer,
        };
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        if jobs.send(Box::new(job)).await.is_err() {
            return Err(StoreError::Closed.into());
        }
        answered.await.unwrap_or(Err(StoreError::Closed.into()))
    }

    pub(super) fn commits(&self) -> u64 {
        self.counts.commits.load(Ordering::Relaxed)
    }

    pub(super) fn jobs(&self) -> u64 {
        self.counts.jobs.load(Ordering::Relaxed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        // A job may hold the last handle of the store: then this is the thread, which ends by itself.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes to the store panicked");
        }
    }
}

trait Job: Send {
    /// Does the work. Returns whether what it wrote is to be kept.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Tells who waits: of the work that was kept, or why its group was lost.
    fn answer(self: Box<Self>, lost: Option<&Arc<rusqlite::Error>>);
}

struct Work<F, T, E> {
    work: Option<F>,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: FnOnce(&Connection) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        // The connection is sound after a panic: its guards undo what was begun, the savepoint what was written.
        self.outcome = self.work.take().map(|work| {
            catch_unwind(AssertUnwindSafe(|| work(connection)))
                .unwrap_or_else(|_| Err(StoreError::Panicked.into()))
        });
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, lost: Option<&Arc<rusqlite::Error>>) {
        let outcome = match (self.outcome, lost) {
            (Some(Err(error)), _) => Err(error),
            (_, Some(error)) => Err(StoreError::Commit(Arc::clone(error)).into()),
            (Some(done), None) => done,
            // A group that was not lost has run.
            (None, None) => return,
        };
        // Whoever asked may have gone.
        let _ = self.answer.send(outcome);
    }
}

fn write_groups(
    connection: &Connection,
    mut waiting: mpsc::Receiver<Box<dyn Job>>,
    group_time: Duration,
    counts: &Counts,
) {
    while let Some(first) = waiting.blocking_recv() {
        let mut group = vec![first];
        let lost = write_group(connection, &mut group, &mut waiting, group_time)
            .err()
            .map(Arc::new);
        if let Some(error) = &lost {
            // What waits would fail as well, one after the other, perhaps each after a long time.
            while group.len() < GROUP
                && let Ok(job) = waiting.try_recv()
            {
                group.push(job);
            }
            tracing::error!(%error, jobs = group.len(), "the store could not commit");
            roll_back(connection);
        } else {
            counts.commits.fetch_add(1, Ordering::Relaxed);
        }
        counts.jobs.fetch_add(group.len() as u64, Ordering::Relaxed);
        for job in group {
            job.answer(lost.as_ref());
        }
    }
}

/// Runs the one job of `group` and those that wait, which join it, and commits them.
fn write_group(
    connection: &Connection,
    group: &mut Vec<Box<dyn Job>>,
    waiting: &mut mpsc::Receiver<Box<dyn Job>>,
    group_time: Duration,
) -> rusqlite::Result<()> {
    let started = Instant::now();
    execute(connection, "BEGIN IMMEDIATE")?;
    while let Some(job) = group.last_mut() {
        in_savepoint(connection, job.as_mut())?;
        if group.len() >= GROUP || started.elapsed() >= group_time {
            break;
        }
        let Ok(next) = waiting.try_recv() else { break };
        group.push(next);
    }
    execute(connection, "COMMIT")
}

fn in_savepoint(connection: &Connection, job: &mut dyn Job) -> rusqlite::Result<()> {
    execute(connection, "SAVEPOINT job")?;
    let keep = job.run(connection);
    // SQLite undoes the whole transaction where it can't undo less, on a full disk for example.
    if connection.is_autocommit() {
        return Err(rusqlite::Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK),
            Some("a job of the group ended its transaction".to_owned()),
        ));
    }
    if !keep {
        execute(connection, "ROLLBACK TO job")?;
    }
    execute(connection, "RELEASE job")
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = execute(connection, "ROLLBACK")
    {
        tracing::error!(%error, "the store could not roll back");
    }
}

fn execute(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}
