#!/usr/bin/env python3
"""Measures the gateway: 1, 8, 32 and 128 connections, two messages of about 1 kB, both stores; medians of several runs.

Each run starts a fresh gateway on a fresh store, sends, and waits until all is concluded (mapped, stored, indexed,
workflow step). Processor time and memory are the gateway's, without PostgreSQL's. Prints a table; writes target/bench/result.json and target/bench/result.md. Fails on a wrong or missing
acknowledgement only, never on a time.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
MESSAGES = {"ADT^A08": HERE / "load/messages/adt_a08.hl7", "SIU^S12": HERE / "load/messages/siu_s12.hl7"}
FOLDER = pathlib.Path("target/bench")
# Half of the target of 10,000 acknowledged messages a second.
OPEN_LOOP_RATE = 5000
MEASURES = ["acknowledged_per_s", "concluded_per_s", "ms_p50", "ms_p99", "cpu_ms_per_message", "resident_mib", "peak_mib"]


class Bench:
    """The programs, the sizes, and what was measured so far."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.rows = []
        self.wrong = 0

    def store_arguments(self, store):
        """A fresh store each time."""
        if store == "postgres":
            url = subprocess.check_output([HERE / "fresh-database", "bench"], text=True).strip()
            return ["--database", url]
        data = FOLDER / "data"
        shutil.rmtree(data, ignore_errors=True)
        return ["--data", str(data)]

    def serve_arguments(self, store):
        doors = ["--mllp", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        return ["serve", *self.store_arguments(store), *doors]

    def once(self, store, message, connections, rate):
        """One gateway, one load; the load client's result."""
        with open(FOLDER / "gateway.log", "a", encoding="utf-8") as log:
            command = [self.arguments.gateway, *self.serve_arguments(store)]
            gateway = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
            try:
                ready = json.loads(gateway.stdout.readline())
                return self.load(ready, message, connections, rate)
            finally:
                gateway.send_signal(signal.SIGTERM)
                try:
                    gateway.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    gateway.kill()

    def load(self, ready, message, connections, rate):
        count = self.arguments.count if connections > 1 else self.arguments.count // 4
        command = [
            self.arguments.load, "load", "--address", next(iter(ready["mllp"].values())), "--message", MESSAGES[message],
            "--connections", str(connections), "--count", str(count), "--warm-up", str(count // 10),
            "--patients", "5000", "--pid", str(ready["pid"]), "--admin", ready["admin"],
            *(["--rate", str(rate)] if rate else []),
        ]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        result = json.loads(ended.stdout)
        if ended.returncode != 0:
            self.wrong += 1
            print(f"  not every message was accepted: {result['first_trouble']}", file=sys.stderr)
        return result

    def measure(self, store, message, connections, rate=0):
        runs = [self.once(store, message, connections, rate) for _ in range(self.arguments.runs)]
        row = {"store": store, "message": message, "connections": connections, "rate": rate or None, "runs": runs}
        for measure in MEASURES:
            values = [run[measure] for run in runs if run[measure] is not None]
            row[measure] = round(statistics.median(values), 3) if values else None
        self.rows.append(row)
        print(as_line(row), flush=True)

    def start_times(self, store):
        """Milliseconds to the ready line and to the first acknowledgement."""
        probes = []
        for _ in range(max(5, self.arguments.runs)):
            command = [self.arguments.load, "probe-ready", "--gateway", self.arguments.gateway,
                       "--log", FOLDER / "gateway.log", "--", *self.serve_arguments(store)[1:]]
            probes.append(json.loads(subprocess.check_output(command, text=True)))
        ready = statistics.median(probe["ready_ms"] for probe in probes)
        first = statistics.median(probe["first_ack_ms"] for probe in probes)
        print(f"{store:<9} start: ready after {ready:.0f} ms, first acknowledgement after {first:.0f} ms", flush=True)
        return {"store": store, "ready_ms": round(ready, 1), "first_ack_ms": round(first, 1)}


HEADINGS = ["store", "message", "conn", "loop", "ack/s", "concl/s", "p50 ms", "p99 ms", "cpu ms", "rss MiB", "peak MiB"]
WIDTHS = [9, 8, 5, 7, 8, 8, 8, 8, 8, 8, 8]


def cells(row):
    loop = f"{row['rate']}/s" if row["rate"] else "closed"
    numbers = [row["acknowledged_per_s"], row["concluded_per_s"]]
    whole = ["-" if number is None else f"{number:.0f}" for number in numbers]
    fine = [f"{row[name]:.2f}" for name in ("ms_p50", "ms_p99")] + [f"{row['cpu_ms_per_message']:.3f}"]
    memory = [f"{row[name]:.0f}" for name in ("resident_mib", "peak_mib")]
    return [row["store"], row["message"], str(row["connections"]), loop, *whole, *fine, *memory]


def as_line(row):
    return " ".join(cell.rjust(width) if at > 1 else cell.ljust(width)
                    for at, (cell, width) in enumerate(zip(cells(row), WIDTHS)))


def markdown(bench, starts, machine):
    lines = [f"Measured {machine['when']} on {machine['cores']} cores, load average before: {machine['load']}.", ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in bench.rows]
    lines += ["", "| store | ready ms | first acknowledgement ms |", "| --- | --- | --- |"]
    lines += [f"| {start['store']} | {start['ready_ms']} | {start['first_ack_ms']} |" for start in starts]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--count", type=int, default=40000)
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 8, 32, 128])
    parser.add_argument("--stores", nargs="*", default=["sqlite", "postgres"])
    parser.add_argument("--messages", nargs="*", default=list(MESSAGES))
    arguments = parser.parse_args()
    if "postgres" in arguments.stores and "LOOPGATE_TEST_POSTGRES" not in os.environ:
        print("SKIPPED: PostgreSQL, because LOOPGATE_TEST_POSTGRES is not set", file=sys.stderr)
        arguments.stores.remove("postgres")
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine = {"when": f"{datetime.date.today()}", "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    bench = Bench(arguments)
    starts = [bench.start_times(store) for store in arguments.stores]
    print(" ".join(name.rjust(width) if at > 1 else name.ljust(width)
                   for at, (name, width) in enumerate(zip(HEADINGS, WIDTHS))))
    for store in arguments.stores:
        for message in arguments.messages:
            for connections in arguments.connections:
                bench.measure(store, message, connections)
            bench.measure(store, message, 32, OPEN_LOOP_RATE)
    result = {"machine": machine, "starts": starts, "rows": bench.rows}
    (FOLDER / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    (FOLDER / "result.md").write_text(markdown(bench, starts, machine), encoding="utf-8")
    print(f"written to {FOLDER}/result.md and {FOLDER}/result.json")
    return 1 if bench.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
