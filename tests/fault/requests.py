#!/usr/bin/env python3
"""Hostile requests through the whole daemon, real workers behind it.

    requests.py BUILD [--every]

A good request, in each form that a client may give it, is cut at every byte and
changed at every byte (--every: to each of many values), hundreds of connections at
a time; then come wrong names, types, shapes and sizes.  All get a fitting status
and a JSON error, 408 if they leave off in the middle; good clients are served
all the time.
"""

import argparse
import json
import select
import socket
import struct
import sys
import threading
import time
import zlib

import load
from daemon import Daemon, Report, digit

PATH = "/v2/models/digits/infer"
DIGITS = ["00-2", "01-0", "02-4", "03-9"]
AT_ONCE = 400
MEMORY = 8 << 20        # growth of the parent that is none
PATIENCE = 20           # seconds until a missing answer is a failure
SETTINGS = ("limits.head_timeout=1s", "limits.body_timeout=1s",
            "limits.idle_timeout=1s", "limits.body=1M")
FITTING = {200, 400, 404, 405, 408, 413, 415, 417, 431, 501, 505}
VALUES = (0, 9, 10, 13, 32, 34, 44, 45, 46, 48, 57, 58, 65, 91, 93, 101, 123, 125,
          127, 128, 255)


def pixels():
    return json.loads(digit(DIGITS[0])[0])["inputs"][0]["data"]


def head(length=None, extra=""):
    lines = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{extra}"
    if length is not None:
        lines += f"Content-Length: {length}\r\n"
    return (lines + "\r\n").encode()


def tensor(**more):
    t = {"name": "image", "shape": [1, 64], "datatype": "FP32"}
    t.update(more)
    return {k: v for k, v in t.items() if v is not None}


def as_json(**more):
    t = tensor(**{"data": [int(v) for v in pixels()], **more})
    return json.dumps({"inputs": [t]}, separators=(",", ":")).encode()


def whole(body, extra=""):
    return head(len(body), extra) + body


def binary(data=None, **more):
    data = struct.pack("<64f", *pixels()) if data is None else data
    more.setdefault("parameters", {"binary_data_size": len(data)})
    text = json.dumps({"inputs": [tensor(**more)], "outputs": [
        {"name": "label", "parameters": {"binary_data": True}}]}).encode()
    return whole(text + data, f"Inference-Header-Content-Length: {len(text)}\r\n")


def chunked(body, size=32):
    out = head(extra="Transfer-Encoding: chunked\r\n")
    for at in range(0, len(body), size):
        piece = body[at:at + size]
        out += b"%x\r\n%s\r\n" % (len(piece), piece)
    return out + b"0\r\n\r\n"


def forms():
    body = as_json()
    return {"JSON": whole(body), "binary": binary(), "chunked": chunked(body),
            "deflated": whole(zlib.compress(body), "Content-Encoding: deflate\r\n")}


def wrong():
    """Bodies that are well-formed and wrong."""
    for more in ({"name": "z"}, {"datatype": "INT32"}, {"datatype": "FP33"},
                 {"shape": [64]}, {"shape": [1, 63]}, {"shape": [1, 65]},
                 {"shape": [2, 64]}, {"shape": [1, 1, 64]}, {"shape": [0, 64]},
                 {"shape": [-1, 64]}, {"shape": [1 << 40, 64]}, {"shape": []},
                 {"shape": None}, {"datatype": None}, {"name": None},
                 {"data": []}, {"data": None}, {"data": ["a"] * 64},
                 {"data": [None] * 64}, {"data": [[1] * 64] * 2},
                 {"data": [1e300] * 64}):
        yield whole(as_json(**more))
    for more in ({"shape": [2, 64]}, {"datatype": "INT64"}, {"data": b""},
                 {"data": bytes(255)}, {"data": bytes(257)},
                 {"parameters": {"binary_data_size": 255}},
                 {"parameters": {"binary_data_size": -1}},
                 {"parameters": {"binary_data_size": 1 << 62}},
                 {"parameters": {"binary_data_size": "256"}}):
        yield binary(**more)
    yield whole(b" " * (1 << 20) + b"x")
    yield whole(b"[" * 100000)
    yield whole(b"{}", "Content-Encoding: gzip\r\n")
    yield whole(b"{}", "Content-Encoding: rot13\r\n")
    yield whole(b"{}", "Inference-Header-Content-Length: 3\r\n")
    yield whole(b"{}", "Inference-Header-Content-Length: -1\r\n")


class Hostile:
    """One connection with something bad on it."""

    def __init__(self, port, data):
        self.data, self.got, self.answer = data, b"", None
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def hear(self):
        """True when all has been said: (status, body), or None for an end."""
        try:
            more = self.socket.recv(65536)
        except OSError:
            more = b""
        self.got += more
        top, end, body = self.got.partition(b"\r\n\r\n")
        if end:
            length = next((int(l.split(b":")[1]) for l in top.split(b"\r\n")
                           if l.lower().startswith(b"content-length:")), 0)
            if len(body) >= length:
                self.answer = int(top.split(b" ")[1]), body[:length]
        return self.answer is not None or not more


class Run:
    def __init__(self, report, port):
        self.report, self.port = report, port

    def together(self, all_data):
        """What is answered to each, many at a time; those never answered."""
        answers, stuck = [], []
        for at in range(0, len(all_data), AT_ONCE):
            open_ = {}
            poll = select.poll()
            for data in all_data[at:at + AT_ONCE]:
                h = Hostile(self.port, data)
                open_[h.socket.fileno()] = h
                poll.register(h.socket, select.POLLIN)
            until = time.monotonic() + PATIENCE
            while open_ and time.monotonic() < until:
                for fd, _ in poll.poll(1000):
                    if not open_[fd].hear():
                        continue
                    poll.unregister(fd)
                    h = open_.pop(fd)
                    h.socket.close()
                    answers.append(h)
            for h in open_.values():
                h.socket.close()
                stuck.append(h)
        return answers, stuck

    def judge(self, name, all_data, least, cut=False):
        """least: of these statuses some must come."""
        answers, stuck = self.together(all_data)
        bad, statuses = [h.data for h in stuck], {}
        for h in answers:
            status, body = h.answer or (0, b"")
            statuses[status] = statuses.get(status, 0) + 1
            if status == 0:
                # Nothing was said to one that said nothing yet, or reset it.
                continue
            good = status in FITTING and not (cut and status == 200)
            if good and status != 200:
                try:
                    good = bool(json.loads(body)["error"])
                except (ValueError, KeyError, TypeError):
                    good = False
            if not good:
                bad.append((status, body[:100], h.data[:3000]))
        for b in bad[:5]:
            print("   ", b)
        missing = [s for s in least if not statuses.get(s)]
        silent = statuses.get(0, 0)
        self.report.check(not bad and not missing and silent <= len(all_data) / 50,
                          f"{name}: {len(all_data)} requests: {statuses}")


def changed(good, values):
    """Each byte becomes each of the values, or two that are near to it."""
    return [good[:n] + bytes([new]) + good[n + 1:] for n in range(len(good))
            for new in values or (good[n] ^ 1, good[n] ^ 0x20, 0xff)
            if new != good[n]]


def attack(run, every):
    for name, good in forms().items():
        run.judge(name, [good], [200])
        run.judge(f"{name}, cut", [good[:n] for n in range(1, len(good))], [408],
                  cut=True)
        run.judge(f"{name}, changed", changed(good, VALUES if every else None),
                  [200, 400])
    run.judge("wrong", list(wrong()), [400, 413], cut=True)
    # Nothing to compute, but no mistake.
    run.judge("no rows", [whole(as_json(shape=[0, 64], data=[])),
                          binary(shape=[0, 64], data=b"")], [200])


def main():
    a = argparse.ArgumentParser()
    a.add_argument("build")
    a.add_argument("--every", action="store_true")
    o = a.parse_args()
    report = Report()
    d = Daemon(o.build, "-w", "2", "-d", "cpu", *[x for s in SETTINGS
                                                  for x in ("-s", s)])
    try:
        if not report.check(d.wait(lambda: [w["models"] for w in d.workers()]
                                   == [1, 1], 120), "both workers are ready"):
            print(d.log_text()[-3000:])
            return report.end()
        bodies = [digit(name)[0] for name in DIGITS]
        known = [d.get(PATH, "POST", b)[1] for b in bodies]
        descriptors, resident = d.descriptors(), d.resident()
        stop = threading.Event()
        client = load.Client(d.port, PATH, bodies, known, stop, 0.01)
        client.start()
        attack(Run(report, d.port), o.every)
        stop.set()
        client.join(90)
        n = client.counts
        for text in n.examples:
            print("   ", text)
        report.check(n.right > 0 and not n.wrong and not n.errors
                     and not n.dropped, f"a good client meanwhile: {n.right} right,"
                     f" slowest {n.slowest:.3f} s")
        report.check(not any(w["restarts"] for w in d.workers()),
                     "no worker has died")
        back = d.wait(lambda: d.descriptors() <= descriptors, 10)
        report.check(back and (d.sanitized() or d.resident() < resident + MEMORY),
                     f"descriptors and memory: {descriptors} -> {d.descriptors()}, "
                     f"{resident >> 10} -> {d.resident() >> 10} KiB")
        status, clean = d.stop()
        report.check(status == 0 and clean, f"it drains: status {status}")
        report.check("Sanitizer" not in d.log_text(), "no sanitizer's report")
        if report.failed:
            print(d.log_text()[-4000:])
    finally:
        d.close()
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
