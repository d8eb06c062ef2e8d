#!/usr/bin/env python3
"""Kill (or stop) workers under load: nobody may notice.

    kill.py BUILD [--seconds S] [--every S] [--signal KILL|STOP] [--connections N]
            [--models DIR]

The daemon in BUILD serves the digits on two workers to N connections.  Every so
many seconds a random worker that is ready gets the signal.  Every request must get
its right answer on its connection; then the daemon must be back to the descriptors
and memory it had.  From 30 seconds on, throughput must stay above a quarter of the
undisturbed, and most of the attempts must have hit.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time

import load
from daemon import MODELS, Daemon, Report, digit

DIGITS = ["00-2", "01-0", "02-4", "03-9", "05-1", "06-2", "08-6", "09-7"]
PATH = "/v2/models/digits/infer"
MEMORY = 4 << 20        # more than before that is still "back"
BACK_SECONDS = 10
LONG = 30               # seconds from which on numbers mean something


class Killer:
    def __init__(self, daemon, every, sig):
        self.daemon, self.every, self.sig = daemon, every, sig
        self.kills = self.idle = 0

    def __call__(self, until):
        at = time.monotonic() + self.every
        while at < until:
            time.sleep(max(0, at - time.monotonic()))
            at += self.every
            ready = [w for w in self.daemon.workers() if w["state"] == "ready"]
            if not ready:
                self.idle += 1
                continue
            try:
                os.kill(random.choice(ready)["pid"], self.sig)
                self.kills += 1
            except ProcessLookupError:
                self.idle += 1


def known_answers(daemon, bodies):
    answers = []
    for body in bodies:
        status, answer = daemon.get(PATH, "POST", body)
        if status != 200:
            raise SystemExit(f"digits: {status} {answer}")
        answers.append(answer)
    return answers


def warm(o, cache):
    """A first daemon fills the program caches, as the one before an incident."""
    daemon = Daemon(o.build, "-w", "2", "-d", "cpu", models=o.models, cache=cache)
    good = False
    try:
        good = daemon.wait(lambda: [w["models"] for w in daemon.workers()]
                           == [1, 1], 180)
        return good and daemon.stop()[0] == 0
    finally:
        if not good:
            print(daemon.log_text()[-4000:])
        daemon.close()


def plan_all(daemon, bodies, known, connections):
    """Load until both workers have planned every batch size that comes up: two
    rates alike, and not those of workers that compile.  The best rate."""
    rates = [0.0]
    for _ in range(30):
        _, rate = load.run(daemon.port, PATH, bodies, known, connections, 2)
        settled = rates[-1] / 1.5 < rate < rates[-1] * 1.5
        rates.append(rate)
        if settled and not any(w["phase"] == "compile"
                               for w in daemon.workers()):
            break
    return max(rates)


def settle(daemon, descriptors, resident):
    def back():
        return (daemon.descriptors() <= descriptors
                and daemon.resident() <= resident + MEMORY)
    return daemon.wait(back, BACK_SECONDS)


def main():
    a = argparse.ArgumentParser()
    a.add_argument("build")
    a.add_argument("--seconds", type=float, default=6)
    a.add_argument("--every", type=float)
    a.add_argument("--signal", choices=["KILL", "STOP"], default="KILL")
    a.add_argument("--connections", type=int, default=16)
    a.add_argument("--models", default=MODELS)
    o = a.parse_args()
    every = o.every or (0.3 if o.signal == "KILL" else 5)
    sig = getattr(signal, "SIG" + o.signal)
    report = Report()
    bodies = [digit(name)[0] for name in DIGITS]
    cache = tempfile.mkdtemp(prefix="clinferd-kill.")
    if not report.check(warm(o, cache), "both workers compile and load"):
        return report.end()
    daemon = Daemon(o.build, "-w", "2", "-d", "cpu",
                    "-s", "worker.run_timeout=1s",
                    "-s", "worker.load_timeout=5s",
                    "-s", "worker.compile_timeout=5s", models=o.models,
                    cache=cache)
    try:
        if not report.check(daemon.wait_ready(), "the daemon gets ready"):
            print(daemon.log_text()[-4000:])
            return report.end()
        known = known_answers(daemon, bodies)
        plan_all(daemon, bodies, known, o.connections)
        _, calm_rate = load.run(daemon.port, PATH, bodies, known,
                                   o.connections, min(5, o.seconds))
        time.sleep(2)
        descriptors, resident = daemon.descriptors(), daemon.resident()
        killer = Killer(daemon, every, sig)
        counts, rate = load.run(daemon.port, PATH, bodies, known,
                                o.connections, o.seconds, killer)
        print(json.dumps({
            "seconds": o.seconds, "signal": o.signal, "kills": killer.kills,
            "none_ready": killer.idle, "right": counts.right,
            "wrong": counts.wrong, "errors": counts.errors,
            "dropped": counts.dropped, "slowest_s": round(counts.slowest, 3),
            "calm_per_s": round(calm_rate), "per_s": round(rate),
            "ratio": round(rate / calm_rate, 3) if calm_rate else 0}))
        for text in counts.examples:
            print("   ", text)
        ticks = int(o.seconds / every)
        report.check(killer.kills > 0, "some worker was hit")
        report.check(counts.wrong == 0, "no wrong answer")
        report.check(counts.errors == 0, "no error answer")
        report.check(counts.dropped == 0, "no dropped connection")
        if o.seconds >= LONG:
            report.check(killer.kills >= ticks * 0.6,
                         f"{killer.kills} kills in {ticks} attempts")
            report.check(rate >= calm_rate / 4, "a quarter of the throughput")
        back = settle(daemon, descriptors, resident)
        report.check(back, "descriptors and memory are back: "
                     f"{descriptors} -> {daemon.descriptors()}, "
                     f"{resident >> 10} -> {daemon.resident() >> 10} KiB")
        report.check(daemon.wait(lambda: all(
            w["state"] == "ready" for w in daemon.workers())), "all are ready")
        status, clean = daemon.stop()
        report.check(status == 0 and clean, f"it drains: status {status}")
        if report.failed:
            print(daemon.log_text()[-4000:])
    finally:
        daemon.close()
        shutil.rmtree(cache, ignore_errors=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
