"""The report itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from quantc._quantc import Layer, Model, __version__, write_file
from quantc.report import figures, html
from quantc.report.metrics import get_weight_error

LAYER_COLUMNS = (
    "layer",
    "kind",
    "weights",
    "bits",
    "mode",
    "granularity",
    "bytes",
    "signal to noise",
    "smallest scale",
    "largest scale",
    "input scale",
    "input zero point",
    "remark",
)


class Report:
    """Collects sections and writes them as one HTML file."""

    def __init__(self, title: str) -> None:
        """Start a report; ``title`` is its heading."""
        self._title = title
        self._body = [html.make_paragraph(f"Made by quantc {__version__}.")]
        self._errors: dict[str, dict[str, float]] = {}

    def add_table(
        self, heading: str, note: str, columns: Sequence[str], rows: Iterable[Sequence[str]]
    ) -> None:
        """Add a section with a table of texts."""
        self._body += [
            html.make_heading(heading),
            html.make_paragraph(note),
            html.make_table(columns, rows),
        ]

    def add_figure(self, svg: str) -> None:
        """Add a figure of ``figures`` to the section."""
        self._body.append(html.make_figure(svg))

    def add_model(self, name: str, quantized: Model, reference: Model) -> None:
        """Add a section on the layers of ``quantized``; ``reference`` is the float model."""
        layers = quantized.layers
        originals = reference.layers
        errors = {
            layer.name: error
            for layer in layers.values()
            if layer.name in originals
            and (error := get_weight_error(originals[layer.name], layer)) is not None
        }
        self._errors[name] = errors
        rows = [_describe(layer, errors.get(layer.name)) for layer in layers.values()]
        self._body += [
            html.make_heading(f"Layers of {name}"),
            html.make_table(LAYER_COLUMNS, rows, text_columns=(0, 1, len(LAYER_COLUMNS) - 1)),
        ]
        scales = {
            layer.name: layer.weight_scale
            for layer in layers.values()
            if layer.weight_scale is not None
        }
        if scales:
            self.add_figure(figures.plot_weight_scales(scales))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the report; raises ``quantc.Error`` and leaves nothing when that fails."""
        body = list(self._body)
        if any(self._errors.values()):
            body += [
                html.make_heading("Error of the weights"),
                html.make_paragraph(
                    "Energy of the float weights over that of the error, in dB: 6 dB more halve "
                    "the error."
                ),
                html.make_figure(figures.plot_bars(self._errors, "signal to noise, dB")),
            ]
        write_file(path, html.make_page(self._title, body).encode())


def _describe(layer: Layer, error: float | None) -> tuple[str, ...]:
    scale = layer.weight_scale
    return (
        layer.name,
        layer.kind,
        " x ".join(map(str, layer.weight.shape)) if layer.weight is not None else "",
        str(layer.weight_bits),
        layer.mode or "float",
        layer.granularity or "",
        f"{layer.weight_bytes:,}",
        "" if error is None else f"{error:.1f} dB",
        "" if scale is None else f"{scale.min():.4g}",
        "" if scale is None else f"{scale.max():.4g}",
        "" if layer.input_scale is None else f"{layer.input_scale:.4g}",
        "" if layer.input_zero_point is None else str(layer.input_zero_point),
        layer.skipped_because or ", ".join(f"+ {name}" for name in layer.folded),
    )
