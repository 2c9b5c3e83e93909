//! Versions as they are read: the current one, an older one, histories, and the state at an instant.

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};

use super::connection::{self, Space, number, text};
use super::fault::{Answered, Fault};
use super::{resources, sql};
use crate::base::ids::MessageId;
use crate::base::{Digest, Timestamp};
use crate::record::{
    HistoryPage, HistoryQuery, HistoryScope, ResourceKey, ResourceVersion, SnapshotQuery, VersionNumber,
};
use crate::store::period::{Period, Seek};

/// One version of a resource: the current one, or that of a version id.
pub async fn one(pool: &PgPool, key: &ResourceKey, version: Option<u32>) -> Answered<Option<ResourceVersion>> {
    let statement = if version.is_some() { sql::FIND_VERSION } else { sql::LOAD_RESOURCE };
    let mut query = sqlx::query(statement).bind(text(&key.kind)).bind(text(&key.id));
    if let Some(version) = version {
        query = query.bind(i64::from(version));
    }
    query.fetch_optional(pool).await?.as_ref().map(read).transpose()
}

pub async fn by_number(pool: &PgPool, number: VersionNumber) -> Answered<Option<ResourceVersion>> {
    let query = sqlx::query(sql::LOAD_VERSIONS).bind(vec![number.0]);
    query.fetch_optional(pool).await?.as_ref().map(read).transpose()
}

pub async fn history(pool: &PgPool, key: &ResourceKey) -> Answered<Vec<ResourceVersion>> {
    let query = sqlx::query(sql::HISTORY).bind(text(&key.kind)).bind(text(&key.id));
    query.fetch_all(pool).await?.iter().map(read).collect()
}

pub async fn history_page(pool: &PgPool, query: &HistoryQuery) -> Answered<HistoryPage> {
    let Period { since, until } = Period::of(query);
    let before = query.before.map_or(i64::MAX, |number| number.0);
    let (low, high) = bounds(pool, query).await?;
    let high = high.min(before);
    let asked = match &query.scope {
        HistoryScope::Resource(ResourceKey { kind, id }) => {
            sqlx::query(sql::HISTORY_OF_RESOURCE).bind(text(kind)).bind(text(id)).bind(before)
        }
        HistoryScope::Kind(kind) => sqlx::query(sql::HISTORY_OF_KIND).bind(text(kind)).bind(low).bind(high),
        HistoryScope::System => sqlx::query(sql::HISTORY_OF_ALL).bind(low).bind(high),
    };
    let rows = asked.bind(since).bind(until).bind(i64::from(query.limit) + 1).fetch_all(pool).await?;
    let mut versions: Vec<ResourceVersion> = rows.iter().map(read).collect::<Answered<_>>()?;
    let more = versions.len() > query.limit as usize;
    versions.truncate(query.limit as usize);
    let whole = (!more && query.before.is_none()).then_some(versions.len() as u64);
    let total = match &query.scope {
        HistoryScope::Resource(key) if whole.is_none() => Some(count(pool, key, since, until).await?),
        _ => whole,
    };
    Ok(HistoryPage { versions, more, total })
}

async fn count(pool: &PgPool, key: &ResourceKey, since: i64, until: i64) -> Answered<u64> {
    let query = sqlx::query(sql::COUNT_HISTORY).bind(text(&key.kind)).bind(text(&key.id)).bind(since).bind(until);
    Ok(query.fetch_one(pool).await?.try_get::<i64, _>(0)?.cast_unsigned())
}

/// The numbers between which the versions of the query's instants lie, from the first up to and without the last.
async fn bounds(pool: &PgPool, query: &HistoryQuery) -> Answered<(i64, i64)> {
    let (from, to) = Period::margins(query);
    Ok((seek(pool, from).await?.unwrap_or(i64::MIN), seek(pool, to).await?.unwrap_or(i64::MAX)))
}

async fn seek(pool: &PgPool, instant: Option<i64>) -> Answered<Option<i64>> {
    let Some(instant) = instant else { return Ok(None) };
    let latest: i64 = sqlx::query(sql::LATEST_VERSION).fetch_one(pool).await?.try_get(0)?;
    let mut seek = Seek::new(instant, latest);
    while let Some(number) = seek.probe() {
        let row = sqlx::query(sql::VERSION_AT).bind(number).fetch_optional(pool).await?;
        let found = row.map(|row| Ok::<_, sqlx::Error>((row.try_get(0)?, row.try_get(1)?))).transpose()?;
        seek.learn(found);
    }
    Ok(Some(seek.found()))
}

/// Waits until every number that was given out is either in the store or lost, and holds up new ones meanwhile: whoever
/// takes a number shares this lock to the end of its transaction.
pub async fn latest(pool: &PgPool) -> Answered<VersionNumber> {
    let mut transaction = pool.begin().await?;
    connection::lock(&mut transaction, vec![Space::VERSIONS]).await?;
    let latest = sqlx::query(sql::LATEST_VERSION).fetch_one(&mut *transaction).await?.try_get(0)?;
    transaction.commit().await?;
    Ok(VersionNumber(latest))
}

/// The versions of a type that were current when `as_of` was the latest.
pub async fn snapshot(pool: &PgPool, query: &SnapshotQuery) -> Answered<Vec<ResourceVersion>> {
    let rows = sqlx::query(sql::SNAPSHOT)
        .bind(text(&query.kind))
        .bind(query.after.map_or(i64::MIN, |number| number.0))
        .bind(query.as_of.0)
        .bind(query.since.map_or(i64::MIN, Timestamp::as_micros))
        .bind(i64::from(query.limit))
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

pub async fn current_after(pool: &PgPool, after: Option<VersionNumber>, limit: u32) -> Answered<Vec<ResourceVersion>> {
    let query = sqlx::query(sql::CURRENT_AFTER).bind(after.map_or(i64::MIN, |number| number.0)).bind(i64::from(limit));
    query.fetch_all(pool).await?.iter().map(read).collect()
}

/// Reads the columns of `select_version!`.
pub fn read(row: &PgRow) -> Answered<ResourceVersion> {
    let own: i64 = row.try_get(0)?;
    let digest = <[u8; 32]>::try_from(row.try_get::<&[u8], _>(5)?);
    Ok(ResourceVersion {
        number: VersionNumber(own),
        key: resources::key(row, 1)?,
        version: number(row.try_get(3)?),
        content: row.try_get::<Vec<u8>, _>(4)?.into(),
        digest: Digest(digest.map_err(|_| Fault::corrupt("resource_version", "digest", &own))?),
        updated_at: Timestamp::from_micros(row.try_get(6)?),
        deleted: row.try_get(7)?,
        message: row.try_get::<Option<i64>, _>(8)?.map(MessageId),
    })
}
