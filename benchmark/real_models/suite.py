"""Which models there are, and how each is quantized."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from real_models import digits, fashion, light, magika, minilm
from real_models.model import Metric, RealModel

Config = Mapping[str, Any]
"""Arguments of ``quantc.QuantizationConfig``."""

STATIC: Config = {"mode": "static"}
DYNAMIC: Config = {"mode": "dynamic"}
INT4: Config = {"weight_bits": 4, "granularity": "per_group"}


@dataclass(frozen=True)
class Choice:
    """A model with the ways to quantize it that keep its accuracy, the first one whole in INT8."""

    metric: Metric
    make: Callable[[Path, int], RealModel]
    """Takes a folder for files, and the number of samples."""
    configs: Mapping[str, Config]
    samples: int
    """For a benchmark, which runs them through every library."""


MODELS: dict[str, Choice] = {
    **{
        f"digits-{name}": Choice(
            "accuracy",
            lambda folder, _, name=name: digits.make(name, folder),
            {"INT8": STATIC},
            797,
        )
        for name in digits.NAMES
    },
    "fashion-cnn": Choice(
        "accuracy",
        lambda _, samples: fashion.make(samples),
        {
            "INT8": STATIC,
            # A kernel of 3x3 has no groups of 24.
            "INT4": {**INT4, "group_size": 24, "skip_layers": [fashion.FIRST_LAYER]},
        },
        2000,
    ),
    # One range for a whole layer is too coarse for what follows a normalization.
    "magika": Choice("agreement", lambda _, samples: magika.make(samples), {"INT8": DYNAMIC}, 256),
    "minilm": Choice(
        "cosine",
        minilm.make,
        {
            "INT8": DYNAMIC,
            "INT4": {**INT4, "mode": "weight_only", "symmetric_weights": False},
        },
        128,
    ),
    **{
        name: Choice("snr", partial(light.make, name), {"INT8": STATIC}, 16) for name in light.NAMES
    },
}
"""By the names that ``./dev bench --models`` takes."""
