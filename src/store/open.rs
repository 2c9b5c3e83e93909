//! Opening a store by its URL.

use std::path::PathBuf;
use std::sync::Arc;

use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use super::{Store, StoreError};

/// Where the store is.
#[derive(Clone)]
pub enum StoreUrl {
    /// `sqlite:PATH`. The directory must exist; a new file is made readable by its owner only.
    Sqlite(PathBuf),
    /// `postgres://…`, with `sslmode` and the like as PostgreSQL's own clients read them. May hold a password.
    Postgres(String),
}

impl StoreUrl {
    /// The URL without credentials, for people.
    pub fn redacted(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let rest = url.rsplit_once('@').map_or_else(|| url.split("://").nth(1).unwrap_or(""), |(_, rest)| rest);
                format!("postgres://{}", rest.split('?').next().unwrap_or(""))
            }
        }
    }
}

impl std::fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.redacted())
    }
}

impl std::str::FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => Ok(Self::Postgres(text.to_owned())),
            _ => Err(StoreError::Configuration(
                "expected a store URL of the form sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned(),
            )),
        }
    }
}

/// Opens the store and brings its schema up to date. Call it inside a tokio runtime.
pub async fn open(url: &StoreUrl) -> Result<Arc<dyn Store>, StoreError> {
    match url {
        StoreUrl::Sqlite(path) => Ok(Arc::new(SqliteStore::open(path).await?)),
        StoreUrl::Postgres(url) => Ok(Arc::new(PostgresStore::open(url).await?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_shown_without_credentials() {
        let check = |text: &str, shown: Option<&str>| {
            let url = text.parse::<StoreUrl>();
            assert_eq!(url.as_ref().ok().map(StoreUrl::redacted).as_deref(), shown, "{text}");
        };
        check("sqlite:data/loopgate.db", Some("sqlite:data/loopgate.db"));
        check("postgres://user:secret@host:5432/db?sslmode=require", Some("postgres://host:5432/db"));
        check("postgresql://host/db", Some("postgres://host/db"));
        check("sqlite:", None);
        check("mysql://host/db", None);
        check("", None);
    }
}
