//! Versions as they are read: the current one, an older one, histories, and the state at an instant.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::fault::{Answered, Fault};
use super::{messages, sql};
use crate::base::ids::MessageId;
use crate::base::{Digest, Timestamp};
use crate::record::{
    HistoryPage, HistoryQuery, HistoryScope, ResourceKey, ResourceVersion, SnapshotQuery, VersionNumber,
};
use crate::store::period::{Period, Seek};

pub fn current(connection: &Connection, key: &ResourceKey) -> Answered<Option<ResourceVersion>> {
    let mut statement = connection.prepare_cached(sql::LOAD_RESOURCE)?;
    let mut rows = statement.query([&*key.kind, &*key.id])?;
    rows.next()?.map(read).transpose()
}

/// One version of a resource: the current one, or that of a version id.
pub fn one(connection: &Connection, key: &ResourceKey, version: Option<u32>) -> Answered<Option<ResourceVersion>> {
    let Some(version) = version else { return current(connection, key) };
    let mut statement = connection.prepare_cached(sql::FIND_VERSION)?;
    let mut rows = statement.query(params![&*key.kind, &*key.id, version])?;
    rows.next()?.map(read).transpose()
}

pub fn by_number(connection: &Connection, number: VersionNumber) -> Answered<Option<ResourceVersion>> {
    let mut statement = connection.prepare_cached(sql::LOAD_VERSION)?;
    let mut rows = statement.query([number.0])?;
    rows.next()?.map(read).transpose()
}

pub fn history(connection: &Connection, key: &ResourceKey) -> Answered<Vec<ResourceVersion>> {
    collect(connection, sql::HISTORY, params![&*key.kind, &*key.id])
}

pub fn history_page(connection: &Connection, query: &HistoryQuery) -> Answered<HistoryPage> {
    let Period { since, until } = Period::of(query);
    let before = query.before.map_or(i64::MAX, |number| number.0);
    let (limit, some) = (i64::from(query.limit), query.limit as usize);
    let (low, high) = bounds(connection, query)?;
    let high = high.min(before);
    let mut versions = match &query.scope {
        HistoryScope::Resource(ResourceKey { kind, id }) => {
            let row = params![&**kind, &**id, before, since, until, limit + 1];
            collect(connection, sql::HISTORY_OF_RESOURCE, row)?
        }
        HistoryScope::Kind(kind) => {
            collect(connection, sql::HISTORY_OF_KIND, params![&**kind, low, high, since, until, limit + 1])?
        }
        HistoryScope::System => collect(connection, sql::HISTORY_OF_ALL, params![low, high, since, until, limit + 1])?,
    };
    let more = versions.len() > some;
    versions.truncate(some);
    let whole = (!more && query.before.is_none()).then_some(versions.len() as u64);
    let total = match &query.scope {
        HistoryScope::Resource(key) if whole.is_none() => Some(count(connection, key, since, until)?),
        _ => whole,
    };
    Ok(HistoryPage { versions, more, total })
}

fn count(connection: &Connection, key: &ResourceKey, since: i64, until: i64) -> Answered<u64> {
    let row = params![&*key.kind, &*key.id, since, until];
    let count: i64 = connection.prepare_cached(sql::COUNT_HISTORY)?.query_row(row, |row| row.get(0))?;
    Ok(count.cast_unsigned())
}

/// The numbers between which the versions of the query's instants lie, from the first up to and without the last.
fn bounds(connection: &Connection, query: &HistoryQuery) -> Answered<(i64, i64)> {
    let latest = latest(connection)?.0;
    let seek = |instant: Option<i64>, otherwise: i64| -> Answered<i64> {
        let Some(instant) = instant else { return Ok(otherwise) };
        let mut seek = Seek::new(instant, latest);
        while let Some(number) = seek.probe() {
            let mut statement = connection.prepare_cached(sql::VERSION_AT)?;
            let found = statement.query_row([number], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            seek.learn(found);
        }
        Ok(seek.found())
    };
    let (from, to) = Period::margins(query);
    Ok((seek(from, i64::MIN)?, seek(to, i64::MAX)?))
}

pub fn latest(connection: &Connection) -> Answered<VersionNumber> {
    Ok(VersionNumber(connection.prepare_cached(sql::LATEST_VERSION)?.query_row([], |row| row.get(0))?))
}

/// The versions of a type that were current when `as_of` was the latest.
pub fn snapshot(connection: &Connection, query: &SnapshotQuery) -> Answered<Vec<ResourceVersion>> {
    let since = query.since.map_or(i64::MIN, Timestamp::as_micros);
    let after = query.after.map_or(i64::MIN, |number| number.0);
    let mut statement = connection.prepare_cached(sql::SNAPSHOT)?;
    let mut rows = statement.query(params![&*query.kind, after, query.as_of.0, since])?;
    let mut versions = Vec::new();
    while versions.len() < query.limit as usize
        && let Some(row) = rows.next()?
    {
        if standing(connection, row.get(9)?, query.as_of.0)? == Some(row.get(0)?) {
            versions.push(read(row)?);
        }
    }
    Ok(versions)
}

/// The version that was current when `as_of` was the latest, from the one that is now.
fn standing(connection: &Connection, current: i64, as_of: i64) -> Answered<Option<i64>> {
    let mut standing = Some(current);
    while let Some(number) = standing.filter(|number| *number > as_of) {
        standing = connection.prepare_cached(sql::PREVIOUS_VERSION)?.query_row([number], |row| row.get(0))?;
    }
    Ok(standing)
}

pub fn current_after(
    connection: &Connection,
    after: Option<VersionNumber>,
    limit: u32,
) -> Answered<Vec<ResourceVersion>> {
    collect(connection, sql::CURRENT_AFTER, params![after.map_or(i64::MIN, |number| number.0), limit])
}

fn collect(connection: &Connection, text: &str, parameters: impl rusqlite::Params) -> Answered<Vec<ResourceVersion>> {
    let mut statement = connection.prepare_cached(text)?;
    let mut rows = statement.query(parameters)?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        versions.push(read(row)?);
    }
    Ok(versions)
}

/// Reads the columns of `select_version!`.
pub fn read(row: &Row<'_>) -> Answered<ResourceVersion> {
    let number: i64 = row.get(0)?;
    let digest = row.get(5).map_err(|_| Fault::corrupt("resource_version", "digest", &number))?;
    Ok(ResourceVersion {
        number: VersionNumber(number),
        key: ResourceKey { kind: messages::text(row, 1)?, id: messages::text(row, 2)? },
        version: row.get(3)?,
        content: row.get::<_, Vec<u8>>(4)?.into(),
        digest: Digest(digest),
        updated_at: Timestamp::from_micros(row.get(6)?),
        deleted: row.get(7)?,
        message: row.get::<_, Option<i64>>(8)?.map(MessageId),
    })
}
