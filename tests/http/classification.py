"""The classification extension: the k best, as strings, in JSON and binary."""
import json
import struct

from lib import Daemon, check, equal


def ask(d, rows, k, **more):
    return d.infer(rows, outputs=[{"name": "y", "parameters":
                                   dict(classification=k, **more)}])


with Daemon() as d:
    out = ask(d, [[1, 3, 2.5], [9, 8, 9]], 2).json()["outputs"][0]
    equal(out, {"name": "y", "datatype": "BYTES", "shape": [2, 2], "data":
                ["6.000000:1", "5.000000:2", "18.000000:0", "18.000000:2"]})
    equal(ask(d, [[1, 3]], 9).json()["outputs"][0]["shape"], [1, 2])
    a = ask(d, [[1, 3]], 1, binary_data=True)
    n = int(a.headers["inference-header-content-length"])
    equal(a.body[n:], struct.pack("<I", 10) + b"6.000000:1")
    equal(json.loads(a.body[:n])["outputs"][0]["datatype"], "BYTES")
    ask(d, [[1, 3]], "x").error(400)
