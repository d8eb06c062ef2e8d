"""clinfer infer sends every type as the protocol has it, and reads it back."""
import json
import os
import shutil
import struct
import tempfile

from lib import check, equal
from tool import Run, Server, answer, read_npy, write_npy, write_pb


def floats16(*v):
    return struct.pack("<%de" % len(v), *v)


def blob(*strings):
    return b"".join(struct.pack("<I", len(s)) + s for s in strings)


# name: type, shape of the model, file, its bytes on the wire, as printed, as JSON
TENSORS = {
    "text": ("BYTES", [-1], "text.pb", blob(b"one", b"", b"two \xc3\xa9"),
             'string[3]: "one" "" "two é"', ["one", "", "two é"]),
    "half": ("FP16", [-1, 2], "half.npy", floats16(1, -0.5, 2, 1024),
             "float16[2,2]: 1 -0.5 2 1024", [1, -0.5, 2, 1024]),
    "brain": ("BF16", [2], "brain.pb", b"\x80\x3f\x00\xc0",
              "bfloat16[2]: 1 -2", [1, -2]),
    "long": ("INT64", [], "long.npy", struct.pack("<q", -2 ** 63),
             "int64[]: -9223372036854775808", [-2 ** 63]),
    "ulong": ("UINT64", [1], "ulong.npy", struct.pack("<Q", 2 ** 64 - 1),
              "uint64[1]: 18446744073709551615", [2 ** 64 - 1]),
    "bool": ("BOOL", [3], "bool.npy", b"\1\0\1", "bool[3]: 1 0 1", [True, False, True]),
    "double": ("FP64", [1], "double.npy", struct.pack("<d", 0.1), "double[1]: 0.1", [0.1]),
    "byte": ("UINT8", [-1, 1], "byte.npy", bytes(range(40)),
             "uint8[40,1]: " + " ".join(map(str, range(32))) + " ...", list(range(40))),
    "none": ("FP32", [0, 4], "none.npy", b"", "float[0,4]:", []),
}
SHAPES = {"text": [3], "half": [2, 2], "brain": [2], "long": [], "ulong": [1], "bool": [3],
          "double": [1], "byte": [40, 1], "none": [0, 4]}
NPY = {"half": "<f2", "long": "<i8", "ulong": "<u8", "bool": "|b1", "double": "<f8",
       "byte": "|u1", "none": "<f4"}
META = {"name": "all", "versions": ["3"], "platform": "onnx_onnxv1",
        "inputs": [{"name": n, "datatype": t[0], "shape": t[1]} for n, t in TENSORS.items()] +
        [{"name": "maybe", "datatype": "FP32", "shape": [-1]}],
        "outputs": [{"name": n, "datatype": t[0], "shape": t[1]} for n, t in TENSORS.items()]}
CONFIG = {"input": [{"name": "maybe", "optional": True}]}
sent = []


def talk(asked, s):
    if asked.path in ("/v2/models/all", "/v2/models/all/versions/3"):
        return answer(META)
    if asked.path == "/v2/models/all/config":
        return answer(CONFIG)
    equal(asked.path, "/v2/models/all/infer")
    equal(asked.headers["content-type"], "application/octet-stream")
    n = int(asked.headers["inference-header-content-length"])
    q = json.loads(asked.body[:n])
    equal(q["parameters"], {"binary_data_output": True})
    sent.append((q["inputs"], asked.body[n:]))
    head = json.dumps({"model_name": "all", "model_version": "3",
                       "outputs": q["inputs"]}).encode()
    return answer(head + asked.body[n:], Inference_Header_Content_Length=str(len(head)),
                  Content_Type="application/octet-stream")


def write_files(folder):
    for name, (v2, _, file, wire, _, _) in TENSORS.items():
        path = folder + "/" + file
        if name == "text":
            write_pb(path, 8, SHAPES[name], strings=(b"one", b"", b"two \xc3\xa9"))
        elif name == "brain":
            write_pb(path, 16, SHAPES[name], raw=wire)
        else:
            write_npy(path, NPY[name], SHAPES[name], wire)


folder = tempfile.mkdtemp(prefix="clinferd.")
try:
    write_files(folder)
    given = [a for n, t in TENSORS.items() for a in ("-i", "%s=%s/%s" % (n, folder, t[2]))]
    with Server(talk) as server:
        r = Run(["infer", "all"] + given, server.url)
        equal(r.text().splitlines(), ["%s %s" % (n, t[4]) for n, t in TENSORS.items()])
        inputs, data = sent.pop()
        equal([(i["name"], i["datatype"], i["shape"]) for i in inputs],
              [(n, t[0], SHAPES[n]) for n, t in TENSORS.items()])
        equal([i["parameters"]["binary_data_size"] for i in inputs],
              [len(t[3]) for t in TENSORS.values()])
        equal(data, b"".join(t[3] for t in TENSORS.values()))

        j = Run(["infer", "all", "--json"] + given, server.url).json()
        equal((j["model_name"], j["model_version"]), ("all", "3"))
        equal([(o["name"], o["datatype"], o["shape"], o["data"]) for o in j["outputs"]],
              [(n, t[0], SHAPES[n], t[5]) for n, t in TENSORS.items()])

        # Saved: what NumPy has as .npy, the rest as .pb, and both are inputs again.
        out = folder + "/out"
        Run(["infer", "all", "-o", out] + given, server.url).text()
        for n, t in TENSORS.items():
            if t[2].endswith(".npy"):
                equal(read_npy("%s/%s.npy" % (out, n))[1], t[3], n)
        equal(sorted(os.listdir(out)), sorted(t[2] for t in TENSORS.values()))
        again = [a.replace(folder, out) for a in given]
        Run(["infer", "all"] + again, server.url).text()
        equal(sent[-1][1], data)

        # Left out: only what may be.
        Run(["infer", "all"] + given[2:], server.url).error('input "text"', "not given")
        write_npy(folder + "/maybe.npy", "<f4", (1,), bytes(4))
        more = ["-i", "maybe=%s/maybe.npy" % folder]
        check("maybe float[1]: 0" in Run(["infer", "all"] + given + more, server.url).text())
        Run(["infer", "all", "-i", folder + "/half.npy"], server.url).error("10 inputs")
        Run(["infer", "all", "-i", "half=%s/bool.npy" % folder] + given[4:],
            server.url).error('input "text"')
finally:
    shutil.rmtree(folder)
