"""Write the ONNX models of the import tests into this folder.

Usage: ``python make_inputs.py`` with the ``onnx`` package installed. The files are checked in, so
that the tests need no Python package; run this after a change here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent
FLOAT = TensorProto.FLOAT


def value(name: str, shape: list[int | str | None], dtype: int = FLOAT) -> onnx.ValueInfoProto:
    """Return the description of an input or output."""
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(name: str, array: object, dtype: type = np.float32) -> onnx.TensorProto:
    """Return an initializer."""
    return numpy_helper.from_array(np.asarray(array, dtype), name)


def ramp(name: str, *shape: int) -> onnx.TensorProto:
    """Return an initializer with the values 0, 1, 2, ..."""
    return constant(name, np.arange(np.prod(shape)).reshape(shape))


def save(
    name: str,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    initializers: list[onnx.TensorProto] | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    """Write ``<name>.onnx``."""
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers or [])
    model = helper.make_model(
        graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)], producer_name=""
    )
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
    return model


def linear() -> None:
    """Write models of MatMul and Gemm."""
    save(
        "gemm",
        [
            helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="fc1", transB=1),
            helper.make_node("Relu", ["h"], ["r"], name="relu"),
            helper.make_node("Gemm", ["r", "v", "c"], ["y"], alpha=0.5, beta=2.0),
        ],
        [value("x", ["batch", 3])],
        [value("y", ["batch", 2])],
        [ramp("w", 4, 3), ramp("b", 4), ramp("v", 4, 2), ramp("c", 1, 2)],
    )
    save(
        "gemm-transposed",
        [helper.make_node("Gemm", ["x", "y"], ["z"], name="product", transA=1, alpha=3.0)],
        [value("x", [3, "rows"]), value("y", [3, 5])],
        [value("z", ["rows", 5])],
    )
    save(
        "matmul",
        [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="rows"),
            helper.make_node("MatMul", ["h", "y"], ["s"], name="batch"),
            helper.make_node("MatMul", ["s", "z"], ["t"], name="broadcast"),
            helper.make_node("MatMul", ["t", "v"], ["u"], name="vector"),
        ],
        [
            value("x", ["batch", 4, 3]),
            value("y", ["batch", 2, 5]),
            value("z", ["heads", 1, 5, 6]),
            value("v", [6]),
        ],
        [value("u", ["heads", "batch", 4])],
        [ramp("w", 3, 2)],
    )


def elementwise() -> None:
    """Write a model of elementwise operators."""
    save(
        "elementwise",
        [
            helper.make_node("Add", ["x", "bias"], ["a"], name="add"),
            helper.make_node("Max", ["a", "zero"], ["m"], name="max"),
            helper.make_node("Clip", ["m", "", "six"], ["c"], name="clip"),
            helper.make_node("Mul", ["c", "y"], ["p"], name="multiply"),
            helper.make_node("Sigmoid", ["p"], ["s"], name="sigmoid"),
            helper.make_node("Cast", ["s"], ["z"], name="cast", to=TensorProto.INT8),
        ],
        [value("x", ["batch", 4]), value("y", ["batch", 1])],
        [value("z", ["batch", 4], TensorProto.INT8)],
        [ramp("bias", 1, 4), constant("zero", 0), constant("six", 6)],
    )


def shapes() -> None:
    """Write models whose shapes are computed from those of their inputs."""
    int64 = np.int64
    save(
        "shapes",
        [
            helper.make_node("Shape", ["x"], ["shape"], name="shape"),
            helper.make_node("Gather", ["shape", "first"], ["batch"], name="batch"),
            helper.make_node("Unsqueeze", ["batch", "axis"], ["rows"], name="rows"),
            helper.make_node("Concat", ["rows", "rest"], ["target"], name="target", axis=0),
            helper.make_node("Reshape", ["x", "target"], ["r"], name="heads"),
            helper.make_node("Transpose", ["r"], ["t"], name="swap", perm=[0, 2, 1, 3]),
            helper.make_node("Flatten", ["t"], ["f"], name="flatten", axis=2),
            helper.make_node("Concat", ["f", "f"], ["y"], name="twice", axis=0),
        ],
        [value("x", [None, 3, 8])],
        [value("y", [None, 12])],
        [
            constant("first", 0, int64),
            constant("axis", [0], int64),
            constant("rest", [3, 2, -1], int64),
        ],
    )
    save(
        "slices",
        [
            helper.make_node("Slice", ["x", "from", "to", "columns"], ["s"], name="slice"),
            helper.make_node(
                "Slice", ["s", "last", "begin", "columns", "back"], ["r"], name="flip"
            ),
            helper.make_node("Gather", ["table", "i"], ["e"], name="embedding"),
            helper.make_node("Transpose", ["w"], ["v"], name="constant"),
            helper.make_node("MatMul", ["e", "v"], ["y"], name="layer"),
        ],
        [value("x", ["n", 6]), value("i", ["n", 5], TensorProto.INT64)],
        [value("r", ["n", 4]), value("y", ["n", 5, 2])],
        [
            constant("from", [1], int64),
            constant("to", [-1], int64),
            constant("columns", [1], int64),
            constant("last", [-1], int64),
            constant("begin", [-100], int64),
            constant("back", [-1], int64),
            ramp("table", 7, 3),
            ramp("w", 2, 3),
        ],
    )


def normalization() -> None:
    """Write a model of LayerNormalization and Softmax."""
    save(
        "normalization",
        [
            helper.make_node("LayerNormalization", ["x", "g", "b"], ["n"], name="norm"),
            helper.make_node("Softmax", ["n"], ["y"], name="softmax"),
        ],
        [value("x", ["batch", 4])],
        [value("y", ["batch", 4])],
        [ramp("g", 4), ramp("b", 4)],
    )


def node_model(
    name: str,
    op: str,
    shapes: list[list[int | str | None]],
    opset: int = 17,
    initializers: list[onnx.TensorProto] | None = None,
    **attributes: object,
) -> None:
    """Write a model of one node on inputs of `shapes` and on `initializers`."""
    inputs = [value(f"x{i}", shape) for i, shape in enumerate(shapes)]
    names = [x.name for x in inputs] + [tensor.name for tensor in initializers or []]
    node = helper.make_node(op, names, ["y"], name="node", **attributes)
    output = onnx.ValueInfoProto(name="y")
    save(name, [node], inputs, [output], initializers, opset)


def invalid() -> None:
    """Write models that are refused."""
    identity = helper.make_node("Identity", ["x"], ["y"], name="copy")
    save(
        "invalid-operators",
        [
            helper.make_node("StringNormalizer", ["x"], ["a"], name="strings"),
            helper.make_node("FancyOp", ["a"], ["b"], domain="com.example"),
            helper.make_node("Relu", ["b"], ["c"], name="relu"),
            helper.make_node("StringNormalizer", ["c"], ["y"], name="again"),
        ],
        [value("x", [1, 2])],
        [value("y", [1, 2])],
    )
    save("invalid-opset", [identity], [value("x", [1])], [value("y", [1])], opset=0)
    save("invalid-newer", [identity], [value("x", [1])], [value("y", [1])], opset=999)
    save(
        "invalid-cycle",
        [
            helper.make_node("Add", ["x", "b"], ["a"], name="first"),
            helper.make_node("Add", ["x", "a"], ["b"], name="second"),
        ],
        [value("x", [1])],
        [value("b", [1])],
    )
    save("invalid-output", [identity], [value("x", [1])], [value("z", [1])])
    save("invalid-declared", [identity], [value("x", [2])], [value("y", [3])])
    save("invalid-twice", [identity, identity], [value("x", [1])], [value("y", [1])])
    save("invalid-size", [identity], [value("x", [-4])], [value("y", [1])])
    save("invalid-huge", [identity], [value("x", [2**40, 2**40])], [value("y", [1])])
    save("invalid-dtype", [identity], [value("x", [1], TensorProto.STRING)], [value("y", [1])])
    unranked = helper.make_tensor_value_info("x", FLOAT, None)
    save("invalid-rank", [identity], [unranked], [value("y", [1])])
    node_model("invalid-missing", "Gemm", [[2, 2]])
    node_model("invalid-gemm", "Gemm", [[2, 3], [4, 5]])
    node_model("invalid-matmul", "MatMul", [["a", "b"], ["c", 5]])
    node_model("invalid-broadcast", "Add", [[2, 3], [2, 4]])
    node_model("invalid-axis", "Softmax", [[2, 3]], axis=2)
    node_model("invalid-reshape", "Reshape", [[2, 3]], initializers=[constant("s", [4], np.int64)])
    node_model("invalid-squeeze", "Squeeze", [[2, 3]], opset=11, axes=[0])
    wrong = constant("w", [1, 2, 3])
    wrong.dims[0] = 4
    node_model("invalid-initializer", "Relu", [], initializers=[wrong])
    huge = constant("w", [1, 2, 3])
    huge.dims[:] = [2**62, 2**62, 2**62]
    node_model("invalid-dimensions", "Relu", [], initializers=[huge])
    for name, location in {
        "external": "weights.bin",
        "external-absolute": "/etc/hostname",
        "external-parent": "../weights.bin",
    }.items():
        tensor = onnx.TensorProto(name="w", data_type=FLOAT, dims=[2])
        tensor.data_location = TensorProto.EXTERNAL
        for key, entry in {"location": location, "offset": "4", "length": "8"}.items():
            tensor.external_data.add(key=key, value=entry)
        node_model(name, "Relu", [], initializers=[tensor])


def quantized() -> None:
    """Write a layer with a quantized input, weight of 4 bits and bias."""
    nibbles = helper.make_tensor("w", TensorProto.UINT4, [4, 2], [8, 9, 10, 7, 0, 15, 8, 8])
    zero_point = helper.make_tensor("zw", TensorProto.UINT4, [2], [8, 7])
    save(
        "quantized",
        [
            helper.make_node("QuantizeLinear", ["x", "sx", "zx"], ["xq"]),
            helper.make_node("DequantizeLinear", ["xq", "sx", "zx"], ["xd"]),
            helper.make_node("DequantizeLinear", ["w", "sw", "zw"], ["wd"], axis=1),
            helper.make_node("DequantizeLinear", ["b", "sb"], ["bd"], axis=0),
            helper.make_node("Gemm", ["xd", "wd", "bd"], ["y"], name="fc"),
        ],
        [value("x", ["batch", 4])],
        [value("y", ["batch", 2])],
        [
            constant("sx", 0.5),
            constant("zx", 130, np.uint8),
            nibbles,
            constant("sw", [0.25, 0.5]),
            zero_point,
            constant("b", [3, -4], np.int32),
            constant("sb", [0.125, 0.25]),
        ],
        opset=21,
    )


def constants() -> None:
    """Write a model of bytes whose shape is an input, and a value for that."""
    save(
        "constants",
        [helper.make_node("Reshape", ["x", "shape"], ["y"], name="reshape")],
        [value("x", [6], TensorProto.UINT8), value("shape", [2], TensorProto.INT64)],
        [value("y", ["rows", "columns"], TensorProto.UINT8)],
    )
    np.save(FOLDER / "shape.npy", np.array([2, -1]))


if __name__ == "__main__":
    constants()
    linear()
    elementwise()
    shapes()
    normalization()
    quantized()
    invalid()
