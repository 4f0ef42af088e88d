"""Small ONNX networks for the tests."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def random_mlp(
    path: Path,
    sizes: Sequence[int] = (37, 53, 11),
    *,
    seed: int = 0,
    transposed: bool = False,
    bias: bool = True,
) -> Path:
    """Write an MLP with ReLU between layers ``fc1``, ``fc2``, ...; weights are [K, N] or [N, K]."""
    random = np.random.default_rng(seed)
    nodes, weights = [], []
    value = "x"
    for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes), start=1):
        name = f"fc{index}"
        weight = random.standard_normal((inputs, outputs), dtype=np.float32) / np.sqrt(inputs)
        stored = weight.T.copy() if transposed else weight
        weights.append(numpy_helper.from_array(stored.astype(np.float32), f"{name}.weight"))
        operands = [value, f"{name}.weight"]
        if bias:
            values = random.standard_normal(outputs, dtype=np.float32)
            weights.append(numpy_helper.from_array(values, f"{name}.bias"))
            operands.append(f"{name}.bias")
        last = index == len(sizes) - 1
        value = "y" if last else f"{name}_out"
        nodes.append(helper.make_node("Gemm", operands, [value], name=name, transB=int(transposed)))
        if not last:
            nodes.append(helper.make_node("Relu", [value], [f"{name}_relu"], name=f"relu{index}"))
            value = f"{name}_relu"
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", sizes[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", sizes[-1]])],
        weights,
    )
    return save(graph, path)


def save(graph: onnx.GraphProto, path: Path) -> Path:
    """Check and write a model of ``graph``."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path


def random_inputs(shape: Sequence[int], seed: int = 1) -> NDArray[np.float32]:
    """Normally distributed inputs."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
