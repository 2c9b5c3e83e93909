//! The search index: rows of keys and of words, put with each version and, when definitions change, anew.

use std::borrow::Borrow;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Answered;
use super::sql;
use crate::base::Digest;
use crate::record::{IndexKey, ResourceText, VersionNumber};
use crate::store::encoding;

/// Rows of one statement: a statement for each row would cost a third more.
const ROWS: usize = 8;

/// Adds the keys of a resource, named by the number of its first version.
pub fn add<K: Borrow<IndexKey>>(connection: &Connection, resource: i64, keys: &[K]) -> Answered<()> {
    let (groups, rest) = keys.as_chunks::<ROWS>();
    for group in groups {
        let mut insert = connection.prepare_cached(sql::INSERT_INDEX_8)?;
        for (place, key) in (1..).zip(group) {
            insert.raw_bind_parameter(place, &key.borrow().0)?;
        }
        insert.raw_bind_parameter(ROWS + 1, resource)?;
        insert.raw_execute()?;
    }
    for key in rest {
        connection.prepare_cached(sql::INSERT_INDEX)?.execute(params![key.borrow().0, resource])?;
    }
    Ok(())
}

/// Changes only the rows that differ; both lists are sorted.
pub fn change(connection: &Connection, resource: i64, old: &[IndexKey], new: &[IndexKey]) -> Answered<()> {
    for gone in old.iter().filter(|key| new.binary_search(key).is_err()) {
        connection.prepare_cached(sql::DELETE_INDEX)?.execute(params![gone.0, resource])?;
    }
    let added: Vec<&IndexKey> = new.iter().filter(|key| old.binary_search(key).is_err()).collect();
    add(connection, resource, &added)
}

/// Keeps the words of a resource that has none yet.
pub fn put_text(connection: &Connection, resource: i64, kind: &str, text: &ResourceText) -> Answered<()> {
    if text.narrative.is_empty() && text.content.is_empty() {
        return Ok(());
    }
    let [narrative, content] =
        [&text.narrative, &text.content].map(|text| encoding::words(text).collect::<Vec<_>>().join(" "));
    connection.prepare_cached(sql::PUT_TEXT)?.execute(params![resource, kind, narrative, content])?;
    Ok(())
}

/// Keeps these words of a resource in place of those it had.
pub fn replace_text(connection: &Connection, resource: i64, kind: &str, text: &ResourceText) -> Answered<()> {
    connection.prepare_cached(sql::DELETE_TEXT)?.execute([resource])?;
    put_text(connection, resource, kind, text)
}

/// Puts the index of current resources anew.
pub fn reindex(connection: &Connection, resources: &[(VersionNumber, Vec<IndexKey>, ResourceText)]) -> Answered<()> {
    for (number, keys, text) in resources {
        let mut statement = connection.prepare_cached(sql::STANDING_OF_VERSION)?;
        let standing = statement.query_row([number.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let standing: Option<(i64, Vec<u8>, String)> = standing.optional()?;
        let Some((first, old, kind)) = standing else { continue };
        change(connection, first, &encoding::unpack_keys(&old), keys)?;
        connection.prepare_cached(sql::REPLACE_KEYS)?.execute(params![number.0, encoding::pack_keys(keys)])?;
        replace_text(connection, first, &kind, text)?;
    }
    Ok(())
}

pub fn indexed_by(connection: &Connection) -> Answered<Option<Digest>> {
    let mut statement = connection.prepare_cached(sql::INDEXED_BY)?;
    let definitions = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(definitions.map(Digest))
}

pub fn set_indexed_by(connection: &Connection, definitions: Digest) -> Answered<()> {
    connection.prepare_cached(sql::SET_INDEXED_BY)?.execute([definitions.0])?;
    Ok(())
}
