"""Second moments of the inputs of layers, from sample data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from quantc import _quantc
from quantc._quantc import Model
from quantc.batches import Batch, iterate_batches
from quantc.compilation import compile
from quantc.errors import Error

SUM, ROWS = ".second_moments", ".rows"
"""What follows the name of a layer in that of its sums, and of the number of rows in them."""


class SecondMoments(Mapping[str, NDArray[np.float32]]):
    """For each layer, by name, the means of ``x[i] * x[j]`` over the rows of its input, [K, K].

    Moments of two parts of the data merge to those of the whole; sums are float64, so the order
    may change the last digits.
    """

    def __init__(self, sums: Mapping[str, NDArray[np.float64]], rows: Mapping[str, float]) -> None:
        """Take the sums over ``rows`` rows of each layer."""
        self._sums = dict(sums)
        self._rows = dict(rows)

    def __getitem__(self, layer: str) -> NDArray[np.float32]:
        return (self._sums[layer] / self._rows[layer]).astype(np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sums)

    def __len__(self) -> int:
        return len(self._sums)

    def merge(self, other: SecondMoments) -> SecondMoments:
        """Return the moments of both parts of the data; a layer may be in one of them only."""
        merged = SecondMoments(self._sums, self._rows)
        for layer, total in other._sums.items():
            merged._sums[layer] = merged._sums.get(layer, 0) + total
            merged._rows[layer] = merged._rows.get(layer, 0) + other._rows[layer]
        return merged


def collect_second_moments(
    model: Model,
    data: Iterable[Batch] | Batch,
    *,
    layers: Sequence[str] = (),
    source: str = "calibration_data",
) -> SecondMoments:
    """Run ``data`` through ``model``, float or quantized; return what its layers read is like.

    The compiled program sums ``x^T x`` for each batch in float32; batches are added in float64,
    taken one by one and not kept. ``layers`` are names, or regular expressions that match whole
    names; all linear layers without. A layer with K inputs takes 8 K^2 bytes. ``data`` is as for
    ``calibrate``; ``source`` is what errors call it.

    Raises ``quantc.Error`` for data that does not fit the inputs, for no rows at all, for moments
    that are not finite, and for a pattern that matches no layer.
    """
    program = compile(_quantc.create_second_moments(model, list(layers)))
    names = [port.name.removesuffix(SUM) for port in program.outputs if port.name.endswith(SUM)]
    sums: dict[str, NDArray[np.float64]] = {}
    rows = dict.fromkeys(names, 0.0)
    for where, batch in iterate_batches(data, source, "Calibrating"):
        outputs = _run(program, batch, where)
        for name in names:
            total = outputs[name + SUM].astype(np.float64)
            if not np.isfinite(total).all():
                raise Error(f"{where}the inputs of '{name}' have NaN, infinite or huge elements")
            sums[name] = sums[name] + total if name in sums else total
            rows[name] += float(outputs[name + ROWS])
    for name in names:
        if not rows[name]:
            raise Error(f"{source}: no rows for the layer '{name}'")
    return SecondMoments(sums, rows)


def _run(program: _quantc.Program, batch: Batch, where: str) -> dict[str, NDArray]:
    try:
        return program(batch)
    except Error as error:
        raise Error(f"{where}{error}") from None
