"""clinfer status, workers, load, unload, metrics against the daemon."""
import json
import subprocess

from lib import Daemon, check, equal
from tool import CLINFER, Run, Server, answer

with Daemon("worker.count=2", models=("double", "bad")) as d:
    url = "http://127.0.0.1:%d" % d.port

    def run(*args, at=url):
        return Run(args, at)

    # Status: in words and in JSON.
    for at in (url, "unix:%s/socket" % d.dir):
        lines = run("status", at=at).text().splitlines()
        equal(lines[0], "clinferd 0.1.0 at %s: live, ready" % at)
        equal([line.split() for line in lines[1:4]],
              [["model", "version", "state", "reason"],
               ["bad", "1", "UNAVAILABLE", "it", "is", "bad"], ["double", "1", "READY"]])
        # Columns are aligned.
        equal({line.index(w) for line, w in zip(lines[1:], ("state", "UNAV", "READY"))},
              {lines[1].index("state")})
        check(lines[4].startswith("workers: 2 of 2 ready, 0 restarts, "), lines[4])
    s = run("status", "--json").json()
    equal((s["url"], s["name"], s["live"], s["ready"]), (url, "clinferd", True, True))
    equal([(m["name"], m["state"]) for m in s["models"]],
          [("bad", "UNAVAILABLE"), ("double", "READY")])
    equal(len(s["workers"]), 2)
    equal(run("status", "--names").text(), "bad\ndouble\n")

    # Workers.
    w = d.get("/v2/workers").json()
    equal([x["pid"] for x in run("workers", "--json").json()["workers"]],
          [x["pid"] for x in w["workers"]])
    lines = [line.split() for line in run("workers").text().splitlines()]
    equal(lines[0], ["id", "device", "pid", "state", "restarts", "inflight", "requests",
                     "death"])
    equal([line[2] for line in lines[1:]], [str(x["pid"]) for x in w["workers"]])

    # What cannot be written is not done.
    with open("/dev/full", "w") as full:
        r = subprocess.run([CLINFER, "status", "-u", url], stdout=full, stderr=subprocess.PIPE)
    equal((r.returncode, r.stderr),
          (1, b"clinfer: standard output: write: No space left on device\n"))

    # Models come and go.
    d.add_model("later")
    Run(("infer", "later", "-i", "@ones"), url).error("status 404")
    equal(run("load", "later").text(), "later: loaded, version 1\n")
    equal(Run(("infer", "later", "-i", "@ones"), url).text(), "y float[1,1]: 2\n")
    equal(run("load", "later").text(), "later: loaded, version 1\n")
    equal(run("unload", "later").text(), "later: unloaded\n")
    Run(("infer", "later", "-i", "@ones"), url).error("status 404")
    run("load", "bad").error("bad: " + url, "it is bad", "status 400")
    run("load", "nope").error("no model 'nope'", "status 404")
    run("unload", "nope").error("nope", "status 4")
    run("load", "../../etc").error("status 404")

    # Metrics: all of them, or those that begin so.
    text = run("metrics").text()
    check(text.startswith("# HELP "), text[:100])
    equal(len(text.splitlines()), len(d.get("/metrics").body.decode().splitlines()))
    some = run("metrics", "clinferd_requests").text().splitlines()
    for first in ("# HELP ", "# TYPE ", "clinferd_requests"):
        check(any(line.startswith(first) for line in some), "no", first, some)
    for line in some:
        name = line.split(" ")[2] if line.startswith("# ") else line
        check(name.startswith("clinferd_requests"), line)
    run("metrics", "nothing_so").error("nothing_so")

    # Wrong usage, and help.
    for args in (("status", "x"), ("status", "-x"), ("workers", "x"), ("load",),
                 ("load", "a", "b"), ("load", "--json", "a"), ("unload",),
                 ("metrics", "a", "b"), ("metrics", "--json"), ("status", "--timeout", "-1")):
        run(*args).usage()
    for c in ("status", "workers", "load", "unload", "metrics"):
        text = Run((c, "-h")).text()
        check(text.startswith("usage: clinfer %s [-u URL]" % c) and "--timeout" in text, text)
    text = Run(("-h",)).text()
    check(text.index("clinfer bench") < text.index("By a running daemon") <
          text.index("clinfer infer"), text)
    Run(("statsu",)).error('no command "statsu"', status=2)

# Not ready: said, and the exit status says it, too.
def unready(asked, s):
    if asked.path == "/v2/health/ready":
        return answer({"ready": False, "error": "no device"}, "400 Bad Request")
    return answer({"/v2": {"name": "clinferd", "version": "9"}, "/v2/health/live": {},
                   "/v2/workers": {"workers": []}, "/v2/repository/index": []}[asked.path])


with Server(unready) as server:
    r = Run(("status",), server.url)
    equal((r.status, r.err), (1, b""))
    equal(r.out.decode().splitlines(),
          ["clinferd 9 at %s: live, not ready: no device" % server.url, "no models",
           "workers: 0 of 0 ready, 0 restarts, 0 requests"])
    r = Run(("status", "--json"), server.url)
    equal(r.status, 1)
    equal({k: v for k, v in json.loads(r.out).items() if k in ("ready", "error")},
          {"ready": False, "error": "no device"})
    equal(Run(("workers",), server.url).text(), "no workers\n")

with Daemon() as d:
    url = "http://127.0.0.1:%d" % d.port
# It has ended: nobody there.
for c in ("status", "workers", "metrics"):
    Run((c,), url).error("%s: %s" % (c, url), "no daemon answers", "Connection refused",
                         "is it running?")
Run(("load", "x"), url).error("no daemon answers")
Run(("infer", "x", "-i", "@ones"), url).error("no daemon answers")
Run(("status",), "unix:/nowhere/socket").error("no daemon answers", "No such file")

# Addresses that are none.
for bad, word in (("https://localhost", "https is not spoken"), ("ftp://x", "want http"),
                  ("http://", "no host"), ("http://x:0", "port"), ("http://x:99999", "port"),
                  ("http://x:8o", "port"), ("unix:relative", "unix:/path"),
                  ("unix:/" + "x" * 200, "longer"), ("http://a b", "byte 8"), ("", "no host"),
                  ("http://[::1", "]"), ("http://[::1]8", ":"), ("http://u@x", "user"),
                  ("http://x/?a", "byte 9"), ("http://" + "x" * 300, "longer"),
                  ("http://x\r\nEvil:", "byte 8")):
    check(word in Run(("status", "-u", bad)).usage(), bad)
Run(("status",), "http://no-such-host.invalid").error("no-such-host.invalid")
