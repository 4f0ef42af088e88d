"""Training of adapters on a frozen, quantized base (QLoRA, Dettmers 2023)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from quantc import _quantc
from quantc._quantc import Model, Program
from quantc.adapter import Adapter
from quantc.compilation import TRAINING_TARGET
from quantc.training.loop import TrainingLoop
from quantc.training.matrices import initialize_matrices, make_adapter
from quantc.training.options import TrainingOptions, check_counts, check_numbers
from quantc.training.programs import compile_once


class AdapterTrainer(TrainingLoop):
    """Trains a LoRA adapter for a quantized model, whose weights stay as they are.

        >>> trainer = quantc.AdapterTrainer(quantized, rank=8, alpha=16, layers=["fc.*"], lr=1e-3)
        >>> trainer.fit(x, labels)
        >>> trainer.adapter().save("my_adapter")

    Every step runs the integer layers of the base; only the matrices of the adapter have gradients.
    ``predict`` gives the bytes of the program with the adapter loaded.
    """

    def __init__(
        self,
        model: Model,
        rank: int = 8,
        alpha: float = 16.0,
        layers: Sequence[str] = (),
        *,
        target: str = TRAINING_TARGET,
        **options: Any,
    ) -> None:
        """Prepare to train an adapter of ``rank`` for ``model``, scaled by ``alpha / rank``.

        ``layers`` are regular expressions of whole names; none of them means all quantized layers.
        ``seed`` fixes the first values of A (uniform in ``+-1 / sqrt(K)``, as in PEFT; B starts at
        0) and the order of samples. The other ``options`` are the fields of ``TrainingOptions``, as
        for ``quantc.Trainer``.

        Raises ``quantc.Error`` for a model that is not quantized, for a pattern that matches no
        quantized layer, and for values that do not exist.
        """
        settings = TrainingOptions(**options)
        check_counts(1, rank=rank)
        check_numbers(math.inf, alpha=alpha)
        self.rank = rank
        self.alpha = alpha
        programs = _AdapterPrograms(
            model, list(layers), rank, alpha / rank, settings.loss, settings.optimizer, target
        )
        super().__init__(
            model,
            programs,
            initialize_matrices(programs.forward_model, settings.seed),
            settings,
        )

    def adapter(self) -> Adapter:
        """Return what was trained: for ``Program.load_adapter``, or to ``save`` for PEFT."""
        return make_adapter(self._state, self._names, self.rank, self.alpha)

    def _get_settings(self) -> dict[str, Any]:
        return super()._get_settings() | {"rank": self.rank, "alpha": self.alpha}


class _AdapterPrograms:
    """What a quantized model becomes when an adapter is trained."""

    def __init__(
        self,
        model: Model,
        layers: list[str],
        rank: int,
        scale: float,
        loss: str,
        optimizer: str,
        target: str,
    ) -> None:
        self._arguments = (model, layers, rank, scale)
        self._loss = _quantc.Loss[loss]
        self._optimizer = _quantc.Optimizer[optimizer]
        self._target = target

    @cached_property
    def forward_model(self) -> Model:
        """The base with the matrices of the adapter as inputs."""
        return _quantc.create_adapter_forward(*self._arguments)

    @cached_property
    def forward(self) -> Program:
        """Inputs and matrices to the output."""
        return compile_once(self.forward_model, self._target)

    @cached_property
    def step(self) -> Program:
        """One step of training."""
        step = _quantc.create_adapter_step(*self._arguments, self._loss, self._optimizer)
        return compile_once(step, self._target)
