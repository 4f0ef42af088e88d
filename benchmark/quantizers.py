"""The quantizers of onnxruntime, as this project compares itself with them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from real_models.model import Arrays


def write_static(model: Path, path: Path, batches: Iterable[Arrays]) -> None:
    """Quantize ``model`` as QuantizeLinear and DequantizeLinear: u8 by i8, a scale per channel."""
    with _quiet():
        quantize_static(
            model,
            path,
            _Reader(batches),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def write_dynamic(model: Path, path: Path) -> None:
    """Quantize the weights of ``model``; activations are quantized when it runs."""
    with _quiet():
        quantize_dynamic(model, path, weight_type=QuantType.QInt8)


@contextmanager
def _quiet() -> Iterator[None]:
    # They recommend a preprocessing, also where that was done or would do nothing.
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


class _Reader(CalibrationDataReader):
    """Gives the calibration data batch by batch."""

    def __init__(self, batches: Iterable[Arrays]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> Arrays | None:
        return next(self._batches, None)
