"""What the judges say that is not held against a resource, each with its reason (docs/fidelity-validators.md).

fhirkit checks the same cardinalities, so that nothing goes unseen where pyrofile's complaint is set aside.
"""

import re

# Judge, path, text, and the heading in the document.
KNOWN = [
    ("pyrofile", r"\._\w+$", r"^element\.unknown", "companions"),
    ("pyrofile", r"^\w+(\.\w+){3,}(\[x\])?$", r"^profile\.element\.cardinality\.max", "nested elements counted together"),
    ("pyrofile", r"^TestScript\.", r"^profile\.element\.", "nested elements counted together"),
    ("pyrofile", r"\.data$", r"^datatype\.invalid: The base64 content", "blanks in base64"),
    ("pyrofile", r"", r"^invariant\.dom-3", "canonical references to contained resources"),
    ("pyrofile", r"^Bundle\.entry\[\d*\]\.resource$", r"^bundle\.entry\.resource", "entries without a resource"),
    ("pyrofile", r"", r"^reference\.type: Reference https?://\S+/[^A-Z/]\w*/", "references to other servers"),
    ("pyrofile", r"", r"^reference\.type: Reference http://hl7\.org/fhir/ig/", "references to other servers"),
    ("pyrofile", r"^Questionnaire\.item\.item", r"^extension\.context", "items within items"),
    ("pyrofile", r"", r"^terminology\.display", "displays"),
]


# Headings for what pyrofile alone finds missing: fhirkit looks for the same elements, and sees companions and choices.
MISSING = r"^(profile\.element\.)?cardinality\.min"


def sort(complaints):
    """Complaints that count, and those set aside with the reason of each."""
    missing = {complaint.about for complaint in complaints if complaint.text == "required element missing"}
    counting, aside = [], []
    for complaint in complaints:
        reason = set_aside(complaint)
        if re.search(MISSING, complaint.text) and complaint.about not in missing:
            reason = "elements with extensions only, and nested choices"
        (counting if reason is None else aside).append((complaint, reason))
    return [complaint for complaint, _ in counting], aside


def set_aside(complaint):
    """The reason why a complaint does not count by itself; None when it does."""
    for judge, path, text, reason in KNOWN:
        if complaint.judge == judge and re.search(path, complaint.path) and re.search(text, complaint.text):
            return reason
    return None
