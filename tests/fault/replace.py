#!/usr/bin/env python3
"""Replace, reload, break and move a model under load: nobody may notice.

    replace.py BUILD [--seconds S]

The daemon in BUILD serves a copy of the digits.  wrk asks on eight connections and
counts what is no 200; two clients beside it compare every answer.  Meanwhile the
model's file is written anew, its folder renamed away and another into its place, it
gets a version, and a broken one, is loaded by request and by SIGHUP; at last the whole
repository is another folder, which the workers' sandboxes have not seen.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import load
from daemon import MODELS, Daemon, Report, digit

PATH = "/v2/models/digits/infer"
DIGIT = "00-2"
POST = MODELS.parent / "bench" / "post.lua"


class Wrk:
    """wrk in the background; its report at the end."""

    def __init__(self, port, seconds):
        self.process = subprocess.Popen(
            ["wrk", "-c", "8", "-t", "1", "-d", f"{seconds}s", "--timeout", "30s",
             "-s", POST, f"http://127.0.0.1:{port}{PATH}", "--",
             MODELS / "digits" / "requests" / f"{DIGIT}.json"],
            stdout=subprocess.PIPE, text=True)

    def report(self):
        out = self.process.communicate(timeout=120)[0]
        return json.loads(next(line for line in out.splitlines()
                               if line.startswith("{")))


class Model:
    """The digits in a repository of one's own, and what may happen to them."""

    def __init__(self, folder, daemon):
        self.repository, self.daemon = folder / "models", daemon
        self.folder = self.repository / "digits"
        self.good = (MODELS / "digits" / "1" / "model.onnx").read_bytes()
        self.loads = 0

    def loaded(self, version, what):
        """One more load of that version than last time asked."""
        def count():
            return self.daemon.log_text().count(
                f"loaded: model=digits version={version} ")
        before = count()
        what()
        return self.daemon.wait(lambda: count() > before)

    def versions(self):
        _, index = self.daemon.get("/v2/repository/index", "POST", "{}")
        return {m.get("version"): m["state"] for m in index}

    def written(self):
        (self.folder / "1" / "model.onnx").write_bytes(self.good)

    def renamed(self):
        shutil.copytree(self.folder, self.repository / ".next")
        os.rename(self.folder, self.repository / ".last")
        os.rename(self.repository / ".next", self.folder)
        shutil.rmtree(self.repository / ".last")

    def version(self, number, content):
        path = self.folder / str(number)
        path.mkdir()
        (path / "model.onnx").write_bytes(content)

    def request(self):
        self.daemon.get("/v2/repository/models/digits/load", "POST", "{}")

    def moved(self):
        """Another repository stands where the old one stood."""
        new = self.repository.with_name("new")
        shutil.copytree(self.repository, new)
        os.rename(self.repository, self.repository.with_name("old"))
        os.rename(new, self.repository)
        self.daemon.process.send_signal(signal.SIGHUP)


def play(r, m):
    """Everything once; how often it came to the end."""
    r.check(m.loaded(1, m.written), "written anew: loaded")
    r.check(m.loaded(1, m.renamed), "renamed into place: loaded")
    r.check(m.loaded(2, lambda: m.version(2, m.good)), "version 2: loaded")
    m.daemon.process.send_signal(signal.SIGHUP)
    m.version(3, m.good[:1000])
    r.check(m.daemon.wait(lambda: m.versions() == {
        "3": "UNAVAILABLE", "2": "READY"}), f"version 3 is broken: {m.versions()}")
    shutil.rmtree(m.folder / "3")
    shutil.rmtree(m.folder / "2")
    r.check(m.daemon.wait(lambda: m.versions() == {"1": "READY"}),
            f"back to version 1: {m.versions()}")
    r.check(m.loaded(1, m.request), "by request: loaded")
    r.check(m.loaded(1, m.moved), "another repository: loaded")
    if 'sandbox="landlock' in m.daemon.log_text():
        r.check(m.daemon.log_text().count("renew: worker=") == 1,
                "by a worker whose sandbox knows it")


def under_load(r, daemon, m, seconds):
    wrk = Wrk(daemon.port, seconds)
    body = digit(DIGIT)[0]
    known = [daemon.get(PATH, "POST", body)[1]]
    for answer in known:
        answer.pop("model_version", None)

    def meanwhile(_):
        began = time.monotonic()
        play(r, m)
        print(f"    all that took {time.monotonic() - began:.1f} s")

    counts, _ = load.run(daemon.port, PATH, [body], known, 2, 1, meanwhile)
    report = wrk.report()
    print("   ", json.dumps(report))
    for text in counts.examples:
        print("   ", text)
    r.check(report["errors"] == 0 and report["requests"] > 0,
            f"wrk: {report['requests']} requests, {report['errors']} errors")
    r.check(counts.right > 0 and not counts.wrong and not counts.errors
            and not counts.dropped,
            f"{counts.right} right, {counts.wrong} wrong, {counts.errors} errors, "
            f"{counts.dropped} dropped")


def main():
    a = argparse.ArgumentParser()
    a.add_argument("build")
    a.add_argument("--seconds", type=int, default=25)
    o = a.parse_args()
    r = Report()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="clinferd-replace."))
    shutil.copytree(MODELS / "digits" / "1", folder / "models" / "digits" / "1")
    daemon = Daemon(o.build, "-d", "cpu", models=folder / "models")
    try:
        if r.check(daemon.wait_ready(180), "the daemon gets ready"):
            under_load(r, daemon, Model(folder, daemon), o.seconds)
        status, clean = daemon.stop()
        r.check(status == 0 and clean, f"it ends well: {status}")
        if r.failed:
            print(daemon.log_text()[-6000:])
    finally:
        daemon.close()
        shutil.rmtree(folder, ignore_errors=True)
    return r.end()


if __name__ == "__main__":
    sys.exit(main())
