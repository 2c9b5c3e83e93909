#!/usr/bin/env python3
"""Writes the profile packages beside this file: what implementation guides ask for beyond FHIR R4, compactly.

    generate.py GUIDES R4   GUIDES holds NAME.tgz of implementation guides, R4 the definitions of FHIR R4 4.0.1 (gzip)

Only what a profile changes is written, taken from its snapshot: cardinality, types, fixed values and patterns, slicing,
rules in FHIRPath, required bindings. The notation is that of src/profile/package/read.rs. Codes of a required binding
are written when all of them belong to HL7's own code systems (CC0); lists of SNOMED CT, LOINC, CPT, X12, NUBC and the
like are never written, and such a binding is left out.
"""

import gzip
import json
import pathlib
import sys
import tarfile

PACKAGES = {
    "us-core-7.0.0": ("US Core 7.0.0", "github HL7/US-Core, tag 7.0.0"),
    "bser": ("BSeR, bidirectional services e-referral", "github HL7/bser, 7f97143"),
    "sdohcc": ("SDOH Clinical Care", "github HL7/fhir-sdoh-clinicalcare, 6604b7a"),
    "pas": ("Da Vinci Prior Authorization Support", "github HL7/davinci-pas, 46be73e"),
    "subscriptions-backport": ("Subscriptions R5 Backport", "github HL7/fhir-subscription-backport-ig, 7437188"),
}
EXTENSIONS = ("r4-extensions", "the extensions defined with FHIR R4", "hl7.org/fhir/R4")
OWN_SYSTEMS = ("http://hl7.org/fhir/", "http://terminology.hl7.org/CodeSystem/")
# HL7 publishes these on behalf of others, whose terms apply.
NOT_OWN = ("http://hl7.org/fhir/sid/",)
# Of the backport these are for R4B: they need resources that R4 does not have.
OF_R4B = {"backport-subscription-status", "backport-subscription-notification"}
R4_FILES = ("profiles-types", "profiles-resources", "valuesets", "v3-codesystems", "v2-tables", "extension-definitions")


def main(guides, r4):
    base = [resource for name in R4_FILES for resource in read_gzip(pathlib.Path(r4) / f"{name}.json.gz")]
    types = {one["type"]: one for one in base if is_definition(one) and one.get("derivation") != "constraint"}
    extensions = [one for one in base if is_definition(one) and one["type"] == "Extension" and one["id"] != "Extension"]
    write(*EXTENSIONS, extensions, types, terminology(base))
    known = {one["url"]: one for one in extensions}
    for name, (title, source) in PACKAGES.items():
        resources = read_guide(pathlib.Path(guides) / f"{name}.tgz")
        profiles = [one for one in resources if is_definition(one) and one.get("derivation") == "constraint"]
        profiles = [one for one in profiles if one["id"] not in OF_R4B]
        known |= {one["url"]: one for one in profiles}
        for profile in profiles:
            mend_slices(profile, known)
        write(name, title, source, profiles, types, terminology(base + resources))


def mend_slices(profile, known):
    """A slice that no differential gives a minimum may be absent; some snapshots repeat that of the whole list."""
    chain = [profile]
    while chain[-1].get("baseDefinition", "").split("|")[0] in known:
        chain.append(known[chain[-1]["baseDefinition"].split("|")[0]])
    said = {one["id"] for link in chain for one in link.get("differential", {}).get("element", []) if "min" in one}
    for element in profile["snapshot"]["element"]:
        if ":" in element["id"].rpartition(".")[2] and element["id"] not in said:
            element["min"] = 0


def read_gzip(path):
    with gzip.open(path) as text:
        content = json.load(text)
    return content if isinstance(content, list) else [entry["resource"] for entry in content["entry"]]


def read_guide(path):
    with tarfile.open(path) as archive:
        members = [m for m in archive.getmembers() if "/definitions/" in m.name and m.name.endswith(".json")]
        return [json.load(archive.extractfile(member)) for member in members]


def is_definition(resource):
    return resource["resourceType"] == "StructureDefinition" and "snapshot" in resource


def terminology(resources):
    """Code systems and value sets by url."""
    kinds = ("CodeSystem", "ValueSet")
    return {one["url"]: one for one in resources if one["resourceType"] in kinds and "url" in one}


def write(name, title, source, profiles, types, known):
    lines = [
        f"# {title}: the constraints of its profiles. Source: {source} (CC0-1.0), the snapshots of its StructureDefinitions.",
        "# Written by generate.py; the notation is that of src/profile/package/read.rs.",
    ]
    bindings = set()
    for profile in sorted(profiles, key=lambda profile: profile["url"]):
        lines += profile_lines(profile, types, known, bindings)
    for url in sorted(bindings):
        lines.append(f"codes {url}")
        lines += [f" {system} {' '.join(sorted(codes))}" for system, codes in sorted(codes_of(url, known).items())]
    path = pathlib.Path(__file__).with_name(f"{name}.txt")
    path.write_text("\n".join(lines) + "\n")
    print(f"{path.name}: {len(profiles)} profiles, {path.stat().st_size // 1024} kB")


def profile_lines(profile, types, known, bindings):
    lines = [f"profile {profile['url']} {profile.get('version', '-')} {profile['type']}"]
    contexts = [one["expression"] for one in profile.get("context", []) if one["type"] == "element"]
    if contexts and len(contexts) == len(profile["context"]):
        lines.append(f"  context {' '.join(sorted(set(contexts)))}")
    elements = profile["snapshot"]["element"]
    sliced = {element["id"].rpartition(":")[0] for element in elements if ":" in element["id"].rpartition(".")[2]}
    for element in elements:
        facets = list(facet_lines(element, types, known, bindings, element["id"] in sliced))
        head = head_line(element, types)
        if facets or head:
            path = element["id"].partition(".")[2] or "$this"
            lines += [f" {path}{head}", *facets]
    return lines


def base_element(element, types):
    """The element of R4 that this one constrains."""
    path = element.get("base", {}).get("path", element["path"])
    definition = types.get(path.split(".")[0])
    elements = definition["snapshot"]["element"] if definition else []
    return next((one for one in elements if one["path"] == path), None)


def head_line(element, types):
    """Cardinality and types, where they are not those of R4."""
    base = base_element(element, types) if "." in element["id"] else None
    if base is None:
        return ""
    text = ""
    is_slice = ":" in element["id"].rpartition(".")[2]
    if is_slice or (element["min"], element["max"]) != (base["min"], base["max"]):
        text = f" {element['min']}..{element['max']}"
    own, original = type_texts(element), type_texts(base)
    if own != original or is_slice:
        text += " : " + " ".join(own) if own else ""
    return text


def type_texts(element):
    """`Reference(url|url)`: targets of a reference, profiles of any other type."""
    texts = []
    for kind in element.get("type", []):
        code = kind["code"]
        if code.startswith("http://hl7.org/fhirpath/"):
            return []
        named = kind.get("targetProfile", []) if code in ("Reference", "canonical") else kind.get("profile", [])
        texts.append(f"{code}({'|'.join(url.split('|')[0] for url in named)})" if named else code)
    return texts


def facet_lines(element, types, known, bindings, is_sliced):
    for key, value in element.items():
        for facet in ("fixed", "pattern"):
            if key.startswith(facet) and key[len(facet) : len(facet) + 1].isupper():
                yield f"  {facet} {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
    slicing = element.get("slicing")
    if slicing and is_sliced:
        discriminators = [f"{one['type']}:{one['path']}" for one in slicing.get("discriminator", [])]
        yield f"  slices {slicing.get('rules', 'open')} {' '.join(discriminators)}".rstrip()
    binding = element.get("binding", {})
    if binding.get("strength") == "required" and "valueSet" in binding:
        url = binding["valueSet"].split("|")[0]
        base = (base_element(element, types) or {}).get("binding", {})
        if base.get("valueSet", "").split("|")[0] != url and codes_of(url, known):
            bindings.add(url)
            yield f"  codes {url}"
    keys = {rule["key"] for rule in (base_element(element, types) or {}).get("constraint", [])}
    for rule in element.get("constraint", []):
        if rule["key"] not in keys | {"ele-1", "ext-1"} and "expression" in rule:
            yield f"  rule {rule['key']} {rule['severity']} {' '.join(rule['human'].split())}"
            yield f"   {' '.join(rule['expression'].split())}"


def codes_of(url, known, seen=()):
    """The codes of a value set by system, when all are of HL7's own systems and enumerable; else nothing."""
    value_set = known.get(url)
    if value_set is None or value_set["resourceType"] != "ValueSet" or url in seen:
        return {}
    compose = value_set.get("compose", {})
    if compose.get("exclude") or not compose.get("include"):
        return {}
    found = {}
    for include in compose["include"]:
        part = codes_of_include(include, known, (*seen, url))
        if not part:
            return {}
        for system, codes in part.items():
            found.setdefault(system, set()).update(codes)
    return found


def codes_of_include(include, known, seen):
    if "filter" in include or ("valueSet" in include and "system" in include):
        return {}
    if "valueSet" in include:
        parts = [codes_of(url.split("|")[0], known, seen) for url in include["valueSet"]]
        return parts[0] if len(parts) == 1 else {}
    system = include["system"]
    if not system.startswith(OWN_SYSTEMS) or system.startswith(NOT_OWN):
        return {}
    if "concept" in include:
        return {system: {concept["code"] for concept in include["concept"]}}
    code_system = known.get(system)
    if code_system is None or code_system.get("content") != "complete":
        return {}
    return {system: set(all_codes(code_system.get("concept", [])))}


def all_codes(concepts):
    for concept in concepts:
        yield concept["code"]
        yield from all_codes(concept.get("concept", []))


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) == 3 else sys.exit(__doc__)
