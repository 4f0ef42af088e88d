"""Which layers take the results of which, as far as torch.fx can tell.

A quantized layer whose result only goes to the next one, through ReLU or Clip and then reshapes,
rounds its sums to the integers of that layer at once (linear_a5 in docs/Numerics.md). This finds
some of the pairs for which quant-fuse-requantize does so; `convert` keeps it from any others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import fx, nn

from quantc.torch.linear import QatLinear
from quantc.torch.lora import is_lora_linear
from quantc.torch.programs import has_float_group_scales

CLIP_MODULES = (nn.ReLU, nn.ReLU6, nn.Hardtanh)
CLIP_FUNCTIONS = (
    torch.relu,
    nn.functional.relu,
    nn.functional.relu6,
    nn.functional.hardtanh,
    torch.clamp,
    torch.clip,
)
CLIP_METHODS = ("relu", "clamp", "clip")
RESHAPE_MODULES = (nn.Flatten,)
RESHAPE_FUNCTIONS = (torch.flatten, torch.reshape)
RESHAPE_METHODS = ("flatten", "reshape", "view")
# In evaluation mode, which is what is converted.
IDENTITY_MODULES = (nn.Identity, nn.Dropout)
IDENTITY_METHODS = ("contiguous",)
# These read the shape of a value and not its elements.
SHAPE_METHODS = ("size", "dim")


class _Tracer(fx.Tracer):
    """Keeps the layers whole."""

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        is_layer = isinstance(module, nn.Linear) or is_lora_linear(module)
        return is_layer or super().is_leaf_module(module, name)


class Graph:
    """The calls of a module in evaluation mode; empty when it cannot be traced."""

    def __init__(self, module: nn.Module) -> None:
        self.modules = dict(module.named_modules())
        self.nodes: list[fx.Node] = []
        modes = {child: child.training for child in module.modules()}
        module.eval()
        # Tracing runs the module's own code on proxies: anything may be raised.
        with contextlib.suppress(Exception):
            self.nodes = list(_Tracer().trace(module).nodes)
        for child, mode in modes.items():
            child.training = mode

    @property
    def is_traced(self) -> bool:
        return bool(self.nodes)

    def get_order(self) -> list[str]:
        """The modules in the order of their calls."""
        return [str(node.target) for node in self.nodes if node.op == "call_module"]

    def find_output_layers(self, names: Iterable[str]) -> set[str]:
        """The layers that have no other one between them and an output."""
        layers = [node for node in self.nodes if node.op == "call_module" and node.target in names]
        found = set()
        for layer in layers:
            reached = set(layer.users)
            pending = list(reached)
            while pending:
                node = pending.pop()
                if node.op == "output":
                    found.add(str(layer.target))
                if node not in layers:
                    pending += [user for user in node.users if user not in reached]
                    reached.update(node.users)
        return found

    def join_layers(self, layers: Mapping[str, QatLinear]) -> None:
        """Tell each of ``layers`` which one takes its result as integers."""
        calls = self.get_order()
        for node in self.nodes:
            layer = layers.get(str(node.target)) if node.op == "call_module" else None
            following = self._find_next(node)
            if (
                layer is not None
                and following in layers
                and not has_float_group_scales(layer.config)
                and calls.count(layer.name) == 1
                and calls.count(following) == 1
            ):
                layer._next = (layers[following],)

    def _find_next(self, node: fx.Node) -> str | None:
        """The module that is all that uses the result of ``node``, clipped and then reshaped."""
        can_clip = True
        while user := _get_only_user(node):
            if self._is(user, CLIP_MODULES, CLIP_FUNCTIONS, CLIP_METHODS):
                if not can_clip or not _has_constant_bounds(user):
                    return None
            elif self._is(user, RESHAPE_MODULES, RESHAPE_FUNCTIONS, RESHAPE_METHODS):
                can_clip = False
            elif not self._is(user, IDENTITY_MODULES, (), IDENTITY_METHODS):
                return str(user.target) if user.op == "call_module" else None
            node = user
        return None

    def _is(self, node: fx.Node, modules: tuple[type, ...], functions: tuple[Callable, ...],
            methods: tuple[str, ...]) -> bool:  # fmt: skip
        if node.op == "call_module":
            return type(self.modules[str(node.target)]) in modules
        return (node.op == "call_function" and node.target in functions) or (
            node.op == "call_method" and node.target in methods
        )


def _get_only_user(node: fx.Node) -> fx.Node | None:
    """The only node that reads the elements of ``node``, which is its first operand."""
    users = [user for user in node.users if not _reads_shape(user)]
    if len(users) != 1 or not users[0].args or users[0].args[0] is not node:
        return None
    return users[0]


def _reads_shape(node: fx.Node) -> bool:
    if node.op == "call_method":
        return node.target in SHAPE_METHODS
    return node.op == "call_function" and node.target is getattr and node.args[1:] == ("shape",)


def _has_constant_bounds(node: fx.Node) -> bool:
    bounds: list[Any] = [*node.args[1:], *node.kwargs.values()]
    return not any(isinstance(bound, fx.Node) for bound in bounds)
