//! A fresh store for each case.

use std::sync::Arc;

use super::Bench;
use crate::store::{StoreUrl, open};

pub async fn sqlite() -> Bench {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let url = StoreUrl::Sqlite(folder.path().join("store.db"));
    let store = open(&url).await.expect("a fresh SQLite store");
    Bench::new(store, url, Box::new(folder)).await
}

/// The server for PostgreSQL cases; `None` after saying loudly that they are skipped.
#[expect(clippy::disallowed_methods, reason = "the environment says where the tests' server is")]
pub fn postgres_url() -> Option<String> {
    if let Ok(url) = std::env::var("LOOPGATE_TEST_POSTGRES") {
        return Some(url);
    }
    assert!(std::env::var("CI").is_err(), "LOOPGATE_TEST_POSTGRES is not set, and CI must test PostgreSQL");
    eprintln!("SKIPPED: PostgreSQL was not tested; run `eval \"$(tests/support/postgres.sh)\"` first");
    None
}

/// Keeps something alive as long as the bench.
pub type Keep = Box<dyn Send + Sync>;

/// What a bench shares with its helpers.
pub type Shared = Arc<dyn crate::store::Store>;
