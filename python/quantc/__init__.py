"""quantc, a quantizing compiler for CPUs.

    >>> import quantc
    >>> model = quantc.load("model.onnx")
    >>> config = quantc.QuantizationConfig(weight_bits=8, mode="static")
    >>> quantized = quantc.quantize(model, config, calibration_data=batches)
    >>> quantized.layers["fc1"].weight_scale
    >>> program = quantc.compile(quantized)
    >>> y = program(x)
    >>> program.save("model.so")

What is refused raises ``quantc.Error``; what is probably not meant warns with
``quantc.QuantizationWarning``.
"""

import importlib
from types import ModuleType

from quantc._quantc import (
    CalibrationTable,
    Layer,
    Model,
    Port,
    Program,
    __version__,
    interpret,
    load_program,
)
from quantc.adapter import Adapter, AdapterLayer, SavedModule, load_adapter
from quantc.calibration import calibrate
from quantc.compilation import compile, emit
from quantc.config import QuantizationConfig
from quantc.errors import Error, QuantizationWarning
from quantc.export import export_onnx
from quantc.lora import insert_lora
from quantc.merging import LayerSurvival, Survival, merge_lora, unmerge_lora
from quantc.moments import SecondMoments, collect_second_moments
from quantc.quantization import quantize
from quantc.training import AdapterTrainer, Trainer

__all__ = [
    "Adapter",
    "AdapterLayer",
    "AdapterTrainer",
    "CalibrationTable",
    "Error",
    "Layer",
    "LayerSurvival",
    "Model",
    "Port",
    "Program",
    "QuantizationConfig",
    "QuantizationWarning",
    "SavedModule",
    "SecondMoments",
    "Survival",
    "Trainer",
    "__version__",
    "calibrate",
    "collect_second_moments",
    "compile",
    "emit",
    "export_onnx",
    "insert_lora",
    "interpret",
    "load",
    "load_adapter",
    "load_program",
    "merge_lora",
    "quantize",
    "unmerge_lora",
]

load = Model.load


def __getattr__(name: str) -> ModuleType:
    """Import ``quantc.torch`` when it is first used: PyTorch is optional."""
    if name == "torch":
        return importlib.import_module("quantc.torch")
    raise AttributeError(f"module 'quantc' has no attribute '{name}'")
