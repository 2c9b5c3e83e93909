"""Starts a gateway with a FHIR door on loopback, says where it listens, and stops it by its process id."""

import json
import os
import pathlib
import queue
import signal
import subprocess
import threading

READY_SECONDS = 60
STOP_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")
# Everybody is let in.
OPEN = "open = true"


class Gateway:
    """A running gateway. `base` is the base URL of its FHIR door, `pid` its process, `ready` what it said at the start."""

    def __init__(self, binary, folder, store, door=OPEN):
        """`store` are the arguments that name the store; `door` are the lines of `[fhir]` and what follows them."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.log_file = folder / "gateway.log"
        self.log = open(self.log_file, "a", encoding="utf-8")
        config = folder / "gateway.toml"
        config.write_text(f'[fhir]\naddress = "127.0.0.1:0"\n{door}\n', encoding="utf-8")
        command = [os.fspath(one) for one in [binary, "serve", "--config", config, "--admin", "127.0.0.1:0", *store]]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        try:
            self.ready = self._first_line()
        except BaseException:
            self.stop()
            raise
        self.pid = self.process.pid
        self.base = base_of(self.ready)

    def _first_line(self):
        lines = queue.Queue()

        def read():
            for line in self.process.stdout:
                lines.put(line)
            lines.put("")

        threading.Thread(target=read, daemon=True).start()
        line = lines.get(timeout=READY_SECONDS)
        if not line:
            raise RuntimeError(f"the gateway did not start; its log is {self.log_file}")
        return json.loads(line)

    def status(self, name):
        """A figure of /proc/PID/status in MiB, such as VmHWM (the largest resident size so far)."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
        return None

    def cpu_seconds(self):
        """User and system time so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def forget_peak(self):
        """Begins VmHWM anew."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")

    def is_running(self):
        return self.process.poll() is None

    def stop(self):
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def base_of(ready):
    """The door's base URL from the ready line."""
    door = ready.get("fhir") or ready["http"]
    return door.rstrip("/") if "://" in door else f"http://{door}/fhir"


def store_arguments(folder, store="sqlite"):
    """A fresh store: a folder of its own, or a new database on the server of LOOPGATE_TEST_POSTGRES."""
    if store == "sqlite":
        return ["--data", pathlib.Path(folder) / "data"]
    maker = pathlib.Path(__file__).resolve().parents[2] / "benches" / "fresh-database"
    return ["--database", subprocess.check_output([maker, "fhir"], text=True).strip()]
