"""Constants in a file of their own: the same results, and what is wrong with the files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import quantc
from networks import random_mlp
from quantc import QuantizationConfig

C_PROGRAM = """
#include "model.h"
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  static float input[MODEL_INPUT_0_DIM_1], output[MODEL_OUTPUT_0_DIM_1];
  int64_t batch = 1;
  for (int i = 0; i < MODEL_INPUT_0_DIM_1; ++i)
    input[i] = (float)i / MODEL_INPUT_0_DIM_1;
  void *parameters = aligned_alloc(64, MODEL_PARAMETERS_BYTES);
  FILE *file = fopen("model.params", "rb");
  if (!file || fread(parameters, 1, MODEL_PARAMETERS_BYTES, file) != MODEL_PARAMETERS_BYTES)
    return 1;
  model_args args = {{input}, {output}, &batch, 0, 0, 0};
  args.workspace = aligned_alloc(64, (model_workspace_size(&batch) + 63) / 64 * 64 + 64);
  if (model_run(&args) != MODEL_ERROR_PARAMETERS)
    return 2;
  args.parameters = parameters;
  if (model_run(&args) != 0)
    return 3;
  fwrite(output, sizeof(float), MODEL_OUTPUT_0_DIM_1, stdout);
  return 0;
}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> quantc.Model:
    path = random_mlp(tmp_path_factory.mktemp("model") / "mlp.onnx", (96, 200, 70))
    return quantc.quantize(quantc.load(path), QuantizationConfig(mode="dynamic"))


@pytest.fixture(scope="module")
def x() -> NDArray:
    return np.random.default_rng(0).standard_normal((5, 96), dtype=np.float32)


def test_same_bytes(model: quantc.Model, x: NDArray, tmp_path: Path) -> None:
    expected = quantc.interpret(model, x)
    program = quantc.compile(model, max_constant_bytes=0)
    assert program(x).tobytes() == expected.tobytes()
    program.save(tmp_path / "model.so")
    # Weights are in one file, not in both.
    assert (tmp_path / "model.params").stat().st_size > 96 * 200 + 200 * 70
    loaded = quantc.load_program(tmp_path / "model.so")
    assert loaded(x).tobytes() == expected.tobytes()
    loaded.save(tmp_path / "again.so")
    for suffix in ("so", "params"):
        again = (tmp_path / f"again.{suffix}").read_bytes()
        assert again == (tmp_path / f"model.{suffix}").read_bytes()


def test_few_constants_stay(model: quantc.Model, tmp_path: Path) -> None:
    quantc.compile(model).save(tmp_path / "model.so")
    assert not (tmp_path / "model.params").exists()


def test_from_c(model: quantc.Model, tmp_path: Path) -> None:
    quantc.emit(model, tmp_path / "model.o", header=tmp_path / "model.h", max_constant_bytes=0)
    (tmp_path / "main.c").write_text(C_PROGRAM)
    compiler = shutil.which("clang-22") or "cc"
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "main.c", "model.o", "-o", "main"], cwd=tmp_path, check=True)
    output = subprocess.run(["./main"], cwd=tmp_path, check=True, stdout=subprocess.PIPE).stdout
    row = (np.arange(96, dtype=np.float32) / np.float32(96))[None]
    assert output == quantc.interpret(model, row).tobytes()


def test_missing_damaged_and_foreign_files(model: quantc.Model, tmp_path: Path) -> None:
    library, parameters = tmp_path / "model.so", tmp_path / "model.params"
    quantc.compile(model, max_constant_bytes=0).save(library)
    right = parameters.read_bytes()
    for wrong in (right[:-64], bytes([right[0] ^ 1]) + right[1:], b"", right + bytes(64)):
        parameters.write_bytes(wrong)
        with pytest.raises(quantc.Error, match=r"model.params: not the parameters of this program"):
            quantc.load_program(library)
    parameters.unlink()
    with pytest.raises(quantc.Error, match=r"model.params: cannot read the parameters"):
        quantc.load_program(library)


def test_nothing_half_written(model: quantc.Model, tmp_path: Path) -> None:
    (tmp_path / "model.params").mkdir()
    with pytest.raises(quantc.Error, match="model.params: cannot write"):
        quantc.emit(model, tmp_path / "model.so", max_constant_bytes=0)
    assert [path.name for path in tmp_path.iterdir()] == ["model.params"]


def test_variants_share_or_follow(model: quantc.Model, x: NDArray, tmp_path: Path) -> None:
    program = quantc.compile(model, target="multi", max_constant_bytes=0)
    assert program(x).tobytes() == quantc.interpret(model, x).tobytes()
    sizes = {}
    for target in ("x86-64-v3", "multi"):
        quantc.compile(model, target=target, max_constant_bytes=0).save(tmp_path / "model.so")
        sizes[target] = (tmp_path / "model.params").stat().st_size
    assert sizes["x86-64-v3"] < sizes["multi"] < 6 * sizes["x86-64-v3"]
