"""Normalizations and gains that are a part of the layer before them."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import emulation
import quantc
from networks import random_inputs, save
from oracle import run_onnxruntime

CONFIGS = {
    "static": quantc.QuantizationConfig(),
    "dynamic": quantc.QuantizationConfig(mode="dynamic"),
    "weight-only": quantc.QuantizationConfig(mode="weight_only"),
    "int4": quantc.QuantizationConfig(weight_bits=4),
}

FOLDED = {
    "first": ["normalize_first"],
    "depthwise": ["normalize_depthwise", "gain"],
    "pointwise": ["normalize_pointwise"],
    "strided": [],
    "project": ["project_bias", "halve"],
    "last": ["y"],
}


def make_residual_network(path: Path) -> Path:
    """Write convolutions with and without bias, depthwise, with a shortcut, and linear layers."""
    nodes: list[onnx.NodeProto] = []
    constants: dict[str, NDArray] = {}
    random = np.random.default_rng(0)

    def draw(name: str, *shape: int) -> str:
        constants[name] = random.standard_normal(shape, dtype=np.float32)
        return name

    def add(op: str, inputs: list[str], output: str, name: str = "", **attributes: Any) -> str:
        nodes.append(helper.make_node(op, inputs, [output], name=name, **attributes))
        return output

    def normalize(x: str, channels: int, output: str) -> str:
        inputs = [draw(f"{output}.{part}", channels) for part in ("gamma", "beta", "mean")]
        constants[f"{output}.variance"] = random.uniform(0.5, 2, channels).astype(np.float32)
        return add("BatchNormalization", [x, *inputs, f"{output}.variance"], output, output)

    add("Conv", ["x", draw("w1", 8, 3, 3, 3)], "c1", "first", pads=[1, 1, 1, 1])
    add("Relu", [normalize("c1", 8, "normalize_first")], "r1")
    # Two layers read what the first one gives, one of them with padding.
    inputs = ["r1", draw("w2", 8, 1, 3, 3), draw("b2", 8)]
    add("Conv", inputs, "c2", "depthwise", pads=[1, 1, 1, 1], group=8)
    draw("g", 1, 8, 1, 1)
    add("Mul", ["g", normalize("c2", 8, "normalize_depthwise")], "r2", "gain")
    add("Conv", ["r1", draw("w3", 8, 8, 1, 1)], "c3", "pointwise")
    add("Add", [normalize("c3", 8, "normalize_pointwise"), "r2"], "sum")
    add("Relu", ["sum"], "r3")
    # The result before the normalization has another use.
    add("Conv", ["r3", draw("w4", 6, 8, 3, 3)], "c4", "strided", strides=[2, 2])
    add("Add", [normalize("c4", 6, "normalize_strided"), "c4"], "r4")
    add("GlobalAveragePool", ["r4"], "pooled")
    add("Flatten", ["pooled"], "flat")
    constants["half"] = np.array(0.5, np.float32)
    add("MatMul", ["flat", draw("w5", 6, 12)], "p1", "project")
    add("Add", ["p1", draw("b5", 12)], "p2", "project_bias")
    add("Mul", ["p2", "half"], "p3", "halve")
    inputs = ["p3", draw("w6", 5, 12), draw("b6", 5)]
    add("Gemm", inputs, "g6", "last", transB=1, alpha=0.5, beta=2.0)
    # What makes an output of the model, without a name.
    add("Sub", ["g6", draw("shift", 1, 5)], "y")
    graph = helper.make_graph(
        nodes,
        "residual",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", 3, 9, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("batch", 5))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return save(graph, path)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_residual_network(tmp_path_factory.mktemp("folding") / "residual.onnx")


@pytest.fixture(scope="module")
def model(source: Path) -> quantc.Model:
    return quantc.load(source)


def quantize(model: quantc.Model, config: quantc.QuantizationConfig) -> quantc.Model:
    data = [random_inputs((4, 3, 9, 8), seed=2)] if config.mode == "static" else None
    return quantc.quantize(model, config, data)


def test_float(source: Path, model: quantc.Model) -> None:
    """Only rounding differs; names and biases are those of what was folded."""
    assert {name: layer.folded for name, layer in model.layers.items()} == FOLDED
    x = random_inputs((3, 3, 9, 8))
    y = quantc.interpret(model, x)
    np.testing.assert_allclose(y, run_onnxruntime(source, {"x": x}), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(quantc.compile(model, "native")(x), y)


@pytest.mark.parametrize("name", CONFIGS)
def test_quantized(model: quantc.Model, name: str, tmp_path: Path) -> None:
    """Layers keep what went into them, and all targets give the bytes of the interpreter."""
    quantized = quantize(model, CONFIGS[name])
    assert {name: layer.folded for name, layer in quantized.layers.items()} == FOLDED
    assert all(
        layer.bias is not None for layer in quantized.layers.values() if layer.name != "strided"
    )
    x = random_inputs((3, 3, 9, 8))
    y = quantc.interpret(quantized, x)
    for target in ("native", "x86-64-v3") if name == "static" else ("x86-64-v3",):
        np.testing.assert_array_equal(quantc.compile(quantized, target)(x), y)
    if emulation.is_available():
        actual = emulation.run_aarch64(quantized, "aarch64+dotprod", x, y, tmp_path)
        np.testing.assert_array_equal(actual, y)


def test_requantization(model: quantc.Model) -> None:
    """A layer gives integers to the two that read it, though padding is between."""
    layers = quantize(model, CONFIGS["static"]).layers
    assert layers["first"].output_scale == layers["pointwise"].input_scale
    assert layers["first"].output_scale == layers["depthwise"].input_scale
    assert layers["project"].output_scale == layers["last"].input_scale
    assert layers["pointwise"].output_scale is None


@pytest.mark.parametrize("name", ["static", "weight-only", "int4"])
def test_export(source: Path, model: quantc.Model, name: str, tmp_path: Path) -> None:
    """Folded nodes are gone, but those of a layer that stays float."""
    config = dataclasses.replace(CONFIGS[name], skip_layers=["pointwise"])
    quantized = quantize(model, config)
    path = tmp_path / "qdq.onnx"
    quantc.export_onnx(source, quantized, path)
    names = {node.name for node in onnx.load(path).graph.node}
    assert names & {name for folded in FOLDED.values() for name in folded} == {
        "normalize_pointwise"
    }
    assert "normalize_strided" in names
    x = random_inputs((8, 3, 9, 8))
    expected = quantc.interpret(quantized, x)
    # A step of what the last layer reads, here and there, and what sums of floats lose.
    last = quantized.layers["last"]
    step = (last.input_scale or 0) * np.abs(last.dequantized_weight).max()
    error = np.abs(run_onnxruntime(path, {"x": x}) - expected)
    assert error.max() <= step + 1e-5 * np.abs(expected).max()
    assert np.median(error) <= 1e-5 * np.abs(expected).max()


def make_linear_network(path: Path, is_folded: bool) -> Path:
    """Write two linear layers; the first one has a gain, of both signs, behind its bias.

    Unless ``is_folded``, the result before the gain is an output as well.
    """
    constants = {
        "w1": random_inputs((16, 24), seed=1),
        "b1": random_inputs((24,), seed=2),
        "gain": random_inputs((24,), seed=3),
        "w2": random_inputs((24, 6), seed=4),
    }
    nodes = [
        helper.make_node("Gemm", ["x", "w1", "b1"], ["h"], name="fc1"),
        helper.make_node("Mul", ["h", "gain"], ["m"], name="gain"),
        helper.make_node("MatMul", ["m", "w2"], ["y"], name="fc2"),
    ]
    names = {"y": 6} if is_folded else {"y": 6, "h": 24}
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", 16))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ("batch", size))
            for name, size in names.items()
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return save(graph, path)


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, quantc.Model]:
    """The same network, with its gain folded and not."""
    folder = tmp_path_factory.mktemp("linear")
    return {
        is_folded: quantc.load(make_linear_network(folder / f"{is_folded}.onnx", is_folded))
        for is_folded in (False, True)
    }


def interpret(model: quantc.Model, x: NDArray) -> NDArray:
    outputs = quantc.interpret(model, x)
    return outputs["y"] if isinstance(outputs, dict) else outputs


@pytest.mark.parametrize(("count", "is_folded"), [(3, True), (60, False)])
def test_parameters_of_many_steps(tmp_path: Path, count: int, is_folded: bool) -> None:
    """Each step reads the one before twice: a file can ask for 2^60 of them."""
    names = ["g", *(f"g{index}" for index in range(count))]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"], name="fc")]
    nodes += [
        helper.make_node("Mul", [before, before], [after])
        for before, after in itertools.pairwise(names)
    ]
    nodes.append(helper.make_node("Mul", ["h", names[-1]], ["y"], name="gain"))
    constants = {"w": random_inputs((4, 3)), "g": np.array([1, -1, 1], np.float32)}
    graph = helper.make_graph(
        nodes,
        "steps",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", 4))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("batch", 3))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = quantc.load(save(graph, tmp_path / "steps.onnx"))
    assert bool(model.layers["fc"].folded) == is_folded


ADAPTER = quantc.Adapter(
    {"fc1": quantc.AdapterLayer(random_inputs((4, 16), 5), random_inputs((24, 4), 6), 0.5)},
    biases={"fc1": random_inputs((24,), 7)},
)


def test_merged_adapter(linear: dict[bool, quantc.Model]) -> None:
    """An adapter is for the layer of the model, whatever went into it."""
    assert {name: layer.folded for name, layer in linear[True].layers.items()} == {
        "fc1": ["gain"],
        "fc2": [],
    }
    assert not any(layer.folded for layer in linear[False].layers.values())
    saved = quantc.Adapter(
        {},
        saved_modules={
            "fc1": quantc.SavedModule(random_inputs((24, 16), 8), random_inputs((24,), 9))
        },
    )
    x = random_inputs((7, 16))
    for adapter in (ADAPTER, saved):
        wanted = interpret(quantc.merge_lora(linear[False], adapter)[0], x)
        merged, survival = quantc.merge_lora(linear[True], adapter)
        assert survival.layers["fc1"].share == 1
        np.testing.assert_allclose(interpret(merged, x), wanted, rtol=1e-4, atol=1e-4)


def test_chosen_adapter(linear: dict[bool, quantc.Model]) -> None:
    """So it is while the program runs; without one nothing changes."""
    adapter = quantc.Adapter(ADAPTER.layers)
    x = random_inputs((7, 16))
    config = quantc.QuantizationConfig(mode="weight_only")
    base = quantc.quantize(linear[True], config)
    program = quantc.compile(quantc.insert_lora(base, max_rank=4), "native")
    np.testing.assert_array_equal(program(x), quantc.interpret(base, x))
    program.load_adapter("trained", adapter)
    program.set_adapter("trained")
    wanted = interpret(quantc.merge_lora(linear[False], adapter)[0], x)
    assert np.abs(program(x) - wanted).max() < 0.03 * np.abs(wanted).max()


def test_trained_adapter(linear: dict[bool, quantc.Model], tmp_path: Path) -> None:
    """What is trained on a folded layer is an adapter for the layer of the model."""
    random = np.random.default_rng(0)
    x = random.standard_normal((64, 16), dtype=np.float32)
    labels = (x[:, 0] > 0).astype(np.int64)
    base = quantc.quantize(linear[True], quantc.QuantizationConfig(mode="weight_only"))
    trainer = quantc.AdapterTrainer(base, rank=2, lr=1e-2, epochs=2, batch_size=32)
    history = trainer.fit(x, labels)
    assert history[-1]["loss"] < history[0]["loss"]
    predicted = trainer.predict(x)
    adapter = trainer.adapter()
    assert np.abs(adapter.layers["fc1"].b).max() > 0
    wanted = interpret(quantc.merge_lora(linear[False], adapter)[0], x)
    assert np.abs(predicted - wanted).max() < 0.03 * np.abs(wanted).max()


def test_merged_adapter_is_what_was_trained(linear: dict[bool, quantc.Model]) -> None:
    """To the bit, in a layer that is folded too."""
    x = random_inputs((64, 16))
    config = quantc.QuantizationConfig(mode="dynamic")
    trainer = quantc.Trainer(
        linear[True], config, adapter_rank=2, lr=1e-2, epochs=1, batch_size=32, warm_up=0
    )
    trainer.fit(x, (x[:, 0] > 0).astype(np.int64))
    assert np.abs(trainer.adapter().layers["fc1"].b).max() > 0
    np.testing.assert_array_equal(interpret(trainer.convert(), x), trainer.predict(x))


def test_torch() -> None:
    """What is loaded is folded; what was trained with its own scales stays as it was."""
    torch = pytest.importorskip("torch")
    import quantc.torch as qt

    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(16, 24), torch.nn.BatchNorm1d(24), torch.nn.ReLU(), torch.nn.Linear(24, 4)
    )
    x = torch.randn(32, 16)
    module(2 * x + 1)
    module.eval()
    loaded = qt.load(module, x)
    assert [layer.folded for layer in loaded.layers.values()] == [["1"], []]
    expected = module(x).detach().numpy()
    np.testing.assert_allclose(quantc.interpret(loaded, x.numpy()), expected, rtol=1e-4, atol=1e-5)
    for mode in ("static", "dynamic"):
        trained = qt.prepare_qat(module, quantc.QuantizationConfig(mode=mode))
        trained.train()
        trained(x)
        trained.eval()
        model = qt.convert(trained, x)
        assert not any(layer.folded for layer in model.layers.values())
        actual = quantc.interpret(model, x.numpy())
        expected = trained(x).detach().numpy()
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)
