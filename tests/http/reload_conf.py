"""SIGHUP: what can change does, the rest is told to need a restart, a mistake keeps
the old configuration, conf.d and options have their say."""
import os

from lib import Daemon, INFER, check, equal, request

CONF = """[models]
dir = %(dir)s/models
[server]
listen = 127.0.0.1:%(port)d
"""

with Daemon(conf=CONF + "[limits]\nbody = 1K\n") as d:
    big = request([[1.5] * 400])

    equal(d.post(INFER, big).status, 413)
    said = d.reload(CONF + "[limits]\nbody = 1M\n[server]\nuser = nobody-here\n"
                    "[worker]\noutput = 32M\n")
    check(any("limits.body changed" in x and "restart" not in x for x in said), said)
    check(any("server.user changed: needs a restart" in x for x in said) or
          os.getuid() == 0, said)
    check(any("worker.output changed: needs a restart" in x for x in said), said)
    equal(d.post(INFER, big).status, 200)

    # Every mistake is named, and nothing of the file is taken.
    said = d.reload(CONF + "[limits]\nbody = 1K\nhead = 0\n[lgo]\nlevel = debug\n")
    check(any("/conf:7: limits.head: \"0\": want a size from 1K to 1M" in x
              for x in said), said)
    check(any("/conf:9: no section \"lgo\"; the nearest key is \"log.level\"" in x
              for x in said), said)
    check(any("the old configuration stays" in x for x in said), said)
    equal(d.post(INFER, big).status, 200)
    equal(d.metric("clinferd_reload_errors_total"), 1)

    # The folder beside it wins, the last name of it.
    os.mkdir(d.dir + "/conf.d")
    for name, text in (("b", "1M"), ("a", "2K"), ("c", "x")):
        with open("%s/conf.d/%s.conf" % (d.dir, name), "w") as f:
            f.write("[limits]\nbody = %s\n" % text)
    os.rename(d.dir + "/conf.d/c.conf", d.dir + "/conf.d/c.dpkg-old")
    d.reload(CONF + "[limits]\nbody = 1K\n")
    equal(d.post(INFER, big).status, 200)
    os.unlink(d.dir + "/conf.d/b.conf")
    d.reload()
    equal(d.post(INFER, big).status, 413)

    # Levels of areas, and the target, change as well.
    said = d.reload(CONF + "[log]\nlevel = error\nareas = main=info config=info\n")
    check(any("log.level changed" in x for x in said), said)
    quiet = CONF + "[log]\nareas = config=error\n"
    d.reload(quiet)
    said = d.reload(quiet + "[limits]\nbody = 1M\n")
    check(not any("info: config:" in x for x in said), said)

    # Another repository, without losing the one that is there.
    os.mkdir(d.dir + "/more")
    with open(d.dir + "/more/triple.onnx", "w") as f:
        f.write("model")
    workers = d.get("/v2/workers").json()["workers"]
    d.reload(CONF.replace("/models", "/models %(dir)s/more"))
    d.until(lambda: d.get("/v2/models/triple/ready").status == 200)
    equal(d.post("/v2/models/triple/infer", request([[1, 2]])).status, 200)
    # Workers see only the folders that they were started with.
    again = d.get("/v2/workers").json()["workers"]
    check(all(a["pid"] != b["pid"] for a, b in zip(workers, again)), again)
    equal([w["death"] for w in again], [""])
    d.reload(CONF)
    d.until(lambda: d.get("/v2/models/triple/ready").status != 200)

# Options win over the file, also after a reload.
with Daemon("limits.body=1M", conf=CONF + "[limits]\nbody = 1K\n") as d:
    equal(d.post(INFER, big).status, 200)
    d.reload()
    equal(d.post(INFER, big).status, 200)
