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
from quantc.errors import Error
from quantc.progress import track
from quantc.training.checkpoint import read_checkpoint, write_checkpoint
from quantc.training.data import Arrays, TrainingData, check_inputs, split
from quantc.training.history import Row, check_log, write_log
from quantc.training.options import TrainingOptions
from quantc.training.programs import StepPrograms, run
from quantc.training.schedule import get_schedule

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
        options: TrainingOptions,
    ) -> None:
        """Prepare to train ``parameters`` of ``model``; see the trainers for the rest."""
        self.loss = options.loss
        self.optimizer = options.optimizer
        self.lr = options.lr
        self.batch_size = options.batch_size
        self.epochs = options.epochs
        self.seed = options.seed
        self.epoch = 0
        """Epochs done."""
        self.step = 0
        """Steps done."""
        self.history: list[Row] = []
        """What each epoch brought: ``loss``, ``accuracy`` or ``mse`` of the validation, ..."""
        self._schedule = get_schedule(options.schedule)
        self._patience = options.patience
        self._model = model
        self._programs = programs
        self._names = tuple(parameters)
        self._state: Arrays = dict(parameters)
        self._best: Arrays | None = None
        self._hyperparameters = {
            "momentum": options.momentum,
            "beta1": options.beta1,
            "beta2": options.beta2,
            "epsilon": options.epsilon,
            "weight_decay": options.weight_decay,
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
