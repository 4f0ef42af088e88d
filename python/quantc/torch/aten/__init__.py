"""Programs of ATen operators as ONNX models.

``translate`` makes an ONNX model of an exported program, which the importer reads like any other;
the operators are in ``table.TABLE``, filled by one module for each family of them.
"""

from quantc.torch.aten import (
    contractions,
    elementwise,
    indexing,
    normalization,
    quantized,
    recurrent,
    reductions,
    shapes,
    windows,
)
from quantc.torch.aten.table import TABLE, get_decompositions
from quantc.torch.aten.translator import translate

__all__ = [
    "TABLE",
    "contractions",
    "elementwise",
    "get_decompositions",
    "indexing",
    "normalization",
    "quantized",
    "recurrent",
    "reductions",
    "shapes",
    "translate",
    "windows",
]
