"""Statistics of activations, from sample data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from quantc._quantc import CalibrationTable, Calibrator, Model
from quantc.adapter import Adapter
from quantc.errors import Error
from quantc.merging import merge_lora
from quantc.progress import track

Batch = Any
"""An array for the only input, a sequence in the order of the inputs, or a dict by name."""


def calibrate(
    model: Model,
    data: Iterable[Batch] | Batch,
    *,
    histogram: bool = True,
    adapters: Sequence[Adapter] = (),
    source: str = "calibration_data",
) -> CalibrationTable:
    """Run ``data`` through the float ``model``; return the statistics of what its layers read.

    ``data`` is an iterable of batches; one NumPy array, or one dict, is one batch. Batches are
    taken one by one and not kept. The result depends neither on their order nor on how samples are
    divided into batches, and tables of several machines can be merged: ``table.merge(other)``.

    ``adapters`` are adapters that the program will run with: the statistics are then those of the
    base and of the base with each of them, so that a range holds whichever is in use.

    ``histogram`` says whether to collect what ``calibration="percentile"`` needs. ``source`` is
    what errors call the data. Raises ``quantc.Error`` for unknown or missing input names, wrong
    shapes and types, NaN or infinities, and for no samples at all.
    """
    if isinstance(data, (Mapping, np.ndarray)) or hasattr(data, "__dlpack__"):
        data = [data]
    try:
        batches = iter(data)
    except TypeError:
        raise Error(
            f"{source}: a {type(data).__name__}; it must be an iterable of arrays or of dicts of "
            "arrays by input name"
        ) from None
    models = [model, *(merge_lora(model, adapter)[0] for adapter in adapters)]
    calibrators = [Calibrator(each, histogram) for each in models]
    sized = data if hasattr(data, "__len__") else batches
    for index, batch in enumerate(track(sized, "Calibrating")):
        for calibrator in calibrators:
            calibrator.add(batch, f"{source}: batch {index}: ")
    if calibrators[0].samples == 0:
        raise Error(f"{source}: no samples")
    return reduce(CalibrationTable.merge, (calibrator.table for calibrator in calibrators))
