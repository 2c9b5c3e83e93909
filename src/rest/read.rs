//! Reads: the current version, an older one, and "you have it already" (R4 http 3.1.0.2, 3.1.0.3).

use super::answer::{Answer, Content};
use super::server::Call;
use super::{Fault, Server, provenance};
use crate::access::Interaction as Deed;
use crate::record::{ResourceKey, ResourceVersion};

impl Server {
    /// The current version as it is kept. 404 when it was never known, 410 when it was deleted.
    pub(super) async fn read(&self, key: &ResourceKey, call: &Call<'_>) -> Result<Answer, Fault> {
        if let Some(number) = provenance::version_of(key) {
            return self.read_provenance(number, call).await;
        }
        self.reaches(call.caller, key, Deed::Read).await?;
        let version = self.store.read(key, None).await?.ok_or_else(Fault::not_found)?;
        answer(&version, call)
    }

    pub(super) async fn version_read(&self, key: &ResourceKey, version: u32, call: &Call<'_>) -> Result<Answer, Fault> {
        self.reaches(call.caller, key, Deed::Read).await?;
        let version = self.store.read(key, Some(version)).await?.ok_or_else(Fault::not_found)?;
        answer(&version, call)
    }
}

fn answer(version: &ResourceVersion, call: &Call<'_>) -> Result<Answer, Fault> {
    if version.deleted {
        return Err(Fault::gone());
    }
    if call.conditions.is_known(version) {
        return Ok(Answer::of(304, Content::Nothing).about(version.version, version.updated_at));
    }
    Ok(Answer::stored(version))
}
