"""Fashion-MNIST: accuracy on all 10,000 test images, and sizes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import quantc
from quantc import QuantizationConfig

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmark"
sys.path.insert(0, str(BENCHMARK))

from fashion_mnist import data

pytestmark = pytest.mark.skipif(
    not data.DATA_DIR.is_dir(), reason="needs Debian's dataset-fashion-mnist"
)

INT4 = {"weight_bits": 4, "granularity": "per_group", "group_size": 32}
CASES = {
    "int8 static": (QuantizationConfig(), 0.003, (3.5, 4.5)),
    "int8 dynamic": (QuantizationConfig(mode="dynamic"), 0.003, (3.5, 4.5)),
    "int8 weight-only": (QuantizationConfig(mode="weight_only"), 0.003, (3.5, 4.5)),
    "int4 groups static": (QuantizationConfig(**INT4), 0.01, (7, 8)),
    "int4 groups dynamic": (QuantizationConfig(**INT4, mode="dynamic"), 0.01, (7, 8)),
    "int4 groups weight-only": (QuantizationConfig(**INT4, mode="weight_only"), 0.01, (7, 8)),
}


@pytest.fixture(scope="module")
def model() -> quantc.Model:
    return quantc.load(BENCHMARK / "fashion_mnist" / "mlp.onnx")


@pytest.fixture(scope="module")
def statistics(model: quantc.Model) -> quantc.CalibrationTable:
    return quantc.calibrate(model, data.load("train")[0][:1000])


@pytest.fixture(scope="module")
def test_set() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    return data.load("test")


def _get_accuracy(model: quantc.Model, test_set: tuple[NDArray, NDArray]) -> float:
    images, labels = test_set
    return float((quantc.compile(model)(images).argmax(axis=1) == labels).mean())


@pytest.fixture(scope="module")
def float_accuracy(model: quantc.Model, test_set: tuple[NDArray, NDArray]) -> float:
    accuracy = _get_accuracy(model, test_set)
    assert accuracy > 0.88
    return accuracy


@pytest.mark.parametrize("name", CASES)
def test_accuracy_and_size(
    name: str,
    model: quantc.Model,
    statistics: quantc.CalibrationTable,
    test_set: tuple[NDArray, NDArray],
    float_accuracy: float,
    tmp_path: Path,
) -> None:
    config, loss, (smallest, largest) = CASES[name]
    quantized = quantc.quantize(model, config, statistics)
    assert _get_accuracy(quantized, test_set) >= float_accuracy - loss

    def count(of: quantc.Model) -> int:
        return sum(layer.weight_bytes for layer in of.layers.values())

    ratio = count(model) / count(quantized)
    assert smallest <= ratio <= largest
    for layer_name, layer in quantized.layers.items():
        assert layer.weight.shape == model.layers[layer_name].weight.shape

    x = test_set[0][:7]
    assert quantc.compile(quantized)(x).tobytes() == quantc.interpret(quantized, x).tobytes()

    # Weights are stored in 8 and 4 bits in the program and in the object.
    weights = sum(layer.weight.size for layer in quantized.layers.values())
    packed = weights * config.weight_bits // 8
    quantized.save(tmp_path / "model.mlirbc")
    quantc.emit(quantized, tmp_path / "model.o", target="x86-64-v3")
    for file in ("model.mlirbc", "model.o"):
        size = (tmp_path / file).stat().st_size
        assert packed < size < 1.35 * packed + 32768, file


def test_percentile_keeps_accuracy(
    model: quantc.Model,
    test_set: tuple[NDArray[np.float32], NDArray[np.int64]],
    float_accuracy: float,
) -> None:
    """Ranges cut at a percentile, each from its own layer's histogram."""
    images = data.load("train")[0][:1000]
    statistics = quantc.calibrate(model, images, histogram=True)
    config = QuantizationConfig(calibration="percentile")
    quantized = quantc.quantize(model, config, calibration_data=statistics)
    assert float_accuracy - _get_accuracy(quantized, test_set) <= 0.003
