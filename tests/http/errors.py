"""Wrong names, types, shapes, counts: each with its status and Triton's words."""
import json

from lib import Daemon, INFER, check, equal, request


def changed(**fields):
    r = request([[1, 2]])
    r["inputs"][0].update(fields)
    return r


def without(field):
    r = request([[1, 2]])
    del r["inputs"][0][field]
    return r


WRONG = [
    (changed(name="z"), 400, "unexpected inference input 'z' for model 'double'"),
    (changed(datatype="INT32"), 400, "inference input 'x' data-type is 'INT32', "
     "but model 'double' expects 'FP32'"),
    (changed(datatype="FP33"), 400, "'FP33' is no datatype"),
    (changed(datatype=7), 400, "inputs[0].datatype: expected a string"),
    (changed(shape=[2]), 400, "unexpected shape for input 'x' for model 'double'. "
     "Expected [-1,-1], got [2]"),
    (changed(shape=[1, 3]), 400, "2 values, expected 3"),
    (changed(shape=[1, -2]), 400, "not negative"),
    (changed(shape=[1, 2.5]), 400, "inputs[0].shape[1]"),
    (changed(shape="x"), 400, "inputs[0].shape: expected an array"),
    (changed(shape=[1 << 62, 1 << 62]), 400, "fewer elements"),
    (changed(shape=[1, 1000000000]), 400, "fewer elements"),
    (changed(data=[[1, "a"]]), 400, "inputs[0].data[0][1]: expected a number"),
    (changed(data=[[1, None]]), 400, "inputs[0].data[0][1]: expected a number"),
    (changed(data=[[[1, 2]]]), 400, "inputs[0].data"),
    (changed(data=[1, 2, 3]), 400, "more elements"),
    (changed(data=[[1e39, 1]]), 400, "is no FP32"),
    (changed(data={"a": 1}), 400, "inputs[0].data: expected an array"),
    (changed(parameters={"binary_data_size": 8}), 400, "several of"),
    (changed(parameters={"shared_memory_region": "r"}), 400, "several of"),
    (without("name"), 400, "no \"name\""),
    (without("shape"), 400, "no \"shape\""),
    (without("datatype"), 400, "no \"datatype\""),
    (without("data"), 400, "none of"),
    ({"inputs": request([[1]])["inputs"] * 2}, 400,
     "expected 1 inputs but got 2 inputs for model 'double'"),
    ({"inputs": []}, 400, "inputs"),
    ({}, 400, "inputs"),
    ([], 400, "expected an object"),
    (request([[1]], outputs=[{"name": "z"}]), 400,
     "unexpected inference output 'z' for model 'double'"),
    (request([[1]], outputs=[{"name": "y"}] * 2), 400,
     "output 'y' already exists in request"),
    (request([[1]], outputs=[{}]), 400, "outputs[0]: no \"name\""),
    (request([[1]], parameters={"triton_x": 1}), 400, "reserved"),
    (request([[1]], parameters=7), 400, "parameters: expected an object"),
    ("{\"inputs\":", 400, "at byte 10"),
    ("", 400, "at byte 0"),
    ("x" * 1000, 400, "at byte 0"),
    ("[" * 500, 400, "nested deeper than 100"),
]

with Daemon(models=("double", "bad")) as d:
    for body, status, words in WRONG:
        text = d.post(INFER, body).error(status)
        check(words in text, json.dumps(body)[:200], text)

    text = d.infer([[1]], id="7", outputs=[{"name": "z"}]).error(400)
    check(text.startswith("[request id: 7] "), text)

    equal(d.post("/v2/models/nope/infer", "{}").error(404),
          "Request for unknown model: 'nope' is not found")
    equal(d.post("/v2/models/double/versions/9/infer", "{}").error(404),
          "Request for unknown model: 'double' version 9 is not found")
    equal(d.post("/v2/models/bad/infer", "{}").error(404),
          "Request for unknown model: 'bad' has no available versions")
    for path in ("/x", "/v2/", "/v2/models/double/nope", "/v2/models//infer",
                 "/v2/models/double/versions/x/infer", "/v2/models/double/infer/"):
        equal(d.post(path, "{}").error(404), "Not Found")
    equal(d.get(INFER).error(405), "Method Not Allowed")
    equal(d.post("/v2", "{}").error(405), "Method Not Allowed")
    equal(d.request("DELETE", "/v2").error(405), "Method Not Allowed")
    equal(d.post("/v2/models/%zz/infer", "{}").status, 400)

    # The fake worker refuses this one: its error is the answer.
    check("the fake does not like it" in d.infer([[1009]]).error(400))
    check(d.metric('clinferd_requests_failure_total{model="double"') > 10)
