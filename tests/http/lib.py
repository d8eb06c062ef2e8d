"""
What the scripts of this folder share: the real daemon on loopback, with the fake
worker of tests/fake_worker.c behind it (its model "double" takes x, FP32 [-1,-1], and
gives y = 2 x; one whose file says "times 3 end" gives 3 x), and clients of two kinds: http.client, and bytes on a socket.

A script is one behaviour: it calls check() and ends.  The daemon must come through
it alive: leaving the "with" ends it and looks at its exit status and its log.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

INFER = "/v2/models/double/infer"


def build_dir():
    return os.path.abspath(os.environ.get("BUILD_DIR", "."))


def check(ok, *what):
    if not ok:
        raise AssertionError(" ".join(str(w) for w in what))


def equal(got, want, *what):
    check(got == want, *what, "got", repr(got)[:500], "want", repr(want)[:500])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers      # lower-case names
        self.body = body

    def json(self):
        equal(self.headers.get("content-type"), "application/json")
        return json.loads(self.body)

    def error(self, status):
        """The text of an error that has to be of that status."""
        equal(self.status, status, self.body[:300])
        return self.json()["error"]


class Daemon:
    def __init__(self, *settings, models=("double",), env=None, worker=None,
                 listen=(), conf=None):
        self.conf = conf            # the file's text; %(port)d, %(dir)s
        self.dir = tempfile.mkdtemp(prefix="clinferd.")
        self.settings = settings
        self.listen = listen
        self.before = []            # the command that runs the daemon
        self.env = dict(os.environ, FAKE_DEVICES="1", FAKE_ROWS="1")
        self.env.update(env or {})
        self.worker = worker or os.path.join(build_dir(), "tests/fake_worker")
        os.mkdir(self.dir + "/models")
        with open(self.dir + "/fake.icd", "w") as f:
            f.write("none")
        if worker is None:
            self.env["OCL_ICD_VENDORS"] = self.dir + "/fake.icd"
        for m in models:
            self.add_model(m)

    def add_model(self, name, text="model"):
        with open("%s/models/%s.onnx" % (self.dir, name), "w") as f:
            f.write(text)

    def path(self, name):
        return "%s/models/%s" % (self.dir, name)

    def put(self, name, text):
        """A file of the repository, its folders made, written in place."""
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as f:
            f.write(text)

    def __enter__(self):
        self.port = free_port()
        self.log = open(self.dir + "/log", "w+")
        args = [build_dir() + "/clinferd"]
        if self.conf is not None:
            self.configure(self.conf)
            args += ["-c", self.dir + "/conf"]
        else:
            args += ["-c", "/dev/null", "-m", self.dir + "/models",
                     "-l", "127.0.0.1:%d" % self.port,
                     "-l", "unix:%s/socket" % self.dir]
        for address in self.listen:
            args += ["-l", address]
        if os.getuid() == 0:
            args += ["-u", "root"]
        for s in ("worker.program=" + self.worker,
                  "worker.cache=" + self.dir + "/cache",
                  "worker.environment=FAKE_*,*SAN_OPTIONS,POCL_*") + self.settings:
            args += ["-s", s]
        self.process = subprocess.Popen(self.before + args, stderr=self.log, env=self.env)
        self.wait_ready()
        return self

    def configure(self, text):
        with open(self.dir + "/conf", "w") as f:
            f.write(text % {"port": self.port, "dir": self.dir})

    def lines(self):
        with open(self.dir + "/log") as f:
            return f.read().splitlines()

    def reload(self, text=None):
        """SIGHUP, perhaps with another configuration; what was logged meanwhile."""
        if text is not None:
            self.configure(text)
        before = len(self.lines())
        self.process.send_signal(signal.SIGHUP)
        for _ in range(1000):
            new = self.lines()[before:]
            if any("main: reloaded" in line for line in new):
                return new
            time.sleep(0.02)
        self.fail("no reload")

    def until(self, what, *why):
        for _ in range(1000):
            if what():
                return
            time.sleep(0.02)
        self.fail(" ".join(map(str, ("it never came true:",) + why)))

    def wait_ready(self):
        for _ in range(600):
            try:
                if self.get("/v2/health/ready").status == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.fail("the daemon is not ready")

    def fail(self, why):
        self.log.seek(0)
        sys.stderr.write(self.log.read())
        raise AssertionError(why)

    def __exit__(self, kind, value, trace):
        if kind is None:
            # Whatever was done to it, it serves.
            self.infer([[1, 2]]).json()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.fail("the daemon did not stop")
        self.log.seek(0)
        log = self.log.read()
        self.log.close()
        shutil.rmtree(self.dir)
        if status != 0 or "Sanitizer" in log or kind is not None:
            sys.stderr.write(log)
        if kind is None:
            equal(status, 0, "exit status")
            check("Sanitizer" not in log, "a sanitizer has found something")

    def request(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            c.request(method, path, body, headers or {})
            r = c.getresponse()
            names = {k.lower(): v for k, v in r.getheaders()}
            return Answer(r.status, names, r.read())
        finally:
            c.close()

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers)

    def post(self, path, body, headers=None):
        if not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        return self.request("POST", path, body, headers)

    def infer(self, rows, **more):
        return self.post(INFER, request(rows, **more))

    def factor(self, model):
        """What a model multiplies by; None: it does not answer."""
        a = self.post("/v2/models/%s/infer" % model, request([[1]]))
        return a.json()["outputs"][0]["data"][0] if a.status == 200 else None

    def index(self, model):
        """Its entries in the repository's index, by version."""
        return {m.get("version"): m for m in
                self.post("/v2/repository/index", "").json()
                if m["name"] == model}

    def log_text(self):
        with open(self.dir + "/log", errors="replace") as f:
            return f.read()

    def metric(self, name):
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(name) and line[len(name)] in " {},":
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError("no metric " + name)

    def connect(self, port=None, host="127.0.0.1"):
        s = socket.create_connection((host, port or self.port), 20)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s


def request(rows, **more):
    r = {"inputs": [{"name": "x", "shape": [len(rows), len(rows[0])],
                     "datatype": "FP32", "data": rows}]}
    r.update(more)
    return r


def head(path=INFER, length=None, method="POST", extra=""):
    lines = "%s %s HTTP/1.1\r\nHost: x\r\n%s" % (method, path, extra)
    if length is not None:
        lines += "Content-Length: %d\r\n" % length
    return (lines + "\r\n").encode()


def whole(rows=((1, 2),), extra="", **more):
    """The bytes of a good request."""
    body = json.dumps(request(list(map(list, rows)), **more)).encode()
    return head(length=len(body), extra=extra) + body


def receive(s, buffered=b""):
    """One answer off a socket: (Answer, what came behind it); None at the end."""
    while b"\r\n\r\n" not in buffered:
        more = s.recv(65536)
        if not more:
            equal(buffered, b"", "half an answer")
            return None, b""
        buffered += more
    top, rest = buffered.split(b"\r\n\r\n", 1)
    lines = top.decode().split("\r\n")
    status = int(lines[0].split(" ")[1])
    names = {}
    for line in lines[1:]:
        k, v = line.split(": ", 1)
        names[k.lower()] = v
    if status == 100:
        return Answer(status, names, b""), rest
    length = int(names["content-length"])
    while len(rest) < length:
        more = s.recv(65536)
        check(more, "the answer is cut")
        rest += more
    return Answer(status, names, rest[:length]), rest[length:]


def talk(daemon, data):
    """Send bytes and take all answers until the daemon closes or 0.5 s of silence."""
    answers = []
    with daemon.connect() as s:
        try:
            s.sendall(data)
        except OSError:
            pass
        s.settimeout(0.5)
        rest = b""
        try:
            while True:
                a, rest = receive(s, rest)
                if a is None:
                    return answers, True
                answers.append(a)
        except socket.timeout:
            return answers, False
        except ConnectionResetError:
            return answers, True


def until(what, *why, seconds=60):
    """Wait until what() is true; its value."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        check(time.monotonic() < end, "never came true:", *why)
        time.sleep(0.05)


def together(*scenes):
    """Run them at the same time, each in a thread; all must come to their end."""
    errors = []

    def play(scene):
        try:
            scene()
        except BaseException as e:
            errors.append("%s: %r" % (getattr(scene, "__name__", scene), e))
    threads = [threading.Thread(target=play, args=(s,)) for s in scenes]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(errors, [])


def floats(*values):
    return struct.pack("<%df" % len(values), *values)
