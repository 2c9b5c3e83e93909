//! Resources: the next versions of a batch and what changes in the index; redirects; and what decisions read.

use std::collections::{BTreeMap, HashMap};

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};

use super::connection::{number, text};
use super::fault::{Answered, Fault};
use super::{messages, referrals, sql};
use crate::base::ids::MessageId;
use crate::base::{Digest, Timestamp};
use crate::record::{Conclusion, IndexKey, Redirect, ResourceKey, ResourceVersion, ResourceWrite, VersionNumber};
use crate::store::encoding;
use crate::store::{Load, Loaded};

/// What is written, and when.
type Write<'w> = (&'w ResourceWrite, Timestamp);

/// A resource before the batch and, at first, after it.
#[derive(Default, Clone)]
struct Standing {
    version: u32,
    keys: Vec<IndexKey>,
}

/// Writes the next versions and the redirects. `false`: a resource has moved on since it was read.
pub async fn write(connection: &mut PgConnection, batch: &[&Conclusion]) -> Answered<bool> {
    let writes: Vec<Write<'_>> =
        batch.iter().flat_map(|one| one.resources.iter().map(|write| (write, one.concluded_at))).collect();
    if !writes.is_empty() && !write_versions(connection, &writes).await? {
        return Ok(false);
    }
    for redirect in batch.iter().flat_map(|one| &one.redirects) {
        put_redirect(connection, redirect).await?;
    }
    Ok(true)
}

async fn write_versions(connection: &mut PgConnection, writes: &[Write<'_>]) -> Answered<bool> {
    let before = standing(connection, writes).await?;
    let mut after: BTreeMap<&ResourceKey, Standing> = BTreeMap::new();
    for (write, _) in writes {
        let standing = after.entry(&write.key).or_insert_with(|| before.get(&write.key).cloned().unwrap_or_default());
        if standing.version != write.follows {
            return Ok(false);
        }
        *standing = Standing { version: write.follows + 1, keys: write.index.clone() };
    }
    if !put_current(connection, &before, &after).await? {
        return Ok(false);
    }
    append_versions(connection, writes).await?;
    reindex(connection, &before, &after).await?;
    Ok(true)
}

/// The resources as they are, locked.
async fn standing(connection: &mut PgConnection, writes: &[Write<'_>]) -> Answered<HashMap<ResourceKey, Standing>> {
    let mut keys: Vec<&ResourceKey> = writes.iter().map(|(write, _)| &write.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let (kinds, ids) = columns(keys);
    let rows = sqlx::query(sql::CURRENT_RESOURCES).bind(kinds).bind(ids).fetch_all(connection).await?;
    let read = |row: &PgRow| {
        let keys = encoding::unpack_keys(row.try_get(3)?);
        Ok((key(row, 0)?, Standing { version: number(row.try_get(2)?), keys }))
    };
    rows.iter().map(read).collect()
}

fn columns<'a>(keys: impl IntoIterator<Item = &'a ResourceKey>) -> (Vec<String>, Vec<String>) {
    keys.into_iter().map(|key| (text(&key.kind), text(&key.id))).unzip()
}

fn key(row: &PgRow, column: usize) -> Answered<ResourceKey> {
    Ok(ResourceKey { kind: messages::short(row, column)?, id: messages::short(row, column + 1)? })
}

/// `false`: another replica made one of the resources meanwhile.
async fn put_current(
    connection: &mut PgConnection,
    before: &HashMap<ResourceKey, Standing>,
    after: &BTreeMap<&ResourceKey, Standing>,
) -> Answered<bool> {
    let (old, new): (Vec<_>, Vec<_>) = after.iter().partition(|(key, _)| before.contains_key(**key));
    for (statement, rows) in [(sql::UPDATE_RESOURCES, old), (sql::INSERT_RESOURCES, new)] {
        if rows.is_empty() {
            continue;
        }
        let expected = rows.len() as u64;
        let (kinds, ids) = columns(rows.iter().map(|(key, _)| **key));
        let versions: Vec<i64> = rows.iter().map(|(_, standing)| i64::from(standing.version)).collect();
        let keys: Vec<Vec<u8>> = rows.iter().map(|(_, standing)| encoding::pack_keys(&standing.keys)).collect();
        let query = sqlx::query(statement).bind(kinds).bind(ids).bind(versions).bind(keys);
        if query.execute(&mut *connection).await?.rows_affected() != expected {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn append_versions(connection: &mut PgConnection, writes: &[Write<'_>]) -> Answered<()> {
    let (kinds, ids) = columns(writes.iter().map(|(write, _)| &write.key));
    sqlx::query(sql::INSERT_VERSIONS)
        .bind(kinds)
        .bind(ids)
        .bind(writes.iter().map(|(write, _)| i64::from(write.follows) + 1).collect::<Vec<_>>())
        .bind(writes.iter().map(|(_, at)| at.as_micros()).collect::<Vec<_>>())
        .bind(writes.iter().map(|(write, _)| &write.digest.0[..]).collect::<Vec<_>>())
        .bind(writes.iter().map(|(write, _)| &*write.content).collect::<Vec<_>>())
        .bind(writes.iter().map(|(write, _)| write.message.map(|id| id.0)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Changes only the index rows that differ; lists of keys are sorted.
async fn reindex(
    connection: &mut PgConnection,
    before: &HashMap<ResourceKey, Standing>,
    after: &BTreeMap<&ResourceKey, Standing>,
) -> Answered<()> {
    let (mut gone, mut added) = (Vec::new(), Vec::new());
    for (key, standing) in after {
        let old = before.get(*key).map_or(&[][..], |standing| &standing.keys);
        gone.extend(old.iter().filter(|one| standing.keys.binary_search(one).is_err()).map(|one| (one, *key)));
        added.extend(standing.keys.iter().filter(|one| old.binary_search(one).is_err()).map(|one| (one, *key)));
    }
    for (statement, rows) in [(sql::DELETE_INDEX, gone), (sql::INSERT_INDEX, added)] {
        if !rows.is_empty() {
            let (kinds, ids) = columns(rows.iter().map(|(_, key)| *key));
            let keys: Vec<&[u8]> = rows.iter().map(|(key, _)| &key.0[..]).collect();
            sqlx::query(statement).bind(keys).bind(kinds).bind(ids).execute(&mut *connection).await?;
        }
    }
    Ok(())
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
        loaded.resources = rows.iter().map(read).collect::<Answered<_>>()?;
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

pub async fn history(pool: &PgPool, key: &ResourceKey) -> Answered<Vec<ResourceVersion>> {
    let query = sqlx::query(sql::HISTORY).bind(text(&key.kind)).bind(text(&key.id));
    query.fetch_all(pool).await?.iter().map(read).collect()
}

fn read(row: &PgRow) -> Answered<ResourceVersion> {
    let key = key(row, 0)?;
    let digest = <[u8; 32]>::try_from(row.try_get::<&[u8], _>(4)?);
    Ok(ResourceVersion {
        number: VersionNumber(0),
        version: number(row.try_get(2)?),
        content: row.try_get::<Vec<u8>, _>(3)?.into(),
        digest: Digest(digest.map_err(|_| Fault::corrupt("resource_version", "digest", &key.kind))?),
        updated_at: Timestamp::from_micros(row.try_get(5)?),
        deleted: row.try_get(6)?,
        message: row.try_get::<Option<i64>, _>(7)?.map(MessageId),
        key,
    })
}
