"""
clinfer as a client: runs of it, the files it reads and writes, and daemons that are
not ours: scripted, to see what it sends and how it takes any answer.
"""
import json
import os
import socket
import struct
import subprocess
import threading

from lib import build_dir, check, equal

CLINFER = build_dir() + "/clinfer"


class Run:
    def __init__(self, args, url=None, env=None, seconds=60):
        more = ["-u", url] if url else []
        r = subprocess.run([CLINFER] + list(args) + more, env=env, timeout=seconds,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           stdin=subprocess.DEVNULL)
        self.args = args
        self.status = r.returncode
        self.out = r.stdout
        self.err = r.stderr
        check(b"Sanitizer" not in r.stderr, args, r.stderr)

    def text(self):
        """What it prints when all is well."""
        equal(self.status, 0, self.args, self.err)
        equal(self.err, b"", self.args)
        return self.out.decode()

    def json(self):
        return json.loads(self.text())

    def error(self, *words, status=1):
        """One line that begins with the program's name and holds those words."""
        equal(self.status, status, self.args, self.out, self.err)
        line = self.err.decode()
        check(line.startswith("clinfer: "), line)
        equal(line.count("\n"), 1, line)
        for w in words:
            check(w in line, self.args, "no", repr(w), "in", line)
        check(self.out == b"", self.out)
        return line

    def usage(self):
        equal(self.status, 2, self.args, self.err)
        check(b"usage: clinfer " in self.err, self.err)
        equal(self.out, b"")
        return self.err.decode()


def write_npy(path, descr, shape, data):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (descr, tuple(shape))
    head += " " * (-(len(head) + 11) % 64) + "\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data)


def read_npy(path):
    """Its header, as text, and its data."""
    with open(path, "rb") as f:
        b = f.read()
    equal(b[:8], b"\x93NUMPY\x01\x00")
    n = struct.unpack("<H", b[8:10])[0]
    return b[10:10 + n].decode(), b[10 + n:]


def varint(n):
    out = b""
    while n >= 128:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def write_pb(path, dtype, dims, raw=None, strings=()):
    """A TensorProto."""
    b = b"".join(b"\x08" + varint(d) for d in dims) + b"\x10" + varint(dtype)
    for s in strings:
        b += b"\x32" + varint(len(s)) + s
    if raw is not None:
        b += b"\x4a" + varint(len(raw)) + raw
    with open(path, "wb") as f:
        f.write(b)


def field(number, value):
    """Of a message: a number, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def write_model(path, op, name, dim):
    """An ONNX model of one node, y = op(name), of one dimension of that name."""
    shape = field(2, field(1, field(2, dim)))
    tensor = field(2, field(1, field(1, 1) + shape))
    node = field(1, name) + field(2, b"y") + field(3, name) + field(4, op)
    graph = field(1, node) + field(2, b"g") + field(11, field(1, name) + tensor) + \
        field(12, field(1, b"y") + tensor)
    with open(path, "wb") as f:
        f.write(field(1, 8) + field(2, name) + field(7, graph) + field(8, field(2, 17)))


class Asked:
    """A request, as it came."""

    def __init__(self, s):
        b = b""
        while b"\r\n\r\n" not in b:
            more = s.recv(65536)
            if not more:
                raise OSError("no request")
            b += more
        top, self.body = b.split(b"\r\n\r\n", 1)
        lines = top.decode().split("\r\n")
        self.method, self.path, self.version = lines[0].split(" ")
        self.headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        while len(self.body) < int(self.headers.get("content-length", 0)):
            self.body += s.recv(65536)


def answer(body, status="200 OK", **headers):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    head = "HTTP/1.1 %s\r\nContent-Length: %d\r\n" % (status, len(body))
    for k, v in headers.items():
        head += "%s: %s\r\n" % (k.replace("_", "-"), v)
    return head.encode() + b"\r\n" + body


class Server:
    """
    Answers every connection by talk(asked, socket): bytes to send, or None if it has
    done what it wanted.  At raw, nothing is read first and asked is None.
    """

    def __init__(self, talk, raw=False, family=socket.AF_INET, address=("127.0.0.1", 0)):
        self.talk = talk
        self.raw = raw
        self.listener = socket.socket(family)
        self.listener.bind(address)
        self.listener.listen(16)
        where = self.listener.getsockname()
        host = "[%s]" % where[0] if family == socket.AF_INET6 else where[0]
        self.url = "http://%s:%d" % (host, where[1])
        self.seen = []
        self.failure = None

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(20)
        if kind is None and self.failure is not None:
            raise self.failure

    def serve(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            with s:
                s.settimeout(20)
                try:
                    self.one(s)
                except OSError:
                    pass
                except Exception as e:
                    self.failure = e

    def one(self, s):
        asked = None if self.raw else Asked(s)
        self.seen.append(asked)
        data = self.talk(asked, s)
        if data is not None:
            s.sendall(data)


def scratch(daemon, name):
    return os.path.join(daemon.dir, name)
