"""Bodies, heads, connections and memory have limits; each says so."""
import json
import socket
import time
import zlib

from lib import Daemon, INFER, check, equal, head, receive, request, talk, whole

with Daemon("limits.body=100K", "limits.memory=40M", "limits.connections=20") as d:
    # Announced, chunked, and packed: over the limit each time.
    a = talk(d, head(length=102401) + b"x")[0][0]
    equal(a.error(413), "request body of 102401 bytes is over the limit of 102400")
    chunks = b"1000\r\n" + bytes(4096) + b"\r\n"
    a = talk(d, head(extra="Transfer-Encoding: chunked\r\n") + chunks * 26)[0][0]
    a.error(413)
    bomb = zlib.compress(bytes(10000000))
    a = d.post(INFER, bomb, {"Content-Encoding": "deflate"})
    a.error(413)

    # Nineteen busy ones; of the others the idle one makes room.
    clients = [d.connect() for _ in range(19)]
    for s in clients:
        s.sendall(head(length=10))
    time.sleep(0.1)
    last = d.connect()
    last.sendall(whole())
    equal(receive(last)[0].status, 200)
    more = d.connect()
    more.sendall(whole())
    equal(receive(more)[0].status, 200)
    equal(receive(last)[0], None)
    for s in clients + [last, more]:
        s.close()

with Daemon("limits.memory=17M") as d:
    # Forty half megabytes do not fit; those that came first stay.
    parts = [d.connect() for _ in range(40)]
    for s in parts:
        s.sendall(head(length=1000000) + b" " * 600000)
    refused = 0
    for s in parts:
        s.settimeout(0.1)
        try:
            a = receive(s)[0]
            equal(a.error(503), "no memory left for request bodies")
            refused += 1
        except socket.timeout:
            pass
        s.close()
    check(refused > 10, refused)
