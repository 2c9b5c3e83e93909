#!/usr/bin/env python3
"""Writes bindings.txt, the required bindings of FHIR R4 whose codes can be listed, from the official definitions.

    generate_bindings.py DIR        DIR holds the definitions of FHIR R4 4.0.1 as *.json.gz (CC0)

Left out are value sets that cannot be listed (media types, UCUM, currencies, LOINC) and the list of licences.
"""

import gzip
import json
import pathlib
import sys

from generate import definitions

LEFT_OUT = {"http://hl7.org/fhir/ValueSet/spdx-license"}

HEADER = """\
# The required bindings of FHIR R4 whose codes can be listed: 4.0.1, the official definitions (CC0, hl7.org/fhir/R4).
# Written by generate_bindings.py, which says how; the notation is that of bindings.rs.
"""


def terminology(folder):
    """Value sets and code systems by their URLs."""
    sets, systems = {}, {}
    for name in ("valuesets.json.gz", "v3-codesystems.json.gz", "v2-tables.json.gz"):
        with gzip.open(folder / name) as text:
            for entry in json.load(text)["entry"]:
                resource = entry["resource"]
                (sets if resource["resourceType"] == "ValueSet" else systems)[resource["url"]] = resource
    return sets, systems


def concepts(listed):
    """The codes of a code system, those within others too."""
    return [code for concept in listed for code in [concept["code"], *concepts(concept.get("concept", []))]]


def included(include, sets, systems):
    """Codes by system of one include; None when they cannot be listed."""
    codes = {}
    for url in include.get("valueSet", []):
        inner = expand(url, sets, systems)
        if inner is None:
            return None
        codes.update(inner)
    if "filter" in include:
        return None
    if "system" in include:
        system = systems.get(include["system"], {})
        listed = include.get("concept") or (system.get("content") == "complete" and system.get("concept"))
        if not listed:
            return None
        codes[include["system"]] = concepts(listed)
    return codes


def expand(url, sets, systems):
    """Codes by system of a value set; None when they cannot be listed."""
    compose = sets.get(url.split("|")[0], {}).get("compose")
    if not compose:
        return None
    codes = {}
    for include in compose.get("include", []):
        more = included(include, sets, systems)
        if more is None:
            return None
        for system, listed in more.items():
            codes.setdefault(system, []).extend(code for code in listed if code not in codes.get(system, []))
    for exclude in compose.get("exclude", []):
        taken = {concept["code"] for concept in exclude["concept"]}
        codes[exclude["system"]] = [code for code in codes[exclude["system"]] if code not in taken]
    return codes


def main(folder):
    sets, systems = terminology(folder)
    elements, used = [], {}
    for definition in definitions(folder).values():
        for element in definition["snapshot"]["element"]:
            binding = element.get("binding", {})
            url = binding.get("valueSet", "").split("|")[0]
            if binding.get("strength") != "required" or url in LEFT_OUT:
                continue
            codes = expand(url, sets, systems)
            if codes:
                owner, name = element["path"].rsplit(".", 1)
                elements.append(f"{owner} {name} {url.removeprefix('http://hl7.org/fhir/ValueSet/')}")
                used[url] = codes
    lines = []
    for url in sorted(used):
        lines.append(url.removeprefix("http://hl7.org/fhir/ValueSet/"))
        lines += [f" {system} {' '.join(codes)}" for system, codes in sorted(used[url].items())]
    target = pathlib.Path(__file__).parent / "bindings.txt"
    target.write_text(HEADER + "\n".join(sorted(set(elements))) + "\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
