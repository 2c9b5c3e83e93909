//! Bringing the search index up to date with the definitions it is made by: after an upgrade, before the doors open.

use crate::base::limits;
use crate::fhir::Resource;
use crate::record::{IndexKey, ResourceText, ResourceVersion, VersionNumber};
use crate::search;
use crate::store::{Store, StoreError};

/// Indexes every current resource anew when the index was made by other definitions; how many there were. Cut off, it
/// begins again at the next start.
pub async fn reindex(store: &dyn Store) -> Result<u64, StoreError> {
    let definitions = search::definitions_digest();
    if store.indexed_by().await? == Some(definitions) {
        return Ok(0);
    }
    let (mut count, mut after) = (0, None);
    loop {
        let page = store.current_after(after, limits::REINDEX_PAGE_RESOURCES).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.number);
        count += page.len() as u64;
        let entries: Vec<_> = page.iter().filter_map(entry).collect();
        store.reindex(&entries).await?;
        tracing::info!(resources = count, "indexing what is stored by the search parameters of this release");
    }
    store.set_indexed_by(definitions).await?;
    Ok(count)
}

/// What does not read as a resource cannot be found by its content; it is still read by its id.
fn entry(version: &ResourceVersion) -> Option<(VersionNumber, Vec<IndexKey>, ResourceText)> {
    let resource = Resource::parse(&version.content).ok()?;
    Some((version.number, search::index(&resource, version.updated_at), search::text(&resource)))
}
