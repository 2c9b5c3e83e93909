"""What is in the Synthea bundles, reduced to what a search can ask for. References keep the bundles' own names
(`urn:uuid:…`) until the load says which ids the resources were given."""

import dataclasses
import unicodedata

import fhir_time

# Where a kind names its patient, its codes and its time.
PATIENT = {"Observation": "subject", "Encounter": "subject", "Condition": "subject", "Procedure": "subject",
           "DiagnosticReport": "subject", "DocumentReference": "subject", "MedicationRequest": "subject",
           "CarePlan": "subject", "CareTeam": "subject", "ImagingStudy": "subject", "MedicationAdministration": "subject",
           "Claim": "patient", "ExplanationOfBenefit": "patient", "Immunization": "patient", "Device": "patient",
           "AllergyIntolerance": "patient", "SupplyDelivery": "patient"}
CODES = {"Observation": ["code"], "Condition": ["code"], "Procedure": ["code"], "DiagnosticReport": ["code"],
         "Encounter": ["type"], "Immunization": ["vaccineCode"], "MedicationRequest": ["medicationCodeableConcept"],
         "AllergyIntolerance": ["code"]}
TIME = {"Observation": "effectiveDateTime", "Encounter": "period", "Condition": "onsetDateTime", "Claim": "created",
        "Procedure": "performedPeriod", "Immunization": "occurrenceDateTime", "MedicationRequest": "authoredOn",
        "Patient": "birthDate", "DiagnosticReport": "effectiveDateTime", "ExplanationOfBenefit": "created"}


@dataclasses.dataclass(slots=True)
class Fact:
    """One resource. `place` is `Type/id` once it is known."""

    kind: str
    full_url: str
    patient: str | None
    codes: frozenset
    categories: frozenset
    time: tuple | None
    status: str | None
    more: dict
    place: str | None = None


def codings(value):
    """`system|code` of a CodeableConcept, of several, or of a Coding."""
    if isinstance(value, list):
        return [coding for part in value for coding in codings(part)]
    found = value.get("coding", [value] if "code" in value else []) if isinstance(value, dict) else []
    return [f"{coding.get('system', '')}|{coding['code']}" for coding in found if "code" in coding]


def time_of(resource):
    value = resource.get(TIME.get(resource["resourceType"]))
    if value is None:
        return None
    return fhir_time.span_of_period(value) if isinstance(value, dict) else fhir_time.span(value)


def status_of(resource):
    if resource["resourceType"] == "Condition":
        return resource["clinicalStatus"]["coding"][0]["code"]
    return resource.get("status")


def plain(text):
    """As a string search compares: without case and accents."""
    return "".join(one for one in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(one))


def more_of(resource):
    """What only some kinds have."""
    kind = resource["resourceType"]
    if kind == "Patient":
        name = resource["name"][0]
        return {"family": [plain(part["family"]) for part in resource["name"]],
                "given": [plain(given) for part in resource["name"] for given in part["given"]],
                "gender": resource["gender"], "city": plain(resource["address"][0]["city"]), "official": name["family"],
                "born": resource["birthDate"], "dead": "deceasedDateTime" in resource}
    if kind == "Observation":
        return {"quantity": resource.get("valueQuantity"), "encounter": resource.get("encounter", {}).get("reference"),
                "components": [coding for part in resource.get("component", []) for coding in codings(part["code"])]}
    if kind == "Encounter":
        return {"class": resource["class"]["code"], "provider": resource.get("serviceProvider", {}).get("reference")}
    if kind in ("Organization", "Practitioner"):
        name = resource["name"] if kind == "Organization" else resource["name"][0]["family"]
        return {"name": plain(name), "identifiers": [f"{one['system']}|{one['value']}" for one in resource["identifier"]]}
    return {}


def fact(entry):
    resource = entry["resource"]
    kind = resource["resourceType"]
    reference = resource.get(PATIENT.get(kind), {}).get("reference") if kind in PATIENT else None
    return Fact(
        kind,
        entry["fullUrl"],
        reference,
        frozenset(coding for element in CODES.get(kind, []) for coding in codings(resource.get(element, []))),
        frozenset(codings(resource.get("category", [])) if kind != "AllergyIntolerance" else []),
        time_of(resource),
        status_of(resource),
        more_of(resource),
    )
