"""onnxruntime on the same work, by its fastest way from Python."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from results import Run

SOURCE = "onnxruntime"


def make_runs(model: Path, calibration: NDArray, folder: Path) -> list[Run]:
    """FP32, static and dynamic INT8; quantized models are written to ``folder``."""
    static, dynamic = folder / "static.onnx", folder / "dynamic.onnx"
    # It recommends a preprocessing that does nothing for a model without convolutions.
    logging.disable(logging.WARNING)
    quantize_static(
        model,
        static,
        _Reader(calibration),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    quantize_dynamic(model, dynamic, weight_type=QuantType.QInt8)
    logging.disable(logging.NOTSET)
    modes = {"FP32": model, "INT8 static": static, "INT8 dynamic": dynamic}
    return [_make_run(mode, path) for mode, path in modes.items()]


class _Reader(CalibrationDataReader):
    """One batch at a time."""

    def __init__(self, images: NDArray) -> None:
        self._batches: Iterator[NDArray] = iter(np.array_split(images, 10))

    def get_next(self) -> dict[str, NDArray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


def _make_run(mode: str, path: Path) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def prepare(batch: NDArray) -> Callable[[], object]:
        binding = session.io_binding()
        binding.bind_ortvalue_input("image", onnxruntime.OrtValue.ortvalue_from_numpy(batch))
        binding.bind_output("logits")
        return lambda: session.run_with_iobinding(binding)

    return Run(
        mode=mode,
        source=SOURCE,
        prepare=prepare,
        predict=lambda batch: session.run(None, {"image": batch})[0],
        file_bytes=path.stat().st_size,
    )
