"""Adapters of peft inside of the weights that prepare_qat quantizes. Imports peft."""

from __future__ import annotations

from typing import Any

from peft.tuners.lora.layer import Linear as LoraLinear
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

from quantc.config import QuantizationConfig
from quantc.errors import Error
from quantc.torch.gradient import MergedWeight
from quantc.torch.linear import QatLinear, check_tensors


class MergedLora(nn.Module, BaseTunerLayer):
    """A module of peft whose adapter is inside of the weight of its base, a ``QatLinear``.

    The matrices stay where peft looks for them: ``save_pretrained`` writes them, ``set_adapter``
    chooses among them and ``disable_adapter`` gives the quantized base.
    """

    adapter_layer_names = ("lora_A", "lora_B")

    def __init__(self, linear: LoraLinear, name: str) -> None:
        nn.Module.__init__(self)
        self.name = name
        self.lora_A, self.lora_B, self.scaling = linear.lora_A, linear.lora_B, linear.scaling
        self._active_adapter = linear.active_adapters
        self._disable_adapters = False
        self.training = linear.training

    def forward(self, x: Tensor) -> Tensor:
        return self.base_layer(x)

    def add_to(self, weight: Tensor) -> Tensor:
        """Return ``weight`` with the active adapter merged."""
        if self.disable_adapters:
            return weight
        (name,) = self.active_adapters
        a, b = self.lora_A[name].weight, self.lora_B[name].weight
        check_tensors(self.name, lora_A=a, lora_B=b)
        return MergedWeight.apply(weight, a, b, float(self.scaling[name]))

    def merge(self, *_: Any, **__: Any) -> None:
        """Refused: there is no float layer to merge into."""
        raise Error(
            f"{self.name}: its adapter is in the quantized weight already; "
            "quantc.torch.convert gives the merged model"
        )

    unmerge = merge


def prepare_adapted(
    linear: LoraLinear,
    name: str,
    config: QuantizationConfig,
    warm_up_steps: int,
    range_momentum: float,
) -> QatLinear:
    """Return the layer for the base of ``linear``, with its active adapter if it has one.

    Raises ``quantc.Error`` where that is not the same as a change of the weight.
    """
    if linear.merged or linear.disable_adapters:
        state = "merged" if linear.merged else "disabled"
        raise Error(f"{name}: its adapter is {state}; prepare_qat takes one that is active")
    active = [adapter for adapter in linear.active_adapters if adapter in linear.lora_A]
    if not active:
        return QatLinear(linear.base_layer, name, config, warm_up_steps, range_momentum)
    if len(linear.active_adapters) > 1:
        names = ", ".join(linear.active_adapters)
        raise Error(f"{name}: several adapters are active, {names}; activate one")
    if not isinstance(linear.lora_dropout[active[0]], nn.Identity):
        raise Error(
            f"{name}: the adapter has a dropout of its input, which a merged weight does not have; "
            "set lora_dropout=0"
        )
    if active[0] in linear.lora_variant or linear.lora_B[active[0]].bias is not None:
        raise Error(f"{name}: the adapter is more than B A; prepare_qat takes plain LoRA")
    adapted = MergedLora(linear, name)
    adapted.base_layer = QatLinear(
        linear.base_layer, name, config, warm_up_steps, range_momentum, adapted
    )
    return adapted.base_layer
