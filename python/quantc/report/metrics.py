"""How far quantized values are from the floats that they stand for."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quantc._quantc import Layer


def decibels(signal: NDArray, noise: NDArray) -> float:
    """``10 log10(sum(signal^2) / sum(noise^2))``; infinite without noise, higher is better."""
    noise_energy = float(np.square(noise, dtype=np.float64).sum())
    signal_energy = float(np.square(signal, dtype=np.float64).sum())
    if noise_energy == 0:
        return math.inf
    return 10 * math.log10(signal_energy / noise_energy) if signal_energy else -math.inf


def get_weight_error(reference: Layer, layer: Layer) -> float | None:
    """Signal to noise of the weights of ``layer``, in dB; None for a layer that stays float.

    ``reference`` is the same layer of the float model.
    """
    if layer.dequantized_weight is None or reference.weight is None:
        return None
    return decibels(reference.weight, layer.dequantized_weight - reference.weight)
