"""Out of file descriptors: new connections are dropped or wait, nothing spins, and
when others leave all is as before."""
import resource
import time

from lib import Daemon, check, equal, head, receive, whole

LIVE = head("/v2/health/live", method="GET")

with Daemon() as d:
    resource.prlimit(d.process.pid, resource.RLIMIT_NOFILE, (60, 60))
    first = d.connect()
    many = [d.connect() for _ in range(100)]
    for s in many:
        s.settimeout(0.2)
        try:
            s.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n")
        except OSError:
            pass
    first.sendall(LIVE)
    equal(receive(first)[0].status, 200)
    time.sleep(0.2)
    with open("/proc/%d/stat" % d.process.pid) as f:
        before = sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
    time.sleep(1)
    with open("/proc/%d/stat" % d.process.pid) as f:
        after = sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
    check(after - before < 10, "the loop spins", after - before)
    for s in many:
        s.close()
    first.sendall(whole())
    equal(receive(first)[0].status, 200)
    first.close()
