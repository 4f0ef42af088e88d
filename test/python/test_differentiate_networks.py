"""Gradients of whole networks against PyTorch's autograd and finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from gradients import (
    Array,
    autograd,
    check_finite_differences,
    differentiate,
    floats,
    make_model,
    positive,
    run_both,
)

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed; its autograd is the reference"
)
F = torch.nn.functional
node = helper.make_node


@dataclass
class Network:
    """A program with the output `loss`; what is not `data` is trained."""

    name: str
    nodes: list[onnx.NodeProto]
    inputs: dict[str, Array]
    data: tuple[str, ...]
    constants: dict[str, Array]
    function: Callable[..., Any]

    def __str__(self) -> str:
        return self.name


def mlp(activation: str, loss: list[onnx.NodeProto], target: Array) -> tuple[Any, ...]:
    """The layers 7-6-5 and a loss of `logits` and `target`."""
    nodes = [
        node("Gemm", ["x", "w1", "b1"], ["hidden"], transB=1),
        node(activation, ["hidden"], ["active"]),
        node("MatMul", ["active", "w2"], ["product"]),
        node("Add", ["product", "b2"], ["logits"]),
        *loss,
    ]
    inputs = {
        "x": floats(9, 7),
        "target": target,
        "w1": floats(6, 7) / np.float32(2.5),
        "b1": floats(6),
        "w2": floats(6, 5) / np.float32(2.5),
        "b2": floats(5),
    }
    return nodes, inputs


def logits(activation: Callable[..., Any]) -> Callable[..., Any]:
    """Return what `mlp` computes before its loss."""
    return lambda x, w1, b1, w2, b2: activation(x @ w1.T + b1) @ w2 + b2


def cross_entropy_by_one_hot() -> Network:
    labels = np.random.default_rng(1).integers(0, 5, 9)
    loss = [
        node("LogSoftmax", ["logits"], ["logarithms"]),
        node("Mul", ["logarithms", "target"], ["chosen"]),
        node("ReduceSum", ["chosen", "axis"], ["by_row"], keepdims=0),
        node("ReduceMean", ["by_row"], ["mean"], keepdims=0),
        node("Neg", ["mean"], ["loss"]),
    ]
    one_hot = np.eye(5, dtype=np.float32)[labels]
    nodes, inputs = mlp("Relu", loss, one_hot)
    forward = logits(torch.relu)

    def function(target: Any, **rest: Any) -> Any:
        return F.cross_entropy(forward(**rest), target.argmax(1))

    return Network(
        "cross-entropy", nodes, inputs, ("x", "target"), {"axis": np.array([1])}, function
    )


def cross_entropy_by_lookup() -> Network:
    """The positions of the labels in the flattened logarithms are an input."""
    positions = np.arange(9) * 5 + np.random.default_rng(1).integers(0, 5, 9)
    loss = [
        node("LogSoftmax", ["logits"], ["logarithms"]),
        node("Reshape", ["logarithms", "flat"], ["flattened"]),
        node("Gather", ["flattened", "target"], ["chosen"]),
        node("ReduceMean", ["chosen"], ["mean"], keepdims=0),
        node("Neg", ["mean"], ["loss"]),
    ]
    nodes, inputs = mlp("Tanh", loss, positions)
    forward = logits(torch.tanh)

    def function(target: Any, **rest: Any) -> Any:
        return F.cross_entropy(forward(**rest), target % 5)

    return Network(
        "cross-entropy-by-lookup",
        nodes,
        inputs,
        ("x", "target"),
        {"flat": np.array([-1])},
        function,
    )


def mean_squared_error() -> Network:
    loss = [
        node("Sub", ["logits", "target"], ["error"]),
        node("Mul", ["error", "error"], ["square"]),
        node("ReduceMean", ["square"], ["loss"], keepdims=0),
    ]
    nodes, inputs = mlp("Sigmoid", loss, floats(9, 5, seed=2))
    forward = logits(torch.sigmoid)

    def function(target: Any, **rest: Any) -> Any:
        return F.mse_loss(forward(**rest), target)

    return Network("mean-squared-error", nodes, inputs, ("x", "target"), {}, function)


def transformer_block() -> Network:
    """Attention with 2 heads of 4 on 3 sequences of 5 tokens, and a GELU layer between
    normalizations."""
    batch, length, width, heads = 3, 5, 8, 2
    depth = width // heads
    nodes = [node("LayerNormalization", ["x", "scale1", "shift1"], ["normal1"])]
    for name in ("q", "k", "v"):
        nodes += [
            node("MatMul", ["normal1", f"w{name}"], [name]),
            node("Reshape", [name, "split"], [f"{name}_split"]),
            node(
                "Transpose",
                [f"{name}_split"],
                [f"{name}_heads"],
                perm=[0, 2, 3, 1] if name == "k" else [0, 2, 1, 3],
            ),
        ]
    nodes += [
        node("MatMul", ["q_heads", "k_heads"], ["scores"]),
        node("Mul", ["scores", "temperature"], ["scaled"]),
        node("Softmax", ["scaled"], ["attention"]),
        node("MatMul", ["attention", "v_heads"], ["mixed"]),
        node("Transpose", ["mixed"], ["mixed_rows"], perm=[0, 2, 1, 3]),
        node("Reshape", ["mixed_rows", "joined"], ["context"]),
        node("MatMul", ["context", "wo"], ["projected"]),
        node("Add", ["x", "projected"], ["residual"]),
        node("LayerNormalization", ["residual", "scale2", "shift2"], ["normal2"]),
        node("MatMul", ["normal2", "w1"], ["inner_product"]),
        node("Add", ["inner_product", "b1"], ["inner"]),
        node("Mul", ["inner", "root_half"], ["inner_scaled"]),
        node("Erf", ["inner_scaled"], ["curve"]),
        node("Add", ["curve", "one"], ["curve_up"]),
        node("Mul", ["inner", "curve_up"], ["doubled"]),
        node("Mul", ["doubled", "half"], ["active"]),
        node("MatMul", ["active", "w2"], ["outer_product"]),
        node("Add", ["outer_product", "b2"], ["outer"]),
        node("Add", ["residual", "outer"], ["y"]),
        node("Sub", ["y", "target"], ["error"]),
        node("Mul", ["error", "error"], ["square"]),
        node("ReduceMean", ["square"], ["loss"], keepdims=0),
    ]
    inputs = {
        "x": floats(batch, length, width),
        "target": floats(batch, length, width, seed=1),
        "scale1": positive(width),
        "shift1": floats(width),
        "scale2": positive(width) + np.float32(0.1),
        "shift2": floats(width, seed=1),
        "w1": floats(width, 12) / np.float32(3),
        "b1": floats(12),
        "w2": floats(12, width) / np.float32(3),
        "b2": floats(width, seed=2),
    }
    for seed, name in enumerate(("wq", "wk", "wv", "wo"), start=3):
        inputs[name] = floats(width, width, seed=seed) / np.float32(2)
    constants = {
        "split": np.array([0, length, heads, depth]),
        "joined": np.array([0, length, width]),
        "temperature": np.array(depth**-0.5, np.float32),
        "root_half": np.array(math.sqrt(0.5), np.float32),
        "one": np.array(1, np.float32),
        "half": np.array(0.5, np.float32),
    }

    def function(x: Any, target: Any, **w: Any) -> Any:
        def split(value: Any) -> Any:
            return value.reshape(-1, length, heads, depth).transpose(1, 2)

        normal = F.layer_norm(x, (width,), w["scale1"], w["shift1"])
        q, k, v = (split(normal @ w[name]) for name in ("wq", "wk", "wv"))
        attention = torch.softmax(q @ k.transpose(-1, -2) * depth**-0.5, -1)
        context = (attention @ v).transpose(1, 2).reshape(x.shape)
        residual = x + context @ w["wo"]
        normal = F.layer_norm(residual, (width,), w["scale2"], w["shift2"])
        outer = F.gelu(normal @ w["w1"] + w["b1"]) @ w["w2"] + w["b2"]
        return F.mse_loss(residual + outer, target)

    return Network("transformer-block", nodes, inputs, ("x", "target"), constants, function)


NETWORKS = [
    cross_entropy_by_one_hot(),
    cross_entropy_by_lookup(),
    mean_squared_error(),
    transformer_block(),
]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_network_agrees_with_autograd(network: Network, tmp_path: Path) -> None:
    """The size of the batch is dynamic; everything but the data is trained."""
    inputs = network.inputs
    trained = [name for name in inputs if name not in network.data]
    model = make_model(
        network.nodes,
        inputs,
        tmp_path / "model.onnx",
        constants=network.constants,
        batch=network.data,
    )
    outputs = run_both(differentiate(model, trained, tmp_path / "marked.mlir"), inputs)
    loss, expected = autograd(network.function, inputs, trained)
    assert math.isclose(outputs["loss"], loss, rel_tol=1e-5)
    gradients = {name: outputs[f"{name}.gradient"] for name in trained}
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, expected[name], 1e-4, 2e-6, err_msg=name)
    if "Relu" not in {op.op_type for op in network.nodes}:
        check_finite_differences(model, inputs, gradients)


def test_gradients_by_the_input(tmp_path: Path) -> None:
    """Data can be differentiated like a parameter, and alone."""
    network = mean_squared_error()
    model = make_model(network.nodes, network.inputs, tmp_path / "model.onnx", batch=network.data)
    outputs = run_both(differentiate(model, ["x"], tmp_path / "marked.mlir"), network.inputs)
    assert list(outputs) == ["loss", "x.gradient"]
    _, expected = autograd(network.function, network.inputs, ["x"])
    np.testing.assert_allclose(outputs["x.gradient"], expected["x"], 1e-4, 2e-6)
