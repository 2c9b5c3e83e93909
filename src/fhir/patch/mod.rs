//! Changing parts of a resource: JSON Patch (RFC 6902) and FHIRPath Patch (R4 fhirpatch).
//!
//! Cast: an *operation* is one step of a patch; a *fault* names the operation by its index and why it cannot be done.
//!
//! It promises all or nothing: what comes out is a new resource after every operation, or a fault.

mod fault;

pub use fault::{PatchCause, PatchFault};

use super::{Node, Resource};

/// Applies a JSON Patch: an array of operations.
pub fn json_patch(_resource: &Resource, _patch: &Node) -> Result<Resource, PatchFault> {
    Err(PatchFault::malformed(None, "JSON Patch is not built yet"))
}

/// Applies a FHIRPath Patch: a Parameters resource with a parameter `operation` for each.
pub fn fhirpath_patch(_resource: &Resource, _parameters: &Resource) -> Result<Resource, PatchFault> {
    Err(PatchFault::malformed(None, "FHIRPath Patch is not built yet"))
}
