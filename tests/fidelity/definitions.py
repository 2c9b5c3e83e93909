"""Unpacks the R4 definitions as pyrofile reads them: one resource a file, value sets and code systems too."""

import gzip
import json

FILES = (
    "profiles-types.json.gz",
    "profiles-resources.json.gz",
    "extension-definitions.json.gz",
    "valuesets.json.gz",
    "v3-codesystems.json.gz",
    "v2-tables.json.gz",
)
KINDS = {"StructureDefinition", "ValueSet", "CodeSystem"}


def unpack(source, place):
    """Writes the definitions below `source` to `place`, once."""
    done = place / "done"
    if done.exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        with gzip.open(source / name) as text:
            content = json.load(text)
        resources = content if isinstance(content, list) else [entry["resource"] for entry in content["entry"]]
        for at, resource in enumerate(resources):
            if resource["resourceType"] in KINDS:
                (place / f"{name.split('.')[0]}-{at:04d}.json").write_text(json.dumps(resource))
    done.touch()
