//! FHIR R4 resources as checked, lossless JSON with narrow views for the dozen elements our own code touches.
//!
//! Cast: a *node* is any JSON value, members in order and numbers as their text; a *resource* is an object whose
//! `resourceType` is known to be there. What we do not understand passes through unchanged and in order.
//!
//! It knows no HTTP, no storage and no profile.

pub mod bindings;
pub mod definitions;
pub mod extensions;
pub mod fhirpath;
pub mod json;
pub mod patch;
pub mod path;
pub mod reader;
pub mod references;
pub mod resource;
pub mod subset;
pub mod xml;

pub use json::{Node, Object};
pub use patch::PatchFault;
pub use reader::JsonFault;
pub use resource::Resource;
pub use xml::XmlFault;
