"""What the demo measures, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

import quantc
import training
from quantc.report import figures
from quantc.report.report import Report

OURS = "quantc"
BATCH_SIZES = (1, 256)
TABLE_WIDTH = 160

NOTE = (
    "All 10,000 test images of Fashion-MNIST. One thread on one core; latency is the least of many "
    "interleaved series, called from Python. Ratios of latency are speedups over our FP32 and over "
    "onnxruntime (ORT) in this run; of its two INT8 modes, the faster one."
)


@dataclass(frozen=True)
class Run:
    """One mode of one compiler."""

    mode: str
    source: str
    prepare: Callable[[NDArray], Callable[[], object]]
    """From a batch to a call that runs it, for timing."""
    predict: Callable[[NDArray], NDArray]
    file_bytes: int
    weight_bytes: int | None = None
    """Weights with their scales, zero points and multipliers."""

    @property
    def name(self) -> str:
        """The mode, with the compiler when that is not ours."""
        return self.mode if self.source == OURS else f"{self.source} {self.mode}"


@dataclass(frozen=True)
class Result:
    """What a run gave; ``latencies`` are the seconds for each of ``BATCH_SIZES``."""

    run: Run
    accuracy: float
    latencies: tuple[float, ...]


def print_results(console: Console, results: Sequence[Result]) -> None:
    """Print one table."""
    table = Table(box=box.SIMPLE_HEAD, title="Fashion-MNIST, MLP 784-128-10", title_style="bold")
    for index, column in enumerate(_get_columns()):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    for index, row in enumerate(_get_rows(results)):
        end = (
            index + 1 < len(results) and results[index + 1].run.source != results[index].run.source
        )
        table.add_row(*row, end_section=end)
    console.print(table)
    console.print(NOTE)


def write_report(
    path: Path,
    results: Sequence[Result],
    models: Mapping[str, quantc.Model],
    sections: list[training.Section],
) -> None:
    """Write the HTML report."""
    report = Report("Fashion-MNIST, quantized")
    headings = [column.replace("\n", " ") for column in _get_columns()]
    report.add_table("Results", NOTE, headings, _get_rows(results))
    ours = [result for result in results if result.run.source == OURS]
    report.add_figure(
        figures.plot_points(
            [(r.run.mode, r.run.weight_bytes / 1024, 100 * r.accuracy) for r in ours],
            "weights, KiB",
            "accuracy, %",
        )
    )
    for index, size in enumerate(BATCH_SIZES):
        latencies = {r.run.name: 1e6 * r.latencies[index] for r in results}
        report.add_figure(figures.plot_bars({"": latencies}, f"batch {size}, us"))
    training.add_sections(report, sections)
    for mode, model in models.items():
        if mode != "FP32":
            report.add_model(mode, model, models["FP32"])
    report.save(path)


def _get_columns() -> list[str]:
    columns = ["", "accuracy", "change", "weights", "ratio", "file", "ratio"]
    for size in BATCH_SIZES:
        columns += [f"batch {size}\nus", "x our\nFP32", "x ORT\nFP32", "x ORT\nINT8"]
    return columns


def _get_rows(results: Sequence[Result]) -> list[list[str]]:
    float_result = results[0]
    others = [result for result in results if result.run.source != OURS]
    other_float = others[0]
    rows = []
    for result in results:
        run = result.run
        row = [
            run.name,
            f"{result.accuracy:.2%}",
            f"{100 * (result.accuracy - float_result.accuracy):+.2f}",
            f"{run.weight_bytes:,}" if run.weight_bytes else "",
            _format_ratio(float_result.run.weight_bytes, run.weight_bytes),
            f"{run.file_bytes:,}",
            _format_ratio(float_result.run.file_bytes, run.file_bytes),
        ]
        for index, seconds in enumerate(result.latencies):
            # The faster of its INT8 modes.
            other_int8 = min(other.latencies[index] for other in others[1:])
            row += [
                f"{seconds * 1e6:.2f}",
                _format_ratio(float_result.latencies[index], seconds),
                _format_ratio(other_float.latencies[index], seconds),
                _format_ratio(other_int8, seconds),
            ]
        rows.append(row)
    return rows


def _format_ratio(base: float | None, value: float | None) -> str:
    return f"{base / value:.2f}" if base and value else ""
