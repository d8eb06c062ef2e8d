"""Models follow their folders: they appear, change, break, go and come back.

Each scene has a model of its own; many are played at the same time, since most of it
is waiting.  SIGHUP is for the scenes that are played alone."""
import functools
import os
import shutil
import signal
import subprocess
import time

from lib import Daemon, check, equal, request, together, until

R = "/v2/repository/models/"


def gives(d, model, factor):
    until(lambda: d.factor(model) == factor, model, "times", factor)


def stays(d, model, factor, seconds):
    """It answers the same, every time, for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        equal(d.factor(model), factor, model)
        time.sleep(0.02)


def loads(d, model):
    return d.log_text().count("loaded: model=%s " % model)


def plain(d):
    """A file: it appears, changes, is replaced by another, goes."""
    d.put("plain.onnx", "times 3 end")
    gives(d, "plain", 3)
    d.put("plain.onnx", "times 5 end")
    gives(d, "plain", 5)
    d.put(".plain.new", "times 7 end")
    os.rename(d.path(".plain.new"), d.path("plain.onnx"))
    gives(d, "plain", 7)
    os.unlink(d.path("plain.onnx"))
    until(lambda: d.factor("plain") is None, "plain is gone")
    equal(d.index("plain"), {})
    d.put("plain.onnx", "times 9 end")
    gives(d, "plain", 9)


def copied(d):
    """Who is still writing is waited for: half of it is never loaded."""
    os.makedirs(d.path("copied/1"))
    with open(d.path("copied/1/model.onnx"), "w") as f:
        f.write("times 3 ")
        for _ in range(20):
            time.sleep(0.25)
            f.write("x" * 1000)
            f.flush()
        f.write(" end")
    gives(d, "copied", 3)
    check("load failed: model=copied" not in d.log_text())
    equal(loads(d, "copied"), 1)


def stalled(d):
    """Half a file that is quiet is tried, and again when it goes on."""
    d.put("stalled/1/model.onnx", "times 3 en")
    until(lambda: d.index("stalled"), "stalled is tried")
    until(lambda: d.index("stalled")["1"]["state"] == "UNAVAILABLE")
    d.put("stalled/1/model.onnx", "times 3 end")
    gives(d, "stalled", 3)
    d.put("stalled/1/model.onnx", "times 5 en")
    until(lambda: "reason" in d.index("stalled")["1"], "a reason")
    equal(d.factor("stalled"), 3)
    d.put("stalled/1/model.onnx", "times 5 end")
    gives(d, "stalled", 5)


def broken(d):
    """The old one serves on, the index says why; said once."""
    d.put("broken/1/model.onnx", "times 3 end")
    gives(d, "broken", 3)
    d.put("broken/1/model.onnx", "broken")
    until(lambda: "it is bad" in d.index("broken")["1"].get("reason", ""))
    stays(d, "broken", 3, 3)
    equal(d.index("broken")["1"]["state"], "READY")
    # The configuration as well.
    d.put("broken/config.pbtxt", "max_batch_size: many")
    until(lambda: "config.pbtxt: line 1" in
          d.index("broken")["1"].get("reason", ""))
    equal(d.factor("broken"), 3)
    os.unlink(d.path("broken/config.pbtxt"))
    d.put("broken/1/model.onnx", "times 5 end")
    gives(d, "broken", 5)
    until(lambda: "reason" not in d.index("broken")["1"])


def versions(d):
    """The newest number serves; a broken one does not; without it the one before."""
    def number():
        a = d.post("/v2/models/versions/infer", request([[1]]))
        equal(a.status, 200, a.body)
        return a.json()["model_version"]

    d.put("versions/1/model.onnx", "times 3 end")
    gives(d, "versions", 3)
    d.put("versions/2/model.onnx", "times 5 end")
    gives(d, "versions", 5)
    until(lambda: list(d.index("versions")) == ["2"])
    equal(number(), "2")
    d.put("versions/3/model.onnx", "broken")
    until(lambda: d.index("versions").get("3", {}).get("state") ==
          "UNAVAILABLE")
    equal(number(), "2")
    shutil.rmtree(d.path("versions/3"))
    until(lambda: list(d.index("versions")) == ["2"])
    shutil.rmtree(d.path("versions/2"))
    until(lambda: number() == "1", "back to the one before")
    equal(d.factor("versions"), 3)


def renamed(d):
    """A folder that is away for a moment loses nothing, SIGHUP or not."""
    d.put("renamed/1/model.onnx", "times 3 end")
    gives(d, "renamed", 3)
    d.put(".next/1/model.onnx", "times 5 end")
    os.rename(d.path("renamed"), d.path(".last"))
    d.process.send_signal(signal.SIGHUP)
    stays(d, "renamed", 3, 3)
    os.rename(d.path(".next"), d.path("renamed"))
    until(lambda: d.factor("renamed") != 3)
    equal(d.factor("renamed"), 5)


def unloaded(d):
    """By request: until its folder changes, whatever else happens."""
    d.put("unloaded/1/model.onnx", "times 3 end")
    gives(d, "unloaded", 3)
    equal(d.post(R + "unloaded/unload", "").status, 200)
    equal(d.factor("unloaded"), None)
    d.process.send_signal(signal.SIGHUP)
    os.utime(d.path("unloaded"))
    end = time.monotonic() + 4
    while time.monotonic() < end:
        equal(d.factor("unloaded"), None)
        time.sleep(0.1)
    d.put("unloaded/1/model.onnx", "times 5 end")
    gives(d, "unloaded", 5)


def swapped(d):
    """As Kubernetes updates a volume: one link leads to everything, and moves."""
    d.put("swapped/..v1/1/model.onnx", "times 3 end")
    os.symlink("..v1", d.path("swapped/..data"))
    os.symlink("..data/1", d.path("swapped/1"))
    gives(d, "swapped", 3)
    d.put("swapped/..v2/1/model.onnx", "times 5 end")
    os.symlink("..v2", d.path("swapped/..new"))
    os.rename(d.path("swapped/..new"), d.path("swapped/..data"))
    shutil.rmtree(d.path("swapped/..v1"))
    gives(d, "swapped", 5)
    # In the repository itself, too.
    d.put("..a/root/1/model.onnx", "times 3 end")
    os.symlink("..a", d.path("..data"))
    os.symlink("..data/root", d.path("root"))
    gives(d, "root", 3)
    d.put("..b/root/1/model.onnx", "times 5 end")
    os.symlink("..b", d.path("..new"))
    os.rename(d.path("..new"), d.path("..data"))
    gives(d, "root", 5)


def linked(d):
    """A link that stands for a model, and is turned."""
    d.put(".store/a/1/model.onnx", "times 3 end")
    d.put(".store/b/1/model.onnx", "times 5 end")
    os.symlink(".store/a", d.path("linked"))
    gives(d, "linked", 3)
    os.symlink(".store/b", d.path(".link"))
    os.rename(d.path(".link"), d.path("linked"))
    gives(d, "linked", 5)
    d.put(".store/b/1/model.onnx", "times 7 end")
    gives(d, "linked", 7)


def around(d):
    """Configuration, labels and weights beside the model's file count as well."""
    def best():
        a = d.post("/v2/models/around/infer", request([[1, 2]], outputs=[
            {"name": "y", "parameters": {"classification": 1}}]))
        return a.json()["outputs"][0]["data"]

    d.put("around/1/model.onnx", "model")
    gives(d, "around", 2)
    d.put("around/labels.txt", "cat\ndog\n")
    d.put("around/config.pbtxt", 'max_batch_size: 4 '
          'output { name: "y" label_filename: "labels.txt" }')
    until(lambda: best() == ["4.000000:1:dog"], "labels")
    equal(d.get("/v2/models/around/config").json()["max_batch_size"], 4)
    d.put("around/labels.txt", "cat\nhound\n")
    until(lambda: best() == ["4.000000:1:hound"], "other labels")
    for name in ("weights.bin", "more/weights.bin"):
        before = loads(d, "around")
        os.makedirs(d.path("around/1/more"), exist_ok=True)
        d.put("around/1/" + name, name)
        until(lambda: loads(d, "around") > before, name)
    # What is no part of the model loads nothing.
    before = loads(d, "around")
    d.put("around/README", "about it")
    d.put("around/1/.part", "half")
    time.sleep(3)
    equal(loads(d, "around"), before)


def deadly(d):
    """What kills its workers is not tried again until it has changed.  The one
    before serves on, if its files are still there."""
    def deaths():
        return d.metric("clinferd_worker_deaths_total")

    d.put("deadly/1/model.onnx", "times 3 end")
    gives(d, "deadly", 3)
    d.put("deadly/2/model.onnx", "crash")
    until(lambda: "signal 6" in
          d.index("deadly").get("2", {}).get("reason", ""))
    equal(d.factor("deadly"), 3)
    equal(deaths(), 3)
    d.put("deadly/README", "an event")
    stays(d, "deadly", 3, 4)
    equal(deaths(), 3)
    d.put("deadly/2/model.onnx", "times 5 end")
    gives(d, "deadly", 5)
    d.put("deadly/2/model.onnx", "crash")
    until(lambda: "signal 6" in d.index("deadly")["2"].get("reason", "") or
          "kills workers" in d.index("deadly")["2"].get("reason", ""))
    equal(deaths(), 6)
    equal(d.infer([[1]]).status, 200)
    d.put("deadly/2/model.onnx", "times 7 end")
    gives(d, "deadly", 7)
    equal(deaths(), 6)


def said_once(d):
    """What is broken is tried once, and said once, until something happens."""
    def said():
        return [line for line in d.log_text().splitlines()
                if "once" in line or "unread" in line]

    d.put("once.onnx", "broken")
    until(lambda: "it is bad" in d.index("once").get("1", {}).get("reason", ""))
    d.put("unread/1/other", "x")
    until(lambda: "no version folder" in
          d.index("unread").get(None, {}).get("reason", ""))
    before = said()
    time.sleep(32)      # a scan comes by
    equal(said(), before)
    os.utime(d.path("once.onnx"))
    until(lambda: d.log_text().count("load failed: model=once ") == 2)


def elsewhere(d):
    """A link to a file that nobody watches: found by looking."""
    os.mkdir(d.dir + "/outside")
    with open(d.dir + "/outside/x", "w") as f:
        f.write("times 3 end")
    os.symlink(d.dir + "/outside/x", d.path("elsewhere.onnx"))
    gives(d, "elsewhere", 3)
    with open(d.dir + "/outside/x", "w") as f:
        f.write("times 5 end")
    gives(d, "elsewhere", 5)


def repositories():
    """One is not there at first, one goes: that takes nothing away, and what is put
    in its place is followed."""
    d = Daemon()
    d.settings += ("models.dir=%s/models %s/second" % (d.dir, d.dir),)
    with d:
        os.makedirs(d.dir + "/.second/late/1")
        with open(d.dir + "/.second/late/1/model.onnx", "w") as f:
            f.write("times 3 end")
        os.rename(d.dir + "/.second", d.dir + "/second")
        d.put("mine/1/model.onnx", "times 3 end")
        gives(d, "mine", 3)
        shutil.copytree(d.dir + "/models", d.dir + "/copy")
        os.rename(d.dir + "/models", d.dir + "/gone")
        stays(d, "mine", 3, 7)
        with open(d.dir + "/copy/mine/1/model.onnx", "w") as f:
            f.write("times 5 end")
        os.rename(d.dir + "/copy", d.dir + "/models")
        gives(d, "mine", 5)
        d.put("mine/1/model.onnx", "times 7 end")
        gives(d, "mine", 7)
        gives(d, "late", 3)
        check(d.log_text().count("second") <= 3, "said again and again")


def blind():
    """Inotify's limits are reached: what it would tell is found by looking."""
    limit = ["unshare", "-Ur", "sh", "-c", "echo 0 > /proc/sys/user/max_inotify_"
             'watches && exec "$@" -u root', "sh"]
    if subprocess.run(limit + ["true"], stderr=subprocess.DEVNULL).returncode:
        print("no user namespaces here: inotify has no limit to test")
        return
    d = Daemon()
    d.before = limit
    with d:
        d.put("found/1/model.onnx", "times 3 end")
        gives(d, "found", 3)
        equal(d.log_text().count("max_user_watches"), 1)


def following():
    scenes = (plain, copied, stalled, broken, versions, swapped, linked, around,
              elsewhere, said_once)
    with Daemon() as d:
        together(*(functools.partial(s, d) for s in scenes))


def by_request():
    with Daemon() as d:
        renamed(d)
        unloaded(d)
        deadly(d)


def not_following():
    with Daemon("models.watch=no") as d:
        d.put("new.onnx", "times 3 end")
        time.sleep(4)
        equal(d.factor("new"), None)
        d.process.send_signal(signal.SIGHUP)
        gives(d, "new", 3)
        d.put("new.onnx", "times 5 end")
        time.sleep(4)
        equal(d.factor("new"), 3)


together(following, by_request, repositories, blind, not_following)
