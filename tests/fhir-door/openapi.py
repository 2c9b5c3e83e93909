#!/usr/bin/env python3
"""PyPI schemathesis makes requests out of the door's own OpenAPI document and sends them. No answer may be a 5xx."""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from gateway import Gateway, store_arguments  # noqa: E402

DOCUMENT = "openapi.json"
CASES_MIN = 1000


def explore(base, seconds, place):
    """Whether schemathesis found nothing. What breaks in the tool itself is shown and does not count against the door, as
    long as it has sent something."""
    place.mkdir(parents=True, exist_ok=True)
    report = (place / "report.json").resolve()
    tool = pathlib.Path(sys.executable).with_name("schemathesis")
    command = [tool, "run", f"{base}/{DOCUMENT}", "--url", base, "--checks", "not_a_server_error", "--workers", "1",
               "--max-time", str(seconds), "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off",
               "--seed", "4", "--report", "json", "--report-json-path", report]
    subprocess.run(command, cwd=place, timeout=seconds + 300, check=False)
    return judge(json.loads(report.read_text(encoding="utf-8")))


def judge(report):
    """Refused requests are fine, a 5xx is not; and it must have asked enough to say so."""
    cases, operations = report["test_cases"]["generated"], report["operations"]
    print(f"schemathesis: {cases} requests to {operations['tested']} of {operations['total']} operations,"
          f" {len(report['failures'])} failures, {len(report['errors'])} errors of the tool's own", flush=True)
    return not report["failures"] and cases >= CASES_MIN


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", help="the program to start; or")
    parser.add_argument("--base", help="the base URL of a FHIR door that is open already")
    parser.add_argument("--place", type=pathlib.Path, default=pathlib.Path("target/fhir-door/openapi"))
    parser.add_argument("--seconds", type=int, default=90)
    arguments = parser.parse_args()
    if arguments.base:
        return 0 if explore(arguments.base, arguments.seconds, arguments.place) else 1
    shutil.rmtree(arguments.place, ignore_errors=True)
    with Gateway(arguments.gateway, arguments.place, store_arguments(arguments.place)) as gateway:
        is_sound = explore(gateway.base, arguments.seconds, arguments.place)
        panicked = "panicked" in gateway.log_file.read_text(encoding="utf-8")
        if panicked or not gateway.is_running():
            print("FAILED: the gateway panicked", file=sys.stderr)
            return 1
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
