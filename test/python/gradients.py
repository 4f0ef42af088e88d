"""Gradients of small programs, and what to compare them with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import quantc
from quantc import _quantc

Array = NDArray[Any]


def floats(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Values of a normal distribution, none near 0, where some functions have a kink."""
    values = np.random.default_rng([seed, *shape]).standard_normal(shape)
    return (values + 0.1 * np.sign(values)).astype(np.float32)


def positive(*shape: int) -> NDArray[np.float32]:
    """Values between 0.5 and 2."""
    return np.random.default_rng(shape).uniform(0.5, 2, shape).astype(np.float32)


def mark_trainable(model: quantc.Model, names: Sequence[str], path: Path) -> quantc.Model:
    """Return `model` with the attribute on arguments `names`."""
    text = model.mlir()
    for name in names:
        text, count = re.subn(rf'(quant\.name = "{re.escape(name)}")', r"\1, quant.trainable", text)
        assert count == 1
    path.write_text(text)
    return quantc.load(path)


def make_model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Array],
    path: Path,
    *,
    constants: Mapping[str, Array] | None = None,
    batch: Sequence[str] = (),
    opset: int = 17,
) -> quantc.Model:
    """Return the program of `nodes` with the output `loss`.

    The first dimension of the inputs in `batch` is dynamic.
    """
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(value.dtype),
                ["batch", *value.shape[1:]] if name in batch else list(value.shape),
            )
            for name, value in inputs.items()
        ],
        [helper.make_tensor_value_info("loss", TensorProto.FLOAT, [])],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    path.write_bytes(model.SerializeToString())
    return quantc.load(path)


def sum_weighted(value: str) -> list[onnx.NodeProto]:
    """The loss: the sum of `value` times the input `weights`."""
    return [
        helper.make_node("Mul", [value, "weights"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted"], ["loss"], keepdims=0),
    ]


def differentiate(
    model: quantc.Model, trained: Sequence[str], path: Path, options: str = ""
) -> quantc.Model:
    """Return `model` with the gradients by the arguments `trained`."""
    marked = mark_trainable(model, trained, path)
    pipeline = f"builtin.module(quant-differentiate{{{options}}},canonicalize,cse)"
    return _quantc.run_pipeline(marked, pipeline)


def run_both(model: quantc.Model, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Return what the interpreter computes, which are the bytes of the compiled program."""
    expected = quantc.interpret(model, inputs)
    actual = quantc.compile(model)(inputs)
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name].view(np.int32), value.view(np.int32), name)
    return expected


def autograd(
    function: Callable[..., Any], inputs: Mapping[str, Array], trained: Sequence[str]
) -> tuple[float, dict[str, Array]]:
    """Return the loss and its gradients by PyTorch, in f64."""
    import torch

    tensors = {
        name: torch.tensor(value.astype(np.float64) if value.dtype == np.float32 else value)
        for name, value in inputs.items()
    }
    for name in trained:
        tensors[name].requires_grad_()
    loss = function(**tensors)
    loss.backward()
    return loss.item(), {name: tensors[name].grad.numpy() for name in trained}


def check_finite_differences(
    model: quantc.Model, inputs: Mapping[str, Array], gradients: Mapping[str, Array]
) -> None:
    """Compare with five-point differences of the loss along a direction for each gradient."""
    step = 2e-2
    for name, gradient in gradients.items():
        direction = np.random.default_rng(7).standard_normal(gradient.shape)
        direction /= np.linalg.norm(direction)
        losses = {
            steps: float(
                quantc.interpret(
                    model,
                    {**inputs, name: (inputs[name] + steps * step * direction).astype(np.float32)},
                )
            )
            for steps in (-2, -1, 1, 2)
        }
        slope = (8 * (losses[1] - losses[-1]) - (losses[2] - losses[-2])) / (12 * step)
        np.testing.assert_allclose(slope, np.sum(gradient * direction), 1e-3, 5e-4, err_msg=name)
