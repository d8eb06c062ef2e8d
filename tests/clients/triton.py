#!/usr/bin/env python3
"""tritonclient[http], unmodified, against the real daemon with the digits model.

    triton.py BUILDDIR      with the Python of tests/requirements.txt
"""
import json
import os
import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../bench")
import daemon  # noqa: E402

TRUTH = [2, 0, 4, 9, 4, 1, 2, 4, 6, 7, 9, 1]


def digits():
    with open(f"{daemon.DIGITS}/requests/batch.json") as f:
        tensor = json.load(f)["inputs"][0]
    return np.array(tensor["data"], np.float32).reshape(tensor["shape"])


def infer(client, x, binary_in, binary_out):
    image = http.InferInput("image", list(x.shape), "FP32")
    image.set_data_from_numpy(x, binary_data=binary_in)
    wanted = [http.InferRequestedOutput(n, binary_data=binary_out) for n in ("label", "probabilities")]
    result = client.infer("digits", [image], outputs=wanted, request_id="one")
    assert result.get_response()["id"] == "one"
    return result.as_numpy("label"), result.as_numpy("probabilities")


def check(client):
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("digits")
    assert client.get_server_metadata()["name"] == "clinferd"
    meta = client.get_model_metadata("digits")
    assert [t["name"] for t in meta["inputs"]] == ["image"], meta
    assert client.get_model_config("digits")["name"] == "digits"
    x = digits()
    for binary_in in (False, True):
        for binary_out in (False, True):
            label, p = infer(client, x, binary_in, binary_out)
            assert label.tolist() == TRUTH, label
            assert p.shape == (12, 10) and np.allclose(p.sum(1), 1, atol=1e-5)
    many, _ = infer(client, np.tile(x, (50, 1)), True, True)      # split over batches and joined
    assert many.tolist() == TRUTH * 50
    handles = [client.async_infer("digits", [one_input(x[k:k + 1])]) for k in range(12)]
    assert [int(h.get_result().as_numpy("label")[0]) for h in handles] == TRUTH
    assert client.get_inference_statistics("digits")["model_stats"][0]["inference_count"] >= 12
    assert client.get_model_repository_index()[0]["name"] == "digits"
    client.unload_model("digits")
    assert not client.is_model_ready("digits")
    client.load_model("digits")
    assert infer(client, x, True, True)[0].tolist() == TRUTH
    try:
        client.infer("digits", [one_input(x[:, :63])])
        raise AssertionError("a wrong shape was taken")
    except InferenceServerException as e:
        assert e.status() == "400", e


def one_input(x):
    image = http.InferInput("image", list(x.shape), "FP32")
    image.set_data_from_numpy(np.ascontiguousarray(x))
    return image


def main(build):
    cache = f"{build}/cache-check"
    os.makedirs(cache, exist_ok=True)
    with daemon.Daemon(build, cache) as d:
        with http.InferenceServerClient(d.url[len("http://"):], concurrency=12) as client:
            check(client)


main(sys.argv[1])
