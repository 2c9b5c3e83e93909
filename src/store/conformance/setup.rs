//! A fresh store for each case.

use std::sync::Arc;

use super::Bench;
use crate::store::postgres::database::Database;
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

/// What a bench shares with its helpers.
pub type Shared = Arc<dyn crate::store::Store>;
