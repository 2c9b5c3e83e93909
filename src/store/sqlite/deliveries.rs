//! The delivery queue: one ready delivery per endpoint and subject, its attempts, and what follows them.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::fault::{Answered, Fault};
use super::writer::Verdict;
use super::{messages, referrals, sql};
use crate::base::Timestamp;
use crate::base::ids::{DeliveryId, EndpointName};
use crate::record::delivery::AfterFailure;
use crate::record::{Attempt, Delivery, DeliveryState, NewDelivery, Payload};
use crate::store::{AttemptStart, DeliveryQuery, encoding};

/// Queues a delivery. One that is there already (the cause was run again) stays as it is.
pub fn insert(connection: &Connection, new: &NewDelivery, at: Timestamp) -> Answered<()> {
    let inserted = connection.prepare_cached(sql::INSERT_DELIVERY)?.execute(params![
        &new.id.0.as_bytes()[..],
        &*new.endpoint.0,
        &*new.subject,
        new.sequence,
        &*new.event,
        &*new.payload.content_type,
        at.as_micros(),
        new.due_at.as_micros(),
        &*new.payload.bytes,
    ])?;
    if inserted == 1 { settle(connection, &new.endpoint.0, &new.subject) } else { Ok(()) }
}

/// Makes the first unfinished delivery of a subject, and only that, ready.
fn settle(connection: &Connection, endpoint: &str, subject: &str) -> Answered<()> {
    let mut statement = connection.prepare_cached(sql::FIRST_OF_SUBJECT)?;
    let first = statement.query_row([endpoint, subject], |row| Ok((row.get(0)?, row.get(1)?)));
    let first: Option<(i64, bool)> = first.optional()?;
    if let Some((number, false)) = first {
        connection.prepare_cached(sql::CLEAR_READY)?.execute([endpoint, subject])?;
        connection.prepare_cached(sql::SET_READY)?.execute([number])?;
    }
    Ok(())
}

pub fn claim(
    connection: &Connection,
    now: Timestamp,
    except: &HashSet<DeliveryId>,
    paused: &HashSet<EndpointName>,
    limit: usize,
) -> Answered<Vec<Delivery>> {
    let mut statement = connection.prepare_cached(sql::CLAIM_DELIVERIES)?;
    let mut rows = statement.query([now.as_micros()])?;
    let mut claimed = Vec::new();
    while claimed.len() < limit
        && let Some(row) = rows.next()?
    {
        let wanted =
            !except.contains(&DeliveryId(uuid_at_0(row)?)) && !paused.contains(&EndpointName(messages::text(row, 1)?));
        if wanted {
            claimed.push(read(row)?);
        }
    }
    Ok(claimed)
}

/// A delivery as attempts need it.
struct Standing {
    number: i64,
    endpoint: String,
    subject: String,
    pending: bool,
    attempts: u32,
    ready: bool,
}

fn standing(connection: &Connection, id: DeliveryId) -> Answered<Option<Standing>> {
    let mut statement = connection.prepare_cached(sql::GET_DELIVERY)?;
    let row = statement.query_row([&id.0.as_bytes()[..]], |row| {
        let pending = row.get_ref(3)?.as_str()? == DeliveryState::Pending.as_str();
        let (endpoint, subject) = (row.get(1)?, row.get(2)?);
        Ok(Standing { number: row.get(0)?, endpoint, subject, pending, attempts: row.get(4)?, ready: row.get(5)? })
    });
    Ok(row.optional()?)
}

pub fn begin(connection: &Connection, id: DeliveryId, now: Timestamp) -> Answered<Verdict<AttemptStart>> {
    let Some(standing) = standing(connection, id)?.filter(|standing| standing.pending && standing.ready) else {
        return Ok(Verdict::Undo(AttemptStart::AlreadyDone));
    };
    let number = standing.attempts + 1;
    connection.prepare_cached(sql::COUNT_ATTEMPT)?.execute([standing.number])?;
    connection.prepare_cached(sql::BEGIN_ATTEMPT)?.execute(params![standing.number, number, now.as_micros()])?;
    Ok(Verdict::Keep(AttemptStart::Started { number }))
}

/// Writes what an attempt came to, once; a receipt counts even when a later attempt has begun, a failure only when
/// none has.
pub fn finish(
    connection: &Connection,
    id: DeliveryId,
    number: u32,
    attempt: &Attempt,
    now: Timestamp,
) -> Answered<Verdict<()>> {
    let Some(standing) = standing(connection, id)? else { return Ok(Verdict::Undo(())) };
    let (class, code) = match attempt {
        Attempt::Succeeded { receipt } => (None, receipt),
        Attempt::Failed { class, code, .. } => (Some(class.as_str()), code),
    };
    let row = params![standing.number, number, now.as_micros(), class, &**code];
    let first_time = connection.prepare_cached(sql::FINISH_ATTEMPT)?.execute(row)? == 1;
    if !first_time || !standing.pending {
        return Ok(Verdict::Keep(()));
    }
    match attempt {
        Attempt::Succeeded { .. } => end(connection, &standing, DeliveryState::Delivered, now, "")?,
        Attempt::Failed { .. } if number != standing.attempts => {}
        Attempt::Failed { code, next: AfterFailure::RetryAt(due_at), .. } => {
            let row = params![standing.number, due_at.as_micros(), &**code];
            connection.prepare_cached(sql::POSTPONE_DELIVERY)?.execute(row)?;
        }
        Attempt::Failed { code, next: AfterFailure::GiveUp, .. } => {
            end(connection, &standing, DeliveryState::Dead, now, code)?;
            referrals::add_work_item(connection, &encoding::dead_delivery(id, code), None, now)?;
        }
    }
    Ok(Verdict::Keep(()))
}

/// Ends a delivery and lets the next of its subject up.
fn end(
    connection: &Connection,
    standing: &Standing,
    state: DeliveryState,
    now: Timestamp,
    failure: &str,
) -> Answered<()> {
    let row = params![standing.number, state.as_str(), now.as_micros(), failure];
    connection.prepare_cached(sql::END_DELIVERY)?.execute(row)?;
    settle(connection, &standing.endpoint, &standing.subject)
}

pub fn list(connection: &Connection, query: &DeliveryQuery) -> Answered<Vec<Delivery>> {
    let mut statement = connection.prepare_cached(sql::LIST_DELIVERIES)?;
    let endpoint = query.endpoint.as_ref().map(EndpointName::as_str);
    let state = query.state.map(DeliveryState::as_str);
    let mut rows = statement.query(params![endpoint, state, query.subject, query.limit])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(read(row)?);
    }
    Ok(list)
}

pub fn next_due(connection: &Connection) -> Answered<Option<Timestamp>> {
    let due: Option<i64> = connection.prepare_cached(sql::NEXT_DUE)?.query_row([], |row| row.get(0))?;
    Ok(due.map(Timestamp::from_micros))
}

fn uuid_at_0(row: &Row<'_>) -> Answered<Uuid> {
    let bytes = row.get_ref(0)?.as_blob().ok().and_then(|bytes| Uuid::from_slice(bytes).ok());
    bytes.ok_or_else(|| Fault::corrupt("delivery", "id", &"unknown"))
}

/// Reads the columns of `select_delivery!`.
fn read(row: &Row<'_>) -> Answered<Delivery> {
    let id = DeliveryId(uuid_at_0(row)?);
    let state = DeliveryState::from_name(&messages::text(row, 7)?);
    Ok(Delivery {
        id,
        endpoint: EndpointName(messages::text(row, 1)?),
        subject: messages::text(row, 2)?,
        sequence: row.get(3)?,
        event: messages::text(row, 4)?,
        payload: Payload { content_type: messages::text(row, 5)?, bytes: row.get::<_, Vec<u8>>(6)?.into() },
        state: state.ok_or_else(|| Fault::corrupt("delivery", "state", &id))?,
        created_at: Timestamp::from_micros(row.get(8)?),
        due_at: Timestamp::from_micros(row.get(9)?),
        attempts: row.get(10)?,
        last_failure: messages::text(row, 11)?,
        concluded_at: row.get::<_, Option<i64>>(12)?.map(Timestamp::from_micros),
    })
}
