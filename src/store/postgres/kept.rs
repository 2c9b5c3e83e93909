//! What the doors ask the store to keep for them: exports, tokens that were used, secrets.

use sqlx::{PgPool, Row as _};

use super::connection::text;
use super::fault::Answered;
use super::{messages, sql};
use crate::base::{Digest, Timestamp};
use crate::record::{ExportJob, VersionNumber};

pub async fn keep_export(pool: &PgPool, job: &ExportJob) -> Answered<()> {
    let query = sqlx::query(sql::PUT_EXPORT).bind(text(&job.id)).bind(text(&job.client));
    query.bind(job.asked_at.as_micros()).bind(job.as_of.0).bind(text(&job.plan)).execute(pool).await?;
    Ok(())
}

pub async fn export(pool: &PgPool, id: &str) -> Answered<Option<ExportJob>> {
    let row = sqlx::query(sql::GET_EXPORT).bind(text(id)).fetch_optional(pool).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(ExportJob {
        id: messages::short(&row, 0)?,
        client: messages::short(&row, 1)?,
        asked_at: Timestamp::from_micros(row.try_get(2)?),
        as_of: VersionNumber(row.try_get(3)?),
        plan: row.try_get(4)?,
    }))
}

pub async fn drop_export(pool: &PgPool, id: &str) -> Answered<bool> {
    Ok(sqlx::query(sql::DROP_EXPORT).bind(text(id)).execute(pool).await?.rows_affected() == 1)
}

/// Remembers the token, and forgets some of those that have expired.
pub async fn use_once(pool: &PgPool, token: &Digest, now: Timestamp, expires_at: Timestamp) -> Answered<bool> {
    sqlx::query(sql::FORGET_TOKENS).bind(now.as_micros()).execute(pool).await?;
    let query = sqlx::query(sql::USE_TOKEN).bind(&token.0[..]).bind(expires_at.as_micros());
    Ok(query.execute(pool).await?.rows_affected() == 1)
}

pub async fn secret(pool: &PgPool, name: &str, fresh: &[u8]) -> Answered<Vec<u8>> {
    sqlx::query(sql::PUT_SECRET).bind(text(name)).bind(fresh).execute(pool).await?;
    Ok(sqlx::query(sql::GET_SECRET).bind(text(name)).fetch_one(pool).await?.try_get(0)?)
}
