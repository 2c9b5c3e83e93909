//! What the doors ask the store to keep for them: exports, tokens that were used, secrets.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Answered;
use super::{messages, sql};
use crate::base::{Digest, Timestamp};
use crate::record::{ExportJob, VersionNumber};

pub fn keep_export(connection: &Connection, job: &ExportJob) -> Answered<()> {
    let row = params![&*job.id, &*job.client, job.asked_at.as_micros(), job.as_of.0, job.plan];
    connection.prepare_cached(sql::PUT_EXPORT)?.execute(row)?;
    Ok(())
}

pub fn export(connection: &Connection, id: &str) -> Answered<Option<ExportJob>> {
    let mut statement = connection.prepare_cached(sql::GET_EXPORT)?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(ExportJob {
        id: messages::text(row, 0)?,
        client: messages::text(row, 1)?,
        asked_at: Timestamp::from_micros(row.get(2)?),
        as_of: VersionNumber(row.get(3)?),
        plan: row.get(4)?,
    }))
}

pub fn drop_export(connection: &Connection, id: &str) -> Answered<bool> {
    Ok(connection.prepare_cached(sql::DROP_EXPORT)?.execute([id])? == 1)
}

/// Remembers the token, and forgets those that have expired.
pub fn use_once(connection: &Connection, token: Digest, now: Timestamp, expires_at: Timestamp) -> Answered<bool> {
    connection.prepare_cached(sql::FORGET_TOKENS)?.execute([now.as_micros()])?;
    let row = params![token.0, expires_at.as_micros()];
    Ok(connection.prepare_cached(sql::USE_TOKEN)?.execute(row)? == 1)
}

pub fn secret(connection: &Connection, name: &str, fresh: &[u8]) -> Answered<Vec<u8>> {
    connection.prepare_cached(sql::PUT_SECRET)?.execute(params![name, fresh])?;
    let kept = connection.prepare_cached(sql::GET_SECRET)?.query_row([name], |row| row.get(0)).optional()?;
    Ok(kept.unwrap_or_else(|| fresh.to_vec()))
}
