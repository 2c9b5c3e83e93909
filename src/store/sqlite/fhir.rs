//! What the FHIR doors ask of this store, verb by verb.

use rusqlite::Connection;

use super::writer::Verdict;
use super::{SqliteStore, commit, index, kept, resources, search, versions};
use crate::base::{Digest, Timestamp};
use crate::record::{
    Committed, ExportJob, HistoryPage, HistoryQuery, IndexKey, Request, ResourceKey, ResourceText, ResourceVersion,
    SearchPage, SearchQuery, SnapshotQuery, VersionNumber,
};
use crate::store::{AccessStore, Answer, FhirStore, SearchStore};

impl SearchStore for SqliteStore {
    fn search<'a>(&'a self, query: &'a SearchQuery) -> Answer<'a, SearchPage> {
        Box::pin(async move {
            if search::is_brief(query) {
                return self.readers.at_once("search", |connection| search::search(connection, query));
            }
            let query = query.clone();
            self.readers.search("search", move |connection| search::search(connection, &query)).await
        })
    }
}

impl FhirStore for SqliteStore {
    fn commit(&self, request: Request) -> Answer<'_, Committed> {
        Box::pin(async move {
            let work = move |connection: &Connection| commit::commit(connection, &request);
            self.writer.write("commit", work).await.map(|committed| self.waking(committed))
        })
    }

    fn read<'a>(&'a self, key: &'a ResourceKey, version: Option<u32>) -> Answer<'a, Option<ResourceVersion>> {
        let one = move |connection: &Connection| versions::one(connection, key, version);
        Box::pin(async move { self.readers.at_once("read", one) })
    }

    fn version(&self, number: VersionNumber) -> Answer<'_, Option<ResourceVersion>> {
        let by_number = move |connection: &Connection| versions::by_number(connection, number);
        Box::pin(async move { self.readers.at_once("version", by_number) })
    }

    fn history_page<'a>(&'a self, query: &'a HistoryQuery) -> Answer<'a, HistoryPage> {
        let query = query.clone();
        let work = move |connection: &Connection| versions::history_page(connection, &query);
        Box::pin(self.readers.search("history_page", work))
    }

    fn families<'a>(&'a self, keys: &'a [ResourceKey]) -> Answer<'a, Vec<ResourceKey>> {
        let keys = keys.to_vec();
        Box::pin(self.readers.read("families", move |connection| resources::families(connection, &keys)))
    }

    fn latest_version(&self) -> Answer<'_, VersionNumber> {
        Box::pin(self.readers.read("latest_version", versions::latest))
    }

    fn snapshot<'a>(&'a self, query: &'a SnapshotQuery) -> Answer<'a, Vec<ResourceVersion>> {
        let query = query.clone();
        Box::pin(self.readers.search("snapshot", move |connection| versions::snapshot(connection, &query)))
    }

    fn keep_export<'a>(&'a self, job: &'a ExportJob) -> Answer<'a, ()> {
        let job = job.clone();
        Box::pin(self.keep("keep_export", move |connection| kept::keep_export(connection, &job)))
    }

    fn export<'a>(&'a self, id: &'a str) -> Answer<'a, Option<ExportJob>> {
        let id = id.to_owned();
        Box::pin(self.readers.read("export", move |connection| kept::export(connection, &id)))
    }

    fn drop_export<'a>(&'a self, id: &'a str) -> Answer<'a, bool> {
        let id = id.to_owned();
        Box::pin(self.keep("drop_export", move |connection| kept::drop_export(connection, &id)))
    }

    fn indexed_by(&self) -> Answer<'_, Option<Digest>> {
        Box::pin(self.readers.read("indexed_by", index::indexed_by))
    }

    fn reindex<'a>(&'a self, resources: &'a [(VersionNumber, Vec<IndexKey>, ResourceText)]) -> Answer<'a, ()> {
        let resources = resources.to_vec();
        Box::pin(self.keep("reindex", move |connection| index::reindex(connection, &resources)))
    }

    fn set_indexed_by(&self, definitions: Digest) -> Answer<'_, ()> {
        Box::pin(self.keep("set_indexed_by", move |connection| index::set_indexed_by(connection, definitions)))
    }

    fn current_after(&self, after: Option<VersionNumber>, limit: u32) -> Answer<'_, Vec<ResourceVersion>> {
        let work = move |connection: &Connection| versions::current_after(connection, after, limit);
        Box::pin(self.readers.read("current_after", work))
    }
}

impl AccessStore for SqliteStore {
    fn use_once<'a>(&'a self, token: &'a Digest, now: Timestamp, expires_at: Timestamp) -> Answer<'a, bool> {
        let token = *token;
        let work = move |connection: &Connection| {
            let fresh = kept::use_once(connection, token, now, expires_at)?;
            Ok(if fresh { Verdict::Keep(true) } else { Verdict::Undo(false) })
        };
        Box::pin(self.writer.write("use_once", work))
    }

    fn secret<'a>(&'a self, name: &'a str, fresh: &'a [u8]) -> Answer<'a, Vec<u8>> {
        let (name, fresh) = (name.to_owned(), fresh.to_vec());
        Box::pin(self.keep("secret", move |connection| kept::secret(connection, &name, &fresh)))
    }
}
