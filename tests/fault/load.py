"""Closed-loop clients that compare every answer with the known one."""

import json
import socket
import threading
import time

TOLERANCE = 1e-4


class Counts:
    def __init__(self):
        self.right = self.wrong = self.errors = self.dropped = 0
        self.slowest = 0.0
        self.examples = []

    def note(self, text):
        if len(self.examples) < 5:
            self.examples.append(text)


def same(got, want):
    """Labels equal, numbers close: the same row may share a batch or not."""
    if got.get("model_name") != want.get("model_name"):
        return False
    a = {o["name"]: o for o in got["outputs"]}
    b = {o["name"]: o for o in want["outputs"]}
    if a.keys() != b.keys():
        return False
    for name, o in b.items():
        if a[name]["shape"] != o["shape"] or len(a[name]["data"]) != len(o["data"]):
            return False
        for x, y in zip(a[name]["data"], o["data"]):
            if abs(x - y) > TOLERANCE:
                return False
    return True


class Client(threading.Thread):
    """One connection; asks again and again until told to stop."""

    def __init__(self, port, path, bodies, known, stop, pause=0):
        super().__init__(daemon=True)
        self.port, self.stop, self.known = port, stop, known
        self.requests = [
            f"POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: {len(b)}\r\n\r\n"
            .encode() + b for b in bodies]
        self.counts = Counts()
        self.seen = {}
        self.pause = pause      # seconds between requests

    def receive(self, s, left):
        while b"\r\n\r\n" not in left:
            more = s.recv(65536)
            if not more:
                raise ConnectionError("closed before the answer")
            left += more
        head, _, body = left.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        length = next(int(l.split(":")[1]) for l in lines
                      if l.lower().startswith("content-length:"))
        while len(body) < length:
            more = s.recv(65536)
            if not more:
                raise ConnectionError("closed within the answer")
            body += more
        return int(lines[0].split()[1]), body[:length], body[length:]

    def judge(self, i, status, body):
        if status != 200:
            self.counts.errors += 1
            self.counts.note(f"{status}: {body[:200]!r}")
            return
        if self.seen.get(i) != body:
            if not same(json.loads(body), self.known[i]):
                self.counts.wrong += 1
                self.counts.note(f"wrong: {body[:200]!r}")
                return
            self.seen[i] = body
        self.counts.right += 1

    def run(self):
        s, left, i = None, b"", 0
        while not self.stop.is_set():
            try:
                if s is None:
                    s = socket.create_connection(("127.0.0.1", self.port), 60)
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    left = b""
                began = time.monotonic()
                s.sendall(self.requests[i])
                status, body, left = self.receive(s, left)
                self.counts.slowest = max(self.counts.slowest,
                                          time.monotonic() - began)
                self.judge(i, status, body)
            except (OSError, ValueError, KeyError, StopIteration) as e:
                self.counts.dropped += 1
                self.counts.note(f"dropped: {e!r}")
                s = None
            i = (i + 1) % len(self.requests)
            if self.pause:
                time.sleep(self.pause)
        if s is not None:
            s.close()


def run(port, path, bodies, known, connections, seconds, meanwhile=None):
    """Clients for so long, meanwhile(until) beside them; their counts, rate/s."""
    stop = threading.Event()
    clients = [Client(port, path, bodies, known, stop) for _ in range(connections)]
    began = time.monotonic()
    for c in clients:
        c.start()
    until = began + seconds
    if meanwhile:
        meanwhile(until)
    time.sleep(max(0, until - time.monotonic()))
    took = time.monotonic() - began
    stop.set()
    for c in clients:
        c.join(90)
    total = Counts()
    for c in clients:
        for name in ("right", "wrong", "errors", "dropped"):
            setattr(total, name, getattr(total, name) + getattr(c.counts, name))
        total.slowest = max(total.slowest, c.counts.slowest)
        for text in c.counts.examples:
            total.note(text)
        if c.is_alive():
            total.dropped += 1
            total.note("a client never got its answer")
    return total, total.right / took
