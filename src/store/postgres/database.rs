//! A database of each test's own, on the server that the environment names.

use sqlx::Connection as _;

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
