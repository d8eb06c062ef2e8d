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

    # One that takes nothing of a long answer is dropped, and holds nothing.
    n = 8000000
    text = (b'{"inputs":[{"name":"x","shape":[1,%d],"datatype":"FP32","parameters":'
            b'{"binary_data_size":%d}}],"parameters":{"binary_data_output":true}}' %
            (n, 4 * n))
    s = d.connect()
    s.sendall(head(length=len(text) + 4 * n, extra="Inference-Header-Content-"
                   "Length: %d\r\n" % len(text)) + text + bytes(4 * n))
    before = d.metric("clinferd_http_gone_total")
    for _ in range(500):
        if d.metric("clinferd_http_gone_total") > before:
            break
        time.sleep(0.02)
    check(d.metric("clinferd_http_gone_total") > before)
    equal(d.metric("clinferd_worker_holds"), 0)
    s.close()
    equal(d.infer([[1]]).status, 200)
