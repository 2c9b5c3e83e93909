//! Requests: journalled and, in the same transaction, in effect.

use rusqlite::{Connection, params};

use super::fault::Answered;
use super::writer::Verdict;
use super::{conclude, messages, search, sql, trail};
use crate::base::ids::MessageId;
use crate::record::{Committed, Conclusion, Guard, MessageOutcome, Reception, Request};
use crate::store::{Concluded, encoding};

/// Writes a request and what follows from it. Anything but `Done` undoes it.
pub fn commit(connection: &Connection, request: &Request) -> Answered<Verdict<Committed>> {
    for (place, guard) in request.guards.iter().enumerate() {
        if !holds(connection, guard)? {
            return Ok(Verdict::Undo(Committed::GuardFailed(place)));
        }
    }
    let id = journal(connection, &request.reception)?;
    note_outcome(connection, id, &request.conclusion)?;
    trail::write(connection, id, &request.conclusion)?;
    Ok(match conclude::write_effects(connection, Some(id), &request.conclusion)? {
        Concluded::Done => Verdict::Keep(Committed::Done(id)),
        Concluded::Conflict | Concluded::LeaseLost => Verdict::Undo(Committed::Conflict),
    })
}

/// Whether the guard's search still finds what it found.
fn holds(connection: &Connection, guard: &Guard) -> Answered<bool> {
    let found = search::find(connection, &guard.kind, &guard.criterion, 2)?;
    Ok(found.iter().eq(&guard.found))
}

fn journal(connection: &Connection, reception: &Reception) -> Answered<MessageId> {
    let id: i64 = connection.prepare_cached(sql::NEXT_NUMBER)?.query_row([], |row| row.get(0))?;
    connection.prepare_cached(sql::INSERT_REQUEST)?.execute(params![
        id,
        &*reception.feed.0,
        &*reception.sender,
        &*reception.control_id,
        &*reception.message_type,
        &*reception.charset_declared,
        &*reception.charset_detected,
        reception.content_digest.0,
        reception.received_at.as_micros(),
        &*reception.bytes,
    ])?;
    Ok(MessageId(id))
}

/// A request is processed without a row that says so; only what there is to say of it costs one.
fn note_outcome(connection: &Connection, id: MessageId, conclusion: &Conclusion) -> Answered<()> {
    if conclusion.issues.is_empty() && conclusion.release.is_empty() {
        return Ok(());
    }
    let issues = encoding::issues_json(&conclusion.issues);
    let (at, release) = (conclusion.concluded_at, &conclusion.release);
    messages::put_outcome(connection, id, MessageOutcome::Processed, at, release, &issues)
}
