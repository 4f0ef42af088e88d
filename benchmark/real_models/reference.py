"""The same models by onnxruntime: as they are, and by its own quantizers."""

from __future__ import annotations

from pathlib import Path

from onnxruntime.quantization.shape_inference import quant_pre_process

import quantizers
from real_models.model import RealModel


def write_static(real: RealModel, path: Path) -> Path:
    """Quantize activations with the ranges of the calibration data, and weights per channel."""
    folded = path.with_suffix(".folded.onnx")
    # Folds BatchNormalization, without which its quantizer loses much.
    quant_pre_process(real.path, folded, skip_symbolic_shape=True)
    quantizers.write_static(folded, path, real.calibration_batches)
    folded.unlink()
    return path


def write_dynamic(real: RealModel, path: Path) -> Path:
    """Quantize the weights of ``real``; activations are quantized when it runs."""
    quantizers.write_dynamic(real.path, path)
    return path
