//! FHIR XML (R4 2.6.1), read into and written from the tree that JSON is read into, by the R4 definitions.
//!
//! Cast: a *cursor* gives the tags of a text, one by one, and refuses what is no plain XML; the *reader* and the
//! *writer* walk the definitions; a *narrative* is XHTML that stays the text it is; a *fault* says where and why.
//!
//! It promises that whatever R4 defines survives the way through XML and back leaf by leaf (order in lists, decimals to
//! the digit, ids and extensions of primitives, narratives), and bounded work on any bytes: no entities, no document
//! type, bounded nesting. It knows no profile: what R4 does not define is refused when it is read.

mod cursor;
mod fault;
mod narrative;
mod reader;
mod writer;

pub use fault::XmlFault;

use super::Resource;

/// The namespace of every element but those of narratives (R4 2.6.1).
const FHIR: &str = "http://hl7.org/fhir";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Reads one resource. What R4 does not define is refused, with its place.
pub fn read(text: &[u8]) -> Result<Resource, XmlFault> {
    reader::read(text)
}

/// Writes a resource, its elements in the order of the definitions; `pretty` puts each on a line of its own. Members
/// that R4 does not define, which JSON may hold, have no place in XML and are left out.
pub fn write(resource: &Resource, pretty: bool) -> Vec<u8> {
    writer::write(resource, pretty)
}

/// An `id` is an attribute but for that of a resource, and so is the `url` of an extension (R4 2.6.1).
fn is_attribute(kind: &str, name: &str) -> bool {
    match name {
        "id" => !super::definitions::is_resource(kind),
        "url" => kind == "Extension",
        _ => false,
    }
}

#[cfg(test)]
mod tests;
