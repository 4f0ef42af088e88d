"""From a module to one for quantization-aware training."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from quantc.config import QuantizationConfig
from quantc.errors import Error, QuantizationWarning
from quantc.torch.chains import Graph
from quantc.torch.convolution import CONVOLUTIONS, QatConvolution, can_quantize
from quantc.torch.linear import QatLinear, replace_modules
from quantc.torch.lora import get_base_model, is_lora_linear
from quantc.torch.programs import is_normal_float

SINGLE_LAYER = "linear"
"""The name of a layer that is the whole module."""


def prepare_qat(
    module: nn.Module,
    config: QuantizationConfig | None = None,
    *,
    warm_up_steps: int = 0,
    range_momentum: float = 0.9,
) -> nn.Module:
    """Return a copy of ``module`` for quantization-aware training.

    Every ``nn.Linear`` that ``config`` does not skip becomes a ``QatLinear`` of the same name, with
    copies of its parameters: make the optimizer from those of the result. So does every ``Conv1d``,
    ``Conv2d`` and ``Conv3d`` of one group that is padded with zeros, as ``QatConvolution``. Their
    results have the bytes of the program that ``convert`` and ``quantc.compile`` make. Everything
    else stays as it is; a warning says so for other convolutions.

    Where ``peft.get_peft_model`` has given a layer an adapter, W + scale * (B A) is what is
    quantized, so that training sees the rounding of the merged weight; the base stays frozen.

    In training mode the range of each input (mode ``static``) is a moving average over the batches,
    with ``range_momentum``, until ``freeze_observers``. During the first ``warm_up_steps`` calls in training mode
    ranges are observed and nothing is quantized. Integer scales of groups are chosen anew every 100
    steps until ``freeze_observers``.

    Raises ``quantc.Error`` for a module without linear layers, for weights that are not float32 on
    the CPU, for groups that do not fit the inputs of a layer, for weights of the format nf4, and
    for adapters that are not a change of the weight: with dropout, or other than plain LoRA.
    """
    config = config or QuantizationConfig()
    if is_normal_float(config):
        raise Error(
            "weights in the format nf4 are frozen; make them by quantc.torch.freeze(module, "
            "config) and train an adapter beside them, or choose weight_format='integer'"
        )
    linears = find_linears(module, config, can_quantize)
    layers: dict[str, QatLinear] = {}
    for name, linear in linears.layers.items():
        make = QatConvolution if can_quantize(linear) else QatLinear
        if is_lora_linear(linear):
            from quantc.torch.merged_linear import prepare_adapted as make
        layers[name] = make(linear, name, config, warm_up_steps, range_momentum)
    result = linears.replace({linears.layers[name]: layer.place for name, layer in layers.items()})
    if config.mode == "static":
        linears.graph.join_layers(layers)
    return result


@dataclass
class Linears:
    """The linear layers of a copy of a module that are to be quantized."""

    module: nn.Module
    root: nn.Module
    """What names are relative to: the copy, what peft has wrapped, or what holds a single layer."""
    graph: Graph
    layers: dict[str, nn.Module]
    """By name; ``nn.Linear``, or what peft has made of one."""

    def replace(self, replaced: Mapping[nn.Module, nn.Module]) -> nn.Module:
        """Return the copy with the values of ``replaced`` in the places of its keys."""
        replace_modules(self.root, replaced)
        return replaced.get(self.module, self.module)


def find_linears(
    module: nn.Module,
    config: QuantizationConfig,
    is_linear: Callable[[nn.Module], bool] = lambda _: False,
) -> Linears:
    """Find what ``config`` quantizes in a copy of ``module``; warn about what it does not.

    ``is_linear`` says which modules there are beside ``nn.Linear`` and what peft makes of it.
    Raises ``quantc.Error`` for a module without linear layers and for groups that do not fit.
    """
    module = copy.deepcopy(module)
    root = get_base_model(module)
    if type(root) is nn.Linear or is_linear(root):
        root = nn.ModuleDict({SINGLE_LAYER: root})
    graph = Graph(root)
    names: list[str] = []
    for name, layer in root.named_modules():
        if hasattr(layer, "modules_to_save") and hasattr(layer, "original_module"):
            raise Error(
                f"{name}: is a copy that peft trains beside the base; leave out modules_to_save"
            )
        inside = any(name.startswith(f"{outer}.") for outer in names)
        if not inside and (type(layer) is nn.Linear or is_lora_linear(layer) or is_linear(layer)):
            names.append(name)
    if not names:
        raise Error(f"{type(module).__name__}: has no nn.Linear; there is nothing to quantize")
    skipped = _find_skipped(config, names, graph)
    for name, layer in root.named_modules():
        if isinstance(layer, CONVOLUTIONS) and name not in names:
            _warn(f"{name}: this {type(layer).__name__} stays float32")
    layers = {name: root.get_submodule(name) for name in names if name not in skipped}
    for name, layer in layers.items():
        _check_groups(name, layer, config)
    return Linears(module, root, graph, layers)


def _find_skipped(config: QuantizationConfig, names: Sequence[str], graph: Graph) -> set[str]:
    """Return the layers that ``config`` leaves float, as quant-select-layers does."""
    skipped = set()
    for pattern in config.skip_layers:
        matched = [name for name in names if name == pattern or re.fullmatch(pattern, name)]
        if not matched:
            _warn(
                f"skip pattern '{pattern}' matches no layer; the layers are {', '.join(names)}",
                depth=2,
            )
        skipped.update(matched)
    order = [name for name in graph.get_order() if name in names] or list(names)
    if config.skip_first:
        skipped.add(order[0])
    if config.skip_last:
        skipped.add(order[-1])
    if config.skip_output:
        if not graph.is_traced:
            raise Error(
                "skip_output needs a module that torch.fx can trace; name the layers in skip_layers"
            )
        skipped.update(graph.find_output_layers(names))
    return skipped


def _check_groups(name: str, layer: nn.Module, config: QuantizationConfig) -> None:
    """groups_a1."""
    depth = layer.weight[0].numel() if can_quantize(layer) else layer.in_features
    rest = depth % config.group_size
    if config.granularity == "per_group" and rest % 8:
        raise Error(
            f"{name}: groups of {config.group_size} leave {rest} of K = {depth}; choose "
            "a group size that divides K or leaves a multiple of 8, or skip the layer"
        )


def _warn(message: str, depth: int = 1) -> None:
    """Warn where ``prepare_qat`` or ``freeze`` was called, ``depth`` calls above ``find_linears``."""
    warnings.warn(message, QuantizationWarning, stacklevel=depth + 3)
