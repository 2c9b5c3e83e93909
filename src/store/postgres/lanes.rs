//! The queues of the lanes: leave and let the next one up, park, and what people do with a lane.

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};

use super::connection::{self, Space};
use super::fault::Answered;
use super::{messages, sql};
use crate::base::Timestamp;
use crate::base::ids::MessageId;
use crate::record::{Lane, MessageOutcome};
use crate::store::{LaneActed, LaneAction, LaneStatus, encoding};

/// A message that is not concluded.
pub struct Pending {
    pub id: i64,
    pub turn: i64,
    pub parked: bool,
    pub lanes: Vec<Lane>,
}

/// Those of `ids` that are not concluded.
pub async fn pending(connection: &mut PgConnection, ids: &[i64]) -> Answered<Vec<Pending>> {
    let rows = sqlx::query(sql::GET_PENDING).bind(ids).fetch_all(connection).await?;
    rows.iter().map(read_pending).collect()
}

fn read_pending(row: &PgRow) -> Answered<Pending> {
    let lanes = encoding::lanes_from_bytes(row.try_get(3)?);
    Ok(Pending { id: row.try_get(0)?, turn: row.try_get(1)?, parked: row.try_get(2)?, lanes })
}

/// The locks of everything that moves when these messages leave.
pub fn locks(pending: &[Pending]) -> Vec<(Space, i32)> {
    pending.iter().flat_map(|one| &one.lanes).map(|lane| Space::lane(*lane)).collect()
}

/// Takes messages that are at the heads of their lanes, which are locked, out of them, and counts the next of each
/// lane up. `false`: one of them is not there, not at the head, or not parked as `parked` says.
pub async fn leave(connection: &mut PgConnection, leaving: &[&Pending], parked: bool) -> Answered<bool> {
    if leaving.is_empty() {
        return Ok(true);
    }
    let ids: Vec<i64> = leaving.iter().map(|one| one.id).collect();
    let expected = ids.len() as u64;
    let deleted = sqlx::query(sql::DELETE_PENDING).bind(ids).bind(parked).execute(&mut *connection).await?;
    if deleted.rows_affected() != expected {
        return Ok(false);
    }
    let places = leaving.iter().flat_map(|one| one.lanes.iter().map(|lane| (lane.0, one.turn)));
    let (lanes, turns): (Vec<i64>, Vec<i64>) = places.unzip();
    sqlx::query(sql::DELETE_LANE_ENTRIES).bind(&lanes).bind(turns).execute(&mut *connection).await?;
    sqlx::query(sql::UNBLOCK).bind(lanes).execute(connection).await?;
    Ok(true)
}

/// Parks or unparks heads of lanes. `false`: one of them is not there, or was already as wanted.
pub async fn set_parked(connection: &mut PgConnection, ids: &[i64], parked: bool) -> Answered<bool> {
    let done = sqlx::query(sql::SET_PARKED).bind(ids).bind(parked).execute(connection).await?;
    Ok(done.rows_affected() == ids.len() as u64)
}

/// Retries, releases or diverts the head of a parked lane.
pub async fn act(pool: &PgPool, lane: Lane, action: LaneAction, agent: &str, now: Timestamp) -> Answered<LaneActed> {
    let mut transaction = pool.begin().await?;
    let Some(seen) = head(&mut transaction, lane).await? else { return Ok(LaneActed::NoSuchLane) };
    connection::lock(&mut transaction, locks(std::slice::from_ref(&seen))).await?;
    // Read again: another replica may have moved the lane before the lock was ours.
    let Some(head) = head(&mut transaction, lane).await? else { return Ok(LaneActed::NoSuchLane) };
    if !head.parked || head.id != seen.id {
        return Ok(LaneActed::NotParked);
    }
    let (outcome, concluded_at) = match action {
        LaneAction::Retry => (MessageOutcome::Pending, None),
        LaneAction::Release => (MessageOutcome::Released, Some(now)),
        LaneAction::Divert => (MessageOutcome::Diverted, Some(now)),
    };
    let moved = match action {
        LaneAction::Retry => set_parked(&mut transaction, &[head.id], false).await?,
        LaneAction::Release | LaneAction::Divert => leave(&mut transaction, &[&head], true).await?,
    };
    if !moved {
        return Ok(LaneActed::NotParked);
    }
    messages::replace_outcome(&mut transaction, MessageId(head.id), outcome, concluded_at).await?;
    let audit = sqlx::query(sql::INSERT_AUDIT).bind([now.as_micros()]).bind([encoding::audit_action(action)]);
    audit.bind([agent]).bind([head.id]).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(LaneActed::Done(MessageId(head.id)))
}

async fn head(connection: &mut PgConnection, lane: Lane) -> Answered<Option<Pending>> {
    let row = sqlx::query(sql::LANE_HEAD).bind(lane.0).fetch_optional(connection).await?;
    row.as_ref().map(read_pending).transpose()
}

pub async fn list(pool: &PgPool, parked_only: bool, limit: u32) -> Answered<Vec<LaneStatus>> {
    if parked_only { list_parked(pool, limit).await } else { list_all(pool, limit).await }
}

/// A parked message is the head of each of its lanes.
async fn list_parked(pool: &PgPool, limit: u32) -> Answered<Vec<LaneStatus>> {
    let rows = sqlx::query(sql::LANES_PARKED).bind(i64::from(limit)).fetch_all(pool).await?;
    let mut list = Vec::new();
    for row in &rows {
        for lane in encoding::lanes_from_bytes(row.try_get(0)?) {
            list.push(status(row, lane, true, 0)?);
        }
    }
    list.truncate(limit as usize);
    let lanes: Vec<i64> = list.iter().map(|status| status.lane.0).collect();
    let mut depths = HashMap::new();
    for row in sqlx::query(sql::LANE_DEPTHS).bind(lanes).fetch_all(pool).await? {
        depths.insert(Lane(row.try_get(0)?), row.try_get::<i64, _>(1)?.cast_unsigned());
    }
    for status in &mut list {
        status.depth = depths.get(&status.lane).copied().unwrap_or(0);
    }
    Ok(list)
}

async fn list_all(pool: &PgPool, limit: u32) -> Answered<Vec<LaneStatus>> {
    let rows = sqlx::query(sql::LANES_ALL).bind(i64::from(limit)).fetch_all(pool).await?;
    rows.iter().map(|row| status(row, Lane(row.try_get(0)?), row.try_get(5)?, row.try_get(4)?)).collect()
}

fn status(row: &PgRow, lane: Lane, parked: bool, depth: i64) -> Answered<LaneStatus> {
    let issues: Option<&str> = row.try_get(2)?;
    let reason = issues.filter(|_| parked).map(encoding::issue_texts).unwrap_or_default();
    let since = Timestamp::from_micros(row.try_get(3)?);
    Ok(LaneStatus { lane, head: MessageId(row.try_get(1)?), parked, reason, depth: depth.cast_unsigned(), since })
}
