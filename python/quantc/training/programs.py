"""The programs of a trainer, compiled when they are first used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol

import numpy as np

from quantc import _quantc
from quantc._quantc import Model, Program
from quantc.compilation import compile
from quantc.config import QuantizationConfig
from quantc.training.data import Arrays


class StepPrograms(Protocol):
    """What a trainer runs."""

    @property
    def forward(self) -> Program:
        """Inputs and state to the output of the model."""

    @property
    def step(self) -> Program:
        """One step of training."""


class AdapterOptions(NamedTuple):
    """The adapters that are trained inside of weights."""

    rank: int = 0
    """0: none, the model itself is trained."""
    scale: float = 1.0


@dataclass(frozen=True)
class _Source:
    """A model that equals those with the same text."""

    digest: bytes
    model: Model = field(compare=False, repr=False)


@lru_cache(maxsize=16)
def _compile_source(source: _Source, target: str) -> Program:
    return compile(source.model, target)


def compile_once(model: Model, target: str) -> Program:
    """Compile ``model``, or return the program of an equal one.

    Weights that are trained are inputs, so that steps of models that differ in nothing else, such
    as those of several seeds, are one program. The file that a model is from makes no difference.
    """
    text = model.mlir().replace(model.path, "")
    return _compile_source(_Source(hashlib.sha256(text.encode()).digest(), model), target)


@dataclass(frozen=True)
class Programs:
    """What a model becomes in training; ``config`` is None for training in float32."""

    model: Model
    config: QuantizationConfig | None
    learned: bool
    adapters: AdapterOptions
    loss: str
    optimizer: str
    target: str

    @cached_property
    def forward_model(self) -> Model:
        """The quantized model with what is trained as inputs."""
        return _quantc.create_forward(self.model, self.config, self.learned, *self.adapters)

    @cached_property
    def forward(self) -> Program:
        """Inputs, parameters, ranges and scales to the output: the quantized model."""
        return compile_once(self.forward_model, self.target)

    @cached_property
    def step(self) -> Program:
        """One step of training."""
        return self._compile_step(warm_up=False)

    @cached_property
    def warm_up(self) -> Program:
        """One step of training in float32 that averages the ranges."""
        return self.step if self.config is None else self._compile_step(warm_up=True)

    def _compile_step(self, warm_up: bool) -> Program:
        return compile_once(
            _quantc.create_step(
                self.model,
                self.config,
                self.learned,
                warm_up,
                _quantc.Loss[self.loss],
                _quantc.Optimizer[self.optimizer],
                *self.adapters,
            ),
            self.target,
        )


get_programs = lru_cache(maxsize=4)(Programs)
"""Programs that trainers of one model share, with several seeds or learning rates."""


def run(program: Program, *sources: Arrays) -> Arrays:
    """Call ``program`` with what ``sources`` hold of its inputs; what none holds is 0."""
    inputs = {}
    for port in program.inputs:
        found = [source[port.name] for source in sources if port.name in source]
        inputs[port.name] = found[0] if found else np.zeros(port.shape, port.dtype)
    outputs = program(inputs)
    return outputs if isinstance(outputs, dict) else {program.outputs[0].name: outputs}
