//! The trail of mapping: traces, and codes with the messages that wait for them.

use rusqlite::{Connection, params};

use super::fault::Answered;
use super::{messages, sql};
use crate::base::ids::{FeedName, MessageId};
use crate::record::{Conclusion, StoredTrace, WaitingCode};

pub fn write(connection: &Connection, message: MessageId, conclusion: &Conclusion) -> Answered<()> {
    let trail = &conclusion.trail;
    if !trail.trace.is_empty() {
        let row = params![message.0, &*conclusion.release, &*trail.trace];
        connection.prepare_cached(sql::PUT_TRACE)?.execute(row)?;
    }
    for unmapped in &trail.unmapped {
        let row = params![message.0, &*unmapped.table, &*unmapped.code, &*unmapped.place];
        connection.prepare_cached(sql::INSERT_UNMAPPED)?.execute(row)?;
    }
    Ok(())
}

/// A message that goes back to work waits for nothing, and what its last run left no longer holds.
pub fn forget(connection: &Connection, message: MessageId) -> Answered<()> {
    connection.prepare_cached(sql::DELETE_UNMAPPED)?.execute([message.0])?;
    connection.prepare_cached(sql::DELETE_TRACE)?.execute([message.0])?;
    Ok(())
}

pub fn trace(connection: &Connection, message: MessageId) -> Answered<Option<StoredTrace>> {
    let mut statement = connection.prepare_cached(sql::GET_TRACE)?;
    let mut rows = statement.query([message.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(StoredTrace { release: messages::text(row, 0)?, trace: row.get::<_, Vec<u8>>(1)?.into() }))
}

pub fn waiting_codes(connection: &Connection, limit: u32) -> Answered<Vec<WaitingCode>> {
    let mut statement = connection.prepare_cached(sql::WAITING_CODES)?;
    let mut rows = statement.query([limit])?;
    let mut codes = Vec::new();
    while let Some(row) = rows.next()? {
        codes.push(WaitingCode {
            feed: FeedName(messages::text(row, 0)?),
            table: messages::text(row, 1)?,
            code: messages::text(row, 2)?,
            messages: row.get::<_, i64>(3)?.cast_unsigned(),
            first: MessageId(row.get(4)?),
        });
    }
    Ok(codes)
}

pub fn waiting_messages(
    connection: &Connection,
    code: &WaitingCode,
    after: MessageId,
    limit: u32,
) -> Answered<Vec<MessageId>> {
    let mut statement = connection.prepare_cached(sql::WAITING_MESSAGES)?;
    let row = params![&*code.table, &*code.code, code.feed.as_str(), limit, after.0];
    let rows = statement.query_map(row, |row| row.get(0).map(MessageId))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
