"""Slow and stalled clients meet their deadlines; others are served meanwhile."""
import socket
import time

from lib import Daemon, check, equal, head, receive, talk, whole

with Daemon("limits.head_timeout=300ms", "limits.body_timeout=300ms",
            "limits.idle_timeout=300ms", "limits.send_timeout=300ms") as d:
    good = whole()
    body_at = good.index(b"\r\n\r\n") + 4
    idle, in_head, in_body, drip = [d.connect() for _ in range(4)]
    in_head.sendall(good[:10])
    in_body.sendall(good[:body_at + 5])
    for byte in good[:30]:
        try:
            drip.sendall(bytes([byte]))
        except OSError:
            break
        time.sleep(0.02)
        equal(d.infer([[1]]).status, 200)
    equal(receive(in_head)[0].error(408), "the request did not arrive in time")
    equal(receive(in_body)[0].error(408), "the request did not arrive in time")
    equal(receive(idle)[0], None)
    equal(receive(drip)[0].status, 408)
    check(d.metric("clinferd_http_timeouts_total") >= 3)
    equal(d.infer([[1]]).status, 200)
