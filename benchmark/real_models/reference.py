"""The same models by onnxruntime: as they are, and by its own quantizers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from real_models.model import Arrays, RealModel


def write_static(real: RealModel, path: Path) -> Path:
    """Quantize ``real`` as QuantizeLinear and DequantizeLinear: u8 by i8, a scale per channel."""
    folded = path.with_suffix(".folded.onnx")
    # Folds BatchNormalization, without which its quantizer loses much.
    quant_pre_process(real.path, folded, skip_symbolic_shape=True)
    _run_quietly(
        quantize_static,
        folded,
        path,
        _Reader(real),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    folded.unlink()
    return path


def write_dynamic(real: RealModel, path: Path) -> Path:
    """Quantize the weights of ``real``; activations are quantized when it runs."""
    _run_quietly(quantize_dynamic, real.path, path, weight_type=QuantType.QInt8)
    return path


def _run_quietly(function: object, *arguments: object, **options: object) -> None:
    # It recommends the preprocessing also where that was done.
    logging.disable(logging.WARNING)
    try:
        function(*arguments, **options)
    finally:
        logging.disable(logging.NOTSET)


class _Reader(CalibrationDataReader):
    """Gives the calibration data batch by batch."""

    def __init__(self, real: RealModel) -> None:
        self._batches: Iterator[Arrays] = iter(real.calibration_batches)

    def get_next(self) -> Arrays | None:
        return next(self._batches, None)
