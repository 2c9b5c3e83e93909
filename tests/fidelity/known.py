"""What the judges say that is not held against a resource, each with its reason (docs/fidelity-validators.md)."""

import re

# Judge, path, text, and the heading in the document.
KNOWN = [
    ("pyrofile", r"\._\w+$", r"^element\.unknown", "companions"),
    ("pyrofile", r"", r"^terminology\.display", "displays"),
]


def set_aside(complaint):
    """The reason why a complaint does not count; None when it does."""
    for judge, path, text, reason in KNOWN:
        if complaint.judge == judge and re.search(path, complaint.path) and re.search(text, complaint.text):
            return reason
    return None
