"""Samples and labels, checked and divided into batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantc._quantc import Model, Port
from quantc.errors import Error

Arrays = dict[str, NDArray]


class TrainingData:
    """The inputs of a model by name, and ``labels``; all have one entry for each sample."""

    def __init__(self, model: Model, x: Any, labels: Any, loss: str, what: str) -> None:
        """Check ``x``, an array for the only input or a dict by name; ``what`` opens errors."""
        self.what = what
        self.inputs = check_inputs(model, x, what)
        self.samples = len(next(iter(self.inputs.values())))
        self.labels = self._check_labels(model.outputs[0], np.asarray(labels), loss)

    def __len__(self) -> int:
        return self.samples

    def batches(self, size: int, order: NDArray) -> list[NDArray]:
        """Return the numbers of the samples of each batch; the last one may be smaller."""
        return [order[start : start + size] for start in range(0, self.samples, size)]

    def take(self, numbers: NDArray) -> Arrays:
        """Return the samples of one batch as inputs of a training step."""
        batch = {name: array[numbers] for name, array in self.inputs.items()}
        batch["labels"] = self.labels[numbers]
        return batch

    def _check_labels(self, output: Port, labels: NDArray, loss: str) -> NDArray:
        if loss == "mse":
            expected = (self.samples, *output.shape[1:])
            if labels.shape != expected:
                raise Error(
                    f"{self.what}: labels of shape {labels.shape}; mse needs those of the output, "
                    f"{expected}"
                )
            labels = labels.astype(np.float32)
            if not np.isfinite(labels).all():
                raise Error(f"{self.what}: labels hold NaN or infinities")
            return labels
        if labels.shape != (self.samples,) or labels.dtype.kind not in "iu":
            raise Error(
                f"{self.what}: labels of shape {labels.shape} and type {labels.dtype}; "
                f"cross_entropy needs whole numbers of shape ({self.samples},)"
            )
        classes = output.shape[-1]
        for bound in (labels.min(), labels.max()):
            if not 0 <= bound < classes:
                raise Error(
                    f"{self.what}: label {bound} is no class; the output '{output.name}' has "
                    f"classes 0 to {classes - 1}"
                )
        return labels.astype(np.int64)


def check_inputs(model: Model, x: Any, what: str) -> Arrays:
    """Return ``x`` as arrays by the names of the inputs of ``model``, of one length."""
    ports = model.inputs
    if not isinstance(x, Mapping):
        if len(ports) != 1:
            names = ", ".join(f"'{port.name}'" for port in ports)
            raise Error(f"{what}: one array for {len(ports)} inputs; give a dict with {names}")
        x = {ports[0].name: x}
    arrays: Arrays = {}
    for port in ports:
        if port.name not in x:
            raise Error(f"{what}: input '{port.name}' is missing")
        array = np.ascontiguousarray(x[port.name])
        if not port.shape or not isinstance(port.shape[0], str):
            raise Error(
                f"{what}: input '{port.name}' has the fixed shape {tuple(port.shape)}; training "
                "needs a model whose first dimension, the batch, is dynamic"
            )
        sizes = tuple(port.shape[1:])
        if array.dtype != np.dtype(port.dtype) or array.shape[1:] != sizes or array.ndim == 0:
            raise Error(
                f"{what}: input '{port.name}' of shape {array.shape} and type {array.dtype}; "
                f"expected {port.dtype} of shape {('N', *sizes)}".replace("'N'", "N")
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise Error(f"{what}: input '{port.name}' has NaN or infinite elements")
        arrays[port.name] = array
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) != 1:
        raise Error(f"{what}: the numbers of samples differ: {sorted(lengths)}")
    if lengths == {0}:
        raise Error(f"{what}: no samples")
    return arrays


def split(arrays: Arrays, size: int) -> Iterator[Arrays]:
    """Yield ``arrays`` in parts of ``size`` samples."""
    samples = len(next(iter(arrays.values())))
    for start in range(0, samples, size):
        yield {name: array[start : start + size] for name, array in arrays.items()}
