"""
Whatever answers clinfer, it ends: in time, within its limits, with a reason, and
without a byte on the terminal that drives it.
"""
import json
import os
import re
import resource
import socket
import struct
import tempfile
import threading
import time

from lib import check, equal, floats
from tool import Run, Server, answer, write_model

OK = b"HTTP/1.1 200 OK\r\n"
CONTROLS = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")


def fails(talk, *words, args=("status",), more=(), raw=True):
    with Server(talk, raw=raw) as server:
        r = Run(tuple(args) + tuple(more), server.url)
        line = r.error(*words)
        check(not CONTROLS.search(r.err.rstrip(b"\n")), r.err)
        return line


def says(data):
    def talk(asked, s):
        s.recv(65536)
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    return talk


# Not HTTP.
for data in (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"\0" * 100, b"HTTP/2 200\r\n\r\n",
             b"<html>\r\n\r\n", OK + b"a\nb: c\r\n\r\n", OK + b" x: y\r\n\r\n", b"\n\n\n",
             OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
             OK + b"Transfer-Encoding: gzip\r\n\r\n",
             OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"x" * 100000,
             OK + b"x: y\r\n" * 20000, OK + b"X: " + b"y" * 70000):
    fails(says(data), "the answer is not HTTP")

# Cut.
fails(says(b""), "without an answer")
fails(says(b"HTTP/1.1 2"), "head is cut")
fails(says(OK + b"Content-Length: 5\r\n\r\n{}"), "cut after 2 bytes")
fails(says(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), "cut after 2 bytes")
fails(says(b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "100 and nothing else")

# Too much: said at once if it is said in front, else when it is there.
fails(says(OK + b"Content-Length: 1000000000000000\r\n\r\n"), "over 16777216 bytes")


def endless(start, piece):
    def talk(asked, s):
        s.recv(65536)
        s.sendall(start)
        for _ in range(100000):
            s.sendall(piece)
    return talk


fails(endless(OK + b"\r\n[", b"1," * 32768), "over 16777216 bytes")
fails(endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b" " * 32768 + b"\r\n"),
      "over 16777216 bytes")
fails(endless(b"HTTP/1.1 100 x\r\n\r\n", b"HTTP/1.1 100 x\r\n\r\n"), "nothing else")


# Too slow: never anything, or always a little.
def silent(asked, s):
    s.recv(65536)
    s.recv(65536)


def drips(asked, s):
    s.recv(65536)
    for c in OK * 1000:
        s.sendall(bytes([c]))
        time.sleep(0.05)


for slow in (silent, drips):
    fails(slow, "within 0.5 seconds", more=("--timeout", "0.5"))

# Nobody reads what we send; and who refuses early is heard.
BIG = 20 << 20
META = {"name": "m", "versions": ["1"], "inputs": [{"name": "x", "datatype": "UINT8",
                                                    "shape": [-1]}],
        "outputs": [{"name": "y", "datatype": "UINT8", "shape": [-1]}]}
INFER = ("infer", "m", "-i", "@zeros", "--shape", "x=%d" % BIG)


def first_lines(s):
    b = b""
    while b"\r\n\r\n" not in b:
        b += s.recv(4096)
    return b


def deaf(asked, s):
    if b"/infer" not in first_lines(s):
        return answer(META)
    time.sleep(2)


def early(asked, s):
    if b"/infer" not in first_lines(s):
        return answer(META)
    s.sendall(answer({"error": "too large for me"}, "413 Payload Too Large"))
    s.shutdown(socket.SHUT_WR)
    heard.wait(60)              # and nothing more is read


fails(deaf, "within 1 seconds", args=INFER, more=("--timeout", "1"))
heard = threading.Event()
with Server(early, raw=True) as server:
    Run(INFER + ("--timeout", "10"), server.url).error("too large for me (status 413)")
    heard.set()

# Not JSON, or not what is wanted.
for body in (b"", b"{", b"hello", b"[" * 100000, b'{"a":1,"a":2}', b"\xff\xfe", b"{}x",
             b'"\x1b[2J"', b"nan"):
    fails(says(answer(body)), "not JSON")
fails(says(answer(b"<h1>Bad Gateway</h1>", "502 Bad Gateway")), "does not say why (status 502)")
fails(says(answer(b"[1]", "500 x")), "status 500")
for args, body, word in ((("workers",), {}, "no list of workers"),
                         (("workers",), [], "no list of workers"),
                         (("workers",), {"workers": 1}, "no list of workers"),
                         (("status", "--names"), {"a": 1}, "no list of models")):
    fails(says(answer(body)), word, args=args)

# Escape sequences, in every text: printed, and harmless.
EVIL = "\x1b]0;x\x07\x1b[2J\x9b1m\x7f\r\n\u0085end"
for args in (("status",), ("load", "m"), ("infer", "m", "-i", "@ones"), ("metrics",)):
    fails(says(answer({"error": EVIL}, "400 x")), "\\x1b]0;x\\x07", "end", args=args)
LISTS = {"/v2": {"name": EVIL, "version": EVIL},
         "/v2/health/live": {}, "/v2/health/ready": {"error": EVIL},
         "/v2/repository/index": [{"name": EVIL, "version": EVIL, "state": EVIL,
                                   "reason": EVIL}, 7, None, {"name": ["x"]}],
         "/v2/workers": {"workers": [{"id": EVIL, "device": EVIL, "death": EVIL, "pid": 2.5,
                                      "state": None}, 7, [], "x"]},
         "/metrics": "a 1\nb\x1b[2J 2\n", "/v2/models/m": {"versions": [EVIL, 7]},
         "/v2/repository/models/m/load": {}}


def lists(asked, s):
    body = LISTS[asked.path]
    return answer(body.encode() if isinstance(body, str) else body)


with Server(lists) as server:
    for args in (("status",), ("status", "--json"), ("status", "--names"), ("workers",),
                 ("workers", "--json"), ("metrics",), ("metrics", "b"), ("load", "m")):
        r = Run(args, server.url)
        equal((r.status, r.err), (0, b""), args)
        check(not CONTROLS.search(r.out), args, r.out)
        check(b"x1b" in r.out or b"u001b" in r.out.lower(), args, r.out)
    equal(Run(("status", "--json"), server.url).json()["name"], EVIL)
    equal(Run(("metrics", "a"), server.url).text(), "a 1\n")


# The answer to infer: wrong in every way.
def infers(meta, head, data=b"", headers=None):
    body = head if isinstance(head, bytes) else json.dumps(head).encode()
    n = {"Inference_Header_Content_Length": str(len(body))} if headers is None else headers

    def talk(asked, s):
        if asked.path.endswith("/infer"):
            return answer(body + data, **n)
        return answer(meta)
    return talk


SMALL = ("infer", "m", "-i", "@ones")


def output(name="y", datatype="FP32", shape=(1,), size=4):
    return {"outputs": [{"name": name, "datatype": datatype, "shape": list(shape),
                         "parameters": {"binary_data_size": size}}]}


for head, data, word in (
        ({}, b"", "no list of outputs"),
        ({"outputs": [{}] * 300}, b"", "more than 256"),
        ({"outputs": [1]}, b"", "name is empty"),
        ({"outputs": [{"name": "y", "datatype": "FP32", "shape": [1], "data": [1]}]}, b"",
         "binary_data_size"),
        (output(size=-4), b"1234", "binary_data_size"),
        (output(size=8), b"1234", "more than the answer has"),
        (output(size=2 ** 62), b"1234", "more than the answer has"),
        (output(size="4"), b"1234", "binary_data_size"),
        (output(), b"12345", "1 bytes follow"),
        (output(size=8), b"12345678", "4 bytes are left over"),
        (output(shape=(2,)), b"1234", "too short"),
        (output(shape=(2 ** 62, 2 ** 62)), b"1234", "without a size"),
        (output(shape=(-1,)), b"1234", "shape[0]"),
        (output(shape=(1.5,)), b"1234", "shape[0]"),
        (output(shape=(1,) * 9), b"1234", "at most 8"),
        (output(datatype="FP31"), b"1234", 'type "FP31"'),
        (output(datatype=EVIL), b"1234", "\\x1b"),
        (output(name="y" * 300), b"1234", "longer than 255"),
        (output(datatype="BYTES"), b"1234", "strings are cut"),
        (output(datatype="BYTES", size=3), b"123", "strings are cut"),
        (output(datatype="BYTES", shape=(2 ** 40,)), b"1234", "strings"),
        (output(datatype="BYTES"), struct.pack("<I", 2 ** 31), "strings are cut")):
    fails(infers(META, head, data), "the answer", word, args=SMALL, raw=False)
for n in ("-1", "x", "", "1e3", "99999999999999999999", "100000", "0x10", "1.5"):
    fails(infers(META, output(), b"1234", {"Inference_Header_Content_Length": n}),
          "Inference-Header-Content-Length", args=SMALL, raw=False)
fails(infers(META, output(), b"1234", {"Inference_Header_Content_Length": "0"}), "not JSON",
      args=SMALL, raw=False)

# The metadata, too.
for meta in ({}, [], {"inputs": 1, "outputs": []}, {"inputs": [], "outputs": {}},
             {"inputs": [{}] * 300, "outputs": []}, {"inputs": [7], "outputs": []},
             {"inputs": [{"name": EVIL, "datatype": EVIL, "shape": []}], "outputs": []},
             {"inputs": [{"name": "x", "datatype": "FP32", "shape": [-2]}], "outputs": []},
             {"inputs": [{"name": "x", "datatype": "FP32"}], "outputs": []},
             {"inputs": [{"name": "x", "datatype": "float8e5m2", "shape": [1]}],
              "outputs": []},
             {"inputs": [{"name": "x", "datatype": "FP32", "shape": [2 ** 62, 2 ** 62]}],
              "outputs": []},
             {"inputs": [{"name": "x", "datatype": "FP32", "shape": [2 ** 50]}],
              "outputs": []}):
    fails(infers(meta, output(), b"1234"), "m: ", args=SMALL, raw=False)

# Names of outputs are no paths.
with Server(infers(META, output(name="../../y"), b"1234")) as server:
    with tempfile.TemporaryDirectory() as folder:
        Run(SMALL + ("-o", folder + "/a/"), server.url).text()
        equal((os.listdir(folder), os.listdir(folder + "/a")), (["a"], ["_._.._y.npy"]))
with Server(infers(META, output(name=EVIL, datatype="BYTES", size=9),
                   struct.pack("<I", 5) + b"\x1b[2J\xff")) as server:
    for more in ((), ("--json",)):
        r = Run(SMALL + more, server.url)
        equal(r.status, 0, r.err)
        check(not CONTROLS.search(r.out), r.out)

# A good answer, cut and changed at every byte: 0 or 1, never a signal.
good = answer(json.dumps(output()).encode() + floats(1), Content_Type="a/b",
              Inference_Header_Content_Length=str(len(json.dumps(output()))))
cases = [good[:n] for n in range(0, len(good), 2)]
cases += [good[:n] + bytes([good[n] ^ 0x15]) + good[n + 1:] for n in range(0, len(good), 2)]
case = [b""]


def changed(asked, s):
    return case[0] if asked.path.endswith("/infer") else answer(META)


with Server(changed) as server:
    seen = set()
    for case[0] in cases:
        r = Run(SMALL + ("--timeout", "5"), server.url)
        check(r.status in (0, 1), case[0], r.status, r.err)
        check(not CONTROLS.search(r.out + r.err.rstrip(b"\n")), r.out, r.err)
        seen.add(r.status)
    equal(seen, {0, 1})

# A model, too.
with tempfile.TemporaryDirectory() as folder:
    path = folder + "/model.onnx"
    evil = EVIL.encode()
    write_model(path, b"Relu", evil, evil)
    r = Run(("inspect", path))
    check("input \\x1b" in r.text() and "everything is supported" in r.text(), r.out)
    check(not CONTROLS.search(r.out), r.out)
    write_model(path, evil, evil, b"n")
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")       # drivers leak
    for args in (("inspect", path), ("inspect", "--json", path), ("check", folder),
                 ("run", path)):
        r = Run(args, env=env)
        check(r.status == 1 or args[0] == "inspect", args, r.status)
        check(not CONTROLS.search(r.out + r.err), args, r.out, r.err)
        check(b"1b" in r.out + r.err, args, r.out, r.err)

# IPv6, where there is some.
try:
    with Server(lists, family=socket.AF_INET6, address=("::1", 0)) as server:
        equal(Run(("metrics", "a"), server.url).text(), "a 1\n")
        check(server.seen[0].headers["host"] == server.url[len("http://"):])
        equal(Run(("metrics", "a"), server.url + "/").text(), "a 1\n")
except OSError:
    print("no IPv6 here")

# Below a prefix, as a proxy has it.
with Server(lambda asked, s: answer(("a %s\n" % asked.path).encode())) as server:
    equal(Run(("metrics",), server.url + "/one/two/").text(), "a /one/two/metrics\n")
    Run(("load", "a/b?c#d é"), server.url + "/p").error("not JSON")
    equal(server.seen[1].path, "/p/v2/repository/models/a%2Fb%3Fc%23d%20%C3%A9/load")

used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
check(used < 512 << 10, used, "KiB of memory for an answer")
