//! The schema's history: migrations in order, the same numbers and titles for both databases, and what may be applied.
//!
//! A shipped migration never changes: its digest is recorded when it is applied and compared on every open. To add
//! one: `migrations/{sqlite,postgres}/NNNN_title.sql` and a row in `ALL`.

use super::StoreError;
use crate::base::Digest;

/// One step of the schema, for both databases.
pub struct Migration {
    pub number: u32,
    pub title: &'static str,
    pub sqlite: &'static str,
    pub postgres: &'static str,
}

macro_rules! migration {
    ($number:literal, $digits:literal, $title:literal) => {
        Migration {
            number: $number,
            title: $title,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $digits, "_", $title, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $digits, "_", $title, ".sql")),
        }
    };
}

/// All of them, oldest first.
pub const ALL: &[Migration] =
    &[migration!(1, "0001", "initial"), migration!(2, "0002", "mapping_trail"), migration!(3, "0003", "fhir_door")];

/// A migration as a database has recorded it.
pub struct Applied {
    pub number: u32,
    pub digest: Vec<u8>,
}

/// What is recorded of a migration's text.
pub fn digest(text: &str) -> [u8; 32] {
    Digest::of(text.as_bytes()).0
}

/// The migrations still to be applied, after checking those that were.
pub fn outstanding(
    applied: &[Applied],
    text: impl Fn(&Migration) -> &'static str,
) -> Result<impl Iterator<Item = &'static Migration>, StoreError> {
    let known = ALL.last().map_or(0, |last| last.number);
    let found = applied.iter().map(|one| one.number).max().unwrap_or(0);
    if found > known {
        return Err(StoreError::SchemaTooNew { found, known });
    }
    for one in applied {
        let shipped = ALL.iter().find(|migration| migration.number == one.number);
        if shipped.is_none_or(|migration| digest(text(migration))[..] != one.digest[..]) {
            return Err(StoreError::Configuration(format!(
                "migration {} was applied with another text than this program ships: use the program that made this \
                 store, or restore a backup",
                one.number
            )));
        }
    }
    Ok(ALL.iter().filter(move |migration| migration.number > found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_from_one_without_gaps() {
        let numbers: Vec<u32> = ALL.iter().map(|migration| migration.number).collect();
        assert_eq!(numbers, (1..=u32::try_from(ALL.len()).unwrap()).collect::<Vec<_>>());
    }

    #[test]
    fn every_file_is_listed_and_paired() {
        for folder in ["sqlite", "postgres"] {
            let mut found: Vec<String> =
                std::fs::read_dir(format!("{}/migrations/{folder}", env!("CARGO_MANIFEST_DIR")))
                    .unwrap()
                    .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                    .collect();
            found.sort();
            let listed: Vec<String> = ALL.iter().map(|one| format!("{:04}_{}.sql", one.number, one.title)).collect();
            assert_eq!(found, listed, "migrations/{folder}");
        }
    }

    #[test]
    fn newer_and_changed_schemas_are_refused() {
        let sqlite = |migration: &Migration| migration.sqlite;
        let same = Applied { number: 1, digest: digest(ALL[0].sqlite).to_vec() };
        assert_eq!(outstanding(&[], sqlite).map(Iterator::count).unwrap(), ALL.len());
        assert_eq!(outstanding(&[same], sqlite).map(Iterator::count).unwrap(), ALL.len() - 1);
        let newer = Applied { number: 99, digest: vec![] };
        assert!(matches!(outstanding(&[newer], sqlite).err(), Some(StoreError::SchemaTooNew { found: 99, .. })));
        let changed = Applied { number: 1, digest: vec![0; 32] };
        assert!(matches!(outstanding(&[changed], sqlite).err(), Some(StoreError::Configuration(_))));
    }
}
