//! What belongs to an organisation: sets of resources, each told by how its members refer, by R4 search parameters, to
//! the organisation or to members of other sets.
//!
//! The table below is the whole of it, and `docs/access.md` says it in words. A set refers only to sets above it, so
//! that every criterion has an end. What has no set is seen by nobody who is bound to an organisation.

use std::collections::HashMap;

use crate::record::index::reference_key;
use crate::record::{Criterion, Range, ResourceKey, Scan, Space};

/// Resources of one type that belong to an organisation: those for which one of the ways leads to it.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) kind: &'static str,
    pub(super) ways: &'static [Way],
}

/// How a resource belongs to the organisation. Codes are those of reference parameters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// It refers to the organisation itself.
    Own(&'static str),
    /// It refers to a member of a set.
    To(&'static str, &'static Set),
    /// A member of a set refers to it, by a parameter of that member's type.
    From(&'static Set, &'static str),
    /// It is a member of another set of the same type.
    In(&'static Set),
}

use Way::{From, In, Own, To};

static ROLES: Set = Set { kind: "PractitionerRole", ways: &[Own("organization")] };
static PEOPLE: Set = Set { kind: "Practitioner", ways: &[From(&ROLES, "practitioner")] };

/// Referrals that the organisation itself asked for.
static REQUESTED: Set =
    Set { kind: "ServiceRequest", ways: &[Own("requester"), To("requester", &ROLES), To("requester", &PEOPLE)] };
/// Those that it asked for, or is asked to perform.
static ORDERED: Set = Set {
    kind: "ServiceRequest",
    ways: &[In(&REQUESTED), Own("performer"), To("performer", &ROLES), To("performer", &PEOPLE)],
};
static ASSIGNED: Set =
    Set { kind: "Task", ways: &[Own("requester"), To("requester", &ROLES), To("requester", &PEOPLE)] };
static TASKED: Set =
    Set { kind: "Task", ways: &[In(&ASSIGNED), Own("owner"), To("owner", &ROLES), To("owner", &PEOPLE)] };

static REQUESTS: Set = Set { kind: "ServiceRequest", ways: &[In(&ORDERED), From(&TASKED, "focus")] };
/// The Task that the gateway keeps of a referral names neither requester nor owner: its focus says whose it is.
static TASKS: Set = Set { kind: "Task", ways: &[In(&TASKED), To("focus", &ORDERED)] };
static PATIENTS: Set =
    Set { kind: "Patient", ways: &[Own("organization"), From(&REQUESTS, "subject"), From(&TASKED, "subject")] };
static APPOINTMENTS: Set = Set { kind: "Appointment", ways: &[To("based-on", &REQUESTS)] };
static REPORTS: Set = Set { kind: "DiagnosticReport", ways: &[To("based-on", &REQUESTS)] };
static CLAIMS: Set = Set { kind: "Claim", ways: &[Own("provider"), Own("insurer")] };
static ELIGIBILITY: Set = Set { kind: "CoverageEligibilityRequest", ways: &[Own("provider")] };

/// What an organisation sees, a set for each type.
pub(super) static SEEN: &[&Set] = &[
    &TASKS,
    &REQUESTS,
    &PATIENTS,
    &APPOINTMENTS,
    &Set { kind: "AppointmentResponse", ways: &[To("appointment", &APPOINTMENTS)] },
    &Set { kind: "DocumentReference", ways: &[Own("custodian"), To("related", &REQUESTS), To("related", &TASKED)] },
    &REPORTS,
    &Set { kind: "Observation", ways: &[To("based-on", &REQUESTS), From(&REPORTS, "result")] },
    &Set { kind: "Procedure", ways: &[To("based-on", &REQUESTS)] },
    &Set { kind: "ImagingStudy", ways: &[To("basedon", &REQUESTS)] },
    &Set { kind: "Encounter", ways: &[To("based-on", &REQUESTS), To("appointment", &APPOINTMENTS)] },
    &Set { kind: "Communication", ways: &[To("based-on", &REQUESTS), To("based-on", &TASKED)] },
    &Set { kind: "CommunicationRequest", ways: &[To("based-on", &REQUESTS), To("based-on", &TASKED)] },
    &Set { kind: "QuestionnaireResponse", ways: &[To("based-on", &REQUESTS)] },
    &Set { kind: "Coverage", ways: &[Own("payor"), To("beneficiary", &PATIENTS)] },
    &ELIGIBILITY,
    &Set {
        kind: "CoverageEligibilityResponse",
        ways: &[Own("requestor"), Own("insurer"), To("request", &ELIGIBILITY)],
    },
    &CLAIMS,
    &Set { kind: "ClaimResponse", ways: &[Own("requestor"), Own("insurer"), To("request", &CLAIMS)] },
];

/// What an organisation answers for: it alone may delete these, and whom they name by the parameter does not change.
pub(super) static OWNED: &[(&str, &str, &Set)] = &[
    ("Task", "requester", &ASSIGNED),
    ("ServiceRequest", "requester", &REQUESTED),
    ("Patient", "organization", &Set { kind: "Patient", ways: &[Own("organization")] }),
    ("DocumentReference", "custodian", &Set { kind: "DocumentReference", ways: &[Own("custodian")] }),
];

/// What everybody may read: who and where the providers are, their free times, and definitions. No patient data.
pub(super) static DIRECTORY: &[&str] = &[
    "Organization",
    "OrganizationAffiliation",
    "Practitioner",
    "PractitionerRole",
    "Location",
    "HealthcareService",
    "Schedule",
    "Slot",
    "Questionnaire",
    "ActivityDefinition",
    "PlanDefinition",
    "StructureDefinition",
    "SearchParameter",
    "OperationDefinition",
    "CapabilityStatement",
    "ImplementationGuide",
    "ValueSet",
    "CodeSystem",
    "ConceptMap",
    "NamingSystem",
];

/// The compartment of one organisation, as criteria.
pub(super) struct Compartment {
    pub(super) organization: ResourceKey,
    seen: HashMap<&'static str, Criterion>,
    owned: HashMap<&'static str, Criterion>,
}

impl Compartment {
    pub(super) fn of(organization: ResourceKey) -> Self {
        let seen = SEEN.iter().map(|set| (set.kind, set.criterion(&organization))).collect();
        let owned = OWNED.iter().map(|(kind, _, set)| (*kind, set.criterion(&organization))).collect();
        Self { organization, seen, owned }
    }

    /// None: anything of this type.
    pub(super) fn seen(&self, kind: &str) -> Option<Criterion> {
        (!DIRECTORY.contains(&kind)).then(|| self.seen.get(kind).cloned().unwrap_or_else(nothing))
    }

    pub(super) fn owned(&self, kind: &str) -> Criterion {
        self.owned.get(kind).cloned().unwrap_or_else(nothing)
    }
}

/// What no resource is.
pub(super) const fn nothing() -> Criterion {
    Criterion::Any(Vec::new())
}

/// That a resource of type `kind` refers to `target` by the parameter `code`.
pub(super) fn refers(kind: &str, code: &str, target: &ResourceKey) -> Criterion {
    let key = reference_key(Space::of(kind, code), target);
    Criterion::Bears(vec![Scan { range: Range::Exactly(key), tests: Vec::new() }])
}

impl Set {
    pub(super) fn criterion(&self, organization: &ResourceKey) -> Criterion {
        Criterion::Any(self.ways.iter().map(|way| way.criterion(self.kind, organization)).collect())
    }
}

impl Way {
    fn criterion(self, kind: &str, organization: &ResourceKey) -> Criterion {
        let inner = |set: &Set| Box::new(set.criterion(organization));
        match self {
            Own(code) => refers(kind, code, organization),
            To(code, set) => {
                Criterion::RefersTo { space: Space::of(kind, code), kind: set.kind.into(), criterion: inner(set) }
            }
            From(set, code) => {
                Criterion::ReferredBy { space: Space::of(set.kind, code), kind: set.kind.into(), criterion: inner(set) }
            }
            In(set) => set.criterion(organization),
        }
    }
}
