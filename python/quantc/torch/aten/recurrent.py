"""LSTM, GRU and RNN: each layer is one ONNX operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from quantc.torch.aten.graph import Tensor
from quantc.torch.aten.table import translates
from quantc.torch.aten.translator import Translator


@dataclass(frozen=True)
class Cell:
    """An ONNX operator, and where its gates are among those of PyTorch."""

    operator: str
    gates: tuple[int, ...]
    attributes: dict[str, Any]


# PyTorch has the gates i, f, c, o and r, z, n; ONNX i, o, f, c and z, r, h.
LSTM = Cell("LSTM", (0, 3, 1, 2), {})
GRU = Cell("GRU", (1, 0, 2), {"linear_before_reset": 1})


@translates("aten.lstm.input")
def lstm(t: Translator, x: Tensor, states: Sequence[Tensor], *options: Any) -> list[str]:
    return _translate(t, LSTM, x, states, *options)


@translates("aten.gru.input")
def gru(t: Translator, x: Tensor, state: Tensor, *options: Any) -> list[str]:
    return _translate(t, GRU, x, [state], *options)


@translates("aten.rnn_tanh.input")
def rnn_tanh(t: Translator, x: Tensor, state: Tensor, *options: Any) -> list[str]:
    return _translate(t, Cell("RNN", (0,), {"activations": ["Tanh"]}), x, [state], *options)


@translates("aten.rnn_relu.input")
def rnn_relu(t: Translator, x: Tensor, state: Tensor, *options: Any) -> list[str]:
    return _translate(t, Cell("RNN", (0,), {"activations": ["Relu"]}), x, [state], *options)


def _translate(t: Translator, cell: Cell, x: Tensor, states: Sequence[Tensor],
               parameters: Sequence[Tensor], has_biases: bool, num_layers: int, dropout: float,
               train: bool, bidirectional: bool, batch_first: bool) -> list[str]:  # fmt: skip
    """``states`` are [layers * directions, batch, hidden]; returns all outputs and last states."""
    if dropout and train and num_layers > 1:
        raise t.refuse("dropout in training mode; expects a program exported after eval()")
    directions = 2 if bidirectional else 1
    each = len(parameters) // (num_layers * directions)
    if each != (4 if has_biases else 2):
        raise t.refuse("a projection of the hidden state; expects proj_size=0")
    attributes = dict(cell.attributes)
    attributes["hidden_size"] = parameters[1].shape[1]
    if bidirectional:
        attributes["direction"] = "bidirectional"
        if "activations" in attributes:
            attributes["activations"] *= 2
    given = t.node.args[1]
    are_zero = all(map(t.is_zero, given if isinstance(given, list | tuple) else [given]))

    name = t.name
    value = t.emit("Transpose", x, perm=[1, 0, 2]) if batch_first else x.name
    lasts: list[list[str]] = [[] for _ in states]
    for layer in range(num_layers):
        t.name = name if num_layers == 1 else f"{name}.l{layer}"
        rows = [
            parameters[index : index + each]
            for index in range(layer * directions * each, (layer + 1) * directions * each, each)
        ]
        weights = [_stack(t, cell, [row[kind] for row in rows]) for kind in (0, 1)]
        biases = None
        if has_biases:
            biases = t.constant(
                torch.cat([torch.cat([_order(t, cell, row[2]), _order(t, cell, row[3])])[None]
                           for row in rows])
            )  # fmt: skip
        start, end = t.ints([layer * directions]), t.ints([(layer + 1) * directions])
        initial = [
            None if are_zero else t.emit("Slice", state, start, end, t.ints([0]))
            for state in states
        ]
        outputs = t.emit_many(cell.operator, 1 + len(states), value, *weights, biases, None,
                              *initial, **attributes)  # fmt: skip
        # [length, directions, batch, hidden] to [length, batch, directions * hidden].
        ordered = t.emit("Transpose", outputs[0], perm=[0, 2, 1, 3])
        value = t.emit("Reshape", ordered, t.ints([0, 0, -1]))
        for last, output in zip(lasts, outputs[1:], strict=True):
            last.append(output)
    t.name = name
    if batch_first:
        value = t.emit("Transpose", value, perm=[1, 0, 2])
    return [value, *(x[0] if len(x) == 1 else t.emit("Concat", *x, axis=0) for x in lasts)]


def _order(t: Translator, cell: Cell, parameter: Tensor) -> torch.Tensor:
    """A constant with its gates in the order of ONNX."""
    value = t.value_of(parameter)
    if value is None:
        raise t.refuse("weights that are computed; expects constant ones")
    gates = value.detach().chunk(len(cell.gates))
    return torch.cat([gates[gate] for gate in cell.gates])


def _stack(t: Translator, cell: Cell, parameters: Sequence[Tensor]) -> str:
    """Constants, one for each direction."""
    return t.constant(torch.stack([_order(t, cell, parameter) for parameter in parameters]))
