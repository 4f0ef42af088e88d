"""Plots as SVG text. The same data gives the same text."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

COLORS = ("#1f6feb", "#e8590c", "#2b8a3e", "#9c36b5", "#c92a2a", "#0b7285", "#5c940d", "#495057")

_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "quantc",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e6eaee",
}


def plot_weight_scales(scales: Mapping[str, NDArray]) -> str:
    """Box plots of the weight scales of each layer."""

    def draw(axes: Axes) -> None:
        axes.boxplot(
            [values.ravel() for values in scales.values()],
            tick_labels=list(scales),
            whis=(0, 100),
            medianprops={"color": COLORS[0]},
        )
        axes.set_yscale("log")
        axes.set_ylabel("weight scale")

    return _draw(draw, width=_get_width(len(scales)), rotate=len(scales) > 6)


def plot_bars(values: Mapping[str, Mapping[str, float]], label: str) -> str:
    """Bars of ``values[series][category]``, grouped by category; infinite values have none."""
    categories = list(dict.fromkeys(name for series in values.values() for name in series))

    def draw(axes: Axes) -> None:
        thickness = 0.8 / len(values)
        for index, (series, heights) in enumerate(values.items()):
            bars = [heights.get(name, math.nan) for name in categories]
            axes.bar(
                np.arange(len(categories)) + (index - (len(values) - 1) / 2) * thickness,
                [height if math.isfinite(height) else 0 for height in bars],
                thickness,
                label=series,
                color=COLORS[index % len(COLORS)],
            )
        axes.set_xticks(np.arange(len(categories)), categories)
        axes.set_ylabel(label)
        if len(values) > 1:
            axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))

    return _draw(draw, width=_get_width(len(categories)), rotate=len(categories) > 4)


def plot_points(points: Sequence[tuple[str, float, float]], x_label: str, y_label: str) -> str:
    """Named points (name, x, y)."""

    def draw(axes: Axes) -> None:
        for index, (name, x, y) in enumerate(points):
            axes.plot([x], [y], "o", color=COLORS[index % len(COLORS)], label=name)
        axes.set_xlim(left=0)
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))

    return _draw(draw, width=8, rotate=False)


def _get_width(categories: int) -> float:
    return min(14.0, max(7.0, 1.5 + 0.45 * categories))


def _draw(draw, width: float, rotate: bool) -> str:
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, 3.2), layout="tight")
        axes = figure.subplots()
        draw(axes)
        if rotate:
            axes.tick_params(axis="x", rotation=60)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
