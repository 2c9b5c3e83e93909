//! A bulk export that a client asked for: what is in it is fixed by the version number at its start.

use smol_str::SmolStr;

use super::VersionNumber;
use crate::base::Timestamp;

/// One export, kept until its client deletes it or it grows old. Its files are read from the store when they are fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportJob {
    /// A random UUID, as text.
    pub id: SmolStr,
    /// Who asked: nobody else may fetch it.
    pub client: SmolStr,
    pub asked_at: Timestamp,
    /// The state that is exported.
    pub as_of: VersionNumber,
    /// The rest of the request (scope, types, since, counts), written and read by the REST layer: JSON without patient data.
    pub plan: String,
}
