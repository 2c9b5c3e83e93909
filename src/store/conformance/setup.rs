//! A fresh store for each case.

use std::sync::Arc;

use sqlx::Connection as _;

use super::Bench;
use crate::store::{StoreUrl, open};

pub async fn sqlite() -> Option<Bench> {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let url = StoreUrl::Sqlite(folder.path().join("store.db"));
    let store = open(&url).await.expect("a fresh SQLite store");
    Some(Bench::new(store, Keep::Folder { _folder: folder }).await)
}

pub async fn postgres() -> Option<Bench> {
    let database = Database::create().await?;
    let store = open(&StoreUrl::Postgres(database.url.clone())).await.expect("a fresh PostgreSQL store");
    Some(Bench::new(store, Keep::Database(database)).await)
}

/// What a bench stands on, taken away when the case is done.
pub enum Keep {
    Folder { _folder: tempfile::TempDir },
    Database(Database),
}

/// A database of a case's own.
pub struct Database {
    pub url: String,
    server: String,
    name: String,
}

impl Database {
    /// `None` when there is no server.
    pub async fn create() -> Option<Self> {
        let server = postgres_url()?;
        let name = format!("case_{}", uuid::Uuid::new_v4().simple());
        execute(&server, format!("CREATE DATABASE {name}")).await;
        let (base, parameters) = server.split_once('?').map_or((&*server, ""), |(base, rest)| (base, rest));
        let (base, _) = base.rsplit_once('/').expect("a URL that names a database");
        Some(Self { url: format!("{base}/{name}?{parameters}"), server, name })
    }

    pub async fn drop_it(self) {
        execute(&self.server, format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }
}

async fn execute(url: &str, statement: String) {
    let mut connection = sqlx::PgConnection::connect(url).await.expect("the test server");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.expect("the statement");
    connection.close().await.expect("an orderly end");
}

/// The server for PostgreSQL cases; `None` after saying loudly that they are skipped.
#[expect(clippy::disallowed_methods, reason = "the environment says where the tests' server is")]
fn postgres_url() -> Option<String> {
    if let Ok(url) = std::env::var("LOOPGATE_TEST_POSTGRES") {
        return Some(url);
    }
    assert!(std::env::var("CI").is_err(), "LOOPGATE_TEST_POSTGRES is not set, and CI must test PostgreSQL");
    eprintln!("SKIPPED: PostgreSQL was not tested; run `eval \"$(tests/support/postgres.sh)\"` first");
    None
}

/// What a bench shares with its helpers.
pub type Shared = Arc<dyn crate::store::Store>;
