//! Versions as they are read: the current one, an older one, histories, and the state at an instant.

use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};

use super::connection::{number, text};
use super::fault::{Answered, Fault};
use super::{resources, sql};
use crate::base::ids::MessageId;
use crate::base::{Digest, Timestamp};
use crate::record::{ResourceKey, ResourceVersion, VersionNumber};

pub async fn history(pool: &PgPool, key: &ResourceKey) -> Answered<Vec<ResourceVersion>> {
    let query = sqlx::query(sql::HISTORY).bind(text(&key.kind)).bind(text(&key.id));
    query.fetch_all(pool).await?.iter().map(read).collect()
}

/// Reads the columns of `select_version!`.
pub fn read(row: &PgRow) -> Answered<ResourceVersion> {
    let own: i64 = row.try_get(0)?;
    let digest = <[u8; 32]>::try_from(row.try_get::<&[u8], _>(5)?);
    Ok(ResourceVersion {
        number: VersionNumber(own),
        key: resources::key(row, 1)?,
        version: number(row.try_get(3)?),
        content: row.try_get::<Vec<u8>, _>(4)?.into(),
        digest: Digest(digest.map_err(|_| Fault::corrupt("resource_version", "digest", &own))?),
        updated_at: Timestamp::from_micros(row.try_get(6)?),
        deleted: row.try_get(7)?,
        message: row.try_get::<Option<i64>, _>(8)?.map(MessageId),
    })
}
