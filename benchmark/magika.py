"""A model that is not ours: magika, which tells file types from the first and last bytes."""

from __future__ import annotations

import numpy as np
import onnxruntime
from rich.console import Console

import quantc
from real_models.magika import MODEL

SAMPLES = 8


def run(console: Console) -> None:
    """Quantize magika dynamically and compare it with onnxruntime, or say what is missing."""
    if not MODEL.is_file():
        console.print(f"\nmagika: skipped, there is no {MODEL}")
        return
    try:
        model = quantc.load(MODEL)
        config = quantc.QuantizationConfig(weight_bits=8, mode="dynamic")
        quantized = quantc.quantize(model, config)
        program = quantc.compile(quantized)
    except quantc.Error as error:
        console.print(f"\nmagika: not yet, {len(error.messages)} reasons:", markup=False)
        for message in error.messages:
            console.print(f"  {message}", markup=False)
        return
    inputs = np.random.default_rng(0).integers(0, 257, (SAMPLES, 2048), dtype=np.int32)
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"bytes": inputs})[0].argmax(axis=1)
    agreement = (program({"bytes": inputs}).argmax(axis=1) == expected).mean()
    saved = sum(layer.weight_bytes for layer in quantized.layers.values())
    total = sum(layer.weight_bytes for layer in model.layers.values())
    console.print(
        f"\nmagika: INT8 dynamic, linear layers {total:,} -> {saved:,} bytes, "
        f"same class as onnxruntime's FP32 for {agreement:.0%} of {SAMPLES} random inputs"
    )
