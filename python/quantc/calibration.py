"""Statistics of activations, from sample data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from quantc._quantc import CalibrationTable, Calibrator, Model
from quantc.adapter import Adapter
from quantc.batches import Batch, iterate_batches
from quantc.errors import Error
from quantc.merging import merge_lora


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
    models = [model, *(merge_lora(model, adapter)[0] for adapter in adapters)]
    calibrators = [Calibrator(each, histogram) for each in models]
    for where, batch in iterate_batches(data, source, "Calibrating"):
        for calibrator in calibrators:
            calibrator.add(batch, where)
    if calibrators[0].samples == 0:
        raise Error(f"{source}: no samples")
    return reduce(CalibrationTable.merge, (calibrator.table for calibrator in calibrators))
