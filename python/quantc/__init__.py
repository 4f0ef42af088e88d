"""quantc, a quantizing compiler for CPUs.

>>> import quantc
>>> model = quantc.load("model.mlir")
>>> model.inputs
[Port('image', float32(batch, 784))]
"""

from quantc._quantc import Model, Port, __version__
from quantc.errors import Error, QuantizationWarning

__all__ = ["Error", "Model", "Port", "QuantizationWarning", "__version__", "load"]

load = Model.load
