"""The peer of the HTTP benchmark: the digits model behind FastAPI, as good as its users can make it.

    uvicorn peer:app --workers 2 --loop uvloop --http httptools --no-access-log

ONNX Runtime with one thread inside each worker (two workers on two cores), orjson in and out, no validation beyond what inference
needs, inference in the loop itself: at some ten microseconds a thread pool would only cost.
"""
import os

import numpy as np
import onnxruntime as ort
import orjson
from fastapi import FastAPI, Request, Response

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models", "digits", "1", "model.onnx")

options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
session = ort.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
names = [o.name for o in session.get_outputs()]

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/v2/health/ready")
async def ready():
    return {"ready": True}


@app.post("/v2/models/digits/infer")
async def infer(request: Request):
    tensor = orjson.loads(await request.body())["inputs"][0]
    x = np.array(tensor["data"], np.float32).reshape(tensor["shape"])
    label, probabilities = session.run(names, {"image": x})
    answer = {"model_name": "digits", "model_version": "1", "outputs": [
        {"name": "label", "datatype": "INT64", "shape": label.shape, "data": label},
        {"name": "probabilities", "datatype": "FP32", "shape": probabilities.shape, "data": probabilities.ravel()}]}
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
