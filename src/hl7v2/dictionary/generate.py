#!/usr/bin/env python3
"""Writes segments.txt and datatypes.txt, which fields and components HL7 v2 has, over all its versions.

    generate.py HL7APY GUIDE    HL7APY holds the unpacked Python package hl7apy 1.3.5, GUIDE the HL7 v2-to-FHIR
                                guide's mappings/ (CC0), from which the fields of v2.9.1 come

The facts are HL7's; of the package nothing but them is taken: numbers and types, no names and no text.
"""

import csv
import importlib
import pathlib
import re
import sys

# Types without components; the guide gives some of them one.
PRIMITIVES = {"ST", "ID", "IS", "NM", "SI", "DT", "TM", "DTM", "TX", "FT", "GTS", "SNM", "TN"}
# Segments of v2.9 whose fields none of the two sources has.
WITHOUT_FIELDS = ("CTR", "DEV", "DST", "GSC", "GSP", "GSR", "OH1", "OH2", "OH3", "OH4")
# Types that neither source has: of v2.9, and what senders write where a component of the type is a CWE.
MORE = {("FT1", 2): "CX", ("PV1", 20): "CWE"}
VERSIONS = ("2_1", "2_2", "2_3", "2_3_1", "2_4", "2_5", "2_5_1", "2_6", "2_7", "2_8", "2_8_1", "2_8_2")

HEADER = """\
# {what} of HL7 v2.1 to v2.9.1: numbers and types, facts of HL7, by way of hl7apy and the HL7 v2-to-FHIR guide.
# Written by generate.py; the notation is that of dictionary.rs.
"""


def add(table, owner, number, kind):
    """Notes that the part of this number may be of this type."""
    parts = table.setdefault(owner, {})
    kinds = parts.setdefault(number, [])
    # WD marks what is withdrawn. A CM of the oldest versions has no name: CM_X and LA1 are given it; CK_X is a CK.
    kind = (kind or "WD").upper()
    kind = "CM" if kind.startswith(("CM_", "LA")) else kind.split("_")[0]
    if kind not in ("WD", "-", *(known.upper() for known in kinds)):
        kinds.append("varies" if kind == "VARIES" else kind)


def read_versions(folder, segments, datatypes):
    sys.path.insert(0, str(folder))
    for version in VERSIONS:
        for name, segment in importlib.import_module(f"hl7apy.v{version}.segments").SEGMENTS.items():
            for field, definition, *_ in segment[1] if len(segment) == 2 else ():
                if re.fullmatch(name + r"_\d+", field):
                    add(segments, name, int(field.rsplit("_", 1)[1]), definition[2])
        for name, parts in importlib.import_module(f"hl7apy.v{version}.datatypes").DATATYPES_STRUCTS.items():
            for part, definition, *_ in parts:
                if re.fullmatch(r"[A-Z]{2,3}_\d+", part):
                    add(datatypes, name, int(part.rsplit("_", 1)[1]), definition[2])


def read_guide(folder, table):
    """The guide's rows: `PID-3` and `CWE.1` in the second column, the type in the fourth."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as text:
            for row in csv.reader(text):
                place = re.fullmatch(r"([A-Z][A-Z0-9]{1,2})[-.](\d+)", row[1].strip()) if len(row) > 3 else None
                kind = row[3].strip() if place else ""
                if place and re.fullmatch("[A-Z]{2,3}", kind):
                    add(table, place[1], int(place[2]), kind)


def text(kinds):
    """`CE/CWE`; a CM counts only where no later version names the type, and nothing known is `-`."""
    named = [kind for kind in kinds if kind != "CM"]
    return "/".join(named or kinds) or "-"


def write(name, what, table):
    lines = [HEADER.format(what=what).rstrip()]
    for owner in sorted(table):
        parts = table[owner]
        kinds = [text(parts.get(number, [])) for number in range(1, max(parts, default=0) + 1)]
        lines.append(" ".join([owner, *kinds]))
    (pathlib.Path(__file__).parent / name).write_text("\n".join(lines) + "\n")


def main(package, guide):
    segments, datatypes = {}, {}
    read_versions(package, segments, datatypes)
    read_guide(guide / "segments", segments)
    read_guide(guide / "datatypes", datatypes)
    for (name, number), kind in MORE.items():
        add(segments, name, number, kind)
    for name in WITHOUT_FIELDS:
        segments[name] = {}
    for name in PRIMITIVES:
        datatypes.pop(name, None)
    write("segments.txt", "The fields", segments)
    write("datatypes.txt", "The components", datatypes)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
