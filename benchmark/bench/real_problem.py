"""The data of W7: a model of ``real_models``, as ONNX and by onnxruntime's quantizers.

Files of a case, beside the arrays that ``RealProblem`` reads:

    float.onnx, static.onnx, dynamic.onnx   with ``rows`` as the size of the batch
    static.txt, dynamic.txt                 instead of the model: why it could not be quantized
    ranges.json                             our statistics of activations
"""

from __future__ import annotations

import json
import shutil
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

import quantc
from bench.workloads import Case
from real_models import reference
from real_models.model import MissingError, RealModel
from real_models.suite import MODELS

FORMS = ("float", "static", "dynamic")


def write_real_problem(case: Case, folder: Path) -> None:
    """Write the files of ``case``; raises ``MissingError`` for a model that cannot be made."""
    real, files = _prepare(case.mode)
    for form in FORMS:
        if (files / f"{form}.onnx").is_file():
            _fix_batch(files / f"{form}.onnx", case.rows, folder / f"{form}.onnx")
    for name in ("ranges.json", "expected.npy", "static.txt", "dynamic.txt"):
        if (files / name).is_file():
            shutil.copy(files / name, folder / name)
    for index, array in enumerate(real.samples.values()):
        np.save(folder / f"samples-{index}.npy", array)
    if real.labels is not None:
        np.save(folder / "labels.npy", real.labels)
    description = {"metric": real.metric, "inputs": list(real.samples)}
    (folder / "model.json").write_text(json.dumps(description), encoding="utf-8")


@cache
def _folder() -> tempfile.TemporaryDirectory:
    """Return where models are kept as long as this process runs."""
    return tempfile.TemporaryDirectory()


@cache
def _prepare(name: str) -> tuple[RealModel, Path]:
    """Make a model, quantize it by onnxruntime and take ranges, once for all sizes of batches."""
    files = Path(_folder().name) / name
    files.mkdir()
    choice = MODELS[name]
    try:
        real = choice.make(files, choice.samples)
    except MissingError:
        files.rmdir()
        raise
    shutil.copy(real.path, files / "float.onnx")
    for form, write in (("static", reference.write_static), ("dynamic", reference.write_dynamic)):
        try:
            write(real, files / f"{form}.onnx")
        except Exception as error:  # noqa: BLE001 - it raises whatever it meets
            (files / f"{form}.txt").write_text(f"onnxruntime's quantizer: {error}", "utf-8")
    session = onnxruntime.InferenceSession(real.path, providers=["CPUExecutionProvider"])
    np.save(files / "expected.npy", real.run(lambda batch: session.run(None, batch)[0]))
    if any(config.get("mode", "static") == "static" for config in choice.configs.values()):
        table = quantc.calibrate(quantc.load(real.path), real.calibration_batches)
        table.save(files / "ranges.json")
    return real, files


def _fix_batch(source: Path, batch: int, target: Path) -> None:
    """Write a model with its first dimensions set to ``batch``."""
    model = onnx.load(source)
    for port in model.graph.input:
        port.type.tensor_type.shape.dim[0].dim_value = batch
    for port in model.graph.output:
        port.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    onnx.save(model, target)
