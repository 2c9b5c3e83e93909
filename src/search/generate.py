#!/usr/bin/env python3
"""Writes parameters.txt and compartments.txt, the search parameters and compartments of FHIR R4, from the official
definitions.

    generate.py DIR        DIR holds search-parameters.json.gz and profiles-resources.json.gz of FHIR R4 4.0.1 (CC0)

A parameter that several types share has one expression for all of them: each type gets the branches of the union that
begin with its name. What is wrong in the published definitions is mended in MENDED, with its reason.
"""

import gzip
import json
import pathlib
import sys

PREFIX = "http://hl7.org/fhir/SearchParameter/"

# Components of composites that name a type by the name it has in another language: FHIRPath knows `dateTime`.
MENDED = {"value.as(DateTime) | value.as(Period)": "value.as(dateTime) | value.as(Period)"}

# The components of this composite have each other's definitions: `relatesto` is the target, `relation` the code.
SWAPPED = {"DocumentReference-relationship"}

# As many targets are all resource types but one that the definitions forgot; `*` is shorter.
ALL_TYPES = 145

# R4 has Task in no patient's compartment, though a Task is for a patient; R5 has.
ADDED_MEMBERS = {"Patient": {"Task": ["patient"]}}

HEADER = """\
# The search parameters of every FHIR R4 type: 4.0.1, the official SearchParameters (CC0, hl7.org/fhir/R4).
# Written by generate.py, which says how; the notation is that of parameters.rs.
"""

COMPARTMENTS_HEADER = """\
# The compartments of FHIR R4: 4.0.1, the official CompartmentDefinitions (CC0, hl7.org/fhir/R4). Written by generate.py.
# A line without indent names the type that has a compartment; each indented one a type that can lie in it, and by which
# of its search parameters. What has none of these is never in it.
"""


def resources(path, kind):
    """The resources of one type in a Bundle, in order."""
    with gzip.open(path) as text:
        entries = json.load(text)["entry"]
    return [entry["resource"] for entry in entries if entry["resource"]["resourceType"] == kind]


def branches(expression):
    """The parts of a union, at the level of brackets of the whole."""
    parts, depth, quoted = [""], 0, False
    for sign in expression:
        quoted ^= sign == "'"
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return [" ".join(part.split()) for part in parts]


def belongs(branch, base):
    """Whether a branch is about a type: it begins with its name, with one that stands for all, or with none."""
    name = branch.lstrip("(").split(".")[0].split(" ")[0]
    return name in (base, "Resource", "DomainResource") or name[:1].islower()


def expression_for(parameter, base):
    """The branches of a type, in order."""
    own = [branch for branch in branches(parameter.get("expression", "")) if belongs(branch, base)]
    return " | ".join(own)


def lines_of(parameter, base, by_url):
    """What stands for one parameter of one type."""
    head = [parameter["code"], parameter["type"], parameter["url"].removeprefix(PREFIX)]
    targets = parameter.get("target", [])
    lines = [" " + " ".join(head + (["*"] if len(targets) >= ALL_TYPES else targets))]
    expression = expression_for(parameter, base)
    if expression:
        lines.append("  " + expression)
    components = parameter.get("component", [])
    definitions = [component["definition"] for component in components]
    if parameter["id"] in SWAPPED:
        definitions.reverse()
    for component, definition in zip(components, definitions):
        text = component["expression"]
        lines.append(f"   {by_url[definition]['code']} {MENDED.get(text, text)}")
    return lines


def parameters(folder):
    """The lines of parameters.txt."""
    found = resources(folder / "search-parameters.json.gz", "SearchParameter")
    by_url = {parameter["url"]: parameter for parameter in found}
    by_base = {}
    for parameter in found:
        for base in parameter["base"]:
            by_base.setdefault(base, []).append(parameter)
    lines = [HEADER.rstrip()]
    for base in sorted(by_base):
        lines.append(base)
        for parameter in sorted(by_base[base], key=lambda one: one["code"]):
            lines += lines_of(parameter, base, by_url)
    return lines


def compartments(folder):
    """The lines of compartments.txt."""
    lines = [COMPARTMENTS_HEADER.rstrip()]
    found = resources(folder / "profiles-resources.json.gz", "CompartmentDefinition")
    for definition in sorted(found, key=lambda one: one["code"]):
        lines.append(definition["code"])
        for member in definition["resource"]:
            params = member.get("param") or ADDED_MEMBERS.get(definition["code"], {}).get(member["code"])
            if params:
                lines.append(f" {member['code']} {' '.join(params)}")
    return lines


def write(name, lines):
    """A file beside this one."""
    pathlib.Path(__file__).with_name(name).write_text("\n".join(lines) + "\n")
    print(f"{name}: {len(lines)} lines")


def main(folder):
    write("parameters.txt", parameters(folder))
    write("compartments.txt", compartments(folder))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1])) if len(sys.argv) == 2 else sys.exit(__doc__)
