//! Messages and what became of them, read and written.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};
use smol_str::SmolStr;

use super::fault::{Answered, Fault};
use super::writer::Verdict;
use super::{lanes, sql, trail};
use crate::base::Timestamp;
use crate::base::ids::{FeedName, MessageId};
use crate::record::{Lanes, MessageOutcome, StoredMessage};
use crate::store::MessageQuery;

pub fn claim(connection: &Connection, except: &HashSet<MessageId>, limit: usize) -> Answered<Vec<StoredMessage>> {
    let mut statement = connection.prepare_cached(sql::CLAIM_MESSAGES)?;
    let mut rows = statement.query([])?;
    let mut claimed = Vec::new();
    while claimed.len() < limit
        && let Some(row) = rows.next()?
    {
        if !except.contains(&MessageId(row.get(0)?)) {
            claimed.push(read(row)?);
        }
    }
    Ok(claimed)
}

pub fn get(connection: &Connection, id: MessageId) -> Answered<Option<StoredMessage>> {
    let mut statement = connection.prepare_cached(sql::GET_MESSAGE)?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(read).transpose()
}

pub fn list(connection: &Connection, query: &MessageQuery) -> Answered<Vec<StoredMessage>> {
    let before = query.before.map_or(i64::MAX, |id| id.0);
    let feed = query.feed.as_ref().map(FeedName::as_str);
    let outcome = query.outcome.map(MessageOutcome::as_str);
    let text = match (&query.control_id, query.outcome) {
        (Some(_), _) => sql::LIST_MESSAGES_BY_CONTROL_ID,
        (None, None | Some(MessageOutcome::Processed)) => sql::LIST_MESSAGES,
        (None, Some(MessageOutcome::Pending)) => sql::LIST_MESSAGES_PENDING,
        (None, Some(_)) => sql::LIST_MESSAGES_BY_OUTCOME,
    };
    let mut statement = connection.prepare_cached(text)?;
    for (at, value) in [(2, feed), (3, outcome), (5, query.control_id.as_deref())] {
        if at <= statement.parameter_count() {
            statement.raw_bind_parameter(at, value)?;
        }
    }
    statement.raw_bind_parameter(1, before)?;
    statement.raw_bind_parameter(4, query.limit)?;
    let mut rows = statement.raw_query();
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(read(row)?);
    }
    Ok(list)
}

/// Reads the columns of `select_message!`.
fn read(row: &Row<'_>) -> Answered<StoredMessage> {
    let id = MessageId(row.get(0)?);
    let outcome = MessageOutcome::from_name(&text(row, 9)?);
    Ok(StoredMessage {
        id,
        feed: FeedName(text(row, 1)?),
        sender: text(row, 2)?,
        control_id: text(row, 3)?,
        message_type: text(row, 4)?,
        bytes: row.get::<_, Vec<u8>>(5)?.into(),
        charset_declared: text(row, 6)?,
        charset_detected: text(row, 7)?,
        received_at: Timestamp::from_micros(row.get(8)?),
        outcome: outcome.ok_or_else(|| Fault::corrupt("message_outcome", "outcome", &id))?,
        concluded_at: row.get::<_, Option<i64>>(10)?.map(Timestamp::from_micros),
        issues: optional_text(row, 11)?.unwrap_or_else(|| "[]".into()),
        release: optional_text(row, 12)?.unwrap_or_default(),
        control_id_reused: row.get(13)?,
        tries: row.get::<_, Option<u32>>(14)?.unwrap_or(0),
    })
}

/// A text column without an allocation when it is short.
pub fn text(row: &Row<'_>, column: usize) -> Answered<SmolStr> {
    Ok(optional_text(row, column)?.unwrap_or_default())
}

fn optional_text(row: &Row<'_>, column: usize) -> Answered<Option<SmolStr>> {
    let value = row.get_ref(column)?.as_str_or_null();
    Ok(value.map_err(rusqlite::Error::from)?.map(SmolStr::new))
}

/// What became of a message, as it is now, and whether it is a request.
pub fn outcome_of(connection: &Connection, id: MessageId) -> Answered<Option<(MessageOutcome, bool)>> {
    let mut statement = connection.prepare_cached(sql::OUTCOME_OF)?;
    let mut rows = statement.query([id.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let outcome = MessageOutcome::from_name(&text(row, 0)?);
    Ok(Some((outcome.ok_or_else(|| Fault::corrupt("message_outcome", "outcome", &id))?, row.get(1)?)))
}

pub fn put_outcome(
    connection: &Connection,
    id: MessageId,
    outcome: MessageOutcome,
    at: Timestamp,
    release: &str,
    issues: &str,
) -> Answered<()> {
    let row = params![id.0, outcome.as_str(), at.as_micros(), release, issues];
    connection.prepare_cached(sql::UPSERT_OUTCOME)?.execute(row)?;
    Ok(())
}

/// Another outcome for a message that has one; issues and release stay, and its tries count anew.
pub fn replace_outcome(
    connection: &Connection,
    id: MessageId,
    outcome: MessageOutcome,
    concluded_at: Option<Timestamp>,
) -> Answered<()> {
    let row = params![id.0, outcome.as_str(), concluded_at.map(Timestamp::as_micros)];
    connection.prepare_cached(sql::REPLACE_OUTCOME)?.execute(row)?;
    Ok(())
}

pub fn note_unheard(connection: &Connection, id: MessageId) -> Answered<()> {
    connection.prepare_cached(sql::NOTE_UNHEARD)?.execute([id.0])?;
    Ok(())
}

pub fn count_try(connection: &Connection, id: MessageId) -> Answered<u32> {
    Ok(connection.prepare_cached(sql::COUNT_TRY)?.query_row([id.0], |row| row.get(0))?)
}

/// Puts a concluded message back to work, at the end of `lanes`, but no request; `last` is the highest number given so far.
pub fn requeue(connection: &Connection, last: &mut i64, id: MessageId, lanes: &Lanes) -> Answered<Verdict<bool>> {
    if lanes::pending(connection, id)?.is_some() {
        return Ok(Verdict::Undo(false));
    }
    let concluded = outcome_of(connection, id)?.is_some_and(|(outcome, is_request)| {
        !is_request && !matches!(outcome, MessageOutcome::Refused | MessageOutcome::Pending)
    });
    if !concluded {
        return Ok(Verdict::Undo(false));
    }
    *last += 1;
    lanes::enter(connection, id, *last, lanes)?;
    replace_outcome(connection, id, MessageOutcome::Pending, None)?;
    trail::forget(connection, id)?;
    Ok(Verdict::Keep(true))
}
