#!/usr/bin/env python3
"""PyPI schemathesis makes requests out of the door's own OpenAPI document and sends them. No answer may be a 5xx."""

import argparse
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from gateway import Gateway, store_arguments  # noqa: E402

DOCUMENT = "openapi.json"


def explore(base, seconds):
    """The exit code of schemathesis; it prints what it found."""
    tool = pathlib.Path(sys.executable).with_name("schemathesis")
    command = [tool, "run", f"{base}/{DOCUMENT}", "--url", base, "--checks", "not_a_server_error", "--workers", "2",
               "--max-time", str(seconds), "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off",
               "--seed", "4"]
    return subprocess.run(command, timeout=seconds + 300, check=False).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", help="the program to start; or")
    parser.add_argument("--base", help="the base URL of a FHIR door that is open already")
    parser.add_argument("--place", type=pathlib.Path, default=pathlib.Path("target/fhir-door/openapi"))
    parser.add_argument("--seconds", type=int, default=90)
    arguments = parser.parse_args()
    if arguments.base:
        return explore(arguments.base, arguments.seconds)
    shutil.rmtree(arguments.place, ignore_errors=True)
    with Gateway(arguments.gateway, arguments.place, store_arguments(arguments.place)) as gateway:
        code = explore(gateway.base, arguments.seconds)
        panicked = "panicked" in gateway.log_file.read_text(encoding="utf-8")
        if panicked or not gateway.is_running():
            print("FAILED: the gateway panicked", file=sys.stderr)
            return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
