"""From a trained module to a quantized model."""

from __future__ import annotations

import ast
import copy
import dataclasses
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from quantc._quantc import Model
from quantc.errors import Error
from quantc.quantization import quantize_trained
from quantc.torch.frozen import FrozenLinear
from quantc.torch.linear import QatLinear, replace_modules
from quantc.torch.lora import get_base_model
from quantc.torch.prepare import SINGLE_LAYER

CONTRACTIONS = ("Conv", "Gemm", "MatMul")
SCOPES = "pkg.torch.onnx.name_scopes"
"""Where the exporter writes the names of the modules around a node, and of its operation."""

if TYPE_CHECKING:
    import onnx

QuantizedLayer = QatLinear | FrozenLinear


def find_layers(module: nn.Module) -> dict[str, QuantizedLayer]:
    """Return the quantized layers of ``module`` by the names that they had in ``prepare_qat``."""
    return {layer.name: layer for layer in module.modules() if isinstance(layer, QuantizedLayer)}


def convert(module: nn.Module, example_input: Tensor | Sequence[Tensor]) -> Model:
    """Return the quantized model of ``module``, which ``prepare_qat`` or ``freeze`` made.

    ``example_input`` is one input, or a sequence of them in the order of ``forward``; the first
    dimension of each is the batch, which the model leaves open. Layers are named as the submodules.
    For float32 inputs the model gives the bytes of ``module`` in evaluation mode, as far as its
    layers are quantized and what is between them is exact, such as ReLU, Clip and reshapes;
    functions such as softmax may differ in the last digits from those of torch.

    Raises ``quantc.Error`` for a module without quantized layers, for one in mode ``static`` that
    has seen no data, and where the layers cannot be found in the exported program. Needs the
    packages ``onnx`` and ``onnxscript``.
    """
    module = get_base_model(module)
    layers = find_layers(module)
    if not layers:
        raise Error(
            f"{type(module).__name__}: has no quantized layers; make them by "
            "quantc.torch.prepare_qat"
        )
    for layer in layers.values():
        if isinstance(layer, QatLinear) and not layer.fake_quant_enabled:
            raise Error(f"{layer.name}: fake quantization is disabled; enable it before convert")
    parameters = {name: layer.layer_parameters() for name, layer in layers.items()}
    inputs = (example_input,) if isinstance(example_input, Tensor) else tuple(example_input)
    model = _load(_make_float(module), inputs)
    submodules = dict(module.named_modules())
    for name in model.layers:
        first, _, number = name.rpartition("_")
        if first in layers and number.isdigit() and name not in submodules:
            parameters[name] = parameters[first]
    missing = [name for name in layers if name not in model.layers]
    if missing:
        raise Error(
            f"{', '.join(missing)}: not called in the exported program; skip layers that are not "
            "used"
        )
    config = dataclasses.replace(
        next(iter(layers.values())).config,
        skip_layers=[name for name in model.layers if name not in parameters],
        skip_first=False,
        skip_last=False,
        skip_output=False,
    )
    quantized = quantize_trained(model, config, parameters)
    _check_results(quantized, layers)
    return quantized


def _make_float(module: nn.Module) -> nn.Module:
    """Return a copy of ``module`` with plain linear layers, for evaluation."""
    if isinstance(module, QuantizedLayer):
        return module.make_float()
    plain = copy.deepcopy(module).eval()
    layers = [layer for layer in plain.modules() if isinstance(layer, QuantizedLayer)]
    replace_modules(plain, {layer.place: layer.make_float() for layer in layers})
    return plain


def _load(module: nn.Module, inputs: tuple[Tensor, ...]) -> Model:
    """Load ``module`` by way of ONNX."""
    import onnx

    # A batch of one would become a constant of the exported program.
    inputs = tuple(x if x.shape[:1] != (1,) else torch.cat([x, x]) for x in inputs)
    batch = {0: torch.export.Dim.DYNAMIC}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{type(module).__name__}.onnx"
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                inputs,
                path,
                dynamo=True,
                dynamic_shapes=tuple(batch if x.ndim else None for x in inputs),
                external_data=False,
                verbose=False,
            )
        proto = onnx.load(path)
        calls: Counter[str] = Counter()
        for node in proto.graph.node:
            if node.op_type in CONTRACTIONS:
                name = _get_module_name(node)
                # The second call of a layer has its name with a number.
                node.name = f"{name}_{calls[name]}" if calls[name] else name
                calls[name] += 1
        onnx.save(proto, path)
        return Model.load(path)


def _get_module_name(node: onnx.NodeProto) -> str:
    """Return the module that ``node`` belongs to: the last but one of its scopes."""
    for entry in node.metadata_props:
        if entry.key == SCOPES:
            scopes = ast.literal_eval(entry.value)
            return scopes[-2] or SINGLE_LAYER
    return node.name


def _check_results(model: Model, layers: Mapping[str, QuantizedLayer]) -> None:
    """Raise unless exactly the layers that do so in ``module`` have integer results."""
    for name, layer in layers.items():
        has_integer_result = model.layers[name].output_scale is not None
        if has_integer_result != (layer.next_layer is not None):
            raise Error(
                f"{name}: was trained with {'a float' if has_integer_result else 'an integer'} "
                "result, and the exported program uses it in another way; "
                "call the layers in the order in which prepare_qat has seen them"
            )
