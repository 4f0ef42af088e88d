"""Quantized layers mean what ONNX's QuantizeLinear and DequantizeLinear say.

Every layer is rebuilt from what ``layer`` tells of it as an ONNX graph in QDQ form, which
onnxruntime evaluates without optimizations. Both results, put on one 8-bit grid, differ by at most
one step, on at most 0.1 % of the elements: float sums round differently.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import quantc
from networks import random_inputs, random_mlp, save
from oracle import run_onnxruntime
from quantc import QuantizationConfig

ROWS = 33

STATIC = {
    "static": QuantizationConfig(),
    "static-per-tensor": QuantizationConfig(granularity="per_tensor"),
    "static-symmetric": QuantizationConfig(symmetric_activations=True),
    "static-asymmetric-weights": QuantizationConfig(symmetric_weights=False),
    "int4-static": QuantizationConfig(weight_bits=4),
    "int4-groups-static": QuantizationConfig(weight_bits=4, granularity="per_group", group_size=8),
}
WEIGHT_ONLY = {
    "weight-only": QuantizationConfig(mode="weight_only"),
    "weight-only-asymmetric": QuantizationConfig(mode="weight_only", symmetric_weights=False),
    "int4-groups-weight-only": QuantizationConfig(
        weight_bits=4, mode="weight_only", granularity="per_group", group_size=8
    ),
}
DYNAMIC = {
    "dynamic": QuantizationConfig(mode="dynamic"),
    "int4-groups-dynamic": QuantizationConfig(
        weight_bits=4, mode="dynamic", granularity="per_group", group_size=8
    ),
}
SHAPES = [(64, 53), (40, 11), (8, 1)]


def add_layer(graph: list, weights: list, layer: quantc.Layer, x: str) -> str:
    """Append ``layer`` in QDQ form to a graph; return the name of its result."""
    name = layer.name

    def constant(suffix: str, value: NDArray | np.generic) -> str:
        weights.append(numpy_helper.from_array(np.asarray(value), f"{name}.{suffix}"))
        return f"{name}.{suffix}"

    def node(op: str, inputs: list[str], result: str, **attributes: int) -> str:
        graph.append(helper.make_node(op, inputs, [f"{name}.{result}"], **attributes))
        return f"{name}.{result}"

    if layer.mode == "static":
        scale = constant("sa", layer.input_scale)
        zero_point = constant("za", layer.input_zero_point)
        quantized = node("QuantizeLinear", [x, scale, zero_point], "xq")
        x = node("DequantizeLinear", [quantized, scale, zero_point], "xdq")
    elif layer.mode == "dynamic":
        results = [f"{name}.{suffix}" for suffix in ("xq", "sa", "za")]
        graph.append(helper.make_node("DynamicQuantizeLinear", [x], results))
        x = node("DequantizeLinear", results, "xdq")
    scale = constant("sw", layer.weight_scale)
    zero_point = constant("zw", layer.weight_zero_point)
    integers = constant("w", layer.integer_weight)
    weight = node("DequantizeLinear", [integers, scale, zero_point], "wdq", axis=1)
    product = node("MatMul", [x, weight], "product")
    return node("Add", [product, constant("b", layer.bias)], "sum")


def run_simulated(path: Path, quantized: quantc.Model, x: NDArray, relu: bool) -> NDArray:
    """Run the layers of ``quantized`` in QDQ form."""
    nodes: list = []
    weights: list = []
    value = "x"
    layers = list(quantized.layers.values())
    for layer in layers:
        value = add_layer(nodes, weights, layer, value)
        if relu and layer is not layers[-1]:
            nodes.append(helper.make_node("Relu", [value], [f"{value}.relu"]))
            value = f"{value}.relu"
    nodes.append(helper.make_node("Identity", [value], ["y"]))
    graph = helper.make_graph(
        nodes,
        "qdq",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(x.shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [len(x), None])],
        weights,
    )
    return run_onnxruntime(save(graph, path), {"x": x})


def expect_same_steps(actual: NDArray, expected: NDArray) -> None:
    step = np.abs(expected).max() / 127
    steps = np.abs(np.rint(actual / step) - np.rint(expected / step))
    assert steps.max() <= 1
    # One element may always sit on a threshold.
    assert (steps > 0).sum() <= max(1, 0.001 * steps.size)


@pytest.mark.parametrize("name", [*STATIC, *WEIGHT_ONLY])
@pytest.mark.parametrize("shape", SHAPES)
def test_one_layer(tmp_path: Path, name: str, shape: tuple[int, int]) -> None:
    model = quantc.load(random_mlp(tmp_path / "mlp.onnx", shape))
    x = random_inputs((ROWS, shape[0]))
    quantized = quantc.quantize(model, (STATIC | WEIGHT_ONLY)[name], x)
    # Beyond the calibrated range too.
    x = np.concatenate([x, 3 * x])
    expected = run_simulated(tmp_path / "qdq.onnx", quantized, x, relu=False)
    expect_same_steps(quantc.compile(quantized)(x), expected)


@pytest.mark.parametrize("name", DYNAMIC)
@pytest.mark.parametrize("shape", SHAPES)
def test_one_dynamic_row(tmp_path: Path, name: str, shape: tuple[int, int]) -> None:
    # DynamicQuantizeLinear has one scale for the whole tensor, we have one for each row.
    model = quantc.load(random_mlp(tmp_path / "mlp.onnx", shape))
    quantized = quantc.quantize(model, DYNAMIC[name])
    program = quantc.compile(quantized)
    for seed in range(4):
        x = random_inputs((1, shape[0]), seed)
        expected = run_simulated(tmp_path / "qdq.onnx", quantized, x, relu=False)
        expect_same_steps(program(x), expected)


@pytest.mark.parametrize("name", STATIC)
def test_three_layers(tmp_path: Path, name: str) -> None:
    model = quantc.load(random_mlp(tmp_path / "mlp.onnx", (64, 48, 32, 16)))
    x = random_inputs((256, 64))
    quantized = quantc.quantize(model, STATIC[name], x)
    expected = run_simulated(tmp_path / "qdq.onnx", quantized, x, relu=True)
    actual = quantc.compile(quantized)(x)
    # An intermediate step is passed on, so elements may differ, but rarely and by little.
    step = np.abs(expected).max() / 127
    difference = np.abs(actual - expected)
    assert difference.max() <= 2 * step
    assert (difference > step / 100).mean() <= 0.05


def test_float_model(tmp_path: Path) -> None:
    path = random_mlp(tmp_path / "mlp.onnx", (64, 48, 32, 16))
    x = random_inputs((ROWS, 64))
    expected = run_onnxruntime(path, {"x": x}, optimized=True)
    np.testing.assert_allclose(quantc.compile(quantc.load(path))(x), expected, atol=2e-5)
