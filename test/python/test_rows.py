"""Functions and statistics of rows: compiled code has the bytes of the interpreter."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import quantc

_TARGETS = ("x86-64-v2", "x86-64-v3", "native")
_ROWS = (1, 3, 4, 7, 16, 37)
_LENGTHS = (1, 7, 16, 50, 84)


def _load(
    path: Path, nodes: list, depth: int, constants: dict[str, NDArray], rows: int | str = "rows"
) -> quantc.Model:
    """Load a model from ``x`` to ``y``, of ``rows`` rows of ``depth`` elements; a name is any."""
    graph = helper.make_graph(
        nodes,
        "rows",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, depth])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 20)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return quantc.load(path)


def _make_rows(rows: int, depth: int) -> NDArray:
    """Make rows with values that are no numbers, infinite, denormal and negative zeros."""
    random = np.random.default_rng(rows * 100 + depth)
    x = (3 * random.standard_normal((rows, depth))).astype(np.float32)
    special = np.array([np.nan, np.inf, -np.inf, 1e-45, -0.0, 3e38, -3e38, 0.0], np.float32)
    chosen = random.random(x.shape) < 0.1
    chosen[::3] = False
    x[chosen] = random.choice(special, x.shape)[chosen]
    return x


def _check(model: quantc.Model, depth: int, numbers: Sequence[int] = _ROWS) -> None:
    for target in _TARGETS:
        program = quantc.compile(model, target=target)
        for rows in numbers:
            x = _make_rows(rows, depth)
            y, expected = program(x), quantc.interpret(model, x)
            # The bits of a NaN are not promised.
            same = (y.view(np.int32) == expected.view(np.int32)) | (
                np.isnan(y) & np.isnan(expected)
            )
            assert same.all(), (target, rows, np.argwhere(~same)[:4])


@pytest.mark.parametrize("depth", _LENGTHS)
def test_layer_norm(tmp_path: Path, depth: int) -> None:
    constants = {
        "gain": np.linspace(0.5, 1.5, depth, dtype=np.float32),
        "offset": np.linspace(-1, 1, depth, dtype=np.float32),
    }
    node = helper.make_node("LayerNormalization", ["x", "gain", "offset"], ["y"], axis=-1)
    _check(_load(tmp_path / "model.onnx", [node], depth, constants), depth)


@pytest.mark.parametrize("depth", _LENGTHS)
@pytest.mark.parametrize("operator", ["Softmax", "LogSoftmax"])
def test_softmax(tmp_path: Path, operator: str, depth: int) -> None:
    node = helper.make_node(operator, ["x"], ["y"], axis=-1)
    _check(_load(tmp_path / "model.onnx", [node], depth, {}), depth)


@pytest.mark.parametrize("operator", ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"])
def test_reductions(tmp_path: Path, operator: str) -> None:
    axes = {"axes": np.array([1], np.int64)}
    node = helper.make_node(operator, ["x", "axes"], ["y"])
    _check(_load(tmp_path / "model.onnx", [node], 50, axes), 50)


@pytest.mark.parametrize("mode", ["dynamic", "weight-only"])
@pytest.mark.parametrize("depth", [7, 50, 84])
def test_layers(tmp_path: Path, mode: str, depth: int) -> None:
    random = np.random.default_rng(depth)
    constants = {
        "weight": random.standard_normal((24, depth), dtype=np.float32),
        "bias": random.standard_normal(24, dtype=np.float32),
    }
    nodes = [
        helper.make_node("Gemm", ["x", "weight", "bias"], ["h"], name="layer", transB=1),
        helper.make_node("Relu", ["h"], ["y"]),
    ]
    model = _load(tmp_path / "model.onnx", nodes, depth, constants)
    bits = 32 if mode == "weight-only" else 8
    for symmetric in (True, False):
        config = quantc.QuantizationConfig(
            8, activation_bits=bits, mode=mode, symmetric_weights=symmetric
        )
        _check(quantc.quantize(model, config), depth)


@pytest.mark.parametrize("rows", [3, 8, 13, 40, 100])
@pytest.mark.parametrize(
    "options",
    [
        {"weight_bits": 8},
        {"weight_bits": 8, "symmetric_weights": False},
        {"weight_bits": 4, "granularity": "per_group"},
        {"weight_bits": 4, "symmetric_weights": False},
    ],
)
def test_known_rows(tmp_path: Path, options: dict, rows: int) -> None:
    random = np.random.default_rng(rows)
    constants = {
        "weight": random.standard_normal((72, 352), dtype=np.float32),
        "bias": random.standard_normal(72, dtype=np.float32),
    }
    node = helper.make_node("Gemm", ["x", "weight", "bias"], ["y"], name="layer", transB=1)
    model = _load(tmp_path / "model.onnx", [node], 352, constants, rows)
    config = quantc.QuantizationConfig(mode="weight_only", **options)
    _check(quantc.quantize(model, config), 352, [rows])


@pytest.mark.parametrize("operator", ["Softmax", "LayerNormalization"])
@pytest.mark.parametrize("rows", [96, 101])
def test_blocks_of_rows(tmp_path: Path, operator: str, rows: int) -> None:
    constants = {"gain": np.linspace(0.5, 1.5, 1500, dtype=np.float32)}
    names = ["gain"] if operator == "LayerNormalization" else []
    node = helper.make_node(operator, ["x", *names], ["y"], axis=-1)
    _check(_load(tmp_path / "model.onnx", [node], 1500, constants, rows), 1500, [rows])
