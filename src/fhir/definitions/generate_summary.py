#!/usr/bin/env python3
"""Writes summary.txt: the elements that FHIR R4 marks as part of a summary (isSummary), of every type.

    generate_summary.py DIR        DIR as for generate.py
"""

import pathlib
import sys

import generate

HEADER = """\
# What _summary=true keeps: the elements that the official StructureDefinitions of FHIR R4 4.0.1 (CC0,
# hl7.org/fhir/R4) mark with isSummary. Written by generate_summary.py. A line names a type, or a described part of
# one, and those of its own elements; * stands for all of them.
"""


def main(folder):
    known = generate.definitions(pathlib.Path(folder))
    marked = {
        element["path"]
        for definition in known.values()
        for element in definition["snapshot"]["element"]
        if element.get("isSummary")
    }
    lines, owner, all_elements, kept = [HEADER.rstrip()], None, 0, []

    def finish():
        if kept:
            lines.append(f"{owner} {'*' if len(kept) == all_elements else ' '.join(kept)}")

    for line in pathlib.Path(__file__).with_name("elements.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            finish()
            owner, all_elements, kept = line.split(" : ")[0], 0, []
            continue
        name = line.split()[0]
        all_elements += 1
        if f"{owner}.{name}" in marked:
            kept.append(name)
    finish()
    generate.write("summary.txt", lines)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__))
