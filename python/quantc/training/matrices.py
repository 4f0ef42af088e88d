"""The matrices of an adapter that is trained, as inputs of a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from quantc._quantc import Model
from quantc.adapter import Adapter, AdapterLayer
from quantc.training.data import Arrays

DOWN, UP = ".lora_down", ".lora_up"
"""What follows the name of a layer in that of A transposed, and of B transposed."""


def initialize_matrices(model: Model, seed: int) -> Arrays:
    """Return the matrices that ``model`` takes, of an adapter that changes nothing yet.

    A is uniform in ``+-1 / sqrt(K)``, as in PEFT, and B is 0.
    """
    random = np.random.default_rng(seed)
    matrices = {}
    for port in model.inputs:
        if port.name.endswith(DOWN):
            bound = 1 / np.sqrt(port.shape[0])
            matrices[port.name] = random.uniform(-bound, bound, port.shape).astype(np.float32)
        elif port.name.endswith(UP):
            matrices[port.name] = np.zeros(port.shape, np.float32)
    return matrices


def make_adapter(
    state: Mapping[str, NDArray], names: Iterable[str], rank: int, alpha: float
) -> Adapter:
    """Return the adapter whose matrices ``state`` holds under ``names``."""
    layers = [name.removesuffix(DOWN) for name in names if name.endswith(DOWN)]
    return Adapter(
        {
            layer: AdapterLayer(
                np.ascontiguousarray(state[layer + DOWN].T),
                np.ascontiguousarray(state[layer + UP].T),
                alpha / rank,
            )
            for layer in layers
        },
        config={"r": rank, "lora_alpha": alpha, "target_modules": layers},
    )
