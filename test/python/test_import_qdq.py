"""Models that others have quantized: QuantizeLinear and DequantizeLinear, against onnxruntime.

The simulated form that is imported computes what onnxruntime does without optimizations, to a few
units in the last place; the integer form differs from it by one step of a result at most.
"""

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
from machine import require
from networks import random_inputs, random_mlp
from oracle import SATURATES, run_onnxruntime

UINT4 = helper.tensor_dtype_to_np_dtype(TensorProto.UINT4)
INT4 = helper.tensor_dtype_to_np_dtype(TensorProto.INT4)


class Builder:
    """An ONNX graph from input `x` to output `y`."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def constant(self, value: Any) -> str:
        name = f"c{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, op: str, *inputs: Any, name: str | None = None, **attributes: Any) -> str:
        operands = [x if isinstance(x, str) else self.constant(x) for x in inputs]
        result = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, operands, [result], name=name, **attributes))
        return result

    def pair(self, x: Any, scale: Any, zero_point: Any, **attributes: Any) -> str:
        """Quantize and dequantize."""
        scale, zero_point = self.constant(scale), self.constant(zero_point)
        quantized = self.node("QuantizeLinear", x, scale, zero_point, **attributes)
        return self.node("DequantizeLinear", quantized, scale, zero_point, **attributes)

    def save(self, path: Path, shape: tuple[int | str, ...], opset: int = 21) -> Path:
        self.nodes[-1].output[0] = "y"
        graph = helper.make_graph(
            self.nodes,
            "qdq",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [onnx.ValueInfoProto(name="y")],
            self.weights,
        )
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, ir_version=10, opset_imports=opsets)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)
        return path


def check(path: Path, x: NDArray, integer_layers: list[str]) -> quantc.Model:
    """Compare all forms; return the integer one."""
    expected = run_onnxruntime(path, {"x": x})
    simulated = quantc.load(path)
    step = np.abs(expected).max() / 127
    np.testing.assert_allclose(quantc.interpret(simulated, x), expected, atol=step, rtol=0)
    quantized = quantc.quantize(simulated)
    actual = quantc.interpret(quantized, x)
    assert quantc.compile(quantized)(x).tobytes() == actual.tobytes()
    steps = np.abs(np.rint(actual / step) - np.rint(expected / step))
    assert steps.max() <= 1 and (steps > 0).mean() <= 0.01
    assert [n for n, layer in quantized.layers.items() if layer.mode is not None] == integer_layers
    return quantized


def integers(shape: tuple[int, ...], low: int, high: int, dtype: Any) -> NDArray:
    return np.random.default_rng(0).integers(low, high, shape).astype(dtype)


def scales(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).uniform(0.01, 0.02, shape).astype(np.float32)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("per_channel", [False, True])
def test_static_mlp(tmp_path: Path, transposed: bool, signed: bool, per_channel: bool) -> None:
    graph = Builder()
    dtype = np.int8 if signed else np.uint8
    zero = 0 if signed else 128
    value = "x"
    for index, (k, n) in enumerate([(24, 16), (16, 5)]):
        value = graph.pair(value, np.float32(0.03), dtype(zero + 7))
        scale = scales(n) if per_channel else np.float32(0.015)
        weight = integers((n, k) if transposed else (k, n), zero - 127, zero + 128, dtype)
        zero_point = np.full(np.shape(scale), zero, dtype)
        axis = 0 if transposed else 1
        weight = graph.node("DequantizeLinear", weight, scale, zero_point, axis=axis)
        bias_scale = np.float32(0.03) * np.float32(scale)
        bias = integers((n,), -1000, 1000, np.int32)
        bias = graph.node("DequantizeLinear", bias, bias_scale, axis=0)
        value = graph.node("Gemm", value, weight, bias, name=f"fc{index}", transB=int(transposed))
        if index == 0:
            value = graph.node("Relu", value)
    value = graph.pair(value, np.float32(0.05), dtype(zero))
    path = graph.save(tmp_path / "model.onnx", ("batch", 24))
    quantized = check(path, random_inputs((33, 24)), ["fc0", "fc1"])
    layer = quantized.layers["fc0"]
    assert layer.mode == "static" and layer.output_scale is not None
    assert layer.granularity == ("per_channel" if per_channel else "per_tensor")
    assert layer.weight.shape == ((16, 24) if transposed else (24, 16))
    assert layer.input_zero_point == 7 and layer.input_scale == np.float32(0.03)


@pytest.mark.parametrize("dtype", [INT4, UINT4])
@pytest.mark.parametrize("transposed", [False, True])
def test_blocked_weights_of_4_bits(tmp_path: Path, dtype: Any, transposed: bool) -> None:
    graph = Builder()
    low = -8 if dtype == INT4 else 0
    zero = low + 8 if dtype == INT4 else 8
    weight, scale = integers((32, 7), low, low + 16, dtype), scales(4, 7)
    zero_point = np.full((4, 7), zero, dtype)
    if transposed:
        weight, scale, zero_point = weight.T.copy(), scale.T.copy(), zero_point.T.copy()
    weight = graph.node(
        "DequantizeLinear", weight, scale, zero_point, axis=int(transposed), block_size=8
    )
    if transposed:
        weight = graph.node("Transpose", weight, perm=[1, 0])
    graph.node("MatMul", "x", weight, name="fc")
    path = graph.save(tmp_path / "model.onnx", ("batch", 32))
    quantized = check(path, random_inputs((9, 32)), ["fc"])
    layer = quantized.layers["fc"]
    assert (layer.mode, layer.weight_bits, layer.granularity) == ("weight_only", 4, "per_group")


def test_more_dimensions(tmp_path: Path) -> None:
    graph = Builder()
    value = "x"
    for index in range(2):
        value = graph.pair(value, np.float32(0.02), np.uint8(120))
        weight = graph.pair(
            random_inputs((16, 16), index), scales(16), np.zeros(16, np.int8), axis=1
        )
        value = graph.node("MatMul", value, weight, name=f"fc{index}")
        value = graph.node("Add", value, random_inputs((16,), 5))
    path = graph.save(tmp_path / "model.onnx", ("batch", 3, 16))
    quantized = check(path, random_inputs((5, 3, 16)), ["fc0", "fc1"])
    assert quantized.layers["fc0"].output_scale is not None


@pytest.mark.parametrize("per_channel", [False, True])
def test_model_that_onnxruntime_quantized(tmp_path: Path, per_channel: bool) -> None:
    quantization = pytest.importorskip("onnxruntime.quantization")

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter([{"x": random_inputs((16, 24), seed)} for seed in range(4)])

        def get_next(self) -> Any:
            return next(self.batches, None)

    source = random_mlp(tmp_path / "float.onnx", (24, 16, 8))
    path = tmp_path / "qdq.onnx"
    quantization.quantize_static(
        source,
        path,
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        weight_type=quantization.QuantType.QInt8,
        per_channel=per_channel,
    )
    check(path, random_inputs((33, 24)), ["fc1", "fc2"])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_integers_as_results(tmp_path: Path, dtype: Any) -> None:
    graph = Builder()
    graph.node("QuantizeLinear", "x", scales(4), np.array([0, 3, 5, 7], dtype), axis=1)
    path = graph.save(tmp_path / "model.onnx", ("batch", 4))
    x = random_inputs((8, 4))
    actual = quantc.interpret(quantc.load(path), x)
    assert actual.view(dtype).tobytes() == run_onnxruntime(path, {"x": x}).tobytes()


def save_bad(path: Path, op: str, *inputs: Any, **attributes: Any) -> Path:
    graph = Builder()
    graph.node(op, *inputs, name="node", **attributes)
    return graph.save(path, (4, 6))


MICROSOFT = {"domain": "com.microsoft"}
PARAMETERS = (np.float32(0.1), np.int8(0))
QUANTIZED = (np.zeros((1, 1, 4), np.int8), *PARAMETERS)


@pytest.mark.parametrize(
    ("op", "inputs", "attributes", "message"),
    [
        ("QuantizeLinear", ("x", scales(5)), {}, r"node: scale of shape \[5\] for a tensor of"),
        ("QuantizeLinear", ("x", scales(4)), {"axis": 2}, "node: .*axis"),
        ("QuantizeLinear", ("x", scales(2, 6)), {"axis": 0, "block_size": 3}, "node: scale of"),
        ("QuantizeLinear", ("x", scales(), np.int32(0)), {}, "FLOAT to INT32; expects FLOAT to"),
        (
            "QuantizeLinear",
            ("x", scales(), np.zeros(6, np.int8)),
            {},
            "zero point of type INT8 and",
        ),
        ("DequantizeLinear", (integers((4, 6), 0, 9, np.int64), scales()), {}, "of INT64; expects"),
        ("MatMulInteger", ("x", np.zeros((6, 2), np.int8)), {}, "MatMulInteger of FLOAT; expects"),
        (
            "ConvInteger",
            (np.zeros((1, 2, 5), np.int8), np.zeros((3, 2, 3), np.int8), np.zeros(2, np.int8)),
            {},
            "ConvInteger of .* with a zero point",
        ),
        ("QLinearConv", (*QUANTIZED, *QUANTIZED, *PARAMETERS), {"group": 3}, "QLinearConv of"),
        ("QLinearMul", (*QUANTIZED, "x", *PARAMETERS, *PARAMETERS), MICROSOFT, "of FLOAT"),
        (
            "QLinearAveragePool",
            (*QUANTIZED, *PARAMETERS),
            {**MICROSOFT, "channels_last": 1},
            "channels last",
        ),
        ("QGemm", (*QUANTIZED, *QUANTIZED), {**MICROSOFT, "alpha": 2.0}, "QGemm with alpha"),
        (
            "QLinearSoftmax",
            (*QUANTIZED, *PARAMETERS),
            {**MICROSOFT, "opset": 11},
            "QLinearSoftmax of opset 11",
        ),
        (
            "MatMulNBits",
            ("x", np.zeros((2, 2, 8), np.uint8), scales(2)),
            {**MICROSOFT, "K": 6, "N": 2, "block_size": 4},
            "whole blocks along K",
        ),
        (
            "MatMulNBits",
            ("x", np.zeros((2, 1, 2), np.uint8), scales(2)),
            {**MICROSOFT, "K": 6, "N": 2, "block_size": 6},
            "expects constants of 6 bytes",
        ),
        (
            "MatMulNBits",
            ("x", np.zeros((2, 1, 3), np.uint8), scales(3)),
            {**MICROSOFT, "K": 6, "N": 2, "block_size": 6},
            "with scales of shape",
        ),
        (
            "MatMulIntegerToFloat",
            (np.zeros((4, 6), np.int8), np.zeros((6, 2), np.int8), scales(1), scales(3)),
            MICROSOFT,
            "do not broadcast",
        ),
    ],
)
def test_errors(tmp_path: Path, op: str, inputs: Any, attributes: Any, message: str) -> None:
    path = save_bad(tmp_path / "model.onnx", op, *inputs, **attributes)
    with pytest.raises(quantc.Error, match=message):
        quantc.load(path)


def dynamic_chain(b: Builder, weight: NDArray, zero_point: Any, scale: Any) -> None:
    """What onnxruntime's quantize_dynamic writes."""
    b.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]))
    product = b.node("MatMulInteger", "q", weight, "z", zero_point, name="fc")
    scale = b.node("Mul", "s", scale)
    result = b.node("Mul", b.node("Cast", product, to=TensorProto.FLOAT), scale)
    b.node("Add", result, random_inputs((12,), seed=3))


def fused_chain(b: Builder, weight: NDArray, zero_point: Any, scale: Any) -> None:
    bias = random_inputs((12,), seed=3)
    b.node("DynamicQuantizeMatMul", "x", weight, scale, zero_point, bias, name="fc", **MICROSOFT)


def half_fused_chain(b: Builder, weight: NDArray, zero_point: Any, scale: Any) -> None:
    b.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]))
    b.node("MatMulIntegerToFloat", "q", weight, "s", scale, "z", zero_point, name="fc", **MICROSOFT)


@pytest.mark.parametrize(
    ("chain", "dtype", "per_column"),
    [
        (dynamic_chain, np.int8, True),
        (dynamic_chain, np.uint8, False),
        (fused_chain, np.int8, False),
        (half_fused_chain, np.uint8, True),
    ],
)
def test_dynamic_quantization(tmp_path: Path, chain: Any, dtype: Any, per_column: bool) -> None:
    """Exact, and so is the layer of integers, since sums and roundings are the same."""
    b = Builder()
    zero = 0 if dtype == np.int8 else 128
    weight = integers((300, 12), zero - 127, zero + 128, dtype)
    zero_point = np.full(12, zero, dtype) if per_column else dtype(zero + 1)
    chain(b, weight, zero_point, scales(12) if per_column else scales())
    path = b.save(tmp_path / "dynamic.onnx", ("batch", 300))
    model = quantc.load(path)
    quantized = quantc.quantize(model)
    assert quantized.layers["fc"].mode == "dynamic"
    program = quantc.compile(quantized)
    # What onnxruntime fuses multiplies and adds at once.
    tolerance = 0.0 if chain is dynamic_chain and not SATURATES else 1e-5
    for seed, size in ((0, 1.0), (1, 100.0), (2, 1e-3)):
        x = (size * random_inputs((9, 300), seed=seed)).astype(np.float32)
        expected = run_onnxruntime(path, {"x": x}, integers=True)
        actual = quantc.interpret(model, x)
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * size)
        assert quantc.interpret(quantized, x).tobytes() == actual.tobytes()
        assert program(x).tobytes() == actual.tobytes()


def attention(path: Path, dtype: Any) -> Path:
    """Save attention, its operands quantized."""
    middle = 128 if dtype == np.uint8 else 0
    b = Builder()
    x = b.pair("x", np.float32(0.03), dtype(middle + 5))
    heads = b.node("Reshape", x, np.array([0, 8, 3, 4]))
    q = b.node("Transpose", heads, perm=[0, 2, 1, 3])
    k = b.node("Transpose", heads, perm=[0, 2, 3, 1])
    scores = b.node("MatMul", q, k, name="scores")
    p = b.pair(b.node("Softmax", scores), np.float32(1 / 255), dtype(middle - 128))
    b.node("MatMul", p, q, name="mix")
    return b.save(path, ("batch", 8, 12))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_products_of_two_activations(tmp_path: Path, dtype: Any) -> None:
    """Both products of attention are computed in integers, head by head."""
    path = attention(tmp_path / "model.onnx", dtype)
    x = random_inputs((2, 8, 12))
    quantized = check(path, x, ["scores", "mix"])
    for name in ("scores", "mix"):
        layer = quantized.layers[name]
        assert (layer.kind, layer.mode, layer.weight, layer.weight_bits) == (
            "product", "static", None, 8,
        )  # fmt: skip
    assert "linalg.batch_matmul" not in quantized.mlir()
    assert quantized.mlir().count("quant.linear") == 2
    with pytest.raises(quantc.Error, match="scores: a product of two activations; expects layers"):
        quantc.export_onnx(path, quantized, tmp_path / "again.onnx")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("target", ["x86-64-v2", "x86-64-v3", "x86-64-v4+avx512vnni"])
def test_products_on_x86(tmp_path: Path, dtype: Any, target: str) -> None:
    require(target)
    x = random_inputs((2, 8, 12))
    quantized = quantc.quantize(quantc.load(attention(tmp_path / "model.onnx", dtype)))
    actual = quantc.compile(quantized, target=target)(x)
    np.testing.assert_array_equal(actual, quantc.interpret(quantized, x))


@pytest.mark.skipif(not is_available(), reason="needs a compiler and an emulator of AArch64")
def test_products_on_aarch64(tmp_path: Path) -> None:
    x = random_inputs((2, 8, 12))
    quantized = quantc.quantize(quantc.load(attention(tmp_path / "model.onnx", np.uint8)))
    expected = quantc.interpret(quantized, x)
    for target in ("aarch64", "aarch64+dotprod", "aarch64+i8mm"):
        actual = run_aarch64(quantized, target, x, expected, tmp_path)
        np.testing.assert_array_equal(actual, expected)
