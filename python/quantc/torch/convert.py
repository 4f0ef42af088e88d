"""From a trained module to a quantized model."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from quantc._quantc import Model
from quantc.errors import Error
from quantc.quantization import quantize_trained
from quantc.torch.linear import QatLinear
from quantc.torch.prepare import find_layers

CONTRACTIONS = ("Gemm", "MatMul")


def convert(module: nn.Module, example_input: Tensor | Sequence[Tensor]) -> Model:
    """Return the quantized model of ``module``, which ``prepare_qat`` made and training changed.

    ``example_input`` is one input, or a sequence of them in the order of ``forward``; the first
    dimension of each is the batch, which the model leaves open. Layers are named as the submodules.
    For float32 inputs the model gives the bytes of ``module`` in evaluation mode, as far as its
    layers are quantized and what is between them is exact, such as ReLU, Clip and reshapes;
    functions such as softmax may differ in the last digits from those of torch.

    Raises ``quantc.Error`` for a module without quantized layers, for one in mode ``static`` that
    has seen no data, and where the layers cannot be found in the exported program. Needs the
    package ``onnx``.
    """
    layers = find_layers(module)
    if not layers:
        raise Error(
            f"{type(module).__name__}: has no quantized layers; make them by "
            "quantc.torch.prepare_qat"
        )
    for layer in layers.values():
        if not layer.fake_quant_enabled:
            raise Error(f"{layer.name}: fake quantization is disabled; enable it before convert")
    parameters = {name: layer.layer_parameters() for name, layer in layers.items()}
    inputs = (example_input,) if isinstance(example_input, Tensor) else tuple(example_input)
    model = _load(_make_float(module, layers), inputs, layers)
    missing = [name for name in layers if name not in model.layers]
    if missing:
        raise Error(
            f"{', '.join(missing)}: not called in the exported program; skip layers that are not "
            "used"
        )
    config = dataclasses.replace(
        next(iter(layers.values())).config,
        skip_layers=[name for name in model.layers if name not in layers],
        skip_first=False,
        skip_last=False,
        skip_output=False,
    )
    quantized = quantize_trained(model, config, parameters)
    _check_results(quantized, layers)
    return quantized


def _make_float(module: nn.Module, layers: Mapping[str, QatLinear]) -> nn.Module:
    """Return a copy of ``module`` with plain linear layers, for evaluation."""
    if isinstance(module, QatLinear):
        return _make_linear(module)
    plain = copy.deepcopy(module).eval()
    for name, layer in list(plain.named_modules()):
        if isinstance(layer, QatLinear):
            plain.set_submodule(name, _make_linear(layer))
    return plain


def _make_linear(layer: QatLinear) -> nn.Linear:
    linear = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None, "meta")
    linear.weight, linear.bias = layer.weight, layer.bias
    return linear.eval()


def _load(module: nn.Module, inputs: tuple[Tensor, ...], layers: Mapping[str, QatLinear]) -> Model:
    """Load ``module`` by way of ONNX."""
    import onnx

    names = list(inspect.signature(module.forward).parameters)[: len(inputs)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{type(module).__name__}.onnx"
        with warnings.catch_warnings(), torch.no_grad():
            # This exporter keeps the names of modules, and needs no other package.
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.onnx.export(
                module,
                inputs,
                path,
                dynamo=False,
                input_names=names,
                dynamic_axes={name: {0: "batch"} for name in names},
            )
        proto = onnx.load(path)
        for node in proto.graph.node:
            if node.op_type in CONTRACTIONS:
                node.name = _get_module_name(node.name, module)
        onnx.save(proto, path)
        return Model.load(path)


def _get_module_name(node: str, module: nn.Module) -> str:
    """Return the module of a node that is called `/blocks.0/fc/MatMul`."""
    path = node.strip("/").split("/")[:-1]
    if not path:
        return "linear" if isinstance(module, nn.Linear) else node
    return ".".join(path)


def _check_results(model: Model, layers: Mapping[str, QatLinear]) -> None:
    """Raise unless exactly the layers that do so in ``module`` have integer results."""
    for name, layer in layers.items():
        has_integer_result = model.layers[name].output_scale is not None
        if has_integer_result != (layer.next_layer is not None):
            raise Error(
                f"{name}: was trained with {'a float' if has_integer_result else 'an integer'} "
                "result, and the exported program uses it in another way; "
                "call the layers in the order in which prepare_qat has seen them"
            )
