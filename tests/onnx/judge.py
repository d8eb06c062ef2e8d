#!/usr/bin/env python3
"""Compare what "clinfer check --json" found with the list of cases that are known not to pass.

    judge.py LIST RESULTS.json      prints the surprises and "N passed, N failed"
    judge.py --write LIST RESULTS.json   writes the list anew, keeping reasons; for the first time only

The list has one case per line, a blank and the reason.  It may only shrink: a case that is not in it must pass, one that is in it
must not.
"""
import json
import sys


def read_list(path):
    known = {}
    try:
        with open(path) as f:
            for line in f:
                if line.strip() and not line.startswith("#"):
                    name, _, reason = line.strip().partition(" ")
                    known[name] = reason.strip()
    except FileNotFoundError:
        pass
    return known


def write_list(path, known, cases):
    with open(path, "w") as f:
        f.write("# Cases of ONNX that do not pass, and why.  It may only shrink: see judge.py.\n")
        for c in cases:
            if not c["passed"]:
                f.write(f"{c['name']} {known.get(c['name']) or c['reason']}\n")


def main(argv):
    write = argv[0] == "--write"
    path, results = argv[1:] if write else argv
    known = read_list(path)
    with open(results) as f:
        cases = json.load(f)["cases"]
    if write:
        write_list(path, known, cases)
        return 0
    surprises = 0
    for c in cases:
        if c["passed"] == (c["name"] in known):
            surprises += 1
            print(f"{c['name']}: passes: take it off the list" if c["passed"] else f"{c['name']}: {c['reason']}")
    for name in sorted(set(known) - {c["name"] for c in cases}):
        surprises += 1
        print(f"{name}: is on the list, but is no case")
    passed = sum(c["passed"] for c in cases)
    print(f"{len(cases) - passed} of {len(cases)} cases do not pass, {len(known)} are known not to")
    print(f"{passed} passed, {surprises} failed")
    return surprises > 0


sys.exit(main(sys.argv[1:]))
