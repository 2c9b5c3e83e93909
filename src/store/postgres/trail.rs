//! The trail of mapping: traces, and codes with the messages that wait for them.

use sqlx::{PgConnection, PgPool, Row as _};

use super::connection::text;
use super::fault::Answered;
use super::{messages, sql};
use crate::base::ids::{FeedName, MessageId};
use crate::record::{Conclusion, StoredTrace, WaitingCode};

pub async fn write(connection: &mut PgConnection, batch: &[&Conclusion]) -> Answered<()> {
    let of_message = batch.iter().filter_map(|one| Some((one.cause.message()?.0, *one)));
    let traced: Vec<_> = of_message.clone().filter(|(_, one)| !one.trail.trace.is_empty()).collect();
    if !traced.is_empty() {
        sqlx::query(sql::PUT_TRACES)
            .bind(traced.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind(traced.iter().map(|(_, one)| text(&one.release)).collect::<Vec<_>>())
            .bind(traced.iter().map(|(_, one)| &*one.trail.trace).collect::<Vec<_>>())
            .execute(&mut *connection)
            .await?;
    }
    let unmapped: Vec<_> =
        of_message.flat_map(|(id, one)| one.trail.unmapped.iter().map(move |code| (id, code))).collect();
    if !unmapped.is_empty() {
        sqlx::query(sql::INSERT_UNMAPPED)
            .bind(unmapped.iter().map(|(id, _)| *id).collect::<Vec<_>>())
            .bind(unmapped.iter().map(|(_, code)| text(&code.table)).collect::<Vec<_>>())
            .bind(unmapped.iter().map(|(_, code)| text(&code.code)).collect::<Vec<_>>())
            .bind(unmapped.iter().map(|(_, code)| text(&code.place)).collect::<Vec<_>>())
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// A message that goes back to work waits for nothing, and what its last run left no longer holds.
pub async fn forget(connection: &mut PgConnection, message: MessageId) -> Answered<()> {
    for statement in [sql::DELETE_UNMAPPED, sql::DELETE_TRACE] {
        sqlx::query(statement).bind(message.0).execute(&mut *connection).await?;
    }
    Ok(())
}

pub async fn trace(pool: &PgPool, message: MessageId) -> Answered<Option<StoredTrace>> {
    let row = sqlx::query(sql::GET_TRACE).bind(message.0).fetch_optional(pool).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(StoredTrace { release: messages::short(&row, 0)?, trace: row.try_get::<Vec<u8>, _>(1)?.into() }))
}

pub async fn waiting_codes(pool: &PgPool, limit: u32) -> Answered<Vec<WaitingCode>> {
    let rows = sqlx::query(sql::WAITING_CODES).bind(i64::from(limit)).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            Ok(WaitingCode {
                feed: FeedName(messages::short(row, 0)?),
                table: messages::short(row, 1)?,
                code: messages::short(row, 2)?,
                messages: row.try_get::<i64, _>(3)?.cast_unsigned(),
                first: MessageId(row.try_get(4)?),
            })
        })
        .collect()
}

pub async fn waiting_messages(
    pool: &PgPool,
    code: &WaitingCode,
    after: MessageId,
    limit: u32,
) -> Answered<Vec<MessageId>> {
    let query = sqlx::query(sql::WAITING_MESSAGES).bind(text(&code.table)).bind(text(&code.code));
    let rows = query.bind(code.feed.as_str()).bind(i64::from(limit)).bind(after.0).fetch_all(pool).await?;
    rows.iter().map(|row| Ok(MessageId(row.try_get(0)?))).collect()
}
