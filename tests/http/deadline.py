"""The protocol's timeout, in microseconds: 503 when it is over, and not before."""
import threading
import time

from lib import Daemon, check, equal

with Daemon() as d:
    slow = [threading.Thread(target=lambda: equal(d.infer([[1003]]).status, 200))
            for _ in range(4)]
    for t in slow:
        t.start()
        time.sleep(0.01)
    a = d.infer([[1]], parameters={"timeout": 20000})
    equal(a.error(503), "Request timeout expired")
    for t in slow:
        t.join()
    equal(d.infer([[1]], parameters={"timeout": 10000000}).status, 200)
    equal(d.metric("clinferd_requests_expired_total"), 1)
