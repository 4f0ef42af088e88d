"""Convolutions from ONNX to integer code: a linear layer over patches."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

import emulation
import quantc
from networks import save
from oracle import run_onnxruntime
from quantc import QuantizationConfig

RNG = np.random.default_rng(0)


def floats(*shape: int) -> NDArray[np.float32]:
    return (RNG.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


KERNELS = {"conv1": floats(8, 3, 3, 3), "conv2": floats(12, 8, 3, 2)}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two convolutions with padding and strides, and a linear layer."""
    initializers = KERNELS | {"b1": floats(8), "b2": floats(12), "w3": floats(5, 12 * 3 * 4)}
    nodes = [
        helper.make_node("Conv", ["x", "conv1", "b1"], ["y1"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["y1"], ["r1"]),
        helper.make_node("Conv", ["r1", "conv2", "b2"], ["y2"], "conv2", strides=[2, 2]),
        helper.make_node("Relu", ["y2"], ["r2"]),
        helper.make_node("Flatten", ["r2"], ["f"]),
        helper.make_node("Gemm", ["f", "w3"], ["y"], "fc", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "convolutions",
        [helper.make_tensor_value_info("x", 1, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", 1, ["n", 5])],
        [numpy_helper.from_array(value, name) for name, value in initializers.items()],
    )
    return save(graph, tmp_path_factory.mktemp("models") / "convolutions.onnx")


@pytest.fixture(scope="module")
def x() -> NDArray[np.float32]:
    return RNG.standard_normal((3, 3, 8, 8)).astype(np.float32)


MODES = {
    "static": QuantizationConfig(),
    "dynamic": QuantizationConfig(mode="dynamic"),
    "weight-only": QuantizationConfig(activation_bits=32, mode="weight_only"),
    "groups": QuantizationConfig(
        weight_bits=4, granularity="per_group", group_size=24, skip_layers=["conv1"]
    ),
}


@pytest.mark.parametrize("mode", MODES)
def test_same_bytes(mode: str, path: Path, x: NDArray[np.float32]) -> None:
    """Interpreter and compiled code agree, and both are near the float model."""
    model = quantc.load(path)
    expected = quantc.interpret(model, x)
    quantized = quantc.quantize(model, MODES[mode], calibration_data=[x])
    result = quantc.interpret(quantized, x)
    np.testing.assert_allclose(result, expected, atol=0.03 if mode != "groups" else 0.2)
    np.testing.assert_array_equal(quantc.compile(quantized)(x), result)
    # A sample does not depend on the others.
    np.testing.assert_array_equal(quantc.interpret(quantized, x[:1]), result[:1])


def quantize_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Quantize each row to 8 bits by its own range, and dequantize it."""
    low, high = (f(rows, 1, initial=0, keepdims=True) for f in (np.min, np.max))
    scale = (high - low) / np.float32(255)
    zero = np.rint(-128 - low / scale)
    return (np.clip(np.rint(rows / scale) + zero, -128, 127) - zero) * scale


@pytest.mark.parametrize("kernel", [(3, 3), (3, 1), (1, 1)], ids=str)
def test_parameters_of_dynamic(kernel: tuple[int, int], tmp_path: Path) -> None:
    """Each image has parameters; where the window lies along one dimension, each window has."""
    weight = RNG.integers(-127, 128, (4, 2, *kernel)).astype(np.float32)
    # One is the scale of all channels.
    weight[:, 0, 0, 0] = 127
    file = tmp_path / "conv.onnx"
    pads = [size // 2 for size in kernel] * 2
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv", pads=pads)],
        "conv",
        [helper.make_tensor_value_info("x", 1, ["n", 2, 6, 5])],
        [helper.make_tensor_value_info("y", 1, ["n", 4, 6, 5])],
        [numpy_helper.from_array(weight, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), file)
    x = floats(3, 2, 6, 5) * np.float32([[[[1]]], [[[10]]], [[[0.1]]]])
    x[:, :, 0, 0] *= 20
    quantized = quantc.quantize(quantc.load(file), QuantizationConfig(mode="dynamic"))
    padded = np.pad(x, ((0, 0), (0, 0), *((size // 2,) * 2 for size in kernel)))
    if min(kernel) > 1:
        padded = quantize_rows(padded.reshape(3, -1)).reshape(padded.shape)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel, (2, 3))
    rows = windows.transpose(0, 2, 3, 1, 4, 5).reshape(3 * 6 * 5, -1)
    if min(kernel) == 1:
        rows = quantize_rows(rows)
    expected = (rows @ weight.reshape(4, -1).T).reshape(3, 6, 5, 4).transpose(0, 3, 1, 2)
    result = quantc.interpret(quantized, x)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(quantc.compile(quantized)(x), result)


def test_blocks_of_places(tmp_path: Path) -> None:
    """Patches that no cache holds are made block by block, shared by threads."""
    file = tmp_path / "large.onnx"
    kernel = numpy_helper.from_array(floats(4, 96, 3, 3), "w")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], "conv", pads=[1, 1, 1, 1])],
        "large",
        [helper.make_tensor_value_info("x", 1, ["n", 96, 28, 28])],
        [helper.make_tensor_value_info("y", 1, ["n", 4, 28, 28])],
        [kernel],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), file)
    inputs = RNG.standard_normal((1, 96, 28, 28)).astype(np.float32)
    quantized = quantc.quantize(quantc.load(file), calibration_data=[inputs])
    expected = quantc.interpret(quantized, inputs)
    for target, threads in (("native", 2), ("x86-64-v3", 1)):
        program = quantc.compile(quantized, target=target, threads=threads)
        np.testing.assert_array_equal(program(inputs), expected)


@pytest.mark.parametrize("config", [None, QuantizationConfig(weight_bits=4)], ids=["float", "int4"])
def test_training(config: QuantizationConfig | None, path: Path) -> None:
    """Training lowers the loss, and what it predicts is what ships."""
    inputs = RNG.standard_normal((64, 3, 8, 8)).astype(np.float32)
    labels = inputs[:, 0, :3, :3].mean((1, 2)) > 0
    options = {"epochs": 8, "lr": 3e-3, "batch_size": 32, "warm_up": 2, "seed": 0}
    trainer = quantc.Trainer(quantc.load(path), config, **options)
    history = trainer.fit(inputs, labels.astype(np.int64))
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    quantized = trainer.convert()
    assert quantized.layers["conv2"].weight.shape == KERNELS["conv2"].shape
    assert quantized.layers["conv2"].weight_bits == (4 if config else 32)
    predicted = trainer.predict(inputs)
    np.testing.assert_array_equal(quantc.interpret(quantized, inputs), predicted)
    np.testing.assert_array_equal(quantc.compile(quantized)(inputs), predicted)


def test_layers_have_the_shape_of_the_model(path: Path, x: NDArray[np.float32]) -> None:
    quantized = quantc.quantize(quantc.load(path), QuantizationConfig(), calibration_data=[x])
    for name, kernel in KERNELS.items():
        layer = quantized.layers[name]
        assert layer.skipped_because is None
        assert layer.weight.shape == layer.integer_weight.shape == kernel.shape
        scale = np.abs(kernel).max(axis=(1, 2, 3)) / np.float32(127)
        np.testing.assert_array_equal(layer.weight_scale, scale)
        rounded = np.rint(kernel / scale[:, None, None, None])
        np.testing.assert_array_equal(layer.weight, rounded)
        np.testing.assert_array_equal(
            layer.dequantized_weight, layer.weight * scale[:, None, None, None]
        )


@pytest.mark.parametrize("mode", ["static", "groups"])
def test_export(mode: str, path: Path, x: NDArray[np.float32], tmp_path: Path) -> None:
    config = MODES[mode]
    if mode == "groups":
        config = dataclasses.replace(config, group_size=8)
    quantized = quantc.quantize(quantc.load(path), config, calibration_data=[x])
    quantc.export_onnx(path, quantized, tmp_path / "qdq.onnx")
    actual = run_onnxruntime(tmp_path / "qdq.onnx", {"x": x}, optimized=True)
    np.testing.assert_allclose(actual, quantc.interpret(quantized, x), atol=2e-2)


def test_float_weights_keep_their_shape(path: Path) -> None:
    model = quantc.load(path)
    for name, kernel in KERNELS.items():
        np.testing.assert_array_equal(model.layers[name].weight, kernel)
        np.testing.assert_array_equal(model.parameters[f"{name}.weight"], kernel)


GROUPED = {
    "depthwise": floats(8, 1, 3, 3),
    "pointwise": floats(12, 4, 1, 1),
    "repeated": floats(24, 1, 3, 2),
    "grouped": floats(6, 8, 3, 2),
}


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Depthwise convolutions, one with two outputs a channel, and convolutions in groups."""
    attributes = {
        "depthwise": {"group": 8, "pads": [1, 1, 1, 1]},
        "pointwise": {"group": 2},
        "repeated": {"group": 12, "strides": [2, 1], "dilations": [1, 2]},
        "grouped": {"group": 3, "pads": [1, 0, 1, 1]},
    }
    nodes, x = [], "x"
    initializers = dict(GROUPED)
    for name, values in attributes.items():
        initializers[f"{name}.b"] = floats(len(GROUPED[name]))
        nodes += [
            helper.make_node("Conv", [x, name, f"{name}.b"], [f"{name}.y"], name, **values),
            helper.make_node("Relu", [f"{name}.y"], [f"{name}.r"]),
        ]
        x = f"{name}.r"
    graph = helper.make_graph(
        nodes,
        "grouped",
        [helper.make_tensor_value_info("x", 1, ["n", 8, 7, 9])],
        [helper.make_tensor_value_info(x, 1, ["n", 6, 3, 7])],
        [numpy_helper.from_array(value, name) for name, value in initializers.items()],
    )
    return save(graph, tmp_path_factory.mktemp("models") / "grouped.onnx")


@pytest.fixture(scope="module")
def grouped_x() -> NDArray[np.float32]:
    return RNG.standard_normal((2, 8, 7, 9)).astype(np.float32)


@pytest.mark.parametrize("mode", ["float", "static", "dynamic", "weight-only", "int4"])
def test_groups(mode: str, grouped: Path, grouped_x: NDArray[np.float32]) -> None:
    """Each is one layer with the weight of the model; the same bytes everywhere."""
    onnxruntime = pytest.importorskip("onnxruntime")
    expected = onnxruntime.InferenceSession(grouped).run(None, {"x": grouped_x})[0]
    model = quantc.load(grouped)
    if mode != "float":
        config = MODES.get(mode, QuantizationConfig(weight_bits=4))
        model = quantc.quantize(model, config, calibration_data=[grouped_x])
    assert list(model.layers) == list(GROUPED)
    for name, kernel in GROUPED.items():
        layer = model.layers[name]
        assert layer.weight.shape == kernel.shape
        if mode == "static":
            assert layer.skipped_because is None
            scale = np.abs(kernel).max(axis=(1, 2, 3)) / np.float32(127)
            np.testing.assert_array_equal(layer.weight_scale, scale)
            np.testing.assert_array_equal(
                layer.weight, np.rint(kernel / scale.reshape(-1, 1, 1, 1))
            )
    result = quantc.interpret(model, grouped_x)
    tolerance = {"float": 1e-5, "int4": 0.3}.get(mode, 0.03)
    np.testing.assert_allclose(result, expected, atol=tolerance)
    for target in ("native", "x86-64-v3") if mode in ("float", "static") else ("native",):
        np.testing.assert_array_equal(quantc.compile(model, target=target)(grouped_x), result)


@pytest.mark.skipif(not emulation.is_available(), reason="needs qemu and a cross compiler")
@pytest.mark.parametrize(("mode", "target"), [("float", "aarch64"), ("static", "aarch64+dotprod")])
def test_groups_on_aarch64(
    mode: str, target: str, grouped: Path, grouped_x: NDArray[np.float32], tmp_path: Path
) -> None:
    model = quantc.load(grouped)
    if mode == "static":
        model = quantc.quantize(model, calibration_data=[grouped_x])
    expected = quantc.interpret(model, grouped_x)
    result = emulation.run_aarch64(model, target, grouped_x, expected, tmp_path)
    np.testing.assert_array_equal(result, expected)


def test_groups_of_scales_divide_one_output(grouped: Path, grouped_x: NDArray[np.float32]) -> None:
    """Where they do not, the layer stays float for that reason."""
    config = QuantizationConfig(weight_bits=4, granularity="per_group", group_size=24)
    layers = quantc.quantize(quantc.load(grouped), config, calibration_data=[grouped_x]).layers
    assert layers["grouped"].weight_bits == 4 and layers["grouped"].skipped_because is None
    assert layers["depthwise"].skipped_because == (
        "scales of 24 weights do not divide the 9 of one output, which reads one group of channels"
    )


@pytest.mark.parametrize("per_channel", [False, True])
def test_quantized_groups(
    per_channel: bool, grouped: Path, grouped_x: NDArray[np.float32], tmp_path: Path
) -> None:
    """A model that was quantized elsewhere runs in integers."""
    pytest.importorskip("onnxruntime")
    static = quantc.quantize(
        quantc.load(grouped),
        QuantizationConfig(granularity="per_channel" if per_channel else "per_tensor"),
        calibration_data=[grouped_x],
    )
    quantc.export_onnx(grouped, static, tmp_path / "qdq.onnx")
    model = quantc.quantize(quantc.load(tmp_path / "qdq.onnx"))
    assert all(layer.mode == "static" for layer in model.layers.values())
    np.testing.assert_array_equal(
        quantc.interpret(model, grouped_x), quantc.interpret(static, grouped_x)
    )


def test_training_of_groups(tmp_path: Path) -> None:
    """What a quantized model with convolutions in groups predicts in training is what ships."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["y1"], "depthwise", group=4, pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["y1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["y2"], "grouped", group=2),
        helper.make_node("Flatten", ["y2"], ["f"]),
        helper.make_node("Gemm", ["f", "w3"], ["y"], "fc", transB=1),
    ]
    weights = {"w1": floats(8, 1, 3, 3), "w2": floats(6, 4, 1, 1), "w3": floats(2, 6 * 5 * 5)}
    graph = helper.make_graph(
        nodes,
        "training",
        [helper.make_tensor_value_info("x", 1, ["n", 4, 5, 5])],
        [helper.make_tensor_value_info("y", 1, ["n", 2])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    file = tmp_path / "training.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), file)
    inputs = RNG.standard_normal((64, 4, 5, 5)).astype(np.float32)
    labels = (inputs[:, 0, :3, :3].mean((1, 2)) > 0).astype(np.int64)
    options = {"epochs": 8, "lr": 1e-2, "batch_size": 32, "warm_up": 2, "seed": 0}
    trainer = quantc.Trainer(quantc.load(file), QuantizationConfig(), **options)
    history = trainer.fit(inputs, labels)
    assert history[-1]["loss"] < 0.9 * history[0]["loss"]
    quantized = trainer.convert()
    assert all(layer.skipped_because is None for layer in quantized.layers.values())
    predicted = trainer.predict(inputs)
    np.testing.assert_array_equal(quantc.interpret(quantized, inputs), predicted)
    np.testing.assert_array_equal(quantc.compile(quantized)(inputs), predicted)


TRANSPOSED = {"last": [0, 2, 3, 1], "first": [0, 3, 1, 2], "pairs": [2, 3, 0, 1]}


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.int64])
def test_channels_change_places(dtype: type, tmp_path: Path) -> None:
    """Sides of all lengths around that of a square, and one that is not known."""
    shape = [20, 7, 9]
    x = RNG.integers(-100, 100, (3, *shape)).astype(dtype)
    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    inputs = [helper.make_tensor_value_info("x", element, ["n", *shape])]
    nodes = [helper.make_node("Transpose", ["x"], [k], perm=p) for k, p in TRANSPOSED.items()]
    outputs = [
        helper.make_tensor_value_info(name, element, [["n", *shape][dim] for dim in order])
        for name, order in TRANSPOSED.items()
    ]
    graph = helper.make_graph(nodes, "all", inputs, outputs)
    model = quantc.load(save(graph, tmp_path / "all.onnx"))
    for target in ("native", "x86-64-v3", "x86-64"):
        results = quantc.compile(model, target=target)(x)
        for name, order in TRANSPOSED.items():
            np.testing.assert_array_equal(results[name], x.transpose(order))
    if emulation.is_available():
        graph = helper.make_graph(nodes[:1], "one", inputs, outputs[:1])
        model = quantc.load(save(graph, tmp_path / "one.onnx"))
        expected = np.ascontiguousarray(x.transpose(TRANSPOSED["last"]))
        result = emulation.run_aarch64(model, "aarch64", x, expected, tmp_path)
        np.testing.assert_array_equal(result, expected)


@pytest.fixture(scope="module")
def residual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Convolutions whose sums meet biases, a ReLU and what other convolutions give.

    Patches of ``wide`` take several blocks, and the columns of ``ragged`` no whole panel.
    """
    initializers = {
        "wide": floats(64, 16, 3, 3),
        "point": floats(64, 16, 1, 1),
        "ragged": floats(20, 64, 1, 1),
        **{f"b{i}": floats(size) for i, size in enumerate((64, 64, 20))},
    }
    nodes = [
        helper.make_node("Conv", ["x", "wide", "b0"], ["y0"], "wide", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["y0"], ["r0"]),
        helper.make_node("Conv", ["x", "point", "b1"], ["y1"], "point"),
        helper.make_node("Add", ["r0", "y1"], ["s1"]),
        helper.make_node("Relu", ["s1"], ["r1"]),
        helper.make_node("Conv", ["r1", "ragged", "b2"], ["y2"], "ragged"),
        helper.make_node("Relu", ["y2"], ["r2"]),
        helper.make_node("Add", ["r1", "y1"], ["s2"]),
    ]
    graph = helper.make_graph(
        nodes,
        "residual",
        [helper.make_tensor_value_info("x", 1, ["n", 16, 34, 33])],
        [
            helper.make_tensor_value_info("r2", 1, ["n", 20, 34, 33]),
            helper.make_tensor_value_info("s2", 1, ["n", 64, 34, 33]),
        ],
        [numpy_helper.from_array(value, name) for name, value in initializers.items()],
    )
    return save(graph, tmp_path_factory.mktemp("models") / "residual.onnx")


@pytest.mark.parametrize("mode", ["float", "static", "weight-only"])
def test_epilogues(mode: str, residual: Path) -> None:
    x = RNG.standard_normal((2, 16, 34, 33)).astype(np.float32)
    model = quantc.load(residual)
    if mode != "float":
        model = quantc.quantize(model, MODES[mode], calibration_data=[x])
    expected = quantc.interpret(model, x)
    for target, threads in (("native", 2), ("x86-64-v3", 1)):
        results = quantc.compile(model, target=target, threads=threads)(x)
        for name, value in expected.items():
            np.testing.assert_array_equal(results[name], value)


@pytest.mark.parametrize("batch", ["n", 2])
def test_blocks_in_integers(batch: str | int, tmp_path: Path) -> None:
    """Sums with a shortcut and with another convolution, and a concatenation, between layers."""
    initializers = {
        name: floats(outputs, inputs, 1, 1)
        for name, outputs, inputs in (
            *(("first", 64, 16), ("sum", 64, 64), ("left", 32, 64), ("right", 32, 64)),
            *(("joined", 64, 64), ("projection", 64, 16), ("last", 64, 64)),
        )
    }
    inputs = {"first": "x", "sum": "r", "left": "s", "right": "s", "joined": "c"}
    inputs |= {"projection": "x", "last": "t"}
    after = {
        "first": [helper.make_node("Relu", ["first.y"], ["r"])],
        "sum": [
            helper.make_node("Add", ["sum.y", "r"], ["s0"]),
            helper.make_node("Relu", ["s0"], ["s"]),
        ],
        "right": [helper.make_node("Concat", ["left.y", "right.y"], ["c"], axis=1)],
        "projection": [
            helper.make_node("Add", ["joined.y", "projection.y"], ["t0"]),
            helper.make_node("Relu", ["t0"], ["t"]),
        ],
    }
    nodes = []
    for name in initializers:
        nodes.append(helper.make_node("Conv", [inputs[name], name], [f"{name}.y"], name))
        nodes += after.get(name, [])
    graph = helper.make_graph(
        nodes,
        "blocks",
        [helper.make_tensor_value_info("x", 1, [batch, 16, 5, 8])],
        [helper.make_tensor_value_info("last.y", 1, [batch, 64, 5, 8])],
        [numpy_helper.from_array(value, name) for name, value in initializers.items()],
    )
    model = quantc.load(save(graph, tmp_path / "blocks.onnx"))
    x = RNG.standard_normal((2, 16, 5, 8)).astype(np.float32)
    quantized = quantc.quantize(model, QuantizationConfig(), calibration_data=[x])
    assert {layer.mode for layer in quantized.layers.values()} == {"static"}
    result = quantc.interpret(quantized, x)
    expected = quantc.interpret(model, x)
    np.testing.assert_allclose(result, expected, atol=0.05 * np.abs(expected).max())
    for target, threads in (("native", 2), ("x86-64-v3", 1)):
        actual = quantc.compile(quantized, target=target, threads=threads)(x)
        np.testing.assert_array_equal(actual, result)
