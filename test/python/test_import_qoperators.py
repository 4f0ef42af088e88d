"""Operators on quantized tensors, as QOperator models of onnxruntime have them.

Each is imported as the simulated form, whose results lie within one step of onnxruntime's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import quantc
from networks import random_inputs, random_mlp
from oracle import run_onnxruntime
from test_import_qdq import MICROSOFT, Builder, check, integers, scales

S8, U8 = np.int8(-3), np.uint8(131)


def parameters(zero: np.integer, scale: float = 0.05) -> tuple:
    return np.float32(scale), zero


class Graph(Builder):
    """A graph of quantized tensors."""

    def quantized(self, zero: np.integer, scale: float = 0.05, x: str = "x") -> tuple:
        """Return the input, quantized, and its parameters."""
        return (self.node("QuantizeLinear", x, *parameters(zero, scale)), *parameters(zero, scale))

    def finish(self, q: str, zero: np.integer, scale: float = 0.05) -> None:
        self.node("DequantizeLinear", q, *parameters(zero, scale))


def binary(op: str, zero: np.integer) -> Callable[[Graph], None]:
    def build(b: Graph) -> None:
        other = integers((6, 4), 0, 120, type(zero))
        x = b.quantized(zero)
        y = b.node(op, *x, other, *parameters(zero, 0.02), *parameters(zero, 0.0873), **MICROSOFT)
        b.finish(y, zero, 0.0873)

    return build


def unary(op: str, zero: np.integer, scale: float = 0.05, **attributes: object) -> Callable:
    def build(b: Graph) -> None:
        x = b.quantized(zero)
        y = b.node(op, *x, *parameters(zero, scale), **MICROSOFT, **attributes)
        b.finish(y, zero, scale)

    return build


def conv(zero: np.integer, weight: type) -> Callable[[Graph], None]:
    def build(b: Graph) -> None:
        middle = 128 if weight == np.uint8 else 0
        zero_point = np.full(5, middle, weight)
        w = integers((5, 3, 3, 2), middle - 120, middle + 120, weight)
        bias = integers((5,), -900, 900, np.int32)
        y = b.node("QLinearConv", *b.quantized(zero), w, scales(5), zero_point,
                   *parameters(zero, 0.8), bias, pads=[1, 0, 0, 1], strides=[1, 2])  # fmt: skip
        b.finish(y, zero, 0.8)

    return build


def matmul(b: Graph) -> None:
    w = integers((4, 7), -120, 120, np.int8)
    x = b.quantized(U8)
    y = b.node("QLinearMatMul", *x, w, scales(7), np.zeros(7, np.int8), *parameters(U8, 0.3))
    b.finish(y, U8, 0.3)


def gemm(is_float: bool) -> Callable[[Graph], None]:
    def build(b: Graph) -> None:
        w = integers((7, 4), -120, 120, np.int8)
        bias = integers((7,), -900, 900, np.int32)
        result = () if is_float else parameters(U8, 0.3)
        y = b.node("QGemm", *b.quantized(U8), w, scales(7), np.zeros(7, np.int8), bias, *result,
                   transB=1, **MICROSOFT)  # fmt: skip
        if not is_float:
            b.finish(y, U8, 0.3)

    return build


def concat(b: Graph) -> None:
    x = b.quantized(S8)
    other = integers((2, 4), -90, 90, np.int8), *parameters(S8, 0.03)
    y = b.node("QLinearConcat", *parameters(S8, 0.06), *x, *other, axis=0, **MICROSOFT)
    b.finish(y, S8, 0.06)


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (binary("QLinearAdd", U8), (6, 4)),
        (binary("QLinearMul", S8), (6, 4)),
        (unary("QLinearSigmoid", U8, 1 / 256), (6, 4)),
        (unary("QLinearLeakyRelu", S8, alpha=0.2), (6, 4)),
        (unary("QLinearSoftmax", U8, 1 / 256, opset=21, axis=-1), (6, 4)),
        (unary("QLinearGlobalAveragePool", U8, 0.0437), (2, 3, 5, 4)),
        (
            unary("QLinearAveragePool", S8, 0.0437, kernel_shape=[2, 2], pads=[1, 0, 0, 1]),
            (2, 3, 5, 4),
        ),
        (conv(U8, np.int8), (2, 3, 6, 7)),
        (conv(U8, np.uint8), (2, 3, 6, 7)),
        (matmul, (6, 4)),
        (gemm(False), (6, 4)),
        (gemm(True), (6, 4)),
        (concat, (6, 4)),
    ],
)
def test_operator(build: Callable[[Graph], None], shape: tuple, tmp_path: Path) -> None:
    graph = Graph()
    build(graph)
    path = graph.save(tmp_path / "model.onnx", shape)
    x = random_inputs(shape)
    expected = run_onnxruntime(path, {"x": x}, integers=True)
    actual = quantc.interpret(quantc.load(path), x)
    assert actual.shape == expected.shape
    step = np.diff(np.unique(expected)).min()
    assert np.abs(actual - expected).max() <= 1.001 * step
    assert (np.abs(actual - expected) > 1e-6).mean() <= 0.02


def test_model_that_onnxruntime_quantized(tmp_path: Path) -> None:
    quantization = pytest.importorskip("onnxruntime.quantization")

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter([{"x": random_inputs((16, 24), seed)} for seed in range(4)])

        def get_next(self) -> object:
            return next(self.batches, None)

    source = random_mlp(tmp_path / "float.onnx", (24, 16, 8))
    path = tmp_path / "qoperator.onnx"
    quantization.quantize_static(
        source, path, Reader(), quant_format=quantization.QuantFormat.QOperator
    )
    check(path, random_inputs((33, 24)), ["fc1_quant", "fc2_quant"])


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_convolutions_that_onnxruntime_quantized(tmp_path: Path, form: str) -> None:
    """Layers of integers: padding is with the zero point, and weights are in our order."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    graph = Builder()
    value = graph.node("Conv", "x", random_inputs((6, 3, 3, 2), 1), random_inputs((6,), 2),
                       name="conv1", pads=[1, 0, 1, 1])  # fmt: skip
    value = graph.node("MaxPool", graph.node("Relu", value), kernel_shape=[2, 2], strides=[2, 2])
    value = graph.node("Conv", value, random_inputs((4, 6, 1, 1), 3), name="conv2")
    value = graph.node("Flatten", value)
    graph.node("Gemm", value, random_inputs((48, 5), 4), random_inputs((5,), 5), name="fc")
    source = graph.save(tmp_path / "float.onnx", ("batch", 3, 6, 8), opset=17)

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter([{"x": random_inputs((4, 3, 6, 8), seed)} for seed in range(4)])

        def get_next(self) -> object:
            return next(self.batches, None)

    path = tmp_path / "quantized.onnx"
    quantization.quantize_static(
        source,
        path,
        Reader(),
        quant_format=quantization.QuantFormat[form],
        weight_type=quantization.QuantType.QInt8,
        per_channel=True,
    )
    suffix = "" if form == "QDQ" else "_quant"
    names = [name + suffix for name in ("conv1", "conv2", "fc")]
    quantized = check(path, random_inputs((5, 3, 6, 8)), names)
    assert quantized.layers[names[0]].weight.shape == (6, 3, 3, 2)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("zero_points", [False, True])
def test_blocked_weights(bits: int, zero_points: bool, tmp_path: Path) -> None:
    graph = Builder()
    n, k, block = 7, 96, 32
    weight = integers((n, k // block, block * bits // 8), 0, 256, np.uint8)
    operands = [weight, scales(n, k // block)]
    if zero_points:
        operands.append(integers((n, -(-k // block * bits // 8)), 0, 256, np.uint8))
    graph.node("MatMulNBits", "x", *operands, name="fc", K=k, N=n, bits=bits, block_size=block,
               **MICROSOFT)  # fmt: skip
    path = graph.save(tmp_path / "model.onnx", ("batch", k))
    layer = check(path, random_inputs((9, k)), ["fc"]).layers["fc"]
    assert (layer.mode, layer.weight_bits, layer.granularity) == ("weight_only", bits, "per_group")
