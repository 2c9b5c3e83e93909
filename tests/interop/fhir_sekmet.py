"""PyPI sekmet-fhir 0.1.1, a micro hospital, plays the systems around the gateway: it registers, admits, orders, books,
bills, exports and sends messages, and looks whether what it wrote is found. In JSON, and again in XML.

A scenario in scope fails here also when sekmet skips a step of it because the CapabilityStatement does not offer it.
"""

import json
import pathlib
import socket
import subprocess
import sys

from checks import expect

RUN_SECONDS = 300

IN_SCOPE = [
    "conformance_smoke",
    "adt_admit_transfer_discharge",
    "adt_merge_update",
    "appointment_book_cancel",
    "lab_order_to_result",
    "rad_order_imaging_report",
    "medication_order_dispense",
    "clinical_documentation",
    "billing_claim",
    "bulk_export_group",
    "messaging_adt_orders",
]
# What the gateway does not do yet, or is not there to do.
OUT_OF_SCOPE = {
    "subscription_roundtrip": "waits for delivery: the engine behind Subscription",
    "subscription_backport_roundtrip": "waits for delivery: the engine behind Subscription",
    "lab_order_peer_fills": "the gateway is no laboratory: nobody fills the order",
}
# Steps for which the gateway would have to be the payer.
MAY_BE_SKIPPED = {"Wait for ClaimResponse", "Adjudication complete", "Synchronous Claim/$submit"}
# Scenarios whose point is not the wire format.
NOT_IN_XML = {"bulk_export_group", "messaging_adt_orders"}
PEERS = {"json": "loopgate", "xml": "loopgate-xml"}


def write_settings(folder, base, forms):
    """sekmet's settings (YAML takes JSON): a peer for each form, with the way in it shows who it is."""
    port = free_port()
    settings = {
        "base_url": f"http://127.0.0.1:{port}/fhir",
        "host": "127.0.0.1",
        "port": port,
        "data_dir": "data",
        "peers": {PEERS[form]: {"base_url": base, "format": form, "auth": auth} for form, auth in forms.items()},
    }
    (folder / "settings.yaml").write_text(json.dumps(settings), encoding="utf-8")


def sekmet(folder, *arguments, seconds=RUN_SECONDS):
    tool = pathlib.Path(sys.executable).with_name("sekmet")
    return subprocess.run([tool, *arguments], cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)


def every_scenario_is_judged(folder):
    listed = [line.split()[0] for line in sekmet(folder, "scenario", "list").stdout.splitlines() if line.strip()]
    expect(sorted(listed), sorted([*IN_SCOPE, *OUT_OF_SCOPE]))


def results(folder, form, names):
    """The results of a run, by the name of the scenario's file."""
    reports = f"reports-{form}"
    ended = sekmet(folder, "scenario", "run", *names, "--peer", PEERS[form], "--config", "settings.yaml", "--report-dir", reports)
    (folder / f"output-{form}.txt").write_text(ended.stdout + ended.stderr, encoding="utf-8")
    found = list((folder / reports).glob("*/results.json"))
    if not found:
        raise AssertionError(f"no report: {(ended.stderr or ended.stdout).strip()[-400:]}")
    return {pathlib.Path(result["file"]).stem: result for result in json.loads(found[0].read_text(encoding="utf-8"))}


def trouble(result):
    """The steps of a scenario in scope that did not do what they should."""
    bad = []
    for step in result["steps"]:
        skipped = step["status"] == "skipped" and step["name"] not in MAY_BE_SKIPPED
        if skipped or step["status"] in ("failed", "error"):
            bad.append(f"step {step['index']} ({step['name']}) {step['status']}: {step['message'].splitlines()[0][:300]}")
    return bad


def judge(result):
    if result is None:
        raise AssertionError("sekmet did not run it")
    bad = trouble(result)
    if bad:
        raise AssertionError("; ".join(bad))


def remarks(result):
    for step in result["steps"]:
        if step["status"] == "warning":
            print(f"       sekmet remarks on {step['name']}: {step['message'].splitlines()[0][:200]}", flush=True)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def run(checks, base, folder):
    folder = folder / "sekmet"
    folder.mkdir(exist_ok=True)
    write_settings(folder, base, {"json": {"type": "none"}, "xml": {"type": "none"}})
    checks.run("PyPI sekmet-fhir has no scenario that is not judged here", every_scenario_is_judged, folder)
    run_format(checks, folder, "json", [*IN_SCOPE, *OUT_OF_SCOPE], "json")
    run_format(checks, folder, "xml", [name for name in IN_SCOPE if name not in NOT_IN_XML], "xml")


def run_format(checks, folder, form, names, note):
    found = {}
    name = f"PyPI sekmet-fhir runs {len(names)} scenarios ({note})"
    checks.run(name, lambda: found.update(results(folder, form, names)))
    for name in names:
        if name in OUT_OF_SCOPE:
            print(f"later  PyPI sekmet-fhir {name}: {OUT_OF_SCOPE[name]} ({found.get(name, {}).get('status')})", flush=True)
            continue
        checks.run(f"PyPI sekmet-fhir {name} ({note})", judge, found.get(name))
        remarks(found.get(name, {"steps": []}))
