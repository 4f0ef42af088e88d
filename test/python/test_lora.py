"""LoRA adapters at run time: compiled, interpreted, in NumPy and in peft."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import quantc
from networks import random_inputs, random_mlp, save
from quantc import QuantizationConfig
from quantc.compilation import TRAINING_TARGET

Floats = NDArray[np.float32]
Layers = dict[str, tuple[Floats, Floats, float]]

SIZES = (40, 64, 37, 11)
"""N of the first layer is a whole number of panels of every target, that of the others is not."""

CONFIGS = {
    "static": QuantizationConfig(),
    "dynamic": QuantizationConfig(mode="dynamic"),
    "weight-only": QuantizationConfig(mode="weight_only"),
    "int4": QuantizationConfig(weight_bits=4, symmetric_weights=False),
    "groups-static": QuantizationConfig(
        4, granularity="per_group", group_size=16, skip_layers=["fc3"]
    ),
    "groups-dynamic": QuantizationConfig(
        4, mode="dynamic", granularity="per_group", group_size=16, skip_layers=["fc3"]
    ),
    "float-groups": QuantizationConfig(
        8, mode="weight_only", granularity="per_group", group_size=8, skip_layers=["fc3"]
    ),
}


def make_adapter(quantized: quantc.Model, rank: int, seed: int, scale: float = 2.0) -> Layers:
    """Return random matrices for every quantized layer."""
    random = np.random.default_rng(seed)
    layers = {}
    for index, (inputs, outputs) in enumerate(itertools.pairwise(SIZES), start=1):
        name = f"fc{index}"
        if quantized.layers[name].skipped_because is None:
            down = random.standard_normal((rank, inputs), dtype=np.float32) / 8
            up = random.standard_normal((outputs, rank), dtype=np.float32) / 8
            layers[name] = (down, up, scale)
    return layers


@pytest.fixture
def model(tmp_path: Path) -> quantc.Model:
    """A network of three layers."""
    return quantc.load(random_mlp(tmp_path / "mlp.onnx", SIZES))


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("static", "float32"),
        ("static", "bfloat16"),
        ("static", "int8"),
        ("dynamic", "float32"),
        ("weight-only", "bfloat16"),
        ("int4", "int8"),
        ("groups-static", "float32"),
        ("groups-dynamic", "int8"),
        ("float-groups", "float32"),
    ],
)
def test_bytes(model: quantc.Model, name: str, dtype: str) -> None:
    x = random_inputs((13, SIZES[0]))
    quantized = quantc.quantize(model, CONFIGS[name], calibration_data=[x])
    with_lora = quantc.insert_lora(quantized, max_rank=8, dtype=dtype)
    program = quantc.compile(with_lora)
    alone = quantc.compile(quantized, TRAINING_TARGET)(x)
    assert program(x).tobytes() == alone.tobytes()
    assert quantc.interpret(with_lora, x).tobytes() == alone.tobytes()

    adapters = {"a": make_adapter(quantized, 8, 1), "b": make_adapter(quantized, 3, 2)}
    outputs = {None: alone}
    for key, adapter in adapters.items():
        program.load_adapter(key, adapter)
        program.set_adapter(key)
        outputs[key] = program(x)
        expected = quantc.interpret(with_lora, x, adapter=adapter)
        assert outputs[key].tobytes() == expected.tobytes()
        assert np.abs(outputs[key] - alone).max() > 0.1
    assert program.adapters == ("a", "b")

    choice = ["a", "b", None, None, "a", "a", "b", "b", "b", "a", None, "a", "b"]
    mixed = program(x, adapters=choice)
    for row, key in enumerate(choice):
        assert mixed[row].tobytes() == outputs[key][row].tobytes()
    expected = quantc.interpret(with_lora, x, adapter=[adapters.get(key) for key in choice])
    assert mixed.tobytes() == expected.tobytes()
    # What a call chooses is for that call.
    assert program(x).tobytes() == outputs["b"].tobytes()
    program.set_adapter(choice)
    assert program(x).tobytes() == mixed.tobytes()
    program.set_adapter(None)
    assert program(x).tobytes() == alone.tobytes()


def test_float_math(model: quantc.Model) -> None:
    """The delta is what NumPy gives, to the rounding of floats."""
    config = QuantizationConfig(mode="weight_only")
    x = random_inputs((6, SIZES[0]))
    quantized = quantc.quantize(model, config)
    adapter = make_adapter(quantized, 8, 3)
    program = quantc.compile(quantc.insert_lora(quantized, 8))
    program.load_adapter("a", adapter)
    expected = x
    for index, (name, (down, up, scale)) in enumerate(adapter.items()):
        layer = quantized.layers[name]
        weight = layer.dequantized_weight
        expected = expected @ weight + scale * (expected @ down.T) @ up.T + layer.bias
        if index < len(adapter) - 1:
            expected = np.maximum(expected, 0)
    actual = program(x, adapters=["a"] * 6)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def test_peft(model: quantc.Model) -> None:
    """The same adapter gives what peft gives on the dequantized weights."""
    peft = pytest.importorskip("peft")
    torch = pytest.importorskip("torch")
    quantized = quantc.quantize(model, QuantizationConfig(mode="weight_only"))
    modules: dict[str, Any] = {}
    for name, layer in quantized.layers.items():
        weight = layer.dequantized_weight
        linear = torch.nn.Linear(*weight.shape)
        linear.weight.data = torch.from_numpy(weight.T.copy())
        linear.bias.data = torch.from_numpy(layer.bias)
        modules[name] = linear
        modules[f"{name}_relu"] = torch.nn.ReLU()
    modules.popitem()
    network = torch.nn.Sequential()
    for name, module in modules.items():
        network.add_module(name, module)
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["fc1", "fc3"])
    adapted = peft.get_peft_model(network, config)
    adapter = {}
    for name in ("fc1", "fc3"):
        module = dict(adapted.base_model.model.named_modules())[name]
        for matrix in (module.lora_A["default"], module.lora_B["default"]):
            torch.nn.init.normal_(matrix.weight, std=0.2)
        adapter[name] = (
            module.lora_A["default"].weight.detach().numpy(),
            module.lora_B["default"].weight.detach().numpy(),
            module.scaling["default"],
        )
    x = random_inputs((5, SIZES[0]))
    program = quantc.compile(quantc.insert_lora(quantized, 16, layers=["fc.*"]))
    program.load_adapter("a", SimpleNamespace(layers=adapter))
    program.set_adapter("a")
    with torch.no_grad():
        expected = adapted(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(program(x), expected, rtol=1e-4, atol=1e-4)


def test_saved_program(model: quantc.Model, tmp_path: Path) -> None:
    x = random_inputs((4, SIZES[0]))
    quantized = quantc.quantize(model, CONFIGS["dynamic"])
    program = quantc.compile(quantc.insert_lora(quantized, 4))
    program.load_adapter("a", make_adapter(quantized, 4, 1))
    program.save(tmp_path / "model.so")
    loaded = quantc.load_program(tmp_path / "model.so")
    assert loaded.adapters == ()
    assert [port.name for port in loaded.inputs] == ["x"]
    loaded.load_adapter("other", make_adapter(quantized, 2, 2))
    loaded.load_adapter("a", make_adapter(quantized, 4, 1))
    expected = program(x, adapters=["a"] * 4)
    assert loaded(x, adapters=["a"] * 4).tobytes() == expected.tobytes()
    # An adapter is replaced by one of the same name.
    loaded.set_adapter("a")
    loaded.load_adapter("a", make_adapter(quantized, 4, 5))
    assert loaded(x).tobytes() != expected.tobytes()
    loaded.unload_adapter("other")
    assert loaded.adapters == ("a",)
    loaded.load_adapter("a", make_adapter(quantized, 4, 1))
    assert loaded(x).tobytes() == expected.tobytes()


def test_some_layers(model: quantc.Model) -> None:
    """A layer that an adapter leaves alone gives the bytes of the base."""
    x = random_inputs((3, SIZES[0]))
    quantized = quantc.quantize(model, CONFIGS["weight-only"])
    adapter = make_adapter(quantized, 4, 1)
    program = quantc.compile(quantc.insert_lora(quantized, 4))
    one = quantc.compile(quantc.insert_lora(quantized, 4, layers=["fc3"]))
    for each in (program, one):
        each.load_adapter("a", {"fc3": adapter["fc3"]})
        each.set_adapter("a")
    assert program(x).tobytes() == one(x).tobytes()


def test_sequences(tmp_path: Path) -> None:
    """All tokens of a sequence take its adapter."""
    weight = random_inputs((24, 16), seed=4)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="fc")],
        "sequences",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 5, 24])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 5, 16])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = quantc.load(save(graph, tmp_path / "sequences.onnx"))
    quantized = quantc.quantize(model, QuantizationConfig(mode="dynamic"))
    program = quantc.compile(quantc.insert_lora(quantized, 4))
    adapter = (random_inputs((2, 24), seed=5), random_inputs((16, 2), seed=6), 0.5)
    program.load_adapter("a", {"fc": adapter})
    x = random_inputs((3, 5, 24))
    alone = program(x)
    mixed = program(x, adapters=[None, "a", None])
    program.set_adapter("a")
    assert mixed[1].tobytes() == program(x)[1].tobytes() != alone[1].tobytes()
    assert mixed[::2].tobytes() == alone[::2].tobytes()


def test_empty_batch(model: quantc.Model) -> None:
    quantized = quantc.quantize(model, CONFIGS["dynamic"])
    program = quantc.compile(quantc.insert_lora(quantized, 4))
    program.load_adapter("a", make_adapter(quantized, 4, 1))
    program.set_adapter("a")
    assert program(np.zeros((0, SIZES[0]), np.float32)).shape == (0, SIZES[-1])


def test_switching_is_fast(model: quantc.Model) -> None:
    """Switching stores a choice; nothing depends on the size of the adapters."""
    quantized = quantc.quantize(model, CONFIGS["dynamic"])
    program = quantc.compile(quantc.insert_lora(quantized, 4))
    program.load_adapter("a", make_adapter(quantized, 4, 1))
    seconds = []
    for _ in range(1000):
        start = time.perf_counter()
        program.set_adapter("a")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1e-5


def test_errors(model: quantc.Model) -> None:
    x = random_inputs((3, SIZES[0]))
    quantized = quantc.quantize(model, CONFIGS["dynamic"])
    program = quantc.compile(quantc.insert_lora(quantized, 4, layers=["fc1", "fc2"]))
    adapter = make_adapter(quantized, 4, 1)
    fc1, fc2 = adapter["fc1"], adapter["fc2"]
    program.load_adapter("a", {"fc1": fc1})
    program.set_adapter("a")
    before = program(x)
    large = make_adapter(quantized, 5, 1)
    cases: list[tuple[object, str]] = [
        ({"fc1": large["fc1"]}, "fc1: rank 5 is above the largest of the program, 4"),
        ({"fc1": fc1, "fc3": adapter["fc3"]}, "fc3: the program has no such layer with adapters"),
        ({"layer.7": fc1}, "adapter for another base: none of its layers is one of fc1, fc2"),
        ({"fc2": fc1}, r"fc2: A \[4, 40\] and B \[64, 4\] do not fit a layer of 64 inputs"),
        ({"fc1": (fc1[0], fc1[1][:, :3], 1.0)}, "fc1: A has rank 4, B has rank 3"),
        ({"fc1": (fc1[0], fc1[1])}, r"fc1: expected \(A, B, scale\)"),
        ({"fc1": (fc1[0][0], fc1[1], 1.0)}, "fc1: A: expected a matrix of float32"),
        ({"fc1": (*fc1[:2], "x")}, "fc1: the scale is no number"),
        (7, "expected an adapter, a dict of layers or a folder, got int"),
        (SimpleNamespace(layers={"fc2": fc2}, biases={"fc2": 0}), "biases.*merge it instead"),
    ]
    for wrong, message in cases:
        for name in ("a", "b"):
            with pytest.raises(quantc.Error, match=message) as caught:
                program.load_adapter(name, wrong)
            assert str(caught.value).startswith(f'adapter "{name}": ')
            assert "\n" not in str(caught.value)
    with pytest.raises(quantc.Error, match='no adapter "b"; loaded are a'):
        program.set_adapter("b")
    with pytest.raises(quantc.Error, match="adapter for each of 3 rows, got 2"):
        program(x, adapters=["a", None])
    with pytest.raises(quantc.Error, match="is in use"):
        program.unload_adapter("a")
    assert program.adapters == ("a",)
    assert program(x).tobytes() == before.tobytes()

    base = quantc.compile(quantized)
    with pytest.raises(quantc.Error, match="takes no adapters; compile what quantc.insert_lora"):
        base.load_adapter("a", {"fc1": fc1})
    with pytest.raises(quantc.Error, match="takes no adapters; interpret what quantc.insert_lora"):
        quantc.interpret(quantized, x, adapter={"fc1": fc1})
    with pytest.raises(quantc.Error, match="pattern 'conv' matches no quantized layer"):
        quantc.insert_lora(quantized, layers=["conv"])
    with pytest.raises(quantc.Error, match="dtype='float16'; it must be"):
        quantc.insert_lora(quantized, dtype="float16")
    with pytest.raises(quantc.Error, match="has no quantized layers"):
        quantc.insert_lora(model)
