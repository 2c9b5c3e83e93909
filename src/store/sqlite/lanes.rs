//! The queues of the lanes: enter at the end, leave and let the next one up, park, and what people do with a lane.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::fault::Answered;
use super::writer::Verdict;
use super::{messages, sql};
use crate::base::Timestamp;
use crate::base::ids::MessageId;
use crate::record::{Lane, Lanes, MessageOutcome};
use crate::store::{LaneActed, LaneAction, LaneStatus, encoding};

/// A message that is not concluded.
pub struct Pending {
    pub turn: i64,
    pub parked: bool,
    pub lanes: Vec<Lane>,
}

pub fn pending(connection: &Connection, message: MessageId) -> Answered<Option<Pending>> {
    let mut statement = connection.prepare_cached(sql::GET_PENDING)?;
    let row = statement.query_row([message.0], |row| {
        let lanes = encoding::lanes_from_bytes(row.get_ref(2)?.as_blob()?);
        Ok(Pending { turn: row.get(0)?, parked: row.get(1)?, lanes })
    });
    Ok(row.optional()?)
}

/// Queues a message at the end of each of its lanes.
pub fn enter(connection: &Connection, message: MessageId, turn: i64, lanes: &Lanes) -> Answered<()> {
    let mut blocked = 0;
    for lane in lanes.as_slice() {
        blocked += i64::from(head(connection, *lane)?.is_some());
        connection.prepare_cached(sql::INSERT_LANE_ENTRY)?.execute(params![lane.0, turn, message.0])?;
    }
    let row = params![message.0, turn, blocked, encoding::lanes_to_bytes(lanes)];
    connection.prepare_cached(sql::INSERT_PENDING)?.execute(row)?;
    Ok(())
}

/// Takes a message that is at the head of its lanes out of them, and counts the next of each one up.
pub fn leave(connection: &Connection, message: MessageId, pending: &Pending) -> Answered<()> {
    connection.prepare_cached(sql::DELETE_PENDING)?.execute([message.0])?;
    for lane in &pending.lanes {
        connection.prepare_cached(sql::DELETE_LANE_ENTRY)?.execute([lane.0, pending.turn])?;
        if let Some(next) = head(connection, *lane)? {
            connection.prepare_cached(sql::UNBLOCK)?.execute([next.0])?;
        }
    }
    Ok(())
}

pub fn set_parked(connection: &Connection, message: MessageId, parked: bool) -> Answered<()> {
    connection.prepare_cached(sql::SET_PARKED)?.execute(params![message.0, parked])?;
    Ok(())
}

fn head(connection: &Connection, lane: Lane) -> Answered<Option<MessageId>> {
    let mut statement = connection.prepare_cached(sql::LANE_HEAD)?;
    Ok(statement.query_row([lane.0], |row| row.get(0).map(MessageId)).optional()?)
}

/// Retries, releases or diverts the head of a parked lane.
pub fn act(
    connection: &Connection,
    lane: Lane,
    action: LaneAction,
    agent: &str,
    now: Timestamp,
) -> Answered<Verdict<LaneActed>> {
    let Some(message) = head(connection, lane)? else { return Ok(Verdict::Undo(LaneActed::NoSuchLane)) };
    let Some(parked) = pending(connection, message)?.filter(|pending| pending.parked) else {
        return Ok(Verdict::Undo(LaneActed::NotParked));
    };
    let (outcome, concluded_at) = match action {
        LaneAction::Retry => (MessageOutcome::Pending, None),
        LaneAction::Release => (MessageOutcome::Released, Some(now)),
        LaneAction::Divert => (MessageOutcome::Diverted, Some(now)),
    };
    match action {
        LaneAction::Retry => set_parked(connection, message, false)?,
        LaneAction::Release | LaneAction::Divert => leave(connection, message, &parked)?,
    }
    messages::replace_outcome(connection, message, outcome, concluded_at)?;
    let row = params![now.as_micros(), encoding::audit_action(action), agent, message.0];
    connection.prepare_cached(sql::INSERT_AUDIT)?.execute(row)?;
    Ok(Verdict::Keep(LaneActed::Done(message)))
}

pub fn list(connection: &Connection, parked_only: bool, limit: u32) -> Answered<Vec<LaneStatus>> {
    if parked_only { list_parked(connection, limit) } else { list_all(connection, limit) }
}

/// A parked message is the head of each of its lanes.
fn list_parked(connection: &Connection, limit: u32) -> Answered<Vec<LaneStatus>> {
    let mut statement = connection.prepare_cached(sql::LANES_PARKED)?;
    let mut rows = statement.query([limit])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        for lane in encoding::lanes_from_bytes(row.get_ref(0)?.as_blob().unwrap_or_default()) {
            let depth = connection.prepare_cached(sql::LANE_DEPTH)?.query_row([lane.0], |row| row.get(0))?;
            list.push(status(row, lane, true, depth)?);
        }
    }
    list.truncate(limit as usize);
    Ok(list)
}

fn list_all(connection: &Connection, limit: u32) -> Answered<Vec<LaneStatus>> {
    let mut statement = connection.prepare_cached(sql::LANES_ALL)?;
    let rows = statement.query_map([limit], |row| status(row, Lane(row.get(0)?), row.get(5)?, row.get(4)?))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn status(row: &Row<'_>, lane: Lane, parked: bool, depth: i64) -> rusqlite::Result<LaneStatus> {
    let issues: Option<String> = row.get(2)?;
    let reason = issues.filter(|_| parked).map(|issues| encoding::issue_texts(&issues)).unwrap_or_default();
    let since = Timestamp::from_micros(row.get(3)?);
    Ok(LaneStatus { lane, head: MessageId(row.get(1)?), parked, reason, depth: depth.cast_unsigned(), since })
}
