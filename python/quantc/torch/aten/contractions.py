"""Products of matrices, convolutions and attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quantc.torch.aten.graph import Tensor
from quantc.torch.aten.table import translates
from quantc.torch.aten.translator import Translator


@translates("aten.linear.default")
def linear(t: Translator, x: Tensor, weight: Tensor, bias: Tensor | None) -> str:
    if x.rank == 2 and weight.rank == 2:
        return t.emit("Gemm", x, weight, bias, transB=1)
    swap = list(range(weight.rank - 2)) + [weight.rank - 1, weight.rank - 2]
    transposed = t.emit("Transpose", weight, perm=swap) if weight.rank > 1 else weight
    product = t.emit("MatMul", x, transposed)
    return product if bias is None else t.emit("Add", product, bias)


@translates("aten.addmm.default")
def addmm(t: Translator, bias: Tensor, x: Tensor, y: Tensor, beta: float, alpha: float) -> str:
    return t.emit("Gemm", x, y, bias, alpha=float(alpha), beta=float(beta))


@translates("aten.baddbmm.default")
def baddbmm(t: Translator, bias: Tensor, x: Tensor, y: Tensor, beta: float, alpha: float) -> str:
    product = t.emit("MatMul", x, y)
    if alpha != 1:
        product = t.emit("Mul", product, t.scalar(alpha, t.dtype))
    addend = bias.name if beta == 1 else t.emit("Mul", bias, t.scalar(beta, t.dtype))
    return t.emit("Add", addend, product)


@translates("aten.mm.default", "aten.bmm.default", "aten.matmul.default", "aten.mv.default",
            "aten.dot.default")  # fmt: skip
def matmul(t: Translator, x: Tensor, y: Tensor) -> str:
    return t.emit("MatMul", x, y)


@translates("aten.convolution.default")
def convolution(t: Translator, x: Tensor, weight: Tensor, bias: Tensor | None,
                stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int],
                transposed: bool, output_padding: Sequence[int], groups: int) -> str:  # fmt: skip
    rank = weight.rank - 2
    strides, pads, dilations = (spread(values, rank) for values in (stride, padding, dilation))
    options: dict[str, Any] = {
        "strides": strides,
        "pads": pads * 2,
        "dilations": dilations,
        "group": groups,
    }
    if transposed:
        options["output_padding"] = spread(output_padding, rank)
    return t.emit("ConvTranspose" if transposed else "Conv", x, weight, bias, **options)


def spread(values: Sequence[int], rank: int) -> list[int]:
    """``values``, one for each of ``rank`` dimensions, where one may stand for all."""
    return list(values) if len(values) == rank else list(values) * rank


@translates("aten.scaled_dot_product_attention.default")
def attention(t: Translator, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None,
              dropout: float, is_causal: bool, scale: float | None,
              enable_gqa: bool) -> str:  # fmt: skip
    if dropout:
        raise t.refuse("dropout in training mode; expects dropout_p=0 in evaluation")
    operands = [query, key, value]
    if len({operand.rank for operand in operands}) > 1 or query.rank < 2:
        raise t.refuse("operands of different rank; expects query, key and value of one rank")
    options: dict[str, Any] = {"is_causal": int(is_causal)}
    if scale is not None:
        options["scale"] = float(scale)
    if query.rank == 4:
        return t.emit("Attention", *operands, mask, **options)
    if query.rank > 4:
        raise t.refuse(f"operands of rank {query.rank}; expects 4 at most")
    # [S, E] and [B, S, E], with one head; a mask broadcasts from the left of its last two.
    axes = t.ints([1] if query.rank == 3 else [0, 1])
    if mask is not None and mask.rank == 3:
        mask = Tensor(t.emit("Unsqueeze", mask, t.ints([1])), mask.dtype, ())
    heads = [t.emit("Unsqueeze", operand, axes) for operand in operands]
    return t.emit("Squeeze", t.emit("Attention", *heads, mask, **options), axes)
