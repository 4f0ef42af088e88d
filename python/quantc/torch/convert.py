"""From a trained module to a quantized model."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from quantc._quantc import Model
from quantc.errors import Error
from quantc.quantization import quantize_trained
from quantc.torch.frozen import FrozenLinear
from quantc.torch.linear import QatLinear, replace_modules
from quantc.torch.load import load_module
from quantc.torch.lora import get_base_model

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
    package ``onnx``.
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
    # What was trained after a layer stays after it: the parameters are for its weight as it is.
    model = load_module(_make_float(module), example_input, fold_affine=False)
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
