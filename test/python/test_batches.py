"""Batches of samples that no cache holds together: programs run block by block."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

import emulation
import quantc
from networks import save
from quantc import QuantizationConfig

RNG = np.random.default_rng(0)


def floats(*shape: int) -> NDArray[np.float32]:
    return (RNG.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


WEIGHTS = {
    "stem": floats(40, 3, 3, 3),
    "squeeze": floats(8, 40),
    "excite": floats(40, 8),
    "branch": floats(40, 40, 1, 1),
    "classifier": floats(10, 80),
}


def write(folder: Path, batch: int | str) -> Path:
    """Write a convolution, channels weighted by what they hold, a shortcut, and a classifier."""
    nodes = [
        helper.make_node("Conv", ["x", "stem"], ["c"], "stem", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["m"]),
        helper.make_node("Flatten", ["m"], ["f"]),
        helper.make_node("Gemm", ["f", "squeeze"], ["s"], "squeeze", transB=1),
        helper.make_node("Gemm", ["s", "excite"], ["e"], "excite", transB=1),
        helper.make_node("Reshape", ["e", "channels"], ["w"]),
        helper.make_node("Mul", ["r", "w"], ["a"]),
        helper.make_node("Conv", ["a", "branch"], ["b"], "branch"),
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("Concat", ["sum", "b"], ["both"], axis=1),
        helper.make_node("GlobalMaxPool", ["both"], ["g"]),
        helper.make_node("Flatten", ["g"], ["h"]),
        helper.make_node("Gemm", ["h", "classifier"], ["y"], "classifier", transB=1),
        helper.make_node("Softmax", ["y"], ["p"]),
    ]
    graph = helper.make_graph(
        nodes,
        "batches",
        [helper.make_tensor_value_info("x", 1, [batch, 3, 32, 32])],
        [helper.make_tensor_value_info("p", 1, [batch, 10])],
        [numpy_helper.from_array(value, name) for name, value in WEIGHTS.items()]
        + [numpy_helper.from_array(np.array([0, 40, 1, 1]), "channels")],
    )
    return save(graph, folder / f"{batch}.onnx")


@pytest.fixture(scope="module")
def x() -> NDArray[np.float32]:
    return RNG.standard_normal((4, 3, 32, 32)).astype(np.float32)


def quantize(path: Path, mode: str, x: NDArray[np.float32]) -> quantc.Model:
    model = quantc.load(path)
    if mode == "float":
        return model
    return quantc.quantize(model, QuantizationConfig(mode=mode), calibration_data=[x])


@pytest.mark.parametrize("mode", ["float", "static", "dynamic"])
def test_bytes(mode: str, x: NDArray[np.float32], tmp_path: Path) -> None:
    """Any number of samples, one after the other or shared by threads."""
    model = quantize(write(tmp_path, "n"), mode, x)
    expected = quantc.interpret(model, x)
    for target, threads in (("native", 1), ("native", 2), ("x86-64-v3", 1)):
        program = quantc.compile(model, target=target, threads=threads)
        for size in (1, 3):
            np.testing.assert_array_equal(program(x[:size]), expected[:size])
    known = quantize(write(tmp_path, 4), mode, x)
    program = quantc.compile(known, threads=2)
    np.testing.assert_array_equal(program(x), expected)
    if mode == "static" and emulation.is_available():
        result = emulation.run_aarch64(model, "aarch64+dotprod", x, expected, tmp_path)
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("mode", ["float", "dynamic"])
def test_sequences(mode: str, tmp_path: Path) -> None:
    """Sequences of a length that is not known, with scores of each with itself."""
    nodes = [
        helper.make_node("MatMul", ["x", "up"], ["u"], "up"),
        helper.make_node("Relu", ["u"], ["r"]),
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["x", "t"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["p"]),
        helper.make_node("MatMul", ["p", "r"], ["mixed"]),
        helper.make_node("MatMul", ["mixed", "down"], ["d"], "down"),
        helper.make_node("Add", ["d", "x"], ["sum"]),
        helper.make_node("LayerNormalization", ["sum", "scale", "shift"], ["y"]),
    ]
    weights = {"up": floats(16, 256), "down": floats(256, 16), "scale": floats(16)}
    weights["shift"] = floats(16)
    graph = helper.make_graph(
        nodes,
        "sequences",
        [helper.make_tensor_value_info("x", 1, ["n", "s", 16])],
        [helper.make_tensor_value_info("y", 1, ["n", "s", 16])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    sequences = RNG.standard_normal((3, 9, 16)).astype(np.float32)
    model = quantize(save(graph, tmp_path / "sequences.onnx"), mode, sequences)
    for threads in (1, 2):
        program = quantc.compile(model, threads=threads)
        for inputs in (sequences, sequences[:1, :1], sequences[:2, 3:]):
            expected = quantc.interpret(model, inputs)
            np.testing.assert_array_equal(program(inputs), expected)
