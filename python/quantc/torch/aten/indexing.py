"""Elements at indices, and constants of a size that is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from quantc.torch.aten.graph import Size, Tensor
from quantc.torch.aten.table import translates
from quantc.torch.aten.translator import Translator


@translates("aten.embedding.default")
def embedding(t: Translator, weight: Tensor, indices: Tensor, *_: Any) -> str:
    return t.emit("Gather", weight, indices, axis=0)


@translates("aten._unsafe_index.Tensor", "aten.index.Tensor")
def index(t: Translator, x: Tensor, indices: Sequence[Tensor | None]) -> str:
    """Elements of ``x`` at the broadcast ``indices`` of some neighbouring dimensions."""
    dims = [dim for dim, tensor in enumerate(indices) if tensor is not None]
    given = [tensor for tensor in indices if tensor is not None]
    if any(tensor.dtype in (torch.bool, torch.uint8) for tensor in given):
        raise t.refuse("a mask as index makes a result of unknown size; expects integers")
    if len(given) == 1:
        return t.emit("Gather", x, given[0], axis=dims[0])
    if dims != list(range(dims[0], dims[0] + len(dims))):
        raise t.refuse("indices with others between them; expects neighbouring dimensions")
    # The indexed dimensions first, for GatherND, and back after it.
    others = [dim for dim in range(x.rank) if dim not in dims]
    source = t.emit("Transpose", x, perm=dims + others) if dims[0] else x.name
    rank = max(tensor.rank for tensor in given)
    shape = _get_shape(t, [t.cast(tensor, torch.int64) for tensor in given])
    columns = [
        t.emit("Unsqueeze", t.emit("Expand", t.cast(tensor, torch.int64), shape), t.ints([rank]))
        for tensor in given
    ]
    result = t.emit("GatherND", source, t.emit("Concat", *columns, axis=rank))
    if not dims[0]:
        return result
    before = list(range(rank, rank + dims[0]))
    after = list(range(rank + dims[0], rank + len(others)))
    return t.emit("Transpose", result, perm=before + list(range(rank)) + after)


def _get_shape(t: Translator, tensors: Sequence[str]) -> str:
    """The shape that ``tensors`` of integers broadcast to."""
    total = tensors[0]
    for tensor in tensors[1:]:
        total = t.emit("Add", total, tensor)
    return t.emit("Shape", total)


@translates("aten.index_select.default")
def index_select(t: Translator, x: Tensor, dim: int, indices: Tensor) -> str:
    return t.emit("Gather", x, indices, axis=dim)


@translates("aten.gather.default")
def gather(t: Translator, x: Tensor, dim: int, indices: Tensor, sparse_grad: bool) -> str:
    return t.emit("GatherElements", x, indices, axis=dim)


@translates("aten.scatter.src", "aten.scatter.value")
def scatter(t: Translator, x: Tensor, dim: int, indices: Tensor, source: Any) -> str:
    return t.emit("ScatterElements", x, indices, _like(t, source, indices), axis=dim)


@translates("aten.scatter_add.default")
def scatter_add(t: Translator, x: Tensor, dim: int, indices: Tensor, source: Tensor) -> str:
    values = _like(t, source, indices)
    return t.emit("ScatterElements", x, indices, values, axis=dim, reduction="add")


def _like(t: Translator, source: Any, indices: Tensor) -> str:
    """As many values as indices."""
    if isinstance(source, Tensor):
        if source.shape != indices.shape:
            raise t.refuse("values of another shape than the indices; expects the same shape")
        return source.name
    return t.emit("Expand", t.cast(source, t.dtype), t.emit("Shape", indices))


@translates("aten.index_put.default")
def index_put(t: Translator, x: Tensor, indices: Sequence[Tensor | None], values: Tensor,
              accumulate: bool) -> str:  # fmt: skip
    """Rows of ``x`` at the indices of its first dimension."""
    if len(indices) != 1 or indices[0] is None or indices[0].dtype in (torch.bool, torch.uint8):
        raise t.refuse("indices of other dimensions, or a mask; expects integers for the first")
    (rows,) = indices
    places = t.emit("Unsqueeze", t.cast(rows, torch.int64), t.ints([rows.rank]))
    shape = t.emit("Shape", rows)
    if x.rank > 1:
        shape = t.emit("Concat", shape, t.emit("Shape", x, start=1), axis=0)
    updates = t.emit("Expand", t.cast(values, t.dtype), shape)
    return t.emit("ScatterND", x, places, updates, reduction="add" if accumulate else "none")


@translates("aten.grid_sampler_2d.default", "aten.grid_sampler_3d.default")
def grid_sample(t: Translator, x: Tensor, grid: Tensor, mode: int, padding: int,
                align_corners: bool) -> str:  # fmt: skip
    return t.emit(
        "GridSample", x, grid,
        mode=("linear", "nearest", "cubic")[mode],
        padding_mode=("zeros", "border", "reflection")[padding],
        align_corners=int(align_corners),
    )  # fmt: skip


@translates("aten.slice_scatter.default")
def slice_scatter(t: Translator, x: Tensor, source: Tensor, dim: int, start: Any, end: Any,
                  step: int) -> str:  # fmt: skip
    """``x`` with ``source`` in the place of a slice: what is before, it, what is after."""
    size = x.shape[dim]
    if step != 1 or not all(isinstance(bound, int) for bound in (start or 0, end or 0)):
        raise t.refuse("a slice with steps or open bounds; expects constant bounds and step 1")
    start, end = start or 0, 2**63 - 1 if end is None else end
    if isinstance(size, int):
        start, end = (min(bound + size if bound < 0 else bound, size) for bound in (start, end))
    elif start < 0 or end < 0:
        raise t.refuse("a bound from the end of an open dimension; expects bounds of at least 0")
    parts = []
    if start > 0:
        parts.append(_slice(t, x, dim, 0, start))
    parts.append(source.name)
    if end < (size if isinstance(size, int) else 2**63 - 1):
        parts.append(_slice(t, x, dim, end, 2**63 - 1))
    return parts[0] if len(parts) == 1 else t.emit("Concat", *parts, axis=dim)


@translates("aten.select_scatter.default")
def select_scatter(t: Translator, x: Tensor, source: Tensor, dim: int, position: int) -> str:
    row = t.emit("Unsqueeze", source, t.ints([dim % x.rank]))
    end = position + 1 if position != -1 else None
    return slice_scatter(t, x, Tensor(row, x.dtype, ()), dim % x.rank, position, end, 1)


def _slice(t: Translator, x: Tensor, dim: int, start: int, end: int) -> str:
    return t.emit("Slice", x, t.ints([start]), t.ints([end]), t.ints([dim]))


@translates("aten.full.default")
def full(t: Translator, sizes: Sequence[int | Size], value: Any, *_: Any) -> str:
    return t.emit("Expand", t.cast(value, t.dtype), t.ints(sizes))


@translates("aten.zeros.default")
def zeros(t: Translator, sizes: Sequence[int | Size], *_: Any) -> str:
    return full(t, sizes, 0)


@translates("aten.ones.default")
def ones(t: Translator, sizes: Sequence[int | Size], *_: Any) -> str:
    return full(t, sizes, 1)


@translates("aten.full_like.default")
def full_like(t: Translator, x: Tensor, value: Any, *_: Any) -> str:
    return t.emit("Expand", t.cast(value, t.dtype), t.emit("Shape", x))


@translates("aten.zeros_like.default")
def zeros_like(t: Translator, x: Tensor, *_: Any) -> str:
    return full_like(t, x, 0)


@translates("aten.ones_like.default")
def ones_like(t: Translator, x: Tensor, *_: Any) -> str:
    return full_like(t, x, 1)


@translates("aten.arange.start_step")
def arange(t: Translator, start: Any, end: Any, step: Any, *_: Any) -> str:
    return t.emit("Range", *(t.cast(bound, t.dtype) for bound in (start, end, step)))


@translates("aten.tril.default")
def tril(t: Translator, x: Tensor, diagonal: int) -> str:
    return t.emit("Trilu", x, t.scalar(diagonal, torch.int64), upper=0)


@translates("aten.triu.default")
def triu(t: Translator, x: Tensor, diagonal: int) -> str:
    return t.emit("Trilu", x, t.scalar(diagonal, torch.int64), upper=1)
