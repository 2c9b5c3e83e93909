"""Fills a FHIR door to a size: of ten resources four are Patients, three Tasks, three Observations, sent as transactions
of PUTs with ids that the scripts can work out (`Patient/p0`, `Task/t0` …). Each owner has twenty Tasks, so a search for
the open Tasks of one owner finds about four however large the store is."""

import http.client
import itertools
import multiprocessing
import time
import urllib.parse

ENTRIES = 500
SENDERS = 4
STATUSES = ["requested", "accepted", "in-progress", "completed", "rejected"]
TASKS_PER_OWNER = 20


def counts(resources):
    """How many Patients, Tasks, Observations and owners a store of that size has."""
    patients, tasks = resources * 4 // 10, resources * 3 // 10
    return {"patients": patients, "tasks": tasks, "observations": resources - patients - tasks,
            "owners": max(1, tasks // TASKS_PER_OWNER)}


def patient(number, _):
    return f"Patient/p{number}", (
        f'{{"resourceType":"Patient","id":"p{number}","active":true,"identifier":[{{"system":"urn:oid:2.999.6",'
        f'"value":"B{number}"}}],"name":[{{"use":"official","family":"Bench{number % 997}","given":["Peter","James"]}}],'
        f'"telecom":[{{"system":"phone","value":"(03) 5555 6473","use":"work"}}],"gender":"male",'
        f'"birthDate":"{1920 + number % 100}-12-25","address":[{{"use":"home","line":["534 Erewhon St"],'
        f'"city":"PleasantVille","state":"Vic","postalCode":"3999"}}]}}')


def task(number, sizes):
    owner = number % sizes["owners"]
    status = STATUSES[number // sizes["owners"] % len(STATUSES)]
    return f"Task/t{number}", (
        f'{{"resourceType":"Task","id":"t{number}","status":"{status}","intent":"order","code":{{"coding":[{{'
        f'"system":"http://hl7.org/fhir/CodeSystem/task-code","code":"fulfill"}}]}},'
        f'"for":{{"reference":"Patient/p{number % sizes["patients"]}"}},"authoredOn":"2026-01-{1 + number % 28:02}T08:00:00Z",'
        f'"owner":{{"reference":"Organization/o{owner}"}}}}')


def observation(number, sizes):
    return f"Observation/v{number}", (
        f'{{"resourceType":"Observation","id":"v{number}","status":"final","code":{{"coding":[{{"system":"http://loinc.org",'
        f'"code":"718-7"}}]}},"subject":{{"reference":"Patient/p{number % sizes["patients"]}"}},'
        f'"effectiveDateTime":"2026-01-{1 + number % 28:02}T08:00:00Z","valueQuantity":{{"value":{10 + number % 90 / 10:.1f},'
        f'"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}}}}')


MAKERS = {"patients": patient, "tasks": task, "observations": observation}


def bundles(sizes):
    """(kind, first, last) of each transaction."""
    for kind in MAKERS:
        for first in range(0, sizes[kind], ENTRIES):
            yield kind, first, min(first + ENTRIES, sizes[kind])


def body(kind, first, last, sizes):
    entries = (MAKERS[kind](number, sizes) for number in range(first, last))
    parts = ",".join(f'{{"resource":{text},"request":{{"method":"PUT","url":"{place}"}}}}' for place, text in entries)
    return f'{{"resourceType":"Bundle","type":"transaction","entry":[{parts}]}}'.encode()


def send(base, sizes, sender):
    """One sender's share; raises when a transaction is refused."""
    parts = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=300)
    headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json", "Prefer": "return=minimal"}
    for kind, first, last in itertools.islice(bundles(sizes), sender, None, SENDERS):
        connection.request("POST", parts.path, body(kind, first, last, sizes), headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"the transaction of {kind} from {first}: {response.status} {answer[:300]!r}")


def fill(base, resources):
    """Seconds it took."""
    sizes = counts(resources)
    started = time.monotonic()
    with multiprocessing.Pool(SENDERS) as pool:
        pool.starmap(send, [(base, sizes, sender) for sender in range(SENDERS)])
    return time.monotonic() - started
