//! Leases: which replica works on which partitions.
//!
//! A replica renews by asking again. Its process holds its presence (`presence`) as long as it lives. Whose presence is
//! not held, or who has not renewed in time, is gone, and its partitions are free. Each live replica takes free partitions up to its fair share, and gives up what it has beyond it. Whoever loses a partition
//! gets another token in the same transaction, and `conclude` reads the token under a lock on the key: what was begun
//! under the old one either is committed before the partition moves, or is refused.

use sqlx::{PgPool, Row as _};

use super::connection::{self, Space};
use super::fault::Answered;
use super::sql;
use crate::base::Timestamp;
use crate::base::limits::PARTITIONS;
use crate::store::Lease;

pub async fn lease(pool: &PgPool, presence: i64, instance: &str, now: Timestamp, until: Timestamp) -> Answered<Lease> {
    let mut transaction = pool.begin().await?;
    connection::lock(&mut transaction, vec![(Space::Leases, 0)]).await?;
    sqlx::query(sql::DROP_GONE).bind(now.as_micros()).bind(instance).execute(&mut *transaction).await?;
    let renew = sqlx::query(sql::RENEW_REPLICA).bind(instance).bind(presence).bind(until.as_micros());
    renew.execute(&mut *transaction).await?;
    let replicas: i64 = sqlx::query(sql::COUNT_REPLICAS).fetch_one(&mut *transaction).await?.try_get(0)?;
    let replicas = u64::try_from(replicas).unwrap_or(1).max(1);
    let share = u64::from(PARTITIONS).div_ceil(replicas).cast_signed();
    let given_up = sqlx::query(sql::GIVE_UP_PARTITIONS).bind(instance).bind(share).execute(&mut *transaction).await?;
    if given_up.rows_affected() > 0 {
        sqlx::query(sql::NEW_TOKEN).bind(instance).execute(&mut *transaction).await?;
    }
    let take = sqlx::query(sql::TAKE_PARTITIONS).bind(instance).bind(i64::from(PARTITIONS)).bind(share);
    take.execute(&mut *transaction).await?;
    let row = sqlx::query(sql::GET_LEASE).bind(instance).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    let partitions: Vec<i16> = row.try_get(1)?;
    let partitions = partitions.into_iter().map(i16::cast_unsigned).collect();
    Ok(Lease { token: row.try_get(0)?, partitions, until })
}

pub async fn release(pool: &PgPool, instance: &str) -> Answered<()> {
    sqlx::query(sql::RELEASE_LEASE).bind(instance).execute(pool).await?;
    Ok(())
}
