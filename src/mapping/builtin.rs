//! The base maps, built into the binary: every mapping file under `mappings/`, with its text.

use std::collections::BTreeMap;

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../", $path)))),*]
    };
}

/// In the order of names. A test compares the list with the folder.
const FILES: &[(&str, &str)] = files![
    "mappings/v2/code/AddressType.yaml",
    "mappings/v2/code/AddressUse.yaml",
    "mappings/v2/code/AdministrativeSex.yaml",
    "mappings/v2/code/AdmissionType.yaml",
    "mappings/v2/code/AmbulatoryStatus.yaml",
    "mappings/v2/code/AppointmentReasonCodes.yaml",
    "mappings/v2/code/AppointmentStatus.yaml",
    "mappings/v2/code/AppointmentStatusByEvent.yaml",
    "mappings/v2/code/AppointmentTypeCodes.yaml",
    "mappings/v2/code/ContactRole.yaml",
    "mappings/v2/code/DegreeLicenseCertificate.yaml",
    "mappings/v2/code/EncounterClass.yaml",
    "mappings/v2/code/EncounterPriority.yaml",
    "mappings/v2/code/EncounterStatusByEvent.yaml",
    "mappings/v2/code/HospitalService.yaml",
    "mappings/v2/code/MaritalStatus.yaml",
    "mappings/v2/code/ModeOfArrivalCode.yaml",
    "mappings/v2/code/NameAssemblyOrder.yaml",
    "mappings/v2/code/NameType.yaml",
    "mappings/v2/code/ParticipationStatus.yaml",
    "mappings/v2/code/ReadmissionIndicator.yaml",
    "mappings/v2/code/Relationship.yaml",
    "mappings/v2/code/Religion.yaml",
    "mappings/v2/code/TelecommunicationEquipmentType.yaml",
    "mappings/v2/code/TelecommunicationUseCode.yaml",
    "mappings/v2/datatype/CWE-CodeableConcept.yaml",
    "mappings/v2/datatype/CWE-Coding.yaml",
    "mappings/v2/datatype/CWE-Location.yaml",
    "mappings/v2/datatype/CX-Identifier.yaml",
    "mappings/v2/datatype/DLD-CodeableConcept.yaml",
    "mappings/v2/datatype/DLD-Location.yaml",
    "mappings/v2/datatype/DLN-uri.yaml",
    "mappings/v2/datatype/EI-Identifier-Filler.yaml",
    "mappings/v2/datatype/EI-Identifier-Placer.yaml",
    "mappings/v2/datatype/EI-Identifier.yaml",
    "mappings/v2/datatype/EI-uri.yaml",
    "mappings/v2/datatype/HD-Endpoint.yaml",
    "mappings/v2/datatype/HD-Organization.yaml",
    "mappings/v2/datatype/HD-uri.yaml",
    "mappings/v2/datatype/ID-IdentifierType.yaml",
    "mappings/v2/datatype/IS-CodeableConcept-Degree.yaml",
    "mappings/v2/datatype/PL-Location.yaml",
    "mappings/v2/datatype/XAD-Address.yaml",
    "mappings/v2/datatype/XCN-Practitioner.yaml",
    "mappings/v2/datatype/XON-Organization.yaml",
    "mappings/v2/datatype/XPN-HumanName.yaml",
    "mappings/v2/datatype/XTN-ContactPoint.yaml",
    "mappings/v2/identity.yaml",
    "mappings/v2/message/ADT_A01.yaml",
    "mappings/v2/message/SIU_S12.yaml",
    "mappings/v2/segment/AIG-Appointment.yaml",
    "mappings/v2/segment/AIL-Appointment.yaml",
    "mappings/v2/segment/AIP-Appointment.yaml",
    "mappings/v2/segment/AIS-Appointment.yaml",
    "mappings/v2/segment/MSH-MessageHeader.yaml",
    "mappings/v2/segment/NTE-Appointment.yaml",
    "mappings/v2/segment/PID-Patient.yaml",
    "mappings/v2/segment/PV1-Encounter.yaml",
    "mappings/v2/segment/PV2-Encounter.yaml",
    "mappings/v2/segment/SCH-Appointment.yaml",
];

/// The base maps as file name and text.
pub fn files() -> BTreeMap<String, String> {
    FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}
