"""oneDNN's matmul through its C interface: weights reordered ahead, scales and bias fused.

It has no dynamic quantization, and its INT8 kernels no zero point for activations at full speed, so
activations of u8 are those of i8 without the negative ones. OpenVINO and PyTorch, which bring later
versions of it, cover the rest.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from ctypes import byref, c_int, c_int64, c_void_p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.entry import Context, Entry, Peer
from bench.problem import Problem

_CPU = 1
_IN_ORDER = 1
_ANY_LAYOUT = 1
_QUERY_WEIGHTS = 131
_ALLOCATE = c_void_p(-1)
_TYPES = {"float32": 3, "int8": 5, "uint8": 6}
_SOURCE, _TARGET, _WEIGHTS, _BIAS, _SCALES = 1, 17, 33, 41, 4096
_REORDER_SOURCE, _REORDER_TARGET = _SOURCE, _TARGET

_Dimensions = c_int64 * 12


class _Argument(ctypes.Structure):
    """dnnl_exec_arg_t."""

    _fields_ = (("role", c_int), ("memory", c_void_p))


class OneDnnPeer(Peer):
    """oneDNN 3.2."""

    name = "onednn"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._library = ctypes.CDLL(str(Path(sys.prefix) / "lib" / "libdnnl.so.3"))
        self._engine = self._make("engine_create", c_int(_CPU), ctypes.c_size_t(0))
        self._stream = self._make("stream_create", self._engine, c_int(_IN_ORDER))

    def list_entries(self, problem: Problem) -> dict[str, Callable[[], Entry]]:
        if problem.case.workload == "W1":
            return {
                "s8s8": lambda: self._make_static(problem, np.int8),
                "u8s8": lambda: self._make_static(problem, np.uint8),
            }
        if problem.case.workload == "W4":
            return {"f32": lambda: self._make_matmul(problem, problem["input"], np.float32)}
        return {}

    def _make_static(self, problem: Problem, kind: type) -> Entry:
        x, scale = problem["quantized_input"], float(problem["output_scale"])
        scales = {
            _SOURCE: problem["input_scale"],
            _WEIGHTS: problem["weight_scale"],
            _TARGET: problem["output_scale"],
        }
        if kind is np.int8:
            return self._make_matmul(problem, x, kind, scales, lambda y: y * scale)
        x = np.maximum(x, 0).astype(kind)
        entry = self._make_matmul(problem, x, kind, scales, lambda y: y * scale)
        weight = problem["quantized_weight"].astype(np.float64) * problem["weight_scale"]
        expected = x * float(problem["input_scale"]) @ weight.T + problem["bias"]
        entry.expected = expected.clip(0, 255 * scale)
        # Its largest output is at least the smaller part of the range.
        entry.tolerance = (0.5 * scale) / entry.expected.max() + 1e-4
        return entry

    def _make_matmul(
        self,
        problem: Problem,
        x: NDArray,
        kind: type,
        scales: dict[int, NDArray] | None = None,
        dequantize: Callable[[NDArray], NDArray] = lambda y: y,
    ) -> Entry:
        """Prepare x times weight plus bias, to an output of ``kind``."""
        weight = problem["weight" if scales is None else "quantized_weight"]
        output = np.zeros(problem["expected"].shape, kind)
        bias = problem["bias"].reshape(1, -1)
        attributes = self._make("primitive_attr_create")
        for role in scales or {}:
            self._check(
                self._library.dnnl_primitive_attr_set_scales_mask(attributes, c_int(role), c_int(0))
            )
        description = self._make(
            "matmul_primitive_desc_create",
            self._engine,
            self._describe(x),
            self._describe_any_layout(weight.T),
            self._describe(bias),
            self._describe(output),
            attributes,
        )
        packed = self._reorder(weight.T, self._query_weights(description))
        arguments = {
            _SOURCE: self._wrap(x),
            _WEIGHTS: packed,
            _BIAS: self._wrap(bias),
            _TARGET: self._wrap(output),
        }
        values = {role: np.reshape(scale, 1) for role, scale in (scales or {}).items()}
        for role, scale in values.items():
            arguments[_SCALES | role] = self._wrap(scale)
        packed_arguments = _pack(arguments)
        return Entry(
            self.context.call_from_c(
                self._library.dnnl_primitive_execute,
                self._make("primitive_create", description),
                self._stream,
                len(packed_arguments),
                packed_arguments,
            ),
            lambda: dequantize(output.astype(np.float64)),
            keep=(x, bias, output, values, packed_arguments),
            release=lambda: self._check(self._library.dnnl_memory_destroy(packed)),
        )

    def _reorder(self, weight: NDArray, description: c_void_p) -> c_void_p:
        """Return a copy of ``weight`` in the layout of ``description``."""
        target = self._make("memory_create", description, self._engine, _ALLOCATE)
        reorder = self._make(
            "reorder_primitive_desc_create",
            self._describe(weight),
            self._engine,
            description,
            self._engine,
            None,
        )
        arguments = _pack({_REORDER_SOURCE: self._wrap(weight), _REORDER_TARGET: target})
        self._check(
            self._library.dnnl_primitive_execute(
                self._make("primitive_create", reorder), self._stream, len(arguments), arguments
            )
        )
        return target

    def _query_weights(self, description: c_void_p) -> c_void_p:
        query = self._library.dnnl_primitive_desc_query_md
        query.restype = c_void_p
        return c_void_p(query(description, c_int(_QUERY_WEIGHTS), c_int(0)))

    def _wrap(self, array: NDArray) -> c_void_p:
        """Return a memory that is ``array``."""
        address = c_void_p(array.ctypes.data)
        return self._make("memory_create", self._describe(array), self._engine, address)

    def _describe(self, array: NDArray) -> c_void_p:
        strides = _get_dimensions([stride // array.itemsize for stride in array.strides])
        return self._describe_as("memory_desc_create_with_strides", array, strides)

    def _describe_any_layout(self, array: NDArray) -> c_void_p:
        return self._describe_as("memory_desc_create_with_tag", array, c_int(_ANY_LAYOUT))

    def _describe_as(self, function: str, array: NDArray, layout: object) -> c_void_p:
        kind = c_int(_TYPES[array.dtype.name])
        return self._make(function, c_int(array.ndim), _get_dimensions(array.shape), kind, layout)

    def _make(self, function: str, *arguments: object) -> c_void_p:
        """Call what makes an object, which lives as long as the process."""
        made = c_void_p()
        self._check(getattr(self._library, f"dnnl_{function}")(byref(made), *arguments))
        return made

    @staticmethod
    def _check(status: int) -> None:
        if status:
            raise RuntimeError(f"oneDNN returned status {status}")


def _get_dimensions(sizes: Sequence[int]) -> ctypes.Array[c_int64]:
    return _Dimensions(*sizes)


def _pack(arguments: dict[int, c_void_p]) -> ctypes.Array[_Argument]:
    """Return the arguments of an execution as an array of structs."""
    packed = [_Argument(role, memory) for role, memory in arguments.items()]
    return (_Argument * len(packed))(*packed)


PEER = OneDnnPeer
