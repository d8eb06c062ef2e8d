"""Framings that two readers could understand differently are refused and end the
connection; those that are only unusual are taken."""
from lib import Daemon, INFER, check, equal, request, talk, whole
import json

BODY = json.dumps(request([[1, 2]])).encode()
L = len(BODY)
START = "POST %s HTTP/1.1\r\nHost: x\r\n" % INFER


def chunked(parts, trailers=b"", ext=b""):
    out = b""
    for p in parts:
        out += b"%x%s\r\n%s\r\n" % (len(p), ext, p)
    return out + b"0\r\n" + trailers + b"\r\n"


REFUSED = [
    (START + "Content-Length: %d\r\nContent-Length: %d\r\n\r\n" % (L, L), BODY),
    (START + "Content-Length: +%d\r\n\r\n" % L, BODY),
    (START + "Content-Length: %d, %d\r\n\r\n" % (L, L), BODY),
    (START + "Content-Length : %d\r\n\r\n" % L, BODY),
    (START + "Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % L, BODY),
    (START + "Transfer-Encoding: xchunked\r\n\r\n", chunked([BODY])),
    (START + "Transfer-Encoding: gzip, chunked\r\n\r\n", chunked([BODY])),
    (START + " folded: x\r\nContent-Length: %d\r\n\r\n" % L, BODY),
    (START.replace("Host: x\r\n", "") + "Content-Length: %d\r\n\r\n" % L, BODY),
    (START + "Host: y\r\nContent-Length: %d\r\n\r\n" % L, BODY),
    (START.replace("\r\n", "\n") + "Content-Length: %d\n\n" % L, BODY),
    (START + "Transfer-Encoding: chunked\r\n\r\n", b"+5\r\nhello\r\n0\r\n\r\n"),
    (START + "Transfer-Encoding: chunked\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n"),
    (START + "Transfer-Encoding: chunked\r\n\r\n", b"5\nhello\r\n0\r\n\r\n"),
    (START + "Transfer-Encoding: chunked\r\n\r\n", b"4\r\nhello\r\n0\r\n\r\n"),
    ("GET /v2 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n", b"GET "),
    (START + "Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 65537),
]

TAKEN = [
    (START + "Transfer-Encoding: chunked\r\n\r\n", chunked([BODY])),
    (START + "Transfer-Encoding: Chunked\r\n\r\n",
     chunked([BODY[i:i + 1] for i in range(L)], b"X: y\r\n", b";a=\"b\"")),
    ("\r\n" + START + "Content-Length: %d\r\n\r\n" % L, BODY),
    (START.replace(INFER, "http://x" + INFER) +
     "Content-Length: %d\r\nExpect:\r\n\r\n" % L, BODY),
]

with Daemon() as d:
    for top, body in REFUSED:
        # A second request behind it must never be seen.
        answers, closed = talk(d, top.encode() + body + whole())
        equal([a.status for a in answers], [400], top)
        check(answers[0].json()["error"], top)
        check(closed, "still open", top)
    for top, body in TAKEN:
        answers, closed = talk(d, top.encode() + body + whole())
        equal([a.status for a in answers], [200, 200], top)
        check(not closed, top)

    answers, closed = talk(d, b"GET /v2 HTTP/9.9\r\n\r\n")
    equal(answers[0].status, 505)
    many = "".join("a%d: b\r\n" % i for i in range(64))
    answers, closed = talk(d, (START + many + "\r\n").encode())
    answers[0].error(431)
    answers, closed = talk(d, START.encode() + b"X: " + b"y" * 100000)
    answers[0].error(431)
    answers, closed = talk(d, (START + "Expect: wonders\r\n\r\n").encode())
    answers[0].error(417)
