"""NF4 weights, from the configuration to compiled programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import quantc
from networks import random_inputs, random_mlp
from quantc.cli import main

LEVELS = np.array(
    [
        *(-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0),
        *(0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0),
    ],
    np.float32,
)

CONFIG = quantc.QuantizationConfig(weight_format="nf4")


@pytest.fixture
def model(tmp_path: Path) -> quantc.Model:
    """An MLP whose layers have whole blocks, a last block of 8, and many blocks."""
    return quantc.load(random_mlp(tmp_path / "mlp.onnx", (64, 200, 96, 11)))


def get_blocks(weight: NDArray) -> NDArray:
    """A [K, N] weight as [N, G, 64], zeros in the last block."""
    depth = -(-weight.shape[0] // 64) * 64
    padded = np.pad(weight.T, ((0, 0), (0, depth - weight.shape[0])))
    return padded.reshape(weight.shape[1], -1, 64)


def test_the_configuration_has_no_choices() -> None:
    assert CONFIG == quantc.QuantizationConfig(
        weight_format="nf4",
        weight_bits=4,
        mode="weight_only",
        granularity="per_group",
        group_size=64,
    )
    assert (CONFIG.activation_bits, CONFIG.symmetric_weights) == (32, True)
    with pytest.raises(quantc.Error, match="weight_format='fp4'; it must be 'integer' or 'nf4'"):
        quantc.QuantizationConfig(weight_format="fp4")


def test_weights(model: quantc.Model) -> None:
    quantized = quantc.quantize(model, CONFIG)
    for name, layer in quantized.layers.items():
        assert (layer.weight_format, layer.weight_bits, layer.mode) == ("nf4", 4, "weight_only")
        assert layer.skipped_because is None
        weight = get_blocks(model.layers[name].weight)
        largest = np.abs(weight).max(axis=2)
        # Magnitudes in 8 bits around their mean: within a 254th of their range, twice.
        step = np.abs(largest - largest.mean()).max() / 127
        np.testing.assert_allclose(layer.weight_scale, largest, atol=0.51 * step, rtol=1e-5)
        scale = layer.weight_scale[:, :, None]
        nearest = np.abs(weight[..., None] / scale[..., None] - LEVELS).argmin(axis=-1)
        expected = (LEVELS[nearest] * scale).reshape(len(weight), -1)[:, : layer.weight.shape[0]]
        np.testing.assert_allclose(layer.dequantized_weight.T, expected, rtol=1e-6)
        count = weight.size
        assert layer.weight_bytes == count // 2 + count // 64 + 4 * -(-count // (64 * 256)) + 4


def test_programs(model: quantc.Model, tmp_path: Path) -> None:
    quantized = quantc.quantize(model, CONFIG)
    x = random_inputs((5, 64))
    expected = quantc.interpret(quantized, x)
    np.testing.assert_array_equal(quantc.compile(quantized)(x), expected)
    noise = expected - quantc.interpret(model, x)
    assert 0.01 < np.linalg.norm(noise) / np.linalg.norm(expected) < 0.3
    # The same as a float model with the weights that the integers stand for.
    weights = {
        name: quantc.SavedModule(np.ascontiguousarray(layer.dequantized_weight.T))
        for name, layer in quantized.layers.items()
    }
    merged, _ = quantc.merge_lora(model, quantc.Adapter({}, saved_modules=weights))
    np.testing.assert_allclose(quantc.interpret(merged, x), expected, rtol=1e-5, atol=1e-6)
    quantized.save(tmp_path / "model.mlir")
    np.testing.assert_array_equal(
        quantc.interpret(quantc.load(tmp_path / "model.mlir"), x), expected
    )


def test_command_line(model: quantc.Model, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    output = tmp_path / "nf4.mlir"
    assert main(["quantize", model.path, "--weight-format", "nf4", "-o", str(output)]) == 0
    assert main(["inspect", str(output)]) == 0
    assert "weight_only" in capsys.readouterr().out
