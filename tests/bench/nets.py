#!/usr/bin/env python3
"""The nine networks in process: clinfer bench against ONNX Runtime, in turns, medians of ratios.

    nets.py BUILDDIR [NAME...] [--rounds N] [--seconds S] [--cases DIR]

Each measurement is a process of its own, with a pause before it: ONNX Runtime's threads spin for tens of milliseconds after their
work and would disturb whoever comes next.  CASES holds folders of test cases as tests/onnx/nets.py writes them (batch 1).
"""
import argparse
import glob
import json
import math
import os
import statistics
import subprocess
import sys
import time

PAUSE = 0.5


def ours(build, cache, folder, seconds):
    (path,) = glob.glob(f"{folder}/test_data_set_0/input_0.pb")
    name = input_name(path)
    command = [f"{build}/clinfer", "bench", "--json", "--cache", cache, "--seconds", str(seconds), "-i", f"{name}={path}", folder]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(out)["median_ms"]


def input_name(path):
    import onnx
    tensor = onnx.TensorProto()
    with open(path, "rb") as f:
        tensor.ParseFromString(f.read())
    return tensor.name


def theirs(folder, seconds):
    command = [sys.executable, os.path.abspath(__file__), "--peer", folder, "--seconds", str(seconds), "-"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peer(folder, seconds):
    """In a process of its own: ONNX Runtime with everything on, two threads."""
    import onnx
    import onnxruntime as ort
    from onnx import numpy_helper
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"])
    tensor = onnx.TensorProto()
    with open(f"{folder}/test_data_set_0/input_0.pb", "rb") as f:
        tensor.ParseFromString(f.read())
    feed = {session.get_inputs()[0].name: numpy_helper.to_array(tensor)}
    session.run(None, feed)
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not times:
        start = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - start)
    print(statistics.median(times) * 1000)


def compare(build, cache, folder, rounds, seconds):
    pairs = []
    for _ in range(rounds):
        time.sleep(PAUSE)
        a = ours(build, cache, folder, seconds)
        time.sleep(PAUSE)
        pairs.append((a, theirs(folder, seconds)))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"{os.path.basename(folder):16} ours {statistics.median(a for a, _ in pairs):8.2f} ms   "
          f"peer {statistics.median(b for _, b in pairs):8.2f} ms   {ratio:.2f} times its throughput", flush=True)
    return ratio


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("build")
    p.add_argument("names", nargs="*")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--cases")
    p.add_argument("--peer", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.peer:
        peer(a.peer, a.seconds)
        return
    cases = a.cases or f"{a.build}/onnx/nets-1"
    cache = f"{a.build}/cache-bench"
    os.makedirs(cache, exist_ok=True)
    folders = [f for f in sorted(glob.glob(f"{cases}/*")) if not a.names or os.path.basename(f) in a.names]
    ratios = [compare(a.build, cache, f, a.rounds, a.seconds) for f in folders]
    print(f"geometric mean of {len(ratios)}: {math.exp(statistics.mean(map(math.log, ratios))):.2f}")


main()
