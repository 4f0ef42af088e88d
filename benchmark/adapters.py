"""What an adapter on a frozen INT4 base is worth: Fashion-MNIST with inverted images.

Usage: ``PYTHONPATH=build/python python benchmark/adapters.py [--seeds 5] [--epochs 5]``

The base is the model of the demo, quantized to INT4 in groups of 32, and knows nothing of inverted
images. A LoRA adapter of rank 16 learns them while the base stays as it is; for comparison the FP32
model is trained on them as a whole. Every number is the accuracy of a compiled program on all
10,000 test images.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import quantc
from fashion_mnist import data

MODEL = Path(__file__).resolve().parent / "fashion_mnist" / "mlp.onnx"
BASE = quantc.QuantizationConfig(weight_bits=4, granularity="per_group", group_size=32)
RANK = 16
CALIBRATION_IMAGES = 1000

RECOVERED = "share of the gain"


def invert(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the images with black for white."""
    return 1 - images


@cache
def load_sets() -> tuple[tuple[NDArray, NDArray], tuple[NDArray, NDArray]]:
    """Return the inverted images and their labels, for training and for the test."""
    train, test = (data.load(name) for name in ("train", "test"))
    return (invert(train[0]), train[1]), (invert(test[0]), test[1])


@cache
def make_base() -> tuple[quantc.Model, quantc.Program]:
    """Return the quantized model and its program with room for an adapter: one for all seeds."""
    images = load_sets()[0][0]
    base = quantc.quantize(quantc.load(MODEL), BASE, images[:CALIBRATION_IMAGES])
    return base, quantc.compile(quantc.insert_lora(base, max_rank=RANK))


def run_seed(seed: int, epochs: int) -> dict[str, float]:
    """Return the accuracies of one seed on inverted images, in percent."""
    train, test = load_sets()
    base, program = make_base()
    options = {"optimizer": "adamw", "schedule": "cosine", "epochs": epochs, "seed": seed}

    full = quantc.Trainer(quantc.load(MODEL), None, lr=1e-3, **options)
    full.fit(*train)
    trainer = quantc.AdapterTrainer(base, RANK, 2 * RANK, lr=3e-3, **options)
    trainer.fit(*train)
    program.set_adapter(None)
    before = measure(program, test)
    name = f"seed {seed}"
    program.load_adapter(name, trainer.adapter())
    program.set_adapter(name)
    adapted = measure(program, test)
    tuned = measure(quantc.compile(full.model()), test)
    return {
        "INT4 base": before,
        "INT4 base with adapter": adapted,
        "FP32, trained as a whole": tuned,
        RECOVERED: 100 * (adapted - before) / (tuned - before),
    }


def measure(program: quantc.Program, test: tuple[NDArray, NDArray]) -> float:
    """Return the accuracy of ``program`` in percent."""
    images, labels = test
    return 100 * float((np.asarray(program(images)).argmax(axis=1) == labels).mean())


def make_table(runs: Sequence[dict[str, float]]) -> tuple[list[str], list[list[str]]]:
    """Return the columns and the rows, one run for each seed."""
    columns = ["inverted images", "mean", *(f"seed {index}" for index in range(len(runs)))]
    rows = []
    for name in runs[0]:
        values = [run[name] for run in runs]
        rows.append([name, f"{np.mean(values):.2f} %", *(f"{value:.2f}" for value in values)])
    return columns, rows


def main() -> None:
    """Train and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    arguments = parser.parse_args()
    columns, rows = make_table(
        [run_seed(seed, arguments.epochs) for seed in range(arguments.seeds)]
    )
    table = Table(*columns)
    for row in rows:
        table.add_row(*row)
    Console(width=None if Console().is_terminal else 120).print(table)


if __name__ == "__main__":
    main()
