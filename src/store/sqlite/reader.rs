//! Reading connections: a few, lent to blocking tasks. Readers never wait for the writer (WAL).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connection;
use super::fault::{Answered, Fault};
use crate::base::limits::READ_CONNECTIONS_MAX;
use crate::store::StoreError;

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
        let permit = self.permits.acquire().await.map_err(|_| Fault::Gone.into_store_error(operation))?;
        let idle = Arc::clone(&self.idle);
        let path = self.path.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let lent = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = lent.map_or_else(|| connection::reading(&path), Ok)?;
            let snapshot = connection.transaction()?;
            let value = work(&snapshot)?;
            drop(snapshot);
            // Only a connection that served without fault goes back.
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok(value)
        })
        .await;
        drop(permit);
        answer.unwrap_or(Err(Fault::Gone)).map_err(|fault| fault.into_store_error(operation))
    }
}
