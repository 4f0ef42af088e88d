"""Which ATen operators become which ONNX operators.

Each operator is one function, called with the translator and the arguments of the operator's
schema, all of them and in its order, defaults filled in. It returns the name of the ONNX tensor
that is the result, or a list of them for several results, None for one that is not offered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Translation = Callable[..., Any]

TABLE: dict[str, Translation] = {}
"""By overload, such as ``aten.relu.default``."""


def translates(*names: str) -> Callable[[Translation], Translation]:
    """Enter the decorated function as the translation of the overloads ``names``."""

    def enter(function: Translation) -> Translation:
        for name in names:
            TABLE[name] = function
        return function

    return enter


def get_decompositions() -> Any:
    """Return PyTorch's decompositions of the operators that are not in the table."""
    decompositions = torch.export.default_decompositions()
    for name in TABLE:
        namespace, operator, overload = name.split(".")
        packet = getattr(getattr(torch.ops, namespace), operator, None)
        # No program contains what this version of PyTorch does not have.
        if packet is not None and overload in packet.overloads():
            decompositions.pop(getattr(packet, overload), None)
    return decompositions
