"""The part of the demo that trains: networks for quantization, and adapters on a frozen base.

Training takes minutes, so its results are kept in the output folder and read from there the next
time; deleting the file, or other settings, train again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

import adapters
import qat
import quantc
from quantc.progress import track
from quantc.report.report import Report

SEEDS = 5
EPOCHS = 3
PROCESSES = 2
FILE = "training.json"

Runs = dict[str, list[dict[str, float]]]

ADAPTERS = "adapters"

QAT_NOTE = (
    f"Accuracy on all 10,000 test images, mean of {SEEDS} seeds. FP32 from random weights, then "
    "quantized after training, and trained on with simulated quantization; FP32 is trained on as "
    "long. One scale for each weight tensor."
)
ADAPTER_NOTE = (
    "The INT4 base of the demo (groups of 32) has never seen inverted images; its weights stay as "
    f"they are. A LoRA adapter of rank {adapters.RANK} learns them, and for comparison FP32 is "
    f"trained on them as a whole. Mean of {SEEDS} seeds."
)


@dataclass(frozen=True)
class Section:
    """A table, with what is to be said of it."""

    title: str
    note: str
    columns: list[str]
    rows: list[list[str]]


def get_sections(output: Path) -> list[Section]:
    """Train, or read what an earlier run left in ``output``."""
    runs = _load_or_run(output / FILE)
    sections = [
        Section(
            f"Training for quantization: {name}", QAT_NOTE, *qat.make_table("accuracy", runs[name])
        )
        for name in qat.NETWORKS
    ]
    columns, rows = adapters.make_table(runs[ADAPTERS])
    sections.append(Section("LoRA on a frozen INT4 base", ADAPTER_NOTE, columns, rows))
    return sections


def print_sections(console: Console, sections: list[Section]) -> None:
    """Print a table for each section."""
    for section in sections:
        table = Table(box=box.SIMPLE_HEAD, title=section.title, title_style="bold")
        for index, column in enumerate(section.columns):
            table.add_column(column, justify="right" if index else "left", no_wrap=True)
        for row in section.rows:
            table.add_row(*row)
        console.print(table)
        console.print(section.note)


def add_sections(report: Report, sections: list[Section]) -> None:
    """Add the sections to the HTML report."""
    for section in sections:
        report.add_table(section.title, section.note, section.columns, section.rows)


def _load_or_run(path: Path) -> Runs:
    settings = {"seeds": SEEDS, "epochs": EPOCHS, "version": quantc.__version__}
    if path.exists():
        content = json.loads(path.read_text())
        if content["settings"] == settings:
            return content["runs"]
    runs = _run()
    path.write_text(json.dumps({"settings": settings, "runs": runs}, indent=2) + "\n")
    return runs


def _run() -> Runs:
    """Train every network with every seed, in processes of their own."""
    tasks: list[tuple[str, Callable[..., dict[str, float]], tuple[object, ...]]] = [
        (name, qat.run_network, (name, seed, EPOCHS))
        for name in qat.NETWORKS
        for seed in range(SEEDS)
    ]
    tasks += [(ADAPTERS, adapters.run_seed, (seed, EPOCHS)) for seed in range(SEEDS)]
    runs: Runs = {}
    with ProcessPoolExecutor(PROCESSES) as pool:
        futures = [(name, pool.submit(function, *arguments)) for name, function, arguments in tasks]
        for name, future in track(futures, "Training"):
            runs.setdefault(name, []).append(future.result())
    return runs
