"""quantc as a backend of the ``onnx`` package.

    >>> from quantc import onnx_backend
    >>> backend = onnx_backend.prepare(onnx.load("model.onnx"))
    >>> (y,) = backend.run([x])

This is the interface of ``onnx.backend.base``, on which the tests of ``onnx`` run. Models are
compiled, or interpreted with ``target=None``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import quantc
from quantc.errors import Error

try:
    import onnx
    from onnx import helper, numpy_helper
    from onnx.backend.base import Backend, BackendRep
except ImportError:
    raise Error("quantc.onnx_backend needs the package onnx; install it") from None

# Inputs that shapes depend on have one dimension at most, and few elements.
_MAX_BOUND_ELEMENTS = 64

_Inputs = Sequence[Any] | Mapping[str, Any] | Any


class QuantcRep(BackendRep):
    """A model that is ready to run.

    Shapes that a model takes as inputs must be known while it is imported. They are bound to the
    values of the first call, and again when a later call has others: if the model cannot be
    imported as it is, its short lists of integers are bound, and if that is not enough, those of
    all types.
    """

    def __init__(self, model: onnx.ModelProto, target: str | None) -> None:
        self._model = model
        self._target = target
        initialized = {tensor.name for tensor in model.graph.initializer}
        self._inputs = [port.name for port in model.graph.input if port.name not in initialized]
        self._outputs = [port.name for port in model.graph.output]
        self._bound: dict[str, NDArray] | None = None
        self._loaded: quantc.Model | None = None
        self._program: quantc.Program | None = None

    def run(self, inputs: _Inputs, **kwargs: Any) -> tuple[Any, ...]:
        """Return the outputs, in the order of the model, for ``inputs`` in that order or by name.

        Elements are arrays, or ``TensorProto``. Raises ``quantc.Error`` for what quantc cannot
        import, and for inputs of another name, shape or type.
        """
        arrays = self._by_name(inputs)
        model = self._load(arrays)
        free = {port.name: arrays[port.name] for port in model.inputs}
        if self._target is None:
            results = quantc.interpret(model, free)
        else:
            if self._program is None:
                self._program = quantc.compile(model, self._target)
            results = self._program(free)
        if not isinstance(results, dict):
            results = {self._outputs[0]: results}
        return tuple(results[name] for name in self._outputs)

    def _by_name(self, inputs: _Inputs) -> dict[str, NDArray]:
        if not isinstance(inputs, Mapping):
            if not isinstance(inputs, (list, tuple)):
                inputs = [inputs]
            if len(inputs) != len(self._inputs):
                raise Error(f"expected {len(self._inputs)} inputs, got {len(inputs)}")
            inputs = dict(zip(self._inputs, inputs, strict=True))
        return {name: _to_array(value) for name, value in inputs.items()}

    def _load(self, arrays: dict[str, NDArray]) -> quantc.Model:
        """Return the model with what it must know bound, from the last call if that is the same."""
        if self._loaded is not None and all(
            name in arrays and np.array_equal(arrays[name], value)
            for name, value in self._bound.items()
        ):
            return self._loaded
        short = {
            name: value
            for name, value in arrays.items()
            if value.ndim <= 1 and value.size <= _MAX_BOUND_ELEMENTS and value.dtype.kind in "biuf"
        }
        integers = {name: value for name, value in short.items() if value.dtype.kind in "iu"}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(self._model.SerializeToString())
            for last, constants in ((False, {}), (False, integers), (True, short)):
                try:
                    self._loaded = quantc.load(path, constants=constants)
                    break
                except Error:
                    if last:
                        raise
        self._bound, self._program = constants, None
        return self._loaded


def _to_array(value: Any) -> NDArray:
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    if not hasattr(value, "dtype"):
        raise Error(f"expected tensors, got {type(value).__name__}")
    return np.asarray(value)


class QuantcBackend(Backend):
    """The interface of ``onnx.backend.base.Backend``."""

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Return whether the model can be imported; shapes must not be inputs."""
        try:
            QuantcRep(model, None)._load({})
        except Error:
            return False
        return cls.supports_device(device)

    @classmethod
    def prepare(
        cls,
        model: onnx.ModelProto,
        device: str = "CPU",
        *,
        target: str | None = "native",
        **kwargs: Any,
    ) -> QuantcRep:
        """Return ``model`` ready to run.

        ``target`` is as for ``quantc.compile``, or None for the reference interpreter. Raises
        ``quantc.Error`` for another device than the CPU.
        """
        if not cls.supports_device(device):
            raise Error(f"device {device!r}; quantc runs on the CPU")
        return QuantcRep(model, target)

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: _Inputs,
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype, tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Run one node of the newest opset, or of ``opset_version``."""
        names = [name for name in node.input if name]
        if isinstance(inputs, Mapping):
            inputs = [inputs[name] for name in names]
        elif not isinstance(inputs, (list, tuple)):
            inputs = [inputs]
        arrays = [_to_array(value) for value in inputs]
        values = [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in zip(names, arrays, strict=True)
        ]
        outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
        graph = helper.make_graph([node], "node", values, outputs)
        opset = kwargs.pop("opset_version", onnx.defs.onnx_opset_version())
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        return cls.prepare(model, device, **kwargs).run(arrays)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Return whether ``device`` is the CPU."""
        return device.split(":")[0] == "CPU"


is_compatible = QuantcBackend.is_compatible
prepare = QuantcBackend.prepare
run_model = QuantcBackend.run_model
run_node = QuantcBackend.run_node
supports_device = QuantcBackend.supports_device
