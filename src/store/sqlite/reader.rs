//! Reading connections: a few, lent to blocking tasks. Readers never wait for the writer (WAL).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connection;
use super::fault::{Answered, Fault};
use crate::base::limits::{READ_CONNECTIONS_MAX, SEARCH_TIMEOUT};
use crate::store::StoreError;

/// How often a search that has run out of time is told so.
const INTERRUPT_PERIOD: Duration = Duration::from_millis(50);

/// The connections not lent out at present.
pub struct Readers {
    path: PathBuf,
    permits: Semaphore,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        Self { path, permits: Semaphore::new(READ_CONNECTIONS_MAX), idle: Arc::default() }
    }

    /// Runs `work` on a reading connection, on a thread that may block. Everything `work` reads is one snapshot.
    pub async fn read<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Answered<T> + Send + 'static,
    {
        self.bounded(operation, None, work).await
    }

    /// The same, but stopped when it takes too long; then the answer is `TooSlow`.
    pub async fn search<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Answered<T> + Send + 'static,
    {
        self.bounded(operation, Some(SEARCH_TIMEOUT), work).await
    }

    /// Stopped after `limit`, where there is one.
    pub async fn bounded<T, F>(
        &self,
        operation: &'static str,
        limit: Option<Duration>,
        work: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Answered<T> + Send + 'static,
    {
        let fault = |fault: Fault| fault.into_store_error(operation);
        let permit = self.permits.acquire().await.map_err(|_| fault(Fault::Gone))?;
        let mut connection = self.lend().map_err(fault)?;
        let stop = connection.get_interrupt_handle();
        let idle = Arc::clone(&self.idle);
        let mut reading = tokio::task::spawn_blocking(move || {
            let snapshot = connection.transaction()?;
            let value = work(&snapshot)?;
            drop(snapshot);
            give_back(&idle, connection);
            Ok(value)
        });
        let mut patience = limit;
        let answer = loop {
            let Some(limit) = patience else { break reading.await };
            if let Ok(answer) = tokio::time::timeout(limit, &mut reading).await {
                break answer;
            }
            // Stops the statement under way. Between two there is none, so it is said again until it was heard.
            stop.interrupt();
            patience = Some(INTERRUPT_PERIOD);
        };
        drop(permit);
        answer.unwrap_or(Err(Fault::Gone)).map_err(fault)
    }

    /// Runs `work`, a single statement that reads a few rows by their keys, on the calling thread. That may be a thread
    /// of the runtime: the statement takes some 10 to 100 microseconds, less than the hop to another thread and back,
    /// and never waits, since in WAL mode nothing that a writer does holds a reader up. At worst a page comes from the
    /// disk. Autocommit: a transaction would be two more statements, and one statement is one snapshot.
    pub fn at_once<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Answered<T>,
    ) -> Result<T, StoreError> {
        let fault = |fault: Fault| fault.into_store_error(operation);
        let connection = self.lend().map_err(fault)?;
        let value = work(&connection).map_err(fault)?;
        give_back(&self.idle, connection);
        Ok(value)
    }

    fn lend(&self) -> Answered<Connection> {
        let lent = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        lent.map_or_else(|| connection::reading(&self.path), Ok)
    }
}

/// Only a connection that served without fault goes back. There are as many as were ever lent at once: one for each
/// permit and each thread of the runtime.
fn give_back(idle: &Mutex<Vec<Connection>>, connection: Connection) {
    idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
}
