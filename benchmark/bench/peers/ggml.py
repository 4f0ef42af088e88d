"""ggml, as llama-cpp-python ships it, through its C interface; it adds no bias.

Weights are quantized by ggml and checked against what it makes of them. What it calls a buffer
type decides on the packing and so on the kernels: AMX, CPU_REPACK or CPU.
"""

from __future__ import annotations

import ctypes
import itertools
import sys
from collections.abc import Callable
from ctypes import c_bool, c_char_p, c_int, c_int64, c_size_t, c_void_p
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.entry import Context, Entry, Peer
from bench.problem import Problem
from bench.workloads import Case

_F32 = 0
_CPU_DEVICE = 0
_USAGE_WEIGHTS = 1
_BYTES_OF_GRAPH = 1 << 20
_GET_EXTRA_BUFFER_TYPES = b"ggml_backend_dev_get_extra_bufts"


@dataclass(frozen=True)
class _Type:
    number: int
    block: int
    """K must be a multiple of it."""


_TYPES = {
    "F32": _Type(_F32, 1),
    "Q4_0": _Type(2, 32),
    "Q8_0": _Type(8, 32),
    "Q4_K": _Type(12, 256),
}
_OFFERS = {
    "W2": (("Q8_0", "AMX"), ("Q8_0", "CPU")),
    "W3": (
        *(("Q4_0", "AMX"), ("Q4_0", "CPU_REPACK"), ("Q4_0", "CPU")),
        *(("Q4_K", "AMX"), ("Q4_K", "CPU_REPACK")),
    ),
    "W4": (("F32", "CPU"),),
}


class _InitParams(ctypes.Structure):
    """struct ggml_init_params."""

    _fields_ = (("size", c_size_t), ("buffer", c_void_p), ("no_alloc", c_bool))


class _TypeTraits(ctypes.Structure):
    """struct ggml_type_traits, up to what is used."""

    _fields_ = (
        ("name", c_char_p),
        ("block", c_int64),
        ("interleave", c_int64),
        ("size", c_size_t),
        ("quantized", c_bool),
        ("to_float", ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_int64)),
    )


_SIGNATURES = {
    "ggml_backend_alloc_ctx_tensors_from_buft": (c_void_p, c_void_p, c_void_p),
    "ggml_backend_buffer_free": (None, c_void_p),
    "ggml_backend_buffer_set_usage": (None, c_void_p, c_int),
    "ggml_backend_buft_name": (c_char_p, c_void_p),
    "ggml_backend_cpu_buffer_type": (c_void_p,),
    "ggml_backend_cpu_init": (c_void_p,),
    "ggml_backend_cpu_set_n_threads": (None, c_void_p, c_int),
    "ggml_backend_dev_backend_reg": (c_void_p, c_void_p),
    "ggml_backend_dev_by_type": (c_void_p, c_int),
    "ggml_backend_reg_get_proc_address": (c_void_p, c_void_p, c_char_p),
    "ggml_backend_supports_op": (c_bool, c_void_p, c_void_p),
    "ggml_backend_tensor_set": (None, c_void_p, c_void_p, c_size_t, c_size_t),
    "ggml_build_forward_expand": (None, c_void_p, c_void_p),
    "ggml_free": (None, c_void_p),
    "ggml_get_data": (c_void_p, c_void_p),
    "ggml_get_type_traits": (ctypes.POINTER(_TypeTraits), c_int),
    "ggml_init": (c_void_p, _InitParams),
    "ggml_mul_mat": (c_void_p, c_void_p, c_void_p, c_void_p),
    "ggml_new_graph": (c_void_p, c_void_p),
    "ggml_new_tensor_2d": (c_void_p, c_void_p, c_int, c_int64, c_int64),
    "ggml_quantize_chunk": (
        *(c_size_t, c_int, c_void_p, c_void_p),
        *(c_int64, c_int64, c_int64, c_void_p),
    ),
    "ggml_row_size": (c_size_t, c_int, c_int64),
}
"""What each function returns and takes."""


def _load(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    for name, (returns, *takes) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = returns, takes
    return library


class GgmlPeer(Peer):
    """ggml's CPU backend."""

    name = "ggml"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._ggml = _load(Path(sys.prefix) / "build" / "src" / "libggml.so")
        self._backend = self._ggml.ggml_backend_cpu_init()
        self._ggml.ggml_backend_cpu_set_n_threads(self._backend, context.threads)
        self._buffer_types = self._list_buffer_types()

    def list_entries(self, problem: Problem) -> dict[str, Callable[[], Entry]]:
        case = problem.case
        # Its groups are of 32 weights.
        if case.workload not in _OFFERS or case.group_size not in (0, 32):
            return {}
        return {
            f"{kind} {buffer}": lambda kind=kind, buffer=buffer: self._make(problem, kind, buffer)
            for kind, buffer in _OFFERS[case.workload]
            if buffer in self._buffer_types and case.depth % _TYPES[kind].block == 0
        }

    def _make(self, problem: Problem, kind: str, buffer: str) -> Entry:
        case, ggml, type_of_weight = problem.case, self._ggml, _TYPES[kind]
        contexts = [ggml.ggml_init(_InitParams(_BYTES_OF_GRAPH, None, True)) for _ in range(2)]
        weight = ggml.ggml_new_tensor_2d(
            contexts[0], type_of_weight.number, case.depth, case.columns
        )
        x = ggml.ggml_new_tensor_2d(contexts[1], _F32, case.depth, case.rows)
        y = ggml.ggml_mul_mat(contexts[1], weight, x)
        buffers = [
            ggml.ggml_backend_alloc_ctx_tensors_from_buft(context, self._buffer_types[name])
            for context, name in zip(contexts, (buffer, "CPU"), strict=True)
        ]
        ggml.ggml_backend_buffer_set_usage(buffers[0], _USAGE_WEIGHTS)
        if not ggml.ggml_backend_supports_op(self._backend, y):
            raise RuntimeError(f"{buffer} does not take {kind}")
        quantized = self._quantize(problem["weight"], type_of_weight.number)
        for tensor, data in ((weight, quantized), (x, problem["input"])):
            ggml.ggml_backend_tensor_set(tensor, data.ctypes.data, 0, data.nbytes)
        graph = ggml.ggml_new_graph(contexts[1])
        ggml.ggml_build_forward_expand(graph, y)
        address = ctypes.cast(ggml.ggml_get_data(y), ctypes.POINTER(ctypes.c_float))
        output = np.ctypeslib.as_array(address, (case.rows, case.columns))

        def release() -> None:
            for each in buffers:
                ggml.ggml_backend_buffer_free(each)
            for each in contexts:
                ggml.ggml_free(each)

        return Entry(
            self.context.call_from_c(ggml.ggml_backend_graph_compute, self._backend, graph),
            lambda: output,
            expected=problem["input"] @ self._dequantize(quantized, type_of_weight, case).T,
            release=release,
        )

    def _quantize(self, weight: NDArray, kind: int) -> NDArray:
        """Return ``weight`` [columns, depth] as the bytes of ggml's type ``kind``."""
        if kind == _F32:
            return weight
        columns, depth = weight.shape
        data = np.zeros(columns * self._ggml.ggml_row_size(kind, depth), np.uint8)
        self._ggml.ggml_quantize_chunk(
            kind, weight.ctypes.data, data.ctypes.data, 0, columns, depth, None
        )
        return data

    def _dequantize(self, data: NDArray, kind: _Type, case: Case) -> NDArray:
        if kind.number == _F32:
            return data
        weight = np.empty((case.columns, case.depth), np.float32)
        traits = self._ggml.ggml_get_type_traits(kind.number).contents
        traits.to_float(data.ctypes.data, weight.ctypes.data, weight.size)
        return weight

    def _list_buffer_types(self) -> dict[str, int]:
        """Return the buffer types of the CPU by name: its own and what it has beyond."""
        ggml = self._ggml
        registry = ggml.ggml_backend_dev_backend_reg(ggml.ggml_backend_dev_by_type(_CPU_DEVICE))
        found = [ggml.ggml_backend_cpu_buffer_type()]
        address = ggml.ggml_backend_reg_get_proc_address(registry, _GET_EXTRA_BUFFER_TYPES)
        if address:
            get_extra = ctypes.CFUNCTYPE(ctypes.POINTER(c_void_p), c_void_p)(address)
            extra = get_extra(ggml.ggml_backend_dev_by_type(_CPU_DEVICE))
            found += itertools.takewhile(bool, (extra[index] for index in itertools.count()))
        return {ggml.ggml_backend_buft_name(each).decode(): each for each in found}


PEER = GgmlPeer
