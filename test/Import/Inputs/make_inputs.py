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


if __name__ == "__main__":
    linear()
