//! Referrals, their timelines and timers, and work for people.

use std::collections::{HashMap, HashSet};

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};
use uuid::Uuid;

use super::connection::{number, text};
use super::fault::{Answered, Fault};
use super::{messages, resources, sql};
use crate::base::Timestamp;
use crate::base::ids::{MessageId, ReferralId};
use crate::record::{Conclusion, Referral, ReferralWrite, ResourceKey, Timer, TimerChange, WorkItem};
use crate::store::{Lease, Load, Loaded, TimelineEntry, encoding};

/// Writes the next versions, their events and timers. `false`: a referral has moved on since it was read.
pub async fn write(connection: &mut PgConnection, batch: &[&Conclusion]) -> Answered<bool> {
    let mut writes: Vec<(&ReferralWrite, Timestamp)> =
        batch.iter().flat_map(|one| one.referrals.iter().map(|write| (write, one.concluded_at))).collect();
    // One order for everybody, so that two replicas do not wait for each other; versions of one keep theirs.
    writes.sort_by_key(|(write, _)| write.referral.id);
    let (mut events, mut current) = (Events::default(), true);
    for (write, at) in writes {
        current = current && write_one(connection, write, at, &mut events).await?;
    }
    if current {
        events.insert(connection).await?;
    }
    Ok(current)
}

/// The versions of referrals, which are locked, in one order for everybody.
pub async fn versions(connection: &mut PgConnection, ids: Vec<ReferralId>) -> Answered<HashMap<ReferralId, u32>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<&[u8]> = ids.iter().map(|id| &id.0.as_bytes()[..]).collect();
    let rows = sqlx::query(sql::REFERRAL_VERSIONS).bind(ids).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((referral_id(row.try_get(0)?, "referral")?, number(row.try_get(1)?)))).collect()
}

async fn write_one<'a>(
    connection: &mut PgConnection,
    write: &'a ReferralWrite,
    at: Timestamp,
    events: &mut Events<'a>,
) -> Answered<bool> {
    let referral = &write.referral;
    let id = &referral.id.0.as_bytes()[..];
    let row = sqlx::query(sql::REFERRAL_VERSION).bind(id).fetch_optional(&mut *connection).await?;
    let stored: i64 = row.map_or(Ok(0), |row| row.try_get(0))?;
    if stored != i64::from(referral.version) {
        return Ok(false);
    }
    let statement = if stored == 0 { sql::INSERT_REFERRAL } else { sql::UPDATE_REFERRAL };
    let written = sqlx::query(statement)
        .bind(id)
        .bind(stored + 1)
        .bind(text(&referral.patient.kind))
        .bind(text(&referral.patient.id))
        .bind(&*referral.stage)
        .bind(referral.open)
        .bind(at.as_micros())
        .bind(&*referral.state)
        .execute(&mut *connection)
        .await?;
    for (ordinal, (event, note)) in (0_i64..).zip(&write.events) {
        events.0.push((id, stored + 1, ordinal, at.as_micros(), text(event), text(note)));
    }
    for change in &write.timers {
        change_timer(connection, referral.id, change).await?;
    }
    Ok(written.rows_affected() == 1)
}

async fn change_timer(connection: &mut PgConnection, referral: ReferralId, change: &TimerChange) -> Answered<()> {
    let id = &referral.0.as_bytes()[..];
    let query = match change {
        TimerChange::Start { kind, due_at } => {
            let partition = encoding::referral_partition(referral).cast_signed();
            sqlx::query(sql::START_TIMER).bind(id).bind(&**kind).bind(partition).bind(due_at.as_micros())
        }
        TimerChange::Stop { kind } => sqlx::query(sql::STOP_TIMER).bind(id).bind(&**kind),
    };
    query.execute(connection).await?;
    Ok(())
}

/// A row of `referral_event`: referral, version, ordinal, instant, event, note.
type Event<'a> = (&'a [u8], i64, i64, i64, String, String);

/// The rows of a batch.
#[derive(Default)]
struct Events<'a>(Vec<Event<'a>>);

impl Events<'_> {
    async fn insert(&self, connection: &mut PgConnection) -> Answered<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        sqlx::query(sql::INSERT_EVENTS)
            .bind(self.0.iter().map(|row| row.0).collect::<Vec<_>>())
            .bind(self.0.iter().map(|row| row.1).collect::<Vec<_>>())
            .bind(self.0.iter().map(|row| row.2).collect::<Vec<_>>())
            .bind(self.0.iter().map(|row| row.3).collect::<Vec<_>>())
            .bind(self.0.iter().map(|row| &*row.4).collect::<Vec<_>>())
            .bind(self.0.iter().map(|row| &*row.5).collect::<Vec<_>>())
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Takes away the timer that ran out. `false`: it was stopped, started anew or concluded by somebody else.
pub async fn fire(connection: &mut PgConnection, timer: &Timer) -> Answered<bool> {
    let query = sqlx::query(sql::FIRE_TIMER).bind(&timer.referral.0.as_bytes()[..]).bind(&*timer.kind);
    Ok(query.bind(timer.due_at.as_micros()).execute(connection).await?.rows_affected() == 1)
}

pub async fn due_timers(pool: &PgPool, lease: &Lease, now: Timestamp, limit: usize) -> Answered<Vec<Timer>> {
    let query = sqlx::query(sql::DUE_TIMERS).bind(now.as_micros()).bind(messages::partitions(lease));
    let rows = query.bind(i64::try_from(limit).unwrap_or(i64::MAX)).fetch_all(pool).await?;
    let read = |row: &PgRow| {
        let due_at = Timestamp::from_micros(row.try_get(2)?);
        Ok(Timer { referral: referral_id(row.try_get(0)?, "timer")?, kind: messages::short(row, 1)?, due_at })
    };
    rows.iter().map(read).collect()
}

/// Adds the referrals that are wanted by id, and the open ones of wanted patients.
pub async fn load(pool: &PgPool, wanted: &Load, loaded: &mut Loaded) -> Answered<()> {
    let mut rows = Vec::new();
    if !wanted.referrals.is_empty() {
        let ids: Vec<&[u8]> = wanted.referrals.iter().map(|id| &id.0.as_bytes()[..]).collect();
        rows.extend(sqlx::query(sql::GET_REFERRALS).bind(ids).fetch_all(pool).await?);
    }
    if !wanted.open_referrals_of.is_empty() {
        let patients = resources::families(pool, &wanted.open_referrals_of).await?;
        let (kinds, ids): (Vec<_>, Vec<_>) = patients.iter().map(|key| (&*key.kind, &*key.id)).unzip();
        rows.extend(sqlx::query(sql::OPEN_REFERRALS).bind(kinds).bind(ids).fetch_all(pool).await?);
    }
    let mut seen = HashSet::new();
    for referral in rows.iter().map(read) {
        let referral = referral?;
        if seen.insert(referral.id) {
            loaded.referrals.push(referral);
        }
    }
    Ok(())
}

pub async fn list(pool: &PgPool, limit: u32) -> Answered<Vec<Referral>> {
    let rows = sqlx::query(sql::LIST_REFERRALS).bind(i64::from(limit)).fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

fn read(row: &PgRow) -> Answered<Referral> {
    Ok(Referral {
        id: referral_id(row.try_get(0)?, "referral")?,
        version: number(row.try_get(1)?),
        patient: ResourceKey { kind: messages::short(row, 2)?, id: messages::short(row, 3)? },
        stage: messages::short(row, 4)?,
        open: row.try_get(5)?,
        state: row.try_get::<Vec<u8>, _>(6)?.into(),
    })
}

fn referral_id(bytes: &[u8], table: &'static str) -> Answered<ReferralId> {
    Uuid::from_slice(bytes).map(ReferralId).map_err(|_| Fault::corrupt(table, "referral", &"unknown"))
}

pub async fn timeline(pool: &PgPool, referral: ReferralId) -> Answered<Vec<TimelineEntry>> {
    let rows = sqlx::query(sql::TIMELINE).bind(&referral.0.as_bytes()[..]).fetch_all(pool).await?;
    let read = |row: &PgRow| {
        let at = Timestamp::from_micros(row.try_get(0)?);
        Ok(TimelineEntry { at, event: row.try_get(1)?, note: row.try_get(2)? })
    };
    rows.iter().map(read).collect()
}

pub async fn add_work_items(
    connection: &mut PgConnection,
    items: Vec<(&WorkItem, Option<MessageId>, Timestamp)>,
) -> Answered<()> {
    if items.is_empty() {
        return Ok(());
    }
    let referrals = items.iter().map(|(item, ..)| item.referral.as_ref().map(|id| &id.0.as_bytes()[..]));
    sqlx::query(sql::INSERT_WORK_ITEMS)
        .bind(items.iter().map(|(item, ..)| item.kind.as_str()).collect::<Vec<_>>())
        .bind(referrals.collect::<Vec<_>>())
        .bind(items.iter().map(|(_, message, _)| message.map(|id| id.0)).collect::<Vec<_>>())
        .bind(items.iter().map(|(.., at)| at.as_micros()).collect::<Vec<_>>())
        .bind(items.iter().map(|(item, ..)| text(&item.text)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn work_items(pool: &PgPool, limit: u32) -> Answered<Vec<WorkItem>> {
    let rows = sqlx::query(sql::LIST_WORK_ITEMS).bind(i64::from(limit)).fetch_all(pool).await?;
    let read = |row: &PgRow| {
        let kind = encoding::work_item_kind(row.try_get(0)?);
        let kind = kind.ok_or_else(|| Fault::corrupt("work_item", "kind", &"unknown"))?;
        let referral: Option<&[u8]> = row.try_get(1)?;
        let referral = referral.map(|bytes| referral_id(bytes, "work_item")).transpose()?;
        Ok(WorkItem { kind, referral, text: messages::short(row, 2)? })
    };
    rows.iter().map(read).collect()
}
