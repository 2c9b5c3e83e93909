//! Presence: a session of its own that holds a lock as long as the process lives. The server drops the lock with the
//! connection, so that others see at once that a process is gone, however it ended. A machine that vanishes is seen by
//! the end of its leases.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::sync::Mutex;

use super::connection::ACQUIRE_TIMEOUT;
use super::fault::{Answered, Fault};
use super::sql;

/// The session, once there is one.
pub struct Presence {
    options: PgConnectOptions,
    session: Mutex<Option<Session>>,
}

struct Session {
    connection: PgConnection,
    lock: i64,
}

impl Presence {
    pub fn new(options: PgConnectOptions) -> Self {
        Self { options, session: Mutex::default() }
    }

    /// The number of the lock that is held now. A session that broke is made anew and has another number.
    pub async fn hold(&self) -> Answered<i64> {
        let mut session = self.session.lock().await;
        let held = session.take();
        let holding = async {
            if let Some(mut held) = held
                && held.connection.ping().await.is_ok()
            {
                return Ok(held);
            }
            self.begin().await
        };
        let held = tokio::time::timeout(ACQUIRE_TIMEOUT, holding);
        let held = held.await.map_err(|_| Fault::from(sqlx::Error::PoolTimedOut))??;
        Ok(session.insert(held).lock)
    }

    async fn begin(&self) -> Answered<Session> {
        let mut connection = self.options.connect().await?;
        let lock = sqlx::query(sql::HOLD_PRESENCE).fetch_one(&mut connection).await?.try_get(0)?;
        Ok(Session { connection, lock })
    }

    /// Breaks the session off, as the end of the process would.
    #[cfg(test)]
    pub async fn break_off(&self) {
        drop(self.session.lock().await.take());
    }
}
