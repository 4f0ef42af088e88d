"""Adapters merged into the weights of a model, and what is left of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quantc import _quantc
from quantc._quantc import Model
from quantc.adapter import Adapter, load_adapter
from quantc.batches import Batch
from quantc.errors import Error
from quantc.moments import collect_second_moments

if TYPE_CHECKING:
    from quantc.quantization import LayerParameters


@dataclass(frozen=True)
class LayerSurvival:
    """What is left of an adapter in one layer, after the merged weight has been quantized.

    W is the weight before, D what the adapter adds, E what has been added after rounding.
    """

    weight_bits: int
    """4 or 8; 32 in a layer that is float."""
    weight_norm: float
    """The Frobenius norm of W."""
    adapter_norm: float
    """The Frobenius norm of D."""
    share: float
    """<E, D> / <D, D>: 1 when all of the adapter is left, 0 when it has been rounded away."""
    output_error: float
    """The error of the output, relative to what the adapter adds to it: the root mean square of
    x (E - D) over that of x D."""
    advice: str
    """``merge`` when ``share`` is at least 0.9 and ``output_error`` at most 0.5, or what would make
    it so: ``change_groups`` (to groups of 32), ``raise_bits`` (to 8); else ``keep_separate``."""


@dataclass(frozen=True)
class Survival:
    """What is left of an adapter in each layer; ``print`` shows a table."""

    layers: dict[str, LayerSurvival]

    def __str__(self) -> str:
        from quantc.cli.tables import format_survival

        return format_survival(self)


def merge_lora(
    model: Model,
    adapter: Adapter | str | os.PathLike[str],
    *,
    keep_base: bool = False,
    parameters: Mapping[str, LayerParameters] | None = None,
    second_moments: Mapping[str, NDArray[np.floating]] | None = None,
    calibration_data: Iterable[Batch] | Batch | None = None,
) -> tuple[Model, Survival]:
    """Return ``model`` with the adapter in its weights, and what is left of it after rounding.

    The weights become ``W + scale * B A``; those of a quantized layer are dequantized before and
    quantized again after, in the format that the layer has. Layers that the adapter leaves alone
    keep their bytes, and so do the scales of activations: see ``adapters`` of ``quantize``.

    ``adapter`` is an adapter or its folder. ``keep_base`` keeps what the model was, in the model,
    for ``unmerge_lora``. ``parameters`` are those of the merged weights, by layer name, where
    training with fake-quantized ``W + scale * B A`` has found them: the result is then what was
    trained, to the bit. Without, they follow from the merged weight.

    ``calibration_data``, as for ``quantize``, is what the model will see: it makes
    ``LayerSurvival.output_error``, and the advice, those on such inputs. ``second_moments`` does
    so with what ``collect_second_moments`` has found, or with the means of ``x[i] * x[j]`` over the
    inputs of layers by layer name: [K, K], or [K] for ``i == j`` alone. Without either, inputs are
    taken to be white.

    Raises ``quantc.Error`` for a module that the model does not have and for shapes that do not
    fit: an adapter for another base.
    """
    if not isinstance(adapter, Adapter):
        adapter = load_adapter(adapter)
    entries = _make_entries(adapter.for_layers(model.layers))
    if calibration_data is not None:
        if second_moments is not None:
            raise Error("calibration_data and second_moments; give one of them")
        names = [re.escape(name) for name in entries]
        second_moments = collect_second_moments(model, calibration_data, layers=names)
    for name, moments in (second_moments or {}).items():
        if name not in entries:
            raise Error(f"second_moments: '{name}' is no layer that {adapter.path} changes")
        entries[name]["moments"] = np.ascontiguousarray(moments, np.float32)
    for name, given in (parameters or {}).items():
        if name not in entries:
            raise Error(f"parameters: '{name}' is no layer that {adapter.path} changes")
        for field in ("weight_scale", "weight_zero_point", "weight_multiplier"):
            if (value := getattr(given, field)) is not None:
                entries[name][field] = value
    merged = _quantc.merge_lora(model, entries, keep_base)
    return merged, _get_survival(merged)


def unmerge_lora(model: Model) -> Model:
    """Return what ``model`` was before ``merge_lora(..., keep_base=True)``, to the bit.

    Raises ``quantc.Error`` when it was merged without ``keep_base``, and when nothing was merged.
    """
    if not _quantc.get_survival(model):
        raise Error(f"{model.path}: nothing has been merged into this model")
    return _quantc.unmerge_lora(model)


def _make_entries(adapter: Adapter) -> dict[str, dict[str, object]]:
    """What changes in each layer, by the layer's name."""
    entries: dict[str, dict[str, object]] = {name: {} for name in adapter.modules}
    for name, layer in adapter.layers.items():
        entries[name].update(a=_to_float(layer.a), b=_to_float(layer.b), scale=layer.scale)
    for name, bias in adapter.biases.items():
        entries[name]["bias"] = _to_float(bias)
    for name, saved in adapter.saved_modules.items():
        for part, array in (("weight", saved.weight), ("bias", saved.bias)):
            if array is not None:
                entries[name][part] = _to_float(array)
    return entries


def _to_float(array: NDArray) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, np.float32)


def _get_survival(merged: Model) -> Survival:
    layers = merged.layers
    return Survival(
        {
            name: LayerSurvival(weight_bits=layers[name].weight_bits, **fields)
            for name, fields in _quantc.get_survival(merged).items()
        }
    )
