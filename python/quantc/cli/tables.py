"""What the commands print."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

import quantc
from quantc._quantc import write_file
from quantc.errors import Error
from quantc.report.metrics import decibels

ADVICE = {
    "merge": "merge",
    "change_groups": "quantize in groups of 32",
    "raise_bits": "quantize to 8 bits",
    "keep_separate": "keep the adapter separate",
}
"""Advice on an adapter, in words."""


def print_table(table: Table) -> None:
    """Print ``table``; never cut off when the output is no terminal."""
    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False).print(table)


def make_table(*columns: str, title: str | None = None) -> Table:
    """Return a table whose first column is text and whose others are numbers."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    return table


def print_pairs(rows: Sequence[tuple[str, str]]) -> None:
    """Print names and values."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")


def print_program(program: quantc.Program, size: int) -> None:
    """Print inputs, outputs, threads, what the program has code for, and its ``size`` in bytes."""
    _print_ports(program)
    variants = make_table("target", "")
    for variant in program.variants:
        variants.add_row(variant, "runs here" if variant == program.variant else "")
    print_table(variants)
    print(f"{program.threads} thread{'s' * (program.threads != 1)} at most, {size} bytes")


def _print_ports(runner: quantc.Model | quantc.Program) -> None:
    ports = make_table("", "name", "type", "shape")
    for kind, group in (("input", runner.inputs), ("output", runner.outputs)):
        for port in group:
            ports.add_row(kind, port.name, port.dtype, str(port.shape).replace("'", ""))
    print_table(ports)


def print_model(model: quantc.Model) -> None:
    """Print inputs, outputs and layers."""
    _print_ports(model)
    layers = make_table("layer", "weights", "bits", "mode", "granularity", "bytes", "")
    layers.columns[-1].justify = "left"
    for layer in model.layers.values():
        shape = " x ".join(map(str, layer.weight.shape)) if layer.weight is not None else ""
        layers.add_row(
            layer.name,
            shape,
            str(layer.weight_bits),
            layer.mode or "float",
            layer.granularity or "",
            str(layer.weight_bytes),
            layer.skipped_because or ", ".join(f"+ {name}" for name in layer.folded),
        )
    print_table(layers)


def format_survival(survival: quantc.Survival) -> str:
    """What is left of an adapter in each layer, as a table."""
    table = make_table("layer", "bits", "adapter / weight", "share left", "output error", "advice")
    table.columns[-1].justify = "left"
    for name, layer in survival.layers.items():
        ratio = layer.adapter_norm / layer.weight_norm if layer.weight_norm else float("inf")
        table.add_row(
            name,
            str(layer.weight_bits),
            f"{ratio:.2%}",
            f"{layer.share:.1%}",
            f"{layer.output_error:.1%}",
            ADVICE[layer.advice],
        )
    text = io.StringIO()
    Console(file=text, width=200, highlight=False).print(table)
    return text.getvalue().rstrip("\n")


def print_history(history: Sequence[Mapping[str, float]]) -> None:
    """Print what each epoch of a training brought."""
    names = [name for name in history[-1] if name != "seconds"] if history else []
    table = make_table(*names)
    for row in history:
        cells = []
        for name in names:
            value = row.get(name, float("nan"))
            cells.append(f"{value:.2%}" if name == "accuracy" else f"{value:.4g}")
        table.add_row(*cells)
    print_table(table)


def print_latencies(rows: Mapping[str, Sequence[float]], batches: Sequence[int]) -> None:
    """Print seconds for each model and batch size, with the ratio to the first model."""
    table = make_table("model", *(f"batch {size}, us" for size in batches))
    first = next(iter(rows.values()))
    for name, seconds in rows.items():
        table.add_row(
            name,
            *(
                f"{time * 1e6:.2f} ({base / time:.2f}x)"
                for time, base in zip(seconds, first, strict=True)
            ),
        )
    print_table(table)


def format_decibels(signal: NDArray, noise: NDArray) -> str:
    """The ratio of the energies of ``signal`` and ``noise``."""
    return f"{decibels(signal, noise):.1f} dB"


def write_arrays(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """Write an ``.npz`` file."""
    if path.suffix != ".npz":
        raise Error(f"{path}: the arrays are written as .npz")
    content = io.BytesIO()
    np.savez(content, **arrays)
    write_file(path, content.getvalue())
