#!/usr/bin/env python3
"""Whether what the maps make is valid FHIR, told by validators that are not ours; and whether ours agrees with them.

    fidelity.py --gateway FILE --place DIR --shared DIR

Fails when fewer than 99 % of the resources are clean, a reference dangles, a required element is missing, or our own
validator disagrees on an official example in a way that docs/fidelity-validators.md does not explain.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tarfile

from corpus import collect
from definitions import unpack
from judge import Judges, dangling, general
from known import sort
import agreement

CLEAN_MIN = 0.99


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("gateway", "place", "shared"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    given = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    if not (given.shared / "fhir-r4").is_dir():
        print("SKIPPED: the R4 definitions are not at ../shared/data/fhir-r4, so the validators have nothing to judge by")
        return 0
    unpack(given.shared, given.place / "definitions")
    judges = Judges(given.place / "definitions", given.place / "judged")
    counts = collect(given.shared, root / "mappings/v2/cases", given.place / "messages")
    convert(given.gateway, given.place / "messages", given.place / "bundles")
    faults = judge_output(judges, counts, given.place)
    faults += judge_examples(judges, given)
    for fault in faults:
        print(f"FAILED: {fault}")
    return 1 if faults else 0


def convert(gateway, messages, bundles):
    for old in bundles.glob("*.json"):
        old.unlink()
    done = subprocess.run([gateway, "map", "batch", messages, bundles], capture_output=True, text=True, check=False)
    print(done.stderr.splitlines()[0])


def judge_output(judges, counts, place):
    """Prints the table of the output and writes every complaint to complaints.txt; gives what is under the floor."""
    rows = {source: collections.Counter(messages=number) for source, number in counts.items()}
    groups, missing = collections.Counter(), 0
    for file in sorted((place / "bundles").glob("*.json")):
        row, bundle = rows[file.name.split("-")[0]], json.loads(file.read_text())
        verdict = judges.judge(bundle)
        if verdict is None:  # out of time: neither clean nor not
            row.update(unjudged=1)
            continue
        complaints = verdict
        left, aside = sort(complaints)
        lost = list(dangling(bundle))
        row.update(bundles=1, resources=len(bundle.get("entry", [])), dangling=len(lost))
        row["by the letter"] += len({complaint.about for complaint in complaints} | {about for about, _, _ in lost})
        row["with an error"] += len({complaint.about for complaint in left} | {about for about, _, _ in lost})
        missing += sum("required element missing" in complaint.text for complaint in left)
        groups.update((c.judge, general(c.path), general(c.text), "") for c in left)
        groups.update((c.judge, general(c.path), general(c.text), reason) for c, reason in aside)
        groups.update(("dangling", path, "reference", "") for _, path, _ in lost)
    print_rows(rows)
    write_groups(groups, place / "complaints.txt")
    return under_floor(rows, missing)


def print_rows(rows):
    columns = ("messages", "bundles", "unjudged", "resources", "by the letter", "with an error", "dangling")
    total = sum(rows.values(), collections.Counter())
    print(f"\n{'source':16}" + "".join(f"{column:>15}" for column in columns) + f"{'clean':>9}")
    for source, row in [*rows.items(), ("all", total)]:
        clean = 1 - row["with an error"] / max(row["resources"], 1)
        print(f"{source:16}" + "".join(f"{row[column]:15}" for column in columns) + f"{clean:9.2%}")


def under_floor(rows, missing):
    total = sum(rows.values(), collections.Counter())
    clean = 1 - total["with an error"] / max(total["resources"], 1)
    faults = [] if total["resources"] else ["nothing was converted"]
    if total["bundles"] < total["messages"]:
        print(f"not converted: {total['messages'] - total['bundles']} messages (no map for their type)")
    if clean < CLEAN_MIN:
        faults.append(f"{clean:.2%} of the resources are clean, {CLEAN_MIN:.0%} are asked for")
    if total["dangling"]:
        faults.append(f"{total['dangling']} references lead nowhere")
    if missing:
        faults.append(f"{missing} required elements are missing")
    return faults


def write_groups(groups, file):
    lines = [
        f"{count:6}  {judge:9} {path}  {text}  {f'[set aside: {reason}]' if reason else ''}".rstrip()
        for (judge, path, text, reason), count in groups.most_common()
    ]
    file.write_text("\n".join(lines) + "\n")
    print(f"every complaint: {file}")


def judge_examples(judges, given):
    """Our validator beside the others on the official R4 examples."""
    examples = given.place / "examples"
    if not examples.is_dir():
        with tarfile.open(given.shared / "fhir-r4/examples.tgz") as archive:
            archive.extractall(examples, filter="data")
    return agreement.compare(judges, given.gateway, examples, given.place / "disagreements.txt")


if __name__ == "__main__":
    sys.exit(main())
