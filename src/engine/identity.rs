//! Who a patient is: matching by agreed identifiers, following merges, renaming in what a message said.
//!
//! A logical id made by the mapping stands for one identifier. When another of the patient's agreed identifiers is
//! already known, the known patient is meant. Never by value alone: an identifier without an assigning authority, or
//! of a type that many patients share, decides nothing.

use std::borrow::Cow;
use std::collections::HashMap;

use smol_str::SmolStr;

use crate::base::{Issue, IssueCode};
use crate::fhir::{Node, Object, Resource};
use crate::record::{IdentifierKey, Redirect, ResourceKey};

/// Types of identifier (HL7 table 0203) that name one patient within their authority. `MRN` is how 360X writes `MR`.
pub const IDENTITY_TYPES: [&str; 6] = ["MR", "MRN", "PI", "PT", "EPI", "MPI"];

/// The identifiers of a Patient that may decide who it is, the preferred first.
pub fn identity_keys(patient: &Resource) -> Vec<IdentifierKey> {
    let identifiers = patient.get("identifier").into_iter().flat_map(Node::items);
    identifiers.filter_map(identity_key).collect()
}

fn identity_key(identifier: &Node) -> Option<IdentifierKey> {
    let kind = identifier.text(&["type", "coding", "code"])?;
    let system = identifier.text(&["system"]).filter(|system| !system.is_empty())?;
    let value = identifier.text(&["value"])?;
    IDENTITY_TYPES.contains(&kind).then(|| IdentifierKey {
        kind: "Patient".into(),
        system: system.into(),
        value: value.into(),
    })
}

/// What is known of identities: who has an identifier, and where merged ones went.
#[derive(Default)]
pub struct Known {
    pub owners: HashMap<IdentifierKey, Vec<SmolStr>>,
    pub redirects: HashMap<ResourceKey, ResourceKey>,
}

impl Known {
    pub fn survivor(&self, key: &ResourceKey) -> ResourceKey {
        self.redirects.get(key).unwrap_or(key).clone()
    }

    pub fn learn(&mut self, patient: &Resource) {
        let Some(id) = patient.id() else { return };
        for key in identity_keys(patient) {
            let owners = self.owners.entry(key).or_default();
            if !owners.iter().any(|owner| owner == id) {
                owners.push(id.into());
            }
        }
    }

    pub fn redirect(&mut self, redirect: &Redirect) {
        for to in self.redirects.values_mut().filter(|to| **to == redirect.from) {
            *to = redirect.to.clone();
        }
        self.redirects.insert(redirect.from.clone(), redirect.to.clone());
    }

    /// The id of the patient that this one is.
    fn patient_id(&self, patient: &Resource, issues: &mut Vec<Issue>) -> SmolStr {
        let own = patient.id().unwrap_or_default();
        let mut candidates: Vec<SmolStr> = Vec::new();
        for owner in identity_keys(patient).iter().filter_map(|key| self.owners.get(key)).flatten() {
            let survivor = self.survivor(&ResourceKey::new("Patient", owner.clone())).id;
            if !candidates.contains(&survivor) {
                candidates.push(survivor);
            }
        }
        if candidates.len() > 1 {
            issues.push(Issue::warning(
                IssueCode::UnknownKey,
                "the patient's identifiers belong to several known patients: the preferred one was taken; merge them (ADT^A40) if they are one person",
            ));
        }
        let taken = candidates.into_iter().next().unwrap_or_else(|| own.into());
        self.survivor(&ResourceKey::new("Patient", taken)).id
    }
}

/// Which patients of one message are known under another id, by reference (`Patient/…`).
#[derive(Default)]
pub struct Renames(HashMap<String, String>);

impl Renames {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of a resource under its true id.
    pub fn key(&self, key: ResourceKey) -> ResourceKey {
        if self.0.is_empty() || key.kind != "Patient" {
            return key;
        }
        self.0.get(&key.to_string()).and_then(|to| ResourceKey::from_reference(to)).unwrap_or(key)
    }

    /// The resource under its true id, with its references to patients under theirs.
    fn apply(&self, resource: &Resource) -> Resource {
        let mut renamed = resource.clone();
        let own = format!("{}/{}", resource.kind(), resource.id().unwrap_or_default());
        if let Some((_, id)) = self.0.get(&own).and_then(|to| to.split_once('/')) {
            renamed.set_id(id);
        }
        rename(renamed.object_mut(), &self.0);
        renamed
    }
}

/// The resources of one message under the ids that its patients turned out to have.
pub fn renamed<'r>(resources: &'r [Resource], renames: &Renames) -> Cow<'r, [Resource]> {
    if renames.is_empty() {
        return Cow::Borrowed(resources);
    }
    let true_ids = resources.iter().map(|resource| renames.apply(resource));
    Cow::Owned(true_ids.filter(|resource| !is_merged_into_itself(resource)).map(without_self_links).collect())
}

/// A merge that was made before names one patient twice: its losing side has nothing to say of the survivor.
fn is_merged_into_itself(resource: &Resource) -> bool {
    replaced_by(resource).is_some_and(|survivor| Some(survivor.id.as_str()) == resource.id())
}

fn without_self_links(mut resource: Resource) -> Resource {
    let own = format!("Patient/{}", resource.id().unwrap_or_default());
    if resource.kind() == "Patient"
        && let Some(Node::Array(links)) = resource.object_mut().get_mut("link")
    {
        links.retain(|link| link.text(&["other", "reference"]) != Some(&own));
        if links.is_empty() {
            resource.object_mut().remove("link");
        }
    }
    resource
}

/// Finds who the patients of one message are; a doubt is an issue.
pub fn resolve(resources: &[Resource], known: &Known) -> (Renames, Vec<Issue>) {
    let mut issues = Vec::new();
    let merging = resources.iter().any(|resource| replaced_by(resource).is_some());
    let mut renames = Renames::default();
    for patient in resources.iter().filter(|resource| resource.kind() == "Patient") {
        let own = patient.id().unwrap_or_default();
        // In a merge each side is looked up by itself.
        let id = if merging { merge_side(patient, known) } else { known.patient_id(patient, &mut issues) };
        if id != own {
            renames.0.insert(format!("Patient/{own}"), format!("Patient/{id}"));
        }
    }
    (renames, issues)
}

/// Who one side of a merge is by now: a side that was merged away before stands for its survivor.
fn merge_side(patient: &Resource, known: &Known) -> SmolStr {
    let own = patient.id().unwrap_or_default();
    let owner = identity_keys(patient).iter().filter_map(|key| known.owners.get(key)).flatten().next().cloned();
    known.survivor(&ResourceKey::new("Patient", owner.unwrap_or_else(|| own.into()))).id
}

/// Replaces references, wherever they stand.
fn rename(object: &mut Object, renamed: &HashMap<String, String>) {
    for (name, node) in object.iter_mut() {
        if name == "reference"
            && let Node::String(text) = node
            && let Some(to) = renamed.get(text.as_str())
        {
            *node = Node::from(to.as_str());
        } else {
            rename_node(node, renamed);
        }
    }
}

fn rename_node(node: &mut Node, renamed: &HashMap<String, String>) {
    match node {
        Node::Object(object) => rename(object, renamed),
        Node::Array(items) => items.iter_mut().for_each(|item| rename_node(item, renamed)),
        _ => {}
    }
}

/// The survivor that a merged Patient names (`link.type = replaced-by`).
pub fn replaced_by(resource: &Resource) -> Option<ResourceKey> {
    let links = resource.get("link").filter(|_| resource.kind() == "Patient")?.items();
    let link = links.iter().find(|link| link.text(&["type"]) == Some("replaced-by"))?;
    ResourceKey::from_reference(link.text(&["other", "reference"])?)
}

/// The redirects that a message's merges ask for; a patient merged into itself asks for none.
pub fn redirects(resources: &[Resource]) -> Vec<Redirect> {
    let merged = resources.iter().filter_map(|resource| {
        let from = ResourceKey::new("Patient", resource.id()?);
        Some(Redirect { from, to: replaced_by(resource)? })
    });
    merged.filter(|redirect| redirect.from != redirect.to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(id: &str, identifiers: &[(&str, &str, &str)]) -> Resource {
        let list = identifiers.iter().map(|(kind, system, value)| {
            format!(r#"{{"type":{{"coding":[{{"code":"{kind}"}}]}},"system":"{system}","value":"{value}"}}"#)
        });
        let list = list.collect::<Vec<_>>().join(",");
        Resource::parse(format!(r#"{{"resourceType":"Patient","id":"{id}","identifier":[{list}]}}"#).as_bytes())
            .unwrap()
    }

    fn encounter(patient: &str) -> Resource {
        let text = format!(r#"{{"resourceType":"Encounter","id":"e","subject":{{"reference":"Patient/{patient}"}}}}"#);
        Resource::parse(text.as_bytes()).unwrap()
    }

    fn subject(resource: &Resource) -> &str {
        resource.text(&["subject", "reference"]).unwrap()
    }

    #[test]
    fn a_second_agreed_identifier_finds_the_known_patient() {
        let mut known = Known::default();
        known.learn(&patient("known", &[("MR", "urn:a", "1"), ("MR", "urn:b", "2")]));
        let said = [patient("made", &[("MR", "urn:b", "2")]), encounter("made")];
        let (renames, issues) = resolve(&said, &known);
        assert!(issues.is_empty());
        let said = renamed(&said, &renames);
        assert_eq!(said[0].id(), Some("known"));
        assert_eq!(subject(&said[1]), "Patient/known");
    }

    #[test]
    fn value_alone_and_shared_types_decide_nothing() {
        let mut known = Known::default();
        known.learn(&patient("known", &[("MR", "urn:a", "1"), ("SS", "urn:ssa", "999-99-9999")]));
        let said = [patient("made", &[("MR", "urn:other", "1"), ("SS", "urn:ssa", "999-99-9999"), ("MR", "", "1")])];
        let (renames, _) = resolve(&said, &known);
        assert!(renames.is_empty());
    }

    #[test]
    fn two_owners_are_told_and_the_preferred_is_taken() {
        let mut known = Known::default();
        known.learn(&patient("one", &[("MR", "urn:a", "1")]));
        known.learn(&patient("two", &[("MR", "urn:b", "2")]));
        let said = [patient("made", &[("MR", "urn:b", "2"), ("MR", "urn:a", "1")])];
        let (renames, issues) = resolve(&said, &known);
        assert_eq!(issues.len(), 1);
        assert_eq!(renamed(&said, &renames)[0].id(), Some("two"));
    }

    #[test]
    fn a_merge_that_was_made_before_leaves_the_survivor_alone() {
        let mut known = Known::default();
        known.learn(&patient("survivor", &[("MR", "urn:a", "2"), ("MR", "urn:a", "1")]));
        let side = |id: &str, number: &str, link: &str, other: &str| {
            let mut side = patient(id, &[("MR", "urn:a", number)]);
            let link = format!(r#"[{{"other":{{"reference":"Patient/{other}"}},"type":"{link}"}}]"#);
            side.object_mut().set("link", Node::parse(link.as_bytes()).unwrap());
            side
        };
        let said = [side("made2", "2", "replaces", "made1"), side("made1", "1", "replaced-by", "made2")];
        let (renames, _) = resolve(&said, &known);
        let said = renamed(&said, &renames);
        assert_eq!(said.len(), 1);
        assert_eq!((said[0].id(), said[0].get("link")), (Some("survivor"), None));
        assert!(redirects(&said).is_empty());
    }

    #[test]
    fn a_merge_made_before_is_known_again_without_agreed_identifiers() {
        let mut known = Known::default();
        let key = |id: &str| ResourceKey::new("Patient", id);
        known.redirect(&Redirect { from: key("loser"), to: key("survivor") });
        let mut loser = patient("loser", &[]);
        let link = br#"[{"other":{"reference":"Patient/survivor"},"type":"replaced-by"}]"#;
        loser.object_mut().set("link", Node::parse(link).unwrap());
        let said = [patient("survivor", &[]), loser];
        let (renames, _) = resolve(&said, &known);
        assert_eq!(renamed(&said, &renames).len(), 1);
    }

    #[test]
    fn merge_chains_lead_to_the_last_survivor() {
        let mut known = Known::default();
        let key = |id: &str| ResourceKey::new("Patient", id);
        known.redirect(&Redirect { from: key("a"), to: key("b") });
        known.redirect(&Redirect { from: key("b"), to: key("c") });
        assert_eq!(known.survivor(&key("a")), key("c"));
        let said = [patient("a", &[("MR", "urn:a", "1")]), encounter("a")];
        let (renames, _) = resolve(&said, &known);
        assert_eq!(subject(&renamed(&said, &renames)[1]), "Patient/c");
    }
}
