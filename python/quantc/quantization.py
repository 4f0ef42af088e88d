"""Quantization after training."""

from __future__ import annotations

from collections.abc import Iterable

from quantc import _quantc
from quantc._quantc import CalibrationTable, Model
from quantc.calibration import Batch, calibrate
from quantc.config import QuantizationConfig
from quantc.errors import Error


def quantize(
    model: Model,
    config: QuantizationConfig | None = None,
    calibration_data: Iterable[Batch] | Batch | CalibrationTable | None = None,
) -> Model:
    """Return ``model`` in integer form.

    ``config`` says what becomes of which layer (default: INT8, static, per channel);
    ``model.layers[name].skipped_because`` of the result says why a layer stays float.

    ``calibration_data`` is needed for the mode ``static`` and not used by the others: an iterable
    of batches, each an array for the only input (its shape that of the input, in elements), a
    sequence in the order of the inputs, or a dict by input name; or the statistics of an earlier
    ``calibrate``.

    Raises ``quantc.Error`` where data does not fit the inputs, where a group size does not fit the
    inputs of a layer, and for NaN or infinities in weights. Warns with
    ``QuantizationWarning`` about patterns of ``skip_layers`` that match no layer.
    """
    config = config or QuantizationConfig()
    if config.mode != "static":
        return _quantc.quantize(model, config, None)
    if calibration_data is None:
        raise Error(
            f"{model.path}: static quantization needs the ranges of activations; "
            "give calibration_data, or choose mode='dynamic'"
        )
    if not isinstance(calibration_data, CalibrationTable):
        histogram = config.calibration == "percentile"
        calibration_data = calibrate(model, calibration_data, histogram=histogram)
    return _quantc.quantize(model, config, calibration_data)
