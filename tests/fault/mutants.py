#!/usr/bin/env python3
"""Hostile models through the whole daemon, two real workers behind it.

    mutants.py BUILD [--count N] [--seed S] [--only K...] [--save DIR] [--log FILE]

N damaged copies of real models (mutate.py) are loaded, asked for one inference
after their metadata, and unloaded, while a good model is asked all the time.  Each is refused with an
error that says why, or loaded and answering; nobody notices, no worker dies but by
a limit of time, and memory stays within its limits.  A mutant depends on S, K and
the files that are there alone (and on N, for Debian's); --only repeats some, --save
keeps their files, --log the daemon's log.
"""

import argparse
import concurrent.futures
import http.client
import json
import pathlib
import random
import re
import shutil
import sys
import tempfile
import threading

import load
import mutate
from daemon import MODELS, TOP, Daemon, Report, digit

CORPUS = TOP / "tests" / "fuzz" / "corpus" / "model"
DEBIAN = pathlib.Path("/usr/share/libonnx-testdata/data")
SAMPLE = 30                 # of Debian's cases, per 200 mutants
BATCH = 20                  # mutants in the repository at a time
AT_ONCE = 4                 # of them asked for
FILE_MAX = 64 << 10
INPUT_MAX = 1 << 20         # bytes of an input; a larger one is not asked for
ENGINE = 256 << 20          # engine.memory
# What a worker has beside: driver and compiler, the output arena, the segments
# of requests, the model reader's allowance, and a plan's scratch.
BESIDE = 384 << 20
PARENT = 4 << 20            # growth that is none
PAUSE = 0.002               # between requests to the good model
DIGITS = ["00-2", "01-0", "02-4", "03-9"]
SETTINGS = [f"engine.memory={ENGINE}", "worker.run_timeout=5s",
            "worker.compile_timeout=60s", "worker.load_timeout=60s"]
SIZE = {"BOOL": 1, "UINT8": 1, "INT8": 1, "UINT16": 2, "INT16": 2, "FP16": 2,
        "BF16": 2, "UINT32": 4, "INT32": 4, "FP32": 4, "UINT64": 8, "INT64": 8,
        "FP64": 8}
ONE = {"FP16": b"\0\x3c", "BF16": b"\x80\x3f", "FP32": b"\0\0\x80\x3f",
       "FP64": b"\0\0\0\0\0\0\xf0\x3f"}


def originals(rng, count):
    """Models to damage: the digits, our corpus, some of Debian's cases."""
    files = [MODELS / "digits" / "1" / "model.onnx", *sorted(CORPUS.iterdir())]
    more = sorted(f for f in DEBIAN.glob("*/*/model.onnx")
                  if f.stat().st_size <= FILE_MAX)
    files += rng.sample(more, min(len(more), SAMPLE * count // 200))
    return files


def make(seed, files, k):
    rng = random.Random(f"{seed}/{k}")
    path = rng.choice(files)
    return path, mutate.mutant(rng, path.read_bytes())


def shape_of(rng, dims):
    return [rng.choice((1, 2, 3)) if d < 0 else d for d in dims]


def input_of(rng, t):
    """A tensor of zeros and ones for an input's metadata, and its bytes; None:
    too large, or of a type that has no form here."""
    shape = shape_of(rng, t["shape"])
    count = 1
    for d in shape:
        count *= d
    size = SIZE.get(t["datatype"], 5)
    if count * size > INPUT_MAX or t["datatype"] not in SIZE and \
            t["datatype"] != "BYTES":
        return None
    one = ONE.get(t["datatype"], b"\1" + bytes(size - 1))
    values = [one if rng.random() < 0.5 else bytes(size) for _ in range(count)]
    if t["datatype"] == "BYTES":
        values = [b"\1\0\0\0a"] * count
    data = b"".join(values)
    return {"name": t["name"], "shape": shape, "datatype": t["datatype"],
            "parameters": {"binary_data_size": len(data)}}, data


def request(rng, metadata):
    """The body of an inference and its JSON part's length, or None."""
    inputs = [input_of(rng, t) for t in metadata["inputs"]]
    if None in inputs:
        return None
    head = json.dumps({"inputs": [i for i, _ in inputs]}).encode()
    return head + b"".join(data for _, data in inputs), len(head)


def post(d, path, body, head=None):
    c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=120)
    try:
        c.request("POST", path, body, {
            "Inference-Header-Content-Length": str(head)} if head else {})
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


class Run:
    def __init__(self, o, report, d):
        self.o, self.report, self.d = o, report, d
        self.counts = {"refused": 0, "failed": 0, "ran": 0, "not asked": 0}
        self.bad = []

    def judge(self, k, what, status, text):
        """An error must say why, and must not be ours or the device's."""
        try:
            why = json.loads(text)["error"]
        except (ValueError, KeyError, TypeError):
            why = None
        if not why or status not in (400, 404, 413, 501, 503):
            # A worker that a limit ended is the documented answer, too.
            if not (why and status == 500 and "workers" in why):
                self.bad.append(f"mutant {k}: {what}: {status} {text[:300]!r}")
        if self.o.only:
            print(f"{what}: {status} {why or text}")

    def infer(self, k, name):
        rng = random.Random(f"{self.o.seed}/{k}/input")
        status, metadata = self.d.get(f"/v2/models/{name}")
        if status != 200:
            self.bad.append(f"mutant {k}: metadata: {status} {metadata}")
            return "failed"
        asked = request(rng, metadata)
        if asked is None:
            return "not asked"
        status, text = post(self.d, f"/v2/models/{name}/infer", *asked)
        if status == 200:
            return "ran"
        self.judge(k, "infer", status, text)
        return "failed"

    def one(self, k):
        name = f"m{k % BATCH}"
        path = f"/v2/repository/models/{name}/"
        try:
            status, text = post(self.d, path + "load", b"{}")
            if status != 200:
                self.judge(k, "load", status, text)
                how = "refused"
            else:
                how = self.infer(k, name)
            post(self.d, path + "unload", b"{}")
            return how
        except OSError as e:
            self.bad.append(f"mutant {k}: {e!r}")
            return "refused"

    def batch(self, pool, repository, files, ks):
        for k in ks:
            source, b = make(self.o.seed, files, k)
            if self.o.only:
                print(f"mutant {k}: of {source}")
            # A flat file appears whole: who watches never sees half of it.
            part = repository / f".m{k}"
            part.write_bytes(b)
            part.rename(repository / f"m{k % BATCH}.onnx")
        for how in pool.map(self.one, ks):
            self.counts[how] += 1
        for k in ks:
            (repository / f"m{k % BATCH}.onnx").unlink()


def peak(pid):
    """Most bytes that were resident, ever."""
    try:
        with open(f"/proc/{pid}/status") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) << 10
    except (OSError, TypeError):
        return 0


def peaks(d):
    return {w["pid"]: peak(w["pid"]) for w in d.workers() if w["pid"]}


def restarts(d):
    return sum(w["restarts"] for w in d.workers())


def good_clients(d):
    """Clients that ask the good model until they are told to stop."""
    bodies = [digit(name)[0] for name in DIGITS]
    known = [d.get("/v2/models/digits/infer", "POST", b)[1] for b in bodies]
    stop = threading.Event()
    clients = [load.Client(d.port, "/v2/models/digits/infer", bodies, known, stop,
                           PAUSE) for _ in range(2)]
    for c in clients:
        c.start()
    return stop, clients


def all_mutants(run, repository, files, ks):
    """Their largest worker, in bytes."""
    most = 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for at in range(0, len(ks), BATCH):
            before = peaks(run.d)
            run.batch(pool, repository, files, ks[at:at + BATCH])
            after = peaks(run.d)
            most = max(most, *before.values(), *after.values())
            if not run.d.alive():
                break
    return most


def judge_good(report, clients):
    for c in clients:
        c.join(90)
    n = {a: sum(getattr(c.counts, a) for c in clients)
         for a in ("right", "wrong", "errors", "dropped")}
    for c in clients:
        for text in c.counts.examples:
            print("   ", text)
    report.check(n["right"] > 0 and not n["wrong"] and not n["errors"] and
                 not n["dropped"], f"the good model meanwhile: {n}")


def judge_deaths(report, log):
    """Only limits of time may end a worker."""
    deaths = [l for l in log.splitlines() if " died: " in l]
    other = [l for l in deaths if "killed by us: " not in l
             or " for more than " not in l]
    for line in deaths:
        print("   ", line[:400])
    report.check(not other, f"{len(deaths)} workers ended by limits, "
                 f"{len(other)} for other reasons")


def main():
    a = argparse.ArgumentParser()
    a.add_argument("build")
    a.add_argument("--count", type=int, default=200)
    a.add_argument("--seed", default="1")
    a.add_argument("--only", type=int, nargs="+")
    a.add_argument("--log")
    a.add_argument("--save")
    o = a.parse_args()
    report = Report()
    files = originals(random.Random(o.seed), o.count)
    ks = o.only or list(range(o.count))
    if o.save:
        for k in ks:
            pathlib.Path(o.save, f"m{k}.onnx").write_bytes(make(o.seed, files, k)[1])
    repository = pathlib.Path(tempfile.mkdtemp(prefix="clinferd-mutants."))
    repository.chmod(0o755)
    shutil.copytree(MODELS / "digits", repository / "digits")
    d = Daemon(o.build, "-w", "2", "-d", "cpu", models=repository,
               *[x for s in SETTINGS for x in ("-s", s)])
    try:
        if not report.check(d.wait(lambda: [w["models"] for w in d.workers()]
                                   == [1, 1], 120), "the good model is loaded"):
            print(d.log_text()[-3000:])
            return report.end()
        stop, clients = good_clients(d)
        descriptors, resident = d.descriptors(), d.resident()
        run = Run(o, report, d)
        most = all_mutants(run, repository, files, ks)
        stop.set()
        report.check(d.alive(), "the parent lives")
        judge_good(report, clients)
        for text in run.bad:
            print("   ", text)
        report.check(not run.bad, f"{len(ks)} mutants: {run.counts}")
        judge_deaths(report, d.log_text())
        easy = d.sanitized()
        report.check(easy or most < ENGINE + BESIDE, f"workers: {most >> 20} MiB")
        back = d.wait(lambda: d.descriptors() <= descriptors and
                      (easy or d.resident() <= resident + PARENT), 10)
        report.check(back, f"descriptors and memory of the parent: {descriptors}"
                     f" -> {d.descriptors()}, {resident >> 10} -> "
                     f"{d.resident() >> 10} KiB")
        status, clean = d.stop()
        report.check(status == 0 and clean, f"it drains: status {status}")
        report.check("Sanitizer" not in d.log_text(), "no sanitizer's report")
        if report.failed:
            print(d.log_text()[-4000:])
    finally:
        if o.log:
            shutil.copy(d.log.name, o.log)
        d.close()
        shutil.rmtree(repository, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
