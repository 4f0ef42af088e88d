"""An ONNX graph that is being built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

OPSET = 23
IR_VERSION = 11

ELEMENT_TYPES = {
    torch.float32: TensorProto.FLOAT,
    torch.float64: TensorProto.DOUBLE,
    torch.float16: TensorProto.FLOAT16,
    torch.bfloat16: TensorProto.BFLOAT16,
    torch.bool: TensorProto.BOOL,
    torch.int8: TensorProto.INT8,
    torch.int16: TensorProto.INT16,
    torch.int32: TensorProto.INT32,
    torch.int64: TensorProto.INT64,
    torch.uint8: TensorProto.UINT8,
    torch.uint16: TensorProto.UINT16,
    torch.uint32: TensorProto.UINT32,
    torch.uint64: TensorProto.UINT64,
}

SMALLEST_EXTERNAL = 1024
"""Bytes from which on an initializer is in the data file, since a message ends at 2 GiB."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph; sizes that are not constant are ``torch.SymInt``."""

    name: str
    dtype: torch.dtype
    shape: tuple[Any, ...]

    @property
    def rank(self) -> int:
        return len(self.shape)


@dataclass(frozen=True)
class Size:
    """A size that is not constant: an int64 tensor of shape [1]."""

    name: str


class Graph:
    """Nodes, initializers, inputs and outputs; all names are distinct.

    Large initializers are written to ``data`` at once, so that no weight is held twice.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._file = data.open("wb")
        self._names: set[str] = set()
        self._proto = onnx.GraphProto(name="main")

    def make_name(self, wanted: str) -> str:
        """Return ``wanted`` or, where it is taken, ``wanted_1`` and so on."""
        name, number = wanted, 0
        while name in self._names:
            number += 1
            name = f"{wanted}_{number}"
        self._names.add(name)
        return name

    def add_node(self, operator: str, inputs: Sequence[str], node_name: str, outputs: int = 1,
                 domain: str = "", **attributes: Any) -> list[str]:  # fmt: skip
        """Append a node and return the names of its outputs."""
        names = [self.make_name(f"{node_name}.{operator}") for _ in range(outputs)]
        self._proto.node.append(
            helper.make_node(operator, inputs, names, name=node_name, domain=domain, **attributes)
        )
        return names

    def add_constant(self, value: torch.Tensor, name: str,
                     element_type: int | None = None) -> str:  # fmt: skip
        """Append an initializer and return its name.

        ``element_type`` is that of ONNX; integers of 4 bits come in int8 or uint8.
        """
        name = self.make_name(name)
        value = value.detach().cpu().contiguous()
        if element_type is None:
            element_type = ELEMENT_TYPES[value.dtype]
        if element_type in (TensorProto.INT4, TensorProto.UINT4):
            # Two to a byte, the first one in the low half.
            nibbles = value.numpy().reshape(-1).view(np.uint8) & 15
            nibbles = np.append(nibbles, np.zeros(nibbles.size % 2, np.uint8))
            data = (nibbles[::2] | nibbles[1::2] << 4).tobytes()
        else:
            data = value.reshape(-1).view(torch.uint8).numpy().tobytes()
        proto = self._proto.initializer.add(
            name=name, data_type=element_type, dims=list(value.shape)
        )
        if len(data) < SMALLEST_EXTERNAL:
            proto.raw_data = data
            return name
        proto.data_location = TensorProto.EXTERNAL
        for key, entry in (
            ("location", self._data.name),
            ("offset", self._file.tell()),
            ("length", len(data)),
        ):
            proto.external_data.add(key=key, value=str(entry))
        self._file.write(data)
        return name

    def add_input(self, name: str, dtype: torch.dtype, shape: Sequence[int | str]) -> str:
        """Append an input; sizes that are open are given by name."""
        name = self.make_name(name)
        self._proto.input.append(helper.make_tensor_value_info(name, ELEMENT_TYPES[dtype], shape))
        return name

    def add_output(self, name: str, value: str) -> None:
        """Append the tensor ``value`` as output ``name``."""
        name = self.make_name(name)
        self._proto.node.append(helper.make_node("Identity", [value], [name], name=name))
        self._proto.output.append(onnx.ValueInfoProto(name=name))

    def save(self, path: Path) -> None:
        """Write the model; the data file is complete afterwards."""
        self._file.close()
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(self._proto, ir_version=IR_VERSION, opset_imports=opsets)
        path.write_bytes(model.SerializeToString())
