//! The search index: rows of keys and of words, put with each version and, when definitions change, anew.

use std::collections::{BTreeSet, HashMap};

use sqlx::{PgConnection, PgPool, Row as _};

use super::fault::{Answered, Fault};
use super::sql;
use crate::base::Digest;
use crate::record::{IndexKey, ResourceText, VersionNumber};
use crate::store::encoding;

/// Bytes of the words of one text: the server keeps up to a megabyte of them, with their places.
const WORDS_BYTES_MAX: usize = 512 * 1024;

/// Keys as the text of an array of the server.
pub fn array(keys: &[IndexKey]) -> String {
    let mut text = String::with_capacity(keys.iter().map(|key| 2 * key.0.len() + 8).sum());
    text.push('{');
    for (place, key) in keys.iter().enumerate() {
        text.push_str(if place == 0 { "\"\\\\x" } else { ",\"\\\\x" });
        for byte in &key.0 {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        text.push('"');
    }
    text.push('}');
    text
}

/// What changes in the index by a batch. Resources are named by the numbers of their first versions.
#[derive(Default)]
pub struct Changes<'w> {
    gone: Vec<(&'w IndexKey, i64)>,
    added: Vec<(&'w IndexKey, i64)>,
    texts_gone: Vec<i64>,
    texts: Vec<(i64, &'w str, String, String)>,
}

impl<'w> Changes<'w> {
    /// Only the rows that differ; both lists are sorted.
    pub fn keys(&mut self, resource: i64, old: &'w [IndexKey], new: &'w [IndexKey]) {
        self.gone.extend(old.iter().filter(|one| new.binary_search(one).is_err()).map(|one| (one, resource)));
        self.added.extend(new.iter().filter(|one| old.binary_search(one).is_err()).map(|one| (one, resource)));
    }

    /// Other words in place of those that a resource had.
    pub fn text(&mut self, resource: i64, kind: &'w str, had_version: bool, text: &ResourceText) {
        if had_version {
            self.texts_gone.push(resource);
        }
        if !text.narrative.is_empty() || !text.content.is_empty() {
            self.texts.push((resource, kind, words(&text.narrative), words(&text.content)));
        }
    }

    pub async fn write(&self, connection: &mut PgConnection) -> Answered<()> {
        for (statement, rows) in [(sql::DELETE_INDEX, &self.gone), (sql::INSERT_INDEX, &self.added)] {
            if !rows.is_empty() {
                let keys: Vec<&[u8]> = rows.iter().map(|(key, _)| &key.0[..]).collect();
                let resources: Vec<i64> = rows.iter().map(|(_, resource)| *resource).collect();
                sqlx::query(statement).bind(keys).bind(resources).execute(&mut *connection).await?;
            }
        }
        if !self.texts_gone.is_empty() {
            sqlx::query(sql::DELETE_TEXTS).bind(&self.texts_gone).execute(&mut *connection).await?;
        }
        if !self.texts.is_empty() {
            sqlx::query(sql::INSERT_TEXTS)
                .bind(self.texts.iter().map(|(resource, ..)| *resource).collect::<Vec<_>>())
                .bind(self.texts.iter().map(|(_, kind, ..)| *kind).collect::<Vec<_>>())
                .bind(self.texts.iter().map(|(_, _, narrative, _)| &**narrative).collect::<Vec<_>>())
                .bind(self.texts.iter().map(|(.., content)| &**content).collect::<Vec<_>>())
                .execute(connection)
                .await?;
        }
        Ok(())
    }
}

/// The words of a text, each once, apart by a blank.
fn words(text: &str) -> String {
    let distinct: BTreeSet<String> = encoding::words(text).collect();
    let mut words = String::new();
    for word in distinct {
        if words.len() + word.len() > WORDS_BYTES_MAX {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(&word);
    }
    words
}

/// Puts the index of current resources anew.
pub async fn reindex(pool: &PgPool, resources: &[(VersionNumber, Vec<IndexKey>, ResourceText)]) -> Answered<()> {
    let mut transaction = pool.begin().await?;
    let numbers: Vec<i64> = resources.iter().map(|(number, ..)| number.0).collect();
    let rows = sqlx::query(sql::STANDING_OF_VERSIONS).bind(numbers).fetch_all(&mut *transaction).await?;
    let mut standing = HashMap::new();
    for row in &rows {
        let keys: Vec<Vec<u8>> = row.try_get(3)?;
        let keys: Vec<IndexKey> = keys.into_iter().map(IndexKey).collect();
        let (first, kind): (i64, String) = (row.try_get(1)?, row.try_get(2)?);
        standing.insert(VersionNumber(row.try_get(0)?), (first, kind, keys));
    }
    let mut changes = Changes::default();
    let (mut numbers, mut arrays) = (Vec::new(), Vec::new());
    for (number, keys, text) in resources {
        let Some((first, kind, old)) = standing.get(number) else { continue };
        changes.keys(*first, old, keys);
        changes.text(*first, kind, true, text);
        numbers.push(number.0);
        arrays.push(array(keys));
    }
    changes.write(&mut transaction).await?;
    sqlx::query(sql::REPLACE_KEYS).bind(numbers).bind(arrays).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

pub async fn indexed_by(pool: &PgPool) -> Answered<Option<Digest>> {
    let row = sqlx::query(sql::INDEXED_BY).fetch_optional(pool).await?;
    let definitions: Option<Vec<u8>> = row.map(|row| row.try_get(0)).transpose()?;
    let corrupt = |_| Fault::corrupt("search_index", "definitions", &1);
    definitions.map(|bytes| bytes.try_into().map(Digest).map_err(corrupt)).transpose()
}

pub async fn set_indexed_by(pool: &PgPool, definitions: Digest) -> Answered<()> {
    sqlx::query(sql::SET_INDEXED_BY).bind(&definitions.0[..]).execute(pool).await?;
    Ok(())
}
