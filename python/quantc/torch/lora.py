"""Modules of peft, as far as they can be told without it."""

from __future__ import annotations

from torch import nn


def get_base_model(module: nn.Module) -> nn.Module:
    """Return the model that a ``peft.PeftModel`` wraps, with adapters in it; others as they are."""
    get = getattr(module, "get_base_model", None)
    return module if get is None else get()


def is_lora_linear(module: nn.Module) -> bool:
    """Whether ``module`` is an ``nn.Linear`` to which peft has given LoRA adapters."""
    return isinstance(getattr(module, "lora_A", None), nn.ModuleDict) and (
        type(getattr(module, "base_layer", None)) is nn.Linear
    )
