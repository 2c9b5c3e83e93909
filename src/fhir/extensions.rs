//! The extensions that FHIR R4 defines, and the types that their values may have.
//!
//! The facts are those of the official definitions (FHIR R4 4.0.1, CC0), written by
//! `definitions/generate_extensions.py` into `definitions/extensions.txt`.

use std::collections::HashMap;
use std::sync::OnceLock;

/// What the URLs of all of them begin with.
const BASE: &str = "http://hl7.org/fhir/StructureDefinition/";

type Table = HashMap<&'static str, Vec<&'static str>>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let lines = include_str!("definitions/extensions.txt").lines().filter(|line| !line.starts_with('#'));
        let rows = lines.filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.collect()))
        });
        rows.collect()
    })
}

/// The types of the value of an extension, none when extensions are in it instead; `None` for a URL that R4 does not
/// define.
pub fn value_types(url: &str) -> Option<&'static [&'static str]> {
    table().get(url.strip_prefix(BASE)?).map(Vec::as_slice)
}

/// A URL of R4 that this one was probably meant to be.
pub fn nearest(url: &str) -> Option<String> {
    let name = url.strip_prefix(BASE)?;
    crate::base::nearest(name, table().keys().copied()).map(|name| format!("{BASE}{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_types_are_known() {
        let url = |name: &str| format!("{BASE}{name}");
        assert_eq!(value_types(&url("patient-birthPlace")), Some(&["Address"][..]));
        assert_eq!(value_types(&url("patient-nationality")), Some(&[][..]));
        assert_eq!(value_types(&url("patient-birthplace-of-mother")), None);
        assert_eq!(value_types("urn:loopgate:trigger"), None);
        assert_eq!(nearest(&url("patient-birthPlac")), Some(url("patient-birthPlace")));
    }
}
