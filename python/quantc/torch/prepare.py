"""From a module to one for quantization-aware training."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Sequence

from torch import nn

from quantc.config import QuantizationConfig
from quantc.errors import Error, QuantizationWarning
from quantc.torch.chains import Graph
from quantc.torch.linear import QatLinear, replace_modules

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def prepare_qat(
    module: nn.Module,
    config: QuantizationConfig | None = None,
    *,
    warm_up_steps: int = 0,
    range_momentum: float = 0.9,
) -> nn.Module:
    """Return a copy of ``module`` for quantization-aware training.

    Every ``nn.Linear`` that ``config`` does not skip becomes a ``QatLinear`` of the same name, with
    copies of its parameters: make the optimizer from those of the result. Their results have the
    bytes of the program that ``convert`` and ``quantc.compile`` make. Everything else stays as it
    is; a warning says so for convolutions.

    In training mode the range of each input (mode ``static``) is a moving average over the batches,
    with ``range_momentum``, until ``freeze_observers``. During the first ``warm_up_steps`` calls in training mode
    ranges are observed and nothing is quantized. Integer scales of groups are chosen anew every 100
    steps until ``freeze_observers``.

    Raises ``quantc.Error`` for a module without linear layers, for weights that are not float32 on
    the CPU, and for groups that do not fit the inputs of a layer.
    """
    config = config or QuantizationConfig()
    module = copy.deepcopy(module)
    root = nn.ModuleDict({"linear": module}) if type(module) is nn.Linear else module
    graph = Graph(root)
    names = [name for name, layer in root.named_modules() if type(layer) is nn.Linear]
    if not names:
        raise Error(f"{type(module).__name__}: has no nn.Linear; there is nothing to quantize")
    skipped = _find_skipped(config, names, graph)
    for name, layer in root.named_modules():
        if isinstance(layer, CONVOLUTIONS):
            _warn(f"{name}: a {type(layer).__name__} stays float32; only nn.Linear is quantized")
    layers: dict[str, QatLinear] = {}
    replaced: dict[nn.Module, nn.Module] = {}
    for name in names:
        if name not in skipped:
            linear = root.get_submodule(name)
            _check_groups(name, linear, config)
            layers[name] = QatLinear(linear, name, config, warm_up_steps, range_momentum)
            replaced[linear] = layers[name]
    replace_modules(root, replaced)
    if config.mode == "static":
        graph.join_layers(layers)
    return root["linear"] if root is not module else root


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


def _check_groups(name: str, layer: nn.Linear, config: QuantizationConfig) -> None:
    """groups_a1."""
    rest = layer.in_features % config.group_size
    if config.granularity == "per_group" and rest % 8:
        raise Error(
            f"{name}: groups of {config.group_size} leave {rest} of K = {layer.in_features}; choose "
            "a group size that divides K or leaves a multiple of 8, or skip the layer"
        )


def _warn(message: str, depth: int = 1) -> None:
    """Warn where ``prepare_qat`` was called, ``depth`` calls above."""
    warnings.warn(message, QuantizationWarning, stacklevel=depth + 2)
