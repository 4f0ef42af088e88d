"""The loop that trainers share: epochs, batches, early stopping, checkpoints."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantc._quantc import Model, Program
from quantc.config import format_choices
from quantc.errors import Error
from quantc.progress import track
from quantc.training.checkpoint import read_checkpoint, write_checkpoint
from quantc.training.data import Arrays, TrainingData, check_inputs, split
from quantc.training.history import Row, check_log, write_log
from quantc.training.programs import StepPrograms, run
from quantc.training.schedule import Schedule, get_schedule

LOSSES = ("cross_entropy", "mse")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
PREDICTION_SIZE = 1024


class TrainingLoop:
    """Runs the compiled step of a trainer over shuffled batches.

    A trainer has programs and a state: what the step reads beside a batch and hyperparameters, and
    what it returns is the state of the next step.
    """

    def __init__(
        self,
        model: Model,
        programs: StepPrograms,
        parameters: Arrays,
        *,
        loss: str = "cross_entropy",
        optimizer: str = "adam",
        lr: float = 1e-3,
        schedule: str | Schedule | None = None,
        batch_size: int = 64,
        epochs: int = 5,
        seed: int = 0,
        momentum: float = 0.9,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
        patience: int | None = None,
    ) -> None:
        """Prepare to train ``parameters`` of ``model``; see the trainers for the rest."""
        check_counts(1, batch_size=batch_size, epochs=epochs)
        check_counts(0, seed=seed)
        if patience is not None:
            check_counts(1, patience=patience)
        check_numbers(1.0, momentum=momentum, beta1=beta1, beta2=beta2)
        check_numbers(math.inf, lr=lr, epsilon=epsilon, weight_decay=weight_decay)
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.batch_size = batch_size
        self.epochs = epochs
        self.seed = seed
        self.epoch = 0
        """Epochs done."""
        self.step = 0
        """Steps done."""
        self.history: list[Row] = []
        """What each epoch brought: ``loss``, ``accuracy`` or ``mse`` of the validation, ..."""
        self._schedule = get_schedule(schedule)
        self._patience = patience
        self._model = model
        self._programs = programs
        self._names = tuple(parameters)
        self._state: Arrays = dict(parameters)
        self._best: Arrays | None = None
        self._hyperparameters = {
            "momentum": momentum,
            "beta1": beta1,
            "beta2": beta2,
            "epsilon": epsilon,
            "weight_decay": weight_decay,
        }

    @property
    def parameters(self) -> Arrays:
        """What is trained, float32, by name."""
        return {name: self._state[name].copy() for name in self._names}

    def _get_state(self) -> Arrays:
        """What the forward program reads beside its inputs."""
        return self._state

    def _prepare_step(self, batch: Arrays, rate: float, steps: int) -> tuple[Program, Arrays]:
        """Return the program of the next step, and the scalars that it reads."""
        return self._programs.step, self._get_scalars(rate)

    def _get_settings(self) -> dict[str, Any]:
        """What has to be the same for training to resume."""
        return {
            "loss": self.loss,
            "optimizer": self.optimizer,
            "batch_size": self.batch_size,
            "seed": self.seed,
        }

    def predict(self, x: Any) -> NDArray:
        """Return the output for ``x``, an array for the only input or a dict by name.

        It is what the quantized model returns, to the bit.
        """
        inputs = check_inputs(self._model, x, "x")
        state = self._get_state()
        parts = [
            run(self._programs.forward, part, state) for part in split(inputs, PREDICTION_SIZE)
        ]
        name = self._model.outputs[0].name
        return np.concatenate([part[name] for part in parts])

    def evaluate(self, x: Any, labels: Any) -> Row:
        """Return ``{"accuracy": ...}`` for cross entropy, ``{"mse": ...}`` for mse."""
        return self._evaluate(TrainingData(self._model, x, labels, self.loss, "x"))

    def _evaluate(self, data: TrainingData) -> Row:
        output = self.predict(data.inputs)
        if self.loss == "mse":
            return {"mse": float(np.square(output - data.labels, dtype=np.float64).mean())}
        return {"accuracy": float((output.argmax(axis=1) == data.labels).mean())}

    # Training

    def fit(
        self,
        x: Any,
        labels: Any,
        validation: tuple[Any, Any] | None = None,
        *,
        log: str | os.PathLike[str] | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> list[Row]:
        """Train until ``epochs`` epochs are done, and return the history.

        ``validation`` is ``(x, labels)``, evaluated after each epoch. After each epoch ``log``, a
        ``.csv`` or ``.json`` file, and ``checkpoint``, which ``load`` reads, are written. Shows
        progress on a terminal.

        Raises ``quantc.Error`` for samples and labels that do not fit the model, and when the loss
        is no number any more.
        """
        data = TrainingData(self._model, x, labels, self.loss, "x")
        held_out = None
        if validation is not None:
            held_out = TrainingData(self._model, *validation, self.loss, "validation")
        if self._patience and held_out is None:
            raise Error("patience without validation data; give validation=(x, labels)")
        if log is not None:
            check_log(Path(log))
        while self.epoch < self.epochs and not self._is_finished():
            self._run_epoch(data, held_out)
            if log is not None:
                write_log(Path(log), self.history)
            if checkpoint is not None:
                self.save(checkpoint)
        if self._best is not None:
            self._state = dict(self._best)
        return self.history

    def _run_epoch(self, data: TrainingData, held_out: TrainingData | None) -> None:
        start = time.perf_counter()
        order = np.random.default_rng([self.seed, self.epoch]).permutation(len(data))
        batches = data.batches(self.batch_size, order)
        total, rate = 0.0, 0.0
        for numbers in track(batches, f"Epoch {self.epoch + 1} of {self.epochs}"):
            rate = self.lr * self._schedule(self.step, len(batches) * self.epochs)
            loss = self._run_step(data.take(numbers), rate, len(batches) * self.epochs)
            total += loss * len(numbers)
        self.epoch += 1
        row = {"epoch": self.epoch, "loss": total / len(data), "lr": rate}
        if held_out is not None:
            row |= self._evaluate(held_out)
        row["seconds"] = round(time.perf_counter() - start, 3)
        self.history.append(row)
        if self._patience and self._get_best_epoch() == self.epoch:
            self._best = dict(self._state)

    def _run_step(self, batch: Arrays, rate: float, steps: int) -> float:
        program, scalars = self._prepare_step(batch, rate, steps)
        outputs = run(program, batch, self._state, scalars)
        loss = float(outputs.pop("loss"))
        if not math.isfinite(loss):
            raise Error(
                f"the loss is {loss} at step {self.step + 1} of epoch {self.epoch + 1}; "
                "lower lr, or scale the inputs"
            )
        self._state |= outputs
        self.step += 1
        return loss

    def _get_scalars(self, rate: float, **others: float) -> Arrays:
        values = self._hyperparameters | others | {"learning_rate": rate, "step": self.step + 1}
        return {name: np.asarray(value, np.float32) for name, value in values.items()}

    # Early stopping

    def _get_best_epoch(self) -> int:
        key, sign = ("mse", -1.0) if self.loss == "mse" else ("accuracy", 1.0)
        best = max(self.history, key=lambda row: (sign * row[key], -row["epoch"]))
        return int(best["epoch"])

    def _is_finished(self) -> bool:
        if not self._patience or not self.history:
            return False
        return self.epoch - self._get_best_epoch() >= self._patience

    # Checkpoints

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a checkpoint: training that resumes from it ends with the same bytes."""
        arrays = {f"state/{name}": array for name, array in self._state.items()}
        arrays |= {f"best/{name}": array for name, array in (self._best or {}).items()}
        facts = {
            "settings": self._get_settings(),
            "epoch": self.epoch,
            "step": self.step,
            "history": self.history,
        }
        write_checkpoint(Path(path), arrays, facts)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Continue from a checkpoint of a trainer with the same model and settings.

        Raises ``quantc.Error``, and changes nothing, for a file that is none.
        """
        arrays, facts = read_checkpoint(Path(path))
        for name, value in self._get_settings().items():
            if facts["settings"].get(name) != value:
                raise Error(
                    f"{os.fspath(path)}: was made with {name}={facts['settings'].get(name)}; "
                    f"this trainer has {value}"
                )
        state = {name[6:]: array for name, array in arrays.items() if name.startswith("state/")}
        for name in self._names:
            if name not in state or state[name].shape != self._state[name].shape:
                raise Error(f"{os.fspath(path)}: is of another model; '{name}' does not fit")
        best = {name[5:]: array for name, array in arrays.items() if name.startswith("best/")}
        self._state, self._best = state, best or None
        self.epoch, self.step = facts["epoch"], facts["step"]
        self.history = facts["history"]


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
