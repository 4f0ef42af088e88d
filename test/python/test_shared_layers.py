"""Layers that are equal share their code."""

from __future__ import annotations

from pathlib import Path

import pytest

import quantc
from machine import require
from networks import random_inputs, random_mlp

WIDTH, ROWS = 48, 5


def _load(path: Path, layers: int, mode: str | None) -> quantc.Model:
    model = quantc.load(random_mlp(path, (WIDTH,) * (layers + 1)))
    if mode is None:
        return model
    config = quantc.QuantizationConfig(weight_bits=8, mode=mode)
    return quantc.quantize(model, config, random_inputs((ROWS, WIDTH)))


@pytest.mark.parametrize("mode", [None, "static", "dynamic"])
def test_code_grows_with_different_layers(tmp_path: Path, mode: str | None) -> None:
    """Twice as many equal layers need twice the weights, and next to no more code."""
    sizes = {}
    for layers in (6, 12):
        model = _load(tmp_path / f"{layers}.onnx", layers, mode)
        target = tmp_path / f"{layers}.o"
        quantc.emit(model, target, target="x86-64-v3")
        sizes[layers] = target.stat().st_size
    bytes_of_layer = WIDTH * WIDTH * (4 if mode is None else 1) + WIDTH * 12
    calls = 1024
    assert sizes[12] - sizes[6] < 6 * (bytes_of_layer + calls)


@pytest.mark.parametrize("mode", [None, "static", "dynamic"])
@pytest.mark.parametrize(
    ("target", "threads"), [("x86-64-v3", 1), ("x86-64-v3", 2), ("x86-64-v4+avx512vnni", 1)]
)
def test_bytes_of_shared_code(tmp_path: Path, mode: str | None, target: str, threads: int) -> None:
    require(target)
    model = _load(tmp_path / "model.onnx", 5, mode)
    x = random_inputs((ROWS, WIDTH), seed=2)
    expected = quantc.interpret(model, x).tobytes()
    assert quantc.compile(model, target, threads)(x).tobytes() == expected
