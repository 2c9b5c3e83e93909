"""Unpacks the R4 definitions as pyrofile reads them: one resource a file, value sets and code systems too.

The tables of HL7 v2 are taken as published today, since messages use codes that came after R4.
"""

import gzip
import json
import tarfile

FILES = (
    "profiles-types.json.gz",
    "profiles-resources.json.gz",
    "extension-definitions.json.gz",
    "valuesets.json.gz",
    "v3-codesystems.json.gz",
)
TABLES = "terminology-v2-tables.tgz"
KINDS = {"StructureDefinition", "ValueSet", "CodeSystem"}


def unpack(shared, place):
    """Writes the definitions below `shared` to `place`, once."""
    done = place / "done"
    if done.exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        with gzip.open(shared / "fhir-r4" / name) as text:
            content = json.load(text)
        resources = content if isinstance(content, list) else [entry["resource"] for entry in content["entry"]]
        for at, resource in enumerate(resources):
            if resource["resourceType"] in KINDS:
                (place / f"{name.split('.')[0]}-{at:04d}.json").write_text(json.dumps(resource))
    with tarfile.open(shared / "profiles" / TABLES) as archive:
        for member in archive.getmembers():
            if member.name.endswith(".json"):
                (place / f"table-{member.name.rsplit('/', 1)[1]}").write_bytes(archive.extractfile(member).read())
    done.touch()
