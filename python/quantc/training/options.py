"""What all trainers can be told."""

from __future__ import annotations

import math
from dataclasses import dataclass

from quantc.config import format_choices
from quantc.errors import Error
from quantc.training.schedule import Schedule

LOSSES = ("cross_entropy", "mse")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")


@dataclass(frozen=True)
class TrainingOptions:
    """The keyword arguments that trainers have in common; checked when they are made."""

    loss: str = "cross_entropy"
    """``cross_entropy`` (labels are the numbers of classes) or ``mse``."""

    optimizer: str = "adam"
    """``sgd``, ``momentum``, ``adam`` or ``adamw``."""

    lr: float = 1e-3
    """The learning rate, which the schedule multiplies."""

    schedule: str | Schedule | None = None
    """``constant``, ``cosine``, ``linear``, or a function of the step and the number of steps."""

    batch_size: int = 64
    """Samples in a step."""

    epochs: int = 5
    """How often all samples are seen."""

    seed: int = 0
    """Fixes the order of samples, and the first values of adapters."""

    momentum: float = 0.9
    """For ``momentum``."""

    beta1: float = 0.9
    """For ``adam`` and ``adamw``: of the mean of gradients."""

    beta2: float = 0.999
    """For ``adam`` and ``adamw``: of the mean of their squares."""

    epsilon: float = 1e-8
    """For ``adam`` and ``adamw``: what is added to the deviation."""

    weight_decay: float = 0.01
    """For ``adamw``."""

    patience: int | None = None
    """Epochs without a better validation after which training ends; None: it goes on."""

    def __post_init__(self) -> None:
        check_choice("loss", self.loss, LOSSES)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_counts(1, batch_size=self.batch_size, epochs=self.epochs)
        check_counts(0, seed=self.seed)
        if self.patience is not None:
            check_counts(1, patience=self.patience)
        check_numbers(1.0, momentum=self.momentum, beta1=self.beta1, beta2=self.beta2)
        check_numbers(math.inf, lr=self.lr, epsilon=self.epsilon, weight_decay=self.weight_decay)


def check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ``quantc.Error`` unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise Error(f"{name}={value!r}; it must be {format_choices(choices)}")


def check_counts(least: int, **counts: int) -> None:
    """Raise ``quantc.Error`` for a count, by name, that is no whole number or too small."""
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise Error(f"{name}={value!r}; it must be a whole number, {least} or more")


def check_numbers(largest: float, **numbers: float) -> None:
    """Raise ``quantc.Error`` for a number, by name, that is not from 0 to ``largest``."""
    expected = f"from 0 to {largest:g}" if math.isfinite(largest) else "0 or more"
    for name, value in numbers.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= largest:
            raise Error(f"{name}={value!r}; it must be a number {expected}")
