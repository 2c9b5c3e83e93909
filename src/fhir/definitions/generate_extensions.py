#!/usr/bin/env python3
"""Writes extensions.txt, the value types of the extensions of FHIR R4, from the official definitions.

    generate_extensions.py DIR        DIR holds extension-definitions.json.gz of FHIR R4 4.0.1 (CC0)
"""

import gzip
import json
import pathlib
import sys

HEADER = """\
# The extensions of FHIR R4 and the types of their values: 4.0.1, the official definitions (CC0, hl7.org/fhir/R4).
# Written by generate_extensions.py: the last part of the URL, then types; none where extensions are in it.
"""


def types(definition):
    """The types that the value may have."""
    for element in definition["snapshot"]["element"]:
        if element["path"] == "Extension.value[x]" and element["id"] == "Extension.value[x]" and element["max"] != "0":
            return sorted({kind["code"] for kind in element["type"]})
    return []


def main(folder):
    with gzip.open(folder / "extension-definitions.json.gz") as text:
        entries = [entry["resource"] for entry in json.load(text)["entry"]]
    base = "http://hl7.org/fhir/StructureDefinition/"
    known = {entry["url"].removeprefix(base): types(entry) for entry in entries if entry["url"].startswith(base)}
    lines = [" ".join([name, *known[name]]) for name in sorted(known)]
    (pathlib.Path(__file__).parent / "extensions.txt").write_text(HEADER + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
