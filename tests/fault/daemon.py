"""A clinferd of one's own for a test: started on a free port, with its own cache,
watched from outside by what /proc says of it."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
MODELS = TOP / "tests" / "models"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Daemon:
    def __init__(self, build, *options, env=None, models=MODELS, cache=None):
        self.build = pathlib.Path(build).resolve()
        self.folder = tempfile.mkdtemp(prefix="clinferd-fault.")
        self.port = free_port()
        self.log = open(os.path.join(self.folder, "log"), "w+")
        cache = cache or os.path.join(self.folder, "cache")
        user = os.environ.get("USER") or "root"
        command = [self.build / "clinferd", "-l", f"127.0.0.1:{self.port}",
                   "-m", models, "-s", f"worker.cache={cache}",
                   "-s", f"worker.program={self.build / 'clinferd-worker'}"]
        if os.getuid() == 0:
            command += ["-u", user]
        self.process = subprocess.Popen(
            [str(c) for c in command] + list(options),
            stdout=self.log, stderr=self.log, env={**os.environ, **(env or {})})
        self.pid = self.process.pid

    def get(self, path, method="GET", body=None):
        """Status and decoded body; status 0 if nobody answered."""
        try:
            c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            c.request(method, path, body)
            r = c.getresponse()
            text = r.read()
            c.close()
        except OSError:
            return 0, None
        try:
            return r.status, json.loads(text)
        except ValueError:
            return r.status, text.decode(errors="replace")

    def wait(self, what, seconds=60):
        """Until what() is true; its last value."""
        end = time.monotonic() + seconds
        while True:
            value = what()
            if value or time.monotonic() > end:
                return value
            time.sleep(0.05)

    def wait_ready(self, seconds=60):
        return self.wait(lambda: self.get("/v2/health/ready")[0] == 200, seconds)

    def workers(self):
        status, body = self.get("/v2/workers")
        return body["workers"] if status == 200 else []

    def alive(self):
        return self.process.poll() is None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident(self):
        """Bytes."""
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def sanitized(self):
        """Built with AddressSanitizer: then memory says nothing."""
        with open(f"/proc/{self.pid}/maps") as f:
            return "libasan" in f.read()

    def log_text(self):
        self.log.flush()
        with open(self.log.name, errors="replace") as f:
            return f.read()

    def stop(self, seconds=30):
        """Drain it; its exit status, and whether no worker was left."""
        pids = [w["pid"] for w in self.workers() if w["pid"]]
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        left = [p for p in pids if os.path.exists(f"/proc/{p}")]
        return status, not left

    def close(self):
        if self.alive():
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def digit(name):
    """The bytes of one of the digits' requests, and its true label."""
    path = MODELS / "digits" / "requests" / f"{name}.json"
    return path.read_bytes(), int(name[-1])


class Report:
    """Counts what passed and failed, and says so as scripts/check wants it."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, good, text):
        print("PASS" if good else "FAIL", text, flush=True)
        if good:
            self.passed += 1
        else:
            self.failed += 1
        return good

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0
