"""QuantizationConfig: what is refused, and how it says so."""

from __future__ import annotations

import dataclasses

import pytest

from quantc import Error, QuantizationConfig


def test_defaults() -> None:
    config = QuantizationConfig()
    assert (config.weight_bits, config.activation_bits, config.mode) == (8, 8, "static")
    assert (config.granularity, config.group_size) == ("per_channel", 32)
    assert config.symmetric_weights and config.symmetric_activations is None
    assert config.calibration == "minmax" and config.skip_layers == ()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("weight_bits", 5, "weight_bits=5; it must be 4 or 8"),
        ("weight_bits", True, "weight_bits=True; it must be 4 or 8"),
        ("weight_bits", "8", "weight_bits='8'; it must be 4 or 8"),
        ("activation_bits", 16, "activation_bits=16; it must be 8 or 32"),
        ("mode", "fast", "mode='fast'; it must be 'static', 'dynamic' or 'weight_only'"),
        (
            "granularity",
            "per_row",
            "granularity='per_row'; it must be 'per_tensor', 'per_channel' or 'per_group'",
        ),
        ("group_size", 0, "group_size=0; it must be a whole number from 8 to 256"),
        ("group_size", 2.5, "group_size=2.5; it must be a whole number from 8 to 256"),
        ("calibration", "entropy", "calibration='entropy'; it must be 'minmax' or 'percentile'"),
        ("percentile", 20, "percentile=20; it must be from 50 to 100"),
        ("percentile", float("nan"), "percentile=nan; it must be from 50 to 100"),
        ("symmetric_weights", "no", "symmetric_weights='no'; it must be True or False"),
        ("symmetric_activations", 1, "symmetric_activations=1; it must be True, False or None"),
        ("skip_first", None, "skip_first=None; it must be True or False"),
        ("skip_layers", [3], "skip_layers=3; it must be names or regular expressions"),
        ("skip_layers", 3, "skip_layers=3; it must be names or regular expressions"),
    ],
)
def test_values_that_do_not_exist(field: str, value: object, message: str) -> None:
    with pytest.raises(Error) as caught:
        QuantizationConfig(**{field: value})
    assert str(caught.value) == message


def test_hyphens_are_underscores() -> None:
    config = QuantizationConfig(mode="weight-only", granularity="per-group")
    assert (config.mode, config.granularity) == ("weight_only", "per_group")


def test_weight_only_and_32_bits_are_the_same() -> None:
    assert QuantizationConfig(activation_bits=32) == QuantizationConfig(mode="weight_only")
    with pytest.raises(Error, match="activation_bits=32 with mode='dynamic'"):
        QuantizationConfig(activation_bits=32, mode="dynamic")


def test_one_pattern_need_not_be_in_a_list() -> None:
    assert QuantizationConfig(skip_layers="fc1").skip_layers == ("fc1",)


def test_is_a_value() -> None:
    config = QuantizationConfig(weight_bits=4)
    assert dataclasses.replace(config, weight_bits=8) == QuantizationConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.weight_bits = 8


def test_names_for_training() -> None:
    assert QuantizationConfig(mode="qat") == QuantizationConfig()
    config = QuantizationConfig(mode="float")
    assert config.mode == "static" and not config.enable_quantization_aware_training
    assert QuantizationConfig(quantization_bits=4) == QuantizationConfig(weight_bits=4)
    with pytest.raises(Error, match="quantization_bits=3; it must be 4 or 8"):
        QuantizationConfig(quantization_bits=3)
