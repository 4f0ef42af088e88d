"""Random adapters for the tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

import quantc


def random_layer(
    outputs: int, inputs: int, rank: int, *, seed: int = 0, size: float = 0.05, scale: float = 2.0
) -> quantc.AdapterLayer:
    """An adapter layer with normally distributed elements."""
    random = np.random.default_rng(seed)
    return quantc.AdapterLayer(
        a=random.standard_normal((rank, inputs), dtype=np.float32) * np.float32(size),
        b=random.standard_normal((outputs, rank), dtype=np.float32) * np.float32(size),
        scale=scale,
    )


def random_adapter(
    shapes: Mapping[str, tuple[int, int]] | None = None, rank: int = 4, **options: float
) -> quantc.Adapter:
    """An adapter for layers [N, K] by name, by default those of ``networks.random_mlp``."""
    shapes = shapes or {"fc1": (53, 37), "fc2": (11, 53)}
    return quantc.Adapter(
        {
            name: random_layer(*shape, rank, seed=seed, **options)
            for seed, (name, shape) in enumerate(shapes.items())
        }
    )
