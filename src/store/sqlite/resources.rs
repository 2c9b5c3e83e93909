//! Resources: the next version and what changes in the index; redirects; and what decisions read.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::fault::{Answered, Fault};
use super::{messages, referrals, sql};
use crate::base::ids::MessageId;
use crate::base::{Digest, Timestamp};
use crate::record::{IdentifierKey, IndexKey, Redirect, ResourceKey, ResourceVersion, ResourceWrite, VersionNumber};
use crate::store::encoding;
use crate::store::{Load, Loaded};

/// Where a resource stands.
struct Current {
    version: u32,
    first: i64,
    number: i64,
    /// Its index keys, packed.
    keys: Vec<u8>,
}

/// Writes the next version. `false`: the resource has moved on since it was read.
pub fn write(connection: &Connection, write: &ResourceWrite, at: Timestamp) -> Answered<bool> {
    let current = current(connection, &write.key)?;
    if current.as_ref().map_or(0, |current| current.version) != write.follows {
        return Ok(false);
    }
    let keys = &write.index;
    let packed = encoding::pack_keys(keys);
    connection.prepare_cached(sql::INSERT_VERSION)?.execute(params![
        &*write.key.kind,
        &*write.key.id,
        write.follows + 1,
        current.as_ref().map(|current| current.number),
        at.as_micros(),
        write.digest.0,
        &packed,
        &*write.content,
        write.message.map(|id| id.0),
    ])?;
    let number = connection.last_insert_rowid();
    let (kind, id) = (&*write.key.kind, &*write.key.id);
    if let Some(current) = current {
        let row = params![kind, id, write.follows + 1, number];
        connection.prepare_cached(sql::UPDATE_RESOURCE)?.execute(row)?;
        if current.keys != packed {
            reindex(connection, current.first, &encoding::unpack_keys(&current.keys), keys)?;
        }
    } else {
        connection.prepare_cached(sql::INSERT_RESOURCE)?.execute(params![kind, id, number])?;
        reindex(connection, number, &[], keys)?;
    }
    Ok(true)
}

fn current(connection: &Connection, key: &ResourceKey) -> Answered<Option<Current>> {
    let mut statement = connection.prepare_cached(sql::CURRENT_RESOURCE)?;
    let row = statement.query_row([&*key.kind, &*key.id], |row| {
        Ok(Current { version: row.get(0)?, first: row.get(1)?, number: row.get(2)?, keys: row.get(3)? })
    });
    Ok(row.optional()?)
}

/// Changes only the index rows that differ; both lists are sorted.
fn reindex(connection: &Connection, resource: i64, old: &[IndexKey], new: &[IndexKey]) -> Answered<()> {
    for gone in old.iter().filter(|key| new.binary_search(key).is_err()) {
        connection.prepare_cached(sql::DELETE_INDEX)?.execute(params![gone.0, resource])?;
    }
    let mut insert = connection.prepare_cached(sql::INSERT_INDEX)?;
    for added in new.iter().filter(|key| old.binary_search(key).is_err()) {
        insert.execute(params![added.0, resource])?;
    }
    Ok(())
}

/// Records a merge. A merge of what is merged already leads to the last survivor; one that would lead back to itself
/// changes nothing.
pub fn redirect(connection: &Connection, redirect: &Redirect) -> Answered<()> {
    let (from, to) = (&redirect.from, survivor(connection, &redirect.to)?);
    if *from == to {
        return Ok(());
    }
    let row = [&*from.kind, &*from.id, &*to.kind, &*to.id];
    connection.prepare_cached(sql::COLLAPSE_REDIRECTS)?.execute(row)?;
    connection.prepare_cached(sql::PUT_REDIRECT)?.execute(row)?;
    Ok(())
}

/// Who answers for a key: itself, unless it was merged away.
fn survivor(connection: &Connection, key: &ResourceKey) -> Answered<ResourceKey> {
    let mut statement = connection.prepare_cached(sql::GET_REDIRECT)?;
    let mut rows = statement.query([&*key.kind, &*key.id])?;
    rows.next()?.map_or_else(|| Ok(key.clone()), key_at_0)
}

fn key_at_0(row: &Row<'_>) -> Answered<ResourceKey> {
    Ok(ResourceKey { kind: messages::text(row, 0)?, id: messages::text(row, 1)? })
}

pub fn load(connection: &Connection, wanted: &Load) -> Answered<Loaded> {
    let mut loaded = Loaded::default();
    let mut answered = HashSet::new();
    for key in &wanted.resources {
        let to = survivor(connection, key)?;
        if answered.insert(to.clone()) {
            loaded.resources.extend(version(connection, &to)?);
        }
        if to != *key {
            loaded.redirects.push(Redirect { from: key.clone(), to });
        }
    }
    for identifier in &wanted.identifiers {
        find(connection, identifier, &mut loaded)?;
    }
    referrals::load(connection, wanted, &mut loaded)?;
    Ok(loaded)
}

fn version(connection: &Connection, key: &ResourceKey) -> Answered<Option<ResourceVersion>> {
    let mut statement = connection.prepare_cached(sql::LOAD_RESOURCE)?;
    let mut rows = statement.query([&*key.kind, &*key.id])?;
    rows.next()?.map(|row| read(row, key)).transpose()
}

/// The resources that bear the identifier, merged ones through their survivor.
fn find(connection: &Connection, identifier: &IdentifierKey, loaded: &mut Loaded) -> Answered<()> {
    let mut statement = connection.prepare_cached(sql::FIND_IDENTIFIER)?;
    let mut rows = statement.query([&identifier.index_key().0[..]])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let bearer = survivor(connection, &key_at_0(row)?)?;
        if !found.contains(&bearer) {
            found.push(bearer);
        }
    }
    loaded.identifiers.extend(found.into_iter().map(|bearer| (identifier.clone(), bearer)));
    Ok(())
}

/// The key itself or its survivor, and everyone merged into that one.
pub fn family(connection: &Connection, key: &ResourceKey) -> Answered<Vec<ResourceKey>> {
    let survivor = survivor(connection, key)?;
    let mut statement = connection.prepare_cached(sql::REDIRECTED_TO)?;
    let mut rows = statement.query([&*survivor.kind, &*survivor.id])?;
    let mut family = Vec::new();
    while let Some(row) = rows.next()? {
        family.push(key_at_0(row)?);
    }
    family.push(survivor);
    Ok(family)
}

pub fn history(connection: &Connection, key: &ResourceKey) -> Answered<Vec<ResourceVersion>> {
    let mut statement = connection.prepare_cached(sql::HISTORY)?;
    let mut rows = statement.query([&*key.kind, &*key.id])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        versions.push(read(row, key)?);
    }
    Ok(versions)
}

fn read(row: &Row<'_>, key: &ResourceKey) -> Answered<ResourceVersion> {
    let digest = row.get(2).map_err(|_| Fault::corrupt("resource_version", "digest", &key.kind))?;
    Ok(ResourceVersion {
        number: VersionNumber(0),
        key: key.clone(),
        version: row.get(0)?,
        content: row.get::<_, Vec<u8>>(1)?.into(),
        digest: Digest(digest),
        updated_at: Timestamp::from_micros(row.get(3)?),
        deleted: row.get(4)?,
        message: row.get::<_, Option<i64>>(5)?.map(MessageId),
    })
}
