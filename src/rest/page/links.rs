//! The links of a page: the client's own parameters and, to go on, our cursor; nothing else gets into them.

use crate::record::VersionNumber;
use crate::rest::query::encode;

/// The name of the parameter that says where a page goes on: the number of the last version of the page before.
pub const CURSOR: &str = "_cursor";

/// `self`, `first` and, when there is more, `next`. `path` is below the base.
pub fn links(
    base: &str,
    path: &str,
    pairs: &[(String, String)],
    next: Option<VersionNumber>,
) -> Vec<(&'static str, String)> {
    let own = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let first = own.clone().filter(|(name, _)| *name != CURSOR);
    let mut links =
        vec![("self", address(base, path, &encode(own))), ("first", address(base, path, &encode(first.clone())))];
    if let Some(VersionNumber(number)) = next {
        let number = number.to_string();
        links.push(("next", address(base, path, &encode(first.chain([(CURSOR, number.as_str())])))));
    }
    links
}

/// The version number that a cursor names.
pub fn cursor(text: &str) -> Option<VersionNumber> {
    text.parse().ok().map(VersionNumber)
}

fn address(base: &str, path: &str, query: &str) -> String {
    let slash = if path.is_empty() { "" } else { "/" };
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{base}{slash}{path}{mark}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_hold_what_was_asked() {
        let pairs = [("name", "a b"), (CURSOR, "7")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let links = links("http://a/fhir", "Patient", &pairs, Some(VersionNumber(9)));
        let expected = [
            ("self", "http://a/fhir/Patient?name=a%20b&_cursor=7"),
            ("first", "http://a/fhir/Patient?name=a%20b"),
            ("next", "http://a/fhir/Patient?name=a%20b&_cursor=9"),
        ];
        assert_eq!(links, expected.map(|(relation, url)| (relation, url.to_owned())));
        assert_eq!(super::links("http://a", "", &[], None)[0].1, "http://a");
    }
}
