"""gzip and deflate, both ways, and what is no such thing."""
import gzip
import json
import zlib

from lib import Daemon, INFER, check, equal, floats, request

N = "Inference-Header-Content-Length"


def raw_deflate(data):
    c = zlib.compressobj(wbits=-15)
    return c.compress(data) + c.flush()


with Daemon() as d:
    rows = [[i / 8 for i in range(2000)]]
    body = json.dumps(request(rows)).encode()
    want = [2 * v for v in rows[0]]
    for name, pack in (("gzip", gzip.compress), ("deflate", zlib.compress),
                       ("deflate", raw_deflate), ("identity", lambda x: x)):
        a = d.post(INFER, pack(body), {"Content-Encoding": name})
        equal(a.json()["outputs"][0]["data"], want, name)
        if name != "identity":
            d.post(INFER, pack(body)[:-5], {"Content-Encoding": name}).error(400)
            d.post(INFER, pack(body) + b"x",
                   {"Content-Encoding": name}).error(400)

    a = d.post(INFER, body, {"Content-Encoding": "br"})
    a.error(501)
    equal(a.headers["accept-encoding"], "gzip, deflate")
    d.post(INFER, body, {"Content-Encoding": "gzip"}).error(400)

    for name, unpack in (("gzip", gzip.decompress), ("deflate", zlib.decompress)):
        a = d.post(INFER, body, {"Accept-Encoding": name})
        equal(a.headers["content-encoding"], name)
        check(len(a.body) < 8000)
        equal(json.loads(unpack(a.body))["outputs"][0]["data"], want)
    a = d.post(INFER, body, {"Accept-Encoding": "gzip;q=0, br"})
    check("content-encoding" not in a.headers)

    # The inference header counts bytes before packing and after unpacking.
    data = floats(*rows[0])
    text = json.dumps({"inputs": [{"name": "x", "shape": [1, 2000], "datatype":
                       "FP32", "parameters": {"binary_data_size": len(data)}}],
                       "parameters": {"binary_data_output": True}}).encode()
    a = d.post(INFER, gzip.compress(text + data), {
        N: str(len(text)), "Content-Encoding": "gzip", "Accept-Encoding": "gzip"})
    n = int(a.headers[N.lower()])
    plain = gzip.decompress(a.body)
    equal(json.loads(plain[:n])["outputs"][0]["parameters"],
          {"binary_data_size": 8000})
    equal(plain[n:], floats(*want))
