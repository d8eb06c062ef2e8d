"""The classification extension: the k best, as strings, in JSON and binary, and with
the labels of a file that config.pbtxt names."""
import json
import os
import struct

from lib import Daemon, check, equal, request

CONFIG = 'output { name: "y" label_filename: "%s" }'


def ask(d, rows, k, model="double", **more):
    return d.post("/v2/models/%s/infer" % model, request(
        rows, outputs=[{"name": "y", "parameters":
                        dict(classification=k, **more)}]))


def labelled(d, name, labels, label_file="labels.txt"):
    """A model whose config.pbtxt names a file of labels."""
    folder = "%s/models/%s" % (d.dir, name)
    os.makedirs(folder + "/1")
    with open(folder + "/1/model.onnx", "w") as f:
        f.write("model")
    with open(folder + "/config.pbtxt", "w") as f:
        f.write(CONFIG % label_file)
    if labels is not None:
        with open(folder + "/labels.txt", "wb") as f:
            f.write(labels)


def reason(d, name):
    return next(m.get("reason", "") for m in
                d.post("/v2/repository/index", "").json() if m["name"] == name)


def plain(d):
    out = ask(d, [[1, 3, 2.5], [9, 8, 9]], 2).json()["outputs"][0]
    equal(out, {"name": "y", "datatype": "BYTES", "shape": [2, 2], "data":
                ["6.000000:1", "5.000000:2", "18.000000:0", "18.000000:2"]})
    equal(ask(d, [[1, 3]], 9).json()["outputs"][0]["shape"], [1, 2])
    a = ask(d, [[1, 3]], 1, binary_data=True)
    n = int(a.headers["inference-header-content-length"])
    equal(a.body[n:], struct.pack("<I", 10) + b"6.000000:1")
    equal(json.loads(a.body[:n])["outputs"][0]["datatype"], "BYTES")
    ask(d, [[1, 3]], "x").error(400)


def with_labels(d):
    out = ask(d, [[1, 3, 2.5, 2]], 4, "named").json()["outputs"][0]
    equal(out["data"], ["6.000000:1:dog: \"big\"", "5.000000:2",
                        "4.000000:3", "2.000000:0:k\u00e4fer"])
    a = ask(d, [[1, 3]], 1, "named", binary_data=True)
    n = int(a.headers["inference-header-content-length"])
    equal(a.body[n:], struct.pack("<I", 21) + b'6.000000:1:dog: "big"')
    config = d.get("/v2/models/named/config").json()
    equal(config["output"][0]["label_filename"], "labels.txt")
    equal(d.get("/v2/models/double/config").json()["output"][0]
          ["label_filename"], "")


def broken(d):
    """What is wrong with a file of labels, and where."""
    for name, why in (
            ("none", 'output "y": label_filename: labels.txt: no such file'),
            ("latin", "labels.txt: line 2: want UTF-8"),
            ("long", "labels.txt: line 1: 256 bytes, want at most 255"),
            ("control", "labels.txt: line 3: want no control characters"),
            ("up", "leads out of its folder"),
            ("path", "line 1: label_filename"),
            ("huge", "limit")):
        check(why in reason(d, name), name, reason(d, name))


with Daemon() as d:
    labelled(d, "named", 'k\u00e4fer\r\ndog: "big"\n\n'.encode())
    labelled(d, "none", None)
    labelled(d, "latin", b"one\nk\xe4fer\n")
    labelled(d, "long", b"x" * 256)
    labelled(d, "control", b"one\ntwo\nthr\x1bee\n")
    labelled(d, "up", None)
    os.symlink("/etc/passwd", d.dir + "/models/up/labels.txt")
    labelled(d, "path", b"one\n", "../labels.txt")
    labelled(d, "huge", b"x\n" * (3 << 20))
    for name in ("named", "none", "latin", "long", "control", "up", "path",
                 "huge"):
        status = d.post("/v2/repository/models/%s/load" % name, "").status
        check((status == 200) == (name == "named"), name, status)
    plain(d)
    with_labels(d)
    broken(d)
