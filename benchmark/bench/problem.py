"""The data of a case: made once by the master, mapped by every worker.

Arrays of the layers (W1 to W4), where they apply:

    input            f32 [rows, depth]       quantized_input  i8, W1: input / input_scale
    weight           f32 [columns, depth]    quantized_weight i8, W1 to W3
    bias             f32 [columns]           weight_scale     f32 []; W3 [columns, groups]
    input_scale, output_scale  f32 [], W1    expected         f32 [rows, columns]

of rows (W6): input, gain and offset f32 [depth] of LayerNorm, expected f32 [rows, depth];
of the network (W5): input, weight_1, bias_1, weight_2, bias_2, hidden (after ReLU), expected.
W7 has files: ``bench.real_problem`` says which.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.workloads import MLP_SIZES, Case
from real_models.model import Metric, score

WEIGHT_SCALE = np.float32(0.01)
EPSILON = 1e-5
"""What LayerNorm adds to the variance."""


LEAST_SCORES = {"accuracy": 0.8, "agreement": 0.8, "cosine": 0.9, "snr": 5.0}
"""Of a real model; what is below it is wrong."""


class Problem:
    """The arrays of ``case`` in ``folder``, by name."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case = case
        self.folder = folder

    def __getitem__(self, name: str) -> NDArray:
        return np.load(self.folder / f"{name}.npy")


class RealProblem(Problem):
    """A case of W7, as ``bench.real_problem`` writes it."""

    def __init__(self, case: Case, folder: Path) -> None:
        super().__init__(case, folder)
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.metric: Metric = description["metric"]
        self.inputs: list[str] = description["inputs"]
        self._samples = [self[f"samples-{index}"] for index in range(len(self.inputs))]
        self._count = len(self._samples[0]) // case.rows * case.rows

    @property
    def batches(self) -> list[list[NDArray]]:
        """The samples in batches of the size of the case, one array for each input."""
        step = self.case.rows
        return [
            [samples[first : first + step] for samples in self._samples]
            for first in range(0, self._count, step)
        ]

    def get_model(self, form: str) -> Path:
        """Return the ONNX file that is ``float``, ``static`` or ``dynamic``."""
        path = self.folder / f"{form}.onnx"
        if not path.is_file():
            raise RuntimeError(path.with_suffix(".txt").read_text(encoding="utf-8"))
        return path

    def score(self, outputs: NDArray) -> float:
        """Return how good ``outputs``, for all batches, are."""
        labels = self.folder / "labels.npy"
        return score(
            self.metric,
            outputs,
            self["expected"].reshape(len(self["expected"]), -1)[: self._count],
            np.load(labels)[: self._count] if labels.is_file() else None,
        )


def open_problem(case: Case, folder: Path) -> Problem:
    """Return what ``write_problem`` wrote."""
    return (RealProblem if case.workload == "W7" else Problem)(case, folder)


def write_problem(case: Case, folder: Path) -> None:
    """Make the arrays of ``case`` in ``folder``; for W7 raises ``MissingError``."""
    if case.workload == "W7":
        # It needs packages that workers do not have.
        from bench.real_problem import write_real_problem

        write_real_problem(case, folder)
        return
    random = np.random.default_rng(0)
    if case.workload == "W5":
        arrays = _make_mlp(case, random)
    elif case.workload == "W6":
        arrays = _make_function(case, random)
    elif case.workload == "W3":
        arrays = _make_int4(case, random)
    else:
        arrays = _make_layer(case, random)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def _make_layer(case: Case, random: np.random.Generator) -> dict[str, NDArray]:
    x = random.standard_normal((case.rows, case.depth), dtype=np.float32)
    bias = random.standard_normal(case.columns, dtype=np.float32)
    quantized_weight = random.integers(-127, 128, (case.columns, case.depth), dtype=np.int8)
    weight = quantized_weight * WEIGHT_SCALE
    arrays = {"input": x, "bias": bias, "weight": weight}
    if case.workload == "W4":
        return arrays | {"expected": x @ weight.T + bias}
    arrays |= {"quantized_weight": quantized_weight, "weight_scale": WEIGHT_SCALE}
    if case.workload == "W2":
        return arrays | {"expected": x @ weight.T + bias}
    input_scale = np.float32(np.abs(x).max() / 127)
    quantized_input = np.rint(x / input_scale).clip(-127, 127).astype(np.int8)
    # Exact in f64: every partial sum is far below 2^53.
    sums = quantized_input.astype(np.float64) @ quantized_weight.T.astype(np.float64)
    expected = (sums * (float(input_scale) * float(WEIGHT_SCALE)) + bias).astype(np.float32)
    return arrays | {
        "quantized_input": quantized_input,
        "input_scale": input_scale,
        "output_scale": np.float32(np.abs(expected).max() / 127),
        "expected": expected,
    }


def _make_int4(case: Case, random: np.random.Generator) -> dict[str, NDArray]:
    groups = case.depth // case.group_size
    x = random.standard_normal((case.rows, case.depth), dtype=np.float32)
    bias = random.standard_normal(case.columns, dtype=np.float32)
    quantized = random.integers(-8, 8, (case.columns, case.depth), dtype=np.int8)
    # OpenVINO and ggml keep scales in f16.
    scale = 0.005 + 0.01 * random.random((case.columns, groups), dtype=np.float32)
    scale = scale.astype(np.float16).astype(np.float32)
    weight = quantized * np.repeat(scale, case.group_size, axis=1)
    return {
        "input": x,
        "bias": bias,
        "quantized_weight": quantized,
        "weight_scale": scale,
        "weight": weight,
        "expected": x @ weight.T + bias,
    }


def _make_mlp(case: Case, random: np.random.Generator) -> dict[str, NDArray]:
    inputs, hidden, outputs = MLP_SIZES
    x = random.random((case.rows, inputs), dtype=np.float32)
    arrays = {
        "weight_1": 0.05 * random.standard_normal((hidden, inputs), dtype=np.float32),
        "bias_1": 0.1 * random.standard_normal(hidden, dtype=np.float32),
        "weight_2": 0.1 * random.standard_normal((outputs, hidden), dtype=np.float32),
        "bias_2": 0.1 * random.standard_normal(outputs, dtype=np.float32),
    }
    values = np.maximum(x @ arrays["weight_1"].T + arrays["bias_1"], 0)
    expected = values @ arrays["weight_2"].T + arrays["bias_2"]
    return arrays | {"input": x, "hidden": values, "expected": expected}


def _make_function(case: Case, random: np.random.Generator) -> dict[str, NDArray]:
    x = 2 * random.standard_normal((case.rows, case.depth), dtype=np.float32)
    gain = 1 + 0.1 * random.standard_normal(case.depth, dtype=np.float32)
    offset = random.standard_normal(case.depth, dtype=np.float32)
    wide = x.astype(np.float64)
    if case.mode == "softmax":
        exponential = np.exp(wide - wide.max(axis=1, keepdims=True))
        expected = exponential / exponential.sum(axis=1, keepdims=True)
    elif case.mode == "layer_norm":
        centred = wide - wide.mean(axis=1, keepdims=True)
        variance = np.square(centred).mean(axis=1, keepdims=True)
        expected = centred / np.sqrt(variance + EPSILON) * gain + offset
    else:
        erf = np.vectorize(math.erf)
        expected = wide * 0.5 * (1 + erf(wide / math.sqrt(2)))
    return {"input": x, "gain": gain, "offset": offset, "expected": expected.astype(np.float32)}
