"""Quantization after training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from quantc import _quantc
from quantc._quantc import CalibrationTable, Model
from quantc.adapter import Adapter
from quantc.batches import Batch
from quantc.calibration import calibrate
from quantc.config import QuantizationConfig
from quantc.errors import Error


def quantize(
    model: Model,
    config: QuantizationConfig | None = None,
    calibration_data: Iterable[Batch] | Batch | CalibrationTable | None = None,
    adapters: Sequence[Adapter] = (),
) -> Model:
    """Return ``model`` in integer form.

    ``config`` says what becomes of which layer (default: INT8, static, per channel);
    ``model.layers[name].skipped_because`` of the result says why a layer stays float.

    ``calibration_data`` is needed for the mode ``static`` and not used by the others: an iterable
    of batches, each an array for the only input (its shape that of the input, in elements), a
    sequence in the order of the inputs, or a dict by input name; or the statistics of an earlier
    ``calibrate``.

    ``adapters`` are adapters that the model will run with: calibration sees the base and the base
    with each of them, so that the scales of activations suit them all. Statistics that are given
    ready-made must be of such a ``calibrate``.

    A model that is quantized already, with QuantizeLinear and DequantizeLinear, operators on
    quantized tensors or products of integers, keeps its own parameters: ``config`` and
    ``calibration_data`` are not used.

    Raises ``quantc.Error`` where data does not fit the inputs, where a group size does not fit the
    inputs of a layer, and for NaN or infinities in weights. Warns with
    ``QuantizationWarning`` about patterns of ``skip_layers`` that match no layer.
    """
    if _quantc.is_simulated(model):
        return _quantc.quantize_simulated(model)
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
        calibration_data = calibrate(
            model, calibration_data, histogram=histogram, adapters=adapters
        )
    return _quantc.quantize(model, config, calibration_data)


@dataclass(frozen=True)
class LayerParameters:
    """What a layer is quantized with; what is None is chosen from the weight.

    In mode ``static`` the input has a range, or a scale and a zero point.
    """

    input_range: tuple[float, float] | None = None
    """The smallest and the largest value of the input."""

    input_scale: float | None = None
    """The scale of the input: positive, finite."""

    input_zero_point: int = 0
    """The zero point of the input, -128 to 127; used with ``input_scale``."""

    weight_scale: Any = field(default=None)
    """float32: [] per tensor, [N] per channel and with multipliers of groups, [N, groups] for
    float group scales."""

    weight_zero_point: Any = field(default=None)
    """int8, of the shape of ``weight_scale``, with ``symmetric_weights=False``."""

    weight_multiplier: Any = field(default=None)
    """int8 [N, groups], 1 to 15: the integer scales of groups."""

    weight_magnitude: Any = field(default=None)
    """int8 [B, 256], -127 to 127: the magnitudes of a weight in the format ``nf4`` of B super-blocks.
    ``weight_magnitude_scale`` and ``weight_magnitude_mean`` go with it."""

    weight_magnitude_scale: Any = field(default=None)
    """float32 [B]: the scales of the magnitudes."""

    weight_magnitude_mean: Any = field(default=None)
    """float32 []: the mean of the magnitudes."""

    float_result: bool = False
    """Whether the result is float32 even where the next layer could take integers."""

    def __post_init__(self) -> None:
        for name, dtype in (
            ("weight_scale", np.float32),
            ("weight_zero_point", np.int8),
            ("weight_multiplier", np.int8),
            ("weight_magnitude", np.int8),
            ("weight_magnitude_scale", np.float32),
            ("weight_magnitude_mean", np.float32),
        ):
            object.__setattr__(self, name, _as_blocks(getattr(self, name), dtype))


def _as_blocks(values: ArrayLike | None, dtype: Any) -> np.ndarray | None:
    """Return ``values`` in the shape that operations have: [N] is [N, 1]."""
    if values is None:
        return None
    array = np.asarray(values, dtype)
    return np.ascontiguousarray(array.reshape(-1, 1)) if array.ndim == 1 else array.copy()


def quantize_trained(
    model: Model, config: QuantizationConfig, layers: Mapping[str, LayerParameters]
) -> Model:
    """Return ``model`` in integer form, with the given parameters of its layers.

    For models that were trained with simulated quantization: ``layers`` has what training found,
    by the name of the layer. A layer in mode ``static`` must be among them.

    Raises ``quantc.Error`` for a layer that does not exist, for parameters of a wrong shape or
    range, and as ``quantize`` does.
    """
    return _quantc.quantize_trained(model, config, dict(layers))
