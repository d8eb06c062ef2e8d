#!/usr/bin/env python3
"""Train the digits model and write it beside this file, with some digits of its test split as requests.

scikit-learn's load_digits: 1797 handwritten digits of 8x8 pixels, each 0 (white) to 16 (black).  A StandardScaler and a small
MLPClassifier, converted by skl2onnx as its users do (zipmap=False).  The same versions give the same files:

    python3 -m venv V && V/bin/pip install scikit-learn==1.9.1 skl2onnx==1.20.0 onnx==1.20.0 numpy==2.4.6
    V/bin/python train.py

Writes 1/model.onnx, and requests/<k>-<label>.json (one digit each; its true label in the name) and requests/batch.json (all of them).
"""
import json
import os

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = os.path.dirname(os.path.abspath(__file__))


def request(images):
    return {"inputs": [{"name": "image", "shape": list(images.shape), "datatype": "FP32",
                        "data": [int(v) for v in images.flat]}]}


def write_requests(images, labels):
    os.makedirs(f"{HERE}/requests", exist_ok=True)
    for k, (image, label) in enumerate(zip(images, labels)):
        with open(f"{HERE}/requests/{k:02}-{label}.json", "w") as f:
            json.dump(request(image[None, :]), f)
            f.write("\n")
    np.save(f"{HERE}/requests/00-{labels[0]}.npy", images[:1])
    with open(f"{HERE}/requests/batch.json", "w") as f:
        json.dump(request(images), f)
        f.write("\n")


def main():
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x.astype(np.float32), y, test_size=0.25, random_state=0, stratify=y)
    model = make_pipeline(StandardScaler(), MLPClassifier((64,), random_state=0, max_iter=300))
    model.fit(x_train, y_train)
    print("accuracy on", len(y_test), "unseen digits:", round(model.score(x_test, y_test), 4))
    proto = to_onnx(model, initial_types=[("image", FloatTensorType([None, 64]))], options={"zipmap": False},
                    target_opset={"": 17, "ai.onnx.ml": 1}, name="digits")
    os.makedirs(f"{HERE}/1", exist_ok=True)
    with open(f"{HERE}/1/model.onnx", "wb") as f:
        f.write(proto.SerializeToString())
    write_requests(x_test[:12], y_test[:12])


main()
