"""Clients ask all the time while a model is replaced, broken, renamed, reloaded, gets
versions and loses them: no error, and no answer but those of what serves or is to."""
import http.client
import json
import os
import random
import shutil
import signal
import threading

from lib import Daemon, check, equal, request, until

PATH = "/v2/models/m/infer"
CLIENTS = 6


class Client(threading.Thread):
    """Asks on one connection until told to stop; every answer is looked at."""

    def __init__(self, port, allowed, stop):
        super().__init__()
        self.port, self.allowed, self.stop = port, allowed, stop
        self.answers, self.errors = 0, []

    def run(self):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        pick = random.Random(id(self))
        while not self.stop.is_set() and len(self.errors) < 5:
            x = pick.randint(1, 1000)
            allowed = list(self.allowed)
            try:
                c.request("POST", PATH, json.dumps(request([[x, 1]])))
                r = c.getresponse()
                body = r.read()
            except OSError as e:
                self.errors.append(repr(e))
                c.close()
                continue
            # Whatever served between asking and now.
            allowed += self.allowed
            right = [[x * f, f] for f in allowed]
            if r.status != 200 or \
                    json.loads(body)["outputs"][0]["data"] not in right:
                self.errors.append("%d %s x %d: %s" % (r.status, allowed, x,
                                                       body[:200]))
            self.answers += 1
        c.close()


class Act:
    """What happens to the model, and which factors may answer meanwhile."""

    def __init__(self, d, allowed):
        self.d, self.allowed = d, allowed

    def becomes(self, factor, change):
        self.allowed.append(factor)
        change()
        until(lambda: self.d.factor("m") == factor, "times", factor)
        del self.allowed[:-1]

    def breaks(self, change, reason):
        change()
        until(lambda: any(reason in v.get("reason", "")
                          for v in self.d.index("m").values()), reason)


def renamed_file(d, name, text):
    d.put(name + ".part", text)
    os.rename(d.path(name + ".part"), d.path(name))


def renamed_version(d, name, text):
    """SIGHUP reads at once whatever lies there: it must never be half of a file."""
    d.put(".new/model.onnx", text)
    os.rename(d.path(".new"), d.path(name))


def renamed_folder(d, text):
    d.put(".next/2/model.onnx", text)
    os.rename(d.path("m"), d.path(".last"))
    os.rename(d.path(".next"), d.path("m"))


def play(d, a):
    a.becomes(5, lambda: renamed_file(d, "m/1/model.onnx", "times 5 end"))
    a.becomes(7, lambda: d.put("m/1/model.onnx", "times 7 end"))
    d.process.send_signal(signal.SIGHUP)
    a.breaks(lambda: renamed_file(d, "m/1/model.onnx", "broken"), "it is bad")
    d.process.send_signal(signal.SIGHUP)
    a.becomes(9, lambda: renamed_version(d, "m/2", "times 9 end"))
    equal(d.post("/v2/repository/models/m/load", "").status, 200)
    a.breaks(lambda: d.put("m/3/model.onnx", "broken"), "it is bad")
    shutil.rmtree(d.path("m/3"))
    a.becomes(11, lambda: renamed_folder(d, "times 11 end"))
    a.becomes(13, lambda: d.put("m/4/model.onnx", "times 13 end"))
    d.process.send_signal(signal.SIGHUP)
    a.becomes(11, lambda: shutil.rmtree(d.path("m/4")))


with Daemon("worker.count=2", env={"FAKE_MS": "1"}) as d:
    d.put("m/1/model.onnx", "times 3 end")
    until(lambda: d.factor("m") == 3)
    allowed, stop = [3], threading.Event()
    clients = [Client(d.port, allowed, stop) for _ in range(CLIENTS)]
    for c in clients:
        c.start()
    try:
        play(d, Act(d, allowed))
    finally:
        stop.set()
        for c in clients:
            c.join()
    for c in clients:
        equal(c.errors, [])
    check(sum(c.answers for c in clients) > 1000, "too few to mean anything")
