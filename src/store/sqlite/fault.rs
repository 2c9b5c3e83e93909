//! What can go wrong below a statement, and how the port's error tells it without a value (P8).

use crate::base::limits::SEARCH_TIMEOUT;
use crate::store::StoreError;

/// Trouble in one job.
#[derive(Debug)]
pub enum Fault {
    Database(rusqlite::Error),
    Corrupt {
        table: &'static str,
        column: &'static str,
        row: String,
    },
    /// The thread that should answer is gone, or panicked.
    Gone,
}

/// What statements answer.
pub type Answered<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Fault {
    pub fn corrupt(table: &'static str, column: &'static str, row: &impl ToString) -> Self {
        Self::Corrupt { table, column, row: row.to_string() }
    }

    pub fn into_store_error(self, operation: &'static str) -> StoreError {
        match self {
            Self::Database(error) if is_interrupt(&error) => {
                StoreError::TooSlow { operation, seconds: SEARCH_TIMEOUT.as_secs() }
            }
            Self::Database(error) => StoreError::Unavailable { operation, reason: reason(&error) },
            Self::Corrupt { table, column, row } => StoreError::Corrupt { table, column, row },
            Self::Gone => StoreError::Unavailable { operation, reason: "the store's thread stopped".to_owned() },
        }
    }
}

fn is_interrupt(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted)
}

/// SQLite's own words for its result code; the full text of an error may quote statements or values.
pub fn reason(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) | rusqlite::Error::SqlInputError { error: failure, .. } => {
            rusqlite::ffi::code_to_str(failure.extended_code).to_owned()
        }
        rusqlite::Error::InvalidColumnType(column, ..) => format!("column {column} has another type than expected"),
        _ => "unexpected answer of the database".to_owned(),
    }
}
