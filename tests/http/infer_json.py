"""JSON in, JSON out: flat and nested, ids, outputs, strange but allowed forms."""
from lib import Daemon, INFER, check, equal, request

with Daemon() as d:
    a = d.infer([[1, 2.5, -3e-3], [0.1, 1e20, 7]], id="42").json()
    equal(a, {"id": "42", "model_name": "double", "model_version": "1",
              "outputs": [{"name": "y", "datatype": "FP32", "shape": [2, 3],
                           "data": [2, 5, -0.006, 0.2, 2e20, 14]}]})
    equal(list(a), ["id", "model_name", "model_version", "outputs"])

    flat = request([[1, 2], [3, 4]])
    flat["inputs"][0]["data"] = [1, 2, 3, 4]
    equal(d.post(INFER, flat).json()["outputs"][0]["data"], [2, 4, 6, 8])

    # The version in the path, a name that is escaped, a query that is ignored.
    for path in ("/v2/models/double/versions/1/infer",
                 "/v2/models/d%6fuble/infer?a=b"):
        equal(d.post(path, flat).json()["model_version"], "1")

    check("id" not in d.infer([[1]], id="").json())
    equal(d.infer([[1]], id="\u00e9\"\\\n").json()["id"], "\u00e9\"\\\n")
    equal(d.infer([[1]], outputs=[{"name": "y", "parameters": {}}]).status, 200)
    equal(d.infer([[1]], parameters={"any": "x", "timeout": 10 ** 7,
                                     "priority": 1}).status, 200)
    equal(d.infer([[1]], parameters=None, unknown=[1, {"a": None}]).status, 200)

    # What JSON has no word for is written as clients in the wild do.
    body = ('{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],'
            '"data":[NaN,Infinity,-Infinity]}]}')
    check(b'"data":[NaN,Infinity,-Infinity]' in d.post(INFER, body).body)

    # Empty tensors.
    body = '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,0],"data":[]}]}'
    a = d.post(INFER, body)
    check(a.status in (200, 400), a.body)
