"""Training without a framework: every step is one compiled program."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from quantc import _quantc
from quantc._quantc import Model, Program
from quantc.adapter import Adapter
from quantc.compilation import TRAINING_TARGET
from quantc.config import QuantizationConfig
from quantc.errors import Error
from quantc.merging import merge_lora
from quantc.quantization import LayerParameters, quantize_trained
from quantc.training.data import Arrays
from quantc.training.loop import TrainingLoop
from quantc.training.matrices import initialize_matrices, make_adapter
from quantc.training.options import TrainingOptions, check_counts, check_numbers
from quantc.training.programs import AdapterOptions, get_programs, run


class Trainer(TrainingLoop):
    """Trains a model, in float32 or so that it is accurate once it is quantized.

        >>> trainer = quantc.Trainer(model, config, loss="cross_entropy", lr=1e-3, epochs=5)
        >>> trainer.fit(x, labels, validation=(x_test, labels_test))
        >>> quantized = trainer.convert()

    ``config`` says how layers are quantized; None, or ``mode="float"``, trains in float32. With it
    the forward pass of every step, and ``predict``, is the integer program that ``convert``
    returns, to the bit; gradients pass the rounding unchanged.
    """

    def __init__(
        self,
        model: Model,
        config: QuantizationConfig | None = None,
        *,
        learned_step_size: bool = False,
        warm_up: int = 50,
        range_momentum: float = 0.9,
        group_interval: int = 100,
        freeze: float = 0.75,
        adapter_rank: int | None = None,
        adapter_alpha: float = 16.0,
        target: str = TRAINING_TARGET,
        **options: Any,
    ) -> None:
        """Prepare to train ``model``, which is float32 and has one output.

        The ``options`` are the fields of ``TrainingOptions``: ``loss`` is ``cross_entropy`` (labels
        are the numbers of classes) or ``mse``; ``optimizer`` ``sgd``, ``momentum``, ``adam`` or ``adamw``, with ``momentum``, ``beta1``, ``beta2``,
        ``epsilon`` and ``weight_decay`` for those that have them. ``lr`` is multiplied by the
        ``schedule``: ``constant``, ``cosine``, ``linear``, or a function of the step and the number
        of steps. ``seed`` fixes the order of samples.

        ``warm_up`` is the number of steps before quantization is simulated; they find the ranges
        of activations. Ranges are moving averages with ``range_momentum``, and the scales of 4-bit
        groups are chosen again every ``group_interval`` steps; both stay as they are after the
        share ``freeze`` of all steps. With ``learned_step_size`` scales are trained instead (LSQ);
        of 4-bit groups those of channels, while the integer multipliers stay as first chosen.

        With ``adapter_rank`` the weights stay as they are, and LoRA adapters are trained inside of
        the quantized ones: ``W + adapter_alpha / adapter_rank * (B A)`` is what is rounded.
        ``adapter`` returns them; merged, they are what was trained, to the bit.

        ``patience`` ends training after that many epochs without a better validation, and goes
        back to the best one.

        Raises ``quantc.Error`` for a quantized model and for values that do not exist.
        """
        settings = TrainingOptions(**options)
        check_counts(1, group_interval=group_interval)
        check_counts(0, warm_up=warm_up)
        check_numbers(1.0, range_momentum=range_momentum, freeze=freeze)
        check_numbers(math.inf, adapter_alpha=adapter_alpha)
        adapters = AdapterOptions()
        if adapter_rank is not None:
            check_counts(1, adapter_rank=adapter_rank)
            adapters = AdapterOptions(adapter_rank, adapter_alpha / adapter_rank)
        for layer in model.layers.values():
            if layer.weight_bits != 32:
                raise Error(
                    f"{model.path}: {layer.name}: quantized layers are for inference; train with "
                    "quantization-aware training, then convert"
                )
        self.config = config if config and config.enable_quantization_aware_training else None
        programs = get_programs(
            model,
            self.config,
            learned_step_size,
            adapters,
            settings.loss,
            settings.optimizer,
            target,
        )
        super().__init__(
            model,
            programs,
            initialize_matrices(programs.forward_model, settings.seed)
            if adapters.rank
            else model.parameters,
            settings,
        )
        self._quantized = programs
        self._adapters = adapters
        self._adapter_alpha = adapter_alpha
        self._learned = learned_step_size
        self._warm_up = warm_up if self.config else 0
        self._range_momentum = range_momentum
        self._group_interval = group_interval
        self._freeze = freeze
        self._layers: list[tuple[str, str | None]] = _quantc.trained_layers(model, self.config)

    def model(self) -> Model:
        """Return the float model with the trained parameters, or with the adapter merged."""
        if self._adapters.rank:
            return merge_lora(self._model, self.adapter())[0]
        return self._model.with_parameters(self.parameters)

    def adapter(self) -> Adapter:
        """Return the adapter that was trained, with ``adapter_rank``."""
        if not self._adapters.rank:
            raise Error("no adapter was trained; give adapter_rank")
        return make_adapter(self._state, self._names, self._adapters.rank, self._adapter_alpha)

    def convert(self) -> Model:
        """Return the quantized model: ``predict`` to the bit, interpreted or compiled.

        Without quantization it is the float model.
        """
        if self.config is None:
            return self.model()
        state = self._get_state()
        layers = {}
        for name, source in self._layers:
            layers[name] = LayerParameters(
                input_range=state.get(f"{source}.range") if not self._learned else None,
                input_scale=state.get(f"{source}.scale"),
                input_zero_point=int(state.get(f"{source}.zero_point", 0)),
                weight_scale=state.get(f"{name}.weight.scale"),
                weight_zero_point=state.get(f"{name}.weight.zero_point"),
                weight_multiplier=state.get(f"{name}.weight.multiplier"),
            )
        return quantize_trained(self.model(), self.config, layers)

    def _prepare_step(self, batch: Arrays, rate: float, steps: int) -> tuple[Program, Arrays]:
        is_warm_up = self.step < self._warm_up
        is_frozen = self.step >= self._freeze * steps
        if self.config and not is_warm_up:
            self._prepare_scales(batch, is_frozen)
        # The first step takes the ranges of its batch.
        momentum = 0.0 if self.step == 0 else 1.0 if is_frozen else self._range_momentum
        program = self._quantized.warm_up if is_warm_up else self._quantized.step
        return program, self._get_scalars(rate, range_momentum=momentum)

    def _prepare_scales(self, batch: Arrays, is_frozen: bool) -> None:
        """Find what a step needs beside parameters: ranges and scales."""
        if self.step == 0:
            # Without warm-up, a step that learns nothing finds the ranges.
            outputs = run(
                self._quantized.warm_up,
                batch,
                self._state,
                self._get_scalars(0.0, range_momentum=0.0),
            )
            ranges = {source for _, source in self._layers if source}
            self._state |= {f"{source}.range": outputs[f"{source}.range"] for source in ranges}
        is_due = (self.step - self._warm_up) % self._group_interval == 0
        if self.step == self._warm_up:
            self._state |= self._choose_scales()
        elif is_due and not is_frozen and not self._learned:
            self._state |= self._choose_group_scales()

    def _choose_group_scales(self) -> Arrays:
        """Choose the scales that a search finds, those of 4-bit groups, from the weights."""
        names = [name for name, _ in self._layers if f"{name}.weight.multiplier" in self._state]
        if not names:
            return {}
        chosen = _quantc.choose_weights(self.model(), self.config)
        keys = [f"{name}.weight.{kind}" for name in names for kind in ("scale", "multiplier")]
        return {key: chosen[key] for key in keys}

    def _choose_scales(self) -> Arrays:
        """Choose the scales that are inputs of the program, from weights and ranges."""
        chosen = _quantc.choose_weights(self.model(), self.config)
        inputs = {port.name for port in self._programs.forward.inputs}
        scales = {name: array for name, array in chosen.items() if name in inputs}
        if self._learned:
            symmetric = bool(self.config and self.config.symmetric_activations)
            for source in {source for _, source in self._layers if source}:
                low, high = (float(bound) for bound in self._state[f"{source}.range"])
                scale, zero_point = _quantc.choose_input(low, high, symmetric)
                scales[f"{source}.scale"] = np.asarray(scale, np.float32)
                scales[f"{source}.zero_point"] = np.asarray(zero_point, np.int8)
        return scales

    def _get_state(self) -> Arrays:
        """What the forward program reads beside its inputs."""
        if self.config is None:
            return self._state
        for name, source in self._layers:
            if source and f"{source}.range" not in self._state:
                raise Error(
                    f"{self._model.path}: {name}: the range of its input is not known; "
                    "call fit first, or choose mode='dynamic'"
                )
        if self.step > self._warm_up:
            return self._state
        return self._state | self._choose_scales()

    def _get_settings(self) -> dict[str, Any]:
        return super()._get_settings() | {
            "learned_step_size": self._learned,
            "adapters": list(self._adapters),
            "config": repr(self.config),
        }
