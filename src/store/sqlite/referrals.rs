//! Referrals, their timelines and timers, and work for people.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use super::fault::{Answered, Fault};
use super::{messages, resources, sql};
use crate::base::Timestamp;
use crate::base::ids::{MessageId, ReferralId};
use crate::record::{Referral, ReferralWrite, ResourceKey, Timer, TimerChange, WorkItem};
use crate::store::{Load, Loaded, TimelineEntry, encoding};

/// Writes a referral's next version, its events and timers. `false`: it has moved on since it was read.
pub fn write(connection: &Connection, write: &ReferralWrite, at: Timestamp) -> Answered<bool> {
    let referral = &write.referral;
    let id = &referral.id.0.as_bytes()[..];
    let mut statement = connection.prepare_cached(sql::REFERRAL_VERSION)?;
    let stored: Option<u32> = statement.query_row([id], |row| row.get(0)).optional()?;
    if stored.unwrap_or(0) != referral.version {
        return Ok(false);
    }
    let version = referral.version + 1;
    connection.prepare_cached(sql::PUT_REFERRAL)?.execute(params![
        id,
        version,
        &*referral.patient.kind,
        &*referral.patient.id,
        &*referral.stage,
        referral.open,
        at.as_micros(),
        &*referral.state,
    ])?;
    let mut insert = connection.prepare_cached(sql::INSERT_EVENT)?;
    for (ordinal, (event, note)) in (0_i64..).zip(&write.events) {
        insert.execute(params![id, version, ordinal, at.as_micros(), &**event, &**note])?;
    }
    for change in &write.timers {
        change_timer(connection, referral.id, change)?;
    }
    Ok(true)
}

fn change_timer(connection: &Connection, referral: ReferralId, change: &TimerChange) -> Answered<()> {
    let id = &referral.0.as_bytes()[..];
    match change {
        TimerChange::Start { kind, due_at } => {
            connection.prepare_cached(sql::START_TIMER)?.execute(params![id, &**kind, due_at.as_micros()])?
        }
        TimerChange::Stop { kind } => connection.prepare_cached(sql::STOP_TIMER)?.execute(params![id, &**kind])?,
    };
    Ok(())
}

/// Takes away the timer that ran out. `false`: it was stopped, started anew or concluded by somebody else.
pub fn fire(connection: &Connection, timer: &Timer) -> Answered<bool> {
    let row = params![&timer.referral.0.as_bytes()[..], &*timer.kind, timer.due_at.as_micros()];
    Ok(connection.prepare_cached(sql::FIRE_TIMER)?.execute(row)? == 1)
}

pub fn due_timers(connection: &Connection, now: Timestamp, limit: usize) -> Answered<Vec<Timer>> {
    let mut statement = connection.prepare_cached(sql::DUE_TIMERS)?;
    let mut rows = statement.query(params![now.as_micros(), i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut timers = Vec::new();
    while let Some(row) = rows.next()? {
        let due_at = Timestamp::from_micros(row.get(2)?);
        timers.push(Timer { referral: referral_id(row, 0, "timer")?, kind: messages::text(row, 1)?, due_at });
    }
    Ok(timers)
}

/// Adds the referrals that are wanted by id, and the open ones of wanted patients.
pub fn load(connection: &Connection, wanted: &Load, loaded: &mut Loaded) -> Answered<()> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for id in &wanted.referrals {
        collect(connection, sql::GET_REFERRAL, [&id.0.as_bytes()[..]], &mut found)?;
    }
    for patient in &wanted.open_referrals_of {
        for ResourceKey { kind, id } in resources::family(connection, patient)? {
            collect(connection, sql::OPEN_REFERRALS, [&*kind, &*id], &mut found)?;
        }
    }
    loaded.referrals.extend(found.into_iter().filter(|referral| seen.insert(referral.id)));
    Ok(())
}

pub fn list(connection: &Connection, limit: u32) -> Answered<Vec<Referral>> {
    let mut found = Vec::new();
    collect(connection, sql::LIST_REFERRALS, [limit], &mut found)?;
    Ok(found)
}

fn collect(
    connection: &Connection,
    text: &str,
    parameters: impl rusqlite::Params,
    found: &mut Vec<Referral>,
) -> Answered<()> {
    let mut statement = connection.prepare_cached(text)?;
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        found.push(Referral {
            id: referral_id(row, 0, "referral")?,
            version: row.get(1)?,
            patient: ResourceKey { kind: messages::text(row, 2)?, id: messages::text(row, 3)? },
            stage: messages::text(row, 4)?,
            open: row.get(5)?,
            state: row.get::<_, Vec<u8>>(6)?.into(),
        });
    }
    Ok(())
}

fn referral_id(row: &Row<'_>, column: usize, table: &'static str) -> Answered<ReferralId> {
    let bytes = row.get_ref(column)?.as_blob().ok().and_then(|bytes| Uuid::from_slice(bytes).ok());
    bytes.map(ReferralId).ok_or_else(|| Fault::corrupt(table, "referral", &"unknown"))
}

pub fn timeline(connection: &Connection, referral: ReferralId) -> Answered<Vec<TimelineEntry>> {
    let mut statement = connection.prepare_cached(sql::TIMELINE)?;
    let rows = statement.query_map([&referral.0.as_bytes()[..]], |row| {
        Ok(TimelineEntry { at: Timestamp::from_micros(row.get(0)?), event: row.get(1)?, note: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn add_work_item(
    connection: &Connection,
    item: &WorkItem,
    message: Option<MessageId>,
    at: Timestamp,
) -> Answered<()> {
    connection.prepare_cached(sql::INSERT_WORK_ITEM)?.execute(params![
        item.kind.as_str(),
        item.referral.map(|referral| *referral.0.as_bytes()),
        message.map(|id| id.0),
        at.as_micros(),
        &*item.text,
    ])?;
    Ok(())
}

pub fn work_items(connection: &Connection, limit: u32) -> Answered<Vec<WorkItem>> {
    let mut statement = connection.prepare_cached(sql::LIST_WORK_ITEMS)?;
    let mut rows = statement.query([limit])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        let kind = messages::text(row, 0)?;
        let kind = encoding::work_item_kind(&kind).ok_or_else(|| Fault::corrupt("work_item", "kind", &"unknown"))?;
        let bears = row.get_ref(1)? != rusqlite::types::ValueRef::Null;
        let referral = bears.then(|| referral_id(row, 1, "work_item")).transpose()?;
        items.push(WorkItem { kind, referral, text: messages::text(row, 2)? });
    }
    Ok(items)
}
