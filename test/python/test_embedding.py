"""Embedding tables in 8 and 4 bits: what is stored, what is looked up, and on every target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import quantc
from emulation import is_available, run_aarch64
from networks import random_inputs
from oracle import open_onnxruntime
from quantc.report.metrics import decibels

ROWS, WIDTH = 50, 40
IDS = np.array([[0, 49, 7, -1], [13, 13, -50, 2]], np.int64)

TWO_LEVEL = {"weight_bits": 4, "granularity": "per_group", "group_size": 32}
CONFIGS: list[dict[str, Any]] = [
    {"mode": "dynamic"},
    {"mode": "static", "granularity": "per_tensor"},
    {"mode": "weight_only", "weight_bits": 4, "symmetric_weights": False},
    {"mode": "weight_only", "granularity": "per_group", "group_size": 8},
    {"mode": "dynamic", **TWO_LEVEL},
]


def save(path: Path, *outputs: str, count: int = ROWS) -> Path:
    """Save a linear layer on rows of a table; the outputs are `y` and `rows`."""
    shapes = {"y": ("batch", 4, 8), "rows": ("batch", 4, WIDTH)}
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "ids"], ["rows"], name="embedding"),
            helper.make_node("MatMul", ["rows", "w"], ["y"], name="fc"),
        ],
        "model",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ("batch", 4))],
        [helper.make_tensor_value_info(o, TensorProto.FLOAT, shapes[o]) for o in outputs],
        [
            numpy_helper.from_array(random_inputs((count, WIDTH), seed=3), "table"),
            numpy_helper.from_array(random_inputs((WIDTH, 8), seed=4), "w"),
        ],
    )
    opsets = [helper.make_opsetid("", 21)]
    onnx.save(helper.make_model(graph, ir_version=10, opset_imports=opsets), path)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return save(tmp_path / "model.onnx", "y", "rows")


def quantize(path: Path, config: dict[str, Any]) -> quantc.Model:
    data = [IDS] if config["mode"] == "static" else None
    settings = quantc.QuantizationConfig(**config)
    return quantc.quantize(quantc.load(path), settings, calibration_data=data)


def run_outputs(path: Path) -> list[NDArray[np.float32]]:
    return open_onnxruntime(path).run(["y", "rows"], {"ids": IDS})


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_rows_are_those_of_the_stored_table(path: Path, config: dict[str, Any]) -> None:
    """The same bytes from the table, the interpreter and compiled code; near onnxruntime's."""
    quantized = quantize(path, config)
    layer = quantized.layers["embedding"]
    assert layer.kind == "embedding"
    assert layer.mode == "weight_only"
    assert layer.skipped_because is None
    assert layer.weight.shape == (ROWS, WIDTH)
    assert layer.weight_bits == config.get("weight_bits", 8)
    assert layer.input_scale is None
    rows = layer.dequantized_weight[IDS]
    expected = quantc.interpret(quantized, IDS)
    np.testing.assert_array_equal(expected["rows"], rows)
    for target in ("x86-64-v3", "native"):
        actual = quantc.compile(quantized, target=target)(IDS)
        for name in ("y", "rows"):
            assert actual[name].tobytes() == expected[name].tobytes(), (target, name)

    y, exact = run_outputs(path)
    smallest = 15 if config.get("weight_bits") == 4 else 35
    assert decibels(exact, expected["rows"] - exact) > smallest
    assert decibels(y, expected["y"] - y) > smallest - 1


def test_error_of_the_table(path: Path) -> None:
    """Half a step of each row: rounding, and nothing else."""
    original = quantc.load(path).layers["embedding"].weight
    layer = quantize(path, {"mode": "dynamic"}).layers["embedding"]
    np.testing.assert_array_equal(
        layer.weight_scale, np.abs(original).max(axis=1) / np.float32(127)
    )
    error = np.abs(layer.dequantized_weight - original)
    assert (error <= layer.weight_scale[:, None] * 0.5001).all()


def test_size(tmp_path: Path) -> None:
    """The object holds the bytes that the layer says, not the table in FP32."""
    count, sizes = 2000, []
    path = save(tmp_path / "large.onnx", "y", count=count)
    for number, config in enumerate(
        [{"skip_embedding": True}, {}, {"weight_bits": 4}, {**TWO_LEVEL, "group_size": 8}]
    ):
        quantized = quantize(path, {"mode": "dynamic", **config})
        quantc.emit(quantized, tmp_path / f"{number}.so", target="x86-64-v3")
        layer = quantized.layers["embedding"]
        sizes.append((layer.weight_bytes, (tmp_path / f"{number}.so").stat().st_size))
    stored = [size for size, _ in sizes]
    assert stored[1:] == [
        count * (WIDTH + 4),
        count * (WIDTH // 2 + 4),
        count * (WIDTH // 2 + 4) + count * (WIDTH // 8) // 2,
    ]
    assert sizes[0][1] > sizes[1][1] > sizes[2][1]


def test_can_stay_float(path: Path) -> None:
    config = quantc.QuantizationConfig(mode="dynamic", skip_embedding=True)
    layer = quantc.quantize(quantc.load(path), config).layers["embedding"]
    assert layer.kind == "embedding"
    assert layer.skipped_because == "skip-embedding is set"


@pytest.mark.parametrize("config", [{}, {**TWO_LEVEL, "group_size": 8}], ids=str)
def test_export(path: Path, tmp_path: Path, config: dict[str, Any]) -> None:
    """A table behind DequantizeLinear, which onnxruntime and the importer read again."""
    quantized = quantize(path, {"mode": "weight_only", **config})
    quantc.export_onnx(path, quantized, tmp_path / "qdq.onnx")
    expected = quantc.interpret(quantized, IDS)
    y, rows = run_outputs(tmp_path / "qdq.onnx")
    np.testing.assert_array_equal(rows, expected["rows"])
    np.testing.assert_allclose(y, expected["y"], rtol=1e-5, atol=1e-5)
    again = quantc.load(tmp_path / "qdq.onnx")
    np.testing.assert_array_equal(quantc.interpret(again, IDS)["rows"], rows)


@pytest.mark.skipif(not is_available(), reason="needs a compiler and an emulator of AArch64")
def test_aarch64(tmp_path: Path) -> None:
    """The same bytes on an emulated processor."""
    quantized = quantize(save(tmp_path / "model.onnx", "y"), {"mode": "dynamic", **TWO_LEVEL})
    expected = quantc.interpret(quantized, IDS)
    actual = run_aarch64(quantized, "aarch64", IDS, expected, tmp_path)
    np.testing.assert_array_equal(actual, expected)
