"""log.access: a line per answered request, whole and harmless whatever a client says;
off unless asked for, live."""
import json
import re

from lib import Daemon, INFER, check, equal, head, receive, request, talk, whole

CONF = """[models]
dir = %(dir)s/models
[server]
listen = 127.0.0.1:%(port)d unix:%(dir)s/socket
"""
ON = CONF + "[log]\naccess = yes\n"
LINE = re.compile(r'info: access: peer=(\S+) method=(\S+) path=("(?:[^"\\]|\\.)*"|\S+) '
                  r'status=(\d+) in=(\d+) out=(\d+) ms=(\d+\.\d{3})'
                  r'((?: [a-z_]+=(?:"(?:[^"\\]|\\.)*"|[^" ]+))*)$')


def lines():
    return [line for line in d.lines() if ": access: " in line]


def one(do):
    """The one line that something leaves, in its parts."""
    before = len(lines())
    do()
    d.until(lambda: len(lines()) > before, "a line")
    new = lines()[before:]
    equal(len(new), 1, new)
    m = LINE.match(new[0])
    check(m, new[0])
    return m, new[0]


with Daemon(conf=CONF) as d:
    d.infer([[1, 2]])
    equal(lines(), [])
    d.reload(ON)

    body = json.dumps(request([[1, 2]], id="job 7\n\"x\" \x1b[31m model=evil"))
    m, line = one(lambda: d.post(INFER + "?token=SECRET", body, {
        "Authorization": "Bearer SECRET", "Cookie": "SECRET"}))
    equal(m.group(2, 3, 4, 5), ("POST", INFER, "200", str(len(body))))
    check(m.group(1).startswith("127.0.0.1:"))
    check(int(m.group(6)) > 100)
    check(" model=double version=1 queue_ms=" in line and " compute_ms=" in line, line)
    check(line.endswith(r' id="job 7\x0a\"x\" \x1b[31m model=evil"'), line)
    check("SECRET" not in line)

    # What the protocol never saw, what no route has, what no model is.
    m, line = one(lambda: talk(d, b"GET /\x01\x1b HTTP/1.1\r\n\r\n"))
    equal(m.group(2, 3, 4), ("?", '""', "400"))
    m, line = one(lambda: d.get("/v2/%0a%22x=y%20" + "z" * 5000))
    equal(m.group(4), "404")
    check(len(line) < 500, len(line))
    m, line = one(lambda: d.get('/a"b\\c=d'))
    equal(m.group(3), r'"/a\"b\\c=d"')
    m, line = one(lambda: d.get("/v2/models/%22a%20status%3D200%5C"))
    equal(m.group(4), "404")
    check(line.endswith(r' model="\"a status=200\\"'), line)
    m, line = one(lambda: d.request("BREW", "/v2"))
    equal(m.group(2, 4), ("other", "405"))
    m, line = one(lambda: d.infer([[1009, 2]]))
    equal(m.group(4), "400")

    # Many on one connection: each has its own.
    before = len(lines())
    answers, closed = talk(d, b"".join(whole(((i, 1),), id=str(i)) for i in range(20)))
    equal(len(answers), 20)
    equal([x.rsplit(" id=", 1)[1] for x in lines()[before:]], [str(i) for i in range(20)])

    # Who left before the answer was there got none.
    before = len(lines())
    with d.connect() as s:
        s.sendall(whole(((1003, 1),)))
    d.until(lambda: d.metric("clinferd_http_gone_total") > 0)
    check(not any("status=200" in x and "/infer" in x for x in lines()[before:]))

    d.reload(CONF)
    before = len(lines())
    d.infer([[1, 2]])
    equal(len(lines()), before)
