"""Merging adapters, what survives it, and calibration with adapters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import quantc
from adapters import random_adapter, random_layer
from networks import random_inputs, random_mlp
from quantc.cli import main
from quantc.quantization import LayerParameters

SIZES = (40, 56, 11)
"""Groups of 8 are whole, those of 16 leave 8 in both layers."""

CONFIGS = {
    "int8": {},
    "int8 per tensor": {"granularity": "per_tensor"},
    "int8 asymmetric": {"symmetric_weights": False},
    "int8 dynamic": {"mode": "dynamic"},
    "int8 weight-only": {"mode": "weight_only"},
    "int4": {"weight_bits": 4},
    "int4 two-level groups": {"weight_bits": 4, "granularity": "per_group", "group_size": 8},
    "int4 shorter last group": {"weight_bits": 4, "granularity": "per_group", "group_size": 16},
    "int4 float groups": {
        "weight_bits": 4,
        "granularity": "per_group",
        "group_size": 8,
        "symmetric_weights": False,
    },
    "nf4": {"weight_format": "nf4"},
    "one layer": {"skip_layers": ["fc1"]},
}

Arrays = dict[str, NDArray]


@pytest.fixture
def model(tmp_path: Path) -> quantc.Model:
    """A 40-56-11 MLP."""
    return quantc.load(random_mlp(tmp_path / "mlp.onnx", SIZES))


@pytest.fixture
def adapter() -> quantc.Adapter:
    """An adapter for it, about a tenth of its weights."""
    return random_adapter({"fc1": (56, 40), "fc2": (11, 56)}, size=0.08)


def quantize(model: quantc.Model, config: dict) -> quantc.Model:
    """Quantize with random calibration data."""
    return quantc.quantize(
        model, quantc.QuantizationConfig(**config), [random_inputs((32, SIZES[0]), seed=2)]
    )


def get_weight(layer: quantc.Layer) -> NDArray[np.float32]:
    """The float32 weight as [N, K]."""
    return (layer.weight if layer.weight_bits == 32 else layer.dequantized_weight).T


def add(weight: NDArray, layer: quantc.AdapterLayer) -> NDArray[np.float32]:
    """merge_a1, in float64 and so only nearly."""
    return (weight + layer.scale * layer.b.astype(np.float64) @ layer.a).astype(np.float32)


def test_float_layers(model: quantc.Model, adapter: quantc.Adapter) -> None:
    merged, survival = quantc.merge_lora(model, adapter)
    for name, layer in adapter.layers.items():
        expected = add(get_weight(model.layers[name]), layer)
        assert merged.layers[name].weight.shape == model.layers[name].weight.shape
        np.testing.assert_allclose(get_weight(merged.layers[name]), expected, rtol=1e-5, atol=1e-6)
        assert survival.layers[name].share == 1
        assert survival.layers[name].output_error == 0
        assert survival.layers[name].advice == "merge"


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_quantized_layers(
    model: quantc.Model, adapter: quantc.Adapter, tmp_path: Path, config: dict
) -> None:
    """Merging is dequantizing, merging in float, and quantizing as before, or better."""
    quantized = quantize(model, config)
    merged, _ = quantc.merge_lora(quantized, adapter)

    dequantized = quantc.load(random_mlp(tmp_path / "base.onnx", SIZES))
    weights = {
        name: quantc.SavedModule(np.ascontiguousarray(get_weight(layer)))
        for name, layer in quantized.layers.items()
    }
    dequantized, _ = quantc.merge_lora(dequantized, quantc.Adapter({}, saved_modules=weights))
    wanted, _ = quantc.merge_lora(dequantized, adapter)
    expected = quantize(wanted, config)
    for name, layer in merged.layers.items():
        assert layer.mode == quantized.layers[name].mode
        assert layer.input_scale == quantized.layers[name].input_scale
        check_channels(
            layer,
            expected.layers[name],
            quantized.layers[name],
            get_weight(wanted.layers[name]).astype(np.float64),
        )

    x = random_inputs((9, SIZES[0]))
    y = quantc.interpret(merged, x)
    np.testing.assert_array_equal(quantc.compile(merged)(x), y)
    assert np.abs(y - quantc.interpret(quantized, x)).max() > 0.01


def check_channels(
    merged: quantc.Layer, expected: quantc.Layer, base: quantc.Layer, wanted: NDArray
) -> None:
    """Each channel is that of ``expected``, or nearer to ``wanted`` with the scales of ``base``."""

    def get_error(layer: quantc.Layer) -> NDArray:
        return ((get_weight(layer) - wanted) ** 2).sum(axis=1)

    is_new = (get_weight(merged) == get_weight(expected)).all(axis=1)
    is_nearer = get_error(merged) <= get_error(expected)
    assert (is_new | is_nearer).all()
    if merged.weight_format != "integer" or merged.granularity == "per_tensor":
        return
    same = np.equal(merged.weight_scale, base.weight_scale).reshape(len(is_new), -1).all(axis=1)
    if merged.group_multiplier is not None:
        same &= (merged.group_multiplier == base.group_multiplier).all(axis=1)
    assert (is_new | same).all()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_merging_can_be_undone(
    model: quantc.Model, adapter: quantc.Adapter, tmp_path: Path, config: dict
) -> None:
    adapter = quantc.Adapter(adapter.layers, biases={"fc1": np.ones(56, np.float32)})
    quantized = quantize(model, config)
    merged, _ = quantc.merge_lora(quantized, adapter, keep_base=True)
    merged.save(tmp_path / "merged.mlir")
    twice, _ = quantc.merge_lora(quantc.load(tmp_path / "merged.mlir"), adapter, keep_base=True)
    x = random_inputs((9, SIZES[0]))
    expected = quantc.interpret(quantized, x)
    for each in (merged, twice):
        assert (quantc.interpret(each, x) != expected).any()
        restored = quantc.unmerge_lora(each)
        np.testing.assert_array_equal(quantc.interpret(restored, x), expected)
        for name, layer in quantized.layers.items():
            np.testing.assert_array_equal(restored.layers[name].weight, layer.weight)


def test_what_cannot_be_undone(model: quantc.Model, adapter: quantc.Adapter) -> None:
    with pytest.raises(quantc.Error, match="nothing has been merged"):
        quantc.unmerge_lora(model)
    merged, _ = quantc.merge_lora(quantize(model, {}), adapter)
    with pytest.raises(quantc.Error, match="fc1: was merged without its base"):
        quantc.unmerge_lora(merged)


def test_what_was_trained_is_absorbed(model: quantc.Model) -> None:
    """With the parameters of training, the weights are those of its forward pass."""
    quantized = quantize(model, {"mode": "dynamic"})
    layer = random_layer(56, 40, 4, size=0.08)
    scale = np.linspace(0.002, 0.01, 56, dtype=np.float32)
    merged, _ = quantc.merge_lora(
        quantized,
        quantc.Adapter({"fc1": layer}),
        parameters={"fc1": LayerParameters(weight_scale=scale)},
    )
    wanted, _ = quantc.merge_lora(
        model, quantc.Adapter({}, saved_modules={"fc1": quantc.SavedModule(get_base(quantized))})
    )
    wanted, _ = quantc.merge_lora(wanted, quantc.Adapter({"fc1": layer}))
    weight = get_weight(wanted.layers["fc1"])
    expected = np.clip(np.rint(weight / scale[:, None]), -128, 127).astype(np.int8)
    np.testing.assert_array_equal(merged.layers["fc1"].weight.T, expected)
    np.testing.assert_array_equal(merged.layers["fc1"].weight_scale, scale)


def get_base(quantized: quantc.Model) -> NDArray[np.float32]:
    """The dequantized weight of fc1, as [N, K]."""
    return np.ascontiguousarray(get_weight(quantized.layers["fc1"]))


@pytest.mark.parametrize("scale", [[1.0] * 55, [0.0] * 56, [np.inf] * 56])
def test_parameters_that_are_refused(model: quantc.Model, scale: list[float]) -> None:
    adapter = quantc.Adapter({"fc1": random_layer(56, 40, 4)})
    parameters = {"fc1": LayerParameters(weight_scale=scale)}
    with pytest.raises(quantc.Error, match="fc1: malformed quant.weight_scale"):
        quantc.merge_lora(quantize(model, {}), adapter, parameters=parameters)
    with pytest.raises(quantc.Error, match="'fc2' is no layer that adapter changes"):
        quantc.merge_lora(quantize(model, {}), adapter, parameters={"fc2": LayerParameters()})


def test_adapter_of_nothing_keeps_the_bytes(model: quantc.Model) -> None:
    layer = random_layer(56, 40, 4)
    nothing = quantc.Adapter({"fc1": quantc.AdapterLayer(layer.a, 0 * layer.b, 1.0)})
    for config in CONFIGS.values():
        quantized = quantize(model, config)
        merged, survival = quantc.merge_lora(quantized, nothing)
        for name in quantized.layers:
            for field in ("weight", "weight_scale", "group_multiplier"):
                np.testing.assert_array_equal(
                    getattr(merged.layers[name], field), getattr(quantized.layers[name], field)
                )
        assert survival.layers["fc1"].share == 1
        assert survival.layers["fc1"].adapter_norm == 0


@pytest.mark.parametrize("config", [CONFIGS["int8"], CONFIGS["int4"]], ids=["int8", "int4"])
def test_survival(model: quantc.Model, adapter: quantc.Adapter, config: dict) -> None:
    """The report, against the same quantities computed from the weights."""
    quantized = quantize(model, config)
    random = np.random.default_rng(0)
    matrix = random.standard_normal((40, 40))
    moments = {"fc1": matrix @ matrix.T, "fc2": random.random(56)}
    merged, survival = quantc.merge_lora(quantized, adapter, second_moments=moments)
    _, white = quantc.merge_lora(quantized, adapter)
    for name, layer in adapter.layers.items():
        before = get_weight(quantized.layers[name]).astype(np.float64)
        left = get_weight(merged.layers[name]).astype(np.float64) - before
        wanted = layer.scale * layer.b.astype(np.float64) @ layer.a
        report = survival.layers[name]
        assert report.weight_bits == config.get("weight_bits", 8)
        assert report.share == pytest.approx((left * wanted).sum() / (wanted**2).sum(), rel=1e-3)
        assert report.adapter_norm == pytest.approx(np.linalg.norm(wanted), rel=1e-4)
        assert report.weight_norm == pytest.approx(np.linalg.norm(before), rel=1e-4)
        error = np.linalg.norm(left - wanted) / np.linalg.norm(wanted)
        assert white.layers[name].output_error == pytest.approx(error, rel=1e-3)
        moment = moments[name] if moments[name].ndim == 2 else np.diag(moments[name])

        def energy(weight: NDArray, moment: NDArray = moment) -> float:
            return float(np.einsum("nk,kj,nj->", weight, moment, weight))

        error = (energy(left - wanted) / energy(wanted)) ** 0.5
        assert report.output_error == pytest.approx(error, rel=1e-3)


def test_advice(model: quantc.Model) -> None:
    def get_advice(size: float, **config: object) -> str:
        adapter = random_adapter({"fc1": (56, 40)}, size=size)
        _, survival = quantc.merge_lora(quantize(model, config), adapter)
        layer = survival.layers["fc1"]
        assert (layer.advice == "merge") == (layer.share >= 0.9 and layer.output_error <= 0.5)
        return layer.advice

    assert get_advice(0.1) == "merge"
    assert get_advice(0.05, weight_bits=4) == "raise_bits"
    assert get_advice(0.08, weight_bits=4) == "change_groups"
    assert get_advice(0.005, weight_bits=4) == "keep_separate"
    assert get_advice(0.005) == "keep_separate"


def test_report_is_a_table(model: quantc.Model, adapter: quantc.Adapter) -> None:
    _, survival = quantc.merge_lora(quantize(model, {"weight_bits": 4}), adapter)
    text = str(survival)
    for word in ("layer", "share left", "output error", "advice", "fc1", "fc2"):
        assert word in text


def test_adapter_for_another_base(model: quantc.Model) -> None:
    for other in (quantize(model, {}), model):
        text = other.mlir()
        with pytest.raises(quantc.Error) as error:
            quantc.merge_lora(other, random_adapter())
        assert error.value.messages == tuple(
            f"{model.path}: {name}: 'a' of the adapter is 4 x {actual}, this layer takes rank x "
            f"{expected}; the adapter is for another base"
            for name, actual, expected in (("fc1", 37, 40), ("fc2", 53, 56))
        )
        with pytest.raises(quantc.Error, match="module 'fc3' is no layer of the model"):
            quantc.merge_lora(other, random_adapter({"fc3": (1, 1)}))
        assert other.mlir() == text


def test_moments_that_are_refused(model: quantc.Model, adapter: quantc.Adapter) -> None:
    with pytest.raises(quantc.Error, match="'moments' of the adapter is 3, this layer takes 40"):
        quantc.merge_lora(model, adapter, second_moments={"fc1": np.ones(3)})
    with pytest.raises(quantc.Error, match="'fc3' is no layer that adapter changes"):
        quantc.merge_lora(model, adapter, second_moments={"fc3": np.ones(3)})


def get_moments(x: NDArray) -> NDArray:
    """The means of the products of columns."""
    x = x.astype(np.float64)
    return x.T @ x / len(x)


@pytest.mark.parametrize(
    "config", [None, {}, {"mode": "dynamic"}, CONFIGS["int4 shorter last group"], CONFIGS["nf4"]]
)
def test_second_moments(model: quantc.Model, adapter: quantc.Adapter, config: dict | None) -> None:
    # Inputs that are not white: few directions, and a mean.
    x = 1 + random_inputs((50, 3)) @ random_inputs((3, 40), seed=4)
    base = model
    if config is not None:
        base = quantc.quantize(model, quantc.QuantizationConfig(**config), [x])
    moments = quantc.collect_second_moments(base, [x[:20], x[20:]])
    assert list(moments) == ["fc1", "fc2"]
    # The integers of an input that is padded stand for rounded values.
    tolerance = 0.02 * get_moments(x).max() if (config or {}).get("group_size") == 16 else 1e-4
    np.testing.assert_allclose(moments["fc1"], get_moments(x), rtol=1e-4, atol=tolerance)
    weight, bias = (model.parameters[f"fc1.{what}"] for what in ("weight", "bias"))
    hidden = np.maximum(x @ weight.reshape(40, 56) + bias, 0)
    np.testing.assert_allclose(
        moments["fc2"], get_moments(hidden), rtol=0.5, atol=0.2 * np.abs(moments["fc2"]).max()
    )
    # Two machines, a part of the data each.
    parts = [quantc.collect_second_moments(base, part) for part in (x[:20], x[20:])]
    merged = parts[0].merge(parts[1])
    for name in moments:
        np.testing.assert_array_equal(merged[name], moments[name])
    chosen = quantc.collect_second_moments(base, x, layers=["fc2"])
    assert list(chosen) == ["fc2"]

    # The report on such inputs.
    given, with_moments = quantc.merge_lora(base, adapter, second_moments=moments)
    found, with_data = quantc.merge_lora(base, adapter, calibration_data=[x[:20], x[20:]])
    assert with_data == with_moments
    assert given.mlir() == found.mlir()
    _, white = quantc.merge_lora(base, adapter)
    if config is not None:
        layer = base.layers["fc1"].dequantized_weight.reshape(40, 56).T
        after = found.layers["fc1"].dequantized_weight.reshape(40, 56).T
        change = adapter.layers["fc1"]
        delta = change.scale * change.b @ change.a
        error = x @ (after - layer - delta).T
        expected = np.linalg.norm(error) / np.linalg.norm(x @ delta.T)
        np.testing.assert_allclose(with_data.layers["fc1"].output_error, expected, rtol=1e-2)
        assert with_data.layers["fc1"].output_error != white.layers["fc1"].output_error


def test_second_moments_of_sequences(tmp_path: Path) -> None:
    """Every position of a sequence is a row."""
    text = """func.func @main(%x: tensor<?x5x8xf32> {quant.name = "x"}) -> tensor<?x5x2xf32> {
      %c0 = arith.constant 0 : index
      %zero = arith.constant 0.0 : f32
      %n = tensor.dim %x, %c0 : tensor<?x5x8xf32>
      %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x5x8xf32> into tensor<?x8xf32>
      %m = tensor.dim %rows, %c0 : tensor<?x8xf32>
      %w = arith.constant dense<1.0> : tensor<8x2xf32>
      %e = tensor.empty(%m) : tensor<?x2xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x2xf32>) -> tensor<?x2xf32>
      %p = linalg.matmul ins(%rows, %w : tensor<?x8xf32>, tensor<8x2xf32>)
          outs(%f : tensor<?x2xf32>) -> tensor<?x2xf32> loc("fc")
      %y = tensor.expand_shape %p [[0, 1], [2]] output_shape [%n, 5, 2]
          : tensor<?x2xf32> into tensor<?x5x2xf32>
      return %y : tensor<?x5x2xf32>
    }"""
    (tmp_path / "net.mlir").write_text(text)
    x = random_inputs((7, 5, 8))
    moments = quantc.collect_second_moments(quantc.load(tmp_path / "net.mlir"), x)
    np.testing.assert_allclose(moments["fc"], get_moments(x.reshape(35, 8)), rtol=1e-5, atol=1e-6)


def test_data_that_is_refused(model: quantc.Model, adapter: quantc.Adapter) -> None:
    x = random_inputs((4, 40))
    with pytest.raises(quantc.Error, match="^calibration_data and second_moments; give one"):
        quantc.merge_lora(model, adapter, calibration_data=x, second_moments={})
    with pytest.raises(quantc.Error, match="^calibration_data: no rows for the layer 'fc1'"):
        quantc.merge_lora(model, adapter, calibration_data=[])
    with pytest.raises(quantc.Error, match="^calibration_data: batch 1: "):
        quantc.merge_lora(model, adapter, calibration_data=[x, x[:, 1:]])
    x[2, 3] = np.nan
    with pytest.raises(quantc.Error, match="^calibration_data: batch 0: .* have NaN, infinite"):
        quantc.merge_lora(model, adapter, calibration_data=x)
    with pytest.raises(quantc.Error, match="layer pattern 'fc3' matches no linear layer"):
        quantc.collect_second_moments(model, x, layers=["fc3"])


def test_calibration_with_adapters(model: quantc.Model, adapter: quantc.Adapter) -> None:
    """The range is that of the base and of every adapter, in any order."""
    other = random_adapter({"fc1": (56, 40)}, size=0.4)
    batches = [random_inputs((8, 40), seed) for seed in range(3)]
    table = quantc.calibrate(model, iter(batches), adapters=[adapter, other])
    assert table == quantc.calibrate(model, batches, adapters=[other, adapter])
    expected = quantc.calibrate(model, batches)
    for each in (adapter, other):
        merged, _ = quantc.merge_lora(model, each)
        expected = expected.merge(quantc.calibrate(merged, batches))
    assert table == expected

    config = quantc.QuantizationConfig()
    alone = quantc.quantize(model, config, batches)
    shared = quantc.quantize(model, config, batches, adapters=[adapter, other])
    assert shared.layers["fc1"].input_scale == alone.layers["fc1"].input_scale
    assert shared.layers["fc2"].input_scale > alone.layers["fc2"].input_scale


def test_calibration_with_adapters_on_the_command_line(
    model: quantc.Model, adapter: quantc.Adapter, tmp_path: Path
) -> None:
    data = random_inputs((16, 40))
    np.save(tmp_path / "data.npy", data)
    adapter.save(tmp_path / "adapter")
    arguments = ["quantize", model.path, "--data", str(tmp_path / "data.npy")]
    arguments += ["--adapter", str(tmp_path / "adapter"), "-o", str(tmp_path / "out.mlir")]
    assert main(arguments) == 0
    expected = quantc.quantize(model, calibration_data=data, adapters=[adapter])
    actual = quantc.load(tmp_path / "out.mlir")
    assert actual.layers["fc2"].input_scale == expected.layers["fc2"].input_scale


def test_command_line(
    model: quantc.Model,
    adapter: quantc.Adapter,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    quantized = quantize(model, {"weight_bits": 4})
    quantized.save(tmp_path / "model.mlir")
    adapter.save(tmp_path / "adapter")
    arguments = ["merge", str(tmp_path / "model.mlir"), str(tmp_path / "adapter")]
    output = tmp_path / "merged.mlir"
    assert main([*arguments, "-o", str(output), "--keep-base", "--report"]) == 0
    assert "share left" in capsys.readouterr().out
    merged = quantc.load(output)
    expected, _ = quantc.merge_lora(quantized, adapter)
    np.testing.assert_array_equal(merged.layers["fc1"].weight, expected.layers["fc1"].weight)
    quantc.unmerge_lora(merged)
    data = 1 + random_inputs((16, 40))
    np.save(tmp_path / "data.npy", data)
    arguments += ["-o", str(output), "--report", "--data", str(tmp_path / "data.npy")]
    assert main(arguments) == 0
    _, survival = quantc.merge_lora(quantized, adapter, calibration_data=data)
    assert str(survival).strip() in capsys.readouterr().out
    assert main(["merge", str(output), str(tmp_path), "-o", str(tmp_path / "no.mlir")]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'adapter_config.json'}: ")
    assert not (tmp_path / "no.mlir").exists()
