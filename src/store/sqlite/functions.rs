//! What searches ask of the packed keys of a version: functions of SQL, defined for each connection.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error};

use crate::record::Relation;
use crate::store::encoding::packed_keys;

/// `bears(keys, from, to, [at, length, relation, value]…)`: whether one of the keys is in a scan.
/// `targets(keys, before, end, behind)`: a JSON array of what stands between `before` and `behind` in those keys from
/// `before` up to `end` that end so.
pub fn define(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("bears", -1, flags, bears)?;
    connection.create_scalar_function("targets", 4, flags, targets)
}

/// The number by which a relation is told to `bears`.
pub const fn relation_number(relation: Relation) -> i64 {
    relation as i64
}

fn bears(context: &Context<'_>) -> rusqlite::Result<bool> {
    let [keys, from, to] = [bytes(context, 0)?, bytes(context, 1)?, bytes(context, 2)?];
    for key in packed_keys(keys).skip_while(|key| *key < from).take_while(|key| *key < to) {
        if meets(context, key)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a key meets the tests from argument 3 on.
fn meets(context: &Context<'_>, key: &[u8]) -> rusqlite::Result<bool> {
    for first in (3..context.len()).step_by(4) {
        let at = usize::try_from(context.get::<i64>(first)?).unwrap_or(usize::MAX);
        let length = usize::try_from(context.get::<i64>(first + 1)?).unwrap_or(usize::MAX);
        let rest = key.get(at..).unwrap_or_default();
        let part = &rest[..length.min(rest.len())];
        if !relates(context.get(first + 2)?, part, bytes(context, first + 3)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn relates(relation: i64, part: &[u8], value: &[u8]) -> bool {
    let all = [
        (Relation::Below, part < value),
        (Relation::AtMost, part <= value),
        (Relation::Equal, part == value),
        (Relation::AtLeast, part >= value),
        (Relation::Above, part > value),
        (Relation::Contains, memchr::memmem::find(part, value).is_some()),
    ];
    all.into_iter().any(|(one, holds)| relation_number(one) == relation && holds)
}

fn targets(context: &Context<'_>) -> rusqlite::Result<String> {
    let [keys, before, end, behind] = [bytes(context, 0)?, bytes(context, 1)?, bytes(context, 2)?, bytes(context, 3)?];
    let between = |key: &[u8]| {
        let id = key.strip_prefix(before)?.strip_suffix(behind)?;
        std::str::from_utf8(id).ok().map(str::to_owned)
    };
    let inside = packed_keys(keys).skip_while(|key| *key < before).take_while(|key| *key < end);
    let ids: Vec<String> = inside.filter_map(between).collect();
    serde_json::to_string(&ids).map_err(|error| Error::UserFunctionError(Box::new(error)))
}

fn bytes<'c>(context: &'c Context<'_>, place: usize) -> rusqlite::Result<&'c [u8]> {
    match context.get_raw(place) {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(bytes),
        other => Err(Error::InvalidFunctionParameterType(place, other.data_type())),
    }
}
