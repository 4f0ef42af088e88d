"""Reductions, and what sorts or adds up along a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch

from quantc.torch.aten.graph import ELEMENT_TYPES, Tensor
from quantc.torch.aten.table import translates
from quantc.torch.aten.translator import Translator

Dims = Sequence[int] | int | None


def _get_axes(x: Tensor, dims: Dims) -> list[int]:
    """``dims`` counted from the front; all dimensions where none are given."""
    if dims is None or (not isinstance(dims, int) and not dims):
        return list(range(x.rank))
    return [dim % x.rank if x.rank else 0 for dim in ([dims] if isinstance(dims, int) else dims)]


def _reduce(
    t: Translator, operator: str, x: Tensor | str, axes: Sequence[int], keepdim: bool
) -> str:
    return t.emit(operator, x, t.ints(axes), keepdims=int(keepdim))


def _enter(operator: str, *names: str) -> None:
    """Reductions whose arguments are a tensor, dimensions and whether these stay."""

    @translates(*names)
    def translate(
        t: Translator, x: Tensor, dims: Dims = None, keepdim: Any = False, *_: Any
    ) -> str:
        # Without dimensions the next argument is a type.
        is_whole = dims is None or isinstance(dims, torch.dtype)
        axes = _get_axes(x, None if is_whole else dims)
        value = t.cast(x, t.dtype)
        return _reduce(t, operator, value, axes, keepdim is True) if axes else value


_enter("ReduceMean", "aten.mean.default", "aten.mean.dim")
_enter("ReduceSum", "aten.sum.default", "aten.sum.dim_IntList")
_enter("ReduceMax", "aten.amax.default", "aten.max.default")
_enter("ReduceMin", "aten.amin.default", "aten.min.default")
_enter("ReduceProd", "aten.prod.default", "aten.prod.dim_int")
_enter("ReduceLogSumExp", "aten.logsumexp.default")


@translates("aten.max.dim")
def max_along(t: Translator, x: Tensor, dim: int, keepdim: bool) -> list[str]:
    return _find_extremum(t, "Max", x, dim, keepdim)


@translates("aten.min.dim")
def min_along(t: Translator, x: Tensor, dim: int, keepdim: bool) -> list[str]:
    return _find_extremum(t, "Min", x, dim, keepdim)


def _find_extremum(t: Translator, which: str, x: Tensor, dim: int, keepdim: bool) -> list[str]:
    index = t.emit(f"Arg{which}", x, axis=dim, keepdims=int(keepdim))
    return [_reduce(t, f"Reduce{which}", x, [dim % x.rank], keepdim), index]


@translates("aten.argmax.default")
def argmax(t: Translator, x: Tensor, dim: int | None, keepdim: bool) -> str:
    return _find_index(t, "ArgMax", x, dim, keepdim)


@translates("aten.argmin.default")
def argmin(t: Translator, x: Tensor, dim: int | None, keepdim: bool) -> str:
    return _find_index(t, "ArgMin", x, dim, keepdim)


def _find_index(t: Translator, operator: str, x: Tensor, dim: int | None, keepdim: bool) -> str:
    if dim is not None:
        return t.emit(operator, x, axis=dim, keepdims=int(keepdim))
    flat = t.emit("Reshape", x, t.ints([-1]))
    return t.emit(operator, flat, axis=0, keepdims=0)


@translates("aten.any.default", "aten.any.dim", "aten.any.dims")
def any_(t: Translator, x: Tensor, dims: Dims = None, keepdim: bool = False) -> str:
    return _reduce_bools(t, "ReduceMax", x, dims, keepdim)


@translates("aten.all.default", "aten.all.dim", "aten.all.dims")
def all_(t: Translator, x: Tensor, dims: Dims = None, keepdim: bool = False) -> str:
    return _reduce_bools(t, "ReduceMin", x, dims, keepdim)


def _reduce_bools(t: Translator, operator: str, x: Tensor, dims: Dims, keepdim: bool) -> str:
    numbers = t.emit("Cast", t.cast(x, torch.bool), to=ELEMENT_TYPES[torch.int32])
    reduced = _reduce(t, operator, numbers, _get_axes(x, dims), keepdim)
    return t.emit("Cast", reduced, to=ELEMENT_TYPES[torch.bool])


def _reduce_variance(t: Translator, x: Tensor, dims: Dims, correction: float | None,
                     keepdim: bool) -> tuple[str, str]:  # fmt: skip
    """The sum of squared distances from the mean, by the count less ``correction``; the mean."""
    axes = _get_axes(x, dims)
    mean = _reduce(t, "ReduceMean", x, axes, True)
    distance = t.emit("Sub", x, mean)
    squares = t.emit("Mul", distance, distance)
    less = 1 if correction is None else correction
    if less == 0:
        variance = _reduce(t, "ReduceMean", squares, axes, keepdim)
    else:
        sizes = [x.shape[axis] for axis in axes]
        if not all(isinstance(size, int) for size in sizes):
            raise t.refuse("a corrected variance over an open dimension; expects correction=0")
        total = _reduce(t, "ReduceSum", squares, axes, keepdim)
        variance = t.emit("Div", total, t.scalar(max(prod(sizes) - less, 0), t.dtype))
    return variance, mean if keepdim else t.emit("Squeeze", mean, t.ints(axes))


@translates("aten.var.correction")
def var(t: Translator, x: Tensor, dims: Dims, correction: float | None, keepdim: bool) -> str:
    return _reduce_variance(t, x, dims, correction, keepdim)[0]


@translates("aten.std.correction")
def std(t: Translator, x: Tensor, dims: Dims, correction: float | None, keepdim: bool) -> str:
    return t.emit("Sqrt", var(t, x, dims, correction, keepdim))


@translates("aten.var_mean.correction")
def var_mean(t: Translator, x: Tensor, dims: Dims, correction: float | None,
             keepdim: bool) -> list[str]:  # fmt: skip
    return list(_reduce_variance(t, x, dims, correction, keepdim))


@translates("aten.linalg_vector_norm.default")
def vector_norm(t: Translator, x: Tensor, order: float, dims: Dims, keepdim: bool, *_: Any) -> str:
    operators = {1: "ReduceL1", 2: "ReduceL2"}
    if order not in operators:
        raise t.refuse(f"a norm of order {order}; expects 1 or 2")
    return _reduce(t, operators[int(order)], t.cast(x, t.dtype), _get_axes(x, dims), keepdim)


@translates("aten.cumsum.default")
def cumsum(t: Translator, x: Tensor, dim: int, *_: Any) -> str:
    return t.emit("CumSum", t.cast(x, t.dtype), t.scalar(dim, torch.int64))


@translates("aten.topk.default")
def topk(t: Translator, x: Tensor, count: int, dim: int, largest: bool, sort: bool) -> list[str]:
    return t.emit_many("TopK", 2, x, t.ints([count]), axis=dim, largest=int(largest), sorted=1)


@translates("aten.sort.default")
def sort(t: Translator, x: Tensor, dim: int, descending: bool) -> list[str]:
    """All of a dimension; what is equal stays in order."""
    if not x.rank or not isinstance(x.shape[dim], int):
        raise t.refuse("sorts an open dimension; expects one of constant size")
    return topk(t, x, x.shape[dim], dim, descending, True)


@translates("aten.sort.stable")
def sort_stable(t: Translator, x: Tensor, stable: bool, dim: int, descending: bool) -> list[str]:
    return sort(t, x, dim, descending)
