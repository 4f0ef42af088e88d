"""What quantization-aware training is worth: Fashion-MNIST, several seeds, one table.

Usage: ``PYTHONPATH=build/python python benchmark/qat.py [--seeds 5] [--epochs 5]``

For each seed quantc trains a network in FP32 from random weights; then it is quantized after
training, and trained on with quantization. FP32 is trained on for as many epochs, so that it has
seen the data as often. Every number is the accuracy of a compiled program on all 10,000 test
images; for trained ones its bytes are compared with the predictions of the trainer. The channels of
the second network differ in size, so that one scale for all fits none of them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

import quantc
from fashion_mnist import data
from quantc.compilation import TRAINING_TARGET

Set = tuple[NDArray[np.float32], NDArray[np.int64]]
Config = quantc.QuantizationConfig

CALIBRATION_IMAGES = 1000
TARGET = TRAINING_TARGET
"""Programs run once: one code is enough, and any gives the same bytes."""

REFERENCE = "FP32"
INT4 = Config(weight_bits=4, granularity="per_tensor")
INT8 = Config(weight_bits=8, granularity="per_tensor")
NETWORKS: dict[str, tuple[Sequence[int], float]] = {
    "784-128-10": ((784, 128, 10), 1.0),
    "784-32-32-10, unequal channels": ((784, 32, 32, 10), 64.0),
}
"""The sizes of layers, and how many times larger the largest channel is than the smallest."""


def make_network(sizes: Sequence[int], seed: int, spread: float, path: Path) -> quantc.Model:
    """Return a ReLU network with random weights; ``spread`` is the ratio between its channels.

    Channels of different size compute the same function, since ReLU passes factors on, but share
    one scale once they are quantized per tensor.
    """
    random = np.random.default_rng(seed)
    nodes, weights, value = [], [], "image"
    for layer in range(1, len(sizes)):
        inputs, outputs = sizes[layer - 1], sizes[layer]
        weight = random.standard_normal((outputs, inputs)) * np.sqrt(2 / inputs)
        if layer < len(sizes) - 1:
            weight *= spread ** random.uniform(-0.5, 0.5, (outputs, 1))
        names = [f"fc{layer}.weight", f"fc{layer}.bias"]
        weights.append(numpy_helper.from_array(weight.astype(np.float32), names[0]))
        weights.append(numpy_helper.from_array(np.zeros(outputs, np.float32), names[1]))
        result = "logits" if layer == len(sizes) - 1 else f"fc{layer}_out"
        nodes.append(
            helper.make_node("Gemm", [value, *names], [result], name=f"fc{layer}", transB=1)
        )
        value = result
        if layer < len(sizes) - 1:
            value = f"relu{layer}_out"
            nodes.append(helper.make_node("Relu", [result], [value], name=f"relu{layer}"))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", sizes[0]])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", sizes[-1]])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return quantc.load(path)


def get_accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the accuracy in percent."""
    return 100 * float((logits.argmax(axis=1) == labels).mean())


def train(
    model: quantc.Model, config: Config | None, train: Set, epochs: int, seed: int, lr: float
):
    """Return a trainer that has trained ``model``."""
    trainer = quantc.Trainer(
        model, config, optimizer="adamw", lr=lr, schedule="cosine", epochs=epochs, seed=seed
    )
    trainer.fit(*train)
    return trainer


def run_seed(
    sizes: Sequence[int],
    spread: float,
    sets: tuple[Set, Set],
    epochs: tuple[int, int],
    seed: int,
    folder: Path,
) -> dict[str, float]:
    """Return the accuracies of one seed; ``epochs`` are those of FP32, and then more."""
    train_set, (images, labels) = sets
    network = make_network(sizes, seed, spread, folder / "network.onnx")
    model = train(network, None, train_set, epochs[0], seed, 1e-3).model()
    results: dict[str, float] = {}

    def train_on(name: str, config: Config | None) -> None:
        trainer = train(model, config, train_set, epochs[1], seed, 5e-4)
        logits = quantc.compile(trainer.convert(), TARGET)(images)
        if trainer.predict(images).tobytes() != logits.tobytes():
            raise SystemExit(f"error: {name}: what was trained is not what ships")
        results[name] = get_accuracy(logits, labels)

    train_on(REFERENCE, None)
    calibration = train_set[0][:CALIBRATION_IMAGES]
    for name, config in (("INT4", INT4), ("INT8", INT8)):
        quantized = quantc.quantize(model, config, calibration)
        results[f"{name} after training"] = get_accuracy(
            quantc.compile(quantized, TARGET)(images), labels
        )
        train_on(f"{name} trained", config)
    return results


def run_network(name: str, seed: int, epochs: int) -> dict[str, float]:
    """Return the accuracies of one seed of the network ``name``, in percent."""
    sizes, spread = NETWORKS[name]
    sets = data.load("train"), data.load("test")
    with tempfile.TemporaryDirectory() as folder:
        return run_seed(sizes, spread, sets, (epochs, epochs), seed, Path(folder))


def make_table(name: str, runs: Sequence[dict[str, float]]) -> tuple[list[str], list[list[str]]]:
    """Return the columns and the rows of the network ``name``, one run for each seed."""
    columns = [name, "mean", "against FP32", *(f"seed {index}" for index in range(len(runs)))]
    reference = np.mean([run[REFERENCE] for run in runs])
    rows = []
    for mode in runs[0]:
        values = [run[mode] for run in runs]
        mean = np.mean(values)
        rows.append(
            [mode, f"{mean:.2f} %", f"{mean - reference:+.2f}", *(f"{v:.2f}" for v in values)]
        )
    return columns, rows


def main() -> None:
    """Train, quantize and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--epochs", type=int, default=5, help="of FP32, and again with quantization"
    )
    arguments = parser.parse_args()
    console = Console(width=None if Console().is_terminal else 120)
    for name in NETWORKS:
        runs = [run_network(name, seed, arguments.epochs) for seed in range(arguments.seeds)]
        columns, rows = make_table(name, runs)
        table = Table(*columns)
        for row in rows:
            table.add_row(*row)
        console.print(table)


if __name__ == "__main__":
    main()
