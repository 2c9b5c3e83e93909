//! A small world in memory: what two organisations see of it, and what one of them may write.

use std::sync::Arc;

use super::client::Client;
use super::compartment::{DIRECTORY, OWNED, SEEN, Set, Way};
use super::*;
use crate::base::Digest;
use crate::base::ids::FeedName;
use crate::record::index::reference_key;
use crate::record::{Criterion, Range, ResourceKey, ResourceVersion, SearchPage, SearchQuery, Space, VersionNumber};
use crate::store::{Answer, SearchStore};

/// Resources with what they refer to, by the code of a search parameter: `Task/1 requester=Organization/a`.
struct World(Vec<Write>);

fn key(text: &str) -> ResourceKey {
    ResourceKey::from_reference(text).unwrap()
}

fn write(text: &str) -> Write {
    let mut words = text.split(' ');
    let own = key(words.next().unwrap());
    let pairs = words.map(|word| word.split_once('=').unwrap());
    let after = pairs.map(|(code, target)| reference_key(Space::of(&own.kind, code), &key(target))).collect();
    Write { key: own, before: None, after }
}

/// A write that follows another: `Task/1 owner=Organization/a` after `Task/1`.
fn update(before: &str, after: &str) -> Write {
    Write { before: Some(write(before).after), ..write(after) }
}

impl World {
    fn new() -> Self {
        let lines = [
            "PractitionerRole/ra organization=Organization/a practitioner=Practitioner/pa",
            "PractitionerRole/rb organization=Organization/b practitioner=Practitioner/pb",
            // Asked for by a, in the three ways that messages and partners write.
            "ServiceRequest/1 requester=Organization/a subject=Patient/1",
            "ServiceRequest/2 requester=PractitionerRole/ra subject=Patient/2 performer=PractitionerRole/rb",
            "ServiceRequest/3 requester=Practitioner/pa subject=Patient/3",
            // Asked for by another, to be done by b.
            "ServiceRequest/4 requester=Organization/c subject=Patient/4",
            "Task/4 owner=Organization/b focus=ServiceRequest/4 subject=Patient/4",
            // The gateway's own record of the second.
            "Task/2 focus=ServiceRequest/2 subject=Patient/2",
            "Task/5 requester=PractitionerRole/ra subject=Patient/5",
            "Patient/1",
            "Patient/2",
            "Patient/3",
            "Patient/4",
            "Patient/5",
            "Patient/6",
            "Patient/7 organization=Organization/a",
            "Appointment/2 based-on=ServiceRequest/2",
            "Appointment/4 based-on=ServiceRequest/4",
            "Appointment/6 actor=Patient/1",
            "DiagnosticReport/2 based-on=ServiceRequest/2 result=Observation/2",
            "Observation/2",
            "Observation/6 subject=Patient/1",
            "DocumentReference/2 related=ServiceRequest/2",
            "DocumentReference/7 custodian=Organization/a",
            "DocumentReference/6 subject=Patient/1",
            "Coverage/1 beneficiary=Patient/1",
            "Coverage/4 beneficiary=Patient/4",
            "Coverage/6 beneficiary=Patient/6",
            "Organization/a",
            "Organization/b",
            "Practitioner/pa",
            "Practitioner/pb",
            "Location/1",
            "Subscription/1",
            "Binary/1",
            "Condition/1 subject=Patient/1",
        ];
        Self(lines.into_iter().map(write).collect())
    }

    fn meets(&self, write: &Write, criterion: &Criterion) -> bool {
        match criterion {
            Criterion::Bears(scans) => scans.iter().any(|scan| match &scan.range {
                Range::Exactly(key) => write.after.contains(key),
                Range::Within { .. } => panic!("compartments ask for exact keys"),
            }),
            Criterion::Id(ids) => ids.contains(&write.key.id),
            Criterion::RefersTo { space, kind, criterion } => self.0.iter().any(|other| {
                other.key.kind == *kind
                    && write.after.contains(&reference_key(*space, &other.key))
                    && self.meets(other, criterion)
            }),
            Criterion::ReferredBy { space, kind, criterion } => self.0.iter().any(|other| {
                other.key.kind == *kind
                    && other.after.contains(&reference_key(*space, &write.key))
                    && self.meets(other, criterion)
            }),
            Criterion::Not(inner) => !self.meets(write, inner),
            Criterion::All(list) => list.iter().all(|one| self.meets(write, one)),
            Criterion::Any(list) => list.iter().any(|one| self.meets(write, one)),
            Criterion::Text { .. } => false,
        }
    }

    fn seen_by(&self, caller: &Caller) -> Vec<String> {
        let seen = |write: &&Write| caller.visible(&write.key.kind).is_none_or(|visible| self.meets(write, &visible));
        self.0.iter().filter(seen).map(|write| write.key.to_string()).collect()
    }
}

impl SearchStore for World {
    fn search<'a>(&'a self, query: &'a SearchQuery) -> Answer<'a, SearchPage> {
        let one = &query.kinds[0];
        let found = self.0.iter().filter(|write| write.key.kind == one.kind && self.meets(write, &one.criterion));
        let version = |write: &Write| ResourceVersion {
            number: VersionNumber(1),
            key: write.key.clone(),
            version: 1,
            content: bytes::Bytes::new(),
            digest: Digest::of(b""),
            updated_at: Timestamp::default(),
            deleted: false,
            message: None,
        };
        let matches = found.map(version).collect();
        Box::pin(std::future::ready(Ok(SearchPage { matches, more: false, total: None })))
    }
}

fn caller(organization: Option<&str>, scopes: &str) -> Caller {
    let settings = ClientSettings {
        name: FeedName::new("client"),
        proof: Proof::Keys(KeySource::Url(String::new())),
        scopes: Scopes::registered(scopes.split(' ')).unwrap(),
        organization: organization.map(key),
    };
    let client = Arc::new(Client::new(settings));
    Caller::new(client.clone(), client.scopes.clone())
}

#[test]
fn an_organisation_sees_its_own_compartment() {
    let world = World::new();
    let directory = [
        "Organization/a",
        "Organization/b",
        "Practitioner/pa",
        "Practitioner/pb",
        "Location/1",
        "PractitionerRole/ra",
        "PractitionerRole/rb",
    ];
    for (organization, expected) in [
        (
            "Organization/a",
            "ServiceRequest/1 ServiceRequest/2 ServiceRequest/3 Task/2 Task/5 Patient/1 Patient/2 Patient/3 Patient/5 \
             Patient/7 Appointment/2 DiagnosticReport/2 Observation/2 DocumentReference/2 DocumentReference/7 Coverage/1",
        ),
        (
            "Organization/b",
            "ServiceRequest/2 ServiceRequest/4 Task/4 Task/2 Patient/2 Patient/4 Appointment/2 Appointment/4 \
             DiagnosticReport/2 Observation/2 DocumentReference/2 Coverage/4",
        ),
        ("Organization/nobody", ""),
    ] {
        let mut seen = world.seen_by(&caller(Some(organization), "system/*.cruds"));
        for one in directory {
            let at = seen.iter().position(|other| other == one).expect("the directory is seen by all");
            seen.remove(at);
        }
        assert_eq!(seen.join(" "), expected, "{organization}");
    }
    assert_eq!(world.seen_by(&caller(None, "system/*.cruds")).len(), world.0.len(), "unbound: everything");
}

#[test]
fn only_what_it_answers_for_is_deleted_by_an_organisation() {
    let world = World::new();
    let client = caller(Some("Organization/a"), "system/*.cruds");
    let deletable = |write: &&Write| world.meets(write, &client.deletable(&write.key.kind).unwrap());
    let found: Vec<String> = world.0.iter().filter(deletable).map(|write| write.key.to_string()).collect();
    assert_eq!(
        found.join(" "),
        "ServiceRequest/1 ServiceRequest/2 ServiceRequest/3 Task/5 Patient/7 DocumentReference/7"
    );
    assert_eq!(caller(None, "system/*.cruds").deletable("Patient"), None);
}

/// `Patient?_has:Observation:subject:…` and its way back, with any criterion at the end.
fn chain(kind: &str) -> Criterion {
    let any = Box::new(Criterion::All(Vec::new()));
    Criterion::ReferredBy { space: Space::of(kind, "subject"), kind: kind.into(), criterion: any }
}

#[test]
fn searches_and_their_chains_are_kept_to_what_is_seen() {
    let world = World::new();
    let found = |caller: &Caller, kind: &str, criterion: Criterion| {
        let confined = caller.confine(kind, criterion);
        let found = world.0.iter().filter(|write| write.key.kind == kind && world.meets(write, &confined));
        found.map(|write| write.key.id.as_str()).collect::<Vec<_>>().join(" ")
    };
    let everything = || Criterion::All(Vec::new());
    let everybody = caller(None, "system/*.rs");
    let bound = caller(Some("Organization/a"), "system/*.rs");
    let patients_only = caller(None, "system/Patient.rs system/Task.r system/ServiceRequest.rs?status=active");
    assert_eq!(everybody.confine("Patient", chain("Task")), chain("Task"), "nothing is added where nothing is hidden");
    for (caller, criterion, expected) in [
        (&everybody, everything(), "1 2 3 4 5 6 7"),
        (&bound, everything(), "1 2 3 5 7"),
        (&everybody, chain("Condition"), "1"),
        (&bound, chain("Condition"), ""),
        (&everybody, chain("ServiceRequest"), "1 2 3 4"),
        (&bound, chain("ServiceRequest"), "1 2 3"),
        (&patients_only, everything(), "1 2 3 4 5 6 7"),
        (&patients_only, chain("Task"), ""),
        (&patients_only, chain("ServiceRequest"), ""),
        (&bound, Criterion::Any(vec![chain("Condition"), chain("ServiceRequest")]), "1 2 3"),
        (&bound, Criterion::Not(Box::new(chain("ServiceRequest"))), "5 7"),
    ] {
        assert_eq!(found(caller, "Patient", criterion.clone()), expected, "{criterion:?}");
    }
}

async fn judged(organization: Option<&str>, writes: &[Write]) -> Option<(usize, Refusal)> {
    judge(&World::new(), &caller(organization, "system/*.cruds"), writes).await.unwrap()
}

#[tokio::test]
async fn an_organisation_writes_what_is_its_own() {
    for writes in [
        vec![write("Task/n requester=Organization/a subject=Patient/1 owner=Organization/b")],
        vec![write("Task/n requester=PractitionerRole/ra focus=ServiceRequest/3")],
        vec![write("ServiceRequest/n requester=Practitioner/pa subject=Patient/2")],
        vec![write("Patient/n organization=Organization/a")],
        vec![write("Patient/n"), write("ServiceRequest/n requester=Organization/a subject=Patient/n")],
        vec![
            write("ServiceRequest/n requester=Organization/a subject=Patient/n"),
            write("Patient/n"),
            write("Coverage/n beneficiary=Patient/n payor=Organization/c"),
            write("DocumentReference/n related=ServiceRequest/n subject=Patient/n"),
            write("Task/n requester=Organization/a focus=ServiceRequest/n subject=Patient/n"),
        ],
        vec![write("Observation/n"), write("DiagnosticReport/n based-on=ServiceRequest/1 result=Observation/n")],
        vec![write("DocumentReference/n custodian=Organization/a subject=Patient/6")],
        vec![update(
            "Task/2 focus=ServiceRequest/2 subject=Patient/2",
            "Task/2 focus=ServiceRequest/2 subject=Patient/2",
        )],
        vec![update("Patient/1", "Patient/1")],
        vec![update("Observation/2", "Observation/2")],
    ] {
        assert_eq!(judged(Some("Organization/a"), &writes).await, None, "{writes:?}");
    }
}

#[tokio::test]
async fn foreign_patients_cannot_be_drawn_into_sight() {
    let unseen = |code| Refusal::Unseen { code };
    let not_own = |code| Refusal::NotOwn { code };
    for (written, expected) in [
        (write("Subscription/n"), Refusal::Kind),
        (write("PractitionerRole/n organization=Organization/a practitioner=Practitioner/pb"), Refusal::Kind),
        (write("Organization/n"), Refusal::Kind),
        (write("Condition/n subject=Patient/1"), Refusal::Kind),
        (write("Task/n"), not_own("requester")),
        (write("Task/n requester=Organization/b owner=Organization/a"), not_own("requester")),
        (write("Task/n requester=PractitionerRole/rb"), not_own("requester")),
        (write("Task/n requester=Practitioner/pb"), not_own("requester")),
        (write("ServiceRequest/n subject=Patient/1"), not_own("requester")),
        (write("Task/n requester=Organization/a subject=Patient/6"), unseen("subject")),
        (write("Task/n requester=Organization/a focus=ServiceRequest/4"), unseen("focus")),
        (write("Task/n requester=Organization/a subject=Patient/nobody"), unseen("subject")),
        (write("ServiceRequest/n requester=Organization/a subject=Patient/4"), unseen("subject")),
        (write("Appointment/n based-on=ServiceRequest/4"), unseen("based-on")),
        (write("Coverage/n beneficiary=Patient/4"), unseen("beneficiary")),
        (write("DiagnosticReport/n based-on=ServiceRequest/1 result=Observation/6"), unseen("result")),
        (write("Patient/n"), Refusal::OutOfSight),
        (write("Patient/n organization=Organization/b"), not_own("organization")),
        (write("DocumentReference/n custodian=Organization/b"), not_own("custodian")),
        (write("DocumentReference/n subject=Patient/1"), Refusal::OutOfSight),
        (write("Observation/n subject=Patient/1"), Refusal::OutOfSight),
        (update("Patient/1", "Patient/1 organization=Organization/a"), Refusal::OwnerChanged { code: "organization" }),
        (
            update("ServiceRequest/1 requester=Organization/a subject=Patient/1", "ServiceRequest/1 subject=Patient/1"),
            Refusal::OwnerChanged { code: "requester" },
        ),
        (
            update(
                "ServiceRequest/1 requester=Organization/a subject=Patient/1",
                "ServiceRequest/1 requester=Organization/a subject=Patient/6",
            ),
            unseen("subject"),
        ),
        (update("Task/2 focus=ServiceRequest/2", "Task/2 focus=ServiceRequest/4"), unseen("focus")),
        (update("Appointment/2 based-on=ServiceRequest/2", "Appointment/2"), Refusal::OutOfSight),
    ] {
        assert_eq!(
            judged(Some("Organization/a"), std::slice::from_ref(&written)).await,
            Some((0, expected)),
            "{written:?}"
        );
        assert_eq!(judged(None, &[written]).await, None, "a client of no organisation may");
    }
    let updated_together =
        [update("Patient/6", "Patient/6"), write("Task/n requester=Organization/a subject=Patient/6")];
    assert_eq!(judged(Some("Organization/a"), &updated_together[1..]).await, Some((0, unseen("subject"))));
    let both = judged(Some("Organization/a"), &updated_together).await;
    assert_eq!(both, Some((0, Refusal::OutOfSight)), "an update of what is not seen does not make it one's own");
}

/// All ways of a set and of those below it, with the set's type.
fn ways(set: &Set, found: &mut Vec<(&'static str, &'static str)>) {
    for way in set.ways {
        match way {
            Way::Own(code) => found.push((set.kind, code)),
            Way::To(code, inner) => {
                found.push((set.kind, code));
                ways(inner, found);
            }
            Way::From(inner, code) => {
                found.push((inner.kind, code));
                ways(inner, found);
            }
            Way::In(inner) => {
                assert_eq!(inner.kind, set.kind, "a set lies in one of its own type");
                ways(inner, found);
            }
        }
    }
}

#[test]
fn the_table_names_types_once() {
    let mut kinds: Vec<&str> = SEEN.iter().map(|set| set.kind).chain(DIRECTORY.iter().copied()).collect();
    kinds.sort_unstable();
    let count = kinds.len();
    kinds.dedup();
    assert_eq!(kinds.len(), count, "each type has one rule");
    let mut found = Vec::new();
    SEEN.iter().for_each(|set| ways(set, &mut found));
    OWNED.iter().for_each(|(_, _, set)| ways(set, &mut found));
    for kind in kinds.into_iter().chain(found.iter().map(|(kind, _)| *kind)) {
        assert!(crate::fhir::definitions::is_resource(kind), "{kind}");
    }
}
