"""LoRA adapters that are chosen while a program runs."""

from __future__ import annotations

from collections.abc import Sequence

from quantc import _quantc
from quantc._quantc import Model
from quantc.config import format_choices
from quantc.errors import Error

ADAPTER_DTYPES = ("float32", "bfloat16", "int8")
"""How the matrices of adapters can be stored."""


def insert_lora(
    model: Model,
    max_rank: int = 16,
    layers: Sequence[str] = (),
    dtype: str = "float32",
) -> Model:
    """Return ``model``, which is quantized, with layers that take LoRA adapters.

    A layer gives ``y = layer(x) + scale * (x A^T) B^T``; its weights stay as they are. Adapters
    belong to the compiled program: ``Program.load_adapter`` and ``Program.set_adapter``. Without
    one the outputs are the bytes of ``model``.

    ``layers`` are regular expressions of whole names; none of them means all quantized layers.
    Every adapter takes the memory and time of ``max_rank``. ``dtype`` says how A and B are stored:
    ``float32``, ``bfloat16``, or ``int8`` with a scale for each row of A and of B.

    Raises ``quantc.Error`` for a pattern that matches no quantized layer.
    """
    if dtype not in ADAPTER_DTYPES:
        raise Error(f"dtype={dtype!r}; it must be {format_choices(ADAPTER_DTYPES)}")
    return _quantc.insert_lora(model, max_rank, list(layers), dtype)
