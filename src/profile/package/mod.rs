//! Profile packages: what implementation guides ask for beyond R4, in the compact form that `profiles/generate.py` writes.
//!
//! Cast: a *package* is one text; a *profile* is a tree of shapes; a *shape* says what holds for one element, or for one
//! slice of it. Packages are indexed when loaded, and a profile is read when it is first asked for.

mod read;
mod shape;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use smol_str::SmolStr;

use super::binding::Codes;
pub use shape::{Profile, Shape, Slicing, TypeRule};

/// The profiles and value sets of one text.
pub struct Package {
    text: Cow<'static, str>,
    profiles: HashMap<SmolStr, Indexed>,
    codes: HashMap<SmolStr, CodeList>,
}

struct Indexed {
    lines: Range<usize>,
    profile: OnceLock<Option<Profile>>,
}

/// The codes of a value set, by system.
#[derive(Default)]
pub struct CodeList(Vec<(SmolStr, Vec<SmolStr>)>);

impl Codes for CodeList {
    fn contains(&self, system: Option<&str>, code: &str) -> bool {
        let mut systems = self.0.iter().filter(|(url, _)| system.is_none_or(|system| url == system));
        systems.any(|(_, codes)| codes.iter().any(|known| known == code))
    }
}

impl Package {
    /// Indexes a text of the form that `read` describes.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        let (profiles, codes) = read::index(&text);
        let indexed = |(url, lines)| (url, Indexed { lines, profile: OnceLock::new() });
        Self { profiles: profiles.into_iter().map(indexed).collect(), codes, text }
    }

    /// The profile of a canonical URL without version.
    pub fn profile(&self, url: &str) -> Option<&Profile> {
        let indexed = self.profiles.get(url)?;
        indexed.profile.get_or_init(|| read::profile(&self.text[indexed.lines.clone()])).as_ref()
    }

    pub fn codes(&self, url: &str) -> Option<&CodeList> {
        self.codes.get(url)
    }

    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(SmolStr::as_str)
    }
}

/// The packages that the binary carries, as text.
const BUILTIN: &[&str] = &[
    include_str!("../../../profiles/r4-extensions.txt"),
    include_str!("../../../profiles/us-core-7.0.0.txt"),
    include_str!("../../../profiles/bser.txt"),
    include_str!("../../../profiles/sdohcc.txt"),
    include_str!("../../../profiles/pas.txt"),
    include_str!("../../../profiles/subscriptions-backport.txt"),
];

/// The packages that the binary carries, indexed once.
pub fn builtin() -> &'static [Package] {
    static PACKAGES: OnceLock<Vec<Package>> = OnceLock::new();
    PACKAGES.get_or_init(|| BUILTIN.iter().map(|text| Package::new(*text)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_that_is_carried_can_be_read() {
        for package in builtin() {
            assert!(package.urls().count() > 10);
            for url in package.urls() {
                assert!(package.profile(url).is_some(), "{url}");
            }
        }
    }
}
