"""An answer that its client does not take is copied out of the worker's memory, and
is still whole when it is taken at last; others use that memory meanwhile."""
import json
import time

from lib import Daemon, check, equal, floats, head, receive, request

N = 1000000


def ask(s, first):
    data = floats(*range(first, first + N))
    text = json.dumps({"inputs": [{"name": "x", "shape": [1, N], "datatype": "FP32",
                       "parameters": {"binary_data_size": 4 * N}}],
                       "parameters": {"binary_data_output": True}}).encode()
    s.sendall(head(length=len(text) + len(data), extra="Inference-Header-"
                   "Content-Length: %d\r\n" % len(text)) + text + data)


def take(s, first):
    a = receive(s)[0]
    equal(a.status, 200)
    n = int(a.headers["inference-header-content-length"])
    check(a.body[n:] == floats(*[2 * v for v in range(first, first + N)]),
          "not what was asked for")


with Daemon("worker.hold_timeout=100ms", "worker.output=16M") as d:
    clients = [d.connect() for _ in range(6)]
    for i, s in enumerate(clients):
        s.settimeout(60)
        ask(s, i)
    for _ in range(1000):
        # All that were asked for, and none in the worker's memory any more.
        if d.metric("clinferd_worker_requests_total") == 6 and \
                d.metric("clinferd_worker_holds") == 0:
            break
        time.sleep(0.02)
    check(d.metric("clinferd_output_copies_total") >= 4)
    equal(d.metric("clinferd_worker_holds"), 0)
    equal(d.infer([[1]]).json()["outputs"][0]["data"], [2])
    for i, s in enumerate(clients):
        take(s, i)
        s.close()
    check(d.metric("clinferd_output_copied_bytes_total") > 0)
