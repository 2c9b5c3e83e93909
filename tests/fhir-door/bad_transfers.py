"""Requests that are bad in how they come: compressed bombs, lengths that lie, bodies that end early or never, peers that
drip. Checks on a `Suite` of bad_input.py."""

import gzip
import json
import socket
import threading
import urllib.parse

from bad_input_cases import patient
from door import FHIR_JSON, Door, expect, expect_outcome

# What the door may take for one slow or broken request before it closes it.
SLOW_SECONDS = 75
# What a bomb may cost beyond what was resident before.
BOMB_MIB = 256
# What a crowd of large bodies may cost.
CROWD_MIB = 1024


def compressed(suite):
    """gzip: taken or refused as a whole; a bomb costs next to nothing."""
    def send(body):
        return Door(suite.base).request("POST", "Patient", body, {"Content-Encoding": "gzip", "Content-Type": FHIR_JSON})

    def good():
        answer = send(gzip.compress(json.dumps(patient("gzip")).encode()))
        expect(answer.status in (201, 415), True)

    def bomb():
        before, resident = suite.state(), suite.gateway.status("VmRSS") if suite.gateway else 0
        answer = send(gzip.compress(b'{"resourceType":"Patient","language":"' + b"0" * 300_000_000 + b'"}', 9))
        if answer.status not in (400, 413, 415):
            raise AssertionError(answer.text())
        expect_outcome(answer)
        expect(suite.state(), before)
        if suite.gateway:
            grown = suite.gateway.status("VmHWM") - max(resident, 0)
            print(f"       the peak is {grown:.0f} MiB over what was resident", flush=True)
            expect(grown < BOMB_MIB, True)

    def broken():
        expect(send(b"\x1f\x8b\x08 this is no gzip").status in (400, 415), True)

    suite.tally.run("gzip that is sound", good)
    suite.tally.run("gzip that is broken", broken)
    suite.tally.run("gzip of 300 MB in 300 kB", bomb)


class Raw:
    """A bare connection to the door."""

    def __init__(self, base, timeout=SLOW_SECONDS):
        parts = urllib.parse.urlsplit(base)
        self.path, self.host = parts.path, parts.netloc
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=timeout)

    def head(self, *lines):
        head = "\r\n".join([f"POST {self.path}/Patient HTTP/1.1", f"Host: {self.host}", *lines, "", ""])
        self.socket.sendall(head.encode())

    def answer(self):
        """The status that comes back; None when the peer just closes."""
        try:
            first = self.socket.recv(4096)
        except (ConnectionError, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                raise AssertionError(f"neither answered nor closed within {SLOW_SECONDS} s") from None
            return None
        return int(first.split()[1]) if first.startswith(b"HTTP/") else None


def broken_transfers(suite):
    kind = f"Content-Type: {FHIR_JSON}"
    body = json.dumps(patient("half")).encode()

    def unchanged(act):
        before = suite.state()
        act()
        suite.answers()
        expect(suite.state(), before)

    def oversized():
        """Told by Content-Length: refused before it is sent."""
        raw = Raw(suite.base, timeout=20)
        raw.head(kind, "Content-Length: 9000000000")
        expect(raw.answer(), 413)

    def endless():
        """Chunks without an end: cut off at the limit."""
        raw = Raw(suite.base, timeout=60)
        raw.head(kind, "Transfer-Encoding: chunked")
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(400):
                raw.socket.sendall(chunk)
        except OSError:
            pass
        else:
            raise AssertionError("400 MB of white space were taken")
        expect(raw.answer() in (413, 400, None), True)

    def half_then_gone():
        for cut in (1, len(body) // 2, len(body) - 1):
            raw = Raw(suite.base)
            raw.head(kind, f"Content-Length: {len(body)}")
            raw.socket.sendall(body[:cut])
            raw.socket.close()

    def half_of_a_bundle():
        whole = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": patient(f"half-{n}"), "request": {"method": "POST", "url": "Patient"}} for n in range(50)]}).encode()
        raw = Raw(suite.base)
        raw.socket.sendall(
            f"POST {raw.path} HTTP/1.1\r\nHost: {raw.host}\r\n{kind}\r\nContent-Length: {len(whole)}\r\n\r\n".encode())
        raw.socket.sendall(whole[: len(whole) * 3 // 4])
        raw.socket.shutdown(socket.SHUT_WR)
        expect(raw.answer() in (400, 408, None), True)

    def lies():
        raw = Raw(suite.base, timeout=20)
        raw.head(kind, f"Content-Length: {len(body)}", f"Content-Length: {len(body) + 1}")
        expect(raw.answer() in (400, None), True)
        raw = Raw(suite.base, timeout=20)
        raw.socket.sendall(b"\x00\x01\x02 not http at all\r\n\r\n")
        expect(raw.answer() in (400, None), True)
        raw = Raw(suite.base, timeout=20)
        raw.head(kind, "X-Long: " + "a" * 1_000_000)
        expect(raw.answer() in (400, 413, 431, None), True)

    def slow(send_head):
        """A byte a second; the others are served in the meantime."""
        raw = Raw(suite.base)
        if send_head:
            raw.head(kind, f"Content-Length: {len(body) + 200}")
        drip = body if send_head else f"POST {raw.path}/Patient HTTP/1.1\r\nHost: {raw.host}\r\n".encode()
        stop = threading.Event()

        def dripping():
            for at in range(len(drip)):
                if stop.wait(1):
                    return
                try:
                    raw.socket.sendall(drip[at : at + 1])
                except OSError:
                    return

        sender = threading.Thread(target=dripping)
        sender.start()
        try:
            suite.answers()
            status = raw.answer()
            if status not in (408, 400, None):
                raise AssertionError(f"got {status}")
        finally:
            stop.set()
            sender.join()

    def idle():
        """200 connections that say nothing take no place from one who does."""
        silent = [Raw(suite.base) for _ in range(200)]
        suite.answers()
        for raw in silent:
            raw.socket.close()

    for name, act in [
        ("a body of 9 GB by its Content-Length", oversized),
        ("a body in chunks without an end", endless),
        ("a request cut off in its body", half_then_gone),
        ("a transaction cut off in its middle", half_of_a_bundle),
        ("two lengths, no HTTP, a header of 1 MB", lies),
        ("200 silent connections", idle),
        ("a head that drips", lambda: slow(False)),
        ("a body that drips", lambda: slow(True)),
    ]:
        suite.tally.run(name, lambda act=act: unchanged(act))


def overload(suite):
    """Many at once: every one is answered, with what was asked or with 429 or 503 and when to come back; the rest of the
    world is served again at once, and memory stays bounded."""
    bodies = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": [
        {"resource": patient("crowd", text={"status": "generated", "div": "x" * 1000}),
         "request": {"method": "POST", "url": "Nobody"}}] * 15_000}).encode()

    def crowd(number, act):
        """The answers of `number` requests sent together."""
        answers, threads = [], []

        def one():
            try:
                answers.append(act(Door(suite.base, timeout=120)))
            except OSError as error:
                answers.append(error)

        for _ in range(number):
            threads.append(threading.Thread(target=one))
            threads[-1].start()
        for thread in threads:
            thread.join()
        return answers

    def answered(answers, good):
        for answer in answers:
            if isinstance(answer, OSError):
                raise AssertionError(f"a request was dropped: {answer}")
            if answer.status in (429, 503):
                expect_outcome(answer)
                expect("Retry-After" in answer.headers, True)
            elif answer.status not in good:
                raise AssertionError(answer.text())
        refused = sum(1 for answer in answers if answer.status in (429, 503))
        print(f"       {len(answers)} at once, {refused} told to come back", flush=True)
        suite.answers()

    def searches():
        answered(crowd(700, lambda door: door.get("?_type=Patient,Observation&_count=1000&_sort=-_lastUpdated")), [200])

    def uploads():
        before = suite.gateway.status("VmRSS") if suite.gateway else 0
        answered(crowd(100, lambda door: door.request("POST", "", bodies)), [200, 400, 413, 422])
        if suite.gateway:
            grown = suite.gateway.status("VmHWM") - before
            print(f"       100 Bundles of {len(bodies) / 1e6:.0f} MB at once: {grown:.0f} MiB more at most", flush=True)
            expect(grown < CROWD_MIB, True)

    suite.tally.run("700 searches at once", searches)
    suite.tally.run("100 large Bundles at once", uploads)
