"""Training without a framework: every step is one compiled program."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantc import _quantc
from quantc._quantc import Model
from quantc.config import QuantizationConfig, format_choices
from quantc.errors import Error
from quantc.progress import track
from quantc.quantization import LayerParameters, quantize_trained
from quantc.training.checkpoint import read_checkpoint, write_checkpoint
from quantc.training.data import Arrays, TrainingData, check_inputs, split
from quantc.training.history import Row, check_log, write_log
from quantc.training.programs import get_programs, run
from quantc.training.schedule import Schedule, get_schedule

LOSSES = ("cross_entropy", "mse")
OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")
PREDICTION_SIZE = 1024


class Trainer:
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
        learned_step_size: bool = False,
        warm_up: int = 50,
        range_momentum: float = 0.9,
        group_interval: int = 100,
        freeze: float = 0.75,
        patience: int | None = None,
        target: str = "native",
    ) -> None:
        """Prepare to train ``model``, which is float32 and has one output.

        ``loss`` is ``cross_entropy`` (labels are the numbers of classes) or ``mse``; ``optimizer``
        ``sgd``, ``momentum``, ``adam`` or ``adamw``, with ``momentum``, ``beta1``, ``beta2``,
        ``epsilon`` and ``weight_decay`` for those that have them. ``lr`` is multiplied by the
        ``schedule``: ``constant``, ``cosine``, ``linear``, or a function of the step and the number
        of steps. ``seed`` fixes the order of samples.

        ``warm_up`` is the number of steps before quantization is simulated; they find the ranges
        of activations. Ranges are moving averages with ``range_momentum``, and the scales of 4-bit
        groups are chosen again every ``group_interval`` steps; both stay as they are after the
        share ``freeze`` of all steps. With ``learned_step_size`` scales are trained instead (LSQ).

        ``patience`` ends training after that many epochs without a better validation, and goes
        back to the best one.

        Raises ``quantc.Error`` for a quantized model and for values that do not exist.
        """
        _check_choice("loss", loss, LOSSES)
        _check_choice("optimizer", optimizer, OPTIMIZERS)
        _check_counts(1, batch_size=batch_size, epochs=epochs, group_interval=group_interval)
        _check_counts(0, warm_up=warm_up, seed=seed)
        if patience is not None:
            _check_counts(1, patience=patience)
        _check_numbers(1.0, momentum=momentum, beta1=beta1, beta2=beta2)
        _check_numbers(1.0, range_momentum=range_momentum, freeze=freeze)
        _check_numbers(math.inf, lr=lr, epsilon=epsilon, weight_decay=weight_decay)
        for layer in model.layers.values():
            if layer.weight_bits != 32:
                raise Error(
                    f"{model.path}: {layer.name}: quantized layers are for inference; train with "
                    "quantization-aware training, then convert"
                )
        self.config = config if config and config.enable_quantization_aware_training else None
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
        self._learned = learned_step_size
        self._warm_up = warm_up if self.config else 0
        self._range_momentum = range_momentum
        self._group_interval = group_interval
        self._freeze = freeze
        self._patience = patience
        self._model = model
        self._programs = get_programs(
            model, self.config, learned_step_size, loss, optimizer, target
        )
        self._layers: list[tuple[str, str | None]] = _quantc.trained_layers(model, self.config)
        self._names = tuple(model.parameters)
        self._state: Arrays = dict(model.parameters)
        self._best: Arrays | None = None
        self._hyperparameters = {
            "momentum": momentum,
            "beta1": beta1,
            "beta2": beta2,
            "epsilon": epsilon,
            "weight_decay": weight_decay,
        }

    # What was trained

    @property
    def parameters(self) -> Arrays:
        """The weights and biases, float32, by the name of their layer: ``fc1.weight``, ..."""
        return {name: self._state[name].copy() for name in self._names}

    def model(self) -> Model:
        """Return the float model with the trained parameters."""
        return self._model.with_parameters(self.parameters)

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
        is_warm_up = self.step < self._warm_up
        is_frozen = self.step >= self._freeze * steps
        if self.config and not is_warm_up:
            self._prepare_scales(batch, is_frozen)
        program = self._programs.warm_up if is_warm_up else self._programs.step
        # The first step takes the ranges of its batch.
        momentum = 0.0 if self.step == 0 else 1.0 if is_frozen else self._range_momentum
        outputs = run(program, batch, self._state, self._get_scalars(rate, momentum))
        loss = float(outputs.pop("loss"))
        if not math.isfinite(loss):
            raise Error(
                f"the loss is {loss} at step {self.step + 1} of epoch {self.epoch + 1}; "
                "lower lr, or scale the inputs"
            )
        self._state |= outputs
        self.step += 1
        return loss

    def _get_scalars(self, rate: float, range_momentum: float) -> Arrays:
        values = self._hyperparameters | {
            "learning_rate": rate,
            "range_momentum": range_momentum,
            "step": self.step + 1,
        }
        return {name: np.asarray(value, np.float32) for name, value in values.items()}

    def _prepare_scales(self, batch: Arrays, is_frozen: bool) -> None:
        """Find what a step needs beside parameters: ranges and scales."""
        if self.step == 0:
            # Without warm-up, a step that learns nothing finds the ranges.
            outputs = run(self._programs.warm_up, batch, self._state, self._get_scalars(0.0, 0.0))
            ranges = {source for _, source in self._layers if source}
            self._state |= {f"{source}.range": outputs[f"{source}.range"] for source in ranges}
        is_due = (self.step - self._warm_up) % self._group_interval == 0
        if self.step == self._warm_up:
            self._state |= self._choose_scales()
        elif is_due and not is_frozen:
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

    def _get_settings(self) -> dict[str, Any]:
        """What has to be the same for training to resume."""
        return {
            "loss": self.loss,
            "optimizer": self.optimizer,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "learned_step_size": self._learned,
            "config": repr(self.config),
        }

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


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise Error(f"{name}={value!r}; it must be {format_choices(choices)}")


def _check_counts(least: int, **counts: int) -> None:
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise Error(f"{name}={value!r}; it must be a whole number, {least} or more")


def _check_numbers(largest: float, **numbers: float) -> None:
    expected = f"from 0 to {largest:g}" if math.isfinite(largest) else "0 or more"
    for name, value in numbers.items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= largest:
            raise Error(f"{name}={value!r}; it must be a number {expected}")
