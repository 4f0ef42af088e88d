"""Models that nobody here wrote, where they are on the machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import quantc
from quantc import QuantizationConfig

MAGIKA = Path(__file__).resolve().parents[3] / "shared" / "models" / "magika" / "model.onnx"

pytestmark = pytest.mark.skipif(not MAGIKA.is_file(), reason="needs the magika model")


@pytest.fixture(scope="module")
def inputs() -> np.ndarray:
    """Random text, program-like bytes and padding: four files as the model reads them."""
    rng = np.random.default_rng(0)
    files = np.full((4, 2048), 256, np.int32)
    files[0, :] = rng.integers(32, 127, 2048)
    files[1, :] = rng.integers(0, 256, 2048)
    files[2, :100] = rng.integers(97, 123, 100)
    files[3, -500:] = rng.integers(48, 58, 500)
    return files


@pytest.mark.parametrize("mode", ["float", "static", "dynamic"])
def test_magika_agrees_with_onnxruntime(mode: str, inputs: np.ndarray) -> None:
    """The same label for each file, in FP32 and with quantized linear layers."""
    session = onnxruntime.InferenceSession(MAGIKA, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"bytes": inputs})[0]
    model = quantc.load(MAGIKA)
    if mode != "float":
        data = [inputs] if mode == "static" else None
        model = quantc.quantize(model, QuantizationConfig(mode=mode), calibration_data=data)
        reasons = [layer.skipped_because for layer in model.layers.values()]
        # Two linear layers and a convolution; an embedding table stays float.
        assert reasons.count(None) == 3
    actual = quantc.compile(model)(inputs)
    assert (actual.argmax(axis=1) == expected.argmax(axis=1)).all()
    if mode == "float":
        np.testing.assert_allclose(actual, expected, atol=1e-3)
