"""Real models, quantized whole: how much accuracy that costs, and that bytes are the same everywhere.

By default they see little data and few targets; with ``QUANTC_REAL_MODELS=1`` all of it.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

import emulation
import quantc
from machine import X86_TARGETS, can_run
from oracle import open_onnxruntime
from quantc import QuantizationConfig
from real_models import digits, fashion, light, magika, minilm, reference
from real_models.model import MissingError, RealModel, get_neighbour_agreement
from real_models.suite import MODELS

FULL = os.environ.get("QUANTC_REAL_MODELS") == "1"

TARGET = "native" if FULL else "native+notiles"
"""Without tiles there is one code to compile, not two."""

STATIC, DYNAMIC = QuantizationConfig(), QuantizationConfig(mode="dynamic")
WEIGHT_ONLY = QuantizationConfig(mode="weight_only")
MODES = {"float": None, "static": STATIC, "dynamic": DYNAMIC, "weight-only": WEIGHT_ONLY}

ARM_TARGETS = ("aarch64", "aarch64+dotprod", "aarch64+i8mm", "aarch64+sve")

NAMES = tuple(f"digits {name}" for name in digits.NAMES) + ("fashion cnn", "magika")

made: dict[str, RealModel] = {}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("real-models")


def make(name: str, folder: Path) -> RealModel:
    """Make a model once, or skip the test if something that it needs is missing."""
    if name not in made:
        try:
            if name == "magika":
                made[name] = magika.make(2048 if FULL else 64)
            elif name == "fashion cnn":
                made[name] = fashion.make(10_000 if FULL else 2000)
            elif name == "minilm":
                made[name] = minilm.make(folder, 1000 if FULL else 2)
            else:
                made[name] = digits.make(name.removeprefix("digits "), folder)
        except MissingError as error:
            pytest.skip(str(error))
    return made[name]


def run_float(real: RealModel) -> NDArray:
    """Return what onnxruntime computes in FP32."""
    session = onnxruntime.InferenceSession(real.path, providers=["CPUExecutionProvider"])
    return real.run(lambda batch: session.run(None, batch)[0])


def quantize(real: RealModel, config: QuantizationConfig | None) -> quantc.Model:
    """Return the model quantized, or as it is."""
    model = quantc.load(real.path)
    return quantc.quantize(model, config, real.calibration_batches) if config else model


def run_quantized(real: RealModel, config: QuantizationConfig | None) -> NDArray:
    """Return what our program computes."""
    program = quantc.compile(quantize(real, config), TARGET)
    return real.run(program)


@pytest.mark.parametrize("mode", ["static", "dynamic"] if FULL else ["static"])
@pytest.mark.parametrize("name", digits.NAMES)
def test_digits(name: str, mode: str, folder: Path) -> None:
    """Multiplying two activations, in the transformer, is the only thing that stays float."""
    real = make(f"digits {name}", folder)
    expected = run_float(real)
    assert real.score(expected, expected) > 0.9
    quantized = quantize(real, MODES[mode])
    reasons = {layer.skipped_because for layer in quantized.layers.values()}
    assert reasons <= {None, "it is a batch of products"}
    outputs = real.run(quantc.compile(quantized, TARGET))
    assert real.score(outputs, expected) >= real.score(expected, expected) - 0.004


@pytest.mark.parametrize(
    ("config", "loss"),
    [
        (STATIC, 0.003),
        (QuantizationConfig(**MODELS["fashion-cnn"].configs["INT4"]), 0.01),
    ],
    ids=["int8", "int4"],
)
def test_fashion(config: QuantizationConfig, loss: float, folder: Path) -> None:
    real = make("fashion cnn", folder)
    expected = run_float(real)
    assert real.score(expected, expected) > 0.91
    outputs = run_quantized(real, config)
    assert real.score(outputs, expected) >= real.score(expected, expected) - loss


@pytest.mark.parametrize("mode", ["float", "dynamic"])
def test_magika(mode: str, folder: Path) -> None:
    """The same type for each file, in FP32, and with all layers in INT8 for 99 of 100."""
    real = make("magika", folder)
    expected = run_float(real)
    quantized = quantize(real, MODES[mode])
    assert {layer.weight_bits for layer in quantized.layers.values()} == {
        32 if mode == "float" else 8
    }
    outputs = real.run(quantc.compile(quantized, TARGET))
    assert real.score(outputs, expected) >= (0.99 if FULL else 0.95)
    if mode == "float":
        np.testing.assert_allclose(outputs, expected, atol=2e-2)


@pytest.mark.parametrize(
    ("form", "cosine", "agreement"), [("INT8", 0.99, 0.97), ("INT4", 0.97, 0)][: 2 if FULL else 1]
)
def test_minilm(form: str, cosine: float, agreement: float, folder: Path) -> None:
    """Embeddings point where they point in FP32, to the same neighbours."""
    real = make("minilm", folder)
    expected = run_float(real)
    quantized = quantize(real, QuantizationConfig(**MODELS["minilm"].configs[form]))
    reasons = {layer.skipped_because for layer in quantized.layers.values()}
    assert reasons <= {None, "it is a batch of products"}
    # Compiling takes a minute, two sentences a second.
    run = quantc.compile(quantized, TARGET) if FULL else partial(quantc.interpret, quantized)
    outputs = real.run(run)
    assert real.score(outputs, expected) >= cosine
    assert get_neighbour_agreement(outputs, expected) >= agreement


@pytest.mark.parametrize("name", light.NAMES)
def test_light_networks_load(name: str) -> None:
    """As the wheel has them; only convolutions in groups would stay float."""
    model = quantc.load(light.get_path(name))
    (output,) = model.outputs
    assert output.shape[:2] == (1, 1000)
    reasons = {layer.skipped_because for layer in model.layers.values()}
    assert reasons <= {None, "convolutions in groups stay float"}


@pytest.mark.skipif(not FULL, reason="takes minutes; set QUANTC_REAL_MODELS=1")
@pytest.mark.parametrize("name", light.NAMES)
def test_light_networks(name: str, tmp_path: Path) -> None:
    """INT8 is as near to FP32 as what onnxruntime quantizes with the same data."""
    real = light.make(name, tmp_path)
    expected = run_float(real)
    session = open_onnxruntime(
        reference.write_static(real, tmp_path / "static.onnx"), optimized=True
    )
    theirs = real.score(real.run(lambda batch: session.run(None, batch)[0]), expected)
    assert real.score(run_quantized(real, STATIC), expected) >= theirs - 0.5


SAME_BYTES = [
    (name, mode)
    for name in NAMES
    for mode in MODES
    if FULL or (name, mode) in (("digits cnn", "static"), ("digits gru", "dynamic"))
]


@pytest.mark.parametrize(("name", "mode"), SAME_BYTES)
def test_same_bytes(name: str, mode: str, folder: Path, tmp_path: Path) -> None:
    """The interpreter, every level of x86 and emulated AArch64 agree, layers in float included."""
    real = make(name, folder)
    model = quantize(real, MODES[mode])
    (x,) = real.samples.values()
    x = x[:3]
    expected = quantc.interpret(model, x)
    for target in filter(can_run, X86_TARGETS) if FULL else ["x86-64-v3"]:
        actual = quantc.compile(model, target)(x)
        np.testing.assert_array_equal(actual, expected, err_msg=target)
    if not emulation.is_available():
        return
    for target in ARM_TARGETS if FULL else ["aarch64+dotprod"]:
        actual = emulation.run_aarch64(model, target, x, expected, tmp_path)
        np.testing.assert_array_equal(actual, expected, err_msg=target)
