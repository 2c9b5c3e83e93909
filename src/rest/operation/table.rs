//! Which operations there are.

use std::sync::Arc;

use super::convert::Convert;
use super::everything::Everything;
use super::export::{self, Export};
use super::matching::Match;
use super::merging::Merge;
use super::meta::Meta;
use super::process_message::ProcessMessage;
use super::subscription::Subscription;
use super::validate::Validate;
use super::{Handler, Kinds, Operation, Operations};
use crate::engine::Intake;
use crate::engine::read::Reader;
use crate::rest::Method;

/// The canonical URL of an operation of the FHIR specification.
macro_rules! core {
    ($name:literal) => {
        concat!("http://hl7.org/fhir/OperationDefinition/", $name)
    };
}

/// What operations need beyond the server.
pub struct Doors {
    pub intake: Arc<Intake>,
    pub reader: Arc<Reader>,
}

const READS: &[Method] = &[Method::Get, Method::Post];
const WRITES: &[Method] = &[Method::Post];

/// All of them.
pub fn table(doors: Doors) -> Operations {
    let Doors { intake, reader } = doors;
    let patient = Kinds::These(&["Patient"]);
    let subscription = Kinds::These(&["Subscription"]);
    let exports = Export::default();
    let row = |name, place: Place, methods, handler: Arc<dyn Handler>| Operation {
        name,
        definition: place.definition,
        on_system: place.system,
        on_kinds: place.kinds,
        on_instances: place.instances,
        methods,
        handler,
    };
    let export = exports.clone();
    Operations::new(vec![
        row(
            "validate",
            Place::of(core!("Resource-validate")).kinds(Kinds::All).instances(Kinds::All),
            READS,
            Arc::new(Validate),
        ),
        row("meta", Place::of(core!("Resource-meta")).instances(Kinds::All), READS, Arc::new(Meta::Show)),
        row("meta-add", Place::of(core!("Resource-meta-add")).instances(Kinds::All), WRITES, Arc::new(Meta::Add)),
        row(
            "meta-delete",
            Place::of(core!("Resource-meta-delete")).instances(Kinds::All),
            WRITES,
            Arc::new(Meta::Delete),
        ),
        row("everything", Place::of(core!("Patient-everything")).instances(patient), READS, Arc::new(Everything)),
        row("match", Place::of(core!("Patient-match")).kinds(patient), WRITES, Arc::new(Match)),
        row("merge", Place::of(core!("Patient-merge")).kinds(patient), WRITES, Arc::new(Merge)),
        row(
            "process-message",
            Place::of(core!("MessageHeader-process-message")).system(),
            WRITES,
            Arc::new(ProcessMessage { intake }),
        ),
        row("convert", Place::of("urn:loopgate:operation:convert").system(), WRITES, Arc::new(Convert { reader })),
        row("status", Place::of(STATUS).instances(subscription), READS, Arc::new(Subscription::Status)),
        row("events", Place::of(EVENTS).instances(subscription), READS, Arc::new(Subscription::Events)),
        row("export", Place::of(BULK_SYSTEM).system(), READS, Arc::new(export.clone())),
        row("export", Place::of(BULK_PATIENT).kinds(patient), READS, Arc::new(export.clone())),
        row("export", Place::of(BULK_GROUP).instances(Kinds::These(&["Group"])), READS, Arc::new(export)),
        row(
            "export-status",
            Place::of("urn:loopgate:operation:export-status").system(),
            &[Method::Get, Method::Delete],
            Arc::new(export::Status(exports)),
        ),
        row(
            "export-file",
            Place::of("urn:loopgate:operation:export-file").system(),
            &[Method::Get],
            Arc::new(export::File),
        ),
    ])
}

const STATUS: &str = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status";
const EVENTS: &str = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-events";
const BULK_SYSTEM: &str = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export";
const BULK_PATIENT: &str = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export";
const BULK_GROUP: &str = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export";

/// Where an operation stands.
struct Place {
    definition: &'static str,
    system: bool,
    kinds: Kinds,
    instances: Kinds,
}

impl Place {
    const fn of(definition: &'static str) -> Self {
        Self { definition, system: false, kinds: Kinds::None, instances: Kinds::None }
    }

    const fn system(self) -> Self {
        Self { system: true, ..self }
    }

    const fn kinds(self, kinds: Kinds) -> Self {
        Self { kinds, ..self }
    }

    const fn instances(self, instances: Kinds) -> Self {
        Self { instances, ..self }
    }
}
