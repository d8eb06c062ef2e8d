#!/usr/bin/env python3
"""Write the corpus of fuzz_model and of the mutant test: small models that together use every form of ONNX files.

    python3 -m venv V && V/bin/pip install onnx==1.20.0 && V/bin/python model_corpus.py corpus/model
"""
import sys

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

OPSET = [h.make_opsetid("", 17)]


def f32(name, shape):
    return h.make_tensor_value_info(name, T.FLOAT, shape)


def array(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def model(graph, functions=(), opsets=OPSET, ir=8):
    m = h.make_model(graph, opset_imports=list(opsets), functions=list(functions))
    m.ir_version = ir
    return m


def network():
    rng = np.random.default_rng(0)
    nodes = [h.make_node("Conv", ["x", "w", "b"], ["c"], "conv1", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
             h.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"]), h.make_node("Relu", ["n"], ["r"]),
             h.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
             h.make_node("GlobalAveragePool", ["p"], ["g"]), h.make_node("Flatten", ["g"], ["f"]),
             h.make_node("Gemm", ["f", "k"], ["y"], transB=1), h.make_node("Softmax", ["y"], ["z"])]
    weights = [array("w", rng.normal(size=(4, 3, 3, 3))), array("b", np.zeros(4)), array("s", np.ones(4)),
               array("m", np.zeros(4)), array("v", np.ones(4)), array("k", rng.normal(size=(5, 4)))]
    return model(h.make_graph(nodes, "network", [f32("x", ["n", 3, 8, 8])], [f32("z", ["n", 5])], weights))


def shapes():
    nodes = [h.make_node("Shape", ["x"], ["s"]), h.make_node("Gather", ["s", "zero"], ["n"], axis=0),
             h.make_node("Concat", ["n", "minus"], ["t"], axis=0), h.make_node("Reshape", ["x", "t"], ["r"]),
             h.make_node("Transpose", ["r"], ["q"], perm=[1, 0]), h.make_node("Slice", ["q", "zero", "n"], ["y"])]
    weights = [array("zero", [0], np.int64), array("minus", [-1], np.int64)]
    return model(h.make_graph(nodes, "shapes", [f32("x", ["n", 2, 3])], [f32("y", None)], weights))


def control():
    inner = h.make_graph([h.make_node("Add", ["x", "one"], ["a"])], "then", [], [f32("a", None)])
    other = h.make_graph([h.make_node("If", ["c"], ["e"], then_branch=inner, else_branch=inner)], "else", [], [f32("e", None)])
    body = h.make_graph([h.make_node("Add", ["v", "x"], ["w"]), h.make_node("Identity", ["k"], ["l"])], "body",
                        [h.make_tensor_value_info("i", T.INT64, []), h.make_tensor_value_info("k", T.BOOL, []), f32("v", None)],
                        [h.make_tensor_value_info("l", T.BOOL, []), f32("w", None)])
    nodes = [h.make_node("ReduceSum", ["x"], ["s"], keepdims=0), h.make_node("Less", ["s", "one"], ["c"]),
             h.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=other),
             h.make_node("Loop", ["trip", "", "y"], ["z"], body=body)]
    return model(h.make_graph(nodes, "control", [f32("x", ["n"])], [f32("z", None)],
                              [array("one", 1), array("trip", 3, np.int64)]))


def functions():
    leaky = h.make_function("local", "Leaky", ["x"], ["y"],
                            [h.make_node("Constant", [], ["zero"], value_float=0.0), h.make_node("Max", ["x", "zero"], ["up"]),
                             h.make_node("Min", ["x", "zero"], ["down"]), h.make_node("Elu", ["down"], ["d"]),
                             h.make_node("Add", ["up", "d"], ["y"])], OPSET, ["alpha"])
    ref = leaky.node[3].attribute.add()
    ref.name, ref.ref_attr_name, ref.type = "alpha", "alpha", 1
    twice = h.make_function("local", "Twice", ["x"], ["y"],
                            [h.make_node("Leaky", ["x"], ["t"], domain="local", alpha=0.5),
                             h.make_node("Leaky", ["t"], ["y"], domain="local")],
                            OPSET + [h.make_opsetid("local", 1)])
    nodes = [h.make_node("Twice", ["x"], ["a"], "first", domain="local"), h.make_node("Twice", ["a"], ["y"], domain="local")]
    return model(h.make_graph(nodes, "functions", [f32("x", ["n", 4])], [f32("y", ["n", 4])]), [leaky, twice],
                 OPSET + [h.make_opsetid("local", 1)])


def constants():
    sparse = h.make_sparse_tensor(array("sv", [1, 2]), array("si", [1, 5], np.int64), [2, 3])
    forms = {"value": array("", [[1, 2, 3]]), "value_float": 1.5, "value_floats": [1.0, 2.0, 3.0], "value_int": 7,
             "value_ints": [1, 2], "value_string": "text", "value_strings": ["a", "bc"], "sparse_value": sparse}
    nodes = [h.make_node("Constant", [], [k], **{k: v}) for k, v in forms.items()]
    nodes += [h.make_node("Add", ["x", "value"], ["a"]), h.make_node("Add", ["a", "sparse_value"], ["b"]),
              h.make_node("Mul", ["b", "value_float"], ["c"]), h.make_node("Cast", ["value_ints"], ["d"], to=1),
              h.make_node("Add", ["c", "half"], ["y"])]
    half = h.make_tensor("half", T.FLOAT, [3], [0.5, 1.5, 2.5])
    return model(h.make_graph(nodes, "constants", [f32("x", ["n", 3])], [f32("y", None)], [half]))


def types():
    forms = [(T.FLOAT16, [1.0]), (T.BFLOAT16, [1.0]), (T.INT8, [-1]), (T.UINT16, [7]), (T.BOOL, [True]), (T.UINT32, [9]),
             (T.DOUBLE, [2.5]), (T.COMPLEX64, [1 + 2j]), (T.STRING, [b"s"]), (T.INT4, [3]), (T.FLOAT8E4M3FN, [1.0])]
    weights = [h.make_tensor(f"t{i}", t, [1], v) for i, (t, v) in enumerate(forms)]
    nodes = [h.make_node("Cast", [f"t{i}"], [f"o{i}"], to=1) for i, (t, _) in enumerate(forms) if t not in (T.COMPLEX64, T.STRING)]
    nodes.append(h.make_node("SequenceConstruct", ["x", "x"], ["q"]))
    nodes.append(h.make_node("Optional", ["x"], ["p"]))
    outputs = [f32(n.output[0], [1]) for n in nodes[:-2]]
    outputs.append(h.make_value_info("q", h.make_sequence_type_proto(h.make_tensor_type_proto(T.FLOAT, None))))
    outputs.append(h.make_value_info("p", h.make_optional_type_proto(h.make_tensor_type_proto(T.FLOAT, ["n"]))))
    return model(h.make_graph(nodes, "types", [f32("x", ["n"])], outputs, weights), opsets=[h.make_opsetid("", 21)], ir=10)


def old():
    nodes = [h.make_node("Upsample", ["x"], ["u"], scales=[1.0, 1.0, 2.0, 2.0]), h.make_node("Mul", ["u", "w"], ["y"])]
    w = array("w", np.ones((1, 1, 4, 4)))
    return model(h.make_graph(nodes, "old", [f32("x", [1, 1, 2, 2]), f32("w", [1, 1, 4, 4])], [f32("y", [1, 1, 4, 4])], [w]),
                 opsets=[h.make_opsetid("", 7)], ir=3)


def main(out):
    for make in (network, shapes, control, functions, constants, types, old):
        with open(f"{out}/{make.__name__}.onnx", "wb") as f:
            f.write(make().SerializeToString())


main(sys.argv[1])
