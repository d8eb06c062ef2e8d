"""A good request cut at every byte, and changed at every byte: an answer that is
JSON of a fitting status, or a wait for more; and the others are served meanwhile."""
import select
import socket
import time

from lib import Daemon, check, equal, receive, whole

GOOD = whole(((1, 2), (3, 4)), id="7")


def answer_in(d, s, data):
    """What comes before the daemon waits or closes; None: it waits."""
    s.sendall(data)
    if not select.select([s], [], [], 0)[0]:
        # It is one loop: when this is answered, the above has been looked at.
        d.get("/v2/health/live")
        d.get("/v2/health/live")
    if not select.select([s], [], [], 0)[0]:
        return None
    return receive(s)[0]


with Daemon() as d:
    for n in range(len(GOOD)):
        with d.connect() as s:
            check(answer_in(d, s, GOOD[:n]) is None, "answered at", n)

    statuses = {}
    for n in range(len(GOOD)):
        for new in (0, 9, 10, 13, 32, 34, 44, 45, 48, 57, 58, 91, 93, 123, 125,
                    127, 255):
            if GOOD[n] == new:
                continue
            with d.connect() as s:
                try:
                    a = answer_in(d, s, GOOD[:n] + bytes([new]) + GOOD[n + 1:])
                except ConnectionResetError:
                    continue
                if a is None:
                    continue
                statuses[a.status] = statuses.get(a.status, 0) + 1
                check(a.status in (200, 400, 404, 405, 413, 417, 505),
                      n, new, a.status)
                if a.status != 200:
                    check(a.json()["error"], n, new)
    check(statuses[400] > 1000, statuses)
    check(statuses.get(200, 0) > 0, statuses)
    began = time.monotonic()
    equal(d.infer([[1]]).status, 200)
    check(time.monotonic() - began < 5)
