"""What the interoperability checks share: counting, children that speak JSON lines, comparing."""

import json
import queue
import subprocess
import threading

WAIT_SECONDS = 30


class Checks:
    """Counts what passed and what failed; prints a line for each."""

    def __init__(self):
        self.passed = self.failed = 0

    def run(self, name, check, *arguments):
        try:
            check(*arguments)
        except Exception as error:  # a check may fail in any way a library chooses
            self.note(name, f"{type(error).__name__}: {error}")
        else:
            self.note(name, None)

    def note(self, name, error):
        """Takes a result that was found elsewhere; `error` is None when it passed."""
        if error is None:
            self.passed += 1
            print(f"ok     {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED {name}: {error}", flush=True)


class Program:
    """A child process whose lines of JSON are read in the background."""

    def __init__(self, command, log, environment=None):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def line(self, seconds=WAIT_SECONDS):
        """The next line; None at the end."""
        return self.lines.get(timeout=seconds)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=WAIT_SECONDS)


def expect(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected}, got {actual}")
