//! What the FHIR doors ask of this store, verb by verb.

use tokio::sync::oneshot;

use super::commit::Waiting;
use super::fault::Fault;
use super::{PostgresStore, index, kept, resources, run, search, versions};
use crate::base::{Digest, Timestamp};
use crate::record::{
    Committed, ExportJob, HistoryPage, HistoryQuery, IndexKey, Request, ResourceKey, ResourceText, ResourceVersion,
    SearchPage, SearchQuery, SnapshotQuery, VersionNumber,
};
use crate::store::{AccessStore, Answer, FhirStore, SearchStore};

impl SearchStore for PostgresStore {
    fn search<'a>(&'a self, query: &'a SearchQuery) -> Answer<'a, SearchPage> {
        run("search", search::search(&self.searching, query))
    }
}

impl FhirStore for PostgresStore {
    fn commit(&self, request: Request) -> Answer<'_, Committed> {
        Box::pin(async move {
            let gone = || Fault::from(sqlx::Error::PoolClosed).into_store_error("commit");
            let (answer, answered) = oneshot::channel();
            self.requests.send(Waiting { request, answer }).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())?
        })
    }

    fn read<'a>(&'a self, key: &'a ResourceKey, version: Option<u32>) -> Answer<'a, Option<ResourceVersion>> {
        run("read", versions::one(&self.searching, key, version))
    }

    fn version(&self, number: VersionNumber) -> Answer<'_, Option<ResourceVersion>> {
        run("version", versions::by_number(&self.searching, number))
    }

    fn history_page<'a>(&'a self, query: &'a HistoryQuery) -> Answer<'a, HistoryPage> {
        run("history_page", versions::history_page(&self.searching, query))
    }

    fn families<'a>(&'a self, keys: &'a [ResourceKey]) -> Answer<'a, Vec<ResourceKey>> {
        run("families", resources::families(&self.searching, keys))
    }

    fn latest_version(&self) -> Answer<'_, VersionNumber> {
        run("latest_version", versions::latest(&self.pool))
    }

    fn snapshot<'a>(&'a self, query: &'a SnapshotQuery) -> Answer<'a, Vec<ResourceVersion>> {
        run("snapshot", versions::snapshot(&self.searching, query))
    }

    fn keep_export<'a>(&'a self, job: &'a ExportJob) -> Answer<'a, ()> {
        run("keep_export", kept::keep_export(&self.pool, job))
    }

    fn export<'a>(&'a self, id: &'a str) -> Answer<'a, Option<ExportJob>> {
        run("export", kept::export(&self.pool, id))
    }

    fn drop_export<'a>(&'a self, id: &'a str) -> Answer<'a, bool> {
        run("drop_export", kept::drop_export(&self.pool, id))
    }

    fn indexed_by(&self) -> Answer<'_, Option<Digest>> {
        run("indexed_by", index::indexed_by(&self.pool))
    }

    fn reindex<'a>(&'a self, resources: &'a [(VersionNumber, Vec<IndexKey>, ResourceText)]) -> Answer<'a, ()> {
        run("reindex", index::reindex(&self.pool, resources))
    }

    fn set_indexed_by(&self, definitions: Digest) -> Answer<'_, ()> {
        run("set_indexed_by", index::set_indexed_by(&self.pool, definitions))
    }

    fn current_after(&self, after: Option<VersionNumber>, limit: u32) -> Answer<'_, Vec<ResourceVersion>> {
        run("current_after", versions::current_after(&self.pool, after, limit))
    }
}

impl AccessStore for PostgresStore {
    fn use_once<'a>(&'a self, token: &'a Digest, now: Timestamp, expires_at: Timestamp) -> Answer<'a, bool> {
        run("use_once", kept::use_once(&self.pool, token, now, expires_at))
    }

    fn secret<'a>(&'a self, name: &'a str, fresh: &'a [u8]) -> Answer<'a, Vec<u8>> {
        run("secret", kept::secret(&self.pool, name, fresh))
    }
}
