//! `_include` and `_revinclude`: which other resources come with what was found (FHIR R4 search 3.1.1.5.4).

use super::Include;
use super::fault::Fault;
use crate::fhir::{Resource, definitions};
use crate::record::{Criterion, KindQuery, Range, ResourceKey, Scan, Space, reference_key};
use crate::search::extraction::references;
use crate::search::parameters::{ParameterType, parameter, parameters};

const ANY: &str = "*";

impl Include {
    /// Reads `Type:parameter`, `Type:parameter:Target`, `Type:*` and `*`.
    pub(super) fn parse(value: &str, reverse: bool, iterate: bool) -> Result<Self, Fault> {
        let mut parts = value.split(':');
        let (source, parameter) = (parts.next().unwrap_or_default(), parts.next().unwrap_or(ANY));
        let target = parts.next().map(|kind| definitions::resource(kind).ok_or(Fault::NoSuchTarget)).transpose()?;
        if parts.next().is_some() || (source != ANY && value == source) {
            return Err(Fault::Malformed("expected Type:parameter, Type:parameter:Target, Type:* or *"));
        }
        if source == ANY && reverse {
            return Err(Fault::Unsupported("would search all types; name one: Type:parameter or Type:*"));
        }
        let include = Self {
            source: source.into(),
            parameter: parameter.into(),
            target: target.map(Into::into),
            iterate,
            reverse,
        };
        if source == ANY || include.codes().next().is_some() { Ok(include) } else { Err(Fault::NoInclude) }
    }

    /// The codes of the reference parameters of its source.
    fn codes(&self) -> impl Iterator<Item = &'static str> {
        let references = parameters(&self.source).filter(|one| one.kind == ParameterType::Reference);
        references.map(|one| one.code).filter(|code| self.parameter == ANY || self.parameter == *code)
    }

    /// For `_include`: what a resource brings with it.
    pub fn references(&self, resource: &Resource) -> Vec<ResourceKey> {
        if self.reverse || (self.source != ANY && self.source != resource.kind()) {
            return Vec::new();
        }
        let mut found = references(resource, &self.parameter);
        found.retain(|key| self.admits(key));
        found
    }

    fn admits(&self, key: &ResourceKey) -> bool {
        self.target.as_ref().is_none_or(|target| *target == key.kind)
    }

    /// For `_revinclude`: the search for the resources that refer to one of these; `None` when none can.
    pub fn referrers(&self, targets: &[ResourceKey]) -> Option<KindQuery> {
        let mut scans = Vec::new();
        for code in self.codes().filter(|_| self.reverse) {
            let space = Space::of(&self.source, code);
            let may = |key: &&ResourceKey| {
                self.admits(key) && parameter(&self.source, code).is_some_and(|one| one.may_refer_to(&key.kind))
            };
            let exactly = |key| Scan { range: Range::Exactly(reference_key(space, key)), tests: Vec::new() };
            scans.extend(targets.iter().filter(may).map(exactly));
        }
        let criterion = Criterion::Bears(scans);
        let some = !matches!(&criterion, Criterion::Bears(scans) if scans.is_empty());
        some.then(|| KindQuery { kind: self.source.clone(), criterion, order: Vec::new() })
    }
}
