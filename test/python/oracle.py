"""onnxruntime as an oracle: what a file says, computed exactly."""

from __future__ import annotations

from typing import Any

import pytest

from bench.isolation import list_cpu_features

SATURATES = not list_cpu_features() & {"avx512_vnni", "avx_vnni", "asimddp"}
"""Whether its products of u8 and s8 saturate at 16 bits: it has no instruction for them here."""


def open_onnxruntime(model: Any, optimized: bool = False, integers: bool = False) -> Any:
    """Open a file or the bytes of one; skip the test without onnxruntime.

    Optimized, weights behind DequantizeLinear lose more, and products that it makes of them may
    saturate: then nothing is optimized. Operators on ``integers``, which the file has itself, may
    saturate too, but for a setting that takes optimizations, and no weights without zero point.
    """
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if SATURATES and integers:
        options.add_session_config_entry("session.x64quantprecision", "1")
    elif SATURATES or not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_onnxruntime(
    model: Any, feeds: dict[str, Any], optimized: bool = False, integers: bool = False
) -> Any:
    """Return the first output of a model."""
    return open_onnxruntime(model, optimized, integers).run(None, feeds)[0]
