"""Clients that leave while they wait, while they are answered, in mid-request."""
import socket
import struct
import time

from lib import Daemon, check, equal, floats, head, receive, whole

RST = struct.pack("ii", 1, 0)


def until(what, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


with Daemon() as d:
    # One at a time, while a slow request (1003) is at the worker or queued.
    for way in ("close", "reset", "half"):
        before = d.metric("clinferd_http_gone_total")
        clients = [d.connect() for _ in range(8)]
        for s in clients:
            s.sendall(whole(((1003,),)))
        time.sleep(0.03)
        for s in clients:
            if way == "reset":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            if way == "half":
                s.shutdown(socket.SHUT_WR)
            else:
                s.close()
        check(until(lambda: d.metric("clinferd_http_gone_total") >= before + 8),
              way, d.metric("clinferd_http_gone_total"), before)
        for s in clients:
            s.close()
        equal(d.infer([[1]]).status, 200)

    # In the middle of a head and of a body.
    good = whole()
    for n in (1, 30, len(good) - 3):
        with d.connect() as s:
            s.sendall(good[:n])

    # While a long answer is on its way: 8 MB that nobody reads.
    n = 2000000
    text = (b'{"inputs":[{"name":"x","shape":[1,%d],"datatype":"FP32","parameters":'
            b'{"binary_data_size":%d}}],"parameters":{"binary_data_output":true}}' %
            (n, 4 * n))
    for _ in range(5):
        s = d.connect()
        s.sendall(head(length=len(text) + 4 * n, extra="Inference-Header-Content-"
                       "Length: %d\r\n" % len(text)) + text + bytes(4 * n))
        equal(len(s.recv(1000)), 1000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
        s.close()
    check(until(lambda: d.metric("clinferd_connections") == 1))
    check(until(lambda: d.metric("clinferd_worker_holds") == 0))
    equal(d.infer([[1]]).status, 200)
