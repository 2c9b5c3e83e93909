//! The one writer: a thread that owns the writing connection and shares one commit among all jobs that wait.
//!
//! Each job runs in a savepoint of its own, so that one that declines (a conflict, a lost lease) or fails undoes only
//! itself. Answers are sent after the commit (P1). A failed commit fails every job in it; the connection is then
//! opened anew for the next one, so a full disk that is emptied needs no restart. A panic in a job is answered like a
//! failure of the whole commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::connection;
use super::fault::{Answered, Fault, reason};
use super::sql;
use crate::base::limits::{WRITE_JOBS_PER_COMMIT_MAX, WRITE_QUEUE_MAX};
use crate::store::StoreError;

/// What a job wants done with what it wrote.
pub enum Verdict<T> {
    Keep(T),
    Undo(T),
}

/// The handle of the thread. Dropping it lets the thread finish what is queued, and waits for that.
pub struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread on a connection that is already set up.
    pub fn start(path: PathBuf, connection: Connection) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(WRITE_QUEUE_MAX);
        let mut desk = Desk { path, connection: Some(connection) };
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || desk.serve(queue))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `work` in the next commit; the answer comes when that is durable.
    pub async fn write<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Answered<Verdict<T>> + Send + 'static,
    {
        let gone = || Fault::Gone.into_store_error(operation);
        let (answer, answered) = oneshot::channel();
        let job = Task { operation, work: Some(work), result: None, answer };
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        jobs.send(Box::new(job)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// One unit of work, whatever its answer is.
trait Job: Send {
    /// Runs inside the open transaction; whether to keep what was written.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells the caller, after the commit or instead of it.
    fn answer(self: Box<Self>, failure: Option<&str>);
}

struct Task<T, F> {
    operation: &'static str,
    work: Option<F>,
    result: Option<Answered<T>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Answered<Verdict<T>> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let (keep, result) = match work(connection) {
            Ok(Verdict::Keep(value)) => (true, Ok(value)),
            Ok(Verdict::Undo(value)) => (false, Ok(value)),
            Err(fault) => (false, Err(fault)),
        };
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, failure: Option<&str>) {
        let operation = self.operation;
        let result = match failure {
            Some(reason) => Err(StoreError::Unavailable { operation, reason: reason.to_owned() }),
            None => self.result.unwrap_or(Err(Fault::Gone)).map_err(|fault| fault.into_store_error(operation)),
        };
        // A caller that no longer waits has been cancelled; what it asked for is done all the same.
        drop(self.answer.send(result));
    }
}

/// The thread's own side.
struct Desk {
    path: PathBuf,
    /// `None` after a failure: opened again for the next commit.
    connection: Option<Connection>,
}

impl Desk {
    fn serve(&mut self, mut queue: mpsc::Receiver<Box<dyn Job>>) {
        let mut jobs = Vec::with_capacity(WRITE_JOBS_PER_COMMIT_MAX);
        while let Some(first) = queue.blocking_recv() {
            jobs.push(first);
            while jobs.len() < WRITE_JOBS_PER_COMMIT_MAX
                && let Ok(next) = queue.try_recv()
            {
                jobs.push(next);
            }
            let failure = self.commit(&mut jobs).err();
            for job in jobs.drain(..) {
                job.answer(failure.as_deref());
            }
        }
    }

    /// All jobs in one transaction. `Err`: nothing of it is durable, and why.
    fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), String> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connection::writing(&self.path).map_err(|fault| text(&fault))?,
        };
        match catch_unwind(AssertUnwindSafe(|| run_all(&connection, jobs))) {
            Ok(Ok(())) => {
                self.connection = Some(connection);
                Ok(())
            }
            Ok(Err(error)) => Err(reason(&error)),
            Err(_) => Err("a fault inside the program, reported in its log".to_owned()),
        }
    }
}

fn run_all(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    let run = |text| connection.prepare_cached(text)?.execute([]).map(drop);
    run(sql::BEGIN)?;
    for job in jobs {
        run(sql::SAVEPOINT)?;
        if !job.run(connection) {
            run(sql::UNDO)?;
        }
        run(sql::KEEP)?;
    }
    run(sql::COMMIT)
}

fn text(fault: &Fault) -> String {
    match fault {
        Fault::Database(error) => reason(error),
        _ => "the store's file cannot be opened".to_owned(),
    }
}
