"""The tables of W7: real models."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results import Comparison, Result
from real_models.suite import MODELS

COLUMNS = (
    *("case", "quantc", "quantc us", "score"),
    *("best peer", "peer us", "score", "ratio", "best FP32 us", "x FP32"),
)
DETAIL_COLUMNS = ("case", "entry", "us", "score", "file MB", "compile s", "memory MB")
DETAILS = "Real models: everything measured"
METRICS = {
    "accuracy": ("{:.2%}", "right"),
    "agreement": ("{:.2%}", "as FP32"),
    "cosine": ("{:.4f}", "cosine"),
    "snr": ("{:.1f}", "dB"),
}
"""How a score is written."""


def make_rows(comparisons: Sequence[Comparison]) -> list[list[str]]:
    """Return a row for each model and batch."""
    return [
        [
            row.case.name,
            row.ours.entry if row.ours else "-",
            _format_time(row.ours),
            _format_score(row.ours),
            row.peer.name if row.peer else "-",
            _format_time(row.peer),
            _format_score(row.peer),
            _format_ratio(row.ratio),
            _format_time(row.float_peer),
            _format_ratio(row.float_ratio),
        ]
        for row in comparisons
    ]


def make_detail_rows(results: Sequence[Result]) -> list[list[str]]:
    """Return a row for each entry that has facts."""
    return [
        [
            result.case.name,
            result.name,
            _format_time(result),
            _format_score(result),
            f"{result.facts.file_bytes / 1e6:.2f}",
            f"{result.facts.compile_seconds:.2f}",
            f"{result.facts.memory_bytes / 1e6:.1f}",
        ]
        for result in results
        if result.facts
    ]


def _format_time(result: Result | None) -> str:
    return f"{1e6 * result.seconds:.1f}" if result else "-"


def _format_ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _format_score(result: Result | None) -> str:
    if result is None or result.facts is None:
        return "-"
    form, unit = METRICS[MODELS[result.case.mode].metric]
    return f"{form.format(result.facts.score)} {unit}"
