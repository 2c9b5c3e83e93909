#!/usr/bin/env python3
"""The official R4 examples at the FHIR door: each is written, read back equal leaf by leaf, with numbers as they were
written, and found by every search that an independent FHIRPath engine makes of its values.

    examples.py --server URL                            a door that is there, open or with --token
    examples.py --gateway BINARY --place DIR            starts a gateway of its own (--store sqlite|postgres)

`oracle/run` unpacks the examples and makes the searches, in target/oracle. Without them this says so and passes."""

import argparse
import json
import pathlib
import shutil
import sys
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from door import Door  # noqa: E402

ORACLE = HERE.parent.parent / "target" / "oracle"

# Examples that are refused, with the reason, which is true. Empty: none is known.
REFUSED = {}

# What the server sets.
SERVERS_OWN = {("meta", "versionId"), ("meta", "lastUpdated")}

SHOWN_MAX = 40


class Number(str):
    """A number as its text, so that 1.50 is not 1.5."""

    def __repr__(self):
        return f"number {str(self)}"


def parse(text):
    return json.loads(text, parse_float=Number, parse_int=Number)


def leaves(node, place=()):
    """Every primitive with its place; an array's items by their position."""
    if isinstance(node, dict):
        for name, child in node.items():
            yield from leaves(child, (*place, name))
    elif isinstance(node, list):
        for at, child in enumerate(node):
            yield from leaves(child, (*place, at))
    else:
        yield place, (type(node).__name__, node)


def differences(written, read):
    """The places at which two resources differ."""
    left, right = (dict(one for one in leaves(node) if one[0] not in SERVERS_OWN) for node in (written, read))
    places = [place for place in {**left, **right} if left.get(place) != right.get(place)]
    return [".".join(map(str, place)) for place in places]


class Report:
    """What was tried and what went wrong."""

    def __init__(self):
        self.counts, self.failures = {}, []

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def fail(self, text):
        self.failures.append(text)

    def show(self):
        print(", ".join(f"{count} {what}" for what, count in self.counts.items()))
        for failure in self.failures[:SHOWN_MAX]:
            print("FAILED", failure)
        if len(self.failures) > SHOWN_MAX:
            print(f"and {len(self.failures) - SHOWN_MAX} more")


class Examples:
    """The door, and what was said of each example."""

    def __init__(self, door, token, report):
        self.door, self.report = door, report
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        # The file that was last written under a type and id: two examples may share them.
        self.standing = {}

    def write(self, file):
        text = file.read_bytes()
        written = parse(text)
        kind, name = written["resourceType"], written.get("id")
        if name is None:
            answer = self.door.request("POST", kind, text, self.headers)
        else:
            answer = self.door.request("PUT", f"{kind}/{name}", text, self.headers)
        if answer.status not in (200, 201):
            self.refused(file.name, answer)
            return
        self.report.count("accepted")
        if file.name in REFUSED:
            self.report.fail(f"{file.name}: is accepted, though it was to be refused")
        name = name or parse(answer.body)["id"]
        self.standing[(kind, name)] = file.name
        self.read_back(file.name, kind, name, written)

    def refused(self, file, answer):
        self.report.count("refused")
        if file not in REFUSED:
            self.report.fail(f"{file}: {answer.text()}")

    def read_back(self, file, kind, name, written):
        answer = self.door.request("GET", f"{kind}/{name}", headers=self.headers)
        if answer.status != 200:
            self.report.fail(f"{file}: read: {answer.text()}")
            return
        written.setdefault("id", name)
        places = differences(written, parse(answer.body))
        self.report.count("read back equal" if not places else "read back otherwise")
        if places:
            self.report.fail(f"{file}: differs at {', '.join(places[:5])}")

    def search(self, line):
        """One search of the oracle, narrowed to the example: it must be the one that is found."""
        kind, name = line["type"], line["id"]
        for parameter, value in line["searches"]:
            query = urllib.parse.urlencode([(parameter, value), ("_id", name)])
            headers = {**self.headers, "Prefer": "handling=strict"}
            answer = self.door.request("GET", f"{kind}?{query}", headers=headers)
            self.report.count("searches")
            found = [] if answer.status != 200 else answer.json.get("entry", [])
            if not any(entry["resource"].get("id") == name for entry in found):
                status = "" if answer.status == 200 else f": {answer.text()}"
                self.report.fail(f"{line['file']}: not found by {parameter}={value}{status}")

    def search_all(self):
        with open(ORACLE / "values.jsonl", encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                if self.standing.get((line["type"], line.get("id"))) == line["file"]:
                    self.search(line)


def run(base, token):
    report = Report()
    examples = Examples(Door(base), token, report)
    for file in sorted((ORACLE / "examples").glob("*.json")):
        examples.write(file)
    examples.search_all()
    report.show()
    return not report.failures


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--server", help="base URL of a FHIR door")
    arguments.add_argument("--token", help="bearer token")
    arguments.add_argument("--gateway", help="the binary to start")
    arguments.add_argument("--place", type=pathlib.Path, help="folder for its store and log")
    arguments.add_argument("--store", default="sqlite", choices=["sqlite", "postgres"])
    chosen = arguments.parse_args()
    if not (ORACLE / "values.jsonl").exists():
        print("skipped: tests/fhir-door/oracle/run has not been run")
        return 0
    if chosen.server:
        return 0 if run(chosen.server, chosen.token) else 1
    if not (chosen.gateway and chosen.place):
        arguments.error("--server, or --gateway and --place")
    from gateway import Gateway, store_arguments

    shutil.rmtree(chosen.place, ignore_errors=True)
    gateway = Gateway(chosen.gateway, chosen.place, store_arguments(chosen.place, chosen.store))
    try:
        return 0 if run(gateway.base, None) else 1
    finally:
        gateway.stop()


if __name__ == "__main__":
    sys.exit(main())
