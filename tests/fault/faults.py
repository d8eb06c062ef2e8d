#!/usr/bin/env python3
"""A driver that fails, hangs, crashes or finds nothing: what the daemon makes of it.

    faults.py BUILD

The driver is PoCL behind tests/fault/fake_icd.c, whose faults FAKE_CL orders.
"""

import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import load
from daemon import Daemon, Report, digit

DIGITS = ["00-2", "01-0", "02-4", "03-9"]
PATH = "/v2/models/digits/infer"
BUSY = [  # what goes wrong while it serves, and how long a run may take
    ("run:*4000:fail", "30s"),
    ("run:*4000:crash", "30s"),
    ("run:*4000:exit", "30s"),
    ("run:*4000:hang", "1s"),
]


class Bench:
    """What the cases share: the driver's folder, a cache that gets warm."""

    def __init__(self, build):
        self.build = pathlib.Path(build)
        subprocess.run(["make", "-s", "-C", build, "tests/fault/fake_icd.so"],
                       check=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="clinferd-faults."))
        vendors = self.folder / "vendors"
        vendors.mkdir()
        (vendors / "fake.icd").write_text(
            str(self.build.resolve() / "tests/fault/fake_icd.so") + "\n")
        self.vendors = vendors
        self.armed = self.folder / "armed"
        self.cache = self.folder / "cache"
        self.report = Report()
        self.bodies = [digit(name)[0] for name in DIGITS]

    def daemon(self, faults, *options, always=True, cache=None):
        """always: from the start, else once armed exists."""
        self.armed.unlink(missing_ok=True)
        env = {"OCL_ICD_VENDORS": str(self.vendors), "FAKE_CL": faults}
        if not always:
            env["FAKE_CL_FILE"] = str(self.armed)
        return Daemon(self.build, "-d", "cpu",
                      "-s", "worker.environment=FAKE_CL*", *options,
                      env=env, cache=cache or self.cache)

    def ends(self, daemon, name):
        status, clean = daemon.stop()
        if not self.report.check(status == 0 and clean,
                                 f"{name}: it ends well: {status}"):
            print(daemon.log_text()[-3000:])
        daemon.close()


def no_device(b, faults):
    """Nothing usable is a state, not an exit."""
    d = b.daemon(faults)
    live = d.wait(lambda: d.get("/v2/health/live")[0] == 200)
    b.report.check(live, f"{faults}: lives")
    b.report.check(d.wait(lambda: "no device" in d.log_text(), 30),
                   f"{faults}: says that there is no device")
    status, body = d.get("/v2/health/ready")
    b.report.check(status not in (0, 200), f"{faults}: is not ready: {status}")
    status, body = d.get(PATH, "POST", b.bodies[0])
    b.report.check(status in (400, 503) and "error" in body,
                   f"{faults}: says why it cannot: {status} {body}")
    b.report.check(d.alive(), f"{faults}: still there")
    b.ends(d, faults)


def device_later(b):
    """No device at the start; it comes back, and SIGHUP finds it."""
    b.armed.touch()
    name = "devices:*1:none, then not"
    env = {"OCL_ICD_VENDORS": str(b.vendors), "FAKE_CL": "devices:*1:none",
           "FAKE_CL_FILE": str(b.armed)}
    d = Daemon(b.build, "-d", "cpu", "-s", "worker.environment=FAKE_CL*",
               env=env, cache=b.cache)
    d.wait(lambda: d.get("/v2/health/live")[0] == 200)
    d.wait(lambda: "no device" in d.log_text(), 20)
    b.armed.unlink()
    d.process.send_signal(signal.SIGHUP)
    b.report.check(d.wait_ready(180), f"{name}: ready after SIGHUP")
    status, body = d.get(PATH, "POST", b.bodies[0])
    b.report.check(status == 200, f"{name}: answers: {status}")
    b.ends(d, name)


def busy(b, faults, limit):
    """A worker that dies again and again under load costs nobody an answer."""
    d = b.daemon(faults, "-w", "2", "-s", f"worker.run_timeout={limit}",
                 always=False)
    if not b.report.check(d.wait(lambda: [w["models"] for w in d.workers()]
                                 == [1, 1], 180), f"{faults}: ready"):
        print(d.log_text()[-3000:])
        d.close()
        return
    known = [d.get(PATH, "POST", body)[1] for body in b.bodies]
    load.run(d.port, PATH, b.bodies, known, 8, 4)
    before = sum(w["restarts"] for w in d.workers())
    b.armed.touch()
    counts, rate = load.run(d.port, PATH, b.bodies, known, 8, 6)
    b.armed.unlink()
    deaths = sum(w["restarts"] for w in d.workers()) - before
    for text in counts.examples:
        print("   ", text)
    b.report.check(deaths > 0, f"{faults}: {deaths} workers died")
    b.report.check(counts.right > 0 and not counts.wrong and not counts.errors
                   and not counts.dropped,
                   f"{faults}: {counts.right} right, {counts.wrong} wrong, "
                   f"{counts.errors} errors, {counts.dropped} dropped, "
                   f"{rate:.0f}/s")
    b.ends(d, faults)


def index_of(d, state):
    status, index = d.get("/v2/repository/index", "POST", "{}")
    good = status == 200 and index and index[0].get("state") == state
    return index[0] if good else None


def crash_at_load(b):
    """A model that no try can load is unavailable, with the reason."""
    faults = "build:*1:crash"
    d = b.daemon(faults, cache=b.folder / "cold")
    model = d.wait(lambda: index_of(d, "UNAVAILABLE"), 120)
    b.report.check(model and "signal 11" in model.get("reason", ""),
                   f"{faults}: unavailable: {model and model.get('reason')}")
    status, body = d.get(PATH, "POST", b.bodies[0])
    b.report.check(status in (400, 404, 503) and "error" in body,
                   f"{faults}: refused: {status} {body}")
    b.report.check(d.alive(), f"{faults}: still there")
    b.ends(d, faults)
    shutil.rmtree(b.folder / "cold", ignore_errors=True)


def no_compiler(b):
    """Nothing compiles: the right answer all the same, or an error that says it."""
    faults = "build:*1:fail"
    d = b.daemon(faults, cache=b.folder / "cold")
    d.wait(lambda: index_of(d, "READY") or index_of(d, "UNAVAILABLE"), 120)
    status, body = d.get(PATH, "POST", b.bodies[0])
    if status == 200:
        good = body["outputs"][0]["data"] == [digit(DIGITS[0])[1]]
    else:
        good = status != 0 and "error" in body
    b.report.check(good, f"{faults}: {status} {body}")
    b.report.check(d.alive(), f"{faults}: still there")
    b.ends(d, faults)
    shutil.rmtree(b.folder / "cold", ignore_errors=True)


def wrong_kernel(b):
    """A kernel that computes wrong, as a compiler's bug would: found, said, not used."""
    name, source = "a wrong kernel", pathlib.Path(__file__).parents[2] / "cl/gemm.cl"
    folder = b.folder / "cl"
    folder.mkdir()
    text = source.read_text()
    wrong = text.replace("l < N - col;", "l < N - col - 1;")
    b.report.check(wrong != text, f"{name}: it is one")
    (folder / "gemm.cl").write_text(wrong)
    d = b.daemon("", "-s", f"engine.cl_dir={folder}", cache=b.folder / "cold")
    ready = d.wait(lambda: index_of(d, "READY"), 120)
    b.report.check(ready, f"{name}: the model is there")
    for digit_name, body in zip(DIGITS, b.bodies):
        status, answer = d.get(PATH, "POST", body)
        b.report.check(status == 200 and answer["outputs"][0]["data"]
                       == [digit(digit_name)[1]], f"{name}: {status} {answer}")
    worker = d.get("/v2/workers")[1]["workers"][0]
    b.report.check(worker["demoted"] > 0, f"{name}: counted: {worker}")
    said = subprocess.run([b.build / "clinfer", "status", "-u",
                           f"127.0.0.1:{d.port}"],
                          capture_output=True, text=True).stdout
    b.report.check("kernels: %d compute wrong" % worker["demoted"] in said,
                   f"{name}: clinfer status: {said}")
    b.report.check("warn: worker/0: kernel: gemm of gemm.cl" in d.log_text(),
                   f"{name}: said: {d.log_text()[-600:]}")
    b.ends(d, name)
    shutil.rmtree(b.folder / "cold", ignore_errors=True)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    b = Bench(sys.argv[1])
    try:
        for faults in ("devices:*1:none", "devices:*1:fail", "devices:*1:crash"):
            no_device(b, faults)
        device_later(b)
        for faults, limit in BUSY:
            busy(b, faults, limit)
        crash_at_load(b)
        no_compiler(b)
        wrong_kernel(b)
    finally:
        shutil.rmtree(b.folder, ignore_errors=True)
    return b.report.end()


if __name__ == "__main__":
    sys.exit(main())
