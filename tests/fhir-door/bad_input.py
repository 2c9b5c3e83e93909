#!/usr/bin/env python3
"""Bad input at the FHIR door: each is refused with the status the rules ask for and an OperationOutcome, nothing is half
written (what the door says before and after is equal), and the gateway stays up and answers others in the meantime."""

import argparse
import pathlib
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import bad_input_cases as cases  # noqa: E402
import bad_transfers  # noqa: E402
from door import Door, Tally, expect, expect_outcome  # noqa: E402
from gateway import Gateway, store_arguments  # noqa: E402


class Suite:
    """The door, what is in it, and the checks on it."""

    def __init__(self, base, gateway, tally):
        self.base, self.gateway, self.tally = base, gateway, tally
        self.door = Door(base)
        made = self.door.request("POST", "Patient", cases.patient("seed"))
        expect(made.status, 201)
        self.seed = f"Patient/{made.json['id']}"

    def state(self):
        """What a refused request must leave as it was."""
        return {
            "patients": self.door.total("Patient"),
            "observations": self.door.total("Observation"),
            "newest": newest(self.door.get("_history?_count=1").json),
            "seed": self.door.get(self.seed).json["meta"]["versionId"],
        }

    def refused(self, method, path, headers, body, statuses, words):
        """One request on a connection of its own; its answer is an outcome and nothing has changed."""
        before = self.state()
        answer = Door(self.base).request(method, path, body, headers)
        if answer.status not in statuses:
            raise AssertionError(f"expected one of {statuses}, got {answer.text()}")
        if answer.status >= 400:
            expect_outcome(answer, words)
        expect(self.state(), before)

    def table(self, table):
        for name, *case in table:
            self.tally.run(name, lambda case=case: self.refused(*case))

    def answers(self):
        expect(Door(self.base, timeout=10).get("metadata").status, 200)


def newest(history):
    """The last write, as the system's history tells it."""
    entry = history["entry"][0]
    return entry["request"]["url"], entry["response"].get("etag")


def batch_fails_apart(suite):
    """A batch with bad entries: those are refused, the good ones are done."""
    before = suite.door.total("Patient")
    entries = [
        {"resource": cases.patient("batch-1"), "request": {"method": "POST", "url": "Patient"}},
        {"resource": cases.patient("batch-2", active="x"), "request": {"method": "POST", "url": "Patient"}},
        {"request": {"method": "GET", "url": "Patient/none"}},
        {"request": {"method": "BREW", "url": "Patient"}},
        {"resource": cases.patient("batch-3"), "request": {"method": "POST", "url": "Patient"}},
    ]
    answer = suite.door.request("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    if answer.status in (400, 422):  # a Bundle that is no R4 may be refused whole
        expect(suite.door.total("Patient"), before)
        return
    statuses = [entry["response"]["status"][0] for entry in answer.json["entry"]]
    expect((answer.status, statuses), (200, ["2", "4", "4", "4", "2"]))
    expect(suite.door.total("Patient"), before + 2)


def run(base, gateway, quiet=False):
    sys.set_int_max_str_digits(0)  # a number that should have been refused may come back
    tally = Tally(quiet)
    suite = Suite(base, gateway, tally)
    started = time.monotonic()
    for table in (cases.malformed_json(), cases.malformed_xml(), cases.against_the_rules(suite.seed), cases.bad_searches(),
                  cases.bad_bundles(suite.seed)):
        suite.table(table)
    tally.run("a batch with bad entries", lambda: batch_fails_apart(suite))
    bad_transfers.compressed(suite)
    bad_transfers.broken_transfers(suite)
    bad_transfers.overload(suite)
    tally.run("the gateway still answers", suite.answers)
    if gateway:
        tally.run("the gateway has not been restarted", lambda: expect(gateway.is_running(), True))
        log = gateway.log_file.read_text(encoding="utf-8")
        tally.run("nothing panicked", lambda: expect("panicked" in log, False))
        print(f"  in {time.monotonic() - started:.0f} s; memory peak {gateway.status('VmHWM'):.0f} MiB", flush=True)
    return tally.close("bad input")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", help="the program to start; or")
    parser.add_argument("--base", help="the base URL of a FHIR door that is open already")
    parser.add_argument("--place", type=pathlib.Path, default=pathlib.Path("target/fhir-door/bad-input"))
    parser.add_argument("--quiet", action="store_true", help="print the checks that failed, not the others")
    arguments = parser.parse_args()
    if arguments.base:
        return run(arguments.base, None, arguments.quiet)
    shutil.rmtree(arguments.place, ignore_errors=True)
    with Gateway(arguments.gateway, arguments.place, store_arguments(arguments.place)) as gateway:
        return run(gateway.base, gateway, arguments.quiet)


if __name__ == "__main__":
    sys.exit(main())
