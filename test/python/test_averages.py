"""Average pools of integers, between layers and behind the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

import emulation
import quantc
from networks import save
from oracle import run_onnxruntime

SHAPES = {
    "stem": (16, 3, 3, 3),
    "left": (24, 16, 1, 1),
    "right": (17, 16, 1, 1),
    "last": (32, 41, 1, 1),
    "fc": (10, 32),
}

POOLS: dict[str, dict[str, Any]] = {
    "same": {"pads": [1, 1, 1, 1]},
    "with padding": {"pads": [1, 1, 1, 1], "count_include_pad": 1},
    "in one corner": {"pads": [0, 0, 2, 2]},
    "inside": {"pads": [1, 1, 1, 1], "kernel_shape": [1, 3], "auto_pad": "SAME_LOWER"},
}
"""Windows of 3x3 that keep the size, and one of 1x3."""
STRIDED: dict[str, dict[str, Any]] = {
    "strides": {"strides": [2, 2]},
    "ceil": {"strides": [2, 2], "ceil_mode": 1},
    "ceil with padding": {
        "strides": [3, 2],
        "ceil_mode": 1,
        "count_include_pad": 1,
        "pads": [1, 0, 1, 1],
    },
}


def make(path: Path, batch: str | int, end: str, **pool: Any) -> Path:
    """Write an inception block: beside a convolution a pool, whose result is convolved too.

    What is concatenated is averaged over all places, or by ``pool`` and convolved again.
    """
    random = np.random.default_rng(0)
    weights = {
        name: (random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
        for name, shape in SHAPES.items()
    }
    keeps_size = "strides" not in pool
    if "auto_pad" in pool:
        pool = {key: value for key, value in pool.items() if key != "pads"}
    window = {"kernel_shape": [3, 3], **pool}
    block = window if keeps_size else {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    nodes = [
        helper.make_node("Conv", ["x", "stem"], ["stem.y"], "stem", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["stem.y"], ["s"]),
        # Before the layer that reads the same.
        helper.make_node("AveragePool", ["s"], ["p"], "pool", **block),
        helper.make_node("Conv", ["s", "left"], ["left.y"], "left"),
        helper.make_node("Relu", ["left.y"], ["l"]),
        helper.make_node("Conv", ["p", "right"], ["right.y"], "right"),
        helper.make_node("Concat", ["l", "right.y"], ["c"], axis=1),
    ]
    joined = "c"
    if not keeps_size:
        nodes.append(helper.make_node("AveragePool", ["c"], ["d"], "down", **window))
        joined = "d"
    nodes.append(helper.make_node("Conv", [joined, "last"], ["last.y"], "last"))
    nodes.append(helper.make_node("GlobalAveragePool", ["last.y"], ["g"], "global"))
    if end == "layer":
        nodes.append(helper.make_node("Flatten", ["g"], ["f"]))
        nodes.append(helper.make_node("Gemm", ["f", "fc"], ["y"], "fc", transB=1))
    output = ("y", [batch, 10]) if end == "layer" else ("g", [batch, 32, 1, 1])
    graph = helper.make_graph(
        nodes,
        "averages",
        [helper.make_tensor_value_info("x", 1, [batch, 3, 11, 9])],
        [helper.make_tensor_value_info(output[0], 1, output[1])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    return save(graph, path)


@pytest.fixture(scope="module")
def x() -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((3, 3, 11, 9)).astype(np.float32)


CASES = [
    (pool, *((3, "pool") if index % 2 else ("n", "layer")))
    for index, pool in enumerate((*POOLS, *STRIDED))
]


@pytest.mark.parametrize(("pool", "batch", "end"), CASES)
def test_same_bytes(
    pool: str, batch: str | int, end: str, x: NDArray[np.float32], tmp_path: Path
) -> None:
    """The pool beside a layer adds up bytes, in the interpreter and in code of every kind."""
    path = make(tmp_path / "averages.onnx", batch, end, **(POOLS | STRIDED)[pool])
    model = quantc.load(path)
    quantized = quantc.quantize(model, calibration_data=[x])
    assert quantized.mlir().count("quant.rescale") == 1
    expected = quantc.interpret(quantized, x)
    exact = quantc.interpret(model, x)
    np.testing.assert_allclose(expected, exact, atol=0.04 * np.abs(exact).max())
    for target, threads in (("native+notiles", 2), ("x86-64-v2", 1)):
        actual = quantc.compile(quantized, target=target, threads=threads)(x)
        np.testing.assert_array_equal(actual, expected, err_msg=target)


@pytest.mark.skipif(not emulation.is_available(), reason="needs qemu and a cross compiler")
@pytest.mark.parametrize("target", ["aarch64", "aarch64+sve"])
def test_on_aarch64(target: str, x: NDArray[np.float32], tmp_path: Path) -> None:
    path = make(tmp_path / "averages.onnx", 3, "layer", **STRIDED["ceil"])
    quantized = quantc.quantize(quantc.load(path), calibration_data=[x])
    expected = quantc.interpret(quantized, x)
    actual = emulation.run_aarch64(quantized, target, x, expected, tmp_path)
    np.testing.assert_array_equal(actual, expected)


def test_only_floats_read_the_input(x: NDArray[np.float32], tmp_path: Path) -> None:
    """Squeeze and excitation multiplies what it averages: nothing is in integers there."""
    random = np.random.default_rng(2)
    weight = random.standard_normal((3, 3, 1, 1)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y0"], "conv"),
        helper.make_node("GlobalAveragePool", ["y0"], ["g"], "global"),
        helper.make_node("Mul", ["y0", "g"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "excitation",
        [helper.make_tensor_value_info("x", 1, ["n", 3, 11, 9])],
        [helper.make_tensor_value_info("y", 1, ["n", 3, 11, 9])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = quantc.load(save(graph, tmp_path / "excitation.onnx"))
    quantized = quantc.quantize(model, calibration_data=[x])
    assert "quant.rescale" not in quantized.mlir()


@pytest.mark.parametrize("pool", ["same", "in one corner", "ceil"])
def test_export(pool: str, x: NDArray[np.float32], tmp_path: Path) -> None:
    """The pool reads the integers in the file too; onnxruntime agrees to one step."""
    source = make(tmp_path / "averages.onnx", "n", "layer", **(POOLS | STRIDED)[pool])
    quantized = quantc.quantize(quantc.load(source), calibration_data=[x])
    path = tmp_path / "qdq.onnx"
    quantc.export_onnx(source, quantized, path)
    nodes = {node.name: node for node in onnx.load(path).graph.node}
    assert nodes["pool"].input[0] == nodes["left"].input[0] == "s_dequantized"
    expected = quantc.interpret(quantized, x)
    actual = run_onnxruntime(path, {"x": x}, optimized=True)
    assert np.abs(actual - expected).max() <= np.abs(expected).max() / 127
