"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import quantc
from networks import random_inputs, random_mlp


@pytest.fixture
def onnx_path(tmp_path: Path) -> Path:
    """A 37-53-11 MLP with weights in [K, N]."""
    return random_mlp(tmp_path / "mlp.onnx")


@pytest.fixture
def model(onnx_path: Path) -> quantc.Model:
    """The same, loaded."""
    return quantc.load(onnx_path)


@pytest.fixture
def batches() -> list[NDArray[np.float32]]:
    """Calibration data for it."""
    return [random_inputs((16, 37), seed) + np.float32(0.5) for seed in range(4)]
