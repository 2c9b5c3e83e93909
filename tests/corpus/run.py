#!/usr/bin/env python3
"""Sends every message of a corpus through a running gateway: it must stay up and answer each one.

Writes a report of what was accepted, parked and refused, by reason. Exits 1 when a message that can be answered was
not, when an answer names another message, or when the process ended. Skips loudly when there is no corpus.
"""

import argparse
import collections
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import extract

ANSWER_SECONDS = 10
# How long silence is listened to where no answer is due.
SILENCE_SECONDS = 0.3
DRAIN_SECONDS = 120
PAGE = 500


class Line:
    """One MLLP connection that is opened again when the peer closes it."""

    def __init__(self, address):
        self.address = address
        self.socket = None
        self.reconnects = -1

    def send(self, frame, seconds):
        """The answer's content, or None when none came."""
        try:
            if self.socket is None:
                self.socket = socket.create_connection(self.address, timeout=5)
                self.reconnects += 1
            self.socket.settimeout(seconds)
            self.socket.sendall(b"\x0b" + frame + b"\x1c\r")
            answer = b""
            while not answer.endswith(b"\x1c\r"):
                piece = self.socket.recv(65536)
                if not piece:
                    raise OSError("closed by the gateway")
                answer += piece
            return answer.strip(b"\x0b\x1c\r")
        except OSError:
            self.close()
            return None

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None


def field(message, segment, number):
    """A field of the first segment of that name, by the separator that the message declares."""
    lines = message.lstrip().replace(b"\n", b"\r").split(b"\r")
    separator = message.lstrip()[3:4] or b"|"
    for line in lines:
        if line.startswith(segment + separator):
            values = line.split(separator)
            index = number - 1 if segment == b"MSH" else number
            return values[index].decode("latin-1") if index < len(values) else ""
    return ""


def answer_due(frame):
    """Whether the sender must hear something: MSH-15 NE wants no accept acknowledgement, ER and SU one in some cases,
    and enhanced mode with MSH-16 NE alone leaves it open (HL7 v2.5.1 2.9.2.1, table 0155)."""
    if not extract.is_answerable(frame):
        return False
    accept, application = field(frame, b"MSH", 15), field(frame, b"MSH", 16)
    return accept not in ("NE", "ER", "SU") and (accept, application) != ("", "NE")


class Tally:
    """What became of the frames at the door."""

    def __init__(self):
        self.files = self.frames = self.unanswerable = self.silent = 0
        self.codes = collections.Counter()
        self.errors = collections.Counter()
        self.unanswered = []
        self.mismatched = []

    def take(self, path, frame, answer):
        self.frames += 1
        if answer is None:
            if answer_due(frame):
                self.unanswered.append(f"{path}: {field(frame, b'MSH', 9)} {field(frame, b'MSH', 10)}")
            elif extract.is_answerable(frame):
                self.silent += 1
            else:
                self.unanswerable += 1
            return
        code = field(answer, b"MSA", 1)
        self.codes[code] += 1
        if code not in ("AA", "CA"):
            place = field(answer, b"ERR", 2)
            self.errors[f"{code} {field(answer, b'ERR', 3) or field(answer, b'ERR', 1)} at {place or '-'}"] += 1
        sent, named = field(frame, b"MSH", 10), field(answer, b"MSA", 2)
        if extract.is_answerable(frame) and sent.isascii() and named not in ("", sent.strip()):
            self.mismatched.append(f"{path}: sent {sent!r}, answered {named!r}")


def start(gateway, folder):
    log = open(folder / "gateway.log", "w", encoding="utf-8")
    command = [gateway, "serve", "--data", folder / "data", "--mllp", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    ready = json.loads(process.stdout.readline())
    host, port = next(iter(ready["mllp"].values())).rsplit(":", 1)
    return process, (host, int(port)), ready.get("admin")


def send_all(corpus, address):
    tally, line = Tally(), Line(address)
    for path in sorted(path for path in corpus.rglob("*") if path.is_file()):
        frames = extract.frames_of(path)
        tally.files += bool(frames)
        for frame in frames:
            answer = line.send(frame, ANSWER_SECONDS if answer_due(frame) else SILENCE_SECONDS)
            tally.take(path.relative_to(corpus), frame, answer)
    line.close()
    return tally, line.reconnects


def drain(admin):
    """Waits until nothing is pending; answers whether that was reached."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while admin and time.monotonic() < deadline:
        page = urllib.request.urlopen(f"http://{admin}/metrics", timeout=5).read().decode()
        values = [line.rsplit(" ", 1)[1] for line in page.splitlines() if line.startswith("loopgate_messages_pending")]
        if values and float(values[0]) == 0:
            return True
        time.sleep(0.5)
    return False


def listing(gateway, folder):
    """All stored messages, by the gateway's own command."""
    found, before = [], []
    while True:
        command = [gateway, "message", "list", "--json", "--limit", str(PAGE), "--data", folder / "data", *before]
        page = [json.loads(line) for line in subprocess.check_output(command, text=True).splitlines()]
        if not page:
            return found
        found.extend(page)
        before = ["--before", str(page[-1]["id"])]


def kind_of(message):
    return "^".join((message.get("type") or "(none)").split("^")[:2])


def reasons(messages):
    """Counts by the issues that are errors; by type when there are none."""
    counts = collections.Counter()
    for message in messages:
        errors = [issue for issue in message.get("issues") or [] if issue.get("severity") in ("error", "fatal")]
        issue = (errors or message.get("issues") or [{}])[0]
        counts[f"{issue.get('code', 'no issue')}: {issue.get('text', '')}"[:160]] += 1
    return counts


def table(title, counts):
    rows = [f"\n## {title}\n", "| count | what |", "| ---: | --- |"]
    return rows + [f"| {count} | {what.replace('|', '∣')} |" for what, count in counts.most_common(60)]


def report(tally, reconnects, stored, drained):
    by_outcome = collections.defaultdict(list)
    for message in stored:
        by_outcome[message["outcome"]].append(message)
    lines = ["# Corpus run\n"]
    lines.append(f"{tally.files} files, {tally.frames} frames sent over {reconnects + 1} connections; ")
    lines.append(f"{sum(tally.codes.values())} answered, {len(tally.unanswered)} not answered, ")
    lines.append(f"{tally.silent} silent because their sender asked for no acknowledgement (MSH-15), ")
    lines.append(f"{tally.unanswerable} without a readable MSH-1 and MSH-2.\n")
    lines.append(f"{len(stored)} stored" + ("." if drained else "; not all were concluded in time."))
    lines += table("Acknowledgements", tally.codes)
    lines += table("Negative acknowledgements by code and place", tally.errors)
    lines += table("Stored by outcome", collections.Counter(message["outcome"] for message in stored))
    lines += table("Processed by type", collections.Counter(kind_of(message) for message in by_outcome["processed"]))
    lines += table("No mapping by type", collections.Counter(kind_of(message) for message in by_outcome["no-mapping"]))
    lines += table("Parked by reason", reasons(by_outcome["parked"]))
    lines += table("Refused by reason", reasons(by_outcome["refused"]))
    for title, places in (("Not answered", tally.unanswered), ("Answered for another message", tally.mismatched)):
        lines += [f"\n## {title}\n"] + [f"- {place}" for place in places or ["none"]]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--report", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    if not arguments.corpus.is_dir():
        print(f"SKIPPED: there is no corpus at {arguments.corpus}; nothing was sent", file=sys.stderr)
        return 0
    arguments.report.parent.mkdir(parents=True, exist_ok=True)
    # A folder of our own, beside the report: nothing that was there before is removed.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="corpus-", dir=arguments.report.parent))
    process, address, admin = start(arguments.gateway, folder)
    try:
        tally, reconnects = send_all(arguments.corpus, address)
        drained = drain(admin)
        alive = process.poll() is None
        process.send_signal(signal.SIGTERM)
        ended = process.wait(timeout=60)
    finally:
        process.kill()
    stored = listing(arguments.gateway, folder)
    arguments.report.write_text(report(tally, reconnects, stored, drained), encoding="utf-8")
    outcomes = collections.Counter(message["outcome"] for message in stored)
    print(f"corpus: {tally.frames} frames of {tally.files} files; acknowledgements {dict(tally.codes)}; "
          f"outcomes {dict(outcomes)}; {len(tally.unanswered)} unanswered, {len(tally.mismatched)} mismatched; "
          f"process {'alive' if alive else 'DEAD'}, exit {ended}; report in {arguments.report}")
    good = alive and ended == 0 and drained and not tally.unanswered and not tally.mismatched
    if good:
        shutil.rmtree(folder)
    else:
        print(f"the store and the log of the gateway are in {folder}", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
