"""Switches of all quantized layers of a module."""

from __future__ import annotations

from torch import nn

from quantc.torch.linear import QatLinear


def _set(module: nn.Module, switch: str, value: bool) -> None:
    for layer in module.modules():
        if isinstance(layer, QatLinear):
            getattr(layer, switch).fill_(value)


def enable_observers(module: nn.Module) -> None:
    """Let the ranges of inputs follow the data again, and groups their weights."""
    _set(module, "observer_enabled", True)


def freeze_observers(module: nn.Module) -> None:
    """Keep the ranges of inputs and the integer scales of groups as they are."""
    _set(module, "observer_enabled", False)


def enable_fake_quant(module: nn.Module) -> None:
    """Quantize again."""
    _set(module, "fake_quant_enabled", True)


def disable_fake_quant(module: nn.Module) -> None:
    """Compute in float32, as before ``prepare_qat``; observers go on."""
    _set(module, "fake_quant_enabled", False)
