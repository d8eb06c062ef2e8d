"""Start clinferd from a build folder, ask it whether it is ready, stop it."""
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DIGITS = f"{TOP}/tests/models/digits"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait_for(url, seconds=60, every=0.01):
    """Seconds until the URL answers 200."""
    start = time.monotonic()
    while not answers(url):
        if time.monotonic() - start > seconds:
            raise TimeoutError(url)
        time.sleep(every)
    return time.monotonic() - start


class Daemon:
    def __init__(self, build, cache, *options):
        self.url = f"http://127.0.0.1:{free_port()}"
        command = [f"{build}/clinferd", "-l", self.url[len("http://"):], "-m", f"{TOP}/tests/models", "-s", f"worker.cache={cache}",
                   *(["-u", "root"] if os.geteuid() == 0 else []), *options]
        self.log = open(f"{build}/bench-daemon.log", "w")
        self.process = subprocess.Popen(command, stderr=self.log)
        try:
            self.ready_s = wait_for(f"{self.url}/v2/health/ready")
        except TimeoutError:
            self.process.kill()
            raise
        self.pid = self.process.pid

    def workers(self):
        return [w["pid"] for w in get(f"{self.url}/v2/workers")["workers"]]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()


def resident_mb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


def cpu_ms(pid):
    """Of all its threads, the ended ones included."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
