"""SIGHUP and worker.devices, worker.count: workers go when they have finished, others
come, and no request is lost meanwhile."""
import threading

from lib import Daemon, check, equal, receive, whole

CONF = """[models]
dir = %%(dir)s/models
[server]
listen = 127.0.0.1:%%(port)d
[worker]
devices = %s
count = %d
"""


def workers():
    return {(w["device"], w["id"]): w for w in d.get("/v2/workers").json()["workers"]
            if w["state"] == "ready"}


def names():
    return sorted(name for name, i in workers())


def reaches(*want):
    d.until(lambda: names() == sorted(want) and
            len(d.get("/v2/workers").json()["workers"]) == len(want), want)


with Daemon(conf=CONF % ("Fake/a", 1), env={"FAKE_DEVICES": "Fake/a,Fake/b"}) as d:
    reaches("Fake/a")
    failed, done, asked = [], threading.Event(), [0]

    def client(first):
        with d.connect() as s:
            while not done.is_set():
                s.sendall(whole(((first, 7),)))
                a, rest = receive(s)
                if a is None or a.status != 200 or \
                        a.json()["outputs"][0]["data"] != [2 * first, 14]:
                    failed.append(a and a.body)
                    return
                asked[0] += 1

    # 1003 takes 100 ms: there is always one under way.
    clients = [threading.Thread(target=client, args=(x,)) for x in (1003, 1, 2)]
    for c in clients:
        c.start()
    pid = workers()["Fake/a", 0]["pid"]
    for devices, count, want in (
            ("Fake/b", 1, ["Fake/b"]),
            ("Fake/a,Fake/b", 1, ["Fake/a", "Fake/b"]),
            ("Fake/a", 2, ["Fake/a"] * 2),
            ("all", 2, ["Fake/a"] * 2 + ["Fake/b"] * 2),
            ("Fake/b", 1, ["Fake/b"])):
        said = d.reload(CONF % (devices, count))
        reaches(*want)
        before = asked[0]
        d.until(lambda: asked[0] > before + 5 or failed, "they go on")
    done.set()
    for c in clients:
        c.join()
    equal(failed, [])
    log = "\n".join(d.lines())
    check("worker: died" not in log and "worker: kill" not in log, log)

    # None of that name: nobody answers, until there is one again.
    d.reload(CONF % ("Other", 1))
    d.until(lambda: names() == [])
    d.until(lambda: d.infer([[1, 2]]).status == 503)
    d.reload(CONF % ("auto", 1))
    d.until(lambda: d.infer([[1, 2]]).status == 200)
