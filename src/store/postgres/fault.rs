//! What can go wrong below a statement, and how the port's error tells it without a value (P8).

use crate::base::limits::SEARCH_TIMEOUT;
use crate::store::StoreError;

/// SQLSTATE of a statement that took too long.
const STOPPED: &str = "57014";

/// Trouble in one operation.
#[derive(Debug)]
pub enum Fault {
    Database(sqlx::Error),
    Corrupt { table: &'static str, column: &'static str, row: String },
}

/// What statements answer.
pub type Answered<T> = Result<T, Fault>;

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl Fault {
    pub fn corrupt(table: &'static str, column: &'static str, row: &impl ToString) -> Self {
        Self::Corrupt { table, column, row: row.to_string() }
    }

    pub fn into_store_error(self, operation: &'static str) -> StoreError {
        match self {
            Self::Database(sqlx::Error::Database(error)) if error.code().as_deref() == Some(STOPPED) => {
                StoreError::TooSlow { operation, seconds: SEARCH_TIMEOUT.as_secs() }
            }
            Self::Database(error) => StoreError::Unavailable { operation, reason: reason(&error) },
            Self::Corrupt { table, column, row } => StoreError::Corrupt { table, column, row },
        }
    }

    /// May come of a single row: what the server says of values and rows (SQLSTATE classes 21 to 23 and 54), rows that
    /// do not decode, and a search that was stopped.
    pub fn is_of_a_row(&self) -> bool {
        match self {
            Self::Corrupt { .. } => true,
            Self::Database(sqlx::Error::Database(error)) => error
                .code()
                .is_some_and(|code| ["21", "22", "23", "54", STOPPED].iter().any(|class| code.starts_with(class))),
            Self::Database(error) => matches!(error, sqlx::Error::Encode(_) | sqlx::Error::Protocol(_)),
        }
    }

    /// The server broke a circle of waiting transactions by undoing this one (SQLSTATE 40P01).
    pub fn is_deadlock(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.code().as_deref() == Some("40P01"))
    }
}

/// State code and constraint; a server's full message may quote values.
pub fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            format!("SQLSTATE {code} {}", error.constraint().unwrap_or_default()).trim_end().to_owned()
        }
        sqlx::Error::Io(error) => format!("connection: {}", error.kind()),
        sqlx::Error::Tls(_) => "TLS could not be agreed with the server: check sslmode and sslrootcert".to_owned(),
        sqlx::Error::PoolTimedOut => "no connection became free in time".to_owned(),
        sqlx::Error::PoolClosed => "the store is closing".to_owned(),
        _ => "unexpected answer of the server".to_owned(),
    }
}
