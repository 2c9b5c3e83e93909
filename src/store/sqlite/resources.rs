//! Resources: the next version of one; redirects; and what decisions read.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::fault::Answered;
use super::{index, messages, referrals, sql, versions};
use crate::base::Timestamp;
use crate::base::ids::MessageId;
use crate::record::{IdentifierKey, Redirect, ResourceKey, ResourceWrite};
use crate::store::{Load, Loaded, encoding};

/// Where a resource stands.
struct Current {
    version: u32,
    first: i64,
    number: i64,
    /// Its index keys, packed.
    keys: Vec<u8>,
}

/// Writes the next version, which speaks for `message`. `false`: the resource has moved on since it was read.
pub fn write(
    connection: &Connection,
    write: &ResourceWrite,
    message: Option<MessageId>,
    at: Timestamp,
) -> Answered<bool> {
    if write.follows == 0 { create(connection, write, message, at) } else { follow(connection, write, message, at) }
}

fn create(connection: &Connection, write: &ResourceWrite, message: Option<MessageId>, at: Timestamp) -> Answered<bool> {
    let number = append(connection, write, None, &encoding::pack_keys(&write.index), message, at)?;
    let (kind, id) = (&*write.key.kind, &*write.key.id);
    if connection.prepare_cached(sql::INSERT_RESOURCE)?.execute(params![kind, id, number])? == 0 {
        return Ok(false);
    }
    index::add(connection, number, &write.index)?;
    index::put_text(connection, number, kind, &write.text)?;
    Ok(true)
}

fn follow(connection: &Connection, write: &ResourceWrite, message: Option<MessageId>, at: Timestamp) -> Answered<bool> {
    let Some(current) = current(connection, &write.key)?.filter(|current| current.version == write.follows) else {
        return Ok(false);
    };
    let packed = encoding::pack_keys(&write.index);
    let number = append(connection, write, Some(current.number), &packed, message, at)?;
    let row = params![&*write.key.kind, &*write.key.id, write.follows + 1, number];
    connection.prepare_cached(sql::UPDATE_RESOURCE)?.execute(row)?;
    if current.keys != packed {
        index::change(connection, current.first, &encoding::unpack_keys(&current.keys), &write.index)?;
    }
    index::replace_text(connection, current.first, &write.key.kind, &write.text)?;
    Ok(true)
}

fn append(
    connection: &Connection,
    write: &ResourceWrite,
    previous: Option<i64>,
    packed: &[u8],
    message: Option<MessageId>,
    at: Timestamp,
) -> Answered<i64> {
    connection.prepare_cached(sql::INSERT_VERSION)?.execute(params![
        &*write.key.kind,
        &*write.key.id,
        write.follows + 1,
        previous,
        at.as_micros(),
        write.digest.0,
        packed,
        &*write.content,
        message.map(|id| id.0),
        write.deleted,
    ])?;
    Ok(connection.last_insert_rowid())
}

fn current(connection: &Connection, key: &ResourceKey) -> Answered<Option<Current>> {
    let mut statement = connection.prepare_cached(sql::CURRENT_RESOURCE)?;
    let row = statement.query_row([&*key.kind, &*key.id], |row| {
        Ok(Current { version: row.get(0)?, first: row.get(1)?, number: row.get(2)?, keys: row.get(3)? })
    });
    Ok(row.optional()?)
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

pub fn key_at_0(row: &Row<'_>) -> Answered<ResourceKey> {
    Ok(ResourceKey { kind: messages::text(row, 0)?, id: messages::text(row, 1)? })
}

pub fn load(connection: &Connection, wanted: &Load) -> Answered<Loaded> {
    let mut loaded = Loaded::default();
    let mut answered = HashSet::new();
    for key in &wanted.resources {
        let to = survivor(connection, key)?;
        if answered.insert(to.clone()) {
            loaded.resources.extend(versions::current(connection, &to)?);
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

/// Everyone merged with one of the keys, they themselves included.
pub fn families(connection: &Connection, keys: &[ResourceKey]) -> Answered<Vec<ResourceKey>> {
    let mut families = Vec::new();
    for key in keys {
        families.extend(family(connection, key)?);
    }
    families.sort_unstable();
    families.dedup();
    Ok(families)
}
