"""Pooling and resizing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from quantc.torch.aten.contractions import spread
from quantc.torch.aten.graph import Size, Tensor
from quantc.torch.aten.table import translates
from quantc.torch.aten.translator import Translator


def _get_windows(kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int],
                 ceil_mode: bool, rank: int) -> dict[str, Any]:  # fmt: skip
    kernel = spread(kernel, rank)
    return {
        "kernel_shape": kernel,
        "strides": spread(stride, rank) if stride else kernel,
        "pads": spread(padding, rank) * 2,
        "ceil_mode": int(ceil_mode),
    }


def _max_pool(t: Translator, x: Tensor, rank: int, kernel: Sequence[int], stride: Sequence[int],
              padding: Sequence[int], dilation: Sequence[int], ceil_mode: bool) -> str:  # fmt: skip
    windows = _get_windows(kernel, stride, padding, ceil_mode, rank)
    return _batched(t, x, rank, "MaxPool", dilations=spread(dilation, rank), **windows)


def _average_pool(t: Translator, x: Tensor, rank: int, kernel: Sequence[int],
                  stride: Sequence[int], padding: Sequence[int], ceil_mode: bool,
                  count_include_pad: bool, divisor: int | None = None) -> str:  # fmt: skip
    if divisor is not None:
        raise t.refuse(f"divisor_override is {divisor}; expects none")
    windows = _get_windows(kernel, stride, padding, ceil_mode, rank)
    return _batched(t, x, rank, "AveragePool", count_include_pad=int(count_include_pad), **windows)


def _batched(t: Translator, x: Tensor, rank: int, operator: str, **attributes: Any) -> str:
    """An operator with windows; ``x`` may be without a batch."""
    if x.rank == rank + 2:
        return t.emit(operator, x, **attributes)
    row = t.emit("Unsqueeze", x, t.ints([0]))
    return t.emit("Squeeze", t.emit(operator, row, **attributes), t.ints([0]))


def _enter_pools(rank: int) -> None:
    @translates(f"aten.max_pool{rank}d.default")
    def max_pool(t: Translator, x: Tensor, *window: Any) -> str:
        return _max_pool(t, x, rank, *window)

    @translates(f"aten.max_pool{rank}d_with_indices.default")
    def max_pool_with_indices(t: Translator, x: Tensor, *window: Any) -> list[str | None]:
        return [_max_pool(t, x, rank, *window), None]

    @translates(f"aten.avg_pool{rank}d.default")
    def average_pool(t: Translator, x: Tensor, *window: Any) -> str:
        return _average_pool(t, x, rank, *window)

    @translates(f"aten.adaptive_avg_pool{rank}d.default", f"aten._adaptive_avg_pool{rank}d.default")
    def adaptive_average_pool(t: Translator, x: Tensor, sizes: Sequence[int]) -> str:
        return _adaptive_pool(t, x, sizes, "Mean")

    @translates(f"aten.adaptive_max_pool{rank}d.default")
    def adaptive_max_pool(t: Translator, x: Tensor, sizes: Sequence[int]) -> list[str | None]:
        return [_adaptive_pool(t, x, sizes, "Max"), None]


for _rank in (1, 2, 3):
    _enter_pools(_rank)


def _adaptive_pool(t: Translator, x: Tensor, sizes: Sequence[int], which: str) -> str:
    """Windows from floor(i * size / n) to ceil((i + 1) * size / n), for each i of n.

    All are as large where n divides the size. Else each dimension is reduced by itself: all rows
    of a window have the same length, so that their mean is the mean of means.
    """
    rank = len(sizes)
    axes = list(range(x.rank - rank, x.rank))
    if all(size == 1 for size in sizes):
        return t.emit(f"Reduce{which}", x, t.ints(axes), keepdims=1)
    given = [x.shape[axis] for axis in axes]
    if not all(isinstance(size, int) for size in given):
        raise t.refuse("an open dimension becomes several windows; expects one of constant size")
    if all(size % count == 0 for size, count in zip(given, sizes, strict=True)):
        kernel = [size // count for size, count in zip(given, sizes, strict=True)]
        operator = "AveragePool" if which == "Mean" else "MaxPool"
        return _batched(t, x, rank, operator, kernel_shape=kernel, strides=kernel)
    value = x.name
    for axis, size, count in zip(axes, given, sizes, strict=True):
        parts = []
        for index in range(count):
            bounds = (index * size // count, -(-(index + 1) * size // count))
            window = t.emit("Slice", value, *(t.ints([bound]) for bound in bounds), t.ints([axis]))
            parts.append(t.emit(f"Reduce{which}", window, t.ints([axis]), keepdims=1))
        value = parts[0] if count == 1 else t.emit("Concat", *parts, axis=axis)
    return value


def _resize(t: Translator, x: Tensor, sizes: Sequence[int | Size] | None,
            factors: Sequence[float | None] | None, **attributes: Any) -> str:  # fmt: skip
    """Resizes all dimensions but the first two."""
    if factors and None not in factors:
        scales = t.constant(torch.tensor([1, 1, *factors], dtype=torch.float32))
        return t.emit("Resize", x, None, scales, **attributes)
    if sizes is None or not all(isinstance(size, int) for size in sizes):
        raise t.refuse("resizes to an open size; expects a constant size or a scale_factor")
    axes = list(range(2, x.rank))
    return t.emit("Resize", x, None, None, t.ints(sizes), axes=axes, **attributes)


def _enter_nearest(rank: int) -> None:
    attributes = {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    }

    @translates(f"aten.upsample_nearest{rank}d.vec")
    def resize(t: Translator, x: Tensor, sizes: Any, factors: Any) -> str:
        return _resize(t, x, sizes, factors, **attributes)

    @translates(f"aten.upsample_nearest{rank}d.default")
    def resize_by_dimension(t: Translator, x: Tensor, sizes: Any, *factors: Any) -> str:
        return _resize(t, x, sizes, factors, **attributes)


def _enter_interpolation(name: str, mode: str) -> None:
    def get_attributes(align_corners: bool) -> dict[str, Any]:
        coordinates = "align_corners" if align_corners else "pytorch_half_pixel"
        if mode == "cubic" and not align_corners:
            coordinates = "half_pixel"
        return {"mode": mode, "coordinate_transformation_mode": coordinates}

    @translates(f"aten.upsample_{name}.vec")
    def resize(t: Translator, x: Tensor, sizes: Any, align_corners: bool, factors: Any) -> str:
        return _resize(t, x, sizes, factors, **get_attributes(align_corners))

    @translates(f"aten.upsample_{name}.default")
    def resize_by_dimension(t: Translator, x: Tensor, sizes: Any, align_corners: bool,
                            *factors: Any) -> str:  # fmt: skip
        return _resize(t, x, sizes, factors, **get_attributes(align_corners))


for _rank in (1, 2, 3):
    _enter_nearest(_rank)
for _name, _mode in (("linear1d", "linear"), ("bilinear2d", "linear"), ("trilinear3d", "linear"),
                     ("bicubic2d", "cubic")):  # fmt: skip
    _enter_interpolation(_name, _mode)
