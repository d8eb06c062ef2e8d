"""Keep-alive, pipelining in order, HTTP/1.0, HEAD, Expect, unix sockets."""
import json
import socket

from lib import Daemon, INFER, check, equal, head, receive, request, talk, whole

with Daemon() as d:
    before = d.metric("clinferd_connections_total")
    with d.connect() as s:
        for i in range(50):
            s.sendall(whole(((i,),)))
            equal(receive(s)[0].json()["outputs"][0]["data"], [2 * i])
    equal(d.metric("clinferd_connections_total"), before + 2)

    # A hundred at once: slow ones (1003 takes 100 ms) hold back the others.
    rows = [1003 if i % 40 == 0 else i for i in range(100)]
    answers, closed = talk(d, b"".join(whole(((r,),), id=str(i))
                                       for i, r in enumerate(rows)))
    equal([a.json()["id"] for a in answers], [str(i) for i in range(100)])
    equal([a.json()["outputs"][0]["data"][0] for a in answers],
          [2 * r for r in rows])
    check(not closed)

    body = json.dumps(request([[1]])).encode()
    old = "POST %s HTTP/1.0\r\nContent-Length: %d\r\n" % (INFER, len(body))
    answers, closed = talk(d, old.encode() + b"\r\n" + body + whole())
    equal([a.status for a in answers], [200])
    check(closed)
    answers, closed = talk(d, old.encode() + b"Connection: keep-alive\r\n\r\n" +
                           body + whole())
    equal([a.status for a in answers], [200, 200])
    equal(answers[0].headers["connection"], "keep-alive")
    answers, closed = talk(d, whole(extra="Connection: close\r\n") + whole())
    equal([a.status for a in answers], [200])
    check(closed)

    # HEAD has GET's head and nothing behind it.
    with d.connect() as s:
        s.sendall(b"HEAD /v2 HTTP/1.1\r\nHost: x\r\n\r\n")
        top = s.recv(65536)
        check(top.startswith(b"HTTP/1.1 200 ") and top.endswith(b"\r\n\r\n"), top)
        s.sendall(whole())
        equal(receive(s)[0].status, 200)

    # 100 only to those that wait, and only if the body is wanted.
    with d.connect() as s:
        s.sendall(head(length=len(body), extra="Expect: 100-continue\r\n"))
        a, rest = receive(s)
        equal(a.status, 100)
        s.sendall(body)
        equal(receive(s, rest)[0].status, 200)
    with d.connect() as s:
        s.sendall(head("/v2/models/nope/infer", len(body),
                       extra="Expect: 100-continue\r\n"))
        equal(receive(s)[0].status, 404)

    s = socket.socket(socket.AF_UNIX)
    s.connect(d.dir + "/socket")
    s.sendall(whole())
    equal(receive(s)[0].status, 200)
    s.close()

    # A refused request with a small body does not cost the connection.
    answers, closed = talk(d, head("/v2/models/nope/infer", len(body)) + body +
                           whole())
    equal([a.status for a in answers], [404, 200])
