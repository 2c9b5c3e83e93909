"""PyPI fhirclient 4.4 against the FHIR door. Its models are strict: a property or a form that R4 does not know is an
error, so every answer it reads is also judged."""

import datetime

import requests
from checks import expect
from fhirclient import client
from fhirclient.models.bundle import Bundle
from fhirclient.models.encounter import Encounter
from fhirclient.models.fhirdatetime import FHIRDateTime
from fhirclient.models.observation import Observation
from fhirclient.models.operationoutcome import OperationOutcome
from fhirclient.models.patient import Patient
from fhirclient.models.task import Task
from fhirclient.server import FHIRNotFoundException

SYSTEM = "urn:oid:2.999.4.2"
ENCOUNTERS = 23


class Clinic:
    """A connected client and what the checks made with it."""

    def __init__(self, base, tag):
        self.base, self.tag = base, f"fhirclient{tag}"
        self.smart = client.FHIRClient(settings={"app_id": "loopgate-interop", "api_base": base})
        self.patient_id = None

    @property
    def server(self):
        return self.smart.server

    def patient(self):
        return Patient({
            "resourceType": "Patient",
            "identifier": [{"system": SYSTEM, "value": self.tag}],
            "name": [{"family": self.tag, "given": ["Grace"]}],
            "birthDate": "1906-12-09",
            "extension": [{"url": "urn:oid:2.999.4.2.1", "valueDecimal": 1.50}],
        })

    def subject(self):
        return {"reference": f"Patient/{self.patient_id}"}


def prepare(clinic):
    expect(clinic.smart.prepare(), True)
    statement = clinic.server.capabilityStatement
    expect(statement.fhirVersion, "4.0.1")
    kinds = {resource.type: resource for resource in statement.rest[0].resource}
    expect({"Patient", "Task", "Observation"} <= set(kinds), True)
    codes = {interaction.code for interaction in kinds["Patient"].interaction}
    wanted = {"read", "vread", "update", "patch", "delete", "history-instance", "create", "search-type"}
    expect(sorted(wanted - codes), [])
    expect("birthdate" in {parameter.name for parameter in kinds["Patient"].searchParam}, True)


def create_read_update(clinic):
    answer = clinic.patient().create(clinic.server)
    clinic.patient_id = answer["id"]
    patient = Patient.read(clinic.patient_id, clinic.server)
    expect((patient.name[0].family, patient.birthDate.isostring), (clinic.tag, "1906-12-09"))
    expect(patient.extension[0].valueDecimal, 1.5)
    patient.gender = "female"
    patient.update(clinic.server)
    expect(Patient.read(clinic.patient_id, clinic.server).gender, "female")


def encounters_by_page(clinic):
    for number in range(ENCOUNTERS):
        start = datetime.datetime(2026, 3, 1 + number, 9, tzinfo=datetime.timezone.utc)
        encounter = Encounter({
            "resourceType": "Encounter",
            "status": "finished" if number % 2 else "planned",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": clinic.subject(),
            "period": {"start": start.isoformat(), "end": (start + datetime.timedelta(hours=1)).isoformat()},
        })
        encounter.create(clinic.server)
    found = list(Encounter.where({"patient": clinic.patient_id, "_count": "5"}).perform_resources_iter(clinic.server))
    expect((len(found), len({encounter.id for encounter in found})), (ENCOUNTERS, ENCOUNTERS))
    planned = Encounter.where({"patient": clinic.patient_id, "status": "planned", "date": "ge2026-03-10"})
    expect(len(list(planned.perform_resources_iter(clinic.server))), 7)


def chain_and_include(clinic):
    Observation({
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "subject": clinic.subject(),
        "effectiveDateTime": "2026-03-05",
        "valueQuantity": {"value": 13.10, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
    }).create(clinic.server)
    search = Observation.where({"subject": {"$type": "Patient", "family": {"$exact": clinic.tag}}}).include("subject")
    kinds = sorted(resource.resource_type for resource in search.perform_resources_iter(clinic.server))
    expect(kinds, ["Observation", "Patient"])


def task_of_the_workflow(clinic):
    task = Task({
        "resourceType": "Task",
        "identifier": [{"system": SYSTEM, "value": f"{clinic.tag}-task"}],
        "status": "requested",
        "intent": "order",
        "for": clinic.subject(),
        "owner": {"display": "Cardiology"},
    })
    made = Task(task.create(clinic.server))
    made.status = "accepted"
    made.lastModified = FHIRDateTime("2026-03-06T10:00:00Z")
    made.update(clinic.server)
    found = list(Task.where({"patient": clinic.patient_id, "status": "accepted"}).perform_resources_iter(clinic.server))
    expect([(task.id, task.status) for task in found], [(made.id, "accepted")])


def history_and_versions(clinic):
    history = Bundle.read_from(f"Patient/{clinic.patient_id}/_history", clinic.server)
    expect((history.type, [entry.resource.meta.versionId for entry in history.entry]), ("history", ["2", "1"]))
    first = Patient.read_from(f"Patient/{clinic.patient_id}/_history/1", clinic.server)
    expect(first.gender, None)


def transaction(clinic):
    place = "urn:uuid:0b0b0c52-0001-4c2e-8d6e-2f7d5c1e0001"
    sent = Bundle({
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": place, "resource": {"resourceType": "Location", "name": clinic.tag},
             "request": {"method": "POST", "url": "Location"}},
            {"resource": {"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB"},
                          "subject": clinic.subject(), "location": [{"location": {"reference": place}}]},
             "request": {"method": "POST", "url": "Encounter"}},
        ],
    })
    answer = Bundle(clinic.server.post_json("", sent.as_json()).json())
    expect((answer.type, [entry.response.status[:3] for entry in answer.entry]), ("transaction-response", ["201", "201"]))
    at_place = Encounter.where({"location": {"$type": "Location", "name": clinic.tag}})
    expect(len(list(at_place.perform_resources_iter(clinic.server))), 1)


def deletion(clinic):
    observation = next(Observation.where({"patient": clinic.patient_id}).perform_resources_iter(clinic.server))
    observation.delete(clinic.server)
    try:
        Observation.read(observation.id, clinic.server)
        raise AssertionError("a deleted resource is still read")
    except requests.HTTPError as error:
        expect(error.response.status_code, 410)
        OperationOutcome(error.response.json())
    try:
        Patient.read("never-was", clinic.server)
        raise AssertionError("a resource that never was is read")
    except FHIRNotFoundException as error:
        OperationOutcome(error.response.json())


CHECKS = [
    ("reads the CapabilityStatement", prepare),
    ("creates, reads and updates", create_read_update),
    ("pages through 23 encounters, searches by date and status", encounters_by_page),
    ("searches by chain, with _include", chain_and_include),
    ("moves a Task from requested to accepted", task_of_the_workflow),
    ("reads history and a version", history_and_versions),
    ("sends a transaction", transaction),
    ("deletes: 410; 404 for what never was; both with an OperationOutcome", deletion),
]


def run(checks, base, tag):
    clinic = Clinic(base, tag)
    for name, check in CHECKS:
        checks.run(f"PyPI fhirclient {name}", check, clinic)
