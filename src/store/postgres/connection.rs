//! The connection pool, bringing the schema up to date, and the locks that order replicas.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Row as _};

use super::fault::{Answered, Fault};
use super::sql;
use crate::base::Digest;
use crate::base::limits::SEARCH_TIMEOUT;
use crate::record::Lane;
use crate::store::StoreError;
use crate::store::migration::{self, Applied};

/// How long a call waits for a connection before it answers that the store cannot be reached.
pub const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Settings of each session. The last four are for the planner: statements are planned once per session, often while
/// tables are empty, and a scan or hash of a whole table chosen then would stay when it has grown. Every statement on
/// the way of a message looks rows up by an index.
const SETTINGS: [(&str, &str); 6] = [
    ("default_transaction_isolation", "read committed"),
    ("synchronous_commit", "on"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// Locks of one kind: bounds what the server must hold at once, whatever the batch; a shared bucket costs a short wait.
const BUCKETS: i64 = 4096;

/// How to connect, as the URL says (TLS by its `sslmode`).
pub fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        StoreError::Configuration("the PostgreSQL URL cannot be read: see the manual of libpq".to_owned())
    })?;
    Ok(options.application_name("loopgate").options(SETTINGS))
}

/// The same for sessions that search: tables are joined in the order in which a statement names them, by their indexes,
/// and what takes too long is stopped.
pub fn searching(options: &PgConnectOptions) -> PgConnectOptions {
    let limit = SEARCH_TIMEOUT.as_millis().to_string();
    options.clone().options([
        ("statement_timeout", &*limit),
        ("join_collapse_limit", "1"),
        ("from_collapse_limit", "1"),
        ("enable_material", "off"),
        ("enable_memoize", "off"),
        ("enable_bitmapscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
    ])
}

/// Up to so many connections, made when they are needed and made anew when they break.
pub fn pool(options: &PgConnectOptions, connections: u32) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT);
    pool.connect_lazy_with(options.clone())
}

/// Applies what is outstanding, all or nothing, each migration in a savepoint of its own; replicas that start together
/// take turns.
pub async fn migrate(pool: &PgPool, now_micros: i64) -> Result<(), StoreError> {
    let fault = |error: sqlx::Error| Fault::from(error).into_store_error("migrate");
    let mut connection = pool.acquire().await.map_err(fault)?;
    let mut turn = connection.begin().await.map_err(fault)?;
    lock(&mut turn, vec![(Space::Migration, 0)]).await.map_err(|fault| fault.into_store_error("migrate"))?;
    sqlx::raw_sql(sql::CREATE_MIGRATION_TABLE).execute(&mut *turn).await.map_err(fault)?;
    let applied = applied(&mut turn).await.map_err(fault)?;
    for next in migration::outstanding(&applied, |migration| migration.postgres)? {
        let mut step = turn.begin().await.map_err(fault)?;
        sqlx::raw_sql(AssertSqlSafe(next.postgres)).execute(&mut *step).await.map_err(fault)?;
        let record = sqlx::query(sql::RECORD_MIGRATION).bind(i64::from(next.number)).bind(next.title);
        let record = record.bind(&migration::digest(next.postgres)[..]).bind(now_micros);
        record.execute(&mut *step).await.map_err(fault)?;
        step.commit().await.map_err(fault)?;
    }
    turn.commit().await.map_err(fault)
}

async fn applied(connection: &mut PgConnection) -> sqlx::Result<Vec<Applied>> {
    let rows = sqlx::query(sql::APPLIED_MIGRATIONS).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(Applied { number: number(row.try_get(0)?), digest: row.try_get(1)? })).collect()
}

/// What a lock is on; part of the key, in the order in which a transaction takes them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Space {
    Migration = 7_240_001,
    Leases,
    ControlId,
    Lane,
    Subject,
    Versions,
    Guard,
}

impl Space {
    /// The lock of the numbers of versions.
    pub const VERSIONS: (Self, i32) = (Self::Versions, 0);

    /// The lock of a lane.
    pub fn lane(lane: Lane) -> (Self, i32) {
        (Self::Lane, bucket(lane.0))
    }

    /// The lock of what some texts name together.
    pub fn of(self, parts: &[&str]) -> (Self, i32) {
        (self, bucket(Digest::of_parts(parts.iter().map(|part| part.as_bytes())).as_i64()))
    }
}

fn bucket(number: i64) -> i32 {
    i32::try_from(number.rem_euclid(BUCKETS)).unwrap_or(0)
}

/// Takes locks until the end of the transaction, in one order for everybody.
pub async fn lock(connection: &mut PgConnection, mut locks: Vec<(Space, i32)>) -> Answered<()> {
    locks.sort_unstable();
    locks.dedup();
    let (spaces, buckets): (Vec<i32>, Vec<i32>) =
        locks.into_iter().map(|(space, bucket)| (space as i32, bucket)).unzip();
    if !spaces.is_empty() {
        sqlx::query(sql::LOCK).bind(spaces).bind(buckets).execute(connection).await?;
    }
    Ok(())
}

/// A stored count.
pub fn number(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(u32::MAX)
}

/// Text as PostgreSQL can keep it: it has no NUL.
pub fn text(value: &str) -> String {
    value.replace('\0', "\u{fffd}")
}
