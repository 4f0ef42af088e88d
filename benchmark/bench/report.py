"""Tables on the terminal and in Markdown, JSON, and a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from matplotlib.figure import Figure
from rich import box
from rich.console import Console
from rich.table import Table

from bench import model_tables
from bench import results as figures
from bench.isolation import get_cpu_name
from bench.limits import Limits
from bench.results import Comparison, Result
from bench.workloads import TITLES

COLUMNS = (
    *("case", "AMX", "limit us", "quantc us", "GOPS", "GB/s", "% limit"),
    *("best peer", "peer us", "% limit", "ratio", "x FP32"),
)
LEFT = ("case", "AMX", "best peer", "peer", "entry", "level", "workload", "quantc")
NOTE = (
    "Time is the least of many interleaved series on pinned cores; ratio is the time of the best "
    "peer over ours, above 1 where ours is faster; x FP32 is that of the fastest peer in FP32 over "
    "ours, where that shape was measured. The limit is the longer of the operations at the best "
    "instruction allowed and the reading of the weights from the level that holds them; what "
    "computes in bf16, and weights that lie partly in a faster level, can exceed it. Where AMX is "
    "`no` on a machine that has it, the kernel refused it to every process, and our objects "
    "ran their variant without it. Our code runs on one thread, whatever --threads says."
)


@dataclass
class Report:
    """Everything that a run found."""

    limits: Limits
    threads: int
    results: list[Result] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    """Peers that cannot be used here, and why."""
    versions: dict[str, str] = field(default_factory=dict)
    """What each peer's environment has."""

    def compare(self, workload: str) -> list[Comparison]:
        """Return the rows of the table of ``workload``."""
        return figures.compare(self.results, workload, self.limits)

    @property
    def workloads(self) -> list[str]:
        """The workloads that have results."""
        return sorted({result.case.workload for result in self.results})


def print_workload(console: Console, report: Report, workload: str) -> None:
    """Print the table of one workload."""
    _print_table(console, f"{workload} {TITLES[workload]}", *_get_table(report, workload))
    if workload == "W7":
        details = model_tables.make_detail_rows(report.results)
        _print_table(console, model_tables.DETAILS, model_tables.DETAIL_COLUMNS, details)


def print_summary(console: Console, report: Report) -> None:
    """Print limits, means, failures and skips."""
    _print_table(console, "Limits of a core", *_get_limits(report))
    _print_table(console, "Geometric means of the ratios", *_get_means(report))
    for failure in report.failures:
        console.print(f"failed: {failure}", markup=False)
    for peer, reason in report.skipped.items():
        console.print(f"skipped: {peer}: {reason}", markup=False)
    console.print(
        f"{len(report.results)} measured, {len(report.failures)} failed, "
        f"{len(report.skipped)} peers or models skipped"
    )


def write(report: Report, folder: Path) -> list[Path]:
    """Leave JSON, Markdown and a plot in ``folder``; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "bench.json": json.dumps(_to_json(report), indent=1) + "\n",
        "bench.md": _to_markdown(report),
    }
    for name, text in contents.items():
        (folder / name).write_text(text, encoding="utf-8")
    plot = folder / "bench.svg"
    _plot(report, plot)
    return [path for path in (*(folder / name for name in contents), plot) if path.is_file()]


def _get_table(report: Report, workload: str) -> tuple[Sequence[str], list[list[str]]]:
    rows = report.compare(workload)
    if workload == "W7":
        return model_tables.COLUMNS, model_tables.make_rows(rows)
    return COLUMNS, [_format_row(row) for row in rows]


def _format_row(row: Comparison) -> list[str]:
    return [
        row.case.name,
        _format_amx(row.amx),
        _format(row.limit and 1e6 * row.limit, ".2f"),
        _format(row.ours and 1e6 * row.ours.seconds, ".2f"),
        _format(row.ours and row.ours.gops, ".0f"),
        _format(row.ours and row.ours.bandwidth, ".1f"),
        _format(row.get_share(row.ours), ".0%"),
        row.peer.name if row.peer else "-",
        _format(row.peer and 1e6 * row.peer.seconds, ".2f"),
        _format(row.get_share(row.peer), ".0%"),
        _format(row.ratio, ".2f"),
        _format(row.float_ratio, ".2f"),
    ]


def _get_limits(report: Report) -> tuple[Sequence[str], list[list[str]]]:
    limits = report.limits
    rows = [[name, f"{gops:,.0f} GOPS"] for name, gops in limits.gops.items()]
    rows += [
        [f"read {level.name}", f"{level.gigabytes_per_second:,.1f} GB/s"] for level in limits.levels
    ]
    return ("level", "limit"), rows


def _get_means(report: Report) -> tuple[Sequence[str], list[list[str]]]:
    rows = []
    everything: list[Comparison] = []
    for workload in report.workloads:
        compared = report.compare(workload)
        everything += compared
        rows.append([f"{workload} {TITLES[workload]}", *_format_means(compared)])
    rows.append(["all", *_format_means(everything)])
    return ("workload", "AMX", "no AMX", "rows", "rows below 1"), rows


def _format_means(rows: Sequence[Comparison]) -> list[str]:
    ratios = [row.ratio for row in rows if row.ratio is not None]
    means = (
        figures.get_geometric_mean(row.ratio for row in rows if row.amx == amx)
        for amx in (True, False)
    )
    below = sum(ratio < 1 for ratio in ratios)
    return [*(_format(mean, ".2f") for mean in means), str(len(rows)), str(below)]


def _format_amx(amx: bool) -> str:
    return "yes" if amx else "no"


def _format(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _print_table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    table = Table(box=box.SIMPLE_HEAD, title=title, title_style="bold", title_justify="left")
    for column in columns:
        table.add_column(column, justify="left" if column in LEFT else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _to_json(report: Report) -> dict[str, object]:
    rows = [row for workload in report.workloads for row in report.compare(workload)]
    return {
        "machine": get_cpu_name(),
        "threads": report.threads,
        "versions": report.versions,
        "limits": asdict(report.limits),
        "results": [figures.to_dict(result) for result in report.results],
        "comparisons": [
            {
                "workload": row.case.workload,
                "case": row.case.name,
                "amx": row.amx,
                "limit_seconds": row.limit,
                "quantc_seconds": row.ours and row.ours.seconds,
                "peer": row.peer and row.peer.name,
                "peer_seconds": row.peer and row.peer.seconds,
                "ratio": row.ratio,
            }
            for row in rows
        ],
        "geometric_mean": figures.get_geometric_mean(row.ratio for row in rows),
        "failures": report.failures,
        "skipped": report.skipped,
    }


def _to_markdown(report: Report) -> str:
    threads = "1 thread" if report.threads == 1 else f"{report.threads} threads"
    parts = [f"# quantc and its peers, {threads}", f"Measured on: {get_cpu_name()}.", NOTE]
    parts += ["## Geometric means of the ratios", _format_markdown(*_get_means(report))]
    for workload in report.workloads:
        table = _format_markdown(*_get_table(report, workload))
        parts += [f"## {workload} {TITLES[workload]}", table]
    if details := model_tables.make_detail_rows(report.results):
        table = _format_markdown(model_tables.DETAIL_COLUMNS, details)
        parts += [f"## {model_tables.DETAILS}", table]
    parts += ["## Limits of a core", _format_markdown(*_get_limits(report))]
    rows = [
        [
            result.case.workload,
            result.case.name,
            _format_amx(result.amx),
            result.name,
            f"{1e6 * result.seconds:.2f}",
            f"{result.gops:.0f}",
            f"{result.bandwidth:.1f}",
            f"{result.error:.1e}",
        ]
        for result in report.results
        if result.facts is None
    ]
    columns = ("workload", "case", "AMX", "entry", "us", "GOPS", "GB/s", "error")
    parts += ["## Everything measured", _format_markdown(columns, rows)]
    lines = [f"- failed: {failure}" for failure in report.failures]
    lines += [f"- skipped: {peer}: {reason}" for peer, reason in report.skipped.items()]
    if lines:
        parts += ["## What is missing", "\n".join(lines)]
    lines = [f"- {peer}: {versions}" for peer, versions in report.versions.items()]
    parts += ["## Versions", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _format_markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---" if column in LEFT else "---:" for column in columns], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plot(report: Report, path: Path) -> None:
    """Draw the ratios of every row, by workload; nothing if there are none."""
    tables = {workload: report.compare(workload) for workload in report.workloads}
    if not tables:
        path.unlink(missing_ok=True)
        return
    heights = [1 + 0.22 * len(rows) for rows in tables.values()]
    plot = Figure(figsize=(9, sum(heights)), layout="constrained")
    grid = plot.subplots(
        len(heights), sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for axes, (workload, rows) in zip(grid[:, 0], tables.items(), strict=True):
        axes.set_title(f"{workload} {TITLES[workload]}", loc="left", fontsize=10)
        labels = [f"{row.case.name}{'' if row.amx else ', no AMX'}" for row in rows]
        colors = ["#1f6feb" if (row.ratio or 0) >= 1 else "#e8590c" for row in rows]
        bars = axes.barh(labels, [row.ratio or 0 for row in rows], color=colors)
        axes.bar_label(bars, [_format(row.ratio, ".2f") for row in rows], padding=3, fontsize=7)
        axes.tick_params(labelsize=7)
        axes.axvline(1, color="black", linewidth=0.8)
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
    grid[-1, 0].set_xlabel("time of the best peer / ours", fontsize=8)
    plot.savefig(path, format="svg")
