"""Quantized layers that are trained no more: the base of adapters."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from quantc import _quantc
from quantc.config import QuantizationConfig
from quantc.errors import Error
from quantc.quantization import LayerParameters
from quantc.torch.convolution import QatConvolution
from quantc.torch.gradient import Parameters, call, get_activations, quantize_weight
from quantc.torch.linear import QatLinear, check_tensors, make_linear, pad, replace_modules
from quantc.torch.lora import is_lora_linear
from quantc.torch.prepare import find_linears
from quantc.torch.programs import (
    LayerKind,
    get_layer,
    get_weight_dequantizer,
    is_normal_float,
)


def freeze(module: nn.Module, config: QuantizationConfig | None = None) -> nn.Module:
    """Return a copy of ``module`` with quantized layers that are trained no more.

    Without ``config``, ``module`` is what ``prepare_qat`` made. With it, every ``nn.Linear`` that
    ``config`` does not skip is quantized, in any mode but ``static``: among others to the format
    ``nf4``, as QLoRA does.

    Weights are INT8, or INT4 or NF4 two to a byte, and cannot be trained; gradients pass through
    the layers to their inputs. Each is an ``nn.Linear`` for ``peft``, whose adapters then train on the
    quantized base: ``peft.get_peft_model(quantc.torch.freeze(module), LoraConfig(...))``. Results
    are float32, also where the next layer could take integers, since an adapter adds to them.

    Raises ``quantc.Error`` for a module without quantized layers or with a quantized convolution,
    and for one in mode ``static`` that has seen no data; with ``config`` as ``prepare_qat`` does.
    """
    if config is not None:
        return _quantize(module, config)
    module = copy.deepcopy(module)
    if isinstance(module, QatLinear):
        return _freeze(module)
    layers = [layer for layer in module.modules() if isinstance(layer, QatLinear)]
    if not layers:
        raise Error(
            f"{type(module).__name__}: has no quantized layers; make them by "
            "quantc.torch.prepare_qat"
        )
    replace_modules(module, {layer.place: _freeze(layer) for layer in layers})
    return module


def _quantize(module: nn.Module, config: QuantizationConfig) -> nn.Module:
    """Quantize the float layers of a copy of ``module``."""
    if config.mode == "static":
        raise Error(
            "mode='static' needs the ranges of activations; call prepare_qat, run data through "
            "the module in training mode, and freeze that"
        )
    linears = find_linears(module, config)
    replaced = {
        linear: _quantize_linear(name, linear, config) for name, linear in linears.layers.items()
    }
    return linears.replace(replaced)


def _quantize_linear(name: str, linear: nn.Module, config: QuantizationConfig) -> FrozenLinear:
    if is_lora_linear(linear):
        raise Error(f"{name}: has an adapter already; freeze the base, then add adapters to it")
    if not is_normal_float(config):
        return _freeze(QatLinear(linear, name, config, warm_up_steps=0, range_momentum=0))
    check_tensors(name, weight=linear.weight, bias=linear.bias)
    kind = LayerKind.of(linear, config)
    weight = pad(linear.weight.detach(), kind.inputs).contiguous()
    integers, *magnitudes = map(torch.from_numpy, _quantc.quantize_normal_float(weight.numpy()))
    return FrozenLinear(
        linear,
        name,
        kind,
        integers,
        Parameters(
            magnitude=magnitudes[0], magnitude_scale=magnitudes[1], magnitude_mean=magnitudes[2]
        ),
    )


def _freeze(layer: QatLinear) -> FrozenLinear:
    if isinstance(layer, QatConvolution):
        raise Error(
            f"{layer.name}: is a convolution, and only linear layers are frozen; skip it "
            f'(skip_layers=["{layer.name}"])'
        )
    parameters = layer.get_parameters()
    weight = pad(layer.get_float_weight(), layer.kind.inputs)
    integers = quantize_weight(layer.kind, weight, parameters)
    return FrozenLinear(layer, layer.name, layer.kind, integers, parameters)


class IntegerWeight(nn.Parameter):
    """Integers of a weight, which have no gradient."""

    def __new__(cls, data: Tensor, requires_grad: bool = False) -> IntegerWeight:  # noqa: PYI034
        return torch.Tensor._make_subclass(cls, data, requires_grad)

    def requires_grad_(self, requires_grad: bool = True) -> IntegerWeight:
        if requires_grad:
            raise Error(
                "quantized layers are for inference; train with quantization-aware training, "
                "then convert"
            )
        return self


class FrozenLinear(nn.Linear):
    """A linear layer with integer weights, whose forward has the bytes of the compiled program."""

    def __init__(
        self,
        linear: nn.Linear,
        name: str,
        kind: LayerKind,
        integers: Tensor,
        parameters: Parameters,
    ) -> None:
        # Not nn.Linear.__init__, which makes new parameters.
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.name, self.config, self.kind = name, kind.config, kind
        self.training = linear.training
        self.weight = IntegerWeight(_pack(integers) if self.config.weight_bits == 4 else integers)
        bias = linear.bias
        self.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)
        for buffer in _PARAMETERS:
            self.register_buffer(buffer, getattr(parameters, buffer))

    @property
    def place(self) -> FrozenLinear:
        """The module in the place of the layer that was frozen."""
        return self

    @property
    def next_layer(self) -> None:
        """No layer takes the result as integers."""
        return None

    def forward(self, x: Tensor) -> Tensor:
        check_tensors(self.name, input=x, bias=self.bias)
        rows = pad(x.reshape(x.shape[:-1].numel(), x.shape[-1]), self.kind.inputs)
        y = _FrozenFunction.apply(rows, self.bias, self)
        return y.reshape(*x.shape[:-1], self.out_features)

    def make_float(self) -> nn.Module:
        """Return the plain layer, for evaluation."""
        return make_linear(self.get_float_weight()[:, : self.in_features], self.bias)

    def get_float_weight(self) -> Tensor:
        """Return what the integers stand for, [N, K] with the zeros that fill the last group."""
        return call(get_weight_dequantizer(self.kind), self._get_weight_arguments())["weight"]

    def layer_parameters(self) -> LayerParameters:
        """Return what the quantized layer is made with."""
        scale, zero_point = self.input_scale, self.input_zero_point
        return LayerParameters(
            input_scale=None if scale is None else scale.item(),
            input_zero_point=0 if zero_point is None else zero_point.item(),
            weight_scale=self.weight_scale,
            weight_zero_point=self.weight_zero_point,
            weight_multiplier=self.group_multiplier,
            weight_magnitude=self.magnitude,
            weight_magnitude_scale=self.magnitude_scale,
            weight_magnitude_mean=self.magnitude_mean,
            float_result=True,
        )

    def extra_repr(self) -> str:
        bits, format_ = self.config.weight_bits, self.config.weight_format
        return f"{super().extra_repr()}, weight_bits={bits}, weight_format={format_}"

    def _get_weight_arguments(self) -> dict[str, Tensor | None]:
        name = "packed" if self.config.weight_bits == 4 else "integers"
        return {
            name: self.weight,
        } | {parameter: getattr(self, parameter) for parameter in _WEIGHT_PARAMETERS}


_WEIGHT_PARAMETERS = (
    "weight_scale",
    "weight_zero_point",
    "group_multiplier",
    "magnitude",
    "magnitude_scale",
    "magnitude_mean",
)
_PARAMETERS = ("input_scale", "input_zero_point", *_WEIGHT_PARAMETERS)


def _pack(integers: Tensor) -> Tensor:
    """Put two columns of 4 bits into a byte, the first one below."""
    integers = pad(integers, integers.shape[1] + integers.shape[1] % 2)
    return (integers[:, ::2] & 15) | (integers[:, 1::2] << 4)


class _FrozenFunction(torch.autograd.Function):
    """``FrozenLinear`` with gradients of its input and of its bias."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bias: Tensor | None, layer: FrozenLinear) -> Tensor:
        arguments = {"x": x, "bias": bias, **layer._get_weight_arguments()}
        parameters = Parameters(layer.input_scale, layer.input_zero_point)
        if layer.config.mode == "static":
            arguments |= {"input_scale": parameters.input_scale}
            arguments |= {"input_zero_point": parameters.input_zero_point}
        results = call(get_layer(layer.kind, has_integer_result=False, is_packed=True), arguments)
        if layer.config.mode == "dynamic":
            parameters.input_scale = results["input_scale"]
            parameters.input_zero_point = results["input_zero_point"]
        ctx.layer, ctx.parameters = layer, parameters
        ctx.save_for_backward(x)
        return results["product" if "product" in results else "y"]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = gradient @ ctx.layer.get_float_weight()
            activations = get_activations(ctx.layer.kind, x, ctx.parameters)
            of_x = of_x if activations is None else activations.cut(of_x)
        return of_x, gradient.sum(0) if ctx.needs_input_grad[1] else None, None
