"""What two independent validators say about FHIR resources: pyrofile-validator and fhirkit, neither of them ours."""

import collections
import json
import re

import fhirkit
from pyrofile_validator.config import ValidatorConfig
from pyrofile_validator.core.engine import Validator

Complaint = collections.namedtuple("Complaint", "judge resource path text")

# One thing pyrofile asks for is no rule of R4: that an Encounter names a patient.
SETTINGS = {
    "fhirVersion": "4.0.1",
    "allowUnknownExtensions": True,
    "errorOnUnknownProfile": False,
    "terminology": {"mode": "local"},
    "customRules": {"encounterRequiresPatient": False},
}


def validator(definitions):
    """pyrofile with the official R4 definitions from the folder `definitions`."""
    return Validator(ValidatorConfig.load_dict({**SETTINGS, "localPackagePaths": [str(definitions)]}))


def judge(pyrofile, resource):
    """All errors about a resource or a Bundle and its entries; a complaint names the entry it is about."""
    return [*_by_pyrofile(pyrofile, resource), *_by_fhirkit(resource)]


def _by_pyrofile(pyrofile, resource):
    for issue in pyrofile.validate_resource(resource).issues:
        if issue.severity.value == "error":
            about = f"{issue.resource_type}/{issue.resource_id}"
            yield Complaint("pyrofile", about, issue.path or "", f"{issue.code}: {issue.message}")


def _by_fhirkit(resource):
    entries = [entry.get("resource", {}) for entry in resource.get("entry", [])]
    for issue in fhirkit.validate(resource):
        if issue.severity != "error":
            continue
        found = re.match(r"Bundle\.entry\[(\d+)\]\.resource\.?(.*)", issue.path)
        about = entries[int(found[1])] if found else resource
        path = f"{about.get('resourceType')}.{found[2]}" if found else issue.path
        yield Complaint("fhirkit", f"{about.get('resourceType')}/{about.get('id')}", path, issue.message)


def dangling(bundle):
    """References of a Bundle that lead to no entry, no contained resource and no server: (resource, path, reference)."""
    entries = [entry for entry in bundle.get("entry", []) if "resource" in entry]
    known = {entry.get("fullUrl") for entry in entries}
    known |= {f"{entry['resource']['resourceType']}/{entry['resource'].get('id')}" for entry in entries}
    for entry in entries:
        resource = entry["resource"]
        inside = {"#" + inner.get("id", "") for inner in resource.get("contained", [])} | {"#"}
        for path, reference in _references(resource, resource["resourceType"]):
            if reference not in known | inside and not reference.startswith(("http://", "https://")):
                yield f"{resource['resourceType']}/{resource.get('id')}", path, reference


def _references(node, path):
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield path, node["reference"]
        for key, value in node.items():
            yield from _references(value, f"{path}.{key}")
    elif isinstance(node, list):
        for item in node:
            yield from _references(item, path)


def general(text):
    """A message without what is particular to one resource, so that like complaints count together."""
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    return re.sub(r"\[\d+\]", "[]", text)
