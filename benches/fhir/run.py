#!/usr/bin/env python3
"""Measures the FHIR door with wrk: create, read, update, search by identifier, search Task by owner and status, and a
transaction of ten, at 1, 8 and 32 connections, on both stores, with several sizes of store; medians of several runs.

Each store and size gets a fresh gateway that is filled through transactions first. Processor time and memory are the
gateway's, without PostgreSQL's; the load runs on the same machine. Prints a table, and how the cost of a search grows with
the store; writes target/bench-fhir/result.json and result.md. Fails on a refused or broken request only, never on a time.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests/support"))
import seed  # noqa: E402
from gateway import Gateway, store_arguments  # noqa: E402

FOLDER = pathlib.Path("target/bench-fhir")
OPERATIONS = ["read", "search", "task", "update", "create", "transaction"]
SEARCHES = ["search", "task"]
MEASURES = ["per_s", "ms_p50", "ms_p99", "cpu_ms", "peak_mib", "kb_each"]


class Bench:
    """What to measure, and what was measured so far."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.rows = []
        self.fills = []
        self.wrong = 0
        self.runs = 0

    def store(self, store, size):
        """One store of one size: fill it, then every operation."""
        folder = FOLDER / f"{store}-{size}"
        shutil.rmtree(folder, ignore_errors=True)
        with Gateway(self.arguments.gateway, folder, store_arguments(folder, store)) as gateway:
            seconds = seed.fill(gateway.base, size)
            cpu = gateway.cpu_seconds()
            check(gateway.base, size)
            fill = {"store": store, "size": size, "seconds": round(seconds, 1), "per_s": round(size / seconds),
                    "cpu_seconds": round(cpu, 1),
                    "disk_mib": round(disk_mib(folder)) if store == "sqlite" else None,
                    "peak_mib": round(gateway.status("VmHWM"))}
            self.fills.append(fill)
            print(f"{store}: {size} resources in {seconds:.1f} s, {fill['per_s']} a second, {cpu:.1f} s of processor, {fill['peak_mib']} MiB at most"
                  + (f", {fill['disk_mib']} MiB on disk" if fill["disk_mib"] else ""), flush=True)
            for operation in self.arguments.operations:
                for connections in self.arguments.connections:
                    self.measure(gateway, store, size, operation, connections)
        if not self.arguments.keep:
            shutil.rmtree(folder / "data", ignore_errors=True)

    def measure(self, gateway, store, size, operation, connections):
        self.wrk(gateway, size, operation, connections, 1)
        runs = [self.once(gateway, size, operation, connections) for _ in range(self.arguments.runs)]
        row = {"store": store, "size": size, "operation": operation, "connections": connections, "runs": runs}
        row |= {measure: round(statistics.median(run[measure] for run in runs), 4) for measure in MEASURES}
        row["wrong"] = sum(run["refused"] + run["broken"] for run in runs)
        self.wrong += row["wrong"]
        self.rows.append(row)
        print(as_line(row), flush=True)

    def once(self, gateway, size, operation, connections):
        """One run of wrk with the gateway's own time and memory in it."""
        gateway.forget_peak()
        before = gateway.cpu_seconds()
        result = self.wrk(gateway, size, operation, connections, self.arguments.seconds)
        each = max(1, result["requests"])
        result["cpu_ms"] = (gateway.cpu_seconds() - before) * 1000 / each
        result["kb_each"] = result["bytes"] / 1000 / each
        result["peak_mib"] = gateway.status("VmHWM")
        return result

    def wrk(self, gateway, size, operation, connections, seconds):
        self.runs += 1
        sizes = seed.counts(size)
        environment = {**os.environ, "SCRIPTS": str(HERE), "PATIENTS": str(sizes["patients"]), "OWNERS": str(sizes["owners"]),
                       "FIRST": str(self.runs * 104729), "TAG": f"R{time.time_ns():x}"}
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", HERE / f"{operation}.lua", gateway.base]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds + 120, check=False)
        if ended.returncode != 0:
            raise RuntimeError(f"wrk ended with {ended.returncode}: {ended.stderr[-300:]}")
        return json.loads(ended.stdout.splitlines()[-1])


def check(base, size):
    """What the scripts ask for is there."""
    import urllib.request

    def total(search):
        with urllib.request.urlopen(f"{base}/{search}&_summary=count", timeout=120) as answer:
            return json.loads(answer.read())["total"]

    sizes = seed.counts(size)
    found = [total(f"Patient?identifier=urn:oid:2.999.6%7CB{sizes['patients'] - 1}"), total("Task?owner=Organization/o0&status=requested")]
    wanted = [1, sum(1 for at in range(0, sizes["tasks"], sizes["owners"]) if at // sizes["owners"] % len(seed.STATUSES) == 0)]
    if found != wanted:
        raise RuntimeError(f"the filled store does not find what is in it: {found}, not {wanted}")


def disk_mib(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20


HEADINGS = ["store", "resources", "operation", "conn", "req/s", "p50 ms", "p99 ms", "cpu ms", "peak MiB", "kB each", "wrong"]
WIDTHS = [9, 9, 11, 5, 8, 8, 8, 8, 8, 8, 6]


def cells(row):
    return [row["store"], str(row["size"]), row["operation"], str(row["connections"]), f"{row['per_s']:.0f}", f"{row['ms_p50']:.2f}",
            f"{row['ms_p99']:.2f}", f"{row['cpu_ms']:.3f}", f"{row['peak_mib']:.0f}", f"{row['kb_each']:.1f}", str(row["wrong"])]


def aligned(texts):
    return " ".join(text.ljust(width) if at in (0, 2) else text.rjust(width) for at, (text, width) in enumerate(zip(texts, WIDTHS)))


def as_line(row):
    return aligned(cells(row))


def growth(rows):
    """How the time of a search at one connection grows between two sizes, and what the logarithm allows."""
    found = []
    for store in dict.fromkeys(row["store"] for row in rows):
        for operation in SEARCHES:
            one = sorted((row for row in rows if row["store"] == store and row["operation"] == operation and row["connections"] == 1),
                         key=lambda row: row["size"])
            for small, large in zip(one, one[1:]):
                found.append({"store": store, "operation": operation, "from": small["size"], "to": large["size"],
                              "grows": round(small["per_s"] / large["per_s"], 3),
                              "cpu_grows": round(large["cpu_ms"] / small["cpu_ms"], 3),
                              "logarithm": round(math.log(large["size"]) / math.log(small["size"]), 3)})
    return found


def growth_line(one):
    return (f"{one['store']} {one['operation']}: from {one['from']} to {one['to']} resources the time of one grows"
            f" {one['grows']:.2f} times, the gateway's processor time {one['cpu_grows']:.2f} times; the logarithm grows {one['logarithm']:.2f} times")


def markdown(result):
    machine = result["machine"]
    lines = [f"Measured {machine['when']} on {machine['cores']} cores, load average before: {machine['load']:.1f}.", ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in result["rows"]]
    lines += ["", "| store | resources | filled in s | a second | processor s | MiB on disk | peak MiB |", "|" + " --- |" * 7]
    lines += [f"| {one['store']} | {one['size']} | {one['seconds']} | {one['per_s']} | {one['cpu_seconds']} | {one['disk_mib'] or '-'} | {one['peak_mib']} |"
              for one in result["fills"]]
    return "\n".join([*lines, "", *(f"- {growth_line(one)}" for one in result["growth"])]) + "\n"


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6, help="of each run")
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 8, 32])
    parser.add_argument("--sizes", type=int, nargs="*", default=[2_000, 100_000, 1_000_000])
    parser.add_argument("--stores", nargs="*", default=["sqlite", "postgres"])
    parser.add_argument("--operations", nargs="*", default=OPERATIONS)
    parser.add_argument("--quick", action="store_true", help="one run of 2 s each, 2,000 and 20,000 resources")
    parser.add_argument("--keep", action="store_true", help="leave the filled stores in target/bench-fhir")
    parser.add_argument("--json", action="store_true", help="print the result as JSON at the end")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.runs, arguments.seconds, arguments.sizes = 1, 2, [2_000, 20_000]
    if "postgres" in arguments.stores and "LOOPGATE_TEST_POSTGRES" not in os.environ:
        print("SKIPPED: PostgreSQL, because LOOPGATE_TEST_POSTGRES is not set", file=sys.stderr)
        arguments.stores.remove("postgres")
    return arguments


def main():
    arguments = parse()
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine = {"when": f"{datetime.date.today()}", "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    bench = Bench(arguments)
    print(aligned(HEADINGS))
    for store in arguments.stores:
        for size in arguments.sizes:
            bench.store(store, size)
    result = {"machine": machine, "fills": bench.fills, "rows": bench.rows, "growth": growth(bench.rows)}
    for one in result["growth"]:
        print(growth_line(one))
    (FOLDER / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    (FOLDER / "result.md").write_text(markdown(result), encoding="utf-8")
    print(json.dumps(result) if arguments.json else f"written to {FOLDER}/result.md and {FOLDER}/result.json")
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
