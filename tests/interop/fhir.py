"""FHIR clients that nobody here wrote work with a gateway's FHIR door: PyPI fhirpy and fhirclient, npm fhir-kit-client and
@medplum/core, and PyPI sekmet-fhir, which plays the systems around a hospital.

Prints a line for each check and `N passed, N failed`; exits 1 when one failed. Loopback only.
"""

import argparse
import os
import pathlib
import shutil
import sys
import time

import fhir_access
import fhir_fhirclient
import fhir_fhirpy
import fhir_sekmet
from checks import Checks, Program

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, os.fspath(HERE.parent / "support"))
from gateway import Gateway, store_arguments  # noqa: E402  (a neighbour of this folder)

NODE_CLIENTS = {"npm fhir-kit-client": "fhir_kit_client.mjs", "npm @medplum/core": "fhir_medplum.cjs"}
LINE_SECONDS = 60


def node_client(checks, name, script, base, tag, log):
    """One npm client; its lines become checks. A client that ends early or says nothing is a failure."""
    program = Program(["node", HERE / script, base, tag], log)
    lines = 0
    try:
        while line := program.line(LINE_SECONDS):
            checks.note(f"{name} {line['name']}", line["error"])
            lines += 1
        if not lines or program.process.wait() != 0:
            checks.note(f"{name} runs to its end", f"exit {program.process.returncode} after {lines} checks")
    except Exception as error:  # a hung or broken client is a finding, not the end of the run
        checks.note(f"{name} runs to its end", f"{type(error).__name__} after {lines} checks")
    finally:
        program.stop()


def run_checks(checks, base, folder, only, log):
    tag = f"{time.time_ns() // 1_000_000:x}"
    clients = {
        "fhirpy": lambda: fhir_fhirpy.run(checks, base, tag),
        "fhirclient": lambda: fhir_fhirclient.run(checks, base, tag),
        **{
            script.split(".")[0]: lambda name=name, script=script: node_client(checks, name, script, base, tag, log)
            for name, script in NODE_CLIENTS.items()
        },
        "sekmet": lambda: fhir_sekmet.run(checks, base, folder),
    }
    for name, client in clients.items():
        if not only or name in only:
            client()


def guarded(checks, binary, folder):
    """A second gateway, whose door is not open."""
    keys = fhir_access.Keys(folder)
    with Gateway(binary, folder, store_arguments(folder), keys.door()) as gateway:
        fhir_access.run(checks, gateway.base, keys, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", help="the program to start; or")
    parser.add_argument("--base", help="the base URL of a FHIR door that is open already")
    parser.add_argument("--place", type=pathlib.Path, required=True, help="where the run may write")
    parser.add_argument("--only", nargs="*", help="the clients to run: fhirpy, fhirclient, fhir_kit_client …")
    arguments = parser.parse_args()
    folder = arguments.place / "fhir"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    checks = Checks()
    with open(folder / "log", "w", encoding="utf-8") as log:
        if arguments.base:
            run_checks(checks, arguments.base, folder, arguments.only, log)
        else:
            with Gateway(arguments.gateway, folder, store_arguments(folder)) as gateway:
                run_checks(checks, gateway.base, folder, arguments.only, log)
            if not arguments.only or "access" in arguments.only:
                guarded(checks, arguments.gateway, folder / "guarded")
    print(f"{checks.passed} passed, {checks.failed} failed")
    if checks.failed:
        print(f"what the programs said is in {os.path.relpath(folder)}", file=sys.stderr)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
