"""The binary extension, in and out, in every combination with JSON."""
import json
import socket

from lib import Daemon, INFER, check, equal, floats, head, receive, request

N = "Inference-Header-Content-Length"


def binary(shape, data, **more):
    r = {"inputs": [{"name": "x", "shape": shape, "datatype": "FP32",
                     "parameters": {"binary_data_size": len(data)}}]}
    r.update(more)
    return json.dumps(r).encode()


with Daemon() as d:
    data = floats(1, 2, 3, 4)
    text = binary([2, 2], data)
    a = d.post(INFER, text + data, {N: str(len(text))})
    equal(a.json()["outputs"][0]["data"], [2, 4, 6, 8])
    check(N.lower() not in a.headers)

    for more in ({"parameters": {"binary_data_output": True}},
                 {"outputs": [{"name": "y", "parameters": {"binary_data": True}}]}):
        text = binary([2, 2], data, **more)
        a = d.post(INFER, text + data, {N: str(len(text))})
        equal(a.status, 200, a.body)
        equal(a.headers["content-type"], "application/octet-stream")
        n = int(a.headers[N.lower()])
        out = json.loads(a.body[:n])["outputs"][0]
        equal(out["parameters"], {"binary_data_size": 16})
        check("data" not in out)
        equal(a.body[n:], floats(2, 4, 6, 8))

    # C++ clients send the header without any binary input, too.
    text = json.dumps(request([[1, 2]])).encode()
    a = d.post(INFER, text, {N: str(len(text))})
    equal(a.json()["outputs"][0]["data"], [2, 4])

    # The output's own word counts more than the request's.
    a = d.infer([[1]], parameters={"binary_data_output": True},
                outputs=[{"name": "y", "parameters": {"binary_data": False}}])
    equal(a.json()["outputs"][0]["data"], [2])

    # All of it in small pieces.
    text = binary([2, 2], data, parameters={"binary_data_output": True})
    whole = head(length=len(text) + len(data), extra="%s: %d\r\n" %
                 (N, len(text))) + text + data
    with d.connect() as s:
        for i in range(0, len(whole), 3):
            s.sendall(whole[i:i + 3])
        equal(receive(s)[0].status, 200)

    # Large, out by reference.
    values = floats(*range(200000))
    text = binary([1, 200000], values, parameters={"binary_data_output": True})
    a = d.post(INFER, text + values, {N: str(len(text))})
    n = int(a.headers[N.lower()])
    equal(a.body[n:], floats(*range(0, 400000, 2)))

    # The header that says where JSON ends, wrong in every way.
    text = binary([2, 2], data)
    for bad in ("-1", "x", "", "1e2", "999999", str(len(text) + 17), "0x10",
                "99999999999999999999"):
        a = d.post(INFER, text + data, {N: bad})
        check("inference header size should be in range" in a.error(400), bad)
    check("JSON" in d.post(INFER, text + data, {N: "10"}).error(400))
    d.post(INFER, text + data, {N: str(len(text) + 16)}).error(400)

    # More and less bytes than the shape.
    for shape, size, words in (
            ([2, 2], 12, "expecting 4 additional bytes"),
            ([2, 2], 20, "unexpected additional input data")):
        data = bytes(size)
        text = binary(shape, data)
        a = d.post(INFER, text + data, {N: str(len(text))})
        check(words in a.error(400), a.body)
    text = binary([2, 2], bytes(16))
    a = d.post(INFER, text + bytes(12), {N: str(len(text))})
    check("expecting 4 additional bytes" in a.error(400))
    a = d.post(INFER, text + bytes(20), {N: str(len(text))})
    check("unexpected additional input data" in a.error(400))

    # Raw: no JSON at all.
    a = d.post(INFER, floats(1, 2, 3), {N: "0"})
    n = int(a.headers[N.lower()])
    equal(json.loads(a.body[:n])["outputs"][0]["shape"], [1, 3])
    equal(a.body[n:], floats(2, 4, 6))
    d.post(INFER, b"12345", {N: "0"}).error(400)
    d.post(INFER, b"", {N: "0"}).error(400)
