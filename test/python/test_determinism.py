"""The same input twice gives the same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from networks import random_inputs, random_mlp

CONFIGS = {
    "int8-static": "weight_bits=8, mode='static'",
    "int4-groups-dynamic": "weight_bits=4, mode='dynamic', granularity='per_group', group_size=16",
}

SCRIPT = """
import sys, numpy, quantc
model, data, folder = sys.argv[1:]
config = quantc.QuantizationConfig({config})
quantized = quantc.quantize(quantc.load(model), config, calibration_data=numpy.load(data))
quantized.save(folder + "/model.mlir")
quantized.save(folder + "/model.mlirbc")
quantc.emit(quantized, folder + "/model.o", target="x86-64-v3", header=folder + "/model.h")
quantc.emit(quantized, folder + "/model.so", target="x86-64-v3")
"""


@pytest.mark.parametrize("name", CONFIGS)
def test_two_processes_write_the_same_files(tmp_path: Path, name: str) -> None:
    model = random_mlp(tmp_path / "mlp.onnx", (64, 48, 10))
    np.save(tmp_path / "data.npy", random_inputs((32, 64)))
    script = SCRIPT.format(config=CONFIGS[name])
    contents = []
    # Python's hashes, and addresses, differ from process to process.
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        command = [sys.executable, "-c", script, model, tmp_path / "data.npy", folder]
        subprocess.run(command, check=True, env={**_environment(), "PYTHONHASHSEED": seed})
        contents.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert list(contents[0]) == ["model.h", "model.mlir", "model.mlirbc", "model.o", "model.so"]
    for file, content in contents[0].items():
        assert content == contents[1][file], file


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))}
