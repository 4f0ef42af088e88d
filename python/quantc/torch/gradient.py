"""What the layers compute, and the gradients that training takes of it.

Forward is one compiled program. Backward is the straight-through estimator in float32, by the
operations of torch: the gradient of a quantized value passes to the value unchanged where that lies
within the range of the integers, and is cut elsewhere; the products are those of the dequantized
operands. A learned scale gets the gradient of LSQ (Esser 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from quantc._quantc import Program
from quantc.torch.programs import LayerKind, get_layer, get_merger, get_weight_quantizer


def call(program: Program, arguments: dict[str, Tensor | None]) -> dict[str, Tensor]:
    """Run ``program`` on tensors; arguments that are None are left out."""
    inputs = {
        name: value.detach().contiguous().numpy()
        for name, value in arguments.items()
        if value is not None
    }
    result = program(inputs)
    if not isinstance(result, dict):
        result = {program.outputs[0].name: result}
    return {name: torch.from_numpy(value) for name, value in result.items()}


@dataclass
class Parameters:
    """Scales and what goes with them; None is what a layer does not have, or finds when it runs."""

    input_scale: Tensor | None = None
    input_zero_point: Tensor | None = None
    weight_scale: Tensor | None = None
    weight_zero_point: Tensor | None = None
    group_multiplier: Tensor | None = None
    magnitude: Tensor | None = None
    magnitude_scale: Tensor | None = None
    magnitude_mean: Tensor | None = None
    output_scale: Tensor | None = None
    output_zero_point: Tensor | None = None

    def of_weight(self) -> dict[str, Tensor | None]:
        return {
            "weight_scale": self.weight_scale,
            "weight_zero_point": self.weight_zero_point,
            "group_multiplier": self.group_multiplier,
        }


def quantize_weight(kind: LayerKind, weight: Tensor, parameters: Parameters) -> Tensor:
    """Return the integers of ``weight``; choose its scale where ``parameters`` have none."""
    has_scale = parameters.weight_scale is not None
    program = get_weight_quantizer(kind, has_scale)
    given = parameters.of_weight() if has_scale else {}
    results = call(program, {"weight": weight, **given})
    if not has_scale:
        parameters.weight_scale = results["weight_scale"]
        parameters.weight_zero_point = results.get("weight_zero_point")
    return results["integers"]


def run_layer(
    kind: LayerKind,
    x: Tensor,
    integers: Tensor,
    bias: Tensor | None,
    parameters: Parameters,
    has_integer_result: bool,
) -> Tensor:
    """Return the layer's result for ``x`` [M, K]; set the parameters that it finds."""
    arguments = {"x": x, "integers": integers, "bias": bias, **parameters.of_weight()}
    if kind.config.mode != "weight_only" and not kind.finds_parameters:
        arguments["input_scale"] = parameters.input_scale
        arguments["input_zero_point"] = parameters.input_zero_point
    if has_integer_result:
        arguments["output_scale"] = parameters.output_scale
        arguments["output_zero_point"] = parameters.output_zero_point
    results = call(get_layer(kind, has_integer_result), arguments)
    if kind.finds_parameters:
        parameters.input_scale = results["input_scale"]
        parameters.input_zero_point = results["input_zero_point"]
    return results["y"]


class _Steps:
    """A tensor in steps of its scale: where it is inside of the range, and how far it is rounded."""

    def __init__(
        self,
        values: Tensor,
        scale: Tensor,
        zero_point: Tensor | None,
        bits: int,
        multiplier: Tensor | None = None,
    ) -> None:
        self.scale = _expand(scale, values)
        self.multiplier = None if multiplier is None else _expand(multiplier, values)
        if self.multiplier is not None:
            self.scale = self.scale * self.multiplier
        self.scale_shape = scale.shape
        self.qmax = 2 ** (bits - 1) - 1
        offset = 0 if zero_point is None else _expand(zero_point, values).to(values.dtype)
        self.steps = values / self.scale
        rounded = torch.round(self.steps)
        self.inside = (rounded + offset >= -self.qmax - 1) & (rounded + offset <= self.qmax)
        self.quantized = rounded.clamp(-self.qmax - 1 - offset, self.qmax - offset)

    @property
    def values(self) -> Tensor:
        """The dequantized values."""
        return self.quantized * self.scale

    def cut(self, gradient: Tensor) -> Tensor:
        """The gradient of what was quantized."""
        return gradient * self.inside

    def of_scale(self, gradient: Tensor) -> Tensor:
        """The gradient of the scale by LSQ; multipliers of groups are factors of the step."""
        slope = torch.where(self.inside, self.quantized - self.steps, self.quantized)
        if self.multiplier is not None:
            slope = slope * self.multiplier
        shared = self.steps.numel() // self.scale_shape.numel()
        total = _sum_to(gradient * slope, self.scale_shape)
        return total / (shared * self.qmax) ** 0.5


def _expand(parameter: Tensor, values: Tensor) -> Tensor:
    """Repeat a parameter over the elements of its blocks."""
    if parameter.ndim == 2 and parameter.shape[1] > 1:
        return parameter.repeat_interleave(values.shape[1] // parameter.shape[1], dim=1)
    return parameter


def _sum_to(values: Tensor, shape: torch.Size) -> Tensor:
    """Sum the elements of each block."""
    if len(shape) < 2:
        return values.sum().reshape(shape)
    return values.reshape(shape[0], values.shape[0] // shape[0], shape[1], -1).sum((1, 3))


class QuantizedLinear(torch.autograd.Function):
    """``y = x @ weight.T + bias`` as the compiled program computes it."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        input_scale: Tensor | None,
        weight_scale: Tensor | None,
        parameters: Parameters,
        kind: LayerKind,
    ) -> Tensor:
        """``input_scale`` and ``weight_scale`` are those of ``parameters`` where they are learned."""
        integers = quantize_weight(kind, weight, parameters)
        ctx.kind, ctx.parameters = kind, parameters
        ctx.save_for_backward(x, weight, bias, integers)
        has_integer_result = parameters.output_scale is not None
        return run_layer(kind, x, integers, bias, parameters, has_integer_result)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        kind, parameters = ctx.kind, ctx.parameters
        x, weight, bias, integers = ctx.saved_tensors
        gradient = cut_output(kind, gradient, x, integers, bias, parameters)
        activations = get_activations(kind, x, parameters)
        weights = _Steps(
            weight,
            parameters.weight_scale,
            parameters.weight_zero_point,
            kind.config.weight_bits,
            parameters.group_multiplier,
        )
        of_x = gradient @ weights.values
        of_weight = None
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[4]:
            of_weight = gradient.T @ (x if activations is None else activations.values)
        return (
            of_x if activations is None else activations.cut(of_x),
            weights.cut(of_weight) if ctx.needs_input_grad[1] else None,
            gradient.sum(0) if bias is not None else None,
            activations.of_scale(of_x) if ctx.needs_input_grad[3] else None,
            weights.of_scale(of_weight) if ctx.needs_input_grad[4] else None,
            None,
            None,
        )


class MergedWeight(torch.autograd.Function):
    """``weight + scale * b @ a`` as merging computes it, ``weight`` being frozen."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, a: Tensor, b: Tensor, scale: float) -> Tensor:
        ctx.scale = scale
        ctx.save_for_backward(a, b)
        program = get_merger(*weight.shape, a.shape[0])
        arguments = {"weight": weight, "a": a, "b": b, "scale": torch.tensor(scale)}
        return call(program, arguments)["merged"]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        a, b = ctx.saved_tensors
        gradient = ctx.scale * gradient
        return None, b.T @ gradient, gradient @ a.T, None


def get_activations(kind: LayerKind, x: Tensor, parameters: Parameters) -> _Steps | None:
    """Return ``x`` in the steps of its scale; None when it stays float."""
    if kind.config.mode == "weight_only":
        return None
    return _Steps(x, parameters.input_scale, parameters.input_zero_point, bits=8)


def cut_output(
    kind: LayerKind,
    gradient: Tensor,
    x: Tensor,
    integers: Tensor,
    bias: Tensor | None,
    parameters: Parameters,
) -> Tensor:
    """Return the gradient of the sums; zero where an integer result saturates."""
    if parameters.output_scale is None:
        return gradient
    sums = run_layer(kind, x, integers, bias, parameters, has_integer_result=False)
    steps = _Steps(sums, parameters.output_scale, parameters.output_zero_point, bits=8)
    return steps.cut(gradient)
