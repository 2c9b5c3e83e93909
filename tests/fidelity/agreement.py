"""Our own validator beside the independent ones, file by file, over the official R4 examples."""

import collections
import json
import re
import subprocess

from judge import general
from known import sort

# Who says it alone (`ours`, or the judge), a pattern of path and text, and the heading of docs/fidelity-validators.md.
EXPLAINED = [
    ("ours", r"fullUrl and the resource's type and id disagree", "full URLs"),
    ("ours", r"us-core-ethnicity", "an extension of an older US Core"),
    ("pyrofile", r"terminology\.code-system", "codes of bindings that are not required"),
    ("pyrofile", r"questionnaire\.unresolved", "questionnaires that are not at hand"),
]

VERDICTS = {
    (False, False): "both clean",
    (True, True): "both with errors",
    (True, False): "errors by ours only",
    (False, True): "errors by theirs only",
}


def compare(judges, gateway, examples, report):
    """Prints the agreement and writes each disagreement to `report`; gives those that nothing explains."""
    ours = our_errors(gateway, examples)
    table, lines, open_ones = collections.Counter(), [], collections.Counter()
    for file in sorted(examples.rglob("*.json")):
        complaints = judges.judge(json.loads(file.read_text()))
        if complaints is None:
            table["not judged in time"] += 1
            continue
        theirs, _ = sort(complaints)
        table[VERDICTS[bool(ours[file.name]), bool(theirs)]] += 1
        if bool(ours[file.name]) == bool(theirs):
            continue
        said = [("ours", path, text) for path, text in ours[file.name]]
        said += [(complaint.judge, complaint.path, complaint.text) for complaint in theirs]
        for who, path, text in {(who, general(path), general(text)) for who, path, text in said}:
            reason = explanation(who, f"{path} {text}")
            lines.append(f"{file.name}\t{who}\t{reason or 'OPEN'}\t{path}\t{text}")
            open_ones[(who, path, text)] += reason is None
    report.write_text("\n".join(lines) + "\n")
    print(f"\nofficial R4 examples: {sum(table.values())}")
    for name, count in table.most_common():
        print(f"  {name:24}{count:6}")
    left = [f"not explained: {who} {path} {text} ({count} files)" for (who, path, text), count in open_ones.items() if count]
    return left


def our_errors(gateway, examples):
    """Path and text of our errors by file name."""
    done = subprocess.run([gateway, "validate", "--json", examples], capture_output=True, text=True, check=False)
    errors = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        judged = json.loads(line)
        for issue in judged["outcome"]["issue"]:
            if issue["severity"] in ("error", "fatal"):
                name = judged["file"].rsplit("/", 1)[1]
                errors[name].append((issue.get("expression", [""])[0], issue["diagnostics"]))
    return errors


def explanation(who, text):
    """The heading under which a disagreement is explained."""
    return next((reason for whose, pattern, reason in EXPLAINED if whose == who and re.search(pattern, text)), None)
