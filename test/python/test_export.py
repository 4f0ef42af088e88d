"""Quantized models as ONNX QDQ: onnxruntime runs them to within a step of our results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import quantc
from networks import random_inputs, random_mlp
from oracle import run_onnxruntime
from quantc.cli import main


def check(source: Path, quantized: quantc.Model, path: Path, x: Any) -> onnx.ModelProto:
    """Export; compare onnxruntime's result with ours."""
    quantc.export_onnx(source, quantized, path)
    expected = quantc.interpret(quantized, x)
    step = np.abs(expected).max() / 127
    for optimized in (False, True):
        actual = run_onnxruntime(path, {"x": x}, optimized)
        assert np.abs(actual - expected).max() <= step
    # What we read again is what we had.
    again = quantc.quantize(quantc.load(path))
    for name, layer in quantized.layers.items():
        np.testing.assert_array_equal(again.layers[name].weight, layer.weight)
    return onnx.load(path)


@pytest.mark.parametrize(
    "config",
    [
        {"mode": "static"},
        {"mode": "static", "granularity": "per_tensor", "symmetric_weights": False},
        {"mode": "static", "skip_layers": ["fc2"]},
        {"mode": "static", "weight_bits": 4, "group_size": 16},
        {"mode": "static", "weight_bits": 4, "granularity": "per_channel"},
        {"mode": "weight_only", "weight_bits": 4, "group_size": 16},
        {"mode": "weight_only"},
    ],
    ids=str,
)
def test_mlp(tmp_path: Path, config: dict[str, Any]) -> None:
    source = random_mlp(tmp_path / "float.onnx", (40, 16, 8))
    x = random_inputs((33, 40))
    settings = quantc.QuantizationConfig(**config)
    data = [x] if config["mode"] == "static" else None
    quantized = quantc.quantize(quantc.load(source), settings, calibration_data=data)
    model = check(source, quantized, tmp_path / "qdq.onnx", x)
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    stored = TensorProto.INT4 if config.get("weight_bits") == 4 else TensorProto.INT8
    assert stored in kinds


def save(path: Path, *nodes: onnx.NodeProto, opset: int = 17, **weights: Any) -> Path:
    graph = helper.make_graph(
        list(nodes),
        "model",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", 24))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("batch", None))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", opset)])
    onnx.save(model, path)
    return path


def test_shared_inputs_and_square_weights(tmp_path: Path) -> None:
    """Layers of one input share its QDQ; K = N does not hide the order of a weight."""
    source = save(
        tmp_path / "float.onnx",
        helper.make_node("MatMul", ["x", "a"], ["u"], name="first"),
        helper.make_node("Gemm", ["x", "b"], ["v"], name="second", transB=1, alpha=0.5),
        helper.make_node("Add", ["u", "v"], ["y"]),
        a=random_inputs((24, 24), seed=1),
        b=random_inputs((24, 24), seed=2),
    )
    x = random_inputs((9, 24))
    config = quantc.QuantizationConfig(mode="static")
    quantized = quantc.quantize(quantc.load(source), config, calibration_data=[x])
    model = check(source, quantized, tmp_path / "qdq.onnx", x)
    assert [node.op_type for node in model.graph.node].count("QuantizeLinear") == 1


@pytest.mark.parametrize("mode", ["static", "weight_only"])
def test_convolutions(tmp_path: Path, mode: Any) -> None:
    kernel, weight = random_inputs((5, 2, 3, 2), seed=1), random_inputs((5 * 3 * 4, 6), seed=2)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "k"], ["c"], name="conv", pads=[0, 0, 1, 0]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("Flatten", ["r"], ["f"]),
            helper.make_node("MatMul", ["f", "w"], ["y"], name="fc"),
        ],
        "model",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", 2, 4, 5))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("batch", 6))],
        [numpy_helper.from_array(kernel, "k"), numpy_helper.from_array(weight, "w")],
    )
    opsets = [helper.make_opsetid("", 17)]
    source = tmp_path / "float.onnx"
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=opsets), source)
    x = random_inputs((4, 2, 4, 5))
    config = quantc.QuantizationConfig(mode=mode)
    data = [x] if mode == "static" else None
    quantized = quantc.quantize(quantc.load(source), config, calibration_data=data)
    assert quantized.layers["conv"].mode == mode
    check(source, quantized, tmp_path / "qdq.onnx", x)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = random_mlp(tmp_path / "float.onnx", (40, 16, 8))
    config = quantc.QuantizationConfig(mode="weight_only")
    quantc.quantize(quantc.load(source), config).save(tmp_path / "int8.mlir")
    arguments = ["export", str(source), str(tmp_path / "int8.mlir"), "-o"]
    assert main([*arguments, str(tmp_path / "int8.onnx")]) == 0
    onnx.checker.check_model(onnx.load(tmp_path / "int8.onnx"))
    assert main([*arguments, str(tmp_path / "absent" / "int8.onnx")]) == 1
    assert "cannot write: No such file" in capsys.readouterr().err


def test_errors(tmp_path: Path) -> None:
    source = random_mlp(tmp_path / "float.onnx", (40, 16, 8))
    other = save(
        tmp_path / "other.onnx",
        helper.make_node("MatMul", ["x", "a"], ["y"], name="other"),
        a=random_inputs((24, 8)),
    )
    (tmp_path / "bad.onnx").write_bytes(b"\x0a\xff\xff")
    path = tmp_path / "out.onnx"
    model = quantc.load(source)
    dynamic = quantc.quantize(model, quantc.QuantizationConfig(mode="dynamic"))
    with pytest.raises(quantc.Error, match="fc1: a layer in mode dynamic has a scale for each row"):
        quantc.export_onnx(source, dynamic, path)
    quantized = quantc.quantize(model, quantc.QuantizationConfig(mode="weight_only"))
    with pytest.raises(quantc.Error, match=r"other.onnx: there is no layer 'fc1'; expects"):
        quantc.export_onnx(other, quantized, path)
    with pytest.raises(quantc.Error, match=r"bad.onnx: .*not an ONNX model"):
        quantc.export_onnx(tmp_path / "bad.onnx", quantized, path)
    with pytest.raises(quantc.Error, match=r"absent.onnx: cannot be read"):
        quantc.export_onnx(tmp_path / "absent.onnx", quantized, path)
    with pytest.raises(quantc.Error, match=r"out.onnx: a program is saved as .mlir or .mlirbc"):
        quantized.save(path)
    assert not path.exists()
