"""Modules that torchao has quantized."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from quantc.config import QuantizationConfig
from quantc.errors import Error
from quantc.torch.frozen import FrozenLinear
from quantc.torch.gradient import Parameters
from quantc.torch.programs import LayerKind

WEIGHT_TYPE = "IntxUnpackedToInt8Tensor"
"""What torchao calls integer weights with their scales, a subclass of Tensor."""


def from_torchao(module: nn.Module) -> nn.Module:
    """Return a copy of ``module`` with the integers and scales of its layers, for ``convert``.

    Takes over each ``nn.Linear`` whose weight torchao made integer, as ``quantize_`` does with
    ``IntxWeightOnlyConfig`` or ``Int8DynamicActivationIntxWeightConfig``, and with ``QATConfig`` of
    these at ``step="convert"``: INT8 or INT4, for each channel or in groups, activations float32
    or INT8 row by row. The layers become ``FrozenLinear``.

    Raises ``quantc.Error`` for a module without such layers and for other kinds of them.
    """
    layers = find_integer_layers(module)
    if not layers:
        raise Error(
            f"{type(module).__name__}: has no linear layer with a weight of torchao "
            f"({WEIGHT_TYPE}); quantize it by torchao.quantization.quantize_"
        )
    replaced = {layer: _take_over(name or "linear", layer) for name, layer in layers.items()}
    if module in replaced:
        return replaced[module]
    # What is replaced need not be copied.
    memo = {id(layer): frozen for layer, frozen in replaced.items()}
    return copy.deepcopy(module, memo)


def find_integer_layers(module: nn.Module) -> dict[str, nn.Linear]:
    """The layers whose weight torchao made integer, by name."""
    return {
        name: layer
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and type(layer.weight).__name__ == WEIGHT_TYPE
    }


def _take_over(name: str, linear: nn.Linear) -> FrozenLinear:
    weight = linear.weight
    bits = {torch.int8: 8, torch.int4: 4}.get(weight.target_dtype)
    activations = weight.activation_quantization
    mode = {None: "weight_only", "int8_asym_per_token": "dynamic"}.get(activations)
    if bits is None or mode is None:
        raise Error(
            f"{name}: weights of {weight.target_dtype} with activations {activations}; "
            "from_torchao takes int8 and int4, and activations that stay float or are "
            "int8_asym_per_token"
        )
    scale = weight.scale.to(torch.float32).contiguous()
    is_per_channel = scale.shape[1] == 1
    config = QuantizationConfig(
        weight_bits=bits,
        mode=mode,
        granularity="per_channel" if is_per_channel else "per_group",
        group_size=32 if is_per_channel else weight.block_size[1],
        # With zero points, groups of 4 bits have float scales as torchao's have.
        symmetric_weights=False,
        symmetric_activations=False,
    )
    kind = LayerKind(linear.in_features, linear.out_features, linear.bias is not None, config)
    parameters = Parameters(
        weight_scale=scale, weight_zero_point=_to_bytes(weight.zero_point).reshape(scale.shape)
    )
    return FrozenLinear(linear, name, kind, _to_bytes(weight.qdata), parameters)


def _to_bytes(values: Tensor) -> Tensor:
    return values.to(torch.int8).contiguous()
