"""Operators that move elements and leave them as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from quantc.torch.aten.graph import Size, Tensor
from quantc.torch.aten.table import translates
from quantc.torch.aten.translator import Translator

END = 2**63 - 1
"""What stands for the end of a dimension, in PyTorch and in ONNX."""


@translates("aten.view.default", "aten._unsafe_view.default", "aten.reshape.default")
def view(t: Translator, x: Tensor, sizes: Sequence[int | Size]) -> str:
    sizes = list(sizes)
    is_open = [isinstance(size, Size) for size in sizes]
    if sum(is_open) == 1 and -1 not in sizes and 0 not in sizes:
        # It follows from the others.
        sizes[is_open.index(True)] = -1
    return t.emit("Reshape", x, t.ints(sizes), allowzero=int(0 in sizes))


@translates("aten.permute.default")
def permute(t: Translator, x: Tensor, dims: Sequence[int]) -> str:
    return t.emit("Transpose", x, perm=[dim % x.rank for dim in dims])


@translates("aten.transpose.int")
def transpose(t: Translator, x: Tensor, first: int, second: int) -> str:
    if not x.rank:
        return x.name
    order = list(range(x.rank))
    order[first], order[second] = order[second], order[first]
    return t.emit("Transpose", x, perm=order)


@translates("aten.t.default")
def transpose_matrix(t: Translator, x: Tensor) -> str:
    return t.emit("Transpose", x, perm=list(range(x.rank))[::-1])


@translates("aten.expand.default")
def expand(t: Translator, x: Tensor, sizes: Sequence[int | Size], implicit: bool) -> str:
    # A size of 1 keeps what there is.
    return t.emit("Expand", x, t.ints([1 if size == -1 else size for size in sizes]))


@translates("aten.slice.Tensor")
def slice_(t: Translator, x: Tensor, dim: int, start: Any, end: Any, step: int) -> str:
    start, end = 0 if start is None else start, END if end is None else end
    if start == 0 and end == END and step == 1:
        return x.name
    bounds = [t.ints([bound]) for bound in (start, end, dim % x.rank, step)]
    return t.emit("Slice", x, *bounds)


@translates("aten.select.int")
def select(t: Translator, x: Tensor, dim: int, index: Any) -> str:
    position = t.cast(index, torch.int64)
    return t.emit("Gather", x, position, axis=dim % x.rank)


@translates("aten.cat.default")
def cat(t: Translator, tensors: Sequence[Tensor], dim: int) -> str:
    # Empty tensors of rank 1 join anything.
    rank = max(tensor.rank for tensor in tensors)
    parts = [t.cast(tensor, t.dtype) for tensor in tensors if tensor.rank == rank]
    return parts[0] if len(parts) == 1 else t.emit("Concat", *parts, axis=dim % rank)


@translates("aten.stack.default")
def stack(t: Translator, tensors: Sequence[Tensor], dim: int) -> str:
    axis = dim % (tensors[0].rank + 1)
    rows = [t.emit("Unsqueeze", t.cast(tensor, t.dtype), t.ints([axis])) for tensor in tensors]
    return t.emit("Concat", *rows, axis=axis)


@translates("aten.split.Tensor", "aten.split_with_sizes.default", "aten.chunk.default")
def split(t: Translator, x: Tensor, sizes: Any, dim: int) -> list[str]:
    lengths = [part.shape[dim] for part in t.result]
    if not all(isinstance(length, int) for length in lengths):
        raise t.refuse("splits an open dimension; expects one of constant size")
    return t.emit_many("Split", len(lengths), x, t.ints(lengths), axis=dim % x.rank)


@translates("aten.unbind.int")
def unbind(t: Translator, x: Tensor, dim: int) -> list[str]:
    return [select(t, x, dim, index) for index in range(len(t.result))]


@translates("aten.unsqueeze.default")
def unsqueeze(t: Translator, x: Tensor, dim: int) -> str:
    return t.emit("Unsqueeze", x, t.ints([dim % (x.rank + 1)]))


@translates("aten.squeeze.default")
def squeeze(t: Translator, x: Tensor) -> str:
    return squeeze_dims(t, x, range(x.rank))


@translates("aten.squeeze.dim")
def squeeze_dim(t: Translator, x: Tensor, dim: int) -> str:
    return squeeze_dims(t, x, [dim])


@translates("aten.squeeze.dims")
def squeeze_dims(t: Translator, x: Tensor, dims: Sequence[int]) -> str:
    """Leaves dimensions that are not of size 1."""
    axes = [dim % x.rank for dim in dims if x.rank and x.shape[dim] == 1]
    return t.emit("Squeeze", x, t.ints(axes)) if axes else x.name


@translates("aten.repeat.default")
def repeat(t: Translator, x: Tensor, repeats: Sequence[int | Size]) -> str:
    new = len(repeats) - x.rank
    value = t.emit("Unsqueeze", x, t.ints(list(range(new)))) if new else x.name
    return t.emit("Tile", value, t.ints(repeats))


@translates("aten.flip.default")
def flip(t: Translator, x: Tensor, dims: Sequence[int]) -> str:
    axes = [dim % x.rank for dim in dims]
    count = len(axes)
    return t.emit(
        "Slice", x, t.ints([-1] * count), t.ints([-END] * count), t.ints(axes), t.ints([-1] * count)
    )


@translates("aten.constant_pad_nd.default")
def constant_pad(t: Translator, x: Tensor, padding: Sequence[int], value: float) -> str:
    return _pad(t, x, padding, "constant", t.scalar(value, t.dtype))


@translates(*(f"aten.reflection_pad{rank}d.default" for rank in (1, 2, 3)))
def reflection_pad(t: Translator, x: Tensor, padding: Sequence[int]) -> str:
    return _pad(t, x, padding, "reflect")


@translates(*(f"aten.replication_pad{rank}d.default" for rank in (1, 2, 3)))
def replication_pad(t: Translator, x: Tensor, padding: Sequence[int]) -> str:
    return _pad(t, x, padding, "edge")


def _pad(t: Translator, x: Tensor, padding: Sequence[int], mode: str,
         value: str | None = None) -> str:  # fmt: skip
    """``padding`` is before and after the last dimension, then the one before it."""
    before, after = [0] * x.rank, [0] * x.rank
    for index in range(len(padding) // 2):
        before[-1 - index], after[-1 - index] = padding[2 * index : 2 * index + 2]
    return t.emit("Pad", x, t.ints([*before, *after]), value, mode=mode)
