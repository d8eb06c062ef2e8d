#!/usr/bin/env python3
"""The digits over HTTP: clinferd against FastAPI (peer.py), the same request, one after the other, medians of ratios.

    digits.py BUILDDIR [--rounds N] [--seconds S]

Then what the daemon costs when nobody asks (parent's memory, CPU of parent and workers), and how long it takes to start.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request

import daemon

REQUEST = f"{daemon.DIGITS}/requests/00-2.json"
HERE = os.path.dirname(os.path.abspath(__file__))
ROUTE = "/v2/models/digits/infer"


def wrk(url, connections, seconds):
    threads = min(connections, 2)
    command = ["wrk", "-c", str(connections), "-t", str(threads), "-d", f"{seconds}s", "-s", f"{HERE}/post.lua", url + ROUTE, "--",
               REQUEST]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = json.loads(out.strip().splitlines()[-1])
    if result["errors"]:
        sys.exit(f"{url}: {result['errors']} errors of {result['requests']} requests")
    return result["requests"] / result["seconds"], result["p50_us"]


def ask(url):
    with open(REQUEST, "rb") as f:
        request = urllib.request.Request(url + ROUTE, f.read(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        outputs = {o["name"]: o["data"] for o in json.load(answer)["outputs"]}
    return outputs["label"][0], [round(p, 4) for p in outputs["probabilities"]]


def start_peer():
    port = daemon.free_port()
    command = [sys.executable, "-m", "uvicorn", "peer:app", "--app-dir", HERE, "--port", str(port), "--workers", "2", "--loop", "uvloop",
               "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    daemon.wait_for(f"{url}/v2/health/ready")
    time.sleep(2)       # the second worker
    return process, url


def compare(ours, peer, connections, rounds, seconds):
    pairs = []
    for url in (ours, peer):        # batch sizes never seen are planned, and compiled, once
        wrk(url, connections, 2)
    for _ in range(rounds):
        a = wrk(ours, connections, seconds)
        time.sleep(1)
        b = wrk(peer, connections, seconds)
        time.sleep(1)
        pairs.append((a, b))
        print(f"  -c {connections}: ours {a[0]:.0f}/s {a[1]:.0f} us, peer {b[0]:.0f}/s {b[1]:.0f} us", flush=True)
    rate = statistics.median(a[0] / b[0] for a, b in pairs)
    latency = statistics.median(a[1] / b[1] for a, b in pairs)
    print(f"-c {connections}: {rate:.2f} times the requests, {latency:.2f} times the median latency", flush=True)


def idle(d, seconds):
    time.sleep(10)
    print(f"parent after 10 s: {daemon.resident_mb(d.pid):.1f} MB resident")
    pids = [d.pid] + d.workers()
    before = [daemon.cpu_ms(p) for p in pids]
    time.sleep(seconds)
    spent = [daemon.cpu_ms(p) - b for p, b in zip(pids, before)]
    print(f"idle for {seconds} s: parent {spent[0]:.0f} ms of CPU, workers {sum(spent[1:]):.0f} ms", flush=True)


def starts(build):
    cache = f"{build}/cache-bench-start"
    for kind in ("cold", "warm", "warm", "warm"):
        if kind == "cold":
            shutil.rmtree(cache, ignore_errors=True)
            os.makedirs(cache)
        with daemon.Daemon(build, cache) as d:
            print(f"start to ready, {kind}: {d.ready_s:.2f} s", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("build")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=int, default=5)
    p.add_argument("--idle", type=int, default=60)
    a = p.parse_args()
    cache = f"{a.build}/cache-bench"
    os.makedirs(cache, exist_ok=True)
    peer, peer_url = start_peer()
    try:
        with daemon.Daemon(a.build, cache) as d:
            if ask(d.url) != ask(peer_url):
                sys.exit(f"the answers differ: {ask(d.url)}, {ask(peer_url)}")
            compare(d.url, peer_url, 32, a.rounds, a.seconds)
            compare(d.url, peer_url, 1, a.rounds, a.seconds)
            peer.terminate()
            peer.wait()
            idle(d, a.idle)
    finally:
        peer.kill()
    starts(a.build)


main()
