"""What two independent validators say about FHIR resources: pyrofile-validator and fhirkit, neither of them ours."""

import collections
import contextlib
import hashlib
import io
import json
import pathlib
import re
import signal

import fhirkit
from pyrofile_validator.config import ValidatorConfig
from pyrofile_validator.core.engine import Validator

# `about` is Type/id of the resource within a Bundle; `path` begins at its type.
Complaint = collections.namedtuple("Complaint", "judge about path text")

# One thing pyrofile asks for is no rule of R4: that an Encounter names a patient.
SETTINGS = {
    "fhirVersion": "4.0.1",
    "allowUnknownExtensions": True,
    "errorOnUnknownProfile": False,
    "terminology": {"mode": "local"},
    "customRules": {"encounterRequiresPatient": False},
}

# CPU seconds for one resource: pyrofile needs minutes for deeply nested ones, and then says nothing new.
SECONDS_MAX = 20


class Judges:
    """Both validators. Verdicts are kept by content, since they take minutes and depend on nothing else."""

    def __init__(self, definitions, kept):
        self.definitions = definitions
        self.kept = kept
        kept.mkdir(parents=True, exist_ok=True)
        self.release = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()
        self._pyrofile = None

    def judge(self, resource):
        """All errors about a resource, or about a Bundle and its entries; None when it took too long."""
        text = json.dumps(resource, sort_keys=True)
        file = self.kept / hashlib.sha256((self.release + text).encode()).hexdigest()
        if not file.exists():
            try:
                found = [list(complaint) for complaint in self._both(resource)]
            except TooLong:
                found = None
            file.write_text(json.dumps(found))
        found = json.loads(file.read_text())
        return None if found is None else [Complaint(*complaint) for complaint in found]

    def _both(self, resource):
        if self._pyrofile is None:
            settings = {**SETTINGS, "localPackagePaths": [str(self.definitions)]}
            self._pyrofile = Validator(ValidatorConfig.load_dict(settings))
        with within(SECONDS_MAX), contextlib.redirect_stdout(io.StringIO()):
            return [*by_pyrofile(self._pyrofile, resource), *by_fhirkit(resource)]


class TooLong(Exception):
    """A resource took more than its share."""


@contextlib.contextmanager
def within(seconds):
    """Stops what is inside after so many CPU seconds."""

    def stop(*_):
        raise TooLong

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def by_pyrofile(validator, resource):
    for issue in validator.validate_resource(resource).issues:
        if issue.severity.value == "error":
            about = f"{issue.resource_type}/{issue.resource_id}"
            yield Complaint("pyrofile", about, issue.path or "", f"{issue.code}: {issue.message}")


def by_fhirkit(resource):
    entries = [entry.get("resource", {}) for entry in resource.get("entry", [])]
    for issue in fhirkit.validate(resource):
        if issue.severity != "error":
            continue
        found = re.match(r"Bundle\.entry\[(\d+)\]\.resource\.?(.*)", issue.path)
        about = entries[int(found[1])] if found else resource
        path = f"{about.get('resourceType')}.{found[2]}" if found else issue.path
        yield Complaint("fhirkit", f"{about.get('resourceType')}/{about.get('id')}", path, issue.message)


def dangling(bundle):
    """References of a Bundle that lead to no entry, no contained resource and no server: (about, path, reference)."""
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
    text = re.sub(r"\[\d+\]", "[]", text)
    return re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", text)
