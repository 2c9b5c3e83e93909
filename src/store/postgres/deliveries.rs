//! The delivery queue: one ready delivery per endpoint and subject, its attempts, and what follows them.

use std::collections::HashSet;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row as _};
use uuid::Uuid;

use super::connection::{self, Space, number, text};
use super::fault::{Answered, Fault};
use super::{conclude, messages, referrals, sql};
use crate::base::Timestamp;
use crate::base::ids::{DeliveryId, EndpointName};
use crate::record::delivery::AfterFailure;
use crate::record::{Attempt, Conclusion, Delivery, DeliveryState, NewDelivery, Payload};
use crate::store::{AttemptStart, DeliveryQuery, Lease, encoding};

/// Queues deliveries. One that is there already (its cause was run again) stays as it is.
pub async fn insert(connection: &mut PgConnection, batch: &[&Conclusion]) -> Answered<()> {
    let new: Vec<(&NewDelivery, Timestamp)> =
        batch.iter().flat_map(|one| one.deliveries.iter().map(|delivery| (delivery, one.concluded_at))).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut subjects: Vec<(String, String)> =
        new.iter().map(|(one, _)| (text(&one.endpoint.0), text(&one.subject))).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let locks = subjects.iter().map(|(endpoint, subject)| Space::Subject.of(&[endpoint, subject])).collect();
    connection::lock(connection, locks).await?;
    sqlx::query(sql::INSERT_DELIVERIES)
        .bind(new.iter().map(|(one, _)| &one.id.0.as_bytes()[..]).collect::<Vec<_>>())
        .bind(new.iter().map(|(one, _)| text(&one.endpoint.0)).collect::<Vec<_>>())
        .bind(new.iter().map(|(one, _)| text(&one.subject)).collect::<Vec<_>>())
        .bind(new.iter().map(|(one, _)| i64::from(one.sequence)).collect::<Vec<_>>())
        .bind(new.iter().map(|(one, _)| &*one.event).collect::<Vec<_>>())
        .bind(new.iter().map(|(one, _)| &*one.payload.content_type).collect::<Vec<_>>())
        .bind(new.iter().map(|(one, _)| encoding::delivery_partition(&one.subject).cast_signed()).collect::<Vec<_>>())
        .bind(new.iter().map(|(_, at)| at.as_micros()).collect::<Vec<_>>())
        .bind(new.iter().map(|(one, _)| one.due_at.as_micros()).collect::<Vec<_>>())
        .bind(new.iter().map(|(one, _)| &*one.payload.bytes).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    settle(connection, subjects).await
}

/// Makes the first unfinished delivery of each subject, which is locked, and only that, ready.
async fn settle(connection: &mut PgConnection, subjects: Vec<(String, String)>) -> Answered<()> {
    let (endpoints, subjects): (Vec<String>, Vec<String>) = subjects.into_iter().unzip();
    for statement in [sql::CLEAR_READY, sql::SET_READY] {
        sqlx::query(statement).bind(&endpoints).bind(&subjects).execute(&mut *connection).await?;
    }
    Ok(())
}

pub async fn claim(
    pool: &PgPool,
    lease: &Lease,
    now: Timestamp,
    except: &HashSet<DeliveryId>,
    paused: &HashSet<EndpointName>,
    limit: usize,
) -> Answered<Vec<Delivery>> {
    let rows = sqlx::query(sql::CLAIM_DELIVERIES)
        .bind(now.as_micros())
        .bind(messages::partitions(lease))
        .bind(except.iter().map(|id| &id.0.as_bytes()[..]).collect::<Vec<_>>())
        .bind(paused.iter().map(|endpoint| text(&endpoint.0)).collect::<Vec<_>>())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

/// A delivery as attempts need it.
struct Standing {
    number: i64,
    pending: bool,
    attempts: i64,
    ready: bool,
}

async fn standing(connection: &mut PgConnection, id: DeliveryId) -> Answered<Option<Standing>> {
    let row = sqlx::query(sql::GET_DELIVERY).bind(&id.0.as_bytes()[..]).fetch_optional(connection).await?;
    let read = |row: &PgRow| {
        let pending = row.try_get::<&str, _>(1)? == DeliveryState::Pending.as_str();
        Ok(Standing { number: row.try_get(0)?, pending, attempts: row.try_get(2)?, ready: row.try_get(3)? })
    };
    row.as_ref().map(read).transpose()
}

pub async fn begin(pool: &PgPool, lease: &Lease, id: DeliveryId, now: Timestamp) -> Answered<AttemptStart> {
    let mut transaction = pool.begin().await?;
    if !conclude::holds_lease(&mut transaction, lease.token).await? {
        return Ok(AttemptStart::LeaseLost);
    }
    let Some(standing) = standing(&mut transaction, id).await?.filter(|one| one.pending && one.ready) else {
        return Ok(AttemptStart::AlreadyDone);
    };
    let attempt = standing.attempts + 1;
    sqlx::query(sql::COUNT_ATTEMPT).bind(standing.number).execute(&mut *transaction).await?;
    let begin = sqlx::query(sql::BEGIN_ATTEMPT).bind(standing.number).bind(attempt).bind(now.as_micros());
    begin.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(AttemptStart::Started { number: number(attempt) })
}

/// Writes what an attempt came to, once; a receipt counts even when a later attempt has begun, a failure only when
/// none has.
pub async fn finish(pool: &PgPool, id: DeliveryId, number: u32, attempt: &Attempt, now: Timestamp) -> Answered<()> {
    let mut transaction = pool.begin().await?;
    let Some(subject) = lock_subject(&mut transaction, id).await? else { return Ok(()) };
    let Some(standing) = standing(&mut transaction, id).await? else { return Ok(()) };
    let (class, code) = match attempt {
        Attempt::Succeeded { receipt } => (None, receipt),
        Attempt::Failed { class, code, .. } => (Some(class.as_str()), code),
    };
    let finish = sqlx::query(sql::FINISH_ATTEMPT).bind(standing.number).bind(i64::from(number));
    let finish = finish.bind(now.as_micros()).bind(class).bind(text(code)).execute(&mut *transaction).await?;
    if finish.rows_affected() == 1 && standing.pending {
        follow(&mut transaction, id, &standing, subject, (number, attempt), now).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn lock_subject(connection: &mut PgConnection, id: DeliveryId) -> Answered<Option<(String, String)>> {
    let row = sqlx::query(sql::SUBJECT_OF).bind(&id.0.as_bytes()[..]).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(None) };
    let (endpoint, subject): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    connection::lock(connection, vec![Space::Subject.of(&[&endpoint, &subject])]).await?;
    Ok(Some((endpoint, subject)))
}

/// What a first report of an attempt changes.
async fn follow(
    connection: &mut PgConnection,
    id: DeliveryId,
    standing: &Standing,
    subject: (String, String),
    (number, attempt): (u32, &Attempt),
    now: Timestamp,
) -> Answered<()> {
    let (state, failure) = match attempt {
        Attempt::Succeeded { .. } => (DeliveryState::Delivered, ""),
        Attempt::Failed { .. } if i64::from(number) != standing.attempts => return Ok(()),
        Attempt::Failed { code, next: AfterFailure::RetryAt(due_at), .. } => {
            let query = sqlx::query(sql::POSTPONE_DELIVERY).bind(standing.number).bind(due_at.as_micros());
            query.bind(text(code)).execute(connection).await?;
            return Ok(());
        }
        Attempt::Failed { code, next: AfterFailure::GiveUp, .. } => {
            let item = encoding::dead_delivery(id, code);
            referrals::add_work_items(connection, vec![(&item, None, now)]).await?;
            (DeliveryState::Dead, &**code)
        }
    };
    let end = sqlx::query(sql::END_DELIVERY).bind(standing.number).bind(state.as_str());
    end.bind(now.as_micros()).bind(text(failure)).execute(&mut *connection).await?;
    settle(connection, vec![subject]).await
}

pub async fn list(pool: &PgPool, query: &DeliveryQuery) -> Answered<Vec<Delivery>> {
    let rows = sqlx::query(sql::LIST_DELIVERIES)
        .bind(query.endpoint.as_ref().map(EndpointName::as_str))
        .bind(query.state.map(DeliveryState::as_str))
        .bind(query.subject.as_deref().map(text))
        .bind(i64::from(query.limit))
        .fetch_all(pool)
        .await?;
    rows.iter().map(read).collect()
}

pub async fn next_due(pool: &PgPool, lease: &Lease) -> Answered<Option<Timestamp>> {
    let row = sqlx::query(sql::NEXT_DUE).bind(messages::partitions(lease)).fetch_optional(pool).await?;
    row.map(|row| Ok(Timestamp::from_micros(row.try_get(0)?))).transpose()
}

/// Reads the columns of `select_delivery!`.
fn read(row: &PgRow) -> Answered<Delivery> {
    let id = Uuid::from_slice(row.try_get(0)?).map(DeliveryId);
    let id = id.map_err(|_| Fault::corrupt("delivery", "id", &"unknown"))?;
    let state = DeliveryState::from_name(row.try_get(7)?);
    Ok(Delivery {
        id,
        endpoint: EndpointName(messages::short(row, 1)?),
        subject: messages::short(row, 2)?,
        sequence: number(row.try_get(3)?),
        event: messages::short(row, 4)?,
        payload: Payload { content_type: messages::short(row, 5)?, bytes: row.try_get::<Vec<u8>, _>(6)?.into() },
        state: state.ok_or_else(|| Fault::corrupt("delivery", "state", &id))?,
        created_at: Timestamp::from_micros(row.try_get(8)?),
        due_at: Timestamp::from_micros(row.try_get(9)?),
        attempts: number(row.try_get(10)?),
        last_failure: messages::short(row, 11)?,
        concluded_at: row.try_get::<Option<i64>, _>(12)?.map(Timestamp::from_micros),
    })
}
