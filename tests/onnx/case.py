"""A test case of ONNX: a folder with model.onnx, config.txt and test_data_set_<k>/{input,output}_<i>.pb."""
import os

import numpy as np
import onnxruntime as ort
from onnx import numpy_helper

ort.set_default_logger_severity(4)


def put(path, array, name):
    with open(path, "wb") as f:
        f.write(numpy_helper.from_array(np.asarray(array), name).SerializeToString())


def tolerance(answers, factor=1e-4):
    """The absolute tolerance that suits answers of this size."""
    scale = max((float(np.abs(a).max()) for a in answers if a.dtype.kind == "f" and a.size), default=0)
    # ONNX Runtime's sigmoid is off by a unit or two in the last place of 1, whatever its result.
    return max(factor * scale, 4 * float(np.finfo(np.float32).eps))


def write(folder, blob, sets):
    """One case of a model (its bytes): each of sets maps input names to arrays; ONNX Runtime gives the answers."""
    session = ort.InferenceSession(blob, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    worst = 0
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/model.onnx", "wb") as f:
        f.write(blob)
    for k, inputs in enumerate(sets):
        data = f"{folder}/test_data_set_{k}"
        os.makedirs(data, exist_ok=True)
        answers = [np.asarray(a) for a in session.run(None, inputs)]
        worst = max(worst, tolerance(answers))
        for i, (name, array) in enumerate(inputs.items()):
            put(f"{data}/input_{i}.pb", array, name)
        for i, (name, array) in enumerate(zip(names, answers)):
            put(f"{data}/output_{i}.pb", array, name)
    with open(f"{folder}/config.txt", "w") as f:
        f.write(f"per_sample_tolerance:{worst}\nrelative_per_sample_tolerance:0.001\n")
