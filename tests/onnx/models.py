#!/usr/bin/env python3
"""Write test cases of real models, ONNX Runtime's answers beside them.

    models.py digits OUT            the digits model, batches of 1, 3 and 12
    models.py ocr OUT               the three models inside rapidocr-onnxruntime, three sizes each
    models.py sklearn OUT           MLPClassifier and MLPRegressor behind StandardScaler, as skl2onnx writes them

Packages: tests/requirements.txt
"""
import glob
import importlib.util
import json
import os
import sys
import warnings

import numpy as np

import case

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
OCR = [("det", "*_det_*.onnx", [(1, 320, 320), (1, 640, 640), (1, 480, 736)]),
       ("rec", "*_rec_*.onnx", [(1, 48, 160), (2, 48, 320), (1, 48, 640)]),
       ("cls", "*_cls_*.onnx", [(1, 48, 192), (3, 48, 192)])]


def digits(out):
    folder = f"{HERE}/../models/digits"
    with open(f"{folder}/requests/batch.json") as f:
        tensor = json.load(f)["inputs"][0]
    x = np.array(tensor["data"], np.float32).reshape(tensor["shape"])
    with open(f"{folder}/1/model.onnx", "rb") as f:
        case.write(f"{out}/digits", f.read(), [{"image": x[:n]} for n in (1, 3, 12)])


def ocr(out):
    package = importlib.util.find_spec("rapidocr_onnxruntime").submodule_search_locations[0]
    rng = np.random.default_rng(1)
    for name, pattern, sizes in OCR:
        (path,) = glob.glob(f"{package}/models/{pattern}")
        with open(path, "rb") as f:
            blob = f.read()
        for n, h, w in sizes:
            # One case per size: the daemon plans each, and a failure names it.
            x = rng.uniform(-1, 1, (n, 3, h, w)).astype(np.float32)
            case.write(f"{out}/{name}-{n}x{h}x{w}", blob, [{"x": x}])


def sklearn(out):
    from skl2onnx import to_onnx
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = load_digits(return_X_y=True)
    x = x.astype(np.float32)
    many = np.eye(10, dtype=np.int64)[y]
    texts = np.array([f"digit {v}" for v in y])
    kinds = [(f"classifier-{a}", MLPClassifier, {"activation": a}, y) for a in ("relu", "tanh", "logistic", "identity")]
    kinds += [("classifier-text", MLPClassifier, {}, texts), ("classifier-binary", MLPClassifier, {}, (y > 4).astype(np.int64)),
              ("classifier-bool", MLPClassifier, {}, y > 4), ("classifier-labels", MLPClassifier, {}, many)]
    kinds += [(f"regressor-{a}", MLPRegressor, {"activation": a}, y.astype(np.float32)) for a in ("relu", "tanh", "logistic")]
    kinds += [("regressor-many", MLPRegressor, {}, many.astype(np.float32))]
    for name, estimator, options, target in kinds:
        model = make_pipeline(StandardScaler(), estimator(hidden_layer_sizes=(32, 16), max_iter=30, random_state=0, **options))
        model.fit(x, target)
        proto = to_onnx(model, x[:1], options={"zipmap": False} if estimator is MLPClassifier else None)
        case.write(f"{out}/{name}", proto.SerializeToString(), [{"X": x[:1]}, {"X": x[5:12]}])


def main(what, out):
    {"digits": digits, "ocr": ocr, "sklearn": sklearn}[what](out)


main(*sys.argv[1:])
