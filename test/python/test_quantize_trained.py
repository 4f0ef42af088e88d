"""Quantization with parameters that training found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import networks
import quantc
from quantc.quantization import LayerParameters, quantize_trained


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> quantc.Model:
    path = tmp_path_factory.mktemp("trained") / "mlp.onnx"
    return quantc.load(networks.random_mlp(path, (48, 32, 8)))


def parameters_of(model: quantc.Model) -> dict[str, LayerParameters]:
    """What the layers of a quantized model are quantized with."""
    return {
        name: LayerParameters(
            input_scale=None if layer.input_scale is None else float(layer.input_scale),
            input_zero_point=0 if layer.input_zero_point is None else int(layer.input_zero_point),
            weight_scale=layer.weight_scale,
            weight_zero_point=None,
            weight_multiplier=layer.group_multiplier,
        )
        for name, layer in model.layers.items()
    }


@pytest.mark.parametrize("granularity", ["per_tensor", "per_channel", "per_group"])
@pytest.mark.parametrize("mode", ["static", "dynamic", "weight_only"])
@pytest.mark.parametrize("bits", [4, 8])
def test_same_parameters_give_the_same_program(
    model: quantc.Model, bits: int, mode: str, granularity: str
) -> None:
    x = networks.random_inputs((16, 48))
    config = quantc.QuantizationConfig(
        weight_bits=bits, mode=mode, granularity=granularity, group_size=16
    )
    quantized = quantc.quantize(model, config, [x])
    trained = quantize_trained(model, config, parameters_of(quantized))
    np.testing.assert_array_equal(quantc.interpret(trained, x), quantc.interpret(quantized, x))


def test_given_parameters_are_used(model: quantc.Model) -> None:
    config = quantc.QuantizationConfig(granularity="per_tensor")
    layers = {
        "fc1": LayerParameters(input_scale=0.125, input_zero_point=-3, weight_scale=0.25),
        "fc2": LayerParameters(input_range=(0.0, 25.5)),
    }
    quantized = quantize_trained(model, config, layers)
    first, second = quantized.layers["fc1"], quantized.layers["fc2"]
    assert (first.input_scale, first.input_zero_point, first.weight_scale) == (0.125, -3, 0.25)
    assert second.input_scale == np.float32(0.1)
    assert first.output_scale == second.input_scale


def test_two_level_scales_are_used(model: quantc.Model) -> None:
    config = quantc.QuantizationConfig(
        weight_bits=4, mode="dynamic", granularity="per_group", group_size=16
    )
    scale = np.full(32, 0.125, np.float32)
    multiplier = np.full((32, 3), 5, np.int8)
    layers = {"fc1": LayerParameters(weight_scale=scale, weight_multiplier=multiplier)}
    layer = quantize_trained(model, config, layers).layers["fc1"]
    np.testing.assert_array_equal(layer.weight_scale, scale)
    np.testing.assert_array_equal(layer.group_multiplier, multiplier)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ({"fc9": LayerParameters()}, "there is no layer 'fc9'; the layers are 'fc1', 'fc2'"),
        ({}, "fc1: the range of the input is not known"),
        ({"fc1": LayerParameters(input_scale=0.0)}, "fc1: malformed quant.input_parameters"),
        (
            {"fc1": LayerParameters(input_range=(0.0, 1.0), weight_scale=np.ones(3))},
            "fc1: malformed quant.weight_scale; expects a 'tensor<32x1xf32>'",
        ),
    ],
)
def test_errors(model: quantc.Model, layers: dict[str, LayerParameters], message: str) -> None:
    with pytest.raises(quantc.Error, match=message):
        quantize_trained(model, quantc.QuantizationConfig(), layers)


def test_path_is_in_errors(model: quantc.Model) -> None:
    with pytest.raises(quantc.Error) as caught:
        quantize_trained(model, quantc.QuantizationConfig(), {"fc9": LayerParameters()})
    assert str(caught.value).startswith(str(Path(model.path)))
