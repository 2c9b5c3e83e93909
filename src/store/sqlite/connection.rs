//! Connections to the database file: how they are set up, and bringing the schema up to date.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::fault::{Answered, Fault};
use super::{functions, sql};
use crate::store::StoreError;
use crate::store::migration::{self, Applied};

/// How long a statement waits for another process that holds the file (a backup, `sqlite3`).
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Prepared statements kept per connection: more than there are statements in `sql` and common forms of searches.
const STATEMENT_CACHE: usize = 256;

/// The writing connection: WAL, and every commit flushed (P1).
pub fn writing(path: &Path) -> Answered<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    connection.execute_batch(sql::WRITER_SETTINGS)?;
    Ok(connection)
}

/// A connection that cannot write.
pub fn reading(path: &Path) -> Answered<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.execute_batch(sql::READER_SETTINGS)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Answered<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    functions::define(&connection)?;
    Ok(connection)
}

/// Applies what is outstanding, each migration in a transaction of its own.
pub fn migrate(connection: &mut Connection, now_micros: i64) -> Result<(), StoreError> {
    let fault = |error: rusqlite::Error| Fault::from(error).into_store_error("migrate");
    connection.execute_batch(sql::CREATE_MIGRATION_TABLE).map_err(fault)?;
    let applied = applied(connection).map_err(|fault| fault.into_store_error("migrate"))?;
    for next in migration::outstanding(&applied, |migration| migration.sqlite)? {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        transaction.execute_batch(next.sqlite).map_err(fault)?;
        let row = params![next.number, next.title, migration::digest(next.sqlite), now_micros];
        transaction.execute(sql::RECORD_MIGRATION, row).map_err(fault)?;
        transaction.commit().map_err(fault)?;
    }
    Ok(())
}

fn applied(connection: &Connection) -> Answered<Vec<Applied>> {
    let mut statement = connection.prepare(sql::APPLIED_MIGRATIONS)?;
    let rows = statement.query_map([], |row| Ok(Applied { number: row.get(0)?, digest: row.get(1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
