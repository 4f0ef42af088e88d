"""quantc, a quantizing compiler for CPUs.

>>> import quantc
>>> model = quantc.load("model.onnx")
>>> model.inputs
[Port('image', float32(batch, 784))]
"""

from quantc._quantc import Model, Port, __version__
from quantc.config import QuantizationConfig
from quantc.errors import Error, QuantizationWarning

__all__ = [
    "Error",
    "Model",
    "Port",
    "QuantizationConfig",
    "QuantizationWarning",
    "__version__",
    "load",
]

load = Model.load
