//! Messages and what became of them, read and written.

use std::collections::HashSet;

use smol_str::SmolStr;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};

use super::connection::{self, Space, number, text};
use super::fault::{Answered, Fault};
use super::{admit, sql, trail};
use crate::base::Timestamp;
use crate::base::ids::{FeedName, MessageId};
use crate::record::{Lanes, MessageOutcome, StoredMessage};
use crate::store::{Lease, MessageQuery};

pub async fn claim(
    pool: &PgPool,
    lease: &Lease,
    except: &HashSet<MessageId>,
    limit: usize,
) -> Answered<Vec<StoredMessage>> {
    let rows = sqlx::query(sql::CLAIM_MESSAGES)
        .bind(partitions(lease))
        .bind(except.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

/// The partitions of a lease, as statements take them.
pub fn partitions(lease: &Lease) -> Vec<i16> {
    lease.partitions.iter().map(|partition| partition.cast_signed()).collect()
}

pub async fn get(pool: &PgPool, id: MessageId) -> Answered<Option<StoredMessage>> {
    sqlx::query(sql::GET_MESSAGE).bind(id.0).fetch_optional(pool).await?.as_ref().map(read).transpose()
}

pub async fn list(pool: &PgPool, query: &MessageQuery) -> Answered<Vec<StoredMessage>> {
    let statement = match (&query.control_id, query.outcome) {
        (Some(_), _) => sql::LIST_MESSAGES_BY_CONTROL_ID,
        (None, None | Some(MessageOutcome::Processed)) => sql::LIST_MESSAGES,
        (None, Some(MessageOutcome::Pending)) => sql::LIST_MESSAGES_PENDING,
        (None, Some(_)) => sql::LIST_MESSAGES_BY_OUTCOME,
    };
    let mut bound = sqlx::query(statement)
        .bind(query.before.map_or(i64::MAX, |id| id.0))
        .bind(query.feed.as_ref().map(FeedName::as_str))
        .bind(query.outcome.map(MessageOutcome::as_str))
        .bind(i64::from(query.limit));
    if let Some(control_id) = &query.control_id {
        bound = bound.bind(text(control_id));
    }
    bound.fetch_all(pool).await?.iter().map(read).collect()
}

/// An outcome by its stored name; none is pending.
pub fn outcome(name: Option<&str>, id: MessageId) -> Answered<MessageOutcome> {
    name.map_or(Ok(MessageOutcome::Pending), |name| {
        MessageOutcome::from_name(name).ok_or_else(|| Fault::corrupt("message_outcome", "outcome", &id))
    })
}

/// Reads the columns of `select_message!`.
fn read(row: &PgRow) -> Answered<StoredMessage> {
    let id = MessageId(row.try_get(0)?);
    Ok(StoredMessage {
        id,
        feed: FeedName(short(row, 1)?),
        sender: short(row, 2)?,
        control_id: short(row, 3)?,
        message_type: short(row, 4)?,
        bytes: row.try_get::<Vec<u8>, _>(5)?.into(),
        charset_declared: short(row, 6)?,
        charset_detected: short(row, 7)?,
        received_at: Timestamp::from_micros(row.try_get(8)?),
        outcome: outcome(row.try_get(9)?, id)?,
        concluded_at: row.try_get::<Option<i64>, _>(10)?.map(Timestamp::from_micros),
        issues: row.try_get::<Option<&str>, _>(11)?.unwrap_or("[]").into(),
        release: row.try_get::<Option<&str>, _>(12)?.unwrap_or_default().into(),
        control_id_reused: row.try_get(13)?,
        tries: row.try_get::<Option<i64>, _>(14)?.map_or(0, number),
    })
}

/// A text column without an allocation when it is short.
pub fn short(row: &PgRow, column: usize) -> Answered<SmolStr> {
    Ok(row.try_get::<&str, _>(column)?.into())
}

/// What became of a message, to be stored.
pub struct NewOutcome<'a> {
    pub id: MessageId,
    pub outcome: MessageOutcome,
    pub at: Timestamp,
    pub release: &'a str,
    pub issues: String,
}

pub async fn put_outcomes(connection: &mut PgConnection, outcomes: Vec<NewOutcome<'_>>) -> Answered<()> {
    sqlx::query(sql::PUT_OUTCOMES)
        .bind(outcomes.iter().map(|one| one.id.0).collect::<Vec<_>>())
        .bind(outcomes.iter().map(|one| one.outcome.as_str()).collect::<Vec<_>>())
        .bind(outcomes.iter().map(|one| one.at.as_micros()).collect::<Vec<_>>())
        .bind(outcomes.iter().map(|one| one.release).collect::<Vec<_>>())
        .bind(outcomes.iter().map(|one| text(&one.issues)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Another outcome for a message that has one; issues and release stay, and its tries count anew.
pub async fn replace_outcome(
    connection: &mut PgConnection,
    id: MessageId,
    outcome: MessageOutcome,
    concluded_at: Option<Timestamp>,
) -> Answered<()> {
    let query = sqlx::query(sql::REPLACE_OUTCOME).bind(id.0).bind(outcome.as_str());
    query.bind(concluded_at.map(Timestamp::as_micros)).execute(connection).await?;
    Ok(())
}

pub async fn note_unheard(pool: &PgPool, id: MessageId) -> Answered<()> {
    sqlx::query(sql::NOTE_UNHEARD).bind(id.0).execute(pool).await?;
    Ok(())
}

pub async fn count_try(pool: &PgPool, id: MessageId) -> Answered<u32> {
    let row = sqlx::query(sql::COUNT_TRY).bind(id.0).fetch_one(pool).await?;
    Ok(number(row.try_get(0)?))
}

/// Puts a concluded message back to work, at the end of `lanes`.
pub async fn requeue(pool: &PgPool, id: MessageId, lanes: &Lanes) -> Answered<bool> {
    let mut transaction = pool.begin().await?;
    let locks = lanes.as_slice().iter().map(|lane| Space::lane(*lane)).collect();
    connection::lock(&mut transaction, locks).await?;
    let row = sqlx::query(sql::OUTCOME_OF).bind(id.0).fetch_optional(&mut *transaction).await?;
    let name = row.as_ref().map(|row| row.try_get::<&str, _>(0)).transpose()?;
    let requeued =
        !matches!(outcome(name, id)?, MessageOutcome::Pending | MessageOutcome::Parked | MessageOutcome::Refused);
    if requeued {
        let wanted: Vec<i64> = lanes.as_slice().iter().map(|lane| lane.0).collect();
        let occupied = sqlx::query(sql::OCCUPIED_LANES).bind(wanted).fetch_all(&mut *transaction).await?.len();
        let turn = admit::numbers(&mut transaction, 1).await?;
        let blocked = i64::try_from(occupied).unwrap_or(i64::MAX);
        admit::enter(&mut transaction, turn.into_iter().map(|turn| (id.0, turn, lanes, blocked))).await?;
        replace_outcome(&mut transaction, id, MessageOutcome::Pending, None).await?;
        trail::forget(&mut transaction, id).await?;
        transaction.commit().await?;
    }
    Ok(requeued)
}
