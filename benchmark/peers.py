"""onnxruntime on the same work, by its fastest way from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

import quantizers
from results import Run

SOURCE = "onnxruntime"


def make_runs(model: Path, calibration: NDArray, folder: Path) -> list[Run]:
    """FP32, static and dynamic INT8; quantized models are written to ``folder``."""
    static, dynamic = folder / "static.onnx", folder / "dynamic.onnx"
    batches = ({"image": images} for images in np.array_split(calibration, 10))
    quantizers.write_static(model, static, batches)
    quantizers.write_dynamic(model, dynamic)
    modes = {"FP32": model, "INT8 static": static, "INT8 dynamic": dynamic}
    return [_make_run(mode, path) for mode, path in modes.items()]


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
