"""A model with its data, and what became of its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray]
"""One batch, by the names of the inputs."""

Metric = Literal["accuracy", "agreement", "cosine", "snr"]


class MissingError(Exception):
    """A package or a file that a model needs is not on this machine; the message names it."""


@dataclass(frozen=True)
class RealModel:
    """An ONNX file whose first dimensions are the batch, with data for it."""

    name: str
    path: Path
    metric: Metric
    """What ``score`` measures, from the outputs for ``samples``."""
    samples: Arrays
    """What it is judged on."""
    calibration: Arrays
    """What static ranges are taken from."""
    labels: NDArray | None = None
    """The right class of each sample, for ``accuracy``."""
    step: int = 256
    """The samples that run in one batch."""

    @property
    def batches(self) -> list[Arrays]:
        """The samples, ``step`` at a time."""
        return split(self.samples, self.step)

    @property
    def calibration_batches(self) -> list[Arrays]:
        """The calibration data, ``step`` at a time."""
        return split(self.calibration, self.step)

    def run(self, program: Callable[[Arrays], NDArray]) -> NDArray:
        """Return the outputs of ``program`` for all samples."""
        return np.concatenate([program(batch) for batch in self.batches])

    def score(self, outputs: NDArray, expected: NDArray) -> float:
        """Return how good ``outputs`` are, given those in FP32; higher is better."""
        return score(self.metric, outputs, expected, self.labels)


def split(arrays: Arrays, step: int) -> list[Arrays]:
    """Cut ``arrays`` along their first dimension."""
    count = len(next(iter(arrays.values())))
    return [
        {name: array[first : first + step] for name, array in arrays.items()}
        for first in range(0, count, step)
    ]


def score(
    metric: Metric, outputs: NDArray, expected: NDArray, labels: NDArray | None = None
) -> float:
    """Return a figure for ``outputs``, of which ``expected`` are those in FP32.

    ``accuracy`` is the fraction of samples whose largest output is at their label, ``agreement``
    that of samples whose largest output is where it is in FP32, ``cosine`` the mean cosine of an
    output to the one in FP32, ``snr`` the signal to noise ratio in dB: the energy of the outputs
    in FP32 over that of the differences, at most 200.
    """
    if metric == "accuracy":
        assert labels is not None
        return float((outputs.argmax(axis=1) == labels).mean())
    if metric == "agreement":
        return float((outputs.argmax(axis=1) == expected.argmax(axis=1)).mean())
    wide, reference = (a.reshape(len(a), -1).astype(np.float64) for a in (outputs, expected))
    if metric == "cosine":
        norms = np.linalg.norm(wide, axis=1) * np.linalg.norm(reference, axis=1)
        return float(((wide * reference).sum(axis=1) / norms).mean())
    ratio = np.square(wide - reference).sum() / np.square(reference).sum()
    return float(-10 * np.log10(max(ratio, 1e-20)))


def get_neighbour_agreement(outputs: NDArray, expected: NDArray) -> float:
    """Return the fraction of rows whose nearest other row, by cosine, is that in ``expected``."""

    def find(rows: NDArray) -> NDArray:
        units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        cosines = units @ units.T
        np.fill_diagonal(cosines, -2)
        return cosines.argmax(axis=1)

    return float((find(outputs) == find(expected)).mean())
