"""Random networks: the compiled program and the interpreter give the same bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import quantc
from networks import random_mlp
from quantc import QuantizationConfig

SIZES = st.integers(1, 40)
EDGES = [0.0, -0.0, 1e-45, -1e-38, 1e-8, 0.5, 1.5, -2.5, 1e4, -3e38, 3e38]


@st.composite
def configs(draw: st.DrawFn) -> QuantizationConfig:
    """Any configuration that needs no group size to divide anything."""
    return QuantizationConfig(
        weight_bits=draw(st.sampled_from([4, 8])),
        mode=draw(st.sampled_from(["static", "dynamic", "weight_only"])),
        granularity=draw(st.sampled_from(["per_tensor", "per_channel"])),
        symmetric_weights=draw(st.booleans()),
        symmetric_activations=draw(st.sampled_from([None, True, False])),
        skip_first=draw(st.booleans()),
    )


@st.composite
def inputs(draw: st.DrawFn, columns: int) -> NDArray[np.float32]:
    """Rows of ordinary values with some at the edges of what f32 can hold."""
    rows = draw(st.integers(1, 33))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = random.standard_normal((rows, columns), dtype=np.float32)
    for value in draw(st.lists(st.sampled_from(EDGES), max_size=3)):
        x[random.integers(rows), random.integers(columns)] = value
    return x


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_program_is_the_interpreter(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(SIZES, min_size=2, max_size=4), label="sizes")
    config = data.draw(configs(), label="config")
    x = data.draw(inputs(sizes[0]), label="x")
    with tempfile.TemporaryDirectory() as folder:
        path = random_mlp(
            Path(folder) / "mlp.onnx",
            sizes,
            seed=data.draw(st.integers(0, 1000), label="seed"),
            transposed=data.draw(st.booleans(), label="transposed"),
            bias=data.draw(st.booleans(), label="bias"),
        )
        model = quantc.load(path)
    quantized = quantc.quantize(model, config, calibration_data=x)
    expected = quantc.interpret(quantized, x)
    assert quantc.compile(quantized)(x).tobytes() == expected.tobytes()
