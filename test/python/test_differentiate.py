"""Gradients of the operators of the float form against PyTorch's autograd."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import quantc
from gradients import (
    Array,
    autograd,
    differentiate,
    floats,
    make_model,
    positive,
    run_both,
    sum_weighted,
)
from quantc import _quantc

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed; its autograd is the reference"
)
F = torch.nn.functional
node = helper.make_node


@dataclass
class Case:
    """A program with the output `y`, and what PyTorch computes for it."""

    name: str
    nodes: list[onnx.NodeProto]
    inputs: dict[str, Array]
    function: Callable[..., Any]
    trained: tuple[str, ...] | None = None
    constants: dict[str, Array] = field(default_factory=dict)
    batch: tuple[str, ...] = ()
    opset: int = 17

    def __str__(self) -> str:
        return self.name


def unary(op: str, function: Callable[..., Any], x: Array | None = None, **attributes: Any) -> Case:
    """An operator on one tensor."""
    inputs = {"x": floats(3, 5) if x is None else x}
    opset = 20 if op == "Gelu" else 17
    name = "-".join([op, *map(str, attributes.values())])
    nodes = [node(op, ["x"], ["y"], **attributes)]
    return Case(name, nodes, inputs, lambda x: function(x), batch=("x",), opset=opset)


def binary(op: str, function: Callable[..., Any], a: Array, b: Array, name: str = "") -> Case:
    """An operator on two tensors."""
    return Case(
        name or op, [node(op, ["a", "b"], ["y"])], {"a": a, "b": b}, lambda a, b: function(a, b)
    )


def reduction(op: str, function: Callable[..., Any], axes: list[int] | None, keepdims: int) -> Case:
    """A reduction of a tensor of shape [3, 4, 5]."""
    attributes = {"keepdims": keepdims}
    constants = {}
    operands = ["x"]
    if axes is not None and op == "ReduceSum":
        constants["axes"] = np.array(axes)
        operands.append("axes")
    elif axes is not None:
        attributes["axes"] = axes
    dims = tuple(axes or (0, 1, 2))
    return Case(
        f"{op}-{axes}-{keepdims}",
        [node(op, operands, ["y"], **attributes)],
        {"x": floats(3, 4, 5)},
        lambda x: function(x, dims, bool(keepdims)),
        constants=constants,
    )


def gather(axis: int, *indices: Any) -> Case:
    """A lookup of rows that repeat."""
    return Case(
        f"Gather-{axis}",
        [node("Gather", ["table", "rows"], ["y"], axis=axis)],
        {"table": floats(5, 4), "rows": np.array(indices)},
        lambda table, rows: torch.movedim(
            torch.movedim(table, axis, 0)[rows],
            list(range(rows.ndim)),
            list(range(axis, axis + rows.ndim)),
        ),
        trained=("table",),
    )


CASES = [
    unary("Abs", torch.abs),
    unary("Erf", torch.erf),
    unary("Exp", torch.exp),
    unary("Floor", torch.floor),
    unary("Gelu", F.gelu, approximate="none"),
    unary("Gelu", lambda x: F.gelu(x, approximate="tanh"), approximate="tanh"),
    unary("HardSigmoid", F.hardsigmoid, alpha=1 / 6),
    unary("HardSwish", F.hardswish),
    unary("LeakyRelu", F.leaky_relu),
    unary("Log", torch.log, positive(3, 5)),
    unary("LogSoftmax", lambda x: F.log_softmax(x, -1)),
    unary("LogSoftmax", lambda x: F.log_softmax(x, 0), axis=0),
    unary("Neg", torch.neg),
    unary("Reciprocal", torch.reciprocal),
    unary("Relu", torch.relu),
    unary("Round", torch.round),
    unary("Sigmoid", torch.sigmoid),
    unary("Sigmoid", torch.sigmoid, np.array([-100, -20, 0, 100], np.float32)),
    unary("Softmax", lambda x: F.softmax(x, -1)),
    unary("Softmax", lambda x: F.softmax(x, 0), axis=0),
    unary("Sqrt", torch.sqrt, positive(3, 5)),
    unary("Tanh", torch.tanh),
    unary("Transpose", lambda x: x.permute(0, 2, 1), floats(2, 3, 4), perm=[0, 2, 1]),
    Case(
        "Transpose-all",
        [node("Transpose", ["x"], ["y"], perm=[2, 0, 1])],
        {"x": floats(2, 3, 4)},
        lambda x: x.permute(2, 0, 1),
    ),
    binary("Add", torch.add, floats(4, 3), floats(3)),
    binary("Div", torch.div, floats(4, 3), floats(4, 1)),
    binary("Max", torch.maximum, floats(4, 3), floats(4, 3, seed=1)),
    binary("Min", torch.minimum, floats(4, 3), floats(1, 3, seed=1)),
    binary("Mul", torch.mul, floats(1, 4, 3), floats(2, 1, 3)),
    binary("Pow", torch.pow, positive(4, 3), floats(3)),
    binary("Sub", torch.sub, floats(3), floats(4, 3)),
    Case(
        "Pow-2",
        [node("Pow", ["x", "two"], ["y"])],
        {"x": floats(3, 4)},
        lambda x: x**2,
        constants={"two": np.array(2, np.float32)},
    ),
    Case("Mul-square", [node("Mul", ["x", "x"], ["y"])], {"x": floats(3, 4)}, lambda x: x * x),
    Case(
        "Clip",
        [node("Clip", ["x", "low", "high"], ["y"])],
        {"x": floats(3, 4)},
        lambda x: torch.clamp(x, -0.5, 0.75),
        constants={"low": np.array(-0.5, np.float32), "high": np.array(0.75, np.float32)},
    ),
    Case(
        "Where",
        [node("Where", ["c", "a", "b"], ["y"])],
        {"c": floats(3, 4) > 0, "a": floats(3, 4), "b": floats(4)},
        lambda c, a, b: torch.where(c, a, b),
        trained=("a", "b"),
    ),
    reduction("ReduceSum", torch.sum, [1], 1),
    reduction("ReduceSum", torch.sum, None, 1),
    reduction("ReduceMean", torch.mean, [0, 2], 0),
    reduction("ReduceMax", torch.amax, [2], 0),
    reduction("ReduceMin", torch.amin, [0, 1], 1),
    Case(
        "ReduceMax-ties",
        [node("ReduceMax", ["x"], ["y"], axes=[1])],
        {"x": np.array([[1, 3, 3, 0], [2, 2, 2, 2]], np.float32)},
        lambda x: torch.amax(x, 1, keepdim=True),
    ),
    binary("MatMul", torch.matmul, floats(4, 3), floats(3, 5)),
    binary("MatMul", torch.matmul, floats(2, 4, 3), floats(3, 5), "MatMul-rows"),
    binary("MatMul", torch.matmul, floats(2, 2, 4, 3), floats(2, 2, 3, 5), "MatMul-batch"),
    binary("MatMul", torch.matmul, floats(2, 4, 3), floats(1, 3, 5), "MatMul-broadcast"),
    binary("MatMul", torch.matmul, floats(3), floats(3, 5), "MatMul-vector"),
    Case(
        "MatMul-dynamic",
        [node("MatMul", ["a", "b"], ["y"])],
        {"a": floats(7, 3), "b": floats(3, 5)},
        lambda a, b: a @ b,
        batch=("a",),
    ),
    Case(
        "Gemm-transposed",
        [node("Gemm", ["a", "b", "c"], ["y"], transA=1, transB=1, alpha=0.5, beta=2.0)],
        {"a": floats(3, 4), "b": floats(5, 3), "c": floats(5)},
        lambda a, b, c: 0.5 * a.T @ b.T + 2 * c,
    ),
    Case(
        "Conv-1d",
        [node("Conv", ["x", "w", "b"], ["y"], pads=[1, 2], strides=[2], dilations=[2])],
        {"x": floats(2, 3, 9), "w": floats(4, 3, 3), "b": floats(4)},
        lambda x, w, b: F.conv1d(F.pad(x, (1, 2)), w, b, 2, 0, 2),
    ),
    Case(
        "Conv-2d",
        [node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])],
        {"x": floats(2, 3, 5, 6), "w": floats(4, 3, 3, 3)},
        lambda x, w: F.conv2d(x, w, None, 1, 1),
    ),
    Case(
        "Conv-groups",
        [node("Conv", ["x", "w", "b"], ["y"], group=2, strides=[2, 1], pads=[1, 0, 1, 0])],
        {"x": floats(2, 4, 5, 6), "w": floats(6, 2, 3, 3), "b": floats(6)},
        lambda x, w, b: F.conv2d(x, w, b, (2, 1), (1, 0), 1, 2),
    ),
    Case(
        "MaxPool",  # Windows that overlap.
        [node("MaxPool", ["x"], ["y"], kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 0])],
        {"x": floats(2, 3, 6, 5)},
        lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0)),
    ),
    Case(
        "LayerNormalization",
        [node("LayerNormalization", ["x", "scale", "bias"], ["y"])],
        {"x": floats(4, 6), "scale": positive(6), "bias": floats(6)},
        lambda x, scale, bias: F.layer_norm(x, (6,), scale, bias),
        batch=("x",),
    ),
    Case(
        "BatchNormalization",
        [node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], ["y"])],
        {
            "x": floats(2, 3, 4),
            "scale": positive(3),
            "bias": floats(3),
            "mean": floats(3, seed=1),
            "variance": positive(3) + np.float32(0.1),
        },
        lambda x, scale, bias, mean, variance: (
            (x - mean[:, None]) * (scale / torch.sqrt(variance + 1e-5))[:, None] + bias[:, None]
        ),
    ),
    unary("GlobalAveragePool", lambda x: x.mean((2, 3), keepdim=True), floats(2, 3, 4, 5)),
    unary("GlobalMaxPool", lambda x: x.amax((2, 3), keepdim=True), floats(2, 3, 4, 5)),
    Case(
        "Reshape",
        [node("Reshape", ["x", "shape"], ["y"])],
        {"x": floats(4, 6)},
        lambda x: x.reshape(2, 2, 3, 2),
        constants={"shape": np.array([2, 2, 3, 2])},
    ),
    Case(
        "Reshape-collapse",
        [node("Reshape", ["x", "shape"], ["y"])],
        {"x": floats(2, 2, 6)},
        lambda x: x.reshape(-1, 6),
        constants={"shape": np.array([-1, 6])},
    ),
    Case(
        "Expand",
        [node("Expand", ["x", "shape"], ["y"])],
        {"x": floats(3, 1)},
        lambda x: x.expand(2, 3, 4),
        constants={"shape": np.array([2, 3, 4])},
    ),
    Case(
        "Slice",
        [node("Slice", ["x", "starts", "ends", "axes", "steps"], ["y"])],
        {"x": floats(4, 7)},
        lambda x: x[1:3, 1:6:2],
        constants={
            "starts": np.array([1, 1]),
            "ends": np.array([3, 6]),
            "axes": np.array([0, 1]),
            "steps": np.array([1, 2]),
        },
    ),
    Case(
        "Concat",
        [node("Concat", ["a", "b"], ["y"], axis=1)],
        {"a": floats(3, 2), "b": floats(3, 4)},
        lambda a, b: torch.cat([a, b], 1),
        batch=("a", "b"),
    ),
    Case(
        "Split",
        [node("Split", ["x"], ["a", "b"], axis=1), node("Mul", ["a", "b"], ["y"])],
        {"x": floats(3, 4)},
        lambda x: x[:, :2] * x[:, 2:],
    ),
    gather(0, [0, 3, -1], [3, 3, 1]),
    gather(1, 2, 0, 2),
    gather(0, 3),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_operator_agrees_with_autograd(case: Case, tmp_path: Path) -> None:
    tensors = {name: torch.tensor(value) for name, value in case.inputs.items()}
    weights = floats(*case.function(**tensors).shape, seed=3)
    inputs = {**case.inputs, "weights": weights}
    trained = case.trained or tuple(case.inputs)
    batch = [*case.batch, "weights"] if case.batch else []
    model = make_model(
        [*case.nodes, *sum_weighted("y")],
        inputs,
        tmp_path / "model.onnx",
        constants=case.constants,
        batch=batch,
        opset=case.opset,
    )
    outputs = run_both(differentiate(model, trained, tmp_path / "marked.mlir"), inputs)
    assert list(outputs) == ["loss", *(f"{name}.gradient" for name in trained)]

    loss, gradients = autograd(
        lambda weights, **rest: (case.function(**rest) * weights).sum(), inputs, trained
    )
    assert math.isclose(outputs["loss"], loss, rel_tol=1e-5, abs_tol=1e-5)
    for name, expected in gradients.items():
        np.testing.assert_allclose(outputs[f"{name}.gradient"], expected, 2e-5, 2e-5, err_msg=name)


NAMED: list[tuple[str, int, Callable[..., Any]]] = [
    ("linalg.abs", 1, torch.abs),
    ("linalg.add", 2, torch.add),
    ("linalg.copy", 1, torch.clone),
    ("linalg.div", 2, torch.div),
    ("linalg.elementwise kind=#linalg.elementwise_kind<tanh>", 1, torch.tanh),
    ("linalg.erf", 1, torch.erf),
    ("linalg.exp", 1, torch.exp),
    ("linalg.log", 1, torch.log),
    ("linalg.max", 2, torch.maximum),
    ("linalg.min", 2, torch.minimum),
    ("linalg.mul", 2, torch.mul),
    ("linalg.negf", 1, torch.neg),
    ("linalg.powf", 2, torch.pow),
    ("linalg.reciprocal", 1, torch.reciprocal),
    ("linalg.rsqrt", 1, torch.rsqrt),
    ("linalg.sqrt", 1, torch.sqrt),
    ("linalg.square", 1, torch.square),
    ("linalg.sub", 2, torch.sub),
    ("linalg.tanh", 1, torch.tanh),
    ("arith.divf", 2, torch.div),
    ("arith.maximumf", 2, torch.maximum),
    ("math.fma", 3, lambda a, b, c: a * b + c),
    ("math.powf", 2, torch.pow),
    ("math.rsqrt", 1, torch.rsqrt),
    ("math.tanh", 1, torch.tanh),
]


@pytest.mark.parametrize(("op", "count", "function"), NAMED, ids=[row[0] for row in NAMED])
def test_named_operation_agrees_with_autograd(
    op: str, count: int, function: Callable[..., Any], tmp_path: Path
) -> None:
    """Operations that the importer does not use, on tensors of dynamic shape."""
    names = ["a", "b", "c"][:count]
    shape = "quant.shape = affine_map<(d0) -> (d0)>"
    arguments = ", ".join(
        f'%{name}: tensor<?xf32> {{quant.name = "{name}", {shape}}}' for name in names
    )
    operands = ", ".join(f"%{name}" for name in names)
    types = ", ".join(["tensor<?xf32>"] * count)
    if op.startswith("linalg"):
        line = f"{op} ins({operands} : {types}) outs(%empty : tensor<?xf32>) -> tensor<?xf32>"
    else:
        line = f"{op} {operands} : tensor<?xf32>"
    path = tmp_path / "model.mlir"
    path.write_text(f"""
func.func @main({arguments}) -> (tensor<f32> {{quant.name = "loss", quant.shape = affine_map<(d0) -> ()>}})
    attributes {{quant.dims = ["size"]}} {{
  %zero = arith.constant 0 : index
  %size = tensor.dim %a, %zero : tensor<?xf32>
  %empty = tensor.empty(%size) : tensor<?xf32>
  %y = {line}
  %init = arith.constant dense<0.0> : tensor<f32>
  %loss = linalg.reduce {{ arith.addf }} ins(%y : tensor<?xf32>) outs(%init : tensor<f32>)
      dimensions = [0]
  return %loss : tensor<f32>
}}
""")
    inputs = {name: positive(6 + index)[:6] for index, name in enumerate(names)}
    outputs = run_both(differentiate(quantc.load(path), names, tmp_path / "m.mlir"), inputs)
    loss, gradients = autograd(lambda **x: function(*x.values()).sum(), inputs, names)
    assert math.isclose(outputs["loss"], loss, rel_tol=1e-5)
    for name, expected in gradients.items():
        np.testing.assert_allclose(outputs[f"{name}.gradient"], expected, 2e-5, 2e-5, err_msg=name)


def test_errors_name_the_node(tmp_path: Path) -> None:
    nodes = [node("ReduceProd", ["x"], ["loss"], name="product", keepdims=0)]
    model = make_model(nodes, {"x": floats(3)}, tmp_path / "model.onnx")
    with pytest.raises(quantc.Error, match=r"model.onnx: product: this use of a destination"):
        differentiate(model, ["x"], tmp_path / "marked.mlir")


def test_quantized_layers_are_for_inference(model: quantc.Model) -> None:
    quantized = quantc.quantize(model, quantc.QuantizationConfig(mode="dynamic"))
    with pytest.raises(quantc.Error, match="fc1: quantized layers are for inference; train with"):
        _quantc.run_pipeline(quantized, "builtin.module(quant-differentiate)")
