"""Models of PyTorch, and quantization-aware training with the bytes of the program that ships.

    >>> import quantc.torch
    >>> model = quantc.torch.load(module, example_input)
    >>> module = quantc.torch.prepare_qat(module, config)
    >>> train(module)
    >>> quantc.torch.freeze_observers(module)
    >>> train(module)
    >>> quantized = quantc.torch.convert(module, example_input)

``module.eval()(x)``, ``quantc.interpret(quantized, x)`` and ``quantc.compile(quantized)(x)`` give
the same bytes. Needs the package ``torch``.
"""

import importlib.util

if importlib.util.find_spec("torch") is None:
    raise ImportError(
        "quantc.torch needs PyTorch; install it with `pip install torch`", name="torch"
    )

from quantc.torch.convert import convert
from quantc.torch.convolution import QatConvolution
from quantc.torch.frozen import FrozenLinear, freeze
from quantc.torch.linear import QatLinear
from quantc.torch.load import load
from quantc.torch.observers import (
    disable_fake_quant,
    enable_fake_quant,
    enable_observers,
    freeze_observers,
)
from quantc.torch.prepare import prepare_qat
from quantc.torch.torchao import from_torchao

__all__ = [
    "FrozenLinear",
    "QatConvolution",
    "QatLinear",
    "convert",
    "disable_fake_quant",
    "enable_fake_quant",
    "enable_observers",
    "freeze",
    "freeze_observers",
    "from_torchao",
    "load",
    "prepare_qat",
]
