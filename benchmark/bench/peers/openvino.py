"""OpenVINO: models built in Python, compiled and run through its C API.

Its own default precision on a machine with AMX-BF16 is bf16, so both are measured.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import openvino.opset13 as ops
from numpy.typing import NDArray

from bench.entry import Context, Entry, Facts, Peer, call_from_python
from bench.memory import measure_rise
from bench.problem import Problem, RealProblem

_BF16_TOLERANCE = 0.02
_GROUP_SIZE = "DYNAMIC_QUANTIZATION_GROUP_SIZE"
_LEVELS = 256


class OpenVinoPeer(Peer):
    """OpenVINO's CPU plugin."""

    name = "openvino"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        (path,) = (Path(openvino.__file__).parent / "libs").glob("libopenvino_c.so*")
        self._library = ctypes.CDLL(str(path))
        self._core = ctypes.c_void_p()
        self._check(self._library.ov_core_create(ctypes.byref(self._core)))

    def list_entries(self, problem: Problem) -> dict[str, Callable[[], Entry]]:
        workload, case = problem.case.workload, problem.case
        if isinstance(problem, RealProblem):
            forms = {
                "f32": ("float", "f32"),
                "bf16": ("float", "bf16"),
                "INT8 static": ("static", "f32"),
            }
            return {
                name: lambda form=form, precision=precision: self._make_real(
                    problem, problem.get_model(form), precision
                )
                for name, (form, precision) in forms.items()
            }
        if workload == "W1":
            return {
                "u8s8": lambda: self._make_static_layer(problem, np.uint8, 128),
                "s8s8": lambda: self._make_static_layer(problem, np.int8, 0),
            }
        if workload == "W4":
            return {
                "f32": lambda: self._make_layer(problem, problem["weight"]),
                "bf16": lambda: self._make_layer(problem, problem["weight"], "bf16"),
            }
        if workload == "W5":
            return {
                case.mode: lambda: self._make_mlp(problem),
                # What a user gets who quantizes nothing.
                **({"bf16": lambda: self._make_mlp(problem, "bf16")} if case.is_float else {}),
            }
        if workload == "W6":
            return {}
        make = _compress_int8 if workload == "W2" else _compress_int4
        groups = (32, case.depth) if workload == "W2" else (32, 128)
        return {
            **{
                f"int8 group {size}": lambda size=size: self._make_layer(
                    problem, make(problem), "f32", size
                )
                for size in groups
            },
            "f32": lambda: self._make_layer(problem, make(problem), "f32", 0),
            "bf16": lambda: self._make_layer(problem, make(problem), "bf16", 32),
        }

    def _make_static_layer(self, problem: Problem, kind: type, zero: int) -> Entry:
        case, scale = problem.case, problem["output_scale"]
        x = ops.parameter([case.rows, case.depth], kind)
        shifted = ops.subtract(ops.convert(x, "f32"), ops.constant(np.float32(zero)))
        scaled = ops.multiply(shifted, ops.constant(problem["input_scale"]))
        weight_scale = np.full((case.columns, 1), problem["weight_scale"])
        weight = ops.multiply(
            ops.convert(ops.constant(problem["quantized_weight"]), "f32"),
            ops.constant(weight_scale),
        )
        low, high = np.float32(-128 * scale), np.float32(127 * scale)
        y = ops.fake_quantize(
            _add_linear(scaled, weight, problem["bias"]),
            ops.constant(low),
            ops.constant(high),
            ops.constant(np.float32(np.iinfo(kind).min)),
            ops.constant(np.float32(np.iinfo(kind).max)),
            _LEVELS,
        )
        model = openvino.Model([ops.convert(y, openvino.Type(kind))], [x], "layer")
        data = (problem["quantized_input"].astype(np.int16) + zero).astype(kind)
        return self._call_from_c(model, data, {}, lambda y: (y.astype(np.float64) - zero) * scale)

    def _make_layer(
        self, problem: Problem, weight: Any, precision: str = "f32", group_size: int | None = None
    ) -> Entry:
        x = ops.parameter(problem["input"].shape, np.float32)
        y = _add_linear(x, weight, problem["bias"])
        model = openvino.Model([y], [x], "layer")
        options = _get_options(precision)
        if group_size is not None:
            options[_GROUP_SIZE] = group_size
        entry = self._call_from_c(model, problem["input"], options)
        if precision == "bf16":
            entry.tolerance = _BF16_TOLERANCE
        return entry

    def _make_mlp(self, problem: Problem, precision: str = "f32") -> Entry:
        mode, options = problem.case.mode, _get_options(precision)
        weights = [problem["weight_1"], problem["weight_2"]]
        if mode != "float":
            weights = [_quantize_rows(weight) for weight in weights]
        if mode == "dynamic":
            options[_GROUP_SIZE] = problem.case.depth
        x = ops.parameter(problem["input"].shape, np.float32)
        value: Any = x
        for index, (weight, name) in enumerate(zip(weights, ("input", "hidden"), strict=True), 1):
            if mode == "static":
                value = _fake_quantize(value, problem[name])
            value = _add_linear(value, weight, problem[f"bias_{index}"])
            if index == 1:
                value = ops.relu(value)
        model = openvino.Model([value], [x], "mlp")
        if problem.case.interface == "C":
            entry = self._call_from_c(model, problem["input"], options)
        else:
            entry = self._call_from_python(model, problem["input"], options)
        if precision == "bf16":
            entry.tolerance = _BF16_TOLERANCE
        return entry

    def _make_real(self, problem: RealProblem, path: Path, precision: str) -> Entry:
        inputs = problem.batches[0]
        with measure_rise() as rise:
            start = time.perf_counter()
            request, release = self._create_request(path, _get_options(precision))
            seconds = time.perf_counter() - start
            infer = self._library.ov_infer_request_infer
            sources = [self._get_input(request, index) for index in range(len(inputs))]

            def set_inputs(values: Sequence[NDArray]) -> None:
                for source, array in zip(sources, values, strict=True):
                    ctypes.memmove(source, np.ascontiguousarray(array).ctypes.data, array.nbytes)

            set_inputs(inputs)
            self._check(infer(request))
        target = ctypes.cast(self._get_output(request), ctypes.POINTER(ctypes.c_float))
        size = problem["expected"][: problem.case.rows].size
        output = np.ctypeslib.as_array(target, (size,))
        return Entry(
            self.context.call_from_c(infer, request),
            lambda: output,
            set_inputs=set_inputs,
            facts=Facts(path.stat().st_size, seconds, rise.bytes),
            release=release,
        )

    def _call_from_python(
        self, model: openvino.Model, x: NDArray, options: Mapping[str, object]
    ) -> Entry:
        compiled = openvino.Core().compile_model(model, "CPU", self._add_options(options))
        return Entry(call_from_python(lambda: compiled(x)), lambda: compiled(x)[0])

    def _call_from_c(
        self,
        model: openvino.Model,
        x: NDArray,
        options: Mapping[str, object],
        dequantize: Callable[[NDArray], NDArray] = lambda y: y,
    ) -> Entry:
        path = self.context.folder / "model.xml"
        openvino.save_model(model, path, compress_to_fp16=False)
        request, release = self._create_request(path, options)
        infer = self._library.ov_infer_request_infer
        source = self._get_input(request, 0)
        ctypes.memmove(source, np.ascontiguousarray(x).ctypes.data, x.nbytes)
        self._check(infer(request))
        shape = tuple(model.outputs[0].get_shape())
        kind = np.ctypeslib.as_ctypes_type(model.outputs[0].get_element_type().to_dtype())
        target = ctypes.cast(self._get_output(request), ctypes.POINTER(kind))
        output = np.ctypeslib.as_array(target, shape)
        return Entry(
            self.context.call_from_c(infer, request), lambda: dequantize(output), release=release
        )

    def _create_request(
        self, path: Path, options: Mapping[str, object]
    ) -> tuple[ctypes.c_void_p, Callable[[], None]]:
        """Compile the model in ``path``; return what runs it and what frees all of it."""
        library, check = self._library, self._check
        read, compiled, request = (ctypes.c_void_p() for _ in range(3))
        reference = ctypes.byref(read)
        check(library.ov_core_read_model(self._core, str(path).encode(), None, reference))
        texts = [
            ctypes.c_char_p(str(text).encode())
            for option in self._add_options(options).items()
            for text in option
        ]
        check(
            library.ov_core_compile_model(
                self._core,
                read,
                b"CPU",
                ctypes.c_size_t(len(texts)),
                ctypes.byref(compiled),
                *texts,
            )
        )
        check(library.ov_compiled_model_create_infer_request(compiled, ctypes.byref(request)))

        def release() -> None:
            library.ov_infer_request_free(request)
            library.ov_compiled_model_free(compiled)
            library.ov_model_free(read)

        return request, release

    def _get_input(self, request: ctypes.c_void_p, index: int) -> ctypes.c_void_p:
        """Return the address of an input."""
        get_tensor = self._library.ov_infer_request_get_input_tensor_by_index
        return self._get_data(get_tensor, request, index)

    def _get_output(self, request: ctypes.c_void_p) -> ctypes.c_void_p:
        """Return the address of the first output."""
        get_tensor = self._library.ov_infer_request_get_output_tensor_by_index
        return self._get_data(get_tensor, request, 0)

    def _get_data(
        self, get_tensor: ctypes._CFuncPtr, request: ctypes.c_void_p, index: int
    ) -> ctypes.c_void_p:
        """Return the address of the tensor ``index`` that ``get_tensor`` finds."""
        tensor, data = ctypes.c_void_p(), ctypes.c_void_p()
        self._check(get_tensor(request, ctypes.c_size_t(index), ctypes.byref(tensor)))
        self._check(self._library.ov_tensor_data(tensor, ctypes.byref(data)))
        return data

    def _add_options(self, options: Mapping[str, object]) -> dict[str, object]:
        return {
            **options,
            "INFERENCE_NUM_THREADS": self.context.threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            # We pin it ourselves.
            "ENABLE_CPU_PINNING": "NO",
        }

    @staticmethod
    def _check(status: int) -> None:
        if status:
            raise RuntimeError(f"OpenVINO returned status {status}")


def _get_options(precision: str) -> dict[str, object]:
    return {"INFERENCE_PRECISION_HINT": precision}


def _add_linear(x: Any, weight: Any, bias: NDArray) -> Any:
    """Return ``x`` by ``weight`` [columns, depth], plus ``bias``."""
    if isinstance(weight, np.ndarray):
        weight = ops.constant(weight)
    return ops.add(ops.matmul(x, weight, False, True), ops.constant(bias.reshape(1, -1)))


def _fake_quantize(x: Any, values: NDArray) -> Any:
    """Quantize ``x`` to the range of ``values``."""
    low, high = (ops.constant(np.float32(v)) for v in (min(values.min(), 0), values.max()))
    return ops.fake_quantize(x, low, high, low, high, _LEVELS)


def _quantize_rows(weight: NDArray) -> Any:
    scale = (np.abs(weight).max(axis=1, keepdims=True) / 127).astype(np.float32)
    quantized = np.rint(weight / scale).clip(-127, 127).astype(np.int8)
    return _scale(ops.constant(quantized), scale)


def _compress_int8(problem: Problem) -> Any:
    scale = np.full((problem.case.columns, 1), problem["weight_scale"])
    return _scale(ops.constant(problem["quantized_weight"]), scale)


def _compress_int4(problem: Problem) -> Any:
    case = problem.case
    shape = [case.columns, case.depth // case.group_size, case.group_size]
    nibbles = problem["quantized_weight"].astype(np.uint8) & 15
    # A tensor made of an array would not keep the array alive.
    tensor = openvino.Tensor(openvino.Type.i4, openvino.Shape(shape))
    tensor.data.view(np.uint8)[:] = (nibbles[:, 0::2] | nibbles[:, 1::2] << 4).reshape(-1)
    scale = problem["weight_scale"].reshape(*shape[:2], 1)
    layer = ops.constant(np.array([case.columns, case.depth], np.int64))
    return _scale(ops.constant(tensor), scale, lambda weight: ops.reshape(weight, layer, False))


def _scale(quantized: Any, scale: NDArray, change: Callable[[Any], Any] = lambda w: w) -> Any:
    """Return weights in the form that the plugin keeps compressed: scales in f16."""
    f16 = ops.multiply(ops.convert(quantized, "f16"), ops.constant(scale.astype(np.float16)))
    return ops.convert(change(f16), "f32")


PEER = OpenVinoPeer
