//! Waking: writers tell their own workers at once and other replicas by NOTIFY; a listener tells what others did.
//!
//! A notice goes out outside the transaction, from one task, so that a burst of commits costs one notice and none of
//! them queues for the server's lock on notices. Notices may be lost with a connection; the workers' tick makes up
//! for it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;

use super::sql;

/// How long the listener waits before it connects again.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Two bells: one for workers here, one for the task that tells the others.
#[derive(Clone, Default)]
pub struct Wake {
    here: Arc<Notify>,
    others: Arc<Notify>,
}

impl Wake {
    /// There may be work: something was written here.
    pub fn ring(&self) {
        self.here.notify_waiters();
        self.others.notify_one();
    }

    pub fn waiter(&self) -> tokio::sync::futures::Notified<'_> {
        self.here.notified()
    }

    /// Passes on what happens here until the task is aborted. `own` marks our notices, so that the listener can leave
    /// them out.
    pub async fn tell_others(self, pool: PgPool, own: String) {
        loop {
            self.others.notified().await;
            // A notice that cannot be sent is made up for by the tick.
            drop(sqlx::query(sql::NOTIFY).bind(sql::CHANNEL).bind(&own).execute(&pool).await);
        }
    }

    /// Rings for what other replicas did, until the task is aborted.
    pub async fn listen(self, pool: PgPool, own: String) {
        loop {
            if let Ok(mut listener) = PgListener::connect_with(&pool).await
                && listener.listen(sql::CHANNEL).await.is_ok()
            {
                while let Ok(notice) = listener.recv().await {
                    if notice.payload() != own {
                        self.here.notify_waiters();
                    }
                }
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }
}
