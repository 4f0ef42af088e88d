"""Elementwise operators."""

from __future__ import annotations

import math
from typing import Any

import torch

from quantc.torch.aten.graph import Size, Tensor
from quantc.torch.aten.table import Translation, translates
from quantc.torch.aten.translator import Translator

UNARY = {
    "abs": "Abs",
    "acos": "Acos",
    "acosh": "Acosh",
    "asin": "Asin",
    "asinh": "Asinh",
    "atan": "Atan",
    "atanh": "Atanh",
    "ceil": "Ceil",
    "cos": "Cos",
    "cosh": "Cosh",
    "erf": "Erf",
    "exp": "Exp",
    "floor": "Floor",
    "hardswish": "HardSwish",
    "log": "Log",
    "mish": "Mish",
    "neg": "Neg",
    "reciprocal": "Reciprocal",
    "relu": "Relu",
    "round": "Round",
    "sigmoid": "Sigmoid",
    "sign": "Sign",
    "sin": "Sin",
    "sinh": "Sinh",
    "sqrt": "Sqrt",
    "tan": "Tan",
    "tanh": "Tanh",
}
"""Of one operand, computed in the type of the result."""

BINARY = {
    "add": "Add",
    "div": "Div",
    "maximum": "Max",
    "minimum": "Min",
    "mul": "Mul",
    "pow": "Pow",
}
"""Of two operands, computed in the type of the result."""

COMPARISONS = {
    "eq": "Equal",
    "ge": "GreaterOrEqual",
    "gt": "Greater",
    "le": "LessOrEqual",
    "lt": "Less",
}

LOGICAL = {"and": "And", "or": "Or", "xor": "Xor"}


def _get_overloads(name: str) -> list[str]:
    """The forms of a binary operator, by what its operands are."""
    forms = ("Tensor", "Scalar", "default", "Tensor_Tensor", "Tensor_Scalar", "Scalar_Tensor")
    return [f"aten.{name}.{form}" for form in forms]


def _enter_unary(name: str, onnx_operator: str) -> None:
    @translates(f"aten.{name}.default")
    def translate(t: Translator, x: Tensor) -> str:
        return t.emit(onnx_operator, t.cast(x, t.dtype))


def _enter_binary(name: str, onnx_operator: str) -> None:
    @translates(*_get_overloads(name))
    def translate(t: Translator, x: Any, y: Any, alpha: float = 1) -> str:
        rhs = t.cast(y, t.dtype)
        if alpha != 1:
            rhs = t.emit("Mul", rhs, t.scalar(alpha, t.dtype))
        return t.emit(onnx_operator, t.cast(x, t.dtype), rhs)


def _enter_comparison(name: str, onnx_operator: str) -> None:
    @translates(*_get_overloads(name))
    def translate(t: Translator, x: Any, y: Any) -> str:
        dtype = _get_common_type(x, y)
        return t.emit(onnx_operator, t.cast(x, dtype), t.cast(y, dtype))


def _enter_logical(name: str, onnx_operator: str) -> None:
    @translates(f"aten.logical_{name}.default")
    def translate(t: Translator, x: Tensor, y: Tensor) -> str:
        return t.emit(onnx_operator, t.cast(x, torch.bool), t.cast(y, torch.bool))

    @translates(*_get_overloads(f"bitwise_{name}"))
    def translate_bits(t: Translator, x: Any, y: Any) -> str:
        bits = onnx_operator if t.dtype == torch.bool else f"Bitwise{onnx_operator}"
        return t.emit(bits, t.cast(x, t.dtype), t.cast(y, t.dtype))


def _enter(table: dict[str, str], enter: Translation) -> None:
    for name, onnx_operator in table.items():
        enter(name, onnx_operator)


_enter(UNARY, _enter_unary)
_enter(BINARY, _enter_binary)
_enter(COMPARISONS, _enter_comparison)
_enter(LOGICAL, _enter_logical)


def _get_common_type(x: Any, y: Any) -> torch.dtype:
    """The type in which two operands are compared."""
    operands = [
        torch.empty(value.shape if not any(map(_is_open, value.shape)) else (1,) * value.rank,
                    dtype=value.dtype, device="meta")
        if isinstance(value, Tensor)
        else (1 if isinstance(value, Size) else value)
        for value in (x, y)
    ]  # fmt: skip
    return torch.result_type(*operands)


def _is_open(size: Any) -> bool:
    return not isinstance(size, int)


@translates("aten.sub.Tensor", "aten.sub.Scalar")
def subtract(t: Translator, x: Any, y: Any, alpha: float) -> str:
    rhs = t.cast(y, t.dtype)
    if alpha != 1:
        rhs = t.emit("Mul", rhs, t.scalar(alpha, t.dtype))
    return t.emit("Sub", t.cast(x, t.dtype), rhs)


@translates("aten.rsub.Tensor", "aten.rsub.Scalar")
def subtract_from(t: Translator, x: Any, y: Any, alpha: float) -> str:
    return subtract(t, y, x, alpha)


@translates("aten.div.Tensor_mode", "aten.div.Scalar_mode")
def divide_rounding(t: Translator, x: Any, y: Any, rounding_mode: str | None) -> str:
    lhs, rhs = t.cast(x, t.dtype), t.cast(y, t.dtype)
    if t.dtype.is_floating_point:
        quotient = t.emit("Div", lhs, rhs)
        if rounding_mode is None:
            return quotient
        return t.emit("Floor", quotient) if rounding_mode == "floor" else _truncate(t, quotient)
    # Integers are divided towards 0; less the remainder, the quotient is whole.
    if rounding_mode == "floor":
        lhs = t.emit("Sub", lhs, t.emit("Mod", lhs, rhs))
    return t.emit("Div", lhs, rhs)


def _truncate(t: Translator, x: Tensor | str) -> str:
    is_negative = t.emit("Less", x, t.scalar(0, t.dtype))
    return t.emit("Where", is_negative, t.emit("Ceil", x), t.emit("Floor", x))


@translates("aten.trunc.default")
def trunc(t: Translator, x: Tensor) -> str:
    return _truncate(t, x)


@translates("aten.remainder.Tensor", "aten.remainder.Scalar", "aten.remainder.Scalar_Tensor")
def remainder(t: Translator, x: Any, y: Any) -> str:
    """With the sign of the divisor."""
    lhs, rhs = t.cast(x, t.dtype), t.cast(y, t.dtype)
    if not t.dtype.is_floating_point:
        return t.emit("Mod", lhs, rhs)
    rest = t.emit("Mod", lhs, rhs, fmod=1)
    zero = t.scalar(0, t.dtype)
    differs = t.emit("Less", t.emit("Mul", rest, t.emit("Sign", rhs)), zero)
    return t.emit("Where", differs, t.emit("Add", rest, rhs), rest)


@translates("aten.fmod.Tensor", "aten.fmod.Scalar")
def fmod(t: Translator, x: Any, y: Any) -> str:
    """With the sign of the dividend."""
    return t.emit("Mod", t.cast(x, t.dtype), t.cast(y, t.dtype), fmod=1)


@translates("aten.log2.default")
def log2(t: Translator, x: Tensor) -> str:
    return _log(t, x, 2)


@translates("aten.log10.default")
def log10(t: Translator, x: Tensor) -> str:
    return _log(t, x, 10)


def _log(t: Translator, x: Tensor, base: int) -> str:
    return t.emit("Mul", t.emit("Log", t.cast(x, t.dtype)), t.scalar(1 / math.log(base), t.dtype))


@translates("aten.rsqrt.default")
def rsqrt(t: Translator, x: Tensor) -> str:
    return t.emit("Reciprocal", t.emit("Sqrt", t.cast(x, t.dtype)))


@translates("aten.square.default")
def square(t: Translator, x: Tensor) -> str:
    return t.emit("Mul", x, x)


@translates("aten.gelu.default")
def gelu(t: Translator, x: Tensor, approximate: str) -> str:
    return t.emit("Gelu", x, approximate=approximate)


@translates("aten.silu.default")
def silu(t: Translator, x: Tensor) -> str:
    return t.emit("Mul", x, t.emit("Sigmoid", x))


@translates("aten.hardsigmoid.default")
def hardsigmoid(t: Translator, x: Tensor) -> str:
    return t.emit("HardSigmoid", x, alpha=1 / 6, beta=0.5)


@translates("aten.leaky_relu.default")
def leaky_relu(t: Translator, x: Tensor, negative_slope: float) -> str:
    return t.emit("LeakyRelu", x, alpha=float(negative_slope))


@translates("aten.elu.default")
def elu(t: Translator, x: Tensor, alpha: float, scale: float, input_scale: float) -> str:
    if input_scale != 1:
        raise t.refuse(f"input_scale is {input_scale}; expects 1")
    if scale == 1:
        return t.emit("Elu", x, alpha=float(alpha))
    return t.emit("Selu", x, alpha=float(alpha), gamma=float(scale))


@translates("aten.celu.default")
def celu(t: Translator, x: Tensor, alpha: float) -> str:
    return t.emit("Celu", x, alpha=float(alpha))


@translates("aten.softplus.default")
def softplus(t: Translator, x: Tensor, beta: float, threshold: float) -> str:
    if beta != 1 or threshold < 20:
        raise t.refuse(f"beta {beta}, threshold {threshold}; expects 1 and at least 20")
    return t.emit("Softplus", x)


@translates("aten.prelu.default", "aten._prelu_kernel.default")
def prelu(t: Translator, x: Tensor, weight: Tensor) -> str:
    slope = weight.name
    if weight.rank == 1 and x.rank > 2:
        slope = t.emit("Reshape", weight, t.ints([-1] + [1] * (x.rank - 2)))
    return t.emit("PRelu", x, slope)


@translates("aten.hardtanh.default", "aten.clamp.default")
def clamp(t: Translator, x: Tensor, low: Any, high: Any) -> str:
    bounds = [None if bound is None else t.cast(bound, t.dtype) for bound in (low, high)]
    return t.emit("Clip", t.cast(x, t.dtype), *bounds)


@translates("aten.relu6.default")
def relu6(t: Translator, x: Tensor) -> str:
    return clamp(t, x, 0, 6)


@translates("aten.clamp_min.default")
def clamp_min(t: Translator, x: Tensor, low: Any) -> str:
    return clamp(t, x, low, None)


@translates("aten.clamp_max.default")
def clamp_max(t: Translator, x: Tensor, high: Any) -> str:
    return clamp(t, x, None, high)


@translates("aten.clamp.Tensor")
def clamp_tensor(t: Translator, x: Tensor, low: Tensor | None, high: Tensor | None) -> str:
    value = t.cast(x, t.dtype)
    if low is not None:
        value = t.emit("Max", value, t.cast(low, t.dtype))
    if high is not None:
        value = t.emit("Min", value, t.cast(high, t.dtype))
    return value


@translates(*_get_overloads("ne"))
def not_equal(t: Translator, x: Any, y: Any) -> str:
    dtype = _get_common_type(x, y)
    return t.emit("Not", t.emit("Equal", t.cast(x, dtype), t.cast(y, dtype)))


@translates("aten.logical_not.default")
def logical_not(t: Translator, x: Tensor) -> str:
    return t.emit("Not", t.cast(x, torch.bool))


@translates("aten.bitwise_not.default")
def bitwise_not(t: Translator, x: Tensor) -> str:
    return t.emit("Not" if x.dtype == torch.bool else "BitwiseNot", x)


@translates("aten.isnan.default")
def isnan(t: Translator, x: Tensor) -> str:
    return t.emit("IsNaN", x)


@translates("aten.isinf.default")
def isinf(t: Translator, x: Tensor) -> str:
    return t.emit("IsInf", x)


@translates(
    "aten.where.self", "aten.where.ScalarSelf", "aten.where.ScalarOther", "aten.where.Scalar"
)
def where(t: Translator, condition: Tensor, x: Any, y: Any) -> str:
    return t.emit("Where", condition, t.cast(x, t.dtype), t.cast(y, t.dtype))


@translates("aten.masked_fill.Scalar", "aten.masked_fill.Tensor")
def masked_fill(t: Translator, x: Tensor, mask: Tensor, value: Any) -> str:
    return t.emit("Where", mask, t.cast(value, t.dtype), x)


@translates("aten._to_copy.default", "aten.to.dtype")
def to_dtype(t: Translator, x: Tensor, *_: Any) -> str:
    return t.cast(x, t.dtype)


@translates(
    "aten.alias.default",
    "aten.clone.default",
    "aten.contiguous.default",
    "aten.detach.default",
    "aten.lift_fresh_copy.default",
)
def identity(t: Translator, x: Tensor, *_: Any) -> str:
    return x.name


@translates("aten.copy.default")
def copy(t: Translator, x: Tensor, source: Tensor, non_blocking: bool) -> str:
    """The elements of ``source`` in the shape and type of ``x``."""
    value = t.cast(source, t.dtype)
    return value if source.shape == x.shape else t.emit("Expand", value, t.emit("Shape", x))


@translates("aten.native_dropout.default", "aten.bernoulli.p")
def dropout(t: Translator, *_: Any) -> str:
    raise t.refuse(
        "is dropout in training mode; expects a program exported after eval(), or of PT2E after "
        "move_exported_model_to_eval"
    )
