#!/usr/bin/env python3
"""Loads the Synthea bundles through the FHIR door as transactions and checks what is then found.

The load is timed. Then totals of every kind, searches of every sort against what the bundles say, and paging through a
whole kind without doubles or gaps. Without the shared data it says SKIPPED and succeeds.
"""

import argparse
import bz2
import collections
import json
import pathlib
import queue
import shutil
import sys
import tarfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from door import Door, Tally, expect  # noqa: E402
from gateway import Gateway, store_arguments  # noqa: E402
from synthea_facts import fact  # noqa: E402
from synthea_searches import Known, all_searches  # noqa: E402

SHARED = HERE.parents[2].parent / "shared/data/synthea"
# Above this many matches a search is checked by its total alone.
LISTED_MAX = 4000
TARGET_SECONDS = 60
# Kinds the gateway writes itself, too.
OWN_KINDS = {"Provenance", "AuditEvent"}


class Bundle:
    """One transaction: its bytes, what is in it, and how it went."""

    def __init__(self, name, body):
        self.name, self.body = name, body
        self.facts = [fact(entry) for entry in json.loads(body)["entry"]]
        self.answer = None
        self.seconds = None

    def post(self, door):
        started = time.monotonic()
        self.answer = door.request("POST", "", self.body, {"Prefer": "return=minimal"})
        self.seconds = time.monotonic() - started

    def place_facts(self):
        """Takes the ids from the answer; complains about an entry that was not created."""
        if self.answer is None or self.answer.status != 200:
            raise AssertionError(f"{self.name}: {self.answer.text() if self.answer else 'no answer'}")
        entries = self.answer.json["entry"]
        expect(len(entries), len(self.facts))
        for one, entry in zip(self.facts, entries):
            response = entry["response"]
            if response["status"][:3] not in ("200", "201"):
                raise AssertionError(f"{self.name}: an entry of kind {one.kind}: {response['status']}")
            parts = response["location"].split("/")
            at = len(parts) - 1 - parts[::-1].index(one.kind)
            one.place = f"{one.kind}/{parts[at + 1]}"


def read_bundles(folder, small):
    """The first ones (organisations, practitioners) in order, and the others."""
    if small:
        with tarfile.open(folder / "patients.tgz") as archive:
            files = [(m.name, archive.extractfile(m).read()) for m in archive.getmembers() if m.name.endswith(".json")]
        named = [Bundle(pathlib.Path(name).name, body) for name, body in files]
    else:
        named = [Bundle(path.name, bz2.decompress(path.read_bytes())) for path in sorted((folder / "all").glob("*.bz2"))]
    first = sorted((bundle for bundle in named if bundle.name.startswith("0-")), key=lambda bundle: bundle.name)
    rest = sorted((bundle for bundle in named if not bundle.name.startswith("0-")), key=lambda bundle: -len(bundle.body))
    return first, rest


def load(base, first, rest, connections):
    """Seconds from the first byte to the last answer."""
    waiting = queue.Queue()
    for bundle in rest:
        waiting.put(bundle)

    def worker():
        door = Door(base)
        while True:
            try:
                bundle = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                bundle.post(door)
            except Exception as error:  # shows as a bundle without an answer
                print(f"  {bundle.name}: {type(error).__name__}: {error}", file=sys.stderr)

    started = time.monotonic()
    door = Door(base)
    for bundle in first:
        bundle.post(door)
    workers = [threading.Thread(target=worker) for _ in range(connections)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    return time.monotonic() - started


def report_load(bundles, seconds, gateway):
    size = sum(len(bundle.body) for bundle in bundles)
    entries = sum(len(bundle.facts) for bundle in bundles)
    slowest = max(bundles, key=lambda bundle: bundle.seconds or 0)
    print(f"loaded {len(bundles)} bundles, {entries} entries, {size / 1e6:.0f} MB in {seconds:.1f} s"
          f" ({entries / seconds:.0f} entries/s, {size / 1e6 / seconds:.1f} MB/s; target for all: {TARGET_SECONDS} s);"
          f" slowest {slowest.seconds:.1f} s for {len(slowest.body) / 1e6:.1f} MB"
          + (f"; {gateway.cpu_seconds():.1f} s of processor, memory {gateway.status('VmRSS'):.0f} MiB, peak {gateway.status('VmHWM'):.0f} MiB" if gateway else ""),
          flush=True)


def check_totals(tally, door, known):
    for kind, facts in sorted(known.kinds.items()):
        places = len({one.place for one in facts})

        def check(kind=kind, places=places):
            total = door.total(kind)
            if total != places and not (kind in OWN_KINDS and total > places):
                raise AssertionError(f"expected {places}, got {total}")

        tally.run(f"total of {kind}", check)
    some = ["Patient", "Encounter", "Claim"]
    wanted = sum(len(known.kinds[kind]) for kind in some)
    tally.run("total over three kinds", lambda: expect(door.total(f"?_type={','.join(some)}"), wanted))


def check_searches(tally, door, known):
    for search in all_searches(known):
        wanted = {one.place for one in known.kinds[search.kind] if search.keeps(one)}

        def check(search=search, wanted=wanted):
            expect(door.total(search.query), len(wanted))
            if len(wanted) <= LISTED_MAX:
                found = door.matches(f"{search.query}&_count=500")
                expect(len(found), len(set(found)))
                missing, extra = wanted - set(found), set(found) - wanted
                if missing or extra:
                    raise AssertionError(f"{len(missing)} missing, {len(extra)} too many, of {len(wanted)}")

        tally.run(f"{search.query} ({len(wanted)})", check)


def check_paging(tally, door, known):
    for kind, sort in (("Observation", ""), ("Observation", "&_sort=-date"), ("Encounter", "&_sort=date"), ("Claim", "&_sort=created")):
        wanted = {one.place for one in known.kinds[kind]}

        def check(kind=kind, sort=sort, wanted=wanted):
            found = door.matches(f"{kind}?_count=1000{sort}&_elements=id")
            expect((len(found), set(found) == wanted), (len(wanted), True))
            if sort:
                times = {one.place: one.time for one in known.kinds[kind]}
                ordered = [times[place][0] for place in found]
                expect(ordered == sorted(ordered, reverse="-" in sort), True)

        tally.run(f"paging through all of {kind}{sort}", check)


def check_includes(tally, door, known):
    patient = known.patients()[0]
    encounters = {one.place for one in known.kinds["Encounter"] if one.patient == patient.full_url}
    observations = {one.place for one in known.kinds["Observation"]
                    if one.patient == patient.full_url and one.more["encounter"]}

    def counted(search):
        found = collections.Counter()
        for page in door.pages(search):
            found.update((entry["resource"]["resourceType"], entry["search"]["mode"]) for entry in page.get("entry", []))
        return found

    def reverse():
        found = counted(f"Encounter?patient={patient.place}&_revinclude=Observation:encounter&_count=1000")
        expect(found, {("Encounter", "match"): len(encounters), ("Observation", "include"): len(observations)})

    def forward():
        found = counted(f"Observation?patient={patient.place}&_include=Observation:encounter&_include=Observation:subject&_count=1000")
        expect((found["Patient", "include"], found["Encounter", "include"] > 0), (1, True))

    def everything():
        wanted = {one.place for facts in known.kinds.values() for one in facts if one.patient == patient.full_url}
        found = {f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
                 for page in door.pages(f"{patient.place}/$everything") for entry in page.get("entry", [])}
        expect(sorted(wanted - found)[:5], [])

    def compartment():
        wanted = {one.place for one in known.kinds["Condition"] if one.patient == patient.full_url}
        expect(set(door.matches(f"{patient.place}/Condition")), wanted)

    tally.run("_revinclude of a patient's observations", reverse)
    tally.run("_include of patient and encounter", forward)
    tally.run("$everything of a patient has all that names him or her", everything)
    tally.run("the compartment of a patient", compartment)


def run(base, arguments, gateway=None):
    first, rest = read_bundles(arguments.data, arguments.small)
    seconds = load(base, first, rest, arguments.connections)
    tally = Tally(quiet=arguments.quiet)
    for bundle in first + rest:
        tally.run(f"transaction {bundle.name}", bundle.place_facts)
    report_load(first + rest, seconds, gateway)
    if tally.failed:
        return tally.close("Synthea"), seconds
    known = Known([one for bundle in first + rest for one in bundle.facts])
    door = Door(base)
    for check in (check_totals, check_searches, check_paging, check_includes):
        check(tally, door, known)
    for took, name in sorted(tally.slow, reverse=True)[:3]:
        print(f"  slowest: {took:.2f} s {name}", flush=True)
    return tally.close("Synthea"), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", help="the program to start; or")
    parser.add_argument("--base", help="the base URL of a FHIR door that is open already, with an empty store")
    parser.add_argument("--data", type=pathlib.Path, default=SHARED)
    parser.add_argument("--place", type=pathlib.Path, default=pathlib.Path("target/fhir-door/synthea"))
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--small", action="store_true", help="the small set (patients.tgz) instead of all 122 bundles")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--quiet", action="store_true", help="print the checks that failed, not the others")
    arguments = parser.parse_args()
    if not (arguments.data / "patients.tgz").exists():
        print("SKIPPED: Synthea, because there is no shared/data/synthea beside this checkout", file=sys.stderr)
        return 0
    if arguments.base:
        return run(arguments.base, arguments)[0]
    shutil.rmtree(arguments.place, ignore_errors=True)
    with Gateway(arguments.gateway, arguments.place, store_arguments(arguments.place, arguments.store)) as gateway:
        return run(gateway.base, arguments, gateway)[0]


if __name__ == "__main__":
    sys.exit(main())
