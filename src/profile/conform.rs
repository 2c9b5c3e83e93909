//! Judging a resource, or a value within one, by a profile.

use super::Validator;
use super::binding;
use super::matching::{Fit, has_pattern, is_equal};
use super::package::{Profile, Shape};
use super::place::Place;
use super::structure::{Scope, Walk};
use super::values::{self, Value};
use crate::base::issue::{IssueCode, Severity};
use crate::base::limits;
use crate::fhir::{Node, Object, definitions};

impl Validator {
    /// Whether a value meets a profile, without saying why not.
    pub fn conforms(&self, profile: &Profile, value: &Value<'_>, scope: Scope<'_>) -> bool {
        if scope.depth >= limits::PROFILE_DEPTH_MAX {
            return true;
        }
        let mut walk = Walk::new(self);
        walk.value(&profile.root, value, profile.name(), &Place::root(value.kind), scope.deeper());
        value.kind == profile.kind && walk.report.into_issues().iter().all(|issue| issue.severity < Severity::Error)
    }

    /// The type that a profile of this URL constrains; a type of R4 is its own profile.
    pub fn kind_of_profile<'u>(&'u self, url: &'u str) -> Option<&'u str> {
        let base = || url.strip_prefix("http://hl7.org/fhir/StructureDefinition/");
        let profiled = self.profile(url).map(|profile| profile.kind.as_str());
        profiled.or_else(|| base().filter(|kind| definitions::is_known(kind)))
    }
}

impl Walk<'_> {
    /// The profiles of `meta.profile`, and those asked for. One that is not loaded cannot be judged.
    pub fn claimed_profiles(&mut self, kind: &'static str, resource: &Object, place: &Place<'_>, scope: Scope<'_>) {
        let claimed = resource.get("meta").and_then(|meta| meta.get("profile")).map_or(&[][..], Node::items);
        for (at, url) in claimed.iter().enumerate() {
            let Some(url) = url.as_str() else { continue };
            match self.validator.profile(url) {
                Some(profile) => self.profile(profile, kind, resource, place, scope),
                None if self.validator.kind_of_profile(url) == Some(kind) => {}
                None => {
                    let meta = place.member("meta");
                    let list = meta.member("profile");
                    let text = "a profile that is not loaded: not judged";
                    self.report.add(&list.index(at), Severity::Information, IssueCode::NotApplicable, text);
                }
            }
        }
    }

    /// Judges a resource by a profile.
    pub fn profile(
        &mut self,
        profile: &Profile,
        kind: &'static str,
        resource: &Object,
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        if profile.kind != kind {
            let text = format!("{}: a profile of {}", profile.name(), profile.kind);
            self.report.error(place, IssueCode::Profile, text);
            return;
        }
        self.value(&profile.root, &Value::resource(resource, kind), profile.name(), place, scope);
    }

    /// Judges one value by a shape. `by` is the name of the profile.
    pub fn value(&mut self, shape: &Shape, value: &Value<'_>, by: &str, place: &Place<'_>, scope: Scope<'_>) {
        self.types(shape, value, by, place, scope);
        self.content(shape, value, by, place);
        if let Some(element) = value.element() {
            shape.rules.iter().for_each(|rule| rule.judge(element, place, scope, &mut self.report));
        }
        for member in &shape.members {
            let found = value.members().map_or_else(Vec::new, |(kind, object)| values::of(kind, object, &member.name));
            self.values(member, &found, by, place, scope);
        }
    }

    /// Judges all values of an element, or of a slice, that stand at `place`.
    fn values(&mut self, shape: &Shape, values: &[Value<'_>], by: &str, place: &Place<'_>, scope: Scope<'_>) {
        self.count(shape, values.len(), by, place);
        for value in values {
            let element = place.element(value.element, value.kind);
            let place = value.index.map_or(element, |index| element.index(index));
            self.value(shape, value, by, &place, scope);
        }
        self.slices(shape, values, by, place, scope);
    }

    fn count(&mut self, shape: &Shape, count: usize, by: &str, place: &Place<'_>) {
        let name = shape.name.trim_end_matches("[x]");
        if count < shape.min as usize {
            let text = format!("{by}: at least {} of `{name}`", shape.min);
            self.report.error(place, IssueCode::RequiredMissing, text);
        }
        if let Some(max) = shape.max.filter(|max| count > *max as usize) {
            self.report.error(place, IssueCode::Cardinality, format!("{by}: at most {max} of `{name}`"));
        }
    }

    fn slices(&mut self, shape: &Shape, values: &[Value<'_>], by: &str, place: &Place<'_>, scope: Scope<'_>) {
        let Some(slicing) = &shape.slicing else { return };
        let mut taken = vec![false; values.len()];
        let mut is_known = true;
        for slice in &shape.slices {
            let mut members = Vec::new();
            let mut is_told = true;
            for (at, value) in values.iter().enumerate() {
                match self.validator.fits(slicing, slice, value, scope) {
                    Fit::Yes => {
                        taken[at] = true;
                        members.push(*value);
                    }
                    Fit::Unknown => is_told = false,
                    Fit::No => {}
                }
            }
            if is_told {
                self.values(slice, &members, by, place, scope);
            }
            is_known &= is_told;
        }
        if slicing.is_closed && is_known && taken.contains(&false) {
            let text = format!("{by}: `{}` has a value that belongs to no slice", shape.name);
            self.report.error(place, IssueCode::Profile, text);
        }
    }

    fn types(&mut self, shape: &Shape, value: &Value<'_>, by: &str, place: &Place<'_>, scope: Scope<'_>) {
        if shape.types.is_empty() || shape.types.iter().any(|rule| rule.code == "Resource" || rule.code.contains('.')) {
            return;
        }
        let is_backbone = value.kind.contains('.');
        let allowed = shape.types.iter().find(|rule| {
            rule.code == value.kind || (is_backbone && matches!(rule.code.as_str(), "BackboneElement" | "Element"))
        });
        let Some(rule) = allowed else {
            let names: Vec<_> = shape.types.iter().map(|rule| rule.code.as_str()).collect();
            self.report.error(place, IssueCode::DataType, format!("{by}: only {}", names.join(" or ")));
            return;
        };
        match rule.code.as_str() {
            "Reference" => self.targets(&rule.profiles, value, by, place, scope),
            // What an extension must be is judged where every extension is.
            "canonical" | "Extension" => {}
            _ => self.type_profiles(&rule.profiles, value, by, place, scope),
        }
    }

    /// The value meets one of the profiles of its type, as far as they are loaded.
    fn type_profiles(
        &mut self,
        urls: &[smol_str::SmolStr],
        value: &Value<'_>,
        by: &str,
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        let validator = self.validator;
        let profiles: Vec<_> = urls.iter().filter_map(|url| validator.profile(url)).collect();
        let meets_none =
            |several: &[&Profile]| !several.iter().any(|profile| validator.conforms(profile, value, scope));
        match profiles.as_slice() {
            [only] if urls.len() == 1 && scope.depth < limits::PROFILE_DEPTH_MAX => {
                self.value(&only.root, value, only.name(), place, scope.deeper());
            }
            several if several.len() == urls.len() && several.len() > 1 && meets_none(several) => {
                let names: Vec<_> = several.iter().map(|profile| profile.name()).collect();
                let text = format!("{by}: meets none of {}", names.join(", "));
                self.report.error(place, IssueCode::Profile, text);
            }
            _ => {}
        }
    }

    /// The type of what is referred to is that of one of the profiles. The target itself is judged where it stands.
    fn targets(
        &mut self,
        urls: &[smol_str::SmolStr],
        value: &Value<'_>,
        by: &str,
        place: &Place<'_>,
        scope: Scope<'_>,
    ) {
        let Some(kind) = value.node.and_then(|node| super::reference::kind_of_target(node, scope)) else { return };
        let kinds: Vec<_> = urls.iter().map(|url| self.validator.kind_of_profile(url)).collect();
        let is_allowed = |known: Option<&str>| known.is_none_or(|known| known == kind || known == "Resource");
        if !kinds.is_empty() && !kinds.iter().copied().any(is_allowed) {
            let names: Vec<_> = kinds.iter().flatten().copied().collect();
            let text = format!("{by}: refers to something else than {}", names.join(" or "));
            self.report.error(place, IssueCode::Reference, text);
        }
    }

    fn content(&mut self, shape: &Shape, value: &Value<'_>, by: &str, place: &Place<'_>) {
        let Some(node) = value.node else { return };
        if shape.fixed.as_ref().is_some_and(|fixed| !is_equal(node, fixed)) {
            self.report.error(place, IssueCode::Profile, format!("{by}: not the value that is fixed"));
        }
        if shape.pattern.as_ref().is_some_and(|pattern| !has_pattern(node, pattern)) {
            self.report.error(place, IssueCode::Profile, format!("{by}: not of the pattern"));
        }
        let codes = shape.codes.as_ref().and_then(|url| self.validator.codes(url).map(|codes| (url, codes)));
        if let Some((url, codes)) = codes
            && !binding::is_member(codes, value.kind, node)
        {
            let name = url.rsplit('/').next().unwrap_or(url);
            let text = format!("{by}: a code of the value set {name} is required");
            self.report.error(place, IssueCode::UnknownCode, text);
        }
    }
}
