"""Operators of PT2E: to integers and back, which ONNX has as QDQ."""

from __future__ import annotations

from typing import Any

import torch
from onnx import TensorProto

from quantc.torch.aten.graph import Tensor
from quantc.torch.aten.table import translates
from quantc.torch.aten.translator import Translator

NARROW_TYPES = {
    (torch.int8, -8, 7): TensorProto.INT4,
    (torch.uint8, 0, 15): TensorProto.UINT4,
}
"""Constants that a range makes integers of 4 bits."""


def _get_scale(t: Translator, scale: Any) -> str:
    """A scale in float32; one in a tensor of one element has rank 0."""
    value = t.value_of(scale) if isinstance(scale, Tensor) else scale
    if value is None:
        return _get_scalar(t, scale, torch.float32)
    value = torch.as_tensor(value, dtype=torch.float32)
    return t.constant(value.reshape(()) if value.numel() == 1 else value)


def _get_zero_point(t: Translator, zero_point: Any, dtype: torch.dtype,
                    element_type: int | None = None) -> str | None:  # fmt: skip
    """A zero point in the type of the integers."""
    if zero_point is None:
        return None
    value = t.value_of(zero_point) if isinstance(zero_point, Tensor) else zero_point
    if value is None:
        return _get_scalar(t, zero_point, dtype)
    value = torch.as_tensor(value)
    bounds = torch.iinfo(dtype)
    if bool((value < bounds.min).any() or (value > bounds.max).any()):
        raise t.refuse(f"a zero point outside of {dtype}; expects one within")
    value = value.to(dtype)
    return t.constant(value.reshape(()) if value.numel() == 1 else value, element_type)


def _get_scalar(t: Translator, tensor: Tensor, dtype: torch.dtype) -> str:
    """A computed parameter of one element, with rank 0."""
    if any(size != 1 for size in tensor.shape):
        raise t.refuse("parameters of channels that are computed; expects constant ones")
    name = t.cast(tensor, dtype)
    return t.emit("Squeeze", name, t.ints(list(range(tensor.rank)))) if tensor.rank else name


@translates("quantized_decomposed.choose_qparams.tensor")
def choose_parameters(t: Translator, x: Tensor, low: int, high: int, eps: float,
                      dtype: torch.dtype) -> list[str]:  # fmt: skip
    """Scale and zero point of the whole tensor. ONNX has them for uint8, int8 is 128 less."""
    bounds = torch.iinfo(dtype)
    if (low, high) != (bounds.min, bounds.max) or dtype not in (torch.uint8, torch.int8):
        raise t.refuse(f"the range {low} to {high} of {dtype}; expects all of int8 or uint8")
    _, scale, zero_point = t.emit_many("DynamicQuantizeLinear", 3, x)
    point = t.emit("Cast", zero_point, to=TensorProto.INT64)
    if bounds.min:
        point = t.emit("Add", point, t.scalar(bounds.min, torch.int64))
    return [t.emit("Unsqueeze", name, t.ints([0])) for name in (scale, point)]


def _quantize(t: Translator, x: Tensor, scale: Any, zero_point: Any, low: Any, high: Any,
              dtype: torch.dtype, **attributes: Any) -> str:  # fmt: skip
    """QuantizeLinear saturates at the bounds of the type; narrower ones are clipped before."""
    scale_name = _get_scale(t, scale)
    point = _get_zero_point(t, zero_point, dtype)
    value = x.name
    bounds = torch.iinfo(dtype)
    if (low, high) != (bounds.min, bounds.max):
        if isinstance(scale, Tensor) or isinstance(zero_point, Tensor):
            raise t.refuse(
                f"the range {low} to {high} of {dtype}, with scales in a tensor; expects all of it"
            )
        # A multiple of the scale is rounded to itself.
        ends = [t.scalar((bound - zero_point) * scale, torch.float32) for bound in (low, high)]
        value = t.emit("Clip", value, *ends)
    return t.emit("QuantizeLinear", value, scale_name, point, **attributes)


def _dequantize(t: Translator, x: Tensor, scale: Any, zero_point: Any, low: Any, high: Any,
                **attributes: Any) -> str:  # fmt: skip
    integers = x.name
    element_type = NARROW_TYPES.get((x.dtype, low, high))
    value = t.value_of(x)
    if element_type is not None and value is not None:
        integers = t.constant(value, element_type)
    else:
        element_type = None
    point = _get_zero_point(t, zero_point, x.dtype, element_type)
    name = t.emit("DequantizeLinear", integers, _get_scale(t, scale), point, **attributes)
    return t.cast(Tensor(name, torch.float32, x.shape), t.dtype)


@translates(
    "quantized_decomposed.quantize_per_tensor.default",
    "quantized_decomposed.quantize_per_tensor.tensor",
)
def quantize_per_tensor(t: Translator, x: Tensor, scale: Any, zero_point: Any, low: int,
                        high: int, dtype: torch.dtype) -> str:  # fmt: skip
    return _quantize(t, x, scale, zero_point, low, high, dtype)


@translates("quantized_decomposed.quantize_per_channel.default")
def quantize_per_channel(t: Translator, x: Tensor, scales: Tensor, zero_points: Tensor, axis: int,
                         low: int, high: int, dtype: torch.dtype) -> str:  # fmt: skip
    return _quantize(t, x, scales, zero_points, low, high, dtype, axis=axis)


@translates(
    "quantized_decomposed.dequantize_per_tensor.default",
    "quantized_decomposed.dequantize_per_tensor.tensor",
)
def dequantize_per_tensor(t: Translator, x: Tensor, scale: Any, zero_point: Any, low: int,
                          high: int, *_: Any) -> str:  # fmt: skip
    return _dequantize(t, x, scale, zero_point, low, high)


@translates("quantized_decomposed.dequantize_per_channel.default")
def dequantize_per_channel(t: Translator, x: Tensor, scales: Tensor, zero_points: Tensor | None,
                           axis: int, low: int, high: int, *_: Any) -> str:  # fmt: skip
    return _dequantize(t, x, scales, zero_points, low, high, axis=axis)
