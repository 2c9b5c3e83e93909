//! Resources: the next versions of a batch and what changes in the index; redirects; and what decisions read.

use std::collections::{BTreeMap, HashMap};

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};

use super::connection::{Space, number, text};
use super::fault::{Answered, Fault};
use super::{index, messages, referrals, sql, versions};
use crate::base::Timestamp;
use crate::base::ids::MessageId;
use crate::record::{Conclusion, IndexKey, Redirect, ResourceKey, ResourceWrite};
use crate::store::{Load, Loaded};

/// A version to be written: when, and which message it speaks for.
pub struct Write<'w> {
    pub resource: &'w ResourceWrite,
    pub at: Timestamp,
    pub message: Option<MessageId>,
}

impl<'w> Write<'w> {
    /// Those of a conclusion; what a request writes speaks for that request.
    pub fn all(conclusion: &'w Conclusion, request: Option<MessageId>) -> impl Iterator<Item = Self> {
        let at = conclusion.concluded_at;
        conclusion.resources.iter().map(move |resource| Write { resource, at, message: request.or(resource.message) })
    }
}

/// A resource before the batch.
struct Standing {
    version: u32,
    first: i64,
    keys: Vec<IndexKey>,
}

/// The resources of a batch as they are, locked, and the versions they come to.
pub struct Ledger {
    before: HashMap<ResourceKey, Standing>,
    versions: HashMap<ResourceKey, u32>,
}

impl Ledger {
    /// Locks in the order of keys, the same for everybody.
    pub async fn read(connection: &mut PgConnection, mut keys: Vec<&ResourceKey>) -> Answered<Self> {
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(Self { before: HashMap::new(), versions: HashMap::new() });
        }
        let (kinds, ids) = columns(keys);
        let rows = sqlx::query(sql::CURRENT_RESOURCES).bind(kinds).bind(ids).fetch_all(connection).await?;
        let read = |row: &PgRow| {
            let keys: Vec<Vec<u8>> = row.try_get(4)?;
            let keys = keys.into_iter().map(IndexKey).collect();
            Ok((key(row, 0)?, Standing { version: number(row.try_get(2)?), first: row.try_get(3)?, keys }))
        };
        Ok(Self { before: rows.iter().map(read).collect::<Answered<_>>()?, versions: HashMap::new() })
    }

    /// Counts these writes in, all or none. `false`: one of the resources has moved on since it was read.
    pub fn accept(&mut self, writes: &[ResourceWrite]) -> bool {
        let mut versions: HashMap<&ResourceKey, u32> = HashMap::new();
        for write in writes {
            let known = versions.get(&write.key).or_else(|| self.versions.get(&write.key)).copied();
            let version = known.or_else(|| Some(self.before.get(&write.key)?.version)).unwrap_or(0);
            if version != write.follows {
                return false;
            }
            versions.insert(&write.key, version + 1);
        }
        let versions: Vec<_> = versions.into_iter().map(|(key, version)| (key.clone(), version)).collect();
        self.versions.extend(versions);
        true
    }

    /// Writes what was accepted. `false`: another replica made one of the resources meanwhile.
    pub async fn write(&self, connection: &mut PgConnection, writes: &[Write<'_>]) -> Answered<bool> {
        if writes.is_empty() {
            return Ok(true);
        }
        let numbers = next_versions(connection, writes.len()).await?;
        let mut after: BTreeMap<&ResourceKey, After<'_>> = BTreeMap::new();
        for (one, number) in writes.iter().zip(&numbers) {
            let first = self.before.get(&one.resource.key).map_or(*number, |standing| standing.first);
            let new = After { first, current: *number, write: one.resource };
            let after = after.entry(&one.resource.key).or_insert(new);
            *after = After { first: after.first, ..new };
        }
        if !self.put_current(connection, &after).await? {
            return Ok(false);
        }
        append_versions(connection, writes, &numbers).await?;
        self.reindex(connection, &after).await?;
        Ok(true)
    }

    async fn put_current(
        &self,
        connection: &mut PgConnection,
        after: &BTreeMap<&ResourceKey, After<'_>>,
    ) -> Answered<bool> {
        let (old, new): (Vec<&After<'_>>, Vec<&After<'_>>) =
            after.values().partition(|one| self.before.contains_key(&one.write.key));
        for (statement, rows) in [(sql::UPDATE_RESOURCES, old), (sql::INSERT_RESOURCES, new)] {
            if rows.is_empty() {
                continue;
            }
            let (kinds, ids) = columns(rows.iter().map(|one| &one.write.key));
            let written = sqlx::query(statement)
                .bind(kinds)
                .bind(ids)
                .bind(rows.iter().map(|one| i64::from(one.write.follows) + 1).collect::<Vec<_>>())
                .bind(rows.iter().map(|one| one.first).collect::<Vec<_>>())
                .bind(rows.iter().map(|one| one.current).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
            if written.rows_affected() != rows.len() as u64 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Changes only the index rows that differ; lists of keys are sorted.
    async fn reindex(&self, connection: &mut PgConnection, after: &BTreeMap<&ResourceKey, After<'_>>) -> Answered<()> {
        let mut changes = index::Changes::default();
        for (key, one) in after {
            let before = self.before.get(*key);
            let old = before.map_or(&[][..], |standing| &standing.keys);
            changes.keys(one.first, old, &one.write.index);
            changes.text(one.first, &key.kind, before.is_some(), &one.write.text);
        }
        changes.write(connection).await
    }
}

/// A resource after the batch.
#[derive(Clone, Copy)]
struct After<'w> {
    first: i64,
    current: i64,
    write: &'w ResourceWrite,
}

/// Numbers for versions, rising.
async fn next_versions(connection: &mut PgConnection, count: usize) -> Answered<Vec<i64>> {
    let (space, bucket) = Space::VERSIONS;
    let query = sqlx::query(sql::NEXT_VERSIONS).bind(i64::try_from(count).unwrap_or(i64::MAX));
    let rows = query.bind(space as i32).bind(bucket).fetch_all(connection).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

async fn append_versions(connection: &mut PgConnection, writes: &[Write<'_>], numbers: &[i64]) -> Answered<()> {
    let (kinds, ids) = columns(writes.iter().map(|one| &one.resource.key));
    sqlx::query(sql::INSERT_VERSIONS)
        .bind(numbers)
        .bind(kinds)
        .bind(ids)
        .bind(writes.iter().map(|one| i64::from(one.resource.follows) + 1).collect::<Vec<_>>())
        .bind(writes.iter().map(|one| one.resource.deleted).collect::<Vec<_>>())
        .bind(writes.iter().map(|one| one.at.as_micros()).collect::<Vec<_>>())
        .bind(writes.iter().map(|one| &one.resource.digest.0[..]).collect::<Vec<_>>())
        .bind(writes.iter().map(|one| index::array(&one.resource.index)).collect::<Vec<_>>())
        .bind(writes.iter().map(|one| &*one.resource.content).collect::<Vec<_>>())
        .bind(writes.iter().map(|one| one.message.map(|id| id.0)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Merged identities of a batch.
pub async fn write_redirects(connection: &mut PgConnection, batch: &[&Conclusion]) -> Answered<()> {
    for redirect in batch.iter().flat_map(|one| &one.redirects) {
        put_redirect(connection, redirect).await?;
    }
    Ok(())
}

pub fn columns<'a>(keys: impl IntoIterator<Item = &'a ResourceKey>) -> (Vec<String>, Vec<String>) {
    keys.into_iter().map(|key| (text(&key.kind), text(&key.id))).unzip()
}

pub fn key(row: &PgRow, column: usize) -> Answered<ResourceKey> {
    Ok(ResourceKey { kind: messages::short(row, column)?, id: messages::short(row, column + 1)? })
}

/// Records a merge. A merge of what is merged already leads to the last survivor; one that would lead back to itself
/// changes nothing.
async fn put_redirect(connection: &mut PgConnection, redirect: &Redirect) -> Answered<()> {
    let found = redirects(&mut *connection, [&redirect.to]).await?;
    let to = found.get(&redirect.to).unwrap_or(&redirect.to);
    let from = &redirect.from;
    if from == to {
        return Ok(());
    }
    for statement in [sql::COLLAPSE_REDIRECTS, sql::PUT_REDIRECT] {
        let query = sqlx::query(statement).bind(text(&from.kind)).bind(text(&from.id));
        query.bind(text(&to.kind)).bind(text(&to.id)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Where keys that were merged away lead.
async fn redirects<'a>(
    executor: impl sqlx::PgExecutor<'_>,
    keys: impl IntoIterator<Item = &'a ResourceKey>,
) -> Answered<HashMap<ResourceKey, ResourceKey>> {
    let (kinds, ids) = columns(keys);
    if kinds.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(sql::GET_REDIRECTS).bind(kinds).bind(ids).fetch_all(executor).await?;
    rows.iter().map(|row| Ok((key(row, 0)?, key(row, 2)?))).collect()
}

pub async fn load(pool: &PgPool, wanted: &Load) -> Answered<Loaded> {
    let mut loaded = Loaded::default();
    let survivors = redirects(pool, &wanted.resources).await?;
    let mut keys: Vec<&ResourceKey> = wanted.resources.iter().map(|key| survivors.get(key).unwrap_or(key)).collect();
    keys.sort_unstable();
    keys.dedup();
    if !keys.is_empty() {
        let (kinds, ids) = columns(keys);
        let rows = sqlx::query(sql::LOAD_RESOURCES).bind(kinds).bind(ids).fetch_all(pool).await?;
        loaded.resources = rows.iter().map(versions::read).collect::<Answered<_>>()?;
    }
    loaded.redirects = survivors.into_iter().map(|(from, to)| Redirect { from, to }).collect();
    find(pool, wanted, &mut loaded).await?;
    referrals::load(pool, wanted, &mut loaded).await?;
    Ok(loaded)
}

/// The resources that bear the identifiers, merged ones through their survivor.
async fn find(pool: &PgPool, wanted: &Load, loaded: &mut Loaded) -> Answered<()> {
    if wanted.identifiers.is_empty() {
        return Ok(());
    }
    let by_key: HashMap<IndexKey, _> =
        wanted.identifiers.iter().map(|identifier| (identifier.index_key(), identifier)).collect();
    let keys: Vec<&[u8]> = by_key.keys().map(|key| &key.0[..]).collect();
    let rows = sqlx::query(sql::FIND_IDENTIFIERS).bind(keys).fetch_all(pool).await?;
    let mut found = Vec::new();
    for row in &rows {
        let index_key = IndexKey(row.try_get(0)?);
        found.extend(by_key.get(&index_key).map(|identifier| Ok::<_, Fault>((*identifier, key(row, 1)?))));
    }
    let found: Vec<_> = found.into_iter().collect::<Answered<_>>()?;
    let survivors = redirects(pool, found.iter().map(|(_, bearer)| bearer)).await?;
    for (identifier, bearer) in found {
        let pair = (identifier.clone(), survivors.get(&bearer).cloned().unwrap_or(bearer));
        if !loaded.identifiers.contains(&pair) {
            loaded.identifiers.push(pair);
        }
    }
    Ok(())
}

/// The keys themselves or their survivors, and everyone merged into those.
pub async fn families<'a>(
    pool: &PgPool,
    keys: impl IntoIterator<Item = &'a ResourceKey> + Clone,
) -> Answered<Vec<ResourceKey>> {
    let survivors = redirects(pool, keys.clone()).await?;
    let mut family: Vec<ResourceKey> = keys.into_iter().map(|key| survivors.get(key).unwrap_or(key).clone()).collect();
    let (kinds, ids) = columns(&family);
    for row in &sqlx::query(sql::REDIRECTED_TO).bind(kinds).bind(ids).fetch_all(pool).await? {
        family.push(key(row, 0)?);
    }
    family.sort_unstable();
    family.dedup();
    Ok(family)
}
