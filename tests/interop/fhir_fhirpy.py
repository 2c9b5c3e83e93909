"""PyPI fhirpy 2.3 against the FHIR door: its synchronous client, its asyncio client, and the requests it builds.

fhirpy has two habits of its own: `get_or_create` puts the criteria into the query of a POST, and `patch` sends a part of
the resource as `application/json`. The door takes the first as a conditional create, the second as a merge patch.
"""

import asyncio
import datetime

from checks import expect
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

SYSTEM = "urn:oid:2.999.4.1"
LOINC = "http://loinc.org"
PATIENTS = 25


class Ward:
    """The resources of one run; `tag` keeps runs apart."""

    def __init__(self, base, tag):
        self.base, self.tag = base, f"fhirpy{tag}"
        self.client = SyncFHIRClient(base)

    def with_headers(self, **headers):
        return SyncFHIRClient(self.base, extra_headers={name.replace("_", "-"): value for name, value in headers.items()})

    def identifier(self, number):
        return f"{SYSTEM}|{self.tag}-{number}"

    def patient(self, number, **more):
        return {
            "resourceType": "Patient",
            "identifier": [{"system": SYSTEM, "value": f"{self.tag}-{number}"}],
            "active": True,
            "name": [{"use": "official", "family": f"{self.tag} Ward{number:02}", "given": ["Ada", f"N{number}"]}],
            "gender": "female" if number % 2 else "male",
            "birthDate": f"19{50 + number % 50}-03-0{1 + number % 9}",
            **more,
        }

    def observation(self, subject, code, value, day):
        return {
            "resourceType": "Observation",
            "identifier": [{"system": SYSTEM, "value": f"{self.tag}-{code}-{day}"}],
            "status": "final",
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "subject": {"reference": subject},
            "effectiveDateTime": f"2026-02-{day:02}T08:30:00+01:00",
            "valueQuantity": {"value": value, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
        }

    def create(self, resource):
        return self.client.resource(**resource_arguments(resource)).save()

    def find(self, number):
        return self.client.resources("Patient").search(identifier=self.identifier(number)).get()


def resource_arguments(resource):
    return {"resource_type": resource["resourceType"], **{k: v for k, v in resource.items() if k != "resourceType"}}


def families(found):
    return sorted(patient["name"][0]["family"].split()[-1] for patient in found)


def refusal(error, call, *arguments, **named):
    """Calls and answers the error it must raise."""
    try:
        call(*arguments, **named)
    except error as raised:
        return raised
    raise AssertionError(f"expected {error.__name__}, got an answer")


def create_and_read(ward):
    for number in range(PATIENTS):
        made = ward.create(ward.patient(number))
        expect(made["meta"]["versionId"], "1")
    read = ward.client.get("Patient", made["id"])
    wanted = ward.patient(PATIENTS - 1)
    expect({key: read[key] for key in wanted}, wanted)
    expect(ward.client.reference("Patient", made["id"]).to_resource()["id"], made["id"])


def update(ward):
    patient = ward.find(1)
    patient["maritalStatus"] = {"text": "married"}
    patient.save()
    expect(patient["meta"]["versionId"], "2")
    expect(ward.client.get("Patient", patient["id"])["maritalStatus"]["text"], "married")


def search_by_type(ward):
    everyone = ward.client.resources("Patient").search(family=ward.tag).limit(100)

    def found(**criteria):
        return families(everyone.search(**criteria).fetch())

    expect(len(found()), PATIENTS)
    expect(found(family__exact=f"{ward.tag} Ward03"), ["Ward03"])
    expect(found(family__contains="ard04"), ["Ward04"])
    expect(found(given="n7"), ["Ward07"])
    expect(len(found(gender="male")), 13)
    expect(len(found(gender__not="male")), 12)
    expect(found(birthdate="1956-03-07"), ["Ward06"])
    expect(found(birthdate__ge=datetime.date(1973, 1, 1)), ["Ward23", "Ward24"])
    expect(found(birthdate=["ge1960", "lt1962"]), ["Ward10", "Ward11"])
    expect(len(found(active=True)), PATIENTS)
    expect(found(death_date__missing=False), [])
    expect(found(identifier=f"{ward.identifier(2)},{ward.identifier(5)}"), ["Ward02", "Ward05"])


def references_chains_and_includes(ward):
    patient = ward.find(3)
    for day, value in ((1, 13.1), (2, 9.25), (3, 15.0)):
        ward.create(ward.observation(patient.reference, "718-7", value, day))
    other = ward.create(ward.observation(ward.find(4).reference, "2345-7", 5.5, 9))
    observations = ward.client.resources("Observation")

    def days(search):
        return sorted(found["effectiveDateTime"][8:10] for found in search.fetch())

    expect(days(observations.search(subject=patient)), ["01", "02", "03"])
    expect(days(observations.search(patient=patient["id"])), ["01", "02", "03"])
    expect(days(observations.search(subject__Patient__identifier=ward.identifier(3))), ["01", "02", "03"])
    expect(days(observations.search(patient__family=f"{ward.tag} Ward04")), ["09"])
    expect(days(observations.search(subject=patient, value_quantity__lt=10)), ["02"])
    expect(days(observations.search(subject=patient, code=f"{LOINC}|718-7", date__ge="2026-02-02")), ["02", "03"])
    with_code = ward.client.resources("Patient").search(family=ward.tag).has("Observation", "subject", code=f"{LOINC}|2345-7")
    expect(families(with_code.fetch()), ["Ward04"])
    raw = observations.search(subject=patient).include("Observation", "subject").fetch_raw()
    modes = sorted((entry["resource"]["resourceType"], entry["search"]["mode"]) for entry in raw["entry"])
    expect(modes, [("Observation", "match")] * 3 + [("Patient", "include")])
    raw = ward.client.resources("Patient").search(identifier=ward.identifier(4)).revinclude("Observation", "subject").fetch_raw()
    expect({entry["resource"]["id"] for entry in raw["entry"]}, {ward.find(4)["id"], other["id"]})


def pages(ward):
    searching = ward.client.resources("Patient").search(family=ward.tag).sort("-birthdate", "family").limit(7)
    dates = [patient["birthDate"] for patient in searching.fetch_all()]
    expect(dates, sorted((ward.patient(number)["birthDate"] for number in range(PATIENTS)), reverse=True))


def counts_and_elements(ward):
    searching = ward.client.resources("Patient").search(family=ward.tag)
    expect(searching.count(), PATIENTS)
    first = searching.sort("birthdate").elements("name", "gender").first()
    expect(sorted(set(first) - {"meta"}), ["gender", "id", "name", "resourceType"])


def conditional_create(ward):
    sending = ward.with_headers(If_None_Exist=f"identifier={ward.identifier(8)}")
    answer, status = sending._do_request("post", "Patient", ward.patient(8), returning_status=True)
    expect((answer["id"], status), (ward.find(8)["id"], 200))
    sending = ward.with_headers(If_None_Exist=f"family={ward.tag}")
    refusal(MultipleResourcesFound, sending.execute, "Patient", data=ward.patient(8))


def get_or_create(ward):
    """The criteria come in the query of the POST; there must be no second one."""
    searching = ward.client.resources("Patient").search(identifier=ward.identifier(9))
    found, created = searching.get_or_create(ward.client.resource(**resource_arguments(ward.patient(9))))
    expect((found["id"], created), (ward.find(9)["id"], False))
    expect(searching.count(), 1)


def conditional_update_and_delete(ward):
    fresh = ward.client.resources("Patient").search(identifier=ward.identifier(40))
    resource = ward.client.resource(**resource_arguments(ward.patient(40)))
    made, created = fresh.update(resource)
    expect((made["meta"]["versionId"], created), ("1", True))
    resource["gender"] = "unknown"
    again, created = fresh.update(resource)
    expect((again["id"], again["meta"]["versionId"], created), (made["id"], "2", False))
    _, status = fresh.delete()
    expect(status in (200, 204), True)
    expect(fresh.count(), 0)
    several = ward.client.resources("Patient").search(family=ward.tag)
    refusal(MultipleResourcesFound, several.update, resource)


def json_patch(ward):
    patient = ward.find(10)
    sending = ward.with_headers(Content_Type="application/json-patch+json")
    steps = [
        {"op": "test", "path": "/active", "value": True},
        {"op": "replace", "path": "/active", "value": False},
        {"op": "add", "path": "/name/0/given/-", "value": "Lovelace"},
    ]
    patched = sending.execute(patient.reference, method="patch", data=steps)
    expect((patched["active"], patched["name"][0]["given"][-1], patched["meta"]["versionId"]), (False, "Lovelace", "2"))
    refusal(OperationOutcome, sending.execute, patient.reference, method="patch", data=steps)
    expect(ward.find(10)["meta"]["versionId"], "2")


def merge_patch(ward):
    """fhirpy's own `patch` sends a part of the resource; null takes an element away."""
    patient = ward.find(11)
    patched = ward.client.patch("Patient", patient["id"], active=False, gender="other", birthDate=None)
    expect((patched["active"], patched["gender"], "birthDate" in patched), (False, "other", False))
    expect(patched["name"], patient["name"])


def versions(ward):
    patient = ward.find(1)
    expect(ward.client.execute(f"{patient.reference}/_history/1", method="get")["meta"]["versionId"], "1")
    history = ward.client.execute(f"{patient.reference}/_history", method="get")
    expect([entry["resource"]["meta"]["versionId"] for entry in history["entry"]], ["2", "1"])
    refusal(ResourceNotFound, ward.client.execute, f"{patient.reference}/_history/9", method="get")
    expect(patient.refresh()["meta"]["versionId"], "2")
    stale = ward.with_headers(If_Match='W/"1"')
    body = {**ward.patient(1), "id": patient["id"]}
    refusal(MultipleResourcesFound, stale.execute, patient.reference, method="put", data=body)
    current = ward.with_headers(If_Match='W/"2"')
    expect(current.execute(patient.reference, method="put", data=body)["meta"]["versionId"], "3")


def validation(ward):
    expect(ward.client.resource(**resource_arguments(ward.patient(12))).is_valid(), True)
    wrong = {**ward.patient(12), "gender": "pink"}
    expect(ward.client.resource(**resource_arguments(wrong)).is_valid(), False)


def entry(resource, method, url, full_url=None, **request):
    named = {"fullUrl": full_url} if full_url else {}
    body = {"resource": resource} if resource else {}
    return {**named, **body, "request": {"method": method, "url": url, **request}}


def bundle(kind, *entries):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def transaction(ward):
    mother, child = "urn:uuid:6a1d0a8e-6f0c-4f3e-9a55-0c1f7f2b7d01", "urn:uuid:6a1d0a8e-6f0c-4f3e-9a55-0c1f7f2b7d02"
    observation = ward.observation(mother, "8867-4", 72, 20)
    link = {"link": [{"other": {"reference": mother}, "type": "seealso"}]}
    answer = ward.client.execute("", data=bundle(
        "transaction",
        entry(ward.patient(51, **link), "POST", "Patient", child),
        entry(ward.patient(50), "POST", "Patient", mother, ifNoneExist=f"identifier={ward.identifier(50)}"),
        entry(observation, "POST", "Observation", "urn:uuid:6a1d0a8e-6f0c-4f3e-9a55-0c1f7f2b7d03"),
        entry({**observation, "subject": {"reference": f"Patient?identifier={ward.identifier(3)}"}}, "POST", "Observation"),
        entry(None, "GET", f"Patient?identifier={ward.identifier(50)}"),
    ))
    expect([part["response"]["status"][:3] for part in answer["entry"]], ["201"] * 4 + ["200"])
    expect(ward.find(51)["link"][0]["other"]["reference"], ward.find(50).reference)
    by_chain = ward.client.resources("Observation").search(subject__Patient__identifier=ward.identifier(50))
    expect(by_chain.count(), 1)
    expect(answer["entry"][4]["resource"]["total"], 1)
    by_chain = ward.client.resources("Observation").search(subject__Patient__identifier=ward.identifier(3), code="8867-4")
    expect(by_chain.count(), 1)


def transaction_that_fails(ward):
    sent = bundle(
        "transaction",
        entry(ward.patient(60), "POST", "Patient"),
        entry({**ward.patient(61), "id": ward.find(13)["id"]}, "PUT", ward.find(13).reference, ifMatch='W/"7"'),
    )
    refusal(MultipleResourcesFound, ward.client.execute, "", data=sent)
    expect(ward.client.resources("Patient").search(identifier=ward.identifier(60)).count(), 0)
    expect(ward.find(13)["meta"]["versionId"], "1")


def batch(ward):
    answer = ward.client.execute("", data=bundle(
        "batch",
        entry(ward.patient(70), "POST", "Patient"),
        entry(None, "GET", "Patient/there-is-none"),
        entry(None, "GET", ward.find(2).reference),
        entry({"resourceType": "Patient", "name": "not a list"}, "POST", "Patient"),
    ))
    statuses = [part["response"]["status"][:3] for part in answer["entry"]]
    expect((statuses[:3], statuses[3] in ("400", "422")), (["201", "404", "200"], True))
    expect(answer["entry"][1]["response"]["outcome"]["resourceType"], "OperationOutcome")
    expect(ward.find(70)["active"], True)


def deletion(ward):
    patient = ward.find(20)
    patient.delete()
    gone = refusal(ResourceNotFound, ward.client.get, "Patient", patient["id"])
    expect("OperationOutcome" in str(gone), True)
    expect(ward.client.resources("Patient").search(identifier=ward.identifier(20)).count(), 0)
    history = ward.client.execute(f"{patient.reference}/_history", method="get")
    expect([part["request"]["method"] for part in history["entry"]], ["DELETE", "POST"])
    refusal(ResourceNotFound, ward.client.get, "Patient", "never-was")


def asyncio_client(ward):
    async def one(client, number):
        made = await client.resource(**resource_arguments(ward.patient(number))).save()
        found = await client.resources("Patient").search(identifier=ward.identifier(number)).get()
        expect(found["id"], made["id"])

    async def all_at_once():
        client = AsyncFHIRClient(ward.base)
        await asyncio.gather(*(one(client, number) for number in range(80, 100)))

    asyncio.run(all_at_once())


CHECKS = [
    ("creates 25 patients and reads them back", create_and_read),
    ("updates: version 2", update),
    ("searches by string, token, date and reference lists, with modifiers and prefixes", search_by_type),
    ("searches by reference, chain, _has and quantity; _include and _revinclude", references_chains_and_includes),
    ("sorts and pages to the end without doubles or gaps", pages),
    ("counts and asks for elements", counts_and_elements),
    ("creates conditionally (If-None-Exist): 200, 412", conditional_create),
    ("get_or_create never makes a second one", get_or_create),
    ("updates and deletes conditionally", conditional_update_and_delete),
    ("patches by JSON Patch; a failing test changes nothing", json_patch),
    ("patches by a part of the resource (merge patch)", merge_patch),
    ("reads history and versions; If-None-Match and If-Match", versions),
    ("validates", validation),
    ("sends a transaction with urn:uuid and conditional references", transaction),
    ("sends a transaction that fails: nothing of it is there", transaction_that_fails),
    ("sends a batch whose entries fail apart", batch),
    ("deletes: 410, out of searches, still in history", deletion),
    ("asyncio client: 20 creates and searches at once", asyncio_client),
]


def run(checks, base, tag):
    ward = Ward(base, tag)
    for name, check in CHECKS:
        checks.run(f"PyPI fhirpy {name}", check, ward)
